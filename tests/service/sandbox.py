"""Runs a program under the system call rules of a unit file, without systemd as process 1.

    sandbox.py UNIT PROGRAM [ARGUMENTS ...]

SystemCallFilter= and MemoryDenyWriteExecute= become seccomp filters as systemd.exec(5) describes them (groups of calls are asked of
systemd-analyze), as user nobody where this is root. What is refused is refused with EPERM. The rest of a sandbox (mounts, namespaces) is not here.
"""
import ctypes
import errno
import os
import subprocess
import sys

ALLOW, REFUSE = 0x7FFF0000, 0x00050000 | errno.EPERM
MASKED_EQUAL = 7
WRITE, EXECUTE, SHM_EXECUTE = 2, 4, 0o100000


class Comparison(ctypes.Structure):
    _fields_ = [("argument", ctypes.c_uint), ("how", ctypes.c_int), ("mask", ctypes.c_uint64), ("value", ctypes.c_uint64)]


def settings(unit, name):
    with open(unit, encoding="utf-8") as file:
        return [line.split("=", 1)[1].split() for line in map(str.strip, file) if line.startswith(name + "=")]


def calls_of(name):
    """A call, or all of a group and of the groups in it."""
    if not name.startswith("@"):
        return {name}
    text = subprocess.run(["systemd-analyze", "syscall-filter", "--no-pager", name], capture_output=True, text=True, check=True).stdout
    words = [line.strip() for line in text.splitlines()[1:] if line.strip() and not line.strip().startswith("#")]
    return set().union(*map(calls_of, words))


def allowed_calls(unit):
    allowed = set()
    for words in settings(unit, "SystemCallFilter"):
        minus = words[0].startswith("~")
        calls = set().union(*(calls_of(word.lstrip("~")) for word in words))
        allowed = allowed - calls if minus else allowed | calls
    return allowed


class Filter:
    def __init__(self, library, action):
        self.library, self.context = library, library.seccomp_init(action)

    def add(self, action, name, *comparisons):
        number = self.library.seccomp_syscall_resolve_name(name.encode())
        if number < 0:
            return  # of another architecture
        array = (Comparison * max(1, len(comparisons)))(*comparisons)
        if self.library.seccomp_rule_add_array(self.context, action, number, len(comparisons), array):
            sys.exit(f"sandbox.py: no rule for {name}")

    def load(self):
        if self.library.seccomp_load(self.context):
            sys.exit("sandbox.py: the filter is not taken")


def enter(unit):
    library = ctypes.CDLL("libseccomp.so.2")
    library.seccomp_init.restype = ctypes.c_void_p
    library.seccomp_init.argtypes = [ctypes.c_uint32]
    library.seccomp_rule_add_array.argtypes = [ctypes.c_void_p, ctypes.c_uint32, ctypes.c_int, ctypes.c_uint, ctypes.c_void_p]
    library.seccomp_load.argtypes = [ctypes.c_void_p]
    calls = allowed_calls(unit)  # asked before programs cannot be started any more
    if settings(unit, "MemoryDenyWriteExecute") == [["yes"]]:
        memory = Filter(library, ALLOW)
        memory.add(REFUSE, "mmap", Comparison(2, MASKED_EQUAL, WRITE | EXECUTE, WRITE | EXECUTE))
        for name in ("mprotect", "pkey_mprotect"):
            memory.add(REFUSE, name, Comparison(2, MASKED_EQUAL, EXECUTE, EXECUTE))
        memory.add(REFUSE, "shmat", Comparison(2, MASKED_EQUAL, SHM_EXECUTE, SHM_EXECUTE))
        memory.load()
    rest = Filter(library, REFUSE)
    for name in sorted(calls):
        rest.add(ALLOW, name)
    rest.load()


def main():
    unit, program = sys.argv[1], sys.argv[2:]
    if os.getuid() == 0:
        os.setgroups([])
        os.setresgid(65534, 65534, 65534)
        os.setresuid(65534, 65534, 65534)
    enter(unit)
    os.execv(program[0], program)


if __name__ == "__main__":
    main()
