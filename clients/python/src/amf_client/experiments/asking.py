"""A run's side of the daemon: a project with its tasks, the policy's revisions, attempts, and questions.

Every decision is an assignment of the daemon's. Before an ask, a ranking is waited for that has seen everything, so
that a run is a function of its settings and not of how busy the machine is.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from amf_client.client import Client
from amf_client.models import Assignment, ProjectInfo, Ranking

from .arms import ArmSettings
from .benchmark import Benchmark, Episode

LEASE_S = 7 * 24 * 3600
RANKING_WAIT_S = 30
RANKING_PATIENCE_S = 600


class AskingError(Exception):
    """The daemon names no task, or no ranking in time."""


class Asking:
    def __init__(self, client: Client, name: str, benchmark: Benchmark, arm: ArmSettings, seed: int) -> None:
        self._benchmark = benchmark
        project = dict(arm["project"])
        project["selection"] = {"seed": seed, **project.get("selection", {})}
        dimensions: Any = {"state_dim": benchmark.state_dim, "action_dim": benchmark.action_dim}
        self._project = client.projects.create(name, **dimensions, **project)
        for task in benchmark.tasks:
            self._project.tasks.put(task.key, instruction=task.instruction, vector=list(task.vector))
        self._index = {task.key: index for index, task in enumerate(benchmark.tasks)}
        self._ranked = arm["revision"] is not None

    @property
    def project(self) -> Any:
        return self._project

    def info(self) -> ProjectInfo:
        return self._project.get()

    def close(self) -> None:
        self._project.delete()

    def add(self, task: int, episode: Episode, role: Any, assignment: Assignment | None = None) -> str:
        stored = self._project.demonstrations.add(
            self._benchmark.tasks[task].key,
            episode.states,
            episode.actions,
            role=role,
            success=episode.success,
            assignment=None if assignment is None else assignment.id,
        )
        return stored.id

    def ranking(self) -> Ranking | None:
        """One that has seen everything; None where no ranking plays a part."""
        if not self._ranked:
            return None
        end = time.monotonic() + RANKING_PATIENCE_S
        while time.monotonic() < end:
            ranking: Ranking = self._project.ranking(wait_s=RANKING_WAIT_S)
            if ranking.age_s == 0:
                return ranking
        raise AskingError(f"{self._project.id} has no ranking of its newest event after {RANKING_PATIENCE_S} s")

    def ask(self, count: int) -> Sequence[Assignment]:
        asked = self._project.assignments.ask(operator="expert", count=count, lease_s=LEASE_S)
        if not asked.assignments:
            why = asked.reason.detail if asked.reason else "without a reason"
            raise AskingError(f"{self._project.id} names no task: {why}")
        assignments: Sequence[Assignment] = asked.assignments
        return assignments

    def task_of(self, assignment: Assignment) -> int:
        return self._index[assignment.task]

    def complete(self, assignment: Assignment, episode: Episode) -> None:
        stored = self.add(self.task_of(assignment), episode, "demonstration", assignment)
        done = self._project.assignments.complete(assignment.id, assignment.fence, demonstration_id=stored)
        if not done.credited:
            raise AskingError(
                f"{self._project.id}: a demonstration of {assignment.task} was not credited: {done.reason}"
            )

    def by_task(self, ranking: Ranking | None, field: str) -> list[float | None] | None:
        """A number of each candidate, in the order of the benchmark's tasks."""
        if ranking is None:
            return None
        values: list[float | None] = [None] * len(self._index)
        for candidate in ranking.candidates:
            values[self._index[candidate.task]] = getattr(candidate, field)
        return values
