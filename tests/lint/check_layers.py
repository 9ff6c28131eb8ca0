#!/usr/bin/env python3
"""Includes go down only, and a library is seen by the one folder that wraps it. The rules: layers.py."""
import re
import sys

import layers
import source
from tap import Tap

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.M)


def wrong_project_header(path, header):
    """Why the layer of `path` may not include <header>; None when it may."""
    prefix, slash, _ = header.partition("/")
    layer = layers.layer_of(path)
    if not slash or prefix not in layers.PREFIXES or layer is None:
        return None
    if prefix == layer["exports"] or prefix in layer["may"]:
        return None
    return f"{layer['folder']} may include {', '.join(layer['may']) or 'nothing'} beside its own"


def wrong_library(path, header):
    for pattern, seen_by in layers.LIBRARIES.items():
        if re.fullmatch(pattern, header) and not any(str(path).startswith(place) for place in seen_by):
            return f"only {', '.join(seen_by)} may see it"
    return None


def findings(path):
    text = (source.ROOT / path).read_text()
    found = []
    for match in INCLUDE.finditer(text):
        line = text.count("\n", 0, match.start()) + 1
        quoted, header = match[1] == '"', match[2]
        why = None
        if ".." in header.split("/"):
            why = "climbs out of its folder"
        elif quoted and header.partition("/")[0] in layers.PREFIXES and "/" in header:
            why = "a public header is included with < >"
        elif not str(path).startswith("tests/"):
            why = wrong_project_header(path, header) or wrong_library(path, header)
        if why:
            found.append(f"{path}:{line}: {header}: {why}")
    return found


def main():
    tap = Tap()
    paths = source.files(".c", ".h", under=(*source.CODE_FOLDERS, "tests"))
    tap.check(len(paths) > 20, "the sources are found", f"{len(paths)} files")
    for layer in layers.LAYERS:
        own = [path for path in paths if layers.layer_of(path) is layer]
        tap.check_none([line for path in own for line in findings(path)], f"{layer['folder']}: includes go down only")
    rest = [path for path in paths if str(path).startswith("tests/")]
    tap.check_none([line for path in rest for line in findings(path)], "tests: no include climbs out of its folder")
    sys.exit(tap.done())


if __name__ == "__main__":
    main()
