"""One run: pre-training, then rounds of ask, demonstration, fine-tuning and evaluation.

    round n:  the policy's attempts are uploaded, if the arm uses any; the daemon is brought the policy's revision;
              it names `per_round` tasks; the expert demonstrates them; the policy is fine-tuned on all demonstrations
              that were asked for; it is tried in every task.

The result is a function of the settings, of the versions of the programs and of the BLAS kernels in use; only what is
under `seconds` is not.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from amf_client.client import Client
from amf_client.models import Assignment, Ranking

from .asking import Asking
from .benchmark import Benchmark
from .learning import ExpertError, Learner, Pretrained, demonstrate, pretrained
from .randomness import Stream
from .results import versions
from .revisions import Revisions
from .settings import RunSettings, benchmark_defaults, make_benchmark

Record = dict[str, Any]
ROUND_DIGITS = 6


def play(settings: RunSettings, client: Client, project: str, on_round: Callable[[], None]) -> Record:
    """Makes a project of that name, and deletes it at the end. `on_round` is called after each round."""
    begun = time.monotonic()
    benchmark = make_benchmark(settings.benchmark, settings.horizon)
    start = pretrained(settings)
    arm = settings.arm_settings()
    asking = Asking(client, project, benchmark, arm, settings.seed)
    try:
        run = _Run(settings, benchmark, start, asking)
        rounds = [run.untouched()]
        for number in range(1, settings.rounds + 1):
            rounds.append(run.round(number))
            on_round()
        return {
            **_head(settings, benchmark, asking),
            "versions": versions(client, settings.benchmark),
            "rounds": rounds,
            "rollouts": run.rollouts,
            "expert_failures": run.expert_failures,
            "seconds": round(time.monotonic() - begun, 3),
        }
    finally:
        asking.close()


def _head(settings: RunSettings, benchmark: Benchmark, asking: Asking) -> Record:
    info = asking.info()
    return {
        "settings": settings.as_json(),
        "score": benchmark_defaults(settings.benchmark).score,
        "tasks": [task.key for task in benchmark.tasks],
        "project": {
            "policy": info.policy.kind,
            "kernel": info.kernel.kind,
            "noise_std": info.noise_std,
            "noise_relative": info.noise_relative,
            "criterion": _fields(info.criterion),
            "selection": _fields(info.selection),
        },
    }


def _fields(answer: Any) -> Record:
    return {name: getattr(answer, name) for name in answer.__slots__ if name != "more"}


class _Clock:
    """Seconds by what they were spent on."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def on(self, what: str) -> Iterator[None]:
        begun = time.monotonic()
        yield
        self.seconds[what] = round(time.monotonic() - begun, 4)


class _Run:
    def __init__(self, settings: RunSettings, benchmark: Benchmark, start: Pretrained, asking: Asking) -> None:
        self._settings, self._benchmark, self._asking = settings, benchmark, asking
        arm = settings.arm_settings()
        plan = arm["revision"]
        self._learner = Learner(settings, benchmark, start, selecting=bool(plan) and plan["of"] == "copy")
        self._revisions = Revisions(asking, benchmark, start, plan)
        self._uploads_rollouts: bool = arm["rollouts"]
        self._asked = [0] * len(benchmark.tasks)
        self._given = [0] * len(benchmark.tasks)
        self.rollouts = 0
        self.expert_failures = 0
        if arm["pretraining"]:
            for given in start.given:
                asking.add(given.task, given.episode, "pretraining")

    def untouched(self) -> Record:
        clock = _Clock()
        return {"round": 0, **self._evaluate(0, clock), "seconds": clock.seconds}

    def round(self, number: int) -> Record:
        clock = _Clock()
        with clock.on("rollouts"):
            self._attempt(number)
        with clock.on("revision"):
            self._revisions.bring(number, self._learner)
        with clock.on("ask"):
            ranking = self._asking.ranking()
            asked = self._asking.ask(self._settings.per_round)
        with clock.on("demonstration"):
            for assignment in asked:
                self._demonstrate(assignment)
        with clock.on("training"):
            self._learner.learn(number)
        return {
            "round": number,
            "choices": [self._choice(assignment) for assignment in asked],
            **self._ranking(ranking),
            "demonstrations": list(self._given),
            "rollouts": self.rollouts,
            **self._evaluate(number, clock),
            "seconds": clock.seconds,
        }

    def _attempt(self, number: int) -> None:
        if not self._uploads_rollouts:
            return
        for task, episodes in enumerate(self._learner.attempts(Stream.ROLLOUT, number, self._settings.rollouts)):
            for episode in episodes:
                self._asking.add(task, episode, "rollout")
                self.rollouts += 1

    def _demonstrate(self, assignment: Assignment) -> None:
        task = self._asking.task_of(assignment)
        number = self._asked[task]
        self._asked[task] += 1
        try:
            given = demonstrate(self._benchmark, self._settings.seed, Stream.DEMONSTRATION, task, number)
        except ExpertError as error:
            self.expert_failures += 1
            self._asking.project.assignments.fail(assignment.id, assignment.fence, str(error))
            return
        self._asking.complete(assignment, given.episode)
        self._learner.take(given, warm_start=assignment.rule == "warm_start")
        self._given[task] += 1

    def _evaluate(self, number: int, clock: _Clock) -> Record:
        with clock.on("evaluation"):
            tried = self._learner.attempts(Stream.EVALUATION, number, self._settings.evaluations)
        return {
            "success": [_mean([float(episode.success) for episode in episodes]) for episodes in tried],
            "return": [_mean([episode.return_ for episode in episodes]) for episodes in tried],
        }

    def _choice(self, assignment: Assignment) -> Record:
        return {
            "task": self._asking.task_of(assignment),
            "rule": assignment.rule,
            "gain": _short(assignment.gain),
            "margin": _short(assignment.margin),
        }

    def _ranking(self, ranking: Ranking | None) -> Record:
        if ranking is None:
            return {}
        numbers = {
            name: [_short(value) for value in self._asking.by_task(ranking, field) or ()]
            for name, field in (
                ("gains", "gain"),
                ("effective_sample_sizes", "effective_sample_size"),
                ("largest_weight_shares", "largest_weight_share"),
            )
        }
        return {**numbers, "exhaustive": ranking.exhaustive, "jitter": ranking.jitter, "note": ranking.note}


def _mean(values: list[float]) -> float:
    return float(f"{sum(values) / len(values):.{ROUND_DIGITS}g}")


def _short(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.{ROUND_DIGITS}g}")
