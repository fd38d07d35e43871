"""What a spec says of data and of translation engines."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator, model_validator

from crossfare.data.reading import READING_KEYS, FileReading
from crossfare.experiment.spec_fields import Direction, KnownTask, LanguageTag, MethodName, Split, Text, within
from crossfare.settings import Count, Seed
from crossfare.translate.engines import default_offer, refuse_secrets
from crossfare.translate.markers import Markers
from crossfare.translate.projection import Method as ProjectionMethod
from crossfare.types import TaskName


class Strict(BaseModel):
    """A part of a spec: unknown keys are errors, and nothing is changed afterwards."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class DataRef(Strict):
    """A dataset: a file, ``world:qa``, or ``hub:OWNER/NAME``, and which part of it.

    ``limit`` takes the first examples, or a seeded sample if ``seed`` is set, of those that are left when
    ``skip`` passes over the first ones; ``ids_of`` keeps the examples whose id occurs in another file,
    which is read by the same keys; ``columns`` says which column holds what, ``labels`` what the file's
    labels mean, or ``two-class``, which maps "contradiction" to "neutral" (the paper, section 5.2.1), and
    ``separator`` what separates cells (see `crossfare.data.load`);
    ``unescape: true`` turns HTML entities into characters.
    Ranking needs a ``collection`` of passages, and judgements (``qrels``) or, with triples of ids,
    the ``queries``, unless ``ref`` holds them all.
    """

    ref: Text
    split: Split | None = None
    language: LanguageTag | None = None
    format: str | None = None
    skip: Count | None = None
    limit: Count | None = None
    seed: Seed = 0
    ids_of: Text | None = None
    collection: Text | None = None
    qrels: Text | None = None
    queries: Text | None = None
    labels: Any = None
    columns: Any = None
    separator: Any = None
    unescape: Literal[True] | None = None

    @model_validator(mode="before")
    @classmethod
    def _from_text(cls, value: Any) -> Any:
        return {"ref": value} if isinstance(value, str) else value

    @field_validator("labels", "columns", mode="after")
    @classmethod
    def _plain(cls, value: Any) -> Any:
        """Text throughout, as it identifies a step."""
        if isinstance(value, Mapping):
            return {str(key): "-" if each is None else str(each) for key, each in value.items()}
        return tuple(map(str, value)) if isinstance(value, list | tuple) else value

    @model_validator(mode="after")
    def _readable(self) -> DataRef:
        within("", FileReading.of, columns=self.columns, labels=self.labels, separator=self.separator)
        return self

    @property
    def reading(self) -> dict[str, Any]:
        """What it says of the file, as keywords of `crossfare.data.load`."""
        return self.model_dump(include={*READING_KEYS}, exclude_none=True)


class ProjectionSpec(Strict):
    """How answers are carried into translated contexts; see `crossfare.translate.Projection`.

    ``aligner`` is by default the target encoder of the run, where it knows both languages (`Spec.aligner`).
    """

    method: ProjectionMethod = "cascade"
    aligner: Text | None = None
    threshold: float = Field(default=0.0, ge=0, le=1)
    consistent: bool = False


class EngineSpec(Strict):
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
    ``kind``      "open" or "commercial", as the paper would call it, where the engine itself does not tell: `crossfare
                  plan` takes the paper's score of an engine of that kind, and tables the row that it has there
    ``drop_bad``  whether training examples whose translation lint finds fault with are dropped, as lost
    """

    engine: Text
    label: Annotated[str, Field(min_length=1, max_length=100)] | None = None
    models: dict[Direction, Text] = {}
    tasks: tuple[KnownTask, ...] = ()
    methods: tuple[MethodName, ...] = ()
    existing: dict[KnownTask, dict[LanguageTag, DataRef]] = {}
    options: dict[str, Any] = {}
    price: str | None = None
    markers: tuple[str, str] | None = None
    projection: ProjectionSpec | None = None
    drop_bad: bool = False
    kind: Literal["open", "commercial"] | None = None
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

    @field_validator("markers")
    @classmethod
    def _delimiters(cls, value: tuple[str, str] | None) -> tuple[str, str] | None:
        if value:
            within("", Markers, opening=value[0], closing=value[1])
        return value

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
        given = {key.replace("_", "-").lower(): model for key, model in self.models.items()}
        for key in (*(f"{task}:{direction}" for direction in directions), *directions):
            if key.lower() in given:
                return given[key.lower()]
        return None
