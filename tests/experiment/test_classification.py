"""Classification, whole: every method there is for it, then everything that is done with a run."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

import tiny_models
import tiny_run
from crossfare import data, translate
from crossfare.compare import decisions, read_run
from crossfare.data import artifact
from crossfare.errors import DataError
from crossfare.experiment import Run, Spec, run
from crossfare.experiment.cell import distinct
from crossfare.experiment.files import PREDICTIONS
from crossfare.experiment.forecast import Basis, Forecaster, Stated, stated_spec
from crossfare.experiment.methods import METHODS
from crossfare.experiment.steps import Planner
from crossfare.report import write_report
from crossfare.serving import export, open_pipeline, predict_file
from crossfare.serving.http import application
from crossfare.store import Store
from crossfare.strict import read_json
from crossfare.tasks import TASKS
from crossfare.types import Dataset, PairExample, Prediction, Result, TextExample

TASK = TASKS["classification"]
SUITED = [row.name for row in METHODS.values() if TASK.name in row.tasks]
LABELS = {"entailment": "Yes, certainly", "neutral": "perhaps", "contradiction": "no"}


def made(language: str, split: str, count: int) -> Dataset:
    """What the embedded pairs say, as single texts."""
    found = data.load("world:nli", language=language, split=split, limit=count).dataset
    examples = tuple(
        TextExample(each.id, f"{each.premise} {each.hypothesis}", LABELS[str(each.label)])
        for each in found.examples
        if isinstance(each, PairExample)
    )
    return Dataset("made", TASK.name, split, language, examples)


def _spec(folder: Path) -> Spec:
    refs = {"train": ("en", "train", 12), "test": ("pt", "test", 9), "gold": ("pt", "train", 6)}
    for role, (language, split, count) in refs.items():
        data.save(made(language, split, count), folder / f"{role}.csv")
    task = tiny_run.task(TASK.name, **{role: str(folder / f"{role}.csv") for role in refs})
    return tiny_run.spec(
        folder,
        name="texts",
        methods=SUITED,
        tasks={TASK.name: task},
        latency={"repeats": 1, "batch_sizes": [1]},
        prices={},
    )


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, Spec, Store]:
    folder = tmp_path_factory.mktemp("texts")
    spec, store = _spec(folder), Store(folder / "cache")
    return run(spec, out=folder / "out", jobs=1, store=store, quiet=True), spec, store


def _of(made: Run, method: str) -> Result:
    return next(each for each in made.results if each.spec.method == method)


def _predictions(store: Store, result: Result) -> tuple[Prediction, ...]:
    score = next(step for step in result.steps if step.startswith("score-"))
    (answering,) = read_json(store.folder(score) / "step.json")["inputs"]["predictions"]
    return PREDICTIONS.validate_json((store.artifact(answering) / "predictions.json").read_bytes())


def test_every_method_is_scored(finished: tuple[Run, Spec, Store]) -> None:
    made_run, _, _ = finished
    assert {each.spec.method for each in made_run.results} == {*SUITED}
    assert len(SUITED) == 10
    for each in made_run.results:
        assert (each.score.metric, [more.metric for more in each.further_scores]) == ("accuracy", ["macro_f1"])
        assert each.score.n == 9
        assert bool(each.latency) == (METHODS[each.spec.method].infer_on == "translated")


def test_the_trivial_baseline_is_the_most_frequent_label(finished: tuple[Run, Spec, Store]) -> None:
    labels = [example.label for example in made("pt", "test", 9).examples]  # type: ignore[attr-defined]
    assert {each.baseline for each in finished[0].results} == {max(map(labels.count, labels)) / 9}


@pytest.mark.parametrize("method", ["translate-train", "translate-infer", "translate-infer-round-trip", "ensemble"])
def test_translating_nothing_changes_nothing(finished: tuple[Run, Spec, Store], method: str) -> None:
    made_run, _, store = finished
    own, plain = (_predictions(store, _of(made_run, name)) for name in (method, "zero-shot"))
    assert [each.output for each in own] == [each.output for each in plain]
    assert {each.output for each in plain} <= {*LABELS.values()}


@pytest.mark.parametrize("method", ["zero-shot", "translate-infer", "ensemble"])
def test_it_is_served_as_it_was_scored(finished: tuple[Run, Spec, Store], method: str, tmp_path: Path) -> None:
    made_run, _, store = finished
    expected = [each.output for each in _predictions(store, _of(made_run, method))]
    data.save(made("pt", "test", 9), tmp_path / "asked.jsonl", "labels-jsonl")
    with open_pipeline(made_run.folder, task=TASK.name, method=method, model="target-encoder") as pipeline:
        predict_file(pipeline, tmp_path / "asked.jsonl", tmp_path / "answers.jsonl")
        answers = [json.loads(line) for line in (tmp_path / "answers.jsonl").read_text(encoding="utf-8").splitlines()]
        assert [each["label"] for each in answers] == expected
        assert all(sum(each["probabilities"].values()) == pytest.approx(1) for each in answers)
        assert pipeline.answer([TASK.request(text=" ")])[0].note == "the text is blank"  # type: ignore[call-arg]

        async def talk() -> Any:
            transport = httpx.ASGITransport(application(pipeline, dict))
            app = transport.app
            async with (
                app.router.lifespan_context(app),
                httpx.AsyncClient(transport=transport, base_url="http://x") as http,
            ):  # type: ignore[attr-defined]
                return await http.post("/predict", json={"id": 7, "text": made("pt", "test", 9).examples[0].texts[0]})

        reply = asyncio.run(talk()).json()
        assert (reply["id"], reply["label"]) == (7, expected[0])


def test_report_comparison_and_export(finished: tuple[Run, Spec, Store], tmp_path: Path) -> None:
    made_run, _, _ = finished
    page = write_report(made_run.folder).read_text(encoding="utf-8")
    assert "Classification pt" in page
    assert "zero-shot" in (made_run.folder / "tables" / f"{TASK.name}.csv").read_text(encoding="utf-8").lower()
    (decision,) = decisions([read_run(made_run.folder)])
    assert (decision.task, decision.metric) == (TASK.name, "accuracy")
    folder = export(made_run.folder, tmp_path / "model", task=TASK.name, method="zero-shot")
    card = (folder / "README.md").read_text(encoding="utf-8")
    assert "pipeline_tag: text-classification" in card
    assert "AutoModelForSequenceClassification" in card
    assert set(read_json(folder / "config.json")["label2id"]) == {*LABELS.values()}


def test_a_forecast_has_every_step(finished: tuple[Run, Spec, Store]) -> None:
    made_run, spec, store = finished
    steps = {step.id for step in distinct(step for cell in Planner(spec).plan() for step in cell.all)}
    forecaster = Forecaster(spec, Basis.gather([made_run.folder], store=store), finished=False)
    assert set(forecaster.forecasts) == steps
    assert {each.step.stage for each in forecaster.forecasts.values() if each.lacking} <= {"latency"}


def test_a_comparison_that_is_only_stated_is_planned() -> None:
    stated = Stated(TASK.name, ("pt",), examples=1000, characters=80, gold=100, engines=("google",), model="110M")
    spec = stated_spec(stated).spec
    assert {*spec.tasks} == {TASK.name}
    assert {"zero-shot", "translate-train", "translate-infer", "in-language"} <= {*spec.methods}


def test_a_dataset_is_translated_with_its_labels() -> None:
    given = made("en", "test", 5)
    done = translate.translate_dataset(given, translate.engine("echo"), target="pt")
    assert done.dataset.examples == given.examples
    assert done.report.lint is not None


def test_labels_of_any_kind_are_learnt(tmp_path: Path) -> None:
    pairs = tiny_models.nli_data(18)
    examples = tuple(
        TextExample(each.id, each.hypothesis, LABELS[str(each.label)])
        for each in pairs.examples
        if isinstance(each, PairExample)
    )
    given = Dataset("marks", TASK.name, "train", "en", (*examples, TextExample("odd", "x", None)))
    hyper = TASK.hyperparameters(learning_rate=4e-3, batch_size=8, dropout=0.0, schedule="linear", epochs=25)
    tuned = TASK.finetune(tiny_models.checkpoint(), [given], out=tmp_path / "out", hyper=hyper)
    assert tuned.notes == ("1 examples have no label and were left out: odd",)
    accuracy, macro = TASK.score(given, TASK.predict(str(tuned.path), given).predictions)
    assert accuracy.value > 0.9
    assert (macro.metric, accuracy.n) == ("macro_f1", 18)
    assert "unlabelled:1" in accuracy.signature
    again = TASK.finetune(str(tuned.path), [given], out=tmp_path / "again", hyper=replace(hyper, epochs=1))
    assert again.model_notes == ()  # a head for these very labels is kept


def test_one_label_teaches_nothing() -> None:
    same = Dataset("same", TASK.name, "train", "en", (TextExample("1", "a", "x"), TextExample("2", "b", "x")))
    with pytest.raises(DataError, match="the training set has 1 different labels"):
        TASK.check_examples([same])
    assert artifact.parse(artifact.render(same), "same").dataset.examples == same.examples
