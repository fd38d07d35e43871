"""Which method to choose at a volume, under constraints: by what is lost if the choice is wrong, not by significance.

What the true scores may be is known from joint draws (`crossfare.compare.uncertainty`): of the methods that keep every
constraint and are shown to beat a trivial system,

- where it is said what an error is worth, the method with the greatest expected net benefit, worth times quality minus
  cost, is recommended;
- otherwise the cheapest method that is shown to be within a margin of the best one, whichever that is; of those that
  cost the same as far as timings tell, the one with the highest score, so that the noise of a clock chooses nothing. If
  none is shown to be, there is not enough evidence: the one with the least expected regret is named, and nothing
  recommended.

Shown is what holds in 95 of 100 draws. A method's regret is what it scores less than the best one in a draw: it counts
how much is lost, where a significance test counts only whether.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Literal

import numpy as np

from crossfare.compare.measured import ALPHA, CONFIDENCE, Floats
from crossfare.compare.model import Decision, Option
from crossfare.compare.timing_noise import as_cheap

MARGIN = 0.02
"""By how much a score may be below the best one without anybody minding, if nothing else is said: two points."""

Status = Literal["recommended", "excluded", "not-above-baseline", "within", "open", "worse"]
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
class Aim:
    """What is wanted: within ``margin`` (a fraction) of the best at the least cost, or if an error less is ``worth``
    so many USD the greatest net benefit. An example is in error by what its score lacks to 1.
    """

    margin: float = MARGIN
    worth: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one method.

    ``status``      "excluded": breaks the constraints named in ``broken``
                    "not-above-baseline": is not shown to beat a trivial system, which is all that is ``broken``
                    "worse": shown to be worse than the method with the best score (``p``, corrected for the picking)
                    "within": shown to be within the margin of the best, but dearer than the one recommended
                    "open": neither
    ``best``        probability of being the best choice: the highest score, or with a worth the greatest net benefit
    ``within``      probability of being within the margin of the best score
    ``regret``      what it is expected to score less than the best, as a fraction
    ``regret_usd``  what its net benefit is expected to be less than the greatest, with a worth
    ``difference``  the best score measured minus this one
    """

    option: Option
    status: Status
    broken: tuple[Broken, ...] = ()
    best: float = 0.0
    within: float = 0.0
    regret: float = 0.0
    regret_usd: float | None = None
    difference: float = 0.0
    p: float | None = None


@dataclass(frozen=True, slots=True)
class Recommendation:
    """The choice at a number of examples, or None: all methods are left out, or there is not ``enough`` evidence.

    ``leading`` is the one with the least expected regret: what to take if a choice must be made now; None if all are
    left out. ``assumed`` says that no method was trained twice, so that the luck of training was assumed.
    """

    decision: Decision
    examples: Decimal
    constraints: Constraints
    aim: Aim
    chosen: Option | None
    leading: Option | None
    verdicts: tuple[Verdict, ...]
    assumed: bool = False

    @property
    def enough(self) -> bool:
        """Whether there is enough evidence to choose one of the methods that are left."""
        return self.chosen is not None or self.leading is None

    @property
    def racing(self) -> tuple[Verdict, ...]:
        """The methods that may still be the best choice, the likeliest first."""
        left = [each for each in self.verdicts if not each.broken and each.best >= ALPHA]
        return tuple(sorted(left, key=lambda each: -each.best))

    @property
    def least_margin(self) -> float:
        """The least margin that the evidence is enough for, as a fraction."""
        draws = self.decision.draws_of([verdict.option for verdict in self.verdicts if not verdict.broken])
        return float(np.quantile(_behind(draws), CONFIDENCE, axis=0, method="inverted_cdf").min())

    def verdict(self, option: Option) -> Verdict:
        """What became of one of the methods."""
        return next(each for each in self.verdicts if each.option == option)


_FREE, _CHEAPEST = Constraints(), Aim()


