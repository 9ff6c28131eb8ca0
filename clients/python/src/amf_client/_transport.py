"""The one way from a call to its answer: address, key, repeats, problems.

What is repeated, and why that is safe: every request that writes carries an Idempotency-Key, the same one each time, by
which the server tells the repeat from a second wish. So whatever broke on the way (no connection, no answer in time, a
connection that ended early) may be tried again, and so may 502, 503, 504, and 409 or 429 where the server says when
(`Retry-After`). Nothing else is: a refusal would be the same the second time.
"""

from __future__ import annotations

import importlib.metadata
import json
import random
import socket
import ssl
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import httpx

from ._locate import Location
from .errors import AmfError, ApiError, BadAnswer, Unavailable, Unreachable, error_class

JSON = "application/json"
TENSORS = "application/vnd.safetensors"
OCTETS = "application/octet-stream"
EVENTS = "text/event-stream"
WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})
CONNECT_TIMEOUT_S = 5.0


def package_version() -> str:
    try:
        return importlib.metadata.version("amf-client")
    except importlib.metadata.PackageNotFoundError:
        return "0+source"  # run from its folder, without having been installed


@dataclass(frozen=True, slots=True)
class Retry:
    """How often a request is sent at most, and the pauses between: doubled each time, with jitter, and as long as the
    server's `Retry-After` says. One that says more than `longest_pause_s` ends the trying."""

    attempts: int = 7
    first_pause_s: float = 0.1
    longest_pause_s: float = 5.0

    def pause_s(self, attempt: int, retry_after_s: float | None) -> float:
        planned = min(self.first_pause_s * 2.0**attempt, self.longest_pause_s) * random.uniform(0.5, 1.0)
        return max(planned, retry_after_s or 0.0)


@dataclass(frozen=True, slots=True)
class Call:
    """A request as data. `content` is made anew for each attempt where it is a function."""

    method: str
    path: str
    query: Mapping[str, str | int | float | None] = field(default_factory=dict)
    json: Any = None
    content: bytes | Callable[[], Iterable[bytes]] | None = None
    content_bytes: int | None = None
    content_type: str = JSON
    accept: str = JSON
    wait_s: float = 0.0
    """How long the server may take on purpose, beyond the timeout."""
    key: str | None = None
    attempts: int | None = None
    """Instead of what `Retry` says."""


def path(*parts: str) -> str:
    """/v1/... of names and ids, percent-encoded."""
    for part in parts:
        if part in ("", ".", ".."):
            raise ValueError(f"{part!r} is no name or id")
    return "/v1/" + "/".join(quote(part, safe="") for part in parts)


def _seconds(text: str | None) -> float | None:
    try:
        return max(float(text), 0.0) if text else None
    except ValueError:
        return None  # a date: no server of ours says it that way


def _problem(response: httpx.Response, key: str | None) -> ApiError:
    """What the answer says is wrong; a proxy's page gets the code http_STATUS."""
    said: dict[str, Any] = {}
    if response.headers.get("content-type", "").startswith("application/problem+json"):
        with suppress(ValueError):
            said = json.loads(response.content)
    status = response.status_code
    code = said.get("code") if isinstance(said, dict) else None
    if not isinstance(code, str):
        said, code = {"detail": f"the answer with status {status} is not from amfd"}, f"http_{status}"
    texts = {name: str(said.get(name, "")) for name in ("title", "detail", "at", "request_id")}
    wait = _seconds(response.headers.get("retry-after"))
    return error_class(status, code)(status=status, code=code, retry_after_s=wait, idempotency_key=key, **texts)


def _worth_repeating(error: AmfError) -> bool:
    if isinstance(error, ApiError) and error.status in (409, 429):
        return error.retry_after_s is not None
    return isinstance(error, Unreachable | Unavailable)


def _send_at_once(response: httpx.Response) -> None:
    """TCP_NODELAY for the requests to come: httpcore before 1.0 leaves it off, and sends head and body one by one, so
    that each upload would wait 40 ms for an acknowledgement."""
    network = response.extensions.get("network_stream")
    if network is not None:
        with suppress(OSError):  # closed already
            network.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


class Transport:
    """Safe to share between threads: nothing in it changes, and httpx's pool is made for it."""

    def __init__(
        self, location: Location, timeout_s: float, retry: Retry, transport: httpx.BaseTransport | None = None
    ) -> None:
        self.location, self.timeout_s, self.retry = location, timeout_s, retry
        headers = {"User-Agent": f"amf-client/{package_version()}"}
        if location.token:
            headers["Authorization"] = f"Bearer {location.token}"
        self._http = httpx.Client(
            base_url=location.url,
            headers=headers,
            verify=ssl.create_default_context(cafile=location.ca_file),
            trust_env=not location.is_loopback,  # a proxy of the surroundings cannot know this machine
            transport=transport,
        )

    def close(self) -> None:
        self._http.close()

    def _request(self, call: Call, key: str | None) -> httpx.Request:
        headers = {"Accept": f"{call.accept}, application/problem+json"}
        content = call.content() if callable(call.content) else call.content
        if call.json is not None:
            content = json.dumps(call.json, allow_nan=False).encode()
        if content is not None:
            headers["Content-Type"] = call.content_type
        if call.content_bytes is not None:
            headers["Content-Length"] = str(call.content_bytes)
        if key:
            headers["Idempotency-Key"] = key
        timeout = httpx.Timeout(self.timeout_s, connect=CONNECT_TIMEOUT_S, read=self.timeout_s + call.wait_s, pool=None)
        query = {name: value for name, value in call.query.items() if value is not None}
        return self._http.build_request(
            call.method, call.path, params=query or None, content=content, headers=headers, timeout=timeout
        )

    def _attempt(self, call: Call, key: str | None, stream: bool) -> httpx.Response:
        try:
            response = self._http.send(self._request(call, key), stream=stream)
            _send_at_once(response)
            if response.is_success:
                return response
            response.read()
            response.close()
        except httpx.TransportError as error:
            what = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
            raise Unreachable(f"{self.location.url}: {what}", idempotency_key=key) from error
        if 300 <= response.status_code < 400:
            raise BadAnswer(f"{self.location.url}: redirected ({response.status_code}); amfd never does that")
        raise _problem(response, key)

    def send(self, call: Call, *, stream: bool = False) -> httpx.Response:
        """A 2xx, whole unless `stream`. Raises ApiError, Unreachable, BadAnswer."""
        key = (call.key or uuid.uuid4().hex) if call.method in WRITES else None
        attempts, attempt = call.attempts or self.retry.attempts, 0
        while True:
            try:
                return self._attempt(call, key, stream)
            except AmfError as error:
                attempt += 1
                wait = error.retry_after_s if isinstance(error, ApiError) else None
                too_long = wait is not None and wait > self.retry.longest_pause_s
                if attempt >= attempts or too_long or not _worth_repeating(error):
                    raise
            time.sleep(self.retry.pause_s(attempt - 1, wait))

    def json(self, call: Call) -> Any:
        """The answer's JSON; None of a 204."""
        response = self.send(call)
        if response.status_code == 204:
            return None
        try:
            return json.loads(response.content)
        except ValueError as error:
            raise BadAnswer(f"the answer to {call.method} {call.path} is no JSON") from error

    @contextmanager
    def stream(self, call: Call) -> Iterator[httpx.Response]:
        """An answer that is read piece by piece; a break on the way is Unreachable and not repeated here."""
        response = self.send(call, stream=True)
        try:
            yield response
        except httpx.TransportError as error:
            raise Unreachable(f"{self.location.url}: the answer broke off ({type(error).__name__})") from error
        finally:
            response.close()
