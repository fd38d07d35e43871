"""From a spec to steps: what has to be done for each cell, shared where it is the same.

The planner and the runner both walk these, so a forecast cannot forget a step that a run performs.
Nothing is executed here, and neither torch nor an SDK is loaded.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, cast

from crossfare import meter, pretrained
from crossfare.errors import ConfigError, DataError
from crossfare.experiment.engines import make_engine
from crossfare.experiment.methods import method
from crossfare.experiment.spec import DataRef, EngineSpec, Spec, cells
from crossfare.finetune import Hyperparameters
from crossfare.tasks import TASKS
from crossfare.types import RunSpec, Step, TaskName, digest

# Raise a stage's version when its code changes what it makes: its artifacts are then made anew.
VERSIONS = {"dataset": 1, "existing": 1, "translate": 1, "finetune": 1, "predict": 1, "score": 1, "latency": 1}


@dataclass(frozen=True, slots=True)
class CellSteps:
    """The steps of one cell by the part they play; `all` is in an order that can be executed."""

    cell: RunSpec
    sources: tuple[Step, ...]
    translations: tuple[Step, ...]
    gold: tuple[Step, ...]
    finetune: Step
    test: Step
    predict: Step
    score: Step
    test_translation: Step | None = None
    latency: tuple[Step, ...] = ()
    all: tuple[Step, ...] = field(default=())


class Planner:
    """Builds the steps of a spec's cells. Equal steps are one step: they have one id."""

    def __init__(self, spec: Spec) -> None:
        self.spec = spec
        self._engines: dict[tuple[str, str, str, str], dict[str, Any]] = {}

    def plan(self) -> tuple[CellSteps, ...]:
        """The steps of every cell, cells in the order of the tables."""
        return tuple(self.cell(cell) for cell in cells(self.spec))

    def cell(self, cell: RunSpec) -> CellSteps:
        """The steps of one cell."""
        row = method(cell.method)
        original = self._source_data(cell.task, "train")
        sources = (original,) if "source" in row.train_on else ()
        translations = (self._translated_training(cell, original),) if "translated" in row.train_on else ()
        gold = (self._gold(cell),) if "target" in row.train_on else ()
        validation = self._validation(cell)
        finetune = self._finetune(cell, (*sources, *translations, *gold), validation[-1:])
        test = self._data(cell.task, self._test_ref(cell), cell.target, "test", f"{cell.task} test {cell.target}")
        test_translation: Step | None = None
        latency: tuple[Step, ...] = ()
        if row.infer_on == "translated":
            test_translation = self._translate(cell, test, cell.target, cell.source, f"test {cell.target}")
            latency = self._latency(cell, test)
        predict = self._predict(cell, finetune, test_translation or test)
        score = self._score(cell, predict, test_translation or test)
        before = (original,) if translations else ()
        chain = (*before, *sources, *translations, *gold, *validation, finetune, test, test_translation, predict, score)
        return CellSteps(
            cell=cell,
            sources=sources,
            translations=translations,
            gold=gold,
            finetune=finetune,
            test=test,
            predict=predict,
            score=score,
            test_translation=test_translation,
            latency=latency,
            all=distinct((*(step for step in chain if step is not None), *latency)),
        )

    # -- data ---------------------------------------------------------------------------------

    def _source_data(self, task: TaskName, split: str) -> Step:
        spec = self.spec.tasks[task]
        ref = spec.train if split == "train" else cast("DataRef", spec.validation)
        return self._data(task, ref, self.spec.source, split, f"{task} {split} {self.spec.source}")

    def _validation(self, cell: RunSpec) -> tuple[Step, ...]:
        """Steps that lead to the set the best checkpoint is chosen on, which is the last of them."""
        task = self.spec.tasks[cell.task]
        if not task.validation or not self._hyper(cell).select_best:
            return ()
        original = self._source_data(cell.task, "validation")
        if task.select_on == "source" or cell.engine is None or self._engine(cell)[1].engine == "existing":
            return (original,)
        return original, self._translate(cell, original, cell.source, cell.target, "validation set")

    def _gold(self, cell: RunSpec) -> Step:
        gold = self.spec.tasks[cell.task].gold
        ref = gold.get(cell.target) or gold["*"]
        return self._data(
            cell.task, ref, cell.target, "train", f"{cell.task} gold {cell.target}", params={"annotated": True}
        )

    def _test_ref(self, cell: RunSpec) -> DataRef:
        test = self.spec.tasks[cell.task].test
        return test.get(cell.target) or test["*"]

    def _data(
        self,
        task: TaskName,
        ref: DataRef,
        language: str,
        split: str,
        label: str,
        *,
        stage: str = "dataset",
        params: Mapping[str, Any] | None = None,
        inputs: Mapping[str, tuple[str, ...]] | None = None,
    ) -> Step:
        where = {"ref": self.spec.path(ref.ref), "ids_of": self.spec.path(ref.ids_of) if ref.ids_of else None}
        identity = {
            "task": task,
            "split": ref.split or split,
            "language": ref.language or language,
            "revisions": {key: data_revision(path) for key, path in where.items() if path},
            **ref.model_dump(include={"format", "limit", "seed", "labels"}, exclude_none=True),
            **(params or {}),
        }
        return Step(stage, identity, inputs or {}, VERSIONS[stage], label, runtime=where)

    # -- translation --------------------------------------------------------------------------

    def _translated_training(self, cell: RunSpec, original: Step) -> Step:
        engine_name, engine = self._engine(cell)
        if engine.engine != "existing":
            return self._translate(cell, original, cell.source, cell.target, "training set")
        return self._data(
            cell.task,
            engine.existing[cell.task][cell.target],
            cell.target,
            "train",
            f"{cell.task} {engine_name} {cell.source}-{cell.target}: existing translation",
            stage="existing",
            params={"engine": engine_name},
            inputs={"original": (original.id,)},
        )

    def _translate(self, cell: RunSpec, dataset: Step, source: str, target: str, what: str) -> Step:
        engine_name, engine = self._engine(cell)
        options = engine_options(engine, cell.task, source, target)
        return Step(
            "translate",
            {
                "task": cell.task,
                "engine": self._engine_identity(cell.task, engine_name, source, target),
                "source": source,
                "target": target,
                "markers": list(engine.markers) if engine.markers else None,
            },
            {"data": (dataset.id,)},
            VERSIONS["translate"],
            f"{cell.task} {engine_name} {source}-{target}: {what}",
            runtime={"engine": engine.engine, "options": options},
        )

    def _latency(self, cell: RunSpec, test: Step) -> tuple[Step, ...]:
        engine_name, engine = self._engine(cell)
        asked = self.spec.latency
        if not asked.repeats or engine.engine == "reference":
            return ()  # looking a text up is not translating it
        identity = {
            "task": cell.task,
            "engine": self._engine_identity(cell.task, engine_name, cell.target, cell.source),
            "source": cell.target,
            "target": cell.source,
            "hardware": meter.hardware_name(),
            "asked": asked.model_dump(mode="json"),
        }
        runtime = {"engine": engine.engine, "options": engine_options(engine, cell.task, cell.target, cell.source)}
        label = f"{cell.task} {engine_name} {cell.target}-{cell.source}: latency"
        return (Step("latency", identity, {"data": (test.id,)}, VERSIONS["latency"], label, runtime=runtime),)

    def _engine(self, cell: RunSpec) -> tuple[str, EngineSpec]:
        name = cast("str", cell.engine)
        return name, self.spec.engines[name]

    def _engine_identity(self, task: TaskName, name: str, source: str, target: str) -> dict[str, Any]:
        key = (task, name, source, target)
        if key not in self._engines:
            spec = self.spec.engines[name]
            engine = make_engine(spec.engine, engine_options(spec, task, source, target))
            self._engines[key] = {"name": engine.name, "revision": engine.revision}
        return self._engines[key]

    # -- models -------------------------------------------------------------------------------

    def _overrides(self, cell: RunSpec) -> dict[str, Any]:
        task = self.spec.tasks[cell.task]
        gold_only = method(cell.method).train_on == ("target",)
        return {**task.training, **(task.gold_training if gold_only else {})}

    def _hyper(self, cell: RunSpec) -> Hyperparameters:
        return TASKS[cell.task].hyperparameters(**self._overrides(cell))

    def _finetune(self, cell: RunSpec, train: tuple[Step, ...], validation: tuple[Step, ...]) -> Step:
        inputs = {"train": tuple(step.id for step in train)}
        if validation:
            inputs["validation"] = tuple(step.id for step in validation)
        languages = dict.fromkeys(str(step.params.get("target") or step.params["language"]) for step in train)
        return Step(
            "finetune",
            {
                "task": cell.task,
                "model": pretrained.resolve(cell.checkpoint).revision,
                "training": self._hyper(cell).identity(),
                "seed": cell.seed,
            },
            inputs,
            VERSIONS["finetune"],
            f"{cell.task} fine-tune {Path(cell.checkpoint).name} on {'+'.join(languages)}",
            runtime={
                "model": cell.checkpoint,
                "training": self._overrides(cell),
                "report_to": self.spec.report_to,
            },
        )

    def _predict(self, cell: RunSpec, model: Step, data: Step) -> Step:
        options = self.spec.tasks[cell.task].prediction
        return Step(
            "predict",
            {"task": cell.task, "options": TASKS[cell.task].options(**options).identity()},
            {"model": (model.id,), "data": (data.id,)},
            VERSIONS["predict"],
            f"{cell.task} predict {cell.target}: {cell.method}",
        )

    def _score(self, cell: RunSpec, predictions: Step, data: Step) -> Step:
        return Step(
            "score",
            {"task": cell.task, "options": self.spec.tasks[cell.task].scoring},
            {"predictions": (predictions.id,), "data": (data.id,)},
            VERSIONS["score"],
            f"{cell.task} score {cell.target}: {cell.method}",
        )


