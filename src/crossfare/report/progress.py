"""Show a run as it goes: live bars on a terminal, one line per finished step elsewhere."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal

import rich.console
from rich.console import ConsoleOptions, RenderResult
from rich.live import Live
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Column
from rich.text import Text

from crossfare.errors import CrossfareError
from crossfare.escaping import Console, escaped
from crossfare.types import Step, Usage

_AROUND = 4
"""Lines of the display besides those of the steps that run, and the one that the cursor is in."""

Price = Callable[[Step, Usage], Decimal]


class RunProgress:
    """Counts finished steps and the money they stand for; prints a line for each."""

    def __init__(self, console: Console, total: int, price: Price, *, quiet: bool = False) -> None:
        self.console = console
        self.total = total
        self.done = 0
        self.reused = 0
        self.usd = Decimal(0)
        self._price = price
        self._quiet = quiet
        self._began = time.monotonic()

    def started(self, step: Step) -> None:
        """Nothing to say until there is a result."""

    def advanced(self, step_id: str, done: int, total: int) -> None:
        """Not shown line by line."""

    def finished(self, step: Step, usage: Usage, *, reused: bool) -> None:
        """Count the step, and say so unless it was reused or lines are not wanted."""
        self.done += 1
        self.reused += reused
        self.usd += self._price(step, usage)
        if reused or self._quiet:
            return
        self._print(
            f"[{self.done}/{self.total}] {escaped(step.label)}: {usage.seconds or 0.0:.1f} s, {self.money()}, "
            f"{time.monotonic() - self._began:.0f} s elapsed"
        )

    def failed(self, step: Step, error: CrossfareError) -> None:  # noqa: ARG002
        """Say so at once: the rest may take long."""
        if not self._quiet:
            self._print(f"failed: {error}")

    def _print(self, line: str) -> None:
        self.console.print(escaped(line), markup=False, highlight=False, soft_wrap=True)

    def money(self) -> str:
        """Money so far, for reused steps too: it is what the results cost."""
        return f"{self.usd:.4f} USD so far"


class LiveProgress(RunProgress):
    """The same on a terminal: a bar over all steps, and one for each step that runs."""

    def __init__(self, console: Console, total: int, price: Price) -> None:
        super().__init__(console, total, price, quiet=True)
        self._overall = Progress(
            TextColumn("[bold]{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=console,
        )
        self._steps = Progress(
            TextColumn("  {task.description}", table_column=Column(no_wrap=True, overflow="ellipsis", ratio=1)),
            BarColumn(bar_width=20),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=console,
            expand=True,  # a long label gives way to the bar, not the bar to the label
        )
        self._task = self._overall.add_task("steps", total=total)
        self._running: dict[str, TaskID] = {}
        self._lock = threading.Lock()

    def __rich_console__(self, console: rich.console.Console, _: ConsoleOptions) -> RenderResult:  # noqa: TID251 - rich gives its own
        """What is drawn, anew at every refresh; never more lines than the terminal has, which would scroll away."""
        yield self._overall
        yield Text(f"{self.money()}; {self.reused} of {self.done} steps reused", style="dim")
        running, room = self._steps.tasks, max(1, console.height - _AROUND)
        yield self._steps.make_tasks_table(running[:room])
        if (more := len(running) - room) > 0:
            yield Text(f"  and {more} more", style="dim")

    def started(self, step: Step) -> None:
        """Add a bar for the step."""
        with self._lock:
            self._running[step.id] = self._steps.add_task(escape(step.label), total=None)

    def advanced(self, step_id: str, done: int, total: int) -> None:
        """Move the step's bar."""
        with self._lock:
            if step_id in self._running:
                self._steps.update(self._running[step_id], completed=done, total=total)

    def finished(self, step: Step, usage: Usage, *, reused: bool) -> None:
        """Drop the step's bar and move the one over all."""
        super().finished(step, usage, reused=reused)
        self._ended(step)

    def failed(self, step: Step, error: CrossfareError) -> None:  # noqa: ARG002
        """Drop the step's bar; what went wrong is told at the end."""
        self._ended(step)

    def _ended(self, step: Step) -> None:
        with self._lock:
            self._overall.update(self._task, completed=self.done)
            if step.id in self._running:
                self._steps.remove_task(self._running.pop(step.id))


@contextmanager
def showing(console: Console, total: int, price: Price, *, quiet: bool = False) -> Iterator[RunProgress]:
    """Show a run on ``console``: live on a terminal, as log lines elsewhere, not at all if quiet."""
    if quiet or not console.is_terminal:
        yield RunProgress(console, total, price, quiet=quiet)
        return
    live = LiveProgress(console, total, price)
    with Live(live, console=console, refresh_per_second=4, transient=True):
        yield live
