"""Revisions of kind mlp: networks that the server evaluates, held against a forward pass in this file; and summaries of
pre-training features."""
import json
import math
import os
import struct
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import tap
from archive import members
from daemon import AMF, TENSORS, Daemon, safetensors, trajectory
from test_policies import CODES, Case, Project, features_file, flat, shape, tensor, wavy

STATES, ACTIONS = 3, 2  # of support/daemon.py's trajectories
VECTORS = {"a": [0.5, -1.0], "b": [-0.25, 0.75], "c": [1.5, 0.25]}


def rounded(numbers, dtype):
    if isinstance(numbers, list):
        return [rounded(part, dtype) for part in numbers]
    return struct.unpack(f"<{CODES[dtype]}", struct.pack(f"<{CODES[dtype]}", numbers))[0]


def linear(x, weight, bias=None):
    return [sum(w * v for w, v in zip(row, x)) + (bias[i] if bias else 0) for i, row in enumerate(weight)]


def layer_norm(x, weight, bias, eps):
    mean = sum(x) / len(x)
    scale = 1 / math.sqrt(sum((v - mean) ** 2 for v in x) / len(x) + eps)
    return [(v - mean) * scale * w + (bias[i] if bias else 0) for i, (v, w) in enumerate(zip(x, weight))]


ACTIVATIONS = {
    "relu": lambda v: max(v, 0.0), "tanh": math.tanh,
    "gelu": lambda v: v * (1 + math.erf(v / math.sqrt(2))) / 2,
    "gelu_tanh": lambda v: v * (1 + math.tanh(math.sqrt(2 / math.pi) * (v + 0.044715 * v ** 3))) / 2}


class Network:
    """Linear, layer norm, activation; linear, activation; linear. Weights are functions of the seed."""

    def __init__(self, seed=1, inputs=STATES + 2, width=6, moments=None, dtype="F64"):
        draw = lambda k, *sizes: rounded(wavy(seed + k, *sizes), dtype)
        self.dtype = dtype
        self.tensors = {"in.w": draw(0.1, width, inputs), "in.b": draw(0.2, width), "norm.w": draw(0.3, width),
                        "norm.b": draw(0.4, width), "mid.w": draw(0.5, width + 1, width),
                        "out.w": draw(0.6, ACTIONS, width + 1), "out.b": draw(0.7, ACTIONS)}
        self.layers = [{"op": "linear", "weight": "in.w", "bias": "in.b"},
                       {"op": "layer_norm", "weight": "norm.w", "bias": "norm.b", "eps": 1e-4}, {"op": "gelu"},
                       {"op": "linear", "weight": "mid.w", "bias": None}, {"op": "tanh"},
                       {"op": "linear", "weight": "out.w", "bias": "out.b"}]
        if moments:  # of so many input numbers, and of the actions
            self.tensors.update(input_mean=draw(0.8, moments), output_mean=draw(0.9, ACTIONS),
                                input_std=[rounded(0.5 + abs(v), dtype) for v in wavy(seed, moments)],
                                output_std=[rounded(0.5 + abs(v), dtype) for v in wavy(seed, ACTIONS)])

    def file(self, **metadata):
        return safetensors({name: tensor(numbers, self.dtype) for name, numbers in self.tensors.items()},
                           {"kind": "mlp", "layers": json.dumps(self.layers), **metadata})

    def forward(self, state, vector):
        """The last hidden layer and the actions."""
        x, hidden = [*state, *vector], None
        mean, std = self.tensors.get("input_mean", []), self.tensors.get("input_std", [])
        x = [(v - mean[i]) / std[i] if i < len(mean) else v for i, v in enumerate(x)]
        for layer in self.layers:
            weight, bias = self.tensors.get(layer.get("weight")), self.tensors.get(layer.get("bias"))
            hidden = x
            if layer["op"] == "linear":
                x = linear(x, weight, bias)
            elif layer["op"] == "layer_norm":
                x = layer_norm(x, weight, bias, layer.get("eps", 1e-5))
            else:
                x = [ACTIVATIONS[layer["op"]](v) for v in x]
        if "output_mean" in self.tensors:
            x = [m + s * v for m, s, v in zip(self.tensors["output_mean"], self.tensors["output_std"], x)]
        return hidden, x


