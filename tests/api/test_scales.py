"""Scales: when they are frozen, how they are found, what a refit does, and that a restart keeps them."""
import os
import sys
import threading
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import tap
from daemon import Daemon, trajectory, wait_until

TASKS = ("a", "b", "c")
FITTED = {"state_scale": "marginal_likelihood", "task_scale": "marginal_likelihood"}


def make(daemon, project, held, task=None, **settings):
    daemon.ok("POST", "/v1/projects", {"id": project, **settings})
    for i, key in enumerate(TASKS):
        daemon.ok("PUT", f"/v1/projects/{project}/tasks/{key}", {"vector": [i, i * i]} if task == "vector" else {})
    for i in range(held):
        add(daemon, project, i)


def add(daemon, project, seed):
    return daemon.ok("POST", f"/v1/projects/{project}/demonstrations",
                     trajectory(TASKS[seed % 3], 0.4 * seed + 1, steps=10 + seed))


def shown(daemon, project):
    return daemon.ok("GET", f"/v1/projects/{project}")["scales"]


def fitted(daemon, project):
    """The scales once the fit in the background is logged."""
    wait_until(lambda: not shown(daemon, project)["fit_due"])
    return shown(daemon, project)


def ranking(daemon, project):
    return daemon.ok("GET", f"/v1/projects/{project}/ranking?wait_s=10")


