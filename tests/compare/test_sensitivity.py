"""Which price or volume would change the choice: thresholds against a search over prices."""

from __future__ import annotations

from decimal import Decimal

import made
from hypothesis import given, settings
from hypothesis import strategies as st
from test_recommend import aims, constraints, decisions, volumes

from crossfare.compare import (
    Aim,
    Component,
    Constraints,
    Decision,
    Option,
    UnitPrice,
    price_flips,
    recommend,
    volume_flips,
)

API, COMPUTE = "engine:api", "compute"
RATES = {
    API: UnitPrice(Decimal(20), Decimal(1_000_000), "character", "made"),
    COMPUTE: UnitPrice(Decimal("0.36"), Decimal(3600), "second", "made"),
}


def option(name: str, characters: str, seconds: str, quality: float = 0.5) -> Option:
    fixed = (Component("translation", API, Decimal(characters)), Component("fine-tuning", COMPUTE, Decimal(seconds)))
    return Option(name, name, fixed, (), quality, quality, quality)


def test_the_threshold_of_a_price_is_where_two_methods_cost_the_same() -> None:
    """20 USD for characters against 0.36 USD for seconds: equal at 0.36 USD the million, or 20 USD the hour."""
    decision = Decision("nli", "pt", "accuracy", RATES, (option("api", "1000000", "0"), option("own", "0", "3600")))
    found = {(flip.what, flip.side): flip for flip in price_flips(recommend(decision, Decimal(1)))}
    assert set(found) == {(API, "below"), (COMPUTE, "above")}
    assert found[API, "below"].threshold == Decimal("0.36")
    assert found[API, "below"].factor == Decimal("0.018")
    assert found[COMPUTE, "above"].threshold == 20
    assert found[COMPUTE, "above"].current == Decimal("0.36")
    assert {flip.chosen.label for flip in found.values() if flip.chosen} == {"api"}


def test_the_threshold_of_the_volume_is_the_break_even() -> None:
    decision = made.decision([made.option("a", 0.5, "0", "2", half=0), made.option("b", 0.5, "10", "1", half=0)])
    (flip,) = volume_flips(recommend(decision, Decimal(3_000)))
    assert (flip.side, flip.threshold, flip.chosen) == ("above", 10_000, decision.options[1])
    (flip,) = volume_flips(recommend(decision, Decimal(30_000)))
    assert (flip.side, flip.threshold, flip.chosen) == ("below", 10_000, decision.options[0])


def test_a_budget_ends_a_choice_where_it_is_spent() -> None:
    decision = made.decision([made.option("only", 0.5, "10", "1")])
    found = recommend(decision, Decimal(1000), Constraints(max_usd=Decimal(22)))
    (price,) = price_flips(found)
    assert (price.side, price.threshold, price.chosen) == ("above", 2, None)  # 11 units at 2 dollars
    (volume,) = volume_flips(found)
    assert (volume.side, volume.threshold, volume.chosen) == ("above", 12_000, None)


@settings(max_examples=60)
@given(decisions(), volumes, constraints, aims, st.integers(0, 400))
def test_no_price_between_the_thresholds_changes_the_choice(
    decision: Decision, examples: Decimal, asked: Constraints, aim: Aim, step: int
) -> None:
    found = recommend(decision, examples, asked, aim)
    flips = {flip.side: flip.threshold for flip in price_flips(found)}
    price = Decimal(step) / 100
    if flips.get("below", Decimal(-1)) < price < flips.get("above", Decimal(10**9)) and price > 0:
        assert recommend(decision.at_price("money", price), examples, asked, aim).chosen == found.chosen


@settings(max_examples=60)
@given(decisions(), volumes, constraints, aims, st.integers(1, 400_000))
def test_no_volume_between_the_thresholds_changes_the_choice(
    decision: Decision, examples: Decimal, asked: Constraints, aim: Aim, other: int
) -> None:
    found = recommend(decision, examples, asked, aim)
    flips = {flip.side: flip.threshold for flip in volume_flips(found)}
    if flips.get("below", Decimal(-1)) < other < flips.get("above", Decimal(10**9)):
        assert recommend(decision, Decimal(other), asked, aim).chosen == found.chosen


@settings(max_examples=60)
@given(decisions(), volumes, constraints)
def test_just_beyond_a_threshold_the_named_method_is_chosen(
    decision: Decision, examples: Decimal, asked: Constraints
) -> None:
    found = recommend(decision, examples, asked)
    for flip in volume_flips(found):
        little = max(flip.threshold, Decimal(1)) * Decimal("1e-12")
        beyond = flip.threshold + (little if flip.side == "above" else -little)
        assert recommend(decision, beyond, asked).chosen == flip.chosen != found.chosen


def test_a_choice_that_costs_as_much_as_another_changes_at_once() -> None:
    same = made.decision([made.option("a", 0.59, "0", "2", half=0), made.option("b", 0.6, "10", "1", half=0)])
    found = recommend(same, Decimal(10_000))
    assert found.chosen == same.options[1]
    assert [(flip.side, flip.threshold, flip.chosen) for flip in volume_flips(found)] == [
        ("below", 10_000, same.options[0])
    ]
    other = made.decision([made.option("a", 0.6, "0", "2", half=0), made.option("b", 0.59, "10", "1", half=0)])
    found = recommend(other, Decimal(10_000))
    assert [(flip.side, flip.threshold) for flip in volume_flips(found)] == [("above", 10_000)]
