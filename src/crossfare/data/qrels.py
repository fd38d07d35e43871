"""Relevance judgements (qrels) as TREC, MS MARCO and BEIR write them.

Four columns (query, iteration, passage, grade) or three (query, passage, grade), separated by tabs or blanks; the
iteration ("0", "Q0") is not read. BEIR's first line names its columns. A grade of 1 or more is relevant, 0 and below
(TREC's "junk" is -1 or -2) are judged and not relevant.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from crossfare.data.files import stream_lines, writing
from crossfare.errors import DataError
from crossfare.types import Dataset, QueryExample

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
    """Yield the lines of a qrels file as they stand.

    Raises:
        DataError: as `read_qrels`.
    """
    width = 0
    for number, line in stream_lines(path):
        place = f"line {number}"
        cells = _cells(line)
        if number == 1 and cells and cells[0].lower() in HEADERS and not _is_grade(cells[-1]):
            continue  # with a grade it is the judgement of a query that has such an id
        width = width or len(cells)
        if len(cells) != width or width not in _COLUMNS:
            expected = f"{width}, as before" if width in _COLUMNS and len(cells) != width else "3 or 4"
            raise DataError(
                f"{where}, {place}: {len(cells)} columns, not {expected} ({_COLUMNS.get(width, _COLUMNS[4])}); "
                "qrels are separated by tabs or blanks"
            )
        yield Judgement(cells[0], cells[-2], _grade(cells[-1], where, place), place)


def _is_grade(text: str) -> bool:
    try:
        int(text)
    except ValueError:
        return False
    return True


def gather(judgements: Iterable[Judgement], where: str) -> Judged:
    """Put judgements together by query.

    Raises:
        DataError: a pair has two grades.
    """
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
    """Check that an id can be a column of a TREC file.

    Raises:
        DataError: it is empty or holds white space.
    """
    if len(name.split()) != 1 or name != name.strip():
        raise DataError(f"the id {name!r} is empty or holds white space, which TREC files cannot hold; rename it")
    return name


def _cells(line: str) -> list[str]:
    """BEIR's ids may hold blanks, so tabs decide where there are any."""
    return [cell.strip() for cell in line.rstrip().split("\t")] if "\t" in line.rstrip() else line.split()


def _grade(cell: str, where: str, place: str) -> int:
    try:
        return int(cell)
    except ValueError:
        raise DataError(
            f"{where}, {place}: the grade {cell[:20]!r} is not a whole number; columns are {_COLUMNS[4]}"
        ) from None
