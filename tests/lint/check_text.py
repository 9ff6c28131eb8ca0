#!/usr/bin/env python3
"""Plain tidiness of every text file, and a README in every folder of code."""
import re
import sys

import source
from tap import Tap

BINARY = {".npz", ".png", ".safetensors"}
# copied as they are, or input of tests that is right byte for byte
FOREIGN = ("tests/golden/", "tests/api/curl_session.sh", "tests/api/http_raw/cases/", "tests/cli/cases/", "tests/fuzz/corpus/",
           "proto/vectors/")
# written so that this file does not find itself
LEFT_OVER = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X|HA" r"CK)\b|not implemented y" r"et")
MACHINE = re.compile(r"(?<![\w.])/(wo" r"rk|home|root|Users)/\w")


def text_files():
    for path in source.files():
        if path.suffix not in BINARY and not str(path).startswith(FOREIGN):
            yield path, (source.ROOT / path).read_bytes()


def line_findings(pattern, skip=()):
    found = []
    for path, data in text_files():
        if path.suffix in skip:
            continue
        for number, line in enumerate(data.decode(errors="replace").split("\n"), start=1):
            if re.search(pattern, line):
                found.append(f"{path}:{number}: {line.strip()[:100]}")
    return found


def folders_without_readme():
    """Two levels are told of by a README of their own; src, include and what lies deeper belong to the one above."""
    needed = set()
    for path in source.files(".c", ".cc", ".h", ".py", ".sh"):
        parts = path.parent.parts[:2]
        needed.add("/".join(part for part in parts if part not in ("src", "include")))
    needed.discard("")
    return sorted(f"{folder}/README.md" for folder in needed if not (source.ROOT / folder / "README.md").exists())


def main():
    tap = Tap()
    tap.check_none(line_findings(r"[ \t]+$"), "no line ends in a blank")
    tap.check_none(line_findings("\r"), "no carriage returns")
    tap.check_none(line_findings(r"^ *\t", skip=(".tsv", "")), "no tabs to indent with")
    tap.check_none(line_findings(LEFT_OVER), "nothing left over to be done")
    tap.check_none(line_findings(MACHINE), "no path of somebody's machine")
    ends = [str(path) for path, data in text_files() if data and (not data.endswith(b"\n") or data.endswith(b"\n\n"))]
    tap.check_none(ends, "every file ends in exactly one newline")
    encodings = []
    for path, data in text_files():
        try:
            data.decode()
        except UnicodeDecodeError as error:
            encodings.append(f"{path}: {error}")
    tap.check_none(encodings, "every file is UTF-8")
    tap.check_none(folders_without_readme(), "every folder of code says what lives there")
    sys.exit(tap.done())


if __name__ == "__main__":
    main()
