"""The price catalogue: dated offers, and money for usage.

A price is data: an offer, what it bills and in which unit, from when to when, and where that is
written. Shipped records lie in ``prices/*.yaml``, one file per snapshot; own and private rates go
in a file of the same form (see docs/prices.md). Costs follow by `Catalogue.cost`, in `Decimal`.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from crossfare.errors import ConfigError, PriceError
from crossfare.types import Cost, Usage

Unit = Literal["character", "device-hour", "example"]
Evidence = Literal["published", "secondary", "derived"]

# What each unit bills: a field of Usage, and how many of it make one unit.
_BILLED: Mapping[Unit, tuple[str, int]] = {
    "character": ("characters", 1),
    "device-hour": ("seconds", 3600),
    "example": ("annotated", 1),
}

# Every cost is rounded to this, so that sums are exact whatever their order (1e-12 USD; sums stay
# within Decimal's 28 digits up to 10,000 trillion USD).
QUANTUM = Decimal("1e-12")

STALE_AFTER_DAYS = 365


@dataclass(frozen=True, slots=True)
class Price:
    """One record of an offer: ``amount`` in ``currency`` buys ``per`` units.

    ``checked`` is the day on which somebody last compared the record with ``source``.
    ``evidence`` is "published" (the provider or the paper says so), "secondary" (a list kept by
    others says so) or "derived" (computed from published figures as ``note`` says).
    ``counting`` is the provider's rule for what it counts.
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
    counting: str = ""
    note: str = ""
    mean_of: tuple[str, ...] = ()
    usd_rate: Decimal | None = None

    @property
    def ref(self) -> str:
        """What identifies the record: "offer@valid_from"."""
        return f"{self.offer}@{self.valid_from.isoformat()}"

    @property
    def bought(self) -> str:
        """What ``amount`` buys: "device-hour", "5 examples", "1,000,000 characters"."""
        return self.unit if self.per == 1 else f"{self.per:,} {self.unit}s"

    def holds(self, on: date) -> bool:
        """Whether the record is valid on a day (both ends included)."""
        return self.valid_from <= on and (self.valid_to is None or on <= self.valid_to)


class Catalogue:
    """All known prices, by offer."""

    def __init__(self, prices: Iterable[Price]) -> None:
        self._records: dict[str, tuple[Price, ...]] = {}
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
        prices = _resolve([record for path in shipped for record in _read(path)])
        for path in extra_files:
            own = _resolve(_read(Path(path)), prices)
            stated = {price.offer for price in own}
            prices = [price for price in prices if price.offer not in stated] + own
        return cls(prices)

    def __iter__(self) -> Iterator[Price]:
        return (price for records in self._records.values() for price in records)

    def get(self, offer: str, on: date | None = None) -> Price:
        """Look up the record of an offer valid on a day; without a day, its newest record.

        Raises:
            PriceError: the offer is unknown, had no price on that day, or (without a day) has ended.
        """
        records = self._records.get(offer)
        if not records:
            raise PriceError(f"no price is known for {offer!r}{self._suggestion(offer)}")
        if on is None:
            newest = records[-1]
            if newest.valid_to and newest.valid_to < date.today():
                raise PriceError(f"{offer!r} ended on {newest.valid_to}; name a day it was valid on, or another offer")
            return newest
        valid = [record for record in records if record.holds(on)]
        if not valid:
            known = ", ".join(f"{r.valid_from} to {r.valid_to or 'now'}" for r in records)
            raise PriceError(f"no price of {offer!r} is known for {on}; known: {known}")
        return valid[-1]

    def cost(self, usage: Usage, offer: str, on: date | None = None) -> Cost:
        """Price what was used: characters, device-seconds or annotated examples, as the offer bills.

        Raises:
            PriceError: no price is known, the usage lacks what the offer bills, or the price is in
                a currency for which the file states no rate.
        """
        price = self.get(offer, on)
        field, units = _BILLED[price.unit]
        used = getattr(usage, field)
        if used is None:
            raise PriceError(
                f"{offer!r} bills by the {price.unit}, but {field} were not measured; choose another offer"
            )
        with localcontext(prec=50, rounding=ROUND_HALF_EVEN):
            amount = Decimal(str(used)) * price.amount * _to_usd(price) / (price.per * units)
            return Cost(amount.quantize(QUANTUM), price.ref)

    def describe(self, today: date | None = None) -> tuple[dict[str, str], ...]:
        """List the records as rows of text: offer, amount, unit, valid, age, evidence, source.

        "age" is how long ago the record was checked; a record older than a year is marked stale.
        """
        day = today or date.today()
        return tuple(_describe(price, day) for price in self)

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


def _to_usd(price: Price) -> Decimal:
    if price.currency == "USD":
        return Decimal(1)
    if price.usd_rate is None:
        raise PriceError(f"{price.ref} is in {price.currency}; state usd_rate (USD for one {price.currency}) beside it")
    return price.usd_rate


