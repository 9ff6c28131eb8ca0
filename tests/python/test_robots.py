#!/usr/bin/env python3
"""Franka Kitchen and robosuite: the experts, the diffusion policy, and a tiny experiment each with a live daemon."""
import functools
import os
import tempfile
import unittest
from pathlib import Path
from unittest import mock

import numpy as np
from fixtures import Daemon, tap  # first: it knows where the package is

import torch
from amf_client.experiments import kitchen, results, robosuite
from amf_client.experiments.daemon import Address
from amf_client.experiments.diffusion import Mean, make_diffusion
from amf_client.experiments.runs import play_here
from amf_client.experiments.settings import RunSettings
from amf_client.torch.finetune import Cloning, Demonstrations


def setUpModule():
    """A scene of robosuite takes seconds to make, and what happens in one does not depend on what happened before."""
    made = functools.cache(robosuite._make_environment)
    unittest.enterModuleContext(mock.patch.object(robosuite, "_make_environment", made))


def by_seed(*numbers):
    return np.random.default_rng(numbers)


class Experts:
    """Of each task once; `shown` and `other` are tasks that do not come about by the same actions."""

    make, shown, other = None, 0, 1

    @classmethod
    def setUpClass(cls):
        cls.benchmark = cls.make()
        every = range(len(cls.benchmark.tasks))
        cls.episodes = [cls.benchmark.demonstrate(task, by_seed(7, task)) for task in every]

    def test_experts_do_their_tasks(self):
        for task, episode in zip(self.benchmark.tasks, self.episodes, strict=True):
            with self.subTest(task=task.key):
                self.assertTrue(episode.success)
                self.assertEqual(episode.return_, 1)
                steps = len(episode.states)
                self.assertLess(steps, self.benchmark.horizon)
                self.assertEqual(episode.states.shape, (steps, self.benchmark.state_dim))
                self.assertEqual(episode.actions.shape, (steps, self.benchmark.action_dim))
                self.assertLessEqual(np.abs(episode.actions).max(), 1)

    def test_an_episode_is_a_function_of_its_generator(self):
        """After others in the same scene too."""
        again = self.benchmark.demonstrate(self.shown, by_seed(7, self.shown))
        np.testing.assert_array_equal(again.states, self.episodes[self.shown].states)
        np.testing.assert_array_equal(again.actions, self.episodes[self.shown].actions)
        with mock.patch.object(self.benchmark, "horizon", 1):
            elsewhere = self.benchmark.rollout(self.shown, self.replay(again), by_seed(8))
        self.assertGreater(np.abs(elsewhere.states[0] - again.states[0]).max(), 1e-3)

    def test_who_does_another_task_fails(self):
        """The expert's actions from where they were shown, as an attempt at that task, and at another."""
        episode = self.episodes[self.shown]
        with mock.patch.object(self.benchmark, "horizon", len(episode.actions)):
            for task in (self.shown, self.other):
                attempt = self.benchmark.rollout(task, self.replay(episode), by_seed(7, self.shown))
                self.assertEqual(attempt.success, task == self.shown)

    @staticmethod
    def replay(episode):
        left = iter(episode.actions)
        return lambda state, task: next(left)


class Kitchen(Experts, unittest.TestCase):
    make, shown, other = staticmethod(kitchen.make), 3, 0


class Robosuite(Experts, unittest.TestCase):
    make = staticmethod(robosuite.make)

    def test_an_empty_hand_begins_again(self):
        expert = robosuite.Expert(robosuite.SCENES[0].moves)
        at, away = np.zeros(16), np.zeros(16)
        at[7:10], away[7:10] = 0, 0.1
        grips = [expert.action(state)[3] for state in [away] + 40 * [at] + [away, at]]
        self.assertEqual((grips[0], grips[-3], grips[-2]), (robosuite.OPEN, robosuite.CLOSE, robosuite.OPEN))


