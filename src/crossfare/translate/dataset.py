"""Translate whole datasets as in the paper (section 4.2), losing nothing silently.

NLI and ranking: every text is translated independently. QA: answers are carried into the translated
context by a `Projection`; the paper's marks one in its context, has it translated, and reads the answer
off between the markers. Engines that prefer sentences get sentences; each distinct one is sent once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from crossfare.translate.lint import LintReport, lint_examples
from crossfare.translate.markers import Markers
from crossfare.translate.memory import TranslationMemory
from crossfare.translate.outcome import ExplainedTranslation, Losses, Lost
from crossfare.translate.pieces import Cutter, Failed, Outcome, Plain
from crossfare.translate.projection import Projection, abilities, default_projection
from crossfare.translate.questions import ProjectedAnswer, Questions
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
    cutter = Cutter(dataset.language, engine.granularity)
    questions = Questions(
        [example for example in dataset.examples if isinstance(example, QAExample)],
        cutter,
        chosen,
        chosen.projector(engine, markers, source=dataset.language, target=target),
    )
    others = [_Texts(example, cutter) for example in dataset.examples if not isinstance(example, QAExample)]
    outcome = Outcome.by(engine, source=dataset.language, target=target, memory=memory, progress=progress)
    outcome.fetch([*questions.segments(), *(segment for texts in others for segment in texts.segments())])
    losses = Losses()
    answered, answers = questions.assemble(outcome, losses)
    kept: list[Example] = [*answered, *(made for texts in others if (made := texts.assemble(outcome, losses)))]
    linted = lint_examples(dataset.examples, kept, source=dataset.language, target=target)
    if drop_bad:
        losses.lost += linted.losses
        kept = [example for example in kept if example.id not in linted.flagged]
    translated = replace(
        dataset,
        language=target,
        examples=tuple(kept),
        revision=content_revision(kept),
        origin=f"{engine.name}@{engine.revision}",
    )
    done, left = outcome.segments, {example.id for example in kept}
    report = TranslationReport(
        engine=engine.name,
        revision=engine.revision,
        source=dataset.language,
        target=target,
        fresh=done.fresh,
        from_memory=done.remembered,
        fresh_usage=done.fresh_usage,
        lost=tuple(losses.lost),
        answers_dropped=tuple(losses.dropped),
        answers=tuple(answer for answer in answers if answer.id in left) if chosen.method != "markers" else (),
        lint=linted,
    )
    survivors = Yield(len(kept), len(dataset), tuple(lost.id for lost in losses.lost))
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
    outcome = Outcome.by(engine, source=source, target=target, memory=memory, progress=progress)
    plans = outcome.fetch_whole(texts, Cutter(source, engine.granularity))
    translations: list[str | None] = []
    failures: dict[int, str] = {}
    for index, plan in enumerate(plans):
        try:
            translations.append(plan.assemble(outcome))
        except Failed as failed:
            translations.append(None)
            failures[index] = failed.reason
    return ExplainedTranslation(tuple(translations), outcome.segments.usage, failures)


class _Texts:
    """An example of independent texts (NLI, ranking): all of them survive, or the example is lost."""

    def __init__(self, example: Example, cutter: Cutter) -> None:
        self._example = example
        self._texts = tuple(Plain(text, cutter(text)) for text in example.texts)

    def segments(self) -> Iterator[str]:
        for text in self._texts:
            yield from text.segments()

    def assemble(self, outcome: Outcome, losses: Losses) -> Example | None:
        try:
            return self._example.with_texts([text.assemble(outcome) for text in self._texts])
        except Failed as failed:
            losses.lost.append(Lost(self._example.id, failed.reason, failed.excerpt))
            return None
