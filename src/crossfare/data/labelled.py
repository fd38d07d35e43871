"""Labelled texts, of which a pair is two: tab-separated files and JSON lines, whatever their columns are called.

Tab-separated files are read with quoting off: a quotation mark is a character like any other, and a
line ends at a line feed only (U+2028 and U+0085 occur inside sentences). A file without a column of
ids numbers its examples from 1. Columns other than the layout's own go to ``extra``, sorted by
name; an empty cell is the same as none.
"""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from crossfare.data import labels
from crossfare.data.files import check_unicode, split_lines, tsv_line
from crossfare.data.loaded import Loaded, LoadReport, UniqueIds
from crossfare.data.reading import NOTHING, FileReading
from crossfare.errors import DataError
from crossfare.languages import primary
from crossfare.strict import parse_json
from crossfare.types import Dataset, TaskName

Record = tuple[str, Mapping[str, str | None]]
"""An example as a file gives it: its place ("line 7", for messages), and its values by column. A label may be None."""


@dataclass(frozen=True, slots=True)
class Layout:
    """How a family of files names its columns and labels.

    ``kind``     the examples: id, one text or more, label, and ``extra``
    ``texts``    the columns of the texts, in their order in an example
    ``columns``  the order written, and read where there is no ``header``
    ``labels``   the canonical label of each of the file's own words; None where every word is a label
    ``stated``   what a user says that the file's words mean, which comes first
    """

    name: str
    task: TaskName
    kind: type[Any]
    id: str
    texts: tuple[str, ...]
    label: str
    columns: tuple[str, ...] = ()
    labels: Mapping[str, str | None] | None = None
    header: bool = True
    stated: Mapping[str, str | None] | None = None

    @property
    def unit(self) -> str:
        """What an example is called in messages."""
        return "pair" if len(self.texts) == 2 else "text"

    def canonical(self, word: str | None, where: str, place: str) -> str | None:
        """Map the file's own word for a label to the canonical one."""
        return labels.canonical(word, f"{where}, {place}", stated=self.stated, own=self.labels)

    def native(self, example: Any) -> str:
        """Write a label in the file's own words."""
        if self.labels is None:
            return example.label or ""
        for word, label in self.labels.items():
            if label == example.label:
                return word
        raise DataError(
            f"example {example.id!r}: the {self.name} format has no label for "
            f"{example.label or f'an unlabelled {self.unit}'}; save as .jsonl, or load with labels='two-class'"
        )


def read_tsv(
    text: str, where: str, language: str | None = None, *, layout: Layout, reading: FileReading = NOTHING
) -> Loaded:
    """Read a tab-separated file; with a ``language`` column, only the rows of ``language``."""
    layout = told(layout, reading)
    rows = ((place, line.split("\t")) for place, line in split_lines(text))
    header = next(rows)[1] if layout.header else list(layout.columns)
    _check_header(header, where, layout)
    return of_language(list(cells(rows, header, where)), where, layout, language)


def told(layout: Layout, reading: FileReading) -> Layout:
    """A layout with what a user says that its labels mean."""
    if reading.labels is None:
        return layout
    return replace(layout, stated=reading.labels if layout.labels is None else labels.of_pairs(reading.labels))


def build(records: Iterable[Record], where: str, layout: Layout) -> Loaded:
    """Turn records as given into examples: ids made unique, or numbered from 1 where there are none."""
    ids = UniqueIds()
    examples = tuple(_example(number, record, where, layout, ids) for number, record in enumerate(records, 1))
    if not examples:
        raise DataError(f"{where}: holds no {layout.unit}; check that it is the complete file")
    unlabelled = tuple(example.id for example in examples if example.label is None)
    quoted = tuple(example.id for example in examples if any(map(_is_quoted, example.texts)))
    report = LoadReport(read=len(examples), renamed=tuple(ids.renamed), unlabelled=unlabelled, quoted=quoted)
    return Loaded(Dataset("", layout.task, "", "", examples), report)


