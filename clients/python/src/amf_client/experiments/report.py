"""`report`: from a folder of results the tables, `summary.json` and the figures."""

from __future__ import annotations

import json
from pathlib import Path

from .results import ResultsError, read_runs, write_whole
from .summary import as_json, conditions, table


def report(folder: Path, figures: Path, form: str, print_json: bool, against: str) -> int:
    from .figures import draw

    found = conditions(read_runs(folder), against)
    if not found:
        raise ResultsError(f"there are no results in {folder}")
    text = json.dumps(as_json(found), separators=(",", ":"), allow_nan=False) + "\n"
    write_whole(folder / "summary.json", text)
    figures.mkdir(parents=True, exist_ok=True)
    for condition in found:
        draw(condition, figures, form)
    print(text if print_json else "\n\n".join(map(table, found)), end="" if print_json else "\n")
    return 0
