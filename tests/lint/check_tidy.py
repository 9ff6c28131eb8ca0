#!/usr/bin/env python3
"""clang-tidy finds nothing, with the checks of .clang-tidy.

    check_tidy.py BUILD        BUILD/compile_commands.json says how each file is compiled

It is the longest of all tests. It begins first and gives way to every other, so that it costs above all what they leave
idle while they wait for a disk or a deadline.
"""
import concurrent.futures
import json
import os
import pathlib
import re
import subprocess
import sys

import source
from tap import Tap

YIELDING = 5
# Checkers of other languages and systems, which find nothing in C and are a tenth of the time. Those of C++ stay: NewDelete is
# what follows malloc() and free() here.
NOT_OF_C = ",".join(f"-clang-analyzer-{name}*" for name in (
    "fuchsia", "nullability", "optin.mpi", "optin.osx", "osx", "webkit", "apiModeling.google", "apiModeling.llvm"))
FINDING = re.compile(r"^.*: (?:warning|error): .*\[[\w.,-]+\]$", re.M)


def compiled_files(build):
    """The project's own C files that are compiled, each once."""
    found = set()
    for entry in json.loads((pathlib.Path(build) / "compile_commands.json").read_text()):
        path = (pathlib.Path(entry["directory"]) / entry["file"]).resolve()
        if path.is_relative_to(source.ROOT) and path.relative_to(source.ROOT).parts[0] in source.CODE_FOLDERS:
            found.add(path)
    return sorted(found, key=lambda path: -path.stat().st_size)  # the long ones first, for an even end


def tidy(build, path):
    # gcc's warning flags mean nothing to clang
    command = ["clang-tidy-14", "-quiet", "-p", build, "--extra-arg=-Wno-unknown-warning-option",
               *([f"-checks={NOT_OF_C}"] if path.suffix == ".c" else []), str(path)]
    done = subprocess.run(command, cwd=source.ROOT, capture_output=True, text=True)
    found = FINDING.findall(done.stdout)
    if done.returncode and not found:
        found = (done.stdout + done.stderr).splitlines()[-10:]
    return [line.replace(f"{source.ROOT}/", "") for line in found]


def main():
    tap, build = Tap(), sys.argv[1]
    os.nice(YIELDING)
    paths = compiled_files(build)
    tap.check(len(paths) > 20, "the compiled files are found", f"{len(paths)}")
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as workers:
        found = workers.map(lambda path: tidy(build, path), paths)
        tap.check_none(sorted({line for lines in found for line in lines}), "clang-tidy finds nothing")
    sys.exit(tap.done())


if __name__ == "__main__":
    main()
