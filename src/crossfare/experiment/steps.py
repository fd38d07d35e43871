"""From a spec to steps: what has to be done for each cell, shared where it is the same.

The planner and the runner both walk these, so a forecast cannot forget a step that a run performs.
Nothing is executed here, and neither torch nor an SDK is loaded.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, cast

from crossfare import meter, pretrained
from crossfare.data.reading import READING_KEYS
from crossfare.errors import ConfigError
from crossfare.experiment.cell import CellSteps, Training
from crossfare.experiment.engine_plan import EnginePlan
from crossfare.experiment.ensemble_steps import ensemble_cell
from crossfare.experiment.matrix import cells, missing, why_missing
from crossfare.experiment.methods import method
from crossfare.experiment.qa_steps import translated_questions_cell
from crossfare.experiment.ranking_steps import mined, ranking_cell
from crossfare.experiment.revisions import data_revision
from crossfare.experiment.spec import Spec
from crossfare.experiment.spec_engine import DataRef, EngineSpec
from crossfare.experiment.stages import STAGES
from crossfare.finetune import Hyperparameters
from crossfare.ledger.book import COMPUTE
from crossfare.pretrained.inspection import unnamed_head
from crossfare.tasks import TASKS
from crossfare.translate.projection import Projection
from crossfare.types import RunSpec, Step, TaskName

_AND_BACK = ", there and back"


class Planner(EnginePlan):
    """Builds the steps of a spec's cells. Equal steps are one step: they have one id."""

    def __init__(self, spec: Spec) -> None:
        super().__init__(spec)
        self._steps: dict[str, Step] = {}

    def plan(self) -> tuple[CellSteps, ...]:
        """The steps of every cell, cells in the order of the tables."""
        return tuple(self.cell(cell) for cell in cells(self.spec))

    def cell(self, cell: RunSpec) -> CellSteps:
        """The steps of one cell."""
        row = method(cell.method)
        if row.parents:
            return ensemble_cell(self, cell)
        if TASKS[cell.task].searches:
            return ranking_cell(self, cell)
        if TASKS[cell.task].spans and row.infer_on == "translated":
            return translated_questions_cell(self, cell)
        test = self.data(cell.task, self.test_ref(cell), cell.target, "test", f"{cell.task} test {cell.target}")
        training = self.training(cell)
        finetune = self.finetune(cell, training.train)
        translated = row.infer_on == "translated"
        asked = self.translate(cell, test, cell.target, cell.source, f"test {cell.target}") if translated else test
        predict = self.predict(cell, {"model": finetune, "data": asked})
        score = self.score(cell, predict, test)  # what was lost in translation gets no answer, and is wrong
        latency = self.latency(cell, {"data": test}) if translated else ()
        return CellSteps(
            cell=cell,
            train=training.train,
            gold=training.gold,
            one_time=training.translations,
            recurring=(asked,) if translated else (),
            finetune=finetune,
            inference=(predict,),
            test=test,
            score=score,
            latency=latency,
            needed=self.closure(score),
            measuring=self.closure(*latency),
        )

    def step(
        self,
        stage: str,
        params: Mapping[str, Any],
        inputs: Mapping[str, Step | tuple[Step, ...]],
        label: str,
        runtime: Mapping[str, Any] | None = None,
        name: str = "",
    ) -> Step:
        """Make a step from the steps it reads, by role."""
        given = {role: steps if isinstance(steps, tuple) else (steps,) for role, steps in inputs.items()}
        ids = {role: tuple(step.id for step in steps) for role, steps in given.items()}
        made = Step(stage, params, ids, STAGES[stage].version, label, runtime=runtime or {}, name=name)
        return self._steps.setdefault(made.id, made)

    def made(self, step_id: str) -> Step:
        """A step that was made before."""
        return self._steps[step_id]

    def closure(self, *ends: Step) -> tuple[Step, ...]:
        """These steps and all that they need, inputs before what reads them."""
        found: dict[str, Step] = {}

        def visit(step: Step) -> None:
            if step.id not in found:
                for ids in step.inputs.values():
                    for needed in ids:
                        visit(self._steps[needed])
                found[step.id] = step

        for end in ends:
            visit(end)
        return tuple(found.values())

    # -- data ---------------------------------------------------------------------------------

    def data(
        self,
        task: TaskName,
        ref: DataRef,
        language: str,
        split: str,
        label: str,
        *,
        stage: str = "dataset",
        params: Mapping[str, Any] | None = None,
        inputs: Mapping[str, Step | tuple[Step, ...]] | None = None,
        runtime: Mapping[str, Any] | None = None,
    ) -> Step:
        """Load a dataset."""
        where = self._files(ref)
        identity = {
            "task": task,
            "split": ref.split or split,
            "language": ref.language or language,
            "revisions": {key: data_revision(path) for key, path in where.items() if path},
            **ref.model_dump(include={"format", "skip", "limit", "seed", "unescape", *READING_KEYS}, exclude_none=True),
            **(params or {}),
        }
        return self.step(stage, identity, inputs or {}, label, {**where, **(runtime or {})})

    def collection(self, ref: DataRef, language: str, split: str) -> Step:
        """Bring the passages that ``ref`` ranks into a collection on disk."""
        path = self.spec.path(ref.collection or ref.ref)
        identity = {
            "split": ref.split or split,
            "language": ref.language or language,
            "revision": data_revision(path),
            "format": None if ref.collection else ref.format,
        }
        return self.step("collection", identity, {}, f"ranking collection {split} {language}", {"ref": path})

    def test_ref(self, cell: RunSpec) -> DataRef:
        """The test set of a cell."""
        test = self.spec.tasks[cell.task].test
        return test.get(cell.target) or test["*"]

    def _files(self, ref: DataRef) -> dict[str, str | None]:
        given = {name: getattr(ref, name) for name in ("ref", "ids_of", "collection", "qrels", "queries")}
        return {name: self.spec.path(path) if path else None for name, path in given.items()}

    def _source_data(self, task: TaskName, split: str) -> Step:
        spec = self.spec.tasks[task]
        ref = spec.train if split == "train" else cast("DataRef", spec.validation)
        data = self.data(task, ref, self.spec.source, split, f"{task} {split} {self.spec.source}")
        return mined(self, data, ref, self.spec.source, split) if TASKS[task].searches else data

    def _validation(self, cell: RunSpec) -> Step | None:
        """The set the best checkpoint is chosen on."""
        task = self.spec.tasks[cell.task]
        if not task.validation or not self._hyper(cell).select_best:
            return None
        original = self._source_data(cell.task, "validation")
        if task.select_on == "source" or cell.engine is None or self.engine_of(cell)[1].engine == "existing":
            return original
        translated = self.translate(cell, original, cell.source, cell.target, "validation set")
        if method(cell.method).infer_on != "translated":
            return translated
        return self.translate(cell, translated, cell.target, cell.source, "validation set" + _AND_BACK)

    def _gold(self, cell: RunSpec) -> tuple[Step, Step]:
        """The labelled data of the target language, and what is learnt from: the same, but for mined ranking data."""
        gold = self.spec.tasks[cell.task].gold
        ref = gold.get(cell.target) or gold["*"]
        label = f"{cell.task} gold {cell.target}"
        if cell.gold_size is not None:
            ref, label = ref.model_copy(update={"limit": cell.gold_size}), f"{label} ({cell.gold_size:,} labels)"
        data = self.data(cell.task, ref, cell.target, "train", label, params={"annotated": True})
        return data, mined(self, data, ref, cell.target, "train") if TASKS[cell.task].searches else data

    def training(self, cell: RunSpec) -> Training:
        """What the cell's model is fine-tuned on."""
        sides = method(cell.method).train_on
        original = self._source_data(cell.task, "train")
        sources = (original,) if "source" in sides else ()
        translations = (self._translated_training(cell, original),) if "translated" in sides else ()
        if "round-trip" in sides:
            there = self._translated_training(cell, original)
            what = "training set" + _AND_BACK
            back = self.translate(
                cell, there, cell.target, cell.source, what, params=_dropping(self.engine_of(cell)[1])
            )
            return Training((back,), (), (there, back))
        if "target" not in sides:
            return Training((*sources, *translations), (), translations)
        gold, learnt = self._gold(cell)
        return Training((*sources, *translations, learnt), (gold,), translations)

    # -- translation --------------------------------------------------------------------------

    def _translated_training(self, cell: RunSpec, original: Step) -> Step:
        engine_name, engine = self.engine_of(cell)
        if engine.engine != "existing":
            return self.translate(cell, original, cell.source, cell.target, "training set", params=_dropping(engine))
        projection = self.projection(cell, cell.source, cell.target)
        return self.data(
            cell.task,
            engine.existing[cell.task][cell.target],
            cell.target,
            "train",
            f"{cell.task} {engine_name} {cell.source}-{cell.target}: existing translation",
            stage="existing",
            params={
                "engine": engine_name,
                **self.projection_identity(projection),
                **_dropping(engine),
            },
            inputs={"original": original},
            runtime=_runtime(projection),
        )

    def translate(
        self,
        cell: RunSpec,
        data: Step,
        source: str,
        target: str,
        what: str,
        *,
        stage: str = "translate",
        inputs: Mapping[str, Step] | None = None,
        params: Mapping[str, Any] | None = None,
        unmarked: bool = False,
    ) -> Step:
        """Translate a dataset or a collection with the cell's engine; ``unmarked``: without marking answers."""
        engine_name, _ = self.engine_of(cell)
        projection = None if unmarked else self.projection(cell, source, target)
        identity = {
            "task": cell.task,
            "engine": self.engine_identity(cell.task, engine_name, source, target),
            "source": source,
            "target": target,
            "markers": self.markers(cell, source, target),
            **self.projection_identity(projection),
            **(params or {}),
            **({"unmarked": True} if unmarked else {}),
        }
        return self.step(
            stage,
            identity,
            {"data": data, **(inputs or {})},
            f"{cell.task} {engine_name} {source}-{target}: {what}",
            {**self.engine_runtime(cell, source, target), **_runtime(projection)},
        )

    def latency(
        self,
        cell: RunSpec,
        inputs: Mapping[str, Step],
        more: Mapping[str, Any] | None = None,
        runtime: Mapping[str, Any] | None = None,
    ) -> tuple[Step, ...]:
        """Time what translating adds to serving, unless there is nothing to time; ``more`` is done besides."""
        engine_name, engine = self.engine_of(cell)
        asked = self.spec.latency
        if not asked.repeats or engine.engine == "reference":
            return ()  # looking a text up is not translating it
        identity = {
            "task": cell.task,
            "engine": self.engine_identity(cell.task, engine_name, cell.target, cell.source),
            "source": cell.target,
            "target": cell.source,
            "hardware": meter.hardware_name(),
            "asked": asked.model_dump(mode="json"),
            **({} if engine.price in (None, COMPUTE) else {"billed": True}),  # what is sent is metered, not only timed
            **(more or {}),
        }
        label = f"{cell.task} {engine_name} {cell.target}-{cell.source}: latency"
        needed = {**self.engine_runtime(cell, cell.target, cell.source), **(runtime or {})}
        return (self.step("latency", identity, inputs, label, needed),)

    def remakes_head(self, ref: str, labels: tuple[str, ...]) -> bool:
        """Whether a model gets a new head because its own does not say which outputs mean these labels."""
        return unnamed_head(Path(pretrained.resolve(ref).path), ref, labels)

    def _overrides(self, cell: RunSpec) -> dict[str, Any]:
        task = self.spec.tasks[cell.task]
        gold_only = method(cell.method).train_on == ("target",)
        return {**task.training, **(task.gold_training if gold_only else {})}

    def _hyper(self, cell: RunSpec) -> Hyperparameters:
        return TASKS[cell.task].hyperparameters(**self._overrides(cell))

    def finetune(self, cell: RunSpec, train: tuple[Step, ...]) -> Step:
        """Fine-tune the cell's model."""
        validation, task = self._validation(cell), TASKS[cell.task]
        labels = task.known_labels
        languages = dict.fromkeys(_language(step) for step in train)
        size = "" if cell.gold_size is None else f" ({cell.gold_size:,} labels)"
        there_and_back = _AND_BACK if "round-trip" in method(cell.method).train_on else ""
        hyper = self._hyper(cell)
        if not hyper.trains and method(cell.method).train_on != ("source",):
            raise ConfigError(f"{cell.task}: {cell.method} learns from its training data; with epochs: 0 nothing does")
        unnamed = labels and not hyper.head_labels and self.remakes_head(cell.checkpoint, labels)
        if unnamed and not hyper.trains:
            raise ConfigError(
                f"{cell.task}: {cell.checkpoint} does not say which of its outputs is which label; say it with "
                f"head_labels, in their order, or fine-tune it (epochs)"
            )
        identity = {
            "task": cell.task,
            "model": self.model_revision(cell.checkpoint),
            "training": hyper.identity(),
            "seed": cell.seed if hyper.trains else 0,
            # Such heads were once kept under names that were guessed: what was made with them is not this.
            **(task.scored_anew(_language(validation), {}) if validation else {}),
            **({"head": "new"} if unnamed else {}),
        }
        on = f"fine-tune {Path(cell.checkpoint).name} on {'+'.join(languages)}{there_and_back}{size}"
        return self.step(
            "finetune",
            identity,
            {"train": train, **({"validation": validation} if validation else {})},
            f"{cell.task} {on if hyper.trains else f'take {Path(cell.checkpoint).name} as it is'}",
            {"model": cell.checkpoint, "training": self._overrides(cell), "report_to": self.spec.report_to},
            name=Path(cell.checkpoint).name,
        )

    def predict(self, cell: RunSpec, inputs: Mapping[str, Step], note: str = "") -> Step:
        """Let the model answer."""
        options = self.spec.tasks[cell.task].prediction
        identity = {"task": cell.task, "options": TASKS[cell.task].options(**options).identity()}
        return self.step("predict", identity, inputs, f"{cell.task} predict {cell.target}: {cell.variant}{note}")

    def score(
        self, cell: RunSpec, predictions: Step, data: Step, note: str = "", *, translated: Step | None = None
    ) -> Step:
        """Score the answers to ``data``; ``translated`` is what was asked instead, if it may have lost some."""
        task, options = TASKS[cell.task], self.spec.tasks[cell.task].scoring
        identity = {"task": cell.task, "options": options, **task.scored_anew(_language(data, cell.target), options)}
        inputs = {"predictions": predictions, "data": data, **({"translated": translated} if translated else {})}
        return self.step("score", identity, inputs, f"{cell.task} score {cell.target}: {cell.variant}{note}")


def check(spec: Spec) -> None:
    """Fail early on what would otherwise fail late.

    Raises:
        ConfigError: nothing of the spec can be run; the message says why.
    """
    if not cells(spec):
        raise ConfigError(f"spec {spec.name!r}: nothing of it can be run; {'; '.join(why_missing(missing(spec)))}")


def _language(data: Step, default: str = "") -> str:
    """The language of the data that a step makes."""
    return str(data.params.get("target") or data.params.get("language") or default)


def _dropping(engine: EngineSpec) -> dict[str, Any]:
    """What identifies a translation for training: bad examples are dropped from it on request, on each way of two."""
    return {"drop_bad": True} if engine.drop_bad else {}


def _runtime(projection: Projection | None) -> dict[str, Any]:
    return {"projection": asdict(projection)} if projection else {}
