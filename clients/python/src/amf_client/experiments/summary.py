"""What a folder of runs comes to: means over seeds by arm, and differences to uniform choice, seed by seed.

Runs that differ in nothing but their seed are one arm of the summary. Arms that differ only in how they choose and how
they fine-tune are compared with each other: one `condition`. What is compared with uniform choice, or with another arm
that is named, is compared with the one of the same fine-tuning.

`area` is the mean over tasks and over rounds 1 to the last; `final` is the mean over tasks after the last round.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .benchmark import Array
from .statistics import LEVEL, Interval, band, interval, short

CHOICE = ("arm", "finetune", "overrides", "rollouts", "seed")
Run = dict[str, Any]


@dataclass(frozen=True, slots=True, eq=False)
class Arm:
    """Arrays are seeds x rounds (round 0 first) x tasks; `counts` are of demonstrations, NaN where nothing was
    weighed.
    """

    label: str
    settings: dict[str, Any]
    seeds: tuple[int, ...]
    scores: Array
    counts: Array
    effective: Array
    largest: Array
    rollouts: float
    expert_failures: int

    @property
    def curve(self) -> Array:
        return np.asarray(self.scores.mean(axis=2))

    @property
    def areas(self) -> Array:
        return np.asarray(self.curve[:, 1:].mean(axis=1))

    @property
    def weighted(self) -> bool:
        return bool(np.isfinite(self.effective).any())


@dataclass(frozen=True, slots=True, eq=False)
class Condition:
    """What all its arms have in common. `name` tells it from the others of the folder; of a single one it is empty.
    `against`: the arm that the others are compared with. `versions`: those that not all runs have in common.
    """

    name: str
    settings: dict[str, Any]
    score: str
    tasks: tuple[str, ...]
    arms: tuple[Arm, ...]
    against: str
    versions: dict[str, list[str]]

    def baseline(self, arm: Arm) -> Arm | None:
        """With the same fine-tuning; of several, the one whose other settings are nearest."""

        def distance(other: Arm) -> int:
            mine, theirs = arm.settings["overrides"], other.settings["overrides"]
            return sum(mine.get(name) != theirs.get(name) for name in mine.keys() | theirs.keys())

        found = [
            other
            for other in self.arms
            if other.settings["arm"] == self.against and other.settings["finetune"] == arm.settings["finetune"]
        ]
        return min(found, key=distance, default=None)

    def differences(self, arm: Arm) -> Array | None:
        """Curve less that of `against`: seeds in common x rounds. None: there is nothing to compare with."""
        other = self.baseline(arm)
        if other is None or other is arm:
            return None
        common = [seed for seed in arm.seeds if seed in other.seeds]
        if not common:
            return None
        mine = arm.curve[[arm.seeds.index(seed) for seed in common]]
        return np.asarray(mine - other.curve[[other.seeds.index(seed) for seed in common]])


def conditions(runs: Iterable[Run], against: str = "uniform") -> list[Condition]:
    groups: dict[str, dict[str, list[Run]]] = {}
    for run in runs:
        common = {name: value for name, value in run["settings"].items() if name not in CHOICE}
        same = {name: value for name, value in run["settings"].items() if name != "seed"}
        # An arm's meaning may change with the program: what was sent to the daemon tells such runs apart.
        sent = {**run["project"], "selection": {**run["project"]["selection"], "seed": None}}
        group = groups.setdefault(json.dumps(common, sort_keys=True), {})
        group.setdefault(json.dumps([same, sent], sort_keys=True), []).append(run)
    commons = [json.loads(text) for text in groups]
    return [
        _condition(_difference(common, commons), common, list(group.values()), against)
        for common, group in zip(commons, groups.values(), strict=True)
    ]


def _condition(name: str, common: dict[str, Any], groups: Sequence[Sequence[Run]], against: str) -> Condition:
    first = groups[0][0]
    settings = [group[0]["settings"] for group in groups]
    labels = _unique([_label(one, settings) for one in settings])
    arms = tuple(_arm(label, group) for label, group in zip(labels, groups, strict=True))
    versions = _differing_versions([run["versions"] for group in groups for run in group])
    return Condition(name, common, first["score"], tuple(first["tasks"]), arms, against, versions)


def _differing_versions(all_: Sequence[dict[str, str]]) -> dict[str, list[str]]:
    found = {name: sorted({one.get(name, "unknown") for one in all_}) for name in sorted(set().union(*all_))}
    return {name: values for name, values in found.items() if len(values) > 1}


def _label(one: dict[str, Any], all_: Sequence[dict[str, Any]]) -> str:
    words = [one["arm"]]
    if len({other["finetune"] for other in all_}) > 1:
        words.append(one["finetune"])
    if one["rollouts"] and len({other["rollouts"] for other in all_} - {0}) > 1:
        words.append(f"{one['rollouts']} rollouts")
    everywhere = [_texts(other["overrides"]) for other in all_]
    words += [text for text in _texts(one["overrides"]) if not all(text in texts for texts in everywhere)]
    return ", ".join(words)


def _unique(labels: list[str]) -> list[str]:
    return [
        f"{label} ({labels[:index].count(label) + 1})" if labels.count(label) > 1 else label
        for index, label in enumerate(labels)
    ]


def _texts(overrides: dict[str, Any]) -> list[str]:
    return [f"{path}={value if isinstance(value, str) else json.dumps(value)}" for path, value in overrides.items()]


def _difference(common: dict[str, Any], commons: Sequence[dict[str, Any]]) -> str:
    differing = [name for name in common if any(other.get(name) != common[name] for other in commons)]
    return " ".join(f"{name}-{_plain(common[name])}" for name in differing)


def _plain(value: Any) -> str:
    return "-".join(map(str, value)) if isinstance(value, list) else str(value)


def _arm(label: str, group: Sequence[Run]) -> Arm:
    runs = sorted(group, key=lambda run: int(run["settings"]["seed"]))
    score = runs[0]["score"]
    tasks = len(runs[0]["tasks"])

    def numbers(name: str, otherwise: float) -> Array:
        rows = [[one.get(name) or [otherwise] * tasks for one in run["rounds"]] for run in runs]
        return np.array(rows, dtype=np.float64)  # None is NaN

    return Arm(
        label=label,
        settings={name: value for name, value in runs[0]["settings"].items() if name != "seed"},
        seeds=tuple(run["settings"]["seed"] for run in runs),
        scores=numbers(score, np.nan),
        counts=numbers("demonstrations", 0.0),
        effective=numbers("effective_sample_sizes", np.nan),
        largest=numbers("largest_weight_shares", np.nan),
        rollouts=float(np.mean([run["rollouts"] for run in runs])),
        expert_failures=sum(run["expert_failures"] for run in runs),
    )


def mean_over_seeds(values: Array) -> Array:
    """Of seeds x rounds x tasks, where some are missing; NaN where all are."""
    held = np.isfinite(values)
    total = np.where(held, values, 0.0).sum(axis=0)
    return np.asarray(np.where(held.any(axis=0), total / np.maximum(held.sum(axis=0), 1), np.nan))


# ---- for the file and for people


def as_json(found: Sequence[Condition]) -> dict[str, Any]:
    return {"format": 1, "interval": LEVEL, "conditions": [_condition_json(one) for one in found]}


def _condition_json(condition: Condition) -> dict[str, Any]:
    return {
        "name": condition.name,
        "settings": condition.settings,
        "score": condition.score,
        "tasks": list(condition.tasks),
        "differing_versions": condition.versions,
        "arms": [_arm_json(condition, arm) for arm in condition.arms],
    }


def _arm_json(condition: Condition, arm: Arm) -> dict[str, Any]:
    differences = condition.differences(arm)
    compared = None if differences is None else _compared(differences)
    said: dict[str, Any] = {
        "label": arm.label,
        "arm": arm.settings["arm"],
        "finetune": arm.settings["finetune"],
        "overrides": arm.settings["overrides"],
        "seeds": list(arm.seeds),
        "area": interval(arm.areas).as_json(),
        "final": interval(arm.curve[:, -1]).as_json(),
        f"minus_{condition.against.replace('-', '_')}": compared,
        "rollouts": arm.rollouts,
        "expert_failures": arm.expert_failures,
        "curve": band(arm.curve).as_json(),
        "task_scores": short(arm.scores.mean(axis=0).T),
        "task_demonstrations": short(arm.counts[:, -1].mean(axis=0)),
    }
    if arm.weighted:
        said["effective_sample_sizes"] = short(mean_over_seeds(arm.effective).T)
        said["largest_weight_shares"] = short(mean_over_seeds(arm.largest).T)
    return said


def _compared(differences: Array) -> dict[str, Any]:
    areas = np.asarray(differences[:, 1:].mean(axis=1))
    return {
        "seeds": len(differences),
        "seeds_ahead": int((areas > 0).sum()),
        "area": interval(areas).as_json(),
        "final": interval(differences[:, -1]).as_json(),
        "curve": band(differences).as_json(),
    }


def table(condition: Condition) -> str:
    """Best area first."""
    mean, minus = f"mean {condition.score}", f"minus {condition.against}"
    head = ("arm", "seeds", mean, "after the last", minus, "ahead", "rollouts")
    rows = [head, *(_row(condition, arm) for arm in sorted(condition.arms, key=lambda arm: -arm.areas.mean()))]
    widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    name = condition.settings["benchmark"] + (f": {condition.name}" if condition.name else "")
    mixed = [f"not of one version: {which} {', '.join(values)}" for which, values in condition.versions.items()]
    return "\n".join([name, *lines, *mixed])


def _row(condition: Condition, arm: Arm) -> tuple[str, ...]:
    differences = condition.differences(arm)
    compared, ahead = "", ""
    if differences is not None:
        areas = np.asarray(differences[:, 1:].mean(axis=1))
        compared, ahead = _text(interval(areas), "+"), f"{(areas > 0).sum()} of {len(areas)}"
    area, final = interval(arm.areas), interval(arm.curve[:, -1])
    return (arm.label, str(len(arm.seeds)), _text(area), _text(final), compared, ahead, f"{arm.rollouts:.0f}")


def _text(found: Interval, sign: str = "") -> str:
    return f"{found.mean:{sign}.3f} ({found.low:{sign}.3f} to {found.high:{sign}.3f})"
