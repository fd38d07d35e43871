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
    path: str,
    *,
    labels: Sequence[str] | None = None,
    known: Collection[str] = (),
    dropout: float | None = None,
    order: Sequence[str] = (),
) -> Encoder:
    """Load an encoder with a head for ``labels`` (in the order of the logits), or as fine-tuned if None.

    A checkpoint that already has a head for these very labels keeps it, in its own order. One whose head has as many
    outputs under other names (LABEL_0) gets a new one, and a note: which output means what would be a guess.
    ``known`` are all labels there can be, in lower case; without any, labels are free and told apart by their case.
    ``order`` names the outputs of a head whose own names say nothing, as the user knows them.

    Raises:
        ConfigError: see `encoder.load`; or the fine-tuned model's labels are not among the known ones.
    """
    config = load_config(path)
    own = _ordered(path, _names(config, known), order, known) if _has_head(config) else _names(config, known)
    kept = labels is None or sorted(own) == sorted(labels)
    named = own if kept or labels is None else labels

    def name_labels(config: Any) -> None:
        config.id2label = dict(enumerate(named))
        config.label2id = {label: i for i, label in enumerate(named)}

    if labels is None:
        encoder = encoders.load(path, HEAD, trained=True, configure=name_labels if order else None)
        model_labels(encoder, known)
        return encoder
    encoder = encoders.load(path, HEAD, dropout=dropout, configure=name_labels, new_head=not kept)
    return replace(encoder, notes=tuple(f"{note}: {_UNNAMED.format(', '.join(own))}" for note in encoder.notes))


def _has_head(config: Any) -> bool:
    return any("ForSequenceClassification" in name for name in getattr(config, "architectures", None) or ())


def _ordered(path: str, own: tuple[str, ...], order: Sequence[str], known: Collection[str]) -> tuple[str, ...]:
    """What a head's outputs are called, by the user where they do not say it themselves."""
    given = tuple(name.lower() if known else name for name in order)
    if not given or given == own:
        return own
    if unknown := [name for name in given if known and name not in known]:
        raise ConfigError(f"head_labels: {unknown[0]!r} is none of {', '.join(known)}")
    if len(given) != len(own) or len(set(given)) < len(given):
        raise ConfigError(f"head_labels names {len(set(given))} different labels, but {path} has {len(own)} outputs")
    if sorted(given) == sorted(own):
        raise ConfigError(
            f"head_labels: {path} names its outputs itself, in another order ({', '.join(own)}); leave it out, or "
            "correct id2label in its config.json"
        )
    return given


def check_knows(encoder: Encoder, labels: Collection[str], known: Collection[str]) -> None:
    """Refuse a model that is to be taken as it is and has no output for some of the labels.

    Raises:
        ConfigError: it says what its outputs are called, and how to name them.
    """
    own = model_labels(encoder, known)
    if lacking := [label for label in labels if label not in own]:
        raise ConfigError(
            f"the model's outputs are called {', '.join(own)}, none of them {lacking[0]!r}; name them by head_labels, "
            "in their order, or fine-tune it (epochs)"
        )


def model_labels(encoder: Encoder, known: Collection[str] = ()) -> tuple[str, ...]:
    """The labels of a fine-tuned model, in the order of its logits.

    Raises:
        ConfigError: a label is not among the ``known`` ones, as in a model saved without label names.
    """
    labels = _names(encoder.model.config, known)
    if unknown := set(labels) - set(known or labels):
        raise ConfigError(
            f"the model's label {min(unknown)!r} is not one of {', '.join(known)}; "
            "say with head_labels, or in id2label of its config.json, which output means which"
        )
    if len(set(labels)) < len(labels):
        raise ConfigError(
            f"the model has two outputs for one label ({', '.join(labels)}); correct id2label in its config.json"
        )
    return labels


def _names(config: Any, known: Collection[str]) -> tuple[str, ...]:
    """What a model calls its outputs, in their order; in lower case where all names are known, and so are.

    Where its two tables of names contradict each other, none of them counts.
    """
    names = getattr(config, "id2label", None) or {}
    back = getattr(config, "label2id", None) or {}
    agree = all(back.get(name, place) == place for place, name in names.items())
    found = (str(names.get(i, f"output {i}")) if agree else f"output {i}" for i in range(len(names)))
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
