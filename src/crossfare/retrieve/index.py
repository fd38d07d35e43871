"""An index on disk, and what is found with it.

    index.json               settings, content revision and counts; written last
    passages.utf8            the ids of the passages, by position
    terms.utf8, numbers.npy  the terms in order, and the row of the matrices each has
    shard-N/                 up to a million passages: a sparse matrix of scores (term by passage), term by term:
      data.npy               the scores
      indices.npy            the passages they belong to, counted from the first of the shard
      indptr.npy             where each term's scores begin

Scores are made with the statistics of the whole collection, so how it is cut into shards changes nothing.
All files are memory-mapped: what is not asked for is not read.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import cached_property
from importlib.util import find_spec
from itertools import accumulate
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from crossfare.errors import ConfigError, DataError, StaleArtifact
from crossfare.languages import writes_in_pairs
from crossfare.retrieve.analysis import Analyser, analysis_revision, in_pairs
from crossfare.retrieve.settings import BM25
from crossfare.retrieve.strings import Strings, mapped
from crossfare.strict import read_json
from crossfare.types import Prediction, Progress

HEADER = "index.json"
FORMAT = 1

Backend = Literal["auto", "numba", "numpy"]

# Below this many passages numba compiles for longer than it saves, over thousands of queries.
_WORTH_COMPILING = 1_000_000

_TERMS_AT_ONCE = 1 << 16

# Where a query's terms stand in fewer passages than one in so many, those alone are looked at.
_SPARSE = 4

_MOST_BITS = 0x7FFFFFFF

_Found = tuple[NDArray[np.int64], NDArray[np.float32]]

# Enough of the scores to learn from what the best k have at least; the others are then skipped at a glance.
_FIRST_LOOK = 1 << 16


@dataclass(frozen=True, slots=True)
class Header:
    """What an index holds.

    ``revision`` identifies the passages (ids, texts and order), ``analysis`` what the installed stemmer and stop
    words made of them; ``empty`` passages have no terms, ``mean_terms`` is avgdl, ``shards`` are numbers of passages.
    """

    settings: BM25
    revision: str
    analysis: str
    passages: int
    empty: int
    terms: int
    mean_terms: float
    shards: tuple[int, ...]
    format: int = FORMAT

    def as_json(self) -> dict[str, Any]:
        """The header as plain data."""
        return {**asdict(self), "settings": self.settings.identity(), "shards": list(self.shards)}

    @classmethod
    def read(cls, folder: Path) -> Header:
        """Read the header of the index in ``folder``.

        Raises:
            DataError: there is none.
            StaleArtifact: it cannot be read, or another version of crossfare wrote it.
        """
        if not (folder / HEADER).is_file():
            raise DataError(f"{folder}: no BM25 index is here (no {HEADER}); build one first")
        read = read_json(folder / HEADER, error=StaleArtifact, todo=f"delete {folder} and build it again")
        try:
            if read["format"] != FORMAT:
                raise ValueError(f"format {read['format']}")
            return cls(**{**read, "settings": BM25(**read["settings"]), "shards": tuple(read["shards"])})
        except (ValueError, TypeError, KeyError, ConfigError) as error:
            raise StaleArtifact(
                f"{folder / HEADER}: unreadable ({error}); delete {folder} and build it again"
            ) from error


class Index:
    """An opened index. Searching it is deterministic: equal scores stand in the order of the collection."""

    def __init__(self, folder: Path, header: Header, backend: Backend = "auto") -> None:
        self.folder = folder
        self.header = header
        self._analyser = Analyser(header.settings.language, header.settings.analysis)
        self._scorer = _scorer(header, backend)
        self._ids = Strings(folder / "passages.utf8")
        self._terms = Strings(folder / "terms.utf8")
        self._numbers = mapped(folder / "numbers.npy")
        self._shards = [_shard(folder, number, size) for number, size in enumerate(header.shards)]
        self._starts = list(accumulate(header.shards, initial=0))[:-1]

    @classmethod
    def open(cls, folder: str | Path, *, backend: Backend = "auto") -> Index:
        """Open the index in ``folder``.

        ``backend`` is what bm25s adds scores up with; results are equal. "auto" is numba where it is installed and
        the collection is large enough to be worth the seconds it compiles for.

        Raises:
            DataError: there is no index in ``folder``.
            StaleArtifact: a file of it is damaged, or the installed packages would cut queries into other terms.
            ConfigError: bm25s, PyStemmer or numba is needed and not installed.
        """
        folder = Path(folder)
        header = Header.read(folder)
        if header.analysis != analysis_revision(header.settings.analysis):
            raise StaleArtifact(
                f"{folder}: built with another version of PyStemmer or bm25s, whose stems or stop words differ; "
                f"delete {folder} and build it again"
            )
        try:
            return cls(folder, header, backend)
        except (OSError, ValueError) as error:
            raise StaleArtifact(f"{folder}: damaged index ({error}); delete {folder} and build it again") from error

    def __len__(self) -> int:
        return self.header.passages

    def search(
        self, queries: Sequence[tuple[str, str]], k: int, *, progress: Progress | None = None
    ) -> tuple[Prediction, ...]:
        """Find the best ``k`` passages for each (id, text) of ``queries``; fewer where fewer share a term with it.

        A query without a known term (nothing but punctuation, stop words or unseen words) finds nothing: its
        prediction has no scores and the output "". Progress counts queries.

        Raises:
            ConfigError: ``k`` is less than 1.
            DataError: two queries share an id.
        """
        if k < 1:
            raise ConfigError(f"BM25: k must be at least 1, not {k}")
        if repeated := _first_repeated([query_id for query_id, _ in queries]):
            raise DataError(f"two queries have the id {repeated!r}; ids must be unique")
        names = np.empty(len(self), dtype=object)  # many queries find the same passages: hold each id once
        known = np.zeros(len(self), dtype=bool)
        run = []
        with _without_collecting():
            for query_id, text in queries:
                positions, scores = self._best(text, k)
                new = positions[~known[positions]]
                names[new], known[new] = self._ids.at(new), True
                ranked = tuple(zip(names[positions].tolist(), scores.tolist(), strict=True))
                run.append(Prediction(query_id, ranked[0][0] if ranked else "", scores=ranked))
                if progress is not None:
                    progress(len(run), len(queries))
        return tuple(run)

    def _best(self, text: str, k: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Positions of the best ``k`` passages and their scores."""
        rows = [row for term in self._analyser.terms(text) for row in self._rows(term)]
        numbers = self._numbers[rows].tolist() if rows else []
        if not numbers:
            return np.empty(0, np.int64), np.empty(0, np.float32)
        found = [self._scored(shard, numbers, k) for shard in self._shards]
        positions = [each + start for (each, _), start in zip(found, self._starts, strict=True)]
        return _ordered(np.concatenate(positions), np.concatenate([scores for _, scores in found]), k)

    def _scored(self, shard: Mapping[str, Any], numbers: Sequence[int], k: int) -> _Found:
        """The passages of a shard that may be among its best ``k``, in no order, and their scores."""
        if self._scorer is None:
            ends = shard["indptr"]
            rows = np.asarray(numbers)
            postings = list(map(slice, ends[rows].tolist(), ends[rows + 1].tolist()))
            if _SPARSE * sum(each.stop - each.start for each in postings) < shard["num_docs"]:
                return _sparse(shard, postings, self._sums, k)
            all_scores = _dense(shard, postings)
        else:
            self._scorer.scores = shard
            all_scores = self._scorer.get_scores_from_ids(numbers)
        chosen = _at_least_kth(all_scores, k)
        return chosen, all_scores[chosen]

    @cached_property
    def _sums(self) -> NDArray[np.float32]:
        """Where scores are added up: zeros but in between."""
        return np.zeros(max(self.header.shards), dtype=np.float32)

    def _rows(self, term: str) -> Sequence[int]:
        """Where a term of a query stands among those indexed; a lone character asks for every pair that holds it.

        The index has no character by itself but where one stands alone: "茶" would not find a passage on "緑茶".
        """
        if len(term) == 1 and in_pairs(term) and writes_in_pairs(self.header.settings.language):
            return self._holding.get(term, ())
        row = self._terms.find(term)
        return () if row is None else (row,)

    @cached_property
    def _holding(self) -> dict[str, list[int]]:
        """The pairs, and the character by itself, that hold each character."""
        found: dict[str, list[int]] = {}
        for start in range(0, len(self._terms), _TERMS_AT_ONCE):
            rows = range(start, min(start + _TERMS_AT_ONCE, len(self._terms)))
            for row, term in zip(rows, self._terms.at(rows), strict=True):
                for character in dict.fromkeys(term) if in_pairs(term) else ():
                    found.setdefault(character, []).append(row)
        return found


