"""A second opinion on safetensors files, from the rules at the head of proto/include/proto/safetensors.h alone.

Shares nothing with the reader in C: another language, another parser of JSON, whole numbers of any size.
"""
import json
import math
import re
import struct

SIZES = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "I32": 4, "I16": 2, "I8": 1, "U64": 8, "U32": 4, "U16": 2, "U8": 1, "BOOL": 1}
NAME = re.compile(r"[A-Za-z0-9._/-]{1,128}")


class Refused(Exception):
    """Its argument is the place: "header" or "tensor NAME"."""


def integer(text):
    if not -2**63 <= int(text) < 2**63:
        raise ValueError(text)
    return int(text)


def real(text):
    if math.isinf(float(text)):
        raise ValueError(text)
    return float(text)


def unique(pairs):
    if len(dict(pairs)) != len(pairs):
        raise ValueError("a name stands twice")
    return dict(pairs)


def check_value(value, level=1):
    """Levels, and texts that are no text: half of a surrogate pair, U+0000."""
    if isinstance(value, str):
        if b"\0" in value.encode("utf-8"):  # which has no word for half a pair
            raise ValueError("U+0000")
    elif isinstance(value, (list, dict)):
        if level > 32:
            raise ValueError("too deep")
        for item in [*value, *(value.values() if isinstance(value, dict) else ())]:
            check_value(item, level + 1)


def read_json(data):
    header = json.loads(data.decode("utf-8"), parse_int=integer, parse_float=real, parse_constant=integer, object_pairs_hook=unique)
    check_value(header)
    return header


def is_count(number, most):
    return type(number) is int and 0 <= number <= most


def read_tensor(name, entry, data_bytes):
    """(begin, size, name) of one tensor."""
    if not NAME.fullmatch(name) or ".." in name:
        raise Refused("header")
    good = isinstance(entry, dict) and set(entry) == {"dtype", "shape", "data_offsets"}
    if good:
        dtype, shape, offsets = entry["dtype"], entry["shape"], entry["data_offsets"]
        good = (isinstance(dtype, str) and dtype in SIZES and isinstance(shape, list) and len(shape) <= 8
                and all(is_count(d, 2**48) for d in shape)
                and all(math.prod(shape[:i]) < 2**64 for i in range(1, len(shape) + 1))
                and isinstance(offsets, list) and len(offsets) == 2 and all(is_count(o, data_bytes) for o in offsets)
                and offsets[1] - offsets[0] == math.prod(shape) * SIZES[dtype])
    if not good:
        raise Refused(f"tensor {name}")
    return offsets[0], offsets[1] - offsets[0], name


def check_metadata(metadata):
    good = isinstance(metadata, dict) and all(isinstance(value, str) for value in metadata.values())
    if not good or sum(len((key + value).encode()) for key, value in metadata.items()) > 128 * 1024:
        raise Refused("header")


def verdict(data):
    """"ok", or the place at fault."""
    length = struct.unpack("<Q", data[:8])[0] if len(data) >= 8 else 0
    text, rest = data[8 : 8 + length], len(data) - 8 - length
    if not 0 < length <= 2**20 or rest < 0 or text[:1] != b"{" or text.rstrip(b" ")[-1:] != b"}":
        return "header"
    try:
        header, found, end = read_json(text), [], 0
        for name, entry in header.items():
            if name == "__metadata__":
                check_metadata(entry)
            else:
                found.append(read_tensor(name, entry, rest))
        for begin, size, name in sorted(found):
            if begin != end:
                return f"tensor {name}"
            end = begin + size
        return "ok" if end == rest else "header"
    except ValueError:
        return "header"
    except Refused as refused:
        return refused.args[0]
