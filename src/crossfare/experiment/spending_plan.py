"""What a run will send to engines that are paid or elsewhere, told before it begins."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from crossfare.experiment import forecast
from crossfare.experiment.charges import UNBILLED, charges, paid_engines
from crossfare.experiment.spec import Spec
from crossfare.ledger import Catalogue
from crossfare.ledger.budget import shown
from crossfare.store import Store
from crossfare.translate.engines.hosts import leaves


def planned(spec: Spec, catalogue: Catalogue, store: Store, hosts: Mapping[str, str]) -> Spending:
    """What the unfinished steps will send to engines that are paid, or are not here, as far as it can be forecast.

    The translation memory is not looked into: what it has is not paid again.

    Args:
        hosts: where steps send texts, by their ids.
    """
    if not paid_engines(spec, catalogue) and not any(map(leaves, hosts.values())):
        return Spending(())
    made = forecast.Forecaster(spec, forecast.Basis.gather(store=store))
    paid = charges(spec, catalogue, made.resources)
    found = []
    for step_id, each in made.forecasts.items():
        charge, host = paid.get(step_id), hosts.get(step_id, "")
        if store.done(step_id) or not (charge or leaves(host)):
            continue
        usage, high = each.usages["expected"], each.usages["high"]
        usd = most = None
        if charge and not each.lacking and usage.characters is not None:
            usd, most = charge.usd(usage), charge.usd(each.bound or high)
        price = charge.price.ref if charge else ""
        found.append(Planned(each.step.label, usage.characters, usd, price, each.exact, most, host))
    return Spending(tuple(found))


@dataclass(frozen=True, slots=True)
class Planned:
    """What a step of a run will send to an engine that is paid by the request, or is elsewhere; None is not known.

    Where it is ``exact``, it is less only by what the translation memory has. Elsewhere ``usd`` is expected, and
    ``most`` reckoned with. ``price`` is empty where nobody bills requests; ``host`` is empty for an engine here.
    """

    label: str
    characters: int | None
    usd: Decimal | None
    price: str
    exact: bool
    most: Decimal | None = None
    host: str = ""

    def __str__(self) -> str:
        characters = "an unknown number of" if self.characters is None else f"{self.characters:,}"
        to = f" to {self.host}" if self.host else ""
        usd = "an unknown amount" if self.usd is None else _money(self.usd, self.most, self.exact)
        money = f"{usd} ({self.price})" if self.price else UNBILLED
        return f"{self.label}: {characters} characters{to}, {money}"


def _money(usd: Decimal, most: Decimal | None, exact: bool) -> str:
    more = f", up to {shown(most)}" if most is not None and most != usd else ""
    return f"{'at most' if exact else 'about'} {shown(usd)}{more} USD"


@dataclass(frozen=True, slots=True)
class Spending:
    """What a run will send to engines that are paid by the request, or are elsewhere, step by step."""

    steps: tuple[Planned, ...]

    @property
    def summary(self) -> str:
        """The whole of it, in a clause."""
        paid = [step for step in self.steps if step.price]
        known = [step for step in paid if step.usd is not None]
        usd = sum((step.usd or Decimal(0) for step in known), Decimal(0))
        most = sum((step.most or step.usd or Decimal(0) for step in known), Decimal(0))
        unknown = len(paid) - len(known)
        rest = f" and what cannot be told of {unknown} of them" if unknown else ""
        money = f"for {_money(usd, most, all(step.exact for step in paid))}{rest}" if paid else UNBILLED
        to = ", ".join(dict.fromkeys(step.host or "engines here" for step in self.steps))
        return f"steps that send texts: {len(self.steps)}, to {to}, {money}"

    @property
    def lines(self) -> tuple[str, ...]:
        """A line for each step, and one for the whole."""
        return (*map(str, self.steps), f"{self.summary}; what the translation memory has is not paid again")
