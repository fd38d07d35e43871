"""The one registry of file formats: what each is called, how it is recognised, read and written.

A new format is a row here and a reader.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from crossfare.data import (
    artifact,
    assin,
    collection,
    cranfield,
    files,
    labelled,
    nli,
    qa,
    quati,
    sources,
    texts,
    triples,
)
from crossfare.data.labelled import Layout
from crossfare.data.loaded import Loaded
from crossfare.data.sources import Source
from crossfare.errors import ConfigError, DataError
from crossfare.types import Dataset, RankingExample, TaskName


def _never(_: Any) -> bool:
    return False


@dataclass(frozen=True, slots=True)
class Format:
    """A format of files, read whole, or as a stream where it is one of ranking data; what it cannot do is None.

    What reads refuses malformed data by a DataError in one line that names the line, the example or the path; what
    writes refuses in the same way what the format cannot hold, so that nothing is lost.

    ``task``      its task, or None where it holds any
    ``sniff``     whether a file is in it, by its first line of content
    ``read``      (text, name for messages, language or None) to what it holds
    ``write``     a dataset to text
    ``suffixes``  of the files that are written in it where no format is named
    ``open``      (path, name for messages, split or None) to the parts of ranking data that are there
    ``folder``    whether a folder is in it
    """

    name: str
    task: TaskName | None
    description: str
    sniff: Callable[[str], bool]
    read: Callable[[str, str, str | None], Loaded] | None = None
    write: Callable[[Dataset], str] | None = None
    suffixes: tuple[str, ...] = ()
    open: Callable[[Path, str, str | None], Source] | None = None
    folder: Callable[[Path], bool] = _never


def _columns(*names: str) -> Callable[[str], bool]:
    return lambda first: set(names) <= set(first.split("\t"))


def _keys(*names: str) -> Callable[[str], bool]:
    return lambda first: set(names) <= files.json_keys(first)


def _begins(*marks: str) -> Callable[[str], bool]:
    # A premise may begin with a bracket too.
    return lambda first: first.startswith(marks) and not (_is_xtreme(first) and first.rpartition("\t")[2] in nli.LABELS)


def _is_xtreme(first: str) -> bool:
    return first.count("\t") == 2


def _is_nli_jsonl(first: str) -> bool:
    return _keys("premise")(first) or _keys("sentence1", "sentence2")(first)


def _has(*names: str) -> Callable[[Path], bool]:
    return lambda folder: all(files.inside(folder, name).is_file() for name in names)


def _tsv(layout: Layout) -> dict[str, Any]:
    write = labelled.write_tsv if layout.header else labelled.write_headerless
    return {"read": partial(labelled.read_tsv, layout=layout), "write": partial(write, layout=layout)}


def _jsonl(*layouts: Layout) -> dict[str, Any]:
    """JSON lines with the keys of one of the layouts, written with those of the first."""
    read = partial(labelled.read_jsonl, layouts=layouts)
    return {"read": read, "write": partial(labelled.write_jsonl, layout=layouts[0])}


FORMATS: tuple[Format, ...] = (
    Format(
        "crossfare",
        None,
        "crossfare's own: examples of any task as JSON lines, lossless; a collection of passages as a folder",
        lambda first: first.startswith('{"crossfare":'),
        artifact.parse,
        artifact.render,
        (".jsonl",),
        open=sources.open_own,
        folder=lambda folder: collection.is_collection(folder) or (folder / artifact.FILE_NAME).is_file(),
    ),
    Format("nli-jsonl", "nli", "MNLI and XNLI as JSON lines", _is_nli_jsonl, **_jsonl(nli.MNLI, nli.PLAIN)),
    Format(
        "labels-jsonl",
        "classification",
        "texts with one label as JSON lines: text, label (or sentence, review, sentiment, intent ...)",
        texts.is_jsonl,
        texts.read_jsonl,
        partial(labelled.write_jsonl, layout=texts.PLAIN),
    ),
    Format(
        "squad",
        "qa",
        "SQuAD v1.1 JSON: SQuAD, FaQuAD, GermanQuAD, ViQuAD, XQuAD, MLQA, TyDi QA GoldP",
        lambda first: _begins("{", "[")(first) and not _is_nli_jsonl(first),
        qa.read_squad,
        qa.write_squad,
        (".json",),
    ),
    Format(
        "labels-json",
        "classification",
        "the same as a JSON list of objects",
        texts.is_json,
        texts.read_json,
        texts.write_json,
        (".json",),
    ),
    Format(
        "labels-tsv",
        "classification",
        "the same as TSV, with a header or without",
        texts.is_tsv,
        texts.read_tsv,
        partial(labelled.write_tsv, layout=texts.PLAIN),
        (".tsv", ".txt"),
    ),
    Format("labels-csv", "classification", "the same as CSV", texts.is_csv, texts.read_csv, texts.write_csv, (".csv",)),
    Format("assin", "nli", "ASSIN 1 and 2 XML", _begins("<"), assin.read, assin.write, (".xml",)),
    Format(
        "xnli",
        "nli",
        "XNLI TSV, 19 columns, all languages in one file",
        _columns("language", "sentence1", "sentence2"),
        **_tsv(nli.XNLI),
    ),
    Format(
        "mnli",
        "nli",
        "TSV with a header: gold_label, sentence1, sentence2 ...",
        _columns("sentence1", "sentence2"),
        **_tsv(nli.MNLI),
        suffixes=(".tsv", ".txt"),
    ),
    Format("sick", "nli", "SICK 2014 TSV", _columns("sentence_A", "sentence_B"), **_tsv(nli.SICK)),
    Format(
        "xnli-mt",
        "nli",
        "the machine-translated MNLI distributed with XNLI: premise, hypo, label",
        _columns("premise", "hypo", "label"),
        **_tsv(nli.XNLI_MT),
    ),
    Format(
        "xtreme",
        "nli",
        "TSV without a header: premise, hypothesis, label",
        _is_xtreme,
        **_tsv(nli.XTREME),
    ),
    Format(
        "beir",
        "ranking",
        "BEIR: corpus.jsonl, queries.jsonl and qrels/SPLIT.tsv in a folder, or one of the first two",
        _keys("_id"),
        open=sources.open_beir,
        folder=_has("corpus.jsonl", "queries.jsonl"),
    ),
    Format(
        "squad",
        "ranking",
        "a file in SQuAD's format as retrieval: its distinct paragraphs are the collection, one is relevant",
        lambda first: first.startswith(("{", "[")) and first.count("\t") != 2,  # triples have two
        open=sources.open_squad,
    ),
    Format(
        "cranfield",
        "ranking",
        "Cranfield in SMART's format: cran.all.1400, cran.qry and cranqrel in a folder, or one of the first two",
        cranfield.is_record,
        open=cranfield.open_cranfield,
        folder=_has("cran.qry"),
    ),
    Format(
        "quati",
        "ranking",
        "Quati's annotations: a TSV with query, passage, passage_id and score, or a folder with one per annotator",
        quati.is_quati,
        open=quati.open_quati,
        folder=lambda folder: bool(quati.annotators(folder)),
    ),
    Format(
        "msmarco",
        "ranking",
        "MS MARCO and mMARCO: id<TAB>text, queries or a collection",
        lambda first: first.count("\t") == 1,
        write=sources.render_msmarco,
        suffixes=(".tsv",),
        open=sources.open_msmarco,
    ),
    Format(
        "triples",
        "ranking",
        "MS MARCO and mMARCO triples: query, positive and negative passage, tab-separated",
        triples.are_texts,
        write=triples.write,
        open=triples.open_texts,
    ),
    Format(
        "triple-ids",
        "ranking",
        "the same as ids, which a file of queries and a collection resolve",
        triples.are_ids,
        open=triples.open_ids,
    ),
)
"""In the order in which they are tried."""


def named(name: str, task: TaskName | None = None) -> Format:
    """Look a format up by its name: that of the task, where several have it.

    Raises:
        ConfigError: there is none of that name.
    """
    rows = _tried(task)
    found = next((row for row in rows if row.name == name), None)
    if found is None:
        known = ", ".join(dict.fromkeys(row.name for row in rows))
        raise ConfigError(
            f"format {name!r} is not known{' for ranking' if task == 'ranking' else ''}; choose one of {known}"
        )
    return found


def choose(path: Path, where: str, *, task: TaskName | None, format: str | None = None) -> Format:
    """The format of a file or folder: the one named, or the first that recognises it; only its first line is read.

    Raises:
        DataError: it is missing, or no format recognises it.
        ConfigError: ``format`` is not known.
    """
    folder = files.is_folder(path)
    if format:
        return named(format, "ranking" if folder else task)
    if folder:
        found = next((row for row in FORMATS if row.folder(path)), None)
        problem = (
            f"is a folder in no known format (BEIR has corpus.jsonl and queries.jsonl, Cranfield cran.qry, a "
            f"collection {collection.HEADER}); name a file in it"
            if task in {None, "ranking"}
            else "a folder that holds no dataset; name a file"
        )
    else:
        first = files.first_line(path)
        # what is asked for is tried first: a list may be SQuAD's or another's
        rows = sorted(_tried(task), key=lambda row: row.task not in {None, task})
        found = next((row for row in rows if row.sniff(first)), None)
        problem = _not_recognised(first, task)
    if found is None:
        raise DataError(f"{where}: {problem}")
    return found


def _tried(task: TaskName | None) -> list[Format]:
    """The formats that are tried, in order.

    A file of another task is recognised, to say so; but not as ranking data, which nearly any line could be.
    """
    if task == "ranking":
        return [row for row in FORMATS if row.task in {None, "ranking"}]
    return [row for row in FORMATS if task is None or row.task != "ranking"]


def _not_recognised(first: str, task: TaskName | None) -> str:
    rows = _tried(task) if task == "ranking" else [row for row in FORMATS if row.read]
    known = ", ".join(row.name for row in rows)
    if task == "ranking":
        return (
            f"not recognised as ranking data, its first line is {first[:60]!r}; queries and passages are "
            f"id<TAB>text, judgements are given as qrels=; or name the format (one of {known})"
        )
    return f"format not recognised, its first line is {first[:60]!r}; name it with format= (one of {known})"


def for_writing(dataset: Dataset, path: Path) -> Format:
    """Choose the format a file name asks for: .json, .jsonl, .tsv, .txt or .xml, each also with .gz.

    Raises:
        ConfigError: the suffix names no format of the dataset's task.
    """
    suffix = files.suffix(path)
    rows = [row for row in FORMATS if row.task in {None, dataset.task}]
    found = next((row for row in rows if suffix in row.suffixes), None)
    if found is None:
        known = sorted({each for row in rows for each in row.suffixes})
        raise ConfigError(
            f"{path}: no {dataset.task} format has the suffix {suffix!r}; "
            f"use one of {', '.join(known)} or name a format"
        )
    triples_ = found.name == "msmarco" and any(isinstance(e, RankingExample) for e in dataset.examples)
    return named("triples", "ranking") if triples_ else found
