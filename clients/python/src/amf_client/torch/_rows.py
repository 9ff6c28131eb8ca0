"""What goes through a policy for a demonstration: its states under each task, in batches, and what must come out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..models import Demonstration, Task
from .errors import PolicyError, ShapeError
from .layers import Inputs, as_tuple

Floats = NDArray[np.floating[Any]]
ActionOf = Callable[[Any], Any]
Evaluate = Callable[..., Sequence[Tensor]]
"""From a batch's inputs to tensors with its rows."""


def as_array(values: Tensor) -> Floats:
    values = values.detach().cpu()
    result: Floats = (values if values.dtype == torch.float64 else values.float()).numpy()
    return result


@dataclass(frozen=True, slots=True)
class Rows:
    """The pairs of a demonstration's steps with tasks, as rows of the policy's inputs."""

    inputs: Inputs
    batch: int

    def __post_init__(self) -> None:
        if self.batch < 1:
            raise PolicyError(f"batch is {self.batch}; expected one row at least")

    def _given(self, demonstration: Demonstration, task: Task) -> tuple[Tensor, ...]:
        given, steps = as_tuple(self.inputs(demonstration.states, task)), len(demonstration.states)
        if len(given[0]) != steps:
            raise ShapeError(
                f"inputs gave {len(given[0])} rows for demonstration {demonstration.id} under {task.key}, "
                f"which has {steps} steps"
            )
        return given

    def _batches(self, demonstration: Demonstration, tasks: Sequence[Task]) -> Iterator[tuple[Tensor, ...]]:
        at_once = max(1, self.batch // max(1, len(demonstration.states)))
        for start in range(0, len(tasks), at_once):
            now = tasks[start : start + at_once]
            parts = [self._given(demonstration, task) for task in now]
            for task, given in zip(now, parts, strict=True):
                if _sizes(given) != _sizes(parts[0]):
                    raise ShapeError(
                        f"inputs gave {_sizes(given)} numbers a row under {task.key} and {_sizes(parts[0])} under "
                        f"{now[0].key}; a task without a vector, or with one of another length?"
                    )
            columns = (torch.split(torch.cat(column), self.batch) for column in zip(*parts, strict=True))
            yield from zip(*columns, strict=True)

    def through(self, evaluate: Evaluate, demonstration: Demonstration, tasks: Sequence[Task]) -> list[Floats]:
        """What `evaluate` makes of all rows, each as tasks x steps x columns."""
        found = []
        for given in self._batches(demonstration, tasks):
            try:
                found.append([as_array(part) for part in evaluate(*given)])
            except RuntimeError as error:  # what torch raises
                raise PolicyError(
                    f"the policy failed on {_sizes(given)} numbers a row ({given[0].dtype}), of demonstration "
                    f"{demonstration.id}: {error}"
                ) from error
        shape = (len(tasks), len(demonstration.states), -1)
        return [np.concatenate(parts).reshape(shape) for parts in zip(*found, strict=True)]


def _sizes(given: Sequence[Tensor]) -> str:
    return " and ".join(" x ".join(map(str, part.shape[1:])) or "1" for part in given)


def actions_in(output: Any, action_of: ActionOf | None, rows: int, demonstration: Demonstration) -> Tensor:
    """The predicted actions in what a policy returned, one a row, as wide as the recorded ones."""
    mean = action_of(output) if action_of else output
    if not isinstance(mean, Tensor):
        raise ShapeError(f"the policy returns a {type(mean).__name__}; action_of= says where its actions are")
    expected = (rows, demonstration.actions.shape[1])
    if mean.shape != expected:
        raise ShapeError(
            f"the policy predicts {' x '.join(map(str, mean.shape)) or 'one'} numbers for {rows} steps; actions of "
            f"demonstration {demonstration.id} have {expected[1]}, so {expected[0]} x {expected[1]} are expected"
        )
    return mean
