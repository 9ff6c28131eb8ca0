"""A copy of amf.db beside an amf.db-wal that is not its own: refused with nothing changed, or one whole state.

    daemon_restore.py [--full]

A backup is put over the directory of a killed daemon, or a database beside the log of a fresh one; or the database is
gone and its log is not. SQLite alone would replay such a log, or drop it. Controls: the files of one moment start, and
SQLite alone is seen to make a damaged or a smaller database of the others.
"""
import contextlib
import hashlib
import os
import shutil
import sqlite3
import tempfile

import fleet
from daemon import Daemon
from daemon_corrupt import refusal
from harness import Torture

DATABASE, LOG = "amf.db", "amf.db-wal"


def write(daemon, first, count, steps):
    for number in range(first, first + count):
        sent = fleet.send(daemon, fleet.upload("tensors", "a", number, f"key-{number}", steps=steps))
        assert sent.promised, sent.answer


def empty_log(database):
    """Makes the daemon's log begin anew, as it does by itself when nothing comes for a second."""
    with contextlib.closing(sqlite3.connect(database)) as own:
        assert own.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0


def moments(folder, first, between, last, steps):
    """(files after a clean stop, files after a kill, digests of every moment a start may show)."""
    states, data = [], os.path.join(folder, "d")
    daemon = Daemon(folder)
    fleet.set_up(daemon)
    write(daemon, 0, first, steps)
    states.append(fleet.digest(daemon))
    daemon.stop()
    shutil.copytree(data, os.path.join(folder, "stopped"))
    daemon.start()
    write(daemon, first, between, steps)
    if between:
        empty_log(os.path.join(data, DATABASE))
    write(daemon, first + between, last, steps)
    states.append(fleet.digest(daemon))
    daemon.kill()
    shutil.copytree(data, os.path.join(folder, "killed"))
    return os.path.join(folder, "stopped"), os.path.join(folder, "killed"), states


def fresh(folder):
    daemon = Daemon(folder)
    daemon.kill()
    return os.path.join(folder, "d")


def hashes(data):
    found = {}
    for name in (DATABASE, LOG):
        with contextlib.suppress(FileNotFoundError), open(os.path.join(data, name), "rb") as file:
            found[name] = hashlib.sha256(file.read()).hexdigest()
    return found


def start(base, database, states):
    """("refused" or "started", lines) of base with database (None: none, "": an empty one) put in place."""
    with tempfile.TemporaryDirectory(prefix="amf-restore-") as folder:
        data = os.path.join(folder, "d")
        put(base, database, data)
        before = hashes(data)
        try:
            daemon = Daemon(folder)
        except RuntimeError:
            lines = refusal(folder)
            return "refused", lines + ([] if hashes(data) == before else ["refused, and the files changed"])
        try:
            lines = [] if fleet.digest(daemon) in states else ["shows what never was"]
            lines += [str(line) for line in fleet.unsound(folder)]
        finally:
            daemon.kill()
        return "started", lines


def put(base, database, data):
    shutil.copytree(base, data)
    os.remove(os.path.join(data, DATABASE))
    if database == "":
        with open(os.path.join(data, DATABASE), "wb"):
            pass
    elif database:
        shutil.copy(database, os.path.join(data, DATABASE))


def rows(path):
    with contextlib.closing(sqlite3.connect(path)) as database:
        sound = database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        return database.execute("SELECT count(*) FROM event").fetchone()[0] if sound else -1


def harms(base, database):
    """Whether SQLite alone makes a damaged or a smaller database of the two."""
    with tempfile.TemporaryDirectory(prefix="amf-restore-") as folder:
        data = os.path.join(folder, "d")
        put(base, database, data)
        alone = os.path.join(folder, "alone.db")
        shutil.copy(database, alone)
        try:
            return rows(os.path.join(data, DATABASE)) < rows(alone)
        except sqlite3.DatabaseError:
            return True


def main(torture):
    sizes = {"shortly after": (20, 0, 2, 4), "long after": (30, 120, 2, 4), "long after, large": (20, 20, 2, 1000)}
    with tempfile.TemporaryDirectory(prefix="amf-restore-") as folder:
        held = {}
        for name, size in sizes.items():
            os.mkdir(os.path.join(folder, name))
            held[name] = moments(os.path.join(folder, name), *size)
        os.mkdir(os.path.join(folder, "fresh"))
        new = fresh(os.path.join(folder, "fresh"))
        harmful = []
        for name, (stopped, killed, states) in held.items():
            backup = os.path.join(stopped, DATABASE)
            result, lines = start(killed, backup, states)
            torture.check_none(lines, f"a backup over a killed directory, {name}: {result}")
            harmful.append(harms(killed, backup))
            torture.check(result == "refused" or not harmful[-1], f"{name}: not started where SQLite alone does harm")
        stopped, killed, states = held["shortly after"]
        cases = {"an old database beside a fresh log": (new, os.path.join(stopped, DATABASE)),
                 "no database beside a log": (killed, None), "an empty database beside a log": (killed, "")}
        for name, (base, database) in cases.items():
            result, lines = start(base, database, states)
            torture.check_none(lines + (["started"] if result == "started" else []), f"{name}: refused, unchanged")
        for name, (_, killed, states) in held.items():
            result, lines = start(killed, os.path.join(killed, DATABASE), states[1:])
            torture.check(result == "started" and not lines, f"control: the files of one moment start, {name}", lines)
        harmful.append(any(harmful) and harms(new, os.path.join(stopped, DATABASE)))
    torture.check(harmful[-1], "control: SQLite alone does harm")
    torture.count(cases=len(held) * 2 + len(cases))


if __name__ == "__main__":
    Torture("restore").run(main)
