"""A project's log as it grows: server-sent events that are taken up again where they broke off."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Iterable, Iterator

from ._decode import decode
from ._transport import EVENTS, Call, Transport
from .errors import AmfError, ApiError, BadAnswer, Unavailable, Unreachable
from .models import Event

log = logging.getLogger("amf_client")
SILENCE_S = 60.0
"""Longer than a server stays silent on an open stream."""


def lines(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """By hand, because httpx splits at characters that may stand in a text (U+2028), and each version otherwise."""
    rest = b""
    for piece in pieces:
        *whole, rest = (rest + piece).split(b"\n")
        yield from (line.removesuffix(b"\r") for line in whole)


def messages(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The data of each message that is of the log. Others have a name (`event: ranking`), and are left out."""
    data: list[bytes] = []
    named = False
    for line in lines(pieces):
        if line.startswith(b"data:"):
            data.append(line[5:].removeprefix(b" "))
        elif line.startswith(b"event:"):
            named = True
        elif not line:
            if data and not named:
                yield b"\n".join(data)
            data, named = [], False


def listed(transport: Transport, where: str, after: int) -> Iterator[Event]:
    """What is there now, oldest first."""
    while True:
        answer = transport.json(Call("GET", where, query={"after": after}))
        if not isinstance(answer, dict) or not isinstance(answer.get("events"), list):
            raise BadAnswer(f"the answer to {where} has no list events")
        for entry in answer["events"]:
            event = decode(Event, entry)
            after = event.seq
            yield event
        if not answer["events"]:
            return


def _connected(transport: Transport, where: str, after: int) -> Iterator[Event]:
    call = Call("GET", where, query={"after": after}, accept=EVENTS, wait_s=SILENCE_S, attempts=1)
    with transport.stream(call) as response:
        for text in messages(response.iter_bytes()):
            try:
                entry = json.loads(text)
            except ValueError as error:
                raise BadAnswer(f"an event of {where} is no JSON") from error
            yield decode(Event, entry)


def followed(transport: Transport, where: str, after: int) -> Iterator[Event]:
    """For ever; each event once, whatever happens to the connection. A refusal ends it."""
    failures = 0
    while True:
        try:
            for event in _connected(transport, where, after):
                after, failures = event.seq, 0
                yield event
            error: AmfError = Unreachable("the server ended the stream")
        except (Unreachable, Unavailable) as broken:
            error = broken
        wait_s = error.retry_after_s if isinstance(error, ApiError) else None
        log.log(logging.DEBUG if failures == 0 else logging.WARNING, "the events broke off: %s", error)
        time.sleep(min(transport.retry.pause_s(failures, wait_s), transport.retry.longest_pause_s))
        failures = min(failures + 1, 30)
