"""kill -9 at random moments: every event that was acknowledged is there afterwards.

    crash_kill.py CRASH_WRITER CRASH_CHECKER [CYCLES]

Positive control: a writer that acknowledges before the commit must be seen to lose something, or
the harness is blind. The moments are seeded; CRASH_SEED gives others.
"""
import os
import random
import shutil
import sys
import tempfile

from harness import Finding, Verdict, Writer, lost, stored

THREADS = 8
EARLY_CYCLES_MAX = 60  # ends with the first loss, as a rule at once
CYCLES_PER_DIRECTORY = 5  # later cycles recover a database that has been killed before


def run(writer_program, checker, mode, cycles, rnd):
    """Number of promises, and lines on what was lost or wrong. Mode early stops at the first."""
    promises, findings = 0, []
    with tempfile.TemporaryDirectory(prefix="amf-crash-") as folder:
        data = os.path.join(folder, "data")
        promised = {}
        for cycle in range(cycles):
            if cycle % CYCLES_PER_DIRECTORY == 0:
                shutil.rmtree(data, ignore_errors=True)
                promised = {}
            writer = Writer(writer_program, data, THREADS, mode)
            writer.wait_for_promises(1 + rnd.randrange(2000))
            new, errors = writer.kill()
            promises += len(new)
            promised.update(new)
            if errors:
                findings.append(f"cycle {cycle}: {errors}")
            try:
                missing = lost(promised, stored(checker, data))
            except Finding as finding:
                findings.append(f"cycle {cycle}: {finding}")
                break
            if missing:
                findings.append(f"cycle {cycle}: {len(missing)} lost, such as {missing[0]}")
                if mode == "early":
                    break
    return promises, findings


def main():
    writer, checker = sys.argv[1:3]
    cycles = int(sys.argv[3]) if len(sys.argv) > 3 else 30
    seed = int(os.environ.get("CRASH_SEED", "1"))
    verdict = Verdict()
    promises, findings = run(writer, checker, "durable", cycles, random.Random(seed))
    print(f"seed {seed}: {cycles} kills, {promises} acknowledged, {len(findings)} findings")
    verdict.check(
        not findings,
        "nothing acknowledged is lost by kill -9, and the database is sound",
        findings,
    )
    verdict.check(promises >= cycles, "the writer was busy when it was killed")
    _, findings = run(writer, checker, "early", EARLY_CYCLES_MAX, random.Random(seed))
    verdict.check(
        any("lost" in line for line in findings),
        "a writer that acknowledges too early is caught",
        ["nothing was lost: the harness cannot see loss"],
    )
    return verdict.exit_status()


if __name__ == "__main__":
    sys.exit(main())
