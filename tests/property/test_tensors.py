"""Tensor files made by chance, most of them wrong in one or two places: reader and oracle say the same of each.

    test_tensors.py TENSORS_VERDICT [COUNT [SEED]]        10,000 files; by hand 100,000
"""
import collections
import json
import os
import random
import struct
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
from tap import Tap
from tensors_oracle import SIZES, verdict

EDGES = [0, 1, -1, 2, 7, 8, 9, 2**31, 2**32, 2**48, 2**48 + 1, 2**53, 2**63 - 1, 2**63, -2**63, 2**64 - 1, 2**64, 1.0, 0.5, 1e300, True, None, "1", [], {}]
WORDS = ["f32", "F32 ", "F8_E4M3", "F4", "C64", "", "float", 4, None, True, ["F32"], {}]
NAMES = ["", ".", "..", "a..b", "../../etc/passwd", "a b", "a\0", "\u00fc", "\U0001f34c", "\ud800", "x" * 128, "x" * 129, "__metadata__", "dtype", "A-z_0/9."]


def whole(chance):
    """A file that is right: names, types, shapes, offsets in any order of the header."""
    tensors, at, entries = chance.randrange(5), 0, []
    for i in range(tensors):
        dtype = chance.choice(list(SIZES))
        shape = [chance.choice((0, 1, 1, 2, 3)) for _ in range(chance.randrange(4))]
        size = SIZES[dtype]
        for dimension in shape:
            size *= dimension
        entries.append((f"t{i}", {"dtype": dtype, "shape": shape, "data_offsets": [at, at + size]}))
        at += size
    chance.shuffle(entries)
    if chance.random() < 0.3:
        entries.insert(chance.randrange(len(entries) + 1), ("__metadata__", {"task": "pour", "n": str(at)}))
    return entries, at


def spoil_entry(chance, entries):
    """Another name, another value, one member more or less."""
    index = chance.randrange(len(entries))
    name, entry = entries[index]
    entry = json.loads(json.dumps(entry))
    kind = chance.randrange(8)
    if kind == 0:
        name = chance.choice(NAMES)
    elif kind == 1 or name == "__metadata__":
        member = chance.choice([*entry, "extra"])
        entry[member] = chance.choice(EDGES + WORDS)
    elif kind == 2:
        del entry[chance.choice(list(entry))]
    elif kind == 3 and entry["shape"]:
        entry["shape"][chance.randrange(len(entry["shape"]))] = chance.choice(EDGES)
    elif kind == 4:
        entry["data_offsets"][chance.randrange(2)] += chance.choice((-8, -1, 1, 8, 2**32, 2**63))
    elif kind < 7:  # a hole before it, or an overlap
        by = chance.choice((-8, -2, -1, 1, 2, 8, -entry["data_offsets"][0]))
        entry["data_offsets"] = [offset + by for offset in entry["data_offsets"]]
    else:
        entry["shape"] = [chance.choice(EDGES) for _ in range(chance.randrange(11))]
    entries[index] = (name, entry if chance.random() < 0.97 else chance.choice(EDGES))


def text_of(entries):
    """Not through a dict: a name may stand twice."""
    return ("{" + ",".join(f"{json.dumps(name)}:{json.dumps(entry)}" for name, entry in entries) + "}").encode()


def spoil_text(chance, text):
    text = bytearray(text)
    at = chance.randrange(len(text))
    kind = chance.randrange(5)
    if kind == 0:
        text[at] = chance.randrange(256)
    elif kind == 1:
        del text[at]
    elif kind == 2:
        text[at:at] = chance.choice((b" ", b"\n", b"\0", b",", b"\xff", b"0", b"{}", b"\\u0000", b"1e400", b"[" * 33, b'"', b"-", b"."))
    elif kind == 3:
        text += chance.choice((b" " * 7, b"\n", b"\0", b"\t ", b"}", b"{}", b"x"))
    else:
        text[0:0] = chance.choice((b" ", b"\0", b"\xef\xbb\xbf", b"{"))
    return bytes(text)


def make_file(chance):
    entries, size = whole(chance)
    if chance.random() < 0.6 and entries:
        spoil_entry(chance, entries)
    if chance.random() < 0.1 and entries:
        entries.append(chance.choice(entries))
    text = text_of(entries)
    if chance.random() < 0.3:
        text = spoil_text(chance, text)
    length = len(text)
    if chance.random() < 0.1:
        length = chance.choice((0, 1, length - 1, length + 1, length + size, length + size + 1, 2**20 + 1, 2**32, 2**63, 2**64 - 1))
    data = struct.pack("<Q", max(0, length)) + text + bytes(max(0, size + (chance.choice((-1, 1, 19)) if chance.random() < 0.1 else 0)))
    return data[: chance.randrange(12)] if chance.random() < 0.01 else data


def main():
    count, seed = int((sys.argv[2:] or [10000])[0]), int((sys.argv[3:] or [1])[0])
    chance, tap = random.Random(seed), Tap()
    files = [make_file(chance) for _ in range(count)]
    told = subprocess.run([sys.argv[1]], input=b"".join(struct.pack("<Q", len(f)) + f for f in files), capture_output=True)
    lines = told.stdout.decode().split("\n")[:-1]
    tap.check(told.returncode == 0 and len(lines) == count, f"{count} files are told of", told.stderr.decode())
    expected = [verdict(data) for data in files]
    wrong = [f"oracle {e!r}, reader {g!r}: {d!r}"[:600] for e, g, d in zip(expected, lines, files) if e != g]
    tap.check_none(wrong[:20], f"reader and oracle agree on {count} files, seed {seed}")
    kinds = collections.Counter(place.split()[0] for place in expected)
    tap.check(min(kinds[kind] for kind in ("ok", "header", "tensor")) > count / 10, "a good part of them is right, and of each kind of wrong", kinds)
    sys.exit(tap.done())


if __name__ == "__main__":
    main()
