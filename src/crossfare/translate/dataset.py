"""Translate whole datasets as in the paper (section 4.2), losing nothing silently.

NLI and ranking: every text is translated independently. QA: the answer is marked in its context, the
context translated, and the answer read off between the markers. Engines that prefer sentences get
sentences; only the one that holds the marker differs between the questions of a paragraph, so all
others are translated once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import lru_cache
from typing import Any

from crossfare.translate.lint import LintReport, lint_examples
from crossfare.translate.markers import Markers, MarkersLost, mark, recover
from crossfare.translate.memory import TranslationMemory
from crossfare.translate.outcome import ExplainedTranslation
from crossfare.translate.segments import Segments, translate_segments
from crossfare.translate.sentences import Granularity, Span, join, merge_over, segment_spans
from crossfare.types import (
    Answer,
    Dataset,
    Engine,
    Example,
    PairExample,
    Progress,
    QAExample,
    QueryExample,
    RankingExample,
    Usage,
    Yield,
    content_revision,
)

_EXCERPT = 160


@dataclass(frozen=True, slots=True)
class Lost:
    """An example, or one of several answers, that did not survive translation."""

    id: str
    reason: str
    excerpt: str = ""


@dataclass(frozen=True, slots=True)
class TranslationReport:
    """How a translation went.

    ``lost``            examples dropped, with the reason and what the engine made of them
    ``answers_dropped`` answers dropped from examples that kept another one
    ``lint``            what is visibly wrong with the translations, dropped examples included
    ``fresh``, ``from_memory``  distinct segments translated now, and found in the memory
    ``fresh_usage``     what was consumed now (`TranslatedDataset.usage` includes remembered work)
    """

    engine: str
    revision: str
    source: str
    target: str
    fresh: int
    from_memory: int
    fresh_usage: Usage
    lost: tuple[Lost, ...] = ()
    answers_dropped: tuple[Lost, ...] = ()
    lint: LintReport | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return the report as plain data, for JSON."""
        return {**asdict(replace(self, lint=None)), "lint": self.lint.as_dict() if self.lint else None}


@dataclass(frozen=True, slots=True)
class TranslatedDataset:
    """A translated dataset, how much of it survived, what it cost and how it went."""

    dataset: Dataset
    yield_: Yield
    usage: Usage
    report: TranslationReport


def translate_dataset(
    dataset: Dataset,
    engine: Engine,
    *,
    target: str,
    memory: TranslationMemory | None = None,
    markers: Markers | None = None,
    drop_bad: bool = False,
    progress: Progress | None = None,
) -> TranslatedDataset:
    """Translate every example into ``target``; the ones lost on the way are dropped and listed.

    An answer's span is measured in the translated text without markers. The translated context of
    an example comes from the copy marked for its first surviving answer; further answers take their
    span from their own copy if its text is the same, or are looked up in that context, or dropped
    and listed. Titles, labels and further columns stay as they are.

    Args:
        markers: the pair of delimiters; ``<a>`` and ``</a>`` by default. Where a text holds them
            already, ``<a1>`` and so on are used instead.
        drop_bad: whether examples that lint finds fault with (see `lint_texts`) are lost, with that as the reason.
        progress: called with the distinct segments done and to do.

    Raises:
        EngineError: the engine could do nothing at all.
    """
    cutter = _Cutter(dataset.language, engine.granularity)
    jobs = [_job(example, cutter, markers or Markers()) for example in dataset.examples]
    done = translate_segments(
        (segment for job in jobs for segment in job.segments()),
        engine,
        source=dataset.language,
        target=target,
        memory=memory,
        progress=progress,
    )
    outcome = _Outcome(done, dataset.language, target)
    kept = [made for job in jobs if (made := job.assemble(outcome)) is not None]
    linted = lint_examples(dataset.examples, kept, source=dataset.language, target=target)
    if drop_bad:
        outcome.lost += [Lost(example, f"lint: {', '.join(checks)}") for example, checks in linted.flagged.items()]
        kept = [example for example in kept if example.id not in linted.flagged]
    translated = replace(
        dataset,
        language=target,
        examples=tuple(kept),
        revision=content_revision(kept),
        origin=f"{engine.name}@{engine.revision}",
    )
    report = TranslationReport(
        engine=engine.name,
        revision=engine.revision,
        source=dataset.language,
        target=target,
        fresh=done.fresh,
        from_memory=done.remembered,
        fresh_usage=done.fresh_usage,
        lost=tuple(outcome.lost),
        answers_dropped=tuple(outcome.dropped),
        lint=linted,
    )
    survivors = Yield(len(kept), len(dataset), tuple(lost.id for lost in outcome.lost))
    return TranslatedDataset(translated, survivors, done.usage, report)


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
    cutter = _Cutter(source, engine.granularity)
    plans = [_Plain(text, cutter(text)) for text in texts]
    segments = (segment for plan in plans for segment in plan.segments())
    done = translate_segments(segments, engine, source=source, target=target, memory=memory, progress=progress)
    outcome = _Outcome(done, source, target)
    translations: list[str | None] = []
    failures: dict[int, str] = {}
    for index, plan in enumerate(plans):
        try:
            translations.append(plan.assemble(outcome))
        except _Failed as failed:
            translations.append(None)
            failures[index] = failed.reason
    return ExplainedTranslation(tuple(translations), done.usage, failures)


