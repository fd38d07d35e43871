"""The head of a classifier counts only by names that are known, or in an order that the user states."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tiny_models
import tiny_run
from crossfare.errors import ConfigError
from crossfare.experiment import run
from crossfare.experiment.steps import Planner
from crossfare.model import labels
from crossfare.tasks import TASKS
from crossfare.types import NLI_LABELS, Dataset, PairExample, TextExample

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

ORDER = ("contradiction", "entailment", "neutral")
UNNAMED = ("LABEL_0", "LABEL_1", "LABEL_2")


def classifier(folder: Path, names: tuple[str, ...], **config: Any) -> str:
    """A checkpoint with a head that says ``names`` of its outputs; always the same weights."""
    base = tiny_models.checkpoint()
    torch.manual_seed(3)
    model = transformers.AutoModelForSequenceClassification.from_pretrained(base, num_labels=len(names))
    model.config.id2label, model.config.label2id = dict(enumerate(names)), {name: i for i, name in enumerate(names)}
    model.save_pretrained(folder)
    transformers.AutoTokenizer.from_pretrained(base).save_pretrained(folder)
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **config}))
    return str(folder)


def outputs(folder: str, dataset: Dataset) -> list[int]:
    """The largest output for each pair, by transformers alone."""
    model = transformers.AutoModelForSequenceClassification.from_pretrained(folder).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    pairs = [tokenizer(*example.texts, return_tensors="pt") for example in dataset.examples]
    with torch.no_grad():
        return [int(model(**pair).logits.argmax()) for pair in pairs]


def taken(folder: str, out: Path, **hyper: Any) -> list[str]:
    """What a checkpoint answers that is taken as it is."""
    task, dataset = TASKS["nli"], tiny_models.nli_data()
    hyper = {"epochs": 0, **hyper}
    made = task.finetune(folder, [dataset], out=out, hyper=task.hyperparameters(**hyper))
    assert (made.steps, made.train_loss, made.usage.input_tokens) == (0, None, None)
    assert made.model_notes == (f"{Path(folder).name} was taken as it is, without fine-tuning",)
    return [each.output for each in task.predict(str(out), dataset).predictions]


def test_a_head_without_names_needs_its_order_from_the_user(tmp_path: Path) -> None:
    dataset = tiny_models.nli_data()
    named, unnamed = (classifier(tmp_path / str(names[0]), names) for names in (ORDER, UNNAMED))
    wanted = [ORDER[number] for number in outputs(named, dataset)]
    assert taken(named, tmp_path / "a") == wanted
    assert taken(unnamed, tmp_path / "b", head_labels=ORDER) == wanted
    with pytest.raises(ConfigError, match=r"'label_0' is not one of .*; say with head_labels"):
        taken(unnamed, tmp_path / "c")


@pytest.mark.parametrize(
    ("order", "message"),
    [
        (("entailment", "neutral"), "names 2 different labels, but .* has 3 outputs"),
        (("entailment", "neutral", "maybe"), "'maybe' is none of entailment"),
        (("entailment", "neutral", "neutral"), "names 2 different labels"),
    ],
)
def test_an_order_that_cannot_be_is_refused(order: tuple[str, ...], message: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=message):
        taken(classifier(tmp_path / "m", UNNAMED), tmp_path / "out", head_labels=order)


def test_names_that_contradict_each_other_or_the_user_do_not_count(tmp_path: Path) -> None:
    other = {name: place for place, name in enumerate(NLI_LABELS)}
    torn = classifier(tmp_path / "torn", ORDER, label2id=other)
    with pytest.raises(ConfigError, match="'output 0' is not one of"):
        taken(torn, tmp_path / "out")
    encoder = labels.load(torn, labels=NLI_LABELS, known=NLI_LABELS)
    assert "own head was replaced by a new one" in encoder.notes[0]
    with pytest.raises(ConfigError, match="names its outputs itself, in another order"):
        taken(classifier(tmp_path / "named", ORDER), tmp_path / "out", head_labels=NLI_LABELS)


def test_a_stated_order_keeps_the_head_in_fine_tuning(tmp_path: Path) -> None:
    folder = classifier(tmp_path / "m", UNNAMED)
    own = transformers.AutoModelForSequenceClassification.from_pretrained(folder).state_dict()["classifier.weight"]
    kept = labels.load(folder, labels=NLI_LABELS, known=NLI_LABELS, order=ORDER)
    assert torch.equal(kept.model.state_dict()["classifier.weight"], own)
    assert (kept.notes, labels.model_labels(kept, NLI_LABELS)) == ((), ORDER)
    made = labels.load(folder, labels=NLI_LABELS, known=NLI_LABELS)
    assert not torch.equal(made.model.state_dict()["classifier.weight"], own)
    assert made.notes


def test_free_labels_must_be_those_of_the_data(tmp_path: Path) -> None:
    task = TASKS["classification"]
    folder = classifier(tmp_path / "m", ("LABEL_0", "LABEL_1"))
    pairs = tiny_models.nli_data(12, classes=2)
    examples = tuple(
        TextExample(e.id, " ".join(e.texts), e.label) for e in pairs.examples if isinstance(e, PairExample)
    )
    dataset = replace(pairs, task="classification", examples=examples)
    asked = task.hyperparameters(epochs=0)
    with pytest.raises(ConfigError, match="outputs are called LABEL_0, LABEL_1, none of them 'entailment'"):
        task.finetune(folder, [dataset], out=tmp_path / "out", hyper=asked)
    ordered = replace(asked, head_labels=("neutral", "entailment"))
    task.finetune(folder, [dataset], out=tmp_path / "out", hyper=ordered)
    assert {each.output for each in task.predict(str(tmp_path / "out"), dataset).predictions} <= {
        "neutral",
        "entailment",
    }


@pytest.mark.parametrize("task", ["qa", "nli"])
def test_a_checkpoint_without_a_head_is_not_taken_as_it_is(task: str, tmp_path: Path) -> None:
    data = {"qa": tiny_models.qa_data, "nli": tiny_models.nli_data}[task]()
    with pytest.raises(ConfigError, match="is not fine-tuned"):
        TASKS[task].finetune(
            tiny_models.checkpoint(), [data], out=tmp_path / "out", hyper=TASKS[task].hyperparameters(epochs=0)
        )


def spec(folder: Path, **changes: Any) -> Any:
    model = classifier(folder / "ready", UNNAMED)
    training = {"epochs": 0, "max_length": 48, "head_labels": list(ORDER)}
    tasks = {"nli": tiny_run.task("nli", training=training)}
    models = {"target-encoder": model, "source-encoder": model}
    return tiny_run.spec(folder, tasks=tasks, models=models, methods=["zero-shot"], seeds=[0, 1], **changes)


def test_a_run_evaluates_a_ready_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CROSSFARE_CACHE", str(tmp_path / "cache"))
    finished = run(spec(tmp_path), out=tmp_path / "run", quiet=True, jobs=1)
    one, other = finished.results
    assert one.score.value == other.score.value
    assert [step for step in one.steps if step.startswith("finetune")] == [
        step for step in other.steps if step.startswith("finetune")
    ]
    assert one.model_notes == ("ready was taken as it is, without fine-tuning",)
    assert any("taken as it is" in note for table in finished.tables for note in table.notes)


def test_nothing_is_translated_for_a_training_that_is_none(tmp_path: Path) -> None:
    asked = spec(tmp_path).model_copy(update={"methods": ("zero-shot", "translate-train")})
    with pytest.raises(ConfigError, match="translate-train learns from its training data; with epochs: 0 nothing does"):
        Planner(asked).plan()


def test_the_answers_of_probabilities_are_those_of_the_order(tmp_path: Path) -> None:
    """Not only the label: every probability stands beside the label of its own output."""
    task, dataset = TASKS["nli"], tiny_models.nli_data(6)
    folder = classifier(tmp_path / "m", UNNAMED)
    hyper = task.hyperparameters(epochs=0, head_labels=list(ORDER))
    task.finetune(folder, [dataset], out=tmp_path / "out", hyper=hyper)
    told = [dict(each.scores) for each in task.predict(str(tmp_path / "out"), dataset).predictions]
    model = transformers.AutoModelForSequenceClassification.from_pretrained(folder).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    for example, scores in zip(dataset.examples, told, strict=True):
        with torch.no_grad():
            row = model(**tokenizer(*example.texts, return_tensors="pt")).logits.softmax(-1)[0].tolist()
        assert np.allclose([scores[name] for name in ORDER], row, atol=1e-4)


def test_a_run_finds_out_before_anything_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = spec(tmp_path)
    task = asked.tasks["nli"]
    silent = task.model_copy(update={"training": {"epochs": 0}})
    with pytest.raises(ConfigError, match="does not say which of its outputs is which label; say it with head_labels"):
        Planner(asked.model_copy(update={"tasks": {"nli": silent}})).plan()
