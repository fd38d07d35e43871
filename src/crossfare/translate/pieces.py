"""Plain texts, as when serving, and collections as a stream."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice

from crossfare.translate.bitext import Parallel
from crossfare.translate.memory import TranslationMemory
from crossfare.translate.outcome import ExplainedTranslation, Failed, Lost
from crossfare.translate.segments import Segments
from crossfare.types import Engine, Passage, Progress, Usage, Yield


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
    made = Segments(engine, source, target, memory, progress)
    pairs: list[Parallel | None] = []
    failures: dict[int, Failed] = {}
    for index, text in enumerate(made.fetch_whole(texts)):
        try:
            pairs.append(text.assemble(made))
        except Failed as failed:
            pairs.append(None)
            failures[index] = failed
    return Bitexts(tuple(pairs), failures, made)


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


PASSAGES = 2048
"""Passages translated at once. Sentences that repeat are translated once within a chunk; the memory knows them in
the next one, but they are counted again, as a provider without a memory would bill them."""


@dataclass(slots=True)
class PassageTranslation:
    """A collection being translated: iterate over `stream`, then read what it took.

    ``usage``       what all passages consumed; remembered ones count as when they were made
    ``characters``  code points of the passages given
    ``lost``        passages without a translation, with the reason
    """

    engine: Engine
    source: str
    target: str
    memory: TranslationMemory | None = None
    usage: Usage = field(default_factory=Usage)
    characters: int = 0
    total: int = 0
    lost: list[Lost] = field(default_factory=list)

    def stream(
        self, passages: Iterable[Passage], *, expected: int = 0, progress: Progress | None = None
    ) -> Iterator[Passage]:
        """Translate passages in their order, leaving out those that are lost.

        ``progress`` counts passages out of ``expected``.

        Raises:
            EngineError: the engine could do nothing at all.
        """
        source = iter(passages)
        while chunk := list(islice(source, PASSAGES)):
            done = translate_texts(
                [passage.text for passage in chunk],
                self.engine,
                source=self.source,
                target=self.target,
                memory=self.memory,
            )
            self.usage += done.usage
            for index, (passage, text) in enumerate(zip(chunk, done.texts, strict=True)):
                self.total += 1
                self.characters += len(passage.text)
                if text is None:
                    self.lost.append(Lost(passage.id, done.failures[index]))
                else:
                    yield Passage(passage.id, text)
            if progress:
                progress(self.total, max(expected, self.total))

    @property
    def yield_(self) -> Yield:
        """How many passages survived."""
        return Yield(self.total - len(self.lost), self.total, tuple(lost.id for lost in self.lost))
