#!/usr/bin/env python3
"""Fine-tuning, on problems whose answers are known: linear policies, and two tasks of which one was pre-trained."""
import contextlib
import copy
import io
import re
import unittest

from fixtures import ROOT, tap  # first: it knows where the package is

import torch
from torch import nn

from amf_client.torch import BadNumbers
from amf_client.torch.finetune import (
    AdaptivePrior,
    Cloning,
    Collected,
    Copies,
    Demonstrations,
    ElasticWeights,
    ParameterIsolation,
    WeightDecay,
    concatenate,
    fisher_diagonal,
    fit_copies,
    predict,
)

torch.set_num_threads(1)
FIRST, SECOND, THIRD = torch.eye(3)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


class Linear(nn.Module):
    """actions = W states: the task is ignored."""

    def __init__(self, weight):
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(weight, dtype=torch.float32))

    def forward(self, states, tasks):
        return states @ self.weight.T


class PerTask(nn.Module):
    """actions = W (states x task): one matrix a task, so that what is right for each is known."""

    def __init__(self, *weights):
        super().__init__()
        self.weights = nn.Parameter(torch.stack([torch.as_tensor(weight, dtype=torch.float32) for weight in weights]))

    def forward(self, states, tasks):
        return torch.einsum("bt,tas,bs->ba", tasks, self.weights, states)


def network(seed=0):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return nn.Sequential(nn.Linear(2 + 3, 16), nn.Tanh(), nn.Dropout(0.1), nn.Linear(16, 2))


def demonstration(task, seed=1, steps=40, expert=None, noise=0.3):
    draw = seeded(seed)
    states = torch.randn(steps, 2, generator=draw)
    actions = states @ (torch.eye(2) if expert is None else expert).T + noise * torch.randn(steps, 2, generator=draw)
    return Demonstrations.of(states, task, actions, int(task.argmax()))


def settle(method, policy, pretrained, data, steps=600):
    """To where a linear policy does not change any more: with falling rates, because Adam circles at the end."""
    for rate in (0.03, 0.003, 0.0003):
        method.learning_rate = rate
        policy = method.fit(policy, pretrained, data, steps=steps, generator=seeded())
    return policy


def weights(policy):
    return [parameter.detach().clone() for parameter in policy.parameters()]


class Case(unittest.TestCase):
    def assert_close(self, one, other, tolerance=1e-3):
        self.assertLess(float((torch.as_tensor(one) - torch.as_tensor(other)).detach().abs().max()), tolerance)

    def assert_same(self, one, other):
        self.assertTrue(all(torch.equal(a, b) for a, b in zip(one, other, strict=True)))


