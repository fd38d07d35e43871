"""One price record: an offer, what it bills, what that costs, and from where it is known."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from typing import Literal, NamedTuple

from crossfare.errors import PriceError
from crossfare.types import Usage

Unit = Literal["character", "device-hour", "example", "token", "gigabyte-month", "currency"]
Evidence = Literal["published", "secondary", "derived"]

EXCHANGE_RATE = "exchange-rate:"
"""Offers of this name price one unit of a currency: "exchange-rate:eur"."""

QUANTUM = Decimal("1e-12")
"""Every cost is rounded to this, in USD, so that sums are exact whatever their order: they stay within Decimal's 28
digits up to 10,000 trillion USD."""

PRECISION = 50
"""Digits that money is reckoned with before it is rounded."""

CACHED = "cached_tokens"
"""The field of `Usage` that counts tokens which are read at the price of cached ones."""


class BilledUnit(NamedTuple):
    """What a unit of a price bills: ``units`` of ``unit``, which a field of `Usage` counts.

    ``stated`` is what people state a price for, and how many units that is.
    """

    unit: str
    field: str
    units: int
    stated: tuple[str, int]


BILLED: Mapping[str, BilledUnit] = {
    "character": BilledUnit("character", "characters", 1, ("million characters", 1_000_000)),
    "device-hour": BilledUnit("second", "seconds", 3600, ("device-hour", 3600)),
    "example": BilledUnit("example", "annotated", 1, ("example", 1)),
    "token": BilledUnit("token", "input_tokens", 1, ("million tokens", 1_000_000)),
    "gigabyte-month": BilledUnit("byte-month", "stored_bytes", 2**30, ("gigabyte-month", 2**30)),
}

_PRICED = {each.unit: unit for unit, each in BILLED.items()}
_STATED = {each.unit: each.stated for each in BILLED.values()}
_DEVICE = re.compile(
    r"(?<![a-z0-9])(cpu|tpu|v100|p100|t4|l4|l40s|a10|a10g|a40|a6000|a100|h100|h200|gh200|b200|gb200)(?![a-z0-9])"
)
_TAG = re.compile(r"<[^<>]*>")


@dataclass(frozen=True, slots=True)
class Terms:
    """What an offer asks or gives each month in which it is used, whatever the unit price: in units, and in USD.

    ``free`` units cost nothing, ``fee`` is paid on top, and what is used costs ``minimum`` at the least.
    """

    free: Decimal = Decimal(0)
    fee: Decimal = Decimal(0)
    minimum: Decimal = Decimal(0)

    def __bool__(self) -> bool:
        return any((self.free, self.fee, self.minimum))


NO_TERMS = Terms()


@dataclass(frozen=True, slots=True)
class UnitPrice:
    """A unit price: ``usd`` buys ``per`` units ("character", "token", "second" of a device, "example", "byte-month").

    ``source`` names the price record, or says who stated it; ``terms`` are what it asks or gives each month.
    """

    usd: Decimal
    per: Decimal
    unit: str
    source: str
    terms: Terms = NO_TERMS

    @property
    def stated(self) -> str:
        """What people state it for: "million characters", "device-hour"."""
        return _STATED[self.unit][0]

    def in_stated(self, quantity: Decimal) -> Decimal:
        """A quantity in what people state it for."""
        with localcontext(prec=PRECISION):
            return quantity / _STATED[self.unit][1]

    def stated_usd(self, usd: Decimal | None = None) -> Decimal:
        """What people state it as, in USD; or another ``usd`` in its place."""
        with localcontext(prec=PRECISION):
            return (self.usd if usd is None else usd) * _STATED[self.unit][1] / self.per


def usd_of(quantities: Iterable[tuple[Decimal, UnitPrice]]) -> Decimal:
    """What quantities cost together, each at its rate, in USD: all money is made here."""
    with localcontext(prec=PRECISION, rounding=ROUND_HALF_EVEN):
        return sum((used * rate.usd / rate.per for used, rate in quantities), Decimal(0)).quantize(QUANTUM)


@dataclass(frozen=True, slots=True)
class Bill:
    """One unit price of a resource: what it is called, the field of `Usage` it counts, and the rate.

    ``without`` is a field that counts a part of it which has a rate of its own.
    """

    name: str
    field: str
    rate: UnitPrice
    without: str = ""

    def quantity(self, usage: Usage) -> Decimal:
        """How much of it was used, in the unit of the rate.

        Raises:
            PriceError: that was not measured.
        """
        used = getattr(usage, self.field)
        if used is None and self.field == CACHED:  # a service that tells of none sells none at that rate
            return Decimal(0)
        if used is None:
            offer, unit = self.rate.source.rpartition("@")[0], _PRICED[self.rate.unit]
            raise PriceError(f"{offer!r} bills by the {unit}, but {self.field} were not measured; choose another offer")
        return Decimal(str(used)) - (getattr(usage, self.without, None) or 0)


def device_of(offer: str) -> str | None:
    """The device that an offer of device time names: "v100" of "v100-gcp", "cpu" of "cpu-core"; None if none."""
    found = _DEVICE.search(offer.lower())
    return found[1] if found else None


@dataclass(frozen=True, slots=True)
class Counting:
    """A provider's rule for how many characters of a text it bills.

    ``characters``   what is one character: a code point, a UTF-16 unit (a surrogate pair counts as
                     two) or a byte of UTF-8
    ``white_space``  whether blanks, tabs and line ends are billed
    ``markup``       "billed", or "free" where tags are left out once the request declares its text
                     to be XML or HTML
    ``minimum``      characters billed for a request at the least
    """

    characters: Literal["code-point", "utf-16", "byte"] = "code-point"
    white_space: bool = True
    markup: Literal["billed", "free"] = "billed"
    minimum: int = 0

    def billed(self, text: str) -> int:
        """Count the characters of one request's text as the provider bills them."""
        counted = text if self.markup == "billed" else _TAG.sub("", text)
        if not self.white_space:
            counted = "".join(counted.split())
        if self.characters == "code-point":
            size = len(counted)
        elif self.characters == "utf-16":
            size = len(counted.encode("utf-16-le", "surrogatepass")) // 2
        else:
            size = len(counted.encode("utf-8", "surrogatepass"))
        return max(size, self.minimum)

    def __str__(self) -> str:
        names = {"code-point": "code points", "utf-16": "UTF-16 units", "byte": "bytes"}
        spaces = "blanks billed" if self.white_space else "blanks free"
        least = f", at least {self.minimum:,} a request" if self.minimum else ""
        return f"counts {names[self.characters]}, {spaces}, tags {self.markup}{least}"


