"""Ensembles whose parents have an engine each: run whole, priced by parent, and told apart everywhere."""

from __future__ import annotations

from pathlib import Path

import pytest

import tiny_run
from crossfare.compare import decisions, read_run
from crossfare.errors import ConfigError
from crossfare.experiment import Run, Spec, cells, run
from crossfare.experiment.billing import resources_of
from crossfare.experiment.cell import CellSteps
from crossfare.experiment.forecast import Basis, Forecaster
from crossfare.experiment.matrix import missing
from crossfare.experiment.steps import Planner
from crossfare.report import Context, cost_table, task_table
from crossfare.store import Store
from crossfare.types import Result

BOUGHT = {task: {"pt": f"world:{task}"} for task in ("nli", "qa")}
ENGINES = {
    "google": {"engine": "existing", "label": "Comm", "price": "google-translate", "existing": BOUGHT},
    "echo": {"engine": "echo", "label": "Echo"},
    "api": {"engine": "echo", "label": "Service", "price": "deepl-api", "options": {"name": "api"}},
}
TWO = [
    {"method": "ensemble", "model": "source-encoder", "engines": ["echo"], "train_engines": ["google"]},
    {"method": "ensemble", "model": "source-encoder", "engines": ["echo"]},
    {"method": "ensemble-strategy-1", "model": "source-encoder", "engines": ["echo"], "train_engines": ["api"]},
]
ALONE = [
    {"method": "translate-train", "model": "target-encoder"},
    {"method": "translate-infer", "model": "source-encoder", "engines": ["echo"]},
    {"method": "translate-infer-strategy-1", "model": "source-encoder", "engines": ["echo"]},
]


def _spec(folder: Path, **changes: object) -> Spec:
    training = {**tiny_run.TRAINING, "loss": "listwise"}
    ranking = {"depth": 4, "negatives": 2, "mining_depth": 10}
    values = {
        "tasks": {
            "nli": tiny_run.task("nli"),
            "qa": tiny_run.task("qa"),
            "ranking": tiny_run.task("ranking", ranking=ranking, training=training),
        },
        "methods": ["zero-shot"],
        "engines": ENGINES,
        "extra_cells": [*ALONE, *TWO],
        "prices": {},
        **changes,
    }
    return tiny_run.spec(folder, **values)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, Spec, Store]:
    folder = tmp_path_factory.mktemp("two")
    spec, store = _spec(folder), Store(folder / "cache")
    return run(spec, out=folder / "out", jobs=2, store=store, quiet=True), spec, store


def _result(made: Run, task: str, method: str, engines: tuple[str, ...]) -> Result:
    asked = (task, method, engines)
    return next(each for each in made.results if (each.spec.task, each.spec.method, tuple(each.spec.engines)) == asked)


def _plan(spec: Spec) -> dict[tuple[str, str, tuple[str, ...]], CellSteps]:
    plan = Planner(spec).plan()
    return {(each.cell.task, each.cell.method, tuple(each.cell.engines)): each for each in plan}


@pytest.mark.parametrize("task", ["nli", "qa"])
def test_each_parent_is_the_method_alone_with_its_own_engine(finished: tuple[Run, Spec, Store], task: str) -> None:
    plan = _plan(finished[1])
    both = plan[task, "ensemble", ("google", "echo")]
    train, infer = plan[task, "translate-train", ("google",)], plan[task, "translate-infer", ("echo",)]
    assert [parent.cell for parent in both.parents] == [train.cell, infer.cell]
    assert both.train == (*train.train, *infer.train)
    assert both.one_time == train.one_time
    assert both.fine_tunings == (*train.fine_tunings, *infer.fine_tunings)
    assert both.recurring[0] == infer.recurring[0]
    assert both.latency == infer.latency
    one = plan[task, "ensemble", ("echo",)]
    assert one.parents[0].cell == plan[task, "translate-train", ("echo",)].cell
    assert one.score.id != both.score.id


def test_a_parent_costs_what_it_costs_alone(finished: tuple[Run, Spec, Store]) -> None:
    made = finished[0]
    both = _result(made, "nli", "ensemble", ("google", "echo"))
    train = _result(made, "nli", "translate-train", ("google",))
    infer = _result(made, "nli", "translate-infer", ("echo",))
    assert both.translation == train.translation
    assert both.translation is not None
    assert both.translation.price.startswith("google-translate@")
    assert both.translation_per_1k == infer.translation_per_1k
    assert both.translation_per_1k is not None
    assert both.translation_per_1k.price.startswith("cpu-core@")
    assert both.train_yield == train.train_yield
    assert both.test_yield == infer.test_yield


