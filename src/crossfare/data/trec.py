"""The files of TREC: judgements (qrels) and runs, in the forms of TREC, MS MARCO and BEIR.

Judgements have four columns (query, iteration, passage, grade) or three (query, passage, grade), separated by tabs or
blanks; the iteration ("0", "Q0") is not read. BEIR's first line names its columns. A grade of 1 or more is relevant, 0
and below (TREC's "junk" is -1 or -2) are judged and not relevant.

Runs are the ranked passages of queries:

    TREC      query Q0 passage rank score tag    separated by blanks or tabs, ranks from 1 (read from 0 as well)
    MS MARCO  query passage rank                 separated by tabs, ranks from 1

A run in memory is a tuple of `Prediction`: the query's id, its best passage, and (passage, score) best first.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, NamedTuple

from crossfare.data.files import stream_lines, writing
from crossfare.data.numbers import whole
from crossfare.errors import ConfigError, DataError
from crossfare.types import Dataset, Prediction, QueryExample

RunForm = Literal["trec", "msmarco"]

_COLUMNS = {3: "query, passage, grade", 4: "query, iteration, passage, grade"}
HEADERS = {"query-id", "query_id", "qid", "query"}
"""What the first column of a header is called."""


class Judgement(NamedTuple):
    """One line of a qrels file; ``place`` is for messages."""

    query: str
    passage: str
    grade: int
    place: str


@dataclass(slots=True)
class Judged:
    """Judgements put together: ``grades`` by query and passage; ``repeated`` are (query, passage) of equal lines."""

    grades: dict[str, dict[str, int]] = field(default_factory=dict)
    repeated: list[tuple[str, str]] = field(default_factory=list)


def read_qrels(path: str | Path) -> Mapping[str, Mapping[str, int]]:
    """Read a qrels file: the grade by query and passage. A line that comes twice counts once.

    Raises:
        DataError: the file is missing or malformed (with its line), or grades a pair in two ways.
    """
    return gather(stream_qrels(Path(path), str(path)), str(path)).grades


def write_qrels(dataset: Dataset, path: str | Path) -> None:
    """Write the judgements of queries in TREC's form ("query 0 passage grade"), atomically.

    Raises:
        DataError: an example is no query, or an id holds white space, which would end the column.
    """
    with writing(Path(path)) as write:
        for example in dataset.examples:
            if not isinstance(example, QueryExample):
                raise DataError(f"example {example.id!r} has no judgements; qrels are written from judged queries")
            for passage, grade in example.judgements:
                write(f"{column(example.id)} 0 {column(passage)} {grade}\n")


def stream_qrels(path: Path, where: str) -> Iterator[Judgement]:
    """Yield the lines of a qrels file as they stand."""
    width = 0
    for number, line in stream_lines(path):
        place = f"line {number}"
        cells = _cells(line)
        if number == 1 and cells and cells[0].lower() in HEADERS and whole(cells[-1]) is None:
            continue  # with a grade it is the judgement of a query that has such an id
        width = width or len(cells)
        if len(cells) != width or width not in _COLUMNS:
            expected = f"{width}, as before" if width in _COLUMNS and len(cells) != width else "3 or 4"
            raise DataError(
                f"{where}, {place}: {len(cells)} columns, not {expected} ({_COLUMNS.get(width, _COLUMNS[4])}); "
                "qrels are separated by tabs or blanks"
            )
        grade = whole(cells[-1])
        if grade is None:
            raise DataError(
                f"{where}, {place}: the grade {cells[-1][:20]!r} is not a whole number; columns are {_COLUMNS[4]}"
            )
        yield Judgement(cells[0], cells[-2], grade, place)


def gather(judgements: Iterable[Judgement], where: str) -> Judged:
    """Put judgements together by query."""
    judged = Judged()
    for query, passage, grade, place in judgements:
        grades = judged.grades.setdefault(query, {})
        earlier = grades.get(passage)
        if earlier is None:
            grades[passage] = grade
        elif earlier == grade:
            judged.repeated.append((query, passage))
        else:
            raise DataError(
                f"{where}, {place}: passage {passage!r} of query {query!r} has grade {grade} here and {earlier} "
                "before; keep one"
            )
    return judged


def column(name: str) -> str:
    """Check that an id can be a column of a TREC file."""
    if len(name.split()) != 1 or name != name.strip():
        raise DataError(f"the id {name!r} is empty or holds white space, which TREC files cannot hold; rename it")
    return name


def _cells(line: str) -> list[str]:
    """BEIR's ids may hold blanks, so tabs decide where there are any."""
    return [cell.strip() for cell in line.rstrip().split("\t")] if "\t" in line.rstrip() else line.split()


# --- runs


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
        query, passage, rank, *score = [cells[0], *cells[2:5]] if width == 6 else cells
        ranked = found.setdefault(query, {})
        if passage in ranked:
            raise DataError(
                f"{where}, line {number}: passage {passage!r} is ranked twice for query {query!r}; keep one"
            )
        ranked[passage] = _place(rank, *score, where=f"{where}, line {number}")
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


def _place(rank: str, score: str = "", *, where: str) -> tuple[float, int]:
    """What passages are ordered by: the score, highest first, and the rank."""
    try:
        value = float(score) if score else 1 / int(rank)
        place = (-value, int(rank))
    except (ValueError, ZeroDivisionError):
        raise DataError(
            f"{where}: the rank or score is not a number ({f'{rank} {score}'.strip()[:60]!r}); MS MARCO's ranks "
            "begin at 1"
        ) from None
    if not math.isfinite(value):
        raise DataError(f"{where}: the score {score!r} is not a finite number; correct it")
    return place


def _prediction(query: str, ranked: dict[str, tuple[float, int]]) -> Prediction:
    ordered = sorted(ranked, key=ranked.__getitem__)
    return Prediction(query, ordered[0], scores=tuple((passage, -ranked[passage][0]) for passage in ordered))
