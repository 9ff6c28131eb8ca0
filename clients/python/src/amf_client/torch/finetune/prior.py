"""The adaptive prior: a frozen copy of the pre-trained policy acts along, as far as a task has not outgrown it.

    action(s, c) = alpha(c) pi(s, c) + (1 - alpha(c)) pi_0(s, c)                                        (1)

pi is the fine-tuned policy, pi_0 the pre-trained one, alpha(c) in [0, 1] one number a task. From the paper (Active
Fine-Tuning of Multi-Task Policies, Section 4 and Appendix H): the linear combination (1), weights that depend on the
task, that are trained by the imitation loss with a conservative penalty (coefficient beta) and a learning rate of 1.
The appendix itself was not at hand, so the rest is ours. With d = pi - pi_0 and r = pi_0 - a, both over the
demonstrated steps of task c, and the mean over steps and dimensions of the action:

    loss(alpha) = [ alpha^2 mean(d^2) + 2 alpha mean(d r) + mean(r^2) ] / v  +  beta alpha              (2)
    alpha <- clip(alpha - rate (2 [alpha mean(d^2) + mean(d r)] / v + beta), 0, 1)                      (3)

- v, the variance of the demonstrated actions about their mean, makes beta a number without a unit: the same whether
  actions are metres or millimetres. A pre-trained policy that errs by less than beta / 2 of it acts alone.
- (3) is repeated as many times as there were gradient steps, from alpha = 0, on all demonstrated steps at once: (2) is
  a parabola, its coefficients are three means. The rate is 1, or what leads to the lowest point where 1 leads beyond.
- The policy itself is trained by plain imitation, not through (1): otherwise it would learn to overshoot what alpha
  holds back, and its own predictions, which the criterion looks at, would no longer be actions.
- A task without demonstrations keeps alpha = 0: there, what acts is the pre-trained policy, bit by bit. Task vectors
  are told apart exactly, so a vector that has not been demonstrated counts as such a task.

The means are taken over steps that pi was trained on, so (2) flatters it; beta is what weighs against that.
"""

from __future__ import annotations

import torch
from torch import Generator, Tensor, nn

from .data import Demonstrations, distinct, which_task
from .training import Acting, Cloning, Method, act, duplicate

SMALL = 1e-30  # in place of the variance where all actions are the same


class AdaptivePrior:
    """Mixes what `method` (behavioural cloning) has trained with the pre-trained policy."""

    def __init__(self, *, beta: float = 0.1, learning_rate: float = 1.0, method: Method | None = None) -> None:
        if not beta >= 0:
            raise ValueError(f"beta: {beta} is negative")
        if not learning_rate > 0:
            raise ValueError(f"learning_rate: {learning_rate} is not positive")
        self.beta, self.learning_rate = beta, learning_rate
        self.method: Method = Cloning() if method is None else method
        self._mixture: _Mixture | None = None

    def fit(
        self, policy: nn.Module, pretrained: nn.Module, data: Demonstrations, *, steps: int, generator: Generator
    ) -> nn.Module:
        fitted = self.method.fit(policy, pretrained, data, steps=steps, generator=generator)
        tuned, prior = self.method.acting(), act(duplicate(pretrained))
        vectors, alpha = self._weights(tuned, prior, data, steps)
        self._mixture = _Mixture(tuned, prior, vectors, alpha)
        return fitted

    def acting(self) -> Acting:
        return self._fitted()

    def alpha(self, tasks: Tensor) -> Tensor:
        """The weight of the fine-tuned policy for each task vector (B x dc)."""
        return self._fitted().alpha(tasks)

    def _fitted(self) -> _Mixture:
        if self._mixture is None:
            raise RuntimeError("nothing has been fitted yet")
        return self._mixture

    def _weights(self, tuned: Acting, prior: Acting, data: Demonstrations, steps: int) -> tuple[Tensor, Tensor]:
        """Task vectors (K x dc) and alpha of each (K), of the tasks that are demonstrated."""
        if not len(data):
            return data.tasks, torch.zeros(0)
        vectors, of = distinct(data.tasks)
        known = prior(data.states, data.tasks).double()
        step = tuned(data.states, data.tasks).double() - known
        actions = data.actions.double()
        variance = actions.var(0, unbiased=False).mean().clamp(min=SMALL)
        curvature = _mean_by_task(step * step, of, len(vectors)) / variance
        slope = _mean_by_task(step * (known - actions), of, len(vectors)) / variance
        return vectors, self._descend(curvature, slope, steps).float()

    def _descend(self, curvature: Tensor, slope: Tensor, steps: int) -> Tensor:
        """(3), for all tasks at once."""
        alpha = torch.zeros_like(slope)
        rate = curvature.mul(2).reciprocal().clamp(max=self.learning_rate)
        for _ in range(steps):
            before = alpha
            alpha = (alpha - rate * (2 * (alpha * curvature + slope) + self.beta)).clamp(0, 1)
            if torch.equal(alpha, before):
                break
        return alpha


def _mean_by_task(values: Tensor, of: Tensor, tasks: int) -> Tensor:
    sums = torch.zeros(tasks, dtype=values.dtype).index_add_(0, of, values.mean(1))
    mean: Tensor = sums / torch.bincount(of, minlength=tasks)
    return mean


class _Mixture:
    """(1) as a function."""

    def __init__(self, tuned: Acting, prior: Acting, vectors: Tensor, alpha: Tensor) -> None:
        self._tuned, self._prior = tuned, prior
        self._vectors = vectors
        self._alpha = torch.cat((alpha, torch.zeros(1)))  # the last one is that of all tasks without demonstrations

    def alpha(self, tasks: Tensor) -> Tensor:
        alpha: Tensor = self._alpha[which_task(tasks, self._vectors)]
        return alpha

    def __call__(self, states: Tensor, tasks: Tensor) -> Tensor:
        known = self._prior(states, tasks)
        return torch.lerp(known, self._tuned(states, tasks), self.alpha(tasks)[:, None])