def _at_least_kth(scores: NDArray[np.float32], k: int) -> NDArray[np.int64]:
    """Positions, in order, of all positive scores that are at least the ``k``-th largest."""
    found: NDArray[np.int64] = np.flatnonzero(scores >= _kth(scores[:_FIRST_LOOK], k))
    return np.asarray(found[scores[found] >= _kth(scores[found], k)])


def _kth(scores: NDArray[np.float32], k: int) -> Any:
    """The ``k``-th largest of ``scores``, or the smallest number above 0 where fewer than ``k`` are positive."""
    positive = scores[scores > 0]
    return np.partition(positive, -k)[-k] if len(positive) >= k else np.finfo(np.float32).smallest_subnormal


def _first_repeated(ids: Sequence[str]) -> str | None:
    seen: set[str] = set()
    return next((name for name in ids if name in seen or seen.add(name)), None)  # type: ignore[func-returns-value]


def _shard(folder: Path, number: int, size: int) -> dict[str, Any]:
    """One shard as bm25s holds its scores."""
    arrays = {name: mapped(folder / f"shard-{number}" / f"{name}.npy") for name in ("data", "indices", "indptr")}
    if len(arrays["data"]) != len(arrays["indices"]) or int(arrays["indptr"][-1]) != len(arrays["data"]):
        raise ValueError(f"the arrays of shard {number} do not fit together")
    return {**arrays, "num_docs": size}


