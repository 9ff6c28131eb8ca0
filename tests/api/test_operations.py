"""What the person on call relies on: the log, the status, how the daemon ends."""
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import tap
from daemon import AMF, Daemon, trajectory, wait_until

LEVELS = ("debug", "info", "warning", "error")
TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"


def raw(daemon, data):
    """Sends bytes as they are; all that comes back."""
    host, port = daemon.address.split(":")
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: connection.recv(65536), b""))


class Log(unittest.TestCase):
    def run_daemon(self, *options):
        daemon = Daemon(options=options)
        self.addCleanup(daemon.close)
        return daemon

    def lines(self, daemon):
        """Stops the daemon first, so that the log is whole."""
        daemon.stop()
        with open(os.path.join(daemon.data, "log"), "rb") as log:
            content = log.read()
        self.assertTrue(content.endswith(b"\n"))
        for line in content[:-1].split(b"\n"):
            self.assertLess(len(line), 4096)
            self.assertTrue(all(0x20 <= byte < 0x7f for byte in line), line)
        return content.decode().splitlines()

    def test_a_line_of_json_for_each_request_with_what_happened(self):
        daemon = self.run_daemon("--log-format", "json")
        daemon.ok("POST", "/v1/projects", {"id": "kitchen"})
        secret = daemon.ok("POST", "/v1/tokens", {"name": "anna", "role": "operator", "project": "kitchen"})["token"]
        anna = {"Authorization": f"Bearer {secret}"}
        asked = daemon.request("GET", "/v1/projects/kitchen/tasks/none?", headers=anna)
        lines = [json.loads(line) for line in self.lines(daemon)]
        for line in lines:
            self.assertRegex(line["time"], f"^{TIME}$")
            self.assertIn(line["level"], LEVELS)
            self.assertTrue(line["what"])
        line = next(line for line in lines if line.get("name") == "anna" and line["what"] == "request")
        self.assertEqual(asked.status, 404)
        self.assertEqual(asked.json["request_id"], asked.headers["X-Request-Id"])
        self.assertGreaterEqual(line["ms"], 0)
        self.assertEqual({key: value for key, value in line.items() if key not in ("time", "ms")}, {
            "level": "info", "what": "request", "method": "GET", "path": "/v1/projects/kitchen/tasks/none",
            "route": "/v1/projects/{project}/tasks/{task}", "status": 404, "bytes": len(asked.body),
            "token": "t0000000001", "name": "anna", "project": "kitchen", "request_id": asked.headers["X-Request-Id"]})
        self.assertEqual([line["what"] for line in lines if line["what"] != "request"],
                         ["started", "token made", "stopping", "stopped"])

    def test_text_is_the_same_for_people(self):
        daemon = self.run_daemon()
        asked = daemon.request("GET", "/v1/projects")
        line = next(line for line in self.lines(daemon) if " request " in line)
        self.assertRegex(line, f"^{TIME} info    request method=GET path=/v1/projects route=/v1/projects status=200 "
                               f"bytes={len(asked.body)} ms=\\d+ token=t0000000000 name=admin "
                               f"request_id={asked.headers['X-Request-Id']}$")

    def test_nothing_a_client_sends_breaks_out_of_its_line(self):
        for form in ("text", "json"):
            daemon = self.run_daemon("--log-format", form)
            token = daemon.token
            paths = ["/%0a%0d%1b[31m", "/v1/projects/\x1b]0;x\x07", "/\\n\\x1b", '/"status=200"', "/a=b", "/\u202e", "/" + "x" * 3000,
                     "/v1/projects/\xff\xfe"]
            for path in paths:
                raw(daemon, f"GET {path} HTTP/1.1\r\nHost: t\r\n\r\n".encode("utf-8", "replace"))
                raw(daemon, f"GET {path} HTTP/1.1\r\nHost: t\r\n\r\n".encode("latin-1", "replace"))
            raw(daemon, b"G\x1bT / HTTP/1.1\r\nHost: t\r\n\r\n")
            daemon.request("POST", "/v1/projects", {"id": "kitchen", "title": "body text"})
            daemon.request("GET", f"/v1/projects/{token}?limit=query-text")
            lines = self.lines(daemon)
            self.assertGreaterEqual(sum("request" in line for line in lines), 2 * len(paths))
            for text in (token, "body text", "query-text"):
                self.assertFalse([line for line in lines if text in line])
            if form == "json":
                self.assertTrue(all(json.loads(line)["what"] for line in lines))

    def test_the_level_says_what_is_worth_a_line(self):
        counts = {}
        for level in LEVELS:
            daemon = self.run_daemon("--log-level", level)
            daemon.request("GET", "/healthz")
            daemon.request("GET", "/v1/projects")
            daemon.request("GET", "/healthz?no=such")  # a probe that goes wrong is worth one
            lines = self.lines(daemon) if level in ("debug", "info") else daemon.stop() or []
            # in the order in which they ended
            counts[level] = sorted(re.search("path=(\\S+)", line)[1] for line in lines if " request " in line)
            if level in ("warning", "error"):
                self.assertEqual(os.path.getsize(os.path.join(daemon.data, "log")), 0)
        self.assertEqual(counts["debug"], ["/healthz", "/healthz", "/v1/projects"])
        self.assertEqual(counts["info"], ["/healthz", "/v1/projects"])

    def test_a_start_that_fails_is_json_too(self):
        daemon = self.run_daemon()
        second = subprocess.run([daemon.program, "--data", os.path.join(daemon.data, "d"), "--listen", "127.0.0.1:0",
                                 "--log-format", "json"], capture_output=True, text=True, timeout=30)
        said = json.loads(second.stderr)
        self.assertEqual((second.returncode, said["level"], said["what"]), (1, "error", "cannot start"))
        self.assertIn("in use", said["reason"])


