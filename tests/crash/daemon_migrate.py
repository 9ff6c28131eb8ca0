"""kill -9 at each statement of each migration: the schema is the old one or a newer one, whole, and no row is lost.

    daemon_migrate.py [--full]

Databases of every earlier version are made from the SQL of server/store/sql, with the rows of a project that a daemon
filled. The daemon that brings one up to date is killed where a statement begins or ends, and (--full: everywhere, else
here and there) at each write and sync. --full also kills the making of a new database.

Control: a database whose migration is done in two transactions must be seen between two versions.
"""
import contextlib
import os
import pathlib
import shutil
import signal
import sqlite3
import subprocess
import tempfile

import fleet
import preload
from daemon import AMFD, Daemon
from harness import Torture

SQL = pathlib.Path(__file__).resolve().parents[2] / "server" / "store" / "sql"
STEPS = sorted(SQL.glob("*.sql"))
DISK = sum(preload.bit(kind) for kind in ("pwrite64", "fdatasync", "fsync", "ftruncate64"))
STATEMENT = preload.bit("statement")
# what each version's tables have beside their key; checksums are what version 3 adds
COLUMNS = {
    "event": "project, seq, at_ms, type, body, blob_id",
    "blob": "project, blob_id, bytes",
    "reply": "owner, key, at_ms, request_sha256, status, content_type, body",
    "token": "number, name, role, project, created_at_ms, expires_at_ms, sha256",
}


def connect(path):
    database = sqlite3.connect(path, isolation_level=None)
    database.create_function("row_checksum", -1, lambda *row: 0)  # the tests compare rows, not sums
    return contextlib.closing(database)


def schema_of(version):
    """Every object's SQL as a new database of this version has it."""
    with connect(":memory:") as database:
        for step in STEPS[:version]:
            database.executescript(step.read_text())
        return objects(database)


def objects(database):
    return sorted(row for row in database.execute("SELECT type, name, sql FROM sqlite_schema WHERE sql IS NOT NULL"))


