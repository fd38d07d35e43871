"""Several requests in flight: the same translations, money and order as with one, and fewer at once where asked."""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from servers import POISON, Fault
from vendors import SERVERS, translate

from crossfare.errors import BudgetExceeded
from crossfare.experiment.charges import Charge, Charged
from crossfare.ledger import Catalogue
from crossfare.ledger.budget import Budget
from crossfare.translate import TranslationMemory
from crossfare.translate.engines import engines
from crossfare.translate.engines.traffic import Traffic
from crossfare.translate.segments import Segments, translate_segments

everywhere = pytest.mark.parametrize("name", SERVERS)
TEXTS = [f"text {number} & <b>so</b> on" for number in range(26)]


@contextmanager
def busy(server: Any, seconds: float, places: int = 1000) -> Iterator[list[int]]:
    """A server that takes its time, and refuses what is too much at once; how many were there with each request."""
    respond, lock, there, seen = server.respond, threading.Lock(), [0], list[int]()

    def late(request: Any) -> Any:
        with lock:
            there[0] += 1
            seen.append(there[0])
            full = there[0] > places
            if full:
                server.fail(Fault("status", 429))
            else:
                reply = respond(request)
        try:
            if full:
                with lock:
                    return respond(request)
            time.sleep(seconds)
            return reply
        finally:
            with lock:
                there[0] -= 1

    server.respond = late
    try:
        yield seen
    finally:
        del server.respond


def small(made: Any) -> Any:
    """An engine that takes two texts a request."""
    made.limits = type(made.limits)(min(made.limits.texts, 2), made.limits.size, made.limits.unit)
    return made


def sent(made: Any, texts: list[str], memory: TranslationMemory | None = None) -> Segments:
    return translate_segments(texts, made, source="en", target="de", memory=memory)


@everywhere
def test_what_comes_out_and_is_billed_is_the_same_however_many_are_in_flight(vendor: Any, tmp_path: Path) -> None:
    server, made = vendor
    texts = [*TEXTS, f"a {POISON} text"]
    found: dict[int, Segments] = {}
    bills: dict[int, Any] = {}
    for in_flight in (1, 8):
        server.reset()
        engine = small(made(concurrency=in_flight))
        translate(engine, ["zero"])
        with busy(server, 0.1) as seen:
            found[in_flight] = sent(engine, texts, TranslationMemory(tmp_path / f"{in_flight}.sqlite"))
        assert 1 <= max(seen) <= in_flight
        bills[in_flight] = server.billed, server.tokens
    assert max(seen) > 1, "the last were in flight together"
    one, eight = (
        [(text, each.translations.get(text), each.failures.get(text)) for text in texts] for each in found.values()
    )
    assert one == eight
    assert bills[1] == bills[8]
    assert found[1].usage.characters == found[8].usage.characters


@everywhere
def test_too_much_at_once_is_sent_more_slowly_and_nothing_is_lost(vendor: Any) -> None:
    """Of twelve in flight the service takes two: the others are no attempts of their requests."""
    server, made = vendor
    engine = small(made(concurrency=12, attempts=2, backoff=0.01))
    translate(engine, ["zero"])
    with busy(server, 0.03, places=2):
        found = sent(engine, TEXTS)
    assert not found.failures and len(found.translations) == len(TEXTS)
    assert engine.traffic.limit < 12


@pytest.mark.parametrize("name", ["amazon"])
def test_requests_that_are_served_overlap_too(vendor: Any) -> None:
    """The texts of a batch are translated side by side."""
    from crossfare.serving.reading import Translator

    server, made = vendor
    translator = Translator(made(concurrency=13), "en", "de")
    translator(["warm"])
    with busy(server, 0.1) as seen:
        translated = translator(TEXTS)
    assert [translated[text] for text in TEXTS] == [text.swapcase() for text in TEXTS]
    assert max(seen) > 4


@pytest.mark.parametrize("name", ["deepl", "azure"])
def test_a_wait_that_is_asked_for_holds_for_all(vendor: Any) -> None:
    server, made = vendor
    engine = small(made(concurrency=6))
    translate(engine, ["zero"])
    server.reset()
    server.fail(Fault("status", 429, {"Retry-After": "0.6"}))
    with busy(server, 0.01):
        sent(engine, TEXTS)
    assert not [after for after in server.arrivals if 0.1 < after - server.arrivals[0] < 0.55]


@pytest.mark.parametrize("name", ["deepl"])
@pytest.mark.parametrize("rate", [{"requests": 1200}, {"characters": 1200 * 40}])
def test_a_rate_is_kept(vendor: Any, rate: dict[str, float]) -> None:
    server, made = vendor
    engine = small(made(concurrency=6, rate=rate, tags=False))
    began = time.perf_counter()
    sent(engine, TEXTS)
    size = sum(map(len, TEXTS)) if "characters" in rate else len(server.arrivals)
    assert time.perf_counter() - began >= 60 * (size - 50 * ("characters" in rate) - 1) / next(iter(rate.values()))


@pytest.mark.parametrize("name", ["deepl", "amazon", "llm"])
def test_a_budget_buys_what_it_buys_with_one_in_flight(vendor: Any, name: str, tmp_path: Path) -> None:
    """Money for what is in flight is not there for others, and is once it is left over."""
    server, made = vendor
    price = dataclasses.replace(Catalogue.load().get("google-translate"), per=Decimal(1000), amount=Decimal(1))
    if name == "llm":
        price = dataclasses.replace(price, unit="token", output_amount=Decimal(2))
    kept = {}
    for in_flight in (1, 8):
        server.reset()
        memory = TranslationMemory(tmp_path / f"{in_flight}.sqlite")
        limit = Decimal(5) if name == "llm" else Decimal("0.3")
        budget = Budget(limit, tmp_path / f"spent-{in_flight}")
        engine = Charged(small(made(concurrency=in_flight)), Charge(price, budget))
        with busy(server, 0.02), pytest.raises(BudgetExceeded, match="texts are left"):
            sent(engine, TEXTS, memory)
        kept[in_flight] = memory.count()
        assert budget.account.total <= limit
        assert budget.account.in_doubt == 0
    assert 0 < kept[1] == kept[8] < len(TEXTS)


def test_the_default_is_that_of_the_registry_and_has_a_source(vendors: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for info in engines():
        assert (info.flight is not None) == (info.runs in ("remote", "billed"))
        assert info.flight is None or (info.flight.limit and info.flight.source and info.flight.checked)
    assert vendors.make("deepl").concurrency == 10
    assert vendors.make("deepl", concurrency=3).concurrency == 3
    monkeypatch.setenv("CROSSFARE_CONCURRENCY", "2")
    assert vendors.make("deepl", concurrency=3).concurrency == 2, "the command line has the last word"


def test_time_that_overlaps_is_shared() -> None:
    traffic = Traffic(4)
    seconds: list[float] = []

    def travel(length: float) -> None:
        with traffic.trip(1) as trip:
            time.sleep(length)
        seconds.append(trip.seconds)

    began = time.perf_counter()
    threads = [threading.Thread(target=travel, args=(0.1 + 0.05 * number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    wall = time.perf_counter() - began
    assert sum(seconds) == pytest.approx(wall, abs=0.05)
    assert wall < 0.1 * 6
