"""No answer before the sync, seen from outside with strace; and one daemon to a data directory.

    daemon_order.py [--full]

Control: a daemon whose sync is a preloaded pretence answers as quickly, and its trace must not pass.
"""
import contextlib
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time

import fleet
from daemon import AMFD, Daemon
from harness import Skipped, Torture
from preload import Preload, bit

CALLS = "fdatasync,fsync,sendto,sendmsg,writev,write"


def traced(daemon, path, request):
    """The trace of one request, as lines."""
    tracer = subprocess.Popen(["strace", "-f", "-qq", "-e", f"trace={CALLS}", "-o", path, "-p",
                               str(daemon.process.pid)], stderr=subprocess.PIPE, text=True)
    try:
        for _ in range(200):  # until it is attached to every thread
            tasks = f"/proc/{daemon.process.pid}/task"
            if all("TracerPid:\t0" not in open(f"{tasks}/{task}/status", encoding="ascii").read()
                   for task in os.listdir(tasks)):
                break
            if tracer.poll() is not None:
                raise Skipped(f"strace: {tracer.stderr.read().strip()}")
            time.sleep(0.05)
        fleet.send(daemon, request)
    finally:
        tracer.send_signal(signal.SIGINT)
        tracer.wait(30)
        tracer.stderr.close()
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read().splitlines()


def in_order(lines):
    """Whether a sync of the log has returned before the first byte of a 201 is sent."""
    synced = False
    for line in lines:
        if re.search(r"\bf(data)?sync(\(\d+\)| resumed>\)) += 0", line):
            synced = True
        if "HTTP/1.1 20" in line:
            return synced
    return False


def order(torture, folder):
    if not shutil.which("strace"):
        raise Skipped("strace is not installed")
    preload = Preload(os.environ["AMF_PRELOAD_IO"], os.path.join(folder, "control"), folder)
    with contextlib.closing(preload):
        daemon = Daemon(folder, environment=preload.environment)
        fleet.set_up(daemon)
        requests = 20 if torture.full else 3
        late = []
        for number in range(requests):
            kind = "tensors" if number % 2 else "json"
            lines = traced(daemon, os.path.join(folder, "trace"), fleet.upload(kind, "a", number, f"trace-{number}"))
            late += [] if in_order(lines) else [f"upload {number}: answered before the sync"] + lines
        torture.count(traced=requests)
        torture.check_none(late, "the log is synced before the first byte of a 2xx")
        preload.arm(1, bit("fdatasync") | bit("fsync"), persistent=True, error=0)
        lines = traced(daemon, os.path.join(folder, "trace"), fleet.upload("json", "a", 999, "trace-control"))
        torture.check(not in_order(lines), "a daemon that does not sync is seen")
        daemon.stop()


def two(torture, folder):
    """The second daemon refuses while the first is written to, and the first goes on."""
    daemon = Daemon(folder)
    fleet.set_up(daemon)
    crew = fleet.Fleet(daemon, 1, clients=2)
    refused = []
    for _ in range(20 if torture.full else 5):
        second = subprocess.run([AMFD, "--data", os.path.join(folder, "d"), "--listen", "127.0.0.1:0"], timeout=60,
                                capture_output=True, text=True)
        refused.append(second.returncode == 1 and "in use" in second.stderr and second.stderr.count("\n") == 1)
    before = len(crew.promised())
    crew.end()
    promised = crew.promised()
    lines = [line for request in promised if (line := fleet.kept(daemon, request))] + fleet.unsound(folder)
    torture.count(refused=sum(refused), promised=len(promised))
    torture.check(all(refused), "a second daemon refuses with one line")
    torture.check_none(lines, "the first goes on, and nothing is lost")
    torture.check(before and not any(map(fleet.wrong, crew.sent())), "its clients noticed nothing")
    daemon.stop()
    daemon.start()
    torture.check(daemon.request("GET", "/readyz").status == 200, "once it has ended another takes its place")
    daemon.stop()


def main(torture):
    with tempfile.TemporaryDirectory(prefix="amf-order-") as folder:
        os.mkdir(os.path.join(folder, "two"))
        two(torture, os.path.join(folder, "two"))
        order(torture, folder)


if __name__ == "__main__":
    Torture("order").run(main)
