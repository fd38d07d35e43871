"""Cut texts into what a service takes in one request.

A text is cut at its line ends, which services do not keep reliably. A line that is too long for a request is cut at
sentence borders, into as few pieces as fit. A pair of markers is never cut in two.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from crossfare.translate.engines.markup import from_markup, marker_pairs, not_xml, to_markup
from crossfare.translate.sentences import Span, merge_over, segment_spans

Markup = Literal["html", "xml"]
Unit = Literal["code points", "UTF-16 units", "bytes", "bytes of JSON"]

_LINE = re.compile(r"[^\n\r\u2028\u2029]+")


@dataclass(frozen=True, slots=True)
class RequestLimits:
    """What one request may hold: so many texts, and so much text in all, in ``unit``."""

    texts: int
    size: int
    unit: Unit = "code points"

    def measure(self, text: str) -> int:
        """Size of a text as the limit counts it."""
        match self.unit:
            case "code points":
                return len(text)
            case "UTF-16 units":
                return utf16_units(text)
            case "bytes":
                return len(text.encode())
            case "bytes of JSON":
                return len(json.dumps(text)) + len(", ")


@dataclass(frozen=True, slots=True)
class CutText:
    """How a text is sent: the spans of its pieces, or why it cannot be."""

    text: str
    spans: tuple[Span, ...] = ()
    failure: str = ""

    @property
    def pieces(self) -> list[str]:
        """What is sent of it."""
        return [self.text[start:end] for start, end in self.spans]


@dataclass(frozen=True, slots=True)
class Cutter:
    """Cuts for one service: its limits, the markup its texts are sent as, and what it is called in messages."""

    limits: RequestLimits
    markup: Markup | None
    label: str

    def sent(self, piece: str) -> str:
        """A piece as it is sent."""
        return to_markup(piece) if self.markup else piece

    def received(self, text: str) -> str:
        """A translation as it is meant, without outer blanks."""
        return (from_markup(text) if self.markup else text).strip()

    def batches(self, texts: Sequence[str]) -> list[range]:
        """The requests to send, in order, as ranges of ``texts``; see `RemoteEngine.batches`."""
        ranges: list[range] = []
        start = count = size = 0
        for index, text in enumerate(texts):
            lines = () if self._unreadable(text) else _lines(text)
            more = sum(self._size(text[first:last]) for first, last in lines)
            if count and lines and (count + len(lines) > self.limits.texts or size + more > self.limits.size):
                ranges.append(range(start, index))
                start, count, size = index, 0, 0
            count += len(lines)
            size += more
        return [*ranges, range(start, len(texts))] if len(texts) else []

    def plan(self, text: str, language: str) -> CutText:
        """Cut a text into pieces, none of which is too long."""
        if unreadable := self._unreadable(text):
            return CutText(text, failure=unreadable)
        spans: list[Span] = []
        for start, end in _lines(text):
            whole = self._size(text[start:end]) <= self.limits.size
            inside = ((0, end - start),) if whole else self._sentences(text[start:end], language)
            spans += ((start + first, start + last) for first, last in inside)
        longest = max((self._size(text[start:end]) for start, end in spans), default=0)
        if longest > self.limits.size:
            return CutText(
                text,
                failure=f"a sentence of {longest:,} {self.limits.unit} is too long: "
                f"{self.label} takes {self.limits.size:,} at once",
            )
        return CutText(text, tuple(spans))

    def requests(self, pieces: Iterable[str]) -> list[list[str]]:
        """Distribute pieces over as few requests as the limits allow, in order."""
        made: list[list[str]] = []
        size = 0
        for piece in pieces:
            more = self._size(piece)
            if not made or len(made[-1]) == self.limits.texts or size + more > self.limits.size:
                made.append([])
                size = 0
            made[-1].append(piece)
            size += more
        return made

    def _size(self, piece: str) -> int:
        return self.limits.measure(self.sent(piece))

    def _sentences(self, line: str, language: str) -> list[Span]:
        """Cut a line at sentence borders into as few pieces as fit."""
        pieces: list[Span] = []
        size = 0
        for start, end in _keep_pairs(line, segment_spans(line, language, "sentence")):
            more = self._size(line[pieces[-1][1] : end]) if pieces else 0
            if pieces and size + more <= self.limits.size:
                pieces[-1] = (pieces[-1][0], end)
                size += more
            else:
                pieces.append((start, end))
                size = self._size(line[start:end])
        return pieces

    def _unreadable(self, text: str) -> str:
        """Why a text cannot be sent at all; empty if it can."""
        try:
            text.encode()
        except UnicodeEncodeError:
            return "holds half a surrogate pair: not Unicode text"
        if self.markup == "xml" and (found := not_xml(text)):
            return f"holds the control character {found}, which XML cannot; use tags: false"
        return ""


def distinct(plans: Iterable[CutText]) -> list[str]:
    """The pieces of several texts, each once, in order."""
    return list(dict.fromkeys(piece for plan in plans if not plan.failure for piece in plan.pieces))


def utf16_units(text: str) -> int:
    """Length in UTF-16 units: characters outside the basic plane count twice."""
    return len(text.encode("utf-16-le")) // 2


def _lines(text: str) -> tuple[Span, ...]:
    """The lines that are not blank, without outer blanks; a pair of markers keeps its lines together."""
    spans: list[Span] = []
    for line in _LINE.finditer(text):
        core = line[0].strip()
        if core:
            start = line.start() + line[0].index(core[0])
            spans.append((start, start + len(core)))
    return _keep_pairs(text, tuple(spans))


def _keep_pairs(text: str, spans: tuple[Span, ...]) -> tuple[Span, ...]:
    """Merge the spans that a pair of markers crosses."""
    if len(spans) > 1:
        for opening, closing in marker_pairs(text):
            spans, _ = merge_over(spans, opening.start(), closing.end())
    return spans
