"""What a translation will take, told before anything is sent."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal

from crossfare.errors import PriceError
from crossfare.experiment.charges import Charge
from crossfare.experiment.rehearse import Rehearsed, assumed, between, rehearse
from crossfare.ledger import Catalogue, Price
from crossfare.ledger.budget import shown
from crossfare.translate import Markers, Projection, TranslationMemory
from crossfare.translate.memory import Pace, ReadOnlyMemory, Scope
from crossfare.translate.projection import abilities
from crossfare.types import Dataset, Engine, Metered, Usage, revision_for


@dataclass(frozen=True, slots=True)
class Sending:
    """What a translation sends: distinct texts, and what they take.

    ``requests`` is None for an engine that is not asked by the request, ``seconds`` and ``usd`` where no rate is known.
    """

    texts: int
    characters: int
    requests: int | None
    usd: Decimal | None
    seconds: float | None

    @classmethod
    def of(cls, tried: Rehearsed, usage: Usage, texts: int, *, pace: Pace | None, compute: Price) -> Sending:
        """What ``usage`` of an engine means.

        Args:
            tried: the engine, and what prices its requests.
            pace: what a character took so far; None if nothing was timed.
            compute: prices device time, where no request is paid.
        """
        characters = usage.characters or 0
        taken = Pace(0.0, 0.0) if not characters else pace and Pace(*(each * characters for each in pace))
        usd: Decimal | None = None
        with suppress(PriceError):  # an endpoint may never have said how many tokens it billed
            if tried.charge is not None:
                usd = tried.charge.usd(usage)
            elif taken is not None:
                usd = Catalogue([compute]).cost(Usage(seconds=taken.device_seconds), compute.offer).usd
        asked = tried.charge is not None or isinstance(tried.engine, Metered)
        return cls(texts, characters, usage.requests if asked else None, usd, taken and taken.seconds)


@dataclass(frozen=True, slots=True)
class Estimate:
    """What translating will take, known before anything is sent.

    ``expected`` and ``most`` differ where some of it shows only on the way, which ``later`` explains; ``most`` is None
    where there is no telling. ``remembered`` texts are in the translation memory. ``at_most`` says that money is an
    upper bound in any case. ``host`` is where texts go; empty for an engine here.
    """

    engine: str
    expected: Sending
    most: Sending | None
    remembered: int
    price: str
    at_most: bool = False
    later: str = ""
    host: str = ""

    @classmethod
    def by(
        cls, tried: Rehearsed, expected: Sending, most: Sending | None, *, remembered: int, compute: Price, later: str
    ) -> Estimate:
        """What an engine that was rehearsed will take; ``compute`` prices device time, where no request is paid."""
        charge = tried.charge
        price, at_most = (charge.price.ref, charge.price.unit == "token") if charge else (compute.ref, False)
        return cls(tried.name, expected, most, remembered, price, at_most, later, tried.host)

    @property
    def sends(self) -> bool:
        """Whether anything is sent, as far as can be told."""
        return bool(self.expected.characters or (self.most and self.most.characters))

    @property
    def summary(self) -> str:
        """What is about to be sent and paid, in a clause."""
        texts, characters = (self._count(name) for name in ("texts", "characters"))
        to = f" at {self.host}" if self.host else ""
        return f"{texts} texts ({characters} characters) for {self.engine}{to} cost {self._money}"

    @property
    def lines(self) -> tuple[str, ...]:
        """The estimate in plain lines."""
        calls = "none, the engine runs on this machine" if self.expected.requests is None else self._count("requests")
        to = f" to {self.host}" if self.host and self.sends else ""
        lines = (
            f"to send: {self._count('texts')} texts{to}; {self.remembered:,} more are in the translation memory",
            f"characters: {self._count('characters')}",
            f"calls: {calls}",
            f"money: {self._money}",
            f"time: {self._time}",
        )
        return (*lines, self.later) if self.later else lines

    def _count(self, name: str) -> str:
        expected = getattr(self.expected, name)
        if self.most is None:
            return f"about {expected:,}"
        most = getattr(self.most, name)
        return f"{expected:,}" if expected == most else f"about {expected:,}, at most {most:,}"

    @property
    def _money(self) -> str:
        expected, most = self.expected.usd, self.most.usd if self.most else None
        if expected is None or (self.most and most is None):
            return f"an unknown amount ({self.price})"
        if most is None:
            return f"about {shown(expected)} USD ({self.price})"
        if self.at_most:
            return f"at most {shown(most)} USD ({self.price})"
        about = "" if expected == most else f"about {shown(expected)} USD, at most "
        return f"{about}{shown(most)} USD ({self.price})"

    @property
    def _time(self) -> str:
        expected, most = self.expected.seconds, self.most.seconds if self.most else None
        if expected is None:
            return "unknown, nothing was timed yet"
        return f"about {expected:,.1f} s" + ("" if most in (None, expected) else f", {most:,.1f} s at the most")


def estimate(
    dataset: Dataset,
    engine: Engine,
    charge: Charge | None,
    *,
    target: str,
    memory: TranslationMemory,
    markers: Markers | None = None,
    projection: Projection,
    compute: Price,
) -> Estimate:
    """Go through a translation without sending anything; ``compute`` prices device time where no request is paid.

    Raises:
        CrossfareError: what the translation itself would raise.
    """
    looked_up = ReadOnlyMemory(memory.path)
    pace = looked_up.pace(Scope(engine.name, revision_for(engine, dataset.language, target), dataset.language, target))
    (least, made), (most, made_at_most) = rehearse(
        dataset, engine, charge, target=target, markers=markers, projection=projection, memory=looked_up
    )
    texts, all_texts = made.report.fresh, made_at_most.report.fresh
    share = assumed(keeps_tags=abilities(engine).keeps_tags) if all_texts != texts else 0.0
    expected = between(least.usage, most.usage, share)
    later = (
        "answers: those that alignment leaves unsure are translated by themselves, "
        f"{100 * share:.0f} % of their characters as expected (assumed), all of them at the most"
    )
    return Estimate.by(
        least,
        Sending.of(least, expected, texts + round(share * (all_texts - texts)), pace=pace, compute=compute),
        Sending.of(most, most.usage, all_texts, pace=pace, compute=compute),
        remembered=made.report.from_memory,
        compute=compute,
        later=later if all_texts != texts else "",
    )
