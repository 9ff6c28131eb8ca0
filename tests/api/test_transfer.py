"""Export and import: a whole project out and in again, whole or not at all."""
import contextlib
import http.client
import json
import os
import random
import select
import subprocess
import sys
import tempfile
import threading
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import tap
from archive import members, pack
from daemon import AMFD, TENSORS, Daemon, demonstration_file, trajectory, wait_until

OCTETS = {"Content-Type": "application/octet-stream"}
PROJECTS = "/v1/projects"


def fill(daemon, project, demonstrations=8, **settings):
    """A project in which most kinds of events have happened; none of its leases is open."""
    at = f"{PROJECTS}/{project}"
    daemon.ok("POST", PROJECTS, {"id": project, "title": "Küche \"1\"\n", **settings})
    for task in ("a", "b", "c", "spare"):
        daemon.ok("PUT", f"{at}/tasks/{task}", {"instruction": f"do {task}"})
    daemon.ok("DELETE", f"{at}/tasks/spare")
    for i in range(demonstrations):
        daemon.ok("POST", f"{at}/demonstrations", trajectory("abc"[i % 3], i, steps=6 + 5 * i, metadata={"n": i}))
    first = daemon.ok("GET", f"{at}/demonstrations?limit=1")["demonstrations"][0]["id"]
    daemon.ok("DELETE", f"{at}/demonstrations/{first}", {"reason": "slipped"})
    asked = daemon.ok("POST", f"{at}/assignments", {"operator": "anna"})["assignments"][0]
    daemon.ok("POST", f"{at}/assignments/{asked['id']}/complete",
              {"fence": asked["fence"], "demonstration": trajectory(asked["task"], 50)})
    for verb, more in (("skip", {"to": "others", "reason": "no cereal left"}), ("fail", {}), ("release", {})):
        lease = daemon.ok("POST", f"{at}/assignments", {"operator": "zoe"})["assignments"][0]
        lease = daemon.ok("POST", f"{at}/assignments/{lease['id']}/renew", {"fence": lease["fence"]})
        daemon.ok("POST", f"{at}/assignments/{lease['id']}/{verb}", {"fence": lease["fence"], **more})
    daemon.ok("PATCH", at, {"selection": {"lease_s": 77}})
    return at


def export(daemon, project):
    answer = daemon.request("GET", f"{PROJECTS}/{project}/export")
    assert answer.status == 200, answer.body
    assert int(answer.headers["Content-Length"]) == len(answer.body)
    return answer.body


def altered(archive, events=None, head=None, blobs=None):
    """The archive with its log, its head or its demonstrations changed, and every sum and size right again."""
    entries = members(archive)
    lines = entries["events.jsonl"].decode().splitlines()
    if events:
        entries["events.jsonl"] = "".join(line + "\n" for line in events(lines)).encode()
    if blobs:
        blobs(entries)
    said = json.loads(entries["export.json"])
    held = [len(data) for name, data in entries.items() if name.startswith("demonstrations/")]
    said.update(events_bytes=len(entries["events.jsonl"]), demonstrations=len(held), demonstration_bytes=sum(held))
    if head:
        head(said)
    entries["export.json"] = json.dumps(said).encode()
    return pack(entries)


def scores(daemon, project):
    ranking = daemon.ok("GET", f"{PROJECTS}/{project}/ranking?wait_s=20")
    return [{k: v for k, v in c.items() if k != "note"} for c in ranking["candidates"]]


