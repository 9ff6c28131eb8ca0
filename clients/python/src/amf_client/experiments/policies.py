"""The policy of benchmarks that bring none: a multilayer network with layer norm, of state and task vector.

States and actions are normalised by the pre-training demonstrations, once; what comes after is seen in those units. A
dimension that hardly moved in pre-training, under some share of the one that moved most, is divided by that share
instead of its own deviation: it may well move in a task that was not pre-trained, and where it did not matter the
network would learn its accidents by heart.

Nothing is dropped out in training. The layers are there for an arm that looks at test-time dropout (`with_dropout`).
"""

from __future__ import annotations

import copy
from collections.abc import Sequence

import torch
from torch import Tensor, nn


class MlpPolicy(nn.Module):
    """`network` sees normalised states with the task vector behind them; `layer` names its last Linear."""

    input_mean: Tensor
    input_std: Tensor
    output_mean: Tensor
    output_std: Tensor

    def __init__(self, state_dim: int, vector_dim: int, action_dim: int, hidden: Sequence[int]) -> None:
        super().__init__()
        widths = [state_dim + vector_dim, *hidden]
        layers: list[nn.Module] = []
        for width, following in zip(widths, hidden, strict=False):
            layers += [nn.Linear(width, following), nn.LayerNorm(following), nn.ReLU(), nn.Dropout(0.0)]
        self.network = nn.Sequential(*layers, nn.Linear(widths[-1], action_dim))
        self.layer = f"network.{len(layers)}"
        self.register_buffer("input_mean", torch.zeros(widths[0]))
        self.register_buffer("input_std", torch.ones(widths[0]))
        self.register_buffer("output_mean", torch.zeros(action_dim))
        self.register_buffer("output_std", torch.ones(action_dim))

    def forward(self, states: Tensor, vectors: Tensor) -> Tensor:
        seen = (torch.cat((states, vectors), -1) - self.input_mean) / self.input_std
        output: Tensor = self.network(seen)
        actions: Tensor = output * self.output_std + self.output_mean
        return actions

    def normalise(self, states: Tensor, actions: Tensor, least_deviation: float) -> None:
        """Takes the moments of these demonstrations; vectors stay as they are. `least_deviation`: the share."""
        dim = states.shape[1]
        self.input_mean[:dim], self.input_std[:dim] = _moments(states, least_deviation)
        self.output_mean[:], self.output_std[:] = _moments(actions, least_deviation)


def _moments(rows: Tensor, least_deviation: float) -> tuple[Tensor, Tensor]:
    deviation = rows.std(0, unbiased=False)
    least = least_deviation * float(deviation.max())
    return rows.mean(0), deviation.clamp(min=least) if least > 0 else torch.ones_like(deviation)


def with_dropout(policy: nn.Module, rate: float) -> nn.Module:
    """A copy that drops out at `rate` where the policy has layers for it."""
    made = copy.deepcopy(policy)
    for module in made.modules():
        if isinstance(module, nn.Dropout):
            module.p = rate
    return made


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def make_mlp(state_dim: int, vector_dim: int, action_dim: int, hidden: Sequence[int], seed: int) -> MlpPolicy:
    """A function of its arguments: torch's global generator is put back afterwards."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return MlpPolicy(state_dim, vector_dim, action_dim, hidden)
