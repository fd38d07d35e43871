"""What an engine loses when serving: scores are those of a system that has no answer there.

The engine gives every text back or loses it, so what is not lost is answered as zero-shot answers it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

import pytest

import losing
import tiny_run
from crossfare import data
from crossfare.compare import contests, decisions, read_run
from crossfare.compare.standings import measured
from crossfare.data import artifact
from crossfare.experiment import Run, Spec, run
from crossfare.experiment.files import PREDICTIONS
from crossfare.experiment.stages.translate_candidates import without_lost
from crossfare.experiment.steps import Planner
from crossfare.report import Context, task_table
from crossfare.serving import open_pipeline
from crossfare.store import Store
from crossfare.tasks import TASKS
from crossfare.tasks.labelling import LabelAnswer
from crossfare.tasks.nli import NLIRequest
from crossfare.tasks.ranking import RankingAnswer, RankingRequest
from crossfare.types import PairExample, Prediction, QueryExample, Result

DEPTH = 6
STRATEGIES = ("translate-infer-strategy-1", "translate-infer-strategy-2")


@dataclass(frozen=True)
class Finished:
    """A run with an engine that loses some of the pairs and queries, and passages that answer other queries."""

    made: Run
    spec: Spec
    store: Store
    pairs: tuple[PairExample, ...]
    queries: tuple[QueryExample, ...]
    lost: frozenset[str]
    lost_passages: frozenset[str]

    def result(self, method: str, engine: str | None = None, task: str | None = None) -> Result:
        found = [each for each in self.made.results if (each.spec.method, each.spec.engine) == (method, engine)]
        return next(each for each in found if task in (None, each.spec.task))

    def predicted(self, method: str, engine: str | None = None, task: str | None = None) -> dict[str, Prediction]:
        wanted = self.result(method, engine, task).spec
        cell = next(each for each in Planner(self.spec).plan() if each.cell == wanted)
        folder = self.store.artifact(cell.score.inputs["predictions"][0])
        return {each.id: each for each in PREDICTIONS.validate_json((folder / "predictions.json").read_bytes())}


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Finished]:
    folder = tmp_path_factory.mktemp("lost")
    given = {
        task: data.load(f"world:{task}", task=task, language="pt", split="test", limit=8)
        for task in ("qa", "nli", "ranking")
    }
    pairs = tuple(cast("PairExample", each) for each in given["nli"].dataset.examples)
    queries = tuple(cast("QueryExample", each) for each in given["ranking"].dataset.examples)
    passages = {each.id: each.text for each in data.passages("world:ranking", language="pt", split="test")}
    unwanted = [next(name for name, grade in each.judgements if grade) for each in queries[2:6]]
    lost = (pairs[0].premise, pairs[4].hypothesis, queries[0].query, queries[7].query)
    settings = {"lost": [*lost, *(passages[name] for name in unwanted)]}
    with pytest.MonkeyPatch.context() as patch:
        losing.plug_in(patch, folder)
        spec = tiny_run.spec(
            folder,
            methods=["zero-shot"],
            extra_cells=[
                {"method": method, "model": "target-encoder"} for method in ("translate-infer", "ensemble", *STRATEGIES)
            ],
            tasks={
                "nli": tiny_run.task("nli"),
                "ranking": tiny_run.task(
                    "ranking",
                    ranking={"depth": DEPTH, "negatives": 2, "mining_depth": 4},
                    training={**tiny_run.TRAINING, "loss": "listwise"},
                ),
            },
            engines={"echo": {"engine": "echo"}, "losing": {"engine": "losing", "options": settings}},
            prices={},
        )
        store = Store(folder / "cache")
        made = run(spec, out=folder / "out", jobs=2, store=store, quiet=True)
        yield Finished(
            made,
            spec,
            store,
            pairs,
            queries,
            frozenset(
                [each.id for each in pairs if any(text in f"{each.premise}\n{each.hypothesis}" for text in lost)]
                + [each.id for each in queries if each.query in lost]
            ),
            frozenset(unwanted),
        )


def test_a_pair_that_was_lost_is_wrong(finished: Finished) -> None:
    whole, left = finished.result("zero-shot", task="nli").score, finished.result("translate-infer", "losing").score
    right = dict(zip(whole.ids, whole.per_example, strict=True))
    expected = [0.0 if name in finished.lost else right[name] for name in whole.ids]
    assert (left.ids, list(left.per_example)) == (whole.ids, expected)
    assert left.value == sum(expected) / 8
    assert sum(expected) < sum(right.values())  # otherwise nothing is tested
    assert "|missing:2|" in left.signature


@pytest.mark.parametrize("method", STRATEGIES)
def test_a_query_that_was_lost_scores_0(finished: Finished, method: str) -> None:
    """Two of eight are more than the share that a run without explanation may lack."""
    score = finished.result(method, "losing").score
    assert score.ids == tuple(each.id for each in finished.queries)
    assert "|missing:2|" in score.signature
    answered = finished.predicted(method, "losing")
    assert set(answered) == set(score.ids) - finished.lost
    for query, value in zip(finished.queries, score.per_example, strict=True):
        assert value == pytest.approx(reciprocal_rank(query, answered.get(query.id)))


def test_a_candidate_that_was_lost_is_not_ranked(finished: Finished) -> None:
    """By strategy 2 what is left is ranked as zero-shot ranks it, so every reciprocal rank is known beforehand."""
    whole, left = finished.predicted("zero-shot", task="ranking"), finished.result(STRATEGIES[1], "losing").score
    values = dict(zip(left.ids, left.per_example, strict=True))
    missed = 0
    for query in finished.queries:
        ranking = [name for name, _ in whole[query.id].scores]
        kept = [name for name in ranking if name not in finished.lost_passages]
        missed += len(ranking) - len(kept)
        expected = None if query.id in finished.lost else Prediction(query.id, "", scores=ranked(kept))
        assert values[query.id] == pytest.approx(reciprocal_rank(query, expected))
    assert missed > 1


def test_a_passage_that_was_lost_is_not_found(finished: Finished) -> None:
    found = finished.predicted(STRATEGIES[0], "losing")
    there = finished.predicted(STRATEGIES[0], "echo")
    assert any(name in finished.lost_passages for each in there.values() for name, _ in each.scores)
    assert not any(name in finished.lost_passages for each in found.values() for name, _ in each.scores)


@pytest.mark.parametrize("method", ["translate-infer", *STRATEGIES])
@pytest.mark.parametrize("engine", ["losing", "echo"])
def test_the_score_is_that_of_the_served_answers(finished: Finished, method: str, engine: str) -> None:
    score = finished.result(method, engine).score
    task = finished.result(method, engine).spec.task
    with open_pipeline(finished.made.folder, task=task, method=method, engine=engine) as pipeline:
        if task == "nli":
            requests = [NLIRequest(premise=each.premise, hypothesis=each.hypothesis) for each in finished.pairs]
            values = [
                float(cast("LabelAnswer", answer).label == pair.label)
                for pair, answer in zip(finished.pairs, pipeline.answer(requests), strict=True)
            ]
        else:
            asked = [RankingRequest(query=each.query) for each in finished.queries]
            values = [
                reciprocal_rank(
                    query,
                    Prediction("", "", scores=tuple((x.id, x.score) for x in cast("RankingAnswer", answer).ranking)),
                )
                for query, answer in zip(finished.queries, pipeline.answer(asked), strict=True)
            ]
    assert list(score.per_example) == pytest.approx(values)


def test_where_nothing_is_lost_scores_are_those_of_what_was_asked(finished: Finished) -> None:
    """Scored on the translated test set, as they were before what is lost counted."""
    for cell in Planner(finished.spec).plan():
        if cell.cell.engine == "echo" and not cell.parents:
            asked = artifact.read(finished.store.artifact(cell.recurring[0].id))
            result = finished.result(cell.cell.method, "echo")
            predictions = tuple(finished.predicted(cell.cell.method, "echo").values())
            scored = TASKS[cell.cell.task].score(asked, predictions)
            for one, other in zip(scored, (result.score, *result.further_scores), strict=True):
                # Of a part of a test file the signature says so, which the score of these examples cannot know.
                assert replace(other, signature=one.signature) == one


def test_an_ensemble_has_the_other_models_answer(finished: Finished) -> None:
    answered = finished.predicted("ensemble", "losing")
    alone = finished.predicted("translate-infer", "losing")
    assert set(answered) - set(alone) == {each.id for each in finished.pairs if each.id in finished.lost}


def test_methods_are_compared_on_every_example(finished: Finished) -> None:
    assert contests(finished.made.results)
    assert {len(measured([result]).ids) for result in finished.made.results} == {8}
    (decision, _) = decisions([read_run(finished.made.folder)])
    assert decision.tested == 8


def test_tables_and_recommendations_say_how_many_were_lost(finished: Finished) -> None:
    notes = task_table(finished.made.results, "nli", Context()).notes
    assert "Lost in translation when serving, and counted as wrong: (3) pt 2 of 8." in notes
    assert "Lost in translation when serving, and answered by the other model alone: (5) pt 2 of 8." in notes
    nli, ranking = decisions([read_run(finished.made.folder)])
    said = "25.0 % of what is asked in pt is lost in translation, and"
    assert f"translate-infer (losing): {said} counted as wrong." in nli.notes
    assert f"ensemble (losing): {said} answered by the other model alone." in nli.notes
    assert sum("counted as wrong" in note for note in ranking.notes) == 2
    assert not any("echo" in note and "lost" in note for note in (*nli.notes, *ranking.notes))


def test_a_score_without_what_was_lost_says_so(finished: Finished) -> None:
    """As runs had it once, whose results are read all the same."""
    result = finished.result("translate-infer", "losing")
    values = dict(zip(result.score.ids, result.score.per_example, strict=True))
    kept = tuple(name for name in values if name not in finished.lost)
    score = replace(result.score, n=len(kept), ids=kept, per_example=tuple(values[name] for name in kept))
    record = replace(read_run(finished.made.folder), results=(replace(result, score=score),))
    (decision,) = decisions([record])
    assert any("lost in translation, and left out of the score" in note for note in decision.notes)


def test_none_moves_up_for_a_lost_candidate(tmp_path: Path) -> None:
    """Serving translates the candidates that are reranked, and no others in place of lost ones."""
    run = (Prediction("q", "a", scores=(("a", 3.0), ("b", 2.0), ("c", 1.0))),)
    (tmp_path / "yield.json").write_text('{"kept": 2, "total": 3, "lost": ["a"]}', encoding="utf-8")
    assert without_lost(run, tmp_path, depth=2) == (Prediction("q", "b", scores=(("b", 2.0),)),)


def ranked(names: list[str]) -> tuple[tuple[str, float], ...]:
    return tuple((name, -float(place)) for place, name in enumerate(names))


def reciprocal_rank(query: QueryExample, found: Prediction | None) -> float:
    relevant = {name for name, grade in query.judgements if grade}
    places = [place for place, (name, _) in enumerate(found.scores if found else (), 1) if name in relevant]
    return 1 / places[0] if places else 0.0
