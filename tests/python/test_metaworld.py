#!/usr/bin/env python3
"""The Metaworld scene against demonstrations recorded elsewhere, its experts, and a tiny experiment with a live daemon."""
import json
import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import numpy as np
from fixtures import PACKAGE, tap  # first: it knows where the package is

from amf_client.experiments import metaworld, results
from amf_client.experiments.benchmark import InBatches

HERE = Path(__file__).resolve().parent
RECORDED = HERE / "metaworld_scripted"  # an episode of each task of a set of 240
SET = 1  # the recorder seeded an episode with the set's number, the task's and its own


def aimless(states, tasks):
    """Some policy: moves about, otherwise for each task."""
    return np.tanh(3 * states[:, :4]) * (1 + np.asarray(tasks)[:, None]) / 2


class Scene(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.benchmark = metaworld.make()
        cls.every = range(len(cls.benchmark.tasks))

    def test_recorded_demonstrations_come_out_again(self):
        """To 1e-6 until something is touched; what the solver makes of contacts differs a little between processors."""
        said = json.loads((RECORDED / "episodes.json").read_text())["episodes"]
        recorded = metaworld.recorded(RECORDED)
        for task, one in enumerate(said):
            with self.subTest(task=one["task"]):
                (there,) = recorded[task]
                here = self.benchmark.demonstrate(task, np.random.default_rng((SET, task, one["seed"])))
                for mine, theirs in ((here.states, there.states), (here.actions, there.actions)):
                    self.assertEqual(mine.shape, theirs.shape)
                    np.testing.assert_allclose(mine[:10], theirs[:10], atol=1e-6)
                    np.testing.assert_allclose(mine, theirs, atol=0.03)
                self.assertTrue(here.success and there.success)

    def test_experts_do_their_tasks(self):
        for task in self.every:
            done = [self.benchmark.demonstrate(task, np.random.default_rng((7, task, number))) for number in range(8)]
            self.assertGreaterEqual(sum(one.success for one in done), 7, self.benchmark.tasks[task].key)
            self.assertTrue(all(np.abs(one.actions).max() <= 1 and one.return_ == one.success for one in done))

    def test_who_does_another_task_fails(self):
        """The actions of a demonstration, in the places of that demonstration, as an attempt at each of the tasks."""
        for shown in self.every:
            actions = self.benchmark.demonstrate(shown, np.random.default_rng((7, shown, 0))).actions
            steps = iter(actions)
            attempts = self.benchmark.rollouts(
                self.every, lambda _, tasks: np.tile(next(steps), (len(tasks), 1)),  # noqa: B023
                [np.random.default_rng((7, shown, 0)) for _ in self.every])
            self.assertEqual([one.success for one in attempts], [task == shown for task in self.every])

    def test_together_alone_and_again_are_the_same(self):
        self.assertIsInstance(self.benchmark, InBatches)
        together = self.benchmark.rollouts([0, 3, 3], aimless, [np.random.default_rng(n) for n in (1, 2, 3)])
        self.benchmark.demonstrate(2, np.random.default_rng(4))
        alone = self.benchmark.rollout(3, lambda state, task: aimless(state[None], [task])[0], np.random.default_rng(3))
        np.testing.assert_array_equal(alone.states, together[2].states)
        np.testing.assert_array_equal(alone.actions, together[2].actions)
        self.assertGreater(np.abs(together[1].states[0] - together[2].states[0]).max(), 1e-3)  # other places
        self.assertEqual(together[0].states.shape, (50, 30))

    def test_task_vectors_are_of_length_one_and_differ(self):
        vectors = np.array([task.vector for task in self.benchmark.tasks])
        likeness = vectors @ vectors.T
        np.testing.assert_allclose(np.diag(likeness), 1, atol=1e-5)
        self.assertLess(np.triu(likeness, 1).max(), 0.95)


class Experiment(unittest.TestCase):
    def test_two_rounds(self):
        with tempfile.TemporaryDirectory() as folder:
            done = subprocess.run(
                [sys.executable, "-m", "amf_client.experiments", "metaworld", "--arms", "loss-gradient", "--seeds", "0", "--jobs", "1",
                 "--pretrain", "1,1", "--rounds", "2", "--steps", "3", "--pretrain-steps", "5", "--hidden", "8,8",
                 "--evaluations", "1", "--results", folder, "--amfd", os.path.join(os.environ["AMF_BUILD"], "server", "amfd")],
                env={**os.environ, "PYTHONPATH": str(PACKAGE / "src")}, capture_output=True, text=True, check=False)
            self.assertEqual(done.returncode, 0, done.stderr)
            (run,) = results.read_runs(Path(folder))
        self.assertEqual([one["round"] for one in run["rounds"]], [0, 1, 2])
        self.assertEqual(sum(run["rounds"][-1]["demonstrations"]), 2)
        self.assertTrue(all(len(one["success"]) == 4 for one in run["rounds"]))


if __name__ == "__main__":
    tap.main()
