"""What would settle a choice that is open: more seeds, more test examples, or both, and what they cost.

How sure the choice would be is told in advance from the same model of chance (`Belief.predicted`), as if the scores
stayed as they are: what is added narrows the draws around them. So the numbers are what it takes on average; a gap
that turns out smaller takes more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, localcontext

from crossfare.compare.measured import CONFIDENCE
from crossfare.compare.model import Decision, Option, usd
from crossfare.compare.recommend import Recommendation, within_of
from crossfare.ledger.price import PRECISION

_SEEDS = (2, 3, 4, 5, 6, 8, 10, 12, 15, 20)
_TIMES = (1.25, 1.5, 2, 2.5, 3, 4, 5, 7, 10, 15, 20, 30, 50, 100)


@dataclass(frozen=True, slots=True)
class More:
    """So many ``seeds`` and test ``examples`` in all would do.

    ``usd`` is what those cost that are not there yet, for the methods that are in the race: training them and having
    them answer; ``labels_usd`` what labelling the examples costs, None if no price of a label is known.
    """

    seeds: int
    examples: int
    usd: Decimal
    labels_usd: Decimal | None


def settle(made: Recommendation) -> tuple[More, ...]:
    """What would be enough evidence: by seeds alone, by test examples alone, and if neither is by both.

    Nothing if the choice is made already, or if nothing that was tried would do: methods that are as good as each
    other to within far less than the margin are told apart by nothing, and need not be.
    """
    if made.enough or not made.decision.tested:
        return ()
    seeds = min(verdict.option.seeds for verdict in made.verdicts if not verdict.broken)
    more = [each / seeds for each in _SEEDS if each > seeds]
    alone = [_least(made, [(times, 1.0) for times in more]), _least(made, [(1.0, times) for times in _TIMES])]
    found = alone if any(alone) else [_least(made, [(times, times) for times in _TIMES])]
    return tuple(_priced(made, seeds, *each) for each in found if each)


def _least(made: Recommendation, tries: Sequence[tuple[float, float]]) -> tuple[float, float] | None:
    return next((each for each in tries if _enough(made, *each)), None)


def _enough(made: Recommendation, seeds: float, examples: float) -> bool:
    """Whether one of the methods would be shown to be within the margin of the best."""
    keys = [verdict.option.key for verdict in made.verdicts if not verdict.broken]
    draws = made.decision.believed.only(keys).predicted(seeds=seeds, examples=examples).draws
    return bool(within_of(draws, made.aim.margin).max() >= CONFIDENCE)


def _priced(made: Recommendation, seeds: int, more_seeds: float, more_examples: float) -> More:
    decision = made.decision
    racing = [verdict.option for verdict in made.racing]
    wanted = (round(seeds * more_seeds), round(decision.tested * more_examples))
    with localcontext(prec=PRECISION):
        trained = (wanted[0] - seeds) * sum((_usd(decision, each, "fine-tuning") for each in racing), Decimal(0))
        answered = sum((decision.recurring_usd_per_1k(each) for each in racing), Decimal(0)) / 1000
        answers = wanted[0] * wanted[1] - seeds * decision.tested
        price = _label_price(decision)
        labels = None if price is None else price * (wanted[1] - decision.tested)
        return More(*wanted, trained + answered * answers, labels)


def _usd(decision: Decision, option: Option, part: str) -> Decimal:
    return usd([each for each in option.fixed if each.part == part], decision.rates)


def _label_price(decision: Decision) -> Decimal | None:
    """What one label costs, if one of the methods was priced with labels."""
    paid = (each for option in decision.options for each in option.fixed if each.part == "annotation")
    resource = next((each.resource for each in paid), None)
    if resource is None:
        return None
    rate = decision.rates[resource]
    return rate.usd / rate.per
