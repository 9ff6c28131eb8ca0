"""Lists of the service, page by page, as iterators."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeVar

from ._decode import Answer, decode
from ._transport import Call, Transport
from .errors import BadAnswer

A = TypeVar("A", bound=Answer)
PAGE = 500


def pages(transport: Transport, where: str, name: str, item: type[A]) -> Iterator[A]:
    """Every item, asked for as they are used."""
    cursor: str | None = None
    while True:
        answer = transport.json(Call("GET", where, query={"limit": PAGE, "cursor": cursor}))
        if not isinstance(answer, dict) or not isinstance(answer.get(name), list):
            raise BadAnswer(f"the answer to {where} has no list {name}")
        for entry in answer[name]:
            yield decode(item, entry)
        cursor = answer.get("next_cursor")
        if cursor is None:
            return