def engine_options(spec: EngineSpec, task: TaskName, source: str, target: str) -> dict[str, Any]:
    """The options an engine is made with for one task and direction."""
    model = spec.model_for(task, source, target)
    return {**spec.options, **({"model": model} if model else {})}


def distinct(steps: Iterable[Step]) -> tuple[Step, ...]:
    """Steps without repetition, order kept."""
    return tuple({step.id: step for step in steps}.values())


@lru_cache(maxsize=256)
def data_revision(ref: str) -> str:
    """Identify the content behind a data reference without reading it as data.

    A file is its SHA-256, ``world:`` is the source code that generates it, a hub id is its name.

    Raises:
        DataError: the file cannot be read.
    """
    if ref.startswith("world:"):
        folder = Path(__file__).parents[1] / "data" / "world"
        sources = {path.name: path.read_text(encoding="utf-8") for path in sorted(folder.iterdir()) if path.is_file()}
        return f"{ref}@{digest(sources)}"
    if ref.startswith("hub:"):
        return ref
    try:
        with Path(ref).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()[:16]
    except OSError as error:
        raise DataError(f"{ref}: cannot be read ({error.strerror}); correct the path in the spec") from error


def check(spec: Spec) -> None:
    """Fail early on what would otherwise fail late.

    Raises:
        ConfigError: the spec expands to no cell at all.
    """
    if not cells(spec):
        raise ConfigError(f"spec {spec.name!r} expands to no cell; check its methods, targets and test sets")
