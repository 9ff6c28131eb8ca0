from __future__ import annotations

import json
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from amf_client._tensors import pack


def put_mlp(project: Any, revision: str, network: nn.Sequential, *, role: str = "both", sigma: float = 1.0, summary: Any = None, **moments: Any) -> None:
    layers = []
    for i, layer in enumerate(network):
        if isinstance(layer, nn.Linear):
            layers.append({"op": "linear", "weight": f"{i}.weight", "bias": f"{i}.bias"})
        elif isinstance(layer, nn.LayerNorm):
            layers.append({"op": "layer_norm", "weight": f"{i}.weight", "bias": f"{i}.bias", "eps": layer.eps})
        else:
            layers.append({"op": "relu"})
    tensors = {k: v.detach().numpy() for k, v in network.state_dict().items()}
    tensors.update({k: np.asarray(v) for k, v in moments.items() if v is not None})
    if summary is not None:
        tensors["summary"] = np.asarray(summary)
    data = pack(tensors, {"kind": "mlp", "layers": json.dumps(layers), "sigma": str(sigma), "role": role})
    project.policies._transport.json(project.policies._file(data, revision))


def hidden_features(policy: nn.Module, layer: str, *inputs: Tensor) -> tuple[Tensor, Tensor]:
    seen: list[Tensor] = []
    hook = policy.get_submodule(layer).register_forward_pre_hook(lambda _, args: seen.append(args[0]))
    try:
        with torch.no_grad():
            output = policy(*inputs)
    finally:
        hook.remove()
    return seen[0], output
