"""What a method uses of what is priced, by part: the one path from a ledger, measured or forecast, to components."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from typing import Literal

from crossfare.compare.model import Component, Option, Part
from crossfare.compare.timing import NOT_TIMED, Timing, Timings
from crossfare.errors import ConfigError
from crossfare.ledger import Bill, Book, UnitPrice
from crossfare.ledger.book import STORAGE
from crossfare.ledger.costs import Needs
from crossfare.ledger.price import PRECISION
from crossfare.types import Share

# Quantities are kept to this: a billionth of a character, a second or an example.
_QUANTUM = Decimal("1e-9")

When = Literal["fixed", "recurring", "kept"]
Quantities = Mapping[tuple[When, Part, str, str], Decimal]
"""How much a method uses of what is billed, by when it is paid, part, resource and timing, as an `Option` holds it."""

_PARTS: Mapping[Share, Part] = {
    "translation": "translation",
    "annotation": "annotation",
    "fine_tuning": "fine-tuning",
    "translation_per_1k": "translation",
    "inference_per_1k": "inference",
}

Named = Mapping[tuple[int, str], Bill]
"""How what a ledger names is billed, by the identity of the ledger, under the name that it has in a decision."""


def named_bills(books: Sequence[tuple[str, Book]]) -> Named:
    """What is billed, by its own name; where ledgers have different prices for it, with the name of the run too."""
    found = [(run, book, bill) for run, book in books for name in book.resources for bill in book.bills(name)]
    rates: dict[str, set[UnitPrice]] = defaultdict(set)
    for _, _, bill in found:
        rates[bill.name].add(bill.rate)
    return {
        (id(book), bill.name): replace(bill, name=bill.name if len(rates[bill.name]) == 1 else f"{bill.name} [{run}]")
        for run, book, bill in found
    }


def quantities(needs: Needs, book: Book, named: Named, timings: Timings = NOT_TIMED) -> Quantities:
    """Add up what a cell's steps used, recurring quantities per 1,000 examples; what is translated once is kept.

    Seconds are those that ``timings`` take a step to have used.

    Raises:
        PriceError: something that was used was not measured as it is billed.
    """
    found: dict[tuple[When, Part, str, str], Decimal] = defaultdict(Decimal)
    with localcontext(prec=PRECISION, rounding=ROUND_HALF_EVEN):
        for share, part in _PARTS.items():
            examples = needs.per(share)
            when: When = "fixed" if examples is None else "recurring"
            per = Decimal(1) if examples is None else Decimal(1000) / max(1, examples)
            for entry in map(book.entry, needs.playing(share)):
                for bill in (bill for resource in entry.resources for bill in book.bills(resource)):
                    timing = timings.name(book, entry) if bill.field == "seconds" else ""
                    used = replace(entry.usage, seconds=timings.seconds(book, entry))
                    found[when, part, named[id(book), bill.name].name, timing] += bill.quantity(used) * per
                if share == "translation" and book.stores and entry.usage.stored_bytes:
                    found["kept", "storage", named[id(book), STORAGE].name, ""] += entry.usage.stored_bytes
    return found


def mean_of(found: Sequence[Quantities]) -> Quantities:
    """The means over seeds, or over languages."""
    sums: dict[tuple[When, Part, str, str], Decimal] = defaultdict(Decimal)
    with localcontext(prec=PRECISION, rounding=ROUND_HALF_EVEN):
        for own in found:
            for key, quantity in own.items():
                sums[key] += quantity
        return {key: (total / len(found)).quantize(_QUANTUM) for key, total in sums.items()}


def at_utilisation(found: Quantities, share: Decimal, named: Named) -> Quantities:
    """What has to be paid where hardware works only a ``share`` of the time that it is kept for serving.

    Raises:
        ConfigError: the share is none.
    """
    if not 0 < share <= 1:
        raise ConfigError(f"utilisation is a part of the time, more than 0 and at most 1, not {share:g}")
    by_time = {bill.name for bill in named.values() if bill.rate.unit == "second"}
    with localcontext(prec=PRECISION, rounding=ROUND_HALF_EVEN):
        return {
            key: (used / share).quantize(_QUANTUM) if key[0] == "recurring" and key[2] in by_time else used
            for key, used in found.items()
        }


def components(found: Quantities, when: When) -> tuple[Component, ...]:
    """What is paid once, again and again, or by the month."""
    return tuple(
        Component(part, resource, used, timing)
        for (paid, part, resource, timing), used in found.items()
        if paid == when
    )


def used_rates(options: Iterable[Option], named: Named) -> dict[str, UnitPrice]:
    """The prices of what options use."""
    used = {each.resource for option in options for each in (*option.fixed, *option.recurring, *option.kept)}
    return {bill.name: bill.rate for bill in named.values() if bill.name in used}


def used_timings(options: Iterable[Option], timings: Timings) -> dict[str, Timing]:
    """What is known of the seconds that options stand on."""
    used = (each.timing for option in options for each in (*option.fixed, *option.recurring) if each.timing)
    return {name: timings.known[name] for name in dict.fromkeys(used)}
