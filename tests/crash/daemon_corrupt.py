"""Bits turn in amf.db and amf.db-wal: the daemon refuses to start, says what is damaged, or answers as before.

    daemon_corrupt.py [--full]

Half of the data directories were closed in order, half were killed and have a write-ahead log; each copy gets a few
seeded flips. What was stored last may be missing after flips in the log: damage there cannot be told from a crash that
tore it. Control: the same with a database that has no checksums yet must be seen to serve wrong bytes.
"""
import contextlib
import http.client
import json
import os
import random
import shutil
import sqlite3
import subprocess
import tempfile

import fleet
from daemon import AMFD, TENSORS, Daemon
from fleet import PROJECT
from harness import Torture

TABLES = ("event", "blob", "reply", "token")


class Held:
    """A data directory, and what every answer of its daemon is: {(path, accept): the right bodies}."""

    def __init__(self, folder, killed):
        daemon = Daemon(folder)
        fleet.set_up(daemon)
        self.folder, self.killed, self.right = folder, killed, {}
        self.requests = [fleet.send(daemon, fleet.upload(kind, task, 10 * number + i, f"key-{kind}-{i}",
                                                         steps=300 if i == 3 else 4))
                         for number, (kind, task) in enumerate((("json", "a"), ("tensors", "b"))) for i in range(8)]
        fleet.send(daemon, fleet.ask("anna", "key-ask"))
        self._look(daemon)
        daemon.ok("PATCH", PROJECT, {"title": "the last change"})
        self._look(daemon)
        (daemon.kill if killed else daemon.stop)()
        self.database = os.path.join(folder, "d", "amf.db")
        self.files = [path for path in (self.database, self.database + "-wal") if os.path.exists(path)]

    def paths(self, daemon):
        for path in ("", "/tasks", "/demonstrations?limit=500", "/assignments"):
            yield PROJECT + path, None
        for identity in fleet.listed(daemon):
            yield f"{PROJECT}/demonstrations/{identity}", None
            yield f"{PROJECT}/demonstrations/{identity}", TENSORS["Content-Type"]

    def _look(self, daemon):
        for path, accept in self.paths(daemon):
            self.right.setdefault((path, accept), set()).add(get(daemon, path, accept).body)


def get(daemon, path, accept):
    return daemon.request("GET", path, headers={"Accept": accept} if accept else {})


def flip(path, rnd):
    """One to four bits."""
    with open(path, "r+b") as file:
        size = os.path.getsize(path)
        for _ in range(rnd.randint(1, 4)):
            place = rnd.randrange(size)
            file.seek(place)
            byte = file.read(1)[0]
            file.seek(place)
            file.write(bytes([byte ^ 1 << rnd.randrange(8)]))


def told(answer):
    """Whether a 5xx says that something is damaged or that nothing can be stored."""
    codes = {500: ("damaged",), 503: ("outcome_unknown", "not_ready")}
    return json.loads(answer.body).get("code") in codes.get(answer.status, ())


def wrong_answers(daemon, held):
    for (path, accept), bodies in held.right.items():
        answer = get(daemon, path, accept)
        if answer.status == 200 and answer.body not in bodies:
            yield f"GET {path}: other bytes"
        elif answer.status != 200 and not told(answer):
            yield f"GET {path}: {answer.status} {answer.body[:200]!r}"
    for request in held.requests[:4]:
        answer = daemon.request("POST", request.path, request.body, request.headers)
        again = answer.status < 300 and answer.json["duplicate"] and answer.json["id"] == request.json["id"]
        if answer.body != request.answer and not again and not told(answer):
            yield f"{request.key} sent again: {answer.status} {answer.body[:200]!r}"


def refusal(folder):
    """Lines on a start that failed; it must say one line and exit with 1."""
    run = subprocess.run([AMFD, "--data", os.path.join(folder, "d"), "--listen", "127.0.0.1:0"], capture_output=True,
                         text=True, timeout=60)
    if run.returncode == 1 and run.stderr.count("\n") == 1 and run.stderr.startswith("amfd: "):
        return []
    return [f"refused with {run.returncode}: {run.stderr[:500]}"]


def outcome(held, damage):
    """("refused" or "started", lines) of a copy of a data directory after damage(copy's data directory)."""
    with tempfile.TemporaryDirectory(prefix="amf-corrupt-") as folder:
        shutil.copytree(os.path.join(held.folder, "d"), os.path.join(folder, "d"))
        damage(os.path.join(folder, "d"))
        try:
            daemon = Daemon(folder)
        except RuntimeError:
            return "refused", refusal(folder)
        try:
            lines = list(wrong_answers(daemon, held))
        except (OSError, http.client.HTTPException) as error:
            lines = [f"no answer: {error}"]
        code = daemon.stop() if daemon.process.poll() is None else daemon.process.returncode
        lines += [f"ended with {code}"] if code not in (0, 1) else []
        with open(os.path.join(folder, "log"), encoding="utf-8", errors="replace") as log:
            lines += [line for line in log if "Sanitizer" in line or "runtime error" in line][:5]
        return "started", lines


def forget_checksums(data):
    """The database as it was before rows had checksums, with a bit turned in a demonstration."""
    with contextlib.closing(sqlite3.connect(os.path.join(data, "amf.db"))) as database:
        for table in TABLES:
            database.execute(f"ALTER TABLE {table} DROP COLUMN checksum")
        rows = database.execute("SELECT blob_id, bytes FROM blob").fetchall()
        for identity, whole in rows:
            turned = whole[:-3] + bytes([whole[-3] ^ 1]) + whole[-2:]
            database.execute("UPDATE blob SET bytes = ? WHERE blob_id = ?", (turned, identity))
        database.execute("PRAGMA user_version = 2")
        database.commit()


def main(torture):
    seeds, findings, outcomes = 500 if torture.full else 50, [], {"refused": 0, "started": 0}
    with tempfile.TemporaryDirectory(prefix="amf-corrupt-") as folder:
        held = []
        for name in ("stopped", "killed"):
            os.mkdir(os.path.join(folder, name))
            held.append(Held(os.path.join(folder, name), name == "killed"))
        for seed in range(torture.seed, torture.seed + seeds):
            rnd = random.Random(seed)
            one = held[seed % 2]
            path = os.path.basename(rnd.choice(one.files))
            result, lines = outcome(one, lambda data: flip(os.path.join(data, path), rnd))
            outcomes[result] += 1
            findings += [f"seed {seed}, {path}: {line}" for line in lines]
        _, caught = outcome(held[0], forget_checksums)
    torture.count(seeds=seeds, findings=len(findings), **outcomes)
    torture.check_none(findings, "damage is refused or named, and nothing that differs is served")
    torture.check(outcomes["refused"] and outcomes["started"], "some damage is fatal and some is not")
    torture.check(any("other bytes" in line for line in caught), "without checksums wrong bytes are seen")


if __name__ == "__main__":
    Torture("corrupt").run(main)
