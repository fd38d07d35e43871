"""Run a spec: execute its steps, then derive results, ledger and tables from what lies on disk."""

from __future__ import annotations

import importlib.metadata
import platform
import shutil
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

import crossfare
from crossfare import meter, run_folder
from crossfare.compare import Contest, contests
from crossfare.compare.runs import FORMAT
from crossfare.data import artifact
from crossfare.errors import BudgetExceeded, CrossfareError, StaleArtifact
from crossfare.escaping import Console
from crossfare.experiment import steps as planning
from crossfare.experiment.billing import offers_of, resources_of
from crossfare.experiment.cell import CellSteps
from crossfare.experiment.charges import charges, limited, purse
from crossfare.experiment.files import LATENCIES, SCORES, host_of_step, read_predictions_of, read_yield
from crossfare.experiment.matrix import missing
from crossfare.experiment.methods import METHODS
from crossfare.experiment.preflight import ready
from crossfare.experiment.schedule import Failure, cores, run_steps
from crossfare.experiment.spec import Spec
from crossfare.experiment.spending_plan import Spending, planned
from crossfare.experiment.steps import Planner
from crossfare.experiment.test_sets import TestSets
from crossfare.ledger.book import COMPUTE, STORAGE, Book, Entry
from crossfare.ledger.costs import Needs, costs
from crossfare.ledger.prices import Catalogue
from crossfare.report import Context, Table, cost_table, energy_table, quality_table, task_table, write_tables
from crossfare.report.progress import showing
from crossfare.store import Store, write_json, write_text
from crossfare.strict import dump_yaml, parse_json, read_json
from crossfare.tasks import TASKS
from crossfare.translate.engines import asked_for
from crossfare.translate.engines.hosts import leaves
from crossfare.types import Latency, Result, RunSpec, Score, Share, Step, Usage, Yield

RESULTS = TypeAdapter(tuple[Result, ...])
_PACKAGES = ("torch", "transformers", "tokenizers", "ctranslate2", "numpy", "sentencex", "sentencepiece")


