"""Search an index: the first stage of ranking."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import cast

from crossfare import meter, retrieve
from crossfare.experiment.files import input_data, inputs, write_predictions
from crossfare.experiment.stages.ensemble import queries, queries_done
from crossfare.experiment.stages.stage import Stage
from crossfare.store import Store
from crossfare.types import Progress, QueryExample, Step, Usage


def _run(step: Step, store: Store, work: Path, progress: Progress | None) -> Usage:
    queries = [(example.id, example.query) for example in queries_of(step, store)]
    index = retrieve.Index.open(inputs(step, store, "index")[0])
    with meter.meter("cpu") as measured:
        run = index.search(queries, step.params["depth"], progress=progress)
    write_predictions(tuple(run), work)
    return measured.usage


def queries_of(step: Step, store: Store) -> Sequence[QueryExample]:
    """The queries that a step reads."""
    return [cast("QueryExample", example) for example in input_data(step, store).examples]


RETRIEVE = Stage(_run, queries, packages=("bm25s",), unit="query", did=queries_done)
