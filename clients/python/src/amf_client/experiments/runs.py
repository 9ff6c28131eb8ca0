"""Many runs: spread over processes, each finished one written, what is there already left alone.

A process plays all arms of a seed one after the other, because they share their pre-training; where there are fewer
seeds than processes, one run a process.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import traceback
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from pathlib import Path

from amf_client.client import Client

from .daemon import Address
from .processes import end_with
from .progress import Progress
from .results import path_of, write_run
from .settings import RunSettings

Tell = Callable[[str, str, str], None]  # what ("round", "done", "there", "failed"), the key of the run, why
NICENESS = 10
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


@dataclass(slots=True)
class Outcome:
    done: int = 0
    there: int = 0
    failed: dict[str, str] = field(default_factory=dict)  # key -> why


def missing(runs: Iterable[RunSettings], folder: Path) -> list[RunSettings]:
    return [run for run in runs if not path_of(folder, run.key).exists()]


def play_here(runs: Sequence[RunSettings], folder: Path, address: Address, tell: Tell) -> None:
    """One after the other in this process; what fails is told and does not stop the others."""
    import torch

    from .loop import play

    torch.set_num_threads(1)
    with Client(address.url, address.token, unsent=None, timeout_s=120) as client:
        for run in runs:
            key = run.key
            if path_of(folder, key).exists():  # another command has played it meanwhile
                tell("there", key, "")
                continue
            try:
                write_run(folder, key, play(run, client, key, partial(tell, "round", key, "")))
            except Exception:
                tell("failed", key, traceback.format_exc())
            else:
                tell("done", key, "")


def play_all(runs: Sequence[RunSettings], folder: Path, address: Address, jobs: int, progress: Progress) -> Outcome:
    """In `jobs` processes at once. What fails is told at the end and does not stop the others."""
    todo = missing(runs, folder)
    outcome = Outcome(there=len(runs) - len(todo))
    progress.begin(todo)
    waiting = _shares(todo, jobs)
    working: dict[Connection, _Worker] = {}
    try:
        while waiting or working:
            while waiting and len(working) < jobs:
                worker = _Worker(waiting.pop(0), folder, address)
                working[worker.connection] = worker
            for ready in wait(list(working), timeout=progress.PAUSE_S):
                assert isinstance(ready, Connection)
                if not working[ready].hear(outcome, progress):
                    del working[ready]
            progress.show()
    finally:
        for worker in working.values():
            worker.stop()
        progress.end()
    return outcome


def _shares(runs: Sequence[RunSettings], jobs: int) -> list[list[RunSettings]]:
    by_seed: dict[int, list[RunSettings]] = {}
    for run in runs:
        by_seed.setdefault(run.seed, []).append(run)
    return list(by_seed.values()) if len(by_seed) >= jobs else [[run] for run in runs]


class _Worker:
    def __init__(self, runs: Sequence[RunSettings], folder: Path, address: Address) -> None:
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe(duplex=False)
        self._left = {run.key for run in runs}
        said = (os.getpid(), list(runs), folder, address, theirs)
        self._process: SpawnProcess = context.Process(target=_work, args=said)
        # Ctrl-C goes to all of the group; we end this one, which is deaf to it from its first moment.
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            self._process.start()
        finally:
            signal.signal(signal.SIGINT, before)
        theirs.close()

    def hear(self, outcome: Outcome, progress: Progress) -> bool:
        """One message; False when there will be no more."""
        try:
            what, key, why = self.connection.recv()
        except EOFError:
            self._process.join()
            for key in self._left:
                outcome.failed[key] = f"its process ended with {self._process.exitcode}"
            self.connection.close()
            return False
        if what == "round":
            progress.round(key)
            return True
        self._left.discard(key)
        progress.finished(key)
        if what == "done":
            outcome.done += 1
        elif what == "there":
            outcome.there += 1
        else:
            outcome.failed[key] = why
        return True

    def stop(self) -> None:
        self._process.terminate()
        self._process.join()
        self.connection.close()


def _work(parent: int, runs: list[RunSettings], folder: Path, address: Address, connection: Connection) -> None:
    end_with(parent)
    os.nice(NICENESS)
    play_here(runs, folder, address, lambda *message: connection.send(message))


def one_thread_each(blas_core: str) -> None:
    """For the processes started from here on: of the libraries' threads one, and the BLAS kernels the daemon runs."""
    for name in THREADS:
        os.environ[name] = "1"
    os.environ.setdefault("OPENBLAS_CORETYPE", blas_core)
