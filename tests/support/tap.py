"""Test Anything Protocol for the Python tests: standard library only.

    tap = Tap()
    tap.check(length == 225, "225 files", f"found {length}")
    sys.exit(tap.done())
"""
import sys


class Tap:
    def __init__(self):
        self.count = 0
        self.failed = 0

    def check(self, passed, name, detail=""):
        """One case. `detail`, shown only when it failed, says what was found instead."""
        self.count += 1
        self.failed += not passed
        print(f"{'ok' if passed else 'not ok'} {self.count} - {name.replace('#', '')}")
        if not passed:
            for line in str(detail).splitlines():
                print(f"# {line}")
        sys.stdout.flush()
        return passed

    def check_none(self, findings, name):
        """One case that passes when `findings`, a list of lines, is empty."""
        return self.check(not findings, name, "\n".join(findings))

    def done(self):
        """Prints the plan; the exit status of the whole."""
        print(f"1..{self.count}")
        return 1 if self.failed or not self.count else 0
