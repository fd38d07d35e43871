"""Numbers as people read them."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossfare.report import numbers


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("0", "0"),
        ("299.17", "299.17"),
        ("50793", "50,793.00"),
        ("16.366", "16.37"),
        ("1", "1.00"),
        ("0.999", "1.00"),
        ("0.5", "0.50"),
        ("0.0625", "0.063"),
        ("0.00042", "0.00042"),
        ("0.000004219", "0.0000042"),
        ("0.0000009", "<0.000001"),
    ],
)
def test_amounts(value: str, text: str) -> None:
    assert numbers.amount(Decimal(value)) == text
    assert numbers.amount(float(value)) == text


@given(st.decimals("1e-12", "1e9", places=12, allow_nan=False))
def test_no_amount_that_is_not_zero_reads_as_zero_or_far_from_what_it_is(value: Decimal) -> None:
    text = numbers.amount(value)
    if text.startswith("<"):
        assert 0 < value < Decimal(text[1:])
    else:
        assert abs(Decimal(text.replace(",", "")) - value) <= value * Decimal("0.05")


@pytest.mark.parametrize(
    ("rate", "text"), [(1.0, "100 %"), (0.99999, "99.9 %"), (0.9949, "99.5 %"), (0.5, "50.0 %"), (0.0, "0.0 %")]
)
def test_only_a_full_rate_reads_a_hundred(rate: float, text: str) -> None:
    assert numbers.percent(rate) == text
