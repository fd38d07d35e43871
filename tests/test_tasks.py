from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import tiny_models
from crossfare.errors import ConfigError, DataError
from crossfare.finetune import Hyperparameters
from crossfare.tasks import TASKS
from crossfare.types import Dataset, PairExample

pytest.importorskip("torch")

FAST = {"learning_rate": 4e-3, "batch_size": 8, "dropout": 0.0, "schedule": "linear"}


def test_the_papers_settings_are_the_defaults() -> None:
    assert sorted(TASKS) == ["nli", "qa"]
    for name, task in TASKS.items():
        assert task.name == name
        assert task.hyperparameters() == Hyperparameters.paper(name)
        assert task.options().max_length == task.hyperparameters().max_length
    assert (TASKS["qa"].metric, TASKS["nli"].metric) == ("f1", "accuracy")


def test_qa_from_examples_to_scores(tmp_path: Path) -> None:
    task, data = TASKS["qa"], tiny_models.qa_data()
    hyper = task.hyperparameters(**FAST, epochs=50)
    tuned = task.finetune(tiny_models.checkpoint(), [data], out=tmp_path / "out", hyper=hyper)
    seen: list[tuple[int, int]] = []
    predicted = task.predict(str(tuned.path), data, progress=lambda done, total: seen.append((done, total)))
    f1, exact = task.score(data, predicted.predictions)
    assert (f1.metric, exact.metric) == (task.metric, "exact_match")
    assert exact.value > 0.8
    assert seen[-1] == (16, 16)
    assert predicted.usage.input_tokens
    for example, prediction in zip(data.examples, predicted.predictions, strict=True):
        assert prediction.start is not None
        assert example.context[prediction.start :].startswith(prediction.output)  # type: ignore[union-attr]
    repeated = task.predict(str(tuned.path), data, options={"token_budget": 50})
    assert [p.output for p in repeated.predictions] == [p.output for p in predicted.predictions]
    assert len(task.predict(str(tuned.path), data, options={"n_best": 2}).predictions[0].scores) == 2


def test_nli_trained_on_two_datasets_of_different_labels(tmp_path: Path) -> None:
    """The paper's Table 4, alternative 1: three classes in training, contradiction to neutral in prediction."""
    task = TASKS["nli"]
    three, two = tiny_models.nli_data(18), replace(tiny_models.nli_data(12, classes=2), language="pt")
    unlabelled = replace(two, examples=(*two.examples, PairExample("odd", "a", "b", None)))
    hyper = task.hyperparameters(**FAST, epochs=25)
    tuned = task.finetune(tiny_models.checkpoint(), [three, unlabelled], out=tmp_path / "out", hyper=hyper)
    assert tuned.notes == ("1 examples have no label and were left out: odd",)
    assert tuned.steps == 25 * 4  # 30 examples in batches of 8
    predicted = task.predict(str(tuned.path), three)
    accuracy, macro = task.score(three, predicted.predictions)
    assert (accuracy.metric, macro.metric) == (task.metric, "macro_f1")
    assert accuracy.value > 0.9
    as_two = replace(
        three,
        examples=tuple(
            replace(example, label="neutral" if example.label == "contradiction" else example.label)  # type: ignore
            for example in three.examples
        ),
    )
    outputs = {prediction.output for prediction in task.predict(str(tuned.path), as_two).predictions}
    assert outputs == {"entailment", "neutral"}
    assert task.score(as_two, task.predict(str(tuned.path), as_two).predictions)[0].value > 0.9


def test_validation_selects_by_the_tasks_metric(tmp_path: Path) -> None:
    task, data = TASKS["qa"], tiny_models.qa_data()
    hyper = task.hyperparameters(**FAST, epochs=3, select_best=True)
    tuned = task.finetune(tiny_models.checkpoint(), [data], validation=data, out=tmp_path / "out", hyper=hyper)
    best = max(entry["eval_score"] for entry in tuned.log if "eval_score" in entry)
    predicted = task.predict(str(tuned.path), data)
    assert task.score(data, predicted.predictions)[0].value == pytest.approx(best)


def test_unreachable_answers_are_noted(tmp_path: Path) -> None:
    task, data = TASKS["qa"], tiny_models.qa_data(4)
    example: Any = data.examples[0]
    context = " ".join([example.context] * 40)
    long = replace(example, id="long", context=context, answers=(replace(example.answers[0], text=context, start=0),))
    tuned = task.finetune(
        tiny_models.checkpoint(),
        [replace(data, examples=(*data.examples, long))],
        out=tmp_path / "out",
        hyper=task.hyperparameters(**FAST, max_steps=1),
    )
    assert tuned.notes == ("1 examples have their answer in no window and teach nothing: long",)


def test_errors(tmp_path: Path) -> None:
    qa, nli = TASKS["qa"], TASKS["nli"]
    out, pairs = tmp_path / "out", tiny_models.nli_data()
    with pytest.raises(DataError, match="marks-3 is nli data, but the task is qa"):
        qa.finetune(tiny_models.checkpoint(), [pairs], out=out)
    mixed = Dataset("mixed", "qa", "test", "en", pairs.examples)
    with pytest.raises(DataError, match="'p0' is a PairExample, not a QAExample"):
        qa.finetune(tiny_models.checkpoint(), [mixed], out=out)
    with pytest.raises(DataError, match="the training set has 1 different labels"):
        nli.finetune(tiny_models.checkpoint(), [tiny_models.nli_data(1)], out=out)
    with pytest.raises(DataError, match="training set is empty"):
        qa.finetune(tiny_models.checkpoint(), [replace(tiny_models.qa_data(), examples=())], out=out)
    with pytest.raises(ConfigError, match="is not fine-tuned"):
        qa.predict(tiny_models.checkpoint(), tiny_models.qa_data())
    with pytest.raises(ConfigError, match="not an inference option"):
        qa.predict(tiny_models.checkpoint(), tiny_models.qa_data(), options={"temperature": 1})
    with pytest.raises(ConfigError):
        qa.finetune(str(tmp_path / "nowhere"), [tiny_models.qa_data()], out=out)
