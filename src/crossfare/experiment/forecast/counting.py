"""What each step of a run will do: counted on the data, by the code that a run uses."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from copy import copy
from pathlib import Path

from crossfare.errors import DataError
from crossfare.experiment.forecast import answers
from crossfare.experiment.forecast.datasets import Datasets
from crossfare.experiment.forecast.measurements import Measurements
from crossfare.experiment.forecast.passages import Collections, Rehearsing
from crossfare.experiment.stages import STAGES, tokens
from crossfare.experiment.stages.keys import called
from crossfare.experiment.stages.work import Material, Passages, Work
from crossfare.store import Store
from crossfare.types import Step

# Bytes of a passage or an example on disk besides its text: names of fields, an id, its place in an index.
_RECORD = 50


class Counter:
    """Counts what every step of a plan will do.

    Args:
        steps: every step of the plan, by id.
        rehearsed: the engine of a step, which sends nothing and says what it would be billed for.
        learnt: what finished steps tell.
        store: where finished steps lie whose output may be read; None to count on the sources alone.
        given: materials of references that the user stated instead of a file.
        folders: where the models are, by their references: their tokenizers count tokens.
        stated: tokens per character as the user states them, by a model's name without its folders; "" is any.
    """

    def __init__(
        self,
        steps: Mapping[str, Step],
        rehearsed: Rehearsing,
        learnt: Measurements,
        *,
        store: Store | None = None,
        given: Mapping[str, Material | Passages] | None = None,
        folders: Mapping[str, str] | None = None,
        stated: Mapping[str, float] | None = None,
    ) -> None:
        self.steps = steps
        self.rehearsed = rehearsed
        self.learnt = learnt
        self.store = store
        self.folders = folders or {}
        self.stated = stated or {}
        self.stretches = learnt.mean_stretches()
        self.collections = Collections(steps, rehearsed, self.stretches, given or {})
        self.datasets = Datasets(
            steps, rehearsed, self.collections, store=store, stretches=self.stretches, given=given or {}
        )
        self._learn(())

    def _learn(self, without: Collection[str]) -> None:
        self._ratios = self.learnt.mean_ratios(without)
        self._answers = self.learnt.known_answers(without)
        self._searched = self.learnt.mean_searched(without)
        self._works: dict[str, Work] = {}

    def without(self, left: Collection[str]) -> Counter:
        """Count anew by what other steps than those told; data that are read already are not read again."""
        other = copy(self)
        other._learn(left)
        return other

    def work(self, step: Step) -> Work:
        """What a step has to do."""
        if step.id not in self._works:
            self._works[step.id] = self._work(step)
        return self._works[step.id]

    def _work(self, step: Step) -> Work:
        if step.stage not in STAGES:
            raise DataError(f"{step.label}: a forecast does not know the stage {step.stage!r}")
        return STAGES[step.stage].work(step, self)

    def translated(self, step: Step) -> Work:
        """What making a translation of examples sends."""
        return self.datasets.translated(step, self._searched)

    def answers_sent(self, step: Step) -> answers.Sent:
        """What carrying answers back sends: counted if a model has answered, else as others were long."""
        counted = answers.counted(step, self.rehearsed, self.store) if self.store else None
        made = self.datasets.read_by(step)
        return counted or answers.forecast(step, made, self.rehearsed, self._answers, self.steps.get)

    def stored_bytes(self, step: Step) -> int:
        """What a translation takes on disk: its text in UTF-8, and a record and an index around each part of it."""
        if STAGES[step.stage].makes == "passages":
            kept = self.collections.made_by(step.id)
            count, characters = kept.count, kept.characters * kept.stretch
        else:
            made = self.datasets.made_by(step.id)
            count, characters = made.examples, made.characters
        sample = "".join(self.datasets.samples.get(str(step.params.get("target") or step.params.get("language")), ()))
        per_character = len(sample.encode()) / len(sample) if sample else 1.0
        return round(characters * per_character + count * _RECORD)

    def ratio(self, model: Step, language: str) -> float | None:
        """Tokens per character: as stated, as learnt from finished steps, by its own tokenizer, or as kin have them."""
        revision, name = str(model.params["model"]), called(model)
        stated = self.stated.get(Path(str(model.runtime.get("model"))).name, self.stated.get(""))
        if stated is not None:
            return stated
        key = (revision, language)
        if key not in self._ratios:
            found = self._ratios.get((name, language))
            if found is None and (sample := self.datasets.samples.get(language)):
                found = tokens.counted(self.folders.get(str(model.runtime["model"]), ""), sample)
            if found is None:
                found = self._ratio_of_kin(revision, name, language)
            if found is None:
                return None
            self._ratios[key] = found
        return self._ratios[key]

    def _ratio_of_kin(self, revision: str, name: str, language: str) -> float | None:
        """That of the same model in other languages, or else of other models in the same one."""
        own = [value for (model, _), value in self._ratios.items() if model in {revision, name}]
        others = own or [value for (_, spoken), value in self._ratios.items() if spoken == language]
        return sum(others) / len(others) if others else None
