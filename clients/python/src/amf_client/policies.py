"""Revisions of a project's policy, and what they think of the demonstrations: `project.policies`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ._decode import decode
from ._lists import pages
from ._tensors import as_floats, as_matrix, features_bytes, metadata_texts, pack, unpack
from ._transport import TENSORS, Call, Transport, path
from .errors import BadAnswer
from .models import Features, MissingFeatures, Revision

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from .settings import RevisionSettings


class Policies:
    def __init__(self, transport: Transport, project: str) -> None:
        self._transport, self._project = transport, project

    def _path(self, *below: str) -> str:
        return path("projects", self._project, "policies", *below)

    def put(self, revision: str, *, summary: ArrayLike | None = None, **settings: Unpack[RevisionSettings]) -> Revision:
        """Stages a revision. `summary`: the Gram matrix of its pre-training data, p x p."""
        if summary is None:
            return decode(Revision, self._transport.json(Call("PUT", self._path(revision), json=settings)))
        data = pack({"summary": as_matrix("summary", summary)}, metadata_texts(settings))
        return decode(Revision, self._transport.json(self._file(data, revision)))

    def put_network(
        self,
        revision: str,
        layers: Sequence[Mapping[str, Any]],
        tensors: Mapping[str, ArrayLike],
        **settings: Unpack[RevisionSettings],
    ) -> Revision:
        """Stages a network that the server evaluates: operations, input first, and the tensors that they name."""
        texts = metadata_texts({**settings, "kind": "mlp", "layers": list(layers)})
        data = pack({name: as_floats(name, values) for name, values in tensors.items()}, texts)
        return decode(Revision, self._transport.json(self._file(data, revision)))

    def _file(self, data: bytes, *below: str) -> Call:
        return Call("PUT", self._path(*below), content=data, content_type=TENSORS)

    def get(self, revision: str) -> Revision:
        return decode(Revision, self._transport.json(Call("GET", self._path(revision))))

    def list(self) -> Iterator[Revision]:
        return pages(self._transport, self._path(), "policies", Revision)

    def activate(self, revision: str, *, key: str | None = None) -> Revision:
        """From now on it serves in its role; the one before it is retired."""
        return decode(Revision, self._transport.json(Call("POST", self._path(revision, "activate"), key=key)))

    def missing(self, revision: str) -> Iterator[MissingFeatures]:
        """The demonstrations whose features it lacks, wholly or for some tasks."""
        return pages(self._transport, self._path(revision, "missing"), "missing", MissingFeatures)

    def put_features(
        self,
        revision: str,
        demonstration: str,
        *,
        tasks: Sequence[str] | None = None,
        phi: ArrayLike | None = None,
        h: ArrayLike | None = None,
        g: ArrayLike | None = None,
        mean: ArrayLike | None = None,
        log_likelihood: ArrayLike | None = None,
    ) -> Features:
        """What the revision makes of a demonstration of H steps; float16 to float64.

        phi, h, g, mean: C x H x columns in the order of `tasks`, or H x columns for its own task alone.
        log_likelihood: C or C x H. h wants g or mean, g wants h.
        """
        said = {"phi": phi, "h": h, "g": g, "mean": mean, "log_likelihood": log_likelihood}
        tensors = {name: as_floats(name, values) for name, values in said.items() if values is not None}
        return self.put_features_bytes(revision, demonstration, features_bytes(tensors, tasks))

    def put_features_bytes(self, revision: str, demonstration: str, data: bytes) -> Features:
        """The same as a safetensors file, sent as it is."""
        return decode(Features, self._transport.json(self._file(data, revision, "features", demonstration)))

    def get_features(self, revision: str, demonstration: str) -> Features:
        """What is held, without its numbers."""
        where = self._path(revision, "features", demonstration)
        return decode(Features, self._transport.json(Call("GET", where)))

    def get_feature_arrays(self, revision: str, demonstration: str) -> dict[str, NDArray[np.floating[Any]]]:
        """The numbers, as they were put; the order of the tasks is in `get_features`."""
        where = self._path(revision, "features", demonstration)
        try:
            return unpack(self._transport.send(Call("GET", where, accept=TENSORS)).content)[0]
        except ValueError as error:
            raise BadAnswer(f"the features of {demonstration} cannot be read: {error}") from error
