"""One bad text is lost alone, with its reason; a service that fails at everything is left after a few requests."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from servers import BREAKS, POISON, Fault, Reply
from servers.openai import ChatServer
from vendors import SERVERS, Vendors, translate

from crossfare.errors import ConfigError, EngineError, EngineTransient
from crossfare.translate import TranslationMemory
from crossfare.translate.segments import Segments, translate_segments
from libretranslate_server import serving

everywhere = pytest.mark.parametrize("name", SERVERS)


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[TranslationMemory]:
    with TranslationMemory(tmp_path / "memory.sqlite") as made:
        yield made


def texts(count: int, bad: dict[int, str]) -> list[str]:
    """Distinct texts, those at some places with a word that the service stumbles over."""
    return [f"text {number} of the {bad.get(number, 'cat')}" for number in range(count)]


@everywhere
@pytest.mark.parametrize("word", [BREAKS, POISON])
@pytest.mark.parametrize("places", [(0,), (7, 8, 20), tuple(range(20, 27))])
def test_bad_texts_are_lost_alone_and_only_they_are_tried_again(
    vendor: Any, memory: TranslationMemory, word: str, places: tuple[int, ...]
) -> None:
    server, made = vendor
    asked = texts(40, dict.fromkeys(places, word))
    for again in range(2):
        server.reset()
        result = translate_segments(asked, made(attempts=2, backoff=0.001), source="en", target="de", memory=memory)
        assert set(result.failures) == {asked[place] for place in places}
        status = "500" if word == BREAKS else "400"
        assert all(status in why for why in result.failures.values()), result.failures
        assert len(result.translations) == 40 - len(places)
        sent = {text for batch in server.received for text in batch}
        assert not again or len(sent) <= 1, "but for a text that shows that the service works"


@everywhere
@pytest.mark.parametrize("in_flight", [1, 8])
def test_a_service_that_ends_in_mid_run_is_left_alone_and_nothing_is_lost(
    vendor: Any, memory: TranslationMemory, in_flight: int
) -> None:
    server, made = vendor
    asked = texts(60, {})
    respond = server.respond

    def ends(request: Any) -> Any:
        if server.answered >= 1:
            server.fail(Fault("status", 503))
        return respond(request)

    server.respond = ends
    try:
        tested = made(attempts=2, backoff=0.001, concurrency=in_flight)
        tested.limits = type(tested.limits)(min(tested.limits.texts, 10), tested.limits.size, tested.limits.unit)
        with pytest.raises(EngineTransient, match="503"):
            translate_segments(asked, tested, source="en", target="de", memory=memory)
    finally:
        del server.respond
    kept = memory.count()
    assert 1 <= kept <= 10
    assert len(server.arrivals) <= 1 + 2 * in_flight + 2, "what was in flight twice, and a probe twice"
    server.reset()
    result = translate_segments(asked, tested, source="en", target="de", memory=memory)
    assert (result.remembered, len(result.translations), result.failures) == (kept, 60, {})


@everywhere
def test_a_language_that_the_service_has_not_is_asked_for_at_most_once(vendor: Any) -> None:
    """Where its languages are known nothing is sent; a server that lists its own is asked for the list."""
    server, made = vendor
    if made().name == "llm":
        pytest.skip("a chat model has no list of languages")
    with pytest.raises(ConfigError, match="tlh"):
        translate(made(), texts(200, {}), target="tlh")
    assert len(server.arrivals) == (made().registered == "libretranslate")


@pytest.mark.parametrize("name", [name for name in SERVERS if name != "amazon"])
def test_a_request_that_comes_back_empty_is_asked_for_again(vendor: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    server, made = vendor
    answer, emptied = server.answer, []

    def empty(request: Any, short: bool) -> Any:
        if emptied:
            return answer(request, short)
        emptied.append(request)
        monkeypatch.setattr("servers." + type(server).__module__.rpartition(".")[2] + ".translated", lambda _: "")
        try:
            return answer(request, short)
        finally:
            monkeypatch.undo()

    server.answer = empty
    try:
        result = translate(made(), ["one", "two", "three"])
    finally:
        del server.answer
    assert emptied
    assert result.texts == ("ONE", "TWO", "THREE")
    assert result.usage.requests == server.answered


@everywhere
def test_strict_stops_at_a_text_that_cannot_be_translated(vendor: Any, memory: TranslationMemory) -> None:
    server, made = vendor
    asked = texts(40, {30: POISON})
    with pytest.raises(EngineError, match=rf"30 of the {POISON}' was not translated: .*; stopped \(strict\)"):
        segments = Segments(made(concurrency=2), "en", "de", memory, strict=True)
        segments.fetch(asked)
    assert memory.count() >= 1
    assert len({text for batch in server.received for text in batch}) <= memory.count() + 1, "what was paid is kept"


def test_libretranslate_loses_one_text_alone() -> None:
    with serving() as server:
        refusal = server.refusal

        def refuse(body: dict[str, Any]) -> tuple[int, str] | None:
            return (400, "cannot be parsed") if any(POISON in text for text in body["q"]) else refusal(body)

        server.refusal = refuse  # type: ignore[method-assign]
        from crossfare.translate import engine

        made = engine("libretranslate", url=server.url, max_texts=20)
        answer: Any = made.translate(texts(60, {0: POISON, 33: POISON}), source="en", target="de")
    assert [place for place, text in enumerate(answer.texts) if text is None] == [0, 33]
    assert answer.failures[33] == "LibreTranslate said 400: cannot be parsed"


# -- chat models --------------------------------------------------------------------------------


@pytest.fixture
def model(vendors: Vendors) -> Iterator[tuple[ChatServer, Any]]:
    made = vendors.make("llm")
    server = vendors.server("llm")
    server.reset()
    yield server, made  # type: ignore[misc]
    server.answers = "translations"  # type: ignore[attr-defined]
    server.reset()


@pytest.mark.parametrize("form", ["fenced", "thought", "thinking on", "amid prose", "a list", "text ids"])
def test_an_answer_is_read_where_it_stands(model: Any, form: str) -> None:
    server, made = model
    server.answers = form
    asked = texts(30, {})
    assert translate(made, asked).texts == tuple(text.swapcase() for text in asked)
    assert len(server.arrivals) == len(made.batches(asked))


@pytest.mark.parametrize("mistake", ["merged", "padded", "one left out", "one twice"])
@pytest.mark.parametrize("count", [5, 20])
def test_answers_that_may_be_those_of_other_texts_are_asked_for_again_singly(
    model: Any, mistake: str, count: int
) -> None:
    server, made = model
    server.answers = mistake
    asked = [
        f"{animal} {number} lives {place}"
        for number, (animal, place) in enumerate(zip("abcdefghijklmnopqrst", "nopqrstuvwxyzabcdefg", strict=True))
    ][:count]
    answer = translate(made, asked)
    assert answer.texts == tuple(text.swapcase() for text in asked)
    assert len(server.arrivals) <= 1 + count
    assert (answer.usage.input_tokens, answer.usage.output_tokens) == server.tokens


def test_numbers_show_which_answer_is_whose(model: Any) -> None:
    """Two answers change places: nothing but the numbers tells."""
    server, made = model
    mistaken = server._mistaken

    def swapped(items: list[dict[str, Any]]) -> Any:
        if len(items) > 2:
            items[0]["text"], items[1]["text"] = items[1]["text"], items[0]["text"]
        return mistaken(items)

    server._mistaken = swapped
    try:
        asked = ["It opened in 1874.", "It closed in 1912.", "Nobody knows why."]
        assert translate(made, asked).texts == tuple(text.swapcase() for text in asked)
    finally:
        del server._mistaken


@pytest.mark.parametrize("answers", ["prose", "sorry"])
@pytest.mark.parametrize("count", [1, 2, 3, 200])
def test_a_model_that_never_translates_is_left_after_a_few_requests(
    model: Any, memory: TranslationMemory, answers: str, count: int
) -> None:
    server, made = model
    if (answers, count) == ("sorry", 1):
        pytest.skip("one answer to one text may be its translation")
    server.answers = answers
    asked = [f"{'abcdefghij'[n % 10]} {n} {'klmnopqrst'[n // 10 % 10]}" for n in range(count)]
    with pytest.raises(EngineError, match=r"(not the JSON asked for|I'm sorry).*; stopped"):
        translate_segments(asked, made, source="en", target="de", memory=memory)
    assert len(server.arrivals) <= 4
    assert memory.count() == 0


@pytest.mark.parametrize("answers", ["prose", "sorry"])
@pytest.mark.parametrize("in_flight", [1, 5])
def test_a_model_that_ceases_to_translate_is_left_after_a_few_requests(
    model: Any, vendors: Vendors, memory: TranslationMemory, answers: str, in_flight: int
) -> None:
    server, _ = model
    made = vendors.make("llm", concurrency=in_flight)
    asked = [f"{'abcdefghij'[n % 10]} {n} {'klmnopqrst'[n // 10 % 10]}" for n in range(200)]
    translate_segments(asked[:60], made, source="en", target="de", memory=memory)
    server.answers = answers
    server.reset()
    with pytest.raises(EngineError, match="; stopped"):
        translate_segments(asked, made, source="en", target="de", memory=memory)
    assert len(server.arrivals) <= 5 + in_flight
    assert memory.count() == 60


def test_reasoning_that_is_billed_beside_the_answer_is_counted(model: Any) -> None:
    from types import SimpleNamespace

    from crossfare.translate.engines.llm import _tokens

    for read, said, total, written in ((1000, 34, 1482, 482), (17, 482, 499, 482)):
        told = _tokens(SimpleNamespace(prompt_tokens=read, completion_tokens=said, total_tokens=total))
        assert (told["input_tokens"], told["output_tokens"]) == (read, written)


@pytest.mark.parametrize(
    "said",
    [
        {"prompt_tokens": -5000, "completion_tokens": -5000, "total_tokens": -10000},
        {"prompt_tokens": 10**30, "completion_tokens": 1, "total_tokens": 10**30},
        {"prompt_tokens": float("nan"), "completion_tokens": float("inf"), "total_tokens": 1},
        {"prompt_tokens": 12.5, "completion_tokens": "34"},
        {"prompt_tokens": None, "completion_tokens": None, "total_tokens": None},
        {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0},
        {"total_tokens": 500},
        {},
        [],
    ],
    ids=str,
)
def test_tokens_that_can_be_no_count_are_not_believed(model: Any, said: object, tmp_path: Path) -> None:
    """The answer is kept, at one request; the most that it can have cost stays spent."""
    from crossfare.experiment.charges import Charge, Charged
    from crossfare.ledger import Catalogue
    from crossfare.ledger.budget import Budget

    server, made = model
    price = dataclasses.replace(Catalogue.load().get("google-translate"), unit="token", output_amount=Decimal(2))
    budget = Budget(None, tmp_path / "spent")
    server.said_of_tokens = said
    try:
        answer = Charged(made, Charge(price, budget)).translate(["one two"], source="en", target="de")
    finally:
        server.said_of_tokens = None
    assert answer.texts == ("ONE TWO",) and len(server.arrivals) == 1
    assert answer.usage.input_tokens is answer.usage.output_tokens is None
    assert budget.account.usd == 0 and budget.account.in_doubt > 0


@pytest.mark.parametrize(
    "written",
    ["1e999", "-1", "0.5", "9" * 400, "9" * 5000, "null", '"one"', "[]"],
)
def test_an_id_that_is_none_is_no_answer(written: str) -> None:
    from crossfare.translate.engines import replies

    content = f'{{"translations": [{{"id": {written}, "text": "EINS"}}]}}'
    with contextlib.suppress(ValueError):
        assert replies.matched(["one"], replies.read(content, 1))["refused"]


@pytest.mark.parametrize("content", [None, 7, ["a"], "x" * 2_000_000])
def test_what_is_no_text_is_no_answer(content: object) -> None:
    from crossfare.translate.engines import replies

    with pytest.raises(ValueError, match="its answer is"):
        replies.read(content, 1)


def test_an_answer_of_endless_brackets_is_given_up(model: Any) -> None:
    server, made = model
    server.answers = "endless"
    began = time.monotonic()
    with pytest.raises(EngineError, match="not the JSON asked for"):
        translate(made, texts(5, {}))
    assert time.monotonic() - began < 20, "it took minutes"


@pytest.mark.parametrize("choices", [[], None, [{"index": 0, "message": None}]])
def test_an_error_in_place_of_an_answer_is_said(model: Any, choices: object, monkeypatch: pytest.MonkeyPatch) -> None:
    server, made = model
    made.patience.attempts = 1
    body = {"id": "1", "object": "chat.completion", "created": 0, "model": "a", "choices": choices}
    reply = Reply(json.dumps({**body, "error": {"message": "no worker is free"}}).encode())
    monkeypatch.setattr(server, "answer", lambda *_, **__: reply)
    with pytest.raises(EngineTransient, match=r"no message, but .*no worker is free"):
        translate(made, ["one"])


@pytest.mark.parametrize("body", [{"error": "no such model"}, {"detail": "no such model"}])
def test_what_is_wrong_is_said_in_whatever_form_it_comes(
    model: Any, body: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    server, made = model
    monkeypatch.setattr(server, "answer", lambda *_, **__: Reply(json.dumps(body).encode(), 404))
    with pytest.raises(EngineError, match=r"404: .*no such model"):
        translate(made, ["one"])
