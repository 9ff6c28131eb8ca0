"""Decisions: what each was made of, the report over them, and that a replay makes every one of them again."""
import glob
import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import tap
from archive import members, pack
from daemon import AMF, AMFD, TENSORS, Daemon, trajectory, wait_until

OCTETS = {"Content-Type": "application/octet-stream"}
FRANKA = os.path.join(os.path.dirname(__file__), "..", "..", "data", "lila_franka")
TASKS = ("a", "b", "c", "d")


def fill(daemon, project, counts=(3, 2, 1, 0), **settings):
    daemon.ok("POST", "/v1/projects", {"id": project, **settings})
    for task in TASKS:
        daemon.ok("PUT", f"/v1/projects/{project}/tasks/{task}", {"instruction": f"do {task}"})
    for task, count in zip(TASKS, counts):
        for i in range(count):
            daemon.ok("POST", f"/v1/projects/{project}/demonstrations",
                      trajectory(task, 0.7 * i + ord(task) % 7, steps=9 + i, duration_s=30 if task == "a" else None))
    return f"/v1/projects/{project}"


def fleet(daemon, at, recordings, seed, rounds=8):
    """Askers who ask at once, hand in or do not, while the project is changed around them."""
    lock, stored = threading.Lock(), []

    def asker(number, round_number):
        draw = random.Random(f"{seed} {round_number} {number}")
        ask = {"operator": f"operator-{number}", "count": draw.choice((1, 1, 2, 3)),
               "capabilities": ["pour"] if number % 2 else [], "exclude": ["pick-banana"] if number == 3 else []}
        for given in daemon.ok("POST", f"{at}/assignments", ask)["assignments"]:
            end = draw.choice(("complete", "complete", "complete", "skip", "fail", "release", "renew", None))
            lease = f"{at}/assignments/{given['id']}"
            with lock:
                recording = recordings[given["task"]].pop() if recordings[given["task"]] and end == "complete" else None
            if end == "skip":
                daemon.ok("POST", f"{lease}/skip", {"fence": given["fence"], "to": draw.choice(("me", "others", "never"))})
            elif end in ("fail", "release", "renew"):
                daemon.ok("POST", f"{lease}/{end}", {"fence": given["fence"]})
            elif recording:
                held = daemon.ok("POST", f"{at}/demonstrations", recording, TENSORS)["id"]
                daemon.ok("POST", f"{lease}/complete", {"fence": given["fence"], "demonstration_id": held})
                with lock:
                    stored.append(held)

    changes = {
        2: lambda: daemon.ok("PATCH", at, {"criterion": {"max_steps": 8}}),
        3: lambda: (daemon.ok("POST", f"{at}/refit"), [daemon.ok("PUT", f"{at}/tasks/{task}", {
            "requires": ["pour"] if task == "pour-coffee" else []}) for task in recordings]),  # ends skips
        4: lambda: (daemon.ok("DELETE", f"{at}/demonstrations/{stored[0]}"), daemon.ok("DELETE", f"{at}/tasks/extra")),
        5: lambda: daemon.ok("PATCH", at, {"selection": {"cost_exponent": 0.5}, "noise_std": 0.5}),
        6: lambda: (daemon.ok("PATCH", at, {"selection": {"explore_share": 0.3}, "criterion": {
            "weights": "self_normalized", "max_steps": 16}}), daemon.kill(), daemon.start()),
    }
    for round_number in range(rounds):
        askers = [threading.Thread(target=asker, args=(number, round_number)) for number in range(6)]
        for thread in askers:
            thread.start()
        for thread in askers:
            thread.join()
        changes.get(round_number, lambda: None)()


def export_file(daemon, at):
    with tempfile.NamedTemporaryFile(suffix=".tar", delete=False) as file:
        file.write(daemon.request("GET", f"{at}/export").body)
    return file.name


def replay(path, *arguments, program=(AMFD, "--replay"), **environment):
    return subprocess.run([*program, path, *arguments], capture_output=True, text=True, timeout=240,
                          env={**os.environ, **environment})


