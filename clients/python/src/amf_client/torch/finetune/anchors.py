"""Penalties that tie the weights to those of the pre-trained policy.

    l2:   loss + strength sum_j (theta_j - theta0_j)^2
    ewc:  loss + strength sum_j F_j / da (theta_j - theta0_j)^2        (Kirkpatrick et al. 2017, arXiv 1612.00796)

F is the diagonal of the Fisher information of the pre-training demonstrations, for a policy that is Gaussian about its
action with unit variance, of which the expectation over actions is known:

    F_j = mean over steps of sum_k (d action_k / d theta_j)^2                                           (1)

Divided by da it is the Gauss-Newton curvature of the mean squared error: with a strength of 1 the penalty is what the
mean squared error over the pre-training demonstrations would grow by, but for correlations between weights. So the
strength says how much the old demonstrations count against the new ones.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from .data import Demonstrations
from .training import Cloning, Pull, duplicate, predict, trainable

FISHER_STEPS = 512


class WeightDecay(Cloning):
    """L2 towards the pre-trained weights."""

    def __init__(self, *, strength: float = 0.01, learning_rate: float = 1e-3, batch_size: int = 256) -> None:
        super().__init__(learning_rate=learning_rate, batch_size=batch_size)
        self.strength = _checked(strength)

    def _pull(self, fitted: nn.Module, pretrained: nn.Module) -> Pull:
        anchors = anchored(fitted, pretrained)

        def pull() -> None:
            for parameter, anchor in anchors.values():
                _gradient(parameter).add_(parameter.detach() - anchor, alpha=2 * self.strength)

        return pull


class ElasticWeights(Cloning):
    """Elastic weight consolidation. `pretraining` is what the pre-trained policy was trained on, or a part of it."""

    def __init__(
        self,
        pretraining: Demonstrations,
        *,
        strength: float = 1.0,
        fisher_steps: int = FISHER_STEPS,
        learning_rate: float = 1e-3,
        batch_size: int = 256,
    ) -> None:
        super().__init__(learning_rate=learning_rate, batch_size=batch_size)
        self.strength = _checked(strength)
        self.pretraining, self.fisher_steps = pretraining, fisher_steps
        self._known: Sequence[Tensor] = ()
        self._fisher: dict[str, Tensor] = {}

    def _pull(self, fitted: nn.Module, pretrained: nn.Module) -> Pull:
        anchors = anchored(fitted, pretrained)
        scale = 2 * self.strength / self.pretraining.actions.shape[1]
        fisher = self._fisher_of(_alike(pretrained, fitted))
        weights = [fisher[name] * scale for name in anchors]

        def pull() -> None:
            for (parameter, anchor), weight in zip(anchors.values(), weights, strict=True):
                _gradient(parameter).addcmul_(parameter.detach() - anchor, weight)

        return pull

    def _fisher_of(self, pretrained: nn.Module) -> dict[str, Tensor]:
        """Computed again only for other weights, not for another copy of the same."""
        state = [tensor.detach().clone() for tensor in (*pretrained.parameters(), *pretrained.buffers())]
        if not _all_equal(self._known, state) or trainable(pretrained).keys() != self._fisher.keys():
            self._fisher = fisher_diagonal(pretrained, self.pretraining, steps=self.fisher_steps)
            self._known = state
        return self._fisher


def fisher_diagonal(policy: nn.Module, data: Demonstrations, *, steps: int = FISHER_STEPS) -> dict[str, Tensor]:
    """(1) for the trainable parameters, by name, over that many steps at even distances, or all if there are fewer. One
    backward pass for each step and dimension of the action: 0.3 ms each for a network of 2 x 256."""
    if not len(data):
        raise ValueError("the Fisher information needs demonstrations of the pre-training")
    policy = duplicate(policy).eval()
    parameters = trainable(policy)
    chosen = data.rows(torch.linspace(0, len(data) - 1, min(steps, len(data))).round().long())
    fisher = {name: torch.zeros_like(parameter) for name, parameter in parameters.items()}
    for row in range(len(chosen)):
        step = chosen.rows(slice(row, row + 1))
        (action,) = predict(policy, step.states, step.tasks)
        if not action.requires_grad:
            raise ValueError("elastic weight consolidation needs a policy whose actions have gradients")
        for component in action:
            slopes = torch.autograd.grad(component, list(parameters.values()), retain_graph=True, allow_unused=True)
            for mean, slope in zip(fisher.values(), slopes, strict=True):
                if slope is not None:
                    mean.addcmul_(slope, slope, value=1 / len(chosen))
    return fisher


def anchored(policy: nn.Module, pretrained: nn.Module) -> dict[str, tuple[nn.Parameter, Tensor]]:
    """The trainable parameters of one, and what they are in the other."""
    there = dict(pretrained.named_parameters())
    anchors = {}
    for name, parameter in trainable(policy).items():
        if name not in there or there[name].shape != parameter.shape:
            raise ValueError(f"the pre-trained policy has no parameter {name} of shape {tuple(parameter.shape)}")
        anchors[name] = (parameter, there[name].detach().clone())
    return anchors


def _alike(pretrained: nn.Module, fitted: nn.Module) -> nn.Module:
    """The pre-trained policy, trainable where the fitted one is: it may have come frozen."""
    made = duplicate(pretrained)
    wanted = dict(fitted.named_parameters())
    for name, parameter in made.named_parameters():
        parameter.requires_grad_(name in wanted and wanted[name].requires_grad)
    return made


def _gradient(parameter: nn.Parameter) -> Tensor:
    if parameter.grad is None:  # the loss does not depend on it
        parameter.grad = torch.zeros_like(parameter)
    gradient: Tensor = parameter.grad
    return gradient


def _all_equal(some: Sequence[Tensor], others: Sequence[Tensor]) -> bool:
    return len(some) == len(others) and all(torch.equal(one, other) for one, other in zip(some, others, strict=True))


def _checked(strength: float) -> float:
    if not strength >= 0:
        raise ValueError(f"strength: {strength} is negative")
    return strength