def texts_of(example: Example) -> tuple[str, ...]:
    """Return the texts of one example: what a model reads, and what is sent where they are translated when serving."""
    match example:
        case QAExample():
            return (example.context, example.question)
        case PairExample():
            return (example.premise, example.hypothesis)
        case QueryExample():
            return (example.query,)
        case RankingExample():
            return (example.query, example.positive, *example.negatives)


class _Failed(Exception):
    """A text has no translation; carries the reason and what there is of it."""

    def __init__(self, reason: str, excerpt: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.excerpt = excerpt[:_EXCERPT]


@dataclass(slots=True)
class _Outcome:
    """The translated segments, and what was lost while examples are put together."""

    segments: Segments
    source: str
    target: str
    lost: list[Lost] = field(default_factory=list)
    dropped: list[Lost] = field(default_factory=list)

    def __getitem__(self, segment: str) -> str:
        try:
            return self.segments.translations[segment].strip()
        except KeyError:
            raise _Failed(self.segments.failures[segment], segment) from None


class _Cutter:
    """Cut texts into what the engine takes in one call; a paragraph asked about often is cut once."""

    def __init__(self, language: str, granularity: Granularity) -> None:
        self._cut = lru_cache(maxsize=1024)(lambda text: segment_spans(text, language, granularity))

    def __call__(self, text: str) -> tuple[Span, ...]:
        return self._cut(text)


@dataclass(frozen=True, slots=True)
class _Plain:
    """A text to be translated as it is."""

    text: str
    spans: tuple[Span, ...]

    def segments(self) -> Iterator[str]:
        return (self.text[start:end] for start, end in self.spans)

    def assemble(self, outcome: _Outcome) -> str:
        translations = [outcome[segment] for segment in self.segments()]
        return "".join(join(self.text, self.spans, translations, source=outcome.source, target=outcome.target))


@dataclass(frozen=True, slots=True)
class _Marked:
    """A context with one answer marked; the marker stands in segment number ``index``."""

    answer: Answer
    text: str
    spans: tuple[Span, ...]
    index: int
    segment: str
    markers: Markers

    def segments(self) -> Iterator[str]:
        for number, (start, end) in enumerate(self.spans):
            yield self.segment if number == self.index else self.text[start:end]

    def assemble(self, outcome: _Outcome) -> tuple[str, Answer]:
        translations = [outcome[segment] for segment in self.segments()]
        marked = translations[self.index]
        try:
            found = recover(marked, self.markers)
        except MarkersLost as lost:
            raise _Failed(str(lost), marked) from None
        # An identity translation must compare equal to its original, not to its marked copy.
        translations[self.index] = found.text
        parts = join(self.text, self.spans, translations, source=outcome.source, target=outcome.target)
        offset = sum(len(part) for part in parts[: 2 * self.index + 1])
        context = "".join(parts)
        return context, self._widened(context, offset + found.start, offset + found.end)

    def _widened(self, context: str, start: int, end: int) -> Answer:
        """Give the answer back the outer blanks it had, where the translation has the same."""
        text = self.answer.text
        lead = text[: len(text) - len(text.lstrip())]
        tail = text[len(text.rstrip()) :]
        if lead and context[:start].endswith(lead):
            start -= len(lead)
        if tail and context[end:].startswith(tail):
            end += len(tail)
        return Answer(context[start:end], start)


@dataclass(frozen=True, slots=True)
class _PlainJob:
    """An example of independent texts (NLI, ranking): all of them survive, or the example is lost."""

    example: PairExample | QueryExample | RankingExample
    texts: tuple[_Plain, ...]

    def segments(self) -> Iterator[str]:
        for text in self.texts:
            yield from text.segments()

    def assemble(self, outcome: _Outcome) -> Example | None:
        try:
            first, *rest = (text.assemble(outcome) for text in self.texts)
        except _Failed as failed:
            outcome.lost.append(Lost(self.example.id, failed.reason, failed.excerpt))
            return None
        match self.example:
            case PairExample():
                return replace(self.example, premise=first, hypothesis=rest[0])
            case QueryExample():
                return replace(self.example, query=first)
            case RankingExample():
                return replace(self.example, query=first, positive=rest[0], negatives=tuple(rest[1:]))


@dataclass(frozen=True, slots=True)
class _QAJob:
    """A QA example: the question, and the context once for each distinct answer."""

    example: QAExample
    question: _Plain
    marked: tuple[_Marked, ...]
    unmarkable: tuple[Lost, ...]

    def segments(self) -> Iterator[str]:
        yield from self.question.segments()
        for copy in self.marked:
            yield from copy.segments()

    def assemble(self, outcome: _Outcome) -> Example | None:
        failures = list(self.unmarkable)
        try:
            question = self.question.assemble(outcome)
        except _Failed as failed:
            outcome.lost.append(Lost(self.example.id, f"question: {failed.reason}", failed.excerpt))
            return None
        context = ""
        answers: dict[Answer, Answer] = {}
        for copy in self.marked:
            try:
                made, answer = copy.assemble(outcome)
                if not answers:
                    context = made
                answers[copy.answer] = answer if made == context else _nearest(context, answer)
            except _Failed as failed:
                failures.append(Lost(self.example.id, f"answer {copy.answer.text!r}: {failed.reason}", failed.excerpt))
        if not answers:
            outcome.lost.append(failures[0] if failures else Lost(self.example.id, "the example has no answer"))
            return None
        outcome.dropped += failures
        kept = tuple(answers[answer] for answer in self.example.answers if answer in answers)
        return replace(self.example, context=context, question=question, answers=kept)


def _nearest(context: str, answer: Answer) -> Answer:
    """Find an answer in another copy of its translated context: the occurrence nearest to its place."""
    starts = []
    start = context.find(answer.text)
    while start >= 0:
        starts.append(start)
        start = context.find(answer.text, start + 1)
    if not starts:
        raise _Failed("its translation does not occur in the context translated for the first answer", answer.text)
    return Answer(answer.text, min(starts, key=lambda start: abs(start - answer.start)))


def _job(example: Example, cutter: _Cutter, markers: Markers) -> _PlainJob | _QAJob:
    if not isinstance(example, QAExample):
        return _PlainJob(example, tuple(_Plain(text, cutter(text)) for text in texts_of(example)))
    marked: list[_Marked] = []
    unmarkable: list[Lost] = []
    for answer in dict.fromkeys(example.answers):
        try:
            marked.append(_mark_answer(example.context, answer, cutter, markers))
        except MarkersLost as lost:
            unmarkable.append(Lost(example.id, str(lost), answer.text[:_EXCERPT]))
    return _QAJob(example, _Plain(example.question, cutter(example.question)), tuple(marked), tuple(unmarkable))


def _mark_answer(context: str, answer: Answer, cutter: _Cutter, markers: Markers) -> _Marked:
    """Mark an answer in the one segment that holds it: sentences that it crosses become one."""
    end = answer.start + len(answer.text)
    if answer.start < 0 or context[answer.start : end] != answer.text:
        raise MarkersLost(f"the answer {answer.text!r} does not stand at {answer.start} in its context")
    core = answer.text.strip()
    if not core:
        raise MarkersLost("the answer is blank")
    start = answer.start + len(answer.text) - len(answer.text.lstrip())
    spans, index = merge_over(cutter(context), start, start + len(core))
    first, last = spans[index]
    segment, used = mark(context[first:last], start - first, start - first + len(core), markers)
    return _Marked(answer, context, spans, index, segment, used)
