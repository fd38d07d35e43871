"""Which method to choose at a volume, under constraints, and why not the others.

The rule, in words: of the methods that keep every constraint, and whose whole interval is above what
a trivial system scores, find the best score. Going down from it, methods count as tied with it until
the first one that is significantly worse (paired test, Holm's correction over the methods that are
left). Of the tied methods the cheapest at the volume is recommended.

So a recommended method is never dominated: one that is at least as good and costs no more would be
tied too, and cheaper. And as ties do not depend on costs, a larger volume (without a budget) can
only move the recommendation to a method with a lower recurring cost.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from crossfare.compare.model import Decision, Option
from crossfare.compare.timing_noise import told_apart
from crossfare.compare.trade_offs import dominator
from crossfare.score import significance

ALPHA = 0.05

Status = Literal["recommended", "excluded", "not-above-baseline", "dominated", "tied", "worse", "below-worse"]
Broken = Literal["min-quality", "max-latency", "latency-not-measured", "max-usd", "baseline"]


@dataclass(frozen=True, slots=True)
class Constraints:
    """What a method must keep to be considered at all; None is no constraint.

    Quality is the score as a fraction, latency is added to one request, money is the total over
    the horizon.
    """

    min_quality: float | None = None
    max_latency_ms: float | None = None
    max_usd: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one method.

    ``status``      "excluded": breaks the constraints named in ``broken``
                    "not-above-baseline": a trivial system may score as much, which is all that is ``broken``
                    "dominated": ``other`` is at least as good and costs no more
                    "tied": not significantly different from the best, but dearer than ``other``
                    "worse": significantly worse than ``other``, the best; or if ``p`` is None, of a lower
                        score on other test examples, so that no test is possible
                    "below-worse": scores no higher than ``other``, which is worse
    ``difference``  best minus this one on common examples, and ``p``, Holm-adjusted; None if this
                    is the best itself, or the two cannot be compared
    """

    option: Option
    status: Status
    other: Option | None = None
    broken: tuple[Broken, ...] = ()
    difference: float | None = None
    p: float | None = None


@dataclass(frozen=True, slots=True)
class Recommendation:
    """The choice at a number of examples; ``chosen`` is None if all methods are left out.

    ``best`` has the highest score of those that are left; ``tied`` are the methods not told apart
    from it, itself included: more than one means that there is no clear winner.
    """

    decision: Decision
    examples: Decimal
    constraints: Constraints
    chosen: Option | None
    best: Option | None
    tied: tuple[Option, ...]
    verdicts: tuple[Verdict, ...]


_FREE = Constraints()


def recommend(decision: Decision, examples: Decimal, constraints: Constraints = _FREE) -> Recommendation:
    """Choose a method for ``examples`` examples in all."""
    totals = {option.key: decision.total_usd(option, examples) for option in decision.options}
    broken = {option.key: _broken(option, totals[option.key], constraints) for option in decision.options}
    allowed = [option for option in decision.options if not broken[option.key]]
    best = max(allowed, key=_quality, default=None)
    tests = _against(best, allowed, decision) if best else {}
    worse = [option for option in allowed if best and _worse(option, best, tests)]
    limit = max(worse, key=_quality, default=None)
    tied = tuple(option for option in allowed if limit is None or option.quality > limit.quality)
    chosen = min(tied, key=lambda option: _preference(option, totals), default=None)

    def verdict(option: Option) -> Verdict:
        if rules := broken[option.key]:
            return Verdict(option, "not-above-baseline" if rules == ("baseline",) else "excluded", broken=rules)
        status: Status
        if option is chosen:
            status, other = "recommended", None
        elif stronger := dominator(
            option,
            allowed,
            lambda each: totals[each.key],
            lambda one, other: told_apart(decision, one, other, examples),
        ):
            status, other = "dominated", stronger
        elif option in tied:
            status, other = "tied", chosen
        else:
            status, other = ("worse", best) if option in worse else ("below-worse", limit)
        difference, p = tests.get(option.key, (None, None))
        return Verdict(option, status, other, (), difference, p)

    return Recommendation(
        decision, examples, constraints, chosen, best, tied, tuple(verdict(option) for option in decision.options)
    )


def _quality(option: Option) -> float:
    return option.quality


def _broken(option: Option, total: Decimal, asked: Constraints) -> tuple[Broken, ...]:
    found: list[Broken] = []
    if asked.min_quality is not None and option.quality < asked.min_quality:
        found.append("min-quality")
    if asked.max_latency_ms is not None:
        if option.latency_ms is None:
            found.append("latency-not-measured")
        elif option.latency_ms > asked.max_latency_ms:
            found.append("max-latency")
    if asked.max_usd is not None and total > asked.max_usd:
        found.append("max-usd")
    if not option.above_baseline:
        found.append("baseline")
    return tuple(found)


def _preference(option: Option, totals: Mapping[str, Decimal]) -> tuple[Decimal, float, float]:
    """Cheapest first; of equal costs the better one, of equal ones the faster."""
    latency = float("inf") if option.latency_ms is None else option.latency_ms
    return totals[option.key], -option.quality, latency


def _against(best: Option, allowed: Sequence[Option], decision: Decision) -> dict[str, tuple[float, float]]:
    """The best minus each other one that it can be tested against, and the adjusted p-value."""
    found = {
        option.key: pair
        for option in allowed
        if option.key != best.key and (pair := decision.pairs.get(frozenset((best.key, option.key)))) is not None
    }
    adjusted = significance.holm([pair.p for pair in found.values()])
    return {
        key: (pair.difference if pair.a == best.key else -pair.difference, p)
        for (key, pair), p in zip(found.items(), adjusted, strict=True)
    }


def _worse(option: Option, best: Option, tests: Mapping[str, tuple[float, float]]) -> bool:
    """Whether a method is told apart from the best; where no test is possible, its score decides."""
    if option.quality == best.quality:
        return False
    if option.key not in tests:
        return True
    difference, p = tests[option.key]
    return p < ALPHA and difference > 0
