"""The gradient steps that all methods share, and behavioural cloning, which is nothing else.

Minimised by Adam over minibatches: the policy's own loss where it brings one (a method `loss(states, tasks, actions)`),
else the mean squared error, mean over steps and over dimensions of the action. A penalty of a method is added to the
gradient directly, because a graph of it would cost as much as a second backward pass through a small network.

A minibatch is a slice of the demonstrations in a random order, drawn anew when it is used up; where all of them fit
into one minibatch, it is always all of them. What fit returns is a function of its arguments: the order comes from the
generator, and torch's own generator, which dropout and a policy's own loss draw from, is seeded from it and restored.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Protocol

import torch
from torch import Generator, Tensor, nn

from ..layers import check_parameters
from .data import Demonstrations

Acting = Callable[[Tensor, Tensor], Tensor]  # states (B x ds), task vectors (B x dc) -> actions (B x da)
Pull = Callable[[], None]  # adds the gradient of a penalty to that of the loss


class Method(Protocol):
    """A way to fine-tune. `fit` leaves the modules it is given alone and returns the policy that has been trained."""

    def fit(
        self, policy: nn.Module, pretrained: nn.Module, data: Demonstrations, *, steps: int, generator: Generator
    ) -> nn.Module:
        """Goes on from `policy` for that many gradient steps. Without demonstrations nothing is trained."""

    def acting(self) -> Acting:
        """What acts, as of the last fit, without gradients."""


def predict(policy: nn.Module, states: Tensor, tasks: Tensor) -> Tensor:
    """A policy is called with states and task vectors; an `nn.Sequential` takes one input: both, side by side."""
    if isinstance(policy, nn.Sequential):
        actions: Tensor = policy(torch.cat((states, tasks), 1))
    else:
        actions = policy(states, tasks)
    return actions


def imitation_loss(policy: nn.Module, batch: Demonstrations) -> Tensor:
    own = getattr(policy, "loss", None)
    if own is not None:
        loss: Tensor = own(batch.states, batch.tasks, batch.actions)
        return loss
    actions = predict(policy, batch.states, batch.tasks)
    if actions.shape != batch.actions.shape:  # mse_loss would broadcast and only warn
        raise ValueError(
            f"the policy's actions have shape {tuple(actions.shape)}, the demonstrations' {tuple(batch.actions.shape)}"
        )
    return nn.functional.mse_loss(actions, batch.actions)


def act(policy: nn.Module) -> Acting:
    policy.eval()

    def actions(states: Tensor, tasks: Tensor) -> Tensor:
        with torch.no_grad():
            return predict(policy, states, tasks)

    return actions


def duplicate(policy: nn.Module) -> nn.Module:
    made = copy.deepcopy(policy)
    for parameter in made.parameters():
        parameter.grad = None
    return made


def trainable(policy: nn.Module) -> dict[str, nn.Parameter]:
    return {name: parameter for name, parameter in policy.named_parameters() if parameter.requires_grad}


def _minibatches(data: Demonstrations, size: int, generator: Generator) -> Iterator[Demonstrations]:
    while True:
        if len(data) <= size:
            yield data
            continue
        shuffled = data.rows(torch.randperm(len(data), generator=generator))
        for start in range(0, len(data), size):
            yield shuffled.rows(slice(start, start + size))


def train(
    policy: nn.Module,
    data: Demonstrations,
    *,
    steps: int,
    generator: Generator,
    learning_rate: float,
    batch_size: int,
    pull: Pull | None = None,
) -> None:
    """Changes `policy`, and leaves it ready to act. Raises BadNumbers where training has broken it."""
    if steps and len(data):
        optimizer = torch.optim.Adam(trainable(policy).values(), lr=learning_rate)
        optimizer.param_groups[0]["foreach"] = True  # one call for all tensors; not in the types of torch 1.13
        batches = _minibatches(data, batch_size, generator)
        policy.train()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(int(torch.randint(2**62, (), generator=generator)))
            for _ in range(steps):
                optimizer.zero_grad(set_to_none=True)
                torch.autograd.backward(imitation_loss(policy, next(batches)))
                if pull is not None:
                    pull()
                optimizer.step()
        check_parameters(policy)
    policy.eval()


class Cloning:
    """Plain behavioural cloning."""

    def __init__(self, *, learning_rate: float = 1e-3, batch_size: int = 256) -> None:
        if not learning_rate > 0:
            raise ValueError(f"learning_rate: {learning_rate} is not positive")
        if batch_size < 1:
            raise ValueError(f"batch_size: {batch_size} is less than one")
        self.learning_rate, self.batch_size = learning_rate, batch_size
        self._fitted: nn.Module | None = None

    def fit(
        self, policy: nn.Module, pretrained: nn.Module, data: Demonstrations, *, steps: int, generator: Generator
    ) -> nn.Module:
        fitted = duplicate(policy)
        train(
            fitted,
            data,
            steps=steps,
            generator=generator,
            learning_rate=self.learning_rate,
            batch_size=self.batch_size,
            pull=self._pull(fitted, pretrained),
        )
        self._fitted = fitted
        return fitted

    def acting(self) -> Acting:
        if self._fitted is None:
            raise RuntimeError("nothing has been fitted yet")
        return act(self._fitted)

    def _pull(self, fitted: nn.Module, pretrained: nn.Module) -> Pull | None:
        """What else moves the weights."""
        return None
