"""Question answering: the SQuAD v1.1 JSON format of SQuAD, FaQuAD, GermanQuAD, ViQuAD, XQuAD, MLQA, TyDi QA GoldP.

Offsets count Unicode code points, as in the official files. The text of a context is never changed.
HTML entities ("&quot;") are left as they stand in contexts; an answer that matches only with its entities resolved
carries the context's spelling (see `locating`). Offsets that count something else are recognised (`offsets`).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from crossfare.data import offsets
from crossfare.data.files import check_unicode
from crossfare.data.loaded import Loaded, LoadReport, LostAnswer, Repair, UniqueIds
from crossfare.data.locating import locate
from crossfare.data.numbers import whole
from crossfare.errors import DataError
from crossfare.strict import parse_json
from crossfare.types import Answer, Dataset, Example, QAExample

_KNOWN_KEYS = {
    "data[]": {"title", "paragraphs"},
    "data[].paragraphs[]": {"context", "qas"},
    "data[].paragraphs[].qas[]": {"id", "question", "answers", "is_impossible"},
    "data[].paragraphs[].qas[].answers[]": {"text", "answer_start"},
}


NOT_STATED = -1
"""The offset of an answer for which a file has none: it is taken to be at its first occurrence."""


@dataclass(frozen=True, slots=True)
class RawQuestion:
    """A question as a file gives it; ``answers`` are (text, answer_start), not checked."""

    id: str
    context: str
    question: str
    answers: tuple[tuple[str, int], ...]
    title: str | None = None


@dataclass(frozen=True, slots=True)
class RawParagraph:
    """A paragraph as a file gives it, with its questions (there may be none)."""

    context: str
    questions: tuple[RawQuestion, ...]


def read_document(document: Any, where: str) -> Loaded:
    """Read SQuAD v1.1-style JSON; SQuAD 2.0 questions marked ``is_impossible`` are left out and listed."""
    ignored: set[str] = set()
    questions = [q for paragraph in _Squad(where, ignored).paragraphs(document) for q in paragraph.questions]
    return build(questions, where, ignored=tuple(sorted(ignored)))


def read_paragraphs(text: str, where: str, ignored: set[str]) -> Iterator[RawParagraph]:
    """Read SQuAD v1.1-style JSON as it stands; keys that have no place are added to ``ignored``."""
    return _Squad(where, ignored).paragraphs(parse_json(text, where))


def write_squad(dataset: Dataset) -> str:
    """Lay a dataset out as SQuAD v1.1 JSON; neighbours with the same title and context share them."""
    articles = []
    for title, members in groupby(dataset.examples, key=lambda e: question(e).title):
        paragraphs = [
            {"context": context, "qas": [_qa_entry(question(e)) for e in group]}
            for context, group in groupby(members, key=lambda e: question(e).context)
        ]
        articles.append({"paragraphs": paragraphs} if title is None else {"title": title, "paragraphs": paragraphs})
    return json.dumps({"version": "1.1", "data": articles}, ensure_ascii=False) + "\n"


def build(questions: Iterable[RawQuestion], where: str, *, ignored: tuple[str, ...] = ()) -> Loaded:
    """Turn questions as given into examples: starts repaired, lost answers listed, ids made unique."""
    ids = UniqueIds()
    examples: list[QAExample] = []
    repaired: list[Repair] = []
    lost: list[LostAnswer] = []
    dropped: list[str] = []
    unplaced: list[QAExample] = []
    unanswerable: list[str] = []
    read = 0
    questions = list(questions)
    placed = ((raw.context, text, start) for raw in questions for text, start in raw.answers if start != NOT_STATED)
    counting = offsets.recognise(list(placed))
    for raw in questions:
        read += 1
        for text in (raw.id, raw.context, raw.question, raw.title or "", *(text for text, _ in raw.answers)):
            check_unicode(text, f"{where}, example {raw.id!a}")
        name = ids.take(raw.id)
        if not raw.answers:
            unanswerable.append(name)
            continue
        answers = _locate_all(name, raw, counting, repaired, lost)
        if answers:
            examples.append(QAExample(name, raw.context, raw.question, answers, raw.title))
        else:
            dropped.append(name)
            nowhere = tuple(Answer(text, -1) for text, _ in raw.answers if text.strip())
            unplaced.append(QAExample(name, raw.context, raw.question, nowhere, raw.title))
    if not examples:
        raise DataError(_nothing_left(where, read, len(unanswerable), len(dropped)))
    report = LoadReport(
        read=read,
        repaired=tuple(repaired),
        lost=tuple(lost),
        dropped=tuple(dropped),
        unanswerable=tuple(unanswerable),
        renamed=tuple(ids.renamed),
        ignored=ignored,
        offsets=counting.what if counting else "",
    )
    return Loaded(
        Dataset("", "qa", "", "", tuple(examples)), report, tuple(example for example in unplaced if example.answers)
    )


def _locate_all(
    name: str, raw: RawQuestion, counting: offsets.OffsetUnit | None, repaired: list[Repair], lost: list[LostAnswer]
) -> tuple[Answer, ...]:
    answers = []
    for text, given in raw.answers:
        span = locate(raw.context, text, counting.place(raw.context, given) if counting else given)
        if span is None:
            lost.append(LostAnswer(name, text))
            continue
        found = raw.context[slice(*span)]
        if span[0] != given or found != text:
            repaired.append(Repair(name, text, given, span[0], normalised=found != text))
        answers.append(Answer(found, span[0]))
    return tuple(answers)


def _nothing_left(where: str, read: int, unanswerable: int, dropped: int) -> str:
    if not read:
        return f"{where}: holds no question; check that it is the complete file"
    return (
        f"{where}: none of its {read:,} questions can be used ({unanswerable:,} have no answer, {dropped:,} only "
        "answers that do not occur in their context); check that contexts and answers belong together"
    )


def question(example: Example) -> QAExample:
    """The example, which must be a question."""
    if not isinstance(example, QAExample):
        raise DataError(f"example {example.id!r} is no question; save NLI data as tsv, jsonl or xml")
    return example


def _qa_entry(example: QAExample) -> dict[str, Any]:
    answers = [{"text": a.text, "answer_start": a.start} for a in example.answers]
    return {"id": example.id, "question": example.question, "answers": answers}


class _Squad:
    """Reads the parts of a document by their path, so that errors can name it."""

    def __init__(self, where: str, ignored: set[str]) -> None:
        self._where, self._ignored = where, ignored

    def paragraphs(self, document: Any) -> Iterator[RawParagraph]:
        for article, place in self._items(document, "data", ""):
            paragraphs = self._items(article, "paragraphs", place)
            title = self._part(article, "title", place, _TEXT) if "title" in article else None
            self._ignore(article, "data[]")
            for paragraph, inside in paragraphs:
                context = self._part(paragraph, "context", inside, _TEXT)
                self._ignore(paragraph, "data[].paragraphs[]")
                asked = self._items(paragraph, "qas", inside)
                yield RawParagraph(context, tuple(self._question(q, at, context, title) for q, at in asked))

    def _question(self, record: Any, place: str, context: str, title: str | None) -> RawQuestion:
        name = self._number(record, "id", place, _NAME)
        self._ignore(record, "data[].paragraphs[].qas[]")
        answers = []
        if record.get("is_impossible") is not True:
            for answer, at in self._items(record, "answers", place):
                text, start = self._part(answer, "text", at, _TEXT), self._number(answer, "answer_start", at, _NUMBER)
                answers.append((text, start))
                self._ignore(answer, "data[].paragraphs[].qas[].answers[]")
        return RawQuestion(str(name), context, self._part(record, "question", place, _TEXT), tuple(answers), title)

    def _items(self, record: Any, key: str, place: str) -> Iterator[tuple[Any, str]]:
        """The items of a list, each with its path."""
        path = f"{place}.{key}" if place else key
        return ((item, f"{path}[{i}]") for i, item in enumerate(self._part(record, key, place, _LIST)))

    def _part(self, record: Any, key: str, place: str, kind: tuple[str, tuple[type, ...]]) -> Any:
        """The value of a key, if it is there and of its kind; ``place`` is the path of the record."""
        if isinstance(record, dict) and key in record and type(record[key]) in kind[1]:
            return record[key]
        path = f"{place}.{key}" if place else key
        if not isinstance(record, dict):
            raise self._error(place or "the top level", f"must be an object, not {json.dumps(record)[:40]}")
        if key not in record:
            raise self._error(path, "is missing")
        raise self._error(path, f"must be {kind[0]}, not {json.dumps(record[key])[:40]}")

    def _number(self, record: Any, key: str, place: str, kind: tuple[str, tuple[type, ...]]) -> Any:
        """A whole number, which some tools write as 32.0, or whatever else the kind allows."""
        given = record.get(key) if isinstance(record, dict) else None
        found = whole(given) if isinstance(given, float) else None
        return self._part(record, key, place, kind) if found is None else found

    def _error(self, path: str, what: str) -> DataError:
        return DataError(
            f"{self._where}: {path} {what}; "
            "SQuAD v1.1 JSON is data[].paragraphs[].{context, qas[].{id, question, answers[].{text, answer_start}}}"
        )

    def _ignore(self, record: dict[str, Any], pattern: str) -> None:
        self._ignored.update(f"{pattern}.{key}" for key in record if key not in _KNOWN_KEYS[pattern])


_TEXT, _LIST, _NUMBER = ("text", (str,)), ("a list", (list,)), ("a whole number", (int,))
_NAME = ("text or a whole number", (str, int))  # GermanQuAD has numbers
