"""The spec: what a run compares, as inert data. A list is an axis of the matrix.

Nothing in a spec is executed, inherited or included; unknown keys are errors. Paths are relative
to ``data_dir``, which is relative to the spec file.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from crossfare import strict
from crossfare.errors import ConfigError
from crossfare.escaping import check_printable
from crossfare.experiment.methods import BM25, TARGET, method
from crossfare.experiment.spec_engine import DataRef, EngineSpec, Strict
from crossfare.experiment.spec_fields import (
    Checkpoints,
    KnownTask,
    LanguageTag,
    MethodName,
    Name,
    Target,
    Text,
    distinct,
    some,
    texts_in,
    told,
    within,
)
from crossfare.finetune.hyperparameters import Reporter
from crossfare.languages import language_tag
from crossfare.predict import PredictOptions
from crossfare.retrieve import settings as first_stage
from crossfare.settings import MOST, Count, Natural, Seed
from crossfare.tasks import TASKS
from crossfare.translate.back_projection import WAYS, Way


class RankingSpec(Strict):
    """How a ranking task finds what the reranker reads, and what it learns from.

    ``depth``         candidates of the first stage per query (the paper: 1000)
    ``bm25``          settings of the first stage (`crossfare.retrieve.BM25`)
    ``negatives``     passages mined per training query, from the best ``mining_depth`` of the first
                      stage; None where the training data are triples, which bring their own
    ``embedding``     settings of the bi-encoder baseline
    """

    depth: Count = 1000
    bm25: dict[str, Any] = {}
    negatives: Count | None = None
    mining_depth: Count = 100
    embedding: dict[str, Any] = {}

    @field_validator("bm25")
    @classmethod
    def _first_stage(cls, value: dict[str, Any]) -> dict[str, Any]:
        within("", first_stage.BM25.configured, language="en", options=value)
        return value

    @field_validator("embedding")
    @classmethod
    def _inference(cls, value: dict[str, Any]) -> dict[str, Any]:
        within("", PredictOptions.of, given=value)
        return value


class BackProjectionSpec(Strict):
    """How QA by translating at inference finds its answers again in the original context.

    ``ways``     which ways to try, in this order (`crossfare.translate.BackProjector`)
    ``aligner``  the multilingual encoder that aligns words; by default the target encoder, unless the
                 spec gives each language one of its own
    """

    ways: Annotated[tuple[Way, ...], AfterValidator(some)] = WAYS
    aligner: Text | None = None


class TaskSpec(Strict):
    """One task: its data, and how models are fine-tuned and asked.

    ``name`` is what tables call its training data ("MNLI").
    ``train`` and ``validation`` are in the source language. ``test`` and ``gold`` (training data
    labelled in the target language) are one reference for every target, or one per target.
    ``training`` and ``prediction`` override the paper's hyperparameters; ``gold_training``
    overrides them once more for models trained on gold data alone, which is usually small.
    ``select_on`` says whether the best checkpoint is chosen on the validation set itself or, for
    methods with an engine, on what its translation makes of it: in the target language, or there and
    back for a model that will read translations. ``gold_sizes`` adds rows for methods that train on
    gold data alone, each on the first so many: a learning curve.
    """

    name: str | None = None
    train: DataRef
    test: dict[Target, DataRef] = Field(min_length=1)
    validation: DataRef | None = None
    select_on: Literal["source", "translated"] = "source"
    gold: dict[Target, DataRef] = {}
    gold_sizes: tuple[Count, ...] = ()
    training: dict[str, Any] = {}
    gold_training: dict[str, Any] = {}
    prediction: dict[str, Any] = {}
    scoring: dict[str, Any] = {}
    ranking: RankingSpec = RankingSpec()
    back_projection: BackProjectionSpec = BackProjectionSpec()

    @field_validator("test", "gold", mode="before")
    @classmethod
    def _for_every_target(cls, value: Any) -> Any:
        one_for_all = isinstance(value, str) or (isinstance(value, Mapping) and "ref" in value)
        return {"*": value} if one_for_all else value

    @field_validator("gold_sizes")
    @classmethod
    def _growing(cls, value: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(sorted(distinct(value)))

    @model_validator(mode="after")
    def _parts_of_gold(self) -> TaskSpec:
        if self.gold_sizes and not self.gold:
            raise ValueError("gold_sizes needs gold, the examples to take parts of")
        for ref in self.gold.values():
            if self.gold_sizes and ref.limit is not None and self.gold_sizes[-1] >= ref.limit:
                raise ValueError(f"gold_sizes must lie below the limit of gold, {ref.limit}, which is run anyway")
        return self


class Prices(Strict):
    """Which offers price what: compute by the device-hour, annotation by the example, storage by the gigabyte-month."""

    compute: str = "cpu-core"
    annotation: dict[KnownTask, str] = {name: task.annotation for name, task in TASKS.items()}
    storage: str = "gcs-standard"
    files: tuple[Text, ...] = ()


class LatencySpec(Strict):
    """How added translation latency is measured; ``repeats: 0`` leaves it out.

    A batch size is not repeated beyond ``max_seconds``, but at least three times.
    """

    batch_sizes: Annotated[tuple[Annotated[Count, Field(le=10_000)], ...], AfterValidator(some)] = (32, 1)
    repeats: Natural = Field(default=10, le=10_000)
    warmup: Natural = Field(default=1, le=10_000)
    max_seconds: float = Field(default=20.0, gt=0, le=MOST)


class Spec(Strict):
    """A whole run. See ``docs/spec.md`` for an annotated example.

    ``energy`` meters the electricity of each step that is run (extra ``energy``).
    ``report_to`` names where fine-tuning is logged besides the ledger ("tensorboard", "mlflow",
    "wandb"); their packages must be installed.
    """

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=100)
    source: LanguageTag = "en"
    targets: Annotated[tuple[LanguageTag, ...], AfterValidator(some)]
    tasks: dict[KnownTask, TaskSpec] = Field(min_length=1)
    methods: Annotated[tuple[MethodName, ...], AfterValidator(some)]
    models: dict[Name, Checkpoints | dict[Target, Text]]
    engines: dict[Name, EngineSpec] = {}
    seeds: Annotated[tuple[Seed, ...], AfterValidator(some)] = (0,)
    prices: Prices = Prices()
    latency: LatencySpec = LatencySpec()
    extra_cells: tuple[ExtraCells, ...] = ()
    report_to: Annotated[tuple[Reporter, ...], AfterValidator(distinct)] = ()
    energy: bool = False
    data_dir: Path = Path()

    @field_validator("models", mode="before")
    @classmethod
    def _one_or_several(cls, value: Any) -> Any:
        if not isinstance(value, Mapping):
            return value
        return {role: (model,) if isinstance(model, str) else model for role, model in value.items()}

    @model_validator(mode="before")
    @classmethod
    def _printable(cls, value: Any) -> Any:
        for text in texts_in(value):
            check_printable(text)
        return value

    @model_validator(mode="after")
    def _settings_fit(self) -> Spec:
        for name, task in self.tasks.items():
            gold = {**task.training, **task.gold_training}
            for role, options in (("training", task.training), ("gold_training", gold)):
                made = within(f"tasks.{name}.{role}", TASKS[name].hyperparameters, **options)
                if made.select_best and not task.validation:
                    raise ValueError(f"tasks.{name}.{role}: select_best needs a set to choose on; name a validation")
            within(f"tasks.{name}.prediction", TASKS[name].options, **task.prediction)
            within(f"tasks.{name}.scoring", TASKS[name].check_scoring, **task.scoring)
        return self

    @model_validator(mode="after")
    def _engines_exist(self) -> Spec:
        for extra in self.extra_cells:
            for name in (*extra.engines, *extra.train_engines):
                if name not in self.engines:
                    raise ValueError(f"extra_cells names an engine {name!r} that is not under engines")
            if extra.train_engines and not method(extra.method).parents:
                raise ValueError(f"extra_cells gives {extra.method} train_engines, which only ensembles have")
        return self

    def checkpoints(self, role: str, target: str) -> tuple[str, ...]:
        """The models that play ``role`` for ``target``: one, or several to compare.

        Raises:
            ConfigError: the spec names none.
        """
        given = self.models.get(role, ())
        if role == BM25:
            return ("",)
        found = (given[target],) if isinstance(given, dict) and target in given else given
        if isinstance(found, dict):
            found = (found["*"],) if "*" in found else ()
        if not found:
            raise ConfigError(f"spec {self.name!r} names no {role} for {target!r}; add it under models")
        return found

    def aligner(self, target: str) -> str | None:
        """The encoder at hand that aligns words of source and target; one made for the target alone cannot."""
        given = self.models.get(TARGET, ())
        if isinstance(given, dict):
            return None if target in given else given.get("*")
        return given[0] if given else None

    def path(self, ref: str) -> str:
        """A data reference with its path made absolute; ``world:`` and ``hub:`` stay as they are."""
        return ref if ref.startswith(("world:", "hub:")) else str((self.data_dir / ref).resolve())


class ExtraCells(Strict):
    """A further row: one method with a model it does not usually run with, or for some tasks or engines only.

    ``train_engines`` translate the training data of an ensemble, where ``engines`` then translate what is asked only.
    """

    method: MethodName
    model: Name
    tasks: tuple[KnownTask, ...] = ()
    engines: tuple[Name, ...] = ()
    train_engines: tuple[Name, ...] = ()


def load_spec(path: str | Path, *, data_dir: str | Path | None = None) -> Spec:
    """Read a spec from YAML.

    ``data_dir`` (or $CROSSFARE_DATA) overrides the folder the spec names.

    Raises:
        ConfigError: the file cannot be read, is not YAML, or does not fit; the message names the
            key and what is wrong with it.
    """
    path = Path(path)
    values = strict.read_yaml(path)
    if not isinstance(values, dict):
        raise ConfigError(f"{path}: a spec is a mapping of keys; see docs/spec.md")
    given = data_dir or os.environ.get("CROSSFARE_DATA")
    folder = values.get("data_dir", ".")
    if not isinstance(folder, str) or "\0" in folder:
        raise ConfigError(f"{path}: data_dir: {folder!r} is no folder; write a path as text")
    try:
        return Spec.model_validate({**values, "data_dir": (Path(given) if given else path.parent / folder).absolute()})
    except ValidationError as error:
        raise ConfigError(f"{path}: {told(error)}") from error


def _only_for(dropped: Collection[str], kept: Collection[str], tasks: Iterable[str]) -> bool:
    """Whether something was there for tasks that were dropped, and is for none that is kept."""
    return any(task in dropped for task in tasks) and not any(task in kept for task in tasks)


def narrowed(spec: Spec, *, targets: tuple[str, ...] = (), tasks: tuple[str, ...] = ()) -> Spec:
    """The same run, cut to some of its targets and tasks.

    Raises:
        ConfigError: something asked for is not in the spec.
    """
    targets = tuple(language_tag(target) for target in targets)
    for asked, there, what in ((targets, spec.targets, "target"), (tasks, tuple(spec.tasks), "task")):
        for name in asked:
            if name not in there:
                raise ConfigError(f"spec {spec.name!r} has no {what} {name!r}; it has {', '.join(there)}")
    kept = {name: task for name, task in spec.tasks.items() if not tasks or name in tasks}
    dropped = spec.tasks.keys() - kept
    return spec.model_copy(
        update={
            "targets": tuple(target for target in spec.targets if not targets or target in targets),
            "tasks": kept,
            "methods": tuple(name for name in spec.methods if not _only_for(dropped, kept, method(name).tasks)),
            "extra_cells": tuple(extra for extra in spec.extra_cells if not _only_for(dropped, kept, extra.tasks)),
        }
    )
