"""Files that are there whole or not at all, and demonstrations that could not be handed in."""

from __future__ import annotations

import base64
import hashlib
import logging
import os
import re
import tarfile
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import httpx
from numpy.typing import ArrayLike

from ._tensors import as_floats, metadata_texts, pack
from .errors import AmfError, BadAnswer

log = logging.getLogger("amf_client")
PIECE_BYTES = 1 << 18
SUM_LINE = re.compile(rb"([0-9a-f]{64})  (\S+)")

Progress = Callable[[int, int], None]


@contextmanager
def whole_file(path: Path, *, replace: bool) -> Iterator[IO[bytes]]:
    """A new file that appears under its name once everything in it is on the disk."""
    if not replace and path.exists():
        raise FileExistsError(f"{path} is there already")
    handle, draft = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "w+b") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        if replace:
            os.replace(draft, path)
        else:
            os.link(draft, path)  # unlike a rename, this fails where somebody was faster
    finally:
        Path(draft).unlink(missing_ok=True)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def pieces_of(path: Path, progress: Progress | None = None) -> Iterator[bytes]:
    total, done = path.stat().st_size, 0
    with path.open("rb") as file:
        while piece := file.read(PIECE_BYTES):
            yield piece
            done += len(piece)
            if progress:
                progress(done, total)


def save_stream(response: httpx.Response, file: IO[bytes], progress: Progress | None) -> str:
    """Writes the body; its SHA-256 in base64. A body that ends early is an exception of httpx."""
    total, done, digest = int(response.headers.get("content-length", 0)), 0, hashlib.sha256()
    for piece in response.iter_bytes(PIECE_BYTES):
        file.write(piece)
        digest.update(piece)
        done += len(piece)
        if progress:
            progress(done, total)
    return base64.b64encode(digest.digest()).decode()


def _sum_of(file: IO[bytes]) -> str:
    digest = hashlib.sha256()
    while piece := file.read(PIECE_BYTES):
        digest.update(piece)
    return digest.hexdigest()


def check_archive(file: IO[bytes]) -> None:
    """Every entry of an exported project against its SHA256SUMS. Raises BadAnswer."""
    file.seek(0)
    sums: dict[str, str] = {}
    told: dict[str, str] = {}
    try:
        with tarfile.open(fileobj=file, mode="r:") as archive:
            for member in archive:
                content = archive.extractfile(member)
                if content is None:
                    raise BadAnswer(f"the archive's {member.name} is no file")
                if member.name == "SHA256SUMS":
                    told = {name.decode(): digest.decode() for digest, name in SUM_LINE.findall(content.read())}
                else:
                    sums[member.name] = _sum_of(content)
    except tarfile.TarError as error:
        raise BadAnswer(f"the archive cannot be read: {error}") from error
    if not told or told != sums:
        raise BadAnswer("the archive is not what its SHA256SUMS say")


def keep_demonstration(
    folder: Path, project: str, states: ArrayLike, actions: ArrayLike, fields: Mapping[str, Any], error: BaseException
) -> None:
    """Writes what could not be handed in where `amf demo upload` finds it; `error` tells where."""
    when = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    path = folder / project / f"{fields['task']}-{when}-{uuid.uuid4().hex[:8]}.safetensors"
    try:
        tensors = {"states": as_floats("states", states), "actions": as_floats("actions", actions)}
        path.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(path, replace=False) as file:
            file.write(pack(tensors, metadata_texts(fields)))
    except (OSError, ValueError) as reason:
        log.error("a demonstration of %s could not be handed in, and not be kept: %s", fields["task"], reason)
        return
    log.error("a demonstration of %s could not be handed in; it is kept in %s", fields["task"], path)
    if isinstance(error, AmfError):
        error.kept = path
