#!/usr/bin/env python3
"""Calls this project does not make, each with the reason."""
import re
import sys

import source
from tap import Tap

UNBOUNDED = "writes or reads without a bound, or hides an error"
# what: (pattern over code without comments and strings, why, files where it is at home)
RULES = {
    "unbounded string functions": (r"\b(strcpy|strcat|sprintf|vsprintf|strtok|gets)\s*\(", UNBOUNDED, ()),
    "number parsers without errors": (r"\b(atoi|atol|atoll|atof)\s*\(", UNBOUNDED, ()),
    "alloca and system": (r"\b(alloca|system|popen)\s*\(", "the size or the command comes from outside", ()),
    "ending the process": (
        r"\b(exit|_exit|_Exit|quick_exit|abort)\s*\(", "libraries never exit", ("server/main.c", "clients/cli/"),
    ),
    "printing": (
        r"\b(v?printf|puts|putchar|perror)\s*\(|\b(v?fprintf|fputs|fputc|fwrite)\s*\([^;]*\b(stdout|stderr)\b",
        "libraries never print", ("server/main.c", "clients/cli/", "server/log.c"),
    ),
    "sizes multiplied in an allocation": (
        None, "the product may overflow: calloc, reallocarray or a checked product", (),
    ),
}
ALLOCATION = re.compile(r"\b(?:malloc|realloc|aligned_alloc)\s*\(")
# a * that dereferences or declares a pointer rather than multiplies
NOT_A_PRODUCT = re.compile(r"sizeof\s*\*\s*\w+|sizeof\s*\([^()]*\*[^()]*\)|\(\s*[\w\s]+\*+\s*\)")


def arguments(text, start):
    """The text between the parenthesis that opens before `start` and its partner."""
    depth, index = 1, start
    while index < len(text) and depth:
        depth += (text[index] == "(") - (text[index] == ")")
        index += 1
    return text[start : index - 1]


def products(text):
    for match in ALLOCATION.finditer(text):
        inside = NOT_A_PRODUCT.sub(" ", arguments(text, match.end()))
        if re.search(r"[\w)\]]\s*\*\s*[\w(]", inside):
            yield match


def findings(rule, paths):
    pattern, why, at_home = RULES[rule]
    found = []
    for path in paths:
        if any(str(path).startswith(place) for place in at_home):
            continue
        text = source.bare((source.ROOT / path).read_text())
        for match in re.finditer(pattern, text) if pattern else products(text):
            line = text.count("\n", 0, match.start()) + 1
            found.append(f"{path}:{line}: {match.group().split('(')[0].strip()}: {why}")
    return found


def main():
    tap = Tap()
    paths = source.files(".c", ".h", under=source.CODE_FOLDERS)
    for rule in RULES:
        tap.check_none(findings(rule, paths), rule)
    sys.exit(tap.done())


if __name__ == "__main__":
    main()