class Diffusion(unittest.TestCase):
    """Fitted to actions that are 0.5 four times of five and else -0.5, and under a second task always 0.2."""

    @classmethod
    def setUpClass(cls):
        torch.set_num_threads(1)
        policy = make_diffusion((0.0,), (1.0,), 2, 1, (32, 32), torch.Generator().manual_seed(1))
        states = np.linspace(-1, 1, 200)[:, None]
        signs = np.where(np.arange(200) % 5, 0.5, -0.5)[:, None]
        data = Demonstrations.of(states, (1.0, 0.0), signs, 0)
        more = Demonstrations.of(states, (0.0, 1.0), np.full((200, 1), 0.2), 1)
        both = Demonstrations(*(torch.cat((getattr(data, name), getattr(more, name)))
                                for name in ("states", "tasks", "actions", "task_index")))
        cls.policy = Cloning().fit(policy, policy, both, steps=600, generator=torch.Generator().manual_seed(2))
        cls.states = torch.linspace(-1, 1, 400)[:, None]

    def draw(self, vector, seed=3):
        vectors = torch.tensor([vector]).expand(len(self.states), -1)
        with torch.no_grad():
            return (self.policy.sample(self.states, vectors, torch.Generator().manual_seed(seed)).numpy(),
                    Mean(self.policy)(self.states, vectors).numpy())

    def test_draws_are_of_what_was_shown_and_not_of_its_mean(self):
        drawn, mean = self.draw((1.0, 0.0))
        self.assertLess(np.median(np.abs(np.abs(drawn) - 0.5)), 0.1)
        self.assertLess(np.mean(np.abs(drawn) < 0.25), 0.2)
        self.assertTrue(0.7 < np.mean(drawn > 0) < 0.9, np.mean(drawn > 0))
        np.testing.assert_allclose(mean.mean(), 0.3, atol=0.1)
        drawn, mean = self.draw((0.0, 1.0))
        np.testing.assert_allclose(drawn.mean(), 0.2, atol=0.05)
        np.testing.assert_allclose(mean.mean(), 0.2, atol=0.05)

    def test_draws_are_a_function_of_the_generator(self):
        np.testing.assert_array_equal(self.draw((1.0, 0.0))[0], self.draw((1.0, 0.0))[0])
        self.assertGreater(np.abs(self.draw((1.0, 0.0))[0] - self.draw((1.0, 0.0), 4)[0]).max(), 0.1)


class Experiment(unittest.TestCase):
    def play(self, **changes):
        """Two rounds in which the criterion decides as soon as something is held."""
        tiny = {"arm": "loss-gradient", "finetune": "cloning", "rounds": 2, "steps": 3, "pretrain_steps": 3, "per_round": 2,
                "evaluations": 1, "rollouts": 1, "hidden": (8, 8), "overrides": (("selection.warm_start", "0"),), "seed": 0}
        failed = []
        with tempfile.TemporaryDirectory() as folder:
            daemon = Daemon()
            try:
                play_here([RunSettings(**tiny, **changes)], Path(folder), Address(daemon.url, daemon.token),
                          lambda what, key, why: failed.append(why) if what == "failed" else None)
            finally:
                daemon.close()
            self.assertEqual(failed, [])
            (run,) = results.read_runs(Path(folder))
        first, last = run["rounds"][1:]
        self.assertEqual({choice["rule"] for choice in last["choices"]}, {"criterion"})
        self.assertTrue(all(gain is not None and gain > 0 for gain in last["gains"]))
        self.assertEqual(sum(last["demonstrations"]) + run["expert_failures"], 4)
        self.assertGreater(sum(first["demonstrations"]), 0)
        self.assertTrue(all(len(one["success"]) == len(run["tasks"]) for one in run["rounds"]))

    def test_kitchen(self):
        """Shorter than the hinge cabinet takes: an expert that fails is a failed assignment and no end."""
        self.play(benchmark="kitchen", horizon=50, pretrain=(0, 0, 0, 1, 0))

    def test_robosuite(self):
        """Two of its scenes, with the policy that draws its actions."""
        with mock.patch.object(robosuite, "SCENES", robosuite.SCENES[:2]):
            self.play(benchmark="robosuite", horizon=50, pretrain=(1, 0))


if __name__ == "__main__":
    os.environ["OMP_NUM_THREADS"] = "1"
    tap.main()
