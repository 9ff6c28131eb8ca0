"""Demonstrations as one table of steps, and which of them were the warm start."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields

import torch
from torch import Tensor


@dataclass(frozen=True)
class Demonstrations:
    """N steps, of one demonstration or of many: states (N x ds), task vectors (N x dc), actions (N x da), all float32,
    and the index of each step's task (N, int64). It makes no difference which step belongs to which demonstration."""

    states: Tensor
    tasks: Tensor
    actions: Tensor
    task_index: Tensor

    def __post_init__(self) -> None:
        rows = len(self.task_index)
        for name in ("states", "tasks", "actions"):
            array = getattr(self, name)
            if array.dim() != 2 or len(array) != rows:
                raise ValueError(f"{name}: {rows} rows were expected, one a step, not shape {tuple(array.shape)}")
            if array.dtype != torch.float32:
                raise TypeError(f"{name}: float32 was expected, not {array.dtype}")
            if not bool(torch.isfinite(array).all()):
                raise ValueError(f"{name}: row {int((~torch.isfinite(array)).any(1).nonzero()[0])} is not finite")
        if self.task_index.dim() != 1 or self.task_index.dtype != torch.int64:
            raise TypeError("task_index: one int64 a step was expected")

    @classmethod
    def of(cls, states: object, task: object, actions: object, task_index: int) -> Demonstrations:
        """One demonstration, from arrays: states (H x ds), the task's vector (dc), actions (H x da)."""
        steps = torch.as_tensor(states, dtype=torch.float32)
        vector = torch.as_tensor(task, dtype=torch.float32)
        return cls(
            steps,
            vector.expand(len(steps), -1),
            torch.as_tensor(actions, dtype=torch.float32),
            torch.full((len(steps),), task_index, dtype=torch.int64),
        )

    def __len__(self) -> int:
        return len(self.task_index)

    def rows(self, which: Tensor | slice) -> Demonstrations:
        """Some of the steps, by index, by mask or by slice."""
        return _unchecked(self.states[which], self.tasks[which], self.actions[which], self.task_index[which])


def _unchecked(*columns: Tensor) -> Demonstrations:
    """Rows of a table that has been checked: a look at every number at every gradient step would cost a tenth of it."""
    made = object.__new__(Demonstrations)
    for field, column in zip(fields(Demonstrations), columns, strict=True):
        object.__setattr__(made, field.name, column)
    return made


def concatenate(demonstrations: Iterable[Demonstrations]) -> Demonstrations:
    """One after the other. At least one is needed: from none, the dimensions are not known."""
    parts: Sequence[Demonstrations] = tuple(demonstrations)
    if not parts:
        raise ValueError("nothing to concatenate")
    return _unchecked(*(torch.cat([getattr(part, field.name) for part in parts]) for field in fields(Demonstrations)))


def distinct(tasks: Tensor) -> tuple[Tensor, Tensor]:
    """The different task vectors among rows, and for each row the index of its own. No numbers at all are one task."""
    if not tasks.shape[1]:
        return tasks[:1], torch.zeros(len(tasks), dtype=torch.int64)
    vectors, of = torch.unique(tasks, dim=0, return_inverse=True)
    return vectors, of


def which_task(tasks: Tensor, vectors: Tensor) -> Tensor:
    """For each row (B x dc) the index of the task vector (K x dc) that it equals exactly, or K."""
    places = {vector: place for place, vector in enumerate(_as_bytes(vectors))}
    return torch.tensor(
        [places.get(row, len(vectors)) for row in _as_bytes(tasks.to(vectors.dtype))], dtype=torch.int64
    )


def _as_bytes(rows: Tensor) -> Iterator[bytes]:
    """Compared as numbers, steps x tasks x numbers of a sentence would be gigabytes."""
    return (row.tobytes() for row in torch.add(rows.detach(), 0.0).numpy())  # -0.0 + 0.0 is 0.0, its equal
