#!/usr/bin/env python3
"""Draws the figures of docs/method.md from the results beside this script, and prints its tables.

    figures.py          writes *.svg here; needs matplotlib
    figures.py tables   prints the tables as markdown; needs nothing
"""
import io
import json
import pathlib
import random
import sys

HERE = pathlib.Path(__file__).resolve().parent
COLOURS = {"criterion": "#1b6ca8", "uniform": "#888888", "rebalance": "#c46210", "prior_entropy": "#3a8f5c",
           "oracle": "#9b3d86"}
FRANKA = {"88000": "8-8-0-0-0", "00088": "0-0-0-8-8", "33333": "3-3-3-3-3"}
TRIALS = ["correlation-0.05", "correlation-0.1", "correlation-0.5", "correlation-0.75", "noise-0.15", "noise-0.5", "noise-0.8",
          "fit_after-5", "fit_after-24", "fit_after-1000", "marginal_likelihood", "weights-self_normalized", "weights-calibrated",
          "weights-uniform", "ess-4", "ess-16", "measure-noisy_entropy", "measure-variance", "measure-reverse_kl", "batch-4",
          "steps-8", "steps-32", "occupancy-new", "warm_start-1"]
DRAWS = 2000


def load(name):
    return json.loads((HERE / f"{name}.json").read_text())


def score(name, rule="criterion"):
    """The curve of what is told: return or error."""
    told = load(name)["rules"][rule]
    return told.get("return") or told.get("error")


def exists(name):
    return (HERE / f"{name}.json").exists()


def bootstrap(values):
    """(mean, low, high), 90 %, as the command computes it."""
    draw, count = random.Random(0), len(values)
    means = sorted(sum(draw.choices(values, k=count)) / count for _ in range(DRAWS))
    return sum(values) / count, means[round(0.05 * (DRAWS - 1))], means[round(0.95 * (DRAWS - 1))]


def apart(name, rule, base, base_rule):
    """Area of one run less that of another, seed by seed: their demonstrations are the same."""
    here, there = score(name, rule)["seeds"], score(base, base_rule)["seeds"]
    return bootstrap([a - b for a, b in zip(here, there, strict=True)])


# ---- tables ----

def cell(name, rule, base, base_rule="uniform"):
    if not exists(name):
        return ""
    mean = f"{score(name, rule)['auc']:.3f}".replace("-", "−")
    if (name, rule) == (base, base_rule):
        return mean
    _, low, high = apart(name, rule, base, base_rule)
    return f"{mean} ({low:+.3f} to {high:+.3f})".replace("-", "−")


def row(title, cells):
    print("| " + " | ".join([title, *cells]) + " |")


def interval(told):
    return "{:+.4f} ({:+.4f} to {:+.4f})".format(*told).replace("-", "−")


def tried(half, trial, rule="criterion", base="default"):
    """A trial's error less that of the defaults: over the three pre-trainings, then from each."""
    def seeds(name, which, given):
        return score(f"tuning/{half}-{name}-{given}", which)["seeds"]

    apart = [[a - b for a, b in zip(seeds(trial, rule, given), seeds(base, "criterion", given), strict=True)] for given in FRANKA]
    return [bootstrap([sum(seed) / len(FRANKA) for seed in zip(*apart, strict=True)]), *map(bootstrap, apart)]


def print_tuning():
    row("trial", ["mean of three", *FRANKA.values()])
    for half, trials in (("even", TRIALS), ("odd", ["noise-0.8", "fit_after-5"])):
        for rule in ("uniform", "rebalance"):
            row(f"{half}: {rule}", map(interval, tried(half, "default", rule)))
        for trial in trials:
            row(f"{half}: {trial}", map(interval, tried(half, trial)))
    row("even again, as long: noise-0.8", map(interval, tried("even", "long-noise-0.8", base="long-default")))
    print()


def table_of_variants(variants, worlds):
    """One row a (title, suffix, rule), one column a world; intervals are against uniform choice."""
    for title, suffix, rule in variants:
        row(title, [cell(f"{world}-{suffix}" if suffix else world, rule, world) for world in worlds])


