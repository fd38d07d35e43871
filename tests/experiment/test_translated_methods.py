"""Methods that translate at inference, run whole: served and scored on the target side, round-tripped, combined.

The engine gives every text back, so every one of them must find exactly what zero-shot finds.
"""

from __future__ import annotations

import json
from pathlib import Path

import plan_made
import pytest

import tiny_run
from crossfare.compare import read_run
from crossfare.data import artifact
from crossfare.errors import ConfigError
from crossfare.experiment import Run, Spec, run
from crossfare.experiment.billing import resources_of
from crossfare.experiment.cell import distinct
from crossfare.experiment.files import PREDICTIONS
from crossfare.experiment.forecast import Basis, Forecaster
from crossfare.experiment.quality import world_quality
from crossfare.experiment.steps import Planner
from crossfare.report import Context, cost_table, task_table
from crossfare.store import Store
from crossfare.types import Result, RunSpec, Step

METHODS = ["zero-shot", "translate-train", "translate-infer", "translate-infer-round-trip", "ensemble"]
RANKING = ["translate-infer-strategy-1", "translate-infer-strategy-2", "ensemble-strategy-1", "ensemble-strategy-2"]


def _spec(folder: Path) -> Spec:
    training = {**tiny_run.TRAINING, "select_best": True}
    ranking = {"depth": 4, "negatives": 2, "mining_depth": 10}
    validation = {"ref": "world:nli", "split": "validation", "limit": 6}
    return tiny_run.spec(
        folder,
        methods=[*METHODS, *RANKING],
        tasks={
            "nli": tiny_run.task("nli", validation=validation, select_on="translated", training=training),
            "qa": tiny_run.task("qa"),
            "ranking": tiny_run.task("ranking", ranking=ranking, training={**tiny_run.TRAINING, "loss": "listwise"}),
        },
        latency={"repeats": 1, "batch_sizes": [32, 1]},
        prices={"annotation": {task: f"annotation-{task}" for task in ("nli", "qa", "ranking")}},
    )


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, Spec, Store]:
    folder = tmp_path_factory.mktemp("translated")
    spec, store = _spec(folder), Store(folder / "cache")
    return run(spec, out=folder / "out", jobs=2, store=store, quiet=True), spec, store


def _of(made: Run, task: str, method: str) -> list[Result]:
    return [each for each in made.results if (each.spec.task, each.spec.method) == (task, method)]


@pytest.mark.parametrize("task", ["qa", "nli"])
@pytest.mark.parametrize("method", METHODS)
def test_translating_nothing_changes_nothing(finished: tuple[Run, Spec, Store], task: str, method: str) -> None:
    (zero_shot,) = _of(finished[0], task, "zero-shot")
    found = _of(finished[0], task, method)
    assert found
    for each in found:
        assert each.score.ids == zero_shot.score.ids
        assert each.score.per_example == zero_shot.score.per_example


def test_fused_ranks_of_equal_models_are_their_own(finished: tuple[Run, Spec, Store]) -> None:
    # By strategy 1 the first stage searches in the source language, so its candidates are others.
    (parent,) = _of(finished[0], "ranking", "translate-train")
    for ensemble in _of(finished[0], "ranking", "ensemble-strategy-2"):
        assert ensemble.score.per_example == parent.score.per_example
    assert len(_of(finished[0], "ranking", "ensemble-strategy-1")) == 2


def test_questions_are_scored_as_served_and_as_in_the_paper(finished: tuple[Run, Spec, Store]) -> None:
    made, spec, store = finished
    for result, cell in zip(made.results, Planner(spec).plan(), strict=True):
        metrics = [each.metric for each in result.further_scores]
        if result.spec.task != "qa" or not result.spec.method.startswith("translate-infer"):
            assert not any(metric.startswith("source_") for metric in metrics)
            continue
        assert metrics == ["exact_match", "source_f1", "source_exact_match"]
        assert result.further_scores[1].value == result.score.value  # nothing was translated, so nothing was lost
        assert [each.batch_size for each in result.translation_latency] == [32, 1]
        for whole, part in zip(result.latency, result.translation_latency, strict=True):
            assert whole.mean > part.mean > 0
        asked, answers = cell.recurring
        test = {each.id: each for each in artifact.read(store.artifact(cell.test.id)).examples}
        assert all(not each.answers for each in artifact.read(store.artifact(asked.id)).examples)  # type: ignore[union-attr]
        served = json.loads((store.artifact(asked.id) / "yield.json").read_text(encoding="utf-8"))
        assert served["quality"] == world_quality(artifact.read(store.artifact(asked.id)), "en")
        assert [each["metric"] for each in served["quality"]] == ["bleu", "chrf"]
        before = PREDICTIONS.validate_json((store.artifact(cell.inference[0].id) / "predictions.json").read_bytes())
        after = PREDICTIONS.validate_json((store.artifact(answers.id) / "predictions.json").read_bytes())
        assert [(each.id, each.output, each.start) for each in before] == [
            (each.id, each.output, each.start) for each in after
        ]
        for each in after:
            context = test[each.id].context  # type: ignore[union-attr]
            assert each.start is not None
            assert context[each.start :].startswith(each.output)
        report = json.loads((store.artifact(answers.id) / "yield.json").read_text(encoding="utf-8"))
        assert (report["kept"], report["total"], report["ways"]) == (8, 8, {"same": 8})


