"""The datasets that the steps of a plan make, as far as they are known, and what translating them sends.

Characters and calls of a translation are those that `crossfare.translate` would send, markers
included: it is rehearsed with an engine that counts and gives every text back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from random import Random
from typing import cast

from crossfare import translate
from crossfare.data import artifact, catalog, published
from crossfare.data.hub import parse_ref
from crossfare.errors import ConfigError, DataError
from crossfare.experiment.forecast.passages import Collections, Rehearsing
from crossfare.experiment.forecast.stated import Stated, material
from crossfare.experiment.rehearse import Rehearsed, assumed, between, rehearse
from crossfare.experiment.stages.loading import billed_characters, load_data, projection_of
from crossfare.experiment.stages.work import Material, Passages, Work, one
from crossfare.store import Store
from crossfare.translate.dataset import translate_questions
from crossfare.translate.projection import abilities
from crossfare.types import Example, QueryExample, RankingExample, Step

# The paper's characters are counted without white space, which is 17.1 to 18.9 % more (docs/audit-paper.md).
_WITH_WHITE_SPACE = 1.18


class Datasets:
    """The datasets that the steps of a plan make, by step.

    Args:
        steps: every step of the plan, by id.
        rehearsed: the engine of a step, which sends nothing and says what it would be billed for.
        collections: the collections that steps of the plan make.
        store: where finished steps lie whose output may be read; None to count on the sources alone.
        stretches: characters out per character in by languages, as learnt from finished steps.
        given: materials of references that the user stated instead of a file.
    """

    def __init__(
        self,
        steps: Mapping[str, Step],
        rehearsed: Rehearsing,
        collections: Collections,
        *,
        store: Store | None,
        stretches: Mapping[tuple[str, str], float],
        given: Mapping[str, Material | Passages],
    ) -> None:
        self._steps = steps
        self._rehearsed = rehearsed
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
        share = assumed(keeps_tags=abilities(self._rehearsed(step)).keeps_tags) if known is None else known
        return sent.between(share, "assumed" if known is None else "measured")

    def _finished(self, step_id: str) -> Material | None:
        if self._store is None or not self._store.done(step_id):
            return None
        return self._sampled(Material(artifact.read(self._store.artifact(step_id))))

    def _counted(self, step: Step) -> Material:
        match step.stage:
            case "dataset":
                stated = self._given.get(str(step.runtime["ref"])) or _of_the_hub(step)
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
        source, target = self.read_by(step), str(step.params["target"])
        if step.params.get("unmarked"):
            engine = self._rehearsed(step)
            plain = translate_questions(source.dataset, engine, target=target)
            made, work = plain.translated.dataset, _work(engine, source, plain.repeated)
            self._sent[step.id] = _Sent(work, work)
        else:
            tried, markers = self._rehearsed(step), step.params["markers"]
            least, most = rehearse(
                source.dataset,
                tried.engine,
                tried.charge,
                target=target,
                markers=translate.Markers(*markers) if markers else None,
                projection=projection_of(step),
            )
            made = least.made.dataset
            self._sent[step.id] = _Sent(_work(least.tried, source), _work(most.tried, source))
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
        usage = between(self.least.usage("expected"), self.most.usage("expected"), share)
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
            bound=self.most.bound,
        )


def _work(engine: Rehearsed, source: Material, repeated: float = 1.0) -> Work:
    """What an engine was sent, which is counted ``repeated`` times."""
    exact = source.exact and source.stretch == 1
    used = engine.usage.scaled(source.copies * source.stretch * repeated)
    calls = engine.usage.scaled(source.copies * repeated).requests
    return Work(
        {"character": float(used.characters or 0), "example": float(source.examples)},
        characters=used.characters,
        requests=calls if engine.by_request else None,
        exact=exact,
        stated=source.stated,
        bound=used if exact else None,
    )


def _of_the_hub(step: Step) -> Material | None:
    """The data of a step that loads them from the hub, by their published size; None if they lie on disk.

    Raises:
        ConfigError: nothing is published of their size.
    """
    ref, split, language = str(step.runtime["ref"]), str(step.params["split"]), str(step.params["language"])
    if not ref.startswith("hub:") or ref.startswith(("hub:.", "hub:/")):
        return None
    name = parse_ref(ref.removeprefix("hub:")).name
    known = {entry.name for entry in catalog() if entry.hub and parse_ref(entry.hub).name == name}
    for row in published():
        if row.unit == "pair" and row.dataset in known and row.language == language and row.name.endswith(split):
            count = int(step.params.get("limit") or row.examples)
            pair = Stated(row.task, (), characters=round(_WITH_WHITE_SPACE * row.characters / row.examples))
            made = material(pair, row.task, count, language, training=split == "train")
            return replace(made, exact=False, stated=False)
    raise ConfigError(
        f"{ref}, split {split}: a forecast downloads nothing, and how large these data are is not published here; "
        "name a file of them in the spec, or state figures: crossfare plan --task ... --examples ... --characters ..."
    )