def _is_quoted(text: str) -> bool:
    """Whether a text looks like a cell that a tool has put in quotation marks, doubling those inside."""
    return '""' in text[1:-1] and text.startswith('"') and text.endswith('"')


def write_tsv(dataset: Dataset, layout: Layout) -> str:
    """Lay a dataset out as tab-separated text with a header line.

    Ids that only number the rows are not written, unless the layout has a column for them.
    """
    records = [_record(example, layout) for example in labelled(dataset, layout)]
    if "language" in layout.columns:
        records = [{**record, "language": dataset.language} for record in records]
    columns = list(layout.columns)
    if layout.id not in columns and not _numbered(dataset):
        columns.append(layout.id)
    columns += sorted({key for record in records for key in record} - set(columns) - {layout.id})
    odd = [column for column in columns if any(mark in column for mark in "\t\n\r")]
    if odd:
        raise DataError(f"dataset {dataset.name!r}: the column name {odd[0]!r} holds a tab or line end; save as .jsonl")
    rows = (
        tsv_line(example.id, *(record.get(column, "") for column in columns))
        for example, record in zip(dataset.examples, records, strict=True)
    )
    return "".join(("\t".join(columns) + "\n", *rows))


def write_headerless(dataset: Dataset, layout: Layout) -> str:
    """Lay a dataset out in a layout without header, which holds neither ids nor further columns."""
    examples = labelled(dataset, layout)
    extra = sorted({key for example in examples for key, _ in example.extra})
    if extra or not _numbered(dataset):
        what = f"the columns {', '.join(extra)}" if extra else "ids other than row numbers"
        raise DataError(
            f"dataset {dataset.name!r} has {what}, which the {layout.name} format cannot hold; save as mnli or .jsonl"
        )
    records = [(example.id, _record(example, layout)) for example in examples]
    return "".join(tsv_line(name, *(record[column] for column in layout.columns)) for name, record in records)


def write_csv(dataset: Dataset, layout: Layout) -> str:
    """Lay a dataset out as comma-separated id, texts, label and further columns under a header."""
    rows = [_row(example, layout) for example in labelled(dataset, layout)]
    made = io.StringIO()
    names = list(dict.fromkeys(key for row in rows for key in row))
    writer = csv.DictWriter(made, names, lineterminator="\n")  # None is written as an empty cell
    writer.writeheader()
    writer.writerows(rows)
    return made.getvalue()


def write_json(dataset: Dataset, layout: Layout) -> str:
    """Lay a dataset out as a JSON list of objects."""
    return json.dumps([_row(example, layout) for example in labelled(dataset, layout)], ensure_ascii=False) + "\n"


def write_jsonl(dataset: Dataset, layout: Layout) -> str:
    """Lay a dataset out as JSONL with the layout's keys, the language and everything in ``extra``."""
    records = ({"language": dataset.language, **_record(e, layout)} for e in labelled(dataset, layout))
    return "".join(json.dumps({k: _restored(v) for k, v in r.items()}, ensure_ascii=False) + "\n" for r in records)


def labelled(dataset: Dataset, layout: Layout) -> tuple[Any, ...]:
    """The examples of a dataset that is to be written, which must be of the layout's kind."""
    if not all(isinstance(example, layout.kind) for example in dataset.examples):
        raise DataError(
            f"dataset {dataset.name!r} holds {dataset.task} data, not {layout.unit}s; save it as .json or .jsonl"
        )
    return dataset.examples


