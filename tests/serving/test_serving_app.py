"""The HTTP app over a real pipeline: all get their own answers, too much is refused, errors are one line of JSON."""

from __future__ import annotations

import asyncio
import json
import logging
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families
from served import asked, body, talking

from crossfare.errors import ConfigError, DataError, EngineCredential, EngineTransient
from crossfare.serving import Limits, Pipeline, open_pipeline
from crossfare.serving.http import application
from crossfare.serving.parts import public_name
from crossfare.serving.server import info
from crossfare.tasks.qa import QARequest
from crossfare.tasks.requests import Answer, Request
from crossfare.types import TaskName


@pytest.fixture(scope="module")
def pipelines(folder: Path) -> Iterator[dict[str, Pipeline]]:
    opened = {
        "qa": open_pipeline(folder, task="qa", method="zero-shot"),
        "nli": open_pipeline(folder, task="nli", target="pt", method="translate-infer", engine="echo"),
        "ranking": open_pipeline(folder, task="ranking", method="zero-shot"),
    }
    yield opened
    for pipeline in opened.values():
        pipeline.close()


@pytest.fixture(scope="module")
def qa(pipelines: dict[str, Pipeline]) -> Pipeline:
    return pipelines["qa"]


class Wrapped:
    """A real pipeline behind something that happens before it answers."""

    task: TaskName = "qa"

    def __init__(self, other: Pipeline, before: Callable[[Sequence[Request]], None]) -> None:
        self.other, self.before = other, before
        self.batches: list[int] = []

    def check(self, request: Request) -> None:
        self.other.check(request)

    def answer(self, requests: Sequence[Request]) -> Sequence[Answer]:
        self.batches.append(len(requests))
        self.before(requests)
        return self.other.answer(requests)


def same(found: dict[str, Any], expected: Answer) -> None:
    """Equal but for what rounding does in batches of other lengths."""
    values = expected.model_dump(mode="json")
    for name in ("score", "probabilities"):
        assert found.pop(name, None) == pytest.approx(values.pop(name, None), abs=1e-4)
    for one, other in zip(found.get("ranking", ()), values.get("ranking", ()), strict=True):
        assert one.pop("score") == pytest.approx(other.pop("score"), abs=1e-4)
    assert found == values


@pytest.mark.parametrize("task", ["qa", "nli", "ranking"])
def test_one_request_or_a_list_is_answered_in_its_form(pipelines: dict[str, Pipeline], task: str) -> None:
    pipeline = pipelines[task]
    requests = asked(pipeline.parts)

    async def talk(http: httpx.AsyncClient) -> tuple[httpx.Response, ...]:
        one = await http.post("/predict", json=body(requests[0]))
        several = await http.post("/predict", json=[body(request) for request in requests])
        none = await http.post("/predict", json=[])
        return one, several, none

    one, several, none = talking(talk, pipeline)
    assert (one.status_code, several.status_code, none.status_code) == (200, 200, 200)
    expected = pipeline.answer(requests)
    same(one.json(), expected[0])
    for found, answer in zip(several.json(), expected, strict=True):
        same(found, answer)
    assert none.json() == []


@given(order=st.permutations(range(24)), batch_size=st.integers(1, 9))
@settings(max_examples=8)
def test_concurrent_requests_get_their_own_answers(
    pipelines: dict[str, Pipeline], order: list[int], batch_size: int
) -> None:
    pipeline = pipelines["nli"]
    expected = pipeline.answer(asked(pipeline.parts))
    requests = [body(request) for request in asked(pipeline.parts)]

    async def talk(http: httpx.AsyncClient) -> list[httpx.Response]:
        calls = (http.post("/predict", json={**requests[number % 8], "id": number}) for number in order)
        return await asyncio.gather(*calls)

    for number, response in zip(order, talking(talk, pipeline, Limits(batch_size=batch_size)), strict=True):
        found = response.json()
        assert found.pop("id") == number
        same({**found, "id": expected[number % 8].id}, expected[number % 8])


def test_what_waits_is_answered_together(qa: Pipeline) -> None:
    gate = threading.Event()
    held = Wrapped(qa, lambda _: gate.wait(60) and None)
    request = body(asked(qa.parts)[0])

    async def talk(http: httpx.AsyncClient) -> list[int]:
        calls = [await _begun(http, held, request)]
        calls += [asyncio.create_task(http.post("/predict", json=request)) for _ in range(9)]
        await _until(http, 9)
        gate.set()
        return [response.status_code for response in await asyncio.gather(*calls)]

    assert talking(talk, held, Limits(batch_size=4)) == [200] * 10
    assert held.batches == [1, 4, 4, 1]