class Linears(Case):
    """What the fits come to is a closed form: with S = X'X / N and C = A'X / N of states X and actions A."""

    def setUp(self):
        self.data = demonstration(FIRST, expert=torch.tensor([[1.0, -0.5], [0.2, 2.0]]))
        self.start = Linear([[0.3, 0.0], [0.0, -0.4]])
        states, actions = self.data.states, self.data.actions
        self.second, self.cross = states.T @ states / len(states), actions.T @ states / len(states)

    def test_cloning_comes_to_least_squares(self):
        fitted = settle(Cloning(), self.start, self.start, self.data)
        self.assert_close(fitted.weight, self.cross @ torch.linalg.inv(self.second))

    def test_l2_is_ridge_regression_about_the_pretrained_weights(self):
        """The loss is a mean over two dimensions, so a strength of k is a ridge of 2 k."""
        pretrained = Linear([[0.7, 0.1], [-0.2, 1.0]])
        fitted = settle(WeightDecay(strength=0.4), self.start, pretrained, self.data)
        ridge = 0.8 * torch.eye(2)
        self.assert_close(fitted.weight, (self.cross + pretrained.weight @ ridge) @ torch.linalg.inv(self.second + ridge))

    def test_the_fisher_of_a_linear_policy(self):
        """d action_k / d W_kj = s_j: the mean square of a state, the same for each dimension of the action."""
        fisher = fisher_diagonal(self.start, self.data)
        self.assert_close(fisher["weight"], self.second.diagonal().expand(2, 2), 1e-6)
        every_other = fisher_diagonal(self.start, self.data, steps=2)["weight"]
        ends = self.data.states[[0, -1]].square().mean(0)
        self.assert_close(every_other, ends.expand(2, 2), 1e-6)

    def test_ewc_weighs_old_and_new_demonstrations_by_their_curvature(self):
        """One state dimension: the loss is a parabola, and so is the penalty: W = (S_new W_new + k S_old W_old) / sum."""
        old, new = (Demonstrations.of(torch.full((8, 1), size), FIRST, torch.full((8, 1), size * gain), 0)
                    for size, gain in ((0.5, 3.0), (2.0, -1.0)))
        pretrained = Linear([[3.0]])
        for strength in (1.0, 16.0):
            fitted = settle(ElasticWeights(old, strength=strength), pretrained, pretrained, new)
            self.assert_close(fitted.weight, (4.0 * -1.0 + strength * 0.25 * 3.0) / (4.0 + strength * 0.25), 2e-3)

    def test_ewc_at_strength_one_is_training_on_both_where_weights_do_not_correlate(self):
        states = torch.tensor([[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]])
        old = Demonstrations.of(states, FIRST, states @ torch.tensor([[2.0, 0.0], [1.0, 1.0]]), 0)
        pretrained = Linear([[2.0, 1.0], [0.0, 1.0]])  # fits `old`
        fitted = settle(ElasticWeights(old), pretrained, pretrained, self.data)
        both = (self.cross + pretrained.weight) @ torch.linalg.inv(self.second + torch.eye(2))
        self.assert_close(fitted.weight, both)

    def test_the_fisher_follows_the_pretrained_policy(self):
        """It is kept between rounds, but not for other weights."""
        data, method = demonstration(FIRST), ElasticWeights(demonstration(FIRST, seed=2), strength=5.0)
        for start in (network(0), network(1), network(1)):
            again = ElasticWeights(method.pretraining, strength=5.0)
            self.assert_same(*(weights(m.fit(start, start, data, steps=3, generator=seeded())) for m in (method, again)))


