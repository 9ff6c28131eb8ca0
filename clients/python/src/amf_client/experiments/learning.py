"""The policy of a run: pre-trained once a seed, then fine-tuned on all new demonstrations after each round."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor, nn

from amf_client.torch.finetune import Acting, Cloning, Collected, Copies, Demonstrations, concatenate, fit_copies

from .benchmark import Array, BatchPolicy, Benchmark, BringsPolicy, Episode, InBatches, Policy
from .finetuning import make_method
from .policies import MlpPolicy, make_mlp, seeded
from .randomness import Stream, generator, torch_seed
from .settings import RunSettings, benchmark_defaults, make_benchmark

EXPERT_TRIES = 5


class ExpertError(Exception):
    """The benchmark's expert failed each time it was asked."""


@dataclass(frozen=True, slots=True)
class Given:
    """A demonstration and the task it is of."""

    task: int
    episode: Episode

    def as_data(self, benchmark: Benchmark) -> Demonstrations:
        vector = benchmark.tasks[self.task].vector
        return Demonstrations.of(self.episode.states, vector, self.episode.actions, self.task)


def demonstrate(benchmark: Benchmark, seed: int, stream: Stream, task: int, number: int) -> Given:
    """The `number`th demonstration of a task: the first try of the expert that succeeds."""
    for attempt in range(EXPERT_TRIES):
        episode = benchmark.demonstrate(task, generator(seed, stream, task, number, attempt))
        if episode.success:
            return Given(task, episode)
    raise ExpertError(f"the expert failed {EXPERT_TRIES} times at {benchmark.tasks[task].key}")


@dataclass(frozen=True, slots=True, eq=False)
class Pretrained:
    """`data`: what `policy` was trained on; None: nothing, and it is as it was made."""

    policy: nn.Module
    layer: str
    given: tuple[Given, ...]
    data: Demonstrations | None


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
    if not given:
        return Pretrained(policy, layer, given, None)
    data = concatenate(one.as_data(benchmark) for one in given)
    if isinstance(policy, MlpPolicy):
        policy.normalise(data.states, data.actions, benchmark_defaults(name).least_deviation)
    seen = seeded(torch_seed(seed, Stream.TRAINING, 0))
    return Pretrained(Cloning().fit(policy, policy, data, steps=steps, generator=seen), layer, given, data)


def _new_policy(benchmark: Benchmark, hidden: tuple[int, ...], seed: int) -> tuple[nn.Module, str]:
    if isinstance(benchmark, BringsPolicy):
        return benchmark.make_policy(seeded(seed)), benchmark.layer
    vector_dim = len(benchmark.tasks[0].vector)
    policy = make_mlp(benchmark.state_dim, vector_dim, benchmark.action_dim, hidden, seed)
    return policy, policy.layer


class Learner:
    """What has been learned so far. `selecting`: with a copy that is not trained on the warm-start demonstrations."""

    def __init__(self, settings: RunSettings, benchmark: Benchmark, start: Pretrained, selecting: bool) -> None:
        self._settings, self._benchmark, self._selecting = settings, benchmark, selecting
        self._vectors = torch.tensor([task.vector for task in benchmark.tasks], dtype=torch.float32)
        self._pretrained = copy.deepcopy(start.policy)
        self._copies = Copies(self._pretrained, self._pretrained)
        self._method = make_method(settings.finetune, start.data)
        self._collected = Collected()
        self._acting: Acting = self._pretrained

    @property
    def policy(self) -> nn.Module:
        """What is trained; how it acts is the method's affair (`attempts`)."""
        return self._copies.trained

    @property
    def selection(self) -> nn.Module:
        return self._copies.selection

    def take(self, given: Given, *, warm_start: bool) -> None:
        self._collected.add(given.as_data(self._benchmark), warm_start=warm_start)

    def learn(self, round_: int) -> None:
        if not len(self._collected):
            return
        seen, steps = seeded(torch_seed(self._settings.seed, Stream.TRAINING, round_)), self._settings.steps
        if self._selecting:
            self._copies = fit_copies(
                self._method, self._copies, self._pretrained, self._collected, steps=steps, generator=seen
            )
        else:
            data = self._collected.everything()
            policy = self._method.fit(self.policy, self._pretrained, data, steps=steps, generator=seen)
            self._copies = Copies(policy, policy)
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
        actions: Tensor = self._acting(torch.from_numpy(states).float(), self._vectors[list(tasks)])
        return np.asarray(actions.double().numpy(), dtype=np.float64)


def _attempts(
    benchmark: Benchmark, tasks: Sequence[int], act: BatchPolicy, streams: Sequence[np.random.Generator]
) -> list[Episode]:
    if isinstance(benchmark, InBatches):
        return benchmark.rollouts(tasks, act, streams)

    def alone(state: Array, task: int) -> Array:
        (action,) = act(state[None], [task])
        return np.asarray(action)

    policy: Policy = alone
    return [benchmark.rollout(task, policy, stream) for task, stream in zip(tasks, streams, strict=True)]