def test_costs_are_those_of_serving_and_shared_steps_count_once(finished: tuple[Run, Spec, Store]) -> None:
    made = finished[0]
    assert read_run(made.folder).results == made.results  # every cost is told again from the ledger alone
    plan = {each.cell: each for each in Planner(finished[1]).plan()}
    ledger = [json.loads(line) for line in (made.folder / "ledger.jsonl").read_text(encoding="utf-8").splitlines()]
    for result in _of(made, "qa", "ensemble"):
        cell = plan[result.spec]
        train, infer = cell.parents
        assert (train.cell.method, infer.cell.method) == ("translate-train", "translate-infer")
        assert len(cell.fine_tunings) == 2
        assert cell.one_time == train.one_time
        assert {step.stage for step in cell.recurring} == {"translate", "back-project"}
        assert result.translation == _of(made, "qa", "translate-train")[0].translation
        assert result.fine_tuning is not None
    marked = [entry for entry in ledger if entry["label"].endswith("answers known")]
    assert {entry["stage"] for entry in marked} == {"translate", "predict", "score"}


def test_a_service_bills_what_is_sent_to_it_and_the_own_machine_its_time(tmp_path: Path) -> None:
    spec = plan_made.spec(tmp_path, methods=["translate-infer"], tasks=("qa",))
    plan = Planner(spec).plan()
    found = resources_of(spec, plan)
    by_engine = {cell.cell.engine: found[cell.recurring[1].id] for cell in plan}
    assert by_engine == {"api": ("engine:api", "compute"), "own": ("engine:own",)}


def test_a_price_of_device_time_that_is_stated_is_the_same_as_none(tmp_path: Path) -> None:
    """A model of one's own behind an API has to state it: what it served is neither left out nor paid for twice."""
    own = {"engine": "echo", "options": {"name": "own"}}
    billed, resources = [], []
    for price in (None, "compute"):
        engines = {"own": own | ({"price": price} if price else {})}
        spec = plan_made.spec(tmp_path, methods=["translate-infer"], tasks=("qa",), engines=engines)
        plan = Planner(spec).plan()
        backs = [step for cell in plan for step in cell.recurring if step.stage == "back-project"]
        billed += [step.runtime["billed"] for step in backs]
        resources += [resources_of(spec, plan)[step.id] for step in backs]
    assert len(billed) >= 2
    assert set(billed) == {False}
    assert set(resources) == {("engine:own",)}


def test_a_round_trip_learns_from_what_came_back(finished: tuple[Run, Spec, Store]) -> None:
    made, spec, store = finished
    plan = {each.cell: each for each in Planner(spec).plan()}
    for result in _of(made, "nli", "translate-infer-round-trip"):
        cell = plan[result.spec]
        there, back = cell.one_time
        assert cell.train == (back,)
        assert (there.params["target"], back.params["target"]) == ("pt", "en")
        assert (there,) == plan[_of(made, "nli", "translate-train")[0].spec].one_time
        assert artifact.read(store.artifact(back.id)).language == "en"
        assert result.train_yield is not None
        assert (result.train_yield.kept, result.train_yield.total) == (12, 12)
        assert result.translation is not None


def test_a_model_that_reads_translations_is_chosen_on_round_tripped_data(finished: tuple[Run, Spec, Store]) -> None:
    _, spec, _ = finished
    steps = {step.id: step for cell in Planner(spec).plan() for step in cell.all}

    def validation(method: str) -> list[str]:
        cells = [each for each in Planner(spec).plan() if (each.cell.task, each.cell.method) == ("nli", method)]
        chosen = steps[cells[0].fine_tunings[0].inputs["validation"][0]]
        path = [chosen]
        while path[-1].stage == "translate":
            path.append(steps[path[-1].inputs["data"][0]])
        return [str(step.params.get("target", step.params.get("language"))) for step in path]

    assert validation("zero-shot") == ["en"]
    assert validation("translate-train") == ["pt", "en"]
    assert validation("translate-infer") == ["en", "pt", "en"]
    assert validation("translate-infer-round-trip") == ["en", "pt", "en"]


