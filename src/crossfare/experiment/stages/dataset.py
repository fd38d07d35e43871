"""Load examples."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

from crossfare import meter
from crossfare.data import artifact
from crossfare.experiment.stages.loading import load_data
from crossfare.experiment.stages.stage import Stage
from crossfare.experiment.stages.work import Work
from crossfare.store import Store, write_json
from crossfare.types import Progress, Step, Usage

if TYPE_CHECKING:
    from crossfare.experiment.forecast.counting import Counter


def _run(step: Step, __: Store, work: Path, _: Progress | None) -> Usage:
    with meter.meter("cpu") as measured:
        loaded = load_data(step)
        artifact.write(loaded.dataset, work / "artifact")
        write_json(
            work / "artifact" / "report.json", {"summary": list(loaded.report.summary()), **asdict(loaded.report)}
        )
    annotated = len(loaded.dataset) if step.params.get("annotated") else None
    return replace(measured.usage, annotated=annotated)


def _work(step: Step, counter: Counter) -> Work:
    made = counter.datasets.made_by(step.id)
    annotated = made.examples if step.params.get("annotated") else None
    return Work({"character": made.characters}, annotated=annotated, exact=made.exact, stated=made.stated)


def _resources(step: Step, task: str, _: str) -> tuple[str, ...]:
    """Labels that this run pays for."""
    return (f"annotation:{task}",) if step.params.get("annotated") else ()


DATASET = Stage(_run, _work, reads="examples", makes="examples", resources=_resources)
