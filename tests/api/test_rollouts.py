"""The policy's own attempts: as what stands in for unknown demonstrations, and as what says where it fails."""
import json
import os
import statistics
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import tap
from daemon import AMF, Daemon, trajectory

TASKS = ("a", "b", "c")


def standardized(trajectories, name):
    columns = list(zip(*(row for t in trajectories for row in t[name])))
    moments = [(statistics.fmean(c), statistics.pstdev(c)) for c in columns]
    return [[[(x - m) / s for x, (m, s) in zip(row, moments)] for row in t[name]] for t in trajectories]


class Case(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.daemon = Daemon()

    @classmethod
    def tearDownClass(cls):
        cls.daemon.close()

    def project(self, name, **settings):
        self.daemon.ok("POST", "/v1/projects", {"id": name, **settings})
        for task in TASKS:
            self.daemon.ok("PUT", f"/v1/projects/{name}/tasks/{task}", {})

    def add(self, project, task, seed, **more):
        body = trajectory(task, seed, **more)
        self.daemon.ok("POST", f"/v1/projects/{project}/demonstrations", body)
        return body

    def rollout(self, project, task, seed, **more):
        return self.add(project, task, seed, role="rollout", **more)

    def ranking(self, project):
        return self.daemon.ok("GET", f"/v1/projects/{project}/ranking?wait_s=10")

    def gains(self, project):
        return {c["task"]: c["gain"] for c in self.ranking(project)["candidates"]}


class Occupancy(Case):
    ROLLOUTS = {"criterion": {"occupancy": "rollouts"}}

    def test_with_nothing_held_every_task_is_scored_as_the_formula_says(self):
        """The posterior is the prior then, and the moments are those of the rollouts."""
        self.project("prior", noise_std=0.3, kernel={"state_scale": 1.5, "task_correlation": 0.25},
                     criterion={"occupancy": "rollouts", "weight_floor": 0})
        rollouts = [self.rollout("prior", task, 1.7 * i, steps=5 + i, success=i % 2 == 0)
                    for i, task in enumerate("abcab")]
        answer = self.ranking("prior")
        self.assertEqual((answer["rule"], answer["provisional"], answer["note"]), ("criterion", True, None))
        self.assertEqual((answer["criterion"]["occupancy"], answer["criterion"]["weights"]), ("rollouts", "own_task"))
        states, actions = standardized(rollouts, "states"), standardized(rollouts, "actions")
        problem = {"kernel": {"type": "discrete", "variance": 1, "lengthscale_state": 1.5, "task_correlation": 0.25},
                   "noise": 0.3, "state_dim": 3, "action_dim": 2, "task_dim": 1, "tasks": [[0], [1], [2]],
                   "conditioning": "none", "policy": "gp",
                   "demonstrations": [{"task": TASKS.index(r["task"]), "states": s, "actions": a}
                                      for r, s, a in zip(rollouts, states, actions)]}
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            json.dump(problem, file)
            file.flush()
            out = subprocess.run([AMF, "score", file.name], check=True,
                                 stdout=subprocess.PIPE)
        expected = json.loads(out.stdout)["gain"]["own_task"]["entropy"]
        for candidate in answer["candidates"]:
            self.assertAlmostEqual(candidate["gain"] / expected[TASKS.index(candidate["task"])], 1, 9)

    def test_they_stand_in_but_never_enter_the_posterior(self):
        """The same states twice: rollouts that were conditioned on would lower every gain and entropy."""
        for name, rounds in (("once", 1), ("twice", 2)):
            self.project(name, **self.ROLLOUTS)
            for i, task in enumerate(TASKS * 2):
                self.add(name, task, i)
            for number in range(rounds):
                for i, task in enumerate(TASKS):
                    self.rollout(name, task, 30 + i, steps=8, success=number == 1)
        once, twice = self.ranking("once"), self.ranking("twice")
        for a, b in zip(once["candidates"], twice["candidates"]):
            self.assertEqual(a["task"], b["task"])
            self.assertAlmostEqual(a["gain"], b["gain"], 9)
            self.assertAlmostEqual(a["posterior_entropy"], b["posterior_entropy"], 9)

    def test_held_demonstrations_are_conditioned_on(self):
        self.project("learns", kernel={"state_scale": 1.0}, **self.ROLLOUTS)
        for i, task in enumerate(TASKS):
            self.rollout("learns", task, 30 + i)
        for i in range(5):
            self.add("learns", "b", i)
        before = self.gains("learns")
        self.add("learns", "a", 30)
        after = self.gains("learns")
        self.assertLess(after["a"], before["a"], "the expert was seen where the rollout goes")

    def test_only_the_newest_of_each_task_stand_in(self):
        self.project("newest", criterion={"occupancy": "rollouts", "rollouts_per_task": 2})
        for i, task in enumerate(TASKS * 2):
            self.add("newest", task, i)
        for i, task in enumerate("bcbcaaa"):
            self.rollout("newest", task, 30 + i)
        answer = self.ranking("newest")
        self.assertEqual([c["effective_sample_size"] for c in answer["candidates"]], [2, 2, 2])
        self.assertEqual([t["rollouts"] for t in answer["targets"]], [2, 2, 2])
        entries = self.daemon.ok("GET", "/v1/projects/newest/demonstrations")["demonstrations"]
        oldest = min(d["id"] for d in entries if d["role"] == "rollout" and d["task"] == "a")
        self.daemon.ok("DELETE", f"/v1/projects/newest/demonstrations/{oldest}", {"reason": "old"})
        self.assertEqual(self.ranking("newest")["candidates"], answer["candidates"])

    def test_a_task_without_rollouts_is_listed_and_named(self):
        self.project("missing", **self.ROLLOUTS)
        for i, task in enumerate("ab"):
            self.rollout("missing", task, i)
        answer = self.ranking("missing")
        last = answer["candidates"][-1]
        self.assertEqual((last["task"], last["scorable"], last["gain"]), ("c", False, None))
        self.assertIn("rollout", last["note"])
        self.assertRegex(answer["note"], r"No rollout stands in for c\b")
        self.assertEqual((answer["rule"], answer["choice"] in "ab"), ("criterion", True), "no warm start")

    def test_without_any_rollout_the_answer_says_what_is_needed(self):
        self.project("none", **self.ROLLOUTS)
        self.add("none", "a", 1)
        answer = self.ranking("none")
        self.assertEqual((answer["rule"], answer["choice"]), ("warm_start", "b"))
        self.assertIn("rollout", answer["note"])

    def test_weights_asked_for_that_do_not_hold_are_named(self):
        self.project("weights", criterion={"occupancy": "rollouts", "weights": "uniform"})
        for i, task in enumerate(TASKS):
            self.rollout("weights", task, i)
        answer = self.ranking("weights")
        self.assertEqual(answer["criterion"]["weights"], "own_task")
        self.assertIn("weights are own_task, not uniform", answer["note"])
        self.daemon.ok("PATCH", "/v1/projects/weights", {"criterion": {"weights": "own_task_raw"}})
        answer = self.ranking("weights")
        self.assertEqual((answer["criterion"]["weights"], answer["note"]), ("own_task_raw", None))

    def test_a_restart_ranks_alike(self):
        daemon = Daemon()
        try:
            daemon.ok("POST", "/v1/projects", {"id": "p", "criterion": {"occupancy": "rollouts", "target": "failure"}})
            for task in TASKS:
                daemon.ok("PUT", f"/v1/projects/p/tasks/{task}", {})
            for i, task in enumerate(TASKS * 5):
                role = ("rollout", "demonstration")[i % 2]
                daemon.ok("POST", "/v1/projects/p/demonstrations",
                          trajectory(task, i, role=role, success=role == "demonstration" or i % 4 == 0))
                before = daemon.ok("GET", "/v1/projects/p/ranking?wait_s=10")
            daemon.kill()
            daemon.start()
            after = daemon.ok("GET", "/v1/projects/p/ranking?wait_s=10")
            self.assertEqual((after["candidates"], after["targets"]), (before["candidates"], before["targets"]))
        finally:
            daemon.close()


class Failure(Case):
    def test_weights_count_where_the_policy_fails(self):
        self.project("fails", criterion={"target": "failure", "rollouts_per_task": 4})
        self.daemon.ok("PUT", "/v1/projects/fails/tasks/b", {"weight": 2})
        for i, task in enumerate(TASKS * 2):
            self.add("fails", task, i)
        for i, success in enumerate((False, True, True, True, True)):  # the first is not among the newest four
            self.rollout("fails", "a", 40 + i, success=success)
        self.rollout("fails", "b", 50, success=False)
        answer = self.ranking("fails")
        self.assertEqual(answer["criterion"]["target"], "failure")
        rates = {"a": 1 / 6, "b": 2 / 3, "c": 1 / 2}
        for target in answer["targets"]:
            task = target["task"]
            self.assertAlmostEqual(target["failure_rate"], rates[task], 12)
            self.assertAlmostEqual(target["weight"], (2 if task == "b" else 1) * rates[task] / (1 / 6 + 4 / 3 + 1 / 2), 12)
        self.assertEqual([t["rollouts"] for t in answer["targets"]], [4, 1, 0])

    def test_the_gains_are_those_of_such_weights(self):
        for name, criterion, weights in (("by-rate", {"target": "failure"}, (1, 1, 1)),
                                         ("by-hand", {}, (0.2, 0.8, 0.5))):
            self.project(name, criterion=criterion)
            for task, weight in zip(TASKS, weights):
                self.daemon.ok("PUT", f"/v1/projects/{name}/tasks/{task}", {"weight": weight})
            for i, task in enumerate(TASKS * 2):
                self.add(name, task, i)
            for i in range(3):
                self.rollout(name, "a", 40 + i, success=True)
                self.rollout(name, "b", 50 + i, success=False)
        by_rate, by_hand = self.gains("by-rate"), self.gains("by-hand")
        for task in TASKS:
            self.assertAlmostEqual(by_rate[task] / by_hand[task], 1, 12)

    def test_weights_as_given_show_no_rate(self):
        self.project("given")
        self.rollout("given", "a", 1, success=False)
        answer = self.ranking("given")
        self.assertEqual([t["failure_rate"] for t in answer["targets"]], [None] * 3)
        self.assertAlmostEqual(answer["targets"][0]["weight"], 1 / 3, 12)
        self.daemon.ok("PUT", "/v1/projects/given/tasks/a", {"role": "candidate"})
        self.assertEqual([t["task"] for t in self.ranking("given")["targets"]], ["b", "c"])


if __name__ == "__main__":
    tap.main()
