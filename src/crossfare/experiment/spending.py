"""What translating costs by the request: estimated before anything is sent, and kept within a budget.

Both are engines round an engine, so that whatever translates is estimated and limited as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from crossfare.errors import ConfigError, PriceError
from crossfare.ledger import Catalogue, Counting, Price
from crossfare.ledger.book import COMPUTE
from crossfare.ledger.budget import Budget, shown
from crossfare.store import Store
from crossfare.translate.engines.hosts import host_of, leaves
from crossfare.translate.projection import abilities
from crossfare.translate.segments import requests
from crossfare.types import Billed, Engine, PaidByRequest, Probing, Step, Translation, Usage

if TYPE_CHECKING:  # translating one file needs no spec
    from crossfare.experiment.spec import EngineSpec, Spec

DEVICE = "cpu-core"
"""The offer that prices device time where no other is named."""

STAND_INS = {"reference", "existing"}
"""Engines that give translations that are there already: priced in the tables, but nobody is paid."""

# Where tokens are billed, their number is known only afterwards. No tokenizer in use makes more tokens than the text
# has bytes; a translation is taken to be three times as long at the most, and a line to be wrapped in a little markup.
_PROMPT_TOKENS = 1000
_TOKENS_A_LINE = 40
_OUTPUT_PER_BYTE = 3


@dataclass(frozen=True, slots=True)
class Charge:
    """What prices an engine's requests, and the budget they are paid from."""

    price: Price
    budget: Budget | None = None

    @classmethod
    def by(cls, catalogue: Catalogue, offer: str, budget: Budget | None = None) -> Charge | None:
        """The charge of an offer; None for one that bills device time, which is not paid by the request.

        Raises:
            PriceError: the offer is not known.
            ConfigError: it prices something else.
        """
        price = catalogue.get(offer)
        if price.unit == "device-hour":
            return None
        if price.unit not in ("character", "token"):
            raise ConfigError(f"{offer!r} bills by the {price.unit}, not for translating; name another offer")
        return cls(price, budget)

    def usd(self, usage: Usage) -> Decimal:
        """What was used, in money."""
        return Catalogue([self.price]).cost(usage, self.price.offer).usd

    def most(self, engine: Engine, texts: Sequence[str], source: str) -> Usage:
        """What translating ``texts`` now will be billed for; where tokens are billed, the most it can be."""
        return self._with_tokens(counted(engine, texts, source, self.price.counting), texts)

    @contextmanager
    def paying(self, name: str, sent: Sequence[str], most: Usage) -> Iterator[Callable[[Usage], None]]:
        """Pay for one request of the engine ``name`` from the budget (see `Paying`)."""
        if self.budget is None:
            yield lambda _usage: None
            return
        most = self._with_tokens(most, sent)
        what = f"the next request of {name} ({len(sent):,} texts, {most.characters:,} characters)"
        with self.budget.paying(self.usd(most), what) as settle:

            def billed(usage: Usage) -> None:
                bill = None
                with suppress(PriceError):  # what is billed was not measured: the most that it can be stays entered
                    bill = self.usd(usage)
                settle(bill, usage)

            yield billed

    def _with_tokens(self, total: Usage, texts: Sequence[str]) -> Usage:
        if self.price.unit != "token":
            return total
        size = sum(len(text.encode("utf-8", "surrogatepass")) for text in texts)
        lines = sum(len(text.splitlines()) for text in texts)
        wrapped = _PROMPT_TOKENS * (total.requests or 0) + _TOKENS_A_LINE * lines
        return total + Usage(input_tokens=size + wrapped, output_tokens=size * _OUTPUT_PER_BYTE + wrapped)


@contextmanager
def purse(limit: Decimal | None, tell: Callable[[str], None] | None = None) -> Iterator[Budget]:
    """A budget for what is done within; however that ends, ``tell`` is told what was spent, if anything was sent."""
    with TemporaryDirectory(prefix="crossfare-spending-") as folder:
        budget = Budget(limit, Path(folder) / "spent")
        try:
            yield budget
        finally:
            if tell and budget.path.exists():
                tell(f"spent now: {budget.account}")


def counted(engine: Engine, texts: Sequence[str], source: str, rule: Counting | None) -> Usage:
    """The requests that texts take, and their characters as the engine counts them, else as the price's rule does.

    Code points are counted where neither says.
    """
    cut = requests(engine, texts)
    if isinstance(engine, Billed):
        return Usage(requests=len(cut), characters=engine.billed_characters(texts, source=source))
    rule = rule or Counting()
    each = replace(rule, minimum=0)
    sizes = (max(sum(each.billed(texts[i]) for i in request), rule.minimum) for request in cut)
    return Usage(requests=len(cut), characters=sum(sizes))


