#!/usr/bin/env python3
"""No file over 800 lines, no function over 80: the point where a reader loses the thread."""
import ast
import sys

import source
from tap import Tap

MAX_FILE_LINES = 800
MAX_FUNCTION_LINES = 80


def c_functions(text):
    """(first line, lines) of every body: from a '{' in column 1 to the '}' in column 1."""
    start = None
    for number, line in enumerate(text.splitlines(), start=1):
        if line.startswith("{"):
            start = number
        elif line.startswith("}") and start is not None:
            yield start, number - start + 1
            start = None


def python_functions(text):
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node.lineno, node.end_lineno - node.lineno + 1


def main():
    tap, long_files, long_functions, functions = Tap(), [], [], 0
    for path in source.files(".c", ".cc", ".h", ".py", ".sh"):
        text = (source.ROOT / path).read_text()
        lines = text.count("\n")
        if lines > MAX_FILE_LINES:
            long_files.append(f"{path}: {lines} lines")
        found = list(python_functions(text) if path.suffix == ".py" else c_functions(text))
        functions += len(found)
        long_functions += [f"{path}:{line}: {size} lines" for line, size in found if size > MAX_FUNCTION_LINES]
    tap.check(functions > 100, "functions are found", f"{functions}")
    tap.check_none(long_files, f"no file over {MAX_FILE_LINES} lines")
    tap.check_none(long_functions, f"no function over {MAX_FUNCTION_LINES} lines")
    sys.exit(tap.done())


if __name__ == "__main__":
    main()
