"""A folder of results: one JSON file a finished run, named by its key, whole or not there.

A run that is there is not run again, so an interrupted command goes on where it was when it is repeated. The key is
made of all settings, and of what the arm's name stands for; not of the versions of the programs, which each file
holds.
"""

from __future__ import annotations

import json
import os
import platform
import tempfile
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

import amf_client
from amf_client.client import Client

FORMAT = 1
PARTS = {"settings", "versions", "project", "tasks", "score", "rounds", "rollouts", "expert_failures"}
SUFFIX = ".run.json"
PACKAGES = {
    "integrator": (),
    "metaworld": ("metaworld", "mujoco", "gymnasium"),
    "kitchen": ("gymnasium-robotics", "mujoco", "gymnasium"),
    "robosuite": ("robosuite", "mujoco"),
}


class ResultsError(Exception):
    """A file of the folder is not what it should be."""


def versions(client: Client, benchmark: str) -> dict[str, str]:
    server = client.version()
    found = {
        "amfd": server.version,
        "blas_core": server.blas_core,
        "amf_client": amf_client.__version__,
        "python": platform.python_version(),
    }
    for package in ("numpy", "torch", *PACKAGES.get(benchmark, ())):
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            found[package] = "unknown"
    return found


def path_of(folder: Path, key: str) -> Path:
    return folder / f"{key}{SUFFIX}"


def write_run(folder: Path, key: str, record: dict[str, Any]) -> None:
    text = json.dumps({"format": FORMAT, "key": key, **record}, separators=(",", ":"), allow_nan=False)
    write_whole(path_of(folder, key), text + "\n")


def write_whole(path: Path, text: str) -> None:
    """Under its name only when all of it is there."""
    descriptor, draft = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(draft).chmod(0o644)
        os.replace(draft, path)
    except BaseException:
        Path(draft).unlink(missing_ok=True)
        raise


def read_runs(folder: Path) -> Iterator[dict[str, Any]]:
    """In the order of their names; files of other names are passed over."""
    for path in sorted(folder.glob(f"*{SUFFIX}")):
        try:
            run = json.loads(path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise ResultsError(f"{path} is not JSON: {error}") from error
        if not isinstance(run, dict) or run.get("format") != FORMAT or not run.keys() >= PARTS:
            raise ResultsError(f"{path} is no result of this version")
        yield run
