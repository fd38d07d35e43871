"""A forecast against what a run used."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

from crossfare.compare import RunRecord, read_run
from crossfare.compare.forecast import Check, StepCheck
from crossfare.errors import DataError, PriceError
from crossfare.experiment.forecast.basis import Basis
from crossfare.experiment.forecast.forecasting import Forecaster
from crossfare.experiment.spec import load_spec
from crossfare.experiment.stages.work import LEVELS
from crossfare.ledger import Book, Entry
from crossfare.store import write_json
from crossfare.strict import read_json
from crossfare.types import Usage

FORMAT = 1

T = TypeVar("T")


def check_rates(folder: str | Path, basis: Basis, *, data_dir: str | Path | None = None) -> Check:
    """Forecast a finished run's steps by what other steps tell, and compare.

    For each step, nothing is looked at that the steps of its own cell tell (the first that has it): not
    their seconds and not their tokens. Data are counted at their sources, not in what the run made of them.

    Raises:
        DataError: no run directory, or the data of its spec cannot be read.
    """
    run = read_run(folder)
    spec = load_spec(run.folder / "spec.yaml", data_dir=data_dir)
    forecaster = Forecaster(spec, basis, finished=False)
    by_entry = _matched(run.book, [(step.id, step.stage, step.label, step) for step in forecaster.steps.values()])
    cells = [frozenset(result.steps) for result in run.results]

    def forecast(entry: Entry) -> tuple[Usage | None, str]:
        step = by_entry.get(entry.step_id)
        if step is None:
            return None, "not in the plan"
        cell = next((steps for steps in cells if entry.step_id in steps), frozenset({entry.step_id}))
        made = forecaster.forecast(step, without=cell)
        return made.usages["expected"], made.source

    return _check(run, forecast, f"run {run.folder.name}, each cell by the rates of the others")


def check_saved(folder: str | Path, saved: str | Path) -> Check:
    """Compare a run with the forecast that was written before it.

    Raises:
        DataError: no run directory, or no forecast.
    """
    run = read_run(folder)
    by_entry = _matched(run.book, [(each["id"], each["stage"], each["label"], each) for each in _read(Path(saved))])

    def forecast(entry: Entry) -> tuple[Usage | None, str]:
        found = by_entry.get(entry.step_id)
        return (None, "not forecast") if found is None else (Usage(**found["usage"]["expected"]), found["source"])

    return _check(run, forecast, f"run {run.folder.name}, forecast in {Path(saved).name}")


def save(forecaster: Forecaster, path: str | Path, **asked: Any) -> None:
    """Write a forecast for `check_saved` and for other programs: every step, and every method's costs."""
    steps = [
        {
            "id": each.step.id,
            "stage": each.step.stage,
            "label": each.step.label,
            "usage": {
                level: {name: value for name, value in asdict(each.usages[level]).items() if value is not None}
                for level in LEVELS
            },
            "exact": each.exact,
            "source": each.source,
            "lacking": each.lacking,
        }
        for each in forecaster.forecasts.values()
    ]
    plans = [
        {level: _decision(getattr(plan, level)) for level in LEVELS}
        | {"unknown": {key: [str(each) for each in lacks] for key, lacks in plan.unknown.items()}}
        for plan in forecaster.plans(int(asked.get("months", 12)))
    ]
    write_json(Path(path), {"format": FORMAT, "spec": forecaster.spec.name, **asked, "steps": steps, "plans": plans})


def _decision(decision: Any) -> dict[str, Any]:
    """The model as data; a score that is not known is null, and differs from no other."""
    found: dict[str, Any] = decision.to_json()
    found["pairs"] = [pair for pair in found["pairs"] if pair["value"] == pair["value"]]
    for option in found["options"]:
        for name in ("quality", "low", "high"):
            if option[name] != option[name]:
                option[name] = None
    return found


def _read(path: Path) -> list[dict[str, Any]]:
    values = read_json(path, todo="write one with `crossfare plan --json`")
    try:
        if values["format"] != FORMAT:
            raise ValueError(f"format {values['format']!r}")
        return list(values["steps"])
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(f"{path}: not a forecast ({error}); write one with `crossfare plan --json`") from error


def _matched(book: Iterable[Entry], planned: Sequence[tuple[str, str, str, T]]) -> dict[str, T]:
    """What was planned (id, stage, label, itself) for each entry: of the same id, or of the same stage and label.

    Steps of one label are taken in their order. Ids differ where the code that generates data, or the
    version of a stage, has changed since.
    """
    entries = list(book)
    by_id = {step_id: step for step_id, _, _, step in planned}
    taken = {entry.step_id for entry in entries}
    rest: dict[tuple[str, str], list[T]] = defaultdict(list)
    for step_id, stage, label, step in planned:
        if step_id not in taken:
            rest[stage, label].append(step)
    found: dict[str, T] = {}
    for entry in entries:
        alike = rest[entry.stage, entry.label]
        if entry.step_id in by_id:
            found[entry.step_id] = by_id[entry.step_id]
        elif alike:
            found[entry.step_id] = alike.pop(0)
    return found


def _check(run: RunRecord, forecast: Callable[[Entry], tuple[Usage | None, str]], name: str) -> Check:
    steps = []
    billed = [entry for entry in run.book if entry.resources]
    for entry in billed:
        usage, source = forecast(entry)
        steps.append(_compared(run, entry, usage, source))
    return Check(name, tuple(steps), len(run.book) - len(billed))


def _compared(run: RunRecord, entry: Entry, usage: Usage | None, source: str) -> StepCheck:
    counts: list[tuple[str, int | None, int]] = []
    timed = all(run.book.catalogue.get(run.book.offer(name)).unit == "device-hour" for name in entry.resources)
    for name in ("characters", "requests", "annotated"):
        actual = getattr(entry.usage, name)
        if actual is not None:
            counts.append((name, None if usage is None else getattr(usage, name), actual))
    seconds = (usage.seconds if usage and timed else None, entry.usage.seconds if timed else None)
    usd = None if usage is None else _cost(run, entry, usage)
    return StepCheck(
        entry.step_id, entry.stage, entry.label, seconds, (usd, run.book.cost(entry.step_id).usd), tuple(counts), source
    )


def _cost(run: RunRecord, entry: Entry, usage: Usage) -> Any:
    book = Book(
        run.book.catalogue, run.book.offers, [Entry(entry.step_id, entry.stage, entry.label, usage, entry.resources)]
    )
    try:
        return book.cost(entry.step_id).usd
    except PriceError:
        return None