class Case(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.daemon = Daemon()

    @classmethod
    def tearDownClass(cls):
        cls.daemon.close()

    def send(self, project, archive, **headers):
        return self.daemon.request("POST", f"{PROJECTS}/{project}/import", archive, {**OCTETS, **headers})

    def take(self, project, archive):
        answer = self.send(project, archive)
        self.assertEqual(answer.status, 201, answer.body)
        return answer.json

    def refused(self, archive, statuses=(400, 422), code=None, at=None):
        answer = self.send("refused", archive)
        if answer.status == 201:
            self.daemon.ok("DELETE", f"{PROJECTS}/refused")  # so that it fails this test alone
        self.assertIn(answer.status, statuses, answer.body)
        if code:
            self.assertEqual(answer.json["code"], code, answer.body)
        if at is not None:
            self.assertEqual(answer.json["at"], at, answer.body)
        self.assertEqual(self.daemon.request("GET", f"{PROJECTS}/refused").status, 404)
        self.assertEqual(os.listdir(os.path.join(self.daemon.data, "d", "spool")), [])
        return answer.json


class RoundTrip(Case):
    def test_the_copy_is_the_project_event_for_event(self):
        at = fill(self.daemon, "whole")
        first = export(self.daemon, "whole")
        made = self.take("whole-copy", first)
        self.assertEqual(made["id"], "whole-copy")
        second = export(self.daemon, "whole-copy")
        one, two = members(first), members(second)
        heads = [json.loads(entries.pop("export.json")) for entries in (one, two)]
        one.pop("SHA256SUMS"), two.pop("SHA256SUMS")  # it has a line for the head
        self.assertEqual(one, two)
        self.assertEqual([h.pop("project") for h in heads], ["whole", "whole-copy"])
        self.assertEqual(heads[0]["seq"], self.daemon.ok("GET", at)["seq"])
        for head in heads:
            head.pop("at")
        self.assertEqual(heads[0], heads[1])

    def test_the_copy_answers_the_same(self):
        at = fill(self.daemon, "same")
        self.take("same-copy", export(self.daemon, "same"))
        other = f"{PROJECTS}/same-copy"
        for path in ("/tasks", "/demonstrations?limit=500", "/assignments"):
            self.assertEqual(self.daemon.ok("GET", at + path), self.daemon.ok("GET", other + path))
        one, two = self.daemon.ok("GET", at), self.daemon.ok("GET", other)
        self.assertEqual({**one, "id": ""}, {**two, "id": ""})
        self.assertEqual(two["id"], "same-copy")
        self.assertTrue(one["scales"])
        for held in self.daemon.ok("GET", at + "/demonstrations")["demonstrations"]:
            path = f"/demonstrations/{held['id']}"
            self.assertEqual(self.daemon.ok("GET", at + path), self.daemon.ok("GET", other + path))
        again = trajectory("b", 1, steps=11, metadata={"n": 1})
        self.assertTrue(self.daemon.ok("POST", other + "/demonstrations", again)["duplicate"])

    def test_the_copy_ranks_with_the_same_bits_also_after_a_restart(self):
        at = fill(self.daemon, "bits", criterion={"max_steps": 8})
        self.daemon.ok("PATCH", at, {"criterion": {"max_steps": 12}})  # all is thinned anew
        self.take("bits-copy", export(self.daemon, "bits"))
        wanted = scores(self.daemon, "bits")
        self.assertTrue(all(c["gain"] > 0 for c in wanted))
        self.assertEqual(scores(self.daemon, "bits-copy"), wanted)
        self.daemon.kill()
        self.daemon.start()
        self.assertEqual(scores(self.daemon, "bits-copy"), wanted)
        self.assertEqual(scores(self.daemon, "bits"), wanted)

    def test_people_can_look_inside_with_tar_and_sha256sum(self):
        fill(self.daemon, "people")
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run(["tar", "x"], input=export(self.daemon, "people"), cwd=folder, check=True)
            checked = subprocess.run(["sha256sum", "--strict", "-c", "SHA256SUMS"], cwd=folder, check=True,
                                     capture_output=True, text=True).stdout.splitlines()
            self.assertEqual(len(checked), 2 + 9)
            self.assertTrue(all(line.endswith(": OK") for line in checked))
            with open(os.path.join(folder, "events.jsonl"), encoding="utf-8") as file:
                events = [json.loads(line) for line in file]
            self.assertEqual([e["seq"] for e in events], list(range(1, len(events) + 1)))
            self.assertTrue(all(set(e) == {"seq", "at", "type", "blob", "body"} for e in events))

    def test_an_open_lease_keeps_the_time_it_had_left(self):
        at = fill(self.daemon, "leases")
        asked = self.daemon.ok("POST", f"{at}/assignments", {"operator": "bea", "lease_s": 500})["assignments"][0]
        archive = export(self.daemon, "leases")
        left = json.loads(members(archive)["export.json"])["leases"]
        self.assertEqual([lease["id"] for lease in left], [asked["id"]])
        self.assertTrue(490 < left[0]["remaining_s"] <= 500)

        def stretch(seconds):
            return altered(archive, head=lambda said: said["leases"][0].update(remaining_s=seconds))

        for name, sent, lowest, highest in (("kept", archive, 490, 500), ("short", stretch(20), 15, 20),
                                            ("long", stretch(100000), 490, 500)):
            self.take(f"leases-{name}", sent)
            lease = self.daemon.ok("GET", f"{PROJECTS}/leases-{name}/assignments/{asked['id']}")
            self.assertEqual((lease["state"], lease["fence"], lease["operator"]), ("open", asked["fence"], "bea"))
            head = json.loads(members(export(self.daemon, f"leases-{name}"))["export.json"])
            self.assertTrue(lowest < head["leases"][0]["remaining_s"] <= highest, head)
        copy = f"{PROJECTS}/leases-kept"
        done = self.daemon.ok("POST", f"{copy}/assignments/{asked['id']}/complete",
                              {"fence": asked["fence"], "demonstration": trajectory(asked["task"], 60)})
        self.assertTrue(done["credited"])
        self.take("leases-gone", stretch(0))
        wait_until(lambda: self.daemon.ok("GET", f"{PROJECTS}/leases-gone/assignments/{asked['id']}")["state"] == "expired")
        self.daemon.kill()
        self.daemon.start()
        self.assertEqual(self.daemon.ok("GET", f"{PROJECTS}/leases-gone/assignments/{asked['id']}")["state"], "expired")
        self.take("leases-third", export(self.daemon, "leases-kept"))  # with a leases_carried in its log

    def test_a_skip_holds_in_the_copy(self):
        at = fill(self.daemon, "skips")
        skipped = next(a for a in self.daemon.ok("GET", f"{at}/assignments")["assignments"] if a["state"] == "skipped")
        self.take("skips-copy", export(self.daemon, "skips"))
        others = [task for task in "abc" if task != skipped["task"]]
        asked = self.daemon.ok("POST", f"{PROJECTS}/skips-copy/assignments", {"operator": "zoe", "exclude": others})
        self.assertEqual(asked["reason"]["code"], "skipped")

    def test_a_project_without_demonstrations(self):
        self.daemon.ok("POST", PROJECTS, {"id": "empty"})
        self.assertEqual(self.take("empty-copy", export(self.daemon, "empty"))["seq"], 1)

    def test_onto_a_project_409_and_onto_a_deleted_one_a_new_one(self):
        fill(self.daemon, "twice")
        archive = export(self.daemon, "twice")
        answer = self.send("twice", archive)
        self.assertEqual((answer.status, answer.json["code"]), (409, "project_exists"))
        self.daemon.ok("DELETE", f"{PROJECTS}/twice")
        self.assertEqual(self.daemon.request("GET", f"{PROJECTS}/twice/export").status, 404)
        self.take("twice", archive)
        self.daemon.kill()
        self.daemon.start()
        self.assertEqual(members(export(self.daemon, "twice"))["events.jsonl"], members(archive)["events.jsonl"])

    def test_a_retry_with_the_same_key_makes_one_project(self):
        fill(self.daemon, "retry")
        archive = export(self.daemon, "retry")
        key = {"Idempotency-Key": "import-1"}
        first = self.send("retry-copy", archive, **key)
        second = self.send("retry-copy", archive, **key)
        self.assertEqual((first.status, first.body), (201, second.body))
        other = self.send("retry-copy", archive[:-1], **key)
        self.assertEqual((other.status, other.json["code"]), (422, "key_reused"))

    def test_ids_that_no_project_can_have(self):
        archive = pack({"export.json": b"{}"})
        for name in ("-x", "a" * 65, "~", "a~1"):
            self.assertIn(self.send(name, archive).status, (400, 422), name)


class Refusals(Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        fill(cls.daemon, "small", demonstrations=5)
        cls.daemon.ok("POST", f"{PROJECTS}/small/assignments", {"operator": "olga"})
        cls.archive = export(cls.daemon, "small")

    def test_torn_at_every_block(self):
        for length in range(0, len(self.archive), 512):
            self.refused(self.archive[:length], (400,), "malformed_archive")
        self.refused(self.archive[:-1], (400,), "malformed_archive")
        self.refused(self.archive + bytes(512), (400,), "malformed_archive")

    def test_any_byte_flipped(self):
        pick = random.Random(7)
        places = {pick.randrange(len(self.archive)) for _ in range(400)}
        headers = [i for i in range(0, len(self.archive), 512) if self.archive[i + 257:i + 262] == b"ustar"]
        places |= {at + pick.randrange(512) for at in headers for _ in range(8)} | set(range(124, 136))
        for place in sorted(places):
            wrong = bytearray(self.archive)
            wrong[place] ^= 1 << pick.randrange(8)
            self.refused(bytes(wrong))

    def test_the_entry_at_fault_is_named(self):
        name = sorted(n for n in members(self.archive) if n.startswith("demonstrations/"))[2]
        wrong = bytearray(self.archive)
        wrong[self.archive.index(name.encode()) + 512 + 300] ^= 1
        self.refused(bytes(wrong), (400,), "malformed_archive", name)

    def test_a_newer_format_is_told_from_a_broken_one(self):
        newer = altered(self.archive, head=lambda said: said.update(format=2, version="9.9.9"))
        self.assertIn("9.9.9", self.refused(newer, (422,), "not_supported", "export.json")["detail"])
        later = altered(self.archive, head=lambda said: said.update(mood="merry"))
        self.take("later", later)

    def test_something_else_altogether(self):
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run(["tar", "cf", "x.tar", "/etc/hostname"], cwd=folder, check=True, capture_output=True)
            with open(os.path.join(folder, "x.tar"), "rb") as file:
                self.refused(file.read(), (400,), "malformed_archive")
        for body in (b"", b"hello", bytes(4096), os.urandom(4096), pack({"export.json": b"{}"}),
                     pack({"export.json": b"[]"}), pack({"../x": b"1"})):
            self.refused(body)

    def test_entries_in_another_order_or_number(self):
        entries = members(self.archive)
        names = list(entries)
        for wrong in (names[1:], names[:1] + names[2:], names[:2] + names[3:], names[:3] + names[2:3] + names[3:],
                      names[:2] + [names[3], names[2]] + names[4:], [names[1], names[0]] + names[2:]):
            packed = pack({n: entries[n] for n in wrong})
            if wrong.count(names[2]) != 2:
                self.refused(packed)
        self.refused(pack(entries, sums=False), (400,), "malformed_archive")
        self.refused(pack({**entries, "demonstrations/d0000000099.safetensors": b"x"}))

    def events(self, change, code=None, **more):
        """The archive whose events `change` alters, as parsed lines, is refused."""
        def rewrite(lines):
            events = [json.loads(line) for line in lines]
            change(events)
            return [json.dumps(e, separators=(",", ":"), ensure_ascii=False) for e in events]
        return self.refused(altered(self.archive, events=rewrite), (422,), code, **more)

    def test_events_that_no_server_would_have_logged(self):
        def of(events, kind):
            return next(e for e in events if e["type"] == kind)

        changes = {
            "a gap": lambda es: es.pop(3),
            "no beginning": lambda es: es.pop(0),
            "a second beginning": lambda es: es[1].update(type="project_created", body=es[0]["body"]),
            "an unknown kind": lambda es: es[2].update(type="task_praised"),
            "a kind with odd letters": lambda es: es[2].update(type="task put"),
            "a body that is no object": lambda es: es[2].update(body=[]),
            "a setting out of range": lambda es: es[0]["body"]["criterion"].update(max_steps=0),
            "a scale that is no number": lambda es: es[0]["body"]["kernel"].update(state_scale="huge"),
            "another hash": lambda es: of(es, "demonstration_added")["body"].update(sha256="0" * 64),
            "another id": lambda es: of(es, "demonstration_added")["body"].update(id="d0000000001"),
            "another success": lambda es: of(es, "demonstration_added")["body"].update(success=False),
            "another task": lambda es: of(es, "demonstration_added")["body"].update(task="b"),
            "no such task": lambda es: of(es, "demonstration_added")["body"].update(task="zebra"),
            "more steps": lambda es: of(es, "demonstration_added")["body"].update(steps=5000),
            "no bytes": lambda es: of(es, "demonstration_added").update(blob=None),
            "bytes of another": lambda es: of(es, "demonstration_added").update(blob="d0000000099"),
            "bytes where none belong": lambda es: of(es, "scales_frozen").update(blob="d0000000006"),
            "a task in use deleted": lambda es: of(es, "task_deleted")["body"].update(key="a"),
            "retracted, never there": lambda es: of(es, "demonstration_retracted")["body"].update(key="d0000000001"),
            "too few means": lambda es: of(es, "scales_frozen")["body"].update(state_mean=[0]),
            "no deviation": lambda es: of(es, "scales_frozen")["body"].update(state_std=[0, 0, 0]),
            "a scale below zero": lambda es: of(es, "scales_frozen")["body"].update(state_scale=[-1]),
            "a fence of its own": lambda es: of(es, "assignment_opened")["body"]["assignment"].update(fence=1),
            "an assignment without id": lambda es: of(es, "assignment_opened")["body"]["assignment"].pop("id"),
            "a lease for ever": lambda es: of(es, "assignment_opened")["body"].update(expires_ms=9 * 10**14),
            "ended, never open": lambda es: of(es, "assignment_completed")["body"].update(id="a0000000001"),
            "completed by nothing": lambda es: of(es, "assignment_completed")["body"].update(demonstration=None),
            "renewed with a fence that is stale": lambda es: of(es, "assignment_renewed")["body"].update(fence=1),
            "renewed for ever": lambda es: of(es, "assignment_renewed")["body"].update(expires_ms=9 * 10**14),
            "skipped, never open": lambda es: of(es, "assignment_skipped")["body"].update(id="a0000000001"),
            "skipped to somebody": lambda es: of(es, "assignment_skipped")["body"].update(to="boris"),
            "failed a second time": lambda es: of(es, "assignment_failed")["body"].update(
                id=of(es, "assignment_skipped")["body"]["id"]),
            "dimensions changed": lambda es: of(es, "project_updated")["body"].update(state_dim=7),
            "a day that is none": lambda es: es[1].update(at="2026-02-30T10:00:00.000Z"),
            "deleted at the end": lambda es: es.append({"seq": len(es) + 1, "at": es[-1]["at"], "type": "project_deleted",
                                                        "blob": None, "body": {"key": "small", "reason": None}}),
        }
        for name, change in changes.items():
            with self.subTest(name):
                self.events(change)

    def test_numbers_logged_when_all_they_are_of_was_taken_back(self):
        at = f"{PROJECTS}/emptied"
        self.daemon.ok("POST", PROJECTS, {"id": "emptied", "fit_after": 1})
        self.daemon.ok("PUT", f"{at}/tasks/a", {})
        held = self.daemon.ok("POST", f"{at}/demonstrations", trajectory("a", 1))
        self.daemon.ok("DELETE", f"{at}/demonstrations/{held['id']}")

        def fitted_late(lines):  # what the fitting thread does where a demonstration goes while it works
            late = {**json.loads(lines[-2]), "seq": len(lines) + 1, "at": json.loads(lines[-1])["at"]}
            assert late["type"] == "scales_frozen"
            return [*lines, json.dumps(late, separators=(",", ":"), ensure_ascii=False)]
        self.take("emptied-copy", altered(export(self.daemon, "emptied"), events=fitted_late,
                                          head=lambda said: said.update(seq=said["seq"] + 1)))

    def test_the_line_at_fault_is_named(self):
        def change(events):
            events[2]["body"]["weight"] = -1
        self.events(change, "invalid_archive", at="events.jsonl line 3 /weight")

    def test_a_log_without_events(self):
        def no_blobs(entries):
            for name in [n for n in entries if n.startswith("demonstrations/")]:
                del entries[name]
        empty = altered(self.archive, events=lambda lines: [], blobs=no_blobs,
                        head=lambda said: said.update(seq=0, leases=[]))
        self.refused(empty, (422,), "invalid_archive", "events.jsonl")

    def test_a_last_line_that_would_go_on_into_the_next_entry(self):
        def cut(entries):
            entries["events.jsonl"] = entries["events.jsonl"][:-1]
        self.refused(altered(self.archive, blobs=cut), (422,), "invalid_archive", "events.jsonl")

    def test_a_head_that_disagrees_with_the_events(self):
        for change in (lambda said: said.update(seq=said["seq"] - 1), lambda said: said.update(leases=[]),
                       lambda said: said["leases"][0].update(id="a0000000001"), lambda said: said.update(at="now"),
                       lambda said: said["leases"][0].update(remaining_s=-1),
                       lambda said: said.update(events_bytes=said["events_bytes"] - 1)):
            self.refused(altered(self.archive, head=change))

    def test_after_all_that_the_archive_itself_is_taken(self):
        self.refused(self.archive[:-1])
        self.take("survivor", self.archive)
        self.take("rewritten", altered(self.archive))  # our own packing is right: the refusals above mean something


class UnderWay(unittest.TestCase):
    def setUp(self):
        self.daemon = Daemon()

    def tearDown(self):
        self.daemon.close()

    def test_an_export_is_of_one_moment_while_others_write(self):
        at = fill(self.daemon, "busy")
        stop, stored = threading.Event(), []

        def write(first):
            for i in range(first, first + 100000, 4):
                if stop.is_set():
                    return
                stored.append(self.daemon.ok("POST", f"{at}/demonstrations", trajectory("abc"[i % 3], i, steps=40))["seq"])

        writers = [threading.Thread(target=write, args=(1000 + i,)) for i in range(4)]
        for writer in writers:
            writer.start()
        try:
            for turn in range(5):
                before = max(stored, default=0)
                archive = export(self.daemon, "busy")
                head = json.loads(members(archive)["export.json"])
                events = [json.loads(line) for line in members(archive)["events.jsonl"].splitlines()]
                self.assertEqual([e["seq"] for e in events], list(range(1, head["seq"] + 1)))
                self.assertGreaterEqual(head["seq"], before)
                answer = self.daemon.request("POST", f"{PROJECTS}/busy-{turn}/import", archive, OCTETS)
                self.assertEqual((answer.status, answer.json.get("seq")), (201, head["seq"]), answer.body)
                wait_until(lambda seen=head["seq"]: max(stored) > seen)
        finally:
            stop.set()
            for writer in writers:
                writer.join()

    def test_what_comes_while_an_export_is_read_is_not_in_it(self):
        at = fill(self.daemon, "slow")
        for i in range(60):
            body = demonstration_file(trajectory("a", 100 + i, steps=8000))
            self.assertEqual(self.daemon.request("POST", f"{at}/demonstrations", body, TENSORS).status, 201)
        for i in range(3):  # small ones last: reading on for more would find the ones to come
            self.daemon.ok("POST", f"{at}/demonstrations", trajectory("c", 2000 + i))
        before = self.daemon.ok("GET", at)["seq"]
        connection = http.client.HTTPConnection(self.daemon.address, timeout=60)
        connection.request("GET", f"{at}/export", headers={"Authorization": f"Bearer {self.daemon.token}"})
        answer = connection.getresponse()  # its first bytes are there, far more than buffers hold are to come
        for i in range(10):
            self.daemon.ok("POST", f"{at}/demonstrations", trajectory("b", 1000 + i))
        archive = answer.read()
        connection.close()
        self.assertEqual(len(archive), int(answer.headers["Content-Length"]))
        self.assertEqual(json.loads(members(archive)["export.json"])["seq"], before)
        made = self.daemon.request("POST", f"{PROJECTS}/slow-copy/import", archive, OCTETS)
        self.assertEqual((made.status, made.json.get("seq")), (201, before), made.body)

    def test_a_kill_during_an_import_leaves_all_or_nothing(self):
        fill(self.daemon, "large")
        for i in range(60):
            self.daemon.ok("POST", f"{PROJECTS}/large/demonstrations", trajectory("a", 100 + i, steps=1500))
        archive = export(self.daemon, "large")
        pick, outcomes = random.Random(3), set()
        started = time.monotonic()
        self.assertEqual(self.daemon.request("POST", f"{PROJECTS}/timed/import", archive, OCTETS).status, 201)
        took = time.monotonic() - started
        for turn in range(12):
            def send(name=f"copy-{turn}"):
                try:
                    self.daemon.request("POST", f"{PROJECTS}/{name}/import", archive, OCTETS)
                except OSError:
                    pass
            sender = threading.Thread(target=send)
            sender.start()
            time.sleep(took * pick.uniform(0, 1.1))
            self.daemon.kill()
            sender.join()
            self.daemon.start()
            self.assertEqual(os.listdir(os.path.join(self.daemon.data, "d", "spool")), [])
            there = self.daemon.request("GET", f"{PROJECTS}/copy-{turn}").status == 200
            outcomes.add(there)
            if there:
                self.assertEqual(members(export(self.daemon, f"copy-{turn}"))["events.jsonl"], members(archive)["events.jsonl"])
            else:
                self.assertEqual(self.daemon.request("POST", f"{PROJECTS}/copy-{turn}/import", archive, OCTETS).status, 201)
        self.assertIn(False, outcomes)

    def test_two_imports_at_a_time_and_who_goes_away_makes_room(self):
        fill(self.daemon, "queue")
        archive = export(self.daemon, "queue")
        names = ("one", "two")
        halves = [self.part_of_an_import(name, archive[:1000], len(archive)) for name in names]
        path = f"{PROJECTS}/three/import"

        def full():
            for index, name in enumerate(names):
                if select.select([halves[index].sock], [], [], 0)[0]:  # answered: it came while the question below was asked
                    halves[index].close()
                    halves[index] = self.part_of_an_import(name, archive[:1000], len(archive))
            return self.daemon.request("POST", path, archive[:-1], OCTETS).status == 503

        wait_until(full)
        busy = self.daemon.request("POST", path, archive, OCTETS)
        self.assertEqual((busy.status, busy.json["code"], busy.headers["Retry-After"]), (503, "overloaded", "1"))
        halves[0].close()
        wait_until(lambda: self.daemon.request("POST", path, archive, OCTETS).status == 201)
        halves[1].send(archive[1000:])
        self.assertEqual(halves[1].getresponse().status, 201)
        halves[1].close()
        self.assertEqual([p["id"] for p in self.daemon.ok("GET", PROJECTS)["projects"]], ["queue", "three", "two"])

    def test_one_after_the_other_never_finds_the_last_one_in_its_way(self):
        fill(self.daemon, "row")
        archive = export(self.daemon, "row")
        with contextlib.closing(self.part_of_an_import("held", archive[:1000], len(archive))):
            for turn in range(100):
                answer = self.daemon.request("POST", f"{PROJECTS}/row-{turn}/import", archive, OCTETS)
                self.assertEqual(answer.status, 201, answer.body)

    def part_of_an_import(self, name, data, length=None):
        """A connection with an import on it that is not at its end; without a length, in chunks."""
        connection = http.client.HTTPConnection(self.daemon.address, timeout=60)
        connection.putrequest("POST", f"{PROJECTS}/{name}/import")
        size = {"Content-Length": str(length)} if length else {"Transfer-Encoding": "chunked"}
        for header, value in {**OCTETS, "Authorization": f"Bearer {self.daemon.token}", **size}.items():
            connection.putheader(header, value)
        connection.endheaders(data if length else b"%x\r\n%s\r\n" % (len(data), data))
        return connection

    def start_with_little_room(self, folder):
        """The daemon again, with a spool on a disk of 1 MiB."""
        self.daemon.stop()
        if subprocess.run(["unshare", "-rm", "true"], capture_output=True).returncode:
            self.skipTest("no namespaces here")
        self.daemon.program = os.path.join(folder, "amfd")
        with open(self.daemon.program, "w", encoding="utf-8") as file:
            file.write(f"""#!/bin/sh
exec unshare -rm sh -c 'mount -t tmpfs -o size=1m tmpfs "$2/spool" && exec "$0" "$@"' {AMFD} "$@"
""")
        os.chmod(self.daemon.program, 0o755)
        self.daemon.start()

    def test_a_disk_without_room_is_507_and_everything_else_goes_on(self):
        at = fill(self.daemon, "full")
        for i in range(10):
            self.daemon.ok("POST", f"{at}/demonstrations", trajectory("a", 100 + i, steps=5000))
        archive = export(self.daemon, "full")
        self.assertGreater(len(archive), 1 << 20)
        with tempfile.TemporaryDirectory() as folder:
            self.start_with_little_room(folder)
            told = self.daemon.request("POST", f"{PROJECTS}/told/import", archive, OCTETS)
            self.assertEqual((told.status, told.json["code"]), (507, "disk_full"))
            self.daemon.ok("POST", f"{at}/demonstrations", trajectory("a", 999))
            self.assertEqual([p["id"] for p in self.daemon.ok("GET", PROJECTS)["projects"]], ["full"])
            self.daemon.ok("POST", PROJECTS, {"id": "small"})
            small = export(self.daemon, "small")  # there is room again
            self.assertEqual(self.daemon.request("POST", f"{PROJECTS}/copy/import", small, OCTETS).status, 201)

    def test_an_import_of_unknown_length_ends_before_the_disk_is_full(self):
        self.daemon.ok("POST", PROJECTS, {"id": "small"})
        small = export(self.daemon, "small")
        with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as open_ones:
            self.start_with_little_room(folder)
            for turn in range(3):  # more than may be under way, and none of them has ended
                # A disk of 1 MiB has room for it, but not for it and its content in the database.
                part = self.part_of_an_import(f"long-{turn}", bytes(700 << 10))
                open_ones.callback(part.close)
                answer = http.client.HTTPResponse(part.sock)  # leaves the connection open
                answer.begin()
                self.assertEqual((answer.status, json.loads(answer.read())["code"]), (507, "disk_full"))
            with contextlib.closing(self.part_of_an_import("short", small)) as short:
                short.send(b"0\r\n\r\n")
                self.assertEqual(short.getresponse().status, 201)

    def test_memory_is_that_of_one_demonstration_not_of_the_archive(self):
        at = fill(self.daemon, "memory")
        for i in range(120):
            body = demonstration_file(trajectory("a", 100 + i, steps=8000))
            self.assertEqual(self.daemon.request("POST", f"{at}/demonstrations", body, TENSORS).status, 201)

        with open(AMFD, "rb") as file:
            if b"__asan_init" in file.read():
                self.skipTest("a sanitizer keeps what was freed")

        def peak_bytes():
            with open(f"/proc/{self.daemon.process.pid}/status", encoding="ascii") as file:
                return 1024 * int(next(line for line in file if line.startswith("VmHWM")).split()[1])

        self.daemon.stop()
        self.daemon.start()  # a new high-water mark
        scores(self.daemon, "memory")
        before = peak_bytes()
        archive = export(self.daemon, "memory")
        self.assertLess(peak_bytes() - before, len(archive) / 4)
        # Refused at the very last check, or the copy's ranking would take memory meanwhile.
        wrong = altered(archive, head=lambda said: said.update(seq=said["seq"] + 1))
        answer = self.daemon.request("POST", f"{PROJECTS}/copy/import", wrong, OCTETS)
        self.assertEqual((answer.status, answer.json["at"]), (422, "export.json"))
        self.assertLess(peak_bytes() - before, len(archive) / 4)


if __name__ == "__main__":
    tap.main()
