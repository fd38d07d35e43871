"""From a span of a translation back to a span of the original: what makes QA by translate-infer servable.

The model reads a translated context and points at a span of it. What a user wants is the answer in the
context that was asked about. Ways to find it, each looking at the sentences that correspond (`bitext`):

    search   look for the answer as it stands, then for its translation, by likeness (`matching`)
    align    link the words of both sentences with an encoder (`alignment`); nothing is translated
    markers  mark the span, translate its sentence back, and search what stands between the markers

They are tried in turn, each on what is left unsure. Nothing is ever returned that is not a span of the
original; where nothing is found, there is no answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal

from crossfare.errors import ConfigError
from crossfare.meter import meter
from crossfare.translate import matching
from crossfare.translate.alignment import Aligner, project
from crossfare.translate.bitext import around, by_sentence
from crossfare.translate.markers import Markers, MarkersLost, mark, recover
from crossfare.translate.memory import TranslationMemory, total_usage
from crossfare.translate.projection import abilities
from crossfare.translate.projection.projected import Parallel
from crossfare.translate.segments import translate_segments
from crossfare.translate.sentences import Span
from crossfare.types import Answer, Engine, Usage

Way = Literal["search", "align", "markers"]
WAYS: tuple[Way, ...] = ("search", "align", "markers")

SURE = 0.8
"""The confidence from which no further way is tried."""

_FALSE_FRIEND = 0.6  # of a word that occurs in both languages, but is no name and no number: it may be a false friend
_ELSEWHERE = 0.7  # what is left of the confidence if the match is in another sentence


@dataclass(frozen=True, slots=True)
class Found:
    """A span of the original and how sure it is, 0-1; ``way`` found it ("same": the sentence was not changed)."""

    answer: Answer
    way: str
    confidence: float


@dataclass(frozen=True, slots=True)
class BackProjection:
    """One result for each span, None where nothing was found.

    ``translating`` is what the engine consumed, ``own`` what looking for the answers took besides.
    """

    found: tuple[Found | None, ...]
    translating: Usage
    own: Usage

    @property
    def usage(self) -> Usage:
        """All that it took."""
        return self.translating + self.own


class BackProjector:
    """Carries spans of translated contexts back.

    Args:
        source: the language of the translations, in which answers are predicted.
        target: the language of the originals.
        engine: translates from ``source`` to ``target``; without one only what needs none is done.
        aligner: for "align"; without one that way is left out.
        ways: which ways to try, in this order.
        markers: the pair of delimiters.

    Raises:
        ConfigError: an unknown way.
    """

    def __init__(
        self,
        *,
        source: str,
        target: str,
        engine: Engine | None = None,
        aligner: Aligner | None = None,
        ways: Sequence[str] = WAYS,
        memory: TranslationMemory | None = None,
        markers: Markers | None = None,
    ) -> None:
        if unknown := [way for way in ways if way not in WAYS]:
            raise ConfigError(f"unknown way of back-projection {unknown[0]!r}; choose from {', '.join(WAYS)}")
        self.source = source
        self.target = target
        self.engine = engine
        self.aligner = aligner
        self.memory = memory
        self.markers = abilities(engine).markers(markers) if engine else markers
        tried: Mapping[str, _Finding] = {
            "search": self._search,
            "align": self._align,
            "markers": self._mark,
        }
        self._ways = [tried[way] for way in ways]

    def project(self, spans: Sequence[tuple[Parallel, Span]]) -> BackProjection:
        """Carry each span of a translation (the target of a `Parallel`) into its original (the source).

        Raises:
            EngineError: the engine could do nothing at all.
        """
        spent = _Spent()
        with spent.looking("cpu"):
            cut = {
                text: by_sentence(text, self.target, self.source) for text in dict.fromkeys(text for text, _ in spans)
            }
            asked = [_Asked.of(cut[text], span) for text, span in spans]
            found = [_unchanged(each) for each in asked]
        for way in self._ways:
            unsure = [i for i in _unsure(found) if asked[i].text]
            for i, made in zip(unsure, way([asked[i] for i in unsure], spent), strict=True):
                found[i] = _surer(found[i], made)
        return BackProjection(tuple(found), spent.translating, spent.own)

    def _search(self, asked: Sequence[_Asked], spent: _Spent) -> list[Found | None]:
        with spent.looking("cpu"):
            found = [_surer(_verbatim(each), _alike(each, each.text, each.place, "search")) for each in asked]
        rest = _unsure(found)
        made = self._translated([asked[i].text for i in rest], spent)
        with spent.looking("cpu"):
            for i in rest:
                if (answer := made.get(asked[i].text)) is not None:
                    found[i] = _surer(found[i], _alike(asked[i], answer, asked[i].place, "search"))
        return found

    def _align(self, asked: Sequence[_Asked], spent: _Spent) -> list[Found | None]:
        if self.aligner is None or not asked:
            return [None] * len(asked)
        with spent.looking():
            links = self.aligner.align([(each.theirs, each.ours) for each in asked])
            made = [project(each.within, linked) for each, linked in zip(asked, links, strict=True)]
        return [
            one.found(each[0], "align", each[1]) if each is not None and each[1] > 0 else None
            for one, each in zip(asked, made, strict=True)
        ]

    def _mark(self, asked: Sequence[_Asked], spent: _Spent) -> list[Found | None]:
        marked: dict[int, tuple[str, Markers]] = {}
        for i, each in enumerate(asked):
            try:
                marked[i] = mark(each.theirs, *each.within, self.markers)
            except MarkersLost:
                continue
        made = self._translated([text for text, _ in marked.values()], spent)
        with spent.looking("cpu"):
            return [
                _between(asked[i], made.get(marked[i][0]), marked[i][1]) if i in marked else None
                for i in range(len(asked))
            ]

    def _translated(self, texts: Sequence[str], spent: _Spent) -> dict[str, str]:
        if self.engine is None or not texts:
            return {}
        done = translate_segments(texts, self.engine, source=self.source, target=self.target, memory=self.memory)
        spent.translating += done.usage
        return done.translations


@dataclass(slots=True)
class _Spent:
    """What one call of `BackProjector.project` consumes."""

    translating: Usage = field(default_factory=lambda: total_usage(()))
    own: Usage = field(default_factory=lambda: Usage(seconds=0.0))

    @contextmanager
    def looking(self, device: str | None = None) -> Iterator[None]:
        """Measure a block that translates nothing."""
        with meter(device) as measured:
            yield
        self.own += measured.usage


_Finding = Callable[["Sequence[_Asked]", _Spent], list[Found | None]]


@dataclass(frozen=True, slots=True)
class _Asked:
    """A span to carry back, and where to look: corresponding parts of original (``ours``) and translation.

    ``within`` is the span in ``theirs``; ``at`` is where ``ours`` starts in the original.
    """

    original: str
    ours: str
    theirs: str
    at: int
    within: Span

    @classmethod
    def of(cls, text: Parallel, span: Span) -> _Asked:
        """Look for a span of the translation, less its outer blanks, in the sentences that correspond."""
        answer = text.target[slice(*span)]
        start = span[0] + len(answer) - len(answer.lstrip())
        end = start + len(answer.strip())
        ours, theirs = around(text, start, end)
        within = (start - theirs[0], end - theirs[0])
        return cls(text.source, text.source[slice(*ours)], text.target[slice(*theirs)], ours[0], within)

    @property
    def text(self) -> str:
        """The predicted answer."""
        return self.theirs[slice(*self.within)]

    @property
    def place(self) -> float:
        """Where its middle stands in its sentence, 0-1."""
        return sum(self.within) / 2 / max(1, len(self.theirs))

    def found(self, span: Span, way: str, confidence: float) -> Found:
        """A span of ``ours`` as one of the original."""
        start = self.at + span[0]
        return Found(Answer(self.ours[slice(*span)], start), way, confidence)


def _unchanged(asked: _Asked) -> Found | None:
    """Where translating changed nothing, the answer stands where it stood."""
    if asked.ours != asked.theirs or not asked.text:
        return None
    return asked.found(asked.within, "same", 1.0)


def _verbatim(asked: _Asked) -> Found | None:
    """The answer as it stands, as whole words, nearest to its place: names and numbers are often not translated."""
    text = asked.text
    expected = asked.place * len(asked.ours) - len(text) / 2
    starts = list(_whole(text, asked.ours))
    if not starts:
        return None
    start = min(starts, key=lambda each: abs(each - expected))
    telling = any(character.isdigit() or character.isupper() for character in text)
    return asked.found((start, start + len(text)), "search", 1.0 if telling else _FALSE_FRIEND)


def _whole(wanted: str, text: str) -> Iterator[int]:
    """Where ``wanted`` occurs without being a part of longer words."""
    start = text.find(wanted) if wanted else -1
    while start >= 0:
        end = start + len(wanted)
        before, after = text[start - 1 : start], text[end : end + 1]
        if not (before.isalnum() and wanted[0].isalnum()) and not (after.isalnum() and wanted[-1].isalnum()):
            yield start
        start = text.find(wanted, start + 1)


def _alike(asked: _Asked, answer: str, place: float, way: str) -> Found | None:
    """The words of the sentence most like ``answer``, or else of the whole original."""
    match = matching.find(answer, asked.ours, expected=place)
    if match is not None:
        return asked.found(match.span, way, match.confidence)
    if asked.ours == asked.original:
        return None
    expected = (asked.at + place * len(asked.ours)) / max(1, len(asked.original))
    match = matching.find(answer, asked.original, expected=expected)
    if match is None:
        return None
    found = Answer(asked.original[match.start : match.end], match.start)
    return Found(found, way, _ELSEWHERE * match.confidence)


def _between(asked: _Asked, translation: str | None, markers: Markers) -> Found | None:
    """What stands between the markers, looked for where they stand in their sentence."""
    if translation is None:
        return None
    try:
        inner = recover(translation, markers)
    except MarkersLost:
        return None
    return _alike(asked, inner.answer, (inner.start + inner.end) / 2 / len(inner.text), "markers")


def _unsure(found: Sequence[Found | None]) -> list[int]:
    return [i for i, each in enumerate(found) if each is None or each.confidence < SURE]


def _surer(one: Found | None, other: Found | None) -> Found | None:
    if one is None or other is None:
        return one or other
    return other if other.confidence > one.confidence else one
