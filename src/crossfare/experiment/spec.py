"""The spec: what a run compares, as inert data. A list is an axis of the matrix.

Nothing in a spec is executed, inherited or included; unknown keys are errors. Paths are relative
to ``data_dir``, which is relative to the spec file.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from itertools import product
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from crossfare.errors import ConfigError
from crossfare.experiment.methods import BM25, TARGET, method
from crossfare.translate.back_projection import WAYS, Way
from crossfare.translate.engines import default_offer, refuse_secrets
from crossfare.translate.projection import Method as ProjectionMethod
from crossfare.types import Method, RunSpec, TaskName

MethodName = Annotated[str, AfterValidator(lambda name: method(name).name)]
"""A method by name or alias; it comes out by name."""

_Engines = tuple[str | None, str | None]
"""The engine of a cell, and that of its training data if it is another one."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class DataRef(_Strict):
    """A dataset: a file, ``world:qa``, or ``hub:NAME``, and which part of it.

    ``limit`` takes the first examples, or a seeded sample if ``seed`` is set; ``ids_of`` keeps the
    examples whose id occurs in another file; ``labels: two-class`` maps "contradiction" to
    "neutral" (the paper, section 5.2.1); ``unescape: true`` turns HTML entities into characters.
    Ranking needs a ``collection`` of passages, and judgements (``qrels``) or, with triples of ids,
    the ``queries``, unless ``ref`` holds them all.
    """

    ref: str
    split: str | None = None
    language: str | None = None
    format: str | None = None
    limit: int | None = Field(default=None, gt=0)
    seed: int = 0
    ids_of: str | None = None
    collection: str | None = None
    qrels: str | None = None
    queries: str | None = None
    labels: Literal["two-class"] | None = None
    unescape: Literal[True] | None = None

    @model_validator(mode="before")
    @classmethod
    def _from_text(cls, value: Any) -> Any:
        return {"ref": value} if isinstance(value, str) else value


class RankingSpec(_Strict):
    """How a ranking task finds what the reranker reads, and what it learns from.

    ``depth``         candidates of the first stage per query (the paper: 1000)
    ``bm25``          settings of the first stage (`crossfare.retrieve.BM25`)
    ``negatives``     passages mined per training query, from the best ``mining_depth`` of the first
                      stage; None where the training data are triples, which bring their own
    ``embedding``     settings of the bi-encoder baseline
    """

    depth: int = Field(default=1000, gt=0)
    bm25: dict[str, Any] = {}
    negatives: int | None = Field(default=None, gt=0)
    mining_depth: int = Field(default=100, gt=0)
    embedding: dict[str, Any] = {}


class BackProjectionSpec(_Strict):
    """How QA by translating at inference finds its answers again in the original context.

    ``ways``     which ways to try, in this order (`crossfare.translate.BackProjector`)
    ``aligner``  the multilingual encoder that aligns words; by default the target encoder, unless the
                 spec gives each language one of its own
    """

    ways: tuple[Way, ...] = Field(default=WAYS, min_length=1)
    aligner: str | None = None


class TaskSpec(_Strict):
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
    test: dict[str, DataRef]
    validation: DataRef | None = None
    select_on: Literal["source", "translated"] = "source"
    gold: dict[str, DataRef] = {}
    gold_sizes: tuple[int, ...] = ()
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
        if any(size < 1 for size in value) or len(set(value)) < len(value):
            raise ValueError(f"gold_sizes are different numbers of examples above 0, not {list(value)}")
        return tuple(sorted(value))

    @model_validator(mode="after")
    def _parts_of_gold(self) -> TaskSpec:
        if self.gold_sizes and not self.gold:
            raise ValueError("gold_sizes needs gold, the examples to take parts of")
        for ref in self.gold.values():
            if self.gold_sizes and ref.limit is not None and self.gold_sizes[-1] >= ref.limit:
                raise ValueError(f"gold_sizes must lie below the limit of gold, {ref.limit}, which is run anyway")
        return self


class ProjectionSpec(_Strict):
    """How answers are carried into translated contexts; see `crossfare.translate.Projection`.

    ``aligner`` is by default the target encoder of the run, where it knows both languages (`Spec.aligner`).
    """

    method: ProjectionMethod = "cascade"
    aligner: str | None = None
    threshold: float = Field(default=0.0, ge=0, le=1)
    consistent: bool = False


