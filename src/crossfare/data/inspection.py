"""What is in a dataset file: counts, characters, what had to be repaired, and the paper's figures beside them.

Characters are Unicode code points, counted with and without white space: translation APIs bill the
former, the paper's Tables 6 and 7 print the latter (found by recounting FaQuAD and ASSIN 2, both of
which it reproduces exactly).
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np

from crossfare.data import recognition
from crossfare.data.catalog import Published, published
from crossfare.data.collection import id_hash, is_collection
from crossfare.data.files import stem
from crossfare.data.loaded import LoadReport
from crossfare.data.loading import UNDETERMINED, dataset_file, guess_language, guess_split, load
from crossfare.data.sources import Source, Triple
from crossfare.errors import ConfigError
from crossfare.languages import primary
from crossfare.types import Dataset, Labelled, PairExample, QAExample, QueryExample, RankingExample, TaskName

Facts = tuple[tuple[str, int], ...]
"""(what, how many) of other things than characters."""


@dataclass(slots=True)
class TextCount:
    """One kind of text: how many there are and their characters, with and without white space."""

    what: str
    texts: int = 0
    characters: int = 0
    without_space: int = 0

    def add(self, text: str) -> None:
        """Count one more."""
        self.texts += 1
        self.characters += len(text)
        self.without_space += sum(map(len, text.split()))


@dataclass(frozen=True, slots=True)
class Inspection:
    """What `inspect` found.

    ``counts``      per kind of text (see the module for what characters are)
    ``labels``      (label, pairs) for NLI, most frequent first; "unlabelled" for those without
    ``paper``       the paper's figures for this dataset, if it is one of its datasets
    ``recognised``  why ``paper`` was chosen
    ``facts``       what else was counted
    """

    dataset: Dataset
    report: LoadReport
    counts: tuple[TextCount, ...]
    labels: tuple[tuple[str, int], ...] = ()
    paper: Published | None = None
    recognised: str = ""
    facts: Facts = ()

    def count(self, what: str) -> TextCount:
        """The count of one kind of text, by its name."""
        return next(c for c in self.counts if c.what == what)


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the laid-out inspection; ``paper`` and ``difference`` are empty where the paper says nothing."""

    label: str
    value: str
    without_space: str = ""
    paper: str = ""
    difference: str = ""


