"""A text or a pair of texts: tokens with a label, logits to labels."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crossfare.errors import ConfigError, DataError
from crossfare.model import encoder as encoders
from crossfare.model.encoder import Encoder, Feature
from crossfare.pretrained.loading import load_config
from crossfare.types import Example, Labelled, Prediction

HEAD = "AutoModelForSequenceClassification"

_UNNAMED = (
    "its labels ({}) do not say what its outputs mean; to keep it, name them in id2label of its config.json, in the "
    "order of its outputs"
)


def load(
    path: str, *, labels: Sequence[str] | None = None, known: Collection[str] = (), dropout: float | None = None
) -> Encoder:
    """Load an encoder with a head for ``labels`` (in the order of the logits), or as fine-tuned if None.

    A checkpoint that already has a head for these very labels keeps it, in its own order. One whose head has as many
    outputs under other names (LABEL_0) gets a new one, and a note: which output means what would be a guess.
    ``known`` are all labels there can be, in lower case; without any, labels are free and told apart by their case.

    Raises:
        ConfigError: see `encoder.load`; or the fine-tuned model's labels are not among the known ones.
    """
    if labels is None:
        encoder = encoders.load(path, HEAD, trained=True)
        model_labels(encoder, known)
        return encoder

    own = _names(load_config(path), known)
    kept = sorted(own) == sorted(labels)
    named = own if kept else labels

    def name_labels(config: Any) -> None:
        config.id2label = dict(enumerate(named))
        config.label2id = {label: i for i, label in enumerate(named)}

    encoder = encoders.load(path, HEAD, dropout=dropout, configure=name_labels, new_head=not kept)
    return replace(encoder, notes=tuple(f"{note}: {_UNNAMED.format(', '.join(own))}" for note in encoder.notes))


def model_labels(encoder: Encoder, known: Collection[str] = ()) -> tuple[str, ...]:
    """The labels of a fine-tuned model, in the order of its logits.

    Raises:
        ConfigError: a label is not among the ``known`` ones, as in a model saved without label names.
    """
    labels = _names(encoder.model.config, known)
    if unknown := set(labels) - set(known or labels):
        raise ConfigError(
            f"the model's label {min(unknown)!r} is not one of {', '.join(known)}; "
            "say in id2label of its config.json which output means which"
        )
    if len(set(labels)) < len(labels):
        raise ConfigError(
            f"the model has two outputs for one label ({', '.join(labels)}); correct id2label in its config.json"
        )
    return labels


def _names(config: Any, known: Collection[str]) -> tuple[str, ...]:
    """What a model calls its outputs, in their order; in lower case where all names are known, and so are."""
    names = getattr(config, "id2label", None) or {}
    found = (str(names.get(i, f"output {i}")) for i in range(len(names)))
    return tuple(name.lower() if known else name for name in found)


def training_features(
    encoder: Encoder, examples: Sequence[Labelled], *, max_length: int = 128, known: Collection[str] = ()
) -> list[Feature]:
    """Encode labelled examples; ``labels`` is the index in the model's labels.

    Raises:
        DataError: an example has no label, or one the model has no output for.
    """
    index = {label: i for i, label in enumerate(model_labels(encoder, known))}
    made = features(encoder, examples, max_length=max_length)
    for example, feature in zip(examples, made, strict=True):
        if example.label not in index:
            raise DataError(f"example {example.id!r} has the label {example.label!r}; the model knows {list(index)}")
        feature["labels"] = index[example.label]
    return made


def features(encoder: Encoder, examples: Sequence[Example], *, max_length: int = 128) -> list[Feature]:
    """Encode texts or pairs, composed to NFC; of a pair over ``max_length`` tokens the longer text is cut first."""
    if not examples:
        return []
    limit = min(max_length, encoder.longest)
    columns = zip(*(example.texts for example in examples), strict=True)
    return encoder.tokenised(
        *(_bounded(encoder, texts, limit) for texts in columns), max_length=limit, truncation="longest_first"
    )


def _bounded(encoder: Encoder, texts: Sequence[str], limit: int) -> list[str]:
    """Texts composed to NFC, without what lies far beyond ``limit`` tokens.

    Of two long texts the tokenizer would pair every piece that it cuts off with every other one: some 50,000 words
    each take all the memory that there is. What is kept of a text is the same.
    """
    composed = [unicodedata.normalize("NFC", text) for text in texts]
    long = [text for text in composed if len(text) > 8 * limit]
    short = dict(zip(long, encoders.shortened(encoder.tokenizer, long, 2 * limit), strict=True)) if long else {}
    return [short.get(text, text) for text in composed]


def decode(
    examples: Sequence[Example], logits: NDArray[Any], labels: Sequence[str], renames: Mapping[str, str]
) -> tuple[Prediction, ...]:
    """Label each example by its largest logit; ``logits`` has shape (examples, labels).

    It is the prediction that ``renames`` maps, not the probabilities: ``scores`` keeps the model's own labels.
    """
    shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
    probabilities = shifted / shifted.sum(axis=1, keepdims=True)
    predictions = []
    for example, row in zip(examples, probabilities.tolist(), strict=True):
        scores = tuple(sorted(zip(labels, row, strict=True), key=lambda item: -item[1]))
        best = scores[0][0]
        predictions.append(Prediction(example.id, renames.get(best, best), scores=scores))
    return tuple(predictions)
