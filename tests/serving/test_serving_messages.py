"""Requests as JSON: what fits is read as it stands, what does not is one line that repeats no text."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossfare.errors import DataError
from crossfare.tasks import TASKS
from crossfare.tasks.qa import QARequest
from crossfare.tasks.ranking import MOST_CANDIDATES, RankingRequest
from crossfare.tasks.requests import NotJSON, Request
from crossfare.types import TaskName


def parse(task: str, text: str | bytes) -> tuple[Request, ...] | Request:
    """What is asked of a task."""
    return TASKS[task].request.read(text)


SECRET = "a text that nobody else may see"


@given(context=st.text(), question=st.text(), name=st.none() | st.text() | st.integers(-(2**53), 2**53))
def test_texts_and_ids_arrive_unchanged(context: str, question: str, name: str | int | None) -> None:
    sent = json.dumps({"id": name, "context": context, "question": question, "answers": [1]})
    assert parse("qa", sent) == QARequest(id=name, context=context, question=question)
    assert parse("qa", f"[{sent},{sent}]") == (parse("qa", sent),) * 2


@pytest.mark.parametrize(
    ("task", "text", "message"),
    [
        ("qa", "", "not valid JSON"),
        ("qa", '{"context": "a"', "not valid JSON"),
        ("qa", b"\xff\xfe", "not valid JSON"),
        ("qa", "[" * 100_000, "not valid JSON: nested more than 64 deep"),
        ("qa", '{"context": "\\ud800", "question": "a"}', "not valid JSON"),
        ("qa", "null", "a request is a JSON object, not null"),
        ("qa", "[[]]", "item 0: a request is a JSON object, not a list"),
        ("qa", "1", "a request is a JSON object, not a number"),
        ("qa", '{"context": "a"}', "question: Field required"),
        ("qa", '{"context": 1, "question": "a"}', "context: Input should be a valid string"),
        ("nli", '[{"premise": "a", "hypothesis": "b"}, {"premise": "a"}]', "item 1: hypothesis: Field required"),
        ("nli", '{"premise": "a", "hypothesis": "b", "id": 1.5}', "id"),
        ("ranking", '{"query": "a", "candidats": []}', "candidats: Extra inputs are not permitted"),
        ("ranking", '{"query": "a", "candidates": "b"}', "candidates"),
        ("ranking", '{"query": "a", "candidates": [{"text": "b"}]}', "candidates.0.id: Field required"),
        ("ranking", '{"query": "a", "candidates": [{"id": "", "text": "b"}]}', "candidates.0.id"),
        ("ranking", '{"query": "a", "candidates": [{"id": "1"}, "b"]}', "two candidates have the id '1'"),
        ("ranking", json.dumps({"query": "a", "candidates": ["b"] * (MOST_CANDIDATES + 1)}), "at most 1000"),
    ],
)
def test_what_does_not_fit_is_one_short_line(task: TaskName, text: str | bytes, message: str) -> None:
    with pytest.raises(DataError) as caught:
        parse(task, text)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 300
    assert isinstance(caught.value, NotJSON) == message.startswith("not valid JSON")


@pytest.mark.parametrize(
    ("task", "value"),
    [
        ("qa", {"context": [SECRET], "question": "a"}),
        ("qa", {"context": SECRET}),
        ("nli", {"premise": SECRET, "hypothesis": {"x": SECRET}}),
        ("ranking", {"query": SECRET, "candidates": [{"id": "1", "text": [SECRET]}]}),
    ],
)
def test_errors_repeat_no_text(task: TaskName, value: object) -> None:
    with pytest.raises(DataError) as caught:
        parse(task, json.dumps(value))
    assert SECRET not in str(caught.value)


def test_bare_candidates_are_named_by_their_place() -> None:
    request = parse("ranking", '{"query": "a", "candidates": ["b", {"id": "x"}, "c"]}')
    assert isinstance(request, RankingRequest)
    assert request.candidates is not None
    assert [(each.id, each.text) for each in request.candidates] == [("0", "b"), ("x", None), ("2", "c")]
