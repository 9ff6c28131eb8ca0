"""What the tests of the Python client share: the helpers of tests/support, and a client of a daemon of its own."""
import os
import sys
import unittest
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "clients" / "python"
sys.path[:0] = [str(ROOT / "tests" / "support"), str(PACKAGE / "src")]

import tap  # noqa: E402, F401
from daemon import AMF, Daemon, wait_until  # noqa: E402, F401

import amf_client  # noqa: E402


def arrays(seed, steps=12, dtype=np.float64):
    """States and actions of a small demonstration; a function of the arguments alone."""
    numbers = np.random.default_rng(seed)
    return numbers.normal(size=(steps, 3)).astype(dtype), numbers.normal(size=(steps, 2)).astype(dtype)


class LiveCase(unittest.TestCase):
    """One daemon a class, one project a test."""

    @classmethod
    def setUpClass(cls):
        cls.daemon = Daemon()
        cls.addClassCleanup(cls.daemon.close)
        cls.unsent = os.path.join(cls.daemon.data, "unsent")
        cls.client = amf_client.Client(cls.daemon.url, cls.daemon.token, unsent=cls.unsent)
        cls.addClassCleanup(cls.client.close)

    def setUp(self):
        self.project = self.client.projects.create(self._testMethodName[:64])
        for key in ("pick", "pour"):
            self.project.tasks.put(key, instruction=f"{key} it")
