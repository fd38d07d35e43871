"""What the cells of a run came to: scores, costs and notes, derived from what lies on disk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from crossfare.experiment.cell import CellSteps
from crossfare.experiment.files import LATENCIES, SCORES, examples_made, read_predictions_of, read_yield
from crossfare.experiment.test_sets import TestSets
from crossfare.ledger.book import Book
from crossfare.ledger.costs import Needs, costs
from crossfare.store import Store
from crossfare.strict import read_json
from crossfare.tasks import TASKS
from crossfare.types import Latency, Result, Score, Step, Yield


def results(plan: Sequence[CellSteps], book: Book, store: Store) -> tuple[Result, ...]:
    """The results of cells whose steps are all done, with the costs that follow from the ledger."""
    tests = TestSets(plan, store)
    scores = [_scores(store, cell.score) for cell in plan]
    needs = [
        Needs(cell.shares, translated=examples_made(cell.test.id, store), answered=found[0].n)
        for cell, found in zip(plan, scores, strict=True)
    ]
    made = zip(plan, scores, needs, costs(book, needs), strict=True)
    return tuple(_result(cell, found, own, priced, book, store, tests) for cell, found, own, priced in made)


def _result(
    cell: CellSteps,
    scores: tuple[Score, ...],
    needs: Needs,
    priced: Mapping[str, Any],
    book: Book,
    store: Store,
    test_sets: TestSets,
) -> Result:
    source_side = tuple(replace(each, metric=f"source_{each.metric}") for each in _scores(store, cell.source_side))
    held = test_sets.held(cell)
    score, *further = (_of_a_part(each, held) for each in (*scores, *source_side))
    return Result(
        spec=cell.cell,
        score=score,
        further_scores=tuple(further),
        train_examples=sum(examples_made(step.id, store) for step in cell.train),
        **priced,
        latency=_latencies(store, cell, "latency.json"),
        train_yield=_train_yield(store, cell),
        test_yield=_yield(store, cell.recurring[0]) if cell.recurring else None,
        steps=needs.steps,
        stored_bytes=sum(book.entry(s.id).usage.stored_bytes or 0 for s in cell.one_time) if cell.one_time else None,
        energy_kwh=book.energy_kwh(step.id for step in (*cell.one_time, *cell.fine_tunings)),
        energy_kwh_per_1k=_energy_per_1k(needs, book),
        translation_latency=_latencies(store, cell, "translation.json"),
        one_answer=_one_answer(store, cell),
        baseline=test_sets.baseline(cell),
        tested=test_sets.identity(cell),
        model_notes=_model_notes(store, cell),
        test_notes=test_sets.notes(cell),
        held=held,
    )


def _of_a_part(score: Score, held: int | None) -> Score:
    """The score, with a signature that says so if it is not of all examples that a file holds."""
    if held is None or score.n >= held:
        return score
    return replace(score, signature=f"{score.signature}|scored:{score.n} of {held}")


def _model_notes(store: Store, cell: CellSteps) -> tuple[str, ...]:
    """What of the model that was fine-tuned was not used."""
    path = store.artifact(cell.finetune.id) / "training.json" if cell.finetune else None
    if path is None or not path.exists():
        return ()
    return tuple(read_json(path).get("model_notes", ()))


def _one_answer(store: Store, cell: CellSteps) -> str | None:
    """What the cell's model answers to everything, if it does."""
    if cell.finetune is None or TASKS[cell.cell.task].searches:
        return None
    predictions = read_predictions_of(store.artifact(cell.score.inputs["predictions"][0]))
    answers = {each.output for each in predictions}
    return answers.pop() if len(answers) == 1 and len(predictions) > 1 else None


def _energy_per_1k(needs: Needs, book: Book) -> float | None:
    translated = book.energy_kwh(needs.playing("translation_per_1k"))
    inferred = book.energy_kwh(needs.playing("inference_per_1k"))
    if translated is None or inferred is None:
        return None
    return 1000 * (translated / needs.translated + inferred / needs.answered)


def _scores(store: Store, step: Step | None) -> tuple[Score, ...]:
    return () if step is None else SCORES.validate_json((store.artifact(step.id) / "scores.json").read_bytes())


def _latencies(store: Store, cell: CellSteps, name: str) -> tuple[Latency, ...]:
    paths = (store.artifact(step.id) / name for step in cell.latency)
    return tuple(latency for path in paths if path.exists() for latency in LATENCIES.validate_json(path.read_bytes()))


def _train_yield(store: Store, cell: CellSteps) -> Yield | None:
    """What was left of the training set; of a round trip, after both ways."""
    paid = {step.id: step for step in cell.one_time}
    last = next((step for step in cell.one_time if step in cell.train), None)
    if last is None:
        return None
    found = _yield(store, last)
    if (before := paid.get(last.inputs.get("data", ("",))[0])) is not None:
        first = _yield(store, before)
        found = Yield(found.kept, first.total, (*first.lost, *found.lost))
    return found


def _yield(store: Store, step: Step) -> Yield:
    return read_yield(store.artifact(step.id))
