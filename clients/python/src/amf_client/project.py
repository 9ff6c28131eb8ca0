"""One project: `client.project("kitchen")`."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from . import _events
from ._decode import decode
from ._files import Progress, check_archive, save_stream, whole_file
from ._lists import pages
from ._transport import OCTETS, Call, Transport, path
from .assignments import Assignments
from .demonstrations import Demonstrations
from .lease import Lease, ask_fields
from .models import Decision, Event, ProjectInfo, Ranking, Report, Scales, Task
from .policies import Policies

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from .settings import ProjectSettings, TaskSettings


class Tasks:
    """Tasks of a project: `project.tasks`."""

    def __init__(self, transport: Transport, project: str) -> None:
        self._transport, self._project = transport, project

    def _path(self, key: str) -> str:
        return path("projects", self._project, "tasks", key)

    def put(self, key: str, **settings: Unpack[TaskSettings]) -> Task:
        """Registers a task, or replaces its settings: what is left out takes its default, also where it was set."""
        return decode(Task, self._transport.json(Call("PUT", self._path(key), json=settings)))

    def get(self, key: str) -> Task:
        return decode(Task, self._transport.json(Call("GET", self._path(key))))

    def list(self) -> Iterator[Task]:
        """In the order of their keys, with their counts."""
        return pages(self._transport, path("projects", self._project, "tasks"), "tasks", Task)

    def delete(self, key: str) -> None:
        """Only a task without demonstrations and open assignments."""
        self._transport.send(Call("DELETE", self._path(key)))


class Project:
    """A handle: making one sends nothing."""

    def __init__(self, transport: Transport, id: str, unsent: Path | None) -> None:
        self._transport = transport
        self._path = path("projects", id)
        self.id = id
        self.tasks = Tasks(transport, id)
        self.demonstrations = Demonstrations(transport, id, unsent)
        self.assignments = Assignments(transport, id)
        self.policies = Policies(transport, id)

    def __repr__(self) -> str:
        return f"Project({self.id!r})"

    def _below(self, name: str) -> str:
        return f"{self._path}/{name}"

    def get(self) -> ProjectInfo:
        """Every setting, with its default, and the scales in use."""
        return decode(ProjectInfo, self._transport.json(Call("GET", self._path)))

    def update(self, **settings: Unpack[ProjectSettings]) -> ProjectInfo:
        """Changes settings; what is left out stays, also within `kernel`, `criterion` and `selection`."""
        return decode(ProjectInfo, self._transport.json(Call("PATCH", self._path, json=settings)))

    def delete(self) -> None:
        """Takes the project out of reach. Its data stays in the server's data directory."""
        self._transport.send(Call("DELETE", self._path))

    def refit(self, *, key: str | None = None) -> Scales:
        """Takes moments and scales anew from what is held now; with `marginal_likelihood` that may take seconds."""
        return decode(Scales, self._transport.json(Call("POST", self._below("refit"), wait_s=120, key=key)))

    def ranking(self, wait_s: float = 0.0) -> Ranking:
        """Every candidate task with its gain, best first. `wait_s`: how long to wait for one that has seen all."""
        query = {"wait_s": wait_s} if wait_s else {}
        return decode(Ranking, self._transport.json(Call("GET", self._below("ranking"), query=query, wait_s=wait_s)))

    def assignment(
        self,
        *,
        operator: str | None = None,
        robot: str | None = None,
        capabilities: Sequence[str] = (),
        exclude: Sequence[str] = (),
        lease_s: float | None = None,
    ) -> Lease:
        """The next task, for a `with` block; NothingToDo where there is none. `operator`: else the token's name."""
        lease_s = lease_s or self.get().selection.lease_s
        fields = ask_fields(operator, robot, capabilities, exclude, lease_s)
        return Lease(self.assignments, self.demonstrations, fields, lease_s)

    def events(self, after: int = 0, *, follow: bool = False) -> Iterator[Event]:
        """The project's log behind event `after`; with `follow` it goes on for ever, over broken connections."""
        return (_events.followed if follow else _events.listed)(self._transport, self._below("events"), after)

    def decisions(self) -> Iterator[Decision]:
        """Every choice with what it was made of, oldest first."""
        return pages(self._transport, self._below("decisions"), "decisions", Decision)

    def decision(self, id: str) -> Decision:
        """The choice that opened the assignment `id`."""
        return decode(Decision, self._transport.json(Call("GET", path("projects", self.id, "decisions", id))))

    def report(self) -> Report:
        """How far it has come, round by round, and what it cost."""
        return decode(Report, self._transport.json(Call("GET", self._below("report"))))

    def export(self, file: str | os.PathLike[str], *, replace: bool = False, progress: Progress | None = None) -> None:
        """The whole project as one tar file, checked before it gets its name."""
        with whole_file(Path(file), replace=replace) as draft:
            with self._transport.stream(Call("GET", self._below("export"), accept=OCTETS)) as response:
                save_stream(response, draft, progress)
            check_archive(draft)
