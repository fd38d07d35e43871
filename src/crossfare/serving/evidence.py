"""What a model card says of data: which sets a cell was trained and scored on, and under which licences."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from crossfare.data import artifact, catalog
from crossfare.data.catalog import CatalogEntry
from crossfare.data.files import stem
from crossfare.serving.parts import Parts, StepRecord
from crossfare.strict import read_json


@dataclass(frozen=True, slots=True)
class DataUse:
    """One set of examples.

    ``revision`` identifies its content; ``entry`` is its row of the catalogue, where crossfare knows it; ``made``
    says how it came from an original: by which translation, and how much of it survived.
    """

    role: str
    name: str
    split: str
    language: str
    examples: int
    revision: str
    entry: CatalogEntry | None
    made: str = ""

    @property
    def licence(self) -> str:
        """As the catalogue has it."""
        return self.entry.licence if self.entry else "not known to crossfare"

    @property
    def title(self) -> str:
        """What people call it."""
        return self.entry.title if self.entry else self.name

    @property
    def non_commercial(self) -> bool:
        """Whether the catalogue says that it may not be used commercially."""
        return self.entry is not None and self.entry.non_commercial

    @property
    def hub(self) -> str | None:
        """Its id on the Hugging Face hub, without a configuration."""
        return self.entry.hub.partition(":")[0] if self.entry and self.entry.hub else None


def training(parts: Parts) -> tuple[DataUse, ...]:
    """What the cell's model was fine-tuned on."""
    model = parts.source(parts.predict, "model")
    return tuple(_use(parts, parts.step(name)) for name in model.inputs["train"])


def test(parts: Parts) -> DataUse:
    """What the cell was scored on, in the language it is in before any translation."""
    step = parts.source(parts.predict, "data")
    return replace(_use(parts, _origin(parts, step), role="test"), made="; ".join(_made(parts, step)))


def _use(parts: Parts, step: StepRecord, role: str = "") -> DataUse:
    origin = _origin(parts, step)
    header = artifact.read_header(parts.artifact(step))
    found = "gold data, labelled in the target language" if origin.params.get("annotated") else "training"
    return DataUse(
        role=role or found,
        name=header["name"],
        split=header["split"],
        language=header["language"],
        examples=header["examples"],
        revision=header["revision"],
        entry=_entry(parts, header["name"]),
        made="; ".join(_made(parts, step)),
    )


def _origin(parts: Parts, step: StepRecord) -> StepRecord:
    """The loaded set that a step's examples come from."""
    while step.stage != "dataset":
        step = parts.source(step, "original" if "original" in step.inputs else "data")
    return step


def _made(parts: Parts, step: StepRecord) -> Iterator[str]:
    while step.stage != "dataset":
        if step.stage == "mine":
            yield f"with {step.params['negatives']} negatives a query, mined by BM25"
        else:
            engine = step.params["engine"]
            name = engine["name"] if isinstance(engine, dict) else engine
            yield f"translated by {name}, {_survived(parts, step)}"
        step = parts.source(step, "original" if "original" in step.inputs else "data")


def _survived(parts: Parts, step: StepRecord) -> str:
    record = read_json(parts.artifact(step) / "yield.json")
    return f"{record['kept']:,} of {record['total']:,} examples survived"


def _entry(parts: Parts, name: str) -> CatalogEntry | None:
    """The catalogue's row for a set: by its name, its id on the hub, or the folder that the spec names it in."""
    task = parts.spec.tasks[parts.cell.task]
    paths = [Path(ref.ref) for ref in (task.train, *task.test.values(), *task.gold.values())]
    names = {name, *(folder.lower() for path in paths if stem(path) == name for folder in path.parent.parts)}
    for entry in (each for each in catalog() if each.task == parts.cell.task):
        hub = entry.hub.partition(":")[0] if entry.hub else None
        if entry.name in names or (hub and (name == hub or name.startswith(f"{hub}/"))):
            return entry
    return None
