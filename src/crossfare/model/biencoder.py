"""A bi-encoder that was not trained for the task: queries and passages as vectors, ranked by cosine.

Imports torch: load it only to run such a model.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from crossfare.errors import ConfigError
from crossfare.model import encoder as encoders
from crossfare.model.encoder import Encoder, Feature
from crossfare.types import Prediction

_E5 = re.compile(r"(^|[/:_-])e5-")


class _MeanPooled(torch.nn.Module):
    """The mean of the last layer over the tokens of a text, scaled to length 1, in fp32."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def forward(self, attention_mask: torch.Tensor, **inputs: torch.Tensor) -> dict[str, torch.Tensor]:
        states = self.model(attention_mask=attention_mask, **inputs).last_hidden_state.float()
        weights = attention_mask[:, :, None].float()
        mean = (states * weights).sum(1) / weights.sum(1)
        return {"embedding": torch.nn.functional.normalize(mean, dim=1)}


def load(path: str) -> Encoder:
    """Load an encoder whose output ``embedding`` is one vector of length 1 for each text.

    Raises:
        ConfigError: see `encoder.load`; or the checkpoint is an encoder-decoder.
    """

    def encoders_only(config: Any) -> None:
        if config.is_encoder_decoder:
            raise ConfigError(f"{path} is an encoder-decoder ({config.model_type}); a bi-encoder needs an encoder")

    encoder = encoders.load(path, "AutoModel", configure=encoders_only)
    return replace(encoder, model=_MeanPooled(encoder.model))


def known_prefixes(reference: str) -> tuple[str, str]:
    """What the model was trained to find before a query and before a passage: E5's prefixes, or nothing."""
    return ("query: ", "passage: ") if _E5.search(reference.replace("--", "/")) else ("", "")


def features(encoder: Encoder, texts: Sequence[str], *, prefix: str, max_length: int) -> list[Feature]:
    """Encode texts, composed to NFC, after ``prefix``; at most ``max_length`` tokens each."""
    if not texts:
        return []
    composed = [prefix + unicodedata.normalize("NFC", text) for text in texts]
    return encoder.tokenised(composed, max_length=min(max_length, encoder.longest))


@dataclass(slots=True)
class Best:
    """The ``k`` passages most similar to each query, exactly, of a collection that is looked at in chunks.

    ``queries`` has shape (queries, dimensions). Of equally similar passages the one added first ranks first.
    """

    queries: NDArray[np.float32]
    k: int
    similarities: NDArray[np.float32] = field(init=False)
    names: NDArray[np.object_] = field(init=False)

    def __post_init__(self) -> None:
        self.similarities = np.empty((len(self.queries), 0), dtype=np.float32)
        self.names = np.empty((len(self.queries), 0), dtype=object)

    def add(self, names: Sequence[str], passages: NDArray[np.float32]) -> None:
        """Look at passages, of shape (passages, dimensions)."""
        similarities = np.concatenate([self.similarities, self.queries @ passages.T], axis=1)
        order = np.argsort(-similarities, axis=1, kind="stable")[:, : self.k]
        new = np.broadcast_to(np.array(names, dtype=object), (len(self.queries), len(names)))
        self.names = np.take_along_axis(np.concatenate([self.names, new], axis=1), order, axis=1)
        self.similarities = np.take_along_axis(similarities, order, axis=1)

    def ranked(self, ids: Sequence[str]) -> tuple[Prediction, ...]:
        """The run, of queries with these ids."""
        predictions = []
        for name, passages, cosines in zip(ids, self.names.tolist(), self.similarities.tolist(), strict=True):
            scores = tuple(zip(passages, cosines, strict=True))
            predictions.append(Prediction(name, passages[0] if passages else "", scores=scores))
        return tuple(predictions)
