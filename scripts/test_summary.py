#!/usr/bin/env python3
"""Adds up the cases of a finished `meson test`: the last line is "N passed, N failed".

    test_summary.py BUILD/meson-logs

Cases come from testlog.junit.xml. That file does not show a test program that died after its last passed
case, so a test that testlog.json calls bad without a failed case counts as one failure, and so does one
that ran no case without saying that it skips.
"""
import collections
import json
import pathlib
import re
import sys
import xml.etree.ElementTree as ElementTree

GOOD = {"OK", "SKIP", "EXPECTEDFAIL"}
# What a test printed is copied into the XML, where most control characters are not allowed.
CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f]")


def case_state(case):
    if case.find("failure") is not None or case.find("error") is not None:
        return "failed"
    return "skipped" if case.find("skipped") is not None else "passed"


def read_cases(path):
    """Per test, by the name testlog.json gives it: its cases as (name, state)."""
    cases = collections.defaultdict(list)
    root = ElementTree.fromstring(CONTROL.sub("", path.read_text(errors="replace").split("?>", 1)[-1]))
    for suite in root.iter("testsuite"):
        # a test with cases is a suite "PROJECT.TEST"; one without is a case in the suite "PROJECT"
        _, dot, test = suite.get("name").partition(".")
        for case in suite.iter("testcase"):
            cases[test if dot else case.get("name")].append((case.get("name"), case_state(case)))
    return cases


def read_tests(path):
    with open(path, encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def ran_nothing(test, states):
    said_so = test["returncode"] == 77 or re.search(r"^1\.\.0 +# *skip", test.get("stdout", ""), re.I | re.M)
    return states == ["skipped"] and test["result"] == "SKIP" and not said_so


def why_skipped(test):
    """Of a test that ran no case and said why, so that it is not overlooked."""
    said = re.search(r"^1\.\.0 +# *skip +(.+)$", test.get("stdout", ""), re.I | re.M)
    return said[1] if said else None


def main():
    logs = pathlib.Path(sys.argv[1])
    count = collections.Counter()
    if not (logs / "testlog.junit.xml").exists() or not (logs / "testlog.json").exists():
        print("no test ran")
        print("0 passed, 1 failed")
        return 1
    cases = read_cases(logs / "testlog.junit.xml")
    for test in read_tests(logs / "testlog.json"):
        found = cases[test["name"]]
        states = [state for _, state in found]
        if ran_nothing(test, states):
            print(f"failed: {test['name']}: ran no case")
            states = ["failed"]
        elif test["result"] not in GOOD and "failed" not in states:
            print(f"failed: {test['name']}: {test['result']}, exit status {test['returncode']}")
            states.append("failed")
        for name, state in found:
            if state == "failed":
                print(f"failed: {test['name']}: {name}")
        if why_skipped(test):
            print(f"!! {test['name']} was skipped: {why_skipped(test)}")
        count.update(states)
    if count["skipped"]:
        print(f"skipped: {count['skipped']}")
    print(f"{count['passed']} passed, {count['failed']} failed")
    return 1 if count["failed"] or not count["passed"] else 0


if __name__ == "__main__":
    sys.exit(main())
