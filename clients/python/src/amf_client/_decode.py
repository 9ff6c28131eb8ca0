"""JSON to dataclasses, by their annotations.

Fields that a newer server adds are kept in `more`, so nothing it says is lost; one that is promised and missing, or of
another kind, is a BadAnswer that names it.
"""

from __future__ import annotations

import functools
import re
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, field, fields
from datetime import datetime
from typing import Any, TypeVar

from .errors import BadAnswer

FRACTION = re.compile(r"\.(\d{1,9})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A part of an answer. `more` holds the fields that this version of the package does not know."""

    more: Mapping[str, Any] = field(default_factory=dict, repr=False, hash=False)


A = TypeVar("A", bound=Answer)
Convert = Callable[[Any], Any]


def _time(value: Any) -> datetime:
    text = FRACTION.sub(lambda match: "." + (match[1] + "00000")[:6], _plain(str)(value))
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def _plain(kind: type) -> Convert:
    def convert(value: Any) -> Any:
        if kind is float and isinstance(value, int) and not isinstance(value, bool):
            return float(value)
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            raise ValueError(f"{value!r:.60} where {kind.__name__} was expected")
        return value

    return convert


def _many(item: Convert) -> Convert:
    return lambda value: tuple(item(entry) for entry in _plain(list)(value))


def _as_it_is(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _converter(annotation: Any) -> Convert:
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin in (types.UnionType, typing.Union):
        choices = [choice for choice in arguments if choice is not type(None)]
        inner = _converter(choices[0]) if len(choices) == 1 else _as_it_is
        return lambda value: None if value is None else inner(value)
    if origin is tuple:
        return _many(_converter(arguments[0]))
    if isinstance(annotation, type) and issubclass(annotation, Answer):
        return functools.partial(decode, annotation)
    if annotation is datetime:
        return _time
    return _plain(annotation) if annotation in (str, int, float, bool) else _as_it_is


@functools.cache
def _plan(cls: type[Answer]) -> dict[str, tuple[Convert, bool]]:
    hints = typing.get_type_hints(cls)
    return {
        item.name: (_converter(hints[item.name]), item.default is MISSING and item.default_factory is MISSING)
        for item in fields(cls)
        if item.name != "more"
    }


def decode(cls: type[A], data: Any) -> A:
    """One message. Raises BadAnswer."""
    if not isinstance(data, dict):
        raise BadAnswer(f"the answer is no {cls.__name__}: {data!r:.60}")
    plan = _plan(cls)  # type: ignore[arg-type]  # mypy takes the hash of its instances for that of the class
    values: dict[str, Any] = {"more": {name: value for name, value in data.items() if name not in plan}}
    for name, (convert, required) in plan.items():
        if name in data:
            try:
                values[name] = convert(data[name])
            except ValueError as error:
                raise BadAnswer(f"{cls.__name__}.{name} of the answer: {error}") from error
        elif required:
            raise BadAnswer(f"the answer's {cls.__name__} has no {name}")
    return cls(**values)
