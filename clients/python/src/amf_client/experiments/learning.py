"""The policy of a run: pre-trained once a seed, then fine-tuned on all new demonstrations after each round."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor, nn

from .benchmark import Array, BatchPolicy, Benchmark, BringsPolicy, Episode, InBatches, Policy
from .finetuning import Demonstrations, make_method
from .policies import MlpPolicy, make_mlp, seeded
from .randomness import Stream, generator, torch_seed
from .settings import RunSettings, make_benchmark

EXPERT_TRIES = 5
Acting = Callable[[Tensor, Tensor], Tensor]


class ExpertError(Exception):
    """The benchmark's expert failed each time it was asked."""


@dataclass(frozen=True, slots=True)
class Given:
    """A demonstration and the task it is of."""

    task: int
    episode: Episode


def demonstrate(benchmark: Benchmark, seed: int, stream: Stream, task: int, number: int) -> Given:
    """The `number`th demonstration of a task: the first try of the expert that succeeds."""
    for attempt in range(EXPERT_TRIES):
        episode = benchmark.demonstrate(task, generator(seed, stream, task, number, attempt))
        if episode.success:
            return Given(task, episode)
    raise ExpertError(f"the expert failed {EXPERT_TRIES} times at {benchmark.tasks[task].key}")


def vectors_of(benchmark: Benchmark) -> Tensor:
    return torch.tensor([task.vector for task in benchmark.tasks], dtype=torch.float32)


def as_data(benchmark: Benchmark, given: Sequence[Given]) -> Demonstrations:
    index = np.concatenate([np.full(len(one.episode.states), one.task) for one in given])
    tasks = torch.from_numpy(index)
    return Demonstrations(
        states=_tensor([one.episode.states for one in given]),
        tasks=vectors_of(benchmark)[tasks],
        actions=_tensor([one.episode.actions for one in given]),
        task_index=tasks,
    )


def _tensor(arrays: Sequence[Array]) -> Tensor:
    return torch.from_numpy(np.concatenate(arrays)).float()


@dataclass(frozen=True, slots=True, eq=False)
class Pretrained:
    policy: nn.Module
    layer: str
    given: tuple[Given, ...]


def pretrained(settings: RunSettings) -> Pretrained:
    """The same for all arms of a seed, and computed once where they run one after the other."""
    said = settings
    return _pretrained(said.benchmark, said.horizon, said.pretrain, said.pretrain_steps, said.hidden, said.seed)


@lru_cache(maxsize=1)
def _pretrained(
    name: str, horizon: int | None, counts: tuple[int, ...], steps: int, hidden: tuple[int, ...], seed: int
) -> Pretrained:
    benchmark = make_benchmark(name, horizon)
    given = tuple(
        demonstrate(benchmark, seed, Stream.PRETRAINING, task, number)
        for task, count in enumerate(counts)
        for number in range(count)
    )
    policy, layer = _new_policy(benchmark, hidden, torch_seed(seed, Stream.POLICY))
    if given:
        data = as_data(benchmark, given)
        if isinstance(policy, MlpPolicy):
            policy.normalise(data.states, data.actions)
        seen = seeded(torch_seed(seed, Stream.TRAINING, 0))
        policy = make_method("cloning").fit(policy, copy.deepcopy(policy), data, steps=steps, generator=seen)
    return Pretrained(policy, layer, given)


def _new_policy(benchmark: Benchmark, hidden: tuple[int, ...], seed: int) -> tuple[nn.Module, str]:
    if isinstance(benchmark, BringsPolicy):
        return benchmark.make_policy(seeded(seed)), benchmark.layer
    vector_dim = len(benchmark.tasks[0].vector)
    policy = make_mlp(benchmark.state_dim, vector_dim, benchmark.action_dim, hidden, seed)
    return policy, policy.layer


class Learner:
    """`policy` is what is trained, and what the daemon sees; how it acts is the method's affair (`attempts`)."""

    def __init__(self, settings: RunSettings, benchmark: Benchmark, start: Pretrained) -> None:
        self._settings, self._benchmark = settings, benchmark
        self._vectors = vectors_of(benchmark)
        self._pretrained = copy.deepcopy(start.policy)
        self._method = make_method(settings.finetune)
        self.policy = copy.deepcopy(start.policy)
        self._acting: Acting = self.policy

    def learn(self, round_: int, given: Sequence[Given]) -> None:
        seen = seeded(torch_seed(self._settings.seed, Stream.TRAINING, round_))
        data = as_data(self._benchmark, given)
        self.policy = self._method.fit(self.policy, self._pretrained, data, steps=self._settings.steps, generator=seen)
        self._acting = self._method.acting()

    def attempts(self, stream: Stream, round_: int, count: int) -> list[list[Episode]]:
        """`count` episodes of each task, by task."""
        seed, every = self._settings.seed, range(len(self._benchmark.tasks))
        tasks = [task for task in every for _ in range(count)]
        streams = [generator(seed, stream, task, round_, number) for task in every for number in range(count)]
        self.policy.eval()
        with torch.no_grad(), torch.random.fork_rng(devices=[]):
            torch.manual_seed(torch_seed(seed, Stream.ACTING, int(stream), round_))  # of policies that sample
            episodes = _attempts(self._benchmark, tasks, self._act, streams)
        return [episodes[task * count : (task + 1) * count] for task in every]

    def _act(self, states: Array, tasks: Sequence[int]) -> Array:
        actions = self._acting(torch.from_numpy(states).float(), self._vectors[list(tasks)])
        return np.asarray(actions.double().numpy(), dtype=np.float64)


def _attempts(
    benchmark: Benchmark, tasks: Sequence[int], act: BatchPolicy, streams: Sequence[np.random.Generator]
) -> list[Episode]:
    if isinstance(benchmark, InBatches):
        return benchmark.rollouts(tasks, act, streams)
    alone: Policy = lambda state, task: act(state[None], [task])[0]  # noqa: E731
    return [benchmark.rollout(task, alone, stream) for task, stream in zip(tasks, streams, strict=True)]
