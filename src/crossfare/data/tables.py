"""Tables of examples, whatever holds them: TSV, CSV, JSON lines, a JSON list, parquet, or a table of the hub.

One reader makes examples of their rows, so that a file and the hub's copy of it give the same. Columns are known by
their names (`columns`). Quotation marks have a meaning in comma-separated files only (and in those with another
separator than a tab); labels and numbers are read as tools write them (`labels`, `numbers`).
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from math import isnan
from typing import Any

from crossfare.data import columns, labels, nli, qa, qa_rows, texts
from crossfare.data.files import json_keys, json_object, split_lines
from crossfare.data.labelled import Layout, as_text, build, cells, check_twice, of_language, told
from crossfare.data.loaded import Loaded
from crossfare.data.numbers import is_number, whole
from crossfare.data.reading import NOTHING, FileReading
from crossfare.errors import DataError
from crossfare.strict import parse_json
from crossfare.types import TaskName

_CLASS_NAMES = {**nli.LABELS, "none": "neutral", "paraphrase": "paraphrase"}
"""What the hub's pairs are labelled: ASSIN's None among them."""

_SEPARATORS = {"tsv": "\t", "csv": ",;|"}


@dataclass(frozen=True, slots=True)
class ExampleTable:
    """Rows of values by column, each with its place ("row 7", for messages).

    ``names`` are those of classes that a column holds the numbers of; ``header`` is whether a file has one, or its
    columns are numbers from 1.
    """

    columns: tuple[str, ...]
    rows: Iterable[tuple[str, Mapping[str, Any]]]
    names: Mapping[str, Sequence[str]] = field(default_factory=dict)
    header: bool = True


def examples(
    table: ExampleTable, where: str, task: TaskName, reading: FileReading = NOTHING, language: str | None = None
) -> Loaded:
    """Make examples of a task of a table's rows; of those that name their language, in ``language``.

    Raises:
        DataError: columns are missing, or a row holds something else than they promise.
    """
    found = columns.needed(table.columns, where, task, reading.columns)
    if task == "qa" and reading.labels is not None:
        raise DataError(f"{where}: holds questions, which have no labels; leave out labels")
    if task == "qa":
        return qa_rows.read(table.rows, found, where)
    layout = _layout(task, found, reading)
    records = [(place, _record(row, layout, table, f"{where}, {place}")) for place, row in table.rows]
    if not any("language" in record for _, record in records):
        return build(records, where, layout)
    return of_language(records, where, layout, language)


def _layout(task: TaskName, found: Mapping[str, str], reading: FileReading) -> Layout:
    plain = nli.PLAIN if task == "nli" else texts.PLAIN
    parts = tuple(found[role] for role in plain.texts)
    return told(replace(plain, id=found.get("id", ""), texts=parts, label=found["label"]), reading)


def _record(row: Mapping[str, Any], layout: Layout, table: ExampleTable, place: str) -> dict[str, str | None]:
    made: dict[str, str | None] = {key: as_text(value) for key, value in row.items() if value is not None}
    for column in layout.texts:
        if column in made:
            made[column] = _text(row[column], column, place)
    if layout.id in made:
        number = whole(row[layout.id])
        made[layout.id] = made[layout.id] if number is None or isinstance(row[layout.id], str) else str(number)
    if layout.label in row:
        made[layout.label] = _label(row[layout.label], layout, table.names.get(layout.label), place, table.header)
    return made


def _text(value: Any, column: str, place: str) -> str:
    if not isinstance(value, str):
        raise DataError(
            f"{place}: {column} is {type(value).__name__}, not text; "
            "if the configuration holds several languages, choose that of one (hub:facebook/xnli/de)"
        )
    return value


def _label(value: Any, layout: Layout, names: Sequence[str] | None, place: str, headed: bool = True) -> str | None:
    """The file's word for a label; of the number of a class, its name."""
    if value is None or (isinstance(value, float) and isnan(value)):
        return None
    number = whole(value)
    if names and number is not None:
        if layout.stated is not None and str(number) in layout.stated:
            return str(number)
        if number == -1:  # so a ClassLabel says that there is none
            return None
        if not 0 <= number < len(names):
            raise DataError(f"{place}: {layout.label} is {number}, but the classes are {', '.join(names)[:100]}")
        return _class_name(names[number], layout)
    if isinstance(value, list | dict):
        raise DataError(f"{place}: {layout.label} is a {type(value).__name__}, not one label; correct it")
    word = str(number) if number is not None and is_number(value) else as_text(value)
    usual = layout.labels is not None and layout.stated is None
    return labels.LETTERS.get(word.strip().lower(), word) if usual and headed else word


def _class_name(name: str, layout: Layout) -> str:
    """The name of a class; one that pairs of the hub have as its usual word."""
    known = layout.labels is not None and layout.stated is None
    return _CLASS_NAMES.get(name.lower(), name) or name if known else name


# --- what holds them


def delimited(text: str, where: str, kind: str, task: TaskName, reading: FileReading) -> ExampleTable:
    """The table of a file whose cells a separator divides, with a header or without."""
    first = text.lstrip("\r\n").partition("\n")[0].removesuffix("\r")
    separator = reading.separator or _separator(first, kind, task, reading)
    quoted = separator != "\t"
    rows = csv_rows(text, where, separator) if quoted else ((at, line.split("\t")) for at, line in split_lines(text))
    listed = list(rows)
    header = _header(listed, where, task, reading)
    has = header is listed[0][1]
    return ExampleTable(tuple(header), cells(listed[has:], header, where, separator), header=has)


