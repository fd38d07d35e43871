"""Read run directories, and price them anew.

A run directory says what every cell scored (results.json) and what every step used (ledger.jsonl);
spec.yaml says what its engines are. Money is derived from the ledger here as it was when the run
was written, and must come out the same: otherwise the files do not belong together.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass, replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

from pydantic import TypeAdapter, ValidationError

from crossfare import run_folder
from crossfare.compare.format_1 import upgraded
from crossfare.errors import ConfigError, DataError, PriceError
from crossfare.escaping import check_printable
from crossfare.languages import language_tag
from crossfare.ledger import Book, Catalogue, Entry, Price, read_entries
from crossfare.ledger.costs import SHARES, Needs, costs
from crossfare.ledger.price import BILLED, EXCHANGE_RATE
from crossfare.store import file_name
from crossfare.strict import read_json, read_yaml
from crossfare.tasks import task_named
from crossfare.types import Cost, Result, Share

FORMAT = 2

RESULTS = TypeAdapter(tuple[Result, ...])
_REFERENCE = "reference"
_REFERENCE_NOTE = "reference translation, priced as a commercial API"


@dataclass(frozen=True, slots=True)
class EngineFacts:
    """What a run's spec says of one engine: its name in the registry, whether an offer prices it, what to know of it.

    ``kind`` is what the paper would call it, "open" or "commercial", where the spec declares that.
    """

    engine: str
    price: str | None = None
    note: str = ""
    kind: Literal["open", "commercial"] | None = None

    @property
    def reference(self) -> bool:
        """Whether it looks up what people translated instead of translating."""
        return self.engine == _REFERENCE


@dataclass(frozen=True, slots=True)
class RunRecord:
    """A run as it lies on disk: its results, and its ledger with the prices it was made at.

    ``tasks`` is the spec's own text on each task: runs that differ there did not do the same. ``without_terms`` are
    the offers of which the run does not say what they ask or give each month.
    """

    name: str
    folder: Path
    results: tuple[Result, ...]
    book: Book
    engines: Mapping[str, EngineFacts]
    tasks: Mapping[str, Any]
    hardware: str
    without_terms: tuple[str, ...] = ()

    @property
    def machine(self) -> str:
        """What its steps were made on, by all that speed depends on, as far as that was recorded."""
        named = dict.fromkeys(entry.usage.machine for entry in self.book if entry.usage.machine)
        return " and ".join(named) or f"{self.hardware} (instruction set not recorded)"

    def steps(self, result: Result, share: Share) -> tuple[Entry, ...]:
        """The ledger's entries that one of the result's costs is made of."""
        return tuple(map(self.book.entry, Needs.of(result).playing(share)))

    def repriced(self, offers: Mapping[str, str], catalogue: Catalogue) -> RunRecord:
        """The same run at other prices: costs change and nothing else does.

        ``offers`` maps resources to offers of ``catalogue``, as in `Book`. An offer named here
        counts with its newest record there, wherever the run uses it. One in another currency is converted at the rate
        that the catalogue states, or else at the one that the run was priced with.

        Raises:
            PriceError: an offer is unknown, or bills what was not measured.
        """
        named = set(offers.values())
        kept = [price for price in self.book.catalogue if price.offer not in named]
        currencies = {price.currency: EXCHANGE_RATE + price.currency.lower() for price in catalogue}
        stated = {price.offer for price in catalogue}
        own = {price.currency: price.usd_rate for price in kept if currencies.get(price.currency) not in stated}
        added = [
            replace(price, usd_rate=price.usd_rate or own.get(price.currency))
            for price in catalogue
            if price.offer in named
        ]
        rates = {currencies[price.currency] for price in added}
        known = Catalogue([*kept, *added, *(price for price in catalogue if price.offer in rates)])
        book = self.book.repriced(known, offers)
        _check_timed(book, offers)
        silent = tuple(offer for offer in self.without_terms if offer not in named)
        return replace(self, book=book, results=tuple(_priced(self, book)), without_terms=silent)

    def stated(self, amounts: Mapping[str, Decimal]) -> RunRecord:
        """The same run at stated prices, in USD per device-hour, million characters or example.

        A resource keeps the unit it is billed by; `repriced` can change that.
        """
        offers = {resource: f"{resource} as stated" for resource in amounts}
        now = {resource: self.book.catalogue.get(self.book.offer(resource)) for resource in amounts}
        prices = [_stated(offers[resource], now[resource], amount) for resource, amount in amounts.items()]
        return self.repriced(offers, Catalogue(prices))


def read_run(folder: str | Path) -> RunRecord:
    """Read a run directory.

    Raises:
        DataError: it is none, or of another format, or was changed since, or its files contradict each other.
    """
    folder = Path(folder)
    record = _record(folder)
    run_folder.verify(folder)
    spec = _spec(folder)
    engines = {name: _engine(_mapping(values)) for name, values in _mapping(spec.get("engines")).items()}
    entries = read_entries(folder / "ledger.jsonl")
    try:
        if record["format"] == 1:
            record = upgraded(record, entries, own_device={n for n, facts in engines.items() if facts.price is None})
        results = RESULTS.validate_python(record["results"], strict=False)
        for task in {result.spec.task for result in results}:
            task_named(task)
        prices = tuple(_price(ref, values) for ref, values in record["provenance"]["prices"].items())
        offers = {str(name): str(offer) for name, offer in record["provenance"]["offers"].items()}
        name, hardware = str(record["name"]), str(record["provenance"]["hardware"])
        records = record["provenance"]["prices"].items()
        silent = tuple(ref.rpartition("@")[0] for ref, values in records if "terms" not in values)
    except (ValidationError, ArithmeticError, ValueError, KeyError, TypeError, AttributeError, ConfigError) as error:
        raise DataError(f"{folder / 'results.json'}: {_first(error)}; run its spec again") from error
    _check_names(results, folder)
    book = Book(Catalogue(prices), offers, entries)
    run = RunRecord(name, folder, results, book, engines, _mapping(spec.get("tasks")), hardware, silent)
    _check(run)
    return run


def _check_names(results: Sequence[Result], folder: Path) -> None:
    """What becomes a part of paths, requests and figures must be fit for it: a run may come from anyone."""
    try:
        for result in results:
            for name in astuple(result.spec):
                check_printable(name if isinstance(name, str) else "")
            for tag in (result.spec.source, result.spec.target):
                language_tag(tag)
            for step in result.steps:
                file_name(step)
    except (ConfigError, DataError, ValueError) as error:
        raise DataError(f"{folder / 'results.json'}: {error}") from None


def reprice(
    runs: Sequence[RunRecord],
    *,
    prices: Mapping[str, Decimal] | None = None,
    offers: Mapping[str, str] | None = None,
    catalogue: Catalogue | None = None,
) -> tuple[RunRecord, ...]:
    """Price runs anew: at stated ``prices``, or by other ``offers`` (of the shipped catalogue, if none is given).

    Raises:
        ConfigError: no run uses a resource that is named, or it is given both a price and an offer.
        PriceError: an offer is unknown, or bills what was not measured.
    """
    prices, offers = prices or {}, offers or {}
    there = tuple(dict.fromkeys(name for run in runs for name in run.book.resources))
    for name in (*prices, *offers):
        if name not in there:
            raise ConfigError(f"nothing here uses {name!r}; what has a price here: {', '.join(there)}")
    if both := sorted(set(prices) & set(offers)):
        raise ConfigError(f"{both[0]!r} is given both a price and an offer; give one")
    known = (catalogue or Catalogue.load()) if offers else Catalogue(())
    return tuple(_repriced(run, prices, offers, known) for run in runs)


def _check_timed(book: Book, resources: Iterable[str]) -> None:
    """Refuse to price by time what took none: translations that were looked up would be free.

    Raises:
        PriceError: a resource is billed by the device-hour, and a step that used it was not timed.
    """
    for resource in resources:
        price = book.catalogue.get(book.offer(resource))
        looked_up = [entry for entry in book if resource in entry.resources and entry.usage.seconds == 0]
        if price.unit == "device-hour" and looked_up:
            raise PriceError(
                f"{resource}: {price.offer!r} bills by the device-hour, but {looked_up[0].label} was looked up: no "
                "second of translating was measured, so it would cost nothing; name an offer that bills characters"
            )


def _repriced(run: RunRecord, prices: Mapping[str, Decimal], offers: Mapping[str, str], known: Catalogue) -> RunRecord:
    used = set(run.book.resources)
    if own := {resource: offer for resource, offer in offers.items() if resource in used}:
        run = run.repriced(own, known)
    stated = {resource: amount for resource, amount in prices.items() if resource in used}
    return run.stated(stated) if stated else run


# -- files ------------------------------------------------------------------------------------


def _record(folder: Path) -> dict[str, Any]:
    path = folder / "results.json"
    if not path.is_file():
        raise DataError(f"{folder}: not a run directory (it has no results.json); give what `crossfare run` wrote")
    record = read_json(path, todo="run its spec again")
    found = record.get("format") if isinstance(record, dict) else None
    if found not in (1, FORMAT):
        raise DataError(f"{path}: format {found!r}, this version reads formats 1 and {FORMAT}; run its spec again")
    return dict(record)


def _spec(folder: Path) -> Mapping[str, Any]:
    path = folder / "spec.yaml"
    values = read_yaml(path, error=DataError, todo="give what `crossfare run` wrote")
    if not isinstance(values, Mapping):
        raise DataError(f"{path}: a spec is a mapping of keys; give what `crossfare run` wrote")
    return values


def _first(error: Exception) -> str:
    """One line of an error that may have many."""
    if isinstance(error, ValidationError):
        problem = error.errors()[0]
        return f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}"
    if isinstance(error, KeyError):
        return f"{error} is missing"
    return " ".join(str(error).split())


def _price(ref: str, values: Mapping[str, Any]) -> Price:
    offer, _, start = ref.rpartition("@")
    if values["unit"] not in BILLED:
        raise ValueError(f"{ref} bills by an unknown unit, {values['unit']!r}")
    terms = values.get("terms", {})
    free = terms.get("free_per_month")
    return Price(
        offer=offer,
        unit=values["unit"],
        per=Decimal(values["per"]),
        amount=Decimal(values["amount"]),
        currency=values["currency"],
        valid_from=date.fromisoformat(start),
        valid_to=None,
        checked=date.fromisoformat(values["checked"]),
        source=values["source"],
        evidence="published",
        usd_rate=_decimal(values.get("usd_rate")),
        output_amount=_decimal(values.get("output_amount")),
        cached_amount=_decimal(values.get("cached_amount")),
        free_per_month=None if free is None else int(free),
        fee_per_month=_decimal(terms.get("fee_per_month")),
        minimum_per_month=_decimal(terms.get("minimum_per_month")),
    )


def _decimal(value: str | None) -> Decimal | None:
    return None if value is None else Decimal(value)


def _stated(offer: str, now: Price, amount: Decimal) -> Price:
    if now.unit == "token":
        raise ConfigError(f"{now.offer!r} bills by the {now.unit}; state it in a price file and name it as the offer")
    billed = BILLED[now.unit]
    return replace(
        now,
        offer=offer,
        per=Decimal(billed.stated[1]) / billed.units,
        amount=amount,
        currency="USD",
        usd_rate=None,
        valid_to=None,
        source="stated for this comparison",
        mean_of=(),
        retired=None,
    )


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _engine(values: Mapping[str, Any]) -> EngineFacts:
    engine, kind = str(values.get("engine", "")), values.get("kind")
    note = values.get("note") or (_REFERENCE_NOTE if engine == _REFERENCE else "")
    return EngineFacts(engine, values.get("price"), str(note), kind if kind in ("open", "commercial") else None)


# -- money ------------------------------------------------------------------------------------


def _priced(run: RunRecord, book: Book) -> Iterator[Result]:
    """The run's results with the costs that follow from a book."""
    priced = costs(book, [Needs.of(result) for result in run.results])
    return (replace(result, **found) for result, found in zip(run.results, priced, strict=True))


def _check(run: RunRecord) -> None:
    """The ledger must give the costs that were written beside it."""
    there = {entry.step_id for entry in run.book}
    for result in run.results:
        if lost := [step for step in result.steps if step not in there]:
            raise DataError(
                f"{run.folder}: step {lost[0]} of {result.spec.id} is not in ledger.jsonl; run its spec again"
            )
    try:
        again = tuple(_priced(run, run.book))
    except PriceError as error:
        raise DataError(f"{run.folder}: {error}") from error
    for result, priced in zip(run.results, again, strict=True):
        for share in (*SHARES, "standalone", "marginal"):
            if _usd(getattr(result, share)) != _usd(getattr(priced, share)):
                raise DataError(
                    f"{run.folder}: ledger.jsonl does not give the {share.replace('_', ' ')} cost of "
                    f"{result.spec.id} in results.json; run its spec again"
                )


def _usd(cost: Cost | None) -> Decimal | None:
    return None if cost is None else cost.usd
