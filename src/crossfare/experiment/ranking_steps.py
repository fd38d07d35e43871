"""The steps of a ranking cell: a first stage finds candidates, a reranker orders them.

The paper's two ways of translating at inference (section 4.2) differ in what is translated when:
strategy 1 translates the collection once and queries when serving, strategy 2 each query and its
candidates when serving.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from crossfare import pretrained, retrieve
from crossfare.experiment.cell import CellSteps
from crossfare.experiment.methods import method
from crossfare.languages import writes_in_pairs
from crossfare.precision import settled
from crossfare.types import RunSpec, Step

if TYPE_CHECKING:
    from crossfare.experiment.spec import RankingSpec
    from crossfare.experiment.spec_engine import DataRef
    from crossfare.experiment.steps import Planner

_TRANSLATED, _CANDIDATES = "translate-collection", "translate-candidates"


@dataclass(frozen=True, slots=True)
class _Served:
    """What the reranker reads: queries, their candidates, and the texts of these."""

    queries: Step
    run: Step
    passages: Step
    one_time: tuple[Step, ...] = ()
    recurring: tuple[Step, ...] = ()
    latency: tuple[Step, ...] = ()


def ranking_cell(planner: Planner, cell: RunSpec) -> CellSteps:
    """The steps of one cell: a baseline, a reranker, or a reranker behind a translation."""
    row = method(cell.method)
    ref = planner.test_ref(cell)
    test = planner.data(cell.task, ref, cell.target, "test", f"ranking test {cell.target}")
    collection = planner.collection(ref, cell.target, "test")
    if not row.train_on:
        return _baseline(planner, cell, test, collection)
    serve = {"collection": _strategy_1, "candidates": _strategy_2, None: _untranslated}[row.passages]
    served = serve(planner, cell, test, collection)
    training = planner.training(cell)
    finetune = planner.finetune(cell, training.train)
    inputs = {"model": finetune, "data": served.queries, "candidates": served.run, "passages": served.passages}
    predict = planner.predict(cell, inputs)
    translated = served.queries if served.recurring else None
    score = planner.score(cell, predict, test, translated=translated)
    return CellSteps(
        cell=cell,
        train=training.train,
        gold=training.gold,
        one_time=(*training.translations, *served.one_time),
        recurring=served.recurring,
        finetune=finetune,
        inference=(served.run, predict),
        test=test,
        score=score,
        latency=served.latency,
        needed=planner.closure(score),
        measuring=planner.closure(*served.latency),
        first_stage=served.run,
        collection=collection,
    )


def _settings(planner: Planner) -> RankingSpec:
    return planner.spec.tasks["ranking"].ranking  # by its name: these are the steps of this task alone


def mined(planner: Planner, data: Step, ref: DataRef, language: str, split: str) -> Step:
    """Training examples from queries: their relevant passages, and others that the first stage takes for them.

    Where the spec mines no negatives, the data are triples already.
    """
    asked = _settings(planner)
    if asked.negatives is None:
        return data
    collection = planner.collection(ref, language, split)
    run = _retrieve(planner, data, collection, language, asked.mining_depth)
    params = {"language": language, "negatives": asked.negatives, "depth": asked.mining_depth}
    inputs = {"data": data, "candidates": run, "passages": collection}
    return planner.step("mine", params, inputs, f"ranking negatives {split} {language}")


def _baseline(planner: Planner, cell: RunSpec, test: Step, collection: Step) -> CellSteps:
    asked = _settings(planner)
    if cell.method == "bi-encoder":
        params = {
            "model": pretrained.resolve(cell.checkpoint).revision,
            "options": settled(asked.embedding),
            "depth": asked.depth,
        }
        inputs = {"data": test, "passages": collection}
        label = f"ranking embed {cell.target}: {cell.checkpoint}"
        run = planner.step("embed", params, inputs, label, {"model": cell.checkpoint})
    else:
        run = _retrieve(planner, test, collection, cell.target, asked.depth)
    score = planner.score(cell, run, test)
    return CellSteps(
        cell=cell,
        train=(),
        gold=(),
        one_time=(),
        recurring=(),
        finetune=None,
        inference=(run,),
        test=test,
        score=score,
        latency=(),
        needed=planner.closure(score),
        first_stage=run if run.stage == "retrieve" else None,
        collection=collection,
    )


def _untranslated(planner: Planner, cell: RunSpec, test: Step, collection: Step) -> _Served:
    depth = _settings(planner).depth
    return _Served(test, _retrieve(planner, test, collection, cell.target, depth), collection)


def _strategy_1(planner: Planner, cell: RunSpec, test: Step, collection: Step) -> _Served:
    depth = _settings(planner).depth
    passages = planner.translate(cell, collection, cell.target, cell.source, "collection", stage=_TRANSLATED)
    queries = planner.translate(cell, test, cell.target, cell.source, f"queries {cell.target}")
    run = _retrieve(planner, queries, passages, cell.source, depth)
    latency = planner.latency(cell, {"data": test})
    return _Served(queries, run, passages, one_time=(passages,), recurring=(queries,), latency=latency)


def _strategy_2(planner: Planner, cell: RunSpec, test: Step, collection: Step) -> _Served:
    found = _untranslated(planner, cell, test, collection)
    given = {"candidates": found.run, "passages": collection}
    passages = planner.translate(
        cell, test, cell.target, cell.source, f"candidates {cell.target}", stage=_CANDIDATES, inputs=given
    )
    queries = planner.translate(cell, test, cell.target, cell.source, f"queries {cell.target}")
    latency = planner.latency(cell, {"data": test, **given})
    return _Served(queries, found.run, passages, recurring=(queries, passages), latency=latency)


def _retrieve(planner: Planner, queries: Step, collection: Step, language: str, depth: int) -> Step:
    settings = retrieve.BM25.configured(language, _settings(planner).bm25).identity()
    where = collection.label.removeprefix("ranking ")
    index = planner.step("index", {"settings": settings}, {"passages": collection}, f"ranking index of {where}")
    # Lone characters once found nothing but themselves.
    params = {"depth": depth, **({"lone_characters": "every pair"} if writes_in_pairs(language) else {})}
    return planner.step("retrieve", params, {"data": queries, "index": index}, f"ranking BM25 over {where}")
