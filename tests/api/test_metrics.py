"""/metrics: the format, held to strictly, and that the numbers are those of what was done."""
import math
import os
import re
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import prometheus
import tap
from daemon import Daemon, trajectory, wait_until
from events import Stream

ROOT = os.path.join(os.path.dirname(__file__), "..", "..")


class Case(unittest.TestCase):
    def setUp(self):
        self.daemon = Daemon()

    def tearDown(self):
        self.daemon.close()

    def read(self):
        answer = self.daemon.request("GET", "/metrics")
        self.assertEqual((answer.status, answer.headers["Content-Type"]), (200, "text/plain; version=0.0.4; charset=utf-8"))
        return prometheus.parse(answer.body.decode())

    def value(self, name, **labels):
        return self.read()[0].get((name, tuple(sorted(labels.items()))))

    def comes_to(self, expected, name, **labels):
        """What is counted is counted once the answer has gone, so perhaps after it was read."""
        wait_until(lambda: self.value(name, **labels) == expected)


class Counts(Case):
    def test_what_was_done_is_counted(self):
        daemon, at = self.daemon, "/v1/projects/p"
        daemon.ok("POST", "/v1/projects", {"id": "p"})
        for task in ("a", "b", "c"):
            daemon.ok("PUT", f"{at}/tasks/{task}", {})
        for i in range(4):
            daemon.ok("POST", f"{at}/demonstrations", trajectory("a", i))
        daemon.ok("POST", f"{at}/assignments", {"operator": "anna"})
        daemon.ok("GET", f"{at}/ranking?wait_s=30")
        for _ in range(2):
            self.assertEqual(daemon.request("GET", f"{at}/tasks/none").status, 404)
        self.assertEqual(daemon.request("GET", "/v1/projects/p/strange/path").status, 404)
        route = "/v1/projects/{project}"
        for expected, method, template, status in (
                (1, "POST", "/v1/projects", "201"), (3, "PUT", route + "/tasks/{task}", "201"),
                (4, "POST", route + "/demonstrations", "201"), (1, "POST", route + "/assignments", "201"),
                (2, "GET", route + "/tasks/{task}", "404"), (1, "other", "other", "404")):
            self.comes_to(expected, "amf_http_requests_total", method=method, route=template, status=status)
            if expected > 1:
                self.comes_to(expected, "amf_http_request_seconds_count", method=method, route=template)
        self.assertEqual(self.value("amf_project_events", project="p"), 9)
        self.assertEqual(self.value("amf_project_tasks", project="p"), 3)
        self.assertEqual(self.value("amf_project_demonstrations", project="p"), 4)
        self.assertEqual(self.value("amf_project_open_assignments", project="p"), 1)
        self.assertEqual(self.value("amf_project_ranking_age_seconds", project="p"), 0)
        self.assertEqual(self.value("amf_projects"), 1)
        self.assertEqual(self.value("amf_store_group_writes_sum"), 9)
        self.assertEqual(self.value("amf_store_commit_seconds_count"), self.value("amf_store_group_writes_count"))
        self.assertEqual(self.value("amf_store_queued_writes"), 0)
        self.assertEqual(self.value("amf_store_latched"), 0)
        self.assertGreater(self.value("amf_ranking_seconds_count"), 0)
        self.assertGreater(self.value("amf_ranking_stage_seconds_total", stage="posterior"), 0)
        self.assertGreater(self.value("amf_store_bytes", file="database") + self.value("amf_store_bytes", file="log"), 50000)
        self.assertGreater(self.value("amf_store_free_bytes"), 0)
        self.assertEqual(self.value("amf_http_requests_in_flight"), 1)  # the one that asks

    def test_an_operator_who_polls_writes_nothing(self):
        self.daemon.ok("POST", "/v1/projects", {"id": "polled"}, status=201)
        self.daemon.ok("PUT", "/v1/projects/polled/tasks/a", {}, status=201)
        given = self.daemon.ok("POST", "/v1/projects/polled/assignments", {"operator": "anna"}, status=201)
        commits = self.value("amf_store_commit_seconds_count")
        for _ in range(5):
            again = self.daemon.ok("POST", "/v1/projects/polled/assignments", {"operator": "anna"})
            self.assertEqual(again["assignments"], given["assignments"])
        self.assertEqual(self.value("amf_store_commit_seconds_count"), commits)
        self.daemon.ok("POST", "/v1/projects/polled/assignments", {"operator": "boris"}, status=201)
        self.assertEqual(self.value("amf_store_commit_seconds_count"), commits + 1)

    def test_who_waits_and_who_follows(self):
        self.daemon.ok("POST", "/v1/projects", {"id": "p"})
        streams = [Stream(self.daemon, "p") for _ in range(3)]
        waiting = [Stream(self.daemon, "p", query="?after=1&wait_s=30", accept="application/json") for _ in range(2)]
        self.comes_to(3, "amf_http_streams")
        self.comes_to(2, "amf_http_waiting")
        self.comes_to(1, "amf_http_requests_in_flight")
        self.assertEqual(self.value("amf_http_streams_max"), 2560)
        self.daemon.ok("PUT", "/v1/projects/p/tasks/a", {})
        self.comes_to(0, "amf_http_waiting")
        self.comes_to(2, "amf_http_requests_total", method="GET", route="/v1/projects/{project}/events", status="200")
        self.assertIsNone(self.value("amf_http_request_seconds_count", method="GET", route="/v1/projects/{project}/events"))
        for stream in streams + waiting:
            stream.close()
        self.comes_to(0, "amf_http_streams")
        self.comes_to(5, "amf_http_requests_total", method="GET", route="/v1/projects/{project}/events", status="200")

    def test_series_do_not_grow_with_what_is_asked_for(self):
        for i in range(50):
            self.daemon.request("GET", f"/v1/projects/p{i}/tasks/t{i}?x={i}")
            self.daemon.request("GET", f"/{i}")
        before = len(self.read()[0])
        for i in range(50, 100):
            self.daemon.request("GET", f"/v1/projects/p{i}/tasks/t{i}")
            self.daemon.request("GET", f"/{i}")
        self.read()
        self.assertLessEqual(len(self.read()[0]), before + 20)  # asking for figures is a route, too

    def test_projects_beyond_the_hundredth_are_counted_only(self):
        for i in range(105):
            self.daemon.ok("POST", "/v1/projects", {"id": f"p{i:03}"})
        samples, _ = self.read()
        self.assertEqual(samples["amf_projects", ()], 105)
        named = [labels[0][1] for name, labels in samples if name == "amf_project_events"]
        self.assertEqual(named, [f"p{i:03}" for i in range(100)])

    def test_the_process_and_what_it_is_made_of(self):
        samples, types = self.read()
        with open(f"/proc/{self.daemon.process.pid}/status", encoding="ascii") as file:
            resident = next(int(line.split()[1]) * 1024 for line in file if line.startswith("VmRSS"))
        self.assertLess(abs(math.log(samples["process_resident_memory_bytes", ()] / resident)), 0.5)
        self.assertGreater(samples["process_open_fds", ()], 5)
        self.assertGreater(samples["process_start_time_seconds", ()], 1.6e9)
        version = self.daemon.ok("GET", "/version")
        labels = {key: version[key] for key in ("version", "blas_core", "sqlite", "microhttpd")}
        self.assertEqual(samples["amf_build_info", tuple(sorted(labels.items()))], 1)
        with open(os.path.join(ROOT, "docs", "operations.md"), encoding="utf-8") as file:
            told = set(re.findall(r"`((?:amf|process)_[a-z_]+)", file.read()))
        self.assertEqual(sorted(told), sorted(types), "docs/operations.md has every metric")


class Doors(Case):
    def test_readers_of_everything_may_look(self):
        self.daemon.ok("POST", "/v1/projects", {"id": "p"})
        for role, project, status in (("reader", None, 200), ("admin", None, 200), ("operator", None, 403), ("robot", None, 403),
                                      ("reader", "p", 403)):
            made = self.daemon.ok("POST", "/v1/tokens", {"name": f"{role}-{project}", "role": role, "project": project})
            answer = self.daemon.request("GET", "/metrics", headers={"Authorization": f"Bearer {made['token']}"})
            self.assertEqual(answer.status, status, (role, project))
        self.assertEqual(self.daemon.request("GET", "/metrics", token=False).status, 401)

    def test_what_prometheus_sends_is_accepted(self):
        accept = "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3,*/*;q=0.1"
        self.assertEqual(self.daemon.request("GET", "/metrics", headers={"Accept": accept}).status, 200)
        self.assertEqual(self.daemon.request("GET", "/metrics", headers={"Accept": "application/json"}).status, 406)


if __name__ == "__main__":
    tap.main()
