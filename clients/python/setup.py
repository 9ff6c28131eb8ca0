"""The version, which is that of the whole project: read from meson.build here, from PKG-INFO in an sdist."""

import re
from pathlib import Path

from setuptools import setup

HERE = Path(__file__).resolve().parent
MESON = HERE.parents[1] / "meson.build"


def version() -> str:
    source, pattern = (MESON, r"^  version: '(.+)',$") if MESON.exists() else (HERE / "PKG-INFO", r"^Version: (.+)$")
    found = re.search(pattern, source.read_text(encoding="utf-8"), re.M)
    if not found:
        raise SystemExit(f"{source} names no version")
    return found[1]


setup(version=version())