def csv_rows(text: str, where: str, separator: str = ",") -> Iterator[tuple[str, list[str]]]:
    """The rows of a comma-separated file, or one with another separator; quoted cells may hold it and line ends."""
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    try:
        yield from ((f"line {rows.line_num}", row) for row in rows if row)
    except csv.Error as error:
        raise DataError(f"{where}, line {rows.line_num}: no comma-separated row ({error}); correct it") from error


def _separator(first: str, kind: str, task: TaskName, reading: FileReading) -> str:
    """The first separator that makes a header, or a row without one, of the first line."""
    tried = _SEPARATORS[kind]
    return next((each for each in tried if _is_first_row(_split(first, each), kind, task, reading)), tried[0])


def _split(line: str, separator: str) -> list[str]:
    if separator == "\t":
        return line.split("\t")
    with suppress(csv.Error):
        return next(csv.reader([line], delimiter=separator), [])
    return []


def _is_headerless(cells: Sequence[str], task: TaskName, reading: FileReading) -> bool:
    """Whether cells are a row without a header: by the numbers of its columns, or premise, hypothesis, label."""
    if reading.columns:
        numbered = [str(number) for number in range(1, len(cells) + 1)]
        return columns.roles(numbered, task, reading.columns) is not None
    return task == "nli" and len(cells) == 3 and cells[2].strip().lower() in {*labels.NLI, *(reading.labels or ())}


def _is_first_row(cells: Sequence[str], kind: str, task: TaskName, reading: FileReading) -> bool:
    """Whether a file with this first line is taken for a table of a task."""
    if columns.roles(cells, task, reading.columns) is not None:
        return True
    if kind == "tsv" and not reading.columns:  # such pairs are XTREME's
        return task == "classification" and texts.is_headerless(cells)
    return _is_headerless(cells, task, reading)


def _header(rows: Sequence[tuple[str, list[str]]], where: str, task: TaskName, reading: FileReading) -> list[str]:
    first = rows[0][1] if rows else []
    if columns.roles(first, task, reading.columns) is not None:
        check_twice(first, where)
        return first
    if _is_headerless(first, task, reading) and not reading.columns:
        return ["premise", "hypothesis", "label"]
    if _is_headerless(first, task, reading):
        if columns.roles(first, task, {}) is not None:
            raise DataError(
                f"{where}, line 1: is a header ({', '.join(first)[:100]}); name its columns, not their numbers"
            )
        return [str(number) for number in range(1, len(first) + 1)]
    if task == "classification" and len(first) == 2 and not reading.columns:
        texts.check_headerless([row for _, row in rows], where)
        return ["text", "label"]
    return first  # what it lacks is told by who looks for it


def json_lines(text: str, where: str) -> ExampleTable:
    """The table of JSON objects, one a line; its columns are their keys."""
    rows = [
        (at, json_object(line, f"{where}, {at}", "one JSON object per line"))
        for at, line in split_lines(text)
        if line.strip()
    ]
    return ExampleTable(_keys(row for _, row in rows), rows)


def _keys(rows: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(key for row in rows for key in row))


def json_list(document: Any, where: str) -> ExampleTable:
    """The table of a JSON list of objects, or of such a list under "data"; its columns are their keys."""
    rows = document.get("data") if isinstance(document, dict) else document
    if not isinstance(rows, list) or not rows or not all(isinstance(row, dict) for row in rows):
        raise DataError(f"{where}: not a JSON list of objects; correct it, or save it as JSON lines")
    return ExampleTable(_keys(rows), [(f"object {number}", row) for number, row in enumerate(rows, 1)])


def read(
    text: str, where: str, language: str | None = None, *, task: TaskName, kind: str, reading: FileReading = NOTHING
) -> Loaded:
    """Read a text file that holds a table of a kind: "tsv", "csv", "jsonl" or "json"."""
    if kind == "jsonl":
        table = json_lines(text, where)
    elif kind == "json":
        table = json_list(parse_json(text, where), where)
    else:
        table = delimited(text, where, kind, task, reading)
    return examples(table, where, task, reading, language)


def read_squad(text: str, where: str, language: str | None = None) -> Loaded:
    """Read SQuAD's JSON; or rows of questions that stand under its "data"."""
    document = parse_json(text, where)
    rows = document.get("data") if isinstance(document, dict) else document
    first = rows[0] if isinstance(rows, list) and rows else None
    if isinstance(first, dict) and "paragraphs" not in first and columns.roles(first, "qa", {}) is not None:
        return examples(json_list(document, where), where, "qa", NOTHING, language)
    return qa.read_document(document, where)


def fits(first: str, reading: FileReading = NOTHING, *, task: TaskName, kind: str) -> bool:
    """Whether a file that begins so holds a table of a kind with the examples of a task."""
    begins = first.lstrip()
    if kind in {"jsonl", "json"}:
        if reading.separator or begins.startswith("[") != (kind == "json"):
            return False
        keys = json_keys(begins.removeprefix("["))
        return "paragraphs" not in keys and columns.roles(keys, task, reading.columns) is not None
    if begins.startswith(("{", "[")) and "\t" not in first:
        return False
    separators = reading.separator or _SEPARATORS[kind]
    return any(_is_first_row(_split(first, each), kind, task, reading) for each in separators)