async def _begun(http: httpx.AsyncClient, held: Wrapped, request: Any) -> asyncio.Task[httpx.Response]:
    """A call that the worker is busy with."""
    call = asyncio.create_task(http.post("/predict", json=request))
    while not held.batches:
        await asyncio.sleep(0.01)
    return call


async def _until(http: httpx.AsyncClient, waiting: int) -> None:
    while (await http.get("/health")).json()["waiting"] != waiting:  # the event loop stays free meanwhile
        await asyncio.sleep(0.01)


def test_beyond_the_queue_requests_are_refused_at_once(qa: Pipeline) -> None:
    gate = threading.Event()
    held = Wrapped(qa, lambda _: gate.wait(60) and None)
    request = body(asked(qa.parts)[0])

    async def talk(http: httpx.AsyncClient) -> tuple[list[httpx.Response], list[httpx.Response]]:
        taken = [await _begun(http, held, request)]
        taken += [asyncio.create_task(http.post("/predict", json=request)) for _ in range(3)]
        await _until(http, 3)
        refused = [
            await http.post("/predict", json=request),
            await http.post("/predict", json=[request] * 3),
            await http.post("/predict", json=[request] * 4),
        ]
        gate.set()
        return await asyncio.gather(*taken), refused

    taken, refused = talking(talk, held, Limits(queue=3))
    assert [response.status_code for response in taken] == [200] * 4
    assert [response.status_code for response in refused] == [503, 503, 413]
    assert int(refused[0].headers["retry-after"]) >= 1
    assert refused[0].json() == {"error": "overloaded; try again after 1 s"}
    assert refused[2].json() == {"error": "4 requests in one call; at most 3 are taken"}


def test_a_late_answer_is_told_and_what_was_not_begun_never_is(qa: Pipeline) -> None:
    gate = threading.Event()
    held = Wrapped(qa, lambda _: gate.wait(60) and None)
    request = body(asked(qa.parts)[0])

    async def talk(http: httpx.AsyncClient) -> list[httpx.Response]:
        first = await _begun(http, held, request)
        late = await asyncio.gather(first, *(http.post("/predict", json=request) for _ in range(4)))
        gate.set()
        return [*late, await http.post("/predict", json=request)]

    *late, good = talking(talk, held, Limits(seconds=1.0))
    assert [response.status_code for response in late] == [504] * 5
    assert "no answer within 1 s" in late[0].json()["error"]
    assert good.status_code == 200
    assert sum(held.batches) == 2


def test_what_was_taken_on_is_answered_before_the_app_ends(qa: Pipeline) -> None:
    gate = threading.Event()
    held = Wrapped(qa, lambda _: gate.wait(60) and None)
    request = body(asked(qa.parts)[0])

    async def whole() -> list[int]:
        app = application(held, dict)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://served") as http:
            async with app.router.lifespan_context(app):
                calls = [await _begun(http, held, request)]
                calls += [asyncio.create_task(http.post("/predict", json=request)) for _ in range(5)]
                await _until(http, 5)
                threading.Timer(0.3, gate.set).start()
            return [response.status_code for response in await asyncio.gather(*calls)]

    assert asyncio.run(whole()) == [200] * 6


# -- errors -----------------------------------------------------------------------------------

JSON = {"content-type": "application/json; charset=utf-8"}


@pytest.mark.parametrize(
    ("content", "headers", "status", "message"),
    [
        (b"{", JSON, 400, "not valid JSON"),
        (b"\xff", JSON, 400, "not valid JSON"),
        (b"[" * 90_000, JSON, 400, "not valid JSON: nested more than 64 deep"),
        (b"7", JSON, 422, "a request is a JSON object, not a number"),
        (b'[{"context": "a", "question": "b"}, {}]', JSON, 422, "item 1: context: Field required"),
        (b'{"context": "a", "question": "b"}', {"content-type": "text/plain"}, 415, "send JSON"),
        (b'{"context": "a", "question": "b"}', {}, 415, "send JSON"),
        (b'{"context": "' + b"a" * 100_000, JSON, 413, "longer than 100,000 bytes"),
    ],
)
def test_a_malformed_call_is_one_line_of_json(
    qa: Pipeline, content: bytes, headers: dict[str, str], status: int, message: str
) -> None:
    async def talk(http: httpx.AsyncClient) -> httpx.Response:
        return await http.post("/predict", content=content, headers=headers)

    response = talking(talk, qa, Limits(body_bytes=100_000))
    assert response.status_code == status
    assert message in response.json()["error"]
    assert set(response.json()) == {"error"}
    assert "\n" not in response.json()["error"]


