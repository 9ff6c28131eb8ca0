#!/usr/bin/env python3
"""The distribution: what it is built into without a network, and what mypy and ruff say of it."""
import ast
import email
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import unittest
import zipfile
from pathlib import Path

from fixtures import PACKAGE, ROOT, tap  # first: it knows where the package is

# Beside the environment: what mypy made of its libraries, above all of torch, serves both tests, for which
# they give the same options, and the next run.
MYPY_CACHE = Path(os.environ["AMF_BUILD"], "python", "mypy-cache")
VERSION = re.search(r"^  version: '(.+)',$", (ROOT / "meson.build").read_text(), re.M)[1]


def run(*command, cwd=PACKAGE, **environment):
    done = subprocess.run(command, cwd=cwd, env={**os.environ, **environment}, text=True, capture_output=True, check=False)
    return done.returncode, done.stdout + done.stderr


class Distribution(unittest.TestCase):
    """Built from a copy of the folder where it lies, because setuptools leaves traces in what it builds."""

    @classmethod
    def setUpClass(cls):
        cls.folder = Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        copy = cls.folder / "clients" / "python"
        shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
        for name in ("meson.build", "LICENSE"):
            shutil.copy(ROOT / name, cls.folder)
        code, text = run("/usr/bin/python3", "-m", "build", "--no-isolation", "--outdir", cls.folder / "dist", cwd=copy)
        if code:
            raise AssertionError(text)
        cls.wheel = cls.folder / "dist" / f"amf_client-{VERSION}-py3-none-any.whl"
        (cls.sdist,) = (cls.folder / "dist").glob(f"amf?client-{VERSION}.tar.gz")  # - or _ by the age of setuptools

    def test_the_wheel_holds_the_package_and_nothing_else(self):
        with zipfile.ZipFile(self.wheel) as wheel:
            names = {name for name in wheel.namelist() if ".dist-info/" not in name}
            about = next(wheel.read(name).decode() for name in wheel.namelist() if name.endswith("/METADATA"))
            licences = [name for name in wheel.namelist() if name.endswith("LICENSE")]
        here = PACKAGE / "src"
        sources = {str(path.relative_to(here)) for path in here.rglob("*") if path.is_file() and path.suffix != ".pyc"}
        self.assertEqual(names, sources)
        self.assertIn("amf_client/py.typed", names)
        self.assertEqual(len(licences), 1)
        fields = email.message_from_string(about)
        self.assertEqual((fields["Name"], fields["Version"], fields["Requires-Python"]), ("amf-client", VERSION, ">=3.10"))
        needed = sorted(re.split(r"[ (<>=]", line)[0] for line in fields.get_all("Requires-Dist") if "extra ==" not in line)
        self.assertEqual(needed, ["httpx", "numpy", "safetensors"])

    def test_the_sdist_builds_the_same_wheel(self):
        with tempfile.TemporaryDirectory() as folder:
            with tarfile.open(self.sdist) as archive:
                archive.extractall(folder)
            code, text = run("/usr/bin/python3", "-m", "build", "--no-isolation", "--wheel", "--outdir", folder,
                             cwd=next(Path(folder).iterdir()))
            self.assertEqual(code, 0, text)
            with zipfile.ZipFile(self.wheel) as here, zipfile.ZipFile(Path(folder, self.wheel.name)) as there:
                self.assertEqual({entry.filename: entry.CRC for entry in here.infolist() if "RECORD" not in entry.filename},
                                 {entry.filename: entry.CRC for entry in there.infolist() if "RECORD" not in entry.filename})

    def test_what_is_installed_knows_its_version(self):
        with tempfile.TemporaryDirectory() as folder:
            with zipfile.ZipFile(self.wheel) as wheel:
                wheel.extractall(folder)
            code, text = run(sys.executable, "-c", "import amf_client; print(amf_client.__version__)", PYTHONPATH=folder)
            self.assertEqual((code, text), (0, f"{VERSION}\n"))


class Source(unittest.TestCase):
    def test_mypy_strict(self):
        code, text = run(sys.executable, "-m", "mypy", "--cache-dir", MYPY_CACHE)
        self.assertEqual(code, 0, text)

    def test_users_are_checked_against_the_types(self):
        """A typing error in a program that uses the package is found: py.typed is there and says something."""
        program = ("import amf_client\n"
                   "project = amf_client.Client().project('kitchen')\n"
                   "project.tasks.put('pick', weigth=2)\n"
                   "project.update(kernel={'kind': 'rbff'})\n"
                   "reveal_type(project.ranking().candidates[0].gain)\n")
        with tempfile.TemporaryDirectory() as folder:
            Path(folder, "program.py").write_text(program)
            code, text = run(sys.executable, "-m", "mypy", "--strict", "--python-version", "3.10", "--warn-unreachable",
                             "--cache-dir", MYPY_CACHE, "program.py", cwd=folder, MYPYPATH=str(PACKAGE / "src"))
        self.assertEqual(code, 1, text)
        for said in ('program.py:3: error: Unexpected keyword argument "weigth"', "program.py:4: error:",
                     'Revealed type is "float | None"'):
            self.assertIn(said, text)

    def test_ruff(self):
        for what in (("check",), ("format", "--check")):
            code, text = run(sys.executable, "-m", "ruff", *what, "--no-cache", ".")
            self.assertEqual(code, 0, text)

    def test_it_reads_as_python_3_10(self):
        for path in (PACKAGE / "src").rglob("*.py"):
            ast.parse(path.read_text(), feature_version=(3, 10))

    def test_lists_of_versions_agree(self):
        """What is written in requirements.in is what requirements.txt pins."""
        here = ROOT / "tests" / "python"
        pinned = set(re.findall(r"^(\S+==\S+)", (here / "requirements.txt").read_text(), re.M))
        self.assertLessEqual(set((here / "requirements.in").read_text().split()), pinned)


if __name__ == "__main__":
    tap.main()