class Hosted(Project):
    """Tasks with vectors; policy kind mlp."""

    def __init__(self, daemon, name, vectors=VECTORS, tasks=("a", "b"), demonstrations=2, **settings):
        self.vectors = {}
        super().__init__(daemon, name, tasks=(), **{"policy": {"kind": "mlp"}, "kernel": "factored", **settings})
        for task in tasks:
            self.add_task(task, vectors.get(task, []) if vectors else [])
        self.ids = [self.demonstrate(task, 3 * k + i) for k, task in enumerate(tasks) for i in range(demonstrations)]

    def add_task(self, task, vector):
        self.daemon.ok("PUT", f"{self.at}/tasks/{task}", {"vector": vector or None})
        self.tasks.append(task)
        self.vectors[task] = vector

    def host(self, network, revision="net", status=201, **metadata):
        self.put(revision, network.file(**metadata), status=status)
        return self.activate(revision)

    def compute(self, network, revision="computed", ids=None, sigma="1", role="both", phi=False):
        """The same network, evaluated here and uploaded as features of an external revision."""
        self.put(revision, sigma=float(sigma), role=role)
        for d in ids or self.ids:
            states = self.daemon.ok("GET", f"{self.at}/demonstrations/{d}")["states"]
            both = [[network.forward(s, self.vectors[task]) for s in states] for task in self.tasks]
            h = [[step[0] for step in steps] for steps in both]
            mean = [[step[1] for step in steps] for steps in both]
            self.features(revision, d, features_file(self.tasks, **({"phi": h} if phi else {"h": h}), mean=mean))
        return self.activate(revision)

    def scores(self):
        answer = self.ranking()
        return answer, {c["task"]: (c["gain"], c["effective_sample_size"]) for c in answer["candidates"]}


