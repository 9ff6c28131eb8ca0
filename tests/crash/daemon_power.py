"""The power fails under the daemon and eight clients: ext4 on a loop device, shut down without its log.

    daemon_power.py [--full]

Only what was answered before the cut began is a promise. Control: the same daemon on a disk whose sync returns at once
and does nothing, as under synchronous=NORMAL, must be seen to lose something. Needs root and loop devices.
"""
import contextlib
import os
import random
import tempfile
import time

import fleet
from daemon import Daemon
from disk import Disk, why_not
from harness import Skipped, Torture
from preload import Preload, bit


def cut(daemon, disk, crew, wait_s):
    """What was sent, and what of it was promised when the power went."""
    time.sleep(wait_s)
    promised = crew.promised()
    disk.cut_power()
    daemon.kill()
    crew.end()
    disk.unmount()
    disk.mount()
    return crew.sent(), promised


def cycle(wait_s, lies=None):
    """Number of promises and lines on what was lost or wrong. lies: what to arm before the clients start."""
    environment = lies.environment if lies else {}
    with tempfile.TemporaryDirectory(prefix="amf-power-") as folder, Disk(folder) as disk:
        daemon = Daemon(disk.mount_point, environment=environment)
        try:
            fleet.set_up(daemon)
            if lies:
                lies.arm(1, bit("fdatasync") | bit("fsync"), persistent=True, error=0)
            _, promised = cut(daemon, disk, fleet.Fleet(daemon, 1), wait_s)
            daemon.environment = {}
            daemon.start()
            lines = [line for request in promised if (line := fleet.kept(daemon, request))]
            return len(promised), lines + fleet.unsound(daemon.data)
        except (AssertionError, RuntimeError) as error:
            return len(promised), [str(error)]
        finally:
            daemon.kill()


def main(torture):
    reason = why_not()
    if reason:
        raise Skipped(reason)
    rnd, cycles, promises, findings = random.Random(torture.seed), 60 if torture.full else 10, 0, []
    for number in range(cycles):
        count, lines = cycle(rnd.uniform(0.1, 0.5))
        promises += count
        findings += [f"cycle {number}: {line}" for line in lines]
    torture.count(cycles=cycles, promised=promises, lost=len(findings))
    torture.check_none(findings, "nothing acknowledged is lost by a power cut, and the database is sound")
    torture.check(promises >= 10 * cycles, "the clients were busy when the power went")
    with tempfile.TemporaryDirectory() as folder:
        lies = Preload(os.environ["AMF_PRELOAD_IO"], os.path.join(folder, "control"), tempfile.gettempdir())
        with contextlib.closing(lies):
            lost = any(cycle(0.3, lies)[1] for _ in range(5))
    torture.check(lost, "a disk that only says it has synced is seen to lose something")


if __name__ == "__main__":
    Torture("power").run(main)