@dataclass(frozen=True, slots=True)
class Price:
    """One record of an offer: ``amount`` in ``currency`` buys ``per`` units.

    ``checked`` is the day on which somebody last compared the record with ``source``.
    ``evidence`` is "published" (the provider or the paper says so), "secondary" (a list kept by
    others says so) or "derived" (computed from published figures as ``note`` says).
    ``counting`` is the provider's rule for what it counts, None where it is not known.
    ``free_per_month`` is how many units cost nothing each month, ``fee_per_month`` what is paid in each in which it is
    used, ``minimum_per_month`` the least that use of a month costs: these are no part of the cost of a step, and of the
    totals of methods they are.
    ``retired`` is the day on which the provider withdrew the offer.
    ``output_amount`` is what ``per`` tokens that a model writes cost; ``amount`` is for those it reads, but
    ``cached_amount``, where there is one, for those of them that the provider says it had cached.
    ``usd_rate`` is what one unit of ``currency`` costs in USD, where that is stated.
    """

    offer: str
    unit: Unit
    per: Decimal
    amount: Decimal
    currency: str
    valid_from: date
    valid_to: date | None
    checked: date
    source: str
    evidence: Evidence
    counting: Counting | None = None
    note: str = ""
    mean_of: tuple[str, ...] = ()
    usd_rate: Decimal | None = None
    output_amount: Decimal | None = None
    cached_amount: Decimal | None = None
    free_per_month: int | None = None
    retired: date | None = None
    fee_per_month: Decimal | None = None
    minimum_per_month: Decimal | None = None

    def bills(self, resource: str) -> tuple[Bill, ...]:
        """How it bills a resource: at one unit price, or where tokens read, cached and written differ at two or three.

        Raises:
            PriceError: it prices no work, or is in a currency for which no exchange rate is stated.
        """
        if self.unit == "currency":
            raise PriceError(f"{self.offer!r} is an exchange rate; it prices no work")
        if self.currency != "USD" and self.usd_rate is None:
            rate = f"{EXCHANGE_RATE}{self.currency.lower()}"
            raise PriceError(f"{self.ref} is in {self.currency}; state the offer {rate} with its day in a price file")
        billed = BILLED[self.unit]
        with localcontext(prec=PRECISION):
            to_usd = Decimal(1) if self.usd_rate is None else self.usd_rate
            none = Decimal(0)
            terms = Terms(
                Decimal(self.free_per_month or 0) * billed.units,
                (self.fee_per_month or none) * to_usd,
                (self.minimum_per_month or none) * to_usd,
            )
            read = UnitPrice(self.amount * to_usd, self.per * billed.units, billed.unit, self.ref, terms)
            if self.output_amount is None:
                return (Bill(resource, billed.field, read),)
            written = replace(read, usd=self.output_amount * to_usd, terms=NO_TERMS)
            bills = [Bill(f"{resource} tokens read", billed.field, read)]
            if self.cached_amount is not None:
                cached = replace(read, usd=self.cached_amount * to_usd, terms=NO_TERMS)
                bills = [replace(bills[0], without=CACHED), Bill(f"{resource} tokens cached", CACHED, cached)]
        return *bills, Bill(f"{resource} tokens written", "output_tokens", written)

    @property
    def ref(self) -> str:
        """What identifies the record: "offer@valid_from"."""
        return f"{self.offer}@{self.valid_from.isoformat()}"

    @property
    def bought(self) -> str:
        """What ``amount`` buys: "device-hour", "5 examples", "1,000,000 characters", "EUR"."""
        if self.unit == "currency":
            return self.offer.removeprefix(EXCHANGE_RATE).upper()
        return self.unit if self.per == 1 else f"{self.per:,} {self.unit}s"

    def holds(self, on: date) -> bool:
        """Whether the record is valid on a day (both ends included)."""
        return self.valid_from <= on and (self.valid_to is None or on <= self.valid_to)

    def age_days(self, today: date) -> int:
        """Days since the record was compared with its source."""
        return max((today - self.checked).days, 0)
