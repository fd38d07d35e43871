"""Natural language inference: MNLI and XNLI as TSV and JSONL, the XTREME layout, ASSIN XML, SICK.

Tab-separated files are read with quoting off: a quotation mark is a character like any other, and a
line ends at a line feed only (U+2028 and U+0085 occur inside sentences). A file without a column of
ids numbers its examples from 1. Columns other than the layout's own go to ``extra``, sorted by
name; an empty cell is the same as none.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from xml.parsers import expat
from xml.sax.saxutils import escape

from crossfare.data.loaded import Parsed, UniqueIds
from crossfare.errors import ConfigError, DataError
from crossfare.languages import primary
from crossfare.strict import parse_json
from crossfare.types import Dataset, Example, PairExample

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
    """How a family of files names its columns and labels. ``columns`` is the order written."""

    name: str
    id: str
    premise: str
    hypothesis: str
    label: str
    columns: tuple[str, ...]
    labels: Mapping[str, str | None]

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
XTREME = Layout("xtreme", "", "premise", "hypothesis", "label", ("premise", "hypothesis", "label"), _LABELS)
PLAIN = Layout("plain", "id", "premise", "hypothesis", "label", ("premise", "hypothesis", "label"), _LABELS)
ASSIN = Layout(
    "assin",
    "id",
    "t",
    "h",
    "entailment",
    (),
    {"Entailment": "entailment", "None": "neutral", "Paraphrase": "paraphrase"},
)


@dataclass(frozen=True, slots=True)
class RawPair:
    """A pair as a file gives it; ``place`` ("line 7") is for messages, ``id`` is None where the file has none."""

    place: str
    id: str | None
    premise: str
    hypothesis: str
    label: str | None
    extra: tuple[tuple[str, str], ...] = ()


def read_tsv(text: str, where: str, layout: Layout, language: str | None = None) -> Parsed:
    """Read a tab-separated file with a header line; with a ``language`` column, only the rows of ``language``.

    Raises:
        DataError: a column is missing, a row has too many or too few, or a label is unknown (with its line).
    """
    rows = _rows(text)
    header = next(rows)[1]
    _check_header(header, where, layout)
    records = []
    for place, given in rows:
        cells = given + [""] * _short_by(header, given)
        if len(cells) != len(header):
            raise DataError(
                f"{where}, {place}: {len(given)} columns where the header has {len(header)}; "
                "columns are separated by one tab, and a sentence may not hold one"
            )
        records.append((place, dict(zip(header, cells, strict=True))))
    chosen, others, found = _filter_language(records, where, language)
    return build((_raw(place, record, where, layout) for place, record in chosen), where, others, found)


def read_xtreme(text: str, where: str, language: str | None = None) -> Parsed:
    """Read the XTREME layout: premise, hypothesis and label, tab-separated, without a header.

    Raises:
        DataError: a row has not three columns, or a label is unknown (with its line).
    """
    del language  # this layout does not say it
    return build(_xtreme_pairs(text, where), where)


def read_jsonl(text: str, where: str, language: str | None = None) -> Parsed:
    """Read one JSON object per line with MNLI's keys, or with premise, hypothesis and label.

    Numbers among further keys become text, lists become JSON text.

    Raises:
        DataError: a line is not a JSON object, lacks a key or has an unknown label (with its line).
    """
    records = [(f"line {n}", _json_record(line, where, n)) for n, line in _lines(text)]
    layout = MNLI if MNLI.premise in records[0][1] else PLAIN
    chosen, others, found = _filter_language(records, where, language)
    return build((_raw(place, record, where, layout) for place, record in chosen), where, others, found)


def read_assin(text: str, where: str, language: str | None = None) -> Parsed:
    """Read ASSIN 1 or 2 XML: ``<pair entailment id similarity><t>..</t><h>..</h></pair>``.

    Document types and entities of one's own are refused.

    Raises:
        DataError: the XML is broken, a part is missing or a label is unknown (with its line).
    """
    del language
    reader = _AssinReader(where)
    return build(reader.read(text), where)


def write_tsv(dataset: Dataset, layout: Layout) -> str:
    """Lay a dataset out as tab-separated text with a header line.

    Ids that only number the rows are not written, unless the layout has a column for them.

    Raises:
        DataError: a sentence holds a tab or a line end, or a label has no word in the layout.
    """
    records = [_record(example, layout) for example in _pairs(dataset)]
    if layout is XNLI:
        records = [{**record, "language": dataset.language} for record in records]
    columns = list(layout.columns)
    if layout.id not in columns and not _numbered(dataset):
        columns.append(layout.id)
    further = {key for record in records for key in record} - set(columns) - {layout.id}
    columns += sorted(further)
    _check_cells(dataset, columns)
    lines = ["\t".join(columns)]
    for example, record in zip(dataset.examples, records, strict=True):
        lines.append(_tsv_line([record.get(column, "") for column in columns], example.id))
    return "\n".join(lines) + "\n"


def write_xtreme(dataset: Dataset) -> str:
    """Lay a dataset out in the XTREME layout, which holds neither ids nor further columns.

    Raises:
        DataError: the dataset has ids other than 1, 2, 3 ... or further columns, which would be lost.
    """
    pairs = _pairs(dataset)
    extra = sorted({key for example in pairs for key, _ in example.extra})
    if extra or not _numbered(dataset):
        what = f"the columns {', '.join(extra)}" if extra else "ids other than row numbers"
        raise DataError(
            f"dataset {dataset.name!r} has {what}, which the xtreme format cannot hold; save as mnli or .jsonl"
        )
    cells = ([e.premise, e.hypothesis, XTREME.native(e)] for e in pairs)
    return "".join(_tsv_line(row, e.id) + "\n" for e, row in zip(pairs, cells, strict=True))


def write_jsonl(dataset: Dataset) -> str:
    """Lay a dataset out as JSONL with MNLI's keys, the language and everything in ``extra``."""
    records = ({"language": dataset.language, **_record(e, MNLI)} for e in _pairs(dataset))
    return "".join(json.dumps({k: _restored(v) for k, v in r.items()}, ensure_ascii=False) + "\n" for r in records)


