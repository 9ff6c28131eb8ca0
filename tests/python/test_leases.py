#!/usr/bin/env python3
"""An assignment as a `with` block: renewed meanwhile, and ended in every case."""
import logging

from fixtures import LiveCase, arrays, tap, wait_until  # first: it knows where the package is


class Leases(LiveCase):
    def state(self, task):
        return self.project.assignments.get(task.id).state

    def test_it_is_renewed_meanwhile(self):
        with self.project.assignment(operator="anna", lease_s=3) as task:
            first = task.assignment
            wait_until(lambda: task.assignment.expires_at > first.expires_at)
            self.assertGreater(task.assignment.fence, first.fence)
            wait_until(lambda: (task.assignment.expires_at - first.expires_at).total_seconds() > 1.5)
            done = task.complete(*arrays(1))
        self.assertTrue(done.credited)
        self.assertEqual(self.project.demonstrations.get(done.demonstration.id).assignment, task.id)

    def test_a_failed_attempt_with_its_recording(self):
        with self.project.assignment(operator="anna") as task:
            self.project.demonstrations.add(task.task, *arrays(1), success=False, assignment=task.id)
            task.fail("it fell")
        self.assertEqual(self.project.assignments.get(task.id).reason, "it fell")

    def test_a_block_that_says_nothing_releases(self):
        with self.project.assignment(operator="anna") as task:
            pass
        self.assertEqual(self.state(task), "released")

    def test_every_exception_releases(self):
        for kind in (ZeroDivisionError, KeyboardInterrupt, SystemExit):
            with self.assertRaises(kind):
                with self.project.assignment(operator="anna") as task:
                    raise kind
            self.assertEqual(self.state(task), "released")

    def test_the_block_says_how_it_ends(self):
        for end, state in (("skip", "skipped"), ("fail", "failed"), ("release", "released")):
            with self.project.assignment(operator="anna") as task:
                ended = getattr(task, end)()
            self.assertEqual((ended.state, self.state(task)), (state, state))
            self.assertTrue(task.over)
        with self.project.assignment(operator="ben") as task:
            ended = task.skip("never", "no cereal left")
        self.assertEqual((ended.to, ended.reason), ("never", "no cereal left"))

    def test_one_that_was_asked_for_before_is_given_its_time_at_once(self):
        (first,) = self.project.assignments.ask(operator="anna", lease_s=2).assignments
        with self.project.assignment(operator="anna", lease_s=600) as task:
            self.assertEqual(task.id, first.id)
            wait_until(lambda: (task.assignment.expires_at - first.expires_at).total_seconds() > 500)

    def test_what_comes_after_the_end_is_stored_without_credit(self):
        with self.project.assignment(operator="anna", lease_s=600) as task:
            self.project.assignments.release(task.id, task.assignment.fence)
            done = task.complete(*arrays(1))
        self.assertEqual((done.credited, done.assignment.state), (False, "released"))
        self.assertIn("released", done.reason)
        self.assertEqual(len(list(self.project.demonstrations.list())), 1)

    def test_one_that_somebody_ended_is_over_with_the_next_renewal(self):
        with self.project.assignment(operator="anna", lease_s=2) as task:
            self.project.assignments.release(task.id, task.assignment.fence)
            wait_until(lambda: task.over)

    def test_renewals_outlast_a_daemon_that_is_gone_for_a_while(self):
        logging.disable(logging.WARNING)
        self.addCleanup(logging.disable, logging.NOTSET)
        with self.project.assignment(operator="anna", lease_s=3) as task:
            fence = task.assignment.fence
            self.daemon.options = ["--listen", self.daemon.address]
            self.daemon.kill()
            self.daemon.start()
            wait_until(lambda: task.assignment.fence > fence)
            self.assertTrue(task.complete(*arrays(1)).credited)


if __name__ == "__main__":
    tap.main()
