"""Fine-tuning a policy on demonstrations: behavioural cloning, and ways to keep what the policy knew.

    method = AdaptivePrior()
    policy = method.fit(policy, pretrained, concatenate(demonstrations), steps=300, generator=generator)
    actions = method.acting()(states, task_vectors)

`fit` returns the policy that has been trained, the one the criterion should see; `acting` is what should act. A policy
is a module called with states (B x ds) and task vectors (B x dc); an `nn.Sequential` gets them side by side. Where it
has a method `loss(states, tasks, actions)`, that is minimised, else the mean squared error.
"""

from .anchors import ElasticWeights, WeightDecay, fisher_diagonal
from .data import Demonstrations, concatenate
from .isolation import IsolatedPolicy, ParameterIsolation
from .prior import AdaptivePrior
from .selection import Collected, Copies, fit_copies
from .training import Acting, Cloning, Method, predict

__all__ = [
    "Acting",
    "AdaptivePrior",
    "Cloning",
    "Collected",
    "Copies",
    "Demonstrations",
    "ElasticWeights",
    "IsolatedPolicy",
    "Method",
    "ParameterIsolation",
    "WeightDecay",
    "concatenate",
    "fisher_diagonal",
    "fit_copies",
    "predict",
]
