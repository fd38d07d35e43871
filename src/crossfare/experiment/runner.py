"""Run a spec: execute its steps, then derive results, ledger and tables from what lies on disk."""

from __future__ import annotations

import shutil
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

from crossfare import run_folder
from crossfare.errors import BudgetExceeded, CrossfareError
from crossfare.escaping import Console
from crossfare.experiment.billing import offers_of, resources_of
from crossfare.experiment.cell import CellSteps, distinct
from crossfare.experiment.charges import charges, limited, purse
from crossfare.experiment.files import host_of_step
from crossfare.experiment.matrix import missing
from crossfare.experiment.preflight import ready
from crossfare.experiment.record import Run, portable, write
from crossfare.experiment.schedule import Failure, cores, run_steps
from crossfare.experiment.spec import Spec
from crossfare.experiment.spending_plan import Spending, planned
from crossfare.experiment.steps import Planner
from crossfare.ledger.book import Book, Entry
from crossfare.ledger.prices import Catalogue
from crossfare.report.progress import showing
from crossfare.store import Store
from crossfare.translate.engines.hosts import leaves
from crossfare.types import RunSpec, Share, Step, Usage


def run(
    spec: Spec,
    *,
    out: str | Path | None = None,
    jobs: int | None = None,
    store: Store | None = None,
    console: Console | None = None,
    quiet: bool = False,
    max_usd: Decimal | None = None,
    agree: Callable[[Spending], None] | None = None,
    force: bool = False,
    tell: Callable[[str], None] | None = None,
    written: Callable[[Run], None] | None = None,
    beside: bool = False,
) -> Run:
    """Run every cell of ``spec`` and write the run directory (default ``runs/<name>``).

    Finished steps are reused, from this run or any other with the same cache. Killed anywhere and
    run again, it ends with the same results. Where a step fails, the cells that do not need it are run and written all
    the same; the others are among those that are missing, each with its reason. The directory is swapped whole, at the
    end; what a run of the same spec found there is not replaced by less.

    Args:
        max_usd: the most that may be spent now on engines whose requests are paid, all processes together.
            Device time and annotation are not counted: nobody bills them while the run goes on.
        agree: called before anything is done with what such engines, and those on other machines, will be sent, if
            there is anything; raises if it is too much.
        force: replace a run of another spec.
        tell: told what was spent on such engines, however the run ends.
        written: called with what was written, before an error is raised for what was not.
        beside: show the paper's figures of the same cells below those of the run.

    Raises:
        CrossfareError: a step failed; what does not need it is finished and written.
        BudgetExceeded: the next request would pass ``max_usd``; what was done is kept.
        ConfigError: the directory holds something else, or another run writes there (see `run_folder.claimed`).
    """
    store = store or Store()
    folder = Path(out or Path("runs") / spec.name).absolute()
    with run_folder.claimed(folder, portable(spec), apart=store.root, force=force) as place:
        return _run(spec, place, jobs, store, console, quiet, max_usd, agree, tell, written, beside)


def _run(
    spec: Spec,
    place: run_folder.RunFolder,
    jobs: int | None,
    store: Store,
    console: Console | None,
    quiet: bool,
    max_usd: Decimal | None,
    agree: Callable[[Spending], None] | None,
    tell: Callable[[str], None] | None,
    written: Callable[[Run], None] | None,
    beside: bool,
) -> Run:
    catalogue, plan = ready(spec, store)
    resources = resources_of(spec, plan)
    everything = distinct(step for cell in plan for step in cell.all)
    price = pricing(spec, catalogue, resources)
    fresh = {step.id for step in everything if not store.done(step.id)}
    paid = charges(spec, catalogue, resources)
    hosts = {step.id: host_of_step(step) for step in everything if step.id in fresh}
    if agree and (fresh & paid.keys() or any(map(leaves, hosts.values()))):
        agree(planned(spec, catalogue, store, hosts))
    with (
        purse(max_usd, tell) as budget,
        showing(console or Console(), len(everything), price, quiet=quiet) as progress,
    ):
        asked = limited(everything, paid, budget)
        failures = run_steps(asked, store, jobs=jobs or default_jobs(), observer=progress, energy=spec.energy)
    book = ledger(spec, catalogue, plan, store, fresh)
    complete = [cell for cell in plan if all(store.done(step.id) for step in cell.all)]
    absent = (*missing(spec), *_unfinished(plan, complete, failures))
    if not complete:
        raise _incomplete(failures, plan, complete, "nothing was written")
    if failures and len(complete) < place.results:
        raise _incomplete(failures, plan, complete, f"{place.path} has what an earlier run found")
    made = write(place, spec, complete, book, store, absent, beside=beside)
    if written:
        written(made)
    if failures:
        raise _incomplete(failures, plan, complete, f"the others are in {place.path}")
    return made


