"""The price catalogue: dated offers, and money for usage.

A price is data: an offer, what it bills and in which unit, from when to when, and where that is
written. Shipped records lie in ``prices/*.yaml``, one file per snapshot; own and private rates go
in a file of the same form (see docs/prices.md). Language models are looked up in a kept price
library when they are asked for. Costs follow by `Catalogue.cost`, in `Decimal`.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from pathlib import Path

from crossfare.errors import ConfigError, PriceError
from crossfare.ledger import llm_prices, price_file
from crossfare.ledger.price import EXCHANGE_RATE, Counting, Price, Unit
from crossfare.types import Cost, Usage

__all__ = ["STALE_AFTER_DAYS", "Catalogue", "Counting", "Price", "per_1k"]

# What each unit bills: a field of Usage, and how many of it make one unit. Tokens have two fields.
_BILLED: Mapping[Unit, tuple[str, int]] = {
    "character": ("characters", 1),
    "device-hour": ("seconds", 3600),
    "example": ("annotated", 1),
    "token": ("input_tokens", 1),
}
_OUTPUT = "output_tokens"

# Every cost is rounded to this, so that sums are exact whatever their order (1e-12 USD; sums stay
# within Decimal's 28 digits up to 10,000 trillion USD).
QUANTUM = Decimal("1e-12")

STALE_AFTER_DAYS = 365


class Catalogue:
    """All known prices, by offer."""

    def __init__(self, prices: Iterable[Price]) -> None:
        self._records: dict[str, tuple[Price, ...]] = {}
        self._looked_up: dict[str, Price] = {}
        for price in sorted(prices, key=lambda p: (p.offer, p.valid_from)):
            self._records[price.offer] = (*self._records.get(price.offer, ()), price)

    @classmethod
    def load(cls, extra_files: Sequence[str | Path] = ()) -> Catalogue:
        """Read the shipped records, then ``extra_files`` in order.

        An offer that a further file names replaces every record of that offer read before: what
        you state is what counts.

        Raises:
            ConfigError: a file cannot be read or does not have the form of a price file.
        """
        shipped = sorted((Path(__file__).parent / "prices").glob("*.yaml"))
        prices = _resolve([record for path in shipped for record in price_file.read(path)])
        for path in extra_files:
            own = _resolve(price_file.read(Path(path)), prices)
            stated = {price.offer for price in own}
            prices = [price for price in prices if price.offer not in stated] + own
        return cls(prices)

    def __iter__(self) -> Iterator[Price]:
        yield from (price for records in self._records.values() for price in records)
        yield from self._looked_up.values()

    def get(self, offer: str, on: date | None = None) -> Price:
        """Look up the record of an offer valid on a day; without a day, its newest record.

        An offer in another currency comes with the exchange rate of that day, if the catalogue has
        one. ``llm:MODEL`` is looked up in the price library (extra ``llm``) unless it is stated here,
        and is listed from then on.

        Raises:
            PriceError: the offer is unknown, had no price on that day, or (without a day) has ended.
        """
        if offer.startswith(llm_prices.PREFIX) and offer not in self._records:
            found = llm_prices.look_up(offer, on)
            return self._looked_up.setdefault(found.ref, found)
        price = self._stated(offer, on)
        if price.currency == "USD" or price.usd_rate is not None:
            return price
        rate = self._rate(price.currency, on)
        return replace(price, usd_rate=rate.amount / rate.per) if rate else price

    def cost(self, usage: Usage, offer: str, on: date | None = None) -> Cost:
        """Price what was used, as the offer bills: characters, device-seconds, annotated examples or tokens.

        Raises:
            PriceError: no price is known, the usage lacks what the offer bills, or the price is in
                a currency for which no exchange rate is stated.
        """
        price = self.get(offer, on)
        if price.unit not in _BILLED:
            what = "is an exchange rate" if price.unit == "currency" else f"bills by the {price.unit}"
            raise PriceError(f"{offer!r} {what}; it prices no work")
        field, units = _BILLED[price.unit]
        with localcontext(prec=50, rounding=ROUND_HALF_EVEN):
            amount = _used(usage, field, price) * price.amount
            if price.output_amount is not None:
                amount += _used(usage, _OUTPUT, price) * price.output_amount
            usd = amount * _to_usd(price) / (price.per * units)
            return Cost(usd.quantize(QUANTUM), self._refs(price, on))

    def matching(self, text: str) -> Catalogue:
        """The records whose offer contains ``text``; failing those, the record that `get` finds.

        Raises:
            PriceError: there is none.
        """
        found = [price for price in self if text in price.offer]
        return Catalogue(found or [self.get(text)])

    def describe(self, today: date | None = None) -> tuple[dict[str, str], ...]:
        """List the records as rows of text: offer, amount, unit, valid, age, evidence, source, counting, free.

        "age" is how long ago the record was checked; a record older than `STALE_AFTER_DAYS` is marked stale.
        """
        day = today or date.today()
        return tuple(_describe(price, day) for price in self)

    def stale(self, today: date | None = None) -> tuple[Price, ...]:
        """The records that nobody has compared with their source for more than `STALE_AFTER_DAYS`."""
        day = today or date.today()
        return tuple(price for price in self if price.age_days(day) > STALE_AFTER_DAYS)

    def _stated(self, offer: str, on: date | None) -> Price:
        records = self._records.get(offer)
        if not records:
            raise PriceError(f"no price is known for {offer!r}{self._suggestion(offer)}")
        if on is None:
            newest = records[-1]
            if newest.valid_to and newest.valid_to < date.today():
                ended = "was withdrawn" if newest.retired else "ended"
                raise PriceError(
                    f"{offer!r} {ended} on {newest.valid_to}; name a day it was valid on, or another offer"
                )
            return newest
        valid = [record for record in records if record.holds(on)]
        if not valid:
            known = ", ".join(f"{r.valid_from} to {r.valid_to or 'now'}" for r in records)
            raise PriceError(f"no price of {offer!r} is known for {on}; known: {known}")
        return valid[-1]

    def _rate(self, currency: str, on: date | None) -> Price | None:
        """The newest rate of a currency up to a day."""
        records = self._records.get(EXCHANGE_RATE + currency.lower(), ())
        known = [record for record in records if on is None or record.holds(on)]
        return known[-1] if known else None

    def _refs(self, price: Price, on: date | None) -> str:
        rate = None if price.currency == "USD" else self._rate(price.currency, on)
        return f"{price.ref} + {rate.ref}" if rate else price.ref

    def _suggestion(self, offer: str) -> str:
        close = difflib.get_close_matches(offer, self._records, n=3, cutoff=0.5)
        if close:
            return f"; did you mean {' or '.join(close)}?"
        return "; list the known ones with `crossfare prices`, or state it in a price file"


def per_1k(cost: Cost, examples: int) -> Cost:
    """Scale the cost of ``examples`` examples to a thousand of them.

    Raises:
        PriceError: there are no examples to scale from.
    """
    if examples <= 0:
        raise PriceError("a cost per 1,000 examples needs at least one example")
    with localcontext(prec=50, rounding=ROUND_HALF_EVEN):
        return Cost((cost.usd * 1000 / examples).quantize(QUANTUM), cost.price)


def _used(usage: Usage, field: str, price: Price) -> Decimal:
    used = getattr(usage, field)
    if used is None:
        raise PriceError(
            f"{price.offer!r} bills by the {price.unit}, but {field} were not measured; choose another offer"
        )
    return Decimal(str(used))


def _to_usd(price: Price) -> Decimal:
    if price.currency == "USD":
        return Decimal(1)
    if price.usd_rate is None:
        rate = f"{EXCHANGE_RATE}{price.currency.lower()}"
        raise PriceError(f"{price.ref} is in {price.currency}; state the offer {rate} with its day in a price file")
    return price.usd_rate


def _describe(price: Price, today: date) -> dict[str, str]:
    age = price.age_days(today)
    mean = f" (mean of {', '.join(price.mean_of)})" if price.mean_of else ""
    shown = f"{price.amount.quantize(Decimal('0.0001')) if price.mean_of else price.amount}"
    if price.output_amount is not None:
        shown += f" read and {price.output_amount} written"
    until = f" to {price.valid_to}" if price.valid_to else ""
    return {
        "offer": price.offer,
        "amount": f"{shown} {price.currency}",
        "unit": price.bought,
        "valid": f"{price.valid_from}{until}" if until else f"from {price.valid_from}",
        "age": f"{age} d{' (stale)' if age > STALE_AFTER_DAYS else ''}",
        "evidence": price.evidence,
        "source": price.source + mean,
        "counting": str(price.counting or ""),
        "free": f"{price.free_per_month:,} {price.unit}s a month are free" if price.free_per_month else "",
        "retired": f"withdrawn on {price.retired}" if price.retired else "",
    }


def _resolve(records: Sequence[price_file.Record], others: Sequence[Price] = ()) -> list[Price]:
    """Make prices of records: stated amounts first, then the means of them (and of ``others``)."""
    stated = [record.price() for record in records if not record.mean_of]
    own = {price.offer for price in stated}
    known = Catalogue([*(price for price in others if price.offer not in own), *stated])
    return stated + [_mean(record, known) for record in records if record.mean_of]


def _mean(record: price_file.Record, known: Catalogue) -> Price:
    """The mean of other offers as they were priced on the day the mean is valid from."""
    try:
        members = tuple(known.get(offer, record.valid_from) for offer in record.mean_of)
    except PriceError as error:
        raise ConfigError(f"{record.path}: {record.offer}: {error}") from error
    first = members[0]
    for other in members:
        if (other.unit, other.per, other.currency) != (first.unit, first.per, first.currency) or other.output_amount:
            raise ConfigError(f"{record.path}: {record.offer}: {other.ref} and {first.ref} do not bill alike")
    with localcontext(prec=50):
        amount = sum((member.amount for member in members), Decimal(0)) / len(members)
    return record.mean(members, amount)
