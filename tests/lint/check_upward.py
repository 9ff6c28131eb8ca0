#!/usr/bin/env python3
"""An upward include does not compile.

    check_upward.py BUILD

For each layer the include flags are taken from BUILD/compile_commands.json, as meson gives them to that
layer's files, and a file of one line is compiled: `#include <X/...>` must fail for every X the layer may not see and
pass for its own headers and those below it, which shows that the failures are about the layer and not
about the flags.
"""
import json
import pathlib
import shlex
import subprocess
import sys

import layers
import source
from tap import Tap


def public_header(prefix):
    """A header of that prefix that stands alone, or None."""
    layer = next(layer for layer in layers.LAYERS if layer["exports"] == prefix)
    folder = source.ROOT / layer["folder"] / "include" / prefix
    headers = sorted(folder.glob("*.h"))
    return f"{prefix}/{headers[0].name}" if headers else None


def include_flags(entry):
    """-I and friends of a compile command, without what is private to its directory."""
    words = shlex.split(entry["command"])
    if words[0].endswith("ccache"):
        words = words[1:]
    flags, index = [], 0
    while index < len(words):
        if words[index] in ("-I", "-isystem", "-iquote"):
            flags += words[index : index + 2]
            index += 1
        elif words[index].startswith(("-I", "-isystem", "-D", "-std=")):
            flags.append(words[index])
        index += 1
    return words[0], flags, entry["directory"]


def commands_by_layer(build):
    """Per layer folder the first compile command of one of its files."""
    found = {}
    for entry in json.loads((pathlib.Path(build) / "compile_commands.json").read_text()):
        path = (pathlib.Path(entry["directory"]) / entry["file"]).resolve()
        if not path.is_relative_to(source.ROOT) or path.suffix != ".c":
            continue
        layer = layers.layer_of(path.relative_to(source.ROOT))
        if layer:
            found.setdefault(layer["folder"], entry)
    return found


def compiles(entry, header):
    compiler, flags, folder = include_flags(entry)
    command = [compiler, *flags, "-fsyntax-only", "-x", "c", "-"]
    done = subprocess.run(command, cwd=folder, input=f"#include <{header}>\n", capture_output=True, text=True)
    return done.returncode == 0, done.stderr


def check_layer(tap, layer, entry):
    own = [layer["exports"]] if layer["exports"] else []
    for prefix in layers.PREFIXES:
        header = public_header(prefix)
        if header is None:
            continue
        passed, errors = compiles(entry, header)
        if prefix in own or prefix in layer["may"]:
            tap.check(passed, f"{layer['folder']} may include <{header}>", errors)
        else:
            # not any failure will do: the header must not be found
            refused = not passed and "No such file or directory" in errors
            tap.check(refused, f"{layer['folder']} cannot include <{header}>", errors or "it compiled")


def main():
    tap = Tap()
    commands = commands_by_layer(sys.argv[1])
    for layer in layers.LAYERS:
        entry = commands.get(layer["folder"])
        if tap.check(entry is not None, f"{layer['folder']} is compiled"):
            check_layer(tap, layer, entry)
    sys.exit(tap.done())


if __name__ == "__main__":
    main()
