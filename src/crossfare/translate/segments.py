"""Translate each distinct segment once, through the memory, request by request."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field

from crossfare.errors import BudgetExceeded, EngineError
from crossfare.translate.memory import Remembered, Scope, Share, TranslationMemory, shares, total_usage
from crossfare.types import Engine, Metered, Probing, Progress, Usage

CHUNK = 256
"""Segments given at once to an engine that does not say how many it takes in a request."""

_UNREADABLE = "holds half a surrogate pair: not Unicode text"


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

    Each answer is committed to the memory before the next request is sent: a run that is killed
    loses one request at most. Of several processes that share a memory, one at a time asks a
    `Metered` engine for a direction, so that none pays for what another is just being answered.
    Failures are not remembered: the next run tries them again.

    Raises:
        EngineError: the engine could not go on, or broke its contract; what it answered before is kept.
        BudgetExceeded: the engine may not spend what the next request costs; says how much is left to do.
    """
    wanted = list(dict.fromkeys(texts))
    scope = Scope(engine.name, engine.revision, source, target)
    result = Segments()
    readable = [text for text in wanted if _readable(text)]
    result.failures.update((text, _UNREADABLE) for text in wanted if not _readable(text))
    missing = _recall(readable, result, memory, scope)
    if missing and result.translations and isinstance(engine, Probing):
        engine.answered_before(min(result.translations, key=len), source=source, target=target)
    taking_turns = memory is not None and isinstance(engine, Metered)
    for request in requests(engine, missing):
        _report(progress, result, len(wanted))
        with memory.turn(scope) if memory is not None and taking_turns else nullcontext():
            # A process beside this one may have translated some of them in the meantime.
            rest = _recall([missing[i] for i in request], result, memory, scope)
            if rest:
                _translate_request(rest, result, engine, memory, scope, len(wanted))
    _report(progress, result, len(wanted))
    return result


def requests(engine: Engine, texts: Sequence[str]) -> list[range]:
    """Cut texts into the calls an engine is to get, as ranges of their indices.

    Raises:
        EngineError: the engine's own ranges leave a text out, or hold one twice.
    """
    if not isinstance(engine, Metered):
        return [range(start, min(start + CHUNK, len(texts))) for start in range(0, len(texts), CHUNK)]
    made = engine.batches(texts)
    if sorted(i for request in made for i in request) != list(range(len(texts))):
        raise EngineError(f"engine {engine.name!r} cut {len(texts)} texts into requests that do not hold each once")
    return made


def _recall(texts: Sequence[str], result: Segments, memory: TranslationMemory | None, scope: Scope) -> list[str]:
    """Take what the memory knows into the result; return the rest."""
    known = memory.look_up(texts, scope) if memory is not None else {}
    for text, entry in known.items():
        result.translations[text] = entry.translation
        result.remembered_shares.append(entry.share)
    result.remembered += len(known)
    return [text for text in texts if text not in known]


def _translate_request(
    texts: Sequence[str],
    result: Segments,
    engine: Engine,
    memory: TranslationMemory | None,
    scope: Scope,
    total: int,
) -> None:
    try:
        answer = engine.translate(texts, source=scope.source, target=scope.target)
    except BudgetExceeded as error:
        raise _broke(error, result, total) from None
    if len(answer.texts) != len(texts):
        raise EngineError(f"engine {engine.name!r} returned {len(answer.texts)} translations for {len(texts)} texts")
    parts = shares(answer.usage, [len(text) for text in texts])
    reasons = getattr(answer, "failures", {})
    made: dict[str, Remembered] = {}
    for index, (text, translation, part) in enumerate(zip(texts, answer.texts, parts, strict=True)):
        if translation is None or not translation.strip():
            result.failures[text] = reasons.get(index, "the engine returned nothing")
        elif not _readable(translation):
            result.failures[text] = f"the engine returned what {_UNREADABLE}"
        else:
            made[text] = Remembered(translation, part)
    if memory is not None and made:
        memory.remember(made, scope)
    result.translations.update((text, entry.translation) for text, entry in made.items())
    result.fresh += len(texts)
    result.fresh_shares += parts
    if (stopped := getattr(answer, "stopped", None)) is not None:
        for text in texts:  # they are left to do, not lost
            result.failures.pop(text, None)
        raise _broke(stopped, result, total) if isinstance(stopped, BudgetExceeded) else stopped


def _broke(error: BudgetExceeded, result: Segments, total: int) -> BudgetExceeded:
    left = total - len(result.translations) - len(result.failures)
    return BudgetExceeded(f"{error}; {left:,} of {total:,} texts are left, what was done is kept: allow more to go on")


def _report(progress: Progress | None, result: Segments, total: int) -> None:
    if progress:
        progress(len(result.translations) + len(result.failures), total)


def _readable(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
