"""The stages by name, and how their steps are made.

The functions of a stage run in worker processes. Each returns the `Usage` of its work, never money.
"""

from __future__ import annotations

from collections.abc import Mapping

from crossfare import meter
from crossfare.experiment.stages.back_project import BACK_PROJECT
from crossfare.experiment.stages.collection import COLLECTION
from crossfare.experiment.stages.dataset import DATASET
from crossfare.experiment.stages.embed import EMBED
from crossfare.experiment.stages.ensemble import ENSEMBLE
from crossfare.experiment.stages.existing import EXISTING
from crossfare.experiment.stages.finetune import FINETUNE
from crossfare.experiment.stages.index import INDEX
from crossfare.experiment.stages.keys import Find
from crossfare.experiment.stages.latency import LATENCY
from crossfare.experiment.stages.mine import MINE
from crossfare.experiment.stages.predict import PREDICT
from crossfare.experiment.stages.retrieve import RETRIEVE
from crossfare.experiment.stages.score import SCORE
from crossfare.experiment.stages.stage import Stage
from crossfare.experiment.stages.translate import TRANSLATE
from crossfare.experiment.stages.translate_candidates import TRANSLATE_CANDIDATES
from crossfare.experiment.stages.translate_collection import TRANSLATE_COLLECTION
from crossfare.hardware import watching
from crossfare.store import Store
from crossfare.types import Progress, Step, Usage

STAGES: Mapping[str, Stage] = {
    "translate": TRANSLATE,
    "translate-collection": TRANSLATE_COLLECTION,
    "translate-candidates": TRANSLATE_CANDIDATES,
    "latency": LATENCY,
    "finetune": FINETUNE,
    "predict": PREDICT,
    "back-project": BACK_PROJECT,
    "ensemble": ENSEMBLE,
    "embed": EMBED,
    "retrieve": RETRIEVE,
    "mine": MINE,
    "index": INDEX,
    "collection": COLLECTION,
    "score": SCORE,
    "dataset": DATASET,
    "existing": EXISTING,
}


def keys_of(step: Step, find: Find = lambda _: None) -> tuple[str, ...]:
    """What a step's speed depends on, from its own settings to its kin; ``find`` looks up the steps that it reads."""
    return STAGES[step.stage].keys(step, find)


def execute(step: Step, store: Store, progress: Progress | None = None) -> Usage:
    """Make a step unless it is done, and return what it consumed when it ran."""
    with store.making(step) as work:
        if work is None:
            return store.usage(step.id)
        with watching() as watch, meter.energy() as metered:
            usage = STAGES[step.stage].run(step, store, work, progress)
        usage = meter.made_here(meter.with_energy(usage, metered.usage), watch)
        store.finish(step, usage)
        return usage
