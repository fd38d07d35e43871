"""The steps of QA by translating at inference, as it is served and as the paper scores it.

Served: the question and its context are translated without knowing the answer, the model answers in the
source language, and the answer is projected back into the original context, where it is scored against
the target language's own gold. The paper (section 4.2) carries the gold answer into the translation, and scores
on the source side what survived; that needs steps of its own, which are for measuring only.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from crossfare.experiment.cell import CellSteps
from crossfare.ledger.book import COMPUTE
from crossfare.types import RunSpec, Step

if TYPE_CHECKING:
    from crossfare.experiment.steps import Planner

_ANSWERS_KNOWN = ", answers known"


def translated_questions_cell(planner: Planner, cell: RunSpec) -> CellSteps:
    """The steps of one cell of QA by translate-infer."""
    ref = planner.test_ref(cell)
    test = planner.data(cell.task, ref, cell.target, "test", f"qa test {cell.target}")
    training = planner.training(cell)
    finetune = planner.finetune(cell, training.train)
    what = f"test {cell.target}"
    asked = planner.translate(cell, test, cell.target, cell.source, what, unmarked=True)
    predict = planner.predict(cell, {"model": finetune, "data": asked})
    answers = back_projected(planner, cell, predict, asked, test)
    score = planner.score(cell, answers, test)
    marked = planner.translate(cell, test, cell.target, cell.source, what + _ANSWERS_KNOWN)
    on_marked = planner.predict(cell, {"model": finetune, "data": marked}, _ANSWERS_KNOWN)
    source_side = planner.score(cell, on_marked, marked, _ANSWERS_KNOWN)
    identity, runtime = projection(planner, cell)
    latency = planner.latency(cell, {"data": test, "marked": marked}, {"back": identity}, {"back": runtime})
    return CellSteps(
        cell=cell,
        train=training.train,
        gold=training.gold,
        one_time=training.translations,
        recurring=(asked, answers),
        finetune=finetune,
        inference=(predict,),
        test=test,
        score=score,
        latency=latency,
        needed=planner.closure(score),
        measuring=planner.closure(source_side, *latency),
        source_side=source_side,
    )


def back_projected(
    planner: Planner, cell: RunSpec, predictions: Step, asked: Step, test: Step, *, n_best: int = 1
) -> Step:
    """Find the predicted answers, or the best few of each question, in the contexts of the test set."""
    identity, runtime = projection(planner, cell)
    params = {"task": cell.task, "n_best": n_best, **identity}
    inputs = {"predictions": predictions, "translated": asked, "data": test}
    several = f", {n_best} best" if n_best > 1 else ""
    label = f"qa {cell.engine} {cell.source}-{cell.target}: answers of {cell.method}{several}"
    return planner.step("back-project", params, inputs, label, runtime)


def projection(planner: Planner, cell: RunSpec) -> tuple[dict[str, Any], Mapping[str, Any]]:
    """How answers are found again: what identifies the result, and what is needed for it."""
    asked = planner.spec.tasks[cell.task].back_projection
    engine_name, engine = planner.engine_of(cell)
    there = not engine.models or engine.model_for(cell.task, cell.source, cell.target) is not None
    aligner = asked.aligner or planner.spec.aligner(cell.target) if "align" in asked.ways else None
    identity = {
        "engine": planner.engine_identity(cell.task, engine_name, cell.source, cell.target) if there else None,
        "source": cell.source,
        "target": cell.target,
        "ways": list(asked.ways),
        "aligner": planner.model_revision(aligner) if aligner else None,
        "markers": planner.markers(cell, cell.source, cell.target) if there else engine.markers and [*engine.markers],
    }
    runtime = planner.engine_runtime(cell, cell.source, cell.target) if there else {}
    return identity, {**runtime, "aligner": aligner, "billed": engine.price not in (None, COMPUTE)}
