"""A line that fills on a terminal; nothing in a pipe."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from typing import TextIO

from .settings import RunSettings

COLUMNS = 30


class Progress:
    PAUSE_S = 0.5

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr
        self._shown = self._stream.isatty()
        self._rounds: dict[str, int] = {}
        self._left: dict[str, int] = {}
        self._total = 0
        self._begun = time.monotonic()

    def begin(self, runs: Sequence[RunSettings]) -> None:
        self._left = {run.key: run.rounds for run in runs}
        self._total = sum(self._left.values())
        self._begun = time.monotonic()

    def round(self, key: str) -> None:
        self._left[key] -= 1

    def finished(self, key: str) -> None:
        self._left.pop(key, None)

    def show(self) -> None:
        if not self._shown or not self._total:
            return
        done = self._total - sum(self._left.values())
        spent_s = time.monotonic() - self._begun
        left = f", about {_span(spent_s * (self._total - done) / done)} left" if done else ""
        bar = "#" * (COLUMNS * done // self._total)
        text = f"{bar:-<{COLUMNS}} {done}/{self._total} rounds, {len(self._left)} runs to go{left}"
        self._stream.write(f"\r\x1b[K{text}")
        self._stream.flush()

    def end(self) -> None:
        if self._shown and self._total:
            self.show()
            self._stream.write("\n")


def _span(seconds: float) -> str:
    minutes = round(seconds / 60)
    return f"{round(seconds)} s" if seconds < 90 else f"{minutes} min" if minutes < 90 else f"{minutes / 60:.1f} h"