def test_a_body_of_undeclared_length_is_not_read_beyond_the_limit(qa: Pipeline) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while sent < 50_000_000:
            sent += 10_000
            yield b"a" * 10_000

    async def talk(http: httpx.AsyncClient) -> httpx.Response:
        return await http.post("/predict", content=endless(), headers=JSON)

    assert talking(talk, qa, Limits(body_bytes=100_000)).status_code == 413
    assert sent <= 200_000


def test_unknown_routes_and_methods_are_json_too(qa: Pipeline) -> None:
    async def talk(http: httpx.AsyncClient) -> list[httpx.Response]:
        return [await http.get("/nowhere"), await http.get("/predict"), await http.get("/info")]

    nowhere, method, told = talking(talk, qa)
    assert (nowhere.status_code, nowhere.json()) == (404, {"error": "Not Found"})
    assert (method.status_code, method.json()) == (405, {"error": "Method Not Allowed"})
    assert told.json() == {"told": True}


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (EngineTransient("the service is away"), 503),
        (EngineCredential("set KEY_OF_OURS"), 502),
        (DataError("something of the request"), 500),
    ],
)
def test_errors_of_the_engine_are_the_servers_and_keep_its_secrets(qa: Pipeline, error: Exception, status: int) -> None:
    def fail(_: Sequence[Request]) -> None:
        raise error

    async def talk(http: httpx.AsyncClient) -> httpx.Response:
        return await http.post("/predict", json={"context": "a", "question": "b"})

    response = talking(talk, Wrapped(qa, fail))
    assert response.status_code == status
    assert ("retry-after" in response.headers) == (status == 503)
    assert str(error) not in response.text


def test_one_request_that_breaks_takes_no_other_with_it_and_is_not_logged(
    qa: Pipeline, caplog: pytest.LogCaptureFixture
) -> None:
    gate = threading.Event()
    secret = "what nobody else may read"

    def break_on(requests: Sequence[Request]) -> None:
        gate.wait(60)
        if any(isinstance(request, QARequest) and request.question == secret for request in requests):
            raise ValueError(f"cannot do {secret}")

    async def talk(http: httpx.AsyncClient) -> list[httpx.Response]:
        requests = [{"id": text, "context": "x y", "question": text} for text in ("a", "b", secret, "c")]
        calls = [await _begun(http, breaking, requests[0])]
        calls += [asyncio.create_task(http.post("/predict", json=request)) for request in requests[1:]]
        await _until(http, 3)
        gate.set()
        return await asyncio.gather(*calls)

    breaking = Wrapped(qa, break_on)
    with caplog.at_level(logging.DEBUG):
        responses = talking(talk, breaking)
    assert breaking.batches == [1, 3, 1, 1, 1]
    assert [response.status_code for response in responses] == [200, 200, 500, 200]
    assert [response.json()["id"] for response in responses if response.status_code == 200] == ["a", "b", "c"]
    assert secret not in responses[2].text
    assert "ValueError in break_on:" in caplog.text
    assert secret not in caplog.text


@pytest.mark.parametrize("field", ["batch_size", "queue", "seconds", "body_bytes"])
def test_limits_must_leave_room(field: str) -> None:
    with pytest.raises(ConfigError, match=field.replace("_", " ")):
        Limits(**{field: 0})


# -- info -------------------------------------------------------------------------------------


def test_info_tells_what_answers_without_local_paths(pipelines: dict[str, Pipeline], folder: Path) -> None:
    for pipeline in pipelines.values():
        told = info(pipeline)
        text = json.dumps(told)
        assert str(folder) not in text
        assert str(Path(pipeline.parts.cell.checkpoint).parent) not in text
        assert told["pipeline"] == pipeline.revision
        assert told["model"]["checkpoint"] == Path(pipeline.parts.cell.checkpoint).name
        assert told["scores"][0]["low"] <= told["scores"][0]["value"] <= told["scores"][0]["high"]
        assert told["usd"]["inference_per_1k"]["price"].startswith("cpu-core@")
    assert info(pipelines["nli"])["engine"] == {"name": "echo", "revision": "1"}
    assert info(pipelines["qa"])["engine"] is None
    assert all(info(pipeline)["combines"] == [] for pipeline in pipelines.values())


