"""Parts of a forecast against what they stand for: timings of requests, billed tokens, and a check's verdicts."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from crossfare.compare.forecast import Check, StepCheck
from crossfare.experiment.forecast import Basis, Forecaster, Stated, parse, stated_spec
from crossfare.experiment.forecast.billed_tokens import TokensTold, forecast
from crossfare.experiment.forecast.latencies import Calls, requests
from crossfare.experiment.stages.work import Timed
from crossfare.latency import measure
from crossfare.report.forecast import check_table
from crossfare.store import Store
from crossfare.types import Step

ASKED = {"batch_sizes": [32, 1], "repeats": 10, "warmup": 1, "max_seconds": 2.0}
STEP = Step("latency", {"asked": ASKED})


def timed(characters: float, fixed: float, rate: float) -> Timed:
    found = tuple(
        {"batch_size": size, "mean": fixed + rate * size * characters, "hardware": "this"} for size in (32, 1)
    )
    return Timed(STEP, found, characters, "measured here")


def test_a_call_costs_something_whatever_it_translates() -> None:
    calls = Calls.of([timed(40, 0.01, 1e-4), timed(400, 0.01, 1e-4)])
    assert calls is not None
    assert calls.fixed == pytest.approx(0.01)
    assert calls.per_character == pytest.approx(1e-4)
    # Requests of 100 characters: 0.33 s a batch of 32, which fits into 2 s seven times; 0.02 s one alone.
    assert calls.rate(STEP, 100).expected == pytest.approx(7 * 0.33 + 11 * 0.02)


def test_a_busy_machine_is_told_by_the_clock_and_the_processor() -> None:
    """Calls take twice as long by the clock as they keep the processor busy; as many fit into the time allowed."""
    slow = timed(40, 0.02, 2e-4)
    found = tuple({**each, "n": 10} for each in slow.found)
    clock = sum(11 * each["mean"] for each in found)
    calls = Calls.of([Timed(STEP, found, 40, "measured here", clock / 2)])
    assert calls is not None
    assert calls.busy == pytest.approx(0.5)
    assert calls.rate(STEP, 40).expected == pytest.approx(0.5 * (8 * 0.276 + 11 * 0.028))


def test_timings_that_tell_nothing_of_size_make_no_line() -> None:
    assert Calls.of([]) is None
    assert Calls.of([timed(0, 0.01, 1e-4)]) is None
    assert Calls.of([timed(40, 0.5, -1e-4)]) is None


def test_requests_are_counted_as_they_are_made(monkeypatch: pytest.MonkeyPatch) -> None:
    """Against the code that times them, with a clock that says how long each takes."""
    now = [0.0]
    monkeypatch.setattr("crossfare.latency.time.perf_counter", lambda: now[0])
    for each in (0.001, 0.05, 0.3, 3.0):
        made = 0

        def serve(batch: Any, each: float = each) -> None:
            nonlocal made
            made += len(batch)
            now[0] += each * len(batch)

        for size in ASKED["batch_sizes"]:
            limits = {name: ASKED[name] for name in ("repeats", "warmup", "max_seconds")}
            measure(serve, list(range(50)), batch_size=size, **limits)  # type: ignore[arg-type]
        assert requests(ASKED, each) == made


def test_tokens_are_stated_measured_or_assumed_in_this_order() -> None:
    measured = [TokensTold("a", 0.3, 0.2, "measured here"), TokensTold("b", 0.5, 0.4, "measured in run x")]
    told = forecast(1000, 10, 1.1, measured, {})
    assert (told.read, told.written) == ((300, 400, 500), (200, 300, 400))
    assert told.source == "measured here, measured in run x (2 steps)"
    assumed = forecast(1000, 10, 1.2, [], {})
    assert assumed.read == (200 + 200, 250 + 600, 400 + 1500)
    assert assumed.written == (240, 300, 480)
    assert assumed.source.startswith("assumed")
    stated = forecast(1000, 10, 1.0, measured, parse(["tokens=0.3", "prompt=5"]))
    assert stated.read == (350, 350, 350)
    assert stated.source == "stated"


def test_a_language_model_is_forecast_by_its_tokens(tmp_path: Any) -> None:
    pytest.importorskip("genai_prices")
    offer = "llm:openai/gpt-4o-mini"
    figures = Stated("nli", ("pt",), examples=1000, characters=180, engines=(offer,))
    asked = stated_spec(figures)
    rates = parse(["tokens=0.25", "prompt=40", "finetune=0.001", "predict=0.001"])
    made = Forecaster(asked.spec, Basis.gather(store=Store(tmp_path), stated=rates), given=asked.given)
    price = made.catalogue.get(offer)
    assert price.output_amount is not None
    read, written = 180_000 // 4 + 40 * 2000, 180_000 // 4  # a request is a premise or a hypothesis
    usd = (read * price.amount + written * price.output_amount) / 1_000_000
    (plan,) = made.plans()
    once = {option.label: plan.expected.once_usd(option) for option in plan.expected.options}
    tuned = once["zero-shot"]
    assert once[f"translate-train ({offer})"] - tuned == pytest.approx(usd, abs=Decimal("1e-9"))
    assert not any(plan.unknown.values())


def step(forecast_seconds: float, seconds: float) -> StepCheck:
    rate = Decimal("0.00001")
    usd = (Decimal(str(forecast_seconds)) * rate, Decimal(str(seconds)) * rate)
    return StepCheck("a", "score", "a", (forecast_seconds, seconds), usd)


def test_a_step_that_is_off_by_less_than_a_tick_is_within_and_is_told() -> None:
    check = Check("run x", (step(0.002, 0.004), step(1.0, 1.5), step(1.0, 1.2), step(0.03, 0.045)), 0)
    assert [each.within for each in check.steps] == [True, False, True, False]
    assert check.share_within == 0.5
    notes = check_table(check).notes
    assert any(note.startswith("1 of them are off by more than that, but by less than 10 ms") for note in notes)


def test_counts_that_are_nearly_right_are_told_from_those_that_are_not() -> None:
    counts = (
        (("characters", 100, 100),),
        (("characters", 80, 100), ("requests", 4, 4)),
        (("characters", None, 9),),
        (),
    )
    steps = tuple(replace(step(1.0, 1.0), counts=each) for each in counts)
    assert [each.exact for each in steps] == [True, False, False, True]
    assert [each.count_error for each in steps] == [0.0, pytest.approx(0.2), float("inf"), 0.0]
    assert "Of the 2 whose counts are not exact, 1 are within 25 %." in check_table(Check("run x", steps, 0)).notes
