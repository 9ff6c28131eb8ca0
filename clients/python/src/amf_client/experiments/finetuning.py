"""`--finetune`: how a policy goes on from what it was pre-trained on."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from amf_client.torch.finetune import (
    AdaptivePrior,
    Cloning,
    Demonstrations,
    ElasticWeights,
    Method,
    ParameterIsolation,
    WeightDecay,
)

Make = Callable[["Demonstrations | None"], Method]


def _elastic(pretraining: Demonstrations | None) -> Method:
    return Cloning() if pretraining is None else ElasticWeights(pretraining)  # nothing to hold on to


METHODS: Mapping[str, Make] = {
    "cloning": lambda _: Cloning(),
    "adaptive-prior": lambda _: AdaptivePrior(),
    "isolation": lambda _: ParameterIsolation(),
    "ewc": _elastic,
    "l2": lambda _: WeightDecay(),
}


def make_method(name: str, pretraining: Demonstrations | None) -> Method:
    """`pretraining`: what the policy was pre-trained on, for methods that look at it again; None: nothing."""
    return METHODS[name](pretraining)
