"""Spend the least to decide: try the methods of a spec only as far as it takes to choose one."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from crossfare.cli.options import (
    AllowHost,
    AllowKey,
    Force,
    Margin,
    Months,
    PartOptions,
    Volume,
    Worth,
    Yes,
    with_groups,
)
from crossfare.cli.terminal import agree, say, show, wide_console
from crossfare.cli.values import allow, limit, names, worth
from crossfare.errors import ConfigError, Unready
from crossfare.escaping import Console, escaped

if TYPE_CHECKING:
    from crossfare import compare as comparing
    from crossfare.race import Event, Manner, Raced


@dataclass(frozen=True, slots=True)
class LimitOptions:
    """The most that may be spent."""

    max_usd: Annotated[
        str | None,
        typer.Option(metavar="USD", help="Most that may be spent: on paid requests, and on device time at its price."),
    ] = None
    max_minutes: Annotated[
        float | None, typer.Option(min=0, help="Most that the steps may take, in minutes, added up.")
    ] = None


@dataclass(frozen=True, slots=True)
class AimOptions:
    """What is to be decided, and how."""

    margin: Margin = 2.0
    worth: Worth = None
    volume: Volume = 100_000
    months: Months = 12
    mean: Annotated[bool, typer.Option("--mean", help="Judge methods by their mean over the target languages.")] = False
    without: Annotated[str | None, typer.Option(help="Engines or methods to leave out, such as reference.")] = None
    seeds: Annotated[int, typer.Option(min=1, max=100, help="Most training runs of a method.")] = 5
    pilot: Annotated[
        int, typer.Option(min=0, help="Test examples of a first try where requests are paid; 0: all at once.")
    ] = 200

    def manner(self) -> Manner:
        """The same, for a race."""
        from crossfare.compare import Aim
        from crossfare.race import Manner

        aim = Aim(self.margin / 100, worth(self.worth))
        left = names(self.without)
        return Manner(aim, self.volume, self.months, self.mean, left, self.seeds, self.pilot)


@with_groups
def race(
    spec: Annotated[str, typer.Argument(help="The spec, a YAML file, or demo.")],
    part: PartOptions,
    limits: LimitOptions,
    aims: AimOptions,
    *,
    data_dir: Annotated[Path | None, typer.Option(help="Folder that data paths in the spec are relative to.")] = None,
    yes: Yes = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print the course and the choice only.")] = False,
    force: Force = False,
    allow_host: AllowHost = None,
    allow_key: AllowKey = None,
) -> None:
    """Run a spec only as far as it takes to choose a method: the least is spent that settles it.

    Every method is tried with one seed first; then further seeds and test examples of those that can still win are
    bought where they help most for their price, until the choice is safe or the budget is spent. Its steps are those
    of `crossfare run` with the same seeds: what one did the other reuses. Run again, it goes on. Status 1 if the
    evidence is not enough for a choice.
    """
    from crossfare import experiment
    from crossfare.race import race as running

    allow(allow_host, allow_key)
    whole = experiment.demo_spec() if spec == "demo" else experiment.load_spec(Path(spec), data_dir=data_dir)
    narrow = experiment.narrowed(whole, targets=names(part.targets), tasks=names(part.tasks))
    manner, folder = aims.manner(), experiment.default_folder(whole, narrow)
    try:
        raced = running(
            narrow,
            manner,
            out=part.out or folder.with_name(f"{folder.name}-race"),
            jobs=part.jobs,
            console=(console := wide_console()),
            quiet=quiet,
            note=None if quiet else partial(_tell, console),
            max_usd=limit(limits.max_usd),
            max_minutes=limits.max_minutes,
            agree=None if yes else agree,
            force=force,
            tell=partial(say, err=True),
        )
    except Unready as unready:
        say(*unready.problems, err=True)
        raise ConfigError(
            f"{len(unready.problems)} problems, named above; nothing was sent, trained or written"
        ) from None
    _show(raced)
    if any(made.chosen is None for made in _conclude(raced, manner)):
        raise typer.Exit(1)


def _tell(console: Console, event: Event) -> None:
    """Say what happened; through the console that shows the steps too."""
    console.print(escaped(f"race: {event}"), markup=False, highlight=False, soft_wrap=True)


def _show(raced: Raced) -> None:
    from crossfare.race import course_tables

    show(course_tables(raced.course))
    say(*raced.course.summary, f"Results, course (race.json) and ledger: {raced.run.folder}", "")


def _conclude(raced: Raced, manner: Manner) -> list[comparing.Recommendation]:
    """Say what is recommended by what the race ran, in the words of `recommend`."""
    from crossfare import compare as comparing
    from crossfare.report import advice, decision

    horizon = decision.Horizon(manner.volume, manner.months)
    record = comparing.read_run(raced.run.folder)
    found = comparing.decisions([record], mean=manner.mean, months=manner.months)
    made = [comparing.recommend(each, horizon.examples, aim=manner.aim) for each in found]
    for each in made:
        say(advice.heading(each, horizon), advice.advice(each), "")
    say(
        f"Recommended is {advice.rule(manner.aim)}.",
        f"Why, and what would change it: crossfare recommend {raced.run.folder}",
    )
    return made
