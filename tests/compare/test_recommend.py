"""What is recommended, and the properties that a recommendation must have whatever the figures."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from itertools import combinations

import made
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from crossfare.compare import Constraints, Decision, Option, cost_front, latency_front, recommend

CHEAP = made.option("cheap", 0.70, "1", "0.10")
MIDDLE = made.option("middle", 0.75, "10", "0.10")
DEAR = made.option("dear", 0.80, "100", "5.00", latency_ms=20.0)
THOUSAND = Decimal(1000)

amounts = st.integers(0, 60).map(lambda cents: str(Decimal(cents) / 4))
qualities = st.integers(0, 12).map(lambda n: n / 12)
latencies = st.sampled_from([0.0, 5.0, 20.0, None])
volumes = st.integers(0, 200_000).map(Decimal)


@st.composite
def decisions(draw: st.DrawFn) -> Decision:
    """Up to six methods with few distinct figures, so that ties happen, and any p-values."""
    options = [
        made.option(f"m{n}", draw(qualities), draw(amounts), draw(amounts), draw(latencies))
        for n in range(draw(st.integers(1, 6)))
    ]
    p = {
        (a.key, b.key): draw(st.sampled_from([0.0001, 0.01, 0.04, 0.2, 1.0]))
        for a, b in combinations(options, 2)
        if draw(st.integers(0, 9))  # some pairs cannot be tested
    }
    return made.decision(options, p)


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
@given(decisions(), volumes, constraints)
def test_the_recommended_method_keeps_the_constraints_and_is_never_dominated(
    decision: Decision, examples: Decimal, asked: Constraints
) -> None:
    chosen = recommend(decision, examples, asked).chosen
    allowed = [option for option in decision.options if keeps(decision, option, examples, asked)]
    assert (chosen is None) == (not allowed)
    if chosen is None:
        return
    assert chosen in allowed
    paid = decision.total_usd(chosen, examples)
    for other in allowed:
        total = decision.total_usd(other, examples)
        assert not (other.quality >= chosen.quality and total < paid)
        assert not (other.quality > chosen.quality and total <= paid)


@few
@given(decisions(), volumes, st.integers(1, 200_000))
def test_a_larger_volume_never_moves_the_choice_to_a_higher_recurring_cost(
    decision: Decision, examples: Decimal, more: int
) -> None:
    small, large = recommend(decision, examples).chosen, recommend(decision, examples + more).chosen
    assert small is not None
    assert large is not None
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
def test_the_best_score_is_always_tied_with_itself_and_ties_are_the_best_scores(
    decision: Decision, examples: Decimal
) -> None:
    found = recommend(decision, examples)
    assert found.best in found.tied
    lowest = min(option.quality for option in found.tied)
    assert set(found.tied) == {option for option in decision.options if option.quality >= lowest}


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


def test_of_methods_that_are_not_told_apart_the_cheapest_wins() -> None:
    found = recommend(made.decision([CHEAP, MIDDLE, DEAR], p=0.5), THOUSAND)
    assert (found.chosen, found.best) == (CHEAP, DEAR)
    assert found.tied == (CHEAP, MIDDLE, DEAR)
    assert {verdict.option.key: verdict.status for verdict in found.verdicts} == {
        "cheap": "recommended",
        "middle": "tied",
        "dear": "tied",
    }


def test_a_significantly_better_method_wins_however_dear() -> None:
    found = recommend(made.decision([CHEAP, MIDDLE, DEAR], p=0.001), THOUSAND)
    assert found.chosen == found.best == DEAR
    assert found.tied == (DEAR,)
    assert [verdict.status for verdict in found.verdicts] == ["worse", "worse", "recommended"]
    assert found.verdicts[0].other == DEAR
    assert found.verdicts[0].difference == pytest.approx(0.1)


def test_p_values_are_adjusted_for_the_number_of_methods() -> None:
    """Holm: of two p-values of 0.03, the smaller counts twice."""
    assert recommend(made.decision([CHEAP, DEAR], p=0.03), THOUSAND).chosen == DEAR
    found = recommend(made.decision([CHEAP, MIDDLE, DEAR], p=0.03), THOUSAND)
    assert found.chosen == CHEAP
    assert [verdict.p for verdict in found.verdicts] == [0.06, 0.06, None]


def test_the_level_that_decides_is_five_percent() -> None:
    assert recommend(made.decision([CHEAP, DEAR], p=0.0499), THOUSAND).chosen == DEAR
    for p in (0.05, 0.055):
        assert recommend(made.decision([CHEAP, DEAR], p=p), THOUSAND).chosen == CHEAP


def test_ties_end_at_the_first_method_that_is_significantly_worse() -> None:
    """The cheapest is not told apart from the best, but scores less than one that is."""
    p = {("cheap", "dear"): 0.3, ("middle", "dear"): 0.001}
    found = recommend(made.decision([CHEAP, MIDDLE, DEAR], p), THOUSAND)
    assert found.chosen == DEAR
    assert found.verdicts[0].status == "below-worse"
    assert found.verdicts[0].other == MIDDLE


def test_a_method_that_cannot_be_tested_is_judged_by_its_score() -> None:
    assert recommend(made.decision([CHEAP, DEAR], {}), THOUSAND).chosen == DEAR


def test_each_broken_constraint_is_named() -> None:
    unknown = replace(CHEAP, key="unknown", latency_ms=None)
    asked = Constraints(min_quality=0.78, max_latency_ms=10.0, max_usd=Decimal(50))
    found = recommend(made.decision([CHEAP, DEAR, unknown], p=1.0), THOUSAND, asked)
    assert found.chosen is None
    assert found.tied == ()
    assert [verdict.broken for verdict in found.verdicts] == [
        ("min-quality",),
        ("max-latency", "max-usd"),
        ("min-quality", "latency-not-measured"),
    ]


def test_a_dominated_method_is_told_by_what() -> None:
    waste = made.option("waste", 0.74, "20", "0.20")
    found = recommend(made.decision([CHEAP, MIDDLE, waste], p=0.001), THOUSAND)
    verdict = next(verdict for verdict in found.verdicts if verdict.option == waste)
    assert (verdict.status, verdict.other) == ("dominated", MIDDLE)


@few
@given(decisions(), volumes, st.integers(1, 60))
def test_an_offer_that_is_cheaper_and_better_is_taken(decision: Decision, examples: Decimal, saved: int) -> None:
    """Whatever is chosen, a method with its tests that beats it is chosen instead."""
    chosen = recommend(decision, examples).chosen
    assert chosen is not None
    assume(chosen.fixed[0].quantity > 0)
    fixed = (replace(chosen.fixed[0], quantity=chosen.fixed[0].quantity / (1 + saved)),)
    better = replace(chosen, fixed=fixed)
    options = tuple(better if option.key == chosen.key else option for option in decision.options)
    again = recommend(replace(decision, options=options), examples).chosen
    assert again == better


def test_a_method_that_is_better_on_the_common_examples_is_not_called_worse() -> None:
    """Scores over different examples can contradict their paired test; then the two count as tied."""
    decision = made.decision([CHEAP, DEAR], p=0.001)
    turned = {keys: replace(pair, difference=-pair.difference) for keys, pair in decision.pairs.items()}
    assert recommend(replace(decision, pairs=turned), THOUSAND).chosen == CHEAP


def test_of_equal_costs_the_better_and_of_equal_scores_the_faster_wins() -> None:
    slow = made.option("slow", 0.8, "1", "1", latency_ms=9.0)
    fast = made.option("fast", 0.7, "1", "1", latency_ms=1.0)
    assert recommend(made.decision([fast, slow]), THOUSAND).chosen == slow
    fast = replace(fast, quality=0.8)
    assert recommend(made.decision([slow, fast]), THOUSAND).chosen == fast


# -- trivial systems --------------------------------------------------------------------------


@few
@given(decisions(), volumes, constraints, st.lists(st.none() | qualities, min_size=6, max_size=6))
def test_what_may_score_no_more_than_a_trivial_system_is_never_recommended(
    decision: Decision, examples: Decimal, asked: Constraints, baselines: list[float | None]
) -> None:
    options = tuple(replace(o, baseline=b) for o, b in zip(decision.options, baselines, strict=False))
    found = recommend(replace(decision, options=options), examples, asked)
    above = [o for o in options if (o.baseline is None or o.low > o.baseline) and keeps(decision, o, examples, asked)]
    assert (found.chosen is None) == (not above)
    assert {o.key for o in found.tied} <= {o.key for o in above}
    for verdict in found.verdicts:
        below = verdict.option.baseline is not None and verdict.option.low <= verdict.option.baseline
        assert ("baseline" in verdict.broken) == below
        assert (verdict.status == "not-above-baseline") == (verdict.broken == ("baseline",))


def test_a_pilot_that_scores_what_guessing_scores_recommends_nothing() -> None:
    """50 examples of three classes: .40 is no evidence that the model does more than guess .34."""
    pilot = replace(made.option("zero-shot", 0.40, "1", "0.1"), low=0.26, high=0.54, baseline=0.34)
    found = recommend(made.decision([pilot]), THOUSAND)
    assert (found.chosen, found.best, found.tied) == (None, None, ())
    assert found.verdicts[0].status == "not-above-baseline"
