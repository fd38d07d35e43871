"""Who is paid by the request, and what: how requests are counted and priced, and kept within a budget."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from crossfare.errors import ConfigError, PriceError
from crossfare.ledger import Catalogue, Counting, Price
from crossfare.ledger.book import COMPUTE
from crossfare.ledger.budget import Budget
from crossfare.translate.engines import declared
from crossfare.translate.engines.hosts import host_of
from crossfare.translate.projection import abilities
from crossfare.translate.segments import requests
from crossfare.types import Concurrent, Engine, Itemised, PaidByRequest, Probing, Step, Translation, Usage, revision_for

if TYPE_CHECKING:  # translating one file needs no spec
    from crossfare.experiment.spec import Spec
    from crossfare.experiment.spec_engine import EngineSpec

DEVICE = "cpu-core"
"""The offer that prices device time where no other is named."""

NOTHING = Usage(requests=0, characters=0)

UNBILLED = "no request is billed"
"""What is said where nobody is known to bill anything by the request."""

# Where tokens are billed, their number is known only afterwards. No tokenizer in use makes more tokens than the text
# has bytes in the JSON that it is sent as; a translation is taken to be three times as long at the most, and a line to
# be wrapped in a little markup.
_PROMPT_TOKENS = 1000
_TOKENS_A_LINE = 40
_OUTPUT_PER_BYTE = 3


@dataclass(frozen=True, slots=True)
class Charge:
    """What prices an engine's requests, and the budget they are paid from."""

    price: Price
    budget: Budget | None = None

    @classmethod
    def by(cls, catalogue: Catalogue, offer: str) -> Charge | None:
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
        return cls(price)

    def usd(self, usage: Usage) -> Decimal:
        """What was used, in money."""
        return Catalogue([self.price]).cost(usage, self.price.offer).usd

    def most(self, engine: Engine, texts: Sequence[str], source: str) -> Usage:
        """What translating ``texts`` now will be billed for; where tokens are billed, the most it can be."""
        asked = counted(engine, texts, source, self.price.counting)
        return sum((self._with_tokens(usage, sent) for sent, usage in asked), NOTHING)

    def characters(self, engine: Engine, texts: Sequence[str], source: str) -> Usage:
        """The requests and characters of it."""
        return sum((usage for _, usage in counted(engine, texts, source, self.price.counting)), NOTHING)

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
        size = sum(_json_bytes(text) for text in texts)
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


def counted(
    engine: Engine, texts: Sequence[str], source: str, rule: Counting | None
) -> list[tuple[Sequence[str], Usage]]:
    """The requests that texts take: of each what is sent, and its characters as they are billed.

    The engine says so where it can. Else each of its calls is taken for a request, and characters are counted by the
    price's rule, or as code points.
    """
    if isinstance(engine, Itemised):
        return list(engine.itemised(texts, source=source))
    asked = [[texts[i] for i in request] for request in requests(engine, texts)]
    rule = rule or Counting()
    each = replace(rule, minimum=0)
    sizes = [max(sum(map(each.billed, sent)), rule.minimum) for sent in asked]
    return [(sent, Usage(requests=1, characters=size)) for sent, size in zip(asked, sizes, strict=True)]


def _json_bytes(text: str) -> int:
    """Bytes of a text as JSON holds it, without its quotes."""
    return len(json.dumps(text, ensure_ascii=False).encode("utf-8", "surrogatepass")) - 2


def is_paid(engine: EngineSpec) -> bool:
    """Whether a spec says that somebody bills the engine, as far as that can be said without its price."""
    # Translations that are there already are priced in the tables, but nobody is paid.
    there = engine.engine == "existing" or declared(engine.engine).runs == "looked-up"
    return bool(engine.price) and engine.price != COMPUTE and not there


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


class Within:
    """An engine that passes for the one within."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.name = engine.name
        self.revision = engine.revision
        self.granularity = engine.granularity
        self.tag_handling = getattr(engine, "tag_handling", None)
        self.marked_by_tags = abilities(engine).marked_by_tags
        self.cross_attention = getattr(engine, "cross_attention", None)

    def revision_for(self, source: str, target: str) -> str:
        """What identifies the engine's output in one direction."""
        return revision_for(self.engine, source, target)

    @property
    def host(self) -> str:
        """Where the engine's texts go."""
        return host_of(self.engine)

    def batches(self, texts: Sequence[str]) -> list[range]:
        """As the engine's own requests are cut."""
        return requests(self.engine, texts)


class Charged(Within):
    """An engine that sends only what its budget allows: request by request, or call by call if it cannot say more."""

    def __init__(self, engine: Engine, charge: Charge) -> None:
        super().__init__(engine)
        self.charge = charge

    def translate(self, texts: Sequence[str], *, source: str, target: str) -> Translation:
        """Translate, if there is money for it.

        Raises:
            BudgetExceeded: it would pass the limit, before anything was answered.
        """
        return self.translate_announcing(texts, source=source, target=target, paid=lambda: None)

    def translate_announcing(
        self, texts: Sequence[str], *, source: str, target: str, paid: Callable[[], None]
    ) -> Translation:
        """The same; ``paid`` is called whenever the money for a request is entered (see `Announcing`)."""
        engine = self.engine

        @contextmanager
        def paying(sent: Sequence[str], most: Usage) -> Iterator[Callable[[Usage], None]]:
            with self.charge.paying(self.name, sent, most) as billed:
                paid()
                yield billed

        if isinstance(engine, PaidByRequest):
            return engine.translate_paying(texts, source=source, target=target, paying=paying)
        if not texts:
            return engine.translate(texts, source=source, target=target)
        with paying(texts, self.charge.characters(engine, texts, source)) as billed:
            made = engine.translate(texts, source=source, target=target)
            billed(made.usage)
        return made

    def in_flight(self, source: str, target: str) -> int:
        """As many requests at once as the engine takes."""
        return self.engine.in_flight(source, target) if isinstance(self.engine, Concurrent) else 1

    def stop(self, why: BaseException) -> None:
        """Stop the engine, if it can be."""
        if isinstance(self.engine, Concurrent):
            self.engine.stop(why)

    def answered_before(self, text: str, *, source: str, target: str) -> None:
        """Tell the engine, if it wants to know."""
        if isinstance(self.engine, Probing):
            self.engine.answered_before(text, source=source, target=target)
