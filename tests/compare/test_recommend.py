"""What is recommended, and the properties that a recommendation must have whatever the figures."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from itertools import combinations
from statistics import fmean

import made
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crossfare.compare import Aim, Component, Constraints, Decision, Option, cost_front, latency_front, recommend

CHEAP = made.option("cheap", 0.70, "1", "0.10", half=0.01)
MIDDLE = made.option("middle", 0.75, "10", "0.10", half=0.01)
DEAR = made.option("dear", 0.80, "100", "5.00", latency_ms=20.0, half=0.01)
THOUSAND = Decimal(1000)

amounts = st.integers(0, 60).map(lambda cents: str(Decimal(cents) / 4))
qualities = st.integers(0, 12).map(lambda n: n / 12)
widths = st.sampled_from([0.0, 0.005, 0.02, 0.1])
latencies = st.sampled_from([0.0, 5.0, 20.0, None])
volumes = st.integers(0, 200_000).map(Decimal)
aims = st.builds(Aim, margin=st.sampled_from([0.0, 0.02, 0.1]), worth=st.none() | amounts.map(Decimal))


@st.composite
def decisions(draw: st.DrawFn) -> Decision:
    """Up to six methods with few distinct figures, so that ties happen, known well or hardly."""
    return made.decision(
        [
            made.option(f"m{n}", draw(qualities), draw(amounts), draw(amounts), draw(latencies), draw(widths))
            for n in range(draw(st.integers(1, 6)))
        ]
    )


few = settings(max_examples=60)

constraints = st.builds(
    Constraints,
    min_quality=st.none() | qualities,
    max_latency_ms=st.none() | st.sampled_from([0.0, 10.0, 50.0]),
    max_usd=st.none() | st.integers(0, 500).map(Decimal),
)


def keeps(decision: Decision, option: Option, examples: Decimal, asked: Constraints) -> bool:
    """The constraints, said once more."""
    return (
        (asked.min_quality is None or option.quality >= asked.min_quality)
        and (
            asked.max_latency_ms is None
            or (option.latency_ms is not None and option.latency_ms <= asked.max_latency_ms)
        )
        and (asked.max_usd is None or decision.total_usd(option, examples) <= asked.max_usd)
    )


@few
@given(decisions(), volumes, constraints, aims)
def test_what_is_recommended_keeps_the_constraints_and_its_verdict_follows_from_the_draws(
    decision: Decision, examples: Decimal, asked: Constraints, aim: Aim
) -> None:
    """Said once more, method by method and draw by draw."""
    found = recommend(decision, examples, asked, aim)
    allowed = [option for option in decision.options if keeps(decision, option, examples, asked)]
    assert [verdict.option for verdict in found.verdicts if not verdict.broken] == allowed
    assert (found.leading is None) == (not allowed)
    draws = decision.draws_of(allowed).tolist() if allowed else []
    totals = [float(decision.total_usd(option, examples)) for option in allowed]
    worth = None if aim.worth is None else float(aim.worth * examples)
    for at, option in enumerate(allowed):
        verdict = found.verdict(option)
        assert verdict.within == fmean(row[at] >= max(row) - aim.margin - 1e-9 for row in draws)
        assert verdict.regret == pytest.approx(fmean(max(row) - row[at] for row in draws), abs=1e-9)
        if worth is not None:
            lost = [
                max(worth * score - paid for score, paid in zip(row, totals, strict=True))
                - worth * row[at]
                + totals[at]
                for row in draws
            ]
            assert verdict.regret_usd == pytest.approx(fmean(lost), abs=1e-6)
    assert sum(verdict.best for verdict in found.verdicts) == pytest.approx(float(bool(allowed)))
    shown = [option for option in allowed if found.verdict(option).within >= 0.95]
    if aim.worth is None:
        assert (found.chosen is None) == (not shown)
        if found.chosen:
            assert found.chosen in shown
            paid = decision.total_usd(found.chosen, examples)
            assert paid == min(decision.total_usd(option, examples) for option in shown)
    elif allowed:
        gains = [worth * fmean(row[at] for row in draws) - totals[at] for at in range(len(allowed))]
        assert gains[allowed.index(found.chosen)] == pytest.approx(max(gains), abs=1e-6)


@few
@given(decisions(), volumes, st.integers(1, 200_000))
def test_a_larger_volume_never_moves_the_choice_to_a_higher_recurring_cost(
    decision: Decision, examples: Decimal, more: int
) -> None:
    """What is shown does not hang on costs, so the volume decides among the same methods."""
    small, large = recommend(decision, examples).chosen, recommend(decision, examples + more).chosen
    assert (small is None) == (large is None)
    if small and large:
        assert decision.recurring_usd_per_1k(large) <= decision.recurring_usd_per_1k(small)


@few
@given(decisions(), volumes, st.integers(1, 200_000))
def test_a_larger_volume_never_helps_the_dearer_of_two_to_serve(
    decision: Decision, examples: Decimal, more: int
) -> None:
    for a, b in combinations(decision.options, 2):
        low, high = sorted((a, b), key=decision.recurring_usd_per_1k)
        if decision.total_usd(low, examples) <= decision.total_usd(high, examples):
            assert decision.total_usd(low, examples + more) <= decision.total_usd(high, examples + more)


@few
@given(decisions(), volumes)
def test_the_fronts_are_what_brute_force_finds(decision: Decision, examples: Decimal) -> None:
    def beaten(a: Option, b: Option, costs: dict[str, Decimal]) -> bool:
        better = b.quality >= a.quality and costs[b.key] <= costs[a.key]
        return better and (b.quality, costs[b.key]) != (a.quality, costs[a.key])

    totals = {option.key: decision.total_usd(option, examples) for option in decision.options}
    wanted = {a for a in decision.options if not any(beaten(a, b, totals) for b in decision.options)}
    assert set(cost_front(decision, examples)) == wanted
    timed = [option for option in decision.options if option.latency_ms is not None]
    waits = {option.key: Decimal(str(option.latency_ms)) for option in timed}
    assert set(latency_front(decision)) == {a for a in timed if not any(beaten(a, b, waits) for b in timed)}


def test_the_cheapest_of_the_methods_shown_to_be_within_the_margin_wins() -> None:
    found = recommend(made.decision([CHEAP, MIDDLE, DEAR]), THOUSAND, aim=Aim(margin=0.07))
    assert (found.chosen, found.leading, found.enough) == (MIDDLE, DEAR, True)
    assert [verdict.status for verdict in found.verdicts] == ["worse", "recommended", "within"]
    assert recommend(made.decision([CHEAP, MIDDLE, DEAR]), THOUSAND, aim=Aim(margin=0.2)).chosen == CHEAP


def test_two_points_are_the_margin_unless_another_is_given() -> None:
    dear = replace(DEAR, low=0.799, high=0.801)
    near = made.option("near", 0.785, "1", "0.10", half=0.001)
    assert recommend(made.decision([near, dear]), THOUSAND).chosen == near
    far = made.option("far", 0.779, "1", "0.10", half=0.001)
    assert recommend(made.decision([far, dear]), THOUSAND).chosen == dear


def test_a_method_that_is_better_by_more_than_the_margin_wins_however_dear() -> None:
    found = recommend(made.decision([CHEAP, MIDDLE, DEAR]), THOUSAND)
    assert found.chosen == found.leading == DEAR
    assert [verdict.status for verdict in found.verdicts] == ["worse", "worse", "recommended"]
    assert found.verdicts[0].difference == pytest.approx(0.1)


def test_the_level_that_decides_is_ninety_five_percent() -> None:
    """Two methods of one score: cheap is within the margin where luck moves their difference by less than it."""
    for half, enough in ((0.0160, True), (0.0175, False)):  # 1.645 standard deviations of the difference: 1.90, 2.08
        two = [replace(each, quality=0.8, low=0.8 - half, high=0.8 + half) for each in (CHEAP, DEAR)]
        found = recommend(made.decision(two), THOUSAND)
        assert (found.chosen is not None, found.enough) == (enough, enough)


def test_without_enough_evidence_nothing_is_recommended_and_the_one_ahead_is_named() -> None:
    wide = [replace(each, low=each.quality - 0.1, high=each.quality + 0.1) for each in (CHEAP, MIDDLE, DEAR)]
    found = recommend(made.decision(wide), THOUSAND)
    assert (found.chosen, found.leading, found.enough) == (None, wide[2], False)
    assert {verdict.status for verdict in found.verdicts} == {"open"}
    assert [verdict.option.key for verdict in found.racing] == ["dear", "middle", "cheap"]
    assert 0.02 < found.least_margin < 0.2
    enough = recommend(made.decision(wide), THOUSAND, aim=Aim(margin=found.least_margin + 0.0001))
    assert enough.chosen is not None


def test_what_an_error_is_worth_decides_between_quality_and_cost() -> None:
    """Ten points more for 600 USD at a hundred thousand examples: an error is worth 6 cents where they break even."""
    two = made.decision(
        [
            replace(CHEAP, recurring=()),
            replace(DEAR, fixed=(Component("inference", "money", Decimal(601)),), recurring=()),
        ]
    )
    for worth, chosen in (("0.0599", "cheap"), ("0.0601", "dear")):
        found = recommend(two, Decimal(100_000), aim=Aim(worth=Decimal(worth)))
        assert found.chosen is not None
        assert found.chosen.key == chosen
        assert all(verdict.regret_usd is not None for verdict in found.verdicts)


def test_picking_the_best_of_many_is_corrected() -> None:
    """Two of them lie apart as 2 of 100 pairs would: worse alone, not with six others that lie between."""
    low, high = (made.option(name, quality, "1", "1", half=0.0196) for name, quality in (("low", 0.7), ("high", 0.733)))
    p = recommend(made.decision([low, high]), THOUSAND).verdicts[0].p
    assert p is not None
    assert 0.01 < p < 0.03
    others = [made.option(f"m{n}", 0.715, "1", "1", half=0.0196) for n in range(6)]
    corrected = recommend(made.decision([low, high, *others]), THOUSAND).verdicts[0].p
    assert corrected is not None
    assert 0.15 < corrected < 0.5


def test_each_broken_constraint_is_named() -> None:
    unknown = replace(CHEAP, key="unknown", latency_ms=None)
    asked = Constraints(min_quality=0.78, max_latency_ms=10.0, max_usd=Decimal(50))
    found = recommend(made.decision([CHEAP, DEAR, unknown]), THOUSAND, asked)
    assert (found.chosen, found.leading) == (None, None)
    assert found.enough
    assert [verdict.broken for verdict in found.verdicts] == [
        ("min-quality",),
        ("max-latency", "max-usd"),
        ("min-quality", "latency-not-measured"),
    ]


def test_of_equal_costs_the_better_and_of_equal_scores_the_faster_wins() -> None:
    slow = made.option("slow", 0.8, "1", "1", latency_ms=9.0, half=0)
    fast = made.option("fast", 0.79, "1", "1", latency_ms=1.0, half=0)
    assert recommend(made.decision([fast, slow]), THOUSAND).chosen == slow
    fast = replace(fast, quality=0.8, low=0.8, high=0.8)
    assert recommend(made.decision([slow, fast]), THOUSAND).chosen == fast


# -- trivial systems --------------------------------------------------------------------------


@few
@given(decisions(), volumes, constraints, st.lists(st.none() | qualities, min_size=6, max_size=6))
def test_what_may_score_no_more_than_a_trivial_system_is_never_recommended(
    decision: Decision, examples: Decimal, asked: Constraints, baselines: list[float | None]
) -> None:
    options = tuple(replace(o, baseline=b) for o, b in zip(decision.options, baselines, strict=False))
    decision = replace(decision, options=options)
    found = recommend(decision, examples, asked)
    for verdict in found.verdicts:
        option = verdict.option
        above = (
            option.baseline is None
            or fmean(score > option.baseline for (score,) in decision.draws_of([option]).tolist()) >= 0.95
        )
        assert ("baseline" in verdict.broken) == (not above)
        assert (verdict.status == "not-above-baseline") == (verdict.broken == ("baseline",))
        assert above or option not in (found.chosen, found.leading)


def test_a_pilot_that_scores_what_guessing_scores_recommends_nothing() -> None:
    """50 examples of three classes: .40 is no evidence that the model does more than guess .34."""
    pilot = replace(made.option("zero-shot", 0.40, "1", "0.1"), low=0.26, high=0.54, baseline=0.34)
    found = recommend(made.decision([pilot]), THOUSAND)
    assert (found.chosen, found.leading) == (None, None)
    assert found.verdicts[0].status == "not-above-baseline"
