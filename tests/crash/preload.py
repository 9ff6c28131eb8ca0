"""Faults for a program that runs: the other side of preload.h."""

import mmap
import os
import struct

KINDS = ("pwrite64", "fdatasync", "fsync", "ftruncate64", "open64", "rename", "close", "statement")
KILL = -1  # as error: the process ends there
LAYOUT = struct.Struct("=IIIiQQQ")  # armed, kinds, persistent, error, nth, calls, hits


class Preload:
    """The control file, and the environment of a program that obeys it."""

    def __init__(self, library, path, directory=""):
        self.library, self.path, self.directory = library, path, directory
        with open(path, "wb") as file:
            file.write(bytes(LAYOUT.size))
        with open(path, "r+b") as file:
            self.map = mmap.mmap(file.fileno(), LAYOUT.size)

    def close(self):
        self.map.close()

    @property
    def environment(self):
        before = os.environ.get("PRELOAD_BEFORE", "")  # a sanitizer's run time goes behind ours
        return {
            "LD_PRELOAD": f"{self.library} {before}".strip(),
            "PRELOAD_CONTROL": self.path,
            "PRELOAD_DIR": os.path.realpath(self.directory) if self.directory else "",
        }

    def arm(self, nth, kinds=1, persistent=False, error=0):
        """nth 0 only counts. kinds: bits, the place of a name in KINDS."""
        self.disarm()
        LAYOUT.pack_into(self.map, 0, 0, kinds, persistent, error, nth, 0, 0)
        struct.pack_into("=I", self.map, 0, 1)

    def disarm(self):
        """Number of calls counted and of calls that failed since it was armed."""
        struct.pack_into("=I", self.map, 0, 0)
        return LAYOUT.unpack_from(self.map, 0)[5:]


def bit(kind):
    return 1 << KINDS.index(kind)
