"""Bring passages into a collection on disk."""

from __future__ import annotations

from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING

from crossfare import data, meter
from crossfare.data.collection import is_collection, read_header
from crossfare.experiment.stages.stage import Stage
from crossfare.experiment.stages.work import Work
from crossfare.store import Store, write_json
from crossfare.types import Progress, Step, Usage

if TYPE_CHECKING:
    from crossfare.experiment.forecast.counting import Counter


def _run(step: Step, __: Store, work: Path, _: Progress | None) -> Usage:
    params = step.params
    passages = iter(
        data.passages(step.runtime["ref"], language=params["language"], split=params["split"], format=params["format"])
    )
    first = tuple(islice(passages, 1))  # the embedded world is made before its first passage comes, once a process
    with meter.meter("cpu") as measured:
        header = data.collection.write(
            chain(first, passages), work / "artifact", name=params["split"], language=params["language"]
        )
    write_json(work / "artifact" / "report.json", {"summary": list(header.summary())})
    return measured.usage


def _work(step: Step, counter: Counter) -> Work:
    return Work({"character": float(counter.collections.made_by(step.id).characters)})


def characters_of(folder: Path) -> float | None:
    """The size of a collection; None of what is none."""
    return float(read_header(folder).characters) if is_collection(folder) else None


def _did(step: Step, _: Usage, store: Store) -> float | None:
    return characters_of(store.artifact(step.id))


COLLECTION = Stage(_run, _work, reads="passages", makes="passages", unit="character", did=_did)