def write_assin(dataset: Dataset) -> str:
    """Lay a dataset out as ASSIN XML; a pair without a label has no ``entailment`` attribute.

    Raises:
        DataError: a label is not one of ASSIN's, or a text holds a character XML cannot.
    """
    lines = ["<?xml version='1.0' encoding='utf-8'?>", "<entailment-corpus>"]
    for example in _pairs(dataset):
        label = {} if example.label is None else {ASSIN.label: ASSIN.native(example)}
        attributes = {**label, ASSIN.id: example.id, **dict(example.extra)}
        _check_attributes(attributes, example.id)
        text = "".join(f' {key}="{_xml(value, example.id)}"' for key, value in attributes.items())
        lines.append(f"  <pair{text}>")
        lines.append(f"    <t>{_xml(example.premise, example.id)}</t>")
        lines.append(f"    <h>{_xml(example.hypothesis, example.id)}</h>")
        lines.append("  </pair>")
    return "\n".join([*lines, "</entailment-corpus>"]) + "\n"


def build(
    pairs: Iterable[RawPair],
    where: str,
    other_languages: tuple[tuple[str, int], ...] = (),
    language: str | None = None,
) -> Parsed:
    """Turn pairs as given into examples: ids made unique, or numbered from 1 where there are none.

    Raises:
        DataError: there is no pair, or a text is not valid Unicode.
    """
    ids = UniqueIds()
    examples = []
    for number, pair in enumerate(pairs, 1):
        _check_unicode(pair, where)
        name = ids.take(str(number) if pair.id is None else pair.id)
        examples.append(PairExample(name, pair.premise, pair.hypothesis, pair.label, pair.extra))
    if not examples:
        raise DataError(f"{where}: holds no pair; check that it is the complete file")
    return Parsed(
        "nli",
        tuple(examples),
        len(examples),
        renamed=tuple(ids.renamed),
        unlabelled=tuple(e.id for e in examples if e.label is None),
        other_languages=other_languages,
        language=language,
    )


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
    label = TWO_CLASS.get(example.label or "", example.label)
    return PairExample(example.id, example.premise, example.hypothesis, label, example.extra)


def known_label(word: str, layout: Layout, where: str, place: str) -> str | None:
    """Map a file's own word for a label to the canonical one.

    Raises:
        DataError: the layout does not know the word.
    """
    if word not in layout.labels:
        raise DataError(
            f"{where}, {place}: unknown label {word!r}; the {layout.name} format knows {', '.join(layout.labels)}"
        )
    return layout.labels[word]


