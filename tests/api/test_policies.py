"""Revisions of a policy: staged, uploaded for, activated, retired; and rankings made of what was uploaded."""
import json
import math
import os
import struct
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import tap
from archive import members
from daemon import AMF, TENSORS, Daemon, safetensors, trajectory

ROOT = os.path.join(os.path.dirname(__file__), "..", "..")
CODES = {"F64": "d", "F32": "f", "F16": "e"}
MEASURES = ("entropy", "noisy_entropy", "variance", "reverse_kl")
MODES = ("raw", "self_normalized", "tempered", "uniform", "own_task", "own_task_raw")


def flat(numbers):
    return [x for part in numbers for x in flat(part)] if isinstance(numbers, list) else [numbers]


def shape(numbers):
    return [len(numbers)] + shape(numbers[0]) if isinstance(numbers, list) else []


def tensor(numbers, dtype="F64"):
    """Nested lists as an entry for safetensors()."""
    values = flat(numbers)
    return dtype, shape(numbers), struct.pack(f"<{len(values)}{CODES[dtype]}", *values)


def features_file(tasks=None, dtype="F64", **tensors):
    metadata = {"tasks": json.dumps(tasks)} if tasks is not None else None
    return safetensors({name: tensor(numbers, dtype) for name, numbers in tensors.items()}, metadata)


def constant(value, *sizes):
    return [constant(value, *sizes[1:]) for _ in range(sizes[0])] if sizes else value


def wavy(seed, *sizes):
    """Numbers that differ; a function of the arguments alone."""
    if not sizes:
        return math.sin(12.9898 * seed) * 0.9
    return [wavy(seed * 1.7 + 0.31 * i + 0.1, *sizes[1:]) for i in range(sizes[0])]


class Project:
    """An external project with two tasks of two demonstrations each."""

    def __init__(self, daemon, name, tasks=("a", "b"), kernel="embedding", steps=5, demonstrations=2, **settings):
        self.daemon, self.at, self.tasks, self.steps = daemon, f"/v1/projects/{name}", list(tasks), steps
        daemon.ok("POST", "/v1/projects", {"id": name, "policy": {"kind": "external"}, "kernel": {"kind": kernel},
                                           "selection": {"warm_start": 0}, **settings})
        for task in tasks:
            daemon.ok("PUT", f"{self.at}/tasks/{task}", {})
        self.ids = [self.demonstrate(task, 3 * k + i) for k, task in enumerate(tasks) for i in range(demonstrations)]

    def demonstrate(self, task, seed, **more):
        return self.daemon.ok("POST", f"{self.at}/demonstrations",
                              trajectory(task, seed, steps=self.steps, **more))["id"]

    def put(self, revision, body=None, status=None, **fields):
        return self.daemon.ok("PUT", f"{self.at}/policies/{revision}", fields if body is None else body,
                              TENSORS if isinstance(body, bytes) else None, status=status)

    def features(self, revision, demonstration, body, status=None):
        return self.daemon.ok("PUT", f"{self.at}/policies/{revision}/features/{demonstration}", body, TENSORS,
                              status=status)

    def upload_phi(self, revision, ids=None, columns=4, **more):
        for i, demonstration in enumerate(ids or self.ids):
            self.features(revision, demonstration, features_file(
                self.tasks, phi=wavy(i + 1, len(self.tasks), self.steps, columns),
                log_likelihood=wavy(i + 50, len(self.tasks), self.steps), **more))

    def activate(self, revision):
        return self.daemon.ok("POST", f"{self.at}/policies/{revision}/activate")

    def revision(self, name):
        return self.daemon.ok("GET", f"{self.at}/policies/{name}")

    def states(self):
        return {r["revision"]: r["state"] for r in self.daemon.ok("GET", f"{self.at}/policies")["policies"]}

    def ranking(self):
        return self.daemon.ok("GET", f"{self.at}/ranking?wait_s=20")

    def gains(self):
        return {c["task"]: c["gain"] for c in self.ranking()["candidates"]}


