"""What the crash tests share: a writer whose promises are read while it runs, and the check."""

import collections
import json
import os
import sqlite3
import subprocess
import sys
import threading
import time


class Writer:
    """crash_writer running, and the promises it has printed so far."""

    def __init__(self, program, data, threads, mode):
        self.process = subprocess.Popen(
            [program, data, str(threads), mode], stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        self.chunks = []
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def _read(self):
        while chunk := os.read(self.process.stdout.fileno(), 1 << 16):
            self.chunks.append(chunk)

    def wait_for_promises(self, count, timeout_s=30):
        """So that every cycle has something to lose, on a slow machine too."""
        end = time.monotonic() + timeout_s
        while sum(chunk.count(b"\n") for chunk in self.chunks) < count:
            if self.process.poll() is not None or time.monotonic() > end:
                raise AssertionError("the writer made no promises: " + self.kill()[1])
            time.sleep(0.002)

    def promised_now(self):
        """The promises read so far. A line that is still on its way does not count."""
        return parse(b"".join(self.chunks))

    def kill(self):
        """kill -9. All promises, and what it said on standard error."""
        self.process.kill()
        self.process.wait()
        self.thread.join()
        errors = self.process.stderr.read().decode()
        self.process.stdout.close()
        self.process.stderr.close()
        return self.promised_now(), errors


class Verdict:
    """Says each case on a line of its own and remembers whether any failed."""

    def __init__(self):
        self.failed = False

    def check(self, passed, name, findings=()):
        print("ok" if passed else "FAILED", "-", name)
        if not passed:
            self.failed = True
            for line in findings:
                print("   ", line)
        sys.stdout.flush()

    def exit_status(self):
        return 1 if self.failed else 0


def parse(output):
    """PROJECT SEQ CHECKSUM lines -> {(project, seq): checksum}. An unfinished last line is cut."""
    events = {}
    for line in output[: output.rfind(b"\n") + 1].decode().splitlines():
        project, seq, checksum = line.split()
        events[project, int(seq)] = checksum
    return events


class Finding(Exception):
    """The database is not as it must be, whatever was promised."""


def stored(checker, data):
    """What crash_checker finds after recovery; raises Finding for gaps and damage."""
    result = subprocess.run([checker, data], capture_output=True, timeout=60)
    if result.returncode:
        raise Finding("the checker failed: " + result.stderr.decode())
    events = parse(result.stdout)
    last = collections.Counter()
    for project, seq in events:
        last[project] = max(last[project], seq)
    for project, seq in last.items():
        if sum(1 for name, _ in events if name == project) != seq:
            raise Finding(f"project {project} has gaps below {seq}")
    database = sqlite3.connect(os.path.join(data, "amf.db"))
    try:
        problems = database.execute("PRAGMA integrity_check").fetchall()
        orphans = database.execute("PRAGMA foreign_key_check").fetchall()
    finally:
        database.close()
    if problems != [("ok",)] or orphans:
        raise Finding(f"integrity_check: {problems}, foreign_key_check: {orphans}")
    return events


def lost(promised, found):
    """Promised events that are not there, or not with the bytes promised."""
    return [event for event, checksum in promised.items() if found.get(event) != checksum]


class Skipped(Exception):
    """This machine cannot run the test."""


class Torture(Verdict):
    """One test of the daemon, short or --full: cases, then a JSON line with its counts, and its exit status."""

    def __init__(self, name):
        super().__init__()
        self.name, self.full = name, "--full" in sys.argv
        self.seed = int(os.environ.get("CRASH_SEED", "1"))
        self.counts = {}

    def count(self, **numbers):
        for name, number in numbers.items():
            self.counts[name] = self.counts.get(name, 0) + number

    def check_none(self, findings, name):
        self.check(not findings, name, findings[:60])

    def run(self, main):
        begin = time.monotonic()
        try:
            main(self)
        except Skipped as reason:
            print(f"skipped: {reason}")
            sys.exit(77)
        line = {"test": self.name, "full": self.full, "seed": self.seed, **self.counts,
                "passed": not self.failed, "seconds": round(time.monotonic() - begin, 1)}
        print(json.dumps(line), flush=True)
        sys.exit(self.exit_status())
