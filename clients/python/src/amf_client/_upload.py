"""Folders of recordings: which files, in which order, and what each becomes.

As `amf demo upload` does it: *.safetensors and *.json in the folder and below, hidden names left out, in the order of
their names, one at a time. What is held already is recognised by its content, so the same upload run again goes on
where the last one ended.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ._tensors import demonstration_bytes, pack, unpack
from .errors import AmfError, ApiError, Forbidden, Unauthorized
from .models import Stored
from .settings import DemonstrationFields

ENDINGS = (".safetensors", ".json")
FIELDS = frozenset(DemonstrationFields.__annotations__) | {"task"}
BAR_COLUMNS = 30

Progress = Callable[[int, int, Path], None]
"""Called before each file: how many are done, of how many, which is next."""


@dataclass(frozen=True, slots=True)
class Refused:
    path: Path
    error: Exception


@dataclass(slots=True)
class UploadSummary:
    """What became of the files of an upload."""

    new: int = 0
    held: int = 0
    refused: list[Refused] = field(default_factory=list)
    left_out: list[Path] = field(default_factory=list)
    """JSON files that are about something else."""

    def __str__(self) -> str:
        lines = [f"{self.new} new, {self.held} already held, {len(self.refused)} refused"]
        return "\n".join(lines + [f"{refused.path}: {refused.error}" for refused in self.refused])


class UploadStopped(AmfError):
    """The rest would have fared as the last file did. The same upload, run again, goes on."""

    def __init__(self, summary: UploadSummary, path: Path, error: AmfError) -> None:
        super().__init__(summary, path, error)
        self.summary, self.path, self.error = summary, path, error

    def describe(self) -> str:
        return f"stopped at {self.path}: {self.error}; until then {self.summary}"


class _Foreign(Exception):
    """A JSON file in which no word of demonstrations stands."""


def folder_files(folder: Path) -> list[Path]:
    """Symbolic links are followed, circles among them left out."""
    if not folder.is_dir():
        raise NotADirectoryError(f"{folder} is no folder")
    return sorted(_walk(folder, frozenset()), key=os.fsencode)


def _walk(folder: Path, above: frozenset[Path]) -> Iterator[Path]:
    here = folder.resolve()
    if here in above:
        return
    for entry in folder.iterdir():
        if entry.name.startswith("."):
            continue
        if entry.is_dir():
            yield from _walk(entry, above | {here})
        elif entry.suffix in ENDINGS:
            yield entry


def _from_json(data: bytes, said: Mapping[str, Any]) -> bytes:
    if b'"states"' not in data and b'"actions"' not in data:
        raise _Foreign
    demonstration = json.loads(data)
    if not isinstance(demonstration, dict):
        raise ValueError("no JSON object")
    fields = {**demonstration, **said}
    try:
        states, actions = fields.pop("states"), fields.pop("actions")
    except KeyError as error:
        raise ValueError(f"no {error.args[0]} in it") from error
    if unknown := sorted(set(fields) - FIELDS):
        raise ValueError(f"unknown fields: {', '.join(unknown)}")
    return demonstration_bytes(states, actions, fields)


def file_bytes(path: Path, said: Mapping[str, Any]) -> bytes:
    """What is sent of a file: the very bytes of a safetensors file, unless `said` says otherwise than it."""
    data = path.read_bytes()
    if path.suffix == ".json":
        return _from_json(data, said)
    if not said:
        return data
    tensors, texts = unpack(data)
    texts.update({name: value if isinstance(value, str) else json.dumps(value) for name, value in said.items()})
    return pack(tensors, texts)


def is_about_all(error: AmfError) -> bool:
    """Whether the next file would be refused as well."""
    if not isinstance(error, ApiError):
        return True
    return isinstance(error, Unauthorized | Forbidden) or error.code == "project_not_found" or error.status >= 500


def bar(done: int, total: int, _: Path | None = None) -> None:
    """A plain bar where standard error is a terminal."""
    if sys.stderr.isatty():
        filled = "#" * (done * BAR_COLUMNS // total)
        end = "\r\033[K" if done == total else ""
        print(f"\r[{filled:{BAR_COLUMNS}}] {done} of {total}{end}", end="", file=sys.stderr, flush=True)


def upload(
    folder: Path, said: Mapping[str, Any], post: Callable[[bytes], Stored], progress: Progress | None
) -> UploadSummary:
    summary = UploadSummary()
    files = folder_files(folder)
    for done, path in enumerate(files):
        if progress:
            progress(done, len(files), path)
        try:
            stored = post(file_bytes(path, said))
        except _Foreign:
            summary.left_out.append(path)
        except AmfError as error:
            if is_about_all(error):
                raise UploadStopped(summary, path, error) from error
            summary.refused.append(Refused(path, error))
        except (OSError, ValueError) as error:
            summary.refused.append(Refused(path, error))
        else:
            summary.held += stored.duplicate
            summary.new += not stored.duplicate
    if progress and files:
        progress(len(files), len(files), files[-1])
    return summary
