"""Figures of a condition: scores over rounds, differences to one of its arms, single tasks, importance weights.

Lines are told apart by colour and by dash: eight colours that colour-blind people tell apart (Okabe and Ito), and
another dash for each eight. The files are the same bytes for the same runs.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np

from .benchmark import Array
from .statistics import LEVEL, band
from .summary import Condition, mean_over_seeds

matplotlib.use("Agg")
from matplotlib import pyplot

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#8C6D1F")
DASHES = ("-", "--", ":", "-.")
COLUMNS = 4
STYLE = {
    "svg.hashsalt": "amf",
    "svg.fonttype": "none",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.alpha": 0.3,
    "legend.frameon": False,
    "figure.constrained_layout.use": True,
}
Axes = Any


def draw(condition: Condition, folder: Path, form: str) -> list[Path]:
    """Into files named after what they show. Those without anything to show are left out."""
    drawn = []
    with pyplot.rc_context(STYLE):
        for name, make in (
            ("rounds", _rounds),
            (f"minus-{condition.against}", _differences),
            ("tasks", _tasks),
            ("demonstrations", _demonstrations),
            ("weights", _weights),
        ):
            figure = make(condition)
            if figure is None:
                continue
            slug = condition.name.replace(" ", "_")
            path = folder / ("-".join(filter(None, (condition.settings["benchmark"], slug, name))) + f".{form}")
            undated = {"Date": None} if form == "svg" else None
            figure.savefig(path, dpi=150, bbox_inches="tight", metadata=undated)
            pyplot.close(figure)
            drawn.append(path)
    return drawn


def _look(index: int) -> dict[str, Any]:
    return {"color": COLOURS[index % len(COLOURS)], "linestyle": DASHES[index // len(COLOURS) % len(DASHES)]}


def _band(axes: Axes, values: Array, look: dict[str, Any], label: str) -> None:
    found = band(values)
    rounds = np.arange(len(found.mean))
    axes.plot(rounds, found.mean, label=label, linewidth=1.6, **look)
    axes.fill_between(rounds, found.low, found.high, color=look["color"], alpha=0.15, linewidth=0)


def _rounds(condition: Condition) -> Any:
    figure, axes = pyplot.subplots(figsize=(7, 4))
    for index, arm in enumerate(condition.arms):
        _band(axes, arm.curve, _look(index), arm.label)
    axes.set(xlabel="round", ylabel=f"{condition.score}, mean of tasks", title=_title(condition))
    _legend(figure, axes)
    return figure


def _differences(condition: Condition) -> Any:
    compared = [(index, arm, condition.differences(arm)) for index, arm in enumerate(condition.arms)]
    if all(values is None for _, _, values in compared):
        return None
    figure, axes = pyplot.subplots(figsize=(7, 4))
    axes.axhline(0, color="0.4", linewidth=1)
    for index, arm, values in compared:
        if values is not None:
            _band(axes, values, _look(index), arm.label)
    compared_with = f"{condition.score} minus that of {condition.against}, by seed"
    axes.set(xlabel="round", ylabel=compared_with, title=_title(condition))
    _legend(figure, axes)
    return figure


def _tasks(condition: Condition) -> Any:
    def scores(axes: Axes, task: int) -> None:
        for index, arm in enumerate(condition.arms):
            _band(axes, arm.scores[:, :, task], _look(index), arm.label)

    return _by_task(condition, scores, condition.score)


def _demonstrations(condition: Condition) -> Any:
    def counts(axes: Axes, task: int) -> None:
        for index, arm in enumerate(condition.arms):
            _band(axes, arm.counts[:, :, task], _look(index), arm.label)

    return _by_task(condition, counts, "demonstrations")


def _by_task(condition: Condition, fill: Callable[[Axes, int], None], what: str) -> Any:
    titles = [
        f"{task} ({count} pre-trained)" if count else task
        for task, count in zip(condition.tasks, condition.settings["pretrain"], strict=True)
    ]
    return _panels(titles, fill, what)


def _panels(titles: Sequence[str], fill: Callable[[Axes, int], None], what: str) -> Any:
    columns = min(COLUMNS, len(titles))
    rows = math.ceil(len(titles) / columns)
    size = (2.6 * columns + 0.4, 2.1 * rows + 0.8)
    figure, grid = pyplot.subplots(rows, columns, figsize=size, squeeze=False, sharex=True, sharey=True)
    for index, axes in enumerate(grid.flat):
        if index >= len(titles):
            axes.set_visible(False)
            continue
        fill(axes, index)
        axes.set_title(titles[index], fontsize=9)
    figure.supxlabel("round", fontsize=9)
    figure.supylabel(what, fontsize=9)
    _legend(figure, grid.flat[0])
    return figure


def _weights(condition: Condition) -> Any:
    """Of each arm that weighs: how many stand-ins a task is left with, and the share of the heaviest."""
    arms = [arm for arm in condition.arms if arm.weighted]
    if not arms:
        return None
    size = (2.6 * len(arms) + 0.4, 4.6)
    figure, grid = pyplot.subplots(2, len(arms), figsize=size, squeeze=False, sharex=True, sharey="row")
    for column, arm in enumerate(arms):
        held = np.concatenate([[0.0], arm.counts.sum(axis=2).mean(axis=0)[:-1]])
        grid[0, column].plot(held, color="0.4", linestyle=":", linewidth=1, label="demonstrations held")
        _of_tasks(grid[0, column], arm.effective)
        _of_tasks(grid[1, column], arm.largest)
        grid[0, column].set_title(textwrap.fill(arm.label, 28), fontsize=9)
    grid[0, 0].set_ylabel("effective sample size")
    grid[1, 0].set_ylabel("largest weight share")
    figure.supxlabel("round", fontsize=9)
    _legend(figure, grid[0, 0], title="means over seeds")
    return figure


def _of_tasks(axes: Axes, values: Array) -> None:
    means = mean_over_seeds(values)
    rounds = np.arange(len(means))
    for task in range(means.shape[1]):
        label = None if task else "a task"
        axes.plot(rounds, means[:, task], color=COLOURS[0], alpha=0.4, linewidth=0.8, label=label)
    held = np.isfinite(means).any(axis=1)
    axes.plot(rounds[held], np.nanmean(means[held], axis=1), color=COLOURS[1], linewidth=1.6, label="mean of tasks")


def _title(condition: Condition) -> str:
    return " ".join(filter(None, (condition.settings["benchmark"], condition.name)))


def _legend(figure: Any, axes: Axes, title: str = f"bands: {LEVEL:.0%} bootstrap intervals over seeds") -> None:
    """Below the axes; the file is cut to what is drawn."""
    handles, labels = axes.get_legend_handles_labels()
    columns = 2 if max(map(len, labels)) > 24 else 3
    figure.legend(
        handles,
        labels,
        loc="upper center",
        bbox_to_anchor=(0.5, 0.0),
        ncol=columns,
        fontsize=8,
        title=title,
        title_fontsize=8,
    )
