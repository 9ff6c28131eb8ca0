"""Features that a revision lacks: evaluated one demonstration at a time, checked, rounded, sent.

So memory is that of one demonstration, and an upload that broke off is simply run again. Embeddings are rounded to
float16 (1e-5 of the gains); predicted actions are not, because the server subtracts the recorded ones from them and
only the difference counts.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from .._files import Progress
from .._tensors import features_bytes
from ..errors import NotFound
from ..models import Demonstration, Revision, Task
from ..project import Project
from ._rows import Floats
from .errors import BadNumbers, PolicyError, WrongRevision

Pairs = Literal["all", "own"]
Precision = Literal["float16", "float32", "float64"]
Features = Callable[[Demonstration, Sequence[Task]], dict[str, Floats]]
"""The tensors of a demonstration, each with an axis of the tasks first, then one of the steps."""

ROUNDED = ("h", "phi")
ROUNDING = 1e-3
"""Twice what float16 rounds by where it has all its bits."""


@dataclass(slots=True)
class FeatureSummary:
    """What became of an upload: of `new` demonstrations files of `sent_bytes` together were sent."""

    revision: str
    new: int = 0
    held: int = 0
    pairs: int = 0
    sent_bytes: int = 0
    forward_s: float = 0.0
    upload_s: float = 0.0

    def __str__(self) -> str:
        size = f", {self.sent_bytes / self.new:.0f} bytes each" if self.new else ""
        return (
            f"{self.new} new, {self.held} already held, {self.pairs} pairs of a demonstration and a task{size};"
            f" {self.forward_s:.2f} s in the policy, {self.upload_s:.2f} s uploading"
        )


def rounded(name: str, values: Floats, dtype: Precision, demonstration: str, tasks: Sequence[str]) -> Floats:
    """In the precision they are sent in. Raises BadNumbers, naming the first step that is wrong."""
    if name not in ROUNDED:
        dtype = "float64" if dtype == "float64" else "float32"
    wide = values.reshape(*values.shape[:2], -1).astype(np.float64, copy=False)
    with np.errstate(over="ignore", invalid="ignore"):
        sent: Floats = values.astype(dtype, copy=False)
        lost = sent.reshape(wide.shape) - wide
        lost_square, square = (np.einsum("ctk,ctk->ct", rows, rows) for rows in (lost, wide))
    for wrong, why in (
        (~np.isfinite(square), "not finite"),
        (~(lost_square <= ROUNDING**2 * square), f"nothing that {dtype} can hold; use a wider dtype"),
    ):
        if wrong.any():
            task, step = np.argwhere(wrong)[0]
            raise BadNumbers(f"{name} of demonstration {demonstration} under {tasks[task]}, step {step}, is {why}")
    return sent


@dataclass(frozen=True, slots=True)
class Sender:
    """Makes and sends the features of one revision."""

    project: Project
    revision: Revision
    features: Features
    tasks: Mapping[str, Task]
    pairs: Pairs
    dtype: Precision

    def keys(self, demonstration: Demonstration) -> list[str]:
        return [demonstration.task] if self.pairs == "own" else list(self.tasks)

    def tensors(self, demonstration: Demonstration, keys: Sequence[str]) -> dict[str, Floats]:
        found = self.features(demonstration, [self.tasks[key] for key in keys])
        sent = {name: rounded(name, values, self.dtype, demonstration.id, keys) for name, values in found.items()}
        return {name: values[0] for name, values in sent.items()} if self.pairs == "own" else sent

    def send(self, id: str, summary: FeatureSummary) -> None:
        demonstration = self.project.demonstrations.get(id)
        start, keys = time.perf_counter(), self.keys(demonstration)
        data = features_bytes(self.tensors(demonstration, keys), None if self.pairs == "own" else keys)
        between = time.perf_counter()
        self.project.policies.put_features_bytes(self.revision.revision, id, data)
        summary.forward_s += between - start
        summary.upload_s += time.perf_counter() - between
        summary.new, summary.pairs = summary.new + 1, summary.pairs + len(keys)
        summary.sent_bytes += len(data)

    def check_network(self, missing: set[str]) -> None:
        """Evaluates one whose features are held: half of a revision must not be of another network."""
        for summary in self.project.demonstrations.list() if self.revision.demonstrations else ():
            if summary.id in missing:
                continue
            try:
                same = self._is_the_same(summary.id)
            except NotFound:  # one that cannot count, such as a failed one, or retracted a moment ago: the next one
                continue
            if not same:
                raise WrongRevision(
                    f"revision {self.revision.revision} has features of another network, or of other arguments: those "
                    f"of demonstration {summary.id} differ from what this policy gives; after training it is a new "
                    "revision"
                )
            return

    def _is_the_same(self, id: str) -> bool:
        policies, name = self.project.policies, self.revision.revision
        tasks, held = policies.get_features(name, id).tasks, policies.get_feature_arrays(name, id)
        demonstration = self.project.demonstrations.get(id)
        if not tasks:
            return _alike(held, self.tensors(demonstration, self.keys(demonstration)))
        there = [place for place, key in enumerate(tasks) if key in self.tasks]  # a task may have been deleted
        here = self.tensors(demonstration, [tasks[place] for place in there])
        return _alike({tensor: values[there] for tensor, values in held.items()}, here)


def _alike(held: Mapping[str, Floats], here: Mapping[str, Floats]) -> bool:
    def close(one: Floats, other: Floats) -> bool:
        if one.shape != other.shape:
            return False
        span = float(np.abs(one).max(initial=0.0))
        return bool(np.allclose(one, other, rtol=2 * ROUNDING, atol=ROUNDING * span))

    return held.keys() == here.keys() and all(close(held[name], here[name]) for name in held)


def check_choice(name: str, value: str, choices: Sequence[str]) -> None:
    if value not in choices:
        raise PolicyError(f"{name} is {value!r}; expected one of {', '.join(choices)}")


def revision_for_features(project: Project, name: str) -> Revision:
    revision = project.policies.get(name)
    if revision.state == "retired":
        raise WrongRevision(f"revision {name} is retired; features of a newer network need a new revision")
    if revision.kind != "external":
        raise WrongRevision(f"revision {name} is of kind {revision.kind}, whose features the server finds itself")
    return revision


def send_missing(
    project: Project, revision: str, features: Features, pairs: Pairs, dtype: Precision, progress: Progress | None
) -> FeatureSummary:
    """Evaluates and sends what the revision lacks."""
    check_choice("pairs", pairs, get_args(Pairs))
    check_choice("dtype", dtype, get_args(Precision))
    known = revision_for_features(project, revision)
    sender = Sender(project, known, features, {task.key: task for task in project.tasks.list()}, pairs, dtype)
    missing = [entry.demonstration for entry in project.policies.missing(revision)]
    summary = FeatureSummary(revision, held=known.demonstrations)
    sender.check_network(set(missing))
    for done, id in enumerate(missing):
        if progress:
            progress(done, len(missing))
        sender.send(id, summary)
    if progress and missing:
        progress(len(missing), len(missing))
    return summary
