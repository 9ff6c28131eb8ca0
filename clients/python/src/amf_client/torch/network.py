"""A multilayer network as a revision that the server evaluates: its layers in words, its weights as they are.

Only modules of exactly the known types are taken, and none with hooks: a subclass or a hook may compute anything, and
what the server computed then would be another network's.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor, nn

from .._tensors import as_matrix
from ..models import Revision
from ..project import Project
from .errors import NotExportable, ShapeError
from .layers import check_parameters

LEFT_OUT = (nn.Dropout, nn.Identity)
KNOWN = "Linear, LayerNorm over one axis, ReLU, GELU and Tanh; Dropout is left out. upload_features takes any policy"

Role = Literal["selection", "likelihood", "both"]


def _flat(network: nn.Module, prefix: str = "") -> Iterator[tuple[str, nn.Module]]:
    if type(network) is not nn.Sequential:
        yield prefix.removesuffix("."), network
        return
    _refuse_hooks(prefix.removesuffix("."), network)
    for name, module in network._modules.items():  # named_children() leaves out what comes a second time
        if module is not None:
            yield from _flat(module, f"{prefix}{name}.")


def _named(name: str, module: nn.Module) -> str:
    return f"layer {name!r} ({type(module).__name__})" if name else type(module).__name__


def _refuse_hooks(name: str, module: nn.Module) -> None:
    if module._forward_hooks or module._forward_pre_hooks:
        raise NotExportable(f"{_named(name, module)} has hooks, which may change what it computes; remove them first")


def _operation(name: str, module: nn.Module) -> dict[str, Any]:
    """A layer as the server is told of it. Raises NotExportable."""
    if type(module) is nn.Linear:
        return {"op": "linear"}
    if type(module) is nn.LayerNorm and len(module.normalized_shape) == 1:
        return {"op": "layer_norm", "eps": module.eps}
    if type(module) is nn.ReLU:
        return {"op": "relu"}
    if type(module) is nn.Tanh:
        return {"op": "tanh"}
    if type(module) is nn.GELU:
        return {"op": {"none": "gelu", "tanh": "gelu_tanh"}[module.approximate]}
    raise NotExportable(f"{_named(name, module)} is nothing that the server evaluates. It knows {KNOWN}")


def _numbers(values: Tensor) -> NDArray[np.floating[Any]]:
    values = values.detach().cpu()
    if values.dtype not in (torch.float16, torch.float32, torch.float64):
        values = values.float()
    result: NDArray[np.floating[Any]] = values.contiguous().numpy()
    return result


def _tensors_of(name: str, module: nn.Module) -> dict[str, NDArray[np.floating[Any]]]:
    """Weight and bias by their wire names; a norm that has no weight is one with ones."""
    values = {"weight": getattr(module, "weight", None), "bias": getattr(module, "bias", None)}
    if isinstance(module, nn.LayerNorm) and values["weight"] is None:
        values["weight"] = torch.ones(module.normalized_shape)
    return {f"{name}.{key}".lstrip("."): _numbers(value) for key, value in values.items() if value is not None}


def describe(network: nn.Module) -> tuple[list[dict[str, Any]], dict[str, NDArray[np.floating[Any]]]]:
    """The operations, input first, and the tensors they name."""
    layers: list[dict[str, Any]] = []
    tensors: dict[str, NDArray[np.floating[Any]]] = {}
    last = ("", network)
    for name, module in _flat(network):
        _refuse_hooks(name, module)
        if type(module) in LEFT_OUT:
            continue
        layer, last = _operation(name, module), (name, module)
        if own := _tensors_of(name, module):
            weight, bias = f"{name}.weight".lstrip("."), f"{name}.bias".lstrip(".")
            layer |= {"weight": weight, "bias": bias if bias in own else None}
        tensors |= own
        layers.append(layer)
    if not layers or layers[-1]["op"] != "linear":
        raise NotExportable(f"{_named(*last)} is the last; expected a Linear, whose input is the last hidden layer")
    return layers, tensors


def _moments(side: str, mean: ArrayLike | None, std: ArrayLike | None) -> dict[str, NDArray[np.float64]]:
    if mean is None and std is None:
        return {}
    known = np.asarray(mean if mean is not None else std, dtype=np.float64)
    first = known if mean is not None else np.zeros_like(known)
    second = np.ones_like(known) if std is None else np.asarray(std, dtype=np.float64)
    if first.ndim != 1 or first.shape != second.shape:
        raise ShapeError(f"{side}_mean and {side}_std are {first.shape} and {second.shape}; expected two of one length")
    return {f"{side}_mean": first, f"{side}_std": second}


def put_mlp(
    project: Project,
    revision: str,
    network: nn.Module,
    *,
    role: Role = "both",
    sigma: float = 1.0,
    input_mean: ArrayLike | None = None,
    input_std: ArrayLike | None = None,
    output_mean: ArrayLike | None = None,
    output_std: ArrayLike | None = None,
    summary: ArrayLike | None = None,
    trained_on: Sequence[str] | None = None,
    note: str | None = None,
) -> Revision:
    """Stages `network` (an nn.Sequential, also of others) as a revision that the server evaluates.

    Its input is the state, and behind it the task's vector where it takes more. (x - input_mean) / input_std comes
    before the first layer, output_std * y + output_mean behind the last. `summary`: `gram` of the pre-training set.
    """
    check_parameters(network)
    layers, tensors = describe(network)
    tensors |= _moments("input", input_mean, input_std) | _moments("output", output_mean, output_std)
    if summary is not None:
        tensors["summary"] = as_matrix("summary", summary)
    return project.policies.put_network(
        revision, layers, tensors, role=role, sigma=sigma, trained_on=trained_on, note=note
    )
