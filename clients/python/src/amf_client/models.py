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
    target: str = "weights"


@dataclass(frozen=True, slots=True, kw_only=True)
class ByTask(Answer):
    """A number for each of some tasks, those that matter most first: `values[i]` is of `tasks[i]`."""

    tasks: tuple[str, ...]
    values: tuple[float, ...]
    total: int


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
    shares: ByTask | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RankedTarget(Answer):
    """An evaluation task with its weight in use, normalised."""

    task: str
    weight: float
    failure_rate: float | None
    rollouts: int


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
    revision: str | None
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
    targets: tuple[RankedTarget, ...] = ()
    pending: ByTask | None = None
    likelihood_revision: str | None = None
    missing: tuple[str, ...] = ()
    missing_count: int = 0
    stale_pairs: int = 0


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
    to: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason(Answer):
    code: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked(Answer):
    assignments: tuple[Assignment, ...]
    seq: int
    revision: str | None
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
    """One entry of a project's log, with what it is about as the event left it."""

    seq: int
    at: datetime
    type: str
    id: str | None = None
    revision: str | None = None
    reason: str | None = None
    project: Mapping[str, Any] | None = None
    task: Mapping[str, Any] | None = None
    demonstration: DemonstrationSummary | None = None
    assignment: Assignment | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Basis(Answer):
    """What a choice was made of."""

    revision: str | None
    blas_core: str
    measure: str
    likelihood_revision: str | None = None
    capabilities: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    runner_up: str | None = None
    scores: ByTask | None = None
    shares: ByTask | None = None
    pending: ByTask | None = None
    unseen: ByTask | None = None
    entropy: float | None = None
    entropies: ByTask | None = None
    effective_sample_size: float | None = None
    largest_weight_share: float | None = None
    clipped_share: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision(Answer):
    """A choice as it was recorded; `state` is that of its assignment today."""

    id: str
    at: datetime
    task: str
    operator: str | None
    robot: str | None
    state: str
    rule: str
    gain: float | None
    margin: float | None
    why: str | None
    seq: int
    age_s: float | None
    pick: int
    basis: Basis | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleCount(Answer):
    rule: str
    decisions: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StateCount(Answer):
    state: str
    assignments: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskProgress(Answer):
    task: str
    demonstrations: int
    failed: int
    pretraining_demonstrations: int
    rollouts: int
    success_rate: float | None
    pending: int
    decisions: int
    minutes: float
    unknown_durations: int
    first_entropy: float | None
    entropy: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Round(Answer):
    round: int
    id: str
    at: datetime
    task: str
    rule: str
    gain: float | None
    entropy: float | None
    entropies: ByTask | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Report(Answer):
    """How far a project has come, and what it cost. Entropies in nats, expected, of an evaluation task."""

    seq: int
    at: datetime
    demonstrations: int
    failed: int
    decisions: int
    budget: int | None
    minutes: float
    unknown_durations: int
    ranking_seq: int
    first_entropy: float | None
    entropy: float | None
    rules: tuple[RuleCount, ...]
    assignments: tuple[StateCount, ...]
    tasks: tuple[TaskProgress, ...]
    rounds: tuple[Round, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureForm(Answer):
    """Which tensors the features of a revision have, with their columns."""

    per_task: bool
    phi: int | None
    h: int | None
    g: int | None
    mean: int | None
    log_likelihood: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision(Answer):
    """A revision of the policy: `state` staged, active or retired; `serves`: selection, likelihood."""

    revision: str
    kind: str
    role: str
    sigma: float
    trained_on: tuple[str, ...] | None
    note: str | None
    sha256: str | None
    state: str
    serves: tuple[str, ...]
    features: FeatureForm | None
    summary_dim: int | None
    demonstrations: int
    missing: int
    stale_pairs: int
    created_at: datetime | None
    seq: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Features(Answer):
    """Features of one demonstration under a revision, without their numbers."""

    id: str
    revision: str
    demonstration: str
    sha256: str
    tasks: tuple[str, ...]
    form: FeatureForm
    seq: int
    at: datetime
    duplicate: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class MissingFeatures(Answer):
    """What a revision still lacks of a demonstration."""

    demonstration: str
    reason: str
    tasks: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DataStatus(Answer):
    directory: str | None
    database_bytes: int
    log_bytes: int
    free_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectStatus(Answer):
    id: str | None
    seq: int
    tasks: int
    demonstrations: int
    open_assignments: int
    ranking_seq: int | None
    ranking_age_s: float | None
    provisional: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Status(Answer):
    """What the server holds and how it does, of the projects the token may see."""

    version: str | None
    uptime_s: float
    ready: bool
    reason: str | None
    latched: bool
    draining: bool
    writer_queue: int
    connections: int
    connections_max: int
    streams: int
    data: DataStatus | None
    projects: tuple[ProjectStatus, ...]
    next_cursor: str | None = None
