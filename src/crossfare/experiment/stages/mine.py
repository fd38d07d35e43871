"""Mine negatives: passages that the first stage takes for relevant ones."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from crossfare import meter, retrieve
from crossfare.data import artifact
from crossfare.data.collection import Collection
from crossfare.experiment.files import input_data, inputs, read_predictions
from crossfare.experiment.stages.ensemble import queries, queries_done
from crossfare.experiment.stages.retrieve import queries_of
from crossfare.experiment.stages.stage import Stage
from crossfare.store import Store, write_json
from crossfare.types import Progress, Step, Usage, content_revision


def _run(step: Step, store: Store, work: Path, _: Progress | None) -> Usage:
    dataset = input_data(step, store)
    with meter.meter("cpu") as measured, Collection.open(inputs(step, store, "passages")[0]) as collection:
        examples = retrieve.mine(
            queries_of(step, store),
            read_predictions(step, store, "candidates"),
            collection,
            negatives=step.params["negatives"],
            depth=step.params["depth"],
            seed=0,
        )
    mined = replace(dataset, examples=examples, revision=content_revision(examples))
    artifact.write(mined, work / "artifact")
    without = retrieve.without_relevant(queries_of(step, store))
    summary = [f"{len(without)} queries have no relevant passage and teach nothing: {', '.join(without)}"]
    write_json(work / "artifact" / "report.json", {"summary": summary if without else []})
    return measured.usage


MINE = Stage(_run, queries, makes="examples", unit="query", did=queries_done)