def as_text(value: Any) -> str:
    """A value of a further column as text: text as it is, all else as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


# --- reading


def _check_header(header: list[str], where: str, layout: Layout) -> None:
    missing = [c for c in (*layout.texts, layout.label) if c not in header]
    if missing:
        raise DataError(
            f"{where}, line 1: the header lacks {', '.join(missing)} (it has {', '.join(header)[:100]}); "
            "correct it, or name another format with format="
        )
    check_twice(header, where)


def cells(
    rows: Iterable[tuple[str, list[str]]], header: Sequence[str], where: str, separator: str = "\t"
) -> Iterator[Record]:
    """Rows of cells by their columns, each with its place."""
    what = "tab, and a sentence may not hold one" if separator == "\t" else repr(separator)
    for place, given in rows:
        row = given + [""] * _short_by(header, given)
        if len(row) != len(header):
            raise DataError(
                f"{where}, {place}: {len(given)} columns, not {len(header)} ({', '.join(header)[:100]}); columns are "
                f"separated by one {what}"
            )
        yield place, dict(zip(header, row, strict=True))


def check_twice(header: Sequence[str], where: str) -> None:
    """Refuse a header that names a column twice."""
    if twice := [name for name, count in Counter(header).items() if count > 1]:
        raise DataError(f"{where}, line 1: the header names {', '.join(twice)} twice; rename or remove one")


def _short_by(header: Sequence[str], cells: Sequence[str]) -> int:
    """How many single annotators' labels a row leaves out at its end, as the MNLI training file does."""
    rest = header[len(cells) :]
    return len(rest) if all(name.removeprefix("label").isdigit() for name in rest) else 0


def of_language(records: Sequence[Record], where: str, layout: Layout, language: str | None) -> Loaded:
    """The examples of one language, where rows name theirs; those of others are counted."""
    counts = Counter(record["language"] or "" for _, record in records if "language" in record)
    if not counts:
        return build(records, where, layout)
    if language is None and len(counts) > 1:
        raise DataError(
            f"{where}: holds {len(counts)} languages ({', '.join(sorted(counts))}); say which with language="
        )
    wanted = language or next(iter(counts))
    chosen = [
        (place, {key: value for key, value in record.items() if key != "language"})
        for place, record in records
        if primary(record.get("language") or "") == primary(wanted)
    ]
    if not chosen:
        raise DataError(f"{where}: has no row in language {wanted!r}; it holds {', '.join(sorted(counts))}")
    others = tuple(sorted((name, n) for name, n in counts.items() if primary(name) != primary(wanted)))
    made = build(chosen, where, layout)
    dataset, report = replace(made.dataset, language=wanted), replace(made.report, other_languages=others)
    return Loaded(dataset, report)


def _example(number: int, given: Record, where: str, layout: Layout, ids: UniqueIds) -> Any:
    place, record = given
    missing = [column for column in (*layout.texts, layout.label) if column not in record]
    if missing:
        raise DataError(f"{where}, {place}: lacks {', '.join(missing)}; add it, or name another format with format=")
    for text in record.values():
        check_unicode(text or "", f"{where}, {place}")
    own = {layout.id, *layout.texts, layout.label}
    name = record.get(layout.id)
    return layout.kind(
        ids.take(str(number) if name is None else name),
        *(record[column] or "" for column in layout.texts),
        layout.canonical(record[layout.label], where, place),
        tuple(sorted((key, value) for key, value in record.items() if value and key not in own)),
    )


# --- writing


def _record(example: Any, layout: Layout) -> dict[str, str]:
    return {
        layout.label: layout.native(example),
        **dict(zip(layout.texts, example.texts, strict=True)),
        layout.id: example.id,
        **dict(example.extra),
    }


def _row(example: Any, layout: Layout) -> dict[str, str | None]:
    """All columns of an example, none for a label that is not there."""
    texts = dict(zip(layout.texts, example.texts, strict=True))
    return {"id": example.id, **texts, layout.label: example.label, **dict(example.extra)}


def _numbered(dataset: Dataset) -> bool:
    return all(example.id == str(number) for number, example in enumerate(dataset.examples, 1))


def _restored(value: str) -> Any:
    """The list or object that `as_text` laid out as text; any other text as it is."""
    if value[:1] not in {"[", "{"}:
        return value
    try:
        parsed = parse_json(value, "a value")
    except DataError:
        return value
    return parsed if as_text(parsed) == value else value
