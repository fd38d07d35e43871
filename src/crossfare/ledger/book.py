"""The ledger of a run: what each step consumed, and what that costs at given prices.

The book stores usage; money is derived whenever it is asked for. Re-pricing a book (another
catalogue, other offers, another day) therefore changes money and nothing else.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from decimal import Decimal
from pathlib import Path
from typing import TypeVar, get_args

from crossfare.errors import DataError, PriceError
from crossfare.ledger.price import Bill
from crossfare.ledger.prices import Catalogue
from crossfare.store import file_name, write_text
from crossfare.strict import parse_json
from crossfare.types import Cost, Share, Usage

COMPUTE, STORAGE = "compute", "storage"

Cell = TypeVar("Cell")


@dataclass(frozen=True, slots=True)
class Entry:
    """One step in the ledger.

    ``resources`` names what the step used, such as "compute", "engine:reference" or
    "annotation:qa"; the book's offers say what prices each. No resource: nothing to pay.
    ``reused`` is True if the step was found finished: its usage is what it was when it ran.
    ``parts`` says which parts of cells' costs it is; `Result.steps` says of which cells.
    """

    step_id: str
    stage: str
    label: str
    usage: Usage
    resources: tuple[str, ...] = (COMPUTE,)
    reused: bool = False
    parts: tuple[Share, ...] = ()


class Book:
    """The entries of a run, one per step, and the prices they are looked at with.

    ``offers`` maps resources to offers of the catalogue, or to "compute" for an engine that runs
    on one's own device: ``{"compute": "cpu-core", "engine:reference": "google-translate",
    "engine:open": "compute", "annotation:qa": "annotation-qa"}``.
    """

    def __init__(self, catalogue: Catalogue, offers: Mapping[str, str], entries: Iterable[Entry] = ()) -> None:
        self.catalogue = catalogue
        self.offers = dict(offers)
        self._entries = {entry.step_id: entry for entry in entries}

    def __iter__(self) -> Iterator[Entry]:
        return iter(self._entries.values())

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, step_id: str) -> bool:
        return step_id in self._entries

    def add(self, entry: Entry) -> None:
        """Enter a step; entering it again replaces what was entered."""
        self._entries[entry.step_id] = entry

    def entry(self, step_id: str) -> Entry:
        """One step.

        Raises:
            DataError: it is not in the ledger.
        """
        entry = self._entries.get(step_id)
        if entry is None:
            raise DataError(f"step {step_id} is not in the ledger; run it first")
        return entry

    def energy_kwh(self, step_ids: Iterable[str]) -> float | None:
        """The electricity of these steps together; None if one was not metered."""
        found = [self.entry(step_id).usage.energy_kwh for step_id in dict.fromkeys(step_ids)]
        return None if None in found else sum(each for each in found if each is not None)

    def cost(self, step_id: str) -> Cost:
        """What one step costs.

        Raises:
            DataError: the step is not in the ledger.
            PriceError: something it used has no price.
        """
        entry = self.entry(step_id)
        try:
            costs = [self.catalogue.cost(entry.usage, self.offer(name)) for name in entry.resources]
        except PriceError as error:
            raise PriceError(f"{entry.label or step_id}: {error}") from error
        return _sum(costs)

    def offer(self, resource: str) -> str:
        """The offer that prices a resource.

        Raises:
            PriceError: none is given.
        """
        offer = self.offers.get(resource)
        if offer == COMPUTE and resource != COMPUTE:
            offer = self.offers.get(COMPUTE)
        if offer is None:
            raise PriceError(f"no offer prices {resource!r}; name one, or {COMPUTE!r} to bill device time")
        return offer

    def bills(self, resource: str) -> tuple[Bill, ...]:
        """How a resource is billed; an engine that runs on one's own device is billed as "compute".

        Raises:
            PriceError: nothing prices it.
        """
        name = COMPUTE if self.offers.get(resource) == COMPUTE else resource
        return self.catalogue.get(self.offer(resource)).bills(name)

    @property
    def resources(self) -> tuple[str, ...]:
        """What its steps used that has a price."""
        used = (name for entry in self for name in entry.resources)
        return tuple(dict.fromkeys((*used, *((STORAGE,) if self.stores else ()))))

    @property
    def stores(self) -> bool:
        """Whether something is kept on disk, and an offer prices that."""
        return STORAGE in self.offers and any(entry.usage.stored_bytes is not None for entry in self)

    def total(self, step_ids: Iterable[str]) -> Cost:
        """What these steps cost together; a step named twice is paid once."""
        return _sum(self.cost(step_id) for step_id in dict.fromkeys(step_ids))

    def standalone(self, cells: Iterable[tuple[Cell, Sequence[str]]]) -> dict[Cell, Cost]:
        """What each cell would cost alone: all its steps."""
        return {cell: self.total(step_ids) for cell, step_ids in cells}

    def marginal(self, cells: Iterable[tuple[Cell, Sequence[str]]]) -> dict[Cell, Cost]:
        """What each cell adds, given the cells before it: its steps that none of them needed.

        The values sum exactly to the total of all steps of all cells.
        """
        paid: set[str] = set()
        added: dict[Cell, Cost] = {}
        for cell, step_ids in cells:
            added[cell] = self.total(step_id for step_id in step_ids if step_id not in paid)
            paid.update(step_ids)
        return added

    def repriced(self, catalogue: Catalogue, offers: Mapping[str, str]) -> Book:
        """The same entries at other prices; ``offers`` are added to those of this book."""
        return Book(catalogue, {**self.offers, **offers}, self)

    def write(self, path: str | Path) -> None:
        """Write the entries as JSON lines, one a step, atomically."""
        write_text(Path(path), "".join(_line(entry) + "\n" for entry in self))


def read_entries(path: str | Path) -> list[Entry]:
    """Read the entries that `Book.write` wrote.

    Raises:
        DataError: the file cannot be read, or a line is not an entry; the message names it.
    """
    try:
        lines = Path(path).read_text(encoding="utf-8").removesuffix("\n").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: cannot be read ({error}); give the ledger.jsonl of a run") from error
    return [_entry(line, f"{path}, line {number}") for number, line in enumerate(lines, 1) if line]


def _sum(costs: Iterable[Cost]) -> Cost:
    total = Cost(Decimal(0))
    for cost in costs:
        total = total + cost
    return total


def _line(entry: Entry) -> str:
    usage = {key: value for key, value in asdict(entry.usage).items() if value is not None}
    return json.dumps({**asdict(entry), "usage": usage}, ensure_ascii=False, allow_nan=False)


def _entry(line: str, where: str) -> Entry:
    try:
        values = parse_json(line, where)
        usage = Usage(**values.pop("usage"))
        values |= {name: tuple(values.get(name, ())) for name in ("resources", "parts")}
        entry = Entry(usage=usage, **values)
        if unknown := set(entry.parts) - set(get_args(Share)):
            raise ValueError(f"no part of a cost: {min(unknown)!r}")
        file_name(entry.step_id)
    except (ValueError, KeyError, TypeError, AttributeError, DataError) as error:
        names = ", ".join(f.name for f in fields(Entry))
        raise DataError(f"{where}: not a ledger entry ({error}); it must hold {names}") from error
    return entry
