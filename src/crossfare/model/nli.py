"""Sentence pairs: tokens with a label, logits to labels."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crossfare.errors import ConfigError, DataError
from crossfare.model import encoder as encoders
from crossfare.model.encoder import Encoder, Feature
from crossfare.pretrained.loading import load_config
from crossfare.types import NLI_LABELS, PairExample, Prediction

HEAD = "AutoModelForSequenceClassification"

_UNNAMED = (
    "its labels ({}) do not say what its outputs mean; to keep it, name them in id2label of its config.json, in the "
    "order of its outputs"
)

_TO_TWO_CLASSES = {"contradiction": "neutral"}


@dataclass(frozen=True, slots=True)
class Pairs:
    """Examples and their features, in the same order."""

    examples: tuple[PairExample, ...]
    features: list[Feature]


def load(path: str, *, labels: Sequence[str] | None = None, dropout: float | None = None) -> Encoder:
    """Load an encoder with a head for ``labels`` (in the order of the logits), or as fine-tuned if None.

    A checkpoint that already has a head for these very labels keeps it, in its own order. One whose head has as many
    outputs under other names (LABEL_0) gets a new one, and a note: which output means what would be a guess.

    Raises:
        ConfigError: see `encoder.load`; or the fine-tuned model's labels are not those of NLI.
    """
    if labels is None:
        encoder = encoders.load(path, HEAD, trained=True)
        model_labels(encoder)
        return encoder

    known = _names(load_config(path))
    kept = sorted(known) == sorted(labels)
    ordered = known if kept else labels

    def name_labels(config: Any) -> None:
        config.id2label = dict(enumerate(ordered))
        config.label2id = {label: i for i, label in enumerate(ordered)}

    encoder = encoders.load(path, HEAD, dropout=dropout, configure=name_labels, new_head=not kept)
    return replace(encoder, notes=tuple(f"{note}: {_UNNAMED.format(', '.join(known))}" for note in encoder.notes))


def labels_of(examples: Sequence[PairExample]) -> tuple[str, ...]:
    """The labels that occur, in canonical order."""
    present = {example.label for example in examples if example.label is not None}
    return tuple(label for label in NLI_LABELS if label in present)


def model_labels(encoder: Encoder) -> tuple[str, ...]:
    """The labels of a fine-tuned model, in the order of its logits.

    Raises:
        ConfigError: a label is not one of NLI's, as in a model saved without label names.
    """
    labels = _names(encoder.model.config)
    if unknown := set(labels) - set(NLI_LABELS):
        raise ConfigError(
            f"the model's label {min(unknown)!r} is not one of {', '.join(NLI_LABELS)}; "
            "say in id2label of its config.json which output means which"
        )
    if len(set(labels)) < len(labels):
        raise ConfigError(
            f"the model has two outputs for one label ({', '.join(labels)}); correct id2label in its config.json"
        )
    return labels


def _names(config: Any) -> tuple[str, ...]:
    """What a model calls its outputs, in their order, in lower case."""
    names = getattr(config, "id2label", None) or {}
    return tuple(str(names.get(i, f"output {i}")).lower() for i in range(len(names)))


def training_features(encoder: Encoder, examples: Sequence[PairExample], *, max_length: int = 128) -> list[Feature]:
    """Encode labelled pairs; ``labels`` is the index in the model's labels.

    Raises:
        DataError: an example has no label, or one the model has no output for.
    """
    index = {label: i for i, label in enumerate(model_labels(encoder))}
    features = inference_pairs(encoder, examples, max_length=max_length).features
    for example, feature in zip(examples, features, strict=True):
        if example.label not in index:
            raise DataError(f"example {example.id!r} has the label {example.label!r}; the model knows {list(index)}")
        feature["labels"] = index[example.label]
    return features


def inference_pairs(encoder: Encoder, examples: Sequence[PairExample], *, max_length: int = 128) -> Pairs:
    """Encode pairs, composed to NFC; of a pair over ``max_length`` tokens the longer text is cut first."""
    if not examples:
        return Pairs((), [])
    limit = min(max_length, encoder.longest)
    encoded = encoder.tokenizer(
        _bounded(encoder, [example.premise for example in examples], limit),
        _bounded(encoder, [example.hypothesis for example in examples], limit),
        truncation="longest_first",
        max_length=limit,
        return_token_type_ids=encoder.segments,
        return_attention_mask=False,
    )
    columns = {name: encoded[name] for name in ("input_ids", "token_type_ids") if name in encoded}
    features = [
        {name: np.asarray(rows[i], dtype=np.int64) for name, rows in columns.items()} for i in range(len(examples))
    ]
    return Pairs(tuple(examples), features)


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
    examples: Sequence[PairExample], logits: NDArray[Any], labels: Sequence[str], *, classes: str | None = None
) -> tuple[Prediction, ...]:
    """Label each example by its largest logit; ``logits`` has shape (examples, labels).

    On two-class data a predicted contradiction becomes neutral (paper section 5.2.1, alternative 1). It is the
    prediction that is mapped, not the probabilities: ``scores`` keeps the model's own labels. ``classes`` says
    "two-class" or "three-class"; None takes data whose labels include no contradiction for two-class.
    """
    present = labels_of(examples)
    two = classes == "two-class" or (classes is None and bool(present) and "contradiction" not in present)
    renames = _TO_TWO_CLASSES if two else {}
    shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
    probabilities = shifted / shifted.sum(axis=1, keepdims=True)
    predictions = []
    for example, row in zip(examples, probabilities.tolist(), strict=True):
        scores = tuple(sorted(zip(labels, row, strict=True), key=lambda item: -item[1]))
        best = scores[0][0]
        predictions.append(Prediction(example.id, renames.get(best, best), scores=scores))
    return tuple(predictions)