def test_tables_show_both_scores(finished: tuple[Run, Spec, Store]) -> None:
    made = finished[0]
    table = task_table(made.results, "qa", Context())
    names = [row[1].text.strip() for row in table.rows]
    assert names.count("as in the paper") == sum(name.startswith("Translate-infer") for name in names)
    below = names.index("as in the paper")
    assert names[below - 1].startswith("Translate-infer")
    assert any(cell.text.startswith("(") for cell in table.rows[below])
    assert any("cannot be served" in note for note in table.notes)
    assert "as in the paper" not in str(task_table(made.results, "nli", Context()).rows)
    assert any("Translating alone: Echo " in note for note in cost_table(made.results, Context()).notes)


def test_a_forecast_has_every_step(finished: tuple[Run, Spec, Store]) -> None:
    made, spec, store = finished
    steps = {step.id for step in distinct(step for cell in Planner(spec).plan() for step in cell.all)}
    # Nothing is looked at that this run made but its rates.
    forecaster = Forecaster(spec, Basis.gather([made.folder], store=store), finished=False)
    assert set(forecaster.forecasts) == steps
    lacking = {each.step.stage for each in forecaster.forecasts.values() if each.lacking}
    assert lacking <= {"latency"}
    ensembles = [
        option
        for plan in forecaster.plans()
        for option in plan.expected.options
        if option.key.split("|")[1].startswith("ensemble")
    ]
    assert len(ensembles) == 2 * 4
    assert {component.part for option in ensembles for component in option.recurring} == {"translation", "inference"}


def test_an_engine_that_goes_one_way_projects_back_without_translating(tmp_path: Path) -> None:
    one_way = {"engine": "ctranslate2", "models": {"pt-en": "embedded:marian-xx-en"}}
    spec = tiny_run.spec(tmp_path, tasks={"qa": tiny_run.task("qa")}, engines={"open": one_way}, methods=METHODS)
    cells = {each.cell.method: each for each in Planner(spec).plan()}
    assert set(cells) == {"zero-shot", "translate-infer"}  # the others need to translate the training set
    back = cells["translate-infer"].recurring[1]
    assert back.params["engine"] is None
    assert "engine" not in back.runtime


def test_words_are_aligned_by_an_encoder_that_knows_both_languages(tmp_path: Path) -> None:
    def aligner(**changes: object) -> Step:
        spec = tiny_run.spec(tmp_path, methods=["translate-infer"], **changes)
        return Planner(spec).plan()[0].recurring[1]

    model = tiny_run.tiny_models.checkpoint("bert")
    other = tiny_run.tiny_models.checkpoint("xlm-roberta")
    roles = {"target-encoder": model, "source-encoder": model}
    tasks = {"qa": tiny_run.task("qa")}
    assert aligner(tasks=tasks, models=roles).runtime["aligner"] == model
    for_pt = {**roles, "target-encoder": {"pt": model, "*": other}}
    assert aligner(tasks=tasks, models=for_pt).runtime["aligner"] is None
    stated = {"qa": tiny_run.task("qa", back_projection={"aligner": other})}
    assert aligner(tasks=stated, models=for_pt).runtime["aligner"] == other
    without = {"qa": tiny_run.task("qa", back_projection={"ways": ["search"]})}
    assert aligner(tasks=without).params["ways"] == ["search"]
    with pytest.raises(ConfigError, match=r"tasks\.qa\.back_projection\.ways"):
        aligner(tasks={"qa": tiny_run.task("qa", back_projection={"ways": ["guess"]})})


def test_an_ensemble_takes_the_models_its_parents_usually_have(tmp_path: Path) -> None:
    model, other = tiny_run.tiny_models.checkpoint("bert"), tiny_run.tiny_models.checkpoint("distilbert")
    spec = tiny_run.spec(tmp_path, methods=["ensemble"], models={"target-encoder": model, "source-encoder": other})
    same, cell = Planner(spec).plan()
    assert [parent.cell.checkpoint for parent in same.parents] == [model, model]
    assert [parent.cell.checkpoint for parent in cell.parents] == [model, other]
    assert cell.cell == RunSpec("nli", "ensemble", "source-encoder", "en", "pt", "echo", 0, other, "Echo")
