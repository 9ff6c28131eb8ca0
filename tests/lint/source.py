"""What the checks of this folder share: the project's files, and C text without comments and strings."""
import os
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "support"))

SKIPPED_FOLDERS = {".git", "__pycache__"}
CODE_FOLDERS = ("amf", "clients", "proto", "server")


def files(*suffixes, under=("",)):
    """Files of the project, sorted, as paths relative to its root; all suffixes when none is given."""
    found = []
    for top in under:
        for folder, folders, names in os.walk(ROOT / top):
            folders[:] = [name for name in folders if name not in SKIPPED_FOLDERS and not is_build(folder, name)]
            found += [pathlib.Path(folder, name).relative_to(ROOT) for name in names]
    return sorted(path for path in found if not suffixes or path.suffix in suffixes)


def is_build(folder, name):
    return pathlib.Path(folder) == ROOT and name.startswith("build")


TOKEN = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)


def bare_comments(text):
    """C text with comments blanked; strings and line numbers stay."""
    return TOKEN.sub(lambda match: match[0] if match[0][0] in "\"'" else re.sub(r"[^\n]", " ", match[0]), text)


def bare(text):
    """C text with comments and the insides of strings blanked; line numbers stay."""

    def blank(match):
        token = match.group()
        if token[0] in "\"'":
            return token[0] + token[0]
        return re.sub(r"[^\n]", " ", token)

    return TOKEN.sub(blank, text)
