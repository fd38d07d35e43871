"""Seconds that were timed are known with an error, and no difference in cost is announced inside it."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from itertools import combinations
from pathlib import Path

import made
import pytest

from crossfare.compare import (
    Aim,
    Component,
    Decision,
    Option,
    RunRecord,
    UnitPrice,
    break_evens,
    cost_front,
    decisions,
    price_flips,
    read_run,
    recommend,
    volume_flips,
)
from crossfare.compare.timing import TIMING_SD, Timing, timings_of
from crossfare.compare.timing_noise import difference, margin_usd, told_apart
from crossfare.ledger import Book
from crossfare.report.advice import explain
from crossfare.report.decision import Horizon, front_table

YEAR = Decimal(1_200_000)
ANY = Aim(margin=1.0)
PRICED = {"seconds": UnitPrice(Decimal(1), Decimal(1), "second", "made"), "money": made.decision([]).rates["money"]}


def jittered(seed: int, deviation: float = TIMING_SD) -> Callable[[str], float]:
    """How many times as long a step took: each step off by itself, but the same whenever it is asked."""
    return lambda step_id: random.Random(f"{seed} {step_id}").lognormvariate(0, deviation)


def by_label(decision: Decision) -> dict[str, Option]:
    return {option.label: option for option in decision.options}


# -- one rate -----------------------------------------------------------------------------------


def test_the_same_model_on_the_same_inputs_costs_the_same(tmp_path: Path) -> None:
    """However long each of its timings took; and all of them together cost what they took."""
    record = read_run(made.run(tmp_path, jitter=jittered(1)))
    (decision,) = decisions([record])
    read_target = [by_label(decision)[name] for name in ("zero-shot", "translate-train (Open S)", "in-language")]
    assert len({decision.recurring_usd_per_1k(option) for option in read_target}) == 1
    timed = [record.steps(result, "inference_per_1k")[0].usage.seconds or 0.0 for result in record.results]
    assert len(set(timed)) == len(timed)  # the ledger keeps what was measured
    pooled = [each.quantity for option in decision.options for each in option.recurring if each.part == "inference"]
    assert float(sum(pooled)) == pytest.approx(sum(timed) / made.TESTED * 1000)


def test_a_rate_is_of_one_model_and_the_language_that_it_reads(tmp_path: Path) -> None:
    cells = [
        *made.CELLS,
        replace(made.CELLS[0], model="source-encoder"),
        replace(made.CELLS[0], target="de"),
    ]
    found = timings_of([read_run(made.run(tmp_path, cells, jitter=jittered(2)))])
    inference = {name.partition(" (")[0]: each.count for name, each in found.known.items() if name.startswith("infer")}
    assert inference == {
        "inference: predict tiny:target-encoder, nli in pt": 4,
        "inference: predict tiny:target-encoder, nli in en": 2,  # of translations
        "inference: predict tiny:source-encoder, nli in pt": 1,
        "inference: predict tiny:target-encoder, nli in de": 1,
    }
    assert {each.unit for name, each in found.known.items() if name.startswith("inference")} == {"example"}


def test_runs_of_other_hardware_have_their_own_rates(tmp_path: Path) -> None:
    one = read_run(made.run(tmp_path / "one", name="one"))
    fast = read_run(made.run(tmp_path / "fast", name="fast", hardware="another machine", speed=0.1))
    (decision,) = decisions([one, fast])
    slow, quick = by_label(decision)["zero-shot (run one)"], by_label(decision)["zero-shot (run fast)"]
    assert decision.recurring_usd_per_1k(slow) == pytest.approx(10 * decision.recurring_usd_per_1k(quick))


def test_a_step_that_two_runs_found_in_one_cache_is_one_timing(tmp_path: Path) -> None:
    runs = [read_run(made.run(tmp_path / name, name=name)) for name in ("one", "two")]
    assert {name: each.count for name, each in timings_of(runs).known.items()} == {
        name: each.count for name, each in timings_of(runs[:1]).known.items()
    }


def test_how_far_timings_scatter_is_told_by_repetitions_and_stated_without(tmp_path: Path) -> None:
    alone = timings_of([read_run(made.run(tmp_path / "alone", made.CELLS[:1]))])
    assert {(each.deviation, each.stated) for each in alone.known.values()} == {(TIMING_SD, True)}
    assert [float(each.margin) for each in alone.known.values()] == pytest.approx([1.96 * TIMING_SD] * 2, rel=1e-3)
    seeds = [replace(cell, seed=seed) for cell in made.CELLS for seed in range(20)]
    known = timings_of([read_run(made.run(tmp_path / "seeds", seeds, jitter=jittered(3, 0.1)))]).known
    assert not any(each.stated for each in known.values())
    for name, each in known.items():
        if name.startswith("inference"):
            assert each.deviation == pytest.approx(0.1, rel=0.2)
            assert float(each.margin) == pytest.approx(1.98 * each.deviation / each.count**0.5, rel=0.02)


def test_a_run_of_the_format_before_has_timings(tmp_path: Path) -> None:
    record = read_run(Path(__file__).with_name("format_1"))
    for decision in decisions([record]):
        assert all(margin_usd(decision, option, YEAR) >= 0 for option in decision.options)
        assert {each.timing for option in decision.options for each in option.recurring} <= {"", *decision.timings}


def test_a_busy_machine_and_the_processor_are_among_what_has_to_be_said(tmp_path: Path) -> None:
    record = read_run(made.run(tmp_path))
    assert not any("other work" in note or "Seconds are those of" in note for note in decisions([record])[0].notes)
    entries = [replace(entry, usage=replace(entry.usage, hardware="cpu")) for entry in record.book]
    results = tuple(replace(r, latency=tuple(replace(each, load=0.5) for each in r.latency)) for r in record.results)
    busy = replace(record, results=results, book=Book(record.book.catalogue, record.book.offers, entries))
    (decision,) = decisions([busy])
    (processor,) = (note for note in decision.notes if "Seconds are those of" in note)
    assert processor.startswith("Seconds are those of 2 test cores (instruction set not recorded): another processor")
    (latency,) = (note for note in decision.notes if "other work" in note)
    assert latency.startswith("translate-infer (Open S): its latency in pt was timed while other work took 50 %")


# -- nothing inside the noise -------------------------------------------------------------------


def test_jitter_makes_no_break_even_no_dominance_and_no_flip(tmp_path: Path) -> None:
    """Methods that cost the same, timed again and again: hardly ever is one called cheaper than the other."""
    same = [made.Made("zero-shot", 20), made.Made("zero-shot", 20, model="source-encoder")]
    called = flipped = 0
    for seed in range(40):
        folder = tmp_path / str(seed)
        (decision,) = decisions([read_run(made.run(folder, same, jitter=jittered(seed)))])
        called += len(cost_front(decision, YEAR)) < 2 or any(not each.within_noise for each in break_evens(decision))
        found = recommend(decision, YEAR, aim=ANY)
        flipped += bool((*price_flips(found), *volume_flips(found)))
    assert max(called, flipped) <= 4  # at most 5 % of 40 at the start, at length and at the volume each


def timed(name: str, fixed: str, per_1k: str, timing: str, quality: float = 0.5) -> Option:
    once = (Component("fine-tuning", "seconds", Decimal(fixed), timing and f"{timing} once"),)
    again = (Component("inference", "seconds", Decimal(per_1k), timing),)
    return replace(made.option(name, quality, "0", "0"), fixed=once, recurring=again)


def with_margins(options: list[Option], margin: str) -> Decision:
    names = {each.timing for option in options for each in (*option.fixed, *option.recurring)} - {""}
    decision = made.decision(options)
    timings = {name: Timing(Decimal(margin), 3, 0.1) for name in names}
    return replace(decision, rates=PRICED, timings=timings)


def test_a_difference_is_told_where_it_is_larger_than_what_is_not_known() -> None:
    cheap, dear = timed("a", "100", "10", "x"), timed("b", "100", "12", "y")
    assert told_apart(with_margins([cheap, dear], "0.05"), cheap, dear, Decimal(10**6))
    assert not told_apart(with_margins([cheap, dear], "0.15"), cheap, dear, Decimal(10**6))
    # Both stand on one timing: they are off together, and by so much that one is dearer it is dearer.
    shared = replace(dear, fixed=cheap.fixed, recurring=(replace(dear.recurring[0], timing="x"),))
    assert told_apart(with_margins([cheap, shared], "0.15"), cheap, shared, Decimal(10**6))
    assert not told_apart(with_margins([cheap, dear], "0.05"), cheap, dear, Decimal(0))  # 100 USD each, timed apart


def test_the_noise_of_a_clock_chooses_no_method() -> None:
    """Of those that may be the cheapest the better one is taken, whichever a run happened to time shorter."""
    for per_1k in ("11", "13"):
        a, b = timed("a", "100", "12", "x", quality=0.50), timed("b", "100", per_1k, "y", quality=0.51)
        dear = timed("c", "100", "90", "z", quality=0.52)
        found = recommend(with_margins([a, b, dear], "0.15"), Decimal(10**6), aim=Aim(margin=1.0))
        assert found.chosen == b
        assert "Of 3 methods shown to be within 100 points of the best one, 2 may be the cheapest" in " ".join(
            explain(found, Horizon(10**6, 1))
        )
    a, b = timed("a", "100", "10", "x", quality=0.50), timed("b", "100", "12", "y", quality=0.51)
    assert recommend(with_margins([a, b], "0.05"), Decimal(10**6), aim=Aim(margin=1.0)).chosen == a  # told apart


def test_what_was_counted_is_exact() -> None:
    a, b = made.option("a", 0.5, "0", "2"), made.option("b", 0.5, "10", "1.9999")
    (found,) = break_evens(made.decision([a, b]))
    assert (found.within_noise, found.low, found.high) == (False, found.examples, found.examples)


def test_a_break_even_has_an_interval_and_none_inside_the_noise() -> None:
    a, b = timed("a", "10", "2", "x"), timed("b", "100", "1", "y")
    (found,) = break_evens(with_margins([a, b], "0.1"))
    assert found.examples == 90_000
    assert found.low is not None and found.high is not None
    decision = with_margins([a, b], "0.1")
    for end in (found.low, found.high):
        apart = difference(decision, a, b, None)
        assert abs(float(apart.fixed + apart.each * int(end))) == pytest.approx(float(apart.margin_usd(end)), rel=1e-3)
    assert found.low < 90_000 < found.high
    (lost,) = break_evens(with_margins([a, b], "0.5"))
    assert (lost.examples, lost.within_noise) == (None, True)


def test_the_interval_of_a_break_even_has_the_true_one_as_often_as_it_says() -> None:
    rng, inside, told = random.Random(5), 0, 0
    for _ in range(400):
        off = [1 + rng.gauss(0, 0.1) for _ in range(4)]
        a = timed("a", f"{10 * off[0]:.6f}", f"{2 * off[1]:.6f}", "x")
        b = timed("b", f"{100 * off[2]:.6f}", f"{1 * off[3]:.6f}", "y")
        (found,) = break_evens(with_margins([a, b], "0.196"))
        if found.low is not None and found.high is not None:
            told += 1
            inside += found.low <= 90_000 <= found.high
    assert told > 350
    assert inside / told > 0.92


def test_a_method_is_dominated_by_one_that_is_cheaper_beyond_doubt() -> None:
    good, poor = timed("good", "10", "10", "x", 0.9), timed("poor", "10", "10.1", "y", 0.5)
    assert cost_front(with_margins([good, poor], "0.1"), YEAR) == (good, poor)
    assert cost_front(with_margins([good, poor], "0.0001"), YEAR) == (good,)


def test_a_point_of_quality_has_no_price_inside_the_noise() -> None:
    poor, good = timed("poor", "10", "10", "x", 0.5), timed("good", "10", "10.1", "y", 0.9)
    for margin, wanted in (("0.1", "-"), ("0.0001", "3.00")):  # 120 USD for 40 points
        found = recommend(with_margins([poor, good], margin), YEAR)
        table = front_table(found, Horizon(100_000, 12))
        assert [row[-1].text for row in table.rows] == ["-", wanted]


def test_no_choice_flips_to_a_method_that_may_cost_as_much() -> None:
    a, b = timed("a", "10", "10", "x"), timed("b", "12", "9.9", "y")
    for decision, wanted in ((with_margins([a, b], "0.0001"), 1), (with_margins([a, b], "0.05"), 0)):
        assert len(volume_flips(recommend(decision, Decimal(1000), aim=ANY))) == wanted
    clear = with_margins([timed("a", "10", "10", "x"), timed("b", "100", "1", "y")], "0.05")
    (flip,) = volume_flips(recommend(clear, Decimal(1000), aim=ANY))
    assert flip.threshold == 10_000


def test_where_errors_have_a_price_what_is_gained_counts_against_what_is_not_known_of_seconds() -> None:
    """A gain in quality is told apart from a cost that is not."""
    a, b = timed("a", "10", "10", "x", 0.9), timed("b", "12", "9.9", "y", 0.5)
    worth = Aim(worth=Decimal("0.00001"))  # 4 USD for a million examples
    (flip,) = volume_flips(recommend(with_margins([a, b], "0.0001"), Decimal(1000), aim=worth))
    assert (flip.side, flip.chosen) == ("above", b)
    assert volume_flips(recommend(with_margins([a, b], "0.05"), Decimal(1000), aim=worth)) == ()


def test_the_margin_of_a_total_grows_with_what_was_timed(tmp_path: Path) -> None:
    record: RunRecord = read_run(made.run(tmp_path, jitter=jittered(4)))
    (decision,) = decisions([record])
    for option in decision.options:
        total, margin = decision.total_usd(option, YEAR), margin_usd(decision, option, YEAR)
        assert 0 < margin < total
    looked_up, own = (by_label(decision)[f"translate-infer ({name})"] for name in ("Reference†", "Open S"))
    shares = [margin_usd(decision, each, YEAR) / decision.total_usd(each, YEAR) for each in (looked_up, own)]
    assert shares[0] < shares[1] / 10  # characters are exact
    assert all(a.timing == b.timing for a, b in combinations(own.recurring, 2) if a.part == b.part)
