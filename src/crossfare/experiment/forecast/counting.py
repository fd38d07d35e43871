"""What each step of a run will do: counted on the data, by the code that a run uses."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from copy import copy
from pathlib import Path

from crossfare.errors import DataError
from crossfare.experiment.forecast import answers, tokens
from crossfare.experiment.forecast.datasets import Datasets
from crossfare.experiment.forecast.keys import called
from crossfare.experiment.forecast.measurements import Measurements
from crossfare.experiment.forecast.passages import Collections, Rehearsing
from crossfare.experiment.forecast.work import Material, Passages, Work, labels
from crossfare.experiment.stages import billed_characters
from crossfare.store import Store
from crossfare.translate import texts_of
from crossfare.types import Step

# Bytes of a passage or an example on disk besides its text: names of fields, an id, its place in an index.
_RECORD = 50

_SOME = 200
"""So many texts tell how many characters are billed for one."""


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
        counting = {
            "dataset": self._loaded,
            "existing": self._translated,
            "translate": self._translated,
            "translate-collection": self.collections.translated,
            "translate-candidates": self._candidates_translated,
            "collection": self._collected,
            "index": self._indexed,
            "retrieve": self._asked,
            "mine": self._asked,
            "finetune": self._finetune,
            "predict": self._predict,
            "back-project": self._projected,
            "ensemble": self._asked,
            "embed": self._embed,
            "score": self._scored,
            "latency": self._timed,
        }
        if step.stage not in counting:
            raise DataError(f"{step.label}: a forecast does not know the stage {step.stage!r}")
        return counting[step.stage](step)

    # -- data and translations ----------------------------------------------------------------

    def _loaded(self, step: Step) -> Work:
        made = self.datasets.made_by(step.id)
        annotated = made.examples if step.params.get("annotated") else None
        return Work({"character": made.characters}, annotated=annotated, exact=made.exact, stated=made.stated)

    def _collected(self, step: Step) -> Work:
        return Work({"character": float(self.collections.made_by(step.id).characters)})

    def _indexed(self, step: Step) -> Work:
        passages = self.collections.read_by(step)
        return Work({"character": passages.characters * passages.stretch})

    def _asked(self, step: Step) -> Work:
        return Work({"query": float(self.datasets.read_by(step).examples)})

    def _scored(self, step: Step) -> Work:
        made = self.datasets.read_by(step)
        return Work({"label": labels(made.dataset) * made.copies})

    def _translated(self, step: Step) -> Work:
        return self.datasets.translated(step, self._searched)

    def _candidates_translated(self, step: Step) -> Work:
        return self.collections.candidates_translated(step, self.datasets.read_by(step).examples)

    def _projected(self, step: Step) -> Work:
        """Answers to carry back: those that a model gave if it has, or else as many and as long as others had to be."""
        made = self.datasets.read_by(step)
        spans = made.examples * int(step.params["n_best"])
        if not step.params["engine"]:  # it goes one way only
            return Work({"query": float(spans), "character": 0.0}, characters=0, requests=0)
        sent = answers.counted(step, self.rehearsed, self.store) if self.store else None
        if sent is None:
            sent = answers.forecast(step, made, self.rehearsed, self._answers, self.steps.get)
        least, characters, most = (round(each) for each in sent.characters)
        amounts = {"query": float(spans), "character": float(characters)}
        return Work(
            amounts,
            characters,
            sent.requests,
            exact=sent.exact,
            note=sent.note,
            least=least,
            most=most,
            bound=sent.bound,
        )

    def stored_bytes(self, step: Step) -> int:
        """What a translation takes on disk: its text in UTF-8, and a record and an index around each part of it."""
        if step.stage == "translate-collection":
            kept = self.collections.made_by(step.id)
            count, characters = kept.count, kept.characters * kept.stretch
        else:
            made = self.datasets.made_by(step.id)
            count, characters = made.examples, made.characters
        sample = "".join(self.datasets.samples.get(str(step.params.get("target") or step.params.get("language")), ()))
        per_character = len(sample.encode()) / len(sample) if sample else 1.0
        return round(characters * per_character + count * _RECORD)

    # -- models -------------------------------------------------------------------------------

    def _finetune(self, step: Step) -> Work:
        settings = step.params["training"]
        read, features, examples = 0.0, 0, 0.0
        for train in step.inputs["train"]:
            made = self.datasets.made_by(train)
            ratio = self._ratio(step, made.dataset.language)
            if ratio is None:
                return Work(exact=False, lacking=f"tokens per character in {made.dataset.language}")
            count, rows = tokens.training_tokens(made.dataset.examples, ratio * made.stretch, settings)
            read, features = read + count * made.copies, features + round(rows * made.copies)
        times = tokens.epochs(settings, features)
        steps = settings.get("max_steps") or times * features / settings["batch_size"]
        examples = times * features
        return Work({"token": read * times, "step": float(steps), "example": examples}, exact=False)

    def _predict(self, step: Step) -> Work:
        model = self.steps[step.inputs["model"][0]]
        made, options = self.datasets.read_by(step), step.params["options"]
        ratio = self._ratio(model, made.dataset.language)
        if ratio is None:
            return Work(exact=False, lacking=f"tokens per character in {made.dataset.language}")
        if step.params["task"] != "ranking":
            read = tokens.inference_tokens(made.dataset.examples, ratio * made.stretch, options)
            return Work({"token": read * made.copies, "example": float(made.examples)}, exact=False)
        passages = self.collections.read_by(step)
        pairs = made.examples * self.collections.candidates(step)
        query = made.stretch * billed_characters(made.dataset) / max(1, len(made.dataset))
        read = pairs * tokens.pair_tokens(query, passages.mean, ratio, int(options["max_length"]))
        return Work({"token": read, "example": pairs}, exact=False)

    def _embed(self, step: Step) -> Work:
        made, passages = self.datasets.read_by(step), self.collections.read_by(step)
        ratio = self._ratio(step, passages.language)
        if ratio is None:
            return Work(exact=False, lacking=f"tokens per character in {passages.language}")
        characters = passages.characters * passages.stretch + made.characters
        return Work({"token": characters * ratio + 2 * (passages.count + made.examples)}, exact=False)

    def _ratio(self, model: Step, language: str) -> float | None:
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

    def _timed(self, step: Step) -> Work:
        """Characters that serving one input sends to be translated, and those billed if it is timed as often as can be.

        They are billed as some of the texts would be, each sent alone.
        """
        made = self.datasets.read_by(step)
        some = [text for example in made.dataset.examples[:_SOME] for text in texts_of(example)]
        mean = made.characters / max(1, made.examples)
        if "candidates" in step.inputs:
            passages = self.collections.read_by(step)
            mean += self.collections.candidates(step) * passages.mean
            some += passages.some[:_SOME]
        asked = step.params["asked"]
        inputs = sum(size * (asked["warmup"] + asked["repeats"]) for size in asked["batch_sizes"])
        billed = round(mean * inputs * self.rehearsed(step).per_character(some, str(step.params["source"])))
        return Work({"character": mean}, billed, exact=False, note="timed as often as it may be")
