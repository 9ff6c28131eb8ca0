"""Answers of the service, one frozen dataclass a message, with the names of proto/openapi.yaml.

Units are in the names (`_s` seconds); times are aware datetimes in UTC. `more` of each holds what a newer server adds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._decode import Answer

Scale = float | str | tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy(Answer):
    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Kernel(Answer):
    kind: str
    variance: float
    state_scale: Scale
    task: str
    task_correlation: float
    task_scale: Scale
    graph: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Criterion(Answer):
    measure: str
    weights: str
    occupancy: str
    target: str
    rollouts_per_task: int
    clip: tuple[float, ...] | None
    clip_scope: str
    conditioning: str
    exclude_self: bool
    ess_target: float
    weight_floor: float
    max_steps: int
    occupancy_limit: int
    blocks_per_task: int
    test_pair_limit: int
    conditioning_limit: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection(Answer):
    rule: str
    warm_start: int | str
    explore_share: float
    cost_exponent: float
    stop_gain: float
    stop: str
    budget: int | None
    seed: int
    lease_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources(Answer):
    """How each number was found: given, median or marginal_likelihood."""

    state_scale: str
    task_scale: str
    task_correlation: str
    variance: str
    noise_std: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit(Answer):
    """What maximising the marginal likelihood came to; log-likelihoods in nats."""

    log_likelihood_median: float | None
    log_likelihood: float | None
    kept_median: bool
    rows: int
    rows_checked: int
    rows_total: int
    evaluations: int
    demonstrations: int
    note: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Scales(Answer):
    """The numbers a project takes from its own data, as they are in use."""

    state_mean: tuple[float, ...]
    state_std: tuple[float, ...]
    action_mean: tuple[float, ...]
    action_std: tuple[float, ...]
    state_scale: tuple[float, ...]
    task_scale: tuple[float, ...]
    task_correlation: float
    variance: float
    noise_std: float
    source: Sources
    demonstrations: int
    fit: Fit | None
    fit_due: bool
    seq: int
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectInfo(Answer):
    """A project with every setting written out."""

    id: str
    title: str
    state_dim: int | None
    action_dim: int | None
    policy: Policy
    kernel: Kernel
    noise_std: float
    noise_relative: float | None
    standardize: bool
    fit_after: int | None
    criterion: Criterion
    selection: Selection
    scales: Scales | None
    created_at: datetime
    seq: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Task(Answer):
    key: str
    instruction: str
    vector: tuple[float, ...] | None
    weight: float
    cost_s: float
    role: str
    requires: tuple[str, ...]
    min_demonstrations: int
    max_demonstrations: int | None
    demonstrations: int
    pretraining_demonstrations: int
    rollouts: int
    pending: int
    success_rate: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored(Answer):
    """A demonstration that is safe on the server's disk."""

    id: str
    seq: int
    sha256: str
    steps: int
    duplicate: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class DemonstrationSummary(Answer):
    """A demonstration without states and actions."""

    id: str
    seq: int
    sha256: str
    steps: int
    at: datetime
    task: str
    success: bool
    role: str
    operator: str | None
    robot: str | None
    duration_s: float | None
    source: str | None
    metadata: Mapping[str, Any]
    assignment: str | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Demonstration(Answer):
    """A demonstration with its arrays: float64, one row a step."""

    id: str
    task: str
    states: NDArray[np.float64]
    actions: NDArray[np.float64]
    success: bool
    role: str
    operator: str | None
    robot: str | None
    duration_s: float | None
    source: str | None
    metadata: Mapping[str, Any]
    assignment: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolvedCriterion(Answer):
    """The criterion with every `auto` decided."""

    measure: str
    weights: str
    occupancy: str
    conditioning: str
    warm_start: int | str
    clip: tuple[float, ...] | None
    noise_std: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate(Answer):
    """A task that could be asked for, with its gain; None: it could not be scored, and `note` says why."""

    task: str
    gain: float | None
    demonstrations: int
    pending: int
    effective_sample_size: float | None
    largest_weight_share: float | None
    clipped_share: float | None
    scorable: bool
    posterior_entropy: float | None
    skipped_share: float | None
    note: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing(Answer):
    total_s: float
    posterior_s: float
    weights_s: float
    gain_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranking(Answer):
    """Every candidate, best first. `age_s` 0: it has seen the newest event."""

    seq: int
    revision: str
    age_s: float
    measure: str
    unit: str
    exhaustive: bool
    provisional: bool
    jitter: float
    rule: str
    choice: str | None
    note: str | None
    criterion: ResolvedCriterion
    candidates: tuple[Candidate, ...]
    timing: Timing


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment(Answer):
    """A lease on the next demonstration of a task."""

    id: str
    task: str
    instruction: str | None
    state: str
    fence: int
    operator: str | None
    robot: str | None
    opened_at: datetime
    expires_at: datetime
    rule: str
    gain: float | None
    margin: float | None
    why: str
    demonstration: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason(Answer):
    code: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked(Answer):
    assignments: tuple[Assignment, ...]
    seq: int
    revision: str
    age_s: float
    reason: Reason | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Completed(Answer):
    """`credited` False: the demonstration is held all the same, and `reason` says why it does not count."""

    assignment: Assignment
    demonstration: Stored
    credited: bool
    reason: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Token(Answer):
    """`token` is the secret: in the answer to the creation only."""

    id: str
    name: str
    role: str
    project: str | None
    created_at: datetime | None
    expires_at: datetime | None
    state: str
    token: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Health(Answer):
    status: str
    detail: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Version(Answer):
    version: str
    api: str
    blas_core: str
    sqlite: str
    microhttpd: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Event(Answer):
    """One entry of a project's log; what its type brings along is in `more`."""

    seq: int
    at: datetime
    type: str
