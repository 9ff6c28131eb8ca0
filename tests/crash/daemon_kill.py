"""kill -9 of the daemon under eight clients: what was answered is there, once, and the database is sound.

    daemon_kill.py [--full]

Control: clients that count a request as safe once it is sent, as if the daemon answered before its commit, must be
seen to lose some.
"""
import random
import shutil
import tempfile
import time

import fleet
from daemon import Daemon
from harness import Torture

CYCLES_PER_DIRECTORY = 10  # later cycles recover a database that has been killed before


def check(daemon, requests, promised):
    """Lines on what one cycle left wrong. Sends what was not answered again."""
    lines = [f"{request.kind}: {request.status} {request.answer[:200]!r}" for request in requests
             if fleet.wrong(request)]
    lines += [line for request in promised if (line := fleet.kept(daemon, request))]
    again = [request for request in requests if not request.status] + promised[-4:]
    return lines + [line for request in again if (line := fleet.replayed(daemon, request))]


def cycle(daemon, number, rnd, longest_s):
    crew = fleet.Fleet(daemon, 1 + number * 100_000)
    time.sleep(rnd.uniform(0.05, longest_s))
    daemon.kill()
    crew.end()
    daemon.start()
    return crew.sent(), crew.promised()


def run(torture, cycles, longest_s, rnd):
    promises, findings, everything = 0, [], []
    daemon = None
    for number in range(cycles):
        if number % CYCLES_PER_DIRECTORY == 0:
            if daemon:
                daemon.close()
            daemon, everything = Daemon(), []
            fleet.set_up(daemon)
        requests, promised = cycle(daemon, number, rnd, longest_s)
        promises += len(promised)
        lines = check(daemon, requests, promised)
        everything += [request for request in requests if request.promised]
        lines += fleet.once_each(daemon, everything) + fleet.unsound(daemon.data)
        findings += [f"cycle {number}: {line}" for line in lines]
    daemon.close()
    torture.count(cycles=cycles, promised=promises, lost=len(findings))
    torture.check_none(findings, "nothing acknowledged is lost by kill -9, retries count once, the database is sound")
    torture.check(promises >= 10 * cycles, "the clients were busy when the daemon was killed")


def control(torture, rnd):
    """At most ten kills: until a request that was only sent is found missing."""
    lost = 0
    for number in range(10):
        if not lost:
            with tempfile.TemporaryDirectory(prefix="amf-kill-") as folder:
                daemon = Daemon(folder)
                fleet.set_up(daemon)
                requests, _ = cycle(daemon, number, rnd, 0.2)
                held = len(fleet.listed(daemon))
                lost = sum(request.demonstration is not None for request in requests) - held
                daemon.close()
                shutil.rmtree(folder + "/d")
    torture.check(lost > 0, "clients that trust before the answer are seen to lose")


def main(torture):
    cycles, longest_s = (200, 0.6) if torture.full else (30, 0.15)
    run(torture, cycles, longest_s, random.Random(torture.seed))
    control(torture, random.Random(torture.seed))


if __name__ == "__main__":
    Torture("kill").run(main)
