"""The last hidden activation h of a policy: what goes into its last linear layer, which is named as PyTorch names it.

A forward hook reads it, so the policy is called as always and may be any module. It is evaluated frozen: without
gradients and in evaluation mode, and every part of it is left in the mode it was in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from .._tensors import as_matrix
from ..models import Task
from .errors import BadNumbers, LayerError, ShapeError

Given = Tensor | tuple[Tensor, ...]
"""What a policy is called with, a row a step."""

Inputs = Callable[[NDArray[Any], Task], Given]
"""From states (H x d_s) and a task to what the policy is called with."""


def joined(states: NDArray[Any], task: Task) -> Tensor:
    """States with the task's vector behind each, as the server feeds a network it evaluates; the default `Inputs`."""
    rows = torch.as_tensor(as_matrix("states", states), dtype=torch.get_default_dtype())
    vector = torch.tensor(task.vector or (), dtype=rows.dtype)
    return torch.cat([rows, vector.expand(len(rows), -1)], dim=1)


def linear_layers(policy: nn.Module) -> list[str]:
    """Names of the linear layers, in the order in which they were registered."""
    return [name for name, module in policy.named_modules() if isinstance(module, nn.Linear)]


def find_layer(policy: nn.Module, layer: str) -> nn.Linear:
    found = dict(policy.named_modules()).get(layer)
    if isinstance(found, nn.Linear):
        return found
    there = ", ".join(map(repr, linear_layers(policy))) or "none"
    what = f"{layer!r} is a {type(found).__name__}" if found else f"it has no layer {layer!r}"
    raise LayerError(f"{type(policy).__name__}: {what}; its linear layers are {there}")


def check_parameters(policy: nn.Module) -> None:
    """A network that broke in training is named by its first broken parameter."""
    for name, values in policy.state_dict().items():
        if isinstance(values, Tensor) and values.is_floating_point() and not bool(torch.isfinite(values).all()):
            raise BadNumbers(f"{type(policy).__name__}: {name} has numbers that are not finite")


@contextmanager
def frozen(policy: nn.Module) -> Iterator[None]:
    """Evaluation mode without gradients; afterwards every part is in its own mode again."""
    modes = [(module, module.training) for module in policy.modules()]
    try:
        policy.eval()
        with torch.no_grad():
            yield
    finally:
        for module, training in modes:
            module.training = training


def as_tuple(given: Given) -> tuple[Tensor, ...]:
    parts = given if isinstance(given, tuple) else (given,)
    for part in parts:
        if not isinstance(part, Tensor):
            raise ShapeError(f"inputs gave a {type(part).__name__}; expected a tensor or a tuple of them")
    rows = {len(part) if part.ndim else 0 for part in parts}
    if len(rows) != 1:
        raise ShapeError(f"inputs gave tensors of {', '.join(map(str, sorted(rows)))} rows; expected a row a step")
    return parts


def device_of(policy: nn.Module) -> torch.device | None:
    return next((values.device for values in policy.parameters()), None)


def hidden_features(policy: nn.Module, layer: str, *inputs: Tensor) -> tuple[Tensor, Any]:
    """What goes into the linear layer `layer` (rows x d_h), and what the policy returns, both for these inputs."""
    seen: list[Tensor] = []

    def look(_: nn.Module, given: tuple[Any, ...], __: Any) -> None:
        if not given:
            raise LayerError(f"{type(policy).__name__}: {layer!r} is given its input by name; expected it by place")
        seen.append(given[0])

    handle = find_layer(policy, layer).register_forward_hook(look)
    device = device_of(policy)
    try:
        with frozen(policy):
            output = policy(*(part.to(device) if device else part for part in inputs))
    finally:
        handle.remove()
    if len(seen) != 1:
        how = f"came by {layer!r} {len(seen)} times" if seen else f"did not come by {layer!r}"
        raise LayerError(f"{type(policy).__name__}: forward {how}; expected a layer that is used once")
    (hidden,) = seen
    if hidden.ndim != 2 or (inputs and len(hidden) != len(inputs[0])):
        expected = f"{len(inputs[0])} rows, one a step" if inputs else "rows"
        raise ShapeError(f"{layer!r} is given {' x '.join(map(str, hidden.shape))} numbers; expected {expected}")
    return hidden.detach(), output


def kept_steps(steps: int, most: int) -> Tensor:
    """Which steps the server keeps (most: `criterion.max_steps`): evenly spaced, the first and the last among them."""
    if steps <= most:
        return torch.arange(steps)
    last = max(most - 1, 1)  # half-way places are rounded up, as there
    return torch.tensor([(2 * i * (steps - 1) + last) // (2 * last) for i in range(most)])


def gram(policy: nn.Module, layer: str, inputs: Iterable[Given], *, max_steps: int | None) -> NDArray[Any]:
    """The `summary` of a pre-training set: the sum of h h' (d_h x d_h, float64) over the steps the server would keep.

    Each of `inputs` is one demonstration, all of its steps; `max_steps` is the project's `criterion.max_steps`. A
    summary of all steps would outweigh the same demonstrations held. None: all steps, of inputs that are no more
    than the steps that count.
    """
    total: Tensor | None = None
    for given in inputs:
        hidden = hidden_features(policy, layer, *as_tuple(given))[0].double().cpu()
        if max_steps is not None:
            hidden = hidden[kept_steps(len(hidden), max_steps)]
        part = hidden.T @ hidden
        total = part if total is None else total + part
    if total is None:
        raise ShapeError("there are no inputs; expected at least one demonstration")
    if not bool(torch.isfinite(total).all()):
        raise BadNumbers(f"{type(policy).__name__}: the input of {layer!r} has numbers that are not finite")
    result: NDArray[Any] = total.numpy()
    return result
