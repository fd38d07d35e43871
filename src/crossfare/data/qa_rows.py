"""Questions as rows of a table: context, question and answers side by side, as the hub has SQuAD and its like."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any

from crossfare.data import qa
from crossfare.data.loaded import Loaded
from crossfare.data.numbers import whole
from crossfare.errors import DataError
from crossfare.strict import parse_json
from crossfare.types import Dataset

_PYTHON = ("{'", "[{'", "['")
_WRITTEN = ('{"', '[{"', '["', "[]", "[0", "[1", *_PYTHON)
_ARRAY = re.compile(r"\barray\((\[[^\[\]]*\])(?:,\s*dtype=\w+)?\)")
"""How cells begin that hold more than a text, and an array of numpy's in them."""

Rows = Iterable[tuple[str, Mapping[str, Any]]]


def read(rows: Rows, found: Mapping[str, str], where: str) -> Loaded:
    """Make questions of rows; ``found`` are the columns of their parts."""
    kept = set(found.values())
    ignored: set[str] = set()

    def questions() -> Iterator[qa.RawQuestion]:
        for number, (place, row) in enumerate(rows, 1):
            ignored.update(row.keys() - kept)
            yield _question(row, found, str(number), f"{where}, {place}")

    asked = list(questions())
    return qa.build(asked, where, ignored=tuple(sorted(ignored)))


def _question(row: Mapping[str, Any], found: Mapping[str, str], number: str, place: str) -> qa.RawQuestion:
    given = row.get(found.get("id", ""))
    title = row.get(found.get("title", ""))
    return qa.RawQuestion(
        number if given is None or given == "" else _name(given),
        _text(row, found["context"], place),
        _text(row, found["question"], place),
        () if _is_impossible(row, found) else tuple(_answers(row, found, place)),
        title if isinstance(title, str) and title else None,
    )


def _name(given: Any) -> str:
    number = None if isinstance(given, str) else whole(given)
    return str(given if number is None else number)


def _text(row: Mapping[str, Any], column: str, place: str) -> str:
    value = row.get(column)
    if not isinstance(value, str):
        what = "is missing" if value is None else f"is {type(value).__name__}, not text"
        raise DataError(f"{place}: {column} {what}; every row is a question with its context")
    return value


def _is_impossible(row: Mapping[str, Any], found: Mapping[str, str]) -> bool:
    return str(row.get(found.get("is_impossible", ""))).lower() == "true"


def _answers(row: Mapping[str, Any], found: Mapping[str, str], place: str) -> Iterator[tuple[str, int]]:
    """All ways to hold answers: {"text": [...], "answer_start": [...]}, a list of objects or of texts, or one text.

    Texts alone are looked for in their context.
    """
    if "answers" in found:
        value = _parsed(row.get(found["answers"]), place)
    elif "answer_start" in found:
        value = {"text": row.get(found["answer"]), "answer_start": row.get(found["answer_start"])}
    else:
        value = row.get(found["answer"])
    try:
        if isinstance(value, Mapping):
            texts, starts = (_list(value[key], place) for key in ("text", "answer_start"))
            given = list(zip(texts, starts, strict=True))
        else:
            given = [
                (each, qa.NOT_STATED) if isinstance(each, str) else (each["text"], each["answer_start"])
                for each in _list(value, place)
            ]
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(f"{place}: answers must hold text and answer_start ({error})") from error
    for text, start in given:
        yield _answer(text, start, place)


def _answer(text: Any, start: Any, place: str) -> tuple[str, int]:
    number = whole(start)
    if not isinstance(text, str):
        raise DataError(f"{place}: an answer is {type(text).__name__}, not text; correct it")
    if number is None:
        raise DataError(f"{place}: answer_start is {start!r}, not a whole number; correct it")
    return text, number


def _list(value: Any, place: str) -> list[Any]:
    value = _parsed(value, place)
    if value is None or value == "":
        return []
    return list(value) if isinstance(value, list | tuple) else [value]


def _parsed(value: Any, place: str) -> Any:
    """What a cell holds as JSON, or as pandas writes it ("{'text': array(['x'], dtype=object)}"); else itself."""
    if not isinstance(value, str) or not value.startswith(_WRITTEN):
        return value
    if value.startswith(_PYTHON):
        with suppress(ValueError, SyntaxError, MemoryError, RecursionError):
            return ast.literal_eval(_ARRAY.sub(r"\1", value))
    return parse_json(value, f"{place}, answers")


def write_jsonl(dataset: Dataset) -> str:
    """Lay questions out as JSON lines with the hub's columns."""
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in _rows(dataset))


def write_json(dataset: Dataset) -> str:
    """Lay questions out as a JSON list of objects with the hub's columns."""
    return json.dumps(_rows(dataset), ensure_ascii=False) + "\n"


def _rows(dataset: Dataset) -> list[dict[str, Any]]:
    return [
        {
            "id": example.id,
            **({} if example.title is None else {"title": example.title}),
            "context": example.context,
            "question": example.question,
            "answers": {
                "text": [answer.text for answer in example.answers],
                "answer_start": [answer.start for answer in example.answers],
            },
        }
        for example in map(qa.question, dataset.examples)
    ]
