"""What is served is what was measured: the same model and input give the answers that the run was scored with."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from served import DEPTH, asked, predictions

from crossfare.data.collection import Collection
from crossfare.errors import DataError
from crossfare.serving import Pipeline, open_pipeline
from crossfare.tasks.labelling import LabelAnswer
from crossfare.tasks.nli import NLIRequest
from crossfare.tasks.qa import QAAnswer, QARequest
from crossfare.tasks.ranking import RankingAnswer, RankingRequest
from crossfare.types import Prediction

CELLS = [
    *({"task": "qa", "method": name, "engine": engine} for name, engine in (
        ("zero-shot", None), ("translate-train", "echo"), ("translate-infer", "echo"), ("translate-infer", "open"),
        ("ensemble", "echo"), ("ensemble", "open"),
    )),
    *({"task": "nli", "target": "pt", "method": name, "engine": engine} for name, engine in (
        ("zero-shot", None), ("translate-infer", "echo"), ("translate-infer", "open"), ("ensemble", "open"),
    )),
    {"task": "nli", "target": "de", "method": "zero-shot"},
    {"task": "nli", "target": "de", "method": "ensemble", "engine": "open"},
    *({"task": "ranking", "method": name, "engine": engine} for name, engine in (
        ("bm25", None), ("zero-shot", None), ("translate-train", "echo"), ("translate-infer-strategy-1", "echo"),
        ("translate-infer-strategy-2", "echo"), ("translate-infer-strategy-2", "open"),
    )),
]  # fmt: skip


def name_of(cell: dict[str, Any]) -> str:
    return "-".join(str(value) for value in cell.values() if value)


@pytest.mark.parametrize("cell", CELLS, ids=name_of)
def test_answers_are_the_runs_own_predictions(folder: Path, cell: dict[str, Any]) -> None:
    with open_pipeline(folder, **cell) as pipeline:
        requests, expected = asked(pipeline.parts), predictions(pipeline.parts)
        assert len(requests) == len(expected) == 8
        for answer, prediction in zip(pipeline.answer(requests), expected, strict=True):
            assert_equal(answer, prediction)


def assert_equal(answer: Any, prediction: Prediction) -> None:
    assert answer.id == prediction.id
    assert (answer.note is None) == (prediction.output != "")
    match answer:
        case QAAnswer(answer=None):
            assert answer == QAAnswer(id=answer.id, note=answer.note, translated_answer=answer.translated_answer)
        case QAAnswer():
            assert (answer.answer, answer.start) == (prediction.output, prediction.start)
            assert answer.score == pytest.approx(prediction.scores[0][1], abs=1e-4)
        case LabelAnswer():
            assert answer.label == prediction.output
            assert answer.probabilities == pytest.approx(dict(prediction.scores), abs=1e-5)
        case RankingAnswer():
            same_ranking(answer, prediction.scores)


def same_ranking(answer: RankingAnswer, expected: Sequence[tuple[str, float]]) -> None:
    """The same scores, best first; what rounding does in batches of other lengths may swap all but equal ones."""
    scores = [each.score for each in answer.ranking]
    assert scores == sorted(scores, reverse=True)
    assert {each.id: each.score for each in answer.ranking} == pytest.approx(dict(expected), abs=1e-4)


@pytest.mark.parametrize(("task", "target"), [("qa", "pt"), ("nli", "pt"), ("nli", "de")])
def test_an_ensemble_is_none_of_its_models(folder: Path, task: str, target: str) -> None:
    """Else one model alone could match the run's predictions."""
    with open_pipeline(folder, task=task, target=target, method="ensemble", engine="open") as pipeline:
        combined = predictions(pipeline.parts)
        assert len(pipeline.parts.parents) == 2
        for parent in pipeline.parts.parents:
            alone = {each.id: dict(each.scores) for each in predictions(parent)}
            assert any(alone.get(each.id) != pytest.approx(dict(each.scores), abs=1e-4) for each in combined)


def test_two_class_data_are_answered_with_two_classes(folder: Path) -> None:
    """The German test set has two labels, the Portuguese three; the same model serves both."""
    labels = {}
    for target in ("de", "pt"):
        pipeline = open_pipeline(folder, task="nli", target=target, method="zero-shot")
        # A pair each for every word: with random weights all labels must come up somewhere.
        pairs = [NLIRequest(premise=a, hypothesis=b) for a in "abcdefgh" for b in ("a . ; who ?", "is", "0 1 2", "in")]
        labels[target] = {answer.label for answer in pipeline.answer(pairs)}
    assert "contradiction" not in labels["de"]
    assert labels["de"] == {"neutral" if each == "contradiction" else each for each in labels["pt"]}


# -- batches ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def reading(folder: Path) -> Iterator[dict[str, Pipeline]]:
    opened = {
        "qa": open_pipeline(folder, task="qa", method="zero-shot"),
        "nli": open_pipeline(folder, task="nli", target="pt", method="translate-infer", engine="echo"),
        "ranking": open_pipeline(folder, task="ranking", method="translate-infer-strategy-2", engine="echo"),
        "ensemble": open_pipeline(folder, task="qa", method="ensemble", engine="open"),
    }
    yield opened
    for pipeline in opened.values():
        pipeline.close()


@pytest.mark.parametrize("task", ["qa", "nli", "ranking", "ensemble"])
@given(data=st.data())
@settings(max_examples=10)
def test_how_requests_are_batched_changes_no_answer(
    reading: dict[str, Pipeline], task: str, data: st.DataObject
) -> None:
    pipeline = reading[task]
    requests = asked(pipeline.parts)
    alone = {request.id: pipeline.answer([request])[0] for request in requests}
    mixed = data.draw(st.permutations(requests * 2))
    for answer in pipeline.answer(mixed[: data.draw(st.integers(1, len(mixed)))]):
        expected = alone[answer.id]
        assert answer.model_dump(exclude={"score", "probabilities", "ranking"}) == expected.model_dump(
            exclude={"score", "probabilities", "ranking"}
        )
        if isinstance(answer, RankingAnswer):
            assert isinstance(expected, RankingAnswer)
            same_ranking(answer, [(each.id, each.score) for each in expected.ranking])


