#!/usr/bin/env python3
"""The experiments: every arm and method against a running daemon, going on where it was interrupted, tables and figures."""
import contextlib
import io
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import types
import unittest
import unittest.mock
import xml.etree.ElementTree
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from fixtures import PACKAGE, Daemon, tap, wait_until  # first: it knows where the package is

from amf_client.experiments import command, results, summary
from amf_client.experiments.arms import ARMS, arm_settings, parse_override
from amf_client.experiments.benchmark import Defaults, Episode, TaskSpec
from amf_client.experiments.daemon import Address
from amf_client.experiments.finetuning import METHODS
from amf_client.experiments.integrator import make
from amf_client.experiments.randomness import Stream, generator
from amf_client.experiments.runs import missing, play_here
from amf_client.experiments.settings import RunSettings
from amf_client.experiments.statistics import band, interval
from amf_client.torch import upload_features

TASKS = 12
OPTIONS = ["--rounds", "2", "--steps", "3", "--pretrain-steps", "5", "--hidden", "8,8", "--pretrain", "2,1"]


def settings(**changes):
    tiny = {"benchmark": "integrator", "arm": "uniform", "finetune": "cloning", "pretrain": (2, 1) + (0,) * 10, "horizon": None,
            "rounds": 2, "steps": 3, "pretrain_steps": 5, "per_round": 1, "evaluations": 1, "rollouts": 1, "hidden": (8, 8),
            "overrides": (), "seed": 0}
    return RunSettings(**{**tiny, **changes})


def without_times(run):
    """What has to be the same again."""
    rounds = [{name: value for name, value in one.items() if name != "seconds"} for one in run["rounds"]]
    return {**{name: value for name, value in run.items() if name != "seconds"}, "rounds": rounds}


