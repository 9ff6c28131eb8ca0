"""What can go wrong, as exceptions.

    AmfError
      ApiError            the server said no; its fields are those of the problem document
        BadRequest 400, Unauthorized 401, Forbidden 403, NotFound 404, Conflict 409, ...
          LeaseLost, ChangedMeanwhile, KeyReused, ...   where a program wants to tell one code from another
      Unreachable         no whole answer; what was sent may have taken effect
      BadAnswer           an answer, but not what the API promises
      NothingToDo         no task for this asker now: a normal answer, with its reason

Which class an answer gets is decided by its code, else by its status, so a code that a newer server knows is no
surprise. `tests/python/test_contract.py` holds the table against proto/errors.json.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar


class AmfError(Exception):
    """Anything this package raises by itself."""

    kept: Path | None = None
    """Where the demonstration is that could not be handed in."""

    def __str__(self) -> str:
        text = self.describe()
        return f"{text}; the demonstration is kept in {self.kept}" if self.kept else text

    def describe(self) -> str:
        return super().__str__()


@dataclass(eq=False)
class ApiError(AmfError):
    """The server's problem document. A 4xx means that nothing was stored."""

    statuses: ClassVar[tuple[int, ...]] = ()
    codes: ClassVar[tuple[str, ...]] = ()

    status: int = 0
    code: str = ""
    title: str = ""
    detail: str = ""
    at: str = ""
    """JSON pointer, `tensor NAME` or parameter at fault, or empty."""
    request_id: str = ""
    """Also in the server's log."""
    retry_after_s: float | None = None
    idempotency_key: str | None = None
    """Sent with the request; the same call with `key=` this asks again what became of it."""

    __str__ = AmfError.__str__

    def describe(self) -> str:
        place = f" at {self.at}" if self.at else ""
        request = f" (request {self.request_id})" if self.request_id else ""
        return f"{self.code}{place}: {self.detail or self.title}{request}"


class BadRequest(ApiError):
    """The request cannot be read."""

    statuses = (400, 405, 406, 411, 414, 415, 417, 431, 501, 505)


class Unauthorized(ApiError):
    """No valid token, or one that has expired."""

    statuses = (401,)


class Forbidden(ApiError):
    """The token's role, or the project it is for, does not allow it."""

    statuses = (403,)


class NotFound(ApiError):
    statuses = (404,)


class Conflict(ApiError):
    """It does not go with what is there."""

    statuses = (409,)


class LeaseLost(Conflict):
    """The assignment has ended, or belongs to somebody else by now."""

    codes = ("lease_lost",)


class AlreadyExists(Conflict):
    codes = ("project_exists", "token_exists")


class ChangedMeanwhile(Conflict):
    """Somebody else changed it at the same time: read it again."""

    codes = ("changed_meanwhile",)


class TooLarge(ApiError):
    statuses = (413,)


class Invalid(ApiError):
    """A field or tensor has a wrong value; `at` names it."""

    statuses = (422,)


class KeyReused(Invalid):
    """The Idempotency-Key was used for another request."""

    codes = ("key_reused",)


class NotSupported(Invalid):
    """The API has a name for it; this server cannot do it."""

    codes = ("not_supported",)


class TooManyRequests(ApiError):
    statuses = (429,)


class ServerError(ApiError):
    """The server, its disk, or something between could not do it."""

    statuses: ClassVar[tuple[int, ...]] = (500,)


class Unavailable(ServerError):
    """Not now. It was tried several times already."""

    statuses = (502, 503, 504)


class OutcomeUnknown(Unavailable):
    """A commit failed: it may or may not be stored; the retry with the same key tells."""

    codes = ("outcome_unknown",)


class DiskFull(ServerError):
    """No space on the server; nothing was stored."""

    statuses = (507,)


class Unreachable(AmfError):
    """No whole answer came. What was sent may have taken effect."""

    def __init__(self, text: str, *, idempotency_key: str | None = None) -> None:
        super().__init__(text)
        self.idempotency_key = idempotency_key


class BadAnswer(AmfError):
    """Something answered, but not with what the API promises."""


class NothingToDo(AmfError):
    """No task for this asker now, because of `detail`."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(code, detail)
        self.code = code
        self.detail = detail

    def describe(self) -> str:
        return f"{self.code}: {self.detail}"


def _subclasses(base: type[ApiError]) -> list[type[ApiError]]:
    return [base] + [found for child in base.__subclasses__() for found in _subclasses(child)]


_CLASSES = _subclasses(ApiError)
BY_CODE = {code: found for found in _CLASSES for code in found.__dict__.get("codes", ())}
BY_STATUS = {status: found for found in _CLASSES for status in found.__dict__.get("statuses", ())}


def error_class(status: int, code: str) -> type[ApiError]:
    """The class of an answer with this status and code."""
    other = ServerError if status >= 500 else ApiError
    return BY_CODE.get(code) or BY_STATUS.get(status, other)
