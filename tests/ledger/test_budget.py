from __future__ import annotations

import multiprocessing
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossfare.errors import BudgetExceeded
from crossfare.ledger.budget import Budget, shown

CENT = Decimal("0.01")


def test_what_is_spent_adds_up_and_the_bill_counts(tmp_path: Path) -> None:
    budget = Budget(Decimal("0.10"), tmp_path / "spent")
    assert budget.spent == 0
    with budget.paying(Decimal("0.06"), "the first request") as billed:
        assert budget.spent == Decimal("0.06")
        billed(Decimal("0.05"))
    with budget.paying(Decimal("0.05"), "one that costs all that is left"):
        pass
    assert budget.spent == Decimal("0.10")


def test_a_request_that_would_pass_the_limit_is_not_made(tmp_path: Path) -> None:
    budget = Budget(Decimal("0.05"), tmp_path / "spent")
    with budget.paying(Decimal("0.04"), "a request"):
        pass
    said = r"^0\.0400 of 0\.0500 USD are spent, and the next would cost 0\.0101 USD more$"
    with pytest.raises(BudgetExceeded, match=said), budget.paying(Decimal("0.0101"), "the next"):
        pytest.fail("the request was made")
    assert budget.spent == Decimal("0.04")


def test_a_request_that_fails_stays_entered(tmp_path: Path) -> None:
    budget = Budget(Decimal(1), tmp_path / "spent")
    with pytest.raises(TimeoutError), budget.paying(Decimal("0.4"), "a request"):
        raise TimeoutError
    assert budget.spent == Decimal("0.4")


@given(st.lists(st.integers(0, 40)))
def test_it_is_never_passed_whatever_the_order(costs: list[int]) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        budget = Budget(Decimal(1), Path(folder) / "spent")
        paid = Decimal(0)
        for cents in costs:
            cost = cents * CENT
            try:
                with budget.paying(cost, "a request"):
                    paid += cost
            except BudgetExceeded:
                assert paid + cost > 1
        assert budget.spent == paid <= 1


def pay(budget: Budget) -> int:
    made = 0
    for _ in range(30):
        try:
            with budget.paying(CENT, "a request"):
                made += 1
        except BudgetExceeded:
            pass
    return made


def test_processes_keep_it_together(tmp_path: Path) -> None:
    budget = Budget(Decimal("0.50"), tmp_path / "spent")
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        made = pool.map(pay, [budget] * 2)
    assert sum(made) == 50
    assert budget.spent == Decimal("0.50")


@pytest.mark.parametrize(
    ("usd", "text"),
    [("0", "0.00"), ("12.5", "12.50"), ("0.02", "0.0200"), ("0.00012345", "0.000123"), ("1E+3", "1000.00")],
)
def test_amounts_are_shown_with_the_digits_that_matter(usd: str, text: str) -> None:
    assert shown(Decimal(usd)) == text