@dataclass(frozen=True, slots=True)
class InspectionTable:
    """An inspection laid out: a title, rows under ``columns``, and notes as plain lines."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    notes: tuple[str, ...]


def inspect(
    path: str | Path,
    *,
    name: str | None = None,
    task: TaskName | None = None,
    language: str | None = None,
    split: str | None = None,
    format: str | None = None,
    **told: Any,
) -> Inspection:
    """Count what is in a dataset file, or in anything else `load` takes.

    Collections, queries without judgements and triples are counted as a stream, and leave the dataset empty.

    Args:
        path: what to inspect; further arguments as for `load`: ``told`` are columns, labels and separator.
        name: a dataset of the paper to compare with, such as "faquad-train". Without it the file is
            recognised by its task, language and number of examples, if only one fits.

    Raises:
        DataError: the file is missing or malformed.
        ConfigError: ``name`` is not one of the paper's datasets.
    """
    source = None if any(told.values()) else _ranking_source(path, task, split, format)
    if source:
        dataset, report, counts, facts = _ranking(source, Path(path), language, split, format)
    else:
        loaded = load(path, task=task, language=language, split=split, format=format, **told)
        dataset, report = loaded.dataset, loaded.report
        counts, facts = tuple(_COUNTS.get(dataset.task, _text_counts)(dataset)), _grades(dataset)
    paper, recognised = _named(name) if name else _recognise(dataset, report)
    return Inspection(dataset, report, counts, _labels(dataset), paper, recognised, facts)


def tabulate(inspection: Inspection) -> InspectionTable:
    """Lay an inspection out for a terminal or a file; numbers carry thousands separators."""
    dataset, report = inspection.dataset, inspection.report
    titles = {e.title for e in dataset.examples if isinstance(e, QAExample) and e.title is not None}
    rows = [
        *([Row("article titles, distinct", f"{len(titles):,}")] if titles else []),
        Row("examples in the file", f"{report.read:,}"),
        Row("examples that can be used", f"{report.kept:,}"),
        *(_count_row(count) for count in inspection.counts),
        *(Row(f"label {label}", f"{n:,}") for label, n in inspection.labels),
        *(Row(what, f"{n:,}") for what, n in inspection.facts),
        Row("repaired answers", f"{len(report.repaired):,}"),
        Row("lost answers", f"{len(report.lost):,}"),
        Row("repeated contents", f"{len(report.duplicates):,}"),
        Row("repeated ids", f"{len(report.renamed):,}"),
    ]
    hidden = set() if report.answers else {"repaired answers", "lost answers"}
    if not dataset.examples:  # counted as a stream, which nobody compared
        hidden |= {"repeated contents", "repeated ids"}
    rows = [row for row in rows if row.label not in hidden]
    title = (
        f"{dataset.name}: {dataset.task}, language {dataset.language}, split {dataset.split}, format {report.format}"
    )
    columns = ("", "all characters", "without white space", *(("paper", "difference") if inspection.paper else ()))
    return InspectionTable(title, columns, tuple(rows + _paper_rows(inspection)), _notes(inspection))


def _ranking_source(ref: str | Path, task: TaskName | None, split: str | None, format: str | None) -> Source | None:
    """What there is to stream, of a file or folder of ranking data that is no artifact."""
    if str(ref).startswith(("world:", "hub:")):
        return None
    path = Path(ref) if is_collection(Path(ref)) else dataset_file(Path(ref))
    row = recognition.choose(path, str(ref), task=task, format=format)
    if row.open is None or (row.read and path.is_file()):
        return None
    return row.open(path, str(ref), split)


_Counted = tuple[Dataset, LoadReport, tuple[TextCount, ...], Facts]


def _ranking(source: Source, path: Path, language: str | None, split: str | None, format: str | None) -> _Counted:
    """Count ranking data; what holds judgements is loaded, all else only streamed."""
    if source.triples and source.of_ids:
        raise ConfigError(f"{path}: triples of ids have no texts to count; inspect the queries and the collection")
    if source.triples:
        return _streamed(path, language, split, source.format, *_triples(source.triples()))
    if source.either or source.queries is None:
        counted, facts = _passages(source, "texts")
        return _streamed(path, language, split, source.format, counted, facts)
    loaded = load(path, task="ranking", language=language, split=split, format=format)
    counted, facts = _passages(source, "passages")
    counts = (*_ranking_counts(loaded.dataset), *counted)
    return loaded.dataset, loaded.report, counts, _grades(loaded.dataset) + facts


def _passages(source: Source, what: str) -> tuple[tuple[TextCount, ...], Facts]:
    """Counted as they pass by; also how many are empty, and how many ids were there before."""
    if source.passages is None:
        return (), ()
    found, ids, empty = TextCount(what), array("Q"), 0
    for passage in source.passages():
        found.add(passage.text)
        ids.append(id_hash(passage.id))
        empty += not passage.text.strip()
    return (found,), ((f"empty {what}", empty), (f"{what} with a repeated id", found.texts - _distinct(ids)))


def _triples(triples: Iterable[Triple]) -> tuple[tuple[TextCount, ...], Facts]:
    query, positive, negative = (TextCount(what) for what in ("queries", "positive passages", "negative passages"))
    asked = array("Q")
    for triple in triples:
        query.add(triple.query)
        positive.add(triple.positive)
        negative.add(triple.negative)
        asked.append(id_hash(triple.query))
    return (query, positive, negative), (("distinct queries", _distinct(asked)),)


def _distinct(hashes: array[int]) -> int:
    return len(np.unique(np.frombuffer(hashes, dtype=np.uint64)))


def count(what: str, texts: Iterable[str]) -> TextCount:
    """Count texts and their characters (Unicode code points)."""
    found = TextCount(what)
    for text in texts:
        found.add(text)
    return found


def _streamed(
    path: Path, language: str | None, split: str | None, format_name: str, counts: tuple[TextCount, ...], facts: Facts
) -> _Counted:
    tag, read = language or guess_language(path) or UNDETERMINED, counts[0].texts
    dataset = Dataset(stem(path), "ranking", split or guess_split(path) or "unknown", tag, ())
    return dataset, LoadReport(str(path), format_name, read, read, read), counts, facts


def _qa_counts(dataset: Dataset) -> Iterable[TextCount]:
    examples = [e for e in dataset.examples if isinstance(e, QAExample)]
    contexts = [e.context for e in examples]
    yield count("contexts, distinct", dict.fromkeys(contexts))
    yield count("contexts, once per paragraph", (context for context, _ in groupby(contexts)))
    yield count("contexts, once per question", contexts)
    yield count("questions", (e.question for e in examples))
    yield count("answers, first of each question", (e.answers[0].text for e in examples))
    yield count("answers, all", (a.text for e in examples for a in e.answers))


def _pair_counts(dataset: Dataset) -> Iterable[TextCount]:
    pairs = [e for e in dataset.examples if isinstance(e, PairExample)]
    yield count("premises", (e.premise for e in pairs))
    yield count("premises, distinct", dict.fromkeys(e.premise for e in pairs))
    yield count("hypotheses", (e.hypothesis for e in pairs))


def _text_counts(dataset: Dataset) -> Iterable[TextCount]:
    texts = [text for example in dataset.examples for text in example.texts]
    yield count("texts", texts)
    yield count("texts, distinct", dict.fromkeys(texts))


def _ranking_counts(dataset: Dataset) -> Iterable[TextCount]:
    yield count("queries", (e.query for e in dataset.examples if isinstance(e, QueryExample | RankingExample)))
    triples_ = [e for e in dataset.examples if isinstance(e, RankingExample)]
    if triples_:
        yield count("positive passages", (e.positive for e in triples_))
        yield count("negative passages", (text for e in triples_ for text in e.negatives))


_COUNTS = {"qa": _qa_counts, "nli": _pair_counts, "ranking": _ranking_counts}


def _grades(dataset: Dataset) -> Facts:
    grades = Counter(g for e in dataset.examples if isinstance(e, QueryExample) for _, g in e.judgements)
    return tuple((f"judgements of grade {grade}", grades[grade]) for grade in sorted(grades, reverse=True))


def _labels(dataset: Dataset) -> tuple[tuple[str, int], ...]:
    labels = Counter(e.label or "unlabelled" for e in dataset.examples if isinstance(e, Labelled))
    return tuple(labels.most_common())


def _named(name: str) -> tuple[Published, str]:
    for row in published():
        if row.name == name:
            return row, "named by the caller"
    known = ", ".join(row.name for row in published())
    raise ConfigError(f"the paper has no figures for {name!r}; it has them for {known}")


def _recognise(dataset: Dataset, report: LoadReport) -> tuple[Published | None, str]:
    fitting = [
        row
        for row in published()
        if (row.task, row.examples) == (dataset.task, report.read)
        and primary(dataset.language) in {row.language, UNDETERMINED}
    ]
    if len(fitting) != 1:
        return None, ""
    return fitting[0], f"recognised by its {report.read:,} examples"


def _count_row(count: TextCount) -> Row:
    per_text = f" ({count.characters / count.texts:,.2f} each)" if count.texts else ""
    return Row(f"{count.what}: {count.texts:,}", f"{count.characters:,}{per_text}", f"{count.without_space:,}")


_COMPARED = {
    "qa": ("contexts, once per paragraph", "questions", "answers, first of each question"),
    "nli": ("premises", "hypotheses"),
    "ranking": ("texts",),
}
_EVERYTHING = {"qa": "contexts + questions + first answers", "nli": "premises + hypotheses", "ranking": "texts"}


def _paper_rows(inspection: Inspection) -> list[Row]:
    """The paper's figure against what one would expect it to be, and against what it is."""
    paper = inspection.paper
    if paper is None:
        return []
    parts = [c for what in _COMPARED[paper.task] for c in inspection.counts if c.what == what]
    if not parts:
        return []
    total, bare = sum(p.characters for p in parts), sum(p.without_space for p in parts)
    units = inspection.count("questions").texts if paper.unit == "question" else parts[0].texts
    table = f"Table {paper.table}"
    rows = [
        _compare(f"{table}, against {_EVERYTHING[paper.task]}", total, paper.characters),
        _compare(f"{table}, against the same without white space", bare, paper.characters, spaced=False),
        _compare_average(table, paper, Decimal(bare) / units),
    ]
    if paper.task == "qa":
        rows.insert(0, _compare(f"{table}, against contexts alone", parts[0].characters, paper.characters))
    return rows


