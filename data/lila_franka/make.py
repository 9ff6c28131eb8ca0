#!/usr/bin/env python3
"""Makes the bundled demonstrations from the full recording of the same name.

    python3 make.py SOURCE [OUTPUT]

SOURCE holds `data.npz` and `episodes.json` (see README.md for where they come from); OUTPUT is this
folder unless given. Of every episode with joint angles q[0..L-1], sampled at 10 Hz:

    state(t)  = q[t]                    rad
    action(t) = q[t + 10] - q[t]        rad, the displacement over the next second
    t         = 0 .. n-1, n = L - 10    the last second has no action and is left out

then thinned to m = min(64, n) steps, t_i = floor(i (n-1) / (m-1) + 1/2), first and last kept.
The same source gives the same bytes. Needs NumPy for reading the source, nothing else.
"""
import json
import pathlib
import struct
import sys

import numpy as np

HORIZON_STEPS = 10
MAX_STEPS = 64
JOINTS = 7


def kept_steps(count):
    kept = min(MAX_STEPS, count)
    # integers throughout: floor(i (n-1) / (m-1) + 1/2) without a rounding of its own
    return [(2 * i * (count - 1) + kept - 1) // (2 * (kept - 1)) for i in range(kept)]


def thin(angles):
    """(L, 7) joint angles -> states (m, 7), actions (m, 7), both float32."""
    states = angles[:-HORIZON_STEPS]
    actions = angles[HORIZON_STEPS:] - states
    keep = kept_steps(len(states))
    return states[keep], actions[keep]


def safetensors(states, actions, metadata):
    """Bytes of a safetensors file: header length, JSON header padded to 8 bytes, tensors."""
    header, begin, parts = {"__metadata__": metadata}, 0, []
    for name, matrix in (("states", states), ("actions", actions)):
        part = np.ascontiguousarray(matrix, dtype="<f4").tobytes()
        header[name] = {
            "dtype": "F32",
            "shape": list(matrix.shape),
            "data_offsets": [begin, begin + len(part)],
        }
        begin += len(part)
        parts.append(part)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + b"".join(parts)


def source_of(listing, episode):
    """Where an episode comes from, in words that a test can take apart again."""
    return (
        f"{listing['set']}: {episode['split']}-demonstrations-mturk/{episode['task']}.pkl"
        f" number {episode['source_index']}, episode {episode['episode']},"
        f" split {episode['split']}, {episode['length']} samples at {listing['rate_hz']} Hz"
    )


def write_episodes(listing, angles, output):
    counts = dict.fromkeys(listing["tasks"], 0)
    for episode in listing["episodes"]:
        task, start = episode["task"], episode["start"]
        states, actions = thin(angles[start : start + episode["length"]])
        metadata = {"task": task, "success": "true", "source": source_of(listing, episode)}
        folder = output / task
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{counts[task]:03d}.safetensors"
        path.write_bytes(safetensors(states, actions, metadata))
        counts[task] += 1


def write_tasks(listing, output):
    tasks = [
        {"key": task, "instruction": listing["language"][task][0]} for task in listing["tasks"]
    ]
    (output / "tasks.json").write_text(json.dumps({"tasks": tasks}, indent=2) + "\n")


def main():
    if len(sys.argv) not in (2, 3):
        sys.exit("usage: make.py SOURCE [OUTPUT]")
    source = pathlib.Path(sys.argv[1])
    output = pathlib.Path(sys.argv[2]) if len(sys.argv) == 3 else pathlib.Path(__file__).parent
    listing = json.loads((source / "episodes.json").read_text())
    angles = np.load(source / "data.npz")["states"][:, :JOINTS]
    write_episodes(listing, angles, output)
    write_tasks(listing, output)


if __name__ == "__main__":
    main()
