"""Online backups under eight clients: each copy is sound and has all that was answered before it was asked for.

    daemon_backup.py [--full]

Control: amf.db copied as a file while the daemon runs, without its log, must be seen to lack some of it.
"""
import os
import shutil
import subprocess
import tempfile
import time

import fleet
from daemon import AMF, AMFD, Daemon
from harness import Torture


def lacking(folder, promised):
    """Lines on what a daemon started on the folder does not have: every hash is looked for, the last bytes are read."""
    daemon = Daemon(folder)
    lines = [line for request in promised[-100:] if (line := fleet.kept(daemon, request))]
    if not lines:
        held = set(fleet.listed(daemon).values())
        lines += [f"{request.json['sha256']} is not listed" for request in promised
                  if request.kind in ("json", "tensors") and request.json["sha256"] not in held]
    daemon.close()
    return lines


def restored(database):
    """A data directory that holds this file and nothing else."""
    folder = tempfile.mkdtemp(prefix="amf-backup-")
    os.mkdir(os.path.join(folder, "d"), 0o700)
    os.rename(database, os.path.join(folder, "d", "amf.db"))
    return folder


def check(database, promised):
    folder = restored(database)
    done = subprocess.run([AMFD, "--check", "--data", os.path.join(folder, "d")], capture_output=True, text=True)
    lines = [] if done.returncode == 0 else [f"--check: {done.returncode} {done.stdout}{done.stderr}"]
    lines += lacking(folder, promised)
    shutil.rmtree(folder)
    return lines


def back_up(daemon, folder, number):
    path = os.path.join(folder, f"{number}.db")
    done = subprocess.run([AMF, "server", "backup", "--output", path], capture_output=True, text=True,
                          env={**os.environ, "AMF_URL": daemon.url, "AMF_TOKEN": daemon.token})
    return path, [] if done.returncode == 0 else [f"amf server backup: {done.returncode} {done.stderr}"]


def run(torture, daemon, crew, folder, copies):
    findings, promises, slowest_s = [], 0, 0.0
    for number in range(copies):
        time.sleep(0.2)
        promised = crew.promised()
        begin = time.monotonic()
        path, lines = back_up(daemon, folder, number)
        slowest_s = max(slowest_s, time.monotonic() - begin)
        meanwhile = len(crew.promised()) - len(promised)
        lines = lines or check(path, promised)
        findings += [f"copy {number}: {line}" for line in lines]
        promises += len(promised)
        torture.count(copies=1, written_meanwhile=meanwhile)
    torture.count(promised=promises, lacking=len(findings), slowest_ms=round(1000 * slowest_s))
    torture.check_none(findings, "each copy is sound and has all that was answered before it was asked for")
    torture.check(promises >= 20 * copies, "there was something to lack")


def control(torture, daemon, crew, folder):
    promised = crew.promised()
    path = os.path.join(folder, "naive.db")
    shutil.copyfile(os.path.join(daemon.data, "d", "amf.db"), path)
    copy = restored(path)
    try:
        lines = lacking(copy, promised[-50:])
    except RuntimeError:  # not even a database yet
        lines = ["does not start"]
    shutil.rmtree(copy, ignore_errors=True)
    torture.check(bool(lines), "a copy of amf.db alone is seen to lack something")


def main(torture):
    daemon = Daemon()
    fleet.set_up(daemon)
    crew = fleet.Fleet(daemon, 1)
    with tempfile.TemporaryDirectory(prefix="amf-backups-") as folder:
        time.sleep(0.5)
        control(torture, daemon, crew, folder)
        run(torture, daemon, crew, folder, 20 if torture.full else 4)
    crew.end()
    refused = [f"{request.status} {request.answer[:200]!r}" for request in crew.sent() if fleet.wrong(request)]
    torture.check_none(refused, "no client was refused meanwhile")
    daemon.close()


if __name__ == "__main__":
    Torture("backup").run(main)
