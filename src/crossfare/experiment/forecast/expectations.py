"""What is expected of a method besides its cost: its quality, and the latency that translation adds."""

from __future__ import annotations

from dataclasses import replace
from statistics import fmean
from typing import TYPE_CHECKING

from crossfare.compare.standings import standings
from crossfare.experiment.cell import CellSteps
from crossfare.experiment.forecast import published
from crossfare.experiment.forecast.basis import made_on
from crossfare.experiment.forecast.rates import ELSEWHERE, elsewhere
from crossfare.experiment.stages import STAGES, keys_of
from crossfare.types import BUSY, RunSpec, Step

if TYPE_CHECKING:
    from crossfare.experiment.forecast.forecasting import Forecaster

Triple = tuple[float, float, float]


def quality(made: Forecaster, cell: RunSpec) -> tuple[Triple, str]:
    """The score of a cell at the least, as expected and at the most, and where it is from: a pilot run or the paper."""
    for run in made.basis.runs:
        for alike in (_same_cell, _same_method):
            if keys := {result.spec.without_seed: None for result in run.results if alike(result.spec, cell)}:
                scores = [standing for key, standing in standings(run.results).items() if key in keys]
                found = (min(each.low for each in scores), fmean(each.value for each in scores))
                other = "" if alike is _same_cell else " with another model"
                return (*found, max(each.high for each in scores)), f"score measured in run {run.name}{other}"
    engine = made.spec.engines[cell.engine] if cell.engine else None
    if (score := published.quality(cell, engine)) is not None:
        bound = ", an upper bound" if score.upper_bound else ""
        known = f"score published: Rosa et al. 2021, Table {score.table}{bound}"
        return (score.value, score.value, score.value), known
    unknown = float("nan")
    return (unknown, unknown, unknown), ""


def latency(made: Forecaster, cell: CellSteps) -> tuple[Triple | None, str]:
    """Milliseconds that translation adds to one request: half of them, 95 and 99 of 100 take less."""
    if not cell.recurring:
        return (0.0, 0.0, 0.0), ""
    engine = made.spec.engines[str(cell.cell.engine)]
    if engine.engine == "reference":
        return None, ""
    for step in cell.latency:
        if (measured := _measured_latency(made, step)) is not None:
            return measured
    if engine.engine == "echo" and not engine.price:
        return None, ""
    if (paper := published.latency_ms(cell.cell, engine)) is not None:
        return (paper[0], paper[0], paper[0]), f"added ms {paper[1]}"
    return None, ""


def _measured_latency(made: Forecaster, step: Step) -> tuple[Triple, str] | None:
    asked = made.counter.work(step).amounts["character"]
    own = keys_of(step, made.steps.get)
    for level, key in enumerate(own):
        for timed in made.basis.measurements.latencies:
            single = next((each for each in timed.found if each["batch_size"] == 1), None)
            if (
                single
                and made_on(single["hardware"], made.hardware)
                and keys_of(timed.step)[level] == key
                and timed.characters
            ):
                scale = 1000 * asked / timed.characters
                triple = (single["p50"] * scale, single["p95"] * scale, single["p99"] * scale)
                kin = "" if level == 0 else ", another language pair or model"
                if elsewhere(single["hardware"], made.rates.machine):
                    triple = (triple[0] / ELSEWHERE, triple[1], triple[2] * ELSEWHERE)
                    kin += f", on other hardware: {single['hardware']}"
                if (single.get("load") or 0) > BUSY:
                    kin += ", while the machine was busy"
                return triple, f"added ms {timed.where}: 50th, 95th and 99th percentile of a request{kin}"
    translating = replace(step, stage=STAGES[step.stage].else_like)
    rate = made.rates.find(translating, made.names.get(step.id, ""), own, made.hardware)
    if rate is None or rate.offer:
        return None
    low, expected, high = (1000 * asked * value for value in (rate.low, rate.expected, rate.high))
    return (low, expected, high), "added ms from the rate of translating a dataset"


def _same_cell(one: RunSpec, other: RunSpec) -> bool:
    return one.without_seed == other.without_seed


def _same_method(one: RunSpec, other: RunSpec) -> bool:
    return _role(one) == _role(other)


def _role(cell: RunSpec) -> tuple[str, ...]:
    return (cell.task, cell.variant, cell.model, cell.target, *cell.engines)
