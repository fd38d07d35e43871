"""Which of the registry's formats a file is in, or is to be written in."""

from __future__ import annotations

from pathlib import Path

from crossfare.data import collection, files, parquet
from crossfare.data.formats import FORMATS, Format
from crossfare.data.reading import NOTHING, FileReading
from crossfare.errors import ConfigError, DataError
from crossfare.types import Dataset, RankingExample, TaskName


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


def choose(
    path: Path, where: str, *, task: TaskName | None, format: str | None = None, reading: FileReading = NOTHING
) -> Format:
    """The format of a file or folder: the one named, or the first that recognises it; only its first line is read.

    What a user says of columns and separators makes a table of it.

    Raises:
        DataError: it is missing, no format recognises it, or it has no labels or columns of which something is said.
        ConfigError: ``format`` is not known.
    """
    folder = files.is_folder(path)
    if format:
        return _speaking(named(format, "ranking" if folder else task), where, reading)
    if folder:
        found = next((row for row in FORMATS if row.folder(path)), None)
        problem = (
            f"is a folder in no known format (BEIR has corpus.jsonl and queries.jsonl, Cranfield cran.qry, a "
            f"collection {collection.HEADER}); name a file in it"
            if task in {None, "ranking"}
            else "a folder that holds no dataset; name a file"
        )
    elif files.starts_with(path, parquet.MARK):
        found, problem = named("parquet"), ""
    elif files.starts_with(path, b"PK\x03\x04"):
        found, problem = (
            None,
            "a zip archive, as .xlsx is; unpack it, or save the sheet as CSV UTF-8, and name that file",
        )
    else:
        first = files.opening(path)
        # what is asked for is tried first: a list may be SQuAD's or another's
        rows = sorted(_tried(task), key=lambda row: row.task not in {None, task})
        if reading.shaping:
            found = next((row for row in rows if row.fits and row.fits(first, reading)), None)
            said = " and ".join(reading.shaping)
            problem = f"its first line, {first[:60]!r}, is no row of examples by this {said}; correct what is said"
        else:
            found = next((row for row in rows if row.sniff(first)), None)
            problem = _not_recognised(first, task)
    if found is None:
        raise DataError(f"{where}: {problem}")
    return _speaking(found, where, reading)


def _speaking(row: Format, where: str, reading: FileReading) -> Format:
    """The format, if it lets a user say what was said."""
    odd = tuple(key for key in reading.shaping if key == "separator" or not row.binary) if row.fits is None else ()
    if odd := odd or (reading.said if not row.told else ()):
        raise DataError(f"{where}: the format {row.name} says itself what is what; leave out {', '.join(odd)}")
    return row


def _tried(task: TaskName | None) -> list[Format]:
    """The formats that are tried, in order.

    A file of another task is recognised, to say so; but not as ranking data, which nearly any line could be.
    """
    if task == "ranking":
        return [row for row in FORMATS if row.task in {None, "ranking"} and not row.binary]
    return [row for row in FORMATS if task is None or row.task != "ranking"]


def _not_recognised(first: str, task: TaskName | None) -> str:
    rows = _tried(task) if task == "ranking" else [row for row in FORMATS if row.read]
    known = ", ".join(row.name for row in rows)
    if task == "ranking":
        return (
            f"not recognised as ranking data, its first line is {first[:60]!r}; queries and passages are "
            f"id<TAB>text, judgements are given as qrels=; or name the format (one of {known})"
        )
    return (
        f"format not recognised, its first line is {first[:60]!r}; if it is a table, say which column is which with "
        f"columns, such as {{premise: NAME}}, or name the format with format= (one of {known})"
    )


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