def rows(database):
    """{table: rows}, with the owner of replies as every version would have it."""
    names = {row[0] for row in database.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    found = {table: sorted(database.execute(f"SELECT {columns} FROM {table}"), key=repr)
             for table, columns in COLUMNS.items() if table in names}
    found["reply"] = sorted(("t0000000000" if row[0] == "admin" else row[0], *row[1:]) for row in found.get("reply", ()))
    return found


def make_old(version, source, target):
    """A data directory of an earlier version with the rows of `source`, a database of this one."""
    os.mkdir(target, 0o700)
    with connect(os.path.join(target, "amf.db")) as database:
        database.execute("PRAGMA journal_mode=WAL")
        for step in STEPS[:version]:
            database.executescript(step.read_text())
        database.execute("ATTACH ? AS new", (source,))
        for table in ("blob", "event", "reply") + (("token",) if version >= 2 else ()):
            columns = ("position, " if table == "event" else "") + COLUMNS[table]
            database.execute(f"INSERT INTO {table} ({columns}) SELECT {columns} FROM new.{table}")
        if version < 2:
            database.execute("UPDATE reply SET owner = 'admin' WHERE owner = 't0000000000'")


def start(folder, faults):
    """Whether it lived until it listened; then it is stopped."""
    process = subprocess.Popen([AMFD, "--data", os.path.join(folder, "d"), "--listen", "127.0.0.1:0", "--workers", "1"],
                               stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                               env={**os.environ, **faults.environment})
    lived = process.stdout.readline().startswith("listening on ")
    counted, _ = faults.disarm()
    if lived:
        process.terminate()
    process.stdout.close()
    code = process.wait(30)
    return code == (0 if lived else -signal.SIGKILL), lived, counted


def between(folder, oldest):
    """Lines unless what lies there is a whole schema of one version, and its rows, if it is not new."""
    with tempfile.TemporaryDirectory(prefix="amf-look-") as copy:
        shutil.copytree(os.path.join(folder, "d"), os.path.join(copy, "d"))
        path = os.path.join(copy, "d", "amf.db")
        with connect(path) as database:
            version = database.execute("PRAGMA user_version").fetchone()[0]
            lines = [] if oldest <= version <= len(STEPS) else [f"version {version}"]
            if objects(database) != schema_of(version):
                lines.append(f"the schema is not that of version {version}")
            if database.execute("PRAGMA integrity_check").fetchall() != [("ok",)]:
                lines.append("integrity_check")
            return lines, rows(database) if version else None


def missing(before, after):
    return [f"{table}: other rows" for table in before if before[table] != after.get(table)]


def sound(folder):
    done = subprocess.run([AMFD, "--check", "--data", os.path.join(folder, "d")], capture_output=True, text=True)
    return [] if done.returncode == 0 else [f"--check: {done.stdout}{done.stderr}"]


class Sweep:
    """Kills of the start on copies of one directory."""

    def __init__(self, template, version, scratch):
        self.template, self.version, self.folder = template, version, os.path.join(scratch, "sweep")
        os.mkdir(self.folder)
        self.faults = preload.Preload(os.environ["AMF_PRELOAD_IO"], os.path.join(scratch, "control"), self.folder)
        self.before = None
        if version:
            with connect(os.path.join(template, "amf.db")) as database:
                self.before = rows(database)

    def fresh(self):
        shutil.rmtree(os.path.join(self.folder, "d"), ignore_errors=True)
        if self.version:
            shutil.copytree(self.template, os.path.join(self.folder, "d"))
        else:
            os.mkdir(os.path.join(self.folder, "d"), 0o700)

    def points(self, kinds):
        self.fresh()
        self.faults.arm(0, kinds)
        return start(self.folder, self.faults)[2]

    def kill_at(self, nth, kinds):
        """Lines on what the kill at this point left wrong."""
        self.fresh()
        self.faults.arm(nth, kinds, error=preload.KILL)
        as_told, lived, _ = start(self.folder, self.faults)
        lines = [] if as_told else ["ended otherwise than by the kill"]
        left, found = between(self.folder, self.version)
        lines += left + (missing(self.before, found) if self.before and found else [])
        if not start(self.folder, self.faults)[1]:
            return lines + ["does not start again"]
        left, found = between(self.folder, len(STEPS))
        lines += left + (missing(self.before, found) if self.before else []) + sound(self.folder)
        return [f"version {self.version}, point {nth}{' (lived)' if lived else ''}: {line}" for line in lines]


def fill(folder):
    """The database of a daemon in which there is some of everything."""
    daemon = Daemon(folder)
    fleet.set_up(daemon)
    daemon.ok("POST", "/v1/tokens", {"name": "franka-1", "role": "robot", "project": "p"})
    for number in range(1, 13):
        request = fleet.upload("tensors", fleet.TASKS[number % 8], number, f"key-{number}", steps=40 * number)
        fleet.send(daemon, request)
        assert request.promised, request.answer
    fleet.send(daemon, fleet.ask("anna", "ask-1"))
    daemon.close()
    return os.path.join(folder, "d", "amf.db")


def memory(torture, template):
    """What a statement would undo went to memory once, as much as there was in the database."""
    megabytes = 128
    with tempfile.TemporaryDirectory(prefix="amf-memory-") as folder:
        at = os.path.join(folder, "d")
        shutil.copytree(template, at)
        with connect(os.path.join(at, "amf.db")) as database:
            database.executemany("INSERT INTO blob (project, blob_id, bytes) VALUES ('big', ?, zeroblob(1048576))",
                                 [(str(number),) for number in range(megabytes)])
        process = subprocess.Popen([AMFD, "--data", at, "--listen", "127.0.0.1:0", "--workers", "1"],
                                   stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        started = process.stdout.readline().startswith("listening on ")
        process.terminate()
        process.stdout.close()
        used = os.wait4(process.pid, 0)[2].ru_maxrss // 1024
        process.returncode = 0
    torture.check(started and used < megabytes // 2, f"a migration of {megabytes} MiB needs {used} MiB of memory")


def control(torture, template):
    """The first half of the last step, committed by itself."""
    with tempfile.TemporaryDirectory(prefix="amf-control-") as folder:
        shutil.copytree(template, os.path.join(folder, "d"))
        with connect(os.path.join(folder, "d", "amf.db")) as database:
            database.executescript(STEPS[-1].read_text().split(";")[0])
        torture.check(bool(between(folder, 1)[0]), "half of a migration is seen")


def sweep(torture, template, version, scratch):
    at = os.path.join(scratch, f"of-{version}")
    os.mkdir(at)
    sweeping = Sweep(template, version, at)
    findings = []
    for kinds, name, step in ((STATEMENT, "statements", 1), (DISK, "disk", 1 if torture.full else 7)):
        points = sweeping.points(kinds)
        for nth in range(1, points + 1, step):
            findings += sweeping.kill_at(nth, kinds)
            torture.count(**{name: 1})
    sweeping.faults.close()
    torture.check_none(findings, f"a start on version {version} that is killed leaves one version, whole, and every row")


def main(torture):
    with tempfile.TemporaryDirectory(prefix="amf-migrate-") as scratch:
        os.mkdir(os.path.join(scratch, "new"))
        source = fill(os.path.join(scratch, "new"))
        for version in range(0 if torture.full else 1, len(STEPS)):
            template = os.path.join(scratch, f"version-{version}")
            if version:
                make_old(version, source, template)
            sweep(torture, template, version, scratch)
        memory(torture, os.path.join(scratch, f"version-{len(STEPS) - 1}"))
        control(torture, os.path.join(scratch, f"version-{len(STEPS) - 1}"))
    torture.check(torture.counts["statements"] >= 20, "there were statements to be killed at")


if __name__ == "__main__":
    Torture("migrate").run(main)
