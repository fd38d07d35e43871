"""Texts and their characters, counted as they pass by: a collection of any size needs hardly any memory."""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from crossfare.data.collection import id_hash
from crossfare.data.sources import Triple

Facts = tuple[tuple[str, int], ...]
"""(what, how many) of other things than characters."""


@dataclass(frozen=True, slots=True)
class TextCount:
    """One kind of text: how many there are and their characters, with and without white space."""

    what: str
    texts: int
    characters: int
    without_space: int


@dataclass(slots=True)
class _Sum:
    what: str
    texts: int = 0
    characters: int = 0
    without_space: int = 0

    def add(self, text: str) -> None:
        self.texts += 1
        self.characters += len(text)
        self.without_space += sum(map(len, text.split()))

    def total(self) -> TextCount:
        return TextCount(self.what, self.texts, self.characters, self.without_space)


@dataclass(slots=True)
class _Ids:
    """Tells repeated ids by their hashes, 8 bytes each."""

    hashes: array[int] = field(default_factory=lambda: array("Q"))

    def repeated(self) -> int:
        return len(self.hashes) - len(np.unique(np.frombuffer(self.hashes, dtype=np.uint64)))


def count(what: str, texts: Iterable[str]) -> TextCount:
    """Count texts and their characters (Unicode code points)."""
    found = _Sum(what)
    for text in texts:
        found.add(text)
    return found.total()


def count_with_ids(what: str, items: Iterable[tuple[str, str]]) -> tuple[TextCount, Facts]:
    """Count texts given with their ids; also how many are empty, and how many ids were there before."""
    found, ids, empty = _Sum(what), _Ids(), 0
    for name, text in items:
        found.add(text)
        ids.hashes.append(id_hash(name))
        empty += not text.strip()
    return found.total(), ((f"empty {what}", empty), (f"{what} with a repeated id", ids.repeated()))


def count_triples(triples: Iterable[Triple]) -> tuple[tuple[TextCount, ...], Facts]:
    """Count the texts of a file of triples, and how many distinct queries there are.

    Raises:
        DataError: the file is malformed (with its line).
    """
    query, positive, negative = (_Sum(what) for what in ("queries", "positive passages", "negative passages"))
    distinct = _Ids()
    for triple in triples:
        query.add(triple.query)
        positive.add(triple.positive)
        negative.add(triple.negative)
        distinct.hashes.append(id_hash(triple.query))
    facts = (("distinct queries", query.texts - distinct.repeated()),)
    return (query.total(), positive.total(), negative.total()), facts
