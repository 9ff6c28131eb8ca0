"""A small diffusion policy: actions are drawn by removing noise in a few steps.

    x_k = sqrt(b_k) a + sqrt(1 - b_k) e,  e normal,  k = 1 .. LEVELS,  b_k = cos^2(pi k / (2 LEVELS + 1))
    loss = E |f(x_k, k, s, c) - a|^2,  k drawn evenly

f, a multilayer network with layer norm, predicts the action itself and not the noise: its output is then in the units
of the action at every level. Drawing starts from normal noise in the place of x_LEVELS and goes down level by level as
DDIM does, without further noise. At the last level b is 0.02, so that f(0, LEVELS, s, c) is about the mean of what
would be drawn: `Mean` is that one pass, in which the last layer is used once, and the criterion sees its features.

Actions are expected within [-1, 1], and drawn there. States are normalised by numbers known beforehand.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Generator, Tensor, nn

from amf_client.models import Task
from amf_client.project import Project
from amf_client.torch import fitted_gaussian, upload_features

from .benchmark import FeatureForm

LEVELS = 5
DRAWS = 16  # of each action, to which a normal distribution is fitted


class DiffusionPolicy(nn.Module):
    """`network` sees the noisy action, the level (one-hot), the normalised state and the task vector, in this order."""

    state_mean: Tensor
    state_std: Tensor
    kept: Tensor

    def __init__(
        self,
        state_mean: Sequence[float],
        state_std: Sequence[float],
        vector_dim: int,
        action_dim: int,
        hidden: Sequence[int],
    ) -> None:
        super().__init__()
        widths = [action_dim + LEVELS + len(state_mean) + vector_dim, *hidden]
        layers: list[nn.Module] = []
        for width, following in zip(widths, hidden, strict=False):
            layers += [nn.Linear(width, following), nn.LayerNorm(following), nn.ReLU()]
        self.network = nn.Sequential(*layers, nn.Linear(widths[-1], action_dim))
        self.action_dim = action_dim
        self.register_buffer("state_mean", torch.tensor(state_mean, dtype=torch.float32))
        self.register_buffer("state_std", torch.tensor(state_std, dtype=torch.float32))
        kept = [math.cos(math.pi * level / (2 * LEVELS + 1)) ** 2 for level in range(1, LEVELS + 1)]
        self.register_buffer("kept", torch.tensor(kept))

    def loss(self, states: Tensor, vectors: Tensor, actions: Tensor) -> Tensor:
        level = torch.randint(LEVELS, (len(actions),))
        kept = self.kept[level, None]
        noisy = kept.sqrt() * actions + (1 - kept).sqrt() * torch.randn_like(actions)
        loss: Tensor = nn.functional.mse_loss(self.denoised(noisy, level, states, vectors), actions)
        return loss

    def denoised(self, noisy: Tensor, level: Tensor, states: Tensor, vectors: Tensor) -> Tensor:
        """`level` counts from 0, a number a row."""
        which = nn.functional.one_hot(level, LEVELS).to(noisy.dtype)
        seen = (states - self.state_mean) / self.state_std
        action: Tensor = self.network(torch.cat((noisy, which, seen, vectors), -1))
        return action

    def forward(self, states: Tensor, vectors: Tensor) -> Tensor:
        return self.sample(states, vectors, None)

    def sample(self, states: Tensor, vectors: Tensor, generator: Generator | None) -> Tensor:
        """One action a row, drawn from the generator; None: from torch's own."""
        noisy = torch.randn(len(states), self.action_dim, generator=generator)
        action: Tensor = noisy
        for level in reversed(range(LEVELS)):
            every = torch.full((len(states),), level)
            action = self.denoised(noisy, every, states, vectors).clamp(-1, 1)
            if level:
                kept, below = self.kept[level], self.kept[level - 1]
                noise = (noisy - kept.sqrt() * action) / (1 - kept).sqrt()
                noisy = below.sqrt() * action + (1 - below).sqrt() * noise
        return action


class Mean(nn.Module):
    """About the mean of what the policy draws, in one pass."""

    def __init__(self, policy: DiffusionPolicy) -> None:
        super().__init__()
        self.policy = policy

    @property
    def layer(self) -> str:
        """The name of the last Linear."""
        return f"policy.network.{len(self.policy.network) - 1}"

    def forward(self, states: Tensor, vectors: Tensor) -> Tensor:
        nothing = torch.zeros(len(states), self.policy.action_dim)
        return self.policy.denoised(nothing, torch.full((len(states),), LEVELS - 1), states, vectors)


def make_diffusion(
    state_mean: Sequence[float],
    state_std: Sequence[float],
    vector_dim: int,
    action_dim: int,
    hidden: Sequence[int],
    generator: Generator,
) -> DiffusionPolicy:
    """A function of its arguments: torch's own generator is put back afterwards."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(torch.randint(2**62, (), generator=generator)))
        return DiffusionPolicy(state_mean, state_std, vector_dim, action_dim, hidden)


def upload_drawn(project: Project, revision: str, policy: nn.Module, form: FeatureForm) -> None:
    """Puts what `revision` lacks: features of the mean, and the mean and likelihoods of draws."""
    if not isinstance(policy, DiffusionPolicy):
        raise TypeError(f"a {type(policy).__name__} is no DiffusionPolicy: this way of fine-tuning does not go with it")
    if not any(True for _ in project.policies.missing(revision)):
        return  # a project without demonstrations has no action units to express likelihoods in
    mean = Mean(policy)

    def sample(states: NDArray[Any], task: Task, generator: Generator) -> Tensor:
        with torch.no_grad():
            return policy.sample(*_inputs(states, task), generator)

    drawn = fitted_gaussian(project, sample, samples=DRAWS)
    upload_features(project, revision, mean, layer=mean.layer, inputs=_inputs, form=form, predict=drawn, progress=None)


def _inputs(states: NDArray[Any], task: Task) -> tuple[Tensor, Tensor]:
    rows = torch.from_numpy(states).float()
    return rows, torch.tensor(task.vector or (), dtype=torch.float32).expand(len(rows), -1)
