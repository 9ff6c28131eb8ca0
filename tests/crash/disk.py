"""File systems of a test's own: an ext4 that can lose its power, a tmpfs that can be full. Need root."""

import contextlib
import fcntl
import os
import struct
import subprocess
import tempfile

IMAGE_MIB = 512
EXT4_IOC_SHUTDOWN = 0x8004587D
NO_LOG_FLUSH = 2


def shell(*command):
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


class Disk:
    """An ext4 file system that can lose its power; unmounted on every way out of its `with`."""

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


def why_not():
    """Why this machine cannot cut the power of a file system, or None."""
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


@contextlib.contextmanager
def small_disk(size):
    """A tmpfs of that size, such as "64m"."""
    with tempfile.TemporaryDirectory(prefix="amf-full-") as folder:
        shell("mount", "-t", "tmpfs", "-o", f"size={size},mode=0700", "amf-test", folder)
        try:
            yield folder
        finally:
            shell("umount", folder)