def _describe(price: Price, today: date) -> dict[str, str]:
    age = (today - price.checked).days
    mean = f" (mean of {', '.join(price.mean_of)})" if price.mean_of else ""
    shown = price.amount.quantize(Decimal("0.0001")) if price.mean_of else price.amount
    return {
        "offer": price.offer,
        "amount": f"{shown} {price.currency}",
        "unit": price.bought,
        "valid": f"{price.valid_from} to {price.valid_to}" if price.valid_to else f"from {price.valid_from}",
        "age": f"{max(age, 0)} d{' (stale)' if age > STALE_AFTER_DAYS else ''}",
        "evidence": price.evidence,
        "source": price.source + mean,
    }


# -- files ------------------------------------------------------------------------------------


def _exact(value: Any) -> Any:
    """Refuse binary fractions: 0.1 in YAML is not a tenth."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise ValueError('write it in quotes ("2.48"), so that it stays exact')
    return value


Exact = Annotated[Decimal, BeforeValidator(_exact), Field(ge=0, allow_inf_nan=False)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Offer(_Strict):
    offer: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]*$")
    unit: Unit | None = None
    per: Annotated[Exact, Field(gt=0)] = Decimal(1)
    amount: Exact | None = None
    mean_of: tuple[str, ...] = ()
    currency: str | None = Field(default=None, pattern=r"^[A-Z]{3}$")
    usd_rate: Annotated[Exact, Field(gt=0)] | None = None
    valid_from: date
    valid_to: date | None = None
    checked: date | None = None
    source: str = Field(min_length=1)
    evidence: Evidence = "published"
    counting: str = ""
    note: str = ""

    @model_validator(mode="after")
    def _complete(self) -> _Offer:
        if bool(self.mean_of) == (self.amount is not None):
            raise ValueError(f"{self.offer}: give either amount or mean_of")
        if self.mean_of and (self.unit or self.currency):
            raise ValueError(f"{self.offer}: unit and currency of a mean are those of its offers; leave them out")
        if self.amount is not None and self.unit is None:
            raise ValueError(f"{self.offer}: say what the amount buys (unit: {', '.join(_BILLED)})")
        if self.valid_to and self.valid_to < self.valid_from:
            raise ValueError(f"{self.offer}: valid_to lies before valid_from")
        return self


class _File(_Strict):
    checked: date
    currency: str = Field(default="USD", pattern=r"^[A-Z]{3}$")
    offers: tuple[_Offer, ...]


@dataclass(frozen=True, slots=True)
class _Record:
    offer: str
    stated: _Offer
    file: _File
    path: Path

    def price(self, unit: Unit, per: Decimal, amount: Decimal, currency: str, usd_rate: Decimal | None) -> Price:
        o = self.stated
        return Price(
            offer=o.offer,
            unit=unit,
            per=per,
            amount=amount,
            currency=currency,
            valid_from=o.valid_from,
            valid_to=o.valid_to,
            checked=o.checked or self.file.checked,
            source=o.source,
            evidence=o.evidence,
            counting=o.counting,
            note=o.note,
            mean_of=o.mean_of,
            usd_rate=usd_rate,
        )


def _read(path: Path) -> list[_Record]:
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
        file = _File.model_validate(values)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror}); give the path of a price file") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: not valid YAML: {' '.join(str(error).split())}") from error
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise ConfigError(f"{path}: {problems}") from error
    refs = [(offer.offer, offer.valid_from) for offer in file.offers]
    for offer, start in refs:
        if refs.count((offer, start)) > 1:
            raise ConfigError(f"{path}: {offer} has two records valid from {start}; keep one")
    return [_Record(offer.offer, offer, file, path) for offer in file.offers]


def _resolve(records: Sequence[_Record], others: Sequence[Price] = ()) -> list[Price]:
    """Make prices of records: stated amounts first, then the means of them (and of ``others``)."""
    stated = [
        record.price(o.unit, o.per, o.amount, o.currency or record.file.currency, o.usd_rate)
        for record in records
        if (o := record.stated).unit is not None and o.amount is not None
    ]
    own = {price.offer for price in stated}
    known = Catalogue([*(price for price in others if price.offer not in own), *stated])
    return stated + [_mean(record, known) for record in records if record.stated.mean_of]


def _mean(record: _Record, known: Catalogue) -> Price:
    """The mean of other offers as they were priced on the day the mean is valid from."""
    day = record.stated.valid_from
    try:
        members = [known.get(offer, day) for offer in record.stated.mean_of]
    except PriceError as error:
        raise ConfigError(f"{record.path}: {record.offer}: {error}") from error
    first = members[0]
    for other in members:
        if (other.unit, other.per, other.currency) != (first.unit, first.per, first.currency):
            raise ConfigError(f"{record.path}: {record.offer}: {other.ref} and {first.ref} do not bill alike")
    with localcontext(prec=50):
        amount = sum((member.amount for member in members), Decimal(0)) / len(members)
    return record.price(first.unit, first.per, amount, first.currency, first.usd_rate)
