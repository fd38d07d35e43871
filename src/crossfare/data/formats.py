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
    parquet,
    qa,
    qa_rows,
    quati,
    sources,
    tables,
    texts,
    triples,
)
from crossfare.data.labelled import Layout
from crossfare.data.loaded import Loaded
from crossfare.data.reading import FileReading
from crossfare.data.sources import Source
from crossfare.types import Dataset, TaskName


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
    ``fits``      whether a file is in it by its beginning and by what a user says of its columns
    ``told``      whether ``read`` takes what a user says of labels, and of columns where it ``fits`` them
    ``binary``    whether ``read`` takes the path, since the file is no text
    """

    name: str
    task: TaskName | None
    description: str
    sniff: Callable[[str], bool]
    read: Callable[..., Loaded] | None = None
    write: Callable[[Dataset], str] | None = None
    suffixes: tuple[str, ...] = ()
    open: Callable[[Path, str, str | None], Source] | None = None
    folder: Callable[[Path], bool] = _never
    fits: Callable[[str, FileReading], bool] | None = None
    told: bool = False
    binary: bool = False


def _columns(*names: str) -> Callable[[str], bool]:
    return lambda first: set(names) <= set(first.split("\t"))


def _keys(*names: str) -> Callable[[str], bool]:
    return lambda first: set(names) <= files.json_keys(first)


def _begins(*marks: str) -> Callable[[str], bool]:
    # A premise may begin with a bracket too.
    return lambda first: first.startswith(marks) and not (_is_xtreme(first) and first.rpartition("\t")[2] in nli.LABELS)


def _is_xtreme(first: str) -> bool:
    return first.count("\t") == 2


def _is_broken_pair(first: str) -> bool:
    return _keys("premise")(first) or _keys("sentence1", "sentence2")(first)


def _has(*names: str) -> Callable[[Path], bool]:
    return lambda folder: all(files.inside(folder, name).is_file() for name in names)


def _tsv(layout: Layout) -> dict[str, Any]:
    write = labelled.write_tsv if layout.header else labelled.write_headerless
    return {"read": partial(labelled.read_tsv, layout=layout), "write": partial(write, layout=layout), "told": True}


def _table(
    task: TaskName,
    kind: str,
    description: str,
    write: Callable[[Dataset], str] | None,
    suffixes: tuple[str, ...] = (),
    sniff: Callable[[str], bool] = _never,
) -> Format:
    """A table of a kind with the examples of a task; ``sniff`` takes further beginnings, to say what they lack."""
    fits = partial(tables.fits, task=task, kind=kind)
    return Format(
        f"{'labels' if task == 'classification' else task}-{kind}",
        task,
        description,
        lambda first: fits(first) or sniff(first),
        partial(tables.read, task=task, kind=kind),
        write,
        suffixes,
        fits=fits,
        told=True,
    )


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
    Format(
        "parquet", None, "parquet: the columns of any of the tables below", _never, parquet.read, told=True, binary=True
    ),
    _table(
        "nli",
        "jsonl",
        "MNLI, XNLI, ANLI and other pairs as JSON lines",
        partial(labelled.write_jsonl, layout=nli.MNLI),
        sniff=_is_broken_pair,
    ),
    _table("qa", "jsonl", "questions as JSON lines: context, question, answers, as on the hub", qa_rows.write_jsonl),
    _table(
        "classification",
        "jsonl",
        "texts with one label as JSON lines: text, label (or sentence, review, sentiment, intent ...)",
        partial(labelled.write_jsonl, layout=texts.PLAIN),
    ),
    _table("nli", "json", "pairs as a JSON list of objects", partial(labelled.write_json, layout=nli.PLAIN)),
    _table("qa", "json", "questions as a JSON list of objects", qa_rows.write_json),
    Format(
        "squad",
        "qa",
        "SQuAD v1.1 JSON: SQuAD, FaQuAD, GermanQuAD, ViQuAD, XQuAD, MLQA, TyDi QA GoldP",
        lambda first: _begins("{")(first) and not _is_broken_pair(first),
        tables.read_squad,
        qa.write_squad,
        (".json",),
    ),
    _table(
        "classification",
        "json",
        "texts with one label as a JSON list of objects",
        partial(labelled.write_json, layout=texts.PLAIN),
        (".json",),
    ),
    _table(
        "classification",
        "tsv",
        "the same as TSV, with a header or without",
        partial(labelled.write_tsv, layout=texts.PLAIN),
        (".tsv", ".txt"),
    ),
    _table(
        "classification",
        "csv",
        "the same as CSV, with commas, semicolons or bars",
        partial(labelled.write_csv, layout=texts.PLAIN),
        (".csv",),
    ),
    Format("assin", "nli", "ASSIN 1 and 2 XML", _begins("<"), assin.read, assin.write, (".xml",), told=True),
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
    _table(
        "nli",
        "tsv",
        "pairs as TSV with a header that names premise, hypothesis and label",
        partial(labelled.write_tsv, layout=nli.PLAIN),
    ),
    _table(
        "nli",
        "csv",
        "pairs as CSV, with commas, semicolons or bars",
        partial(labelled.write_csv, layout=nli.PLAIN),
        (".csv",),
    ),
    _table("qa", "tsv", "questions as TSV: context, question, answer, answer_start", None),
    _table("qa", "csv", "the same as CSV", None),
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
