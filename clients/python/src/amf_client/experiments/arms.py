"""Arms of an experiment: what a project is told, and what the loop uploads for it.

An arm is a nested dictionary. `project` is sent to the daemon as it is; the rest says what the loop brings along:

    revision    which network's features the daemon sees, or None: it decides without
                of: current (after each fine-tuning), pretrained (once, before the first round), or copy (one that is
                not trained on warm-start demonstrations selects, the current one gives likelihoods);
                summary: with the Gram matrix of the pre-training features; sigma: the policy's standard deviation;
                dropout: the rate of test-time dropout, where the features are its samples
    rollouts    whether the policy's own attempts are uploaded; results count them
    pretraining whether the pre-training demonstrations are, which only a privileged arm can

`--set selection.warm_start=0` changes project settings in any arm, `--set revision.sigma=0.1` the others.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterable, Mapping
from typing import Any

ArmSettings = dict[str, Any]
OWN = ("revision", "rollouts", "pretraining")
REVISION: Mapping[str, Any] = {"of": "current", "summary": False, "sigma": 1.0, "dropout": None}
NETWORKS = ("current", "pretrained", "copy")


def _arm(
    *, revision: Mapping[str, Any] | None = None, rollouts: bool = False, pretraining: bool = False, **project: Any
) -> ArmSettings:
    project.setdefault("policy", {"kind": "mlp"})
    return {
        "project": project,
        "revision": None if revision is None else {**REVISION, **revision},
        "rollouts": rollouts,
        "pretraining": pretraining,
    }


def _rule(name: str, *, rollouts: bool = False, pretraining: bool = False) -> ArmSettings:
    return _arm(rollouts=rollouts, pretraining=pretraining, selection={"rule": name})


def _rollouts(summary: bool, target: str) -> ArmSettings:
    return _arm(
        revision={"of": "pretrained", "summary": summary},
        rollouts=True,
        kernel={"kind": "embedding"},
        criterion={"occupancy": "rollouts", "target": target},
        selection={"warm_start": 0},
    )


ARMS: Mapping[str, ArmSettings] = {
    # the paper's
    "loss-gradient": _arm(revision={}, kernel={"kind": "factored"}),
    "loss-gradient-copy": _arm(revision={"of": "copy"}, kernel={"kind": "factored"}),
    "last-layer": _arm(revision={}, kernel={"kind": "embedding"}),
    "last-layer-frozen": _arm(revision={"of": "pretrained"}, kernel={"kind": "embedding"}),
    "dropout": _arm(revision={"dropout": 0.1}, kernel={"kind": "embedding"}, selection={"rule": "prior_entropy"}),
    # the policy's own attempts stand in for the unknown demonstration
    "rollouts": _rollouts(False, "weights"),
    "rollouts-summary": _rollouts(True, "weights"),
    "rollouts-failure": _rollouts(False, "failure"),
    "rollouts-summary-failure": _rollouts(True, "failure"),
    # what one would do without a criterion
    "uniform": _rule("uniform"),
    "round-robin": _rule("round_robin"),
    "rebalance": _rule("rebalance", pretraining=True),
    "lowest-success": _rule("lowest_success", rollouts=True),
}
DESCRIPTIONS: Mapping[str, str] = {
    "loss-gradient": "the criterion on loss gradients of the last layer, of the network as it is",
    "loss-gradient-copy": "the same of a copy that is not trained on the warm start",
    "last-layer": "the criterion on the last hidden layer, of the network as it is",
    "last-layer-frozen": "that of the pre-trained network",
    "dropout": "where the network under test-time dropout is least sure; no look-ahead",
    "rollouts": "the policy's own attempts stand in, on the pre-trained network's last hidden layer",
    "rollouts-summary": "the same with a summary of the pre-training set",
    "rollouts-failure": "attempts, and information counts where the policy fails",
    "rollouts-summary-failure": "both",
    "uniform": "any task",
    "round-robin": "each in turn",
    "rebalance": "the task with fewest demonstrations, told what was pre-trained",
    "lowest-success": "the task that succeeds least in its last attempts",
}


def parse_override(text: str) -> tuple[str, Any]:
    """`criterion.measure=entropy`: a path and a JSON value, or a word."""
    name, equals, value = text.partition("=")
    if not equals or not all(name.split(".")):
        raise ValueError(f"{text!r} is not of the form NAME=VALUE")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


def arm_settings(
    name: str, overrides: Iterable[tuple[str, Any]] = (), defaults: Mapping[str, Any] | None = None
) -> ArmSettings:
    """The named arm over a benchmark's defaults, with `--set`s over both."""
    arm = copy.deepcopy(ARMS[name])
    arm["project"] = _merged(defaults or {}, arm["project"])
    for path, value in overrides:
        _set(arm, path.split("."), value)
    return arm


def _set(arm: ArmSettings, path: list[str], value: Any) -> None:
    if path[0] in OWN:
        _check_own(path, value)
        place, above = arm, path
        if arm["revision"] is None and path[0] == "revision":
            return  # an arm that decides without features has none to change
    else:
        place, above = arm["project"], path
    for step in above[:-1]:
        place = place.setdefault(step, {})
        if not isinstance(place, dict):
            raise ValueError(f"{'.'.join(path)} cannot be set: {step} is {json.dumps(place)}")
    place[above[-1]] = value


def _check_own(path: list[str], value: Any) -> None:
    """What the daemon does not see, and so cannot refuse."""
    name = ".".join(path)
    if path[0] != "revision":
        if len(path) != 1:
            raise ValueError(f"there is no {name}")
        _check(name, isinstance(value, bool), "true or false")
    elif len(path) != 2 or path[1] not in REVISION:
        raise ValueError(f"there is no {name}: of a revision {', '.join(REVISION)} can be set")
    elif path[1] == "of":
        _check(name, value in NETWORKS, f"one of {', '.join(NETWORKS)}")
    elif path[1] == "summary":
        _check(name, isinstance(value, bool), "true or false")
    elif path[1] == "sigma":
        _check(name, _is_number(value) and 0 < value < float("inf"), "a number above 0")
    else:
        _check(name, value is None or (_is_number(value) and 0 < value < 1), "a number between 0 and 1, or null")


def _check(name: str, right: bool, expected: str) -> None:
    if not right:
        raise ValueError(f"{name} has to be {expected}")


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(copy.deepcopy(below))
    for name, value in above.items():
        old = merged.get(name)
        merged[name] = _merged(old, value) if isinstance(old, Mapping) and isinstance(value, Mapping) else value
    return merged
