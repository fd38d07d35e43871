"""Quati's annotations: one TSV per annotator, with a query, a passage and the grade that the annotator gave."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from statistics import median_low
from typing import NamedTuple

from crossfare.data.files import is_folder, opening, stream_lines
from crossfare.data.numbers import whole
from crossfare.data.sources import Source, Text
from crossfare.data.trec import Judgement
from crossfare.errors import DataError
from crossfare.types import Passage

_COLUMNS = ("query", "passage", "passage_id", "score")


def is_quati(first: str) -> bool:
    """Whether a line is the header of such a file."""
    return set(_COLUMNS) <= set(first.split("\t"))


def annotators(folder: Path) -> list[Path]:
    """The annotators' files in a folder, or in the one of them that it holds."""
    inside = folder / "human_annotations"
    paths = sorted((inside if inside.is_dir() else folder).glob("*.tsv*"))
    return [path for path in paths if path.is_file() and is_quati(opening(path))]


def open_quati(path: Path, where: str, _: str | None) -> Source:
    """Open a folder of annotators' files, or one of them."""
    files = annotators(path) if is_folder(path) else [path]
    rows = cache(lambda: tuple(row for each in files for row in _rows(each)))
    return Source(
        where,
        "quati",
        lambda: _queries(rows()),
        # A passage that has another text elsewhere is given again, for its readers to refuse.
        lambda: iter(dict.fromkeys(row.passage for row in rows())),
        lambda: _judgements(rows()),
    )


class _Annotation(NamedTuple):
    query: str
    passage: Passage
    score: int
    place: str


def _rows(path: Path) -> Iterator[_Annotation]:
    rows = csv.reader((line for _, line in stream_lines(path)), delimiter="\t", strict=True)
    try:
        header = next(rows)
        for cells in rows:
            place = f"{path}, line {rows.line_num}"
            if len(cells) != len(header):
                raise DataError(f"{place}: {len(cells)} columns where the header has {len(header)}; correct it")
            record = dict(zip(header, cells, strict=True))
            score = whole(record["score"])
            if score is None:
                raise DataError(f"{place}: the score {record['score'][:20]!r} is not a whole number; correct it")
            passage = Passage(record["passage_id"], record["passage"])
            yield _Annotation(record["query"], passage, score, place)
    except csv.Error as error:
        raise DataError(f"{path}, line {rows.line_num}: broken quotation marks ({error}); correct them") from error


def _queries(rows: tuple[_Annotation, ...]) -> Iterator[Text]:
    """Queries have no ids there: they are numbered from 1 in the order of their first row."""
    first = {row.query: row.place for row in reversed(rows)}
    for number, query in enumerate(dict.fromkeys(row.query for row in rows), 1):
        yield Text(str(number), query, first[query])


def _judgements(rows: tuple[_Annotation, ...]) -> Iterator[Judgement]:
    """One grade from several annotators: the median, the lower of the two in the middle where their number is even.

    Of three annotators the median is what two agree on, and the grade between where they do not.
    """
    numbers = {text.text: text.id for text in _queries(rows)}
    scores: dict[tuple[str, str], list[int]] = {}
    for row in rows:
        scores.setdefault((numbers[row.query], row.passage.id), []).append(row.score)
    for (query, passage), given in scores.items():
        yield Judgement(query, passage, median_low(given), f"passage {passage}")