class Prior(Case):
    """Three tasks, each with a matrix of its own. The first was pre-trained, the second and third were not."""

    def setUp(self):
        self.right = [torch.eye(2), torch.tensor([[0.0, 1.0], [-1.0, 0.0]]), -torch.eye(2)]
        self.pretrained = PerTask(self.right[0], torch.zeros(2, 2), torch.zeros(2, 2))
        self.tuned = PerTask(-self.right[0], self.right[1], self.right[2])  # forgot the first, learned the others
        self.data = concatenate(demonstration(task, seed, expert=self.right[seed])
                                for seed, task in enumerate((FIRST, SECOND)))

    def mixed(self, steps=300, **settings):
        """`tuned` as the outcome of the fine-tuning, whatever it was trained on."""
        method = AdaptivePrior(method=AsIs(), **settings)
        method.fit(self.tuned, self.pretrained, self.data, steps=steps, generator=seeded())
        return method

    def test_each_task_is_left_to_the_policy_that_is_better_at_it(self):
        first, second, third = self.mixed().alpha(torch.eye(3))
        self.assertEqual(first, 0)
        self.assertGreater(second, 0.85)
        self.assertEqual(third, 0)  # better, but not demonstrated

    def test_what_acts_is_the_mixture(self):
        method, states = self.mixed(), torch.randn(3, 2, generator=seeded())
        actions, known = method.acting()(states, torch.eye(3)), self.pretrained(states, torch.eye(3))
        self.assertTrue(torch.equal(actions[0], known[0]))
        self.assertTrue(torch.equal(actions[2], known[2]))
        self.assert_close(actions[1], method.alpha(SECOND[None]) * (states[1] @ self.right[1].T), 1e-6)
        self.assertFalse(actions.requires_grad)

    def test_updates_are_those_of_the_equation(self):
        own = self.data.rows(self.data.task_index == 1)
        step, error = own.states @ self.right[1].T, -own.actions  # the pre-trained policy says 0
        variance = self.data.actions.var(0, unbiased=False).mean()
        curvature, slope = float((step * step).mean() / variance), float((step * error).mean() / variance)
        alpha = 0.0
        for steps in (1, 2, 3):
            alpha = min(max(alpha - 0.2 * (2 * (alpha * curvature + slope) + 0.3), 0), 1)
            found = self.mixed(steps, beta=0.3, learning_rate=0.2).alpha(SECOND[None])
            self.assertAlmostEqual(float(found), alpha, places=5)
            self.assertTrue(0 < alpha < 1)

    def test_a_rate_of_one_ends_at_the_lowest_point_even_where_it_would_overshoot(self):
        self.tuned = PerTask(self.right[0], 2 * self.right[1], self.right[2])
        own = self.data.rows(self.data.task_index == 1)
        step = 2 * own.states @ self.right[1].T
        variance = self.data.actions.var(0, unbiased=False).mean()
        lowest = ((step * own.actions).mean() - 0.15 * variance / 2) / (step * step).mean()
        self.assertGreater(float((step * step).mean() / variance), 1)  # with a rate of 1 it would never settle
        self.assertAlmostEqual(float(self.mixed(beta=0.15).alpha(SECOND[None])), float(lowest), places=5)

    def test_beta_does_not_depend_on_the_unit_of_actions(self):
        before = self.mixed().alpha(torch.eye(3))
        self.data = Demonstrations(self.data.states, self.data.tasks, 1000 * self.data.actions, self.data.task_index)
        for policy in (self.tuned, self.pretrained):
            policy.weights.data *= 1000
        self.assert_close(self.mixed().alpha(torch.eye(3)), before, 1e-5)

    def test_more_conservative_is_nearer_to_the_pretrained_policy(self):
        alphas = [float(self.mixed(beta=beta).alpha(SECOND[None])) for beta in (0.0, 0.1, 1.0, 4.0)]
        self.assertEqual(alphas, sorted(alphas, reverse=True))
        self.assertGreater(alphas[0], 0.95)
        self.assertEqual(alphas[-1], 0)

    def test_actions_that_are_all_the_same(self):
        still = Demonstrations.of(torch.ones(5, 2), SECOND, torch.zeros(5, 2), 1)
        method = AdaptivePrior(method=AsIs())
        method.fit(self.tuned, self.pretrained, still, steps=10, generator=seeded())
        self.assertEqual(method.alpha(SECOND[None]).tolist(), [0])  # the pre-trained policy is right there

    def test_it_learns_a_new_task_and_keeps_the_old_one(self):
        policy, method = network(), AdaptivePrior(method=Cloning(learning_rate=0.01))
        old, new = (demonstration(task, 3, 400, expert, 0.0) for task, expert in ((FIRST, self.right[0]), (SECOND, -self.right[0])))
        pretrained = Cloning(learning_rate=0.01).fit(policy, policy, old, steps=400, generator=seeded())
        fitted = method.fit(pretrained, pretrained, new, steps=400, generator=seeded())
        error = {name: float((acting(data.states, data.tasks) - data.actions).square().mean())
                 for name, acting, data in (("old", method.acting(), old), ("new", method.acting(), new),
                                            ("forgotten", lambda s, t: predict(fitted, s, t), old))}
        self.assertLess(error["old"], 0.05)
        self.assertLess(error["new"], 0.15)
        self.assertGreater(error["forgotten"], 0.5)


class AsIs:
    """A method that leaves the policy as it is."""

    def fit(self, policy, pretrained, data, *, steps, generator):
        self.policy = policy
        return policy

    def acting(self):
        return lambda states, tasks: self.policy(states, tasks).detach()


