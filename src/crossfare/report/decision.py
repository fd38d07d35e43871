"""The decision for people: which method, at what price, why not the others, and what would change it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal, localcontext
from itertools import pairwise

from crossfare.compare import (
    ALPHA,
    BreakEven,
    Constraints,
    Decision,
    Flip,
    Option,
    Recommendation,
    Verdict,
    break_evens,
    cost_front,
    latency_front,
    price_flips,
    volume_flips,
)
from crossfare.report import numbers
from crossfare.report.hardware_costs import hardware_notes
from crossfare.report.names import metric_name, subject, trivial_name
from crossfare.report.table import MISSING, Cell, Column, Table, amount, number

# Prices and volumes beyond a thousand times, or below a thousandth, of what they are now are not told.
_FAR = 1000
RULE = (
    "the cheapest of the methods whose scores are not told apart from the best (paired tests, Holm's correction, "
    f"significance level {ALPHA:g})"
)
"""What is recommended, as the predicate of a sentence."""

_BEFORE_BASELINES = "its run was made before that was recorded; run its spec again"


@dataclass(frozen=True, slots=True)
class Horizon:
    """How much is served: ``volume`` examples a month, for ``months`` months."""

    volume: int
    months: int

    @property
    def examples(self) -> Decimal:
        """Examples in all."""
        return Decimal(self.volume * self.months)

    def __str__(self) -> str:
        unit = "month" if self.months == 1 else "months"
        return f"{self.volume:,} examples a month for {self.months} {unit}"


def front_table(made: Recommendation, horizon: Horizon) -> Table:
    """Every method with quality, cost and latency, cheapest first, and which front it is on."""
    decision, examples = made.decision, made.examples
    on_cost, on_latency = cost_front(decision, examples), latency_front(decision)
    steps = _steps(decision, on_cost, examples)
    columns: dict[Column | str, Callable[[Option], Cell | str]] = {
        "Method": lambda o: Cell(o.label, best=o == made.chosen),
        number(f"{metric_name(decision.metric)}\n95 %"): lambda o: Cell(
            f"{numbers.score(o.quality)} {_interval(o)}", f"{o.quality}"
        ),
        number("One-time\nUSD"): lambda o: amount(decision.once_usd(o)),
        number("Storage\nUSD/month"): lambda o: amount(decision.kept_usd_per_month(o) if o.kept else None),
        number("Recurring\nUSD/1k"): lambda o: amount(decision.recurring_usd_per_1k(o)),
        number("Total\nUSD"): lambda o: amount(decision.total_usd(o, examples)),
        number("Added\nms"): _latency,
        "Front": lambda o: _fronts(o in on_cost, o in on_latency),
        number("USD per\npoint"): lambda o: amount(steps.get(o.key)),
    }
    if not any(option.kept for option in decision.options):
        del columns[number("Storage\nUSD/month")]
    ordered = sorted(decision.options, key=lambda each: decision.total_usd(each, examples))
    notes = (*_front_notes(decision), *hardware_notes(decision, examples))
    return Table.of(f"{subject(decision)}: methods at {horizon}", columns, ordered, notes)


def break_even_table(decision: Decision, horizon: Horizon) -> Table:
    """From how many examples on one method is cheaper than another; pairs whose costs cross."""
    found = break_evens(decision)
    crossing = [(each, each.examples) for each in found if each.examples is not None]
    shown = [(each, at) for each, at in crossing if 1 <= at <= _FAR * horizon.examples]
    columns: dict[Column | str, Callable[[tuple[BreakEven, Decimal]], Cell | str]] = {
        "Cheaper below": lambda row: row[0].first.label,
        "Cheaper above": lambda row: row[0].then.label,
        number("Examples"): lambda row: Cell(_count(row[1]), f"{row[1]:f}"),
        number(f"Months at\n{horizon.volume:,}"): lambda row: numbers.amount(row[1] / horizon.volume),
    }
    notes = []
    noisy = sum(each.within_noise for each in found)
    if never := len(found) - len(crossing) - noisy:
        notes.append(f"In {never} of {len(found)} pairs one method is cheaper at any volume.")
    if noisy:
        notes.append(f"In {noisy} of {len(found)} pairs which one is cheaper lies within what timings differ by.")
    if far := len(crossing) - len(shown):
        notes.append(f"{far} more cross below one example or beyond {_FAR:,} times the volume.")
    return Table.of(f"{subject(decision)}: break-even volumes", columns, shown, notes)


def sensitivity_table(made: Recommendation, horizon: Horizon) -> Table:
    """The nearest prices and volumes at which another method would be recommended."""
    prices = [flip for flip in price_flips(made) if _near(flip)]
    rows = [_flip_row(flip, made.decision) for flip in prices]
    rows += [
        (
            Cell("volume, examples a month"),
            Cell(f"{horizon.volume:,}"),
            Cell(f"{flip.side} {_count(flip.threshold / horizon.months)}"),
            Cell(_name(flip.chosen)),
        )
        for flip in volume_flips(made)
    ]
    changing = {flip.what for flip in prices}
    firm = [name for name in made.decision.rates if name not in changing]
    notes = ["Prices are changed one at a time; quality is held as measured."]
    if firm:
        notes.insert(0, f"No price of {', '.join(firm)} within a factor of {_FAR:,} changes the choice.")
    columns = (Column("What"), number("Now"), number("Changes at"), Column("Then choose"))
    return Table(f"{subject(made.decision)}: what would change the choice", columns, tuple(rows), tuple(notes))


def explain(made: Recommendation, horizon: Horizon) -> tuple[str, ...]:
    """The recommendation in sentences: heading, choice, reason, why not the others, what would change it."""
    heading = f"{subject(made.decision)}, {horizon}{_constraints(made.constraints)}:"
    if made.chosen is None:
        broken = [f"- {_why_not(verdict, made)}" for verdict in made.verdicts]
        return (heading, f"No method {_demanded(made)}.", *broken)
    others = [verdict for verdict in made.verdicts if verdict.option != made.chosen]
    return (
        heading,
        f"Recommended: {_describe(made.chosen, made)}.",
        _reason(made),
        *_warnings(made),
        *(f"- {_why_not(verdict, made)}" for verdict in others),
        *_changes(made, horizon),
    )


# -- sentences --------------------------------------------------------------------------------


def _describe(option: Option, made: Recommendation) -> str:
    decision = made.decision
    total, once = decision.total_usd(option, made.examples), decision.once_usd(option)
    per_1k = decision.recurring_usd_per_1k(option)
    kept = f", {_money(decision.kept_usd_per_month(option))} a month to keep translations" if option.kept else ""
    quality = f"{metric_name(decision.metric)} {numbers.score(option.quality)} ({_interval(option)})"
    paid = f"{_money(total)} in all ({_money(once)} once{kept}, {_money(per_1k)} per 1,000 examples)"
    return f"{option.label}: {quality}, {paid}, {_added(option)}"


def _reason(made: Recommendation) -> str:
    chosen, best = made.chosen, made.best
    assert chosen is not None and best is not None
    allowed = [verdict for verdict in made.verdicts if not verdict.broken]
    if len(allowed) == 1:
        return f"It is the only method that {_demanded(made)}." if made.verdicts[1:] else "There is no other method."
    if len(made.tied) == 1:
        if any(verdict.status == "worse" and verdict.p is None for verdict in allowed):
            return "It has the best score, but not every other one was tested on the same examples."
        return "It has the best score, and every other one is significantly worse (paired tests, Holm's correction)."
    names = _listed([option.label for option in made.tied])
    text = f"There is no clear winner on quality: the scores of {names} are not told apart (paired tests)."
    if chosen == best:
        return f"{text} It has the best score and is the cheapest of them at this volume."
    return f"{text} It is the cheapest of them at this volume."


def _demanded(made: Recommendation) -> str:
    """What the methods that are left out fail to do, as the predicate of a sentence."""
    rules = {rule for verdict in made.verdicts for rule in verdict.broken}
    parts = ["keeps the constraints"] if rules - {"baseline"} else []
    if "baseline" in rules:
        parts.append(f"is above the trivial baseline ({trivial_name(made.decision.task)})")
    return " and ".join(parts)


def _warnings(made: Recommendation) -> list[str]:
    chosen, asked = made.chosen, made.constraints
    assert chosen is not None
    found = []
    if chosen.reference:
        found.append(
            f"Mind that this is no system's translation: {chosen.note}. Leave such rows out with `--without reference`."
        )
    elif chosen.note:
        found.append(f"{chosen.label}: {chosen.note}.")
    if asked.min_quality is not None and chosen.low < asked.min_quality:
        found.append(
            f"Its interval reaches below the asked {asked.min_quality:g}: more test examples would settle that."
        )
    if chosen.baseline is None:
        found.append(
            f"Whether it is above the trivial baseline ({trivial_name(made.decision.task)}) is not known: "
            f"{_BEFORE_BASELINES}."
        )
    return found


def _why_not(verdict: Verdict, made: Recommendation) -> str:
    option, other, decision = verdict.option, verdict.other, made.decision
    if verdict.broken or other is None:
        failed = (
            "is not above the trivial baseline" if verdict.status == "not-above-baseline" else "breaks a constraint"
        )
        return f"{option.label} {failed}: {', '.join(_broken(name, option, made) for name in verdict.broken)}."
    own, others = decision.total_usd(option, made.examples), decision.total_usd(other, made.examples)
    costs = f"{_money(own)} against {_money(others)}"
    if verdict.status == "dominated":
        scores = f"{numbers.score(option.quality)} against {numbers.score(other.quality)}"
        return f"{option.label} is dominated by {other.label}: {scores}, {costs}."
    if verdict.status == "tied":
        return (
            f"{option.label} is not significantly better than the cheaper {other.label}{_tie(verdict, made)}: {costs}."
        )
    if verdict.status == "worse":
        if verdict.p is None:
            return f"{option.label} scores less than {other.label}, on other test examples: no paired test is possible."
        return f"{option.label} is significantly worse than {other.label}{_test(verdict.difference, verdict.p)}."
    return f"{option.label} scores no higher than {other.label}, which is worse than the best."


def _tie(verdict: Verdict, made: Recommendation) -> str:
    """The test that a tie rests on: of the chosen one against the best, or of both against it."""
    chosen = next(each for each in made.verdicts if each.status == "recommended")
    if verdict.option == made.best:
        return _test(chosen.difference, chosen.p)
    return (
        f", both tied with {made.best.label}"
        if made.best and chosen.option != made.best
        else _test(verdict.difference, verdict.p)
    )


def _test(difference: float | None, p: float | None) -> str:
    if difference is None or p is None:
        return " (no paired test is possible)"
    return f" (difference {abs(difference):.3f}, p {'< 0.001' if p < 0.001 else f'= {p:.3f}'})"


def _broken(name: str, option: Option, made: Recommendation) -> str:
    asked = made.constraints
    if name == "min-quality":
        return f"{metric_name(made.decision.metric)} {numbers.score(option.quality)} is below {asked.min_quality:g}"
    if name == "max-latency":
        return f"it adds {_latency(option)} ms, more than {asked.max_latency_ms:g}"
    if name == "baseline":
        scored = f"{metric_name(made.decision.metric)} {numbers.score(option.quality)} ({_interval(option)})"
        return f"{scored} against {numbers.score(option.baseline or 0.0)} of {trivial_name(made.decision.task)}"
    if name == "latency-not-measured":
        return "its added latency was not measured"
    total = made.decision.total_usd(option, made.examples)
    return f"{_money(total)} is over {_money(asked.max_usd or Decimal(0))}"


def _changes(made: Recommendation, horizon: Horizon) -> list[str]:
    found = [_flip_text(flip, made.decision) for flip in price_flips(made) if _near(flip)]
    found += [_volume_text(flip, horizon) for flip in volume_flips(made) if _near(flip)]
    if not found:
        return [f"No single price, nor the volume, within a factor of {_FAR:,} changes the choice."]
    return [f"It would change {_listed(found)}."]


def _flip_text(flip: Flip, decision: Decision) -> str:
    rate = decision.rates[flip.what]
    then, now = numbers.amount(rate.stated_usd(flip.threshold)), numbers.amount(rate.stated_usd(flip.current))
    return f"to {_name(flip.chosen)} with {flip.what} {flip.side} {then} USD per {rate.stated} (now {now})"


def _volume_text(flip: Flip, horizon: Horizon) -> str:
    monthly = _count(flip.threshold / horizon.months)
    return f"to {_name(flip.chosen)} {flip.side} {monthly} examples a month"


def _constraints(asked: Constraints) -> str:
    parts = []
    if asked.min_quality is not None:
        parts.append(f"quality at least {asked.min_quality:g}")
    if asked.max_latency_ms is not None:
        parts.append(f"at most {asked.max_latency_ms:g} ms added")
    if asked.max_usd is not None:
        parts.append(f"at most {_money(asked.max_usd)}")
    return f", {', '.join(parts)}" if parts else ""


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


# -- cells ------------------------------------------------------------------------------------


def _steps(decision: Decision, on_front: Sequence[Option], examples: Decimal) -> dict[str, Decimal]:
    """What each point (a hundredth) of quality costs, going from one method of the front to the next dearer one."""
    steps: dict[str, Decimal] = {}
    with localcontext(prec=28):
        for cheaper, dearer in pairwise(on_front):
            gained = Decimal(str(dearer.quality)) - Decimal(str(cheaper.quality))
            if gained > 0:
                paid = decision.total_usd(dearer, examples) - decision.total_usd(cheaper, examples)
                steps[dearer.key] = paid / (100 * gained)
    return steps


def _front_notes(decision: Decision) -> tuple[str, ...]:
    notes = dict.fromkeys(f"{option.engine}: {option.note}." for option in decision.options if option.note)
    return (
        *notes,
        f"Bold: recommended, {RULE}. Front: not dominated in total cost, or in added latency, at its quality. "
        "USD per point: what a hundredth of quality more costs, from the front's next cheaper method.",
        "Added ms: translating one request, 95th percentile; n.m.: not measured.",
        *(
            ("Storage: what keeping the translations that were paid once costs; the total has it for all months.",)
            if any(option.kept for option in decision.options)
            else ()
        ),
        *_baseline_notes(decision),
        *decision.notes,
    )


def _baseline_notes(decision: Decision) -> tuple[str, ...]:
    """What a trivial system scores, and which methods may score no more."""
    known = [option for option in decision.options if option.baseline is not None]
    if not known:
        return (f"Trivial baseline ({trivial_name(decision.task)}): not known; {_BEFORE_BASELINES}.",)
    scored = dict.fromkeys(numbers.score(option.baseline or 0.0) for option in known)
    below = [option.label for option in known if not option.above_baseline]
    never = f" Not above it, so not recommended: {', '.join(below)}." if below else ""
    return (f"Trivial baseline: {trivial_name(decision.task)}, {' or '.join(scored)}.{never}",)


def _flip_row(flip: Flip, decision: Decision) -> tuple[Cell, ...]:
    rate = decision.rates[flip.what]
    now, then = rate.stated_usd(flip.current), rate.stated_usd(flip.threshold)
    factor = f" ({numbers.amount(flip.factor)}x)" if flip.factor is not None else ""
    return (
        Cell(f"{flip.what}, USD per {rate.stated}"),
        amount(now),
        Cell(f"{flip.side} {numbers.amount(then)}{factor}", f"{then:f}"),
        Cell(_name(flip.chosen)),
    )


def _near(flip: Flip) -> bool:
    return flip.factor is not None and Decimal(1) / _FAR <= flip.factor <= _FAR


def _name(option: Option | None) -> str:
    return option.label if option else "no method"


def _interval(option: Option) -> str:
    return f"{numbers.score(option.low)}-{numbers.score(option.high)}"


def _money(value: Decimal) -> str:
    return f"{numbers.amount(value)} USD"


def _latency(option: Option) -> str:
    return "n.m." if option.latency_ms is None else numbers.amount(option.latency_ms)


def _added(option: Option) -> str:
    if option.latency_ms is None:
        return "added latency not measured"
    return f"{_latency(option)} ms added to a request" if option.latency_ms else "no added latency"


def _fronts(cost: bool, latency: bool) -> str:
    return {(True, True): "both", (True, False): "cost", (False, True): "latency"}.get((cost, latency), MISSING)


def _count(examples: Decimal) -> str:
    """Whole examples from a hundred on; below, as amounts are shown."""
    return f"{examples:,.0f}" if examples >= 100 else numbers.amount(examples)
