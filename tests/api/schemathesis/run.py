#!/usr/bin/env python3
"""Requests made from proto/openapi.yaml against a daemon that holds a little of everything.

    AMF_BUILD=build run.py SCHEMATHESIS REPORT_DIRECTORY [EXAMPLES]

Runs the program SCHEMATHESIS with every check but those that schemathesis.toml names, and a fixed seed. EXAMPLES (default 50) bounds the requests of an operation in
each phase. The last line is "N passed, N failed": operations without and with a violation, and one more failure where the run
or the daemon did not end as it should.
"""
import json
import os
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[2]
sys.path.insert(0, str(ROOT / "tests/support"))
from daemon import Daemon, trajectory  # noqa: E402


def fill(daemon):
    """What the examples of the contract speak of: without it every answer would be 404."""
    daemon.ok("POST", "/v1/projects", {"id": "kitchen"})
    for task in ("pick-banana", "pour-cereal"):
        daemon.ok("PUT", f"/v1/projects/kitchen/tasks/{task}", {})
    for i in range(4):
        daemon.ok("POST", "/v1/projects/kitchen/demonstrations",
                  trajectory(("pick-banana", "pour-cereal")[i % 2], i + 1, state_dim=2, action_dim=1))
    daemon.ok("POST", "/v1/projects/kitchen/assignments", {"operator": "anna"})


def arguments(schemathesis, daemon, reports, examples):
    return [schemathesis, "--config-file", HERE / "schemathesis.toml", "run", ROOT / "proto/openapi.yaml", "--url", daemon.url,
            "--header", f"Authorization: Bearer {daemon.token}", "--continue-on-failure",
            "--phases", "examples,coverage,fuzzing,stateful", "--max-examples", examples, "--generation-deterministic",
            "--workers", "1", "--request-timeout", "30", "--no-color", "--report-json-path", reports / "schemathesis.json"]


def main():
    schemathesis, reports = sys.argv[1], pathlib.Path(sys.argv[2])
    reports.mkdir(parents=True, exist_ok=True)
    report = reports / "schemathesis.json"
    report.unlink(missing_ok=True)
    daemon, ended = Daemon(), True
    try:
        fill(daemon)
        run = subprocess.run([str(a) for a in arguments(schemathesis, daemon, reports, (sys.argv[3:] or ["50"])[0])], cwd=reports,
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env={**os.environ, "NO_COLOR": "1"})
    finally:
        try:
            daemon.close()
        except AssertionError as error:
            print(error)
            ended = False
    (reports / "schemathesis.log").write_text(run.stdout)
    said = json.loads(report.read_text()) if report.exists() else None
    failed = {name for failure in said["failures"] for name in failure["operations"]} if said else set()
    whole = said and said["complete"] and said["operations"]["tested"] == said["operations"]["total"] and not said["errors"]
    if not failed and (run.returncode or not whole):
        failed = {"the run itself"}
    if not ended:
        failed.add("the daemon's end")
    if failed:
        print(run.stdout, *(f"failed: {name}" for name in sorted(failed)), sep="\n")
    if said:
        print(f"{said['test_cases']['generated']} requests")
    print(f"{max(0, (said['operations']['tested'] if said else 0) - len(failed))} passed, {len(failed)} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