class Live(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.daemon = Daemon()
        cls.addClassCleanup(cls.daemon.close)
        cls.address = Address(cls.daemon.url, cls.daemon.token)

    def setUp(self):
        self.folder = Path(self.enterContext(tempfile.TemporaryDirectory()))

    def play(self, *runs):
        """The records by key; a run that fails, fails the test."""
        failed = []
        play_here(runs, self.folder, self.address, lambda what, key, why: failed.append(why) if what == "failed" else None)
        self.assertEqual(failed, [])
        return {run["key"]: run for run in results.read_runs(self.folder)}

    def test_every_arm(self):
        runs = [settings(arm=arm) for arm in ARMS]
        played = self.play(*runs)
        for run in runs:
            with self.subTest(arm=run.arm):
                record = played[run.key]
                arm = run.arm_settings()
                rounds = record["rounds"]
                self.assertEqual([one["round"] for one in rounds], [0, 1, 2])
                self.assertEqual(sum(rounds[-1]["demonstrations"]), 2)
                self.assertEqual(record["rollouts"], 2 * TASKS if arm["rollouts"] else 0)
                self.assertTrue(all(len(one["return"]) == TASKS and max(one["return"]) < 0 for one in rounds))
                self.assertEqual(rounds[0]["return"], played[runs[0].key]["rounds"][0]["return"])  # the same pre-training
                rules = {choice["rule"] for one in rounds[1:] for choice in one["choices"]}
                chosen = arm["project"].get("selection", {}).get("rule", "criterion")
                if arm["revision"] and not arm["rollouts"]:
                    chosen = "warm_start"  # as many rounds as this test has
                self.assertEqual(rules, {chosen})
                if arm["revision"] and arm["rollouts"]:
                    self.assertTrue(all(gain is not None for gain in rounds[1]["gains"]))
        in_order = {arm: [one["return"] for one in played[settings(arm=arm).key]["rounds"]]
                    for arm in ("round-robin", "loss-gradient", "last-layer-frozen")}
        self.assertEqual(len({str(returns) for returns in in_order.values()}), 1)  # asked the same, they are given the same
        privileged = played[settings(arm="rebalance").key]["rounds"]
        self.assertEqual([one["choices"][0]["task"] for one in privileged[1:]], [2, 3])  # the first two were pre-trained
        self.assertEqual(list(self.folder.glob(".*")), [])

    def test_the_criterion_decides_once_it_is_warm(self):
        """Scores, weights and the choice are there, with features that are uploaded as with a hosted network."""
        runs = [settings(arm="loss-gradient", finetune=method, overrides=(("selection.warm_start", "0"),)) for method in METHODS]
        for run, record in zip(runs, map(self.play(*runs).get, [run.key for run in runs]), strict=True):
            with self.subTest(method=run.finetune):
                second = record["rounds"][2]
                gains = second["gains"]
                self.assertEqual(second["choices"][0]["rule"], "criterion")
                self.assertEqual(second["choices"][0]["task"], gains.index(max(gains)))
                self.assertEqual(len(second["effective_sample_sizes"]), TASKS)
                self.assertEqual(record["settings"]["overrides"], {"selection.warm_start": 0})

    def test_several_demonstrations_a_round(self):
        run = settings(arm="loss-gradient-copy", per_round=3)
        (record,) = self.play(run).values()
        self.assertEqual([choice["task"] for choice in record["rounds"][2]["choices"]], [3, 4, 5])
        self.assertEqual(sum(record["rounds"][2]["demonstrations"]), 6)

    def test_the_copy_that_selects(self):
        """During the warm start it is the pre-trained network still; only weights could tell, and here all are equal."""
        weights = ("criterion.weights", '"uniform"')
        copy = settings(arm="loss-gradient-copy", rounds=3, overrides=(weights,))
        frozen = settings(arm="loss-gradient", rounds=3, overrides=(weights, ("revision.of", '"pretrained"')))
        current = settings(arm="loss-gradient", rounds=3, overrides=(weights,))
        gains = {run: record["rounds"][3]["gains"] for run, record in self.play(copy, frozen, current).items()}
        self.assertTrue(all(gain > 0 for gain in gains[copy.key]))
        self.assertEqual(gains[copy.key], gains[frozen.key])
        self.assertNotEqual(gains[copy.key], gains[current.key])

    def test_a_run_is_a_function_of_its_settings(self):
        run = settings(arm="rollouts-summary-failure", seed=3)
        first = self.play(run)[run.key]
        results.path_of(self.folder, run.key).unlink()
        self.play(settings(arm="lowest-success", seed=4))  # another run in between
        self.assertEqual(without_times(self.play(run)[run.key]), without_times(first))
        self.assertNotEqual(settings(seed=4).key, settings(seed=3).key)

    def test_what_another_command_has_played_meanwhile_is_left_alone(self):
        run, told = settings(), []
        results.write_run(self.folder, run.key, {})
        play_here([run], self.folder, self.address, lambda *message: told.append(message))
        self.assertEqual(told, [("there", run.key, "")])

    def test_a_failure_is_told_and_the_others_go_on(self):
        told = []
        bad = settings(overrides=(("criterion.measure", '"surprise"'),))
        play_here([bad, settings()], self.folder, self.address, lambda *message: told.append(message))
        self.assertEqual([what for what, *_ in told], ["failed", "round", "round", "done"])
        self.assertIn("criterion", told[0][2])
        self.assertEqual(missing([bad, settings()], self.folder), [bad])


    def test_a_benchmark_with_everything_of_its_own(self):
        """A policy that draws, its features, an expert that fails: now and then in the first task, always in the second."""
        module = types.ModuleType("own")
        module.DEFAULTS = Defaults(score="success", pretrain=(1, 0), rounds=4, steps=2, pretrain_steps=2, evaluations=3)
        module.make = lambda horizon: Own()
        self.enterContext(unittest.mock.patch.dict(sys.modules, {"amf_client.experiments.own": module}))
        own = {"benchmark": "own", "pretrain": (3, 0), "rounds": 4, "evaluations": 3}
        chance, ranked = settings(arm="round-robin", **own), settings(arm="last-layer", overrides=(("revision.sigma", "0.5"),), **own)
        record = self.play(chance)[chance.key]
        self.assertEqual([one["choices"][0]["task"] for one in record["rounds"][1:]], [0, 1, 0, 1])
        self.assertEqual((record["expert_failures"], record["rounds"][-1]["demonstrations"]), (2, [2, 0]))
        self.assertEqual(record["rounds"][2]["demonstrations"], [1, 0])
        self.assertGreater(len(set(record["rounds"][1]["return"] + record["rounds"][4]["return"])), 2)  # it draws
        results.path_of(self.folder, chance.key).unlink()
        torch.rand(7)  # the program around it draws, too
        self.assertEqual(without_times(self.play(chance)[chance.key]), without_times(record))
        self.assertTrue(any(self.play(ranked)[ranked.key]["rounds"][4]["gains"]))
        self.assertEqual(Own.uploaded, [f"round-{number}" for number in range(1, 5)])


class Own:
    name, state_dim, action_dim, horizon, layer = "own", 2, 1, 3, "head"
    tasks = (TaskSpec("easy", "easy", (1.0, 0.0)), TaskSpec("never", "never", (0.0, 1.0)))
    uploaded: ClassVar[list[str]] = []

    def demonstrate(self, task, numbers):
        return Episode(numbers.normal(size=(3, 2)), numbers.normal(size=(3, 1)), task == 0 and numbers.random() < 0.5, 0.0)

    def rollout(self, task, policy, numbers):
        states = numbers.normal(size=(3, 2))
        actions = np.stack([policy(state, task) for state in states])
        return Episode(states, actions, False, float(actions.sum()))

    def make_policy(self, numbers):
        return Drawing(numbers)

    def upload_features(self, project, revision, policy, form):
        self.uploaded.append(revision)
        upload_features(project, revision, policy, layer=self.layer, inputs=lambda states, task: (
            torch.tensor(states).float(), torch.tensor(task.vector).expand(len(states), -1)), form=form, progress=None)


class Drawing(torch.nn.Module):
    def __init__(self, numbers):
        super().__init__()
        self.head = torch.nn.Linear(2, 1)
        with torch.no_grad():
            self.head.weight.normal_(generator=numbers)

    def forward(self, states, vectors):
        return self.head(states) + 0.1 * torch.randn(len(states), 1) + vectors[:, :1]


class CommandLine(unittest.TestCase):
    def setUp(self):
        self.folder = Path(self.enterContext(tempfile.TemporaryDirectory()))

    def run_main(self, *arguments):
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                status = command.main([*map(str, arguments)])
            except SystemExit as error:
                status = error.code
        return status, out.getvalue(), err.getvalue()

    def test_interrupted_and_continued(self):
        """By a signal after the first run; what is there stays, the rest is the same as in one go, in two processes."""
        here = [sys.executable, "-m", "amf_client.experiments", "integrator", *OPTIONS, "--arms", "uniform,loss-gradient,rebalance",
                "--seeds", "0-1", "--jobs", "1", "--amfd", os.path.join(os.environ["AMF_BUILD"], "server", "amfd")]
        environment = {**os.environ, "PYTHONPATH": str(PACKAGE / "src")}
        folder = self.folder / "interrupted"
        began = subprocess.Popen([*here, "--results", str(folder)], env=environment, stderr=subprocess.PIPE, text=True)
        wait_until(lambda: any(folder.glob("*.run.json")), 60)
        began.send_signal(signal.SIGTERM)
        self.assertIn("interrupted", began.communicate(timeout=60)[1])
        self.assertEqual(began.returncode, 130)
        before = {path: path.stat().st_mtime_ns for path in folder.glob("*.run.json")}
        self.assertLess(len(before), 6)
        done = subprocess.run([*here, "--results", str(folder)], env=environment, capture_output=True, text=True, check=True)
        self.assertEqual(done.stderr, "")
        self.assertIn(f"{6 - len(before)} runs in {folder}, {len(before)} were there", done.stdout)
        self.assertEqual({path: path.stat().st_mtime_ns for path in before}, before)
        whole = self.folder / "whole"
        subprocess.run([*here, "--jobs", "2", "--results", str(whole)], env=environment, stdout=subprocess.DEVNULL, check=True)
        self.assertEqual([without_times(run) for run in results.read_runs(folder)],
                         [without_times(run) for run in results.read_runs(whole)])

    def test_wrong_use(self):
        for arguments, said in (
            (["integrator", "--arms", "criterium"], "'criterium' is none of"),
            (["integrator", "--finetune", "hope"], "'hope' is none of"),
            (["integrator", "--set", "rule"], "not of the form NAME=VALUE"),
            (["integrator", "--arms", "loss-gradient", "--set", "revision.sigmas=1"], "there is no revision.sigmas"),
            (["integrator", "--pretrain", "1,1,1,1,1,1,1,1,1,1,1,1,1"], "has 12 tasks"),
            (["integrator", "--pretrain-tasks", "13"], "has 12 tasks"),
            (["integrator", "--seeds", "4-3"], "names no seed"),
            (["integrator", "--rounds", "0"], "must be 1 or more"),
            (["integrator", "--hidden", "8,0"], "must be 1 or more"),
            (["integrator", "--arms", "uniform", "--set", "revision.sigmas=1"], "there is no revision.sigmas"),
            (["integrator", "--set", "revision.of=nonsense"], "revision.of has to be one of current"),
            (["integrator", "--set", "revision.dropout=2"], "revision.dropout has to be a number between 0 and 1"),
            (["integrator", "--set", "rollouts=2"], "rollouts has to be true or false"),
            (["integrator", "--set", "rollouts.x=1"], "there is no rollouts.x"),
            (["integrator", "--set", "criterion=5", "--set", "criterion.measure=kl"], "criterion.measure cannot be set: criterion is 5"),
            (["report", str(self.folder), "--against", "hope"], "invalid choice"),
        ):
            with self.subTest(arguments=arguments):
                status, out, err = self.run_main(*arguments, "--results", self.folder / "none")
                self.assertEqual((status, out), (2, ""))
                self.assertIn(said, err)
        self.assertFalse((self.folder / "none").exists())

    def test_what_the_daemon_refuses_it_refuses_before_anything_is_played(self):
        amfd = os.path.join(os.environ["AMF_BUILD"], "server", "amfd")
        for arguments, said in (
            (["--arms", "round-robin,uniform", "--set", "criterion.measure=surprise"], "round-robin: invalid_field at /criterion/measure"),
            (["--arms", "uniform", "--per-round", "65"], "uniform: invalid_field at /count"),
        ):
            with self.subTest(arguments=arguments), unittest.mock.patch.object(command, "play_all") as played:
                status, out, err = self.run_main("integrator", *arguments, "--amfd", amfd, "--results", self.folder)
                self.assertEqual((status, out, played.called), (2, "", False))
                self.assertIn(said, err)

    def test_what_is_not_installed_is_named_with_what_installs_it(self):
        results.write_run(self.folder, "x", made_run(settings(), 1.0))
        for arguments, patched, said in (
            (["integrator"], unittest.mock.patch.object(command.importlib.util, "find_spec", return_value=None), "apt install python3-torch"),
            (["robosuite"], unittest.mock.patch("amf_client.experiments.robosuite.find_spec", return_value=None),
             "No module named 'robosuite'; scripts/experiments-environment"),
            (["report", self.folder], without("matplotlib", "amf_client.experiments.figures"), "apt install python3-matplotlib"),
        ):
            with self.subTest(arguments=arguments), patched:
                status, out, err = self.run_main(*arguments)
                self.assertEqual((status, out), (1, ""))
                self.assertIn(said, err)

    def test_results_that_cannot_be_a_folder(self):
        (self.folder / "file").touch()
        status, _, err = self.run_main("integrator", "--results", self.folder / "file")
        self.assertEqual((status, err.count("\n")), (1, 1), err)

    def test_an_arm_named_twice_is_one(self):
        self.assertEqual(len(command.settings_of(command.parse(["integrator", "--seeds", "0", "--arms", "uniform,uniform"]))), 1)

    def test_a_daemon_goes_with_who_started_it(self):
        """Killed, so that it cannot clean up; the daemon is found by its port."""
        program = ("import sys; from amf_client.experiments.daemon import running_daemon\n"
                   "with running_daemon(sys.argv[1], 1) as address: print(address.url, flush=True); sys.stdin.read()")
        with subprocess.Popen([sys.executable, "-c", program, os.path.join(os.environ["AMF_BUILD"], "server", "amfd")],
                              env={**os.environ, "PYTHONPATH": str(PACKAGE / "src"), "TMPDIR": str(self.folder)},
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as began:
            port = int(began.stdout.readline().rsplit(":", 1)[1])
            self.assertTrue(listens(port))
            began.kill()
        wait_until(lambda: not listens(port), 60)

    def test_no_daemon(self):
        status, _, err = self.run_main("integrator", "--amfd", self.folder / "amfd", "--results", self.folder)
        self.assertEqual(status, 1)
        self.assertIn("cannot be run", err)

    def test_pretraining_is_spread_over_the_first_tasks(self):
        for arguments, counts in ((["--pretrain-tasks", "5"], (3, 3, 2, 2, 2)), (["--mismatch", "0,4"], (0, 4)), ([], (4, 4, 4))):
            (run,) = command.settings_of(command.parse(["integrator", "--seeds", "7", "--arms", "uniform", *arguments]))
            self.assertEqual((run.pretrain, run.seed), (counts + (0,) * (TASKS - len(counts)), 7))

    def test_report(self):
        """From runs made by hand, with a known outcome."""
        self.assertEqual(self.run_main("report", self.folder)[0], 1)
        for seed in range(3):
            for arm, gain in (("uniform", 0.0), ("loss-gradient", 0.5), ("rollouts", -0.25)):
                run = settings(arm=arm, seed=seed)
                results.write_run(self.folder, run.key, made_run(run, seed + gain))
        status, out, _ = self.run_main("report", self.folder, "--json")
        self.assertEqual(status, 0)
        self.assertEqual(json.loads(out), json.loads((self.folder / "summary.json").read_text()))
        (condition,) = json.loads(out)["conditions"]
        arms = {arm["arm"]: arm for arm in condition["arms"]}
        self.assertEqual(arms["uniform"]["minus_uniform"], None)
        self.assertEqual(arms["uniform"]["area"]["mean"], 1.5)  # rounds 1 and 2 of 0, seed + 0, seed + 1
        self.assertEqual(arms["loss-gradient"]["minus_uniform"]["area"], {"mean": 0.5, "low": 0.5, "high": 0.5})
        self.assertEqual(arms["rollouts"]["minus_uniform"]["seeds_ahead"], 0)
        self.assertEqual(arms["loss-gradient"]["task_demonstrations"][3:5], [2.0, 0.0])
        self.assertEqual(arms["loss-gradient"]["effective_sample_sizes"][0], [None, None, 4.0])
        drawn = sorted(path.name for path in self.folder.glob("*.svg"))
        self.assertEqual(drawn, [f"integrator-{name}.svg" for name in ("demonstrations", "minus-uniform", "rounds", "tasks", "weights")])
        for name in drawn:
            words = "".join(xml.etree.ElementTree.parse(self.folder / name).getroot().itertext())
            self.assertIn("90% bootstrap" if "weights" not in name else "effective sample size", words, name)
            self.assertIn("loss-gradient", words, name)
            self.assertEqual("angle-00 (2 pre-trained)" in words, "tasks" in name or "demonstrations" in name, name)
        (condition,) = summary.conditions(results.read_runs(self.folder))
        self.assertIn("+0.500 (+0.500 to +0.500)  3 of 3", summary.table(condition))

    def test_what_is_no_result_is_named(self):
        (self.folder / "x.run.json").write_text("{")
        status, _, err = self.run_main("report", self.folder)
        self.assertEqual(status, 1)
        self.assertIn("x.run.json is not JSON", err)
        (self.folder / "x.run.json").write_text('{"format": 1, "key": "x"}')
        status, _, err = self.run_main("report", self.folder)
        self.assertEqual(status, 1)
        self.assertIn("x.run.json is no result of this version", err)


def listens(port):
    with socket.socket() as connection:
        return connection.connect_ex(("127.0.0.1", port)) == 0


def without(*modules):
    """As if the first were not installed; the others are imported anew."""
    left = {name: module for name, module in sys.modules.items() if name not in modules}
    return unittest.mock.patch.dict(sys.modules, {**left, modules[0]: None}, clear=True)


def made_run(run, value):
    """Scores 0, value, value + 1; the demonstrations go to the fourth task."""
    rounds = [{"round": 0, "return": [0.0] * TASKS, "success": [0.0] * TASKS}]
    for number in (1, 2):
        counts = [0] * TASKS
        counts[3] = number
        rounds.append({"round": number, "return": [value + number - 1] * TASKS, "success": [1.0] * TASKS, "demonstrations": counts})
    if run.arm != "uniform":
        rounds[1]["effective_sample_sizes"] = rounds[1]["largest_weight_shares"] = [None] * TASKS
        rounds[2]["effective_sample_sizes"], rounds[2]["largest_weight_shares"] = [4.0] * TASKS, [0.5] * TASKS
    return {"settings": run.as_json(), "score": "return", "tasks": [f"angle-{task:02}" for task in range(TASKS)],
            "project": {"selection": {"seed": run.seed}}, "versions": {"amfd": "1"}, "rounds": rounds, "rollouts": 0, "expert_failures": 0}


class Summaries(unittest.TestCase):
    def test_a_difference_is_of_one_seed_and_one_method(self):
        runs = [made_run(settings(arm=arm, finetune=method, seed=seed), value)
                for arm, method, seed, value in (("uniform", "cloning", 0, 1.0), ("uniform", "cloning", 1, 5.0),
                                                 ("uniform", "adaptive-prior", 1, 2.0), ("rollouts", "cloning", 1, 6.0),
                                                 ("rollouts", "cloning", 2, 9.0), ("rollouts", "adaptive-prior", 1, 6.0))]
        (condition,) = summary.conditions(runs)
        found = {arm.label: condition.differences(arm) for arm in condition.arms}
        self.assertEqual(found["rollouts, cloning"].tolist(), [[0.0, 1.0, 1.0]])  # seed 1 alone
        self.assertEqual(found["rollouts, adaptive-prior"].tolist(), [[0.0, 4.0, 4.0]])

    def test_differences_to_another_arm(self):
        runs = [made_run(settings(arm=arm), value) for arm, value in (("rebalance", 3.0), ("uniform", 1.0), ("rollouts", 3.5))]
        (condition,) = summary.conditions(runs, "rebalance")
        self.assertEqual([arm.get("minus_rebalance") and arm["minus_rebalance"]["area"]["mean"]
                          for arm in summary.as_json([condition])["conditions"][0]["arms"]], [None, -2.0, 0.5])
        self.assertIn("minus rebalance", summary.table(condition))

    def test_versions_that_differ_are_told(self):
        runs = [made_run(settings(seed=seed), 1.0) for seed in (0, 1)]
        (condition,) = summary.conditions(runs)
        self.assertEqual(condition.versions, {})
        runs[1]["versions"] = {"amfd": "2"}
        (condition,) = summary.conditions(runs)
        self.assertIn("not of one version: amfd 1, 2", summary.table(condition))
        self.assertEqual(summary.as_json([condition])["conditions"][0]["differing_versions"], {"amfd": ["1", "2"]})

    def test_other_pretraining_is_another_condition(self):
        runs = [made_run(settings(pretrain=(4, 0) + (0,) * 10), 1.0), made_run(settings(), 1.0)]
        names = [condition.name for condition in summary.conditions(runs)]
        self.assertEqual(names, ["pretrain-4" + 11 * "-0", "pretrain-2-1" + 10 * "-0"])

    def test_what_was_set_is_in_the_label(self):
        runs = [made_run(settings(arm="loss-gradient", overrides=overrides), 1.0)
                for overrides in ((), (("criterion.measure", '"entropy"'),))]
        (condition,) = summary.conditions(runs)
        self.assertEqual([arm.label for arm in condition.arms], ["loss-gradient", "loss-gradient, criterion.measure=entropy"])

    def test_arms_without_rollouts_are_compared_with_each_number_of_them(self):
        numbers = [command.settings_of(command.parse(["integrator", "--seeds", "0", "--arms", "uniform,rollouts", "--rollouts", n]))
                   for n in ("2", "5")]
        self.assertEqual(numbers[0][0].key, numbers[1][0].key)
        (condition,) = summary.conditions(made_run(run, 1.0) for run in (numbers[0][0], numbers[0][1], numbers[1][1]))
        self.assertEqual([arm.label for arm in condition.arms], ["uniform", "rollouts, 2 rollouts", "rollouts, 5 rollouts"])
        self.assertTrue(all(condition.differences(arm) is not None for arm in condition.arms[1:]))


class Statistics(unittest.TestCase):
    def test_two_seeds(self):
        """Means of two draws from 0 and 1 are 0, one half and 1 with odds of 1, 2 and 1."""
        found = interval(np.array([0.0, 1.0]))
        self.assertEqual((found.mean, found.low, found.high), (0.5, 0.0, 1.0))

    def test_many_seeds(self):
        """Of normal numbers it is what the normal distribution says: the mean, 1.645 standard errors to each side."""
        values = np.random.default_rng(1).normal(3.0, 2.0, size=400)
        found = interval(values)
        width = 1.645 * values.std() / 20
        np.testing.assert_allclose((found.low, found.high), (values.mean() - width, values.mean() + width), atol=0.05 * width)

    def test_rounds_are_drawn_together(self):
        values = np.random.default_rng(2).normal(size=(10, 1)) + np.array([[0.0, 5.0]])
        found = band(values)
        np.testing.assert_allclose(found.high - found.mean, (found.high - found.mean)[[0, 0]], atol=1e-12)


class PointMass(unittest.TestCase):
    def test_expert(self):
        """Without its noise the distance halves each step: the return is -(1/2 + 1/4 + ... + 1/32)."""
        world = make()
        (episode,) = world.rollouts([3], lambda states, _: 0.5 * (np.array(world.tasks[3].vector) - states), [None])
        self.assertAlmostEqual(episode.return_, -31 / 32)
        self.assertTrue(episode.success)
        staying = world.rollout(3, lambda state, _: 0 * state, None)
        self.assertEqual((staying.return_, staying.success), (-5.0, False))
        given = [world.demonstrate(0, generator(0, Stream.DEMONSTRATION, 0, number)) for number in (0, 1, 0)]
        np.testing.assert_array_equal(given[0].actions, given[2].actions)
        self.assertTrue((given[0].actions != given[1].actions).all())
        np.testing.assert_allclose(given[0].states[1:], np.cumsum(given[0].actions, axis=0)[:-1])

    def test_horizon(self):
        """The same five units of time."""
        self.assertEqual(make(50).rollout(0, lambda state, _: 0 * state, None).return_, -5.0)

    def test_in_batches_as_one_by_one(self):
        world = make(10)
        together = world.rollouts([1, 7], lambda states, tasks: np.cos(states + np.array(tasks)[:, None]), [None, None])
        for task, episode in zip((1, 7), together, strict=True):
            alone = world.rollout(task, lambda state, index: np.cos(state + index), None)
            np.testing.assert_array_equal(alone.states, episode.states)
            self.assertEqual(alone.return_, episode.return_)


class Arms(unittest.TestCase):
    def test_settings_over_an_arm(self):
        self.assertEqual(parse_override("criterion.clip=[-12,0]"), ("criterion.clip", [-12, 0]))
        self.assertEqual(parse_override("criterion.measure=entropy"), ("criterion.measure", "entropy"))
        arm = arm_settings("rollouts", [("criterion.measure", "entropy"), ("revision.summary", True)], {"noise_std": 2})
        self.assertEqual(arm["project"]["criterion"], {"occupancy": "rollouts", "target": "weights", "measure": "entropy"})
        self.assertEqual((arm["revision"]["summary"], arm["project"]["noise_std"]), (True, 2))
        self.assertEqual(ARMS["rollouts"]["project"]["criterion"], {"occupancy": "rollouts", "target": "weights"})
        self.assertEqual(arm_settings("uniform", [("revision.sigma", 2)])["revision"], None)

    def test_the_key_tells_settings_apart_and_not_seeds(self):
        keys = {settings(**change).variant for change in ({}, {"rounds": 3}, {"finetune": "l2"}, {"horizon": 5}, {"seed": 9})}
        self.assertEqual(len(keys), 4)
        self.assertEqual(replace(settings(), seed=2).key, settings().key[:-1] + "2")


if __name__ == "__main__":
    tap.main()
