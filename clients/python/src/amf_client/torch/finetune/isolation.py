"""Parameter isolation: a copy of the policy for each set of tasks, trained on the demonstrations of these tasks alone.

From the first version of the paper (Active Fine-Tuning of Generalist Policies): the tasks are partitioned into K sets,
there are K copies of the weights that are fine-tuned, and each is updated on the tasks of its set only. So no task can
make another one forget, and none can learn from another. What is not copied there (an encoder, say) is here what does
not require gradients: copies are whole modules, and what is frozen in them stays as it was.

Ours: by default each task is a set. A set gets its copy when its first demonstration comes; until then the policy acts
that fine-tuning began with. Each copy takes as many steps as are asked for, on minibatches that are as much smaller
than `batch_size` as its share of the demonstrations: what one step of all copies looks at is what a step of one network
would have looked at. Task vectors are told apart exactly.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Generator, Tensor, nn

from .data import Demonstrations, distinct, which_task
from .training import Acting, Cloning, act, duplicate, predict, train


class IsolatedPolicy(nn.Module):
    """One policy to whoever calls it; `copies` are in the order in which their sets were demonstrated first."""

    def __init__(self, base: nn.Module) -> None:
        super().__init__()
        self.base = base
        self.copies = nn.ModuleList()
        self._vectors, self._copy_of = torch.zeros(0, 0), torch.zeros(0, dtype=torch.int64)

    def of(self, task: Tensor) -> nn.Module:
        """The network that acts for one task vector (dc): its features are those of the task."""
        return self._network(int(self.route(task[None])))

    def forward(self, states: Tensor, tasks: Tensor) -> Tensor:
        chosen = self.route(tasks)
        present = torch.unique(chosen).tolist()
        if len(present) < 2:
            return predict(self._network(present[0] if present else len(self.copies)), states, tasks)
        rows = [torch.eq(chosen, index).nonzero()[:, 0] for index in present]
        parts = [predict(self._network(index), states[at], tasks[at]) for index, at in zip(present, rows, strict=True)]
        actions: Tensor = torch.cat(parts)[torch.cat(rows).argsort()]
        return actions

    def add(self, tasks: Tensor) -> None:
        """A copy for the tasks with these vectors (n x dc)."""
        self._copy_of = torch.cat((self._copy_of, torch.full((len(tasks),), len(self.copies))))
        self._vectors = torch.cat((self._vectors, tasks)) if len(self._vectors) else tasks
        self.copies.append(duplicate(self.base))

    def route(self, tasks: Tensor) -> Tensor:
        """Indices of copies (B); that of the base is one after the last."""
        base = torch.tensor([len(self.copies)])
        chosen: Tensor = torch.cat((self._copy_of, base))[which_task(tasks, self._vectors)]
        return chosen

    def _network(self, index: int) -> nn.Module:
        return self.copies[index] if index < len(self.copies) else self.base


class ParameterIsolation:
    """`sets` are disjoint sets of task vectors (n x dc each); a task that is in none of them is a set of its own."""

    def __init__(self, *, sets: Sequence[Tensor] = (), learning_rate: float = 1e-3, batch_size: int = 256) -> None:
        self._settings = Cloning(learning_rate=learning_rate, batch_size=batch_size)
        self.sets = tuple(sets)
        if self.sets and len(torch.unique(torch.cat(self.sets), dim=0)) < sum(map(len, self.sets)):
            raise ValueError("sets: a task vector is in two sets, or twice in one")
        self._fitted: IsolatedPolicy | None = None

    def fit(
        self, policy: nn.Module, pretrained: nn.Module, data: Demonstrations, *, steps: int, generator: Generator
    ) -> nn.Module:
        copied = duplicate(policy)
        fitted = copied if isinstance(copied, IsolatedPolicy) else IsolatedPolicy(copied)
        self._add_copies(fitted, data.tasks)
        chosen = fitted.route(data.tasks)
        for index, network in enumerate(fitted.copies):
            own = data.rows(torch.eq(chosen, index))
            train(
                network,
                own,
                steps=steps,
                generator=generator,
                learning_rate=self._settings.learning_rate,
                batch_size=max(1, round(self._settings.batch_size * len(own) / max(1, len(data)))),
            )
        fitted.eval()
        self._fitted = fitted
        return fitted

    def acting(self) -> Acting:
        if self._fitted is None:
            raise RuntimeError("nothing has been fitted yet")
        return act(self._fitted)

    def _add_copies(self, fitted: IsolatedPolicy, tasks: Tensor) -> None:
        """Of the sets whose first demonstration came now."""
        for vector in distinct(tasks)[0]:
            if fitted.of(vector) is fitted.base:
                alone = vector[None]
                known = [vectors for vectors in self.sets if int(which_task(alone, vectors)) < len(vectors)]
                fitted.add(known[0] if known else alone)