def print_tables():
    variants = [
        ("uniform", "", "uniform"), ("rebalance", "", "rebalance"), ("prior_entropy", "", "prior_entropy"),
        ("oracle", "", "oracle"), ("tempered (default)", "", "criterion"),
        ("tempered, clipped", "tempered-clip", "criterion"), ("self_normalized", "self_normalized", "criterion"),
        ("self_normalized, new, warm start 1", "new", "criterion"), ("calibrated", "calibrated", "criterion"),
        ("own_task", "own_task", "criterion"), ("uniform weights", "uniform", "criterion"),
        ("raw", "raw", "criterion"), ("raw, clipped", "raw-clip", "criterion"),
        ("noisy_entropy", "noisy_entropy", "criterion"), ("variance", "variance", "criterion"),
        ("reverse_kl", "reverse_kl", "criterion"), ("jensen_shannon", "jensen_shannon", "criterion"),
    ]
    for worlds in (["integrator-12", "integrator-6", "integrator-1"], [f"backtest-{given}" for given in FRANKA]):
        row("rule or weights", worlds)
        row("---", ["---"] * len(worlds))
        kept = [one for one in variants
                if any(exists(f"{world}-{one[1]}" if one[1] else world) for world in worlds)
                and (one[2] != "oracle" or "backtest" in worlds[0])]
        table_of_variants(kept, worlds)
        print()
    for kernel in ("matern32", "linear"):
        names = [f"backtest-{given}-{kernel}" for given in FRANKA]
        row(kernel, [cell(name, "criterion", name) for name in names])
    for assumed in ("0.15", "0.4"):
        row(f"noise assumed {assumed}", [cell(f"integrator-{count}-assumed-{assumed}", "criterion", f"integrator-{count}")
                                        for count in (12, 6, 1)])
    row("8-4-2-1-1", [f"{rule} {cell('backtest-84211', rule, 'backtest-84211')}" for rule in load("backtest-84211")["rules"]])
    print()
    print_tuning()
    row("against rebalance", list(FRANKA.values()))
    for rule in ("criterion", "oracle"):
        row(rule, [cell(f"backtest-{given}", rule, f"backtest-{given}", "rebalance") for given in FRANKA])
    print()
    for kind in ("kernel", "noise", "horizon", "batch", "circle", "long"):
        for path in sorted(HERE.glob(f"integrator-{kind}-*.json")):
            told = load(path.stem)["rules"]
            base = (path.stem, "uniform") if "uniform" in told else ("integrator-6", "uniform")
            row(path.stem, [cell(path.stem, rule, *base) for rule in told])
    print()
    for path in sorted(HERE.glob("*.json")):
        asked = load(path.stem)["rules"].get("criterion", {}).get("asked")
        print(path.stem, asked)


# ---- figures ----

def draw_curve(axis, name, rule, label=None):
    curve = score(name, rule)
    rounds = range(len(curve["mean"]))
    axis.plot(rounds, curve["mean"], color=COLOURS[rule], label=label or rule, linewidth=1.5)
    axis.fill_between(rounds, curve["low"], curve["high"], color=COLOURS[rule], alpha=0.15, linewidth=0)


def save(figure, name):
    figure.tight_layout()
    text = io.StringIO()
    figure.savefig(text, format="svg", metadata={"Date": None})
    lines = [line.rstrip() for line in text.getvalue().splitlines()]
    (HERE / f"{name}.svg").write_text("\n".join(lines) + "\n")


def curves(plot, worlds, titles, rules, label, name):
    figure, axes = plot.subplots(1, len(worlds), figsize=(3.6 * len(worlds), 3), squeeze=False)
    for axis, world, title in zip(axes[0], worlds, titles, strict=True):
        for rule in rules:
            draw_curve(axis, world, rule)
        axis.set(title=title, xlabel="demonstrations")
    axes[0][0].set_ylabel(label)
    axes[0][-1].legend(frameon=False, fontsize=8)
    save(figure, name)