def _compare_average(table: str, paper: Published, average: Decimal) -> Row:
    per_unit = average.quantize(Decimal("0.01"))
    difference = f"{per_unit - paper.per_unit:+,}" if per_unit != paper.per_unit else "0"
    label = f"{table}, characters per {paper.unit}, without white space"
    return Row(label, "", f"{per_unit:,}", f"{paper.per_unit:,}", difference)


def _compare(label: str, value: int, paper: int, *, spaced: bool = True) -> Row:
    shown = f"{value:,}"
    difference = f"{value - paper:+,} ({(value - paper) / paper:+.1%})" if value != paper else "0"
    return Row(label, shown if spaced else "", "" if spaced else shown, f"{paper:,}", difference)


_WHITE_SPACE = {
    **dict.fromkeys(
        (6, 7), "the paper's Tables 6 and 7 count characters without white space; translation APIs bill white space too"
    ),
    8: "whether the paper's Table 8 counts white space is not known; translation APIs bill it",
}


def _notes(inspection: Inspection) -> tuple[str, ...]:
    paper = inspection.paper
    notes = list(inspection.report.summary()[1:])
    if paper:
        notes.append(f"compared with the paper's {paper.name} ({inspection.recognised})")
        notes.append(_WHITE_SPACE[paper.table])
    if inspection.report.dropped or inspection.report.unanswerable:
        notes.append("characters are those of the examples that can be used")
    return tuple(notes)
