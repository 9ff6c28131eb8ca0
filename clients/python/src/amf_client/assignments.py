"""Assignments of a project, one call an endpoint: `project.assignments`. Most programs want `project.assignment()`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Literal

from ._decode import decode
from ._lists import pages
from ._transport import Call, Transport, path
from .models import Asked, Assignment, Completed

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from .settings import AskFields

SkipTo = Literal["me", "others", "never"]


class Assignments:
    def __init__(self, transport: Transport, project: str) -> None:
        self._transport, self._project = transport, project
        self._path = path("projects", project, "assignments")

    def ask(self, *, key: str | None = None, **fields: Unpack[AskFields]) -> Asked:
        """Opens assignments for the asker, or gives again those it has open. None, and `reason`: nothing to do now."""
        return decode(Asked, self._transport.json(Call("POST", self._path, json=fields, key=key)))

    def list(self) -> Iterator[Assignment]:
        """Assignments of every state, oldest first."""
        return pages(self._transport, self._path, "assignments", Assignment)

    def get(self, id: str) -> Assignment:
        return decode(Assignment, self._transport.json(Call("GET", path("projects", self._project, "assignments", id))))

    def complete(
        self,
        id: str,
        fence: int,
        *,
        demonstration_id: str | None = None,
        demonstration: Mapping[str, Any] | None = None,
        key: str | None = None,
    ) -> Completed:
        """With a demonstration that is held, or one in the request (as JSON: lists of lists, 1 MiB in all)."""
        said = {"fence": fence, "demonstration_id": demonstration_id, "demonstration": demonstration}
        body = {name: value for name, value in said.items() if value is not None}
        return decode(Completed, self._end(id, "complete", body, key))

    def renew(
        self, id: str, fence: int, lease_s: float | None = None, *, key: str | None = None, attempts: int | None = None
    ) -> Assignment:
        """More time; the fence of the answer is the one to use from then on."""
        body = {"fence": fence} | ({} if lease_s is None else {"lease_s": lease_s})
        return decode(Assignment, self._end(id, "renew", body, key, attempts))

    def skip(
        self, id: str, fence: int, to: SkipTo = "me", reason: str | None = None, *, key: str | None = None
    ) -> Assignment:
        """Not now (`me`), not by this operator (`others`), or not at all until the task is changed (`never`)."""
        body = {"fence": fence, "to": to} | ({} if reason is None else {"reason": reason})
        return decode(Assignment, self._end(id, "skip", body, key))

    def fail(self, id: str, fence: int, reason: str | None = None, *, key: str | None = None) -> Assignment:
        """An attempt that did not work, and counts as one."""
        body = {"fence": fence} | ({} if reason is None else {"reason": reason})
        return decode(Assignment, self._end(id, "fail", body, key))

    def release(self, id: str, fence: int, *, key: str | None = None) -> Assignment:
        """As if it had never been asked for."""
        return decode(Assignment, self._end(id, "release", {"fence": fence}, key))

    def _end(self, id: str, verb: str, body: Mapping[str, Any], key: str | None, attempts: int | None = None) -> Any:
        where = path("projects", self._project, "assignments", id, verb)
        return self._transport.json(Call("POST", where, json=body, key=key, attempts=attempts))
