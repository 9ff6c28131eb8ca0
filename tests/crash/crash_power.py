"""Power cuts: every event that was acknowledged is there when the machine comes up again.

    crash_power.py CRASH_WRITER CRASH_CHECKER [CYCLES]

An ext4 file system in a file is mounted through a loop device and shut down under the writer
(EXT4_IOC_SHUTDOWN without flushing its journal): what was not synced is gone, as when power fails.
Only promises read before the shutdown began count. Needs root and a loop device; exits with 77,
skipped, without them.

Positive control: with synchronous=NORMAL something must be lost, or the harness is blind.

Then the two together: a writer that has not synced is killed, the store is opened, and what it
shows then must survive a power cut, for the daemon answers from it.
"""
import os
import random
import subprocess
import sys
import tempfile
import time

from disk import Disk, why_not
from harness import Finding, Verdict, Writer, lost, parse, stored

THREADS = 4
SKIPPED = 77


def cycle(programs, folder, mode, rnd):
    """One cut on a new disk: number of promises, and a line on what was lost or wrong, or None."""
    with Disk(folder) as disk:
        data = os.path.join(disk.mount_point, "data")
        writer = Writer(programs[0], data, THREADS, mode)
        try:
            writer.wait_for_promises(1)
            time.sleep(rnd.uniform(0.05, 0.4))
            promised = writer.promised_now()
            disk.cut_power()
        finally:
            writer.kill()
        disk.unmount()
        disk.mount()
        try:
            missing = lost(promised, stored(programs[1], data))
        except Finding as finding:
            return len(promised), str(finding)
        line = f"{len(missing)} of {len(promised)} lost" if missing else None
        return len(promised), line


def cycle_after_kill(programs, folder, rnd):
    """Number of events shown after a kill, and how many of them a power cut then took."""
    with Disk(folder) as disk:
        data = os.path.join(disk.mount_point, "data")
        writer = Writer(programs[0], data, THREADS, "normal")
        try:
            writer.wait_for_promises(50 + rnd.randrange(500))
        finally:
            writer.kill()
        checker = subprocess.Popen([programs[1], data, "hold"], stdout=subprocess.PIPE)
        try:
            shown = b"".join(iter(checker.stdout.readline, b"\n"))
            disk.cut_power()
        finally:
            checker.kill()
            checker.communicate()
        disk.unmount()
        disk.mount()
        shown = parse(shown)
        return len(shown), len(lost(shown, stored(programs[1], data)))


def run_after_kill(programs, cycles, rnd):
    findings = []
    for number in range(cycles):
        with tempfile.TemporaryDirectory(prefix="amf-power-") as folder:
            shown, missing = cycle_after_kill(programs, folder, rnd)
        if missing or not shown:
            findings.append(f"cycle {number}: {missing} of {shown} lost")
    return findings


def run(programs, mode, cycles, rnd):
    promises, findings = 0, []
    for number in range(cycles):
        with tempfile.TemporaryDirectory(prefix="amf-power-") as folder:
            count, line = cycle(programs, folder, mode, rnd)
        promises += count
        if line:
            findings.append(f"cycle {number}: {line}")
            if mode == "normal":
                break
    return promises, findings


def main():
    programs = sys.argv[1:3]
    cycles = int(sys.argv[3]) if len(sys.argv) > 3 else 10
    seed = int(os.environ.get("CRASH_SEED", "1"))
    reason = why_not()
    if reason:
        print(f"skipped: {reason}")
        return SKIPPED
    verdict = Verdict()
    promises, findings = run(programs, "durable", cycles, random.Random(seed))
    print(f"seed {seed}: {cycles} cuts, {promises} acknowledged, {len(findings)} findings")
    verdict.check(
        not findings,
        "nothing acknowledged is lost by a power cut, and the database is sound",
        findings,
    )
    verdict.check(promises >= cycles, "the writer was busy when the power went")
    _, findings = run(programs, "normal", cycles, random.Random(seed))
    verdict.check(
        any("lost" in line for line in findings),
        "synchronous=NORMAL is seen to lose something",
        ["nothing was lost: the harness cannot see loss"],
    )
    findings = run_after_kill(programs, max(1, cycles // 3), random.Random(seed))
    verdict.check(not findings, "what is shown after a kill survives a power cut", findings)
    return verdict.exit_status()


if __name__ == "__main__":
    sys.exit(main())