class EngineSpec(_Strict):
    """One translation engine as this run uses it.

    ``engine``    its registered name, or "existing": translations that lie on disk already
    ``label``     how tables name it ("Open S", "Comm")
    ``models``    the model per direction ("en-pt", "en-*", "*-en"), for engines that load one; a task
                  can have its own ("qa:en-*"), such as one that was tuned to keep answer delimiters
    ``tasks``, ``methods``  what it is tried with; by default all (``extra_cells`` may name further cells)
    ``existing``  per task and target: the translated training set, matched to the source by id
    ``price``     the offer that bills it: a paid service's own by default; without one its seconds are billed
                  as compute, and so are they with "compute"
    ``markers``   the delimiters round an answer
    ``projection``  how answers get into the translated context: a method, or a mapping of `ProjectionSpec`; by
                  default as `default_projection` says. For "existing" translations: how lost answers are
                  recovered (by default not at all)
    ``drop_bad``  whether training examples whose translation lint finds fault with are dropped, as lost
    """

    engine: str
    label: str | None = None
    models: dict[str, str] = {}
    tasks: tuple[TaskName, ...] = ()
    methods: tuple[MethodName, ...] = ()
    existing: dict[TaskName, dict[str, DataRef]] = {}
    options: dict[str, Any] = {}
    price: str | None = None
    markers: tuple[str, str] | None = None
    projection: ProjectionSpec | None = None
    drop_bad: bool = False
    note: str | None = None

    @field_validator("options")
    @classmethod
    def _without_secrets(cls, value: dict[str, Any], info: ValidationInfo) -> dict[str, Any]:
        refuse_secrets(str(info.data.get("engine", "")), value)  # a run directory has a copy of its spec
        return value

    @field_validator("projection", mode="before")
    @classmethod
    def _by_method(cls, value: Any) -> Any:
        return {"method": value} if isinstance(value, str) else value

    @model_validator(mode="before")
    @classmethod
    def _priced(cls, value: Any) -> Any:
        if not isinstance(value, Mapping) or value.get("price") or not isinstance(value.get("options") or {}, Mapping):
            return value
        models = set((value.get("models") or {}).values())
        options = {**({"model": models.pop()} if len(models) == 1 else {}), **(value.get("options") or {})}
        offer = default_offer(str(value.get("engine")), options)
        return {**value, "price": offer} if offer else value

    def is_tried_with(self, task: TaskName, method_name: str) -> bool:
        """Whether the matrix crosses it with a task and a method."""
        return task in (self.tasks or (task,)) and method_name in (self.methods or (method_name,))

    def model_for(self, task: TaskName, source: str, target: str) -> str | None:
        """The model of one direction; None if there is none, or the engine has no models of its own."""
        directions = (f"{source}-{target}", f"{source}-*", f"*-{target}", "*")
        for key in (*(f"{task}:{direction}" for direction in directions), *directions):
            if key in self.models:
                return self.models[key]
        return None


class Prices(_Strict):
    """Which offers price what: compute by the device-hour, annotation by the example, storage by the gigabyte-month."""

    compute: str = "cpu-core"
    annotation: dict[TaskName, str] = {
        "qa": "annotation-qa",
        "nli": "annotation-nli",
        "ranking": "annotation-ranking",
    }
    storage: str = "gcs-standard"
    files: tuple[str, ...] = ()


class LatencySpec(_Strict):
    """How added translation latency is measured; ``repeats: 0`` leaves it out.

    A batch size is not repeated beyond ``max_seconds``, but at least three times.
    """

    batch_sizes: tuple[int, ...] = (32, 1)
    repeats: int = Field(default=10, ge=0)
    warmup: int = Field(default=1, ge=0)
    max_seconds: float = Field(default=20.0, gt=0)


class Spec(_Strict):
    """A whole run. See ``docs/spec.md`` for an annotated example.

    ``energy`` meters the electricity of each step that is run (extra ``energy``).
    ``report_to`` names where fine-tuning is logged besides the ledger ("tensorboard", "mlflow",
    "wandb"); their packages must be installed.
    """

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    source: str = "en"
    targets: tuple[str, ...] = Field(min_length=1)
    tasks: dict[TaskName, TaskSpec] = Field(min_length=1)
    methods: tuple[MethodName, ...] = Field(min_length=1)
    models: dict[str, tuple[str, ...] | dict[str, str]]
    engines: dict[str, EngineSpec] = {}
    seeds: tuple[int, ...] = Field(default=(0,), min_length=1)
    prices: Prices = Prices()
    latency: LatencySpec = LatencySpec()
    extra_cells: tuple[ExtraCells, ...] = ()
    report_to: tuple[str, ...] = ()
    energy: bool = False
    data_dir: Path = Path()

    @field_validator("models", mode="before")
    @classmethod
    def _one_or_several(cls, value: Any) -> Any:
        if not isinstance(value, Mapping):
            return value
        return {role: (model,) if isinstance(model, str) else model for role, model in value.items()}

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


class ExtraCells(_Strict):
    """A further row: one method with a model it does not usually run with, or for some tasks or engines only.

    ``train_engines`` translate the training data of an ensemble, where ``engines`` then translate what is asked only.
    """

    method: str
    model: str
    tasks: tuple[TaskName, ...] = ()
    engines: tuple[str, ...] = ()
    train_engines: tuple[str, ...] = ()


