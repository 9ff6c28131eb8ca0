"""The Nth call to the disk fails while the daemon starts on what a kill -9 left: it starts, or refuses with a line.

    daemon_start.py [--full]

The write-ahead log is large, for a reader kept it from being emptied. Whatever came of the first start, the second one,
without the fault, shows everything. Control: a start whose log was cut in half must be seen to show something else.
"""
import contextlib
import errno
import itertools
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import tempfile

import fleet
from daemon import AMFD, Daemon
from harness import Torture
from preload import KINDS, Preload, bit

LOG_MIB = {False: 4, True: 64}
START_WITHIN_S = 60


def template(folder, log_bytes):
    """(copy of a killed daemon's data directory, what the API shows of it)."""
    daemon = Daemon(folder)
    fleet.set_up(daemon)
    path = os.path.join(folder, "d", "amf.db")
    with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM event").fetchone()
        for number in itertools.count(1):
            sent = fleet.send(daemon, fleet.upload("tensors", "a", number, f"large-{number}", steps=16000))
            assert sent.promised, sent.answer
            if os.path.getsize(path + "-wal") >= log_bytes:
                break
        shown = fleet.digest(daemon)
        daemon.kill()
        kept = os.path.join(folder, "kept")
        shutil.copytree(os.path.join(folder, "d"), kept)
    return kept, shown


def start(folder, environment, ending):
    """(exit code of a start that was refused, else None; lines on how it went). ending: the signal after a start."""
    with open(os.path.join(folder, "errors"), "w+", encoding="utf-8", errors="replace") as errors:
        process = subprocess.Popen([AMFD, "--data", os.path.join(folder, "d"), "--listen", "127.0.0.1:0"], text=True,
                                   stdout=subprocess.PIPE, stderr=errors, env={**os.environ, **environment})
        with process.stdout:
            listening = process.stdout.readline().startswith("listening on ")
        if listening:
            process.send_signal(ending)
        code = process.wait(START_WITHIN_S)
        errors.seek(0)
        said = errors.read()
    if listening:
        return None, [] if code in (0, 1, -signal.SIGKILL) else [f"started and ended with {code}: {said[:300]}"]
    one_line = code == 1 and said.count("\n") == 1 and said.startswith("amfd: ")
    return code, [] if one_line else [f"refused with {code}: {said[:300]!r}"]


def name(fault):
    ending, kind, nth, error, persistent = fault
    return f"{kind} {nth} {errno.errorcode[error]}{' on' if persistent else ''}, {ending.name}"


def shows(folder):
    daemon = Daemon(folder)
    try:
        return fleet.digest(daemon), fleet.unsound(folder)
    finally:
        daemon.stop()


def copy(kept, folder):
    shutil.copytree(kept, os.path.join(folder, "d"))


def point(library, kept, shown, fault):
    """(was the call reached, was the start refused, lines)."""
    ending, kind, nth, error, persistent = fault
    with tempfile.TemporaryDirectory(prefix="amf-start-") as folder:
        copy(kept, folder)
        preload = Preload(library, os.path.join(folder, "control"), os.path.join(folder, "d"))
        with contextlib.closing(preload):
            preload.arm(nth, bit(kind), persistent, error)
            code, lines = start(folder, preload.environment, ending)
            _, hits = preload.disarm()
        now, unsound = shows(folder)
        lines += unsound + ([] if now == shown else ["the second start shows something else"])
        return hits > 0, code is not None, lines


def faults(library, kept, ending):
    """Every call of a start and that end without a fault, once and from then on."""
    for kind in KINDS:
        with tempfile.TemporaryDirectory(prefix="amf-start-") as folder:
            copy(kept, folder)
            preload = Preload(library, os.path.join(folder, "control"), os.path.join(folder, "d"))
            with contextlib.closing(preload):
                preload.arm(0, bit(kind))
                start(folder, preload.environment, ending)
                count = preload.disarm()[0]
        yield from itertools.product((ending,), (kind,), range(1, count + 2), (errno.EIO, errno.ENOSPC), (False, True))


def control(kept, shown):
    with tempfile.TemporaryDirectory(prefix="amf-start-") as folder:
        copy(kept, folder)
        log = os.path.join(folder, "d", "amf.db-wal")
        os.truncate(log, os.path.getsize(log) // 2)
        return shows(folder)[0] != shown


def main(torture):
    library, findings, reached, refused = os.environ["AMF_PRELOAD_IO"], [], 0, 0
    with tempfile.TemporaryDirectory(prefix="amf-start-") as folder:
        kept, shown = template(folder, LOG_MIB[torture.full] << 20)
        starts, ends = (list(faults(library, kept, ending)) for ending in (signal.SIGKILL, signal.SIGTERM))
        rnd = random.Random(torture.seed)
        chosen = starts if torture.full else rnd.sample(starts, min(15, len(starts)))
        chosen = chosen + rnd.sample(ends, 100 if torture.full else 3)
        for fault in chosen:
            hit, no, lines = point(library, kept, shown, fault)
            reached, refused = reached + hit, refused + no
            findings += [f"{name(fault)}: {line}" for line in lines]
        caught = control(kept, shown)
    torture.count(points=len(chosen), starts=len(starts), reached=reached, refused=refused, findings=len(findings))
    torture.check_none(findings, "a start that fails says why in a line, and the next one has everything")
    torture.check(reached and refused, "the faults are reached, and some refuse the start")
    torture.check(caught, "a log that was cut is seen")


if __name__ == "__main__":
    Torture("start").run(main)