def altered(path, change):
    """A copy of the archive, in which change() has had each event's body."""
    entries, lines = members(open(path, "rb").read()), []
    for line in entries["events.jsonl"].decode().splitlines():
        event = json.loads(line)
        before = json.dumps(event["body"])
        change(event)
        lines.append(line if json.dumps(event["body"]) == before else
                     line[:line.index('"body":')] + '"body":' + json.dumps(event["body"], separators=(",", ":")) + "}")
    entries["events.jsonl"] = "".join(line + "\n" for line in lines).encode()
    head = json.loads(entries["export.json"])
    head["events_bytes"] = len(entries["events.jsonl"])
    entries["export.json"] = json.dumps(head, separators=(",", ":")).encode()
    with open(path + ".altered", "wb") as file:
        file.write(pack(entries))
    return path + ".altered"


class Decisions(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.daemon = Daemon()

    @classmethod
    def tearDownClass(cls):
        cls.daemon.close()

    def ask(self, at, **ask):
        return self.daemon.ok("POST", f"{at}/assignments", ask, status=201)["assignments"]

    def test_a_decision_says_what_it_was_made_of(self):
        at = fill(self.daemon, "made")
        ranking = self.daemon.ok("GET", f"{at}/ranking?wait_s=10")
        given = self.ask(at, operator="anna", robot="r1", capabilities=["pour"], exclude=["c"])[0]
        decision = self.daemon.ok("GET", f"{at}/decisions/{given['id']}")
        best = next(c for c in ranking["candidates"] if c["task"] == given["task"])
        for field in ("task", "rule", "gain", "margin", "why", "operator", "robot", "state"):
            self.assertEqual(decision[field], given[field], field)
        self.assertEqual((decision["seq"], decision["pick"], decision["age_s"]), (ranking["seq"], 0, 0))
        basis = decision["basis"]
        self.assertEqual((basis["revision"], basis["measure"], basis["capabilities"], basis["exclude"]),
                         ("gp", "entropy", ["pour"], ["c"]))
        self.assertEqual(basis["blas_core"], self.daemon.ok("GET", "/version")["blas_core"])
        self.assertEqual(basis["scores"], {"tasks": [c["task"] for c in ranking["candidates"]],
                                           "values": [c["gain"] for c in ranking["candidates"]], "total": 4})
        self.assertEqual(basis["shares"], best["shares"])
        self.assertEqual(dict(zip(basis["entropies"]["tasks"], basis["entropies"]["values"])),
                         {c["task"]: round(c["posterior_entropy"], 4) for c in ranking["candidates"]})
        self.assertAlmostEqual(basis["effective_sample_size"], best["effective_sample_size"], 4)
        self.assertNotIn("pending", basis)
        self.assertNotIn("unseen", basis)

    def test_a_log_of_before_means_what_it_meant(self):
        """Where a network was ranked by its rollouts, before that alone settled measure and noise."""
        def before(event):
            if event["type"] == "project_created":
                event["body"]["criterion"]["measure"], event["body"]["noise_relative"] = "auto", None

        at = fill(self.daemon, "today", (0, 0, 0, 0), policy={"kind": "external"}, kernel={"kind": "embedding"},
                  criterion={"occupancy": "rollouts"})
        with open(altered(export_file(self.daemon, at), before), "rb") as archive:
            self.daemon.ok("POST", "/v1/projects/earlier/import", archive.read(), OCTETS)
        measures = [self.daemon.ok("GET", f"/v1/projects/{name}/ranking?wait_s=10")["measure"] for name in ("today", "earlier")]
        self.assertEqual(measures, ["entropy", "variance"])
        self.assertIsNone(self.daemon.ok("GET", "/v1/projects/earlier")["noise_relative"])

    def test_shares_of_a_gain_are_of_one_whole_and_the_largest_come_first(self):
        at = fill(self.daemon, "shares")
        self.daemon.ok("PUT", f"{at}/tasks/b", {"weight": 0})
        self.daemon.ok("PUT", f"{at}/tasks/c", {"role": "candidate"})
        for candidate in self.daemon.ok("GET", f"{at}/ranking?wait_s=10")["candidates"]:
            shares = candidate["shares"]
            self.assertEqual((sorted(shares["tasks"]), shares["total"]), (["a", "d"], 2))
            self.assertAlmostEqual(sum(shares["values"]), 1, 3)
            self.assertEqual(shares["values"], sorted(shares["values"], reverse=True))

    def test_lists_are_short_and_say_of_how_many(self):
        daemon = self.daemon
        daemon.ok("POST", "/v1/projects", {"id": "many"})
        for i in range(20):
            daemon.ok("PUT", f"/v1/projects/many/tasks/t{i:02}")
        for i in range(6):
            daemon.ok("POST", "/v1/projects/many/demonstrations", trajectory(f"t{i:02}", i))
        daemon.ok("GET", "/v1/projects/many/ranking?wait_s=10")
        given = self.ask("/v1/projects/many", operator="anna", count=18)
        basis = daemon.ok("GET", f"/v1/projects/many/decisions/{given[-1]['id']}")["basis"]
        for name, total in (("scores", 20), ("entropies", 20), ("shares", 20)):
            self.assertEqual((len(basis[name]["tasks"]), len(basis[name]["values"]), basis[name]["total"]),
                             (16, 16, total), name)
        self.assertEqual(basis["scores"]["values"], sorted(basis["scores"]["values"], reverse=True))

    def test_what_is_under_way_is_told_whether_the_gains_know_of_it_or_not(self):
        at = fill(self.daemon, "pending")
        self.daemon.ok("GET", f"{at}/ranking?wait_s=10")
        given = self.ask(at, operator="anna", count=12)
        decisions = self.daemon.ok("GET", f"{at}/decisions")["decisions"]
        self.assertEqual([d["id"] for d in decisions], [a["id"] for a in given])
        for number, decision in enumerate(decisions):
            known = sum(decision["basis"].get("pending", {"values": []})["values"])
            unknown = sum(decision["basis"].get("unseen", {"values": []})["values"])
            self.assertEqual(known + unknown, number)
            self.assertEqual(known, decision["pick"])
        ranking = self.daemon.ok("GET", f"{at}/ranking?wait_s=10")
        self.assertEqual(sum(ranking["pending"]["values"]), 12)

    def test_picks_worked_out_ahead_are_given_out_in_turn(self):
        def given_out():
            given_out.tried += 1
            at = fill(self.daemon, f"ahead-{given_out.tried}")
            self.daemon.ok("GET", f"{at}/ranking?wait_s=10")
            time.sleep(0.1 * given_out.tried)  # for as long as it takes
            self.ask(at, operator="anna", count=6)
            decisions = self.daemon.ok("GET", f"{at}/decisions")["decisions"]
            return [d["pick"] for d in decisions] == list(range(6)) and len({d["seq"] for d in decisions}) == 1

        given_out.tried = 0
        wait_until(given_out, 60)

    def test_decisions_page_like_every_list_and_are_not_mixed_with_other_events(self):
        at = fill(self.daemon, "pages")
        for i in range(5):
            given = self.ask(at, operator=f"o{i}")[0]
            self.daemon.ok("POST", f"{at}/assignments/{given['id']}/complete",
                           {"fence": given["fence"], "demonstration": trajectory(given["task"], 20 + i)})
        cursor, seen = "", []
        while cursor is not None:
            page = self.daemon.ok("GET", f"{at}/decisions?limit=2" + (f"&cursor={cursor}" if cursor else ""))
            seen += page["decisions"]
            cursor = page["next_cursor"]
        self.assertEqual([d["operator"] for d in seen], [f"o{i}" for i in range(5)])
        self.assertEqual({d["state"] for d in seen}, {"completed"})

    def test_what_is_not_there_is_refused(self):
        at = fill(self.daemon, "none", counts=(0, 0, 0, 0))
        self.assertEqual(self.daemon.request("GET", f"{at}/decisions/a0000000001").json["code"], "decision_not_found")
        self.assertEqual(self.daemon.request("GET", "/v1/projects/nowhere/decisions").status, 404)
        self.assertEqual(self.daemon.request("GET", "/v1/projects/nowhere/report").status, 404)
        self.assertEqual(self.daemon.request("GET", f"{at}/decisions?cursor=d0000000001").status, 400)

    def test_why_is_a_sentence_for_every_rule(self):
        rules = {"criterion": "expected to teach most", "uniform": "drawn at random", "round_robin": "the turn of",
                 "rebalance": "fewest demonstrations", "prior_entropy": "least certain",
                 "lowest_success": "has no rollout yet"}
        for rule, words in rules.items():
            at = fill(self.daemon, f"why-{rule.replace('_', '-')}", selection={"rule": rule})
            self.daemon.ok("GET", f"{at}/ranking?wait_s=10")
            given = self.ask(at, operator="anna")[0]
            self.assertEqual(given["rule"], rule)
            self.assertIn(words, given["why"])
            self.assertIn(given["task"], given["why"])
            self.assertTrue(given["why"].endswith("."), given["why"])

    def test_lowest_success_counts_the_newest_attempts_alone(self):
        at = fill(self.daemon, "rollouts", selection={"rule": "lowest_success"}, criterion={"rollouts_per_task": 2})
        for i, task in enumerate("aabbbccdd"):
            self.daemon.ok("POST", f"{at}/demonstrations",
                           trajectory(task, 60 + i, role="rollout", success=task != "b" or i < 3))
        given = self.ask(at, operator="anna")[0]
        self.assertEqual(given["task"], "b")
        self.assertIn("in 0 of its newest 2 rollouts", given["why"])

    def test_a_report_counts_and_a_round_is_a_decision(self):
        at = fill(self.daemon, "report", selection={"budget": 40})
        self.daemon.ok("POST", f"{at}/demonstrations", trajectory("a", 71, success=False, duration_s=90))
        self.daemon.ok("POST", f"{at}/demonstrations", trajectory("a", 72, role="rollout", duration_s=1000))
        self.daemon.ok("GET", f"{at}/ranking?wait_s=10")
        first = self.ask(at, operator="anna")[0]
        self.daemon.ok("POST", f"{at}/assignments/{first['id']}/complete",
                       {"fence": first["fence"], "demonstration": trajectory(first["task"], 80, duration_s=12)})
        ranking = self.daemon.ok("GET", f"{at}/ranking?wait_s=10")
        second = self.ask(at, operator="boris")[0]
        report = self.daemon.ok("GET", f"{at}/report")
        self.assertEqual((report["demonstrations"], report["failed"], report["decisions"], report["budget"]),
                         (7, 1, 2, 40))
        self.assertAlmostEqual(report["minutes"], (3 * 30 + 90 + 12) / 60)
        self.assertEqual(report["unknown_durations"], 3)
        self.assertEqual(report["rules"], [{"rule": "criterion", "decisions": 2}])
        states = {s["state"]: s["assignments"] for s in report["assignments"]}
        self.assertEqual((states["open"], states["completed"]), (1, 1))
        self.assertEqual([(r["round"], r["id"], r["task"], r["gain"]) for r in report["rounds"]],
                         [(1, first["id"], first["task"], first["gain"]),
                          (2, second["id"], second["task"], second["gain"])])
        self.assertNotEqual(report["rounds"][1]["entropy"], report["rounds"][0]["entropy"])
        self.assertEqual(report["first_entropy"], report["rounds"][0]["entropy"])
        tasks = {t["task"]: t for t in report["tasks"]}
        now = {c["task"]: round(c["posterior_entropy"], 4) for c in ranking["candidates"]}
        self.assertEqual({key: task["entropy"] for key, task in tasks.items()}, now)
        self.assertEqual((tasks["a"]["failed"], tasks["a"]["rollouts"], tasks["a"]["unknown_durations"]), (1, 1, 0))
        self.assertEqual(sum(t["decisions"] for t in report["tasks"]), 2)

    def test_a_report_of_many_rounds_tells_two_hundred_evenly_spaced(self):
        at = fill(self.daemon, "long", counts=(0, 0, 0, 0))
        for i in range(8):
            self.ask(at, operator=f"o{i}", count=32)
        report = self.daemon.ok("GET", f"{at}/report")
        rounds = [r["round"] for r in report["rounds"]]
        self.assertEqual((report["decisions"], len(rounds), rounds[0], rounds[-1]), (256, 200, 1, 256))
        self.assertTrue(all(0 < b - a <= 2 for a, b in zip(rounds, rounds[1:])))


class CommandLine(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.daemon = Daemon()
        cls.at = fill(cls.daemon, "kitchen")
        cls.daemon.ok("GET", f"{cls.at}/ranking?wait_s=10")
        cls.given = [cls.daemon.ok("POST", f"{cls.at}/assignments", {"operator": f"o{i}"})["assignments"][0]
                     for i in range(3)]

    @classmethod
    def tearDownClass(cls):
        cls.daemon.close()

    def amf(self, *arguments, code=0):
        done = subprocess.run([AMF, *arguments], capture_output=True, text=True, timeout=60, env={
            **os.environ, "AMF_URL": self.daemon.url, "AMF_TOKEN": self.daemon.token, "LC_ALL": "C.UTF-8"})
        self.assertEqual(done.returncode, code, done.stderr)
        return done.stdout if code == 0 else done.stderr

    def test_the_list_is_a_line_a_decision(self):
        lines = self.amf("decisions", "kitchen").splitlines()
        self.assertEqual([line.split()[0] for line in lines[1:]], [a["id"] for a in self.given])
        self.assertIn("criterion", lines[1])
        page = json.loads(self.amf("decisions", "kitchen", "--limit", "2", "--json"))
        self.assertEqual((len(page["decisions"]), page["next_cursor"]), (2, self.given[1]["id"]))
        self.assertEqual(len(self.amf("decisions", "kitchen", "--limit", "2").splitlines()), 3)

    def test_one_decision_is_told_with_all_that_it_was_made_of(self):
        text = self.amf("decisions", "kitchen", self.given[2]["id"])
        self.assertEqual(text.splitlines()[0], self.given[2]["task"])
        for word in (self.given[2]["why"], "o2", "criterion", "gains", "of it about", "entropies", "effective sample"):
            self.assertIn(word, text)
        self.assertIn("decision_not_found", self.amf("decisions", "kitchen", "a0000099999", code=1))

    def test_a_report_is_read_in_ten_seconds(self):
        lines = self.amf("report", "kitchen").splitlines()
        self.assertEqual(lines[0], "kitchen: 6 demonstrations, 0 failed, 3 rounds, 1.5 minutes and 3 of unknown length")
        self.assertEqual([line.split()[0] for line in lines[3:7]], list(TASKS))
        self.assertIn("rules    criterion 3", lines)
        self.assertIn("state    open 3", lines)
        self.assertTrue(any(line.startswith("entropy ") for line in lines))


class Replay(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.daemon = Daemon()
        cls.at = "/v1/projects/franka"
        recordings = {}
        cls.daemon.ok("POST", "/v1/projects", {"id": "franka"})
        for task in sorted(os.path.basename(os.path.dirname(p)) for p in glob.glob(f"{FRANKA}/*/000.safetensors")):
            recordings[task] = [open(path, "rb").read() for path in sorted(glob.glob(f"{FRANKA}/{task}/*.safetensors"))[:12]]
            cls.daemon.ok("PUT", f"{cls.at}/tasks/{task}", {"requires": ["pour"] if task == "pour-coffee" else []})
        cls.daemon.ok("PUT", f"{cls.at}/tasks/extra", {"role": "evaluation"})
        fleet(cls.daemon, cls.at, recordings, seed=1)
        cls.decisions = cls.daemon.ok("GET", f"{cls.at}/decisions?limit=500")["decisions"]
        cls.export = export_file(cls.daemon, cls.at)

    @classmethod
    def tearDownClass(cls):
        cls.daemon.close()
        for path in glob.glob(cls.export + "*"):
            os.unlink(path)

    def test_every_decision_comes_out_the_same_at_any_number_of_workers(self):
        self.assertGreater(len(self.decisions), 30)
        self.assertGreater(sum(d["rule"] == "criterion" for d in self.decisions), 10)
        for workers in (1, 2, 7):
            answer = replay(self.export, "--workers", str(workers), "--json")
            self.assertEqual((answer.returncode, answer.stderr), (0, ""))
            said = json.loads(answer.stdout)
            self.assertEqual((said["total"], said["same"], said["workers"], said["first_difference"]),
                             (len(self.decisions), len(self.decisions), workers, None))

    def test_a_copy_that_was_imported_and_went_on_is_repeated_too(self):
        copy = "/v1/projects/franka-copy"
        self.daemon.ok("POST", f"{copy}/import", open(self.export, "rb").read(), OCTETS)
        self.daemon.ok("POST", f"{copy}/assignments", {"operator": "zoe", "count": 3})
        path = export_file(self.daemon, copy)
        try:
            said = json.loads(replay(path, "--json").stdout)
        finally:
            os.unlink(path)
        self.assertEqual((said["total"], said["same"]), (len(self.decisions) + 3, len(self.decisions) + 3))

    def test_a_record_that_was_altered_is_found_and_told_with_both_values(self):
        changes = []

        def change(event):
            body = event["body"]
            if event["type"] == "assignment_opened" and body["assignment"].get("margin") is not None and not changes:
                changes.append((body["assignment"]["id"], body["assignment"]["margin"]))
                body["assignment"]["margin"] = body["assignment"]["margin"] + 0.5

        path = altered(self.export, change)
        answer = replay(path, "--json")
        self.assertEqual(answer.returncode, 1)
        said = json.loads(answer.stdout)
        found = said["first_difference"]
        self.assertEqual((said["different"], found["id"], found["field"]), (1, changes[0][0], "margin"))
        self.assertEqual((float(found["recorded"]), float(found["repeated"])), (changes[0][1] + 0.5, changes[0][1]))
        text = replay(path).stdout
        self.assertIn(f"decision {changes[0][0]}", text)
        self.assertIn(found["recorded"], text)
        self.assertIn(found["repeated"], text)

    def test_one_bit_is_a_difference_and_other_kernels_are_held_to_1e_9(self):
        done = []

        def change(event, core=None, by=1e-15):
            body = event["body"]
            if event["type"] == "assignment_opened" and "basis" in body and core:
                body["basis"]["blas_core"] = core
            if event["type"] == "assignment_opened" and "scores" in body.get("basis", {}) and not done:
                done.append(body["basis"]["scores"]["values"][0])
                body["basis"]["scores"]["values"][0] *= 1 + by

        self.assertEqual(replay(altered(self.export, change)).returncode, 1)
        done.clear()
        path = altered(self.export, lambda event: change(event, "Other", 1e-11))
        said = json.loads(replay(path, "--json").stdout)
        self.assertEqual((said["different"], said["close"]), (0, said["total"]))
        self.assertIn("BLAS core Other", replay(path).stdout)
        done.clear()
        self.assertEqual(replay(altered(self.export, lambda event: change(event, "Other", 1e-6))).returncode, 1)

    def test_decisions_of_an_older_version_are_counted_not_repeated(self):
        def forget(event):
            if event["type"] == "assignment_opened":
                event["body"].pop("basis", None)

        answer = replay(altered(self.export, forget), "--json")
        said = json.loads(answer.stdout)
        self.assertEqual((answer.returncode, said["unrecorded"]), (0, len(self.decisions)))

    def test_what_no_decision_can_have_been_made_by_is_refused(self):
        for field, value in (("ranking_seq", 10**6), ("ranking_seq", -1), ("pick", 16), ("pick", -1)):
            def change(event, field=field, value=value):
                if event["type"] == "assignment_opened":
                    event["body"][field] = value
            self.assertEqual(replay(altered(self.export, change)).returncode, 4, (field, value))

        def nobody(event):
            if event["type"] == "assignment_opened":
                event["body"]["assignment"]["operator"] = None
        path = altered(self.export, nobody)
        refused = self.daemon.request("POST", "/v1/projects/nobody/import", open(path, "rb").read(), OCTETS)
        self.assertEqual((refused.status, refused.json["code"]), (422, "invalid_archive"))

    def test_what_if_nothing_were_changed_nothing_would_have_been(self):
        said = json.loads(replay(self.export, "--what-if", '{"selection": {"seed": 0}}', "--json").stdout)
        self.assertEqual((said["same"], said["different"]), (len(self.decisions), 0))

    def test_what_another_rule_would_have_asked(self):
        asked = [d["task"] for d in self.decisions]
        for setting in ("rule=uniform", "rule=round_robin", "weights=raw", "measure=variance", "criterion.max_steps=4"):
            answer = replay(self.export, "--what-if", setting, "--json", program=(AMF, "replay"))
            self.assertEqual(answer.returncode, 0, answer.stderr)
            said = json.loads(answer.stdout)
            self.assertEqual([d["asked"] for d in said["decisions"]], asked)
            self.assertEqual(said["same"] + said["different"], len(asked))
            self.assertEqual(sum(t["asked"] for t in said["tasks"]), len(asked))
            self.assertEqual(sum(t["instead"] for t in said["tasks"]),
                             sum(d["instead"] is not None for d in said["decisions"]))
            if setting == "rule=uniform":
                self.assertEqual({d["instead_rule"] for d in said["decisions"]}, {"uniform"})
                self.assertGreater(said["different"], 0)

    def test_settings_that_no_project_takes_are_refused(self):
        for setting, code in (("rule=nonsense", 2), ("no.such=1", 2)):
            answer = replay(self.export, "--what-if", setting, program=(AMF, "replay"))
            self.assertEqual((answer.returncode, answer.stdout), (code, ""), answer.stderr)
            self.assertIn("--what-if", answer.stderr)

    def test_what_is_no_export_is_refused(self):
        for path in ("/dev/null", __file__, "/nowhere"):
            answer = replay(path, program=(AMF, "replay"))
            self.assertEqual((answer.returncode, answer.stdout), (4, ""))
            self.assertTrue(answer.stderr)


if __name__ == "__main__":
    tap.main()
