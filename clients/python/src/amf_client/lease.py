"""An assignment as a `with` block: asked for, renewed meanwhile, and ended in every case.

    with project.assignment(operator="anna") as task:
        states, actions = record(task.instruction)
        task.complete(states, actions)

How it ends: as the block says (`complete`, `skip`, `fail`, `release`). A block that says nothing, or ends by an
exception, whichever, releases: the task is free for others, as if never asked for. An exception is no failed attempt,
for a camera that was not plugged in says nothing about the task; where the attempt failed, say `task.fail()`.

A recording is never lost to an error: `complete` stores the demonstration first, then ends the assignment with it, and
what cannot be stored is kept in a file. One that comes when the assignment has ended already is held all the same; it
is not credited to the assignment, and `reason` says why.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timezone
from types import TracebackType
from typing import TYPE_CHECKING, Any

from numpy.typing import ArrayLike

from ._tensors import demonstration_bytes
from .assignments import Assignments, SkipTo
from .demonstrations import Demonstrations
from .errors import AmfError, LeaseLost, NothingToDo
from .models import Assignment, Completed, Stored

if TYPE_CHECKING:
    from typing_extensions import Self, Unpack

    from .settings import AskFields, RecordingFields

log = logging.getLogger("amf_client")
RENEWALS_A_LEASE = 3


class Lease:
    """Made by `project.assignment()`, for one thread and one `with` block; renewals have a thread of their own."""

    def __init__(
        self, assignments: Assignments, demonstrations: Demonstrations, ask: AskFields, lease_s: float
    ) -> None:
        self._assignments, self._demonstrations = assignments, demonstrations
        self._ask, self._lease_s = ask, lease_s
        self._assignment: Assignment | None = None
        self._lock = threading.Lock()  # one request about the assignment at a time, because each changes the fence
        self._stop = threading.Event()
        self._renewer = threading.Thread(target=self._keep_renewing, name="amf-renewals", daemon=True)
        self._over = False

    # ---- what it is about

    @property
    def assignment(self) -> Assignment:
        """As the server told it last."""
        if self._assignment is None:
            raise RuntimeError("nothing has been asked for yet: use it in a `with` statement")
        return self._assignment

    @property
    def id(self) -> str:
        return self.assignment.id

    @property
    def task(self) -> str:
        """The task's key."""
        return self.assignment.task

    @property
    def instruction(self) -> str:
        return self.assignment.instruction or ""

    @property
    def why(self) -> str:
        """Why this task, in one sentence."""
        return self.assignment.why

    @property
    def over(self) -> bool:
        """Whether it has ended, by a call here or because a renewal was refused."""
        return self._over

    # ---- asking

    def __enter__(self) -> Self:
        asked = self._assignments.ask(**self._ask)
        if not asked.assignments:
            reason = asked.reason
            raise NothingToDo(reason.code if reason else "", reason.detail if reason else "the server named no reason")
        self._assignment = asked.assignments[0]
        self._renewer.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        if self._over:
            return
        try:
            self.release()
        except AmfError as problem:  # it expires by itself, and the block's own exception matters more
            log.warning("assignment %s could not be released: %s", self.id, problem)

    # ---- renewing

    def _keep_renewing(self) -> None:
        """At once where the asker had it before and little of its time is left."""
        left_s = (self.assignment.expires_at - datetime.now(timezone.utc)).total_seconds()
        pause_s = self._lease_s / RENEWALS_A_LEASE
        wait_s = pause_s if left_s > 0.9 * self._lease_s else 0.0
        while not self._stop.wait(wait_s):
            try:
                self.renew()
            except (LeaseLost, RuntimeError):
                return
            except AmfError as error:
                log.warning("assignment %s could not be renewed: %s", self.id, error)
            wait_s = pause_s

    def renew(self) -> Assignment:
        """Gives it its whole time again. Done by itself within the block."""
        with self._lock:
            self._check_open()
            try:
                # One attempt: the next is soon. An answer that is lost does no harm, for the fence before stays good.
                self._assignment = self._assignments.renew(self.id, self.assignment.fence, self._lease_s, attempts=1)
            except LeaseLost:
                self._over = True
                raise
            return self._assignment

    def _check_open(self) -> None:
        if self._over:
            raise RuntimeError(f"assignment {self.id} is over")

    # ---- ending

    def complete(self, states: ArrayLike, actions: ArrayLike, **fields: Unpack[RecordingFields]) -> Completed:
        """Hands the demonstration in; when this returns, it is on the server's disk.

        Operator and robot are those of the assignment unless said otherwise. Whatever goes wrong, the recording is kept
        in a file, which the exception names (`kept`).
        """
        assignment = self.assignment
        known = {"operator": assignment.operator, "robot": assignment.robot}
        about: dict[str, Any] = {"task": assignment.task, "assignment": assignment.id, **known, **fields}
        try:
            stored = self._demonstrations.add_bytes(demonstration_bytes(states, actions, about))
        except BaseException as error:
            self._demonstrations.keep(states, actions, about, error)
            raise
        return self._credit(stored)

    def _credit(self, stored: Stored) -> Completed:
        with self._lock:
            try:
                done = self._assignments.complete(self.id, self.assignment.fence, demonstration_id=stored.id)
                done = replace(done, demonstration=stored)  # the answer calls it a duplicate: it was held by then
            except LeaseLost as error:
                self._over = True
                held = self._assignments.get(self.id)
                done = Completed(assignment=held, demonstration=stored, credited=False, reason=error.detail)
            return self._ended(done)

    def _ended(self, done: Completed) -> Completed:
        self._assignment, self._over = done.assignment, True
        self._stop.set()
        return done

    def skip(self, to: SkipTo = "me", reason: str | None = None) -> Assignment:
        """Not now (`me`), not by this operator (`others`), or by nobody until the task is changed (`never`)."""
        return self._end(self._assignments.skip, to, reason)

    def fail(self, reason: str | None = None) -> Assignment:
        """The attempt did not work, and counts as one.

        A recording of it may be added before: `success=False`, `assignment=task.id`.
        """
        return self._end(self._assignments.fail, reason)

    def release(self) -> Assignment:
        """As if it had never been asked for."""
        return self._end(self._assignments.release)

    def _end(self, how: Callable[..., Assignment], *said: str | None) -> Assignment:
        with self._lock:
            self._check_open()
            self._assignment = how(self.id, self.assignment.fence, *said)
            self._over = True
            self._stop.set()
            return self.assignment


def ask_fields(
    operator: str | None, robot: str | None, capabilities: Sequence[str], exclude: Sequence[str], lease_s: float
) -> AskFields:
    fields: AskFields = {"operator": operator, "robot": robot, "lease_s": lease_s}
    if capabilities:
        fields["capabilities"] = list(capabilities)
    if exclude:
        fields["exclude"] = list(exclude)
    return fields
