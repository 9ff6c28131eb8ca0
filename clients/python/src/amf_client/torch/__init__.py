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

from ._sending import FeatureSummary
from .dropout import DropoutSamples, upload_dropout
from .errors import BadNumbers, LayerError, NotExportable, PolicyError, ShapeError, WrongRevision
from .features import Prediction, upload_features
from .generative import fitted_gaussian
from .layers import frozen, gram, hidden_features, joined, linear_layers
from .network import put_mlp
from .sentences import SentenceEncoder

__all__ = [
    "BadNumbers",
    "DropoutSamples",
    "FeatureSummary",
    "LayerError",
    "NotExportable",
    "PolicyError",
    "Prediction",
    "SentenceEncoder",
    "ShapeError",
    "WrongRevision",
    "fitted_gaussian",
    "frozen",
    "gram",
    "hidden_features",
    "joined",
    "linear_layers",
    "put_mlp",
    "upload_dropout",
    "upload_features",
]
