"""The data that a run will read, read beforehand: what is wrong with a file or with its examples shows before training.

Files that cannot be read in a moment are left to the run: of the hub, and large ones, of which the first line is read.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from crossfare import data
from crossfare.data import artifact
from crossfare.data.reading import READING_KEYS
from crossfare.errors import ConfigError, CrossfareError, DataError
from crossfare.experiment.cell import CellSteps
from crossfare.experiment.stages import STAGES
from crossfare.experiment.stages.loading import load_data
from crossfare.store import Store
from crossfare.tasks import TASKS
from crossfare.types import Dataset, Step

_REFS = ("ref", "ids_of", "collection", "qrels", "queries")
_MOST_BYTES = 64 << 20


class DataChecks:
    """Checks of the steps that load data and of those that learn from them, none of which is made twice.

    ``steps`` are all of a plan by their ids.
    """

    def __init__(self, steps: Mapping[str, Step], store: Store) -> None:
        self._steps, self._store = steps, store
        self._loaded: dict[str, Dataset] = {}

    def load(self, step: Step) -> None:
        """Refuse data that a step could not load.

        Raises:
            ConfigError, DataError: it names the step, and what is wrong.
        """
        if not STAGES[step.stage].reads or self._store.done(step.id):
            return
        try:
            self._load(step)
        except CrossfareError as error:
            raise type(error)(f"{step.label}: {error}") from error

    def _load(self, step: Step) -> None:
        params, ref = step.params, str(step.runtime["ref"])
        asked = {name: params.get(name) for name in ("language", "split", "format")}
        told = {key: params[key] for key in READING_KEYS if key in params}
        data.recognise(ref, task=params.get("task", "ranking"), **asked, **told)  # only a collection names no task
        if not _is_read_at_once(step):
            return
        if STAGES[step.stage].reads == "passages":
            for _ in data.passages(ref, **asked):
                pass
            return
        loaded = load_data(step)
        self._loaded[step.id] = loaded.dataset
        original = self._dataset(step.inputs["original"][0]) if "original" in step.inputs else None
        if original and not step.runtime.get("projection") and not _ids(loaded.dataset) & _ids(original):
            raise DataError(f"{ref}: no example has an id of the source training set")

    def learn(self, step: Step) -> None:
        """Refuse examples that no model can be fine-tuned on.

        Raises:
            DataError: it names the step, and what is wrong.
        """
        if "train" not in step.inputs or self._store.done(step.id):
            return
        task = TASKS[step.params["task"]]
        try:
            learnt = [self._dataset(self._origin(each)) for each in step.inputs["train"]]
            task.check_examples([dataset for dataset in learnt if dataset], whole=None not in learnt)
        except CrossfareError as error:
            raise type(error)(f"{step.label}: {error}") from error

    def gold(self, cell: CellSteps) -> None:
        """Refuse a part of the gold data that is more than there is.

        Raises:
            ConfigError: it says how many examples there are.
        """
        asked = cell.cell.gold_size
        found = self._dataset(cell.gold[0].id) if asked else None
        if found and asked and len(found) < asked:
            there = f"the {len(found):,} examples of {cell.cell.task} gold in {cell.cell.target}"
            raise ConfigError(f"gold_sizes: {asked:,} are more than {there}")

    def _origin(self, step_id: str) -> str:
        """The step whose labels a training set has."""
        step = self._steps[step_id]
        return self._origin(step.inputs["data"][0]) if step.stage == "translate" else step_id

    def _dataset(self, step_id: str) -> Dataset | None:
        """What a step loads; None where that is not known yet."""
        read = step_id not in self._loaded and STAGES[self._steps[step_id].stage].reads == "examples"
        if read and self._store.done(step_id):
            self._loaded[step_id] = artifact.read(self._store.artifact(step_id))
        return self._loaded.get(step_id)


def _is_read_at_once(step: Step) -> bool:
    refs = [str(step.runtime[name]) for name in _REFS if step.runtime.get(name)]
    if any(ref.startswith("hub:") for ref in refs):
        return False
    files = [Path(ref) for ref in refs if not ref.startswith("world:")]
    if not files:  # the embedded data are in order; a part of them may teach nothing
        return step.params.get("limit") is not None
    return sum(_size(file) for file in files) <= _MOST_BYTES


def _size(path: Path) -> int:
    return sum(each.stat().st_size for each in path.rglob("*")) if path.is_dir() else path.stat().st_size


def _ids(dataset: Dataset) -> set[str]:
    return {example.id for example in dataset.examples}
