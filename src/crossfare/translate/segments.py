"""Texts as the segments an engine gets in one call, each distinct one translated once, and put together again."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from functools import lru_cache

from crossfare.errors import BudgetExceeded, EngineError
from crossfare.translate.bitext import Parallel
from crossfare.translate.dispatch import Answer, Dispatch, Stopped
from crossfare.translate.memory import Remembered, Scope, TranslationMemory
from crossfare.translate.outcome import Failed
from crossfare.translate.reservations import Purchases
from crossfare.translate.sentences import Span, join, segment_spans
from crossfare.translate.shares import Share, shares, total_usage
from crossfare.types import Engine, Metered, Probing, Progress, Translation, Usage, revision_for

_LOG = logging.getLogger(__name__)

CHUNK = 256
"""Segments given at once to an engine that does not say how many it takes in a request."""

_UNREADABLE = "holds half a surrogate pair: not Unicode text"


@dataclass(slots=True)
class Segments:
    """What an engine makes of distinct segments, and what that costs.

    ``failures`` says of each segment that has no translation why, ``doubt`` what may have been billed twice, since a
    killed process had it on its way. ``cut`` says which spans of a text are sent; a paragraph that is asked about often
    is cut once. ``progress`` is called with the segments done and to do. One that cannot be translated stops everything
    if that is to be ``strict``.
    """

    engine: Engine
    source: str
    target: str
    memory: TranslationMemory | None = None
    progress: Progress | None = None
    strict: bool = False
    translations: dict[str, str] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)
    fresh: int = 0
    remembered: int = 0
    doubt: str = ""
    cut: Callable[[str], tuple[Span, ...]] = field(init=False)
    _scope: Scope = field(init=False)
    _total: int = 0
    _goal: int = 0
    _fresh: list[Share] = field(default_factory=list)
    _remembered: list[Share] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._scope = Scope(
            self.engine.name, revision_for(self.engine, self.source, self.target), self.source, self.target
        )
        self.cut = lru_cache(maxsize=1024)(lambda text: segment_spans(text, self.source, self.engine.granularity))

    @property
    def usage(self) -> Usage:
        """What all of them consumed; those from the memory count as when they were made."""
        return total_usage([*self._fresh, *self._remembered])

    @property
    def fresh_usage(self) -> Usage:
        """What was consumed just now."""
        return total_usage(self._fresh)

    def fetch(self, texts: Iterable[str]) -> None:
        """Translate those that were not asked for yet, none of which is blank.

        Every answer is committed to the memory as it comes: a run that is killed loses the requests that were on their
        way. Of several processes that share a memory, each buys of a `Metered` engine what no other is just buying.
        Failures are not remembered: the next run tries them again.

        Raises:
            EngineError: the engine could not go on, or broke its contract; what it answered before is kept.
            BudgetExceeded: the engine may not spend what the next request costs; says how much is left to do.
        """
        wanted = [text for text in dict.fromkeys(texts) if text not in self.translations and text not in self.failures]
        readable = [text for text in wanted if _readable(text)]
        self._total = len(wanted)
        self._goal = len(self.translations) + len(self.failures) + self._total
        self.failures.update((text, _UNREADABLE) for text in wanted if not _readable(text))
        missing = self._recall(readable)
        known = [self.translations[text] for text in readable if text in self.translations]
        if missing and known and isinstance(self.engine, Probing):
            self.engine.answered_before(min(known, key=len), source=self.source, target=self.target)
        try:
            if missing:
                self._buy(missing)
        finally:  # what an error leaves done is told, too
            if wanted:
                self._report()

    def _buy(self, texts: Sequence[str]) -> None:
        """Ask the engine."""
        shared = self.memory if isinstance(self.engine, Metered) else None
        with nullcontext(Purchases(None)) if shared is None else shared.buying(self._scope) as purchases:
            asked = Dispatch(
                self.engine,
                self.source,
                self.target,
                recall=self._recall,
                keep=lambda answers: self._keep(answers, purchases),
                tell=self._report,
                purchases=purchases,
            )
            try:
                asked.send(lambda left: requests(self.engine, left), texts)
            except BudgetExceeded as error:
                left = f"{self._left:,} of {self._total:,} texts are left"
                raise BudgetExceeded(f"{error}; {left}, what was done is kept: allow more to go on") from None
            finally:
                if purchases.doubt:
                    _LOG.warning("%s: in doubt: %s", self.engine.name, purchases.doubt)
                    self.doubt = " and ".join(filter(None, (self.doubt, purchases.doubt)))

    @property
    def _left(self) -> int:
        return self._goal - len(self.translations) - len(self.failures)

    def _report(self) -> None:
        if self.progress:
            self.progress(self._total - self._left, self._total)

    def _recall(self, texts: Sequence[str]) -> list[str]:
        """Take what the memory knows; return the rest."""
        known = self.memory.look_up(texts, self._scope) if self.memory is not None else {}
        for text, entry in known.items():
            self.translations[text] = entry.translation
            self._remembered.append(entry.share)
        self.remembered += len(known)
        return [text for text in texts if text not in known]

    def _keep(self, answers: Sequence[Answer], purchases: Purchases) -> list[Stopped]:
        """Keep what was answered, all at once."""
        made: dict[str, Remembered] = {}
        stopped: list[Stopped] = []
        for texts, answer in answers:
            own, failures = self._read(texts, answer)
            made |= own
            if (why := getattr(answer, "stopped", None)) is not None:
                stopped.append((list(failures), why))  # left to do, not lost
            else:
                self.failures |= failures
                purchases.let_go(list(failures))
                if failures and self.strict:
                    text, reason = next(iter(failures.items()))
                    stopped.append(([], EngineError(f"{text[:60]!r} was not translated: {reason}; stopped (strict)")))
        if self.memory is not None and made:
            self.memory.remember(made, self._scope)
        self.translations.update((text, entry.translation) for text, entry in made.items())
        return stopped

    def _read(self, texts: Sequence[str], answer: Translation) -> tuple[dict[str, Remembered], dict[str, str]]:
        """The translations that an answer to some texts holds, and why the others have none."""
        if len(answer.texts) != len(texts):
            raise EngineError(
                f"engine {self.engine.name!r} returned {len(answer.texts)} translations for {len(texts)} texts"
            )
        parts = shares(answer.usage, [len(text) for text in texts])
        reasons = getattr(answer, "failures", {})
        made: dict[str, Remembered] = {}
        failures: dict[str, str] = {}
        for index, (text, translation, part) in enumerate(zip(texts, answer.texts, parts, strict=True)):
            if translation is None or not translation.strip():
                failures[text] = reasons.get(index, "the engine returned nothing")
            elif not _readable(translation):
                failures[text] = f"the engine returned what {_UNREADABLE}"
            else:
                made[text] = Remembered(translation, part)
        self.fresh += len(texts)
        self._fresh += parts
        return made, failures

    def plain(self, text: str) -> Plain:
        """A text to be translated as it is."""
        return Plain(text, self.cut(text))

    def fetch_whole(self, texts: Iterable[str]) -> list[Plain]:
        """Translate texts as they are, all of their segments together."""
        plain = [self.plain(text) for text in texts]
        self.fetch(segment for text in plain for segment in text.segments())
        return plain

    def __getitem__(self, segment: str) -> str:
        """The translation of a segment.

        Raises:
            Failed: it has none.
        """
        if segment in self.failures:
            raise Failed(self.failures[segment], segment)
        return self.translations[segment].strip()

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

    def assemble(self, made: Segments) -> Parallel:
        """Return the text with its translation.

        Raises:
            Failed: a segment has no translation.
        """
        return made.parallel(self.text, self.spans, [made[segment] for segment in self.segments()])


def translate_segments(
    texts: Iterable[str],
    engine: Engine,
    *,
    source: str,
    target: str,
    memory: TranslationMemory | None = None,
    progress: Progress | None = None,
) -> Segments:
    """Translate the distinct ones among ``texts``, none of which is blank; see `Segments.fetch`."""
    made = Segments(engine, source, target, memory, progress)
    made.fetch(texts)
    return made


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


def _readable(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
