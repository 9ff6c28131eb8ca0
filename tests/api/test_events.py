"""The event feed: listed, waited for and followed; what ends it, and that waiting holds no thread."""
import http.client
import json
import os
import signal
import struct
import subprocess
import sys
import tempfile
import threading
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import tap
from certificates import Authority
from daemon import AMF, TENSORS, Daemon, matrix, safetensors, trajectory, wait_until
from events import Stream

STREAMS = 200


def project(daemon, name):
    daemon.ok("POST", "/v1/projects", {"id": name})
    daemon.ok("PUT", f"/v1/projects/{name}/tasks/a", {"instruction": "do a"})


def put(daemon, name, task="a", **settings):
    """One event more."""
    daemon.ok("PUT", f"/v1/projects/{name}/tasks/{task}", settings)


def events(daemon, name, query=""):
    return daemon.ok("GET", f"/v1/projects/{name}/events{query}")


def threads(daemon):
    return len(os.listdir(f"/proc/{daemon.process.pid}/task"))


def later(action):
    """Runs it once whoever waits has been parked for a moment."""
    timer = threading.Timer(0.3, action)
    timer.start()
    return timer


class Case(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.daemon = Daemon()

    @classmethod
    def tearDownClass(cls):
        cls.daemon.close()


class Listed(Case):
    def test_every_change_with_what_it_is_about(self):
        at, daemon = "/v1/projects/all", self.daemon
        project(daemon, "all")
        daemon.ok("PUT", f"{at}/tasks/b", {"weight": 2})
        daemon.ok("DELETE", f"{at}/tasks/b")
        daemon.ok("PATCH", at, {"title": "Kitchen"})
        asked = daemon.ok("POST", f"{at}/assignments", {"operator": "anna", "robot": "r1"})["assignments"][0]
        done = daemon.ok("POST", f"{at}/assignments/{asked['id']}/complete",
                         {"fence": asked["fence"], "demonstration": trajectory("a", 1, operator="anna")})
        held = done["demonstration"]["id"]
        daemon.ok("DELETE", f"{at}/demonstrations/{held}", {"reason": "dropped the cup"})
        answer = events(daemon, "all")
        found = answer["events"]
        self.assertEqual([e["seq"] for e in found], list(range(1, len(found) + 1)))
        self.assertEqual(answer["seq"], len(found))
        self.assertEqual([(e["type"], e.get("id")) for e in found],
                         [("project_created", "all"), ("task_put", "a"), ("task_put", "b"), ("task_deleted", "b"),
                          ("project_updated", "all"), ("assignment_opened", asked["id"]), ("demonstration_added", held),
                          ("assignment_completed", asked["id"]), ("demonstration_retracted", held)])
        by_type = {e["type"]: e for e in found}
        self.assertEqual(by_type["project_updated"]["project"]["title"], "Kitchen")
        self.assertEqual(found[2]["task"]["weight"], 2)
        self.assertNotIn("pending", found[2]["task"])
        self.assertEqual(by_type["assignment_opened"]["assignment"]["operator"], "anna")
        ended = daemon.ok("GET", f"{at}/assignments/{asked['id']}")
        self.assertEqual(by_type["assignment_completed"]["assignment"], ended)
        added = by_type["demonstration_added"]["demonstration"]
        self.assertEqual((added["task"], added["steps"], added["operator"], added["seq"]), ("a", 12, "anna", 7))
        self.assertEqual(by_type["demonstration_retracted"]["reason"], "dropped the cup")
        self.assertNotIn('"states"', json.dumps(found))

    def test_what_becomes_of_leases(self):
        at, daemon = "/v1/projects/leases", self.daemon
        project(daemon, "leases")
        told = []
        for end, more in (("skip", {"to": "others", "reason": "no cereal left"}), ("fail", {"reason": "dropped"}), ("release", {})):
            asked = daemon.ok("POST", f"{at}/assignments", {"operator": end})["assignments"][0]
            renewed = daemon.ok("POST", f"{at}/assignments/{asked['id']}/renew", {"fence": asked["fence"], "lease_s": 60})
            told.append(events(daemon, "leases", f"?after={renewed['fence'] - 1}")["events"][0])
            daemon.ok("POST", f"{at}/assignments/{asked['id']}/{end}", {"fence": renewed["fence"], **more})
            self.assertEqual(told[-1]["assignment"]["fence"], renewed["fence"])
            self.assertEqual(told[-1]["assignment"]["expires_at"], renewed["expires_at"])
        found = [e for e in events(daemon, "leases")["events"] if e["type"].startswith("assignment")]
        self.assertEqual([e["type"].removeprefix("assignment_") for e in found],
                         ["opened", "renewed", "skipped", "opened", "renewed", "failed", "opened", "renewed", "released"])
        self.assertEqual([e for e in found if e["type"] == "assignment_renewed"], told)  # whatever came after
        for event in found[2::3]:
            self.assertEqual(event["assignment"], daemon.ok("GET", f"{at}/assignments/{event['id']}"))
        self.assertEqual((found[2]["assignment"]["to"], found[2]["assignment"]["reason"]), ("others", "no cereal left"))
        daemon.stop()
        daemon.start()
        again = [e for e in events(daemon, "leases")["events"] if e["type"].startswith("assignment")]
        self.assertEqual(again, found)

    def test_policies_and_their_features(self):
        at, daemon = "/v1/projects/net", self.daemon
        daemon.ok("POST", "/v1/projects", {"id": "net", "policy": {"kind": "external"}, "kernel": {"kind": "embedding"}})
        daemon.ok("PUT", f"{at}/tasks/a", {})
        held = daemon.ok("POST", f"{at}/demonstrations", trajectory("a", 1))["id"]
        daemon.ok("PUT", f"{at}/policies/r1", {})
        rows = [[0.1 * i, 1.0] for i in range(12)]
        file = safetensors({"phi": ("F64", [1, 12, 2], matrix(rows)[2]), "log_likelihood": ("F64", [1], struct.pack("<d", -1))},
                           {"tasks": '["a"]'})
        daemon.ok("PUT", f"{at}/policies/r1/features/{held}", file, TENSORS)
        daemon.ok("POST", f"{at}/policies/r1/activate")
        found = events(daemon, "net", "?after=3")["events"]
        self.assertEqual([(e["type"], e["id"], e["revision"]) for e in found],
                         [("policy_put", "r1", "r1"), ("features_put", held, "r1"), ("policy_activated", "r1", "r1")])

    def test_pages_begin_after_a_number(self):
        project(self.daemon, "pages")
        for i in range(8):
            put(self.daemon, "pages", weight=i)
        whole, after, parts = events(self.daemon, "pages")["events"], 0, []
        while page := events(self.daemon, "pages", f"?after={after}&limit=3")["events"]:
            self.assertLessEqual(len(page), 3)
            parts += page
            after = page[-1]["seq"]
        self.assertEqual(parts, whole)
        self.assertEqual(len(whole), 10)
        self.assertEqual(events(self.daemon, "pages", "?after=10"), {"events": [], "seq": 10})

    def test_what_was_long_ago_is_the_same_as_when_it_was_new(self):
        project(self.daemon, "old")
        new = [events(self.daemon, "old")["events"]]
        for i in range(300):  # more than are kept in memory
            put(self.daemon, "old", weight=i)
            if i < 5:
                new.append(events(self.daemon, "old", f"?after={i + 2}")["events"])
        found = events(self.daemon, "old", "?limit=500")["events"]
        self.assertEqual(found[:7], [event for page in new for event in page])
        self.assertEqual([e["seq"] for e in found], list(range(1, 303)))
        self.assertEqual([e["task"]["weight"] for e in found[2:]], list(range(300)))

    def test_a_large_object_is_left_out(self):
        nodes = [f"n{i}-{'x' * 58}" for i in range(512)]
        self.daemon.ok("POST", "/v1/projects", {"id": "large", "kernel": {
            "task": "graph", "graph": {"nodes": nodes, "edges": [[0, 1, 1]]}}})
        self.assertEqual({key: value for key, value in events(self.daemon, "large")["events"][0].items() if key != "at"},
                         {"seq": 1, "type": "project_created", "id": "large"})

    def test_a_restart_and_a_copy_have_the_same_events(self):
        project(self.daemon, "kept")
        self.daemon.ok("POST", "/v1/projects/kept/demonstrations", trajectory("a", 2))
        before = events(self.daemon, "kept")
        archive = self.daemon.request("GET", "/v1/projects/kept/export").body
        self.daemon.stop()
        self.daemon.start()
        self.assertEqual(events(self.daemon, "kept"), before)
        self.daemon.ok("POST", "/v1/projects/copy/import", archive, {"Content-Type": "application/octet-stream"})
        copied = events(self.daemon, "copy")
        self.assertEqual(copied["events"][0]["project"]["id"], "copy")
        self.assertEqual(copied["events"][1:], before["events"][1:])

    def test_what_cannot_be_a_place_in_the_log_is_refused(self):
        project(self.daemon, "strict")
        for value in ("-1", "+1", "1.0", "x", "", "1%00", "0x1", "9" * 16, "9" * 17, "9" * 400, "%20" + "1"):
            answer = self.daemon.request("GET", f"/v1/projects/strict/events?after={value}")
            self.assertEqual((answer.status, answer.json["code"], answer.json["at"]), (400, "invalid_query", "after"), value)
            header = {"Accept": "text/event-stream", "Last-Event-ID": value}
            answer = self.daemon.request("GET", "/v1/projects/strict/events", headers=header)
            self.assertEqual((answer.status, answer.json["code"]), (400, "invalid_query"), value)
        for query in ("after=3", "after=3&wait_s=20", "cursor=a", "limit=0", "limit=501", "after=1&after=1", "wait_s=31"):
            self.assertEqual(self.daemon.request("GET", "/v1/projects/strict/events?" + query).status, 400, query)
        self.assertEqual(self.daemon.request("GET", "/v1/projects/none/events?wait_s=20").status, 404)


class Waited(Case):
    def test_an_event_that_comes_meanwhile_is_the_answer(self):
        project(self.daemon, "w")
        timer = later(lambda: put(self.daemon, "w", weight=7))
        answer = self.daemon.request("GET", "/v1/projects/w/events?after=2&wait_s=30")
        timer.join()
        self.assertEqual([e["task"]["weight"] for e in answer.json["events"]], [7])
        self.assertEqual(answer.headers["Connection"], "close")

    def test_nothing_is_an_answer_when_the_time_is_up(self):
        project(self.daemon, "n")
        self.assertEqual(events(self.daemon, "n", "?after=2&wait_s=0.2"), {"events": [], "seq": 2})

    def test_what_is_there_is_not_waited_for(self):
        project(self.daemon, "k")
        connection = http.client.HTTPConnection(self.daemon.address, timeout=20)
        for _ in range(3):  # and the connection goes on
            connection.request("GET", "/v1/projects/k/events?after=1&wait_s=30",
                               headers={"Authorization": f"Bearer {self.daemon.token}"})
            answer = connection.getresponse()
            self.assertEqual(len(json.loads(answer.read())["events"]), 1)
            self.assertNotIn("Connection", dict(answer.getheaders()))
        connection.close()

    def test_another_projects_events_wake_nobody(self):
        project(self.daemon, "mine")
        project(self.daemon, "other")
        timer = later(lambda: put(self.daemon, "other"))
        self.assertEqual(events(self.daemon, "mine", "?after=2&wait_s=1")["events"], [])
        timer.join()

    def test_a_deleted_project_is_told(self):
        project(self.daemon, "gone")
        timer = later(lambda: self.daemon.ok("DELETE", "/v1/projects/gone"))
        answer = self.daemon.request("GET", "/v1/projects/gone/events?after=2&wait_s=30")
        timer.join()
        self.assertEqual((answer.status, answer.json["code"]), (404, "project_not_found"))

    def test_a_ranking_is_waited_for_without_a_thread_too(self):
        project(self.daemon, "r")
        for _ in range(5):
            seq = self.daemon.ok("POST", "/v1/projects/r/demonstrations", trajectory("a", _))["seq"]
            answer = self.daemon.ok("GET", "/v1/projects/r/ranking?wait_s=30")
            self.assertGreaterEqual(answer["seq"], seq)
            self.assertEqual(answer["age_s"], 0)

    def test_a_client_that_goes_away_leaves_nothing(self):
        daemon = Daemon()
        project(daemon, "away")
        folder = f"/proc/{daemon.process.pid}/fd"

        def sockets():
            return sum(os.path.islink(f"{folder}/{fd}") and os.readlink(f"{folder}/{fd}").startswith("socket:") for fd in os.listdir(folder))

        wait_until(lambda: sockets() == 1)  # the one that listens
        streams = [Stream(daemon, "away", query="?after=2&wait_s=30", accept="application/json") for _ in range(20)]
        streams += [Stream(daemon, "away") for _ in range(20)]
        wait_until(lambda: sockets() == 41)
        for stream in streams:
            stream.close()
        wait_until(lambda: sockets() == 1)
        daemon.close()


class Followed(Case):
    def test_a_stream_goes_on_and_tells_of_rankings(self):
        project(self.daemon, "s")
        stream = Stream(self.daemon, "s")
        self.assertEqual(stream.begin(), 200)
        self.assertIn("Content-Type: text/event-stream", stream.head)
        self.assertIn("Cache-Control: no-store", stream.head)
        self.assertEqual(stream.until(2), events(self.daemon, "s")["events"])
        self.assertGreaterEqual(stream.retry, 1000)
        put(self.daemon, "s", "b")
        self.assertEqual([e["id"] for e in stream.until(3)], ["b"])
        while (event := stream.next())[2]["seq"] < 3:
            pass
        self.assertEqual((event[0], event[1]), (None, "ranking"))
        self.assertEqual((event[2]["choice"], event[2]["rule"]), ("a", "warm_start"))
        stream.close()

    def test_it_resumes_behind_the_last_event_that_is_known(self):
        project(self.daemon, "again")
        for i in range(150):
            put(self.daemon, "again", weight=i)
        whole = events(self.daemon, "again", "?limit=500")["events"]
        self.assertEqual(Stream(self.daemon, "again").until(152), whole)
        self.assertEqual(Stream(self.daemon, "again", after=100).until(152), whole[100:])
        self.assertEqual(Stream(self.daemon, "again", query="?after=150").until(152), whole[150:])
        self.assertEqual(Stream(self.daemon, "again", after=151, query="?after=3&limit=1").until(152), whole[151:])
        self.assertEqual(Stream(self.daemon, "again", after=153).begin(), 400)

    def test_asked_for_its_head_alone_it_ends(self):
        project(self.daemon, "head")
        answer = self.daemon.request("HEAD", "/v1/projects/head/events", headers={"Accept": "text/event-stream"})
        self.assertEqual((answer.status, answer.headers["Content-Type"]), (200, "text/event-stream"))

    def test_many_wait_on_few_threads_and_all_are_told(self):
        project(self.daemon, "many")
        streams = [Stream(self.daemon, "many", after=2) for _ in range(STREAMS)]
        for stream in streams:
            self.assertEqual(stream.begin(), 200)
        wait_until(lambda: threads(self.daemon) < 30)
        for i in range(10):  # others are served meanwhile
            self.daemon.ok("POST", "/v1/projects/many/assignments", {"operator": f"o{i}"})
        found = [stream.until(12) for stream in streams]
        for events_of_one in found:
            self.assertEqual(events_of_one, found[0])
        self.assertEqual([e["seq"] for e in found[0]], list(range(3, 13)))
        for stream in streams:
            stream.close()

    def test_readers_and_robots_may_follow_their_project_until_their_token_ends(self):
        project(self.daemon, "own")
        for role in ("reader", "robot"):
            token = self.daemon.ok("POST", "/v1/tokens", {"name": f"page-{role}", "role": role, "project": "own"})
            stream = Stream(self.daemon, "own", token=token["token"])
            stream.until(2)
            waiting = Stream(self.daemon, "own", token=token["token"], query="?after=2&wait_s=30", accept="application/json")
            self.assertEqual(Stream(self.daemon, "s2", token=token["token"]).begin(), 404)
            self.daemon.ok("DELETE", f"/v1/tokens/{token['id']}")
            self.assertEqual([event for event in stream.ended() if event[0]], [])
            self.assertEqual(waiting.begin(), 401)

    def test_a_deleted_project_ends_it_and_the_next_of_its_id_is_another(self):
        project(self.daemon, "del")
        stream = Stream(self.daemon, "del")
        stream.until(2)
        self.daemon.ok("DELETE", "/v1/projects/del")
        project(self.daemon, "del")
        put(self.daemon, "del", "b")
        self.assertEqual([event for event in stream.ended() if event[0]], [])
        self.assertEqual(Stream(self.daemon, "del", after=0).until(3)[2]["id"], "b")

    def test_who_does_not_read_is_dropped_and_misses_nothing(self):
        project(self.daemon, "slow")
        slow, quick = Stream(self.daemon, "slow", receive_bytes=4096), Stream(self.daemon, "slow", after=2)
        slow.begin()
        for i in range(300):
            put(self.daemon, "slow", instruction=f"{i} " + "x" * 4000)
        self.assertEqual(len(quick.until(302)), 300)
        wait_until(lambda: b"path=/v1/projects/slow/events" in subprocess.run(
            ["tail", "-n", "3", os.path.join(self.daemon.data, "log")], capture_output=True, check=True).stdout, 40)
        got, last = [event[2]["seq"] for event in slow.ended() if event[0]], None
        self.assertEqual(got, list(range(1, len(got) + 1)))
        self.assertLess(len(got), 302)
        last = got[-1]
        self.assertEqual([e["seq"] for e in Stream(self.daemon, "slow", after=last).until(302)], list(range(last + 1, 303)))

    def test_a_stop_ends_them(self):
        daemon = Daemon()
        project(daemon, "p")
        streams = [Stream(daemon, "p", after=2) for _ in range(20)]
        for stream in streams:
            stream.begin()
        waiting = Stream(daemon, "p", query="?after=2&wait_s=30", accept="application/json")
        wait_until(lambda: threads(daemon) < 30)
        daemon.process.send_signal(signal.SIGTERM)
        for stream in streams:
            self.assertEqual([event for event in stream.ended() if event[0]], [])
            stream.close()
        self.assertEqual(waiting.begin(), 200)
        self.assertEqual(daemon.process.wait(10), 0)
        daemon.close()


class Limits(unittest.TestCase):
    def test_more_than_are_allowed_are_told_to_come_back(self):
        daemon = Daemon(options=["--streams", "4"])
        project(daemon, "p")
        streams = [Stream(daemon, "p") for _ in range(2)]  # the last two places are other addresses'
        self.assertEqual([stream.begin() for stream in streams], [200, 200])
        answer = daemon.request("GET", "/v1/projects/p/events?after=2&wait_s=30")
        self.assertEqual((answer.status, answer.json["code"], answer.headers["Retry-After"]), (503, "overloaded", "1"))
        self.assertEqual(Stream(daemon, "p").begin(), 503)
        wait_until(lambda: [line for line in daemon.request("GET", "/metrics").body.decode().splitlines()
                            if line.startswith(("amf_http_waiting ", "amf_http_streams "))]
                   == ["amf_http_waiting 0", "amf_http_streams 2"])
        self.assertEqual(len(events(daemon, "p")["events"]), 2)
        streams.pop().close()
        wait_until(lambda: Stream(daemon, "p").begin() == 200)
        daemon.close()

    def test_few_open_files_are_told_of_at_the_start(self):
        daemon = Daemon(open_files=700)
        with open(os.path.join(daemon.data, "log"), encoding="utf-8") as log:
            self.assertIn("the limit of open files leaves room for fewer requests that wait wanted=2560 room=124\n", log.read())
        daemon.close()


class CommandLine(Case):
    def command(self, *words):
        return [AMF, "--url", self.daemon.url, "--token-file", os.path.join(self.daemon.data, "d", "admin.token"), "events", *words]

    def run_amf(self, *words):
        done = subprocess.run(self.command(*words), capture_output=True, text=True, timeout=60, check=False)
        return done.returncode, done.stdout.splitlines()

    def test_listed(self):
        project(self.daemon, "c")
        self.daemon.ok("POST", "/v1/projects/c/demonstrations", trajectory("a", 1, operator="anna\x1b[31m"))
        code, lines = self.run_amf("c")
        self.assertEqual((code, len(lines)), (0, 3))
        self.assertRegex(lines[1], r"^     2  \d{4}-\S+Z  task_put  a$")
        self.assertRegex(lines[2], r"demonstration_added  d0000000003  12 steps of a by anna\?\[31m$")
        self.assertEqual(self.run_amf("c", "--after", "1", "--limit", "1"), (0, lines[1:2]))
        self.assertEqual(json.loads(self.run_amf("c", "--json")[1][0]), events(self.daemon, "c"))
        self.assertEqual(self.run_amf("c", "--follow", "--limit", "1"), (2, []))
        self.assertEqual(self.run_amf("none"), (1, []))

    def test_all_pages_are_gone_through(self):
        project(self.daemon, "p")
        for i in range(520):
            put(self.daemon, "p", weight=i)
        code, lines = self.run_amf("p")
        self.assertEqual((code, [int(line.split()[0]) for line in lines]), (0, list(range(1, 523))))

    def test_followed_from_now_on(self):
        project(self.daemon, "f")
        with subprocess.Popen(self.command("f", "--follow", "--json", "--after", "2"), stdout=subprocess.PIPE, text=True) as follower:
            for i in range(3):
                put(self.daemon, "f", weight=i)
                self.assertEqual(json.loads(follower.stdout.readline()), events(self.daemon, "f", f"?after={2 + i}")["events"][0])
            follower.terminate()
        with subprocess.Popen(self.command("f", "--follow"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as follower:
            timer = later(lambda: self.daemon.ok("DELETE", "/v1/projects/f"))
            self.assertEqual(follower.wait(60), 1)
            timer.join()
            self.assertIn("no project f", follower.stderr.read())


class Tls(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="amf-events-")
        authority = Authority(cls.folder.name)
        certificate, key = authority.sign()
        cls.options, cls.context = ["--tls-cert", certificate, "--tls-key", key], authority.context()
        cls.daemon = Daemon(options=cls.options, tls=cls.context)

    @classmethod
    def tearDownClass(cls):
        cls.daemon.close()
        cls.folder.cleanup()

    def test_waiting_and_following(self):
        project(self.daemon, "t")
        stream = Stream(self.daemon, "t")
        self.assertEqual(stream.begin(), 200)
        self.assertEqual(len(stream.until(2)), 2)
        self.assertGreaterEqual(stream.retry, 1000)
        timer = later(lambda: put(self.daemon, "t", weight=3))
        answer = self.daemon.request("GET", "/v1/projects/t/events?after=2&wait_s=30")
        timer.join()
        self.assertEqual([e["task"]["weight"] for e in answer.json["events"]], [3])
        self.assertEqual([e["seq"] for e in stream.until(3)], [3])
        self.assertEqual(events(self.daemon, "t", "?after=3&wait_s=0.2")["events"], [])

    def test_a_token_or_project_that_ends_ends_it(self):
        project(self.daemon, "u")
        token = self.daemon.ok("POST", "/v1/tokens", {"name": "page", "role": "reader"})
        revoked, deleted = Stream(self.daemon, "u", token=token["token"]), Stream(self.daemon, "u")
        revoked.until(2), deleted.until(2)
        waiting = Stream(self.daemon, "u", token=token["token"], query="?after=2&wait_s=30", accept="application/json")
        self.daemon.ok("DELETE", f"/v1/tokens/{token['id']}")
        self.assertEqual([event for event in revoked.ended() if event[0]], [])
        self.assertEqual(waiting.begin(), 401)
        self.daemon.ok("DELETE", "/v1/projects/u")
        self.assertEqual([event for event in deleted.ended() if event[0]], [])

    def test_a_stop_ends_it(self):
        daemon = Daemon(options=self.options, tls=self.context)
        project(daemon, "v")
        stream = Stream(daemon, "v")
        stream.until(2)
        daemon.process.send_signal(signal.SIGTERM)
        stream.ended()
        self.assertEqual(daemon.process.wait(10), 0)
        daemon.close()


if __name__ == "__main__":
    tap.main()