class Isolation(Case):
    def test_other_tasks_are_left_alone_to_the_bit(self):
        method, states = ParameterIsolation(), torch.randn(20, 2, generator=seeded())
        before = network().eval()
        policy = method.fit(before, before, demonstration(FIRST), steps=5, generator=seeded())
        again = method.fit(policy, before, demonstration(SECOND), steps=5, generator=seeded())
        seen = {name: [predict(p, states, task.expand(20, -1)) for task in (FIRST, SECOND, THIRD)]
                for name, p in (("before", before), ("policy", policy), ("again", again))}
        self.assert_same(seen["again"][0:1], seen["policy"][0:1])
        self.assert_same(seen["policy"][1:], seen["before"][1:])
        self.assert_same(seen["again"][2:], seen["before"][2:])
        self.assertFalse(torch.equal(seen["policy"][0], seen["before"][0]))
        self.assertFalse(torch.equal(seen["again"][1], seen["policy"][1]))

    def test_a_batch_of_several_tasks_is_what_each_would_get(self):
        method = ParameterIsolation()
        data = concatenate(demonstration(task) for task in (SECOND, FIRST))
        policy = method.fit(network(), network(), data, steps=3, generator=seeded())
        tasks = torch.stack([THIRD, FIRST, SECOND, FIRST, THIRD])
        states = torch.randn(5, 2, generator=seeded())
        together = method.acting()(states, tasks)
        for row in range(5):
            self.assert_close(predict(policy.of(tasks[row]), states[row:row + 1], tasks[row:row + 1]), together[row], 1e-6)
        self.assertEqual(policy.route(torch.cat([tasks] * 1000)).tolist(), policy.route(tasks).tolist() * 1000)
        self.assertIs(policy.of(torch.tensor([1.0, -0.0, -0.0], dtype=torch.float64)), policy.of(FIRST))
        self.assertIs(policy.of(THIRD), policy.base)
        self.assertIsNot(policy.of(FIRST), policy.of(SECOND))
        self.assertEqual(method.acting()(states[:0], tasks[:0]).shape, (0, 2))

    def test_tasks_of_a_set_share_a_copy(self):
        method = ParameterIsolation(sets=[torch.stack([FIRST, THIRD])])
        policy = method.fit(network(), network(), demonstration(FIRST), steps=3, generator=seeded())
        self.assertIs(policy.of(THIRD), policy.of(FIRST))
        self.assertIs(policy.of(SECOND), policy.base)
        with self.assertRaisesRegex(ValueError, "two sets"):
            ParameterIsolation(sets=[FIRST[None], torch.stack([SECOND, FIRST])])

    def test_each_task_comes_to_its_own_least_squares(self):
        """One matrix cannot do both; two can."""
        data = concatenate(demonstration(task, noise=0.0, expert=expert)
                           for task, expert in ((FIRST, torch.eye(2)), (SECOND, -torch.eye(2))))
        method = ParameterIsolation(learning_rate=0.03)
        policy = method.fit(Linear([[0.0, 0.0], [0.0, 0.0]]), Linear([[0.0]]), data, steps=400, generator=seeded())
        self.assert_close(policy.of(FIRST).weight, torch.eye(2), 0.01)
        self.assert_close(policy.of(SECOND).weight, -torch.eye(2), 0.01)


class Selection(Case):
    def setUp(self):
        self.collected = Collected()
        self.collected.add(demonstration(FIRST, 5), warm_start=True)
        self.start = network()

    def fit(self, copies):
        return fit_copies(Cloning(), copies, self.start, self.collected, steps=4, generator=seeded())

    def test_the_warm_start_is_kept_from_the_copy_that_selects(self):
        first = self.fit(Copies(self.start, self.start))
        self.assert_same(weights(first.selection), weights(self.start))
        self.assertFalse(torch.equal(weights(first.trained)[0], weights(self.start)[0]))
        self.collected.add(demonstration(SECOND, 6))
        both = self.fit(first)
        alone = Cloning().fit(first.selection, self.start, demonstration(SECOND, 6), steps=4, generator=seeded())
        self.assert_same(weights(both.selection), weights(alone))
        everything = self.collected.everything()
        self.assertEqual(len(everything), 80)
        plain = Cloning().fit(first.trained, self.start, everything, steps=4, generator=seeded())
        self.assert_same(weights(both.trained), weights(plain))

    def test_what_acts_is_what_was_trained_on_everything(self):
        method, states = Cloning(), torch.randn(4, 2, generator=seeded())
        copies = fit_copies(method, Copies(self.start, self.start), self.start, self.collected, steps=4, generator=seeded())
        tasks = FIRST.expand(4, -1)
        self.assertTrue(torch.equal(method.acting()(states, tasks), predict(copies.trained, states, tasks)))

    def test_without_a_warm_start_both_are_one(self):
        self.collected = Collected()
        self.collected.add(demonstration(FIRST))
        copies = self.fit(Copies(self.start, self.start))
        self.assertIs(copies.trained, copies.selection)


