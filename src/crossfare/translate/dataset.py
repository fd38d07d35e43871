"""Translate whole datasets as in the paper (section 4.2), losing nothing silently.

NLI and ranking: every text is translated independently. QA: answers are carried into the translated
context by a `Projection`; the paper's marks one in its context, has it translated, and reads the answer
off between the markers. Engines that prefer sentences get sentences; each distinct one is sent once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, cast

from crossfare.translate.bitext import Parallel
from crossfare.translate.lint import LintReport, lint_examples
from crossfare.translate.markers import Markers
from crossfare.translate.memory import TranslationMemory
from crossfare.translate.outcome import Failed, Losses, Lost
from crossfare.translate.pieces import Outcome
from crossfare.translate.projection import ProjectedAnswer, Projection, abilities, default_projection
from crossfare.translate.questions import Questions
from crossfare.types import (
    Dataset,
    Engine,
    Example,
    Progress,
    QAExample,
    Usage,
    Yield,
    content_revision,
)


@dataclass(frozen=True, slots=True)
class TranslationReport:
    """How a translation went.

    ``lost``            examples dropped, with the reason and what the engine made of them
    ``answers_dropped`` answers dropped from examples that kept another one
    ``lint``            what is visibly wrong with the translations, dropped examples included
    ``fresh``, ``from_memory``  distinct segments translated now, and found in the memory
    ``fresh_usage``     what was consumed now (`TranslatedDataset.usage` includes remembered work)
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

    Raises:
        ConfigError: the projection needs an engine that keeps tags, or an aligner that cannot be had.
        EngineError: the engine could do nothing at all.
    """
    chosen = projection or default_projection(abilities(engine), markers_named=markers is not None)
    outcome = Outcome(engine, dataset.language, target, memory, progress)
    questions = Questions(
        [example for example in dataset.examples if isinstance(example, QAExample)],
        outcome,
        chosen,
        chosen.projector(engine, markers, source=dataset.language, target=target),
    )
    others = [_Texts(example, outcome) for example in dataset.examples if not isinstance(example, QAExample)]
    outcome.fetch([*questions.segments(), *(segment for texts in others for segment in texts.segments())])
    losses = Losses()
    answered, answers = questions.assemble(outcome, losses)
    kept: list[Example] = [*answered, *(made for texts in others if (made := texts.assemble(outcome, losses)))]
    linted = lint_examples(dataset.examples, kept, source=dataset.language, target=target)
    if drop_bad:
        losses.lost += linted.losses
        kept = [example for example in kept if example.id not in linted.flagged]
    left = {example.id for example in kept}
    explained = tuple(answer for answer in answers if answer.id in left) if chosen.method != "markers" else ()
    return _translated(dataset, kept, losses, outcome, linted, explained)


def _translated(
    dataset: Dataset,
    kept: Sequence[Example],
    losses: Losses,
    outcome: Outcome,
    linted: LintReport,
    answers: tuple[ProjectedAnswer, ...] = (),
) -> TranslatedDataset:
    engine, done = outcome.engine, outcome.segments
    translated = replace(
        dataset,
        language=outcome.target,
        examples=tuple(kept),
        revision=content_revision(kept),
        origin=f"{engine.name}@{engine.revision}",
    )
    report = TranslationReport(
        engine=engine.name,
        revision=engine.revision,
        source=dataset.language,
        target=outcome.target,
        fresh=done.fresh,
        from_memory=done.remembered,
        fresh_usage=done.fresh_usage,
        lost=tuple(losses.lost),
        answers_dropped=tuple(losses.dropped),
        answers=answers,
        lint=linted,
    )
    survivors = Yield(len(kept), len(dataset), tuple(lost.id for lost in losses.lost))
    return TranslatedDataset(translated, survivors, done.usage, report)


class _Texts:
    """An example of independent texts (NLI, ranking): all of them survive, or the example is lost."""

    def __init__(self, example: Example, outcome: Outcome) -> None:
        self._example = example
        self._texts = tuple(map(outcome.plain, example.texts))

    def segments(self) -> Iterator[str]:
        for text in self._texts:
            yield from text.segments()

    def assemble(self, outcome: Outcome, losses: Losses) -> Example | None:
        try:
            return self._example.with_texts([text.assemble(outcome).target for text in self._texts])
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
    outcome = Outcome(engine, dataset.language, target, memory, progress)
    texts = dict.fromkeys(text for example in asked for text in (example.context, example.question))
    sent = {text.text: text for text in outcome.fetch_whole(texts)}
    kept: list[QAExample] = []
    losses = Losses()
    contexts: dict[str, Parallel] = {}
    for example in asked:
        try:
            context, question = (sent[text].assemble(outcome) for text in (example.context, example.question))
        except Failed as failed:
            losses.lost.append(failed.of(example.id))
            continue
        kept.append(replace(example, context=context.target, question=question.target, answers=()))
        contexts[example.id] = context
    linted = lint_examples(dataset.examples, kept, source=dataset.language, target=target)
    lengths = {text: sum(map(len, plain.segments())) for text, plain in sent.items()}
    once = sum(map(len, {segment for plain in sent.values() for segment in plain.segments()}))
    repeated = sum(lengths[each.context] + lengths[each.question] for each in asked) / max(1, once)
    return PlainTranslation(_translated(dataset, kept, losses, outcome, linted), repeated, contexts)
