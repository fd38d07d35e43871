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

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Literal, get_args

from crossfare.errors import ConfigError
from crossfare.meter import meter
from crossfare.translate.alignment import Aligner
from crossfare.translate.bitext import Parallel, by_sentence
from crossfare.translate.markers import Markers, mark, recover
from crossfare.translate.memory import TranslationMemory
from crossfare.translate.outcome import Failed
from crossfare.translate.projection import abilities
from crossfare.translate.segments import translate_segments
from crossfare.translate.sentences import Span
from crossfare.translate.shares import total_usage
from crossfare.translate.spans import (
    ELSEWHERE,
    SURE_BACK,
    Asked,
    Found,
    alike,
    as_it_stands,
    by_alignment,
    carry,
    surer,
    unchanged,
)
from crossfare.translate.spans import Way as Carrying
from crossfare.types import Engine, Usage

Way = Literal["search", "align", "markers"]
WAYS: tuple[Way, ...] = get_args(Way)


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


@dataclass(frozen=True, slots=True)
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

    source: str
    target: str
    engine: Engine | None = None
    aligner: Aligner | None = None
    ways: Sequence[str] = WAYS
    memory: TranslationMemory | None = None
    markers: Markers | None = None

    def __post_init__(self) -> None:
        if unknown := [way for way in self.ways if way not in WAYS]:
            raise ConfigError(f"unknown way of back-projection {unknown[0]!r}; choose from {', '.join(WAYS)}")

    @property
    def sent_markers(self) -> Markers | None:
        """The delimiters that the engine is sent: its own tags, where it keeps tags."""
        return abilities(self.engine).markers(self.markers) if self.engine else self.markers

    def project(self, spans: Sequence[tuple[Parallel, Span]]) -> BackProjection:
        """Carry each span of a translation (the target of a `Parallel`) into its original (the source).

        Raises:
            EngineError: the engine could do nothing at all.
        """
        work = _Work(self)
        with work.looking("cpu"):
            texts = dict.fromkeys(text for text, _ in spans)
            cut = {text: by_sentence(text, self.target, self.source).flipped for text in texts}
            asked = [Asked.of(cut[text], _trimmed(text.target, span)) for text, span in spans]
        found = carry(asked, work.ways(), SURE_BACK)
        return BackProjection(
            tuple(each if isinstance(each, Found) else None for each in found), work.translating, work.own
        )


def _trimmed(text: str, span: Span) -> Span:
    """A span without its outer blanks."""
    answer = text[slice(*span)]
    start = span[0] + len(answer) - len(answer.lstrip())
    return start, start + len(answer.strip())


@dataclass(slots=True)
class _Work:
    """One call of `BackProjector.project`: the ways it goes, and what they consume."""

    by: BackProjector
    translating: Usage = field(default_factory=lambda: total_usage(()))
    own: Usage = field(default_factory=lambda: Usage(seconds=0.0))

    @contextmanager
    def looking(self, device: str | None = None) -> Iterator[None]:
        """Measure a block that translates nothing."""
        with meter(device) as measured:
            yield
        self.own += measured.usage

    def ways(self) -> Iterator[Carrying]:
        """What is tried, in order."""
        own: dict[str, tuple[Carrying, ...]] = {"search": (self._own_words, self._search), "markers": (self._marked,)}
        own["align"] = (self._align,) if self.by.aligner else ()
        yield lambda asked: [unchanged(each) for each in asked]
        for way in self.by.ways:
            yield from own[way]

    def _own_words(self, asked: Sequence[Asked]) -> list[Found | Failed]:
        with self.looking("cpu"):
            return [surer(as_it_stands(each, "search"), _alike(each, each.wording)) for each in asked]

    def _search(self, asked: Sequence[Asked]) -> list[Found | Failed]:
        made = self._translated([each.wording for each in asked])
        with self.looking("cpu"):
            return [
                _alike(each, text) if text is not None else Failed("it was not translated", each.wording)
                for each, text in zip(asked, made, strict=True)
            ]

    def _align(self, asked: Sequence[Asked]) -> list[Found | Failed]:
        assert self.by.aligner is not None
        with self.looking():
            return by_alignment(asked, self.by.aligner, whole=True)

    def _marked(self, asked: Sequence[Asked]) -> list[Found | Failed]:
        marked: dict[int, tuple[str, Markers]] = {}
        for i, each in enumerate(asked):
            with suppress(Failed):
                start, end = (at - each.here[0] for at in each.span)
                marked[i] = mark(each.sides[0], start, end, self.by.sent_markers)
        made = dict(zip(marked, self._translated([text for text, _ in marked.values()]), strict=True))
        with self.looking("cpu"):
            return [_between(each, made.get(i), marked[i][1] if i in marked else None) for i, each in enumerate(asked)]

    def _translated(self, texts: Sequence[str]) -> list[str | None]:
        by = self.by
        if by.engine is None or not texts:
            return [None] * len(texts)
        done = translate_segments(texts, by.engine, source=by.source, target=by.target, memory=by.memory)
        self.translating += done.usage
        return [done.translations.get(text) for text in texts]


def _alike(asked: Asked, wording: str) -> Found | Failed:
    return alike(asked, wording, "search", elsewhere=ELSEWHERE)


def _between(asked: Asked, translation: str | None, markers: Markers | None) -> Found | Failed:
    """What stands between the markers, looked for where they stand in their sentence."""
    if translation is None or markers is None:
        return Failed("it was not translated with markers", asked.wording)
    try:
        inner = recover(translation, markers)
    except Failed as failed:
        return failed
    place = (inner.start + inner.end) / 2 / len(inner.text)
    return alike(asked, inner.answer, "markers", place=place, elsewhere=ELSEWHERE)
