"""A second policy that only selects: it is not trained on the warm-start demonstrations.

From Appendix M of the paper: the warm start, one demonstration a task, is kept from a copy of the policy, and the
features of that copy select; what acts is trained on everything. The reason, as we see it: the criterion of networks
looks at gradients of the loss at the demonstrations that are held, and where a policy has been fitted none is left.
For the daemon the two are two revisions, one with the role `selection`, the other with `likelihood`.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass

import torch
from torch import Generator, nn

from .data import Demonstrations, concatenate
from .training import Method


class Collected:
    """The demonstrations of all rounds, in the order they came, with those of the warm start marked as such. The daemon
    says which they are: the rule of their assignment is `warm_start`."""

    def __init__(self) -> None:
        self._all: list[tuple[Demonstrations, bool]] = []

    def add(self, demonstration: Demonstrations, *, warm_start: bool = False) -> None:
        self._all.append((demonstration, warm_start))

    def __len__(self) -> int:
        return len(self._all)

    @property
    def has_warm_start(self) -> bool:
        return any(warm for _, warm in self._all)

    def everything(self) -> Demonstrations:
        return concatenate(demonstration for demonstration, _ in self._all)

    def without_warm_start(self) -> Demonstrations:
        """No rows where nothing else has come yet."""
        kept = [demonstration for demonstration, warm in self._all if not warm]
        return concatenate(kept) if kept else self._all[0][0].rows(slice(0, 0))


@dataclass(frozen=True)
class Copies:
    """What is trained on everything, and what selects. Both are the pre-trained policy at first."""

    trained: nn.Module
    selection: nn.Module


def fit_copies(
    method: Method, copies: Copies, pretrained: nn.Module, collected: Collected, *, steps: int, generator: Generator
) -> Copies:
    """A round of both. What is trained and what acts (`method.acting()`) are the same bits as without a selection copy;
    where there has been no warm start, both are one policy, and one fit."""
    apart = collected.has_warm_start or copies.trained is not copies.selection
    again = torch.Generator()
    again.set_state(generator.get_state())
    trained = method.fit(copies.trained, pretrained, collected.everything(), steps=steps, generator=generator)
    if not apart:
        return Copies(trained, trained)
    selecting = copy.copy(method)  # whose acting is not what acts
    kept = collected.without_warm_start()
    return Copies(trained, selecting.fit(copies.selection, pretrained, kept, steps=steps, generator=again))