def _unfinished(
    plan: Sequence[CellSteps], complete: Collection[CellSteps], failures: Sequence[Failure]
) -> Iterator[tuple[RunSpec, str]]:
    """The cells that are not complete, each with what kept it from being so."""
    by_step = {failure.step.id: failure for failure in failures}
    stopped = [failure for failure in failures if isinstance(failure.error, BudgetExceeded)]
    for cell in plan:
        if cell not in complete:
            own = next((by_step[step.id] for step in cell.all if step.id in by_step), (*stopped, *failures)[0])
            yield cell.cell, str(own.error)


def _incomplete(
    failures: Sequence[Failure], plan: Sequence[CellSteps], complete: Sequence[CellSteps], where: str
) -> CrossfareError:
    """The error that a run ends with: the first one, and what it left undone."""
    error, others = failures[0].error, len(failures) - 1
    more = f" (and {others} further step{'s' * (others > 1)} failed)" if others else ""
    cells = f"{len(plan) - len(complete)} of {len(plan)} cells have no result, {where}"
    return type(error)(f"{error}{more}; {cells}; run it again to go on")


def default_jobs() -> int:
    """One process per core; one alone where an accelerator does the work."""
    if shutil.which("nvidia-smi"):
        return 1
    return cores()


def planned_spending(spec: Spec, *, store: Store | None = None) -> Spending:
    """What a run will send to engines that are paid by the request, or are on other machines, without sending it.

    Raises:
        CrossfareError: the spec, its data or its prices are not in order.
    """
    store = store or Store()
    catalogue = Catalogue.load([spec.path(file) for file in spec.prices.files])
    steps = distinct(step for cell in Planner(spec).plan() for step in cell.all)
    return planned(spec, catalogue, store, {step.id: host_of_step(step) for step in steps if not store.done(step.id)})


def dry_run(
    spec: Spec, *, out: str | Path | None = None, store: Store | None = None, force: bool = False
) -> tuple[tuple[str, str, bool], ...]:
    """List a run's steps as (label, id, finished already) without executing any.

    Raises:
        CrossfareError: the run would fail, as far as that shows without a request; see `preflight`.
    """
    store = store or Store()
    run_folder.check(Path(out or Path("runs") / spec.name).absolute(), portable(spec), apart=store.root, force=force)
    _, plan = ready(spec, store)
    everything = distinct(step for cell in plan for step in cell.all)
    return tuple((step.label, step.id, store.done(step.id)) for step in everything)


# -- money ------------------------------------------------------------------------------------


def pricing(
    spec: Spec, catalogue: Catalogue, resources: Mapping[str, tuple[str, ...]]
) -> Callable[[Step, Usage], Decimal]:
    """What a step's usage costs, in USD; ``resources`` says what steps use."""
    book = Book(catalogue, offers_of(spec))

    def price(step: Step, usage: Usage) -> Decimal:
        book.add(Entry(step.id, step.stage, step.label, usage, resources[step.id]))
        return book.cost(step.id).usd

    return price


def ledger(spec: Spec, catalogue: Catalogue, plan: Sequence[CellSteps], store: Store, fresh: Collection[str]) -> Book:
    """The finished steps of a plan with what they used; those that are not ``fresh`` were made by an earlier run."""
    resources, parts = resources_of(spec, plan), _parts(plan)
    kept = {step.id for cell in plan for step in cell.one_time}
    entries = (
        Entry(
            step.id,
            step.stage,
            step.label,
            _usage(store, step, kept),
            resources[step.id],
            reused=step.id not in fresh,
            parts=parts[step.id],
        )
        for step in distinct(step for cell in plan for step in cell.all)
        if store.done(step.id)
    )
    return Book(catalogue, offers_of(spec), entries)


def _parts(plan: Sequence[CellSteps]) -> dict[str, tuple[Share, ...]]:
    """The parts that each step is of the cells' costs."""
    found: dict[str, dict[Share, None]] = defaultdict(dict)
    for cell in plan:
        for step_id, share in cell.shares.items():
            found[step_id][share] = None
    return {step_id: tuple(sorted(shares)) for step_id, shares in found.items()}


def _usage(store: Store, step: Step, kept: Collection[str]) -> Usage:
    """What a step used as it lies on disk, never taken from memory; a translation paid once is kept there."""
    usage = store.usage(step.id)
    return replace(usage, stored_bytes=store.size(step.id)) if step.id in kept else usage