@dataclass(frozen=True, slots=True)
class Run:
    """A finished run: where it lies, what it found, and the tables that show it."""

    folder: Path
    results: tuple[Result, ...]
    missing: tuple[tuple[RunSpec, str], ...]
    contests: tuple[Contest, ...]
    tables: tuple[Table, ...]


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

    Raises:
        CrossfareError: a step failed; what does not need it is finished and written.
        BudgetExceeded: the next request would pass ``max_usd``; what was done is kept.
        ConfigError: the directory holds something else, or another run writes there (see `run_folder.claimed`).
    """
    store = store or Store()
    folder = Path(out or Path("runs") / spec.name).absolute()
    with run_folder.claimed(folder, _portable(spec), apart=store.root, force=force) as place:
        return _run(spec, place, jobs, store, console, quiet, max_usd, agree, tell, written)


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
) -> Run:
    catalogue, plan = ready(spec, store)
    book = Book(catalogue, offers_of(spec))
    resources = resources_of(spec, plan)
    everything = planning.distinct(step for cell in plan for step in cell.all)

    def price(step: Step, usage: Usage) -> Decimal:
        book.add(Entry(step.id, step.stage, step.label, usage, resources[step.id]))
        return book.cost(step.id).usd

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
    kept = {step.id for cell in plan for step in cell.one_time}
    parts = _parts(plan)
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
        for step in everything
        if store.done(step.id)
    )
    complete = [cell for cell in plan if all(store.done(step.id) for step in cell.all)]
    absent = (*missing(spec), *_unfinished(plan, complete, failures))
    if not complete:
        raise _incomplete(failures, plan, complete, "nothing was written")
    if failures and len(complete) < place.results:
        raise _incomplete(failures, plan, complete, f"{place.path} has what an earlier run found")
    made = _write(place, spec, complete, Book(catalogue, offers_of(spec), entries), store, absent)
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
    steps = planning.distinct(step for cell in Planner(spec).plan() for step in cell.all)
    return planned(spec, catalogue, store, {step.id: host_of_step(step) for step in steps if not store.done(step.id)})


def dry_run(
    spec: Spec, *, out: str | Path | None = None, store: Store | None = None, force: bool = False
) -> tuple[tuple[str, str, bool], ...]:
    """List a run's steps as (label, id, finished already) without executing any.

    Raises:
        CrossfareError: the run would fail, as far as that shows without a request; see `preflight`.
    """
    store = store or Store()
    run_folder.check(Path(out or Path("runs") / spec.name).absolute(), _portable(spec), apart=store.root, force=force)
    _, plan = ready(spec, store)
    everything = planning.distinct(step for cell in plan for step in cell.all)
    return tuple((step.label, step.id, store.done(step.id)) for step in everything)


# -- money ------------------------------------------------------------------------------------


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


# -- results ----------------------------------------------------------------------------------


def _results(plan: Sequence[CellSteps], book: Book, store: Store) -> tuple[Result, ...]:
    tests = TestSets(plan, store)
    scores = [_scores(store, cell.score) for cell in plan]
    needs = [
        Needs(cell.shares, translated=_examples(store, cell.test), answered=found[0].n)
        for cell, found in zip(plan, scores, strict=True)
    ]
    made = zip(plan, scores, needs, costs(book, needs), strict=True)
    return tuple(_result(cell, found, own, priced, book, store, tests) for cell, found, own, priced in made)


def _result(
    cell: CellSteps,
    scores: tuple[Score, ...],
    needs: Needs,
    priced: Mapping[str, Any],
    book: Book,
    store: Store,
    test_sets: TestSets,
) -> Result:
    source_side = _scores(store, cell.source_side)
    return Result(
        spec=cell.cell,
        score=scores[0],
        further_scores=(*scores[1:], *(replace(each, metric=f"source_{each.metric}") for each in source_side)),
        train_examples=sum(_examples(store, step) for step in cell.train),
        **priced,
        latency=_latencies(store, cell, "latency.json"),
        train_yield=_train_yield(store, cell),
        test_yield=_yield(store, cell.recurring[0]) if cell.recurring else None,
        steps=needs.steps,
        stored_bytes=sum(book.entry(s.id).usage.stored_bytes or 0 for s in cell.one_time) if cell.one_time else None,
        energy_kwh=book.energy_kwh(step.id for step in (*cell.one_time, *cell.fine_tunings)),
        energy_kwh_per_1k=_energy_per_1k(needs, book),
        translation_latency=_latencies(store, cell, "translation.json"),
        one_answer=_one_answer(store, cell),
        baseline=test_sets.baseline(cell),
        tested=test_sets.identity(cell),
        model_notes=_model_notes(store, cell),
    )


def _model_notes(store: Store, cell: CellSteps) -> tuple[str, ...]:
    """What of the model that was fine-tuned was not used."""
    path = store.artifact(cell.finetune.id) / "training.json" if cell.finetune else None
    if path is None or not path.exists():
        return ()
    return tuple(read_json(path).get("model_notes", ()))


def _one_answer(store: Store, cell: CellSteps) -> str | None:
    """What the cell's model answers to everything, if it does."""
    if cell.finetune is None or TASKS[cell.cell.task].searches:
        return None
    predictions = read_predictions_of(store.artifact(cell.score.inputs["predictions"][0]))
    answers = {each.output for each in predictions}
    return answers.pop() if len(answers) == 1 and len(predictions) > 1 else None


def _energy_per_1k(needs: Needs, book: Book) -> float | None:
    translated = book.energy_kwh(needs.playing("translation_per_1k"))
    inferred = book.energy_kwh(needs.playing("inference_per_1k"))
    if translated is None or inferred is None:
        return None
    return 1000 * (translated / needs.translated + inferred / needs.answered)


def _scores(store: Store, step: Step | None) -> tuple[Score, ...]:
    return () if step is None else SCORES.validate_json((store.artifact(step.id) / "scores.json").read_bytes())


def _latencies(store: Store, cell: CellSteps, name: str) -> tuple[Latency, ...]:
    paths = (store.artifact(step.id) / name for step in cell.latency)
    return tuple(latency for path in paths if path.exists() for latency in LATENCIES.validate_json(path.read_bytes()))


def _train_yield(store: Store, cell: CellSteps) -> Yield | None:
    """What was left of the training set; of a round trip, after both ways."""
    paid = {step.id: step for step in cell.one_time}
    last = next((step for step in cell.one_time if step in cell.train), None)
    if last is None:
        return None
    found = _yield(store, last)
    if (before := paid.get(last.inputs.get("data", ("",))[0])) is not None:
        first = _yield(store, before)
        found = Yield(found.kept, first.total, (*first.lost, *found.lost))
    return found


def _examples(store: Store, step: Step) -> int:
    with (store.artifact(step.id) / artifact.FILE_NAME).open("rb") as lines:
        return sum(1 for _ in lines) - 1  # the first line is the header


def _yield(store: Store, step: Step) -> Yield:
    return read_yield(store.artifact(step.id))


# -- the run directory ------------------------------------------------------------------------


