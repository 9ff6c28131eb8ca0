#!/usr/bin/env python3
"""Refusing a token takes the same number of instructions wherever the first wrong byte is.

    check_token_time.py VALGRIND TOKEN_TIME        VALGRIND may be empty: there is none that could run it

Instructions are counted by callgrind, so the outcome does not depend on how busy the machine is. The control, a
comparison that stops early, must differ: else the count could not show anything.
"""
import os
import pathlib
import re
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "support"))
from tap import Tap  # noqa: E402

BYTES = ("00", "15", "31")  # of equal length, so that the arguments cost the same


def instructions(valgrind, program, mode, byte):
    done = subprocess.run([valgrind, "--tool=callgrind", f"--callgrind-out-file={os.devnull}", program, mode, byte],
                          capture_output=True, text=True, check=True, env={"PATH": "/usr/bin:/bin"})
    return int(re.search(r"Collected : (\d+)", done.stderr)[1])


def main():
    if not sys.argv[1]:
        print("1..0 # SKIP needs valgrind, and a build without sanitizers")
        return
    tap = Tap()
    counts = {mode: [instructions(*sys.argv[1:], mode, byte) for byte in BYTES] for mode in ("check", "early")}
    tap.check(len(set(counts["check"])) == 1, f"a wrong byte at {', '.join(BYTES)}: equal counts", counts["check"])
    tap.check(len(set(counts["early"])) == len(BYTES), "the control differs", counts["early"])
    print(f"# {counts}")
    sys.exit(tap.done())


if __name__ == "__main__":
    main()
