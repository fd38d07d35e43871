"""Learning curves for people: what more labels bring, and how many of them equal another method."""

from __future__ import annotations

import math

from crossfare.compare import LearningCurve, Parity
from crossfare.compare.uncertainty import Interval
from crossfare.report import numbers
from crossfare.report.names import metric_name, task_name
from crossfare.report.table import MISSING, Cell, Table, amount, count, number

TRUSTED = 3
"""A curve is read up to so many times the most labels that were tried, and no further."""

_UNSURE = 0.05


def labels_table(curve: LearningCurve) -> Table:
    """The numbers of labels that were tried: score, curve, price."""
    return Table.of(
        f"{heading(curve)}: {curve.method} by number of labels",
        {
            number("Labels"): lambda point: count(point.labels),
            number(f"{metric_name(curve.metric)}\n95 %"): lambda point: _scored(point.score),
            number("Curve"): lambda point: Cell(numbers.score(point.fitted), f"{point.fitted}"),
            number("Annotation\nUSD"): lambda point: amount(curve.usd(point.labels)),
        },
        curve.points,
        (_formula(curve), *_doubts(curve)),
    )


def parity_table(curve: LearningCurve) -> Table:
    """How many labels equal each method that needs none, and their price."""

    def interval(parity: Parity) -> str:
        return f"{shown_labels(curve, parity.reach.low)} to {shown_labels(curve, parity.reach.high)}"

    note = (
        f"Fewer than {curve.fewest:,} labels were not tried; above {curve.most:,} the curve is extrapolated, and "
        f"above {TRUSTED} times as many it is not read. Annotation alone: fine-tuning comes on top."
    )
    return Table.of(
        f"{heading(curve)}: how many labels equal another method?",
        {
            "Equal to": lambda parity: parity.other,
            number(metric_name(curve.metric)): lambda parity: Cell(numbers.score(parity.score), f"{parity.score}"),
            number("Labels"): lambda parity: shown_labels(curve, parity.reach.labels),
            number("95 %"): interval,
            number("Annotation\nUSD"): lambda parity: _price(curve, parity.reach.labels),
        },
        curve.parities,
        [note],
    )


def answers(curve: LearningCurve) -> tuple[str, ...]:
    """A sentence for every other method, zero-shot first."""
    ordered = sorted(curve.parities, key=lambda each: each.method != "zero-shot")
    return tuple(_answer(curve, each) for each in ordered)


def heading(curve: LearningCurve) -> str:
    """The task and the language."""
    return f"{task_name(curve.task)} {curve.target}"


def rounded(labels: float) -> int:
    """Upwards to two digits: no curve is known more closely."""
    whole = math.ceil(labels)
    unit: int = 10 ** max(0, len(str(whole)) - 2)
    return math.ceil(whole / unit) * unit


def shown_labels(curve: LearningCurve, labels: float) -> str:
    """As far as the curve tells: "140", "< 50", "> 900", "never"."""
    if math.isinf(labels):
        return "never"
    if labels > TRUSTED * curve.most:
        return f"> {TRUSTED * curve.most:,}"
    return f"< {curve.fewest:,}" if labels < curve.fewest else f"{rounded(labels):,}"


def _answer(curve: LearningCurve, parity: Parity) -> str:
    found, equal = parity.reach, f"{parity.other} ({metric_name(curve.metric)} {numbers.score(parity.score)})"
    if math.isinf(found.labels):
        off = f"the curve levels off at {numbers.score(curve.fitted.ceiling.item())}"
        if found.share > _UNSURE:
            share = f"{100 * found.share:.0f} % of the drawn curves reach it"
            more = f"Try more than {curve.most:,}."
            return f"Whether any number of labels equals {equal} cannot be told: {off}, but {share}. {more}"
        return f"No number of labels is expected to equal {equal}: {off}, as far as {curve.most:,} labels tell."
    if found.labels > TRUSTED * curve.most:
        least = TRUSTED * curve.most
        return (
            f"More than {least:,} labels, {_money(curve, least)}, would be needed to equal {equal}: further beyond the "
            f"{curve.most:,} tried than the curve can tell{_spread(curve, parity)}."
        )
    if found.labels < curve.fewest:
        return (
            f"Fewer than {curve.fewest:,} labels, the fewest tried, equal {equal}: at most "
            f"{_money(curve, curve.fewest)}{_spread(curve, parity)}."
        )
    count = rounded(found.labels)
    beyond = f", an extrapolation beyond the {curve.most:,} tried" if found.labels > curve.most else ""
    return f"About {count:,} labels equal {equal}, {_money(curve, count)}{beyond}{_spread(curve, parity)}."


def _spread(curve: LearningCurve, parity: Parity) -> str:
    low, high = parity.reach.low, parity.reach.high
    if high < curve.fewest:
        return ""
    if math.isinf(high) or high > TRUSTED * curve.most:
        if low < curve.fewest:
            return f"; 95 %: from fewer than {curve.fewest:,} to more than can be told"
        return f"; 95 %: {shown_labels(curve, low)} or more, {_price(curve, low).text} USD or more"
    labels = f"{shown_labels(curve, low)} to {shown_labels(curve, high)}"
    return f"; 95 %: {labels}, {_price(curve, low).text} to {_price(curve, high).text} USD"


def _scored(known: Interval) -> Cell:
    low, high = numbers.score(known.low), numbers.score(known.high)
    return Cell(f"{numbers.score(known.value)} {low}-{high}", f"{known.value}")


def _price(curve: LearningCurve, labels: float) -> Cell:
    if math.isinf(labels):
        return Cell(MISSING)
    if labels < curve.fewest:
        return Cell(f"< {numbers.amount(curve.usd(curve.fewest))}")
    if labels > TRUSTED * curve.most:
        return Cell(f"> {numbers.amount(curve.usd(TRUSTED * curve.most))}")
    return amount(curve.usd(rounded(labels)))


def _money(curve: LearningCurve, labels: int) -> str:
    return f"{numbers.amount(curve.usd(labels))} USD"


def _formula(curve: LearningCurve) -> str:
    law, rate = curve.fitted, curve.fitted.rate.item()
    if law.half.item():
        shape = f"/ (1 + (labels / {law.half.item():,.0f}) ^ {rate:.2f})"
    else:
        shape = f"* (labels / {curve.most:,}) ^ -{rate:.2f}"
    return (
        f"Curve: {law.ceiling.item():.3f} - {law.gap.item():.3f} {shape}, "
        f"fitted by least squares. A label costs {numbers.amount(curve.usd(1))} USD ({curve.label_price.source})."
    )


def _doubts(curve: LearningCurve) -> tuple[str, ...]:
    found = []
    if len(curve.points) == 3:
        found.append("Three numbers of labels fix the curve's three parameters: its form is assumed, not tested.")
    if curve.seeds == 1:
        found.append("One seed: how much a score depends on the seed is not known, so the intervals may be too narrow.")
    if curve.fitted.gap.item() == 0:
        found.append("The scores do not grow with the labels here: the curve is flat.")
    return tuple(found)
