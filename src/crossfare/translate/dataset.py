"""Translate whole datasets as in the paper (section 4.2), losing nothing silently.

NLI and ranking: every text is translated independently. QA: answers are carried into the translated
context by a `Projection`; the paper's marks one in its context, has it translated, and reads the answer
off between the markers. Engines that prefer sentences get sentences; each distinct one is sent once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import chain
from typing import Any, cast

from crossfare.translate.bitext import Parallel
from crossfare.translate.lint import LintReport, lint_examples
from crossfare.translate.marked import Projected
from crossfare.translate.markers import Markers
from crossfare.translate.memory import TranslationMemory
from crossfare.translate.outcome import Failed, Losses, Lost
from crossfare.translate.projection import (
    Paragraph,
    ProjectedAnswer,
    Projection,
    Projector,
    abilities,
    default_projection,
)
from crossfare.translate.segments import Segments
from crossfare.translate.spans import Found
from crossfare.types import (
    Answer,
    Dataset,
    Engine,
    Example,
    Progress,
    QAExample,
    Usage,
    Yield,
    content_revision,
    revision_for,
)


@dataclass(frozen=True, slots=True)
class TranslationReport:
    """How a translation went.

    ``lost``            examples dropped, with the reason and what the engine made of them
    ``answers_dropped`` answers dropped from examples that kept another one
    ``lint``            what is visibly wrong with the translations, dropped examples included
    ``fresh``, ``from_memory``  distinct segments translated now, and found in the memory
    ``fresh_usage``     what was consumed now (`TranslatedDataset.usage` includes remembered work)
    ``doubt``           what may have been billed twice, since a killed process had it on its way; empty if nothing
    ``answers``         how each surviving answer was found, unless all were between delimiters
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
    answers: tuple[ProjectedAnswer, ...] = ()
    lint: LintReport | None = None
    doubt: str = ""

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
    projection: Projection | None = None,
    drop_bad: bool = False,
    progress: Progress | None = None,
    strict: bool = False,
) -> TranslatedDataset:
    """Translate every example into ``target``; the ones lost on the way are dropped and listed.

    An answer's span is measured in the translated text without markers. Titles, labels and further
    columns stay as they are.

    Args:
        markers: the pair of delimiters; ``<a>`` and ``</a>`` by default. Where a text holds them
            already, ``<a1>`` and so on are used instead.
        projection: how answers are carried into the translated context; by default as
            `default_projection` says without an aligner. With ``markers`` the translated context is that
            of the example's first surviving answer; further answers take their span from their own copy
            if its text is the same, or are looked up in that context, or dropped and listed.
        drop_bad: whether examples that lint finds fault with (see `lint_texts`) are lost, with that as the reason.
        progress: called with the distinct segments done and to do.
        strict: whether a segment that the engine cannot translate stops everything.

    Raises:
        ConfigError: the projection needs an engine that keeps tags, or an aligner that cannot be had.
        EngineError: the engine could do nothing at all, or not all of it, and that is to be ``strict``.
    """
    chosen = projection or default_projection(abilities(engine), markers_named=markers is not None)
    projector = chosen.projector(engine, markers, source=dataset.language, target=target)
    segments = Segments(engine, dataset.language, target, memory, progress, strict)
    asked = [example for example in dataset.examples if isinstance(example, QAExample)]
    questions = _Questions(asked, segments, chosen, projector)
    others = [_Texts(example, segments) for example in dataset.examples if not isinstance(example, QAExample)]
    segments.fetch([*questions.segments(), *(segment for texts in others for segment in texts.segments())])
    losses = Losses()
    answered, answers = questions.assemble(segments, losses)
    kept: list[Example] = [*answered, *(made for texts in others if (made := texts.assemble(segments, losses)))]
    linted = lint_examples(dataset.examples, kept, source=dataset.language, target=target)
    if drop_bad:
        losses.lost += linted.losses
        kept = [example for example in kept if example.id not in linted.flagged]
    left = {example.id for example in kept}
    explained = tuple(answer for answer in answers if answer.id in left) if chosen.method != "markers" else ()
    return _translated(dataset, kept, losses, segments, linted, explained)


def _translated(
    dataset: Dataset,
    kept: Sequence[Example],
    losses: Losses,
    segments: Segments,
    linted: LintReport,
    answers: tuple[ProjectedAnswer, ...] = (),
) -> TranslatedDataset:
    engine = segments.engine
    revision = revision_for(engine, segments.source, segments.target)
    translated = replace(
        dataset,
        language=segments.target,
        examples=tuple(kept),
        revision=content_revision(kept),
        origin=f"{engine.name}@{revision}",
    )
    report = TranslationReport(
        engine=engine.name,
        revision=revision,
        source=dataset.language,
        target=segments.target,
        fresh=segments.fresh,
        from_memory=segments.remembered,
        fresh_usage=segments.fresh_usage,
        lost=tuple(losses.lost),
        answers_dropped=tuple(losses.dropped),
        answers=answers,
        lint=linted,
        doubt=segments.doubt,
    )
    survivors = Yield(len(kept), len(dataset), tuple(lost.id for lost in losses.lost))
    return TranslatedDataset(translated, survivors, segments.usage, report)


