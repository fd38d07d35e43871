"""Time served, time worked here and waiting are told apart, and an engine of one's own is paid for the first."""

from __future__ import annotations

import time
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from servers import Fault
from vendors import SERVERS, translate

from crossfare.experiment.estimates import estimate
from crossfare.experiment.forecast.measurements import Measurements
from crossfare.experiment.forecast.rates import Rates
from crossfare.ledger import Book, Catalogue
from crossfare.ledger.book import Entry
from crossfare.meter import with_energy
from crossfare.store import Store
from crossfare.translate import Projection, TranslationMemory, translate_dataset
from crossfare.types import Dataset, PairExample, Step, Usage

everywhere = pytest.mark.parametrize("name", SERVERS)
chat = pytest.mark.parametrize("name", ["llm"])
EXAMPLES = tuple(PairExample(str(n), f"premise {n} of many", f"hypothesis {n}", "neutral") for n in range(60))
PAIRS = Dataset("pairs", "nli", "test", "en", EXAMPLES)


def slow(server: Any, seconds: float) -> None:
    """Let the server take its time for every request."""
    respond = server.respond

    def late(request: Any) -> Any:
        time.sleep(seconds)
        return respond(request)

    server.respond = late


@everywhere
def test_times_are_told_apart(vendor: Any) -> None:
    server, made = vendor
    tested = made(backoff=0.05, timeout=0.6)
    translate(tested, ["zero"])  # the client is made
    slow(server, 0.1)
    server.fail(Fault("status", 503))
    began = time.perf_counter()
    try:
        usage = translate(tested, ["one two three"]).usage
    finally:
        del server.respond
    wall = time.perf_counter() - began
    assert 0.1 <= usage.served_seconds < wall, "one answer"
    assert 0.1 + 0.05 <= usage.waited_seconds < wall, "a refusal, and a pause"
    assert 0 < usage.worked_seconds < wall
    assert usage.served_seconds + usage.waited_seconds <= wall
    assert usage.seconds == usage.served_seconds
    assert usage.hardware == "provider"


@chat
@pytest.mark.parametrize("in_flight", [1, 3])
def test_an_engine_of_ones_own_is_paid_for_the_devices_that_serve_it(
    vendor: Any, tmp_path: Path, in_flight: int
) -> None:
    """By the clock of the server: what it does side by side is paid once."""
    server, made = vendor
    slow(server, 0.1)
    began = time.perf_counter()
    try:
        memory = TranslationMemory(tmp_path / "memory.sqlite")
        usage = translate_dataset(PAIRS, made(devices=4, concurrency=in_flight), target="de", memory=memory).usage
    finally:
        del server.respond
    wall, requests = time.perf_counter() - began, len(server.arrivals)
    rounds = requests if in_flight == 1 else 1 + -(-(requests - 1) // in_flight)
    assert 0.1 * rounds <= usage.served_seconds < wall
    assert usage.seconds == pytest.approx(4 * usage.served_seconds)
    catalogue = Catalogue.load()
    book = Book(catalogue, {"compute": "cpu-core", "engine:own": "compute"})
    book.add(Entry("translate-1", "translate", "a step", usage, ("engine:own",)))
    hour = catalogue.get("cpu-core").amount / catalogue.get("cpu-core").per
    assert float(book.cost("translate-1").usd) == pytest.approx(float(hour) * 4 * usage.served_seconds / 3600)
    again = translate_dataset(PAIRS, made(), target="de", memory=memory).usage
    assert again.seconds == pytest.approx(usage.seconds), "what the memory has keeps its cost"
    assert made().revision == made(devices=4, concurrency=in_flight, rate={"requests": 1000}).revision


@everywhere
def test_an_estimate_tells_the_time_by_the_clock(vendor: Any, tmp_path: Path) -> None:
    server, made = vendor
    compute = Catalogue.load().get("cpu-core")
    memory = TranslationMemory(tmp_path / "memory.sqlite")
    more = replace(PAIRS, examples=tuple(replace(each, premise=f"another {each.premise}") for each in EXAMPLES))
    tested = made()
    translate(tested, ["zero"])
    slow(server, 0.02)
    try:
        usage = translate_dataset(PAIRS, tested, target="de", memory=memory).usage
    finally:
        del server.respond
    told = estimate(more, tested, None, target="de", memory=memory, projection=Projection("markers"), compute=compute)
    per_character = (usage.served_seconds + usage.waited_seconds + usage.worked_seconds) / usage.characters
    assert told.expected.seconds == pytest.approx(per_character * told.expected.characters)
    assert per_character * usage.characters >= 0.02 * usage.requests / tested.concurrency
    price = Decimal(usage.seconds / usage.characters * told.expected.characters) * compute.amount / compute.per / 3600
    assert float(told.expected.usd or 0) == pytest.approx(float(price), rel=0.01)


@chat
def test_a_plan_knows_how_long_an_engine_of_ones_own_took(vendor: Any, tmp_path: Path) -> None:
    """Its rate is the service's, whatever the machine that plans."""
    server, made = vendor
    slow(server, 0.05)
    try:
        usage = translate_dataset(PAIRS, made(), target="de").usage
    finally:
        del server.respond
    params = {"engine": {"name": "own", "revision": "1"}, "source": "en", "target": "de"}
    step, store = Step("translate-collection", params, label="a step"), Store(tmp_path)
    with store.making(step):
        store.finish(step, usage)
    learnt = Measurements()
    learnt.read_store(store)
    from crossfare.experiment.stages import STAGES

    rate = Rates(learnt.observations.values()).find(step, "own", STAGES[step.stage].keys(step, lambda _: None), "cpu")
    assert rate is not None
    assert rate.expected == pytest.approx(usage.seconds / usage.characters)


def test_the_energy_of_a_process_is_shared_by_what_it_worked() -> None:
    remote = Usage(seconds=100.0, served_seconds=100.0, worked_seconds=2.0, hardware="provider")
    assert with_energy(remote, Usage(seconds=8.0, energy_kwh=4.0)).energy_kwh == 1.0
