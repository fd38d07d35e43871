"""The steps of an ensemble: those of its parents, and one that combines what they predict.

A step that both need is there once, and is paid once. Where the cell has two engines, one translates the training
data and the other what is asked.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from crossfare.experiment.cell import CellSteps, distinct
from crossfare.experiment.methods import method
from crossfare.experiment.qa_steps import back_projected
from crossfare.types import RunSpec, Step

if TYPE_CHECKING:
    from crossfare.experiment.spec import Spec
    from crossfare.experiment.steps import Planner


def ensemble_cell(planner: Planner, cell: RunSpec) -> CellSteps:
    """The steps of one cell that combines others."""
    parents = tuple(planner.cell(parent) for parent in parent_cells(planner.spec, cell))
    answers = tuple(_answers(planner, parent) for parent in parents)
    test = parents[0].test
    inputs: dict[str, Step | tuple[Step, ...]] = {"predictions": answers, "data": test}
    ensemble = planner.step(
        "ensemble", {"task": cell.task}, inputs, f"{cell.task} combine {cell.target}: {cell.method}"
    )
    score = planner.score(cell, ensemble, test)
    latency = distinct(step for parent in parents for step in parent.latency)
    recurring = distinct(step for parent in parents for step in parent.recurring if step.stage != "back-project")
    return CellSteps(
        cell=cell,
        train=distinct(step for parent in parents for step in parent.train),
        gold=(),
        one_time=distinct(step for parent in parents for step in parent.one_time),
        recurring=(*recurring, *(step for step in answers if step.stage == "back-project")),
        finetune=None,
        inference=(*distinct(step for parent in parents for step in parent.inference), ensemble),
        test=test,
        score=score,
        latency=latency,
        needed=planner.closure(score),
        measuring=planner.closure(*latency),
        parents=parents,
        first_stage=parents[-1].first_stage,
        collection=parents[-1].collection,
    )


def parent_cells(spec: Spec, cell: RunSpec) -> tuple[RunSpec, ...]:
    """The cells that an ensemble combines.

    The last has the ensemble's model and engine. The others learn from translations: with their usual
    model, and the engine of the training data.
    """
    *others, last = method(cell.method).parents
    usual = {name: method(name).models[0] for name in others}
    engine, label = next(iter(cell.engines.items()))
    alone = replace(cell, train_engine=None, train_engine_label=None)
    training = replace(alone, engine=engine, engine_label=label)
    return (
        *(
            replace(training, method=name, model=role, checkpoint=spec.checkpoints(role, cell.target)[0])
            for name, role in usual.items()
        ),
        replace(alone, method=last),
    )


def _answers(planner: Planner, parent: CellSteps) -> Step:
    """What a parent answers on the target side; in QA several spans, so that models can agree on a second choice."""
    found = planner.made(parent.score.inputs["predictions"][0])
    if found.stage != "back-project":
        return found
    asked, predict = parent.recurring[0], parent.inference[0]
    n_best = int(predict.params["options"]["n_best"])
    return back_projected(planner, parent.cell, predict, asked, parent.test, n_best=n_best)
