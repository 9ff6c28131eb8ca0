"""The Nth call to the disk fails, for every N, once or from then on: nothing acknowledged is lost.

    daemon_io.py [--full]

A point is one daemon on a copy of a data directory, one fault, a script of requests, a restart without the fault. The
short form takes a seeded sample of all points. Control: a disk that says it has written and has not.
"""
import concurrent.futures
import contextlib
import errno
import http.client
import itertools
import os
import random
import shutil
import signal
import tempfile
import time

import fleet
from daemon import Daemon
from harness import Torture
from preload import KINDS, Preload, bit

STAY = ("--on-fsync-error", "stay")
REFUSED = {503: ("outcome_unknown", "no_memory", "not_ready"), 507: ("disk_full",), 500: ("internal", "damaged")}
EXIT_WITHIN_S = 5


class Point:
    """One fault: kind of call, which of them, errno, once or from then on, and how busy the daemon is."""

    def __init__(self, kind, nth, error, persistent, script):
        self.kind, self.nth, self.error, self.persistent, self.script = kind, nth, error, persistent, script

    def __str__(self):
        times = "from then on" if self.persistent else "once"
        return f"{self.kind} {self.nth} {errno.errorcode.get(self.error, 'lie')} {times}, {self.script}"

    def arm(self, preload):
        preload.arm(self.nth, bit(self.kind), self.persistent, self.error)


def template(folder):
    """A data directory with a project and a few demonstrations."""
    daemon = Daemon(folder)
    fleet.set_up(daemon)
    held = [fleet.send(daemon, fleet.upload("json", "a", 100 + i, f"held-{i}")) for i in range(3)]
    daemon.stop()
    return held


def plain(daemon, method, path, body, key):
    """A write that is no POST: its status, 0 without an answer."""
    with contextlib.suppress(OSError, http.client.HTTPException):
        return daemon.request(method, path, body, {"Idempotency-Key": key}).status
    return 0


def post(daemon, request):
    with contextlib.suppress(OSError, http.client.HTTPException):
        fleet.send(daemon, request)
    return request


def mixed(daemon, held):
    """Every kind of write, one after the other, as they come."""
    for number, kind in enumerate(("json", "tensors")):
        yield post(daemon, fleet.upload(kind, "b", 200 + number, f"up-{number}", steps=600 if number else 5))
    asked = post(daemon, fleet.ask("anna", "ask-1"))
    yield asked
    if asked.promised and asked.json["assignments"]:
        yield post(daemon, fleet.complete(asked.json["assignments"][0], 210, "complete-1"))
    plain(daemon, "PUT", f"{fleet.PROJECT}/tasks/z", {"weight": 2}, "put-1")
    plain(daemon, "PATCH", fleet.PROJECT, {"title": "renamed"}, "patch-1")
    yield post(daemon, fleet.upload("tensors", "c", 220, "up-2"))


def idle(daemon, held):
    """Writes around a pause in which the daemon empties its log."""
    yield post(daemon, fleet.upload("tensors", "b", 300, "up-0", steps=600))
    time.sleep(1.3)
    yield post(daemon, fleet.upload("json", "b", 301, "up-1"))


def large(daemon, held):
    """Commits of many pages."""
    for number in range(3):
        yield post(daemon, fleet.upload("tensors", "c", 320 + number, f"up-{number}", steps=4000))


def crowd(daemon, held):
    """Commits that several clients share."""
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        made = [fleet.upload("tensors" if i % 2 else "json", "d", 340 + i, f"up-{i}") for i in range(12)]
        yield from list(pool.map(lambda request: post(daemon, request), made))


SCRIPTS = {"mixed": mixed, "idle": idle, "large": large, "crowd": crowd}


def refusal(request):
    """A line when an answer other than a 2xx is not one of those that are allowed."""
    if not request.status or request.promised:
        return None
    codes = REFUSED.get(request.status, ())
    code = request.json.get("code")
    return None if code in codes else f"{request.kind}: {request.status} {request.answer[:300]!r}"


def latched(daemon):
    ready = daemon.request("GET", "/readyz", token=False).status == 200
    status = daemon.ok("GET", "/v1/status")
    if status["ready"] != ready or status["latched"] == ready:
        raise AssertionError(f"/readyz and /v1/status tell different things: {status}")
    return not ready


def run_script(point, daemon, held):
    """The requests, and lines on answers that should not be."""
    requests, lines, broken = [], [], False
    for request in SCRIPTS[point.script](daemon, held):
        requests.append(request)
        lines.append(refusal(request))
        if broken and request.promised and point.script != "crowd":  # where nobody knows which was first
            lines.append(f"{request.kind} was accepted after a failed commit")
        if request.status == 503 and request.json["code"] == "outcome_unknown":
            broken = True
            if not latched(daemon):
                lines.append("readyz does not tell of a failed commit")
    return requests, [line for line in lines if line], broken


