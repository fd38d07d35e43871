"""Natural language inference: MNLI and XNLI as TSV and JSONL, the XTREME layout, SICK (for ASSIN see `assin`).

Tab-separated files are read with quoting off: a quotation mark is a character like any other, and a
line ends at a line feed only (U+2028 and U+0085 occur inside sentences). A file without a column of
ids numbers its examples from 1. Columns other than the layout's own go to ``extra``, sorted by
name; an empty cell is the same as none.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from crossfare.data.files import check_unicode, json_object, split_lines, tsv_line
from crossfare.data.loaded import Loaded, LoadReport, UniqueIds
from crossfare.errors import ConfigError, DataError
from crossfare.languages import primary
from crossfare.strict import parse_json
from crossfare.types import Dataset, Example, PairExample

Record = tuple[str, Mapping[str, str | None]]
"""A pair as a file gives it: its place ("line 7", for messages), and its values by column. A label may be None."""

_LABELS: Mapping[str, str | None] = {
    "entailment": "entailment",
    "neutral": "neutral",
    "contradiction": "contradiction",
    "-": None,  # the annotators did not agree
}

TWO_CLASS = {"contradiction": "neutral", "paraphrase": "entailment"}
"""The paper's mapping of three classes to two (its section on NLI), and of ASSIN 1's third class."""


@dataclass(frozen=True, slots=True)
class Layout:
    """How a family of files names its columns and labels.

    ``columns`` is the order written, and read where there is no ``header``.
    """

    name: str
    id: str
    premise: str
    hypothesis: str
    label: str
    columns: tuple[str, ...]
    labels: Mapping[str, str | None]
    header: bool = True

    def canonical(self, word: str | None, where: str, place: str) -> str | None:
        """Map the file's own word for a label to the canonical one.

        Raises:
            DataError: the layout does not know the word.
        """
        if word is not None and word not in self.labels:
            raise DataError(
                f"{where}, {place}: unknown label {word!r}; the {self.name} format knows {', '.join(self.labels)}"
            )
        return None if word is None else self.labels[word]

    def native(self, example: PairExample) -> str:
        """Write a label in the file's own words.

        Raises:
            DataError: the layout has no word for it.
        """
        for word, label in self.labels.items():
            if label == example.label:
                return word
        raise DataError(
            f"example {example.id!r}: the {self.name} format has no label for {example.label or 'an unlabelled pair'}; "
            "save as .jsonl, or load with labels='two-class'"
        )


_XNLI_COLUMNS = (
    "language gold_label sentence1_binary_parse sentence2_binary_parse sentence1_parse sentence2_parse sentence1 "
    "sentence2 promptID pairID genre label1 label2 label3 label4 label5 sentence1_tokenized sentence2_tokenized match"
)

MNLI = Layout(
    "mnli", "pairID", "sentence1", "sentence2", "gold_label", ("gold_label", "sentence1", "sentence2"), _LABELS
)
XNLI = Layout("xnli", "pairID", "sentence1", "sentence2", "gold_label", tuple(_XNLI_COLUMNS.split()), _LABELS)
XNLI_MT = Layout(
    "xnli-mt",
    "id",
    "premise",
    "hypo",
    "label",
    ("premise", "hypo", "label"),
    {"entailment": "entailment", "neutral": "neutral", "contradictory": "contradiction", "-": None},
)
SICK = Layout(
    "sick",
    "pair_ID",
    "sentence_A",
    "sentence_B",
    "entailment_judgment",
    ("pair_ID", "sentence_A", "sentence_B", "relatedness_score", "entailment_judgment"),
    {"ENTAILMENT": "entailment", "NEUTRAL": "neutral", "CONTRADICTION": "contradiction"},
)
PLAIN = Layout("plain", "id", "premise", "hypothesis", "label", ("premise", "hypothesis", "label"), _LABELS)
XTREME = replace(PLAIN, name="xtreme", id="", header=False)


def read_tsv(text: str, where: str, language: str | None = None, *, layout: Layout) -> Loaded:
    """Read a tab-separated file; with a ``language`` column, only the rows of ``language``.

    Raises:
        DataError: a column is missing, a row has too many or too few, or a label is unknown (with its line).
    """
    rows = ((place, line.split("\t")) for place, line in split_lines(text))
    header = next(rows)[1] if layout.header else list(layout.columns)
    _check_header(header, where, layout)
    return _of_language(list(_cells(rows, header, where, layout)), where, layout, language)


def read_jsonl(text: str, where: str, language: str | None = None) -> Loaded:
    """Read one JSON object per line with MNLI's keys, or with premise, hypothesis and label.

    Numbers among further keys become text, lists become JSON text.

    Raises:
        DataError: a line is not a JSON object, lacks a key or has an unknown label (with its line).
    """
    records = [(place, _values(line, f"{where}, {place}")) for place, line in split_lines(text)]
    layout = MNLI if MNLI.premise in records[0][1] else PLAIN
    return _of_language(records, where, layout, language)


def build(records: Iterable[Record], where: str, layout: Layout) -> Loaded:
    """Turn pairs as given into examples: ids made unique, or numbered from 1 where there are none.

    Raises:
        DataError: there is no pair, a part is missing, a label is unknown, or a text is not valid Unicode.
    """
    ids = UniqueIds()
    examples = tuple(_pair(number, record, where, layout, ids) for number, record in enumerate(records, 1))
    if not examples:
        raise DataError(f"{where}: holds no pair; check that it is the complete file")
    unlabelled = tuple(example.id for example in examples if example.label is None)
    report = LoadReport(read=len(examples), renamed=tuple(ids.renamed), unlabelled=unlabelled)
    return Loaded(Dataset("", "nli", "", "", examples), report)


def write_tsv(dataset: Dataset, layout: Layout) -> str:
    """Lay a dataset out as tab-separated text with a header line.

    Ids that only number the rows are not written, unless the layout has a column for them.

    Raises:
        DataError: a sentence holds a tab or a line end, or a label has no word in the layout.
    """
    records = [_record(example, layout) for example in pairs(dataset)]
    if layout is XNLI:
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


def write_xtreme(dataset: Dataset) -> str:
    """Lay a dataset out in the XTREME layout, which holds neither ids nor further columns.

    Raises:
        DataError: the dataset has ids other than 1, 2, 3 ... or further columns, which would be lost.
    """
    extra = sorted({key for example in pairs(dataset) for key, _ in example.extra})
    if extra or not _numbered(dataset):
        what = f"the columns {', '.join(extra)}" if extra else "ids other than row numbers"
        raise DataError(
            f"dataset {dataset.name!r} has {what}, which the xtreme format cannot hold; save as mnli or .jsonl"
        )
    return "".join(tsv_line(e.id, e.premise, e.hypothesis, XTREME.native(e)) for e in pairs(dataset))


def write_jsonl(dataset: Dataset) -> str:
    """Lay a dataset out as JSONL with MNLI's keys, the language and everything in ``extra``."""
    records = ({"language": dataset.language, **_record(e, MNLI)} for e in pairs(dataset))
    return "".join(json.dumps({k: _restored(v) for k, v in r.items()}, ensure_ascii=False) + "\n" for r in records)