class Status(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.daemon = Daemon()
        for project in ("kitchen", "lab", "store"):
            cls.daemon.ok("POST", "/v1/projects", {"id": project})
        cls.daemon.ok("PUT", "/v1/projects/kitchen/tasks/a", {})
        for seed in range(3):
            cls.daemon.ok("POST", "/v1/projects/kitchen/demonstrations", trajectory("a", seed))
        cls.daemon.ok("POST", "/v1/projects/kitchen/assignments", {"operator": "anna"})

    @classmethod
    def tearDownClass(cls):
        cls.daemon.close()

    def status(self, query="", **token):
        headers = {}
        if token:
            made = self.daemon.ok("POST", "/v1/tokens", {"name": self.id()[-40:], **token})
            headers = {"Authorization": f"Bearer {made['token']}"}
        return self.daemon.ok("GET", "/v1/status" + query, headers=headers)

    def test_the_numbers_of_a_project(self):
        seq = self.daemon.ok("GET", "/v1/projects/kitchen")["seq"]
        self.daemon.ok("GET", "/v1/projects/kitchen/ranking?wait_s=20")
        status = self.status()
        self.assertEqual((status["ready"], status["reason"], status["latched"], status["draining"]), (True, None, False, False))
        self.assertEqual(status["version"], self.daemon.ok("GET", "/version")["version"])
        self.assertGreaterEqual(status["connections"], 1)
        self.assertGreater(status["uptime_s"], 0)
        self.assertEqual(status["projects"][0], {
            "id": "kitchen", "seq": seq, "tasks": 1, "demonstrations": 3, "open_assignments": 1, "ranking_seq": seq,
            "ranking_age_s": 0, "provisional": status["projects"][0]["provisional"]})
        folder = os.path.join(self.daemon.data, "d")
        self.assertEqual(status["data"]["directory"], os.path.realpath(folder))
        self.assertEqual(status["data"]["database_bytes"], os.path.getsize(os.path.join(folder, "amf.db")))
        self.assertGreater(status["data"]["free_bytes"], 0)

    def test_a_token_sees_what_it_may(self):
        reader = self.status(role="reader")
        self.assertEqual([project["id"] for project in reader["projects"]], ["kitchen", "lab", "store"])
        self.assertEqual(reader["data"]["directory"], None)
        self.assertGreater(reader["data"]["free_bytes"], 0)

    def test_a_token_of_one_project_sees_that_one(self):
        one = self.status(role="robot", project="lab")
        self.assertEqual([project["id"] for project in one["projects"]], ["lab"])
        self.assertIsNone(one["data"])

    def test_pages(self):
        first = self.status("?limit=2")
        rest = self.status(f"?limit=2&cursor={first['next_cursor']}")
        self.assertEqual([project["id"] for page in (first, rest) for project in page["projects"]], ["kitchen", "lab", "store"])
        self.assertIsNone(rest["next_cursor"])

    def test_the_command_says_it_in_lines_and_by_its_exit_code(self):
        env = {**os.environ, "AMF_URL": self.daemon.url, "AMF_TOKEN": self.daemon.token}
        run = subprocess.run([AMF, "server", "status"], capture_output=True, text=True, timeout=30, env=env)
        self.assertEqual((run.returncode, run.stderr), (0, ""))
        self.assertIn("free on the disk", run.stdout)
        self.assertRegex(run.stdout, r"(?m)^kitchen +3 +1 +\d+ ")


class End(unittest.TestCase):
    """SIGTERM: what is under way is finished, nothing new begins, and everybody who asks is told."""

    def setUp(self):
        self.daemon = Daemon()
        self.addCleanup(self.daemon.close)
        self.daemon.ok("POST", "/v1/projects", {"id": "kitchen"})
        self.daemon.ok("PUT", "/v1/projects/kitchen/tasks/a", {})

    def half_sent(self):
        """A demonstration of which the daemon has the headers and the first half: (connection, the other half)."""
        body = json.dumps(trajectory("a", 1)).encode()
        connection = http.client.HTTPConnection(self.daemon.address, timeout=60)
        connection.putrequest("POST", "/v1/projects/kitchen/demonstrations")
        for name, value in (("Authorization", f"Bearer {self.daemon.token}"), ("Content-Type", "application/json"),
                            ("Content-Length", str(len(body)))):
            connection.putheader(name, value)
        connection.endheaders(body[:100])
        self.addCleanup(connection.close)
        # The request counts as under way once the daemon has read its first line.
        wait_until(lambda: self.daemon.ok("GET", "/v1/status")["connections"] >= 2)
        return connection, body[100:]

    def refuses(self):
        host, port = self.daemon.address.split(":")
        try:
            socket.create_connection((host, int(port)), timeout=30).close()
        except ConnectionRefusedError:
            return True
        return False

    def test_requests_under_way_are_finished_and_readyz_says_draining(self):
        watcher = http.client.HTTPConnection(self.daemon.address, timeout=60)
        self.addCleanup(watcher.close)
        watcher.request("GET", "/readyz")
        self.assertEqual(watcher.getresponse().read() and 200, 200)
        connection, rest = self.half_sent()
        watcher.request("GET", "/v1/projects/kitchen/ranking?wait_s=0", headers={"Authorization": f"Bearer {self.daemon.token}"})
        watcher.getresponse().read()
        self.daemon.process.send_signal(signal.SIGTERM)
        answer = None
        for _ in range(10000):  # until the signal has arrived; the first answer after it is the connection's last
            watcher.request("GET", "/readyz")
            answer = watcher.getresponse()
            body = json.loads(answer.read())
            if answer.status != 200:
                break
        self.assertEqual((answer.status, body["code"]), (503, "not_ready"))
        self.assertIn("draining", body["detail"])
        self.assertEqual(answer.getheader("Connection"), "close")
        wait_until(self.refuses)
        connection.send(rest)
        stored = connection.getresponse()
        self.assertEqual(stored.status, 201)
        identity = json.loads(stored.read())["id"]
        self.assertEqual(self.daemon.process.wait(60), 0)
        self.daemon.process.stdout.close()
        self.daemon.start()
        self.assertEqual(self.daemon.ok("GET", f"/v1/projects/kitchen/demonstrations/{identity}")["id"], identity)

    def test_a_second_signal_ends_at_once_and_loses_nothing(self):
        identity = self.daemon.ok("POST", "/v1/projects/kitchen/demonstrations", trajectory("a", 0))["id"]
        self.half_sent()
        self.daemon.process.send_signal(signal.SIGTERM)
        wait_until(self.refuses)
        while self.daemon.process.poll() is None:  # those that come within a second of the first are ignored
            self.daemon.process.send_signal(signal.SIGTERM)
            try:
                self.daemon.process.wait(0.2)
            except subprocess.TimeoutExpired:
                pass
        self.assertEqual(self.daemon.process.returncode, 1)
        self.daemon.process.stdout.close()
        with open(os.path.join(self.daemon.data, "log"), encoding="ascii") as log:
            self.assertIn("second signal", log.read())
        self.daemon.start()
        self.assertEqual([d["id"] for d in self.daemon.ok("GET", "/v1/projects/kitchen/demonstrations")["demonstrations"]],
                         [identity])


if __name__ == "__main__":
    tap.main()
