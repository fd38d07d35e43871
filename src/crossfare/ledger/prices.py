"""The price catalogue: dated offers, and money for usage.

A price is data: an offer, what it bills and in which unit, from when to when, and where that is
written. Shipped records lie in ``prices/*.yaml``, one file per snapshot; own and private rates go
in a file of the same form (see docs/prices.md). Language models are looked up in a kept price
library when they are asked for. Costs follow by `Catalogue.cost`, in `Decimal`.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from pathlib import Path

from crossfare.errors import ConfigError, PriceError
from crossfare.ledger import llm_prices, price_file
from crossfare.ledger.price import EXCHANGE_RATE, PRECISION, QUANTUM, Price, usd_of
from crossfare.types import Cost, Usage

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
        prices = _resolve([offer for path in shipped for offer in price_file.read(path)])
        for path in extra_files:
            own = _resolve(price_file.read(Path(path)), prices, f"{path}: ")
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
        found = self.get(offer, on)
        if found.unit == "gigabyte-month":
            raise PriceError(f"{offer!r} bills by the {found.unit}; it prices no work")
        usd = usd_of((bill.quantity(usage), bill.rate) for bill in found.bills(offer))
        return Cost(usd, self._refs(found, on))

    def matching(self, text: str) -> Catalogue:
        """The records whose offer contains ``text``; failing those, the record that `get` finds.

        Raises:
            PriceError: there is none.
        """
        found = [price for price in self if text in price.offer]
        return Catalogue(found or [self.get(text)])

    def describe(self, today: date | None = None) -> tuple[dict[str, str], ...]:
        """List the records as rows of text: offer, amount, unit, valid, age, evidence, source, counting, monthly terms.

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
    with localcontext(prec=PRECISION, rounding=ROUND_HALF_EVEN):
        return Cost((cost.usd * 1000 / examples).quantize(QUANTUM), cost.price)


def _describe(price: Price, today: date) -> dict[str, str]:
    age = price.age_days(today)
    mean = f" (mean of {', '.join(price.mean_of)})" if price.mean_of else ""
    shown = f"{price.amount.quantize(Decimal('0.0001')) if price.mean_of else price.amount}"
    if price.output_amount is not None:
        cached = "" if price.cached_amount is None else f" ({price.cached_amount} cached)"
        shown += f" read{cached} and {price.output_amount} written"
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
        "fee": f"plus {price.fee_per_month} {price.currency} a month" if price.fee_per_month else "",
        "minimum": f"at least {price.minimum_per_month} {price.currency} a month" if price.minimum_per_month else "",
        "retired": f"withdrawn on {price.retired}" if price.retired else "",
    }


def _resolve(offers: Sequence[price_file.Offer], others: Sequence[Price] = (), where: str = "") -> list[Price]:
    """Make prices of offers: stated amounts first, then the means of them (and of ``others``)."""
    stated = [offer.price() for offer in offers if not offer.mean_of]
    own = {price.offer for price in stated}
    known = Catalogue([*(price for price in others if price.offer not in own), *stated])
    try:
        return stated + [_mean(offer, known) for offer in offers if offer.mean_of]
    except (PriceError, ConfigError) as error:
        raise ConfigError(f"{where}{error}") from error


def _mean(offer: price_file.Offer, known: Catalogue) -> Price:
    """The mean of other offers as they were priced on the day the mean is valid from; it bills as they do."""
    try:
        members = [known.get(member, offer.valid_from) for member in offer.mean_of]
    except PriceError as error:
        raise PriceError(f"{offer.offer}: {error}") from error
    first = members[0]
    for other in members:
        if (other.unit, other.per, other.currency) != (first.unit, first.per, first.currency) or other.output_amount:
            raise ConfigError(f"{offer.offer}: {other.ref} and {first.ref} do not bill alike")
    with localcontext(prec=PRECISION):
        amount = sum((member.amount for member in members), Decimal(0)) / len(members)
    return replace(offer.price(), unit=first.unit, per=first.per, amount=amount, currency=first.currency)
