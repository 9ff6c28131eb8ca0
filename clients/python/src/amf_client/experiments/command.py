"""The command line: `python -m amf_client.experiments`."""

from __future__ import annotations

import argparse
import importlib.util
import itertools
import json
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from amf_client.client import Client
from amf_client.errors import ApiError

from .arms import ARMS, DESCRIPTIONS, arm_settings, parse_override
from .asking import LEASE_S, Asking
from .daemon import DaemonError, find_amfd, running_daemon
from .progress import Progress
from .results import ResultsError
from .runs import Outcome, missing, one_thread_each, play_all
from .settings import BENCHMARKS, RunSettings, benchmark_defaults, make_benchmark

FINETUNING = ("cloning", "adaptive-prior", "isolation", "ewc", "l2")  # as in finetuning.py, which needs torch
USAGE, FAILED, INTERRUPTED = 2, 1, 130
SIMULATORS = "scripts/experiments-environment installs what simulators need"
INSTALLED_BY = {
    name: f"pip install 'amf-client[experiments]' installs it, or on Debian apt install python3-{name}"
    for name in ("torch", "matplotlib")
}


def main(arguments: Sequence[str]) -> int:
    said = parse(arguments)
    signal.signal(signal.SIGTERM, _interrupted)
    if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # as under nohup
        signal.signal(signal.SIGHUP, _interrupted)
    try:
        status: int = said.run(said)
        return status
    except (DaemonError, ResultsError, ValueError) as error:
        print(f"experiments: {error}", file=sys.stderr)
        return USAGE if isinstance(error, ValueError) else FAILED
    except ModuleNotFoundError as error:
        print(f"experiments: {error}; {INSTALLED_BY.get(error.name or '', SIMULATORS)}", file=sys.stderr)
        return FAILED
    except OSError as error:
        print(f"experiments: {error}", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        print("experiments: interrupted; the same command goes on from here", file=sys.stderr)
        return INTERRUPTED


def _interrupted(*_: object) -> NoReturn:
    raise KeyboardInterrupt


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    return _parser().parse_args(arguments)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m amf_client.experiments",
        description="Rules that choose the next demonstration, compared in a simulator with a live amfd.",
    )
    verbs = parser.add_subparsers(required=True, metavar="BENCHMARK|report|arms")
    for name in BENCHMARKS:
        _run_options(verbs.add_parser(name, help=f"run arms in {name}"), name)
    report = verbs.add_parser("report", help="tables and figures of a folder of results")
    report.add_argument("results", type=Path)
    report.add_argument(
        "--against", choices=ARMS, default="uniform", metavar="ARM", help="what differences are taken to (uniform)"
    )
    report.add_argument("--json", action="store_true", help="print the summary as JSON instead of the tables")
    report.add_argument("--figures", type=Path, metavar="DIR", help="where figures go (the folder of results)")
    report.add_argument("--format", choices=("svg", "png"), default="svg", help="of the figures (svg)")
    report.set_defaults(run=_report)
    verbs.add_parser("arms", help="what the names of arms mean").set_defaults(run=_arms)
    return parser


def _run_options(parser: argparse.ArgumentParser, benchmark: str) -> None:
    add = parser.add_argument
    add(
        "--arms", type=_names(ARMS), default=["loss-gradient", "uniform", "rebalance"], metavar="A,B", help="see `arms`"
    )
    add("--finetune", type=_names(FINETUNING), default=["cloning"], metavar="M,N", help=", ".join(FINETUNING))
    add(
        "--set",
        type=_override,
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a project setting, in all arms",
    )
    add("--warm-start", type=_count, metavar="N", help="the same as --set selection.warm_start=N")
    pretraining = parser.add_mutually_exclusive_group()
    pretraining.add_argument(
        "--pretrain",
        "--mismatch",
        type=_counts,
        metavar="N,N",
        help="pre-training demonstrations per task; missing ones 0",
    )
    pretraining.add_argument(
        "--pretrain-tasks", type=_positive, metavar="N", help="the usual number, spread over the first N"
    )
    add("--seeds", type=_seeds, default=list(range(10)), metavar="0-9", help="0-9")
    add("--rounds", type=_positive)
    add("--per-round", type=_positive, default=1, metavar="N", help="demonstrations per round (1)")
    add("--steps", type=_positive, help="gradient steps per round")
    add("--pretrain-steps", type=_positive, metavar="N", help="gradient steps of the pre-training")
    add("--horizon", type=_positive, metavar="N", help="steps of an episode")
    add("--evaluations", type=_positive, metavar="N", help="episodes per task that a round is evaluated on")
    add("--rollouts", type=_positive, metavar="N", help="attempts per task and round, in arms that upload them")
    add(
        "--hidden",
        type=_widths,
        default=(256, 256),
        metavar="N,N",
        help="widths of the policy's hidden layers (256,256)",
    )
    add(
        "--jobs", type=_positive, default=os.cpu_count() or 1, metavar="N", help="processes at once (one per processor)"
    )
    add("--results", type=Path, metavar="DIR", help="where they go (./results/BENCHMARK)")
    add("--amfd", metavar="PATH", help="the daemon (on PATH, or built)")
    parser.set_defaults(run=_run, benchmark=benchmark)


# ---- values of options


