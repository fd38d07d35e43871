"""Single texts with a label each (sentiment, intent, topic): TSV, CSV, JSON and JSON lines.

The columns are known by their names, in whatever case (`TEXTS`, `LABELS`, `IDS`). A tab- or comma-separated file
without a header has two: the text, then its label. Labels are any text; an empty one is none. Quotation marks have a
meaning in comma-separated files only. All else is as in `labelled`.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from crossfare.data import labelled
from crossfare.data.files import json_keys, split_lines
from crossfare.data.labelled import Layout, Record, as_text, of_language
from crossfare.data.loaded import Loaded
from crossfare.errors import DataError
from crossfare.strict import parse_json
from crossfare.types import Dataset, TextExample

TEXTS = ("text", "sentence", "content", "review", "tweet", "utterance", "utt", "headline")
LABELS = ("label", "sentiment", "intent", "category", "class", "topic")
IDS = ("id", "idx", "guid")

PLAIN = Layout("labels", "classification", TextExample, "id", ("text",), "label", ("text", "label"))
_HEADERLESS = replace(PLAIN, id="", header=False)


def layout(columns: Iterable[str]) -> Layout | None:
    """How some columns name text, label and id; None if they have not both of the former."""
    given = {column.strip().lower(): column for column in columns}
    text, label, name = (next((given[each] for each in known if each in given), "") for known in (TEXTS, LABELS, IDS))
    return replace(PLAIN, id=name, texts=(text,), label=label) if text and label else None


def read_tsv(text: str, where: str, language: str | None = None) -> Loaded:
    """Read a tab-separated file, with a header or without."""
    rows = [line.split("\t") for _, line in split_lines(text)]
    return labelled.read_tsv(text, where, language, layout=_layout_of(rows, where))


def read_csv(text: str, where: str, language: str | None = None) -> Loaded:
    """Read a comma-separated file, with a header or without; quoted cells may hold commas and line ends."""
    rows = list(_csv_rows(text, where))
    found = _layout_of([cells for _, cells in rows], where)
    header = rows.pop(0)[1] if found.header else list(found.columns)
    for place, cells in rows:
        if len(cells) != len(header):
            raise DataError(f"{where}, {place}: {len(cells)} columns, not {len(header)} ({', '.join(header)[:100]})")
    records = [(place, dict(zip(header, cells, strict=True))) for place, cells in rows]
    return of_language(records, where, found, language)


def _csv_rows(text: str, where: str) -> Iterator[tuple[str, list[str]]]:
    rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        yield from ((f"line {rows.line_num}", row) for row in rows if row)
    except csv.Error as error:
        raise DataError(f"{where}, line {rows.line_num}: no comma-separated row ({error}); correct it") from error


def _layout_of(rows: Sequence[Sequence[str]], where: str) -> Layout:
    """That of the header, or that of two columns without one, of which the label is the one that differs less often."""
    if found := layout(rows[0]):
        return found
    if len(rows[0]) != 2:
        raise DataError(
            f"{where}, line 1: the header ({', '.join(rows[0])[:100]}) names no text ({', '.join(TEXTS)}) with a label "
            f"({', '.join(LABELS)}); correct it"
        )
    texts, labels = (len({row[place] for row in rows if len(row) == 2}) for place in (0, 1))
    if labels > texts:
        raise DataError(
            f"{where}: without a header the columns are a text and its label, but the second one has {labels:,} "
            f"different values, the first one {texts:,}; name the columns in a first line"
        )
    return _HEADERLESS


def read_jsonl(text: str, where: str, language: str | None = None) -> Loaded:
    """Read one JSON object per line, all with the keys of the first."""
    first = text.lstrip().partition("\n")[0]
    return labelled.read_jsonl(text, where, language, layouts=(layout(json_keys(first)) or PLAIN,))


def read_json(text: str, where: str, language: str | None = None) -> Loaded:
    """Read a JSON list of objects, all with the keys of the first."""
    rows = parse_json(text, where)
    if not isinstance(rows, list) or not rows or not all(isinstance(row, dict) for row in rows):
        raise DataError(
            f"{where}: not a JSON list of objects with text and label; correct it, or save it as JSON lines"
        )
    found = layout(rows[0]) or PLAIN
    records: list[Record] = [(f"object {number}", _values(row, found)) for number, row in enumerate(rows, 1)]
    return of_language(records, where, found, language)


def _values(row: Mapping[str, Any], found: Layout) -> dict[str, str | None]:
    given = {key: None if value is None else as_text(value) for key, value in row.items()}
    return {key: value for key, value in given.items() if value is not None or key == found.label}


def write_csv(dataset: Dataset) -> str:
    """Lay a dataset out as comma-separated id, text, label and further columns under a header."""
    rows = _rows(dataset)
    made = io.StringIO()
    names = list(dict.fromkeys(key for row in rows for key in row))
    writer = csv.DictWriter(made, names, lineterminator="\n")  # None is written as an empty cell
    writer.writeheader()
    writer.writerows(rows)
    return made.getvalue()


def write_json(dataset: Dataset) -> str:
    """Lay a dataset out as a JSON list of objects."""
    return json.dumps(_rows(dataset), ensure_ascii=False) + "\n"


def _rows(dataset: Dataset) -> list[dict[str, str | None]]:
    examples = labelled.labelled(dataset, PLAIN)
    return [{"id": each.id, "text": each.text, "label": each.label, **dict(each.extra)} for each in examples]


def is_tsv(first: str) -> bool:
    """Whether a first line is a header that names both, or a text and one word."""
    cells = first.split("\t")
    return bool(layout(cells)) or (len(cells) == 2 and " " in cells[0].strip() and " " not in cells[1].strip())


def is_csv(first: str) -> bool:
    """Whether a first line is a header that names both."""
    with suppress(csv.Error):
        return bool(layout(next(csv.reader([first]), [])))
    return False


def is_json(first: str) -> bool:
    """Whether a first line begins a list."""
    return first.startswith("[") and "\t" not in first


def is_jsonl(first: str) -> bool:
    """Whether a first line is an object whose keys name both."""
    return bool(layout(json_keys(first)))
