"""Which network the daemon sees, and how: hosted where it is a multilayer network, else by its features."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from amf_client.models import Task
from amf_client.torch import gram, hidden_features, put_mlp, upload_dropout, upload_features
from amf_client.torch.finetune import IsolatedPolicy

from .asking import Asking
from .benchmark import Array, Benchmark, BringsFeatures, FeatureForm
from .learning import Learner, Pretrained
from .policies import MlpPolicy, with_dropout

Role = Literal["selection", "likelihood", "both"]


class Revisions:
    """`plan`: the arm's `revision` (arms.py)."""

    def __init__(self, asking: Asking, benchmark: Benchmark, start: Pretrained, plan: dict[str, Any] | None) -> None:
        self._project, self._benchmark, self._start, self._plan = asking.project, benchmark, start, plan or {}
        self._form: FeatureForm = "loss_gradient"
        if self._plan and asking.info().kernel.kind == "embedding":
            self._form = "last_layer"
        self._hosted: set[str] = set()

    def bring(self, round_: int, learner: Learner) -> None:
        """Before each ask: the network as it is now, or what is new under the one that stays."""
        of = self._plan.get("of")
        if of == "pretrained":
            self._serve("pretrained", self._start.policy, "both", new=round_ == 1)
        elif of == "copy":
            self._serve(f"copy-{round_}", learner.selection, "selection")
            self._serve(f"round-{round_}", learner.policy, "likelihood")
        elif of == "current":
            self._serve(f"round-{round_}", learner.policy, "both")

    def _serve(self, name: str, policy: nn.Module, role: Role, *, new: bool = True) -> None:
        if new:
            self._stage(name, policy, role)
        if name not in self._hosted:
            self._upload(name, policy)
        if new:
            self._project.policies.activate(name)

    def _stage(self, name: str, policy: nn.Module, role: Role) -> None:
        sigma, summary = self._plan["sigma"], self._summary() if self._plan["summary"] else None
        if not isinstance(policy, MlpPolicy) or self._plan["dropout"] is not None:
            self._project.policies.put(name, role=role, sigma=sigma, summary=summary)
            return
        put_mlp(
            self._project,
            name,
            policy.network,
            role=role,
            sigma=sigma,
            input_mean=policy.input_mean.numpy(),
            input_std=policy.input_std.numpy(),
            output_mean=policy.output_mean.numpy(),
            output_std=policy.output_std.numpy(),
            summary=summary,
        )
        self._hosted.add(name)

    def _upload(self, name: str, policy: nn.Module) -> None:
        rate = self._plan["dropout"]
        if rate is not None:
            varied, std = with_dropout(policy, rate), getattr(policy, "output_std", None)
            unit = None if std is None else std.numpy()
            upload_dropout(self._project, name, varied, inputs=_side_by_side, action_std=unit, progress=None)
        elif isinstance(self._benchmark, BringsFeatures):
            self._benchmark.upload_features(self._project, name, policy, self._form)
        elif isinstance(policy, IsolatedPolicy):
            self._upload_isolated(name, policy)
        else:
            layer = self._start.layer
            upload_features(
                self._project, name, policy, layer=layer, inputs=_side_by_side, form=self._form, progress=None
            )

    def _upload_isolated(self, name: str, policy: IsolatedPolicy) -> None:
        """Under each task, the features of the copy that acts in it."""
        tasks = list(self._project.tasks.list())
        for missing in list(self._project.policies.missing(name)):
            states = self._project.demonstrations.get(missing.demonstration).states
            seen = [self._seen(policy, states, task) for task in tasks]
            hidden = np.stack([h for h, _ in seen])
            self._project.policies.put_features(
                name,
                missing.demonstration,
                tasks=[task.key for task in tasks],
                mean=np.stack([mean for _, mean in seen]),
                **{"h" if self._form == "loss_gradient" else "phi": hidden},
            )

    def _seen(self, policy: IsolatedPolicy, states: Array, task: Task) -> tuple[NDArray[Any], NDArray[Any]]:
        inputs = _side_by_side(states, task)
        h, mean = hidden_features(policy.of(inputs[1][0]), self._start.layer, *inputs)
        return h.numpy(), mean.numpy()

    def _summary(self) -> NDArray[Any] | None:
        """Of the pre-training set, as the daemon would hold it."""
        inputs = [_repeated(one.episode.states, self._benchmark.tasks[one.task].vector) for one in self._start.given]
        if not inputs:
            return None
        steps = self._project.get().criterion.max_steps
        return gram(self._start.policy, self._start.layer, inputs, max_steps=steps)


def _side_by_side(states: NDArray[Any], task: Task) -> tuple[Tensor, Tensor]:
    return _repeated(states, task.vector or ())


def _repeated(states: NDArray[Any], vector: tuple[float, ...]) -> tuple[Tensor, Tensor]:
    rows = torch.from_numpy(states).float()
    return rows, torch.tensor(vector, dtype=torch.float32).expand(len(rows), -1)