class _Questions:
    """QA examples on their way through an engine.

    Paragraphs are told apart by their text: all answers to questions about one are projected together,
    unless each example is to have a context of its own.
    """

    def __init__(
        self, examples: Sequence[QAExample], segments: Segments, projection: Projection, projector: Projector
    ) -> None:
        self._examples = examples
        self._questions = [segments.plain(example.question) for example in examples]
        self._projection = projection
        self._projector = projector
        self._keys = [
            example.context if projection.shares_context else number for number, example in enumerate(examples)
        ]
        wanted: dict[object, tuple[str, dict[Answer, None]]] = {}
        for key, example in zip(self._keys, examples, strict=True):
            wanted.setdefault(key, (example.context, {}))[1].update(dict.fromkeys(example.answers))
        self._paragraphs: dict[object, Paragraph] = {
            key: projector.paragraph(context, answers, segments) for key, (context, answers) in wanted.items()
        }

    def segments(self) -> Iterator[str]:
        yield from chain.from_iterable(question.segments() for question in self._questions)
        yield from chain.from_iterable(paragraph.segments() for paragraph in self._paragraphs.values())

    def assemble(self, segments: Segments, losses: Losses) -> tuple[list[QAExample], list[ProjectedAnswer]]:
        """Return the translated examples that have a question and an answer, and how each answer was found."""
        projected = self._projector.project(list(self._paragraphs.values()), segments)
        made = dict(zip(self._paragraphs, projected, strict=True))
        kept: list[QAExample] = []
        answers: list[ProjectedAnswer] = []
        for key, example, question in zip(self._keys, self._examples, self._questions, strict=True):
            try:
                translated = question.assemble(segments).target
            except Failed as failed:
                losses.lost.append(Lost(example.id, f"question: {failed.reason}", failed.excerpt))
                continue
            if found := self._found(example, made[key], losses):
                places = tuple(each.answer for each in found)
                kept.append(replace(example, context=made[key].context, question=translated, answers=places))
                rounded = (replace(each, confidence=round(each.confidence, 4)) for each in found)
                answers += (ProjectedAnswer.of(example.id, each) for each in rounded)
        return kept, answers

    def _found(self, example: QAExample, made: Projected, losses: Losses) -> list[Found]:
        """Return the example's answers that were found with enough confidence, and list the others."""
        failures: list[Lost] = []
        for answer in dict.fromkeys(example.answers):
            if answer in made.found and (unsure := self._projection.unsure(made.found[answer])):
                del made.found[answer]
                made.failures[answer] = unsure.about(answer)
            if answer not in made.found:
                failures.append(made.failures[answer].of(example.id))
        found = [made.found[answer] for answer in example.answers if answer in made.found]
        if found:
            losses.dropped += failures
        else:
            losses.lost.append(failures[0] if failures else Lost(example.id, "the example has no answer"))
        return found


class _Texts:
    """An example of independent texts (NLI, ranking): all of them survive, or the example is lost."""

    def __init__(self, example: Example, segments: Segments) -> None:
        self._example = example
        self._texts = tuple(map(segments.plain, example.texts))

    def segments(self) -> Iterator[str]:
        for text in self._texts:
            yield from text.segments()

    def assemble(self, segments: Segments, losses: Losses) -> Example | None:
        try:
            return self._example.with_texts([text.assemble(segments).target for text in self._texts])
        except Failed as failed:
            losses.lost.append(failed.of(self._example.id))
            return None


@dataclass(frozen=True, slots=True)
class PlainTranslation:
    """Questions translated as when serving; ``contexts`` is by example, for those that survived.

    A context or a sentence is translated once, however many questions come with it. ``repeated`` is how
    many times the characters of that would be sent if every question came alone.
    """

    translated: TranslatedDataset
    repeated: float
    contexts: dict[str, Parallel]


def translate_questions(
    dataset: Dataset,
    engine: Engine,
    *,
    target: str,
    memory: TranslationMemory | None = None,
    progress: Progress | None = None,
) -> PlainTranslation:
    """Translate questions and contexts without marking any answer: what a served system can do.

    Nobody knows the answer then, so the translated examples have none. An example is lost only if a
    text of it has no translation.

    Raises:
        EngineError: the engine could do nothing at all.
    """
    asked = [cast("QAExample", example) for example in dataset.examples]
    segments = Segments(engine, dataset.language, target, memory, progress)
    texts = dict.fromkeys(text for example in asked for text in (example.context, example.question))
    sent = {text.text: text for text in segments.fetch_whole(texts)}
    kept: list[QAExample] = []
    losses = Losses()
    contexts: dict[str, Parallel] = {}
    for example in asked:
        try:
            context, question = (sent[text].assemble(segments) for text in (example.context, example.question))
        except Failed as failed:
            losses.lost.append(failed.of(example.id))
            continue
        kept.append(replace(example, context=context.target, question=question.target, answers=()))
        contexts[example.id] = context
    linted = lint_examples(dataset.examples, kept, source=dataset.language, target=target)
    lengths = {text: sum(map(len, plain.segments())) for text, plain in sent.items()}
    once = sum(map(len, {segment for plain in sent.values() for segment in plain.segments()}))
    repeated = sum(lengths[each.context] + lengths[each.question] for each in asked) / max(1, once)
    return PlainTranslation(_translated(dataset, kept, losses, segments, linted), repeated, contexts)
