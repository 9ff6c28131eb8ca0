"""The point mass of the paper's first experiment, as `amf experiment integrator` has it.

    s_0 = 0,  s_{t+1} = s_t + a_t dt,  expert a_t = (g - s_t) / 2 + noise of standard deviation 0.1,  t = 0 .. H - 1
    return = -dt sum_{t=1..H} |s_t - g|,  dt = 5 / H,  H = 5 unless told otherwise

g is one of twelve points of the unit circle and, as the vector (cos, sin), the task itself. Five units of time pass
whatever H is, so that returns of different horizons can be compared: about -0.97 for the expert without its noise, -5
for a policy that stays. The policy is tried without noise. Success: at the end it is nearer to g than 0.26, half of
the way to the next task's point.

All attempts advance together, one call of the network a step.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from .benchmark import Array, BatchPolicy, Defaults, Episode, Policy, TaskSpec

TASKS = 12
TIME = 5.0
GAIN = 0.5
EXPERT_NOISE = 0.1
NEAR = math.sin(math.pi / TASKS)

DEFAULTS = Defaults(
    score="return", pretrain=(4, 4, 4), rounds=30, steps=300, pretrain_steps=1000, evaluations=1, rollouts=1
)


class Integrator:
    name = "integrator"
    state_dim = 2
    action_dim = 2

    def __init__(self, horizon: int) -> None:
        self.horizon = horizon
        angles = [2 * math.pi * task / TASKS for task in range(TASKS)]
        self.tasks = tuple(
            TaskSpec(f"angle-{task:02}", f"go to {360 * task // TASKS} degrees", (math.cos(angle), math.sin(angle)))
            for task, angle in enumerate(angles)
        )
        self._goals = np.array([task.vector for task in self.tasks])

    def _run(self, tasks: Sequence[int], policy: BatchPolicy) -> list[Episode]:
        goals = self._goals[list(tasks)]
        step = TIME / self.horizon
        states = np.zeros((self.horizon + 1, len(tasks), 2))
        actions = np.empty((self.horizon, len(tasks), 2))
        for t in range(self.horizon):
            actions[t] = policy(states[t], tasks)
            states[t + 1] = states[t] + step * actions[t]
        distances = np.linalg.norm(states[1:] - goals, axis=-1)
        returns = -step * distances.sum(axis=0)
        return [
            Episode(states[:-1, i].copy(), actions[:, i].copy(), bool(distances[-1, i] < NEAR), float(returns[i]))
            for i in range(len(tasks))
        ]

    def demonstrate(self, task: int, generator: np.random.Generator) -> Episode:
        goal = self._goals[task]

        def expert(states: Array, _: Sequence[int]) -> Array:
            noise = EXPERT_NOISE * generator.standard_normal(states.shape)
            return np.asarray(GAIN * (goal - states) + noise, dtype=np.float64)

        (episode,) = self._run([task], expert)
        return Episode(episode.states, episode.actions, True, episode.return_)  # its noise is no failure

    def rollout(self, task: int, policy: Policy, generator: np.random.Generator) -> Episode:
        def alone(states: Array, tasks: Sequence[int]) -> Array:
            return policy(states[0], tasks[0])[None]

        (episode,) = self._run([task], alone)
        return episode

    def rollouts(
        self, tasks: Sequence[int], policy: BatchPolicy, generators: Sequence[np.random.Generator]
    ) -> list[Episode]:
        return self._run(tasks, policy)


def make(horizon: int | None = None) -> Integrator:
    return Integrator(horizon or 5)