def over_tasks(plot):
    """The paper's second figure, right: where forty rounds lead, over how many tasks were pre-trained."""
    counts = sorted(int(path.stem.rsplit("-", 1)[1]) for path in HERE.glob("integrator-long-*.json"))
    figure, axes = plot.subplots(1, 2, figsize=(7.2, 3))
    for rule in ("criterion", "uniform", "rebalance", "prior_entropy"):
        told = [score(f"integrator-long-{count}", rule) for count in counts]
        last = [(curve["mean"][-1], curve["low"][-1], curve["high"][-1]) for curve in told]
        area = [tuple(curve["area"][key] for key in ("mean", "low", "high")) for curve in told]
        for axis, points in zip(axes, (last, area), strict=True):
            mean, low, high = zip(*points, strict=True)
            axis.plot(counts, mean, color=COLOURS[rule], label=rule, marker=".")
            axis.fill_between(counts, low, high, color=COLOURS[rule], alpha=0.15, linewidth=0)
    axes[0].set(title="after 40 demonstrations", xlabel="tasks pre-trained", ylabel="return")
    axes[1].set(title="mean over 40 demonstrations", xlabel="tasks pre-trained")
    axes[1].legend(frameon=False, fontsize=8)
    save(figure, "tasks")


def gain_and_weights(plot):
    """The paper's figures 19 and 21: how many stand-ins carry the weights, and what a gain foretells."""
    figure, axes = plot.subplots(1, 2, figsize=(7.2, 3))
    for name, label in (("integrator-6", "tempered"), ("integrator-6-self_normalized", "self_normalized"),
                        ("integrator-6-calibrated", "calibrated"), ("integrator-6-raw", "raw")):
        curve = load(name)["rules"]["criterion"]["effective_sample_size"]["mean"]
        axes[0].plot(range(1, len(curve)), curve[1:], label=label, linewidth=1.5)
    axes[0].set(title="stand-ins that carry a task's weight", xlabel="demonstrations", ylabel="effective sample size")
    axes[0].legend(frameon=False, fontsize=8)
    for name, label in (("integrator-12", "12 tasks"), ("integrator-6", "6 tasks"), ("integrator-1", "1 task")):
        rule = load(name)["rules"]["criterion"]
        axes[1].plot(rule["gain"]["mean"][1:], rule["return"]["mean"][:-1], ".-", label=label, linewidth=0.8)
    axes[1].set(title="gain of the choice, and return before it", xlabel="nats", ylabel="return")
    axes[1].legend(frameon=False, fontsize=8, title="pre-trained")
    save(figure, "gain")


def trials(plot):
    """What every trial of the tuning changed, and what became of the two that were reported."""
    figure, axis = plot.subplots(figsize=(7.2, 5))
    shown = [("uniform choice", tried("even", "default", "uniform")[0], "#888888")]
    shown += [(trial, tried("even", trial)[0], COLOURS["criterion"]) for trial in TRIALS]
    shown += [(f"{trial}, other half", tried("odd", trial)[0], COLOURS["rebalance"]) for trial in ("noise-0.8", "fit_after-5")]
    shown += [("uniform choice, other half", tried("odd", "default", "uniform")[0], COLOURS["rebalance"])]
    for line, (_, (mean, low, high), colour) in enumerate(shown):
        axis.plot([low, high], [-line, -line], color=colour, linewidth=1.5)
        axis.plot([mean], [-line], "o", color=colour, markersize=4)
    axis.axvline(0, color="#333333", linewidth=0.8)
    axis.set_yticks([-line for line in range(len(shown))], [name for name, _, _ in shown], fontsize=7)
    axis.set(xlabel="held-out error less that of the defaults (left is better)")
    save(figure, "tuning")


def draw_all():
    import matplotlib
    matplotlib.use("Agg")
    matplotlib.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "amf", "font.size": 9,
                                "axes.spines.top": False, "axes.spines.right": False})
    from matplotlib import pyplot
    rules = ("criterion", "uniform", "rebalance", "prior_entropy")
    curves(pyplot, ["integrator-long-12", "integrator-long-6", "integrator-long-1"],
           [f"{count} of 12 tasks pre-trained" for count in (12, 6, 1)], rules, "return", "rounds")
    curves(pyplot, [f"backtest-{given}" for given in FRANKA], list(FRANKA.values()), (*rules, "oracle"),
           "held-out squared error", "franka")
    over_tasks(pyplot)
    gain_and_weights(pyplot)
    trials(pyplot)


if __name__ == "__main__":
    print_tables() if sys.argv[1:] == ["tables"] else draw_all()