def load_spec(path: Path, *, data_dir: Path | None = None) -> Spec:
    """Read a spec from YAML.

    ``data_dir`` (or $CROSSFARE_DATA) overrides the folder the spec names.

    Raises:
        ConfigError: the file cannot be read, is not YAML, or does not fit; the message names the
            key and what is wrong with it.
    """
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror}); give the path of a spec file") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: not valid YAML: {' '.join(str(error).split())}") from error
    if not isinstance(values, dict):
        raise ConfigError(f"{path}: a spec is a mapping of keys; see docs/spec.md")
    given = data_dir or (Path(os.environ["CROSSFARE_DATA"]) if "CROSSFARE_DATA" in os.environ else None)
    folder = given or path.parent / str(values.get("data_dir", "."))
    try:
        return Spec.model_validate({**values, "data_dir": folder.absolute()})
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise ConfigError(f"{path}: {problems}") from error


def narrowed(spec: Spec, *, targets: tuple[str, ...] = (), tasks: tuple[str, ...] = ()) -> Spec:
    """The same run, cut to some of its targets and tasks.

    Raises:
        ConfigError: something asked for is not in the spec.
    """
    for asked, there, what in ((targets, spec.targets, "target"), (tasks, tuple(spec.tasks), "task")):
        for name in asked:
            if name not in there:
                raise ConfigError(f"spec {spec.name!r} has no {what} {name!r}; it has {', '.join(there)}")
    kept = {name: task for name, task in spec.tasks.items() if not tasks or name in tasks}
    return spec.model_copy(
        update={"targets": tuple(t for t in spec.targets if not targets or t in targets), "tasks": kept}
    )


def cells(spec: Spec) -> tuple[RunSpec, ...]:
    """Expand the matrix, in the order of the paper's tables: task, method, engine, model, target.

    A cell that cannot exist (no gold data, no existing translation) is left out; `missing` names
    it, so that a table can say why it is empty.
    """
    return tuple(cell for cell, reason in _combinations(spec) if reason is None)


def missing(spec: Spec) -> tuple[tuple[RunSpec, str], ...]:
    """The cells of the matrix that cannot be run, each with its reason."""
    return tuple((cell, reason) for cell, reason in _combinations(spec) if reason is not None)


def _combinations(spec: Spec) -> Iterator[tuple[RunSpec, str | None]]:
    rows = [ExtraCells(method=name, model=model) for name in spec.methods for model in method(name).models]
    for task, task_spec in spec.tasks.items():
        for asked in (*rows, *spec.extra_cells):
            row = method(asked.method)
            if task not in row.tasks or (asked.tasks and task not in asked.tasks):
                continue
            tried = (name for name, engine in spec.engines.items() if engine.is_tried_with(task, row.name))
            engines = (asked.engines or tuple(tried)) if row.translates else (None,)
            for engine, trainer in product(engines, asked.train_engines or (None,)):
                made_by = (engine, None if trainer == engine else trainer)
                for target in (t for t in spec.targets if t in task_spec.test or "*" in task_spec.test):
                    yield from _cells_of(spec, task, row, asked.model, made_by, target)


def _cells_of(
    spec: Spec, task: TaskName, row: Method, model: str, engines: _Engines, target: str
) -> Iterator[tuple[RunSpec, str | None]]:
    reason = _why_not(spec, task, row, engines, target)
    engine, trainer = engines
    made_by: dict[str, Any] = {
        "engine": engine,
        "engine_label": _label(spec, engine),
        "train_engine": trainer,
        "train_engine_label": _label(spec, trainer),
    }
    sizes = (*spec.tasks[task].gold_sizes, None) if row.train_on == ("target",) else (None,)
    seeds = spec.seeds if row.train_on else spec.seeds[:1]  # nothing is left to chance without training
    for size, checkpoint, seed in product(sizes, spec.checkpoints(model, target), seeds):
        cell = {"seed": seed, "checkpoint": checkpoint, "gold_size": size, **made_by}
        yield RunSpec(task, row.name, model, spec.source, target, **cell), reason


def _label(spec: Spec, engine: str | None) -> str | None:
    return (spec.engines[engine].label or engine) if engine else None


def _why_not(spec: Spec, task: TaskName, row: Method, engines: _Engines, target: str) -> str | None:
    gold = spec.tasks[task].gold
    if "target" in row.train_on and target not in gold and "*" not in gold:
        return f"no gold training data in {target}"
    if row.translates and target == spec.source:
        return "the source language needs no translation"
    engine, trainer = engines
    if engine is None:
        return None
    infers = row.infer_on == "translated"
    if trainer is None:
        return _why_no_translation(spec, task, engine, target, trains=row.trains_on_translation, infers=infers)
    return _why_no_translation(spec, task, trainer, target, trains=True, infers=False) or _why_no_translation(
        spec, task, engine, target, trains=False, infers=infers
    )


def _why_no_translation(
    spec: Spec, task: TaskName, engine: str, target: str, *, trains: bool, infers: bool
) -> str | None:
    given = spec.engines[engine]
    if given.engine == "existing":
        if infers:
            return f"{engine} is an existing translation of the training set only"
        return None if target in given.existing.get(task, {}) else f"no existing {engine} translation into {target}"
    ways = [(spec.source, target)] if trains else []
    ways += [(target, spec.source)] if infers else []
    for a, b in ways if given.models else []:
        if given.model_for(task, a, b) is None:
            return f"engine {engine} has no model for {task} {a}-{b} (there: {', '.join(given.models)})"
    return None