# --- tab-separated text


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """Split at line feeds only; empty lines at the end of the file are no lines."""
    for number, line in enumerate(text.rstrip("\r\n").split("\n"), 1):
        yield number, line.removesuffix("\r")


def _rows(text: str) -> Iterator[tuple[str, list[str]]]:
    return ((f"line {number}", line.split("\t")) for number, line in _lines(text))


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


def _short_by(header: list[str], cells: list[str]) -> int:
    """How many single annotators' labels a row leaves out at its end, as the MNLI training file does."""
    rest = header[len(cells) :]
    return len(rest) if all(name.removeprefix("label").isdigit() for name in rest) else 0


def _raw(place: str, record: Mapping[str, str], where: str, layout: Layout) -> RawPair:
    own = {layout.id, layout.premise, layout.hypothesis, layout.label, "language"}
    missing = [c for c in (layout.premise, layout.hypothesis, layout.label) if c not in record]
    if missing:
        raise DataError(f"{where}, {place}: lacks {', '.join(missing)}; add it, or name another format with format=")
    return RawPair(
        place,
        record.get(layout.id),
        record[layout.premise],
        record[layout.hypothesis],
        known_label(record[layout.label], layout, where, place),
        sorted_extra((key, value) for key, value in record.items() if key not in own),
    )


