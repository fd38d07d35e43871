"""How many tokens a model will read, beside what each task tells of it from the lengths of texts.

What a tokenizer makes of a text is put down to one number a model and language, its tokens per character.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from crossfare.errors import DataError
from crossfare.strict import read_json
from crossfare.tasks.task import SPECIALS

_SAMPLED = 200


def epochs(settings: Mapping[str, Any], features: int) -> float:
    """How often the training set is read."""
    steps = settings.get("max_steps")
    if not steps:
        return float(settings["epochs"])
    per_epoch = -(-features // int(settings["batch_size"]))
    return int(steps) / max(1, per_epoch)


def pair_tokens(query: float, passage: float, per_character: float, longest: int) -> float:
    """Tokens of a query and a passage of so many characters."""
    return float(min(longest, per_character * (query + passage) + SPECIALS))


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
