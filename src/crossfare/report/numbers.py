"""Numbers as people read them; CSV and JSON carry them in full."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

_SMALLEST = Decimal("0.000001")


def amount(value: Decimal | float) -> str:
    """Two decimals from 1 upwards, two significant digits below: "50,793.00", "0.060", "0.00042".

    A value that is not zero never reads as zero: below a millionth it reads "<0.000001".
    """
    exact = value if isinstance(value, Decimal) else Decimal(str(value))
    if exact == 0:
        return "0"
    if abs(exact) < _SMALLEST:
        return f"<{_SMALLEST}"
    decimals = 2 if abs(exact) >= 1 else max(2, 1 - exact.adjusted())
    return f"{exact.quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_HALF_UP):,f}"


def score(value: float) -> str:
    """A fraction with three decimals."""
    return f"{value:.3f}"


def percent(rate: float) -> str:
    """A rate in per cent with one decimal; only a full rate reads "100 %"."""
    if rate >= 1:
        return "100 %"
    return f"{min(rate * 100, 99.9):.1f} %"
