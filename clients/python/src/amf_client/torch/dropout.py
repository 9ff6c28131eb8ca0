"""Uncertainty of a network by test-time dropout, as features.

A sample of the network is the network with some units left out, and it is the same one for every input: masks depend on
the seed, the sample and the layer alone. So phi, the centred predictions of S samples over sqrt((S - 1) d_a), has as
<phi, phi'> their covariance between two inputs, averaged over the action's dimensions, and features of
demonstrations that come later go with those that are there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from numpy.typing import ArrayLike
from torch import Tensor, nn

from .._files import Progress
from .._upload import bar
from ..models import Demonstration, Task
from ..project import Project
from ._rows import ActionOf, Floats, Rows, actions_in
from ._seeded import seeded
from ._sending import FeatureSummary, Pairs, Precision, send_missing
from .errors import PolicyError, ShapeError
from .layers import Inputs, check_parameters, frozen, joined_for, placed


def _dropouts(policy: nn.Module) -> dict[str, nn.Dropout]:
    found = {
        name: module for name, module in policy.named_modules() if isinstance(module, nn.Dropout) and 0 < module.p < 1
    }
    if not found:
        raise PolicyError(f"{type(policy).__name__} has no nn.Dropout with p between 0 and 1: nothing would vary")
    return found


@dataclass(slots=True)
class _Masks:
    """The masks of one sample of the network: one a layer and use of it in a forward pass."""

    seed: int
    sample: int
    made: dict[tuple[int, int], Tensor] = field(default_factory=dict)
    uses: dict[int, int] = field(default_factory=dict)

    def of(self, layer: int, rate: float, like: Tensor) -> Tensor:
        use = self.uses[layer] = self.uses.get(layer, -1) + 1
        if (layer, use) not in self.made:
            generator = seeded(self.seed, self.sample, layer, use)
            kept: Tensor = torch.rand(like.shape[1:], generator=generator).ge(rate)
            self.made[layer, use] = kept.to(like) / (1 - rate)
        return self.made[layer, use]

    @contextmanager
    def over(self, layers: Mapping[str, nn.Dropout]) -> Iterator[None]:
        """In evaluation dropout passes everything; this hook leaves out. Raises PolicyError where one has no part."""

        def hook(place: int) -> Any:  # torch's own types know no hook that returns something
            return lambda layer, given, _: given[0] * self.of(place, layer.p, given[0])

        self.uses.clear()
        handles = [layer.register_forward_hook(hook(place)) for place, layer in enumerate(layers.values())]
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()
        for place, name in enumerate(layers):
            if place not in self.uses:
                raise PolicyError(f"forward did not come by the dropout layer {name!r}; if unused, set its p to 0")


class DropoutSamples:
    """S samples of a policy with dropout; a function of the policy and the seed."""

    def __init__(self, policy: nn.Module, samples: int = 32, seed: int = 0) -> None:
        if samples < 2:
            raise PolicyError(f"{samples} samples; a covariance needs 2 at least")
        self.policy, self._layers = policy, _dropouts(policy)
        self._masks = [_Masks(seed, sample) for sample in range(samples)]

    def _with(self, masks: _Masks, given: Sequence[Tensor]) -> Any:
        with masks.over(self._layers):
            return self.policy(*given)

    def __call__(self, *inputs: Tensor) -> list[Any]:
        """What each sample returns for these inputs, and last what the policy does without dropout."""
        given = placed(self.policy, inputs)
        with frozen(self.policy):
            for module in self.policy.modules():
                if isinstance(module, nn.TransformerEncoderLayer):  # evaluated in one piece, it passes by its dropout
                    module.training = True
            return [*(self._with(masks, given) for masks in self._masks), self.policy(*given)]


def upload_dropout(
    project: Project,
    revision: str,
    policy: nn.Module,
    *,
    inputs: Inputs | None = None,
    samples: int = 32,
    seed: int = 0,
    action_std: ArrayLike | None = None,
    pairs: Pairs = "all",
    action_of: ActionOf | None = None,
    dtype: Precision = "float16",
    batch: int = 4096,
    progress: Progress | None = bar,
) -> FeatureSummary:
    """Puts phi of test-time dropout (samples * d_a columns) and the actions without dropout, where `revision` lacks
    them, for the kernel `embedding` and the rule `prior_entropy`. `action_std`: what each action is divided by."""
    check_parameters(policy)
    drawn, rows = DropoutSamples(policy, samples, seed), Rows(inputs or joined_for(policy), batch)
    unit = torch.as_tensor(1.0 if action_std is None else action_std, dtype=torch.float64)

    def features(demonstration: Demonstration, tasks: Sequence[Task]) -> dict[str, Floats]:
        def evaluate(*given: Tensor) -> Sequence[Tensor]:
            outputs = [actions_in(output, action_of, len(given[0]), demonstration) for output in drawn(*given)]
            if unit.ndim and unit.shape != outputs[0].shape[1:]:
                raise ShapeError(f"action_std has {unit.numel()} numbers; actions have {outputs[0].shape[1]}")
            values = torch.stack(outputs[:-1], dim=1).double().cpu() / unit
            centred = values - values.mean(dim=1, keepdim=True)
            return (centred.flatten(1) / ((samples - 1) * values.shape[2]) ** 0.5, outputs[-1])

        return dict(zip(("phi", "mean"), rows.through(evaluate, demonstration, tasks), strict=True))

    return send_missing(project, revision, features, pairs, dtype, progress)
