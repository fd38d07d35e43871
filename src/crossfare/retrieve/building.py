"""Build an index from a stream of passages, holding one shard of them in memory at a time.

First each shard is written with plain term frequencies; when the last passage is seen, document frequencies and the
average length of the whole collection are known, and the frequencies are turned into scores in place.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from array import array
from collections.abc import Callable, Iterable
from operator import length_hint
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from crossfare.errors import ConfigError, DataError
from crossfare.retrieve.analysis import Analyser, analysis_revision
from crossfare.retrieve.index import HEADER, Header, Index
from crossfare.retrieve.settings import BM25
from crossfare.retrieve.strings import Strings, mapped
from crossfare.store import write_json
from crossfare.types import Passage, Progress, canonical_json

MAX_SHARD = 1_000_000
"""Most passages in one shard."""

_SHARD_TERMS = 1 << 25  # of long passages fewer fit into a shard: sorting this many takes about a gigabyte
_REMEMBERED_WORDS = 2_000_000
_TELL_EVERY = 1000  # passages


def build(
    passages: Iterable[Passage],
    folder: str | Path,
    settings: BM25,
    *,
    shard_size: int = MAX_SHARD,
    progress: Progress | None = None,
) -> Index:
    """Index ``passages`` into ``folder``, which is replaced in one step when all is done, and open the index.

    A passage without terms is counted (`Header.empty`) and never found. Progress counts passages.

    Raises:
        ConfigError: the shard size is not in 1 to 1,000,000, or ``folder`` holds something else than an index.
        DataError: there are no passages, two share an id, or one holds half a surrogate pair.
    """
    if not 0 < shard_size <= MAX_SHARD:
        raise ConfigError(f"BM25: shard_size must be in 1-{MAX_SHARD}, not {shard_size}")
    folder = Path(folder)
    if folder.exists() and any(folder.iterdir()) and not (folder / HEADER).exists():
        raise ConfigError(f"{folder}: holds files that are not a BM25 index; name another folder")
    making = folder.absolute().with_name(f".{folder.absolute().name}.{os.getpid()}")
    shutil.rmtree(making, ignore_errors=True)
    making.mkdir(parents=True)
    try:
        header = _write(passages, making, settings, shard_size, progress)
        write_json(making / HEADER, header.as_json())
        if folder.exists():
            shutil.rmtree(folder)
        making.replace(folder)
    finally:
        shutil.rmtree(making, ignore_errors=True)
    return Index.open(folder)


def _write(
    passages: Iterable[Passage], folder: Path, settings: BM25, shard_size: int, progress: Progress | None
) -> Header:
    expected = length_hint(passages)
    shards = _Shards(folder, Analyser(settings.language, settings.analysis), shard_size)
    hasher = hashlib.sha256()
    hashes = array("q")
    with Strings.writing(folder / "passages.utf8") as write_id:
        for passage in passages:
            hasher.update(_content(passage))
            hashes.append(hash(passage.id))
            write_id(passage.id)
            shards.add(passage.text)
            if progress is not None and len(hashes) % _TELL_EVERY == 0:
                progress(len(hashes), max(len(hashes), expected))
    if not hashes:
        raise DataError("there are no passages to index")
    _refuse_repeated(Strings(folder / "passages.utf8"), np.frombuffer(hashes, dtype=np.int64))
    mean_terms = shards.finish(settings)
    if progress is not None:
        progress(len(hashes), len(hashes))
    return Header(
        settings=settings,
        revision=hasher.hexdigest()[:16],
        analysis=analysis_revision(settings.analysis),
        passages=len(hashes),
        empty=shards.empty,
        terms=len(shards.vocabulary.numbers),
        mean_terms=mean_terms,
        shards=tuple(len(lengths) for lengths in shards.lengths),
    )


def _content(passage: Passage) -> bytes:
    """What `crossfare.types.content_revision` reads of a passage."""
    try:
        return canonical_json([passage.id, passage.text]).encode()
    except UnicodeEncodeError:
        raise DataError(
            f"passage {passage.id!a} holds half of a surrogate pair, which is no character; repair the file"
        ) from None


def _refuse_repeated(ids: Strings, hashes: NDArray[np.int64]) -> None:
    order = np.argsort(hashes, kind="stable")
    same = np.flatnonzero(np.diff(hashes[order]) == 0)
    for pair in zip(order[same].tolist(), order[same + 1].tolist(), strict=True):
        one, other = ids.at(pair)
        if one == other:
            raise DataError(f"passages {pair[0] + 1} and {pair[1] + 1} share the id {one!r}; ids must be unique")


class _Vocabulary(dict[str, int]):
    """Remembers the number of the term that each folded word becomes; -1 for a stop word."""

    def __init__(self, term: Callable[[str], str | None]) -> None:
        super().__init__()
        self._term = term
        self.numbers: dict[str, int] = {}

    def __missing__(self, word: str) -> int:
        term = self._term(word)
        number = -1 if term is None else self.numbers.setdefault(term, len(self.numbers))
        if len(self) >= _REMEMBERED_WORDS:
            self.clear()
        self[word] = number
        return number


class _Shards:
    """The shards that are written, and the one that is being filled."""

    def __init__(self, folder: Path, analyser: Analyser, shard_size: int) -> None:
        self._folder = folder
        self._words = analyser.words
        self._size = shard_size
        self.vocabulary = _Vocabulary(analyser.term)
        self.lengths: list[NDArray[np.int32]] = []
        self.empty = 0
        self._begin()

    def _begin(self) -> None:
        self._terms, self._lengths = array("i"), array("i")

    def add(self, text: str) -> None:
        """Add the next passage."""
        terms = [number for number in map(self.vocabulary.__getitem__, self._words(text)) if number >= 0]
        self._terms.extend(terms)
        self._lengths.append(len(terms))
        self.empty += not terms
        if len(self._lengths) >= self._size or len(self._terms) >= _SHARD_TERMS:
            self._end()

    def _end(self) -> None:
        """Write the filled shard, with term frequencies where scores will be."""
        shard = len(self.lengths)
        self._array(shard, "data").parent.mkdir()
        lengths = np.frombuffer(self._lengths, dtype=np.int32)
        terms, passages, frequencies = _count(np.frombuffer(self._terms, dtype=np.int32), lengths)
        np.save(self._array(shard, "data"), frequencies.astype(np.float32))
        np.save(self._array(shard, "indices"), passages)
        np.save(self._array(shard, "indptr"), _starts(np.bincount(terms, minlength=len(self.vocabulary.numbers))))
        self.lengths.append(lengths)
        self._begin()

    def finish(self, settings: BM25) -> float:
        """Turn frequencies into scores and write the vocabulary; return the mean number of terms of a passage."""
        if self._lengths:
            self._end()
        numbers = self.vocabulary.numbers
        found_in = np.zeros(len(numbers), dtype=np.int64)
        for number in range(len(self.lengths)):
            counts = np.diff(mapped(self._array(number, "indptr")))
            found_in[: len(counts)] += counts
        total = sum(map(len, self.lengths))
        mean_terms = sum(int(lengths.sum()) for lengths in self.lengths) / total
        idf = np.log1p((total - found_in + 0.5) / (found_in + 0.5))
        for number in range(len(self.lengths)):
            self._weigh(number, idf, mean_terms, settings)
        ordered = sorted(numbers)
        with Strings.writing(self._folder / "terms.utf8") as write_term:
            for term in ordered:
                write_term(term)
        np.save(self._folder / "numbers.npy", np.fromiter(map(numbers.__getitem__, ordered), dtype=np.int32))
        return mean_terms

    def _weigh(self, number: int, idf: NDArray[np.float64], mean_terms: float, settings: BM25) -> None:
        counts = np.diff(mapped(self._array(number, "indptr")))
        counts = np.concatenate([counts, np.zeros(len(idf) - len(counts), dtype=counts.dtype)])
        np.save(self._array(number, "indptr"), _starts(counts))
        data, k1, b = mapped(self._array(number, "data"), "r+"), settings.k1, settings.b
        if len(data):  # else the mean may be 0
            weights = self.lengths[number] * (k1 * b / mean_terms) + k1 * (1 - b)
            weights = weights[mapped(self._array(number, "indices"))]
            weights += data
            np.divide(data, weights, out=weights)
            weights *= np.repeat(idf, counts)
            data[:] = weights

    def _array(self, number: int, name: str) -> Path:
        return self._folder / f"shard-{number}" / f"{name}.npy"


def _count(
    terms: NDArray[np.int32], lengths: NDArray[np.int32]
) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.int64]]:
    """Count how often each term occurs in each passage: terms, passages and counts, by term, then by passage."""
    keys = terms.astype(np.int64)
    keys <<= 32
    keys |= np.repeat(np.arange(len(lengths), dtype=np.int32), lengths)
    keys.sort()
    first = np.flatnonzero(np.diff(keys, prepend=-1))
    frequencies = np.diff(first, append=len(keys))
    keys = keys[first]
    return keys >> 32, (keys & 0xFFFFFFFF).astype(np.int32), frequencies


def _starts(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(counts, dtype=np.int64)])