def _write(
    place: run_folder.RunFolder,
    spec: Spec,
    plan: Sequence[CellSteps],
    book: Book,
    store: Store,
    absent: tuple[tuple[RunSpec, str], ...],
) -> Run:
    results = _results(plan, book, store)
    found = contests(results)
    context = _context(spec, found, absent)
    record = _record(spec, results, found, book, store, absent)
    facts = {"crossfare": crossfare.__version__, **record["provenance"]["packages"], "hardware": meter.hardware_name()}
    asked = record["provenance"]["engines"]
    facts |= {
        f"engine {name}": ", ".join(f"{key}: {value}" for key, value in each.items()) for name, each in asked.items()
    }
    with place.rewriting() as folder:
        write_text(folder / "spec.yaml", dump_yaml(_portable(spec)))
        book.write(folder / "ledger.jsonl")
        _link_steps(folder / "steps", book, store)
        write_tables(results, folder / "tables", context, catalogue=book.catalogue, facts=facts)
        write_json(folder / "results.json", record)
    shown = (
        *(task_table(results, task, context) for task in spec.tasks),
        quality_table(results, context),
        cost_table(results, context),
        *((energy,) if (energy := energy_table(results, context)) else ()),
    )
    return Run(place.path, results, absent, found, shown)


def _context(spec: Spec, found: Sequence[Contest], absent: Sequence[tuple[RunSpec, str]]) -> Context:
    """What the tables say beyond the results."""
    return Context(
        methods=METHODS,
        engine_notes={name: engine.note for name, engine in spec.engines.items() if engine.note},
        missing=absent,
        p_values={frozenset((contest.best, contest.other)): contest.p for contest in found},
        data_names={name: task.name for name, task in spec.tasks.items() if task.name},
    )


def _portable(spec: Spec) -> dict[str, Any]:
    """The spec without the folder its data lay in, which is nobody else's business."""
    return spec.model_dump(mode="json", exclude={"data_dir"}, exclude_defaults=True)


def _link_steps(folder: Path, book: Book, store: Store) -> None:
    folder.mkdir()
    for step_id in {entry.step_id for entry in book}:
        (folder / step_id).symlink_to(store.folder(step_id), target_is_directory=True)


def _record(
    spec: Spec,
    results: Sequence[Result],
    found: Sequence[Contest],
    book: Book,
    store: Store,
    absent: Sequence[tuple[RunSpec, str]],
) -> dict[str, Any]:
    """Everything a later reader needs: what was found, from what, with what, at which prices."""
    return {
        "format": FORMAT,
        "name": spec.name,
        "made": datetime.now(UTC).isoformat(timespec="seconds"),
        "results": parse_json(RESULTS.dump_json(tuple(results)), "results"),
        "missing": [{"cell": cell.id, "reason": reason} for cell, reason in absent],
        "comparisons": parse_json(TypeAdapter(tuple[Contest, ...]).dump_json(tuple(found)), "comparisons"),
        "total_usd": str(book.total(entry.step_id for entry in book).usd),
        "data": _reports(book, store),
        "provenance": {**provenance(book), "engines": _settings(spec)},
    }


def _settings(spec: Spec) -> dict[str, dict[str, str]]:
    """What the spec's engines ask of services that would choose for themselves else."""
    found = {name: asked_for(engine.engine, engine.options) for name, engine in spec.engines.items()}
    return {name: each for name, each in found.items() if each}


def _reports(book: Book, store: Store) -> dict[str, Any]:
    """What loading repaired, translation lost and training left out, by step, with the ids."""
    reports = {}
    for entry in book:
        for name in ("report.json", "yield.json", "training.json"):
            path = store.artifact(entry.step_id) / name
            if path.exists():
                reports[entry.step_id] = {"label": entry.label, **read_json(path, error=StaleArtifact)}
    return reports


def provenance(book: Book) -> dict[str, Any]:
    """Versions, hardware, and the price records used with their dates and sources."""
    names = {name for entry in book for name in entry.resources} | {COMPUTE} | ({STORAGE} if book.stores else set())
    records = [book.catalogue.get(book.offer(name)) for name in sorted(names)]
    return {
        "crossfare": crossfare.__version__,
        "python": platform.python_version(),
        "packages": {name: version for name in _PACKAGES if (version := _version(name))},
        "hardware": meter.hardware_name(),
        "offers": {name: offer for name, offer in book.offers.items() if name in names},
        "prices": {
            price.ref: {
                "amount": str(price.amount),
                "currency": price.currency,
                "unit": price.unit,
                "per": str(price.per),
                "checked": price.checked.isoformat(),
                "source": price.source,
                **{
                    name: str(value)
                    for name in ("usd_rate", "output_amount")
                    if (value := getattr(price, name)) is not None
                },
            }
            for price in records
        },
    }


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None
