"""Features of every held demonstration under every task, evaluated here and uploaded for a revision.

One demonstration at a time: its rows under all tasks go through the policy in batches, are checked, and become one
file. So memory is that of one demonstration, and an upload that broke off is simply run again: only what the server
lists as missing is evaluated and sent.

Hidden activations are rounded to float16 (1e-5 of the gains); predicted actions are not, because the server subtracts
the recorded ones from them and only the difference counts.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor, nn

from .._files import Progress
from .._tensors import features_bytes
from .._upload import bar
from ..errors import NotFound
from ..models import Demonstration, Revision, Task
from ..project import Project
from .errors import BadNumbers, PolicyError, ShapeError, WrongRevision
from .layers import Inputs, as_tuple, check_parameters, find_layer, hidden_features, joined

Floats = NDArray[np.floating[Any]]
Form = Literal["loss_gradient", "last_layer"]
Pairs = Literal["all", "own"]
Precision = Literal["float16", "float32", "float64"]
ROUNDING = 1e-3
"""Twice what float16 rounds by where it has all its bits."""


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a policy does at each of the H steps of a demonstration under a task."""

    mean: ArrayLike | None = None
    """H x d_a, in the units of the recorded actions."""
    log_likelihood: ArrayLike | None = None
    """H, of the recorded actions in nats; else the server forms it from `mean` and the revision's `sigma`."""


Predict = Callable[[Demonstration, Task], Prediction]
Evaluate = Callable[[Demonstration, Sequence[Task]], dict[str, Floats]]
"""The tensors of a demonstration, each with an axis of the tasks first, then one of the steps."""


@dataclass(slots=True)
class FeatureSummary:
    """What became of an upload. `sent_bytes` are those of the files, `new` the demonstrations they are of."""

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


def _text(values: Tensor) -> str:
    return " x ".join(map(str, values.shape)) or "one"


def _array(values: Tensor) -> Floats:
    values = values.detach().cpu()
    result: Floats = (values if values.dtype == torch.float64 else values.float()).numpy()
    return result


