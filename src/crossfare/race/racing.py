"""Run a race: do what the policy says, step by step, in the cache that runs share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import partial
from pathlib import Path

from crossfare import run_folder
from crossfare.errors import BudgetExceeded
from crossfare.escaping import Console
from crossfare.experiment.billing import resources_of
from crossfare.experiment.charges import charges, limited
from crossfare.experiment.files import host_of_step
from crossfare.experiment.matrix import missing
from crossfare.experiment.record import Run, portable, write
from crossfare.experiment.runner import default_jobs, ledger, pricing
from crossfare.experiment.schedule import Failure, run_steps, workers
from crossfare.experiment.spec import Spec
from crossfare.experiment.spending_plan import Spending, planned
from crossfare.ledger.budget import Budget
from crossfare.race import policy
from crossfare.race.course import COURSE, Course, Event, Lead
from crossfare.race.field import Field, Manner, seeded
from crossfare.race.policy import Action, Left, State, Stop
from crossfare.report.progress import showing
from crossfare.store import Store
from crossfare.translate.engines.hosts import leaves
from crossfare.types import RunSpec, Step, digest

USUAL = Manner()
_ENDS = {"safe": "more would hardly change it", "budget": "the budget is spent", "complete": "nothing is left to run"}


@dataclass(frozen=True, slots=True)
class Raced:
    """A race that ended: the run directory of what it ran, and its course."""

    run: Run
    course: Course


def race(
    spec: Spec,
    manner: Manner = USUAL,
    *,
    out: str | Path | None = None,
    jobs: int | None = None,
    store: Store | None = None,
    console: Console | None = None,
    quiet: bool = False,
    max_usd: Decimal | None = None,
    max_minutes: float | None = None,
    agree: Callable[[Spending], None] | None = None,
    force: bool = False,
    note: Callable[[Event], None] | None = None,
    tell: Callable[[str], None] | None = None,
) -> Raced:
    """Try the methods of ``spec`` as far as it takes to choose one, and write the run directory (``runs/<name>-race``).

    Every step is that of a run of the same spec with the same seeds, in the same cache: one finishes the other. Killed
    anywhere and called again, the race goes on where it was; with another budget too.

    Args:
        max_usd: the most that may be spent: device time at its price, and requests that are paid. No request is sent
            that would pass it; no step is begun that is forecast to, at the most.
        max_minutes: the most that its steps may take, added up.
        agree: called before anything is done with what the whole matrix would send to engines that are paid or are
            elsewhere, if there is anything; raises if it is too much.
        force: replace a run of another spec.
        note: told each event.
        tell: told what was spent on paid requests, however the race ends.

    Raises:
        CrossfareError: a step failed; the race went on without its method, and what was run is written.
    """
    store = store or Store()
    folder = Path(out or Path("runs") / f"{spec.name}-race").absolute()
    with run_folder.claimed(folder, portable(seeded(spec, manner.seeds)), apart=store.root, force=force) as place:
        field = Field(spec, store, manner)
        _ask(field, agree)
        kept = store.root / "races" / f"{_name(folder, field, manner)}.json"
        course = Course.load(kept) or Course(frozenset(step.id for step in field.steps if store.done(step.id)))
        price = pricing(field.spec, field.catalogue, resources_of(field.spec, (*field.plan, *field.pilots)))
        try:
            jobs = jobs or default_jobs()
            with (
                showing(console or Console(), len(field.steps), price, quiet=quiet) as progress,
                workers(jobs, progress, field.spec.energy) as pool,
            ):
                execute = partial(run_steps, store=store, jobs=jobs, observer=progress, pool=pool)
                running = Racing(field, course.going, kept, Allowance(max_usd, max_minutes), execute, note)
                running.run()
        finally:
            spent = Budget(None, kept.with_suffix(".spent"))
            if tell and spent.path.exists():
                tell(f"spent on requests: {spent.account}")
        return running.write(place)


def _name(folder: Path, field: Field, manner: Manner) -> str:
    """Tells races apart by where they are written, what they race, and how they decide."""
    return digest([str(folder.resolve()), portable(field.spec), repr(manner), sorted(s.id for s in field.steps)])


def _ask(field: Field, agree: Callable[[Spending], None] | None) -> None:
    hosts = {step.id: host_of_step(step) for step in field.steps if not field.store.done(step.id)}
    paid = charges(field.spec, field.catalogue, resources_of(field.spec, field.plan))
    if agree and (hosts.keys() & paid.keys() or any(map(leaves, hosts.values()))):
        agree(planned(field.spec, field.catalogue, field.store, hosts))


@dataclass(frozen=True, slots=True)
class Allowance:
    """The most that a race may take; None is no limit."""

    usd: Decimal | None
    minutes: float | None


class Racing:
    """A race that goes on: its state follows from its course and from what is in the store."""

    def __init__(
        self,
        field: Field,
        course: Course,
        kept: Path,
        limits: Allowance,
        execute: Callable[[Sequence[Step]], tuple[Failure, ...]],
        note: Callable[[Event], None] | None,
    ) -> None:
        self.field = field
        self.course = course
        self._kept = kept
        self._limits = limits
        self._execute = execute
        self._note = note or (lambda _event: None)
        resources = resources_of(field.spec, (*field.plan, *field.pilots))
        self._paid = charges(field.spec, field.catalogue, resources)
        self._labels = {step for step, used in resources.items() if any(u.startswith("annotation:") for u in used)}
        self._price = pricing(field.spec, field.catalogue, resources)
        self._steps = {step.id: step for step in field.steps}
        self._failed: list[Failure] = []
        if course.prices is None:
            self._forecast()
        else:
            self._take(course)

    def run(self) -> None:
        """Go on until it ends."""
        while self.course.stop is None:
            state = self.state()
            before, state = state.dropped, policy.dropping(state)
            for key in [key for key in state.dropped if key not in before]:
                arm = self._arms[key]
                self._enter(Event("drop", state.dropped[key], arm.decision, key, arm.label))
            step = policy.next_step(state)
            if isinstance(step, Stop):
                self._enter(Event("stop", f"{_ENDS[step.reason]}: {step.why}"))
            else:
                self._do(step, state)

    # -- state --------------------------------------------------------------------------------

    def state(self) -> State:
        """What is known now."""
        done = frozenset(step_id for step_id in self._steps if self.field.store.done(step_id))
        arms = tuple(self._arms.values())
        return State(
            arms,
            self.course.prices or {},
            self.course.reached,
            done,
            self.field.standings(arms, self.course.reached),
            self.course.dropped,
            self._left(),
        )

    def _left(self) -> Left:
        usd, seconds = self._own(self._touched())
        spent = usd + self._budget(None).account.total
        return Left(
            None if self._limits.usd is None else max(Decimal(0), self._limits.usd - spent),
            None if self._limits.minutes is None else max(0.0, 60 * self._limits.minutes - seconds),
        )

    def _touched(self) -> frozenset[str]:
        """The steps that the race did: those of its tries that were not there when it began."""
        tries = (self._arms[each.key].needs(each.tried) for each in self.course.events if each.kind == "try")
        return frozenset[str]().union(*tries) - self.course.free

    def _own(self, steps: Iterable[str]) -> tuple[Decimal, float]:
        """What finished steps took: USD of device time, and seconds."""
        usd, seconds = Decimal(0), 0.0
        for step_id in steps:
            if self.field.store.done(step_id) and step_id not in self._labels:
                usage = self.field.store.usage(step_id)
                seconds += usage.seconds or 0.0
                usd += Decimal(0) if step_id in self._paid else self._price(self._steps[step_id], usage)
        return usd, seconds

    def _budget(self, limit: Decimal | None) -> Budget:
        return Budget(limit, self._kept.with_suffix(".spent"))

    def _forecast(self) -> None:
        prices, totals = self.field.prices()
        self._take(replace(self.course, prices=prices, totals=totals))

    def _take(self, course: Course) -> None:
        self.course = course
        self._arms = {arm.key: arm for arm in self.field.arms(course.totals or {})}

    # -- events -------------------------------------------------------------------------------

    def _enter(self, event: Event) -> None:
        self.course = replace(self.course, events=(*self.course.events, event))
        self.course.save(self._kept)
        self._note(event)

    def _do(self, action: Action, state: State) -> None:
        """Try a method, and enter what came of it."""
        self.course.save(self._kept)
        arm, tried = action.arm, action.tried
        new = arm.needs(tried) - self._touched() - self.course.free
        requests = self._budget(None).account.total
        failures = self._run(arm.needs(tried))
        usd, seconds = self._own(new)
        event = Event(
            "try",
            action.why,
            arm.decision,
            arm.key,
            arm.label,
            tried.seeds,
            tried.examples,
            None if action.price is None else action.price.usd,
            usd + self._budget(None).account.total - requests,
            seconds,
            _lead(state, arm.decision),
            failed=bool(failures),
        )
        if failures:
            self._enter(event)
            self._enter(Event("drop", self._why_failed(failures), arm.decision, arm.key, arm.label, failed=True))
            return
        pilots = set(self.course.reached) | {arm.key}
        then = replace(self.course, events=(*self.course.events, event))
        self.course, before = then, self.course
        unknown = any(price is None for price in (then.prices or {}).values())
        if arm.key not in before.reached and (unknown or pilots == self._arms.keys()):
            self._forecast()
        after = _lead(self.state(), arm.decision)
        self.course = replace(self.course, events=before.events)
        self._enter(replace(event, after=after))

    def _run(self, needed: frozenset[str]) -> tuple[Failure, ...]:
        steps = [step for step in self.field.steps if step.id in needed]
        limit = self._limits.usd
        if limit is not None:
            limit = max(Decimal(0), limit - self._own(self._touched())[0])
        self._kept.parent.mkdir(parents=True, exist_ok=True)
        return self._execute(limited(steps, self._paid, self._budget(limit)))

    def _why_failed(self, failures: tuple[Failure, ...]) -> str:
        error = failures[0].error
        if not isinstance(error, BudgetExceeded):
            self._failed += failures
        return f"{'budget' if isinstance(error, BudgetExceeded) else 'failed'}: {error}"

    # -- the end ------------------------------------------------------------------------------

    def write(self, place: run_folder.RunFolder) -> Raced:
        """Write the run directory of what was run.

        Raises:
            CrossfareError: a step failed; what does not need it is written all the same.
        """
        field, complete = self.field, self.field.complete()
        if self._failed and not complete:
            raise self._failed[0].error
        fresh = {step.id for step in field.steps} - self.course.free
        book = ledger(field.spec, field.catalogue, (*field.plan, *field.pilots), field.store, fresh)
        absent = (*missing(field.spec), *self._absent())
        made = write(place, field.spec, complete, book, field.store, absent, {COURSE: self.course.to_json()})
        if self._failed:
            error = self._failed[0].error
            raise type(error)(f"{error}; the race went on without it, the others are in {place.path}")
        return Raced(made, self.course)

    def _absent(self) -> Iterable[tuple[RunSpec, str]]:
        """The cells that were not run, each with why."""
        complete = {cell.cell for cell in self.field.complete()}
        dropped = self.course.dropped
        for cell in self.field.plan:
            if cell.cell not in complete:
                why = dropped.get(self.field.key(cell), "the race was decided, or its budget spent, without it")
                yield cell.cell, f"race: {why}"


def _lead(state: State, decision: str) -> Lead | None:
    seen = state.prospects.get(decision)
    if seen is None:
        return None
    leader = state.label(seen.outlook.keys[seen.now]) if seen.now >= 0 else ""
    return Lead(leader, seen.sure, seen.regret, seen.regret_usd)
