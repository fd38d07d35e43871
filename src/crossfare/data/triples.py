"""Triples of a query, a passage that answers it and one that does not: what rerankers are fine-tuned on.

The files of MS MARCO hold 40 million of them and more, so that they are only ever streamed.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from crossfare.data.files import stream_lines, tsv_line
from crossfare.data.sources import Source, Triple
from crossfare.data.trec import HEADERS
from crossfare.errors import DataError
from crossfare.types import Dataset, RankingExample


def are_texts(first: str) -> bool:
    """Whether a file holds triples of texts, by its first line."""
    return _is_triple(first) and any(len(cell.split()) > 1 for cell in first.split("\t"))


def are_ids(first: str) -> bool:
    """Whether a file holds triples of ids, by its first line, no column of which has a blank."""
    return _is_triple(first) and not are_texts(first)


def _is_triple(first: str) -> bool:
    cells = first.split("\t")
    return len(cells) == 3 and cells[0].lower() not in HEADERS


def open_texts(path: Path, where: str, _: str | None) -> Source:
    """Open a file of triples of texts."""
    return Source(where, "triples", triples=partial(_stream, path, where))


def open_ids(path: Path, where: str, _: str | None) -> Source:
    """Open a file of triples of ids."""
    return Source(where, "triple-ids", triples=partial(_stream, path, where), of_ids=True)


def _stream(path: Path, where: str) -> Iterator[Triple]:
    for number, line in stream_lines(path):
        cells = line.split("\t")
        if len(cells) != 3:
            raise DataError(
                f"{where}, line {number}: {len(cells)} columns, not 3 (query, positive, negative); columns are "
                "separated by one tab, and a text may not hold one"
            )
        yield Triple(number, *cells)


def write(dataset: Dataset) -> str:
    """Lay triples out as MS MARCO does."""
    lines = []
    for number, example in enumerate(dataset.examples, 1):
        if not isinstance(example, RankingExample) or len(example.negatives) != 1 or example.id != str(number):
            raise DataError(
                f"example {example.id!r}: a file of triples holds a query, a positive and one negative passage, "
                "and line numbers for ids; save as .jsonl"
            )
        lines.append(tsv_line(example.id, example.query, example.positive, *example.negatives))
    return "".join(lines)
