"""Test Anything Protocol for the Python tests: standard library only.

main() runs the unittest cases of the calling program, one line a test method. Tap is for checks that are no
test methods: tap.check(length == 225, "225 files", f"found {length}"), and sys.exit(tap.done()) at the end.
"""
import io
import sys
import traceback
import unittest


class TapResult(unittest.TestResult):
    def __init__(self):
        super().__init__()
        self.count = 0

    def _line(self, ok, test, note=""):
        self.count += 1
        name = f"{type(test).__name__}.{getattr(test, '_testMethodName', test)}"
        print(f"{'ok' if ok else 'not ok'} {self.count} - {name}{note}", flush=True)

    def addSuccess(self, test):
        super().addSuccess(test)
        self._line(True, test)

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self._line(True, test, f" # SKIP {reason}")

    def _failed(self, test, error):
        self._line(False, test)
        text = io.StringIO()
        traceback.print_exception(*error, file=text)
        print("# " + text.getvalue().rstrip().replace("\n", "\n# "), flush=True)

    def addFailure(self, test, error):
        super().addFailure(test, error)
        self._failed(test, error)

    def addError(self, test, error):
        super().addError(test, error)
        self._failed(test, error)

    def addSubTest(self, test, subtest, error):
        super().addSubTest(test, subtest, error)
        if error:
            print(f"# {subtest}", flush=True)
            self._failed(test, error)


def main():
    """Runs every test of the calling program; the exit code is 0 because the TAP lines speak."""
    suite = unittest.defaultTestLoader.loadTestsFromModule(sys.modules["__main__"])
    result = TapResult()
    suite.run(result)
    print(f"1..{result.count}", flush=True)


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
            # on standard error, which meson shows of a test that failed
            for line in str(detail).splitlines():
                print(f"# {line}", file=sys.stderr)
        sys.stdout.flush()
        return passed

    def check_none(self, findings, name):
        """One case that passes when `findings`, a list of lines, is empty."""
        return self.check(not findings, name, "\n".join(findings))

    def done(self):
        """Prints the plan; the exit status of the whole."""
        print(f"1..{self.count}")
        return 1 if self.failed or not self.count else 0
