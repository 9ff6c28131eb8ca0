"""Policies that draw their actions, such as diffusion and flow policies: a normal distribution fitted to draws.

Its mean stands for the predicted action, and its density at the recorded action for the likelihood that such a policy
cannot tell. Draws depend on the seed, the demonstration and the task alone, so that features uploaded later go with
those that are there.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..models import Demonstration, Task
from ..project import Project
from ._seeded import seeded
from .errors import PolicyError, ShapeError
from .features import Predict, Prediction

Sample = Callable[[NDArray[Any], Task, torch.Generator], Tensor]
"""One action for each row of states, in the units of the recorded ones; the generator is what it draws from."""


def _unit(project: Project) -> NDArray[np.float64] | float:
    """One of the project's action units, in those of the recorded actions."""
    known = project.get()
    if not known.standardize:
        return 1.0
    if known.scales is None:
        raise PolicyError(f"project {project.id} has no scales yet; project.refit() takes them from what is held")
    return np.asarray(known.scales.action_std)


def fitted_gaussian(
    project: Project, sample: Sample, *, samples: int = 32, seed: int = 0, least_std: float = 0.1
) -> Predict:
    """For `upload_features(predict=...)`: mean and log-likelihoods of a normal distribution with the draws' mean and
    variance, the latter in each dimension and at least `least_std` squared. Likelihoods and `least_std` are in the
    project's action units (standardised where the project does), as those are that the server forms itself."""
    if samples < 2:
        raise PolicyError(f"{samples} samples; a variance needs 2 at least")
    if not least_std > 0:
        raise PolicyError(f"least_std is {least_std}; expected more than 0")
    unit = _unit(project)

    def predict(demonstration: Demonstration, task: Task) -> Prediction:
        rows = np.repeat(demonstration.states, samples, axis=0)
        drawn = sample(rows, task, seeded(seed, demonstration.id, task.key))
        expected = (len(rows), demonstration.actions.shape[1])
        if not isinstance(drawn, Tensor) or drawn.shape != expected:
            what = drawn.shape if isinstance(drawn, Tensor) else type(drawn).__name__
            raise ShapeError(f"sample gave {what} for {task.key}; expected an action a row, {expected}")
        values = drawn.detach().double().cpu().numpy().reshape(-1, samples, expected[1])
        mean = values.mean(axis=1)
        variance = np.maximum((values / unit).var(axis=1, ddof=1), least_std**2)
        error = (demonstration.actions - mean) / unit
        density = -0.5 * (error**2 / variance + np.log(variance) + math.log(2 * math.pi))
        return Prediction(mean, density.sum(axis=1))

    return predict
