#!/usr/bin/env python3
"""The bundled Franka demonstrations are complete and are what their README says.

The source recording is not here, so actions are checked against the states themselves: where two kept
steps of an episode lie exactly one second apart, the first one's action must be the difference.
"""
import json
import math
import pathlib
import re
import struct
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "support"))
from tap import Tap  # noqa: E402

FOLDER = ROOT / "data" / "lila_franka"
TASKS = ["pick-banana", "pick-cereal", "pick-fruit-basket", "pour-cereal", "pour-coffee"]
EPISODES_PER_TASK = 45
HORIZON_STEPS = 10
MAX_STEPS = 64
JOINTS = 7
MAX_BYTES = 4_000_000
# The Panda's joint limits, rad, rounded outwards.
JOINT_LIMITS = [(-2.9, 2.9), (-1.77, 1.77), (-2.9, 2.9), (-3.08, 0.0), (-2.9, 2.9), (-0.02, 3.76), (-2.9, 2.9)]


def read(path):
    """(header, {name: rows}) of a safetensors file, with its layout checked on the way."""
    data = path.read_bytes()
    (length,) = struct.unpack_from("<Q", data)
    header = json.loads(data[8 : 8 + length])
    body, end, tensors = data[8 + length :], 0, {}
    for name in ("states", "actions"):
        entry = header[name]
        begin, stop = entry["data_offsets"]
        rows, columns = entry["shape"]
        if entry["dtype"] != "F32" or begin != end or stop - begin != 4 * rows * columns:
            raise ValueError(f"tensor {name} is laid out wrongly")
        flat = struct.unpack_from(f"<{rows * columns}f", body, begin)
        tensors[name] = [flat[i * columns : (i + 1) * columns] for i in range(rows)]
        end = stop
    if end != len(body) or set(header) != {"__metadata__", "states", "actions"}:
        raise ValueError("bytes or tensors beyond states and actions")
    return header, tensors


def float32(value):
    return struct.unpack("<f", struct.pack("<f", value))[0]


def source_samples(header):
    return int(re.search(r", (\d+) samples at 10 Hz$", header["__metadata__"]["source"]).group(1))


def kept_steps(samples):
    count = samples - HORIZON_STEPS
    kept = min(MAX_STEPS, count)
    return [math.floor(i * (count - 1) / (kept - 1) + 0.5) for i in range(kept)]


def wrong_in_task(task, paths):
    """Per aspect the list of what is wrong, and the number of actions that could be compared."""
    wrong = {"shape": [], "finite": [], "limits": [], "metadata": [], "action": []}
    compared, sources = 0, set()
    for path in paths:
        header, tensors = read(path)
        states, actions, where = tensors["states"], tensors["actions"], f"{task}/{path.name}"
        steps = kept_steps(source_samples(header))
        shapes = {tuple(header[name]["shape"]) for name in ("states", "actions")}
        if shapes != {(len(steps), JOINTS)}:
            wrong["shape"].append(f"{where}: {shapes}, expected {(len(steps), JOINTS)}")
            continue
        if not all(math.isfinite(x) for rows in tensors.values() for row in rows for x in row):
            wrong["finite"].append(where)
        for row in states:
            if any(not low <= x <= high for x, (low, high) in zip(row, JOINT_LIMITS)):
                wrong["limits"].append(f"{where}: {row}")
                break
        metadata = header["__metadata__"]
        sources.add(metadata["source"])
        if set(metadata) != {"task", "success", "source"} or metadata["task"] != task or metadata["success"] != "true":
            wrong["metadata"].append(f"{where}: {metadata}")
        row_of = {step: row for row, step in enumerate(steps)}
        for row, step in enumerate(steps):
            later = row_of.get(step + HORIZON_STEPS)
            if later is None:
                continue
            compared += 1
            expected = tuple(float32(b - a) for a, b in zip(states[row], states[later]))
            if actions[row] != expected:
                wrong["action"].append(f"{where}: step {step}: {actions[row]}, expected {expected}")
    if len(sources) != len(paths):
        wrong["metadata"].append(f"{len(sources)} different sources in {len(paths)} files")
    return wrong, compared


def check_task(tap, task):
    paths = sorted((FOLDER / task).glob("*.safetensors"))
    names = [f"{number:03d}.safetensors" for number in range(EPISODES_PER_TASK)]
    tap.check([path.name for path in paths] == names, f"{task}: 000 to 044", f"{len(paths)} files")
    wrong, compared = wrong_in_task(task, paths)
    tap.check_none(wrong["shape"], f"{task}: states and actions are steps x 7, F32, as many as the source gives")
    tap.check_none(wrong["finite"], f"{task}: every number is finite")
    tap.check_none(wrong["limits"], f"{task}: states are joint angles a Panda can take")
    tap.check_none(wrong["metadata"], f"{task}: metadata names task, success and a source of its own")
    tap.check(
        compared > 100 and not wrong["action"],
        f"{task}: actions are the displacement over the next second",
        f"{compared} compared\n" + "\n".join(wrong["action"][:5]),
    )


def main():
    tap = Tap()
    files = [path for path in FOLDER.rglob("*") if path.is_file()]
    tensors = [path for path in files if path.suffix == ".safetensors"]
    size = sum(path.stat().st_size for path in files)
    tap.check(len(tensors) == 225, "225 episodes", f"found {len(tensors)}")
    tap.check(size < MAX_BYTES, "under 4 MB in all", f"{size} bytes")
    tap.check("MIT License" in (FOLDER / "LICENSE").read_text(), "the licence is there")
    listed = json.loads((FOLDER / "tasks.json").read_text())["tasks"]
    tap.check([task["key"] for task in listed] == TASKS, "tasks.json names the five tasks", listed)
    tap.check(all(len(task["instruction"]) > 10 for task in listed), "each with an instruction", listed)
    for task in TASKS:
        check_task(tap, task)
    sys.exit(tap.done())


if __name__ == "__main__":
    main()
