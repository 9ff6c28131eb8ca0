"""What is sent, as typed dictionaries: each is the keyword arguments of a method, or a part of them.

What is left out takes the server's default, or stays as it is in `update`. Ranges and defaults stand in
proto/openapi.yaml; the server names a wrong value exactly, so nothing is checked twice here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypedDict

Scale = float | Sequence[float] | Literal["median", "marginal_likelihood"]
DemonstrationRole = Literal["demonstration", "pretraining", "rollout"]
TokenRole = Literal["admin", "operator", "robot", "reader"]


class PolicySettings(TypedDict, total=False):
    kind: Literal["gp", "external", "mlp"]


GraphSettings = TypedDict(  # in this form because of `lambda`
    "GraphSettings",
    {"nodes": Sequence[str], "edges": Sequence[tuple[int, int, float]], "lambda": float},
    total=False,
)


class KernelSettings(TypedDict, total=False):
    kind: Literal["rbf", "matern32", "matern52", "linear", "embedding", "factored"]
    variance: float
    state_scale: Scale
    task: Literal["discrete", "vector", "graph"]
    task_correlation: float
    task_scale: Scale
    graph: GraphSettings | None


class CriterionSettings(TypedDict, total=False):
    measure: str
    weights: str
    occupancy: Literal["auto", "held", "new", "rollouts"]
    target: Literal["weights", "failure"]
    rollouts_per_task: int
    clip: tuple[float, float] | None
    clip_scope: Literal["trajectory", "step"]
    conditioning: Literal["auto", "all", "none"]
    exclude_self: bool
    ess_target: float
    weight_floor: float
    max_steps: int
    occupancy_limit: int
    blocks_per_task: int
    test_pair_limit: int
    conditioning_limit: int


class SelectionSettings(TypedDict, total=False):
    rule: Literal["criterion", "uniform", "round_robin", "rebalance", "prior_entropy", "lowest_success"]
    warm_start: int | Literal["auto"]
    explore_share: float
    cost_exponent: float
    stop_gain: float
    stop: Literal["soft", "hard"]
    budget: int | None
    seed: int
    lease_s: float


class ProjectSettings(TypedDict, total=False):
    title: str
    state_dim: int | None
    action_dim: int | None
    policy: PolicySettings
    kernel: KernelSettings
    noise_std: float
    noise_relative: float | None
    standardize: bool
    fit_after: int | None
    criterion: CriterionSettings
    selection: SelectionSettings


class TaskSettings(TypedDict, total=False):
    instruction: str
    vector: Sequence[float] | None
    weight: float
    cost_s: float
    role: Literal["both", "candidate", "evaluation"]
    requires: Sequence[str]
    min_demonstrations: int
    max_demonstrations: int | None


class RecordingFields(TypedDict, total=False):
    """What may be said of a demonstration that answers an assignment."""

    operator: str | None
    robot: str | None
    duration_s: float | None
    source: str | None
    metadata: Mapping[str, Any]


class DemonstrationFields(RecordingFields, total=False):
    """What may be said of any demonstration."""

    success: bool
    role: DemonstrationRole
    assignment: str | None


class RevisionSettings(TypedDict, total=False):
    kind: Literal["gp", "external", "mlp"]
    role: Literal["selection", "likelihood", "both"]
    sigma: float
    trained_on: Sequence[str] | None
    note: str | None


class AskFields(TypedDict, total=False):
    operator: str | None
    robot: str | None
    capabilities: Sequence[str]
    exclude: Sequence[str]
    count: int
    lease_s: float | None


class TokenFields(TypedDict, total=False):
    project: str | None
    expires_at: str | None
    expires_in_s: int | None
