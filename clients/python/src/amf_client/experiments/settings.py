"""One run: everything its outcome depends on but the versions of the programs, and its name."""

from __future__ import annotations

import hashlib
import importlib
import json
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any

from .arms import ArmSettings, arm_settings
from .benchmark import Benchmark, Defaults

BENCHMARKS = ("integrator", "metaworld", "kitchen", "robosuite")


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSettings:
    """`pretrain`: demonstrations per task; `overrides`: pairs of a path and JSON, as `--set` gives them, sorted;
    `rollouts`: attempts per task and round that are uploaded, 0 in an arm without.
    """

    benchmark: str
    arm: str
    finetune: str
    pretrain: tuple[int, ...]
    horizon: int | None
    rounds: int
    steps: int
    pretrain_steps: int
    per_round: int
    evaluations: int
    rollouts: int
    hidden: tuple[int, ...]
    overrides: tuple[tuple[str, str], ...]
    seed: int

    def arm_settings(self) -> ArmSettings:
        overrides = [(path, json.loads(value)) for path, value in self.overrides]
        return arm_settings(self.arm, overrides, benchmark_defaults(self.benchmark).settings)

    def as_json(self) -> dict[str, Any]:
        plain: dict[str, Any] = json.loads(json.dumps(asdict(self)))
        plain["overrides"] = {path: json.loads(value) for path, value in self.overrides}
        return plain

    @property
    def variant(self) -> str:
        """Ten hexadecimal digits of everything but the seed, and of what the arm's name stands for."""
        said = self.as_json()
        del said["seed"]
        text = json.dumps({**said, "arm_settings": self.arm_settings()}, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:10]

    @property
    def key(self) -> str:
        return f"{self.benchmark}-{self.arm}-{self.variant}-{self.seed}"


def _module(benchmark: str) -> Any:
    return importlib.import_module(f"{__package__}.{benchmark}")


def benchmark_defaults(benchmark: str) -> Defaults:
    defaults: Defaults = _module(benchmark).DEFAULTS
    return defaults


@lru_cache(maxsize=4)
def make_benchmark(benchmark: str, horizon: int | None) -> Benchmark:
    """Made once a process: building a scene takes seconds. Its episodes depend on their generators alone."""
    made: Benchmark = _module(benchmark).make(horizon)
    return made