def _names(known: Any) -> Any:
    def parse(text: str) -> list[str]:
        names = list(dict.fromkeys(text.split(",")))
        for name in names:
            if name not in known:
                raise argparse.ArgumentTypeError(f"{name!r} is none of {', '.join(known)}")
        return names

    return parse


def _override(text: str) -> tuple[str, Any]:
    try:
        return parse_override(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _count(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is no number of things")
    return int(text)


def _positive(text: str) -> int:
    value = _count(text)
    if not value:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return value


def _counts(text: str) -> tuple[int, ...]:
    return tuple(_count(part) for part in text.split(","))


def _widths(text: str) -> tuple[int, ...]:
    return tuple(_positive(part) for part in text.split(","))


def _seeds(text: str) -> list[int]:
    """`0-9`, `3`, `0-2,7`."""
    seeds: set[int] = set()
    for part in text.split(","):
        first, dash, last = part.partition("-")
        seeds |= set(range(_count(first), _count(last) + 1)) if dash else {_count(first)}
    if not seeds:
        raise argparse.ArgumentTypeError(f"{text!r} names no seed")
    return sorted(seeds)


# ---- verbs


def _run(said: argparse.Namespace) -> int:
    runs = settings_of(said)
    if importlib.util.find_spec("torch") is None:
        raise ModuleNotFoundError("No module named 'torch'", name="torch")
    folder = said.results or Path("results", said.benchmark)
    folder.mkdir(parents=True, exist_ok=True)
    with running_daemon(find_amfd(said.amfd), said.jobs) as address:
        with Client(address.url, address.token, unsent=None) as client:
            one_thread_each(client.version().blas_core)
            _try(missing(runs, folder), client)
        outcome = play_all(runs, folder, address, said.jobs, Progress())
    return _tell(outcome, folder)


def _try(runs: Sequence[RunSettings], client: Client) -> None:
    """What the daemon refuses, it refuses before hours of pre-training: a project and a question of each arm."""
    for run in {run.variant: run for run in runs}.values():
        try:
            asking = Asking(client, "trial", make_benchmark(run.benchmark, run.horizon), run.arm_settings(), run.seed)
            asking.project.assignments.ask(operator="expert", count=run.per_round, lease_s=LEASE_S)
            asking.close()
        except (ApiError, TypeError) as error:
            raise ValueError(f"{run.arm}: {error}") from error


def _tell(outcome: Outcome, folder: Path) -> int:
    for key, why in sorted(outcome.failed.items()):
        print(f"experiments: {key} failed:\n{why.rstrip()}", file=sys.stderr)
    there = f", {outcome.there} were there" if outcome.there else ""
    failed = f", {len(outcome.failed)} failed" if outcome.failed else ""
    print(f"{outcome.done} runs in {folder}{there}{failed}")
    return FAILED if outcome.failed else 0


def settings_of(said: argparse.Namespace) -> list[RunSettings]:
    """The runs that a command line names, those of a seed together."""
    defaults = benchmark_defaults(said.benchmark)
    overrides = list(said.set)
    if said.warm_start is not None:
        overrides.append(("selection.warm_start", said.warm_start))
    common: dict[str, Any] = {
        "benchmark": said.benchmark,
        "pretrain": _pretrain(said, defaults.pretrain),
        "horizon": said.horizon,
        "rounds": said.rounds or defaults.rounds,
        "steps": said.steps or defaults.steps,
        "pretrain_steps": said.pretrain_steps or defaults.pretrain_steps,
        "per_round": said.per_round,
        "evaluations": said.evaluations or defaults.evaluations,
        "hidden": said.hidden,
        "overrides": tuple(
            sorted((path, json.dumps(value, sort_keys=True)) for path, value in dict(overrides).items())
        ),
    }
    rollouts = said.rollouts or defaults.rollouts
    uploaded = {arm: rollouts if arm_settings(arm, overrides)["rollouts"] else 0 for arm in said.arms}
    return [
        RunSettings(arm=arm, finetune=finetune, seed=seed, rollouts=uploaded[arm], **common)
        for seed, arm, finetune in itertools.product(said.seeds, said.arms, said.finetune)
    ]


def _pretrain(said: argparse.Namespace, usual: tuple[int, ...]) -> tuple[int, ...]:
    tasks = len(make_benchmark(said.benchmark, said.horizon).tasks)
    counts: tuple[int, ...] = said.pretrain or usual
    if said.pretrain_tasks:
        if said.pretrain_tasks > tasks:
            raise ValueError(f"{said.benchmark} has {tasks} tasks, not {said.pretrain_tasks}")
        each, more = divmod(sum(usual), said.pretrain_tasks)
        counts = tuple(each + (task < more) for task in range(said.pretrain_tasks))
    if len(counts) > tasks:
        raise ValueError(f"{said.benchmark} has {tasks} tasks, and {len(counts)} numbers of demonstrations were given")
    return counts + (0,) * (tasks - len(counts))


def _report(said: argparse.Namespace) -> int:
    from .report import report

    return report(said.results, said.figures or said.results, said.format, said.json, said.against)


def _arms(_: argparse.Namespace) -> int:
    width = max(map(len, ARMS))
    for name in ARMS:
        print(f"{name:<{width}}  {DESCRIPTIONS[name]}")
    return 0
