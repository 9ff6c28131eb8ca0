#!/usr/bin/env python3
"""The examples of clients/curl, as their README shows them: every line is run, and prints what stands under it.

--update writes what they print into the README instead, where it is something else; what differs from run to run is then made
"…" by hand.
"""
import glob
import json
import os
import re
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import tap  # noqa: E402
from daemon import Daemon  # noqa: E402

ROOT = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
README = os.path.join(ROOT, "clients", "curl", "README.md")
MARK = "--- example"
with open(os.path.join(ROOT, "proto", "errors.json"), encoding="utf-8") as errors:
    CODES = {error["name"] for error in json.load(errors)}


def lines_of_readme():
    with open(README, encoding="utf-8") as file:
        return file.read().split("\n")


def examples(lines):
    """[(command, what it prints)] of all console blocks."""
    found, inside = [], False
    for line in lines:
        if line.startswith("```"):
            inside = line == "```console"
        elif inside and line.startswith("$ "):
            found.append((line[2:], []))
        elif inside:
            found[-1][1].append(line)
    return found


def run(commands):
    """What each prints, on both streams; one shell for all, as in a terminal."""
    daemon = Daemon()
    try:
        with tempfile.TemporaryDirectory() as folder:
            script = "".join(f"{command}\nprintf '\\n{MARK} %d\\n' $?\n" for command in commands)
            done = subprocess.run(["bash", "-c", "exec 2>&1\n" + script], cwd=ROOT, stdin=subprocess.DEVNULL, timeout=200,
                                  capture_output=True, text=True,
                                  env={**os.environ, "AMF_URL": daemon.url, "AMF_TOKEN": daemon.token, "TMPDIR": folder, "LC_ALL": "C"})
            pieces = re.split(rf"\n{MARK} (\d+)\n", done.stdout.replace(folder, "$TMPDIR"))
    finally:
        daemon.close()
    return [piece.strip("\n").split("\n") if piece.strip("\n") else [] for piece in pieces[:-1:2]], [int(code) for code in pieces[1::2]]


def matches(wanted, got):
    return re.fullmatch(".*".join(re.escape(part) for part in wanted.split("…")), got) is not None


class Examples(unittest.TestCase):
    def test_every_line_of_the_readme_prints_what_stands_under_it(self):
        wanted = examples(lines_of_readme())
        printed, codes = run([command for command, _ in wanted])
        self.assertEqual(len(printed), len(wanted))
        for (command, lines), got, code in zip(wanted, printed, codes):
            with self.subTest(command):
                self.assertTrue(same(lines, got), f"printed {got}, the README says {lines}")
                self.assertEqual(code, int(any(re.split("[: ]", line)[0] in CODES for line in got)))

    def test_every_example_is_in_the_readme(self):
        shown = {name for command, _ in examples(lines_of_readme()) for name in re.findall(r"\./([\w-]+\.sh)", command)}
        files = {os.path.basename(path) for path in glob.glob(os.path.join(ROOT, "clients", "curl", "*.sh"))}
        self.assertEqual(shown, files - {"lib.sh"})

    def test_without_arguments_they_tell_which_they_take(self):
        for path in sorted(glob.glob(os.path.join(ROOT, "clients", "curl", "*.sh"))):
            with open(path, encoding="utf-8") as file:
                if "\nusage " not in file.read():
                    continue
            done = subprocess.run([path], capture_output=True, text=True, env={**os.environ, "AMF_URL": "http://x", "AMF_TOKEN": "x"})
            self.assertEqual((done.returncode, done.stdout), (2, ""), path)
            self.assertIn(f"usage: {os.path.basename(path)} ", done.stderr)


def same(wanted, got):
    return len(wanted) == len(got) and all(map(matches, wanted, got))


def update():
    shown = examples(lines_of_readme())
    printed, _ = run([command for command, _ in shown])
    printed = [lines if same(lines, got) else got for (_, lines), got in zip(shown, printed)]
    out, inside = [], False
    for line in lines_of_readme():
        if line.startswith("```"):
            inside = line == "```console"
        if not inside or line.startswith("```") or line.startswith("$ "):
            out.append(line)
        if inside and line.startswith("$ "):
            out += printed.pop(0)
    with open(README, "w", encoding="utf-8") as file:
        file.write("\n".join(out))


if __name__ == "__main__":
    if sys.argv[1:] == ["--update"]:
        update()
    else:
        tap.main()
