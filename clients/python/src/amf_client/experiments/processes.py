"""Processes that are not left behind, whatever ends the first one."""

from __future__ import annotations

import ctypes
import os
import signal

LIBC = ctypes.CDLL(None)  # here, because not much is safe between fork and exec
PR_SET_PDEATHSIG = 1


def end_with(parent: int) -> None:
    """Has the kernel send SIGTERM to this process when the main thread of `parent` is gone."""
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:  # gone already
        os._exit(1)
