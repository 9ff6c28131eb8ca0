"""A daemon for the length of a `with` block: data in a temporary folder, a free port, gone at the end.

It is gone too when this process is killed, and then the folder stays.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from .processes import end_with

READY = "listening on "
STOP_WAIT_S = 30


class DaemonError(Exception):
    """amfd is not there or does not start."""


@dataclass(frozen=True, slots=True)
class Address:
    url: str
    token: str


def find_amfd(said: str | None = None) -> str:
    """The one named, else that on PATH, else that of the build folder of a checkout this file is in."""
    if said:
        return said
    on_path = shutil.which("amfd")
    if on_path:
        return on_path
    for folder in Path(__file__).resolve().parents:
        built = folder / "build" / "server" / "amfd"
        if built.is_file():
            return str(built)
    raise DaemonError("there is no amfd: build it (scripts/build), or name it with --amfd")


@contextmanager
def running_daemon(program: str, workers: int) -> Iterator[Address]:
    with tempfile.TemporaryDirectory(prefix="amf-experiments-") as folder:
        log = Path(folder, "log")
        command = [program, "--data", f"{folder}/data", "--listen", "127.0.0.1:0", "--workers", str(workers)]
        with log.open("wb") as errors:
            try:
                process = subprocess.Popen(
                    command,
                    stdout=subprocess.PIPE,
                    stderr=errors,
                    text=True,
                    env=_environment(),
                    start_new_session=True,  # Ctrl-C is for the runs; it ends when they have
                    preexec_fn=partial(end_with, os.getpid()),
                )
            except OSError as error:
                raise DaemonError(f"{program} cannot be run: {error.strerror}") from error
        try:
            assert process.stdout
            line = process.stdout.readline()
            if not line.startswith(READY):
                raise DaemonError(f"{program} does not start: {_last_line(log)}")
            yield Address(line.split()[-1], Path(folder, "data", "admin.token").read_text(encoding="ascii").strip())
            if process.poll() is not None:
                raise DaemonError(f"{program} ended with {process.returncode} meanwhile: {_last_line(log)}")
        finally:
            _stop(process)


def _environment() -> dict[str, str]:
    """Without this user's settings for a daemon of theirs."""
    return {name: value for name, value in os.environ.items() if not name.startswith("AMFD_")}


def _stop(process: subprocess.Popen[str]) -> None:
    process.terminate()
    try:
        process.wait(STOP_WAIT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdout:
        process.stdout.close()


def _last_line(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    return lines[-1] if lines else "it says nothing"