class Numbers(Case):
    def agree(self, one, other):
        self.assertEqual(one.keys(), other.keys())
        for task, (gain, size) in one.items():
            self.assertAlmostEqual(gain, other[task][0], delta=1e-9 * abs(other[task][0]))
            self.assertAlmostEqual(size, other[task][1], delta=1e-9)
        self.assertGreater(max(gain for gain, _ in one.values()), 0)

    def compare(self, name, network, sigma="1", **settings):
        p = Hosted(self.daemon, name, **settings)
        said = p.host(network, sigma=sigma)
        self.assertEqual((said["kind"], said["state"], said["missing"], said["stale_pairs"]), ("mlp", "active", 0, 0))
        answer, hosted = p.scores()
        self.assertEqual((answer["revision"], answer["missing_count"], answer["rule"], answer["note"]),
                         ("net", 0, "criterion", None))
        p.compute(network, sigma=sigma, phi=settings.get("kernel") == "embedding")
        answer, uploaded = p.scores()
        self.assertEqual(answer["revision"], "computed")
        self.agree(hosted, uploaded)
        return hosted

    def test_loss_gradients_and_likelihoods(self):
        self.compare("plain", Network())

    def test_sigma_normalisers_and_every_weight_mode(self):
        network = Network(seed=2, moments=STATES)
        for weights in ("raw", "self_normalized", "tempered", "calibrated", "uniform", "own_task"):
            self.compare(f"mode-{weights}", network, sigma="0.4", criterion={"weights": weights})

    def test_normalisers_of_the_whole_input(self):
        whole = self.compare("whole", Network(seed=2, moments=STATES + 2))
        part = self.compare("part", Network(seed=2, moments=STATES))
        self.assertNotEqual(whole, part)

    def test_the_kernel_embedding_is_made_of_the_last_hidden_layer(self):
        self.compare("embedding", Network(seed=3), kernel="embedding", criterion={"conditioning": "all"},
                     noise_relative=0.2)

    def test_every_operation_and_precision(self):
        for op in ACTIVATIONS:
            for dtype in CODES:
                network = Network(seed=4, dtype=dtype)
                network.layers[2] = {"op": op}
                self.compare(f"op-{op}-{dtype}", network)

    def test_a_network_of_the_state_alone_needs_no_vectors(self):
        p = Hosted(self.daemon, "alone", vectors=None)
        network = Network(inputs=STATES)
        p.host(network)
        _, hosted = p.scores()
        p.compute(network)
        self.agree(hosted, p.scores()[1])

    def test_steps_that_are_kept_and_thinned_anew(self):
        network = Network(seed=5)
        p = Hosted(self.daemon, "thin", criterion={"max_steps": 2})
        p.host(network)
        two = p.scores()[1]
        self.daemon.ok("PATCH", p.at, {"criterion": {"max_steps": 4}})
        four = p.scores()[1]
        self.assertNotEqual(two, four)
        p.compute(network)
        self.agree(four, p.scores()[1])
        self.daemon.ok("PATCH", p.at, {"criterion": {"max_steps": 2}})
        self.agree(two, p.scores()[1])

    def test_new_demonstrations_and_tasks_are_evaluated_without_being_asked(self):
        network = Network(seed=6)
        grown = Hosted(self.daemon, "grown", fit_after=1000)
        grown.host(network)
        grown.scores()
        grown.ids.append(grown.demonstrate("b", 17))
        grown.scores()
        grown.add_task("c", VECTORS["c"])
        grown.ids.append(grown.demonstrate("c", 18))
        grown.scores()
        grown.daemon.ok("DELETE", f"{grown.at}/demonstrations/{grown.ids.pop(1)}")
        self.assertEqual(grown.revision("net")["missing"], 0)
        _, here = grown.scores()
        grown.daemon.ok("PUT", f"{grown.at}/tasks/a", {"vector": [2.0, 0.5]})  # another vector: all anew
        grown.vectors["a"] = [2.0, 0.5]
        _, moved = grown.scores()
        self.assertNotEqual(here, moved)
        grown.compute(network)
        self.agree(moved, grown.scores()[1])

    def test_two_serve_at_once_in_either_order(self):
        select, weigh = Network(seed=7), Network(seed=8)
        gains = []
        for name in ("hosted", "mlp-weighs", "mlp-selects", "uploaded"):
            p = Hosted(self.daemon, name)
            for role, network, hosted in (("selection", select, name in ("hosted", "mlp-selects")),
                                          ("likelihood", weigh, name in ("hosted", "mlp-weighs"))):
                if hosted:
                    p.host(network, role, role=role)
                else:
                    p.compute(network, role, role=role)
            answer, scores = p.scores()
            self.assertEqual((answer["revision"], answer["likelihood_revision"], answer["note"]),
                             ("selection", "likelihood", None))
            gains.append(scores)
        for other in gains[1:]:
            self.agree(gains[0], other)

    def test_a_gaussian_process_may_weigh_for_it_and_it_for_a_gaussian_process(self):
        p = Hosted(self.daemon, "gp-weighs", policy={"kind": "gp"}, kernel="embedding")
        p.host(Network(), role="selection")
        answer, hosted = p.scores()
        self.assertEqual((answer["revision"], answer["likelihood_revision"]), ("net", "gp"))
        p.compute(Network(), role="selection", phi=True)
        self.agree(hosted, p.scores()[1])
        q = Hosted(self.daemon, "mlp-weighs-gp", policy={"kind": "gp"}, kernel="rbf")
        q.host(Network(), role="likelihood")
        answer, hosted = q.scores()
        self.assertEqual((answer["revision"], answer["likelihood_revision"]), ("gp", "net"))
        q.compute(Network(), role="likelihood")
        self.agree(hosted, q.scores()[1])

    def test_rollouts_are_evaluated_too(self):
        network = Network(seed=9)
        p = Hosted(self.daemon, "rollouts", kernel="embedding", criterion={"occupancy": "rollouts"})
        p.ids += [p.demonstrate(task, 30 + i, role="rollout") for i, task in enumerate(p.tasks)]
        p.host(network, role="selection")
        answer, hosted = p.scores()
        self.assertEqual((answer["missing"], answer["rule"]), ([], "criterion"))
        p.compute(network, role="selection", phi=True)
        self.agree(hosted, p.scores()[1])


