"""What the demo shows: the ranking as a table with bars, the closing summary, the plot as text and as SVG.

Every function here takes figures and gives text; nothing is asked of the server.
"""
import html
import math
import os
import textwrap

BLOCKS = " ▏▎▍▌▋▊▉█"
LEVELS = " ▁▂▃▄▅▆▇█"
BAR_COLUMNS = 22
SPARK_ROWS = 2
# Middle tones: legible on white and on black alike.
PALETTE = ["#c8553d", "#2f7fc1", "#a8741a", "#2f8f57", "#8a63c9", "#b04a87", "#5b7a8c", "#7a7a1f"]
INK = "#7a7a7a"


class Style:
    """Escape sequences on a terminal, nothing in a pipe or with NO_COLOR."""

    def __init__(self, stream):
        self.on = stream.isatty() and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"

    def _wrap(self, code, text):
        return f"\x1b[{code}m{text}\x1b[0m" if self.on else text

    def bold(self, text):
        return self._wrap("1", text)

    def dim(self, text):
        return self._wrap("2", text)

    def chosen(self, text):
        return self._wrap("1;32", text)


def bar(value, top, columns):
    """A horizontal bar of `columns` characters at value == top."""
    eighths = round(8 * columns * max(0.0, value) / top) if top > 0 else 0
    full, rest = divmod(min(eighths, 8 * columns), 8)
    return ("█" * full + (BLOCKS[rest] if rest else "")).ljust(columns)


def number(value, width, digits):
    return f"{value:{width}.{digits}f}" if value is not None else "-".rjust(width)


def ranking_table(ranking, pretraining, chosen, style):
    """One line a candidate, best first; the bar is its gain relative to the best."""
    candidates = ranking["candidates"]
    width = max(len(candidate["task"]) for candidate in candidates)
    top = max((candidate["gain"] or 0 for candidate in candidates), default=0)
    unit = ranking["unit"]
    head = f"   {'task'.ljust(width)}  {('gain, ' + unit).ljust(BAR_COLUMNS + 10)} {'entropy':>9}  shown"
    lines = [style.dim(head)]
    for candidate in candidates:
        key, gain = candidate["task"], candidate["gain"]
        shown = str(candidate["demonstrations"])
        if pretraining.get(key):
            shown += f" + {pretraining[key]} before"
        line = (
            f" {'>' if key == chosen else ' '} {key.ljust(width)}  {bar(gain or 0, top, BAR_COLUMNS)}"
            f" {number(gain, 9, 3)} {number(candidate['posterior_entropy'], 9, 2)}  {shown}"
        )
        lines.append(style.chosen(line) if key == chosen else line)
    return lines


def wrapped(label, text, columns=78):
    indent = " " * (len(label) + 4)
    return textwrap.wrap(text, columns, initial_indent=f"   {label} ", subsequent_indent=indent)


def totals_table(tasks, counts, style):
    """Per task: this run's demonstrations, and all of them with pre-training."""
    width = max(len(task) for task in tasks)
    top = max(counts[task]["new"] + counts[task]["pretraining"] for task in tasks)
    lines = [style.dim(f"   {'task'.ljust(width)}  {'this run':>8}  {'with pre-training':>17}")]
    for task in tasks:
        new, before = counts[task]["new"], counts[task]["pretraining"]
        share = bar(new + before, top, BAR_COLUMNS).rstrip()
        lines.append(f"   {task.ljust(width)}  {new:>8}  {new + before:>17}  {share}")
    return lines


def extent(series):
    values = [value for values in series.values() for value in values if value is not None]
    if not values:
        return None
    return min(values), max(values)


def spark_rows(values, low, high):
    """A column chart of SPARK_ROWS text rows, two columns a value; a gap where a value is missing."""
    steps = 8 * SPARK_ROWS - 1
    heights = [
        0 if value is None else 1 + round(steps * (value - low) / (high - low) if high > low else steps / 2)
        for value in values
    ]
    rows = []
    for row in reversed(range(SPARK_ROWS)):
        rows.append("".join(LEVELS[min(8, max(0, height - 8 * row))] * 2 for height in heights))
    return rows


