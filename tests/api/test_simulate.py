"""`amf simulate`: a fleet against a live daemon; what it tells is what the server holds, and nothing acknowledged is lost."""
import json
import os
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import tap  # noqa: E402
from daemon import AMF, Daemon, wait_until  # noqa: E402

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
ENDS = ("completed", "skipped", "failed", "released", "lapsed")


class Case(unittest.TestCase):
    def setUp(self):
        self.daemon = Daemon()
        self.addCleanup(self.daemon.close)
        self.at = "/v1/projects/simulated"

    def start(self, *arguments, folder=ROOT):
        command = [AMF, "--json", "simulate", "--speed", "300", *arguments]
        environment = {**os.environ, "AMF_URL": self.daemon.url, "AMF_TOKEN": self.daemon.token}
        return subprocess.Popen(command, cwd=folder, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def end(self, process, code=0):
        """What it told."""
        out, err = process.communicate(timeout=120)
        self.assertEqual(process.returncode, code, out[-3000:] + err)
        if code == 0:
            self.assertEqual(err, "")  # no bar where there is no terminal
        return json.loads(out) if out else err

    def listed(self, name):
        found, cursor = [], ""
        while cursor is not None:
            answer = self.daemon.ok("GET", f"{self.at}/{name}?limit=500" + (f"&cursor={cursor}" if cursor else ""))
            found, cursor = found + answer[name], answer["next_cursor"]
        return found

    def shown(self):
        answer = self.daemon.request("GET", f"{self.at}/tasks")
        return sum(task["demonstrations"] for task in answer.json["tasks"]) if answer.status == 200 else 0


class Day(Case):
    def test_what_is_told_is_what_the_server_holds(self):
        told = self.end(self.start("--operators", "4", "--robots", "6", "--demonstrations", "30"))
        check = told["check"]
        self.assertEqual((check["missing"], check["broken"], check["held_unacknowledged"], check["gave_up"]), (0, [], 0, 0))
        held = self.listed("demonstrations")
        self.assertEqual(check["demonstrations"], len(held))
        shown = [d for d in held if d["role"] == "demonstration" and d["success"]]
        self.assertGreaterEqual(len(shown), 30)
        self.assertEqual(told["credited"] + told["late"], len(shown))
        uploads = next(latency for latency in told["latency"] if latency["call"] == "upload")
        self.assertEqual(uploads["answers"], sum(d["role"] != "demonstration" for d in held))
        for task in self.daemon.ok("GET", f"{self.at}/tasks")["tasks"]:
            mine = next(t for t in told["tasks"] if t["task"] == task["key"])
            self.assertEqual(mine["demonstrations"], task["demonstrations"])
            self.assertEqual(mine["rollouts"], task["rollouts"])
            self.assertAlmostEqual(mine["uniform"], len(shown) / 5)
        given = self.listed("assignments")
        self.assertEqual(told["assignments"]["asked"], len(given))
        self.assertEqual(sum(told["assignments"][end] for end in ENDS), len(given))
        for end in ENDS[:-1]:
            self.assertEqual(told["assignments"][end], sum(a["state"] == end for a in given), end)
        for sent in told["sent"]:
            name = f"operator-{sent['operator']:02}"
            self.assertEqual(sent["assignments"], sum((a["operator"], a["task"]) == (name, sent["task"]) for a in given))
        self.assertEqual(sum(told["spread"].values()), len(given))
        self.assertEqual([token["name"] for token in self.daemon.ok("GET", "/v1/tokens")["tokens"]], ["admin"])

    def test_a_project_that_is_there_is_left_alone_unless_it_is_meant(self):
        few = ("--operators", "3", "--robots", "0", "--demonstrations", "6")
        self.end(self.start(*few))
        before = self.listed("demonstrations")
        self.assertIn("project_exists", self.end(self.start(*few), code=1))
        self.assertEqual(self.listed("demonstrations"), before)
        self.daemon.ok("PATCH", self.at, {"selection": {"budget": None}})
        told = self.end(self.start(*few, "--into"))
        self.assertGreaterEqual(told["credited"] + told["late"], 6)
        self.assertEqual(told["check"]["broken"], [])

    def test_without_recordings_it_says_so(self):
        self.assertIn("--data", self.end(self.start(folder="/"), code=4))
        self.assertIn("no demonstrations", self.end(self.start("--data", os.path.join(ROOT, "docs")), code=4))


class Trouble(Case):
    def test_killed_half_way_nothing_acknowledged_is_lost(self):
        process = self.start("--operators", "6", "--robots", "8", "--demonstrations", "60")
        wait_until(lambda: self.shown() >= 20, 60)
        self.daemon.kill()
        self.daemon.options = ["--listen", self.daemon.address]
        self.daemon.start()
        told = self.end(process)
        check = told["check"]
        self.assertEqual((check["missing"], check["broken"], check["held_unacknowledged"], check["gave_up"]), (0, [], 0, 0))
        self.assertIn("no answer", [error["code"] for error in told["errors"]])
        self.assertGreater(told["repeated_requests"], 0)
        self.assertGreaterEqual(told["credited"] + told["late"], 60)
        self.assertEqual(check["demonstrations"], len(self.listed("demonstrations")))

    def test_what_is_gone_is_noticed(self):
        process = self.start("--operators", "3", "--robots", "0", "--demonstrations", "40")
        wait_until(lambda: self.shown() >= 5, 60)
        gone = next(d for d in self.listed("demonstrations") if d["role"] == "demonstration" and d["success"])
        self.daemon.ok("DELETE", f"{self.at}/demonstrations/{gone['id']}", {"reason": "to see whether it is missed"})
        told = self.end(process, code=1)
        self.assertEqual(told["check"]["missing"], 1)
        self.assertIn(gone["id"], told["check"]["broken"][0])

    def test_a_server_that_stays_away_ends_it(self):
        process = self.start("--operators", "3", "--robots", "2", "--demonstrations", "60", "--patience", "1")
        wait_until(lambda: self.shown() >= 5, 60)
        self.daemon.kill()
        self.assertIn("cannot reach", self.end(process, code=3))


if __name__ == "__main__":
    tap.main()
