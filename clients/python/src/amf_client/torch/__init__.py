"""From a policy in PyTorch to a ranking. docs/networks.md shows it step by step.

import amf_client.torch as amf_torch

project.policies.put("r20")
amf_torch.upload_features(project, "r20", policy, layer="head")
project.policies.activate("r20")
"""

try:
    import torch as _torch  # noqa: F401
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        "amf_client.torch needs PyTorch: pip install 'amf-client[torch]', or on Debian apt install python3-torch",
        name=error.name,
    ) from error

from .errors import BadNumbers, LayerError, NotExportable, PolicyError, ShapeError, WrongRevision
from .features import FeatureSummary, Prediction, upload_features
from .layers import frozen, gram, hidden_features, joined, linear_layers
from .network import put_mlp

__all__ = [
    "BadNumbers",
    "FeatureSummary",
    "LayerError",
    "NotExportable",
    "PolicyError",
    "Prediction",
    "ShapeError",
    "WrongRevision",
    "frozen",
    "gram",
    "hidden_features",
    "joined",
    "linear_layers",
    "put_mlp",
    "upload_features",
]