def entropy_text(series, picks, style):
    """Small multiples on one scale: a chart a task, and under it a mark for each round it was chosen in."""
    bounds = extent(series)
    if bounds is None:
        return ["   the server gave no posterior entropies"]
    low, high = bounds
    width = max(len(task) for task in series)
    rounds = len(picks)
    lines = [
        style.dim(f"   one scale for all: {low:.1f} (lowest) to {high:.1f} (highest); ^ marks a demonstration."),
        style.dim("   Expected over what is held: it may rise when a demonstration brings states that are new."),
    ]
    for task, values in series.items():
        rows = spark_rows(values, low, high)
        known = [value for value in values if value is not None]
        ends = f"{known[0]:.1f} -> {known[-1]:.1f}" if known else "not known"
        for index, row in enumerate(rows):
            last = index == len(rows) - 1
            lines.append(f"   {(task if last else '').ljust(width)}  {row}  {ends if last else ''}".rstrip())
        # the demonstration of round r shows in the value after it
        marks = "  " + "".join("^ " if pick == task else "  " for pick in picks)
        lines.append(f"   {''.ljust(width)}  {style.chosen(marks.rstrip())}".rstrip())
    lines.append(style.dim(f"   {''.ljust(width)}  0{('round ' + str(rounds)).rjust(2 * rounds + 1)}"))
    return lines


def ticks(low, high, count=5):
    """Round numbers that cover low..high."""
    span = (high - low) or 1.0
    raw = span / count
    power = 10 ** math.floor(math.log10(raw))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= raw)
    first, last = math.floor(low / step), math.ceil(high / step)
    return [index * step for index in range(first, last + 1)]


def spread(places, gap):
    """Moves label positions apart to at least `gap`, order kept; the middle of all of them stays."""
    order = sorted(range(len(places)), key=lambda index: places[index])
    moved = list(places)
    for before, after in zip(order, order[1:]):
        moved[after] = max(moved[after], moved[before] + gap)
    shift = max(0.0, sum(moved[index] - places[index] for index in order) / max(1, len(order)))
    return [place - shift for place in moved]


def entropy_svg(series, picks, unit):
    """A line a task with its name at the end, a dot where it was chosen; no background, middle tones only."""
    bounds = extent(series)
    if bounds is None:
        return None
    left, right, top, bottom, width, height = 64, 560, 56, 340, 760, 392
    marks = ticks(*bounds)
    low, high = marks[0], marks[-1]
    rounds = max(1, len(picks))

    def x_of(index):
        return left + (right - left) * index / rounds

    def y_of(value):
        return bottom - (bottom - top) * (value - low) / (high - low)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
        f' font-family="system-ui, sans-serif" font-size="13" fill="{INK}" role="img">',
        "<title>Posterior entropy per task over rounds</title>",
        f'<text x="{left - 48}" y="24" font-size="15" font-weight="600">Posterior entropy of each task</text>',
        f'<text x="{left - 48}" y="42">{html.escape(unit)}; a dot: this task was demonstrated in that round</text>',
    ]
    for mark in marks:
        y = y_of(mark)
        parts.append(f'<path d="M{left} {y:.1f}H{right}" stroke="{INK}" stroke-opacity=".3" fill="none"/>')
        parts.append(f'<text x="{left - 8}" y="{y + 4:.1f}" text-anchor="end">{mark:g}</text>')
    for index in range(0, rounds + 1, max(1, rounds // 4)):
        parts.append(f'<text x="{x_of(index):.1f}" y="{bottom + 20}" text-anchor="middle">{index}</text>')
    parts.append(f'<text x="{(left + right) / 2}" y="{bottom + 40}" text-anchor="middle">round</text>')
    shown = {task: [(i, v) for i, v in enumerate(values) if v is not None] for task, values in series.items()}
    shown = {task: points for task, points in shown.items() if points}
    labels = spread([y_of(points[-1][1]) for points in shown.values()], 17)
    for number_, ((task, points), label_y) in enumerate(zip(shown.items(), labels)):
        colour = PALETTE[number_ % len(PALETTE)]
        path = "L".join(f"{x_of(i):.1f} {y_of(v):.1f}" for i, v in points)
        parts.append(f'<path d="M{path}" stroke="{colour}" stroke-width="2" fill="none" stroke-linejoin="round"/>')
        values = dict(points)
        for round_, pick in enumerate(picks, start=1):
            if pick == task and round_ in values:
                parts.append(f'<circle cx="{x_of(round_):.1f}" cy="{y_of(values[round_]):.1f}" r="3.5" fill="{colour}"/>')
        end_x, end_y = x_of(points[-1][0]), y_of(points[-1][1])
        parts.append(f'<path d="M{end_x:.1f} {end_y:.1f}L{right + 14} {label_y:.1f}" stroke="{colour}" fill="none"/>')
        count = sum(pick == task for pick in picks)
        parts.append(
            f'<text x="{right + 18}" y="{label_y + 4:.1f}" fill="{colour}">{html.escape(task)}'
            f' <tspan font-weight="600">+{count}</tspan></text>'
        )
    parts.append("</svg>")
    return "\n".join(parts) + "\n"
