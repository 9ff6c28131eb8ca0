"""Means over seeds, with bootstrap intervals.

A percentile bootstrap: seeds are drawn with replacement, the mean is taken, and the interval lies between the 5 % and
the 95 % quantile of 10,000 such means. Draws are seeded, so the same runs give the same interval; all rounds of a
curve are drawn together. With few seeds it is too narrow, as every bootstrap is: from three seeds it says little.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from .benchmark import Array

LEVEL = 0.9
DRAWS = 10_000
SEED = 20_410


@dataclass(frozen=True, slots=True)
class Interval:
    mean: float
    low: float
    high: float

    def as_json(self) -> dict[str, float]:
        return {name: float(f"{value:.6g}") for name, value in asdict(self).items()}


@dataclass(frozen=True, slots=True, eq=False)
class Band:
    """One interval a round."""

    mean: Array
    low: Array
    high: Array

    def as_json(self) -> dict[str, Any]:
        return {name: short(value) for name, value in asdict(self).items()}


def short(values: Array) -> Any:
    """As JSON, to six digits."""
    if values.ndim > 1:
        return [short(row) for row in values]
    return [None if np.isnan(value) else float(f"{value:.6g}") for value in values]


def band(values: Array) -> Band:
    """values: seeds x rounds."""
    seeds = len(values)
    drawn = np.random.default_rng(SEED).integers(seeds, size=(DRAWS, seeds))
    share = np.zeros((DRAWS, seeds))
    np.add.at(share, (np.arange(DRAWS)[:, None], drawn), 1 / seeds)
    low, high = np.quantile(share @ values, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)
    return Band(values.mean(axis=0), low, high)


def interval(values: Array) -> Interval:
    """values: one a seed."""
    found = band(values[:, None])
    return Interval(float(found.mean[0]), float(found.low[0]), float(found.high[0]))