class WrongUse(Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.p = Hosted(cls.daemon, "wrong")

    def put(self, code, at, network, status=422, project=None, **metadata):
        body = network if isinstance(network, bytes) else network.file(**metadata)
        return self.refused(status, code, at, "PUT", f"{(project or self.p).at}/policies/net", body, TENSORS)

    def changed(self, layer=None, tensors=None, **fields):
        network = Network()
        if layer is not None:
            network.layers[layer] = {k: v for k, v in {**network.layers[layer], **fields}.items() if v != "gone"}
        network.tensors.update(tensors or {})
        return network

    def test_layers(self):
        said = self.put("invalid_field", "metadata layers/2/op", self.changed(2, op="conv2d"))
        self.assertIn("conv2d", said)
        for known in ACTIVATIONS:
            self.assertIn(f'"{known}"', said)
        self.assertIn("upload its features", said)
        self.put("missing_field", "metadata layers/0/weight", self.changed(0, weight="gone"))
        self.put("invalid_field", "metadata layers/2/weight", self.changed(2, weight="in.w"))
        self.put("unknown_field", "metadata layers/2/slope", self.changed(2, slope=0.1))
        self.put("invalid_field", "metadata layers/1/eps", self.changed(1, eps=0))
        self.put("missing_field", "metadata layers/3/op", self.changed(3, op="gone"))
        self.put("invalid_field", "metadata layers", Network(), layers="[]")
        self.put("invalid_field", "metadata layers", Network(), layers="relu")
        self.put("unknown_field", "metadata more", Network(), layers='[], "more": 1')
        self.put("invalid_field", "metadata layers", Network(), layers='{"op": "relu"}')
        self.put("missing_field", "metadata layers", safetensors({}, {"kind": "mlp"}))
        network = Network()
        network.layers.append({"op": "tanh"})
        self.assertIn("the last operation is tanh", self.put("invalid_field", "metadata layers/6/op", network))
        self.put("invalid_field", "metadata layers", Network(), kind="external")

    def test_tensors_name_the_layer_and_what_was_expected(self):
        for at, tensors, words in (
                ("mid.w", {"mid.w": wavy(1, 7, 5)}, ["layer 3 (linear)", "5 numbers", "give 6"]),
                ("norm.w", {"norm.w": wavy(1, 5)}, ["layer 1 (layer_norm)", "5 numbers", "give 6"]),
                ("norm.b", {"norm.b": wavy(1, 5)}, ["layer 1 (layer_norm)", "5 numbers", "gives 6"]),
                ("in.b", {"in.b": wavy(1, 6, 1)}, ["layer 0 (linear)", "2 dimensions", "expected 1"]),
                ("in.w", {"in.w": wavy(1, 30)}, ["layer 0 (linear)", "1 dimensions", "expected 2"]),
                ("spare", {"spare": wavy(1, 2)}, ["no layer names it"]),
                ("input_std", {"input_mean": wavy(1, 3)}, ["input_mean wants it"]),
                ("input_std", {"input_mean": wavy(1, 3), "input_std": [1.0, 0.0, 1.0]}, ["number 1 is 0"]),
                ("input_std", {"input_mean": wavy(1, 3), "input_std": [1.0, 1.0]}, ["has 2 numbers", "input_mean has 3"]),
                ("output_mean", {"output_mean": wavy(1, 3), "output_std": [1.0] * 3}, ["gives 2"])):
            network = self.changed(tensors=tensors)
            code = "missing_field" if words == ["input_mean wants it"] else "invalid_tensor"
            said = self.put(code, f"tensor {at}", network)
            for word in words:
                self.assertIn(word, said)
        twice = self.changed(tensors={"mid.w": wavy(1, 6, 6), "out.w": wavy(1, 2, 6)})
        twice.layers[4:4] = [twice.layers[3]]
        self.assertIn("so does another layer", self.put("invalid_tensor", "tensor mid.w", twice))
        large = safetensors({"spare": ("F16", [4097, 4096], bytes(2 * 4097 * 4096))},
                            {"kind": "mlp", "layers": json.dumps(twice.layers)})
        self.assertIn("at most 16777216", self.put("invalid_tensor", "header", large))
        network = Network()
        del network.tensors["mid.w"]
        self.assertIn("layer 3 (linear) wants it", self.put("missing_field", "tensor mid.w", network))
        for value in (math.nan, math.inf):
            network = Network()
            network.tensors["out.w"][1][2] = value
            self.assertIn("number 9", self.put("not_finite", "tensor out.w", network))
        whole = Network()
        entries = {name: tensor(numbers) for name, numbers in whole.tensors.items()}
        entries["in.b"] = ("BF16", [6], bytes(12))
        self.assertIn("BF16", self.put("invalid_tensor", "tensor in.b", safetensors(
            entries, {"kind": "mlp", "layers": json.dumps(whole.layers)})))

    def test_what_does_not_fit_the_project(self):
        said = self.put("wrong_dimension", "tensor in.w", Network(inputs=STATES + 3))
        self.assertIn("the vector of task a has 2", said)
        self.assertIn("takes 5", said.replace("6", "5"))
        self.put("wrong_dimension", "tensor in.w", Network(inputs=STATES - 1))
        network = Network()
        network.tensors["out.w"], network.tensors["out.b"] = wavy(1, 3, 7), wavy(1, 3)
        self.assertIn("gives 3 numbers; this project's actions have 2: a policy with", self.put("wrong_dimension", "tensor out.w", network))
        self.put("wrong_dimension", "tensor input_mean", Network(moments=STATES + 1))
        bare = Hosted(self.daemon, "bare", vectors=None)
        self.assertIn("vector of task a has 0", self.put("wrong_dimension", "tensor in.w", Network(), project=bare))
        self.daemon.ok("POST", "/v1/projects", {"id": "empty"})
        self.assertIn("does not know its dimensions", self.refused(
            422, "wrong_dimension", "", "PUT", "/v1/projects/empty/policies/net", Network().file(), TENSORS))
        self.refused(422, "invalid_field", "/kind", "PUT", f"{self.p.at}/policies/net", {"kind": "mlp"})
        self.refused(422, "invalid_field", "/kind", "PUT", f"{self.p.at}/policies/net", {"kind": "gp"})
        self.assertEqual(self.p.states(), {})

    def test_later_tasks_and_dimensions_fit_it_too(self):
        p = Hosted(self.daemon, "later", tasks=(), state_dim=STATES, action_dim=ACTIONS)
        p.put("net", Network().file())
        self.refused(422, "wrong_dimension", "/vector", "PUT", f"{p.at}/tasks/c", {})
        self.refused(422, "wrong_dimension", "/vector", "PUT", f"{p.at}/tasks/c", {"vector": [1, 2, 3]})
        self.refused(409, "settings_frozen", "/state_dim", "PATCH", p.at, {"state_dim": 4})
        p.add_task("c", VECTORS["c"])
        self.assertEqual(p.activate("net")["state"], "active")
        p.put("other", Network(inputs=STATES).file())
        p.activate("other")
        self.daemon.ok("PUT", f"{p.at}/tasks/d", {})  # the first is retired and wants nothing any more

    def test_features_are_not_taken_and_kinds_do_not_change(self):
        p = Hosted(self.daemon, "kinds")
        p.put("net", Network().file())
        self.assertEqual(self.daemon.ok("GET", f"{p.at}/policies/net/missing")["missing"], [])
        said = self.refused(422, "invalid_field", "", "PUT", f"{p.at}/policies/net/features/{p.ids[0]}",
                            features_file(p.tasks, phi=wavy(1, 2, 5, 3)), TENSORS)
        self.assertIn("evaluated here", said)
        self.refused(409, "policy_in_use", "", "PUT", f"{p.at}/policies/net", {})
        again = p.put("net", Network().file(), status=200)
        changed = p.put("net", Network(seed=2).file(), status=200)
        self.assertEqual(again["seq"] + 1, changed["seq"])
        self.assertEqual(changed["features"], {"per_task": True, "phi": 7, "h": 7, "g": None, "mean": 2,
                                               "log_likelihood": "none"})

    def test_numbers_that_overflow_are_said_and_nothing_is_scored(self):
        p = Hosted(self.daemon, "overflow")
        network = Network()
        network.tensors["mid.w"] = [[1e308] * 6] * 7
        network.layers[2] = {"op": "relu"}
        network.tensors["norm.b"] = [9.0] * 6
        p.host(network)
        answer = p.ranking()
        self.assertIn(f"not finite for demonstration {p.ids[0]}", answer["note"])
        self.assertEqual([c["gain"] for c in answer["candidates"]], [None, None])
        p.host(Network(), "whole")
        self.assertTrue(all(c["scorable"] for c in p.ranking()["candidates"]))

    def test_a_network_too_wide_for_what_is_held_is_said_and_the_daemon_goes_on(self):
        p = Hosted(self.daemon, "wide", demonstrations=3, steps=1024, criterion={"max_steps": 1024})
        network = Network()  # 6 demonstrations x 1024 steps x 2 tasks x 65,538 numbers are 6 GiB
        network.tensors = {"in.w": [[0.5] * 5] * 65536, "out.w": [[0.001] * 65536] * ACTIONS}
        network.layers = [{"op": "linear", "weight": "in.w"}, {"op": "linear", "weight": "out.w"}]
        p.host(network)
        answer = p.ranking()
        self.assertIn("does not fit into 4 GiB", answer["note"])
        self.assertEqual([c["gain"] for c in answer["candidates"]], [None, None])
        self.daemon.ok("PATCH", p.at, {"criterion": {"max_steps": 4}})
        p.host(Network(), "narrow")
        self.assertTrue(all(c["scorable"] for c in p.ranking()["candidates"]))


def gram(rows):
    width = len(rows[0])
    return [[sum(r[i] * r[j] for r in rows) for j in range(width)] for i in range(width)]


class Summary(Case):
    SETTINGS = {"kernel": "embedding", "standardize": False, "noise_std": 0.5,
                "criterion": {"conditioning": "all", "occupancy": "new", "weights": "own_task"}}

    def external(self, name, summary=None, role="selection", **settings):
        p = Project(self.daemon, name, demonstrations=1, **{**self.SETTINGS, **settings})
        body = safetensors({"summary": tensor(summary)}, {"role": role}) if summary else None
        p.put("r", body, **({} if body else {"role": role}))
        for i, d in enumerate(p.ids):
            p.features("r", d, features_file(p.tasks, phi=wavy(i + 1, 2, 5, 4), log_likelihood=wavy(i, 2, 5)))
        p.activate("r")
        return p

    def test_it_conditions_as_if_the_demonstrations_were_held(self):
        phi = {seed: wavy(seed, 2, 5, 4) for seed in (11, 12)}
        held = self.external("held")
        for seed, rows in phi.items():
            d = held.demonstrate("ab"[seed % 2], seed, role="pretraining")
            held.features("r", d, features_file(held.tasks, phi=rows, log_likelihood=wavy(1, 2, 5)))
        # a demonstration conditions under its own task
        told = self.external("told", gram(phi[11][1] + phi[12][0]))
        without = self.external("without")
        self.assertEqual(told.revision("r")["summary_dim"], 4)
        self.assertIsNone(told.ranking()["note"])
        held, told, without = held.gains(), told.gains(), without.gains()
        for task, gain in told.items():
            self.assertAlmostEqual(gain, held[task], delta=1e-9 * gain)
            self.assertLess(gain, 0.9 * without[task])

    def test_a_network_has_one_of_its_last_hidden_layer(self):
        network = Network(seed=3)
        p = Hosted(self.daemon, "hosted", demonstrations=1, **self.SETTINGS)
        p.put("plain", network.file())
        p.activate("plain")
        before = p.gains()
        network.tensors["summary"] = gram(wavy(4, 9, 7))
        self.assertEqual(p.host(network, "told")["summary_dim"], 7)
        self.assertTrue(all(gain < before[task] for task, gain in p.gains().items()))
        network.tensors["summary"] = gram(wavy(4, 9, 6))
        self.assertIn("the last hidden layer has 7", self.refused(
            422, "invalid_tensor", "tensor summary", "PUT", f"{p.at}/policies/r", network.file(), TENSORS))

    def test_where_it_plays_no_part_the_ranking_says_so(self):
        p = self.external("ignored", gram(wavy(1, 6, 4)))
        without = self.external("ignored-without")
        for project in (p, without):
            self.daemon.ok("PATCH", project.at, {"criterion": {"conditioning": "none"}})
        self.assertIn("summary of revision r plays no part: conditioning is none", p.ranking()["note"])
        self.assertEqual(p.gains(), without.gains())
        network = Network()
        network.tensors["summary"] = gram(wavy(4, 9, 7))
        q = Hosted(self.daemon, "ignored-factored", **{**self.SETTINGS, "kernel": "factored"})
        q.host(network)
        self.assertIn("plays no part: the kernel is not embedding", q.ranking()["note"])

    def test_likelihoods_of_the_gaussian_process_have_no_use_for_it(self):
        settings = {"policy": {"kind": "gp"}, "criterion": {"occupancy": "held", "conditioning": "all"}}
        told, without = (self.external(name, summary, **settings)
                         for name, summary in (("gp-told", gram(wavy(1, 6, 4))), ("gp-without", None)))
        self.assertIn("plays no part: the weights come from the Gaussian process", told.ranking()["note"])
        self.assertEqual(told.gains(), without.gains())
        self.daemon.ok("PATCH", told.at, {"criterion": {"weights": "own_task"}})
        self.assertIsNone(told.ranking()["note"])

    def test_what_is_no_gram_matrix_is_refused(self):
        p = Project(self.daemon, "refused")
        for matrix in ([[1.0, 2.0], [3.0, 1.0]], [[-1.0, 0.0], [0.0, 1.0]], [[1.0, 2.0], [2.0, 1.0]]):
            self.refused(422, "invalid_tensor", "tensor summary", "PUT", f"{p.at}/policies/r",
                         safetensors({"summary": tensor(matrix)}, {}), TENSORS)
        self.assertIn("a summary is for selection", self.refused(
            422, "invalid_tensor", "tensor summary", "PUT", f"{p.at}/policies/r",
            safetensors({"summary": tensor(gram(wavy(1, 6, 4)))}, {"role": "likelihood"}), TENSORS))


class Kept(unittest.TestCase):
    """Networks and summaries outlive the daemon, and go with the project."""

    def fill(self, daemon):
        p = Hosted(daemon, "p", kernel="embedding", criterion={"max_steps": 4, "conditioning": "all"})
        first, second = Network(seed=1), Network(seed=2, moments=STATES, dtype="F32")
        second.tensors["summary"] = gram(wavy(4, 9, 7))
        p.host(first, "old")
        p.host(second, "new")
        p.put("staged", Network(seed=3).file())
        daemon.ok("PATCH", p.at, {"criterion": {"max_steps": 3}})
        return p

    def picture(self, daemon, at):
        ranking = daemon.ok("GET", f"{at}/ranking?wait_s=20")
        self.assertEqual((ranking["revision"], ranking["rule"]), ("new", "criterion"))
        return [daemon.ok("GET", f"{at}/policies"),
                {k: v for k, v in ranking.items() if k not in ("timing", "age_s", "seq")}]

    def test_restart_export_and_import(self):
        daemon = Daemon()
        p = self.fill(daemon)
        before = self.picture(daemon, p.at)
        archive = daemon.request("GET", f"{p.at}/export").body
        self.assertEqual(sum(name.startswith("policies/p") for name in members(archive)), 3)
        daemon.kill()
        daemon.start()
        self.assertEqual(self.picture(daemon, p.at), before)
        daemon.ok("POST", "/v1/projects/copy/import", archive, {"Content-Type": "application/octet-stream"})
        self.assertEqual(self.picture(daemon, "/v1/projects/copy"), before)
        self.assertEqual(daemon.ok("POST", "/v1/projects/copy/policies/staged/activate")["state"], "active")
        daemon.close()

    def test_decisions_are_repeated_bit_for_bit(self):
        daemon = Daemon()
        p = self.fill(daemon)
        for i in range(4):
            asked = daemon.ok("POST", f"{p.at}/assignments", {"operator": f"o{i}"})["assignments"][0]
            self.assertEqual(asked["rule"], "criterion")
            p.demonstrate(asked["task"], 50 + i)
            daemon.ok("GET", f"{p.at}/ranking?wait_s=20")
        with tempfile.NamedTemporaryFile(suffix=".tar") as file:
            file.write(daemon.request("GET", f"{p.at}/export").body)
            file.flush()
            for workers in (1, 2, 7):
                done = subprocess.run([AMF, "replay", file.name, "--workers", str(workers)], stdout=subprocess.PIPE,
                                      stderr=subprocess.PIPE, text=True, check=False)
                self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
                self.assertIn("4 ", done.stdout.splitlines()[-1])
        daemon.close()

    def test_the_command_line_sends_a_file(self):
        daemon = Daemon()
        p = Hosted(daemon, "cli")
        with tempfile.NamedTemporaryFile(suffix=".safetensors") as file:
            file.write(Network().file(note="from PyTorch"))
            file.flush()
            done = subprocess.run([AMF, "--url", daemon.url, "--token-file",
                                   os.path.join(daemon.data, "d", "admin.token"),
                                   "policy", "put", "cli", "r1", "--file", file.name],
                                  stdout=subprocess.PIPE, check=True, text=True)
        self.assertEqual(done.stdout, "r1 added, staged\n")
        self.assertEqual((p.revision("r1")["kind"], p.revision("r1")["note"]), ("mlp", "from PyTorch"))
        daemon.close()


if __name__ == "__main__":
    tap.main()
