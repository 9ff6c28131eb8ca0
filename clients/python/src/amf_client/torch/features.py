"""h and the predicted actions of every held demonstration under every task, uploaded for a revision."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike
from torch import Tensor, nn

from .._files import Progress
from .._upload import bar
from ..models import Demonstration, Task
from ..project import Project
from ._rows import ActionOf, Floats, Rows, actions_in
from ._sending import Features, FeatureSummary, Pairs, Precision, check_choice, send_missing
from .errors import PolicyError, ShapeError
from .layers import Inputs, check_parameters, find_layer, frozen, hidden_features, joined_for

Form = Literal["loss_gradient", "last_layer"]


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a policy does at each of the H steps of a demonstration under a task."""

    mean: ArrayLike | None = None
    """H x d_a, in the units of the recorded actions."""
    log_likelihood: ArrayLike | None = None
    """H, of the recorded actions in nats; else the server forms it from `mean` and the revision's `sigma`."""


Predict = Callable[[Demonstration, Task], Prediction]


def predictions(predict: Predict, demonstration: Demonstration, tasks: Sequence[Task]) -> dict[str, Floats]:
    """`mean` and `log_likelihood` of all tasks, as far as there are any."""
    found = [predict(demonstration, task) for task in tasks]
    tensors: dict[str, Floats] = {}
    for name, shape in (("mean", demonstration.actions.shape), ("log_likelihood", demonstration.actions.shape[:1])):
        values = [getattr(one, name) for one in found]
        if all(value is None for value in values):
            continue
        arrays = [np.asarray(value, dtype=np.float64) for value in values]
        for array, task in zip(arrays, tasks, strict=True):
            if array.shape != shape:
                raise ShapeError(f"{name} of {demonstration.id} under {task.key} is {array.shape}; expected {shape}")
        tensors[name] = np.stack(arrays)
    return tensors


def _features(
    policy: nn.Module, layer: str, rows: Rows, form: Form, predict: Predict | None, action_of: ActionOf | None
) -> Features:
    hidden_name = "h" if form == "loss_gradient" else "phi"

    def features(demonstration: Demonstration, tasks: Sequence[Task]) -> dict[str, Floats]:
        def evaluate(*given: Tensor) -> Sequence[Tensor]:
            hidden, output = hidden_features(policy, layer, *given)
            return (hidden,) if predict else (hidden, actions_in(output, action_of, len(hidden), demonstration))

        found = dict(zip((hidden_name, "mean"), rows.through(evaluate, demonstration, tasks), strict=False))
        if predict:
            with frozen(policy):
                found |= predictions(predict, demonstration, tasks)
        if form == "loss_gradient" and "mean" not in found:
            raise PolicyError("a loss gradient needs predicted actions; form='last_layer' does without")
        return found

    return features


def upload_features(
    project: Project,
    revision: str,
    policy: nn.Module,
    *,
    layer: str,
    inputs: Inputs | None = None,
    form: Form = "loss_gradient",
    pairs: Pairs = "all",
    predict: Predict | None = None,
    action_of: ActionOf | None = None,
    dtype: Precision = "float16",
    batch: int = 4096,
    progress: Progress | None = bar,
) -> FeatureSummary:
    """Puts what `revision` lacks: for each held demonstration the input of the linear layer `layer`, and actions.

    inputs: from states and a task to what the policy is called with; else `joined`, in the policy's precision.
    form: `loss_gradient` for the kernel `factored` (h and mean), `last_layer` for `embedding` (phi = h, label-free).
    pairs: `own` evaluates each demonstration under its own task alone, and the weights are then own-task weights.
    predict: actions and likelihoods, where they are not simply what the policy returns.
    action_of: from what the policy returns to its actions, rows x d_a in the units of the recorded ones.
    dtype: of h or phi; the rest is float32 at least. batch: rows that go through the policy at once.
    """
    find_layer(policy, layer)
    check_parameters(policy)
    check_choice("form", form, get_args(Form))
    features = _features(policy, layer, Rows(inputs or joined_for(policy), batch), form, predict, action_of)
    return send_missing(project, revision, features, pairs, dtype, progress)
