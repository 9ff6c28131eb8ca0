#!/usr/bin/env python3
"""What happened and why: events, decisions, the report, the server's status."""
import unittest.mock

from fixtures import LiveCase, arrays, tap  # first: it knows where the package is

import amf_client


class Events(LiveCase):
    def test_the_log_as_a_list(self):
        events = list(self.project.events())
        self.assertEqual([(event.seq, event.type, event.id) for event in events],
                         [(1, "project_created", self.project.id), (2, "task_put", "pick"), (3, "task_put", "pour")])
        self.assertEqual(events[1].task["instruction"], "pick it")
        self.assertEqual([event.seq for event in self.project.events(2)], [3])

    def test_more_than_a_page(self):
        for number in range(150):
            self.project.tasks.put("pick", weight=number)
        self.assertEqual([event.seq for event in self.project.events()], list(range(1, 154)))

    def test_followed_over_a_restart(self):
        events = self.project.events(follow=True)
        self.assertEqual([next(events).seq for _ in range(3)], [1, 2, 3])
        self.daemon.options = ["--listen", self.daemon.address]
        self.daemon.kill()
        self.daemon.start()
        self.project.tasks.put("pick", weight=2)
        event = next(events)
        self.assertEqual((event.seq, event.type, event.task["weight"]), (4, "task_put", 2))
        (asked,) = self.project.assignments.ask(operator="anna").assignments
        self.assertEqual(next(events).assignment.id, asked.id)
        self.project.delete()
        with self.assertRaises(amf_client.NotFound):
            for event in events:
                self.assertEqual(event.type, "project_deleted")


class Explained(LiveCase):
    def test_decisions_and_the_report(self):
        self.project.demonstrations.add("pick", *arrays(1), duration_s=90)
        self.project.ranking(wait_s=20)
        with self.project.assignment(operator="anna") as task:
            task.complete(*arrays(2), duration_s=30)
        (decision,) = self.project.decisions()
        self.assertEqual((decision.id, decision.task, decision.state), (task.id, task.task, "completed"))
        self.assertEqual(decision, self.project.decision(task.id))
        self.assertEqual(sorted(decision.basis.scores.tasks), ["pick", "pour"])
        self.assertEqual(self.project.ranking(wait_s=20).candidates[0].shares.total, 2)
        report = self.project.report()
        self.assertEqual((report.demonstrations, report.decisions, report.minutes), (2, 1, 2.0))
        self.assertEqual([progress.task for progress in report.tasks], ["pick", "pour"])
        self.assertEqual([one.id for one in report.rounds], [task.id])


class Status(LiveCase):
    def test_all_projects_over_several_pages(self):
        for number in range(3):
            self.client.projects.create(f"p{number}")
        with unittest.mock.patch("amf_client.client.PAGE", 2):
            status = self.client.status()
        self.assertTrue(status.ready)
        self.assertEqual([project.id for project in status.projects], ["p0", "p1", "p2", self.project.id])
        self.assertEqual(status.projects[-1].tasks, 2)


if __name__ == "__main__":
    tap.main()
