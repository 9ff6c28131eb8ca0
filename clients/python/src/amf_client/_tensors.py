"""Demonstrations as safetensors: exact, a third of the size of JSON, and taken up to 64 MiB.

Numbers are sent in the precision they have: float16, float32 or float64; integers and booleans as float64.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import safetensors
import safetensors.numpy
from numpy.typing import ArrayLike, NDArray

from .errors import BadAnswer
from .models import Demonstration

Array = NDArray[np.floating[Any]]
TEXTS = ("task", "role", "operator", "robot", "source", "assignment")


def as_floats(name: str, values: ArrayLike) -> Array:
    array = np.asarray(values)
    if array.dtype.kind in "iub":
        array = array.astype(np.float64)
    if array.dtype.kind != "f" or array.dtype.itemsize > 8:
        raise ValueError(f"{name} are {array.dtype}; float16, float32 or float64 can be sent")
    return np.ascontiguousarray(array)  # what safetensors takes: it does not look at strides


def as_matrix(name: str, values: ArrayLike) -> Array:
    array = as_floats(name, values)
    if array.ndim != 2:
        raise ValueError(f"{name} have {array.ndim} dimensions; expected 2, one row a step")
    return array


def pack(tensors: Mapping[str, Array], metadata: Mapping[str, str]) -> bytes:
    return safetensors.numpy.save(dict(tensors), dict(metadata))


def unpack(data: bytes) -> tuple[dict[str, NDArray[Any]], dict[str, str]]:
    """Tensors and metadata. Raises ValueError."""
    try:
        tensors = safetensors.numpy.load(data)
        (length,) = struct.unpack_from("<Q", data)
        metadata = json.loads(data[8 : 8 + length]).get("__metadata__", {})
    except (safetensors.SafetensorError, struct.error, KeyError) as error:
        raise ValueError(f"no safetensors: {error}") from error
    return tensors, metadata


def metadata_texts(fields: Mapping[str, Any]) -> dict[str, str]:
    """Fields of a demonstration as the strings a safetensors file holds; None is left out."""
    said = {name: value for name, value in fields.items() if value is not None}
    return {
        name: value if isinstance(value, str) else json.dumps(value, allow_nan=False) for name, value in said.items()
    }


def check_pair(states: Array, actions: Array) -> None:
    if len(states) != len(actions):
        raise ValueError(f"{len(states)} states and {len(actions)} actions; a step has one of each")


def demonstration_bytes(states: ArrayLike, actions: ArrayLike, fields: Mapping[str, Any]) -> bytes:
    tensors = {"states": as_matrix("states", states), "actions": as_matrix("actions", actions)}
    check_pair(tensors["states"], tensors["actions"])
    return pack(tensors, metadata_texts(fields))


def features_bytes(tensors: Mapping[str, Array], tasks: Sequence[str] | None) -> bytes:
    """A file of features; `tasks`: the order of its first axis, None where it has none of tasks."""
    return pack(tensors, {} if tasks is None else {"tasks": json.dumps(list(tasks))})


def demonstration_from(data: bytes, id: str) -> Demonstration:
    try:
        tensors, texts = unpack(data)
        return Demonstration(
            id=id,
            states=tensors["states"].astype(np.float64, copy=False),
            actions=tensors["actions"].astype(np.float64, copy=False),
            success=json.loads(texts.get("success", "true")),
            duration_s=json.loads(texts["duration_s"]) if "duration_s" in texts else None,
            metadata=json.loads(texts.get("metadata", "{}")),
            **{name: texts.get(name) for name in TEXTS},  # type: ignore[arg-type]
        )
    except (ValueError, KeyError) as error:
        raise BadAnswer(f"demonstration {id} cannot be read: {error}") from error