class EveryMethod(Case):
    def methods(self):
        return [Cloning(batch_size=32), AdaptivePrior(method=Cloning(batch_size=32)), ParameterIsolation(batch_size=32),
                WeightDecay(batch_size=32), ElasticWeights(demonstration(THIRD), batch_size=32)]

    def setUp(self):
        self.data = concatenate([demonstration(FIRST), demonstration(SECOND, 2)])

    def test_the_same_seed_gives_the_same_bits(self):
        """With dropout and a random order of minibatches; and torch's own generator is as it was."""
        states, tasks = self.data.states[:5], self.data.tasks[:5]
        for method, twin in zip(self.methods(), self.methods(), strict=True):
            with self.subTest(type(method).__name__):
                torch.manual_seed(1)
                state = torch.random.get_rng_state()
                one = method.fit(network(), network(), self.data, steps=6, generator=seeded(3))
                self.assertTrue(torch.equal(torch.random.get_rng_state(), state))
                torch.manual_seed(2)
                method.fit(network(), network(), self.data, steps=2, generator=seeded(9))  # leaves no trace
                for again in (method, twin):
                    other = again.fit(network(), network(), self.data, steps=6, generator=seeded(3))
                    self.assert_same(weights(one), weights(other))
                self.assertTrue(torch.equal(method.acting()(states, tasks), twin.acting()(states, tasks)))
                different = twin.fit(network(), network(), self.data, steps=6, generator=seeded(4))
                self.assertFalse(torch.equal(weights(one)[-1], weights(different)[-1]))

    def test_what_is_handed_in_stays_as_it_was(self):
        for method in self.methods():
            with self.subTest(type(method).__name__):
                policy, pretrained = network(), network(1)
                before = weights(policy) + weights(pretrained)
                fitted = method.fit(policy, pretrained, self.data, steps=2, generator=seeded())
                self.assert_same(weights(policy) + weights(pretrained), before)
                self.assertTrue(policy.training)
                self.assertFalse(fitted.training)

    def test_no_demonstrations_and_no_steps_train_nothing(self):
        states, tasks = self.data.states[:5], self.data.tasks[:5]
        for data, steps in ((self.data.rows(slice(0, 0)), 5), (self.data, 0)):
            for method in self.methods():
                with self.subTest(type(method).__name__, steps=steps):
                    start = network().eval()
                    method.fit(start, start, data, steps=steps, generator=seeded())
                    self.assert_close(method.acting()(states, tasks), predict(start, states, tasks), 1e-6)

    def test_without_task_vectors_all_is_one_task(self):
        plain = Demonstrations.of(self.data.states, (), self.data.actions, 0)
        start = Linear([[0.0, 0.0], [0.0, 0.0]])
        for method in (Cloning(), AdaptivePrior(beta=0), ParameterIsolation(), WeightDecay(), ElasticWeights(plain)):
            with self.subTest(type(method).__name__):
                method.fit(start, start, plain, steps=50, generator=seeded())
                self.assertGreater(float(method.acting()(plain.states, plain.tasks).abs().min()), 0)
                method.fit(start, start, plain.rows(slice(0, 0)), steps=1, generator=seeded())

    def test_training_that_breaks_the_policy_is_told(self):
        for method in (Cloning(learning_rate=1e30), AdaptivePrior(method=Cloning(learning_rate=1e30))):
            with self.assertRaisesRegex(BadNumbers, "Linear: weight"):
                method.fit(Linear([[0.0, 0.0]] * 2), Linear([[0.0, 0.0]] * 2), self.data, steps=9, generator=seeded())

    def test_before_the_first_fit_nothing_acts(self):
        for method in self.methods():
            with self.subTest(type(method).__name__), self.assertRaisesRegex(RuntimeError, "nothing has been fitted"):
                method.acting()

    def test_frozen_weights_stay(self):
        for method in self.methods():
            with self.subTest(type(method).__name__):
                policy = network()
                policy[0].requires_grad_(False)
                fitted = method.fit(policy, copy.deepcopy(policy), self.data, steps=2, generator=seeded())
                trained = fitted.of(FIRST) if isinstance(method, ParameterIsolation) else fitted
                self.assertTrue(torch.equal(trained[0].weight, policy[0].weight))
                self.assertFalse(torch.equal(trained[3].weight, policy[3].weight))


