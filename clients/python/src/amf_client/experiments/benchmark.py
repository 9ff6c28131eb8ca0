"""What a simulator gives to the loop.

A benchmark is a module of this package with two names: `DEFAULTS`, how its experiment is run unless told otherwise, and
`make(horizon)`, which builds the simulator. All randomness comes from the generator that is handed in: the same
generator, the same episode, in whichever process and after whichever other episodes.

Arrays are float64: states H x ds before each action, actions H x da as they were applied, in the benchmark's own units.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import torch

    from amf_client.project import Project

Array = NDArray[np.float64]
Policy = Callable[[Array, int], Array]  # state (ds), index of the task -> action (da)
FeatureForm = Literal["loss_gradient", "last_layer"]
BatchPolicy = Callable[[Array, Sequence[int]], Array]  # states (B x ds), an index of a task each -> actions (B x da)


@dataclass(frozen=True, slots=True)
class TaskSpec:
    """`vector` is what the network sees of the task; all tasks of a benchmark have one of the same length."""

    key: str
    instruction: str
    vector: tuple[float, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Episode:
    """One attempt. `return_`: higher is better; where the benchmark knows only success, 1 or 0."""

    states: Array
    actions: Array
    success: bool
    return_: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Defaults:
    """How an experiment is run where the command line does not say.

    `score`: which number of an episode is reported, "success" or "return". `pretrain`: demonstrations per task that
    the policy is pre-trained on. `evaluations`: episodes per task and round. `rollouts`: the policy's own attempts
    per task and round that an arm uploads, if it uploads any. `least_deviation`: of the network's normaliser, as a
    share of the largest deviation (policies.py). `settings`: project settings that this benchmark needs, as the daemon
    takes them, under those of the arm.
    """

    score: str
    pretrain: tuple[int, ...]
    rounds: int
    steps: int
    pretrain_steps: int
    evaluations: int
    rollouts: int = 2
    least_deviation: float = 0.05
    settings: Mapping[str, Any] = field(default_factory=dict)


class Benchmark(Protocol):
    """`horizon` is the most steps an episode has."""

    @property
    def name(self) -> str: ...
    @property
    def tasks(self) -> tuple[TaskSpec, ...]: ...
    @property
    def state_dim(self) -> int: ...
    @property
    def action_dim(self) -> int: ...
    @property
    def horizon(self) -> int: ...

    def demonstrate(self, task: int, generator: np.random.Generator) -> Episode:
        """The expert. One that fails says so (`success`), and the loop asks it once more."""

    def rollout(self, task: int, policy: Policy, generator: np.random.Generator) -> Episode:
        """The policy's own attempt."""


@runtime_checkable
class InBatches(Protocol):
    """A benchmark that can try several tasks at once, with one call of the network a step."""

    def rollouts(
        self, tasks: Sequence[int], policy: BatchPolicy, generators: Sequence[np.random.Generator]
    ) -> list[Episode]: ...


@runtime_checkable
class BringsPolicy(Protocol):
    """A benchmark with a policy of its own; the others get a multilayer network of two hidden layers.

    The module is called with states (B x ds) and task vectors (B x dc) and returns actions (B x da), all float32
    tensors in the benchmark's units. If it has a method `loss(states, vectors, actions)`, that is what fine-tuning
    minimises.
    """

    @property
    def layer(self) -> str:
        """The name of the last Linear, whose input and output the criterion sees."""

    def make_policy(self, generator: torch.Generator) -> torch.nn.Module: ...


@runtime_checkable
class BringsFeatures(Protocol):
    """A benchmark whose policy's features take more than a forward pass: a policy that draws its actions, say."""

    def upload_features(self, project: Project, revision: str, policy: torch.nn.Module, form: FeatureForm) -> None:
        """Puts what `revision` lacks: h and mean or likelihoods for `loss_gradient`, phi for `last_layer`."""
