"""Break-even volumes: against brute force, and against the paper's own figures."""

from __future__ import annotations

from decimal import Decimal

import made
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossfare.compare import break_even, break_evens, curves, grid

cents = st.integers(0, 5_000).map(lambda n: Decimal(n) / 100)


def first_cheaper(fixed_a: Decimal, per_1k_a: Decimal, fixed_b: Decimal, per_1k_b: Decimal, last: int) -> int | None:
    """Count up until the method that is dearer at nothing costs no more than the other."""
    if fixed_a > fixed_b:
        fixed_a, per_1k_a, fixed_b, per_1k_b = fixed_b, per_1k_b, fixed_a, per_1k_a
    for n in range(1, last):
        if fixed_b + per_1k_b * n / 1000 <= fixed_a + per_1k_a * n / 1000:
            return n
    return None


@given(cents, cents, cents, cents)
def test_the_closed_form_is_what_counting_finds(a: Decimal, b: Decimal, c: Decimal, d: Decimal) -> None:
    # Per thousand examples these prices are large, so that the count ends early.
    found = break_even(a, b * 1000, c, d * 1000)
    if found is None:
        low, high = ((a, b), (c, d)) if (a, b) <= (c, d) else ((c, d), (a, b))
        assert low[0] <= high[0]
        assert low[1] <= high[1]
        return
    assert found > 0
    if found < 2_000:
        counted = first_cheaper(a, b * 1000, c, d * 1000, 2_001)
        assert counted is not None
        assert counted - 1 < found <= counted


@given(cents, cents, cents, cents)
def test_it_does_not_matter_which_method_comes_first(a: Decimal, b: Decimal, c: Decimal, d: Decimal) -> None:
    assert break_even(a, b, c, d) == break_even(c, d, a, b)


def test_the_papers_figures_give_its_break_evens() -> None:
    """Table 1: NLI with commercial APIs, and the two strategies of ranking."""
    nli = break_even(Decimal("941.67"), Decimal(0), Decimal(0), Decimal("1.50"))
    assert nli == 627_780  # "about 628k examples"
    ranking = break_even(Decimal(50_793), Decimal("0.70"), Decimal(0), Decimal(5_733))
    assert ranking is not None
    assert round(ranking) == 8_861  # between 8.6k and 8.9k queries
    open_source = break_even(Decimal("6.24"), Decimal(0), Decimal(0), Decimal("0.0188"))
    assert open_source == pytest.approx(Decimal(332_000), rel=Decimal("0.01"))


def test_every_pair_is_there_and_says_who_is_cheaper_where() -> None:
    options = [made.option("a", 0.5, "0", "2"), made.option("b", 0.5, "10", "1"), made.option("c", 0.5, "20", "1")]
    found = break_evens(made.decision(options))
    assert [(each.first.key, each.then.key, each.examples) for each in found] == [
        ("a", "b", 10_000),
        ("a", "c", 20_000),
        ("b", "c", None),
    ]


def test_curves_cross_at_the_break_even() -> None:
    decision = made.decision([made.option("a", 0.5, "0", "2"), made.option("b", 0.5, "10", "1")])
    volumes = grid(decision, Decimal(500))
    assert volumes[:4] == (1, 2, 5, 10)
    assert volumes[-1] == 100_000  # ten times the break-even of 10,000
    first, second = (dict(curve.points) for curve in curves(decision, volumes))
    assert all((first[n] < second[n]) == (n < 10_000) for n in volumes)
    assert first[Decimal(10_000)] == second[Decimal(10_000)] == 20