class Case(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.daemon = Daemon()

    @classmethod
    def tearDownClass(cls):
        cls.daemon.close()

    def refused(self, status, code, at, method, path, body=None, headers=None):
        answer = self.daemon.request(method, path, body, headers)
        self.assertEqual((answer.status, answer.json["code"], answer.json.get("at")), (status, code, at), answer.body)
        return answer.json["detail"]


class Life(Case):
    def test_staged_uploaded_activated_retired(self):
        p = Project(self.daemon, "life")
        said = p.put("r1", role="both", trained_on=p.ids[:2], note="after 4 demonstrations", status=201)
        self.assertEqual((said["state"], said["kind"], said["role"], said["trained_on"], said["serves"],
                          said["features"], said["demonstrations"], said["missing"]),
                         ("staged", "external", "both", p.ids[:2], [], None, 0, 4))
        p.upload_phi("r1", p.ids[:3])
        self.assertEqual(p.ranking()["revision"], None)  # staged is not serving
        said = p.activate("r1")
        self.assertEqual((said["state"], said["serves"], said["missing"]), ("active", ["selection", "likelihood"], 1))
        self.assertEqual(said["features"], {"per_task": True, "phi": 4, "h": None, "g": None, "mean": None,
                                            "log_likelihood": "step"})
        answer = p.ranking()
        self.assertEqual((answer["revision"], answer["likelihood_revision"], answer["missing"],
                          answer["missing_count"]), ("r1", "r1", [p.ids[3]], 1))
        self.assertIn(p.ids[3], answer["note"])
        p.upload_phi("r1", p.ids[3:])
        self.assertEqual(p.ranking()["missing"], [])
        p.put("r2")
        p.upload_phi("r2", columns=6)  # another network may be wider
        p.activate("r2")
        self.assertEqual(p.states(), {"r1": "retired", "r2": "active"})
        self.assertEqual(p.ranking()["revision"], "r2")
        asked = self.daemon.ok("POST", f"{p.at}/assignments", {"operator": "anna"})
        self.assertEqual(asked["revision"], "r2")
        self.refused(409, "policy_in_use", "", "POST", f"{p.at}/policies/r1/activate")
        said = self.refused(409, "policy_in_use", "", "PUT", f"{p.at}/policies/r1/features/{p.ids[0]}",
                            features_file(p.tasks, log_likelihood=constant(0, 2)), TENSORS)
        self.assertIn("r1 is retired and its features were let go; PUT a revision of another name", said)
        self.refused(409, "policy_in_use", "", "PUT", f"{p.at}/policies/r2", {"note": "other"})
        self.refused(404, "features_not_found", "", "GET", f"{p.at}/policies/r1/features/{p.ids[0]}")

    def test_a_new_revision_changes_the_gains_and_the_same_features_do_not(self):
        p = Project(self.daemon, "change")
        p.put("r1")
        p.upload_phi("r1")
        p.activate("r1")
        first = p.gains()
        seq = p.ranking()["seq"]
        p.upload_phi("r1")
        self.assertEqual(p.ranking()["seq"], seq)  # idempotent by content: no event
        p.put("r2")
        for i, d in enumerate(p.ids):
            p.features("r2", d, features_file(p.tasks, phi=wavy(i + 7, 2, 5, 4), log_likelihood=wavy(i, 2, 5)))
        self.assertEqual(p.gains(), first)
        p.activate("r2")
        second = p.gains()
        self.assertNotEqual(first, second)
        self.assertTrue(all(gain > 0 for gain in second.values()))
        # replaced while active: an event, and another ranking
        p.features("r2", p.ids[0], features_file(p.tasks, phi=wavy(99, 2, 5, 4), log_likelihood=wavy(0, 2, 5)),
                   status=200)
        self.assertNotEqual(p.gains(), second)

    def test_two_revisions_serve_at_once(self):
        p = Project(self.daemon, "two")
        p.put("both")
        p.upload_phi("both")
        p.activate("both")
        before = p.gains()
        p.put("copy", role="selection")
        for i, d in enumerate(p.ids):
            p.features("copy", d, features_file(p.tasks, phi=wavy(i + 1, 2, 5, 4)))
        p.activate("copy")
        self.assertEqual((p.revision("both")["serves"], p.revision("copy")["serves"]), (["likelihood"], ["selection"]))
        answer = p.ranking()
        self.assertEqual((answer["revision"], answer["likelihood_revision"]), ("copy", "both"))
        self.assertEqual(p.gains(), before)  # the same phi, the same likelihoods
        p.put("new", role="likelihood")
        p.activate("new")
        self.assertEqual(p.states(), {"both": "retired", "copy": "active", "new": "active"})
        answer = p.ranking()
        self.assertEqual(answer["criterion"]["weights"], "own_task")  # nothing uploaded, and it says so
        self.assertIn("No active revision has likelihoods", answer["note"])

    def test_a_gaussian_process_project_has_its_own_and_may_borrow_features(self):
        p = Project(self.daemon, "gp", policy={"kind": "gp"})
        self.assertEqual(p.states(), {"gp": "active"})
        self.assertEqual(p.ranking()["revision"], "gp")
        self.assertIn("no revision serves", p.ranking()["note"])
        p.put("phi", role="selection")
        p.upload_phi("phi")
        p.activate("phi")
        self.assertEqual(p.revision("gp")["serves"], ["likelihood"])
        answer = p.ranking()
        self.assertEqual((answer["revision"], answer["likelihood_revision"], answer["measure"]),
                         ("phi", "gp", "entropy"))
        self.assertTrue(all(c["gain"] > 0 for c in answer["candidates"]))
        p.activate("gp")
        self.assertEqual(p.states(), {"gp": "active", "phi": "retired"})
        self.refused(422, "invalid_field", "/revision", "PUT", f"{p.at}/policies/gp", {})

    def test_a_staged_one_is_replaced_and_the_same_again_is_no_event(self):
        p = Project(self.daemon, "staged")
        p.put("r", note="one", status=201)
        again = p.put("r", note="one", status=200)
        changed = p.put("r", note="two", role="selection", status=200)
        self.assertEqual((changed["note"], changed["role"]), ("two", "selection"))
        self.assertEqual(again["seq"] + 1, changed["seq"])
        body = safetensors({}, {"role": "likelihood", "sigma": "0.5", "trained_on": json.dumps(p.ids[:1]),
                                "format": "pt"})
        said = p.put("r", body, status=200)
        self.assertEqual((said["role"], said["sigma"], said["trained_on"], said["note"]),
                         ("likelihood", 0.5, p.ids[:1], None))
        self.assertEqual(len(said["sha256"]), 64)

    def test_network_defaults_are_shown_resolved(self):
        p = Project(self.daemon, "defaults", selection={})
        p.put("r")
        p.upload_phi("r")
        p.activate("r")
        answer = p.ranking()
        self.assertEqual((answer["measure"], answer["unit"]), ("variance", "(action unit)^2"))
        self.assertEqual({k: answer["criterion"][k] for k in ("occupancy", "conditioning", "warm_start", "clip",
                                                              "weights")},
                         {"occupancy": "new", "conditioning": "none", "warm_start": 1, "clip": None,
                          "weights": "tempered"})
        self.daemon.ok("PUT", f"{p.at}/tasks/c", {})
        self.assertEqual((p.ranking()["rule"], p.ranking()["choice"]), ("warm_start", "c"))


class Missing(Case):
    def missing(self, p, revision, query=""):
        return self.daemon.ok("GET", f"{p.at}/policies/{revision}/missing{query}")

    def test_what_lacks_features_is_listed_page_by_page(self):
        p = Project(self.daemon, "lists")
        p.put("r")
        p.upload_phi("r", p.ids[1:2])
        answer = self.missing(p, "r")
        self.assertEqual(answer["demonstrations"], 3)
        self.assertEqual([m["demonstration"] for m in answer["missing"]], [p.ids[0], p.ids[2], p.ids[3]])
        self.assertEqual(answer["missing"][0], {"demonstration": p.ids[0], "reason": "missing", "tasks": ["a", "b"]})
        page = self.missing(p, "r", "?limit=2")
        self.assertEqual(page["next_cursor"], p.ids[2])
        rest = self.missing(p, "r", f"?limit=2&cursor={p.ids[2]}")
        self.assertEqual(([m["demonstration"] for m in rest["missing"]], rest["next_cursor"]), ([p.ids[3]], None))

    def test_a_task_that_came_later_makes_pairs_stale(self):
        p = Project(self.daemon, "stale")
        p.put("r")
        p.upload_phi("r")
        p.activate("r")
        self.daemon.ok("PUT", f"{p.at}/tasks/c", {})
        answer = self.missing(p, "r")
        self.assertEqual((answer["demonstrations"], answer["stale_pairs"]), (0, 4))
        self.assertEqual(answer["missing"][0], {"demonstration": p.ids[0], "reason": "stale", "tasks": ["c"]})
        answer = p.ranking()
        self.assertEqual((answer["missing"], answer["stale_pairs"]), ([], 4))
        self.assertIn("4 pairs", answer["note"])
        late = next(c for c in answer["candidates"] if c["task"] == "c")
        self.assertEqual((late["gain"], late["scorable"]), (None, False))
        p.tasks.append("c")
        p.upload_phi("r")
        answer = p.ranking()
        self.assertEqual((answer["stale_pairs"], answer["note"]), (0, None))
        self.assertTrue(all(c["scorable"] for c in answer["candidates"]))

    def test_a_demonstration_without_features_is_as_good_as_none(self):
        with_it, without = Project(self.daemon, "with"), Project(self.daemon, "without", standardize=True)
        for p in (with_it, without):
            p.put("r")
            p.upload_phi("r")
            p.activate("r")
        extra = with_it.demonstrate("a", 1)  # the very content is held: nothing happens
        self.assertEqual(extra, with_it.ids[1])
        self.assertEqual(with_it.gains(), without.gains())
        gone = with_it.demonstrate("b", 9)
        self.assertEqual(with_it.ranking()["missing"], [gone])
        self.daemon.ok("DELETE", f"{with_it.at}/demonstrations/{gone}")
        self.assertEqual(with_it.gains(), without.gains())
        self.assertEqual(with_it.ranking()["missing"], [])

    def test_rollouts_stand_in_where_they_have_features(self):
        p = Project(self.daemon, "rollouts", selection={}, criterion={"occupancy": "rollouts", "weight_floor": 0})
        p.put("frozen", role="selection")
        p.upload_phi("frozen")
        p.activate("frozen")
        first = [p.demonstrate(task, 20 + i, role="rollout") for i, task in enumerate(p.tasks)]
        answer = p.ranking()
        self.assertEqual((answer["missing"], answer["missing_count"]), (first, 2))
        self.assertEqual([m["demonstration"] for m in Missing.missing(self, p, "frozen")["missing"]], first)
        self.assertFalse(any(c["scorable"] for c in answer["candidates"]))
        p.upload_phi("frozen", p.ids + first)
        answer = p.ranking()
        self.assertEqual((answer["missing"], answer["note"], answer["rule"]), ([], None, "criterion"))
        self.assertEqual({k: answer["criterion"][k] for k in ("occupancy", "conditioning", "weights")},
                         {"occupancy": "rollouts", "conditioning": "all", "weights": "own_task"})
        self.assertEqual((answer["measure"], answer["unit"], answer["criterion"]["warm_start"]), ("entropy", "nats", "auto"))
        gains = p.gains()
        self.assertTrue(all(gain > 0 for gain in gains.values()))
        late = p.demonstrate("a", 40, role="rollout")  # without features: it neither stands in nor conditions
        self.assertEqual((p.ranking()["missing"], p.gains()), ([late], gains))
        held = p.demonstrate("b", 41)  # nor does what is held
        self.assertEqual((p.ranking()["missing"], p.gains()), ([late, held], gains))
        p.upload_phi("frozen", [held])
        self.assertLess(sum(p.gains().values()), sum(gains.values()))

    def test_retraction_takes_the_features_along(self):
        p = Project(self.daemon, "retract")
        p.put("r")
        p.upload_phi("r")
        p.activate("r")
        self.daemon.ok("DELETE", f"{p.at}/demonstrations/{p.ids[1]}")
        self.assertEqual((p.revision("r")["demonstrations"], p.revision("r")["missing"]), (3, 0))
        self.refused(404, "demonstration_not_found", "", "GET", f"{p.at}/policies/r/features/{p.ids[1]}")
        for d in (p.ids[0], p.ids[2], p.ids[3]):  # each kept its own
            self.assertEqual(self.daemon.ok("GET", f"{p.at}/policies/r/features/{d}")["demonstration"], d)


class Forms(Case):
    def test_the_file_comes_back_as_it_was_sent(self):
        p = Project(self.daemon, "bytes")
        p.put("r")
        body = features_file(p.tasks, "F16", phi=wavy(1, 2, 5, 3))
        stored = p.features("r", p.ids[0], body, status=201)
        self.assertEqual((stored["revision"], stored["demonstration"], stored["tasks"], stored["duplicate"]),
                         ("r", p.ids[0], ["a", "b"], False))
        self.assertTrue(p.features("r", p.ids[0], body, status=200)["duplicate"])
        path = f"{p.at}/policies/r/features/{p.ids[0]}"
        self.assertEqual(self.daemon.request("GET", path, headers={"Accept": TENSORS["Content-Type"]}).body, body)
        self.assertEqual(self.daemon.ok("GET", path)["sha256"], stored["sha256"])

    def test_half_and_single_precision_are_the_doubles_of_equal_value(self):
        half = [round(x * 64) / 64 for x in flat(wavy(3, 2 * 5 * 3))]
        phi = [[half[15 * c + 3 * t:15 * c + 3 * t + 3] for t in range(5)] for c in range(2)]
        gains = []
        for dtype in CODES:
            p = Project(self.daemon, f"type-{dtype}")
            p.put("r", role="selection")
            for i, d in enumerate(p.ids):
                rolled = [row[i % 5:] + row[:i % 5] for row in phi]
                p.features("r", d, features_file(p.tasks, dtype, phi=rolled))
            p.activate("r")
            gains.append(p.gains())
        self.assertEqual(gains[0], gains[1])
        self.assertEqual(gains[0], gains[2])
        self.assertTrue(all(gain > 0 for gain in gains[0].values()))

    def test_own_task_features_mean_own_task_weights(self):
        p = Project(self.daemon, "own")
        p.put("r", role="selection")
        for i, d in enumerate(p.ids):
            p.features("r", d, features_file(phi=wavy(i, 5, 3)))
        p.activate("r")
        answer = p.ranking()
        self.assertEqual(answer["criterion"]["weights"], "own_task")
        self.assertIn("own-task weights", answer["note"])
        self.assertEqual([c["effective_sample_size"] for c in answer["candidates"]], [2, 2])
        self.daemon.ok("PUT", f"{p.at}/tasks/c", {})
        self.assertEqual(p.ranking()["stale_pairs"], 0)

    def test_g_is_formed_of_the_predicted_and_the_recorded_action(self):
        """h and mean, or h and g = (mean - action) in the project's units: the same gains."""
        gains = []
        for name in ("formed", "given"):
            p = Project(self.daemon, name, kernel="factored", fit_after=4)
            p.put("r")
            scales = self.daemon.ok("GET", p.at)["scales"]
            for i, d in enumerate(p.ids):
                actions = self.daemon.ok("GET", f"{p.at}/demonstrations/{d}")["actions"]
                mean, h = wavy(i + 3, 2, 5, 2), wavy(i, 2, 5, 3)
                g = [[[(m - a) / s for m, a, s in zip(ms, as_, scales["action_std"])]
                      for ms, as_ in zip(rows, actions)] for rows in mean]
                more = {"mean": mean} if name == "formed" else {"mean": mean, "g": g}
                p.features("r", d, features_file(p.tasks, h=h, **more))
            p.activate("r")
            gains.append(p.gains())
        for task, gain in gains[0].items():
            self.assertAlmostEqual(gain, gains[1][task], delta=1e-12 * abs(gain))
            self.assertGreater(gain, 0)

    def test_one_likelihood_a_task_is_the_sum_of_its_steps(self):
        answers = []
        for name in ("step", "sum"):
            p = Project(self.daemon, f"likelihood-{name}", kernel="rbf")
            p.put("r", role="likelihood")
            for i, d in enumerate(p.ids):
                steps = [[-(i + 1) * 0.25 * (c + 1)] * 5 for c in range(2)]
                p.features("r", d, features_file(p.tasks, log_likelihood=steps if name == "step" else
                                                 [sum(row) for row in steps]))
            p.activate("r")
            answers.append(p)
        self.assertEqual(answers[0].gains(), answers[1].gains())
        self.assertEqual(answers[0].ranking()["criterion"]["weights"], "tempered")
        self.daemon.ok("PATCH", answers[1].at, {"criterion": {"clip": [-1, 0], "clip_scope": "step"}})
        self.assertIn("Steps cannot be clipped", answers[1].ranking()["note"])

    def test_thinned_as_the_demonstration_is_and_anew_when_that_changes(self):
        p = Project(self.daemon, "thin", criterion={"max_steps": 2})
        long = Project(self.daemon, "long", criterion={"max_steps": 5})
        for project in (p, long):
            project.put("r")
            project.upload_phi("r")
            project.activate("r")
        self.assertNotEqual(p.gains(), long.gains())
        self.daemon.ok("PATCH", p.at, {"criterion": {"max_steps": 5}})
        self.assertEqual(p.gains(), long.gains())
        self.daemon.ok("PATCH", long.at, {"criterion": {"max_steps": 2}})
        self.daemon.ok("PATCH", p.at, {"criterion": {"max_steps": 2}})
        self.assertEqual(p.gains(), long.gains())

    def test_steps_that_are_not_kept_do_not_count(self):
        """Of five steps and max_steps 2 the first and the last are kept."""
        gains = []
        for changed in (None, 2, 4):
            p = Project(self.daemon, f"kept-{changed}", criterion={"max_steps": 2})
            p.put("r")
            for i, d in enumerate(p.ids):
                phi, likelihood = wavy(i + 1, 2, 5, 4), wavy(i + 50, 2, 5)
                for c in range(2):
                    if changed:
                        phi[c][changed], likelihood[c][changed] = [9.0 * c + i] * 4, -3.0 * i - c
                p.features("r", d, features_file(p.tasks, phi=phi, log_likelihood=likelihood))
            p.activate("r")
            gains.append(p.gains())
        self.assertEqual(gains[0], gains[1])
        self.assertNotEqual(gains[0], gains[2])

    def test_noise_in_units_of_the_median(self):
        p = Project(self.daemon, "noise", noise_relative=0.5)
        p.put("r", role="selection")
        for i, d in enumerate(p.ids):
            p.features("r", d, features_file(p.tasks, phi=constant(float(i + 1), 2, 5, 1)))
        p.activate("r")
        # k(x, x) is 1, 4, 9, 16, equally often: the median is 6.5
        self.assertAlmostEqual(p.ranking()["criterion"]["noise_std"], 0.5 * math.sqrt(6.5), places=14)
        self.refused(422, "invalid_field", "/noise_relative", "PATCH", p.at, {"kernel": {"kind": "rbf"}})


class Golden(Case):
    """The server ranks what was uploaded as `amf score` scores the same numbers."""

    def project(self, name):
        with open(os.path.join(ROOT, "tests", "golden", f"{name}.json"), encoding="utf-8") as file:
            problem = json.load(file)
        scored = json.loads(subprocess.run([AMF, "score", file.name], capture_output=True, check=True).stdout)
        at, count = f"/v1/projects/{name}", len(problem["tasks"])
        tasks = [f"t{c}" for c in range(count)]
        clip = None if problem["clip_scope"] == "none" else problem["clip"]
        self.daemon.ok("POST", "/v1/projects", {
            "id": name, "policy": {"kind": "external"}, "noise_std": problem["noise"], "standardize": False,
            "kernel": {"kind": problem["kernel"]["type"], "variance": problem["kernel"]["variance"]},
            "criterion": {"clip": clip, "weight_floor": 0, "max_steps": 100, "occupancy": "new",
                          "clip_scope": "step" if problem["clip_scope"] == "step" else "trajectory",
                          "conditioning": problem["conditioning"], "ess_target": problem["ess_target"]},
            "selection": {"warm_start": 0}})
        for task in tasks:
            self.daemon.ok("PUT", f"{at}/tasks/{task}", {})
        ids = []
        for role in ("pretraining", "demonstrations"):
            for d in problem[role]:
                ids.append(self.daemon.ok("POST", f"{at}/demonstrations", {
                    "task": tasks[d["task"]], "states": d["states"], "actions": d["actions"],
                    "role": role.removesuffix("s")})["id"])
        self.daemon.ok("PUT", f"{at}/policies/select", {"role": "selection"})
        self.daemon.ok("PUT", f"{at}/policies/weigh", {"role": "likelihood"})
        for i, d in enumerate(ids):
            tensors = {k: problem[k][i] for k in ("phi", "h", "g") if k in problem}
            self.put(at, "select", d, tasks, **tensors)
        for i, d in enumerate(ids[len(problem["pretraining"]):]):
            self.put(at, "weigh", d, tasks, mean=problem["policy_mean"][i])
        for revision in ("select", "weigh"):
            said = self.daemon.ok("POST", f"{at}/policies/{revision}/activate")
            self.assertEqual(said["missing"], 0)
        return at, scored

    def put(self, at, revision, demonstration, tasks, **tensors):
        self.daemon.ok("PUT", f"{at}/policies/{revision}/features/{demonstration}",
                       features_file(tasks, **tensors), TENSORS)

    def compare(self, name):
        at, scored = self.project(name)
        compared = 0
        for mode in MODES:
            for measure in MEASURES:
                self.daemon.ok("PATCH", at, {"criterion": {"weights": mode, "measure": measure}})
                answer = self.daemon.ok("GET", f"{at}/ranking?wait_s=20")
                self.assertEqual((answer["criterion"]["weights"], answer["measure"]), (mode, measure))
                for candidate in answer["candidates"]:
                    task = int(candidate["task"][1:])
                    wanted = scored["gain"][mode][measure][task]
                    if wanted is None:
                        self.assertIsNone(candidate["gain"])
                        continue
                    compared += 1
                    self.assertAlmostEqual(candidate["gain"], wanted, delta=1e-12 * abs(wanted))
                    self.assertAlmostEqual(candidate["effective_sample_size"],
                                           scored["effective_sample_size"][mode][task], places=12)
        self.assertGreater(compared, 80)

    def test_embedding_all(self):
        self.compare("embedding_all")

    def test_embedding_candidate_only(self):
        self.compare("embedding_candidate_only")

    def test_factored(self):
        self.compare("factored")


class WrongUse(Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.p = Project(cls.daemon, "wrong")
        cls.p.put("r")
        cls.p.upload_phi("r", cls.p.ids[:1])

    def put(self, status, code, at, body, revision="r", demonstration=None):
        return self.refused(status, code, at, "PUT",
                            f"{self.p.at}/policies/{revision}/features/{demonstration or self.p.ids[1]}", body, TENSORS)

    def test_what_is_not_there(self):
        good = features_file(self.p.tasks, phi=wavy(1, 2, 5, 4), log_likelihood=wavy(1, 2, 5))
        self.assertIn("PUT /policies/other makes this one", self.put(404, "policy_not_found", "", good, revision="other"))
        self.put(404, "demonstration_not_found", "", good, demonstration="d0000099999")
        for path in ("other", "other/missing", "other/features/d0000000001", "gp"):
            self.refused(404, "policy_not_found", "", "GET", f"{self.p.at}/policies/{path}")
        self.refused(404, "policy_not_found", "", "POST", f"{self.p.at}/policies/other/activate")
        self.refused(404, "features_not_found", "", "GET", f"{self.p.at}/policies/r/features/{self.p.ids[1]}")

    def test_shapes_name_tensor_and_axis(self):
        likelihood = wavy(1, 2, 5)
        for at, detail, tasks, tensors in (
                ("tensor phi", "axis 0 (tasks) has 3", "ab", {"phi": wavy(1, 3, 5, 4)}),
                ("tensor phi", "axis 1 (steps) has 6; demonstration", "ab", {"phi": wavy(1, 2, 6, 4)}),
                ("tensor phi", "axis 2 (columns) has 3; earlier features of revision r have 4", "ab",
                 {"phi": wavy(1, 2, 5, 3), "log_likelihood": likelihood}),
                ("tensor phi", "it has 2 axes; earlier features of revision r have 3", "ab",
                 {"phi": wavy(1, 5, 4), "log_likelihood": likelihood}),
                ("tensor log_likelihood", "axis 1 (steps) has 4, expected 5", "ab",
                 {"phi": wavy(1, 2, 5, 4), "log_likelihood": wavy(1, 2, 4)}),
                ("tensor log_likelihood", "one number a task; earlier", "ab",
                 {"phi": wavy(1, 2, 5, 4), "log_likelihood": wavy(1, 2)}),
                ("tensor mean", "axis 2 (columns) has 3; this project's actions have 2: upload a mean", "ab",
                 {"h": wavy(1, 2, 5, 4), "mean": wavy(1, 2, 5, 3)}),
                ("tensor phi", "it is missing; earlier", "ab", {"log_likelihood": likelihood}),
                ("tensor mean", "it has 2 dimensions, h has 3", "ab", {"h": wavy(1, 2, 5, 4), "mean": wavy(1, 5, 2)}),
                ("tensor phi", "it has 4 dimensions", "ab", {"phi": wavy(1, 2, 5, 4, 1)}),
                ("tensor weights", "features have no such tensor", "ab", {"weights": likelihood})):
            with self.subTest(detail):
                said = self.put(422, "invalid_tensor", at, features_file(list(tasks), **tensors))
                self.assertIn(detail, said)

    def test_what_must_come_together(self):
        self.put(422, "missing_field", "tensor h", features_file(list("ab"), h=wavy(1, 2, 5, 4)))
        self.put(422, "missing_field", "tensor g", features_file(list("ab"), g=wavy(1, 2, 5, 4)))
        self.put(422, "missing_field", "metadata tasks", features_file(None, phi=wavy(1, 2, 5, 4)))
        self.put(422, "missing_field", "header", features_file(["a"]))
        integers = safetensors({"phi": ("I64", [5, 1], bytes(40))}, {})
        self.put(422, "invalid_tensor", "tensor phi", integers)

    def test_tasks(self):
        phi = wavy(1, 2, 5, 4)
        self.put(422, "unknown_task", "metadata tasks", features_file(["a", "z"], phi=phi))
        self.put(422, "invalid_field", "metadata tasks", features_file(["a", "a"], phi=phi))
        self.put(422, "invalid_field", "metadata tasks/0", features_file(["*", "a"], phi=phi))
        self.put(422, "invalid_field", "metadata tasks", safetensors({"phi": tensor(phi)}, {"tasks": "a,b"}))
        self.assertIn("the task of demonstration", self.put(
            422, "invalid_field", "metadata tasks", features_file(["b"], phi=wavy(1, 1, 5, 4))))

    def test_numbers_that_are_none_name_demonstration_task_and_step(self):
        for dtype in CODES:
            for value in (math.nan, math.inf):
                phi = wavy(1, 2, 5, 4)
                phi[1][3][2] = value
                said = self.put(422, "not_finite", "tensor phi",
                                features_file(self.p.tasks, dtype, phi=phi, log_likelihood=wavy(1, 2, 5)))
                self.assertIn(f"demonstration {self.p.ids[1]}, task b, step 3", said)
        self.assertIn("task a, step 4", self.put(422, "not_finite", "tensor log_likelihood", features_file(
            self.p.tasks, phi=wavy(1, 2, 5, 4), log_likelihood=[[0, 0, 0, 0, math.nan], [0] * 5])))

    def test_bodies_that_are_no_file(self):
        path = f"{self.p.at}/policies/r/features/{self.p.ids[1]}"
        whole = features_file(self.p.tasks, phi=wavy(1, 2, 5, 4), log_likelihood=wavy(1, 2, 5))
        self.refused(400, "malformed_tensors", "tensor log_likelihood", "PUT", path, whole[:-1], TENSORS)
        for body in (whole + b"\0", whole[:20], b"\xff" * 40):
            self.refused(400, "malformed_tensors", "header", "PUT", path, body, TENSORS)
        self.refused(415, "unsupported_media_type", "", "PUT", path, {"phi": []})
        self.refused(400, "malformed_tensors", "", "PUT", path, b"", TENSORS)
        self.assertEqual(self.daemon.request("GET", path).status, 404)

    def test_revisions(self):
        at = f"{self.p.at}/policies"
        self.refused(422, "unknown_field", "/sort", "PUT", f"{at}/net", {"sort": "external"})
        self.refused(422, "invalid_field", "/role", "PUT", f"{at}/net", {"role": "all"})
        self.refused(422, "unknown_field", "/state", "PUT", f"{at}/net", {"state": "active"})
        self.refused(422, "invalid_field", "/revision", "PUT", f"{at}/net", {"revision": "other"})
        self.refused(422, "invalid_field", "/revision", "PUT", f"{at}/-net", {})
        self.refused(422, "invalid_field", "metadata role", "PUT", f"{at}/net", safetensors({}, {"role": "all"}),
                     TENSORS)
        self.refused(422, "invalid_tensor", "tensor weight", "PUT", f"{at}/net",
                     safetensors({"weight": tensor([[1.0]])}, {}), TENSORS)
        self.refused(422, "invalid_tensor", "tensor summary", "PUT", f"{at}/net",
                     safetensors({"summary": tensor(wavy(1, 2, 3))}, {}), TENSORS)

    def test_kernels_that_have_no_features_say_why(self):
        p = Project(self.daemon, "kernels")
        self.assertIn("no revision serves", p.ranking()["note"])
        p.put("r")
        p.activate("r")
        self.assertIn("has no features yet", p.ranking()["note"])
        p.upload_phi("r")
        self.assertIsNone(p.ranking()["note"])
        self.daemon.ok("PATCH", p.at, {"kernel": {"kind": "factored"}})
        answer = p.ranking()
        self.assertIn("made of h and g, which revision r does not have", answer["note"])
        self.assertEqual((answer["rule"], [c["gain"] for c in answer["candidates"]]), ("fallback", [None, None]))


class CommandLine(Case):
    def amf(self, *words, code=0):
        done = subprocess.run([AMF, "--url", self.daemon.url, "--token-file",
                               os.path.join(self.daemon.data, "d", "admin.token"), *words],
                              capture_output=True, text=True)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done.stdout if code == 0 else done.stdout + done.stderr

    def test_the_whole_life(self):
        p = Project(self.daemon, "cli")
        with tempfile.TemporaryDirectory() as folder:
            for i, d in enumerate(p.ids[:3]):
                with open(os.path.join(folder, f"{d}.safetensors"), "wb") as file:
                    file.write(features_file(p.tasks, phi=wavy(i + 1, 2, 5, 4), log_likelihood=wavy(i, 2, 5)))
            self.assertEqual(self.amf("policy", "put", "cli", "r1", "--note", "first", "--trained-on", p.ids[0]),
                             "r1 added, staged; 4 demonstrations lack its features\n")
            self.assertEqual(self.amf("policy", "upload", "cli", "r1", folder), "3 new, 0 already there, 0 refused\n")
            self.assertEqual(self.amf("policy", "upload", "cli", "r1", folder), "0 new, 3 already there, 0 refused\n")
            self.assertEqual(self.amf("policy", "missing", "cli", "r1").split(),
                             ["demonstration", "reason", "tasks", p.ids[3], "missing", "a,", "b"])
            self.assertEqual(self.amf("policy", "activate", "cli", "r1"),
                             "r1 activated, active; 1 demonstrations lack its features\n")
            self.assertEqual(self.amf("policy", "list", "cli").splitlines()[1].split(),
                             ["r1", "external", "active", "selection,", "likelihood", "3", "1", "first"])
            self.assertIn("trained_on", self.amf("policy", "show", "cli", "r1"))
            self.assertIn("features of revision r1\n", self.amf("ranking", "cli", "--wait", "10"))
            # What is refused is named, and the rest goes on.
            for name in (f"{p.ids[0]}.safetensors", "d0000099999.safetensors"):
                with open(os.path.join(folder, name), "wb") as file:
                    file.write(features_file(p.tasks, phi=wavy(1, 2, 4, 4), log_likelihood=wavy(1, 2, 4)))
            told = self.amf("policy", "upload", "cli", "r1", folder, code=1)
            self.assertIn("0 new, 2 already there, 2 refused", told)
            self.assertIn("axis 1 (steps) has 4", told)
            self.assertIn("holds no demonstration d0000099999", told)
            self.assertIn("no revision r2", self.amf("policy", "upload", "cli", "r2", folder, code=1))
            said = os.path.join(folder, "revision.safetensors")
            with open(said, "wb") as file:
                file.write(safetensors({}, {"role": "selection"}))
            self.assertIn("r2 added", self.amf("policy", "put", "cli", "r2", "--file", said))
        self.assertEqual(p.revision("r2")["role"], "selection")


class Kept(unittest.TestCase):
    """What was uploaded outlives the daemon, and goes with the project."""

    def fill(self, daemon):
        p = Project(daemon, "p", criterion={"max_steps": 4})
        p.put("old")
        p.upload_phi("old")
        p.activate("old")
        p.put("new", safetensors({}, {"note": "as a file"}))
        p.upload_phi("new", columns=7)
        p.activate("new")
        p.put("staged", role="selection")
        daemon.ok("PATCH", p.at, {"criterion": {"max_steps": 3}})
        daemon.ok("DELETE", f"{p.at}/demonstrations/{p.ids[2]}")
        return p

    def picture(self, daemon, at):
        ranking = daemon.ok("GET", f"{at}/ranking?wait_s=20")
        return [daemon.ok("GET", f"{at}/policies"), daemon.ok("GET", f"{at}/policies/new/missing"),
                {k: v for k, v in ranking.items() if k not in ("timing", "age_s", "seq")}]

    def test_restart(self):
        daemon = Daemon()
        p = self.fill(daemon)
        before = self.picture(daemon, p.at)
        daemon.kill()
        daemon.start()
        self.assertEqual(self.picture(daemon, p.at), before)
        path = f"{p.at}/policies/new/features/{p.ids[0]}"
        self.assertEqual(daemon.ok("GET", path)["form"]["phi"], 7)
        daemon.close()

    def test_export_and_import(self):
        daemon = Daemon()
        p = self.fill(daemon)
        archive = daemon.request("GET", f"{p.at}/export").body
        names = list(members(archive))
        self.assertEqual(sum(name.startswith("features/f") for name in names), 8)
        self.assertEqual(sum(name.startswith("policies/p") for name in names), 1)
        daemon.ok("POST", "/v1/projects/copy/import", archive, {"Content-Type": "application/octet-stream"})
        self.assertEqual(self.picture(daemon, "/v1/projects/copy"), self.picture(daemon, p.at))
        accept = {"Accept": TENSORS["Content-Type"]}
        for at in (p.at, "/v1/projects/copy"):
            body = daemon.request("GET", f"{at}/policies/new/features/{p.ids[0]}", headers=accept).body
            self.assertEqual(body, members(archive)[f"features/{daemon.ok('GET', f'{p.at}/policies/new/features/{p.ids[0]}')['id']}.safetensors"])
        daemon.close()


class Replay(Case):
    def test_decisions_by_uploaded_features_come_out_the_same_also_after_they_were_retired(self):
        project = Project(self.daemon, "replayed")
        for revision, seed in (("r1", 4), ("r2", 6)):
            project.put(revision)
            project.upload_phi(revision, columns=seed)
            project.activate(revision)
            project.ranking()
            given = self.daemon.ok("POST", f"{project.at}/assignments", {"operator": revision, "count": 2})
            decision = self.daemon.ok("GET", f"{project.at}/decisions/{given['assignments'][0]['id']}")
            self.assertEqual((decision["basis"]["revision"], decision["rule"]), (revision, "criterion"))
        archive = self.daemon.request("GET", f"{project.at}/export").body
        with tempfile.NamedTemporaryFile(suffix=".tar") as file:
            file.write(archive)
            file.flush()
            done = subprocess.run([AMF, "replay", file.name, "--json"], capture_output=True, text=True, timeout=120)
        said = json.loads(done.stdout)
        self.assertEqual((done.returncode, said["total"], said["same"]), (0, 4, 4), done.stderr)


if __name__ == "__main__":
    tap.main()
