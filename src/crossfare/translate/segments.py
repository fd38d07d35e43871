"""Translate each distinct segment once, through the memory, chunk by chunk."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from crossfare.errors import EngineError
from crossfare.translate.memory import Remembered, Scope, Share, TranslationMemory, shares, total_usage
from crossfare.types import Engine, Progress, Usage

CHUNK = 256
"""Segments sent in one call of an engine: what a killed run can lose at most."""


@dataclass(slots=True)
class Segments:
    """The translations of distinct segments, and what they cost.

    ``failures`` says of each segment that has no translation why.
    """

    translations: dict[str, str] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)
    fresh: int = 0
    remembered: int = 0
    fresh_shares: list[Share] = field(default_factory=list)
    remembered_shares: list[Share] = field(default_factory=list)

    @property
    def usage(self) -> Usage:
        """What all of them consumed; those from the memory count as when they were made."""
        return total_usage([*self.fresh_shares, *self.remembered_shares])

    @property
    def fresh_usage(self) -> Usage:
        """What was consumed just now."""
        return total_usage(self.fresh_shares)

    def add(self, other: Segments) -> None:
        """Take over what was translated later."""
        self.translations |= other.translations
        self.failures |= other.failures
        self.fresh += other.fresh
        self.remembered += other.remembered
        self.fresh_shares += other.fresh_shares
        self.remembered_shares += other.remembered_shares


def translate_segments(
    texts: Iterable[str],
    engine: Engine,
    *,
    source: str,
    target: str,
    memory: TranslationMemory | None = None,
    progress: Progress | None = None,
) -> Segments:
    """Translate the distinct ones among ``texts``, none of which is blank.

    Each chunk is committed to the memory before the next is sent. Failures are not remembered: the
    next run tries them again.

    Raises:
        EngineError: the engine could do nothing at all, or broke its contract.
    """
    wanted = list(dict.fromkeys(texts))
    scope = Scope(engine.name, engine.revision, source, target)
    result = Segments()
    readable = [text for text in wanted if _readable(text)]
    result.failures.update(
        (text, "holds half a surrogate pair: not Unicode text") for text in wanted if not _readable(text)
    )
    missing = _recall(readable, result, memory, scope)
    for chunk in _chunks(missing):
        _report(progress, result, len(wanted))
        # A process beside this one may have translated some of them in the meantime.
        rest = _recall(chunk, result, memory, scope)
        if rest:
            _translate_chunk(rest, result, engine, memory, scope)
    _report(progress, result, len(wanted))
    return result


def _recall(texts: Sequence[str], result: Segments, memory: TranslationMemory | None, scope: Scope) -> list[str]:
    """Take what the memory knows into the result; return the rest."""
    known = memory.look_up(texts, scope) if memory is not None else {}
    for text, entry in known.items():
        result.translations[text] = entry.translation
        result.remembered_shares.append(entry.share)
    result.remembered += len(known)
    return [text for text in texts if text not in known]


def _translate_chunk(
    texts: Sequence[str], result: Segments, engine: Engine, memory: TranslationMemory | None, scope: Scope
) -> None:
    answer = engine.translate(texts, source=scope.source, target=scope.target)
    if len(answer.texts) != len(texts):
        raise EngineError(f"engine {engine.name!r} returned {len(answer.texts)} translations for {len(texts)} texts")
    parts = shares(answer.usage, [len(text) for text in texts])
    reasons = getattr(answer, "failures", {})
    made: dict[str, Remembered] = {}
    for index, (text, translation, part) in enumerate(zip(texts, answer.texts, parts, strict=True)):
        if translation is None or not translation.strip():
            result.failures[text] = reasons.get(index, "the engine returned nothing")
        else:
            made[text] = Remembered(translation, part)
    if memory is not None and made:
        memory.remember(made, scope)
    result.translations.update((text, entry.translation) for text, entry in made.items())
    result.fresh += len(texts)
    result.fresh_shares += parts


def _report(progress: Progress | None, result: Segments, total: int) -> None:
    if progress:
        progress(len(result.translations) + len(result.failures), total)


def _chunks(texts: Sequence[str]) -> Iterator[Sequence[str]]:
    return (texts[start : start + CHUNK] for start in range(0, len(texts), CHUNK))


def _readable(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
