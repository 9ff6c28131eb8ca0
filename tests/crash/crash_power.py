"""Power cuts: every event that was acknowledged is there when the machine comes up again.

    crash_power.py CRASH_WRITER CRASH_CHECKER [CYCLES]

An ext4 file system in a file is mounted through a loop device and shut down under the writer
(EXT4_IOC_SHUTDOWN without flushing its journal): what was not synced is gone, as when power fails. Only
promises read before the shutdown began count. Needs root and a loop device; exits with 77, skipped,
without them.

Positive control: with synchronous=NORMAL something must be lost, or the harness is blind.
"""
import fcntl
import os
import pathlib
import random
import struct
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from harness import Finding, Writer, lost, stored  # noqa: E402
from tap import Tap  # noqa: E402

THREADS = 4
IMAGE_MIB = 512
EXT4_IOC_SHUTDOWN = 0x8004587D
NO_LOG_FLUSH = 2
SKIPPED = 77


def shell(*command):
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


class Disk:
    """An ext4 file system that can lose its power. As a context manager: unmounted on every way out."""

    def __init__(self, folder):
        self.image = os.path.join(folder, "disk.img")
        self.mount_point = os.path.join(folder, "disk")
        self.mounted = False

    def __enter__(self):
        os.mkdir(self.mount_point)
        shell("truncate", "-s", f"{IMAGE_MIB}M", self.image)
        shell("mkfs.ext4", "-q", "-F", self.image)
        self.mount()
        return self

    def __exit__(self, *exception):
        self.unmount()

    def mount(self):
        shell("mount", "-o", "loop", self.image, self.mount_point)
        self.mounted = True

    def unmount(self):
        if self.mounted:
            shell("umount", self.mount_point)
            self.mounted = False

    def cut_power(self):
        fd = os.open(self.mount_point, os.O_RDONLY)
        try:
            fcntl.ioctl(fd, EXT4_IOC_SHUTDOWN, struct.pack("I", NO_LOG_FLUSH))
        finally:
            os.close(fd)


def cycle(programs, folder, mode, rnd):
    """One cut on a new disk: number of promises, and a line about what was lost or wrong, or None."""
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


def why_not():
    """Why this machine cannot run the test, or None."""
    if os.geteuid() != 0:
        return "needs root"
    try:
        with tempfile.TemporaryDirectory(prefix="amf-power-") as folder, Disk(folder) as disk:
            disk.cut_power()
    except FileNotFoundError as error:
        return f"{error.filename} is not installed"
    except subprocess.CalledProcessError as error:
        return error.stderr.decode().strip() or str(error)
    except OSError as error:
        return f"the file system cannot be shut down: {error}"
    return None


def main():
    programs = sys.argv[1:3]
    cycles = int(sys.argv[3]) if len(sys.argv) > 3 else 10
    seed = int(os.environ.get("CRASH_SEED", "1"))
    reason = why_not()
    if reason:
        print(f"skipped: {reason}")
        return SKIPPED
    tap = Tap()
    promises, findings = run(programs, "durable", cycles, random.Random(seed))
    print(f"# seed {seed}: {cycles} cuts, {promises} acknowledged, {len(findings)} findings")
    tap.check_none(findings, "nothing acknowledged is lost by a power cut, and the database is sound")
    tap.check(promises >= cycles, "the writer was busy when the power went", promises)
    _, findings = run(programs, "normal", cycles, random.Random(seed))
    tap.check(
        any("lost" in line for line in findings),
        "synchronous=NORMAL is seen to lose something",
        "nothing was lost: the harness cannot see loss",
    )
    return tap.done()


if __name__ == "__main__":
    sys.exit(main())