def test_a_collection_is_paid_once_and_by_the_engine_that_is_asked(finished: tuple[Run, Spec, Store]) -> None:
    made, spec, _ = finished
    both = _result(made, "ranking", "ensemble-strategy-1", ("api", "echo"))
    train = _result(made, "ranking", "translate-train", ("api",))
    infer = _result(made, "ranking", "translate-infer-strategy-1", ("echo",))
    assert both.translation is not None
    assert train.translation is not None
    assert infer.translation is not None
    assert both.translation.usd == train.translation.usd + infer.translation.usd
    cell = _plan(spec)["ranking", "ensemble-strategy-1", ("api", "echo")]
    billed = resources_of(spec, [cell])  # a plan of its own: no parent stands beside it
    assert [billed[step.id] for step in (*cell.one_time, *cell.recurring)] == [
        ("engine:api",),
        ("engine:echo",),
        ("engine:echo",),
    ]


def test_a_run_directory_says_it_all_again(finished: tuple[Run, Spec, Store]) -> None:
    made = finished[0]
    record = read_run(made.folder)
    assert record.results == made.results  # every cost is told again from the ledger alone
    for task in ("nli", "qa"):
        (decision,) = decisions([record], tasks=[task])
        labels = [option.label for option in decision.options]
        assert "ensemble (Comm + Echo)" in labels
        assert "ensemble (Echo)" in labels
        (left,) = decisions([record], tasks=[task], without=["google"])
        assert [option.label for option in left.options if "Comm" in option.label] == []
        assert "ensemble (Echo)" in [option.label for option in left.options]


def test_tables_name_both_engines(finished: tuple[Run, Spec, Store]) -> None:
    results = finished[0].results
    table = task_table(results, "nli", Context())
    names = [row[1].text for row in table.rows]
    assert names.count("Ensemble (Comm + Echo)") == names.count("Ensemble (Echo)") == 1
    assert "Comm + Echo: Comm translates the training set, Echo what is asked." in table.notes
    noted = Context(engine_notes={"google": "bought", "echo": "nothing is translated"})
    marked = cost_table(results, noted)
    assert "Ensemble (Comm† + Echo†)" in [row[1].text for row in marked.rows]
    assert "Comm†: bought." in marked.notes


def test_a_forecast_prices_each_parent_by_its_engine(finished: tuple[Run, Spec, Store]) -> None:
    made, spec, store = finished
    forecaster = Forecaster(spec, Basis.gather([made.folder], store=store))
    (plan,) = [each for each in forecaster.plans() if each.expected.task == "nli"]
    option = next(each for each in plan.expected.options if each.label == "ensemble (Comm + Echo)")
    assert {each.resource for each in option.fixed if each.part == "translation"} == {"engine:google"}
    assert {each.resource for each in option.recurring if each.part == "translation"} == {"compute"}
    assert option.quality == _result(made, "nli", "ensemble", ("google", "echo")).score.value


def test_what_one_engine_cannot_do_is_missing_with_the_reason(tmp_path: Path) -> None:
    one_way = {"engine": "ctranslate2", "models": {"pt-en": "embedded:marian-xx-en"}}
    extra = {"method": "ensemble", "model": "target-encoder"}
    pairs = [
        {**extra, "engines": ["one-way"], "train_engines": ["google", "one-way"]},
        {**extra, "engines": ["google"], "train_engines": ["echo"]},
    ]
    spec = _spec(
        tmp_path,
        tasks={"nli": tiny_run.task("nli")},
        engines={**ENGINES, "one-way": one_way},
        extra_cells=pairs,
    )
    assert [tuple(each.engines) for each in cells(spec) if each.method == "ensemble"] == [("google", "one-way")]
    reasons = {tuple(cell.engines): reason for cell, reason in missing(spec)}
    assert reasons[("one-way",)] == "engine one-way has no model for nli en-pt (there: pt-en)"  # one for both is one
    assert reasons[("echo", "google")] == "google is an existing translation of the training set only"


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        ({"method": "ensemble", "train_engines": ["bing"]}, "names an engine 'bing' that is not under engines"),
        (
            {"method": "translate-train", "train_engines": ["echo"]},
            "translate-train train_engines, which only ensembles",
        ),
    ],
)
def test_a_spec_that_makes_no_sense_says_so(tmp_path: Path, extra: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        _spec(tmp_path, extra_cells=[{"model": "target-encoder", **extra}])
