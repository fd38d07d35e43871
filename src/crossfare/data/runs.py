"""Runs, the ranked passages of queries, in the forms of TREC and MS MARCO.

    TREC      query Q0 passage rank score tag    separated by blanks or tabs, ranks from 1 (read from 0 as well)
    MS MARCO  query passage rank                 separated by tabs, ranks from 1

A run in memory is a tuple of `Prediction`: the query's id, its best passage, and (passage, score) best first.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from crossfare.data.files import stream_lines, writing
from crossfare.data.qrels import column
from crossfare.errors import ConfigError, DataError
from crossfare.types import Prediction

RunForm = Literal["trec", "msmarco"]


class _Entry(NamedTuple):
    query: str
    passage: str
    rank: int
    score: float


def read_run(path: str | Path) -> tuple[Prediction, ...]:
    """Read a run of either form; queries come in the order of the file.

    Passages are ordered by score, as trec_eval orders them, and by rank where scores are equal. MS MARCO's files
    have no scores: 1 / rank stands in for them.

    Raises:
        DataError: the file is missing or malformed (with its line), or ranks a passage twice for a query.
    """
    where = str(path)
    found: dict[str, dict[str, tuple[float, int]]] = {}
    width = 0
    for number, line in stream_lines(Path(path)):
        cells = line.split()
        width = width or len(cells)
        if len(cells) != width or width not in {3, 6}:
            raise DataError(
                f"{where}, line {number}: {len(cells)} columns; every line has 6 (query, Q0, passage, rank, score, "
                "tag) or, as MS MARCO writes runs, 3 (query, passage, rank)"
            )
        entry = _entry(cells, where, f"line {number}")
        ranked = found.setdefault(entry.query, {})
        if entry.passage in ranked:
            raise DataError(
                f"{where}, line {number}: passage {entry.passage!r} is ranked twice for query {entry.query!r}; keep one"
            )
        ranked[entry.passage] = (-entry.score, entry.rank)
    return tuple(_prediction(query, ranked) for query, ranked in found.items())


def write_run(
    predictions: Sequence[Prediction], path: str | Path, form: RunForm = "trec", *, tag: str = "crossfare"
) -> tuple[str, ...]:
    """Write a run, atomically, best passages first as they stand.

    Returns:
        The ids of queries without any passage: a run has no line for them, so they are missing from the file.

    Raises:
        DataError: an id holds white space, or the file cannot be written.
        ConfigError: the form is not known.
    """
    if form not in {"trec", "msmarco"}:
        raise ConfigError(f"the form {form!r} of a run is not known; choose trec or msmarco")
    with writing(Path(path)) as write:
        for prediction in predictions:
            write("".join(_lines(prediction, form, column(tag))))
    return tuple(prediction.id for prediction in predictions if not prediction.scores)


def _lines(prediction: Prediction, form: RunForm, tag: str) -> Iterator[str]:
    query = column(prediction.id)
    for rank, (passage, score) in enumerate(prediction.scores, 1):
        # repr gives the shortest digits that read back as the same float.
        trec = f"{query} Q0 {column(passage)} {rank} {float(score)!r} {tag}\n"
        yield trec if form == "trec" else f"{query}\t{column(passage)}\t{rank}\n"


def _entry(cells: list[str], where: str, place: str) -> _Entry:
    query, passage, rank, *score = [*cells[:1], *cells[2:5]] if len(cells) == 6 else cells
    try:
        entry = _Entry(query, passage, int(rank), float(score[0]) if score else 1 / int(rank))
    except (ValueError, ZeroDivisionError):
        raise DataError(
            f"{where}, {place}: the rank or score is not a number ({' '.join(cells)[:60]!r}); MS MARCO's ranks "
            "begin at 1"
        ) from None
    if not math.isfinite(entry.score):
        raise DataError(f"{where}, {place}: the score {score[0]!r} is not a finite number; correct it")
    return entry


def _prediction(query: str, ranked: dict[str, tuple[float, int]]) -> Prediction:
    ordered = sorted(ranked, key=ranked.__getitem__)
    return Prediction(query, ordered[0], scores=tuple((passage, -ranked[passage][0]) for passage in ordered))