def sorted_extra(items: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """Further columns in the one order that does not depend on the file: by name, empty ones left out."""
    return tuple(sorted((key, value) for key, value in items if value))


def _xtreme_pairs(text: str, where: str) -> Iterator[RawPair]:
    for place, cells in _rows(text):
        if len(cells) != 3:
            raise DataError(
                f"{where}, {place}: {len(cells)} columns, not 3 (premise, hypothesis, label); "
                "columns are separated by one tab, and a sentence may not hold one"
            )
        premise, hypothesis, label = cells
        yield RawPair(place, None, premise, hypothesis, known_label(label, XTREME, where, place))


Records = list[tuple[str, dict[str, str]]]


def _filter_language(
    records: Records, where: str, language: str | None
) -> tuple[Records, tuple[tuple[str, int], ...], str | None]:
    """Keep the rows of one language; returns them, the rows left out per language, and the language found."""
    counts = Counter(record["language"] for _, record in records if "language" in record)
    if not counts:
        return records, (), None
    if language is None and len(counts) > 1:
        raise DataError(
            f"{where}: holds {len(counts)} languages ({', '.join(sorted(counts))}); say which with language="
        )
    wanted = language or next(iter(counts))
    chosen = [item for item in records if primary(item[1].get("language", "")) == primary(wanted)]
    if not chosen:
        raise DataError(f"{where}: has no row in language {wanted!r}; it holds {', '.join(sorted(counts))}")
    others = tuple(sorted((name, n) for name, n in counts.items() if primary(name) != primary(wanted)))
    return chosen, others, wanted


def _pairs(dataset: Dataset) -> tuple[PairExample, ...]:
    pairs = tuple(e for e in dataset.examples if isinstance(e, PairExample))
    if len(pairs) != len(dataset.examples):
        raise DataError(f"dataset {dataset.name!r} holds questions, not pairs; save it as .json or .jsonl")
    return pairs


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


def _check_cells(dataset: Dataset, columns: list[str]) -> None:
    odd = [c for c in columns if any(mark in c for mark in "\t\n\r")]
    if odd:
        raise DataError(f"dataset {dataset.name!r}: the column name {odd[0]!r} holds a tab or line end; save as .jsonl")


def _tsv_line(cells: list[str], name: str) -> str:
    for cell in cells:
        if "\t" in cell or "\n" in cell or "\r" in cell:
            raise DataError(
                f"example {name!r}: {cell[:40]!r} holds a tab or line end, which a tab-separated file cannot hold; "
                "save as .jsonl"
            )
    return "\t".join(cells)


def _check_unicode(pair: RawPair, where: str) -> None:
    texts = (pair.premise, pair.hypothesis, pair.id or "", *(value for _, value in pair.extra))
    for text in texts:
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise DataError(
                f"{where}, {pair.place}: lone surrogate {text[error.start]!a} at offset {error.start} of "
                f"{text[:40]!a}, which is not valid Unicode; correct the text"
            ) from error


# --- JSONL


def _json_record(line: str, where: str, number: int) -> dict[str, str]:
    record = parse_json(line, f"{where}, line {number}", todo="one JSON object per line")
    if not isinstance(record, dict):
        raise DataError(f"{where}, line {number}: not a JSON object but {line[:40]!r}; one object per line")
    return {
        key: _as_text(value) for key, value in record.items() if value is not None or key in {"label", "gold_label"}
    }


def _as_text(value: Any) -> str:
    if value is None:
        return "-"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _restored(value: str) -> Any:
    """The list or object that `_as_text` laid out as text; any other text as it is."""
    if value[:1] not in {"[", "{"}:
        return value
    try:
        parsed = parse_json(value, "a value")
    except DataError:
        return value
    return parsed if _as_text(parsed) == value else value


# --- ASSIN XML


class _AssinReader:
    """Collects pairs from the parser's events, which know their line."""

    def __init__(self, where: str) -> None:
        self.where = where
        self.pairs: list[RawPair] = []
        self._attributes: dict[str, str] | None = None
        self._place = ""
        self._texts: dict[str, list[str]] = {}
        self._open: str | None = None
        self._parser = expat.ParserCreate()
        self._parser.StartDoctypeDeclHandler = self._doctype
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._characters

    def read(self, text: str) -> list[RawPair]:
        try:
            self._parser.Parse(text, True)
        except expat.ExpatError as error:
            raise DataError(
                f"{self.where}, line {error.lineno}: broken XML ({expat.ErrorString(error.code)}); "
                "correct it or fetch the file again"
            ) from error
        return self.pairs

    def _doctype(self, *_: object) -> None:
        raise self._error("document types and entities are not allowed; remove the DOCTYPE")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if self._open or (name == "pair" and self._attributes is not None):
            raise self._error(f"<{name}> stands inside <{self._open or 'pair'}>; close that first")
        if name == "pair":
            self._place = f"line {self._parser.CurrentLineNumber}"
            self._attributes, self._texts = attributes, {}
        elif name in {ASSIN.premise, ASSIN.hypothesis} and self._attributes is not None:
            self._open = name
            self._texts[name] = []

    def _characters(self, data: str) -> None:
        if self._open:
            self._texts[self._open].append(data)

    def _end(self, name: str) -> None:
        if name == self._open:
            self._open = None
        elif name == "pair" and self._attributes is not None:
            self.pairs.append(self._pair(self._attributes))
            self._attributes = None

    def _pair(self, attributes: dict[str, str]) -> RawPair:
        missing = [f"<{tag}>" for tag in (ASSIN.premise, ASSIN.hypothesis) if tag not in self._texts]
        missing += [] if ASSIN.id in attributes else ["the attribute id"]
        if missing:
            raise DataError(f"{self.where}, {self._place}: the pair lacks {', '.join(missing)}; add it")
        word = attributes.get(ASSIN.label)
        return RawPair(
            self._place,
            attributes[ASSIN.id],
            "".join(self._texts[ASSIN.premise]),
            "".join(self._texts[ASSIN.hypothesis]),
            None if word is None else known_label(word, ASSIN, self.where, self._place),
            sorted_extra((k, v) for k, v in attributes.items() if k not in {ASSIN.id, ASSIN.label}),
        )

    def _error(self, what: str) -> DataError:
        return DataError(f"{self.where}, line {self._parser.CurrentLineNumber}: {what}")


# White space in attributes and carriage returns anywhere would not survive XML's own normalisation.
_XML_ENTITIES = {'"': "&quot;", "\t": "&#9;", "\n": "&#10;", "\r": "&#13;"}


def _check_attributes(attributes: Mapping[str, str], name: str) -> None:
    for key in attributes:
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_.-]*", key):
            raise DataError(f"example {name!r}: {key!r} cannot be an XML attribute; save as .jsonl")


def _xml(text: str, name: str) -> str:
    for character in text:
        if (character < " " and character not in "\t\n\r") or character in "\ufffe\uffff":
            raise DataError(f"example {name!r}: XML cannot hold the character {character!a}; save as .jsonl")
    return escape(text, _XML_ENTITIES)