def _scorer(header: Header, backend: Backend) -> Any:
    """A bm25s retriever that has settings but no scores yet; None where numpy alone adds them up."""
    if find_spec("bm25s") is None:
        raise ConfigError("BM25 needs the package bm25s: pip install 'crossfare[models]'")
    if backend == "auto":
        large = header.passages >= _WORTH_COMPILING
        backend = "numba" if large and find_spec("numba") is not None else "numpy"
    if backend == "numpy":
        return None
    import bm25s

    try:
        scorer = bm25s.BM25(k1=header.settings.k1, b=header.settings.b, method="lucene", backend=backend)
    except ImportError as error:
        raise ConfigError("backend: numba needs the package numba: pip install numba, or set backend: numpy") from error
    scorer.activate_numba_scorer()
    scorer.nonoccurrence_array = None  # what Lucene's form of BM25 has no use for
    return scorer


def _dense(shard: Mapping[str, Any], postings: Sequence[slice]) -> NDArray[np.float32]:
    """The scores of all passages of a shard."""
    scores = np.zeros(shard["num_docs"], dtype=np.float32)
    for each in postings:
        scores[shard["indices"][each]] += shard["data"][each]  # no passage stands twice in one
    return scores


def _sparse(shard: Mapping[str, Any], postings: Sequence[slice], sums: NDArray[np.float32], k: int) -> _Found:
    """The passages that hold a term, and their scores; ``sums`` are zeros before and after."""
    passages = np.concatenate([shard["indices"][each] for each in postings]).astype(np.int64)
    np.add.at(sums, passages, np.concatenate([shard["data"][each] for each in postings]))
    if len(postings) > 1 and len(passages):  # a shard may hold none of the terms
        passages.sort()
        passages = passages[np.concatenate([[True], passages[1:] != passages[:-1]])]
    scores = sums[passages]
    sums[passages] = 0
    if len(scores) > k:
        best = scores >= np.partition(scores, -k)[-k]
        return passages[best], scores[best]
    return passages, scores


def _ordered(positions: NDArray[np.int64], scores: NDArray[np.float32], k: int) -> _Found:
    """The best ``k``, best first, equal scores in order of position.

    Positive floats are ordered as their bits are: one sort of whole numbers does both.
    """
    keys = ((_MOST_BITS - scores.view(np.int32).astype(np.int64)) << 32) | positions
    keys.sort()
    keys = keys[:k]
    return keys & 0xFFFFFFFF, (_MOST_BITS - (keys >> 32)).astype(np.int32).view(np.float32)


@contextmanager
def _without_collecting() -> Iterator[None]:
    """No garbage collection, for which every so many results would be a reason: it took longer than the search.

    What was made meanwhile then counts as old, or switching it on would begin with looking through all of it.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled and not gc.get_freeze_count():
            gc.freeze()
            gc.unfreeze()
        if enabled:
            gc.enable()
