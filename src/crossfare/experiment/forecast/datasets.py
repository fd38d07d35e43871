"""The datasets that the steps of a plan make, as far as they are known, and what translating them sends.

Characters and calls of a translation are those that `crossfare.translate` would send, markers
included: it is run with an engine that counts and gives every text back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from random import Random
from typing import cast

from crossfare import translate
from crossfare.data import artifact
from crossfare.errors import DataError
from crossfare.experiment import searches
from crossfare.experiment.forecast.counting_engine import CountingEngine
from crossfare.experiment.forecast.hub_data import of_the_hub
from crossfare.experiment.forecast.passages import Collections, Facts
from crossfare.experiment.forecast.planner import EngineFacts
from crossfare.experiment.stages.loading import billed_characters, load_data, projection_of
from crossfare.experiment.stages.work import Material, Passages, Work, one
from crossfare.store import Store
from crossfare.translate import Projection
from crossfare.translate.dataset import translate_questions
from crossfare.types import Dataset, Example, QueryExample, RankingExample, Step


class Datasets:
    """The datasets that the steps of a plan make, by step.

    Args:
        steps: every step of the plan, by id.
        facts: from an engine's identity in a step to what is known of it.
        collections: the collections that steps of the plan make.
        store: where finished steps lie whose output may be read; None to count on the sources alone.
        stretches: characters out per character in by languages, as learnt from finished steps.
        given: materials of references that the user stated instead of a file.
    """

    def __init__(
        self,
        steps: Mapping[str, Step],
        facts: Facts,
        collections: Collections,
        *,
        store: Store | None,
        stretches: Mapping[tuple[str, str], float],
        given: Mapping[str, Material | Passages],
    ) -> None:
        self._steps = steps
        self._facts = facts
        self._collections = collections
        self._store = store
        self._stretches = stretches
        self._given = given
        self._made: dict[str, Material] = {}
        self._sent: dict[str, _Sent] = {}
        self.samples: dict[str, list[str]] = {}
        """Some texts by language, to tell tokens per character from."""

    def made_by(self, step_id: str) -> Material:
        """The data a step makes."""
        if step_id not in self._made:
            self._made[step_id] = self._finished(step_id) or self._counted(self._steps[step_id])
        return self._made[step_id]

    def read_by(self, step: Step, role: str = "data") -> Material:
        """The data a step reads."""
        return self.made_by(one(step, role))

    def translated(self, step: Step, searched: Mapping[tuple[str, ...], float]) -> Work:
        """What making a translation sends; ``searched`` is the share of answers that a cascade searches for."""
        if step.id not in self._sent:
            self._counted(step)
        sent = self._sent[step.id]
        if sent.least.characters == sent.most.characters:
            return sent.least
        engine = step.params["engine"]
        languages = (engine["name"], str(step.params["source"]), str(step.params["target"]))
        known = next((searched[key] for key in (languages, languages[:1]) if key in searched), None)
        keeps_tags = bool(self._facts(engine).tag_handling)
        share = searches.assumed(keeps_tags=keeps_tags) if known is None else known
        return sent.between(share, "assumed" if known is None else "measured")

    def _finished(self, step_id: str) -> Material | None:
        if self._store is None or not self._store.done(step_id):
            return None
        return self._sampled(Material(artifact.read(self._store.artifact(step_id))))

    def _counted(self, step: Step) -> Material:
        match step.stage:
            case "dataset":
                stated = self._given.get(str(step.runtime["ref"])) or of_the_hub(step)
                return self._sampled(stated if isinstance(stated, Material) else Material(load_data(step).dataset))
            case "existing":
                return self._sampled(self._existing(step))
            case "translate":
                return self._translated(step)
            case "mine":
                return self._mined(step)
        raise DataError(f"{step.label}: makes no dataset")

    def _sampled(self, made: Material) -> Material:
        """Keep some texts of a language."""
        if made.exact and not made.stated:
            sample = self.samples.setdefault(made.dataset.language, [])
            if len(sample) < 200:
                sample += [text for example in made.dataset.examples[:100] for text in example.texts]
        return made

    def _existing(self, step: Step) -> Material:
        original = self.read_by(step, "original")
        loaded = load_data(step)
        translated = loaded.dataset
        unplaced = loaded.unplaced if projection_of(step) else ()  # all of them are taken to be recovered
        by_id = {example.id: example for example in (*translated.examples, *unplaced)}
        kept = tuple(by_id[e.id] for e in original.dataset.examples if e.id in by_id)
        if not kept:
            raise DataError(f"{step.runtime['ref']}: no example has an id of the source training set")
        work = Work({}, characters=billed_characters(original.dataset), exact=original.exact)
        self._sent[step.id] = _Sent(work, work)
        return Material(replace(translated, examples=kept))

    def _translated(self, step: Step) -> Material:
        source, facts, target = self.read_by(step), self._facts(step.params["engine"]), str(step.params["target"])
        projection = projection_of(step)
        chosen = projection and projection.rehearsed()
        made, least = _rehearsed(step, source, facts, chosen)
        most = least
        if projection is not None and projection.sends_later and not step.params.get("unmarked"):
            _, most = _rehearsed(step, source, facts, projection.rehearsed(searching=True))
        self._sent[step.id] = _Sent(least, most)
        stretch = source.stretch * self._stretches.get((source.dataset.language, target), 1.0)
        return replace(source, dataset=made, stretch=stretch, exact=False)

    def _mined(self, step: Step) -> Material:
        """Training examples whose negatives are not known yet: drawn from the collection, positives too."""
        source = self.read_by(step)
        passages = self._collections.read_by(step)
        draw = Random(0)
        filler = "x" * round(passages.mean)
        pool = passages.some or (filler,)
        count = int(step.params["negatives"])
        examples: list[Example] = []
        for example in source.dataset.examples:
            query = cast("QueryExample", example)
            examples.append(
                RankingExample(query.id, query.query, draw.choice(pool), tuple(draw.choices(pool, k=count)))
            )
        return Material(replace(source.dataset, examples=tuple(examples)), copies=source.copies, exact=False)


@dataclass(frozen=True, slots=True)
class _Sent:
    """What a translation sends at the least, and at the most: if a cascade searches for every answer."""

    least: Work
    most: Work

    def between(self, share: float, known: str) -> Work:
        """So much of what lies between."""
        usage = searches.between(self.least.usage("expected"), self.most.usage("expected"), share)
        return replace(
            self.least,
            amounts={**self.least.amounts, "character": float(usage.characters or 0)},
            characters=usage.characters,
            requests=usage.requests,
            exact=False,
            note=f"a cascade translates {100 * share:.0f} % of the characters of answers by themselves ({known}), "
            "all of them at the most",
            least=self.least.characters,
            most=self.most.characters,
        )


def _rehearsed(step: Step, source: Material, facts: EngineFacts, projection: Projection | None) -> tuple[Dataset, Work]:
    """What a translation makes and sends."""
    engine = CountingEngine(facts)
    made, repeated = _run(step, source.dataset, engine, projection)
    characters = round(engine.characters * source.copies * source.stretch * repeated)
    calls = engine.calls(facts.requests)
    work = Work(
        {"character": float(characters), "example": float(source.examples)},
        characters=characters,
        requests=None if calls is None else round(calls * source.copies * repeated),
        exact=source.exact and source.stretch == 1,
        stated=source.stated,
    )
    return made, work


def _run(step: Step, dataset: Dataset, engine: CountingEngine, projection: Projection | None) -> tuple[Dataset, float]:
    """The dataset, and how many times what the engine was sent is counted."""
    target, markers = str(step.params["target"]), step.params["markers"]
    if step.params.get("unmarked"):
        plain = translate_questions(dataset, engine, target=target)
        return plain.translated.dataset, plain.repeated
    given = translate.Markers(*markers) if markers else None
    made = translate.translate_dataset(dataset, engine, target=target, markers=given, projection=projection)
    return made.dataset, 1.0
