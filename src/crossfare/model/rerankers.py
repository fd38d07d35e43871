"""What reranks: models that read a query with a passage, and give one score."""

from __future__ import annotations

import unicodedata
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crossfare.model import encoder as encoders
from crossfare.model.encoder import Encoder, Feature

_AT_ONCE = 10_000
"""Pairs per call of the tokenizer: its own lists of numbers take far more memory than the arrays made from them."""


@dataclass(frozen=True, slots=True)
class Reranker(Encoder):
    """A model that scores query-passage pairs.

    A feature is one pair, or a query's pairs end to end, with the length of each in ``sizes``, the positive first.
    """

    def features(self, pairs: Sequence[tuple[str, str]], max_length: int) -> list[Feature]:
        """Encode (query, passage) pairs, composed to NFC, into at most ``max_length`` tokens.

        The query is kept whole and the passage is cut; only a query of more than half of the tokens is cut to that.
        """
        limit = min(max_length, self.longest)
        return [feature for part in _parts(pairs, _AT_ONCE) for feature in self._encode(part, limit)]

    def _encode(self, pairs: Sequence[tuple[str, str]], limit: int) -> list[Feature]:
        queries = list(dict.fromkeys(query for query, _ in pairs))
        composed = [unicodedata.normalize("NFC", query) for query in queries]
        short = dict(zip(queries, encoders.shortened(self.tokenizer, composed, max(1, limit // 2)), strict=True))
        passages = [unicodedata.normalize("NFC", passage) for _, passage in pairs]
        return self.encode([short[query] for query, _ in pairs], passages, limit)

    @abstractmethod
    def encode(self, queries: Sequence[str], passages: Sequence[str], limit: int) -> list[Feature]:
        """Encode pairs into at most ``limit`` tokens by cutting the passages."""

    @abstractmethod
    def margins(self, outputs: Any) -> Any:
        """What is trained to be larger for better passages, from the model's outputs; a tensor of shape (pairs,)."""

    @abstractmethod
    def scores(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """Scores from the logits that the model gives in `scoring`, of shape (pairs, outputs)."""

    def pointwise(self, outputs: Any, labels: Any) -> Any:
        """The mean loss of pairs labelled 1 (relevant) or 0: binary cross-entropy."""
        from torch.nn.functional import binary_cross_entropy_with_logits

        margins = self.margins(outputs)
        return binary_cross_entropy_with_logits(margins, labels.to(margins.dtype))

    def listwise(self, outputs: Any, sizes: Any) -> Any:
        """The mean loss of groups of ``sizes`` pairs: cross-entropy of the softmax over a group, the first relevant."""
        import torch

        groups = list(torch.split(self.margins(outputs), sizes.tolist()))
        padded = torch.nn.utils.rnn.pad_sequence(groups, batch_first=True, padding_value=float("-inf"))
        return torch.nn.functional.cross_entropy(padded, torch.zeros_like(sizes))

    def scoring(self) -> AbstractContextManager[Any]:
        """Within this, the model computes only the logits that `scores` reads."""
        return nullcontext()

    def collate(self, features: Sequence[Feature]) -> dict[str, Any]:
        """Pad and stack the pairs of all features; ``labels`` are theirs, or the sizes of groups."""
        import torch

        batch = Encoder.collate(self, list(chain.from_iterable(map(_pairs_of, features))))
        if "sizes" in features[0]:
            batch["labels"] = torch.tensor([len(feature["sizes"]) for feature in features])
        return batch


@dataclass(frozen=True, slots=True)
class CrossEncoder(Reranker):
    """An encoder that reads query and passage at once, with one output: the log-odds of being relevant."""

    def encode(self, queries: Sequence[str], passages: Sequence[str], limit: int) -> list[Feature]:
        """Encode pairs as the tokenizer lays them out."""
        return self.tokenised(queries, passages, max_length=limit, truncation="only_second")

    def margins(self, outputs: Any) -> Any:
        """The one output."""
        return outputs["logits"][:, 0].float()

    def scores(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """The log-odds as they are."""
        return values[:, 0]


def _pairs_of(feature: Feature) -> list[Feature]:
    """The pairs of a group; a pair is its own."""
    if "sizes" not in feature:
        return [feature]
    ends = np.cumsum(feature["sizes"])[:-1]
    split = {name: np.split(values, ends) for name, values in feature.items() if name != "sizes"}
    return [{name: values[i] for name, values in split.items()} for i in range(len(feature["sizes"]))]


def _parts(items: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    return (items[at : at + size] for at in range(0, len(items), size))