def test_nothing_asked_is_nothing_answered(reading: dict[str, Pipeline]) -> None:
    for pipeline in reading.values():
        assert pipeline.answer([]) == ()


# -- odd texts --------------------------------------------------------------------------------


def test_blank_texts_have_no_answer_and_do_not_disturb_others(reading: dict[str, Pipeline]) -> None:
    qa = reading["qa"]
    good = asked(qa.parts)[0]
    mixed = [QARequest(id=1, context=" \n", question="?"), good, QARequest(id=2, context="a b", question="\t")]
    first, second, third = qa.answer(mixed)
    assert first == QAAnswer(id=1, note="the context is blank")
    assert third == QAAnswer(id=2, note="the question is blank")
    assert second.model_dump(exclude={"score"}) == qa.answer([good])[0].model_dump(exclude={"score"})
    pair = NLIRequest(id="x", premise="a", hypothesis="")
    assert reading["nli"].answer([pair]) == (LabelAnswer(id="x", note="the hypothesis is blank"),)
    asked_in_vain = reading["ensemble"].answer([QARequest(id=3, context="a b", question=" "), good])
    assert asked_in_vain[0] == QAAnswer(id=3, note="the question is blank")
    assert asked_in_vain[1].note is None
    query = RankingRequest(id="q", query=" ")
    assert reading["ranking"].answer([query]) == (RankingAnswer(id="q", note="the query is blank"),)


@given(context=st.text(max_size=40), question=st.text(min_size=1, max_size=10))
@settings(max_examples=40)
def test_an_answer_is_a_span_of_the_context_as_given(reading: dict[str, Pipeline], context: str, question: str) -> None:
    answer = reading["qa"].answer([QARequest(context=context, question=question)])[0]
    assert isinstance(answer, QAAnswer)
    if answer.answer is None:
        assert answer.note
    else:
        assert answer.start is not None
        assert context[answer.start : answer.start + len(answer.answer)] == answer.answer


def test_a_query_that_finds_nothing_has_an_empty_ranking(reading: dict[str, Pipeline]) -> None:
    assert reading["ranking"].answer([RankingRequest(query="?!")])[0] == RankingAnswer(ranking=())


# -- candidates -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "engine"),
    [("zero-shot", None), ("translate-infer-strategy-1", "echo"), ("translate-infer-strategy-2", "echo")],
)
def test_candidates_may_bring_their_text_or_lie_in_the_collection(
    folder: Path, method: str, engine: str | None
) -> None:
    with open_pipeline(folder, task="ranking", method=method, engine=engine) as pipeline:
        request = asked(pipeline.parts)[0]
        assert isinstance(request, RankingRequest)
        found = pipeline.answer([request])[0]
        assert isinstance(found, RankingAnswer)
        assert len(found.ranking) == DEPTH
        step = pipeline.parts.source(pipeline.parts.answering, "passages")
        while step.stage != "collection":
            step = pipeline.parts.source(step, "passages" if "passages" in step.inputs else "data")
        with Collection.open(pipeline.parts.artifact(step)) as collection:
            named = [{"id": each.id} for each in found.ranking]
            texts = [{"id": f"my {each.id}", "text": collection[each.id]} for each in found.ranking]
            bare = [collection[each.id] for each in found.ranking]
        forms = ((named, "{}"), (texts, "my {}"))
        for candidates, form in forms:
            again = pipeline.answer(
                [RankingRequest.model_validate({"query": request.query, "candidates": candidates})]
            )[0]
            assert isinstance(again, RankingAnswer)
            assert [each.id for each in again.ranking] == [form.format(each.id) for each in found.ranking]
        again = pipeline.answer([RankingRequest.model_validate({"query": request.query, "candidates": bare})])[0]
        assert isinstance(again, RankingAnswer)
        assert [each.id for each in again.ranking] == [str(place) for place in range(DEPTH)]


def test_every_candidate_that_is_brought_is_ranked(folder: Path) -> None:
    """The run's depth bounds what is searched for, not what a request brings."""
    brought = [f"a text number {n}" for n in range(3 * DEPTH)]
    with open_pipeline(folder, task="ranking", method="zero-shot") as pipeline:
        answer = pipeline.answer([RankingRequest.model_validate({"query": "in the city", "candidates": brought})])[0]
        none = pipeline.answer([RankingRequest(query="in the city", candidates=())])[0]
    assert isinstance(answer, RankingAnswer)
    assert len(answer.ranking) == 3 * DEPTH
    assert none == RankingAnswer(ranking=())


def test_a_request_that_can_never_be_answered_is_refused(folder: Path, reading: dict[str, Pipeline]) -> None:
    unknown = RankingRequest.model_validate({"query": "a", "candidates": [{"id": "nowhere"}]})
    with pytest.raises(DataError, match="'nowhere' has no text and is not in the run's collection"):
        reading["ranking"].answer([unknown])
    with pytest.raises(DataError, match="answers qa, not a NLIRequest"):
        reading["qa"].answer([NLIRequest(premise="a", hypothesis="b")])
    bm25 = open_pipeline(folder, task="ranking", method="bm25")
    with pytest.raises(DataError, match="ranks nothing else"):
        bm25.answer([RankingRequest.model_validate({"query": "a", "candidates": ["b"]})])
