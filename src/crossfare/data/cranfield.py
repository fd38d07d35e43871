"""Cranfield in SMART's format: ``cran.all.1400``, ``cran.qry`` and ``cranqrel``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from crossfare.data.files import inside, is_folder, stream_lines
from crossfare.data.sources import Source, Text, as_passages
from crossfare.data.trec import Judgement, stream_qrels
from crossfare.errors import DataError

_FIELD = re.compile(r"\.([A-Z])\s*")
_RECORD = re.compile(r"\.I\s+(\S+)\s*")


def is_record(first: str) -> bool:
    """Whether a line begins a record."""
    return _RECORD.fullmatch(first) is not None


def open_cranfield(path: Path, where: str, _: str | None) -> Source:
    """Open a folder, or a file of queries or passages."""
    folder = is_folder(path)
    names = ("cran.qry", "cran.all.1400", "cranqrel")
    queries, passages, qrels = (inside(path, name) if folder else path for name in names)
    return Source(
        where,
        "cranfield",
        partial(_queries, queries, str(queries) if folder else where),
        partial(as_passages, partial(_texts, passages, str(passages) if folder else where)),
        partial(_qrels, qrels, str(qrels)) if folder else None,
        own_qrels=_qrels,
        either=not folder,
    )


def _queries(path: Path, where: str) -> Iterator[Text]:
    """The judgements number queries by their position, not by what ``.I`` says."""
    for position, text in enumerate(_texts(path, where), 1):
        yield text._replace(id=str(position))


def _qrels(path: Path, where: str) -> Iterator[Judgement]:
    """Turn Cleverdon's codes round: 1, "a complete answer", becomes grade 4, and 4, "of minimum interest", 1.

    Code 5, "of no interest", does not occur. Each query has one passage with -1, which the codes do not define: the
    paper its question was made from, to go by the texts (most rank among the first ten for it). As in other tools these
    are judged and not relevant (grade 0).
    """
    for judgement in stream_qrels(path, where):
        if judgement.grade not in {-1, 1, 2, 3, 4, 5}:
            raise DataError(
                f"{where}, {judgement.place}: the code {judgement.grade} is not one of Cranfield's (-1, 1 to 5); "
                "correct it, or convert the queries to id<TAB>text to use other judgements"
            )
        yield judgement._replace(grade=5 - judgement.grade if judgement.grade > 0 else 0)


def _texts(path: Path, where: str) -> Iterator[Text]:
    """SMART's records: ``.I`` and an id, then fields; the text is that of ``.W``, which repeats the title."""
    name, place, field, lines = "", "", "", list[str]()
    for number, line in stream_lines(path):
        record, marker = _RECORD.fullmatch(line), _FIELD.fullmatch(line)
        if record:
            if name:
                yield Text(name, " ".join(lines), place)
            name, place, field, lines = record[1], f"line {number}", "", []
        elif not name and line.strip():
            raise DataError(f"{where}, line {number}: {line[:40]!r} stands before any '.I'; every text begins with one")
        elif marker:
            field = marker[1]
        elif field == "W" and line.strip():
            lines.append(line.strip())
    yield Text(name, " ".join(lines), place)
