"""crossfare's own dataset file: JSON lines, lossless for all tasks, safe to keep and to compare.

The first line is a header (name, task, split, language, revision, origin, number of examples), every
further line one example. The same dataset always gives the same bytes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import astuple, fields
from pathlib import Path
from typing import Any, TypeVar

from crossfare.data.files import read_text, write_text
from crossfare.data.loaded import Parsed
from crossfare.errors import DataError
from crossfare.strict import parse_json
from crossfare.types import (
    Answer,
    Dataset,
    Example,
    PairExample,
    QAExample,
    QueryExample,
    RankingExample,
    content_revision,
)

K = TypeVar("K")

FILE_NAME = "dataset.jsonl"
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
    parsed = parse(read_text(path), str(path))
    return Dataset(
        parsed.name or "",
        parsed.task,
        parsed.split or "",
        parsed.language or "",
        parsed.examples,
        content_revision(parsed.examples),
        parsed.origin,
    )


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


def parse(text: str, where: str) -> Parsed:
    """Read the text of an artifact.

    Raises:
        DataError: as `read`.
    """
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
    return Parsed(
        task,
        examples,
        len(examples),
        unlabelled=tuple(e.id for e in examples if isinstance(e, PairExample) and e.label is None),
        name=header["name"],
        split=header["split"],
        language=header["language"],
        origin=header["origin"],
    )


def _file(target: Path) -> Path:
    return target / FILE_NAME if target.is_dir() or not target.suffix else target


def _objects(text: str, where: str) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, line in enumerate(text.removesuffix("\n").split("\n"), 1):
        record = parse_json(line, f"{where}, line {number}", todo="write the dataset again")
        if not isinstance(record, dict):
            raise DataError(f"{where}, line {number}: not a JSON object; write the dataset again")
        yield number, record


def _check_header(header: dict[str, Any], where: str) -> None:
    if header.get("crossfare") != VERSION:
        raise DataError(
            f"{where}, line 1: artifact version {header.get('crossfare')!r}, this crossfare reads {VERSION}; "
            "write the dataset again"
        )
    missing = [k for k in ("name", "task", "split", "language", "revision", "origin", "examples") if k not in header]
    if missing:
        raise DataError(f"{where}, line 1: the header lacks {', '.join(missing)}; write the dataset again")
    try:
        kinds = (("name", str), ("split", str), ("language", str), ("revision", str), ("task", str), ("examples", int))
        for key, kind in kinds:
            _a(kind, header[key])
        if header["origin"] is not None:
            _a(str, header["origin"])
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
        example = _EXAMPLES[task](record)
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


def _question(record: dict[str, Any]) -> Example:
    answers = tuple(Answer(_a(str, text), _a(int, start)) for text, start in record["answers"])
    title = None if record["title"] is None else _a(str, record["title"])
    name, context, question = (_a(str, record[key]) for key in ("id", "context", "question"))
    return QAExample(name, context, question, answers, title)


def _pair(record: dict[str, Any]) -> Example:
    extra = tuple((_a(str, key), _a(str, value)) for key, value in record.get("extra", []))
    label = None if record["label"] is None else _a(str, record["label"])
    name, premise, hypothesis = (_a(str, record[key]) for key in ("id", "premise", "hypothesis"))
    return PairExample(name, premise, hypothesis, label, extra)


def _ranking(record: dict[str, Any]) -> Example:
    if "judgements" in record:
        judgements = tuple((_a(str, passage), _a(int, grade)) for passage, grade in record["judgements"])
        return QueryExample(_a(str, record["id"]), _a(str, record["query"]), judgements)
    negatives = tuple(_a(str, text) for text in _a(list, record["negatives"]))
    name, query, positive = (_a(str, record[key]) for key in ("id", "query", "positive"))
    return RankingExample(name, query, positive, negatives)


def _a(kind: type[K], value: Any) -> K:
    """The value, if it is of a kind; true and false are no numbers."""
    if type(value) is not kind:
        raise TypeError(f"{json.dumps(value)[:40]} where {_KINDS[kind]} must stand")
    return value


_KINDS: dict[type, str] = {str: "text", int: "a whole number", list: "a list"}


_EXAMPLES = {"qa": _question, "nli": _pair, "ranking": _ranking}
