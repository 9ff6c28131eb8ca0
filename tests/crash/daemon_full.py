"""The disk is full: 507, reading goes on, and with space again so does writing, without a restart.

    daemon_full.py [--full]

A tmpfs of 64 MiB, filled by a file beside the data. Control: without the file in the way nothing is refused. Needs
root.
"""
import os
import random
import subprocess

import fleet
from daemon import Daemon
from disk import small_disk
from harness import Skipped, Torture

UPLOADS_MAX = 60  # 400 KiB each


def send(daemon, number):
    return fleet.send(daemon, fleet.upload("tensors", "a", number, f"full-{number}", steps=8000))


def fill(folder, left):
    """A file that leaves so many bytes."""
    path = os.path.join(folder, "ballast")
    space = os.statvfs(folder)
    with open(path, "wb") as file:
        os.posix_fallocate(file.fileno(), 0, max(4096, space.f_bavail * space.f_bsize - left))
    return path


def cycle(daemon, folder, first, left):
    """The uploads that were stored, and lines on what went wrong."""
    stored, lines, refused = [], [], None
    ballast = fill(folder, left)
    for number in range(first, first + UPLOADS_MAX):
        sent = send(daemon, number)
        if not sent.promised:
            refused = sent
            break
        stored.append(sent)
    if refused is None or refused.status != 507 or refused.json["code"] != "disk_full":
        lines.append(f"not refused with 507: {refused and refused.status} {refused and refused.answer[:200]!r}")
    lines += [line for request in stored if (line := fleet.kept(daemon, request))]
    if daemon.request("GET", "/readyz").status != 200:
        lines.append("not ready for want of space: " + daemon.request("GET", "/readyz").body.decode())
    os.unlink(ballast)
    if refused is not None:
        fleet.send(daemon, refused)
        if not refused.promised:
            lines.append(f"refused with space again: {refused.status} {refused.answer[:200]!r}")
        stored.append(refused)
    return [request for request in stored if request.promised], lines


def run(torture, folder):
    rnd, findings, stored = random.Random(torture.seed), [], []
    daemon = Daemon(folder)
    fleet.set_up(daemon)
    torture.check(send(daemon, 1).promised, "with space an upload is stored")
    cycles = 20 if torture.full else 3
    for number in range(cycles):
        new, lines = cycle(daemon, folder, 100 * (number + 1), rnd.randrange(1 << 20, 3 << 20))
        findings += [f"cycle {number}: {line}" for line in lines]
        stored += new
    if daemon.process.poll() is None:
        daemon.kill()
    daemon.start()
    findings += [line for request in stored if (line := fleet.kept(daemon, request))] + fleet.unsound(folder)
    daemon.stop()
    torture.count(cycles=cycles, stored=len(stored), findings=len(findings))
    torture.check_none(findings, "507 when it is full, reading goes on, writing resumes without a restart")


def main(torture):
    if os.geteuid() != 0:
        raise Skipped("needs root")
    try:
        with small_disk("64m") as folder:
            run(torture, folder)
    except subprocess.CalledProcessError as error:
        raise Skipped(f"no tmpfs can be mounted: {error.stderr.decode().strip()}") from error


if __name__ == "__main__":
    Torture("full").run(main)
