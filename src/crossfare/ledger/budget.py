"""A spending limit that several processes keep together.

What is spent stands in one small file. A request is entered before it is sent, at what it will cost
or at the most that it can, and corrected once the bill is known. A process that is killed in between
leaves it entered: the provider may have billed it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from filelock import FileLock

from crossfare.errors import BudgetExceeded
from crossfare.store import write_text


@dataclass(frozen=True, slots=True)
class Budget:
    """At most ``limit`` USD, counted in the file ``path``; it can be handed to other processes.

    A new file starts at nothing spent.
    """

    limit: Decimal
    path: Path

    @property
    def spent(self) -> Decimal:
        """USD spent so far, with what is on its way."""
        return Decimal(self.path.read_text(encoding="utf-8")) if self.path.exists() else Decimal(0)

    @contextmanager
    def paying(self, usd: Decimal, what: str) -> Iterator[Callable[[Decimal], None]]:
        """Enter ``usd`` for the request made within; call what is yielded with the bill, to correct it.

        A request that fails stays entered: some do after the provider has billed them.

        Raises:
            BudgetExceeded: it would pass the limit; the request must not be made.
        """
        self._enter(usd, what)
        yield lambda bill: self._enter(bill - usd)

    def _enter(self, usd: Decimal, what: str = "") -> None:
        with FileLock(f"{self.path}.lock"):
            spent = self.spent
            if what and spent + usd > self.limit:
                raise BudgetExceeded(
                    f"{shown(spent)} of {shown(self.limit)} USD are spent, and {what} would cost {shown(usd)} USD more"
                )
            write_text(self.path, str(spent + usd))


def shown(usd: Decimal) -> str:
    """An amount in USD for people: cents, and as many further digits as it takes to see three."""
    places = max(2, 2 - usd.adjusted()) if usd else 2
    return f"{usd:.{places}f}"
