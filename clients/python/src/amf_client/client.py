"""The server: `amf_client.Client()`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

import httpx

from ._decode import decode
from ._files import Progress, pieces_of, save_stream, whole_file
from ._lists import PAGE, pages
from ._locate import locate, xdg_folder
from ._transport import OCTETS, Call, Retry, Transport, path
from .errors import AlreadyExists, BadAnswer
from .models import Health, ProjectInfo, ProjectStatus, Status, Token, Version
from .project import Project

if TYPE_CHECKING:
    from typing_extensions import Self, Unpack

    from .settings import ProjectSettings, TokenFields, TokenRole


class Projects:
    """All projects: `client.projects`."""

    def __init__(self, transport: Transport, unsent: Path | None) -> None:
        self._transport, self._unsent = transport, unsent

    def create(
        self, id: str, *, exist_ok: bool = False, key: str | None = None, **settings: Unpack[ProjectSettings]
    ) -> Project:
        """Only the id is needed. With `exist_ok` one that is there is taken, with the settings it has."""
        try:
            self._transport.json(Call("POST", path("projects"), json={"id": id, **settings}, key=key))
        except AlreadyExists:
            if not exist_ok:
                raise
        return Project(self._transport, id, self._unsent)

    def list(self) -> Iterator[ProjectInfo]:
        """In the order of their ids."""
        return pages(self._transport, path("projects"), "projects", ProjectInfo)

    def import_(
        self, id: str, file: str | os.PathLike[str], *, progress: Progress | None = None, key: str | None = None
    ) -> Project:
        """A new project from a file of `Project.export`: taken whole or not at all."""
        archive = Path(file)
        call = Call(
            "POST",
            path("projects", id, "import"),
            content=lambda: pieces_of(archive, progress),
            content_bytes=archive.stat().st_size,
            content_type=OCTETS,
            wait_s=600,
            key=key,
        )
        self._transport.json(call)
        return Project(self._transport, id, self._unsent)


class Tokens:
    """Who may use the server: `client.tokens`. For administrators."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def create(self, name: str, role: TokenRole, *, key: str | None = None, **fields: Unpack[TokenFields]) -> Token:
        """The answer's `token` is the secret, told this once."""
        body = {"name": name, "role": role, **fields}
        return decode(Token, self._transport.json(Call("POST", path("tokens"), json=body, key=key)))

    def list(self) -> Iterator[Token]:
        return pages(self._transport, path("tokens"), "tokens", Token)

    def get(self, id: str) -> Token:
        return decode(Token, self._transport.json(Call("GET", path("tokens", id))))

    def revoke(self, id: str) -> None:
        """It is refused from the next request on."""
        self._transport.send(Call("DELETE", path("tokens", id)))


class Client:
    """A server, found as the `amf` command finds it unless told otherwise.

    url, token: else `token_file`, AMF_URL and AMF_TOKEN, then the default data directory of this user.
    ca_file: the certificates to trust for https; else AMF_CA_FILE, then the machine's own.
    timeout_s: the longest silence while an answer is due. retry: see `Retry`.
    unsent: where demonstrations are kept that could not be handed in; None: nowhere.
    transport: another way of exchange, for tests.

    A client keeps connections and may be shared by threads. Close it, or use it in a `with` statement.
    """

    def __init__(
        self,
        url: str | None = None,
        token: str | None = None,
        *,
        token_file: str | os.PathLike[str] | None = None,
        ca_file: str | None = None,
        timeout_s: float = 30.0,
        retry: Retry | None = None,
        unsent: str | os.PathLike[str] | None = "",
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        if unsent == "":
            unsent = xdg_folder("XDG_STATE_HOME", ".local/state") / "unsent"
        folder = Path(unsent) if unsent is not None else None
        self._unsent = folder
        self._transport = Transport(locate(url, token, token_file, ca_file), timeout_s, retry or Retry(), transport)
        self.projects = Projects(self._transport, folder)
        self.tokens = Tokens(self._transport)

    @property
    def url(self) -> str:
        return self._transport.location.url

    def __repr__(self) -> str:
        return f"Client({self.url!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._transport.close()

    def project(self, id: str) -> Project:
        """A handle; nothing is sent, so it may be of a project that is not there."""
        return Project(self._transport, id, self._unsent)

    def health(self) -> Health:
        """The process is alive."""
        return decode(Health, self._transport.json(Call("GET", "/healthz")))

    def ready(self) -> Health:
        """Writes are possible; else Unavailable, with the reason."""
        return decode(Health, self._transport.json(Call("GET", "/readyz", attempts=1)))

    def status(self) -> Status:
        """What it holds and how it does: one screen for the person on call."""
        where, cursor = path("status"), None
        projects: list[ProjectStatus] = []
        while True:
            status = decode(Status, self._transport.json(Call("GET", where, query={"limit": PAGE, "cursor": cursor})))
            projects += status.projects
            cursor = status.next_cursor
            if cursor is None:
                return replace(status, projects=tuple(projects))

    def version(self) -> Version:
        """What is running there."""
        return decode(Version, self._transport.json(Call("GET", "/version")))

    def openapi(self) -> str:
        """The contract, as YAML."""
        return self._transport.send(Call("GET", "/openapi.yaml", accept="application/yaml")).text

    def metrics(self) -> str:
        """What the server has counted, as text for Prometheus."""
        return self._transport.send(Call("GET", "/metrics", accept="text/plain")).text

    def back_up(self, file: str | os.PathLike[str], *, replace: bool = False, progress: Progress | None = None) -> None:
        """A copy of everything on the server, compared with its checksum before it gets its name."""
        with whole_file(Path(file), replace=replace) as draft:
            call = Call("GET", path("backup"), accept=OCTETS, wait_s=600)
            with self._transport.stream(call) as response:
                digest = save_stream(response, draft, progress)
                told = response.headers.get("repr-digest", "")
            if told != f"sha-256=:{digest}:":
                raise BadAnswer("the copy is not what its checksum says")
