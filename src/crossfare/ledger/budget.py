"""A spending limit that several processes keep together.

What is spent stands in one small file. A request is entered before it is sent, at what it will cost
or at the most that it can, and corrected once the bill is known. A process that is killed in between
leaves it entered: the provider may have billed it.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from decimal import Decimal
from pathlib import Path
from typing import Protocol

from filelock import FileLock

from crossfare.errors import BudgetExceeded
from crossfare.store import write_text
from crossfare.strict import read_json
from crossfare.types import Usage

NOTHING = Usage(requests=0, characters=0)

_ONE_BY_ONE = threading.Lock()
"""Threads of this process take turns by it: waiting for a lock on a file is looking again and again."""


class Settle(Protocol):
    """Says what a request was billed for; ``bill`` is None where that has no price."""

    def __call__(self, bill: Decimal | None, usage: Usage = NOTHING) -> None:
        """Correct what was entered for it."""


@dataclass(frozen=True, slots=True)
class Spent:
    """What was spent: ``usd`` that were billed for ``usage``, and the most that requests ``in_doubt`` can have cost.

    These were sent, or are on their way, and nobody has said what they are billed for.
    """

    usd: Decimal = Decimal(0)
    in_doubt: Decimal = Decimal(0)
    usage: Usage = NOTHING

    def __add__(self, other: Spent) -> Spent:
        return Spent(self.usd + other.usd, self.in_doubt + other.in_doubt, self.usage + other.usage)

    def __str__(self) -> str:
        usage = self.usage
        told = [f"{usage.requests or 0:,} requests", f"{usage.characters or 0:,} characters"]
        if usage.input_tokens:
            cached = f" ({usage.cached_tokens:,} of them cached)" if usage.cached_tokens else ""
            told.append(f"{usage.input_tokens + (usage.output_tokens or 0):,} tokens{cached}")
        return f"{', '.join(told)}, {self.money}"

    @property
    def money(self) -> str:
        """The money alone."""
        if not self.in_doubt:
            return f"{shown(self.usd)} USD"
        return f"{shown(self.usd)} USD and up to {shown(self.in_doubt)} USD for requests that failed or had no answer"

    @property
    def total(self) -> Decimal:
        """The most that was spent."""
        return self.usd + self.in_doubt


@dataclass(frozen=True, slots=True)
class Budget:
    """At most ``limit`` USD (None: no limit), counted in the file ``path``; it can be handed to other processes.

    A new file starts at nothing spent.
    """

    limit: Decimal | None
    path: Path

    @property
    def spent(self) -> Decimal:
        """USD spent so far, with what is on its way."""
        return self.account.total

    @property
    def account(self) -> Spent:
        """What was spent so far."""
        if not self.path.exists():
            return Spent()
        values = read_json(self.path)
        return Spent(Decimal(values["usd"]), Decimal(values["in_doubt"]), Usage(**values["usage"]))

    @contextmanager
    def paying(self, usd: Decimal, what: str) -> Iterator[Settle]:
        """Enter ``usd`` for the request made within; call what is yielded with the bill, to correct it.

        A request whose bill is never told, or as None, stays entered: some fail after the provider has billed them.

        Raises:
            BudgetExceeded: it would pass the limit; the request must not be made.
        """
        self._enter(Spent(in_doubt=usd), what)

        def settle(bill: Decimal | None, usage: Usage = NOTHING) -> None:
            self._enter(Spent(usage=usage) if bill is None else Spent(bill, -usd, usage))

        yield settle

    def _enter(self, change: Spent, what: str = "") -> None:
        with _ONE_BY_ONE, FileLock(f"{self.path}.lock"):
            account = self.account
            if what and self.limit is not None and account.total + change.total > self.limit:
                raise BudgetExceeded(
                    f"{shown(account.total)} of {shown(self.limit)} USD are spent, and {what} would cost "
                    f"{shown(change.total)} USD more"
                )
            new = account + change
            values = {"usd": str(new.usd), "in_doubt": str(new.in_doubt), "usage": asdict(new.usage)}
            write_text(self.path, json.dumps(values))


def shown(usd: Decimal) -> str:
    """An amount in USD for people: cents, and as many further digits as it takes to see three."""
    places = max(2, 2 - usd.adjusted()) if usd else 2
    return f"{usd:.{places}f}"
