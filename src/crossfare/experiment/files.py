"""What the stages read and write in the folders of steps."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from crossfare.data import artifact
from crossfare.errors import StaleArtifact
from crossfare.experiment.charges import Charge, Charged
from crossfare.experiment.engines import make_engine
from crossfare.store import Store, write_json
from crossfare.strict import parse_json, read_json
from crossfare.translate import TranslationMemory
from crossfare.translate.engines import sends
from crossfare.translate.engines.hosts import check_key, host_of
from crossfare.types import Dataset, Engine, Latency, Prediction, Progress, Score, Step, Usage, Yield, canonical_json

PREDICTIONS = TypeAdapter(tuple[Prediction, ...])
SCORES = TypeAdapter(tuple[Score, ...])
LATENCIES = TypeAdapter(tuple[Latency, ...])
YIELD = TypeAdapter(Yield)

Execution = Callable[[Step, Store, Path, Progress | None], Usage]
"""Make a step's artifact in a folder, from the store; what it consumed is returned, never money."""


def inputs(step: Step, store: Store, role: str) -> list[Path]:
    """The artifacts that fill a role."""
    return [store.artifact(step_id) for step_id in step.inputs.get(role, ())]


def read_step(store: Store, step_id: str) -> Step | None:
    """A finished step as it describes itself; None if it is not there."""
    path = store.folder(step_id) / "step.json"
    if not path.is_file():
        return None
    values = read_json(path)
    inputs = {role: tuple(ids) for role, ids in values["inputs"].items()}
    # Earlier versions did not keep the name of a model that is fine-tuned, but for the label.
    name = values["name"] if "name" in values else "".join(_NAMED.findall(values["label"])[:1])
    return Step(values["stage"], values["params"], inputs, values["version"], values["label"], name=name)


_NAMED = re.compile(r"fine-tune (.+) on ")


def memory_of(store: Store) -> TranslationMemory:
    """The translation memory that all runs with this store share."""
    return TranslationMemory(store.root / "memory.sqlite")


def input_data(step: Step, store: Store, role: str = "data") -> Dataset:
    """The dataset that fills a role."""
    return artifact.read(inputs(step, store, role)[0])


def examples_made(step_id: str, store: Store) -> int:
    """How many examples a finished step made."""
    return int(artifact.read_header(store.artifact(step_id))["examples"])


def read_predictions(step: Step, store: Store, role: str) -> tuple[Prediction, ...]:
    """The predictions, or the first stage's run, that fill a role."""
    return read_predictions_of(inputs(step, store, role)[0])


def read_predictions_of(folder: Path) -> tuple[Prediction, ...]:
    """The predictions in an artifact's folder."""
    return PREDICTIONS.validate_json((folder / "predictions.json").read_bytes())


def write_predictions(predictions: tuple[Prediction, ...], work: Path) -> None:
    """Write predictions, or a first stage's run."""
    (work / "artifact" / "predictions.json").write_bytes(PREDICTIONS.dump_json(predictions))


def write_yield(work: Path, yield_: Yield, details: dict[str, Any]) -> None:
    """Write how much survived a translation."""
    write_json(work / "artifact" / "yield.json", {**parse_json(YIELD.dump_json(yield_), "yield"), **details})


def read_yield(folder: Path) -> Yield:
    """How much survived the translation in an artifact's folder."""
    values = read_json(folder / "yield.json", error=StaleArtifact, todo=f"delete {folder.parent} and run again")
    return Yield(values["kept"], values["total"], tuple(values["lost"]))


def engine_of(step: Step) -> Engine:
    """The engine that a step translates with; one per worker process, since loading it may cost more than its work.

    Where its requests are paid, within the run's budget.
    """
    return engine_named(step.runtime["engine"], step.runtime["options"], step.runtime.get("charge"))


def host_of_step(step: Step) -> str:
    """Where a step sends texts; empty if they stay in this process.

    Raises:
        EngineCredential: its engine needs a key, which may not be sent there.
    """
    if "engine" not in step.runtime or not sends(step.runtime["engine"]):
        return ""
    engine = engine_named(step.runtime["engine"], step.runtime["options"])
    check_key(engine)
    return host_of(engine)


def engine_named(name: str, options: Mapping[str, Any], charge: Charge | None = None) -> Engine:
    """The same, by its name and options, and by what its requests are charged to."""
    engine = _engine(name, canonical_json(options))
    return Charged(engine, charge) if charge else engine


@lru_cache(maxsize=2)
def _engine(name: str, options: str) -> Engine:
    return make_engine(name, parse_json(options, "options"))
