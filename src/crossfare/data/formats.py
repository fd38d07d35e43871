"""The file formats, as data: what each is called, how it is recognised, read and written.

Those of ranking, which are read as streams and span several files, are in `sources` and `triples`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from crossfare.data import artifact, files, nli, qa
from crossfare.data.files import json_keys
from crossfare.data.loaded import Parsed
from crossfare.errors import ConfigError, DataError
from crossfare.types import Dataset, TaskName


@dataclass(frozen=True, slots=True)
class Format:
    """A file format.

    ``task``   its task, or None where it holds any
    ``sniff``  whether a text is in this format, by its first line of content
    ``read``   (text, name for messages, language or None) to what was parsed
    ``write``  a dataset to text
    """

    name: str
    task: TaskName | None
    description: str
    sniff: Callable[[str], bool]
    read: Callable[[str, str, str | None], Parsed]
    write: Callable[[Dataset], str]


def _columns(*names: str) -> Callable[[str], bool]:
    return lambda first: set(names) <= set(first.split("\t"))


def _is_artifact(first: str) -> bool:
    return first.startswith('{"crossfare":')


def _is_jsonl(first: str) -> bool:
    keys = json_keys(first)
    return {"sentence1", "sentence2"} <= keys or "premise" in keys


def _is_xtreme(first: str) -> bool:
    return first.count("\t") == 2


def _is_labelled_row(first: str) -> bool:
    return _is_xtreme(first) and first.rpartition("\t")[2] in nli.XTREME.labels


def _begins(*marks: str) -> Callable[[str], bool]:
    # A premise may begin with a bracket too.
    return lambda first: first.startswith(marks) and not _is_labelled_row(first)


def _layout(layout: nli.Layout) -> tuple[Callable[[str, str, str | None], Parsed], Callable[[Dataset], str]]:
    def read(text: str, where: str, language: str | None) -> Parsed:
        return nli.read_tsv(text, where, layout, language)

    return read, partial(nli.write_tsv, layout=layout)


FORMATS: tuple[Format, ...] = (
    Format(
        "crossfare",
        None,
        "crossfare's own JSON lines, lossless",
        _is_artifact,
        lambda text, where, _: artifact.parse(text, where),
        artifact.render,
    ),
    Format("nli-jsonl", "nli", "MNLI and XNLI as JSON lines", _is_jsonl, nli.read_jsonl, nli.write_jsonl),
    Format(
        "squad",
        "qa",
        "SQuAD v1.1 JSON: SQuAD, FaQuAD, GermanQuAD, ViQuAD, XQuAD, MLQA, TyDi QA GoldP",
        _begins("{", "["),
        lambda text, where, _: qa.read_squad(text, where),
        qa.write_squad,
    ),
    Format(
        "assin",
        "nli",
        "ASSIN 1 and 2 XML",
        _begins("<"),
        nli.read_assin,
        nli.write_assin,
    ),
    Format(
        "xnli",
        "nli",
        "XNLI TSV, 19 columns, all languages in one file",
        _columns("language", "sentence1", "sentence2"),
        *_layout(nli.XNLI),
    ),
    Format(
        "mnli",
        "nli",
        "TSV with a header: gold_label, sentence1, sentence2 ...",
        _columns("sentence1", "sentence2"),
        *_layout(nli.MNLI),
    ),
    Format("sick", "nli", "SICK 2014 TSV", _columns("sentence_A", "sentence_B"), *_layout(nli.SICK)),
    Format(
        "xnli-mt",
        "nli",
        "the machine-translated MNLI distributed with XNLI: premise, hypo, label",
        _columns("premise", "hypo", "label"),
        *_layout(nli.XNLI_MT),
    ),
    Format(
        "xtreme",
        "nli",
        "TSV without a header: premise, hypothesis, label",
        _is_xtreme,
        nli.read_xtreme,
        nli.write_xtreme,
    ),
)

_BY_SUFFIX = {
    ("ranking", ".jsonl"): "crossfare",
    ("qa", ".json"): "squad",
    ("qa", ".jsonl"): "crossfare",
    ("nli", ".jsonl"): "crossfare",
    ("nli", ".tsv"): "mnli",
    ("nli", ".txt"): "mnli",
    ("nli", ".xml"): "assin",
}


def named(name: str) -> Format:
    """Look a format up by its name.

    Raises:
        ConfigError: there is none of that name.
    """
    for row in FORMATS:
        if row.name == name:
            return row
    raise ConfigError(f"format {name!r} is not known; choose one of {', '.join(row.name for row in FORMATS)}")


def sniff(first: str) -> Format | None:
    """Recognise a format by a file's first line of content."""
    return next((row for row in FORMATS if row.sniff(first)), None)


def detect(text: str, where: str) -> Format:
    """Recognise the format of a text by its beginning.

    Raises:
        DataError: no format recognises it.
    """
    # A file may begin with empty lines; its first line of content decides.
    first = text.lstrip("\r\n ").partition("\n")[0].rstrip("\r")
    found = sniff(first)
    if found:
        return found
    raise DataError(
        f"{where}: format not recognised, its first line is {first[:60]!r}; "
        f"name it with format= (one of {', '.join(row.name for row in FORMATS)})"
    )


def for_writing(dataset: Dataset, path: Path) -> Format:
    """Choose the format a file name asks for: .json, .jsonl, .tsv, .txt or .xml, each also with .gz.

    Raises:
        ConfigError: the suffix names no format of the dataset's task.
    """
    suffix = files.suffix(path)
    name = _BY_SUFFIX.get((dataset.task, suffix))
    if name is None:
        known = sorted({s for task, s in _BY_SUFFIX if task == dataset.task})
        raise ConfigError(
            f"{path}: no {dataset.task} format has the suffix {suffix!r}; "
            f"use one of {', '.join(known)} or name a format"
        )
    return named(name)
