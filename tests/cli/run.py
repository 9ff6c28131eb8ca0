"""Runs the command line's cases and tells the outcome as TAP.

A case is NAME.sh, run by bash in an empty directory of its own; what it prints must equal NAME.stdout, NAME.stderr is a
glob for what it says (* and ?, over lines), NAME.exit its exit code. A file that is missing means: nothing,
nothing, 0. Folders say what a case needs: local/ no server, server/ any amfd, stub/ the one in
stub_server.py, whose misbehaviour it orders with `stub`.

    run.py --amf BINARY [--amfd BINARY] [--update] [NAME...]

With --amfd, the cases of server/ run against the real daemon, and only they. --update writes .stdout and .exit as they came.
"""
import argparse
import difflib
import fnmatch
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "support"))
os.environ.setdefault("AMF_BUILD", "")  # daemon.py wants it; here the program is named

import daemon  # noqa: E402
import stub_server  # noqa: E402
from tap import Tap  # noqa: E402

CASES = HERE / "cases"
CASE_LIMIT_S = 120


def read(path, otherwise=""):
    return path.read_text(encoding="utf-8") if path.exists() else otherwise


def start_server(kind, amfd):
    """Something with .url, .token and .close(); None for cases that need no server."""
    if kind == "local":
        return None
    return daemon.Daemon(program=amfd) if amfd else stub_server.Stub()


def environment(amf, directory, server):
    """Nothing of the caller's settings gets in, bar what sanitizers and coverage want."""
    kept = {name: value for name, value in os.environ.items()
            if name.startswith(("ASAN_", "UBSAN_", "LSAN_")) or name == "LLVM_PROFILE_FILE"}
    for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS"):  # a finding must not look like an exit code of the command
        kept[name] = "exitcode=99:halt_on_error=1:" + kept.get(name, "")
    (directory / "bin").mkdir()
    (directory / "bin" / "amf").symlink_to(amf)
    kept.update(PATH=f"{directory / 'bin'}:{HERE / 'bin'}:/usr/bin:/bin", LC_ALL="C", TERM="xterm",
                HOME=str(directory / "home"), PYTHONDONTWRITEBYTECODE="1")
    if server:
        kept.update(AMF_URL=server.url, AMF_TOKEN=server.token)
    return kept


def run_case(script, amf, amfd):
    """(stdout, stderr, exit code)"""
    directory = pathlib.Path(tempfile.mkdtemp(prefix="amf-cli-"))
    server = None
    try:
        for name in ("home", "work"):
            (directory / name).mkdir()
        server = start_server(script.parent.name, amfd)
        done = subprocess.run(["bash", "-u", script], cwd=directory / "work", timeout=CASE_LIMIT_S,
                              env=environment(amf, directory, server), stdin=subprocess.DEVNULL,
                              capture_output=True)
        texts = [text.decode("utf-8", "backslashreplace").replace(str(directory), "TMP")
                 for text in (done.stdout, done.stderr)]
        if server:
            texts = [text.replace(server.url, "URL") for text in texts]
        return texts[0], texts[1], done.returncode
    finally:
        if server:
            server.close()
        shutil.rmtree(directory)


def compare(script, stdout, stderr, code):
    """What differs, as lines."""
    wanted = read(script.with_suffix(".stdout"))
    complaints = list(difflib.unified_diff(wanted.splitlines(), stdout.splitlines(), "wanted stdout", "stdout",
                                           lineterm=""))
    if wanted != stdout and not complaints:
        complaints.append("stdout differs in its last newline")
    glob = read(script.with_suffix(".stderr"))
    if not fnmatch.fnmatchcase(stderr, glob):
        complaints += ["wanted stderr like:", *glob.splitlines(), "got:", *stderr.splitlines()]
    wanted_code = int(read(script.with_suffix(".exit"), "0"))
    if code != wanted_code:
        complaints.append(f"exit code {code}, wanted {wanted_code}")
    return complaints


def update(script, stdout, code):
    for suffix, text in ((".stdout", stdout), (".exit", f"{code}\n" if code else "")):
        if text:
            script.with_suffix(suffix).write_text(text, encoding="utf-8")
        else:
            script.with_suffix(suffix).unlink(missing_ok=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--amf", required=True, type=pathlib.Path)
    parser.add_argument("--amfd", type=pathlib.Path)
    parser.add_argument("--update", action="store_true")
    parser.add_argument("names", nargs="*")
    arguments = parser.parse_args()
    amfd = arguments.amfd.resolve() if arguments.amfd else None
    folders = ["server"] if amfd else ["local", "server", "stub"]
    scripts = [script for folder in folders for script in sorted((CASES / folder).glob("*.sh"))
               if not arguments.names or script.stem in arguments.names]
    tap = Tap()
    for script in scripts:
        try:
            outcome = run_case(script, arguments.amf.resolve(), amfd)
            complaints = compare(script, *outcome)
            if arguments.update:
                update(script, outcome[0], outcome[2])
        except subprocess.TimeoutExpired:
            complaints = [f"not done after {CASE_LIMIT_S} s"]
        tap.check_none(complaints, f"{script.parent.name}/{script.stem}")
    failed = tap.done()
    # Under meson the lines speak; an exit code on top would be read as a crash of the runner.
    return failed if sys.stdout.isatty() else 0


if __name__ == "__main__":
    sys.exit(main())
