"""Question answering: the SQuAD v1.1 JSON format of SQuAD, FaQuAD, GermanQuAD, ViQuAD, XQuAD, MLQA, TyDi QA GoldP.

Offsets count Unicode code points, as in the official files. The text of a context is never changed.
HTML entities ("&quot;") are left as they stand, in contexts and answers alike: an answer that would
match only with its entities resolved counts as lost, since offsets into other text would be wrong.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby, pairwise
from typing import Any

from crossfare.data.files import check_unicode
from crossfare.data.loaded import Loaded, LoadReport, LostAnswer, Repair, UniqueIds
from crossfare.errors import DataError
from crossfare.strict import parse_json
from crossfare.types import Answer, Dataset, Example, QAExample

_KNOWN_KEYS = {
    "data[]": {"title", "paragraphs"},
    "data[].paragraphs[]": {"context", "qas"},
    "data[].paragraphs[].qas[]": {"id", "question", "answers", "is_impossible"},
    "data[].paragraphs[].qas[].answers[]": {"text", "answer_start"},
}


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


def read_squad(text: str, where: str, language: str | None = None) -> Loaded:
    """Read SQuAD v1.1-style JSON; SQuAD 2.0 questions marked ``is_impossible`` are left out and listed.

    Raises:
        DataError: not JSON (with its line), or a key is missing or of the wrong type (with its path).
    """
    del language  # the format does not say it
    ignored: set[str] = set()
    questions = [q for paragraph in read_paragraphs(text, where, ignored) for q in paragraph.questions]
    return build(questions, where, ignored=tuple(sorted(ignored)))


def read_paragraphs(text: str, where: str, ignored: set[str]) -> Iterator[RawParagraph]:
    """Read SQuAD v1.1-style JSON as it stands; keys that have no place are added to ``ignored``.

    Raises:
        DataError: as `read_squad`.
    """
    yield from _paragraphs(_Node(parse_json(text, where), where), ignored)


def write_squad(dataset: Dataset) -> str:
    """Lay a dataset out as SQuAD v1.1 JSON; neighbours with the same title and context share them."""
    articles = []
    for title, members in groupby(dataset.examples, key=lambda e: _qa(e).title):
        paragraphs = [
            {"context": context, "qas": [_qa_entry(_qa(e)) for e in group]}
            for context, group in groupby(members, key=lambda e: _qa(e).context)
        ]
        articles.append({"paragraphs": paragraphs} if title is None else {"title": title, "paragraphs": paragraphs})
    return json.dumps({"version": "1.1", "data": articles}, ensure_ascii=False) + "\n"


def build(questions: Iterable[RawQuestion], where: str, *, ignored: tuple[str, ...] = ()) -> Loaded:
    """Turn questions as given into examples: starts repaired, lost answers listed, ids made unique.

    Raises:
        DataError: there is no question, none could be kept, or a text is not valid Unicode.
    """
    ids = UniqueIds()
    examples: list[QAExample] = []
    repaired: list[Repair] = []
    lost: list[LostAnswer] = []
    dropped: list[str] = []
    unplaced: list[QAExample] = []
    unanswerable: list[str] = []
    read = 0
    for raw in questions:
        read += 1
        for text in (raw.id, raw.context, raw.question, raw.title or "", *(text for text, _ in raw.answers)):
            check_unicode(text, f"{where}, example {raw.id!a}")
        name = ids.take(raw.id)
        if not raw.answers:
            unanswerable.append(name)
            continue
        answers = _locate_all(name, raw, repaired, lost)
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
    )
    placed = Dataset("", "qa", "", "", tuple(examples))
    return Loaded(placed, report, tuple(example for example in unplaced if example.answers))


def locate(context: str, text: str, given: int) -> tuple[int, int] | None:
    """Find where ``text`` stands in ``context``: at ``given``, else its occurrence nearest to it.

    If the text does not occur as written, both are compared in Unicode normal form C and the span
    is mapped back through an offset table, so that it holds the context's own spelling.

    Returns:
        (start, end) in code points of ``context``, or None if the text does not occur.
    """
    if not text:
        return None
    if given >= 0 and context.startswith(text, given):
        return given, given + len(text)
    nearest = (context.rfind(text, 0, max(given, 0) + len(text)), context.find(text, max(given, 0)))
    spans = [(start, start + len(text)) for start in nearest if start >= 0]
    spans = spans or _normalised_occurrences(context, text)
    return min(spans, key=lambda span: abs(span[0] - given), default=None)


def _locate_all(name: str, raw: RawQuestion, repaired: list[Repair], lost: list[LostAnswer]) -> tuple[Answer, ...]:
    answers = []
    for text, given in raw.answers:
        span = locate(raw.context, text, given)
        if span is None:
            lost.append(LostAnswer(name, text))
            continue
        found = raw.context[slice(*span)]
        if span[0] != given or found != text:
            repaired.append(Repair(name, text, given, span[0], normalised=found != text))
        answers.append(Answer(found, span[0]))
    return tuple(answers)


def _occurrences(text: str, part: str) -> Iterator[int]:
    start = text.find(part)
    while start >= 0:
        yield start
        start = text.find(part, start + 1)


def _normalised_occurrences(context: str, text: str) -> list[tuple[int, int]]:
    if _has_heap_of_marks(context) or _has_heap_of_marks(text):
        return []
    if unicodedata.is_normalized("NFC", context) and unicodedata.is_normalized("NFC", text):
        return []
    part = unicodedata.normalize("NFC", text)
    normalised, offsets = _normalise(context)
    # A match inside a character that normalisation composed has no place in the original.
    return [
        (offsets[start], offsets[start + len(part)])
        for start in _occurrences(normalised, part)
        if start in offsets and start + len(part) in offsets
    ]


def _has_heap_of_marks(text: str) -> bool:
    """Whether more marks stand on a character than any language writes: normalising takes their number squared."""
    return not text.isascii() and any(
        marks and sum(1 for _ in run) > 1_000
        for marks, run in groupby(text, key=lambda c: unicodedata.combining(c) > 0)
    )


def _normalise(text: str) -> tuple[str, dict[int, int]]:
    """Normalise to NFC; the table maps offsets of the result that bound whole characters to offsets of ``text``."""
    bounds = [0]
    for i in range(1, len(text)):
        if not _composes(text[bounds[-1] : i], text[i]):
            bounds.append(i)
    pieces, offsets, length = [], {0: 0}, 0
    for start, end in pairwise([*bounds, len(text)]):
        pieces.append(unicodedata.normalize("NFC", text[start:end]))
        length += len(pieces[-1])
        offsets[length] = end
    return "".join(pieces), offsets


def _composes(before: str, character: str) -> bool:
    """Whether ``character`` is a mark on ``before``, or melts with it (Hangul, some Indic vowels)."""
    if unicodedata.combining(character):
        return True
    nfc = unicodedata.normalize
    return nfc("NFC", before + character) != nfc("NFC", before) + nfc("NFC", character)


def _nothing_left(where: str, read: int, unanswerable: int, dropped: int) -> str:
    if not read:
        return f"{where}: holds no question; check that it is the complete file"
    return (
        f"{where}: none of its {read:,} questions can be used ({unanswerable:,} have no answer, {dropped:,} only "
        "answers that do not occur in their context); check that contexts and answers belong together"
    )


def _qa(example: Example) -> QAExample:
    if not isinstance(example, QAExample):
        raise DataError(f"example {example.id!r} is no question; save NLI data as tsv, jsonl or xml")
    return example


def _qa_entry(example: QAExample) -> dict[str, Any]:
    answers = [{"text": a.text, "answer_start": a.start} for a in example.answers]
    return {"id": example.id, "question": example.question, "answers": answers}


class _Node:
    """A JSON value that knows its path, so that errors can name it."""

    __slots__ = ("key", "parent", "value", "where")

    def __init__(self, value: Any, where: str, parent: _Node | None = None, key: str | int = "") -> None:
        self.value, self.where, self.parent, self.key = value, where, parent, key

    def path(self) -> str:
        above = self.parent.path() if self.parent else ""
        if isinstance(self.key, int):
            return f"{above}[{self.key}]"
        return f"{above}.{self.key}" if above else self.key

    def child(self, key: str) -> _Node:
        if not isinstance(self.value, dict):
            raise self.error("must be an object")
        child = _Node(self.value.get(key), self.where, self, key)
        if key not in self.value:
            raise child.error("is missing")
        return child

    def items(self, key: str) -> Iterator[_Node]:
        child = self.child(key)
        if not isinstance(child.value, list):
            raise child.error("must be a list")
        return (_Node(value, self.where, child, i) for i, value in enumerate(child.value))

    def text(self, key: str) -> str:
        child = self.child(key)
        if not isinstance(child.value, str):
            raise child.error("must be text")
        return child.value

    def integer(self, key: str) -> int:
        child = self.child(key)
        if not isinstance(child.value, int) or isinstance(child.value, bool):
            raise child.error("must be a whole number")
        return child.value

    def error(self, what: str) -> DataError:
        found = "" if what == "is missing" else f", not {json.dumps(self.value)[:40]}"
        return DataError(
            f"{self.where}: {self.path() or 'the top level'} {what}{found}; "
            "SQuAD v1.1 JSON is data[].paragraphs[].{context, qas[].{id, question, answers[].{text, answer_start}}}"
        )

    def unknown_keys(self, pattern: str) -> set[str]:
        return {f"{pattern}.{key}" for key in self.value if key not in _KNOWN_KEYS[pattern]}


def _paragraphs(document: _Node, ignored: set[str]) -> Iterator[RawParagraph]:
    for article in document.items("data"):
        paragraphs = article.items("paragraphs")
        title = article.text("title") if "title" in article.value else None
        ignored |= article.unknown_keys("data[]")
        for paragraph in paragraphs:
            context = paragraph.text("context")
            ignored |= paragraph.unknown_keys("data[].paragraphs[]")
            questions = tuple(_question(node, context, title, ignored) for node in paragraph.items("qas"))
            yield RawParagraph(context, questions)


def _question(node: _Node, context: str, title: str | None, ignored: set[str]) -> RawQuestion:
    given = node.child("id")
    if not isinstance(given.value, str | int) or isinstance(given.value, bool):
        raise given.error("must be text or a whole number")  # GermanQuAD has numbers
    ignored |= node.unknown_keys("data[].paragraphs[].qas[]")
    answers = []
    if node.value.get("is_impossible") is not True:
        for answer in node.items("answers"):
            answers.append((answer.text("text"), answer.integer("answer_start")))
            ignored |= answer.unknown_keys("data[].paragraphs[].qas[].answers[]")
    return RawQuestion(str(given.value), context, node.text("question"), tuple(answers), title)
