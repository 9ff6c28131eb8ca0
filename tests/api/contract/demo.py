#!/usr/bin/env python3
"""The demo does what it says, in a pipe: 20 rounds on real data, most of them for the tasks it was not trained on.

    demo.py AMFD
"""
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tests/support"))
from tap import Tap  # noqa: E402

TASKS = ["pick-banana", "pick-cereal", "pick-fruit-basket", "pour-cereal", "pour-coffee"]
UNSEEN = TASKS[2:]
ROUND = re.compile(r"^Round (\d+) of 20: ([\w-]+)", re.M)
TOTAL = re.compile(r"^   ([\w-]+) +(\d+) +(\d+)  [█▏▎▍▌▋▊▉]", re.M)


def run_demo(program, folder):
    environment = {**os.environ, "TMPDIR": str(folder)}
    command = [sys.executable, str(ROOT / "scripts/demo_loop.py"), "--daemon", program, "--svg", str(folder / "plot.svg")]
    return subprocess.run(command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=100)


def main():
    tap = Tap()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        done = run_demo(os.path.abspath(sys.argv[1]), folder)
        picks = [task for _, task in ROUND.findall(done.stdout)]
        totals = {task: (int(new), int(both)) for task, new, both in TOTAL.findall(done.stdout)}
        tap.check(done.returncode == 0, "it succeeds", done.stdout[-2000:] + done.stderr)
        tap.check(len(picks) == 20 and set(picks) <= set(TASKS), "20 rounds, each with a task", picks)
        unseen = sum(pick in UNSEEN for pick in picks)
        # a rule that ignored the pre-training would give them 12
        tap.check(unseen >= 15, "most rounds go to the three tasks without pre-training", f"{unseen} of 20: {picks}")
        tap.check(f"{unseen} of 20 rounds went to the 3 tasks" in done.stdout, "and it says how many")
        counted = {task: (picks.count(task), picks.count(task) + (0 if task in UNSEEN else 8)) for task in TASKS}
        tap.check(totals == counted, "the totals are what the rounds gave", f"{totals}\n{counted}")
        tap.check("\x1b" not in done.stdout and "\r" not in done.stdout, "no escape sequences in a pipe")
        drawing = (folder / "plot.svg").read_text() if (folder / "plot.svg").exists() else "<none/>"
        lines = ElementTree.fromstring(drawing).findall(".//{*}tspan")
        tap.check(len(lines) == len(TASKS), "the drawing has a labelled line for each task", drawing[:500])
        tap.check([path.name for path in folder.iterdir()] == ["plot.svg"], "nothing else is left behind", list(folder.iterdir()))
        broken = run_demo("/bin/false", folder)
        tap.check(broken.returncode == 1 and "scripts/demo:" in broken.stderr, "a daemon that does not start is an error", broken.stderr)
    sys.exit(tap.done())


if __name__ == "__main__":
    main()
