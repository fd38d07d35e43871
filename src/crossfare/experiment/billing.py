"""Which offer prices what a run uses, and what each of its steps uses that has a price."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from crossfare.errors import ConfigError, PriceError
from crossfare.experiment.cell import CellSteps
from crossfare.experiment.spec import Spec
from crossfare.experiment.stages import STAGES
from crossfare.ledger.book import COMPUTE, STORAGE, Book

_UNITS = {COMPUTE: "device-hour", STORAGE: "gigabyte-month", "annotation": "example"}
"""What is billed of a resource; engines bill in several ways."""


def offers_of(spec: Spec) -> dict[str, str]:
    """Which offer prices which resource."""
    offers = {"compute": spec.prices.compute, STORAGE: spec.prices.storage}
    offers |= {f"annotation:{task}": offer for task, offer in spec.prices.annotation.items()}
    offers |= {f"engine:{name}": engine.price or "compute" for name, engine in spec.engines.items()}
    return offers


def resources_of(spec: Spec, plan: Sequence[CellSteps]) -> dict[str, tuple[str, ...]]:
    """What each step uses that has a price.

    Raises:
        ConfigError: two engines share a step and price it differently.
    """
    resources: dict[str, tuple[str, ...]] = {}
    for cell in plan:
        engines = {step.id: parent.cell.engine for parent in cell.parents for step in parent.all}
        for step in cell.all:
            name = engines.get(step.id, cell.cell.engine)
            resources.setdefault(step.id, STAGES[step.stage].resources(step, cell.cell.task, str(name)))
            one = resources[step.id][0] if resources[step.id] else ""
            if one.startswith("engine:"):
                _check_same_price(spec, one.removeprefix("engine:"), str(name))
    return resources


def _check_same_price(spec: Spec, one: str, other: str) -> None:
    """A step is paid once: engines that differ in nothing but their price cannot stand side by side."""
    price, another = (spec.engines[name].price or COMPUTE for name in (one, other))
    if price != another:
        raise ConfigError(
            f"engines {one!r} ({price}) and {other!r} ({another}) make the same translations: keep one of them, and "
            f"see what the other price changes with crossfare compare --offer engine:{one}={another}"
        )


def check_prices(book: Book, resources: Mapping[str, tuple[str, ...]]) -> None:
    """An unknown price, or one of something else, is found before anything is spent."""
    for resource in (*sorted({name for names in resources.values() for name in names}), STORAGE):
        price = book.catalogue.get(book.offer(resource))
        wanted = _UNITS.get(resource.partition(":")[0], price.unit)
        if price.unit != wanted:
            raise PriceError(
                f"{resource} is billed by the {wanted}, but {book.offer(resource)!r} bills by the {price.unit}"
            )
