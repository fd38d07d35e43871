"""What the page's what-if panel reckons with: what each method costs, and how much of it there is to price anew."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from decimal import ROUND_HALF_UP, Decimal, localcontext
from typing import Any

import numpy as np

from crossfare.compare import CONFIDENCE, Component, Decision, Option, UnitPrice
from crossfare.compare.model import usd
from crossfare.ledger.price import PRECISION, usd_of
from crossfare.report.names import metric_name, trivial_name, where

_QUANTITY, _PRICE = Decimal("1e-24"), Decimal("1e-10")


def panel_model(decision: Decision) -> dict[str, Any]:
    """A decision as the page's scripts read it (assets/decision.js); Decimals are text.

    Each side of a method's costs is a list of (resource, cost in USD, quantity in what people state a price for,
    timing): where a price is stated, that times the quantity is the cost. The timing is the number of one of the
    ``margins``: by how much, as a fraction, the cost may be off, together with all others of this timing; None of what
    is exact. ``terms`` are what an offer asks or gives each month, None where nothing. ``draws`` are those that Python
    decides by.
    """
    timings = {name: number for number, name in enumerate(decision.timings)}
    return {
        "where": where(decision),
        "metric_label": metric_name(decision.metric),
        "trivial_label": trivial_name(decision.task),
        "confidence": CONFIDENCE,
        "rates": {
            name: {"own": _own(rate), "per": rate.stated, "source": rate.source, "terms": _terms(rate)}
            for name, rate in decision.rates.items()
        },
        "margins": [f"{timing.margin:f}" for timing in decision.timings.values()],
        "options": [_option(option, decision, timings) for option in decision.options],
        "draws": _hundredths(decision),
    }


def _hundredths(decision: Decision) -> str:
    """The joint draws in hundredths of a point, to which they are rounded: 16-bit numbers, base64."""
    whole = np.rint(decision.draws_of(decision.options).T * 10_000)
    return base64.b64encode(whole.astype("<i2").tobytes()).decode()


def _option(option: Option, decision: Decision, timings: Mapping[str, int]) -> dict[str, Any]:
    shown = ("key", "label", "quality", "low", "high", "latency_ms", "note", "reference")
    sides = {"fixed": option.fixed, "kept": option.kept, "recurring": option.recurring}
    return (
        {name: getattr(option, name) for name in shown}
        | {"beats_baseline": decision.beats_baseline(option)}
        | {side: _lines(components, decision.rates, timings) for side, components in sides.items()}
    )


def _lines(
    components: Iterable[Component], rates: Mapping[str, UnitPrice], timings: Mapping[str, int]
) -> list[tuple[str, str, str, int | None]]:
    with localcontext(prec=PRECISION):
        return [
            (
                each.resource,
                f"{usd([each], rates):f}",
                f"{rates[each.resource].in_stated(each.quantity).quantize(_QUANTITY):f}",
                timings.get(each.timing),
            )
            for each in components
        ]


def _terms(rate: UnitPrice) -> dict[str, str] | None:
    """The free amount, in what people state a price for and in USD at the own price; the fee and the minimum in USD."""
    terms = rate.terms
    if not terms:
        return None
    return {
        "free": f"{rate.in_stated(terms.free).quantize(_QUANTITY):f}",
        "free_usd": f"{usd_of([(terms.free, rate)]):f}",
        "fee": f"{terms.fee:f}",
        "minimum": f"{terms.minimum:f}",
    }


def _own(rate: UnitPrice) -> str:
    """The price as people would state it."""
    return f"{rate.stated_usd().quantize(_PRICE, ROUND_HALF_UP):f}".rstrip("0").rstrip(".")
