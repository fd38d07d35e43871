"""The test sets that results are of: known by their content, and by what a trivial system scores on them.

Both are told from the artifacts that a finished run has, so that they are there however old its steps are.
"""

from __future__ import annotations

from collections.abc import Sequence

from crossfare.data import artifact
from crossfare.data.collection import read_header
from crossfare.experiment.cell import CellSteps, distinct
from crossfare.experiment.files import read_predictions_of
from crossfare.score import ranking
from crossfare.store import Store
from crossfare.strict import read_json
from crossfare.tasks import TASKS
from crossfare.types import Step, canonical_json, digest


class TestSets:
    """Those of a finished run, each looked at once."""

    __test__ = False  # pytest takes the name for a class of tests

    def __init__(self, plan: Sequence[CellSteps], store: Store) -> None:
        self._plan = plan
        self._store = store
        self._scores: dict[tuple[str, ...], float] = {}
        self._notes: dict[str, tuple[str, ...]] = {}
        self._texts: dict[str, frozenset[tuple[str, ...]]] = {}

    def identity(self, cell: CellSteps) -> str:
        """Tells test sets apart by their content: examples with their ids, in ranking the passages as well."""
        revision = str(artifact.read_header(self._store.artifact(cell.test.id))["revision"])
        if cell.collection is None:
            return revision
        return digest([revision, read_header(self._store.artifact(cell.collection.id)).revision])

    def held(self, cell: CellSteps) -> int | None:
        """How many examples the file has that the test set was read from; None if that was not noted."""
        path = self._store.artifact(cell.test.id) / "report.json"
        return int(read_json(path)["read"]) if path.exists() else None

    def baseline(self, cell: CellSteps) -> float | None:
        """What the best trivial system scores, by the cell's metric; None in ranking if the run has no first stage."""
        first, task = self._first_stage(cell), TASKS[cell.cell.task]
        if task.searches and first is None:
            return None
        options = cell.score.params["options"]
        key = (cell.test.id, first.id if first else "", canonical_json(options))
        if key not in self._scores:
            dataset = artifact.read(self._store.artifact(cell.test.id))
            found = (read_predictions_of(self._store.artifact(first.id)),) if first else task.trivial(dataset)
            lost = {"lost": [e.id for e in dataset.examples]} if first else {}  # what was not translated is not there
            asked = {**options, **lost, "resamples": 1}
            self._scores[key] = max(task.score(dataset, each, **asked)[0].value for each in found)
        return self._scores[key]

    def notes(self, cell: CellSteps) -> tuple[str, ...]:
        """What is doubtful about scores on it: what a model was trained on too, and in ranking its judgements."""
        return (*self._learnt(cell), *self._judged(cell))

    def _learnt(self, cell: CellSteps) -> tuple[str, ...]:
        """Examples that a cell's model was trained on tell what it remembers, not how it does on new text."""
        learning = distinct(step for each in (cell, *cell.parents) for step in each.train)
        seen = frozenset[tuple[str, ...]]().union(*(self._asked(step) for step in learning))
        asked = self._asked(cell.test)
        known = len(asked & seen)
        if not known:
            return ()
        share = f"{known:,} of the {len(asked):,} test examples" if known < len(asked) else "all test examples"
        return (f"{share} are in the training data of {cell.cell.method} too: its score is not one on new text",)

    def _asked(self, step: Step) -> frozenset[tuple[str, ...]]:
        """The texts of each example of a dataset; in ranking the queries alone, which triples repeat."""
        if step.id not in self._texts:
            dataset = artifact.read(self._store.artifact(step.id))
            whole = None if dataset.task != "ranking" else 1
            self._texts[step.id] = frozenset(
                tuple(" ".join(text.split()) for text in example.texts[:whole]) for example in dataset.examples
            )
        return self._texts[step.id]

    def _judged(self, cell: CellSteps) -> tuple[str, ...]:
        if cell.collection is None:
            return ()
        if cell.test.id not in self._notes:
            dataset = artifact.read(self._store.artifact(cell.test.id))
            passages = read_header(self._store.artifact(cell.collection.id)).passages
            relevant = cell.score.params["options"].get("relevant", 1)
            self._notes[cell.test.id] = ranking.doubts(dataset, passages, relevant=relevant)
        return self._notes[cell.test.id]

    def _first_stage(self, cell: CellSteps) -> Step | None:
        """That of its own candidates, or else one that searches the same test queries for another cell."""
        asked = (cell.test.id,)
        others = (other.first_stage for other in self._plan)
        return cell.first_stage or next((step for step in others if step and step.inputs["data"] == asked), None)
