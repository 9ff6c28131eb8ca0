"""kill -9 at each statement and disk call of a purge: the deleted projects are there whole, or gone, and nothing else.

    daemon_purge.py [--full]

Control: what was in a deleted project is found in the files before the purge.
"""
import contextlib
import os
import shutil
import signal
import sqlite3
import subprocess
import tempfile

import fleet
import preload
from daemon import AMFD, Daemon
from harness import Torture

SECRET = "a task that only the deleted project had"
KINDS = sum(preload.bit(kind) for kind in ("pwrite64", "fdatasync", "fsync", "ftruncate64", "statement"))


def purge(folder, environment=None):
    return subprocess.run([AMFD, "--purge", "--yes", "--data", os.path.join(folder, "d")], capture_output=True, text=True,
                          env={**os.environ, **(environment or {})})


def check(folder):
    done = subprocess.run([AMFD, "--check", "--data", os.path.join(folder, "d")], capture_output=True, text=True)
    return [] if done.returncode == 0 else [f"--check: {done.returncode} {done.stdout}{done.stderr}"]


def counts(folder):
    """{project: (events, blobs)} of a copy, because looking recovers the log."""
    with tempfile.TemporaryDirectory(prefix="amf-look-") as copy:
        shutil.copytree(os.path.join(folder, "d"), os.path.join(copy, "d"))
        with contextlib.closing(sqlite3.connect(os.path.join(copy, "d", "amf.db"))) as database:
            return {project: (events, database.execute("SELECT count(*) FROM blob WHERE project = ?", (project,)).fetchone()[0])
                    for project, events in database.execute("SELECT project, count(*) FROM event GROUP BY project")}


def found(folder):
    """Whether the bytes are in any file of the directory."""
    for path, _, names in os.walk(os.path.join(folder, "d")):
        for name in names:
            with open(os.path.join(path, name), "rb") as file:
                if SECRET.encode() in file.read():
                    return True
    return False


def fill(folder):
    daemon = Daemon(folder)
    fleet.set_up(daemon)
    daemon.ok("POST", "/v1/projects", {"id": "gone"})
    daemon.ok("PUT", "/v1/projects/gone/tasks/a", {"instruction": SECRET})
    for number in range(1, 9):
        fleet.send(daemon, fleet.upload("tensors", "a", number, f"key-{number}", steps=400))
        daemon.ok("POST", "/v1/projects/gone/demonstrations", fleet.demonstration("a", number, steps=400))
    daemon.ok("DELETE", "/v1/projects/gone")
    daemon.close()


def kill_at(nth, template, folder, faults, before):
    shutil.rmtree(os.path.join(folder, "d"), ignore_errors=True)
    shutil.copytree(os.path.join(template, "d"), os.path.join(folder, "d"))
    faults.arm(nth, KINDS, error=preload.KILL)
    done = purge(folder, faults.environment)
    faults.disarm()
    lines = [] if done.returncode == -signal.SIGKILL else [f"ended with {done.returncode}"]
    left = counts(folder)
    if left not in (before, {"p": before["p"]}):
        lines.append(f"neither all nor nothing: {left}")
    lines += check(folder)
    again = purge(folder)
    if again.returncode or found(folder) or counts(folder) != {"p": before["p"]}:
        lines.append(f"the next purge did not finish it: {again.returncode} {again.stderr}")
    return [f"point {nth}: {line}" for line in lines + check(folder)]


def whole(torture, template, before):
    with tempfile.TemporaryDirectory(prefix="amf-purge-") as folder:
        shutil.copytree(os.path.join(template, "d"), os.path.join(folder, "d"))
        torture.check(found(folder), "the bytes of the deleted project are seen before the purge")
        size = os.path.getsize(os.path.join(folder, "d", "amf.db"))
        done = purge(folder)
        torture.check(done.returncode == 0 and not done.stderr, "a purge that is let finish succeeds", [done.stderr])
        torture.check_none(check(folder), "and leaves a sound directory")
        torture.check(not found(folder), "and no byte of the project is left")
        torture.check(counts(folder) == {"p": before["p"]}, "the other project is as it was")
        torture.check(os.path.getsize(os.path.join(folder, "d", "amf.db")) < size, "the file is smaller")


def main(torture):
    with tempfile.TemporaryDirectory(prefix="amf-purge-") as scratch:
        template, folder = os.path.join(scratch, "template"), os.path.join(scratch, "killed")
        os.mkdir(template)
        os.mkdir(folder)
        fill(template)
        before = counts(template)
        whole(torture, template, before)
        faults = preload.Preload(os.environ["AMF_PRELOAD_IO"], os.path.join(scratch, "control"), folder)
        shutil.copytree(os.path.join(template, "d"), os.path.join(folder, "d"))
        faults.arm(0, KINDS)
        purge(folder, faults.environment)
        points, _ = faults.disarm()
        findings = []
        for nth in range(1, points + 1, 1 if torture.full else 5):
            findings += kill_at(nth, template, folder, faults, before)
            torture.count(points=1)
        faults.close()
    torture.check_none(findings, "a purge that is killed leaves all of the deleted project or nothing, and can be repeated")
    torture.check(torture.counts["points"] >= 5, "there was something to be killed at")


if __name__ == "__main__":
    Torture("purge").run(main)