class OwnLoss(Linear):
    """A policy that brings its loss, as a diffusion policy does: it wants twice the action, plus noise that averages out."""

    def loss(self, states, tasks, actions):
        noise = 0.01 * torch.randn(len(states), 1)
        return (self(states, tasks) - 2 * actions + noise).square().mean()


class Policies(Case):
    def test_a_policy_s_own_loss_is_minimised(self):
        data, start = demonstration(FIRST, noise=0.0), OwnLoss([[0.0, 0.0], [0.0, 0.0]])
        fits = [Cloning(learning_rate=0.03).fit(start, start, data, steps=300, generator=seeded()) for _ in range(2)]
        self.assert_close(fits[0].weight, 2 * torch.eye(2), 0.02)
        self.assert_same(weights(fits[0]), weights(fits[1]))

    def test_wrong_use_is_told(self):
        data = demonstration(FIRST)
        with self.assertRaisesRegex(ValueError, r"\(40, 1\).*\(40, 2\)"):
            Cloning().fit(Linear([[1.0, 0.0]]), Linear([[1.0, 0.0]]), data, steps=1, generator=seeded())
        with self.assertRaisesRegex(ValueError, "no parameter weight"):
            WeightDecay().fit(Linear([[1.0, 0.0]] * 2), Linear([[1.0]]), data, steps=1, generator=seeded())
        with self.assertRaisesRegex(ValueError, "pre-training"):
            empty = data.rows(slice(0, 0))
            ElasticWeights(empty).fit(network(), network(), data, steps=1, generator=seeded())
        for wrong in (lambda: AdaptivePrior(beta=-1), lambda: AdaptivePrior(learning_rate=0), lambda: Cloning(batch_size=0),
                      lambda: Cloning(learning_rate=float("nan")), lambda: WeightDecay(strength=-1)):
            self.assertRaises(ValueError, wrong)

    def test_demonstrations_are_looked_at(self):
        states, actions = torch.zeros(3, 2), torch.zeros(3, 1)
        states[1, 0] = float("nan")
        with self.assertRaisesRegex(ValueError, "states: row 1 is not finite"):
            Demonstrations.of(states, FIRST, actions, 0)
        with self.assertRaisesRegex(ValueError, "actions: 3 rows"):
            Demonstrations.of(torch.zeros(3, 2), FIRST, actions[:2], 0)
        with self.assertRaisesRegex(TypeError, "states: float32"):
            Demonstrations(states.double(), torch.zeros(3, 1), actions, torch.zeros(3, dtype=torch.int64))


class Documentation(Case):
    def test_the_section_on_fine_tuning_runs(self):
        text = (ROOT / "docs" / "networks.md").read_text()
        section = re.search(r"^## Fine-tuning$.*?(?=^## |\Z)", text, re.M | re.S)[0]
        draw, shown = seeded(), io.StringIO()
        recordings = [(task, torch.randn(10, 7, generator=draw).numpy(), torch.randn(10, 7, generator=draw).numpy())
                      for task in ("pick-banana", "pour-coffee") * 2]
        there = {"recordings": recordings}
        for block in re.findall(r"^```python\n(.*?)^```$", section, re.M | re.S):
            with contextlib.redirect_stdout(shown):
                exec(compile(block, "networks.md", "exec"), there)
        self.assertRegex(shown.getvalue(), r"torch.Size\(\[1, 7\]\) tensor")
        self.assertIsNot(there["copies"].trained, there["copies"].selection)


if __name__ == "__main__":
    tap.main()
