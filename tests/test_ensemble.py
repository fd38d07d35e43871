"""Late fusion: a model combined with itself is itself, and two that disagree are weighed."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

import tiny_models
from crossfare.errors import DataError
from crossfare.tasks import TASKS
from crossfare.translate.matching import nearest
from crossfare.types import Answer, Dataset, PairExample, Prediction, QAExample, QueryExample, TaskName

LABELS = ("entailment", "neutral", "contradiction")


def _nli(*rows: tuple[float, ...], two: bool = False) -> tuple[Prediction, ...]:
    made = []
    for i, row in enumerate(rows):
        scores = tuple(sorted(zip(LABELS, row, strict=True), key=lambda item: -item[1]))
        best = scores[0][0]
        made.append(Prediction(f"p{i}", "neutral" if two and best == "contradiction" else best, scores=scores))
    return tuple(made)


@given(st.lists(st.tuples(*[st.floats(0.01, 1)] * 3), min_size=1, max_size=6), st.booleans())
def test_nli_with_itself_is_itself(rows: list[tuple[float, ...]], two: bool) -> None:
    predictions = _nli(*[tuple(value / sum(row) for value in row) for row in rows], two=two)
    pairs = tuple(PairExample(f"p{i}", "a", "b", "neutral") for i in range(len(rows)))
    combined = TASKS["nli"].combine([predictions, predictions], Dataset("d", "nli", "test", "pt", pairs))
    assert [each.output for each in combined] == [each.output for each in predictions]
    for made, own in zip(combined, predictions, strict=True):
        assert dict(made.scores) == pytest.approx(dict(own.scores))


def test_nli_takes_the_mean_probability() -> None:
    dataset = tiny_models.nli_data(2)
    one, other = _nli((0.5, 0.4, 0.1), (0.2, 0.2, 0.6)), _nli((0.1, 0.8, 0.1))
    first, second = TASKS["nli"].combine([one, other], dataset)
    assert first.output == "neutral"
    assert dict(first.scores) == pytest.approx({"entailment": 0.3, "neutral": 0.6, "contradiction": 0.1})
    assert second.output == "contradiction"  # the other model lost it


@given(
    st.lists(st.tuples(st.integers(0, 8), st.integers(1, 4), st.floats(-9, 9)), min_size=1, max_size=5),
    st.integers(1, 3),
)
def test_qa_with_itself_is_itself(drawn: list[tuple[int, int, float]], times: int) -> None:
    context = "ab ab cd ab cd"
    ordered = sorted(drawn, key=lambda item: -item[2])
    scores = tuple((context[start : start + length], score) for start, length, score in ordered)
    start, length, _ = ordered[0]
    own = (Prediction("q", context[start : start + length], start, scores),)
    example = QAExample("q", context, "?", (Answer("ab", 0),))
    (made,) = TASKS["qa"].combine([own] * times, Dataset("d", "qa", "test", "pt", (example,)))
    assert (made.output, made.start) == (own[0].output, own[0].start)


def test_qa_agrees_on_a_second_choice() -> None:
    context = "Ana mora em Faro, Bia em Porto, Eva em Beja."
    dataset = Dataset("d", "qa", "test", "pt", (QAExample("q", context, "?", (Answer("Faro", 12),)),))
    half, rest = math.log(0.55), math.log(0.45)
    one = Prediction("q", "Porto", 25, (("Porto", half), ("Faro", rest)))
    other = Prediction("q", "Beja", 39, (("Beja", half), ("Faro", rest)))
    (made,) = TASKS["qa"].combine([[one], [other]], dataset)
    assert (made.output, made.start) == ("Faro", 12)
    assert dict(made.scores) == pytest.approx({"Faro": 0.45, "Porto": 0.275, "Beja": 0.275})


def test_an_answer_not_found_has_no_say() -> None:
    dataset = Dataset("d", "qa", "test", "pt", (QAExample("q", "a b", "?", (Answer("a", 0),)),))
    assert TASKS["qa"].combine([[Prediction("q", "")], [Prediction("q", "b", 2, (("b", 1.0),))]], dataset)[0].start == 2
    assert TASKS["qa"].combine([[Prediction("q", "")], []], dataset) == ()


@given(st.permutations(list("abcdef")))
def test_ranking_with_itself_keeps_its_order(order: list[str]) -> None:
    own = (Prediction("q", order[0], scores=tuple((name, -float(i)) for i, name in enumerate(order))),)
    dataset = Dataset("d", "ranking", "test", "pt", (QueryExample("q", "?", (("a", 1),)),))
    (made,) = TASKS["ranking"].combine([own, own], dataset)
    assert [name for name, _ in made.scores] == order
    assert made.output == order[0]


def test_ranking_is_fused_by_reciprocal_ranks() -> None:
    dataset = Dataset("d", "ranking", "test", "pt", (QueryExample("q", "?", (("a", 1),)),))
    one = Prediction("q", "a", scores=(("a", 3.0), ("b", 2.0)))
    other = Prediction("q", "c", scores=(("c", 9.0), ("b", 1.0)))
    (made,) = TASKS["ranking"].combine([[one], [other]], dataset)
    assert dict(made.scores) == pytest.approx({"b": 2 / 62, "a": 1 / 61, "c": 1 / 61})
    assert [name for name, _ in made.scores] == ["b", "a", "c"]


@pytest.mark.parametrize("task", ["qa", "nli", "ranking"])
def test_predictions_of_other_data_are_refused(task: TaskName) -> None:
    with pytest.raises(DataError, match="'x', which is not in d"):
        TASKS[task].combine([[Prediction("x", "a")]], Dataset("d", task, "test", "pt", ()))


def test_the_nearest_occurrence() -> None:
    assert [nearest("ab", "ab ab ab", near) for near in (0, 2, 5, 9)] == [0, 3, 6, 6]
    assert nearest("x", "ab", 0) is None