def is_paid(engine: EngineSpec) -> bool:
    """Whether a spec says that somebody bills the engine, as far as that can be said without its price."""
    return bool(engine.price) and engine.price != COMPUTE and engine.engine not in STAND_INS


def paid_engines(spec: Spec, catalogue: Catalogue) -> dict[str, Charge]:
    """What prices the requests of each engine of a spec that is paid by the request."""
    found = {name: Charge.by(catalogue, str(engine.price)) for name, engine in spec.engines.items() if is_paid(engine)}
    return {name: charge for name, charge in found.items() if charge}


def charges(spec: Spec, catalogue: Catalogue, resources: Mapping[str, Sequence[str]]) -> dict[str, Charge]:
    """What prices the requests of each step that pays by the request, by the step's id.

    ``resources`` says what the steps use.
    """
    found = {f"engine:{name}": charge for name, charge in paid_engines(spec, catalogue).items()}
    return {step: charge for step, used in resources.items() for name in used if (charge := found.get(name))}


def limited(steps: Sequence[Step], paid: Mapping[str, Charge], budget: Budget) -> list[Step]:
    """The steps, those that pay by the request within a budget that all of them share."""
    priced = {step_id: replace(charge, budget=budget) for step_id, charge in paid.items()}
    return [
        replace(step, runtime={**step.runtime, "charge": priced[step.id]}) if step.id in priced else step
        for step in steps
    ]


def planned(spec: Spec, catalogue: Catalogue, store: Store, hosts: Mapping[str, str]) -> Spending:
    """What the unfinished steps will send to engines that are paid, or are not here, as far as it can be forecast.

    The translation memory is not looked into: what it has is not paid again.

    Args:
        hosts: where steps send texts, by their ids.
    """
    from crossfare.experiment import forecast  # it builds on the runner, which builds on this

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
            usd, most = charge.usd(usage), charge.usd(high)
        price = charge.price.ref if charge else ""
        found.append(Planned(each.step.label, usage.characters, usd, price, each.exact, most, host))
    return Spending(tuple(found))


UNBILLED = "no request is billed"
"""What is said where nobody is known to bill anything by the request."""


class _Within:
    """An engine that passes for the one within."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.name = engine.name
        self.revision = engine.revision
        self.granularity = engine.granularity
        self.tag_handling = getattr(engine, "tag_handling", None)
        self.marked_by_tags = abilities(engine).marked_by_tags
        self.cross_attention = getattr(engine, "cross_attention", None)

    @property
    def host(self) -> str:
        """Where the engine's texts go."""
        return host_of(self.engine)

    def batches(self, texts: Sequence[str]) -> list[range]:
        """As the engine's own requests are cut."""
        return requests(self.engine, texts)


class Charged(_Within):
    """An engine that sends only what its budget allows: request by request, or call by call if it cannot say more."""

    def __init__(self, engine: Engine, charge: Charge) -> None:
        super().__init__(engine)
        self.charge = charge

    def translate(self, texts: Sequence[str], *, source: str, target: str) -> Translation:
        """Translate, if there is money for it.

        Raises:
            BudgetExceeded: it would pass the limit, before anything was answered.
        """
        engine, paying = self.engine, partial(self.charge.paying, self.name)
        if isinstance(engine, PaidByRequest):
            return engine.translate_paying(texts, source=source, target=target, paying=paying)
        if not texts:
            return engine.translate(texts, source=source, target=target)
        with paying(texts, counted(engine, texts, source, self.charge.price.counting)) as billed:
            made = engine.translate(texts, source=source, target=target)
            billed(made.usage)
        return made

    def answered_before(self, text: str, *, source: str, target: str) -> None:
        """Tell the engine, if it wants to know."""
        if isinstance(self.engine, Probing):
            self.engine.answered_before(text, source=source, target=target)


class Rehearsed(_Within):
    """An engine that sends nothing: it gives every text back, and adds up what it would have been billed for."""

    def __init__(self, engine: Engine, charge: Charge | None) -> None:
        super().__init__(engine)
        self.charge = charge
        self.texts = 0
        self.usage = Usage(requests=0, characters=0)

    def translate(self, texts: Sequence[str], *, source: str, target: str) -> Translation:  # noqa: ARG002
        """Return ``texts``."""
        engine, charge = self.engine, self.charge
        most = charge.most(engine, texts, source) if charge else counted(engine, texts, source, None)
        self.texts += len(texts)
        self.usage += most
        return Translation(tuple(texts), most)


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