def recommend(
    decision: Decision, examples: Decimal, constraints: Constraints = _FREE, aim: Aim = _CHEAPEST
) -> Recommendation:
    """Choose a method for ``examples`` examples in all."""
    believed = decision.believed
    totals = {option.key: decision.total_usd(option, examples) for option in decision.options}
    broken = {option.key: _broken(option, decision, totals[option.key], constraints) for option in decision.options}
    allowed = [option for option in decision.options if not broken[option.key]]
    found = _weighed(decision, allowed, totals, examples, aim)
    shown = [option for option in allowed if found[option.key].within >= CONFIDENCE]
    leading = min(allowed, key=lambda option: _regret(found[option.key]), default=None)
    chosen = _cheapest(decision, shown, totals, examples) if aim.worth is None else leading

    def verdict(option: Option) -> Verdict:
        if rules := broken[option.key]:
            return Verdict(option, "not-above-baseline" if rules == ("baseline",) else "excluded", rules)
        own = found[option.key]
        return replace(own, status=_status(own, chosen, option in shown))

    return Recommendation(
        decision,
        examples,
        constraints,
        aim,
        chosen,
        leading,
        tuple(verdict(option) for option in decision.options),
        not believed.known(*_keys(allowed)),
    )


def _weighed(
    decision: Decision, allowed: Sequence[Option], totals: Mapping[str, Decimal], examples: Decimal, aim: Aim
) -> dict[str, Verdict]:
    """What the draws say of each method that is allowed, its status still open."""
    if not allowed:
        return {}
    draws = decision.draws_of(allowed)
    behind = lost = _behind(draws)
    if aim.worth is not None:
        benefit = draws * float(aim.worth * examples) - [float(totals[option.key]) for option in allowed]
        lost = _behind(benefit)
    best, within, worse = _shares(lost), within_of(draws, aim.margin), decision.believed.only(_keys(allowed)).worse
    top = max(option.quality for option in allowed)
    return {
        option.key: Verdict(
            option,
            "open",
            best=float(best[at]),
            within=float(within[at]),
            regret=float(behind[:, at].mean()),
            regret_usd=None if aim.worth is None else float(lost[:, at].mean()),
            difference=top - option.quality,
            p=worse[option.key],
        )
        for at, option in enumerate(allowed)
    }


def _keys(options: Sequence[Option]) -> list[str]:
    return [option.key for option in options]


def within_of(draws: Floats, margin: float) -> Floats:
    """How often each method is within a margin of the best one."""
    return np.asarray((_behind(draws) <= margin + 1e-9).mean(axis=0))


def _behind(draws: Floats) -> Floats:
    """By how much each method is less than the best one, draw by draw."""
    return np.asarray(draws.max(axis=1, keepdims=True) - draws)


def _shares(lost: Floats) -> Floats:
    """How often each loses nothing; several in one draw share it."""
    first = lost <= 1e-9
    return np.asarray((first / first.sum(axis=1, keepdims=True)).mean(axis=0))


def _status(found: Verdict, chosen: Option | None, shown: bool) -> Status:
    if found.option == chosen:
        return "recommended"
    if found.p is not None and found.p < ALPHA:
        return "worse"
    return "within" if shown else "open"


def _regret(found: Verdict) -> float:
    return found.regret if found.regret_usd is None else found.regret_usd


def _broken(option: Option, decision: Decision, total: Decimal, asked: Constraints) -> tuple[Broken, ...]:
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
    if not decision.beats_baseline(option):
        found.append("baseline")
    return tuple(found)


def _cheapest(
    decision: Decision, shown: Sequence[Option], totals: Mapping[str, Decimal], examples: Decimal
) -> Option | None:
    """The cheapest; of those that may cost as little the better one, of equal ones the faster."""
    if not shown:
        return None

    def preference(option: Option) -> tuple[float, float, Decimal]:
        latency = float("inf") if option.latency_ms is None else option.latency_ms
        return -option.quality, latency, totals[option.key]

    return min(as_cheap(decision, shown, examples), key=preference)
