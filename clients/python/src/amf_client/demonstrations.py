"""Demonstrations of a project: `project.demonstrations`."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from numpy.typing import ArrayLike

from ._decode import decode
from ._files import keep_demonstration
from ._lists import pages
from ._tensors import demonstration_bytes, demonstration_from
from ._transport import TENSORS, Call, Transport, path
from ._upload import Progress, UploadSummary, bar, upload
from .errors import ServerError, Unreachable
from .models import Demonstration, DemonstrationSummary, Stored

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from .settings import DemonstrationFields


class Demonstrations:
    def __init__(self, transport: Transport, project: str, unsent: Path | None) -> None:
        self._transport, self._project, self._unsent = transport, project, unsent
        self._path = path("projects", project, "demonstrations")

    def add(
        self,
        task: str,
        states: ArrayLike,
        actions: ArrayLike,
        *,
        key: str | None = None,
        **fields: Unpack[DemonstrationFields],
    ) -> Stored:
        """Stores one: states H x d_s and actions H x d_a, float16 to float64 as they are.

        When this returns it is on the server's disk. Content that is held already is recognised (`duplicate`). Where
        the server cannot be reached or cannot store it, it is kept in a file, which the exception names (`kept`). A
        refusal (4xx) says what is wrong and leaves the arrays to you.
        """
        about = {"task": task, **fields}
        try:
            return self._post(demonstration_bytes(states, actions, about), key)
        except (Unreachable, ServerError, KeyboardInterrupt) as error:
            self.keep(states, actions, about, error)
            raise

    def keep(self, states: ArrayLike, actions: ArrayLike, fields: Mapping[str, Any], error: BaseException) -> None:
        """Into the client's folder `unsent`, unless it has none."""
        if self._unsent:
            keep_demonstration(self._unsent, self._project, states, actions, fields, error)

    def add_bytes(self, data: bytes, *, key: str | None = None) -> Stored:
        """Stores a safetensors file as it is: tensors `states` and `actions`, the rest in its metadata."""
        return self._post(data, key)

    def _post(self, data: bytes, key: str | None) -> Stored:
        call = Call("POST", self._path, content=data, content_type=TENSORS, key=key)
        return decode(Stored, self._transport.json(call))

    def upload(
        self,
        folder: str | os.PathLike[str],
        *,
        task: str | None = None,
        progress: Progress | None = bar,
        **fields: Unpack[DemonstrationFields],
    ) -> UploadSummary:
        """Every .safetensors and .json file of a folder and the folders in it; what is said here overrides the files.

        One that is refused is in the summary, and the others are stored. What would stop all of them (no server, no
        such project, a full disk) is UploadStopped. Running it again is harmless and goes on.
        """
        said = {name: value for name, value in {"task": task, **fields}.items() if value is not None}
        return upload(Path(folder), said, self.add_bytes, progress)

    def list(self) -> Iterator[DemonstrationSummary]:
        """Those that are held, oldest first, without their arrays."""
        return pages(self._transport, self._path, "demonstrations", DemonstrationSummary)

    def get(self, id: str) -> Demonstration:
        """One with its arrays."""
        return demonstration_from(self.get_bytes(id), id)

    def get_bytes(self, id: str) -> bytes:
        """One as a safetensors file."""
        call = Call("GET", path("projects", self._project, "demonstrations", id), accept=TENSORS)
        return self._transport.send(call).content

    def retract(self, id: str, reason: str | None = None) -> None:
        """Takes one back: it leaves every ranking and list. The same content may be added again."""
        body = {"reason": reason} if reason is not None else None
        self._transport.send(Call("DELETE", path("projects", self._project, "demonstrations", id), json=body))
