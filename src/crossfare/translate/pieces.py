"""Texts as the segments an engine gets in one call, and their translations put together again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache, partial

from crossfare.translate.memory import TranslationMemory
from crossfare.translate.segments import Segments, translate_segments
from crossfare.translate.sentences import Granularity, Span, join, segment_spans
from crossfare.types import Engine, Progress

EXCERPT = 160


class Failed(Exception):
    """A text has no translation, or an answer no span; carries the reason and what there is of it."""

    def __init__(self, reason: str, excerpt: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.excerpt = excerpt[:EXCERPT]


@dataclass(slots=True)
class Outcome:
    """The translated segments.

    ``send`` translates further ones, where what is needed shows only from the first.
    """

    source: str
    target: str
    send: Callable[[Iterable[str]], Segments]
    segments: Segments = field(default_factory=Segments)

    @classmethod
    def by(
        cls,
        engine: Engine,
        *,
        source: str,
        target: str,
        memory: TranslationMemory | None,
        progress: Progress | None,
    ) -> Outcome:
        """What an engine makes of the segments; nothing is sent yet."""
        send = partial(
            translate_segments, engine=engine, source=source, target=target, memory=memory, progress=progress
        )
        return cls(source, target, send)

    def fetch(self, texts: Iterable[str]) -> None:
        """Translate the segments that were not asked for yet."""
        known = self.segments
        missing = [text for text in texts if text not in known.translations and text not in known.failures]
        if missing:
            known.add(self.send(missing))

    def fetch_whole(self, texts: Iterable[str], cutter: Cutter) -> list[Plain]:
        """Translate texts as they are, all of their segments together."""
        plain = [Plain(text, cutter(text)) for text in texts]
        self.fetch([segment for text in plain for segment in text.segments()])
        return plain

    def __getitem__(self, segment: str) -> str:
        try:
            return self.segments.translations[segment].strip()
        except KeyError:
            raise Failed(self.segments.failures[segment], segment) from None

    def join(self, text: str, spans: tuple[Span, ...], translations: list[str]) -> list[str]:
        """Put translated segments between the blanks of the original: blank, translation, ..., blank."""
        return join(text, spans, translations, source=self.source, target=self.target)


class Cutter:
    """Cut texts into what the engine takes in one call; a paragraph asked about often is cut once."""

    def __init__(self, language: str, granularity: Granularity) -> None:
        self._cut = lru_cache(maxsize=1024)(lambda text: segment_spans(text, language, granularity))

    def __call__(self, text: str) -> tuple[Span, ...]:
        """Return the spans to send."""
        return self._cut(text)


@dataclass(frozen=True, slots=True)
class Plain:
    """A text to be translated as it is."""

    text: str
    spans: tuple[Span, ...]

    def segments(self) -> Iterator[str]:
        """What is sent."""
        return (self.text[start:end] for start, end in self.spans)

    def assemble(self, outcome: Outcome) -> str:
        """Return the translated text.

        Raises:
            Failed: a segment has no translation.
        """
        return "".join(outcome.join(self.text, self.spans, [outcome[segment] for segment in self.segments()]))