@dataclass(frozen=True, slots=True)
class _Network:
    """Evaluates a policy at rows of (state, task)."""

    policy: nn.Module
    layer: str
    inputs: Inputs
    action_of: Callable[[Any], Any] | None
    batch: int

    def _rows(self, demonstration: Demonstration, tasks: Sequence[Task]) -> Iterator[tuple[Tensor, ...]]:
        """Inputs of all tasks one after the other, in batches."""
        steps = len(demonstration.states)
        at_once = max(1, self.batch // max(1, steps))
        for start in range(0, len(tasks), at_once):
            parts = [self._inputs(demonstration, task, steps) for task in tasks[start : start + at_once]]
            columns = (torch.split(torch.cat(column), self.batch) for column in zip(*parts, strict=True))
            yield from zip(*columns, strict=True)

    def _inputs(self, demonstration: Demonstration, task: Task, steps: int) -> tuple[Tensor, ...]:
        given = as_tuple(self.inputs(demonstration.states, task))
        if len(given[0]) != steps:
            raise ShapeError(
                f"inputs gave {len(given[0])} rows for demonstration {demonstration.id} under {task.key}, "
                f"which has {steps} steps"
            )
        return given

    def _mean(self, output: Any) -> Tensor:
        mean = self.action_of(output) if self.action_of else output
        if not isinstance(mean, Tensor):
            raise ShapeError(f"the policy returns a {type(mean).__name__}; action_of= says where its actions are")
        return mean

    def __call__(
        self, demonstration: Demonstration, tasks: Sequence[Task], *, actions: bool
    ) -> tuple[Floats, Floats | None]:
        """h and, with `actions`, the predicted actions: tasks x steps x columns."""
        hidden, means = [], []
        for given in self._rows(demonstration, tasks):
            h, output = hidden_features(self.policy, self.layer, *given)
            hidden.append(_array(h))
            if actions:
                means.append(_array(self._checked(self._mean(output), len(h), demonstration)))
        shape = (len(tasks), len(demonstration.states), -1)
        return np.concatenate(hidden).reshape(shape), np.concatenate(means).reshape(shape) if actions else None

    def _checked(self, mean: Tensor, rows: int, demonstration: Demonstration) -> Tensor:
        expected = demonstration.actions.shape[1]
        if mean.shape != (rows, expected):
            raise ShapeError(
                f"the policy predicts {_text(mean)} numbers for {rows} steps; "
                f"actions of this project have {expected}, so {rows} x {expected} are expected"
            )
        return mean


def _predicted(predict: Predict, demonstration: Demonstration, tasks: Sequence[Task]) -> dict[str, Floats]:
    """`mean` and `log_likelihood` of all tasks, as far as there are any."""
    found = [predict(demonstration, task) for task in tasks]
    tensors: dict[str, Floats] = {}
    for name, shape in (("mean", demonstration.actions.shape), ("log_likelihood", demonstration.actions.shape[:1])):
        values = [getattr(one, name) for one in found]
        if any(value is None for value in values):
            continue
        arrays = [np.asarray(value, dtype=np.float64) for value in values]
        for array, task in zip(arrays, tasks, strict=True):
            if array.shape != shape:
                raise ShapeError(f"{name} of {demonstration.id} under {task.key} is {array.shape}; expected {shape}")
        tensors[name] = np.stack(arrays)
    return tensors


def _features(network: _Network, predict: Predict | None, form: Form) -> Evaluate:
    def evaluate(demonstration: Demonstration, tasks: Sequence[Task]) -> dict[str, Floats]:
        hidden, mean = network(demonstration, tasks, actions=predict is None)
        said = {"mean": mean} if mean is not None else {}
        if predict:
            said = _predicted(predict, demonstration, tasks)
        if form == "loss_gradient" and "mean" not in said:
            raise PolicyError("a loss gradient needs predicted actions; form='last_layer' does without")
        return {"h" if form == "loss_gradient" else "phi": hidden, **said}

    return evaluate


def rounded(name: str, values: Floats, dtype: Precision, demonstration: str, tasks: Sequence[str]) -> Floats:
    """In the precision they are sent in. Raises BadNumbers, naming the first step that is wrong."""
    if name not in ("h", "phi"):
        dtype = "float64" if dtype == "float64" else "float32"
    sent: Floats = values
    with np.errstate(over="ignore"):
        sent = values.astype(dtype, copy=False)
    wide = values.reshape(*values.shape[:2], -1).astype(np.float64, copy=False)
    lost = np.linalg.norm(sent.reshape(wide.shape) - wide, axis=2)
    for wrong, why in (
        (~np.isfinite(wide).all(axis=2), "not finite"),
        (~(lost <= ROUNDING * np.linalg.norm(wide, axis=2)), f"nothing that {dtype} can hold; use a wider dtype"),
    ):
        if wrong.any():
            task, step = np.argwhere(wrong)[0]
            raise BadNumbers(f"{name} of demonstration {demonstration} under {tasks[task]}, step {step}, is {why}")
    return sent


def _revision(project: Project, name: str) -> Revision:
    revision = project.policies.get(name)
    if revision.state == "retired":
        raise WrongRevision(f"revision {name} is retired; features of a newer network need a new revision")
    if revision.kind != "external":
        raise WrongRevision(f"revision {name} is of kind {revision.kind}, whose features the server finds itself")
    return revision


def _same_network(project: Project, revision: Revision, one: _Upload, missing: set[str]) -> None:
    """Evaluates a demonstration whose features are held: half of a revision must not be another network's."""
    for summary in project.demonstrations.list() if revision.demonstrations else ():
        if summary.id in missing:
            continue
        try:
            tasks = project.policies.get_features(revision.revision, summary.id).tasks
        except NotFound:
            continue
        held = project.policies.get_feature_arrays(revision.revision, summary.id)
        here = one.tensors(project.demonstrations.get(summary.id), tasks)
        if not _alike(held, here):
            raise WrongRevision(
                f"revision {revision.revision} has features of another network: those of demonstration {summary.id} "
                "differ from what this policy gives; a network that was trained on is a new revision"
            )
        return


def _alike(held: dict[str, Floats], here: dict[str, Floats]) -> bool:
    def close(one: Floats, other: Floats) -> bool:
        if one.shape != other.shape:
            return False
        span = float(np.abs(one).max(initial=0.0))
        return bool(np.allclose(one, other, rtol=2 * ROUNDING, atol=ROUNDING * span))

    return held.keys() == here.keys() and all(close(held[name], here[name]) for name in held)


@dataclass(frozen=True, slots=True)
class _Upload:
    """What becomes of one demonstration."""

    evaluate: Evaluate
    tasks: dict[str, Task]
    pairs: Pairs
    dtype: Precision

    def keys(self, demonstration: Demonstration) -> list[str]:
        return [demonstration.task] if self.pairs == "own" else list(self.tasks)

    def tensors(self, demonstration: Demonstration, keys: Sequence[str] = ()) -> dict[str, Floats]:
        """Checked, rounded and ready to be sent. `keys`: of the tasks, else those it is for."""
        keys = keys or self.keys(demonstration)
        found = self.evaluate(demonstration, [self.tasks[key] for key in keys])
        sent = {name: rounded(name, values, self.dtype, demonstration.id, keys) for name, values in found.items()}
        return {name: values[0] for name, values in sent.items()} if self.pairs == "own" else sent


def upload(
    project: Project, revision: str, evaluate: Evaluate, pairs: Pairs, dtype: Precision, progress: Progress | None
) -> FeatureSummary:
    """Evaluates and sends what the revision lacks."""
    known = _revision(project, revision)
    one = _Upload(evaluate, {task.key: task for task in project.tasks.list()}, pairs, dtype)
    missing = [entry.demonstration for entry in project.policies.missing(revision)]
    summary = FeatureSummary(revision, held=known.demonstrations)
    _same_network(project, known, one, set(missing))
    for done, id in enumerate(missing):
        if progress:
            progress(done, len(missing))
        demonstration = project.demonstrations.get(id)
        start = time.perf_counter()
        tensors = one.tensors(demonstration)
        tasks = one.keys(demonstration)
        data = features_bytes(tensors, None if pairs == "own" else tasks)
        between = time.perf_counter()
        project.policies.put_features_bytes(revision, id, data)
        summary.forward_s += between - start
        summary.upload_s += time.perf_counter() - between
        summary.new, summary.pairs = summary.new + 1, summary.pairs + len(tasks)
        summary.sent_bytes += len(data)
    if progress and missing:
        progress(len(missing), len(missing))
    return summary


def upload_features(
    project: Project,
    revision: str,
    policy: nn.Module,
    *,
    layer: str,
    inputs: Inputs = joined,
    form: Form = "loss_gradient",
    pairs: Pairs = "all",
    predict: Predict | None = None,
    action_of: Callable[[Any], Any] | None = None,
    dtype: Precision = "float16",
    batch: int = 4096,
    progress: Progress | None = bar,
) -> FeatureSummary:
    """Puts what `revision` lacks: for each held demonstration the input of the linear layer `layer`, and actions.

    form: `loss_gradient` for the kernel `factored` (h and mean), `last_layer` for `embedding` (phi = h, label-free).
    pairs: `own` evaluates each demonstration under its own task alone, and the weights are then own-task weights.
    predict: actions and likelihoods, where they are not simply what the policy returns.
    action_of: from what the policy returns to its actions, rows x d_a in the units of the recorded ones.
    """
    find_layer(policy, layer)
    check_parameters(policy)
    network = _Network(policy, layer, inputs, action_of, batch)
    return upload(project, revision, _features(network, predict, form), pairs, dtype, progress)
