#!/usr/bin/env python3
"""The shell lines of a guide work as they are written.

    guide.py GUIDE.md AMFD

Every block marked ```sh runs in one bash, in order, from the project's folder, against a daemon of its own; the
first that fails ends it.
"""
import os
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path[:0] = [str(ROOT / "tests/support"), str(ROOT / "scripts")]
from demo_client import Daemon  # noqa: E402
from tap import Tap  # noqa: E402

BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.M | re.S)
HEADING = re.compile(r"^#+ (.*)$", re.M)
MARK = "block done:"


def blocks_of(guide):
    """(name, lines) of every block: the heading above it and its number below that."""
    text, count = guide.read_text(), {}
    for match in BLOCK.finditer(text):
        heading = HEADING.findall(text[: match.start()])[-1]
        count[heading] = count.get(heading, 0) + 1
        yield f"{heading} ({count[heading]})", match[1]


def main():
    tap, guide = Tap(), pathlib.Path(sys.argv[1])
    blocks = list(blocks_of(guide))
    script = "set -euo pipefail\n" + "".join(f"{lines}\necho '{MARK}'\n" for _, lines in blocks)
    with Daemon(sys.argv[2]) as daemon:
        environment = {**os.environ, "AMF_URL": daemon.url, "AMF_TOKEN": daemon.token}
        done = subprocess.run(["bash", "-c", script], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120)
    passed = done.stdout.count(MARK)
    for index, (name, lines) in enumerate(blocks):
        last = f"{lines}\n{done.stdout.split(MARK)[index] if index <= passed else 'not run'}\n{done.stderr}"
        tap.check(index < passed, f"{guide.name}: {name}", last)
    sys.exit(tap.done())


if __name__ == "__main__":
    main()
