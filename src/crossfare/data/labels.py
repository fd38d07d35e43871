"""What labels are called: one vocabulary of natural language inference for all files, and what a user says of others.

Numbers mean nothing by themselves (0 is entailment in most data, and contradiction in many a model): the user says in
which order they stand for labels. "-" and -1 are no label, as in MNLI and on the hub.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from crossfare.errors import ConfigError, DataError
from crossfare.types import NLI_LABELS

NLI: Mapping[str, str | None] = {
    "entailment": "entailment",
    "entail": "entailment",
    "entails": "entailment",
    "entailed": "entailment",
    "neutral": "neutral",
    "contradiction": "contradiction",
    "contradictory": "contradiction",
    "contradict": "contradiction",
    "contradicts": "contradiction",
    "paraphrase": "paraphrase",
    "-": None,
    "-1": None,
}
"""Words for labels of pairs, in lower case; None is no label."""

LETTERS = {"e": "entailment", "n": "neutral", "c": "contradiction"}
"""ANLI's. They mean something under a heading only: a, b, c may be the header of a table itself."""

_WHOLE = re.compile(r"([-+]?\d{1,18})\.0+")
_FRACTION = re.compile(r"[-+]?\d*\.\d+(?:[eE][-+]?\d+)?")
_NONE = {"-", "-1", ""}
_HEADINGS = {"label", "labels", "gold_label", "gold", "class", "target", "y", "relation", "judgment"}
_ORDER = ", ".join(NLI_LABELS[:3])


def plain(word: str) -> str:
    """A word as it is, but a whole number that a tool wrote as 1.0 is 1."""
    found = _WHOLE.fullmatch(word.strip())
    return str(int(found[1])) if found else word


def stated(given: Any) -> dict[str, str | None]:
    """What a user says: a mapping from the file's own labels, or the labels in the order of its numbers.

    Raises:
        ConfigError: it is neither, names a label twice, or one label only.
    """
    pairs = list(given.items()) if isinstance(given, Mapping) else None
    if isinstance(given, Sequence) and not isinstance(given, str):
        pairs = list(enumerate(given))
        if len({str(label) for label in given}) < len(given):
            raise ConfigError(f"labels: {', '.join(map(str, given))} names one twice; give each number its own label")
    if not pairs or any(isinstance(each, list | dict | tuple) for pair in pairs for each in pair):
        raise ConfigError(
            f"labels: {str(given)[:60]!r} is neither a mapping from the file's labels ({{yes: entailment}}), nor the "
            f"labels in the order of its numbers ([{_ORDER}]), nor two-class"
        )
    made = {plain(_written(word)).strip(): _meant(label) for word, label in pairs}
    if len(made) < len(pairs):
        raise ConfigError("labels: one of the file's labels is mapped twice; say once what it means")
    return made


def of_pairs(words: Mapping[str, str | None]) -> dict[str, str | None]:
    """What a user says of pairs, as labels of natural language inference.

    Raises:
        ConfigError: one of them is no such label.
    """
    made: dict[str, str | None] = {}
    for word, label in words.items():
        if label is not None and label.lower() not in NLI:
            raise ConfigError(f"labels: {label!r} is none of {', '.join(NLI_LABELS)}, paraphrase, or - for none")
        made[word] = None if label is None else NLI[label.lower()]
    return made


def canonical(
    word: str | None, where: str, *, stated: Mapping[str, str | None] | None, own: Mapping[str, str | None] | None
) -> str | None:
    """The label that a file's word stands for, None for none.

    What the user says comes first, then the format's ``own`` words, then the vocabulary. ``own`` is None where labels
    are free: then every word is a label, unless the user says which there are.

    Raises:
        DataError: it stands for nothing that is known.
    """
    if word is None or word == "":
        return None
    if stated is None and own is not None and word in own:
        return own[word]
    key = plain(word)
    if stated is not None and (found := _looked_up(key, stated)) is not None:
        return found[0]
    if own is None:
        return _free(key, where, stated)
    found = _looked_up(key, own) or _looked_up(key, NLI)
    if found is None:
        raise DataError(f"{where}: {_unknown_pair_label(word)}")
    return found[0]


def _free(word: str, where: str, stated: Mapping[str, str | None] | None) -> str | None:
    if stated is None:
        if _FRACTION.fullmatch(word.strip()):
            raise DataError(
                f"{where}: the label {word!r} is a number with a fraction, no class; say with labels which class it is"
            )
        return word
    if word.strip() in _NONE:
        return None
    if word in stated.values():
        return word
    raise DataError(f"{where}: unknown label {word!r}; labels names {', '.join(stated)}")


def _looked_up(word: str, words: Mapping[str, str | None]) -> tuple[str | None] | None:
    """What a word stands for, in whatever case; its case counts where two differ by it only."""
    word = word.strip()
    if word in words:
        return (words[word],)
    folded = {each.lower(): label for each, label in words.items()}
    return (folded[word.lower()],) if word.lower() in folded else None


def _unknown_pair_label(word: str) -> str:
    said = f"unknown label {word[:60]!r}"
    if word.strip().lower() in _HEADINGS:
        return f"{said}; if it heads a column, say with columns what the others hold, such as {{premise: NAME}}"
    if word.strip().lstrip("-+").replace(".", "", 1).isdigit():
        return (
            f"{said}; numbers are known by their order only: say it with labels, such as [{_ORDER}] if 0 is "
            "entailment (as on the hub)"
        )
    shown = word if re.fullmatch(r"\w[\w -]{0,30}", word) else "WORD"
    return f"{said}; known are {_ORDER} and - for none; say with labels what others mean, such as {{{shown}: neutral}}"


def _written(word: Any) -> str:
    if isinstance(word, bool):
        return str(word).lower()
    return "" if word is None else str(word)


def _meant(label: Any) -> str | None:
    text = _written(label).strip()
    return None if text in _NONE else text
