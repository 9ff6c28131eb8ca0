"""Which network the daemon sees, and how: hosted where it is a multilayer network, else by features."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import nn

from .asking import Asking
from .benchmark import Array, Benchmark
from .learning import Learner, Pretrained, vectors_of
from .networks import hidden_features, put_mlp
from .policies import MlpPolicy


class Revisions:
    """`plan`: the arm's `revision` (arms.py)."""

    def __init__(self, asking: Asking, benchmark: Benchmark, start: Pretrained, plan: dict[str, Any] | None) -> None:
        self._asking, self._benchmark, self._start, self._plan = asking, benchmark, start, plan

    def bring(self, round_: int, learner: Learner) -> None:
        """Before each ask: the network as it is now, or what is new under the one that stays."""
        if self._plan is None:
            return
        stays = self._plan["of"] == "pretrained"
        if stays and round_ > 1:
            return
        policy = self._start.policy if stays else learner.policy
        name = "pretrained" if stays else f"round-{round_}"
        self._host(name, policy)
        self._asking.project.policies.activate(name)

    def _host(self, name: str, policy: nn.Module) -> None:
        assert self._plan is not None and isinstance(policy, MlpPolicy)
        put_mlp(
            self._asking.project,
            name,
            policy.network,
            sigma=self._plan["sigma"],
            input_mean=policy.input_mean.numpy(),
            input_std=policy.input_std.numpy(),
            output_mean=policy.output_mean.numpy(),
            output_std=policy.output_std.numpy(),
            summary=self._summary() if self._plan["summary"] else None,
        )

    def _summary(self) -> Array | None:
        """Sum of h h' over the steps of the pre-training set that the daemon would keep of them."""
        if not self._start.given:
            return None
        steps = self._asking.info().criterion.max_steps
        vectors = vectors_of(self._benchmark)
        total: Any = 0.0
        for given in self._start.given:
            states = torch.from_numpy(_thinned(given.episode.states, steps)).float()
            h, _ = hidden_features(self._start.policy, self._start.layer, states, vectors[given.task].expand(len(states), -1))
            rows = h.double().numpy()
            total = total + rows.T @ rows
        return np.asarray(total, dtype=np.float64)


def _thinned(states: Array, steps: int) -> Array:
    """At most `steps` rows, evenly spaced, the first and the last among them."""
    if len(states) <= steps:
        return states
    return states[np.round(np.linspace(0, len(states) - 1, steps)).astype(int)]