def resumes(daemon, preload):
    """ENOSPC: what goes on while the disk is full, and after, without a restart."""
    if latched(daemon):
        return []  # where space ran out, only a restart can tell what is stored
    read = daemon.request("GET", f"{fleet.PROJECT}/demonstrations").status
    preload.disarm()
    again = post(daemon, fleet.upload("json", "d", 400, "again"))
    lines = [] if read == 200 else [f"reading answers {read} while the disk is full"]
    return lines + ([] if again.promised else [f"no write with space again: {again.status} {again.answer[:200]!r}"])


def end(daemon, broken, exits):
    """Lines on how the daemon ended."""
    if broken and exits:
        try:
            code = daemon.process.wait(EXIT_WITHIN_S)
        except Exception:
            daemon.kill()
            return [f"still there {EXIT_WITHIN_S} s after a failed commit"]
    else:
        daemon.process.send_signal(signal.SIGTERM)
        code = daemon.process.wait(30)
    daemon.process.stdout.close()
    daemon.log.close()
    return [] if code in ((1,) if broken else (0, 1)) else [f"exit code {code}"]


def after(folder, held, requests):
    """Lines on what a restart without the fault finds."""
    daemon = Daemon(folder)
    try:
        promised = [request for request in held + requests if request.promised]
        lines = [line for request in promised if (line := fleet.kept(daemon, request))]
        again = [request for request in requests if not request.promised]
        lines += [line for request in again if (line := fleet.replayed(daemon, request))]
        return lines + fleet.unsound(folder)
    finally:
        daemon.kill()


def run_point(point, preload, folder, source, held, exits):
    """(was the call reached, lines)."""
    shutil.copytree(os.path.join(source, "d"), os.path.join(folder, "d"))
    daemon = Daemon(folder, environment=preload.environment, options=() if exits else STAY)
    point.arm(preload)
    requests, lines, broken = run_script(point, daemon, held)
    if point.error == errno.ENOSPC and not broken:
        lines += resumes(daemon, preload)
    lines += end(daemon, broken, exits)
    _, hits = preload.disarm()
    return hits > 0, lines + after(folder, held, requests)


def calls(preload_library, script, source, held):
    """{kind of call: how many a script makes without a fault}."""
    found = {}
    for kind in KINDS:
        with tempfile.TemporaryDirectory(prefix="amf-io-") as folder:
            preload = Preload(preload_library, os.path.join(folder, "control"), folder)
            with contextlib.closing(preload):
                shutil.copytree(os.path.join(source, "d"), os.path.join(folder, "d"))
                daemon = Daemon(folder, environment=preload.environment)
                preload.arm(0, bit(kind))
                collected = list(SCRIPTS[script](daemon, held))
                assert all(request.promised for request in collected)
                daemon.stop()
                found[kind] = preload.disarm()[0]
    return found


def all_points(library, source, held):
    """Every place a call can fail at, one more than was counted."""
    for script in SCRIPTS:
        for kind, count in calls(library, script, source, held).items():
            errors = (errno.EIO, errno.ENOSPC) if kind in ("pwrite64", "ftruncate64") else (errno.EIO,)
            for nth, error, persistent in itertools.product(range(1, count + 2), errors, (False, True)):
                yield Point(kind, nth, error, persistent, script)


def sweep(library, source, held, points, findings):
    reached = 0
    for number, point in enumerate(points):
        with tempfile.TemporaryDirectory(prefix="amf-io-") as folder:
            preload = Preload(library, os.path.join(folder, "control"), folder)
            with contextlib.closing(preload):
                try:
                    hit, lines = run_point(point, preload, folder, source, held, exits=number % 7 == 0)
                except (AssertionError, RuntimeError, OSError) as error:
                    hit, lines = True, [f"{type(error).__name__}: {error}"]
        reached += hit
        findings += [f"{point}: {line}" for line in lines]
    return reached


def main(torture):
    library, findings = os.environ["AMF_PRELOAD_IO"], []
    with tempfile.TemporaryDirectory(prefix="amf-io-") as source:
        held = template(source)
        points = list(all_points(library, source, held))
        every = len(points)
        if not torture.full:
            points = random.Random(torture.seed).sample([p for p in points if p.script != "idle"], 30)
        reached = sweep(library, source, held, points, findings)
        lies = [Point("pwrite64", 1, 0, True, "mixed")]
        caught = []
        sweep(library, source, held, lies, caught)
    torture.count(points=len(points), of=every, reached=reached, findings=len(findings))
    torture.check_none(findings, "whichever call fails: no 2xx is lost, a failed commit ends the writing, space brings it back")
    torture.check(reached > len(points) // 2, "the faults are reached")
    torture.check(caught, "a disk that only says it has written is caught")


if __name__ == "__main__":
    Torture("io").run(main)
