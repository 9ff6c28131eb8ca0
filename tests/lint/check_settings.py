#!/usr/bin/env python3
"""The table of settings in docs/operations.md is the table in server/config.c.

    check_settings.py AMFD

What the program knows is asked of itself: --print-config for keys and defaults, --help for names and words.
"""
import os
import re
import subprocess
import sys

import source
from tap import Tap

ROW = re.compile(r"^\| `(\w+)` \| (.*?) \| (.*) \|$", re.M)


def output(amfd, *arguments):
    env = {"HOME": "/nowhere", "PATH": os.environ["PATH"], "OPENBLAS_CORETYPE": "Haswell"}
    return subprocess.run([amfd, *arguments], env=env, capture_output=True, text=True, check=True, timeout=60).stdout


def settings(amfd):
    """key -> default, None where it is not set; in the table's order."""
    found = {}
    for line in output(amfd, "--print-config").splitlines():
        if not line.startswith("#"):
            key, _, value = line.partition(" = ")
            found[key] = value
        elif line.endswith(" is not set"):
            found[line.split()[1]] = None
    return found


def main():
    tap, amfd = Tap(), sys.argv[1]
    known, help_text = settings(amfd), output(amfd, "--help")
    rows = {key: (default, meaning) for key, default, meaning in ROW.findall((source.ROOT / "docs/operations.md").read_text())
            if key in known or "_" in key}
    tap.check(len(known) > 8, "the program prints its settings", sorted(known))
    tap.check(list(rows) == list(known), "docs/operations.md has every setting, in the program's order",
              "\n".join(sorted(set(rows) ^ set(known))) or "the order differs")
    wrong = [f"{key}: {rows[key][0]}, the program has {value}" for key, value in known.items()
             if key in rows and key != "data" and rows[key][0] != (f"`{value}`" if value is not None else "not set")]
    tap.check_none(wrong, "with its default")
    missing = [key for key in known if f"--{key.replace('_', '-')} " not in help_text or f"[AMFD_{key.upper()}]" not in help_text]
    tap.check_none(missing, "flag and environment variable are named after the key")
    sys.exit(tap.done())


if __name__ == "__main__":
    main()
