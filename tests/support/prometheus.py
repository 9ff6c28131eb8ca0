"""The text format of Prometheus (0.0.4), read strictly: what a lenient reader would forgive is an error here."""
import math
import re

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
SAMPLE = re.compile(rf"({NAME})(?:\{{(.*)\}})? (\S+)")
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(,|$)')
NUMBER = re.compile(r"[+-]?(\d+(\.\d+)?(e[+-]?\d+)?|Inf)|NaN")
SUFFIXES = {"histogram": ("_bucket", "_sum", "_count"), "counter": ("",), "gauge": ("",)}


class Malformed(Exception):
    pass


def _labels(text):
    found, at = {}, 0
    while text and at < len(text):
        match = LABEL.match(text, at)
        if not match or match[1] in found:
            raise Malformed(f"labels {text!r}")
        found[match[1]] = re.sub(r"\\(.)", lambda m: {"n": "\n"}.get(m[1], m[1]), match[2])
        at = match.end()
    return found


def _check_histogram(name, samples):
    series = {}
    for (sample, labels), value in samples.items():
        key = tuple(item for item in labels if item[0] != "le")
        kind = series.setdefault(key, {"buckets": []})
        if sample.endswith("_bucket"):
            kind["buckets"].append((dict(labels)["le"], value))
        else:
            kind[sample.removeprefix(name)] = value
    for key, kind in series.items():
        bounds = [float(bound.replace("+Inf", "inf")) for bound, _ in kind["buckets"]]
        counts = [count for _, count in kind["buckets"]]
        if (bounds != sorted(set(bounds)) or bounds[-1] != math.inf or counts != sorted(counts)
                or counts[-1] != kind["_count"] or kind["_sum"] < 0):
            raise Malformed(f"{name} {key}: {kind}")


def parse(text):
    """{(name, ((label, value), ...)): number}; and the types of the families."""
    if not text.endswith("\n"):
        raise Malformed("the last line has no end")
    families, types, family, samples = {}, {}, None, {}
    for line in text.split("\n")[:-1]:
        if line.startswith("# HELP "):
            family = line.split(" ", 3)[2]
            if not re.fullmatch(NAME, family) or family in families or len(line.split(" ", 3)) < 4:
                raise Malformed(line)
            families[family] = {}
        elif line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            if name != family or families[family] or name in types or kind not in SUFFIXES:
                raise Malformed(line)
            if (kind == "counter") != name.endswith("_total"):
                raise Malformed(f"{name} is a {kind}")
            types[name] = kind
        else:
            match = SAMPLE.fullmatch(line)
            if not match or not NUMBER.fullmatch(match[3]) or family not in types:
                raise Malformed(line)
            if match[1] not in [family + suffix for suffix in SUFFIXES[types[family]]]:
                raise Malformed(f"{match[1]} in the family {family}")
            key = match[1], tuple(sorted(_labels(match[2]).items()))
            if key in samples:
                raise Malformed(f"twice: {line}")
            samples[key] = families[family][key] = float(match[3].replace("Inf", "inf"))
    for name, kind in types.items():
        if kind == "histogram":
            _check_histogram(name, families[name])
    return samples, types