class Case(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.daemon = Daemon()

    @classmethod
    def tearDownClass(cls):
        cls.daemon.close()

    def refit(self, project, status=200):
        return self.daemon.request("POST", f"/v1/projects/{project}/refit").json if status != 200 else \
            self.daemon.ok("POST", f"/v1/projects/{project}/refit", status=200)


class Frozen(Case):
    def test_numbers_are_shown_once_they_are_frozen_and_stay(self):
        make(self.daemon, "frozen", 4)
        self.assertIsNone(shown(self.daemon, "frozen"))
        add(self.daemon, "frozen", 4)
        scales = shown(self.daemon, "frozen")
        self.assertEqual((len(scales["state_mean"]), len(scales["action_std"]), len(scales["state_scale"])), (3, 2, 1))
        self.assertEqual((scales["demonstrations"], scales["seq"], scales["fit"]), (5, 10, None))
        self.assertEqual((scales["variance"], scales["noise_std"], scales["task_correlation"]), (1, 0.8, 0.25))
        self.assertEqual(scales["source"], {"state_scale": "median", "task_scale": "median", "task_correlation": "given",
                                            "variance": "given", "noise_std": "given"})
        add(self.daemon, "frozen", 5)
        self.assertEqual(shown(self.daemon, "frozen"), scales)

    def test_given_numbers_stand_where_the_settings_give_them(self):
        make(self.daemon, "given", 5, noise_std=0.2, kernel={"state_scale": [1, 2, 3], "variance": 2})
        scales = shown(self.daemon, "given")
        self.assertEqual((scales["state_scale"], scales["variance"], scales["noise_std"]), ([1, 2, 3], 2, 0.2))
        self.assertEqual(scales["source"]["state_scale"], "given")
        self.daemon.ok("PATCH", "/v1/projects/given", {"kernel": {"state_scale": "median"}})
        self.assertEqual(shown(self.daemon, "given")["source"]["state_scale"], "median")
        self.assertEqual(len(shown(self.daemon, "given")["state_scale"]), 1)

    def test_a_refit_takes_everything_anew_and_ranks_with_it(self):
        make(self.daemon, "refit", 5)
        before, ranked = shown(self.daemon, "refit"), ranking(self.daemon, "refit")
        for seed in range(5, 9):
            add(self.daemon, "refit", seed)
        scales = self.refit("refit")
        self.assertEqual(scales, shown(self.daemon, "refit"))
        self.assertEqual(scales["demonstrations"], 9)
        self.assertGreater(scales["seq"], before["seq"])
        self.assertNotEqual((scales["state_mean"], scales["state_scale"]), (before["state_mean"], before["state_scale"]))
        after = ranking(self.daemon, "refit")
        self.assertEqual(after["seq"], scales["seq"])
        self.assertNotEqual(after["candidates"], ranked["candidates"])

    def test_a_refit_freezes_what_was_provisional(self):
        make(self.daemon, "early", 2)
        self.assertTrue(ranking(self.daemon, "early")["provisional"])
        self.assertEqual(self.refit("early")["demonstrations"], 2)
        self.assertFalse(ranking(self.daemon, "early")["provisional"])
        add(self.daemon, "early", 3)
        self.assertEqual(shown(self.daemon, "early")["demonstrations"], 2)

    def test_nothing_held_is_refused(self):
        make(self.daemon, "nothing", 0)
        self.daemon.ok("POST", "/v1/projects/nothing/demonstrations", trajectory("a", 1, success=False))
        self.assertEqual(self.refit("nothing", 409)["code"], "nothing_held")
        self.assertEqual(self.refit("none", 404)["code"], "project_not_found")


class Fitted(Case):
    def test_at_the_freeze_the_median_stands_in_until_the_fit_is_logged(self):
        make(self.daemon, "fit", 5, kernel=FITTED)
        scales = fitted(self.daemon, "fit")
        fit = scales["fit"]
        self.assertEqual(scales["source"], {"state_scale": "marginal_likelihood", "task_scale": "median",
                                            "task_correlation": "marginal_likelihood", "variance": "marginal_likelihood",
                                            "noise_std": "marginal_likelihood"})
        self.assertGreater(fit["log_likelihood"], fit["log_likelihood_median"])
        self.assertEqual((fit["kept_median"], fit["note"], fit["rows"], fit["rows_total"]), (False, None, 60, 60))
        answer = ranking(self.daemon, "fit")
        self.assertEqual(answer["criterion"]["noise_std"], scales["noise_std"])
        self.assertFalse(answer["provisional"])
        self.assertNotEqual(scales["noise_std"], 0.8)
        add(self.daemon, "fit", 7)
        self.assertEqual(shown(self.daemon, "fit"), scales)

    def test_every_kernel_that_has_something_to_fit(self):
        for i, kernel in enumerate([{**FITTED, "kind": "matern32"}, {**FITTED, "kind": "matern52"},
                                    {"kind": "linear", "task_scale": "marginal_likelihood"},
                                    {**FITTED, "task": "vector"},
                                    {"task": "vector", "kind": "matern32", "task_scale": "marginal_likelihood"}]):
            with self.subTest(kernel):
                make(self.daemon, f"kind-{i}", 6, task=kernel.get("task"), kernel=kernel)
                scales = fitted(self.daemon, f"kind-{i}")
                self.assertGreaterEqual(scales["fit"]["log_likelihood"], scales["fit"]["log_likelihood_median"])
                self.assertFalse(scales["fit"]["kept_median"], scales)
                states = kernel.get("state_scale") == "marginal_likelihood"
                self.assertEqual(scales["source"]["noise_std"], "marginal_likelihood" if states else "given")
                gains = [c["gain"] for c in ranking(self.daemon, f"kind-{i}")["candidates"]]
                self.assertTrue(all(gain > 0 for gain in gains), gains)

    def test_what_the_kernel_does_not_have_is_refused(self):
        graph = {"nodes": list(TASKS), "edges": [[0, 1, 1]]}
        for kernel, at in [({"kind": "linear", "state_scale": "marginal_likelihood"}, "/kernel/state_scale"),
                           ({"kind": "linear", "task": "vector", "task_scale": "marginal_likelihood"}, "/kernel/task_scale"),
                           ({"task": "graph", "graph": graph, "task_scale": "marginal_likelihood"}, "/kernel/task_scale")]:
            answer = self.daemon.request("POST", "/v1/projects", {"id": "refused", "kernel": kernel})
            self.assertEqual((answer.status, answer.json["code"], answer.json["at"]), (422, "invalid_field", at))

    def test_a_change_of_mind_after_the_freeze_waits_for_a_refit(self):
        make(self.daemon, "mind", 5)
        before = shown(self.daemon, "mind")
        self.daemon.ok("PATCH", "/v1/projects/mind", {"kernel": FITTED})
        self.assertEqual(shown(self.daemon, "mind"), before)
        scales = self.refit("mind")
        self.assertEqual(scales["source"]["state_scale"], "marginal_likelihood")
        self.assertFalse(scales["fit_due"])
        self.daemon.ok("PATCH", "/v1/projects/mind", {"kernel": {"state_scale": 2.0}})
        given = shown(self.daemon, "mind")
        self.assertEqual((given["state_scale"], given["variance"], given["noise_std"]), ([2.0], 1, 0.8))

    def test_without_a_weight_there_is_nothing_to_rank_and_the_fit_says_so(self):
        make(self.daemon, "weightless", 5, kernel=FITTED)
        fitted(self.daemon, "weightless")
        for task in TASKS:
            self.daemon.ok("PUT", f"/v1/projects/weightless/tasks/{task}", {"weight": 0})
        scales = self.refit("weightless")
        self.assertTrue(scales["fit"]["kept_median"] and scales["fit"]["note"], scales)
        self.assertEqual(scales["source"]["state_scale"], "median")


class Same(unittest.TestCase):
    def test_any_number_of_workers_finds_the_same_and_a_restart_keeps_it(self):
        found = []
        for workers in (1, 2, 7):
            daemon = Daemon(workers=workers)
            try:
                make(daemon, "p", 5, kernel=FITTED)
                scales = fitted(daemon, "p")
                again = daemon.ok("POST", "/v1/projects/p/refit")
                answer = ranking(daemon, "p")
                daemon.kill()
                daemon.start()
                self.assertEqual(shown(daemon, "p"), again)
                self.assertEqual(ranking(daemon, "p")["candidates"], answer["candidates"])
                found.append([{k: v for k, v in s.items() if k not in ("at", "seq")} for s in (scales, again)])
            finally:
                daemon.close()
        self.assertEqual(found[0], found[1])
        self.assertEqual(found[0], found[2])
        self.assertEqual(*found[0])  # nothing came in between

    def test_a_fit_that_a_kill_cut_off_is_made_after_the_restart(self):
        daemon = Daemon()
        try:
            make(daemon, "p", 5, kernel=FITTED)
            daemon.kill()
            daemon.start()
            self.assertEqual(fitted(daemon, "p")["source"]["state_scale"], "marginal_likelihood")
        finally:
            daemon.close()

    def test_writing_goes_on_while_refits_are_worked_out(self):
        daemon = Daemon()
        try:
            make(daemon, "p", 5, kernel=FITTED)
            answers = []
            threads = [threading.Thread(target=lambda: answers.append(daemon.request("POST", "/v1/projects/p/refit")))
                       for _ in range(4)]
            for thread in threads:
                thread.start()
            for seed in range(5, 25):
                add(daemon, "p", seed)
            for thread in threads:
                thread.join()
            for answer in answers:
                self.assertIn((answer.status, answer.json.get("code")), ((200, None), (409, "changed_meanwhile")))
            self.assertEqual(daemon.ok("POST", "/v1/projects/p/refit")["demonstrations"], 25)
        finally:
            daemon.close()


if __name__ == "__main__":
    tap.main()
