"""Texts as the segments an engine gets in one call, and their translations put together again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from crossfare.translate.bitext import Parallel
from crossfare.translate.memory import TranslationMemory
from crossfare.translate.outcome import ExplainedTranslation, Failed
from crossfare.translate.segments import Segments, translate_segments
from crossfare.translate.sentences import Span, join, segment_spans
from crossfare.types import Engine, Progress


@dataclass(slots=True)
class Outcome:
    """What an engine makes of segments: those of the first round, and further ones where they show only from these.

    ``cut`` says which spans of a text are sent; a paragraph that is asked about often is cut once.
    """

    engine: Engine
    source: str
    target: str
    memory: TranslationMemory | None = None
    progress: Progress | None = None
    segments: Segments = field(default_factory=Segments)
    cut: Callable[[str], tuple[Span, ...]] = field(init=False)

    def __post_init__(self) -> None:
        granularity = self.engine.granularity
        self.cut = lru_cache(maxsize=1024)(lambda text: segment_spans(text, self.source, granularity))

    def fetch(self, texts: Iterable[str]) -> None:
        """Translate the segments that were not asked for yet."""
        known = self.segments
        missing = [text for text in texts if text not in known.translations and text not in known.failures]
        if missing:
            made = translate_segments(
                missing,
                self.engine,
                source=self.source,
                target=self.target,
                memory=self.memory,
                progress=self.progress,
            )
            known.add(made)

    def plain(self, text: str) -> Plain:
        """A text to be translated as it is."""
        return Plain(text, self.cut(text))

    def fetch_whole(self, texts: Iterable[str]) -> list[Plain]:
        """Translate texts as they are, all of their segments together."""
        plain = [self.plain(text) for text in texts]
        self.fetch([segment for text in plain for segment in text.segments()])
        return plain

    def __getitem__(self, segment: str) -> str:
        try:
            return self.segments.translations[segment].strip()
        except KeyError:
            raise Failed(self.segments.failures[segment], segment) from None

    def parallel(self, text: str, spans: Sequence[Span], translations: Sequence[str]) -> Parallel:
        """Put translated segments between the blanks of the original, keeping track of which is which."""
        parts = join(text, spans, translations, source=self.source, target=self.target)
        segments = []
        position = 0
        for span, blank, translation in zip(spans, parts[::2], parts[1::2], strict=False):
            start = position + len(blank)
            position = start + len(translation)
            segments.append((span, (start, position)))
        return Parallel(text, "".join(parts), tuple(segments))


@dataclass(frozen=True, slots=True)
class Plain:
    """A text to be translated as it is."""

    text: str
    spans: tuple[Span, ...]

    def segments(self) -> Iterator[str]:
        """What is sent."""
        return (self.text[start:end] for start, end in self.spans)

    def assemble(self, outcome: Outcome) -> Parallel:
        """Return the text with its translation.

        Raises:
            Failed: a segment has no translation.
        """
        return outcome.parallel(self.text, self.spans, [outcome[segment] for segment in self.segments()])


@dataclass(frozen=True, slots=True)
class Bitexts:
    """Texts with their translations: one for each text, None where it failed (``failures`` says why)."""

    pairs: tuple[Parallel | None, ...]
    failures: dict[int, Failed]
    segments: Segments


def translate_aligned(
    texts: Sequence[str],
    engine: Engine,
    *,
    source: str,
    target: str,
    memory: TranslationMemory | None = None,
    progress: Progress | None = None,
) -> Bitexts:
    """Translate plain texts as `translate_texts` does, and keep which segment became what.

    Raises:
        EngineError: the engine could do nothing at all.
    """
    outcome = Outcome(engine, source, target, memory, progress)
    pairs: list[Parallel | None] = []
    failures: dict[int, Failed] = {}
    for index, text in enumerate(outcome.fetch_whole(texts)):
        try:
            pairs.append(text.assemble(outcome))
        except Failed as failed:
            pairs.append(None)
            failures[index] = failed
    return Bitexts(tuple(pairs), failures, outcome.segments)


def translate_texts(
    texts: Sequence[str],
    engine: Engine,
    *,
    source: str,
    target: str,
    memory: TranslationMemory | None = None,
    progress: Progress | None = None,
) -> ExplainedTranslation:
    """Translate plain texts, as when serving: in order, None where one failed, blank ones as they are.

    Texts are cut into sentences for an engine that prefers them. The result's ``failures`` says why
    a text is None.

    Raises:
        EngineError: the engine could do nothing at all.
    """
    made = translate_aligned(texts, engine, source=source, target=target, memory=memory, progress=progress)
    failures = {index: failed.reason for index, failed in made.failures.items()}
    return ExplainedTranslation(
        tuple(pair.target if pair else None for pair in made.pairs), made.segments.usage, failures
    )
