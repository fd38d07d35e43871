"""The decision for people: which method, at what price, why not the others, and what would change it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal, localcontext
from itertools import pairwise

from crossfare.compare import (
    BreakEven,
    Decision,
    Flip,
    Option,
    Recommendation,
    break_evens,
    cost_front,
    latency_front,
    price_flips,
    told_apart,
    volume_flips,
)
from crossfare.report import numbers
from crossfare.report.hardware_costs import hardware_notes, terms_notes
from crossfare.report.names import metric_name, subject, trivial_name
from crossfare.report.table import MISSING, Cell, Column, Table, amount, number

# Prices and volumes beyond a thousand times, or below a thousandth, of what they are now are not told.
FAR = 1000
BEFORE_BASELINES = "its run was made before that was recorded; run its spec again"


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
            f"{numbers.score(o.quality)} {interval(o)}", f"{o.quality}"
        ),
        number("One-time\nUSD"): lambda o: amount(decision.once_usd(o)),
        number("Storage\nUSD/month"): lambda o: amount(decision.kept_usd_per_month(o) if o.kept else None),
        number("Recurring\nUSD/1k"): lambda o: amount(decision.recurring_usd_per_1k(o)),
        number("Total\nUSD"): lambda o: amount(decision.total_usd(o, examples)),
        number("Added\nms"): latency,
        "Front": lambda o: _fronts(o in on_cost, o in on_latency),
        number("USD per\npoint"): lambda o: amount(steps.get(o.key)),
    }
    if not any(option.kept for option in decision.options):
        del columns[number("Storage\nUSD/month")]
    ordered = sorted(decision.options, key=lambda each: decision.total_usd(each, examples))
    notes = (*_front_notes(made), *terms_notes(decision), *hardware_notes([decision], examples))
    return Table.of(f"{subject(decision)}: methods at {horizon}", columns, ordered, notes)


def break_even_table(decision: Decision, horizon: Horizon) -> Table:
    """From how many examples on one method is cheaper than another; pairs whose costs cross."""
    found = break_evens(decision)
    crossing = [(each, each.examples) for each in found if each.examples is not None]
    shown = [(each, at) for each, at in crossing if 1 <= at <= FAR * horizon.examples]
    columns: dict[Column | str, Callable[[tuple[BreakEven, Decimal]], Cell | str]] = {
        "Cheaper below": lambda row: row[0].first.label,
        "Cheaper above": lambda row: row[0].then.label,
        number("Examples"): lambda row: Cell(count(row[1]), f"{row[1]:f}"),
        number(f"Months at\n{horizon.volume:,}"): lambda row: numbers.amount(row[1] / horizon.volume),
    }
    notes = []
    noisy = sum(each.within_noise for each in found)
    if never := len(found) - len(crossing) - noisy:
        notes.append(f"In {never} of {len(found)} pairs one method is cheaper at any volume.")
    if noisy:
        notes.append(f"In {noisy} of {len(found)} pairs which one is cheaper lies within what timings differ by.")
    if far := len(crossing) - len(shown):
        notes.append(f"{far} more cross below one example or beyond {FAR:,} times the volume.")
    return Table.of(f"{subject(decision)}: break-even volumes", columns, shown, notes)


def sensitivity_table(made: Recommendation, horizon: Horizon) -> Table:
    """The nearest prices and volumes at which another method would be recommended."""
    prices = [flip for flip in price_flips(made) if near(flip)]
    rows = [_flip_row(flip, made.decision) for flip in prices]
    rows += [
        (
            Cell("volume, examples a month"),
            Cell(f"{horizon.volume:,}"),
            Cell(f"{flip.side} {count(flip.threshold / horizon.months)}"),
            Cell(option_name(flip.chosen)),
        )
        for flip in volume_flips(made)
    ]
    changing = {flip.what for flip in prices}
    firm = [name for name in made.decision.rates if name not in changing]
    notes = ["Prices are changed one at a time; quality is held as measured."]
    if firm:
        notes.insert(0, f"No price of {', '.join(firm)} within a factor of {FAR:,} changes the choice.")
    columns = (Column("What"), number("Now"), number("Changes at"), Column("Then choose"))
    return Table(f"{subject(made.decision)}: what would change the choice", columns, tuple(rows), tuple(notes))


# -- cells ------------------------------------------------------------------------------------


def _steps(decision: Decision, on_front: Sequence[Option], examples: Decimal) -> dict[str, Decimal]:
    """What each point (a hundredth) of quality costs, going from one method of the front to the next dearer one.

    None where what is not known of seconds leaves open whether it is dearer.
    """
    steps: dict[str, Decimal] = {}
    with localcontext(prec=28):
        for cheaper, dearer in pairwise(on_front):
            gained = Decimal(str(dearer.quality)) - Decimal(str(cheaper.quality))
            if gained > 0 and told_apart(decision, cheaper, dearer, examples):
                paid = decision.total_usd(dearer, examples) - decision.total_usd(cheaper, examples)
                steps[dearer.key] = paid / (100 * gained)
    return steps


def _front_notes(made: Recommendation) -> tuple[str, ...]:
    decision = made.decision
    notes = dict.fromkeys(f"{option.engine}: {option.note}." for option in decision.options if option.note)
    return (
        *notes,
        f"{_boldness(made)}Front: not dominated in total cost, or in added latency, at its quality. "
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
        return (f"Trivial baseline ({trivial_name(decision.task)}): not known; {BEFORE_BASELINES}.",)
    scored = dict.fromkeys(numbers.score(option.baseline or 0.0) for option in known)
    below = [option.label for option in known if not decision.beats_baseline(option)]
    never = f" Not shown to be above it, so not recommended: {', '.join(below)}." if below else ""
    return (f"Trivial baseline: {trivial_name(decision.task)}, {' or '.join(scored)}.{never}",)


def _flip_row(flip: Flip, decision: Decision) -> tuple[Cell, ...]:
    rate = decision.rates[flip.what]
    now, then = rate.stated_usd(flip.current), rate.stated_usd(flip.threshold)
    factor = f" ({numbers.amount(flip.factor)}x)" if flip.factor is not None else ""
    return (
        Cell(f"{flip.what}, USD per {rate.stated}"),
        amount(now),
        Cell(f"{flip.side} {numbers.amount(then)}{factor}", f"{then:f}"),
        Cell(option_name(flip.chosen)),
    )


def near(flip: Flip) -> bool:
    """Whether a change is not so far off that nobody would ask about it."""
    return flip.factor is not None and Decimal(1) / FAR <= flip.factor <= FAR


def option_name(option: Option | None) -> str:
    """A method that is chosen, or that there is none."""
    return option.label if option else "no method"


def interval(option: Option) -> str:
    """Its 95 % interval."""
    return f"{numbers.score(option.low)}-{numbers.score(option.high)}"


def money(value: Decimal) -> str:
    """An amount with its currency."""
    return f"{numbers.amount(value)} USD"


def latency(option: Option) -> str:
    """The milliseconds it adds to a request."""
    return "n.m." if option.latency_ms is None else numbers.amount(option.latency_ms)


def _boldness(made: Recommendation) -> str:
    if made.chosen:
        return "Bold: recommended. "
    return "Bold: none, the evidence is not enough to recommend one. " if made.leading else ""


def _fronts(cost: bool, latency: bool) -> str:
    return {(True, True): "both", (True, False): "cost", (False, True): "latency"}.get((cost, latency), MISSING)


def count(examples: Decimal) -> str:
    """Whole examples from a hundred on; below, as amounts are shown."""
    return f"{examples:,.0f}" if examples >= 100 else numbers.amount(examples)
