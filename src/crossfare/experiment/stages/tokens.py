"""How many tokens a model will read, told from the lengths of texts.

The layouts are those of the models (`crossfare.model`): pairs are cut at ``max_length``, contexts of
questions are read in overlapping windows. What a tokenizer makes of a text is put down to one number a
model and language, its tokens per character.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from crossfare.errors import DataError
from crossfare.strict import read_json
from crossfare.types import Example, PairExample, QAExample, RankingExample

_SPECIALS = 3
_LONGEST_QUESTION = 64
_SAMPLED = 200

Lengths = npt.NDArray[np.float64]


def training_tokens(
    examples: Sequence[Example], per_character: float, settings: Mapping[str, Any]
) -> tuple[float, int]:
    """Tokens of one epoch, and how many features they are in.

    ``settings`` is the identity of the hyperparameters.
    """
    longest = int(settings["max_length"])
    first = examples[0]
    if isinstance(first, QAExample):
        crop = settings.get("crop")
        answers = [len(example.answers[0].text) if example.answers else 0 for example in _qa(examples)]
        return _windows(_qa(examples), per_character, longest, int(settings["stride"]), crop, np.array(answers))
    if isinstance(first, PairExample):
        labelled = [example for example in examples if isinstance(example, PairExample) and example.label is not None]
        return _pairs([(e.premise, e.hypothesis) for e in labelled], per_character, longest), len(labelled)
    drawn = settings.get("negatives")
    pairs = [
        (example.query, passage)
        for example in examples
        if isinstance(example, RankingExample)
        for passage in (example.positive, *example.negatives[:drawn])
    ]
    features = len(examples) if settings.get("loss") == "listwise" else len(pairs)
    return _pairs(pairs, per_character, longest), features


def epochs(settings: Mapping[str, Any], features: int) -> float:
    """How often the training set is read."""
    steps = settings.get("max_steps")
    if not steps:
        return float(settings["epochs"])
    per_epoch = -(-features // int(settings["batch_size"]))
    return int(steps) / max(1, per_epoch)


def inference_tokens(examples: Sequence[Example], per_character: float, options: Mapping[str, Any]) -> float:
    """Tokens a model reads to answer questions or label pairs."""
    longest = int(options["max_length"])
    if isinstance(examples[0], QAExample):
        return _windows(_qa(examples), per_character, longest, int(options["stride"]), None, None)[0]
    return _pairs([example.texts[:2] for example in examples], per_character, longest)


def pair_tokens(query: float, passage: float, per_character: float, longest: int) -> float:
    """Tokens of a query and a passage of so many characters."""
    return float(min(longest, per_character * (query + passage) + _SPECIALS))


def _qa(examples: Sequence[Example]) -> list[QAExample]:
    return [example for example in examples if isinstance(example, QAExample)]


def _pairs(pairs: Sequence[Sequence[str]], per_character: float, longest: int) -> float:
    lengths = np.array([sum(map(len, pair)) for pair in pairs], dtype=np.float64)
    return float(np.minimum(lengths * per_character + _SPECIALS, longest).sum())


def _windows(
    examples: Sequence[QAExample],
    per_character: float,
    longest: int,
    stride: int,
    crop: int | None,
    answers: Lengths | None,
) -> tuple[float, int]:
    """Tokens and number of windows, as `crossfare.model.qa` cuts them."""
    asked = np.minimum(
        np.array([len(e.question) for e in examples]) * per_character, min(_LONGEST_QUESTION, longest / 2)
    )
    context = np.array([len(e.context) for e in examples]) * per_character
    capacity = longest - _SPECIALS - asked
    if crop is not None and answers is not None:
        width = np.minimum(np.minimum(np.maximum(crop, answers * per_character), capacity), context)
        return float((width + asked + _SPECIALS).sum()), len(examples)
    step = np.where(stride < capacity, capacity - stride, capacity - capacity // 2)
    windows = 1 + np.ceil(np.maximum(context - capacity, 0) / step)
    # Each window after the first reads the overlap again; the last one is shorter than the others.
    read = context + (windows - 1) * (capacity - step)
    return float((read + windows * (asked + _SPECIALS)).sum()), int(windows.sum())


def solve(total: float, count: Callable[[float], float]) -> float | None:
    """The tokens per character with which ``count`` gives ``total``; None if none does."""
    low, high = 0.01, 4.0
    if not count(low) < total <= count(high):
        return None
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if count(middle) < total else (low, middle)
    return (low + high) / 2


def counted(folder: str, sample: Sequence[str]) -> float | None:
    """Tokens per character of some texts by a checkpoint's own tokenizer.

    None if the checkpoint has no ``tokenizer.json`` or the package tokenizers is not installed.
    """
    tokenizer = _tokenizer(folder)
    characters = sum(map(len, sample[:_SAMPLED]))
    if tokenizer is None or not characters:
        return None
    encoded = tokenizer.encode_batch(list(sample[:_SAMPLED]), add_special_tokens=False)
    return sum(len(each.ids) for each in encoded) / characters


@lru_cache(maxsize=8)
def _tokenizer(folder: str) -> Any:
    path = Path(folder) / "tokenizer.json"
    try:
        from tokenizers import Tokenizer

        stated = read_json(path)
        made = Tokenizer.from_str(json.dumps({**stated, "truncation": None, "padding": None}))
    except (ImportError, OSError, ValueError, DataError):
        return None
    return made
