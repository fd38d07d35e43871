"""Run a comparison: the demo, or a spec."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from crossfare.cli.options import (
    AllowHost,
    AllowKey,
    Concurrency,
    Force,
    MaxUsd,
    PartOptions,
    ReadingOptions,
    RunOptions,
    Yes,
    with_groups,
)
from crossfare.cli.terminal import agree, say, show, wide_console
from crossfare.cli.values import allow, beside, in_flight, limit, names, numbers, told
from crossfare.errors import ConfigError, Unready

if TYPE_CHECKING:
    from crossfare import experiment


@with_groups
def demo(
    part: PartOptions,
    manner: RunOptions,
    seeds: Annotated[str | None, typer.Option(help="Seeds, separated by commas (default: 0,1,2).")] = None,
    force: Force = False,
) -> None:
    """Run the whole comparison offline, on the embedded data and models; end with a recommendation and a report.

    A part of it, or other seeds, has a run directory of its own, such as runs/demo-nli-pt.
    """
    from crossfare import experiment

    whole, spec = experiment.demo_spec(), experiment.demo_spec(seeds=numbers(seeds))
    folder = _run(spec, part, manner, whole=whole, force=force)
    if folder:
        _report(folder, beside=beside(manner.beside))


@with_groups
def run(
    spec: Annotated[Path, typer.Argument(help="The spec, a YAML file (see docs/spec.md).")],
    part: PartOptions,
    *,
    data_dir: Annotated[Path | None, typer.Option(help="Folder that data paths in the spec are relative to.")] = None,
    max_usd: MaxUsd = None,
    concurrency: Concurrency = None,
    yes: Yes = False,
    manner: RunOptions,
    force: Force = False,
    allow_host: AllowHost = None,
    allow_key: AllowKey = None,
    reading: ReadingOptions,
) -> None:
    """Run a spec: every cell of its matrix, shared steps once, finished steps never again.

    Asks before it sends anything to an engine whose requests are paid, or that is not on this machine. A part of the
    spec (--tasks, --targets) has a run directory of its own, such as runs/NAME-nli-pt. A directory that holds a run of
    another spec is replaced with --force only; one that holds something else never.
    """
    from crossfare import experiment

    allow(allow_host, allow_key)
    in_flight(concurrency)
    whole = experiment.read_as(experiment.load_spec(spec, data_dir=data_dir), names(part.tasks), told(reading))
    _run(whole, part, manner, max_usd, yes, force=force)


def _run(
    spec: experiment.Spec,
    part: PartOptions,
    manner: RunOptions,
    max_usd: str | None = None,
    yes: bool = False,
    *,
    whole: experiment.Spec | None = None,
    force: bool = False,
) -> Path | None:
    """Run a spec and print its tables; the run directory, unless nothing was run."""
    from crossfare import experiment

    whole = whole or spec
    spec = experiment.narrowed(spec, targets=names(part.targets), tasks=names(part.tasks))
    out = part.out or experiment.default_folder(whole, spec)
    if manner.energy:
        spec = spec.model_copy(update={"energy": True})
    try:
        if manner.dry_run:
            _show_dry_run(spec, out, force)
            return None
        folder = experiment.run(
            spec,
            written=_show_run,
            out=out,
            jobs=part.jobs,
            console=wide_console(),
            quiet=manner.quiet,
            max_usd=limit(max_usd),
            agree=None if yes else agree,
            force=force,
            tell=partial(say, err=True),
            beside=beside(manner.beside),
        ).folder
        _conclude(folder)
        return folder
    except Unready as unready:
        say(*unready.problems, err=True)
        raise ConfigError(
            f"{len(unready.problems)} problems, named above; nothing was sent, trained or written"
        ) from None


def _show_dry_run(spec: experiment.Spec, out: Path, force: bool) -> None:
    from crossfare import experiment

    _show_steps(experiment.dry_run(spec, out=out, force=force))
    say(*experiment.why_missing(experiment.missing(spec)))
    if (plan := experiment.planned_spending(spec)).steps:
        say(*plan.lines)


def _show_run(finished: experiment.Run) -> None:
    from crossfare import experiment

    show(finished.tables)
    say(*experiment.why_missing(finished.missing))
    say(f"Results, tables and ledger: {finished.folder}")


def _show_steps(steps: tuple[tuple[str, str, bool], ...]) -> None:
    from crossfare.report import Table

    rows = ((label, step, "cached" if done else "to do") for label, step, done in steps)
    show([Table.of_texts("", ("step", "id", "state"), rows)])
    cached = sum(done for _, _, done in steps)
    say(f"{len(steps)} steps: {cached} cached, {len(steps) - cached} to do")


def _conclude(folder: Path) -> None:
    """Say what is recommended, leaving out reference translations, which no system delivers."""
    from crossfare import compare as comparing
    from crossfare.report import advice, decision
    from crossfare.report.hardware_costs import hardware_notes

    horizon = decision.Horizon(100_000, 12)
    record = comparing.read_run(folder)
    without = ("reference",) if any(facts.reference for facts in record.engines.values()) else ()
    every: list[comparing.Decision] = []
    for task in dict.fromkeys(result.spec.task for result in record.results):
        try:
            found = comparing.decisions([record], tasks=(task,), mean=True, without=without, months=horizon.months)
        except ConfigError:  # every method needs the reference, or none was run in every language
            continue
        for each in found:
            made = comparing.recommend(each, horizon.examples)
            say(advice.heading(made, horizon), advice.advice(made))
            every.append(each)
    say(
        *hardware_notes(every, horizon.examples),
        f"Recommended is {advice.rule(comparing.Aim())}.",
        f"Why, and what would change it: crossfare recommend {folder}",
    )


def _report(folder: Path, *, beside: bool) -> None:
    from crossfare.experiment.methods import METHODS
    from crossfare.paper.rows import places
    from crossfare.report import write_report

    try:
        say(f"Report: {write_report(folder, methods=METHODS, places=places, beside=beside)}")
    except ConfigError as error:  # the light install has no plotting
        say(f"No report: {error}")