def relabel(examples: Sequence[Example], labels: str) -> tuple[Example, ...]:
    """Map labels to the two classes of ASSIN 2: ``labels`` must be "two-class".

    Raises:
        ConfigError: another name is given, or the examples are not pairs.
    """
    if labels != "two-class":
        raise ConfigError(f"labels={labels!r} is not known; leave it out or say 'two-class'")
    return tuple(_two_class(e) for e in examples)


def _two_class(example: Example) -> PairExample:
    if not isinstance(example, PairExample):
        raise ConfigError("labels='two-class' is for NLI; leave it out for question answering")
    return replace(example, label=TWO_CLASS.get(example.label or "", example.label))


def pairs(dataset: Dataset) -> tuple[PairExample, ...]:
    """The examples of a dataset that is to be written.

    Raises:
        DataError: some are no pairs.
    """
    found = tuple(e for e in dataset.examples if isinstance(e, PairExample))
    if len(found) != len(dataset.examples):
        raise DataError(f"dataset {dataset.name!r} holds questions, not pairs; save it as .json or .jsonl")
    return found


def as_text(value: Any) -> str:
    """A value of a further column as text: text as it is, all else as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


# --- reading


def _check_header(header: list[str], where: str, layout: Layout) -> None:
    missing = [c for c in (layout.premise, layout.hypothesis, layout.label) if c not in header]
    if missing:
        raise DataError(
            f"{where}, line 1: the header lacks {', '.join(missing)} (it has {', '.join(header)[:100]}); "
            "correct it, or name another format with format="
        )
    repeated = [name for name, count in Counter(header).items() if count > 1]
    if repeated:
        raise DataError(f"{where}, line 1: the header names {', '.join(repeated)} twice; rename or remove one")


def _cells(rows: Iterable[tuple[str, list[str]]], header: list[str], where: str, layout: Layout) -> Iterator[Record]:
    for place, given in rows:
        cells = given + [""] * _short_by(header, given)
        if len(cells) != len(header):
            expected = (
                f" where the header has {len(header)}" if layout.header else ", not 3 (premise, hypothesis, label)"
            )
            raise DataError(
                f"{where}, {place}: {len(given)} columns{expected}; "
                "columns are separated by one tab, and a sentence may not hold one"
            )
        yield place, dict(zip(header, cells, strict=True))


def _short_by(header: list[str], cells: list[str]) -> int:
    """How many single annotators' labels a row leaves out at its end, as the MNLI training file does."""
    rest = header[len(cells) :]
    return len(rest) if all(name.removeprefix("label").isdigit() for name in rest) else 0


def _values(line: str, place: str) -> dict[str, str | None]:
    """The values of a line of JSON as text; only a label may be null."""
    record = json_object(line, place, "one JSON object per line")
    labels = {MNLI.label, PLAIN.label}
    return {
        key: None if value is None else as_text(value)
        for key, value in record.items()
        if value is not None or key in labels
    }


def _of_language(records: Sequence[Record], where: str, layout: Layout, language: str | None) -> Loaded:
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


def _pair(number: int, given: Record, where: str, layout: Layout, ids: UniqueIds) -> PairExample:
    place, record = given
    missing = [c for c in (layout.premise, layout.hypothesis, layout.label) if c not in record]
    if missing:
        raise DataError(f"{where}, {place}: lacks {', '.join(missing)}; add it, or name another format with format=")
    for text in record.values():
        check_unicode(text or "", f"{where}, {place}")
    own = {layout.id, layout.premise, layout.hypothesis, layout.label}
    name = record.get(layout.id)
    return PairExample(
        ids.take(str(number) if name is None else name),
        record[layout.premise] or "",
        record[layout.hypothesis] or "",
        layout.canonical(record[layout.label], where, place),
        tuple(sorted((key, value) for key, value in record.items() if value and key not in own)),
    )


# --- writing


def _record(example: PairExample, layout: Layout) -> dict[str, str]:
    return {
        layout.label: layout.native(example),
        layout.premise: example.premise,
        layout.hypothesis: example.hypothesis,
        layout.id: example.id,
        **dict(example.extra),
    }


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
