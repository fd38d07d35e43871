"""crossfare's own dataset file: JSON lines, lossless for all tasks, safe to keep and to compare.

The first line is a header (name, task, split, language, revision, origin, number of examples), every
further line one example. The same dataset always gives the same bytes.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import astuple, fields
from pathlib import Path
from typing import Any, TypeVar

from crossfare.data.files import json_object, read_text, write_text
from crossfare.data.loaded import Loaded, LoadReport
from crossfare.errors import DataError
from crossfare.types import (
    Answer,
    Dataset,
    Example,
    Labelled,
    PairExample,
    QAExample,
    QueryExample,
    RankingExample,
    TextExample,
    content_revision,
)

K = TypeVar("K")

FILE_NAME = "dataset.jsonl"
_TOLD = ("name", "task", "split", "language", "revision", "origin")
VERSION = 1


def write(dataset: Dataset, target: Path) -> Path:
    """Write a dataset to a file, or as ``dataset.jsonl`` into a folder; returns the file's path.

    A ``target`` without a suffix, or that is a folder already, names a folder.

    Raises:
        DataError: it cannot be written, or a text is not valid Unicode.
    """
    path = _file(target)
    write_text(path, render(dataset))
    return path


def read(target: Path) -> Dataset:
    """Read back what `write` wrote; gives an equal dataset.

    Raises:
        DataError: the file is missing, malformed, cut short or was changed after it was written.
    """
    path = _file(target)
    return parse(read_text(path), str(path)).dataset


def read_header(target: Path) -> dict[str, Any]:
    """Read what a dataset is, without its examples: name, task, split, language, revision, origin and their number.

    Raises:
        DataError: the file is missing or malformed.
    """
    path = _file(target)
    try:
        with path.open(encoding="utf-8") as lines:
            first = lines.readline()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: cannot be read; write the dataset again") from error
    header = next(_objects(first, str(path)))[1]
    _check_header(header, str(path))
    return header


def render(dataset: Dataset) -> str:
    """Lay a dataset out as the text of an artifact."""
    header = {
        "crossfare": VERSION,
        "name": dataset.name,
        "task": dataset.task,
        "split": dataset.split,
        "language": dataset.language,
        "revision": content_revision(dataset.examples),
        "origin": dataset.origin,
        "examples": len(dataset.examples),
    }
    records = [header, *(_entry(example) for example in dataset.examples)]
    return "".join(json.dumps(record, ensure_ascii=False, default=astuple) + "\n" for record in records)


def parse(text: str, where: str, language: str | None = None) -> Loaded:
    """Read the text of an artifact."""
    del language  # the header says it
    lines = _objects(text, where)
    header = next(lines)[1]
    _check_header(header, where)
    task = header["task"]
    examples = tuple(_example(record, task, where, number) for number, record in lines)
    if len(examples) != header["examples"]:
        raise DataError(
            f"{where}: cut short, {len(examples):,} of {header['examples']:,} examples are there; write it again"
        )
    if content_revision(examples) != header["revision"]:
        raise DataError(
            f"{where}: its content is not what was written (revision {header['revision']}); write it again, "
            f"or set the revision in line 1 to {content_revision(examples)} to accept the change"
        )
    unlabelled = tuple(e.id for e in examples if isinstance(e, Labelled) and e.label is None)
    dataset = Dataset(**{key: header[key] for key in _TOLD}, examples=examples)
    return Loaded(dataset, LoadReport(read=len(examples), unlabelled=unlabelled))


def _file(target: Path) -> Path:
    return target / FILE_NAME if target.is_dir() or not target.suffix else target


def _objects(text: str, where: str) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, line in enumerate(text.removesuffix("\n").split("\n"), 1):
        yield number, json_object(line, f"{where}, line {number}", "write the dataset again")


def _check_header(header: dict[str, Any], where: str) -> None:
    if header.get("crossfare") != VERSION:
        raise DataError(
            f"{where}, line 1: artifact version {header.get('crossfare')!r}, this crossfare reads {VERSION}; "
            "write the dataset again"
        )
    missing = [key for key in (*_TOLD, "examples") if key not in header]
    if missing:
        raise DataError(f"{where}, line 1: the header lacks {', '.join(missing)}; write the dataset again")
    try:
        for key in ("name", "task", "split", "language", "revision"):
            _text(header[key])
        _text_or_none(header["origin"])
        _a(int, header["examples"])
    except TypeError as error:
        raise DataError(f"{where}, line 1: not a header ({error}); write the dataset again") from error
    if header["task"] not in _EXAMPLES:
        raise DataError(f"{where}, line 1: unknown task {header['task']!r}; it is one of {', '.join(_EXAMPLES)}")


def _entry(example: Example) -> dict[str, Any]:
    """All fields of an example by name, but for columns of the file's own where there are none."""
    names = sorted((f.name for f in fields(example)), key=lambda name: name not in ("id", "title"))  # type: ignore[arg-type]
    return {name: getattr(example, name) for name in names if name != "extra" or getattr(example, name)}


def _example(record: dict[str, Any], task: str, where: str, number: int) -> Example:
    try:
        example = _made(task, record)
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(
            f"{where}, line {number}: not an example of task {task} ({error}); write the dataset again"
        ) from error
    if isinstance(example, QAExample):
        _check_answers(example, where, number)
    return example


def _check_answers(example: QAExample, where: str, number: int) -> None:
    for answer in example.answers:
        if not example.context.startswith(answer.text, answer.start):
            raise DataError(
                f"{where}, line {number}: the answer {answer.text!r} of example {example.id!r} does not stand at "
                f"{answer.start} of its context; write the dataset again"
            )


def _made(task: str, record: dict[str, Any]) -> Example:
    """The example of a record: whatever a kind of examples holds is read by the name and kind of the field."""
    make = QueryExample if task == "ranking" and "judgements" in record else _EXAMPLES[task]
    named = (f.name for f in fields(make) if f.name in record or f.name != "extra")  # type: ignore[arg-type]
    values: dict[str, Any] = {n: _FIELDS[n](record[n]) if n in _FIELDS else _text(record[n]) for n in named}
    return make(**values)


def _text(value: Any) -> str:
    return _a(str, value)


def _text_or_none(value: Any) -> str | None:
    return None if value is None else _text(value)


_FIELDS: dict[str, Callable[[Any], Any]] = {
    "title": _text_or_none,
    "label": _text_or_none,
    "answers": lambda value: tuple(Answer(_text(text), _a(int, start)) for text, start in value),
    "extra": lambda value: tuple((_text(key), _text(text)) for key, text in value),
    "judgements": lambda value: tuple((_text(passage), _a(int, grade)) for passage, grade in value),
    "negatives": lambda value: tuple(map(_text, _a(list, value))),
}
"""How fields that do not hold one text are read."""


def _a(kind: type[K], value: Any) -> K:
    """The value, if it is of a kind; true and false are no numbers."""
    if type(value) is not kind:
        raise TypeError(f"{json.dumps(value)[:40]} where {_KINDS[kind]} must stand")
    return value


_KINDS: dict[type, str] = {str: "text", int: "a whole number", list: "a list"}


_EXAMPLES: dict[str, Callable[..., Example]] = {
    "qa": QAExample,
    "nli": PairExample,
    "ranking": RankingExample,
    "classification": TextExample,
}
