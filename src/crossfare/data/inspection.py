"""What is in a dataset file: counts, characters, what had to be repaired, and the paper's figures beside them.

Characters are Unicode code points, counted with and without white space: translation APIs bill the
former, the paper's Tables 6 and 7 print the latter (found by recounting FaQuAD and ASSIN 2, both of
which it reproduces exactly).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from itertools import groupby
from pathlib import Path

from crossfare.data.catalog import Published, published
from crossfare.data.loaded import LoadReport
from crossfare.data.loading import UNDETERMINED, load
from crossfare.errors import ConfigError
from crossfare.languages import primary
from crossfare.types import Dataset, PairExample, QAExample, TaskName


@dataclass(frozen=True, slots=True)
class TextCount:
    """One kind of text: how many there are and their characters, with and without white space."""

    what: str
    texts: int
    characters: int
    without_space: int


@dataclass(frozen=True, slots=True)
class Inspection:
    """What `inspect` found.

    ``counts``      per kind of text (see the module for what characters are)
    ``labels``      (label, pairs) for NLI, most frequent first; "unlabelled" for those without
    ``paper``       the paper's figures for this dataset, if it is one of its datasets
    ``recognised``  why ``paper`` was chosen
    """

    dataset: Dataset
    report: LoadReport
    counts: tuple[TextCount, ...]
    labels: tuple[tuple[str, int], ...] = ()
    paper: Published | None = None
    recognised: str = ""

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
) -> Inspection:
    """Count what is in a dataset file, or in anything else `load` takes.

    Args:
        path: what to inspect; further arguments as for `load`.
        name: a dataset of the paper to compare with, such as "faquad-train". Without it the file is
            recognised by its task, language and number of examples, if only one fits.

    Raises:
        DataError: the file is missing or malformed.
        ConfigError: ``name`` is not one of the paper's datasets.
    """
    dataset, report = _loaded(path, task, language, split, format)
    paper, recognised = _named(name) if name else _recognise(dataset, report)
    return Inspection(
        dataset,
        report,
        tuple(_qa_counts(dataset) if dataset.task == "qa" else _pair_counts(dataset)),
        _labels(dataset),
        paper,
        recognised,
    )


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
        Row("repaired answers", f"{len(report.repaired):,}"),
        Row("lost answers", f"{len(report.lost):,}"),
        Row("repeated contents", f"{len(report.duplicates):,}"),
        Row("repeated ids", f"{len(report.renamed):,}"),
    ]
    if dataset.task == "nli":
        rows = [row for row in rows if row.label not in {"repaired answers", "lost answers"}]
    title = (
        f"{dataset.name}: {dataset.task}, language {dataset.language}, split {dataset.split}, format {report.format}"
    )
    columns = ("", "all characters", "without white space", "paper", "difference")
    return InspectionTable(title, columns, tuple(rows + _paper_rows(inspection)), _notes(inspection))


def _loaded(
    path: str | Path, task: TaskName | None, language: str | None, split: str | None, format_name: str | None
) -> tuple[Dataset, LoadReport]:
    loaded = load(path, task=task, language=language, split=split, format=format_name)
    return loaded.dataset, loaded.report


def _qa_counts(dataset: Dataset) -> Iterable[TextCount]:
    examples = [e for e in dataset.examples if isinstance(e, QAExample)]
    contexts = [e.context for e in examples]
    yield _count("contexts, distinct", dict.fromkeys(contexts))
    yield _count("contexts, once per paragraph", (context for context, _ in groupby(contexts)))
    yield _count("contexts, once per question", contexts)
    yield _count("questions", (e.question for e in examples))
    yield _count("answers, first of each question", (e.answers[0].text for e in examples))
    yield _count("answers, all", (a.text for e in examples for a in e.answers))


def _pair_counts(dataset: Dataset) -> Iterable[TextCount]:
    pairs = [e for e in dataset.examples if isinstance(e, PairExample)]
    yield _count("premises", (e.premise for e in pairs))
    yield _count("premises, distinct", dict.fromkeys(e.premise for e in pairs))
    yield _count("hypotheses", (e.hypothesis for e in pairs))


def _count(what: str, texts: Iterable[str]) -> TextCount:
    number = characters = without_space = 0
    for text in texts:
        number += 1
        characters += len(text)
        without_space += sum(map(len, text.split()))
    return TextCount(what, number, characters, without_space)


def _labels(dataset: Dataset) -> tuple[tuple[str, int], ...]:
    labels = Counter(e.label or "unlabelled" for e in dataset.examples if isinstance(e, PairExample))
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
}


def _paper_rows(inspection: Inspection) -> list[Row]:
    """The paper's figure against what one would expect it to be, and against what it is."""
    paper = inspection.paper
    if paper is None:
        return []
    parts = [inspection.count(what) for what in _COMPARED[paper.task]]
    everything = "contexts + questions + first answers" if paper.task == "qa" else "premises + hypotheses"
    total, bare = sum(p.characters for p in parts), sum(p.without_space for p in parts)
    units = inspection.count("questions").texts if paper.unit == "question" else parts[0].texts
    per_unit = (Decimal(bare) / units).quantize(Decimal("0.01"))
    table = f"Table {paper.table}"
    rows = [
        _compare(f"{table}, against {everything}", total, paper.characters),
        _compare(f"{table}, against the same without white space", bare, paper.characters, spaced=False),
        Row(
            f"{table}, characters per {paper.unit}, without white space",
            "",
            f"{per_unit:,}",
            f"{paper.per_unit:,}",
            f"{per_unit - paper.per_unit:+,}" if per_unit != paper.per_unit else "0",
        ),
    ]
    if paper.task == "qa":
        rows.insert(0, _compare(f"{table}, against contexts alone", parts[0].characters, paper.characters))
    return rows


def _compare(label: str, value: int, paper: int, *, spaced: bool = True) -> Row:
    shown = f"{value:,}"
    difference = f"{value - paper:+,} ({(value - paper) / paper:+.1%})" if value != paper else "0"
    return Row(label, shown if spaced else "", "" if spaced else shown, f"{paper:,}", difference)


def _notes(inspection: Inspection) -> tuple[str, ...]:
    paper = inspection.paper
    notes = list(inspection.report.summary()[1:])
    if paper:
        notes.append(f"compared with the paper's {paper.name} ({inspection.recognised})")
        notes.append(
            "the paper's Tables 6 and 7 count characters without white space; translation APIs bill white space too"
        )
    if inspection.report.dropped or inspection.report.unanswerable:
        notes.append("characters are those of the examples that can be used")
    return tuple(notes)