def test_info_tells_what_an_ensemble_combines(folder: Path) -> None:
    with open_pipeline(folder, task="qa", method="ensemble", engine="echo") as pipeline:
        told = info(pipeline)
    assert told["model"] is None
    assert [each["method"] for each in told["combines"]] == ["translate-train", "translate-infer"]
    revisions = {each["model"]["revision"] for each in told["combines"]}
    assert len(revisions) == 2
    assert all(revision.startswith("finetune-") for revision in revisions)
    assert told["engine"] == {"name": "echo", "revision": "1"}


@pytest.mark.parametrize(
    ("reference", "shown"),
    [
        ("embedded:multilingual-encoder", "embedded:multilingual-encoder"),
        ("offline:e5-small", "offline:e5-small"),
        ("google-bert/bert-base-uncased", "google-bert/bert-base-uncased"),
        ("/home/someone/models/mine", "mine"),
        ("./models/mine", "mine"),
        ("C:\\Users\\someone\\mine", "mine"),
        ("a/b/c/mine", "mine"),
    ],
)
def test_a_model_is_named_without_its_folder(reference: str, shown: str) -> None:
    assert public_name(reference) == shown


# -- for those who run it ---------------------------------------------------------------------


@pytest.mark.parametrize("task", ["qa", "nli", "ranking"])
def test_what_is_asked_and_answered_is_what_its_description_says(pipelines: dict[str, Pipeline], task: str) -> None:
    pipeline = pipelines[task]
    request = asked(pipeline.parts)[0]

    async def talk(http: httpx.AsyncClient) -> tuple[httpx.Response, ...]:
        return await http.get("/openapi.json"), await http.post("/predict", json=[body(request)] * 2)

    described, answered = talking(talk, pipeline)
    told = described.json()
    assert told["openapi"] == "3.1.0"
    post = told["paths"]["/predict"]["post"]
    one, several = post["requestBody"]["content"]["application/json"]["schema"]["anyOf"]
    assert several == {"type": "array", "items": one}
    (answer, _) = post["responses"]["200"]["content"]["application/json"]["schema"]["anyOf"]
    named = {
        each: told["components"]["schemas"][ref["$ref"].rpartition("/")[2]]
        for each, ref in (("request", one), ("answer", answer))
    }
    assert {*named["request"]["required"]} <= {*body(request)} <= {*named["request"]["properties"]}
    for found in answered.json():
        assert {*found} == {*named["answer"]["properties"]}


def test_calls_batches_and_what_waits_are_counted(qa: Pipeline) -> None:
    """Paths that are no routes are one, and no text is in a label."""
    request = body(asked(qa.parts)[0])

    async def talk(http: httpx.AsyncClient) -> httpx.Response:
        await http.post("/predict", json=[request] * 3)
        await http.post("/predict", content=b"{", headers={"Content-Type": "application/json"})
        for name in ("a", "b"):
            await http.get(f"/{name}-secret")
        return await http.get("/metrics")

    told = talking(talk, qa)
    assert told.headers["content-type"].startswith("text/plain")
    assert "secret" not in told.text
    found = {each.name: each for each in text_string_to_metric_families(told.text)}
    counts = {
        (each.labels["route"], each.labels["status"]): each.value
        for each in found["crossfare_call_seconds"].samples
        if each.name.endswith("_count")
    }
    assert counts == {("/predict", "200"): 1, ("/predict", "400"): 1, ("other", "404"): 2}
    (answered,) = (each.value for each in found["crossfare_batch_requests"].samples if each.name.endswith("_sum"))
    assert answered == 3
    (waiting,) = found["crossfare_requests_waiting"].samples
    assert waiting.value == 0
    assert "crossfare_spent_usd" not in found  # nothing of it is paid


def test_a_server_that_is_full_is_alive_and_not_ready(qa: Pipeline) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def hold(_: Sequence[Request]) -> None:
        begun.set()
        go_on.wait(20)

    request = body(asked(qa.parts)[0])

    async def talk(http: httpx.AsyncClient) -> tuple[httpx.Response, ...]:
        first = asyncio.create_task(http.post("/predict", json=request))
        await asyncio.to_thread(begun.wait, 20)
        second = asyncio.create_task(http.post("/predict", json=request))
        while not (await http.get("/health")).json()["waiting"]:
            await asyncio.sleep(0.01)
        full = await http.get("/health/ready"), await http.get("/health/live")
        go_on.set()
        await asyncio.gather(first, second)
        return (*full, await http.get("/health/ready"))

    full, alive, again = talking(talk, Wrapped(qa, hold), Limits(batch_size=1, queue=1))
    assert (full.status_code, full.json()) == (503, {"status": "full", "waiting": 1})
    assert (alive.status_code, again.status_code) == (200, 200)
