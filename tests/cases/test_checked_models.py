"""Models are checked before they are used, and only for what the task needs."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tiny_models
import tiny_run
from crossfare.errors import ConfigError, CrossfareError
from crossfare.experiment import run
from crossfare.experiment.preflight import ready
from crossfare.experiment.steps import Planner
from crossfare.model import encoder as encoders
from crossfare.model import labels, ranking
from crossfare.store import Store
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


@pytest.fixture(scope="module")
def without_offsets(tmp_path_factory: pytest.TempPathFactory) -> str:
    """PhoBERT's kind: a BPE in Python, which tells no offsets."""
    folder = tmp_path_factory.mktemp("slow")
    words = {word.lower(): None for text in tiny_models.texts() for word in text.split()}
    (folder / "vocab.txt").write_text("".join(f"{word} 1\n" for word in words), encoding="utf-8")
    (folder / "bpe.codes").write_text("a n 1\nan a</w> 1\nl i 1\nli ves</w> 1\n", encoding="utf-8")
    tokenizer = transformers.PhobertTokenizer(str(folder / "vocab.txt"), str(folder / "bpe.codes"))
    tokenizer.save_pretrained(folder)
    size = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 64}
    torch.manual_seed(1)
    config = transformers.RobertaConfig(
        vocab_size=len(tokenizer), max_position_embeddings=66, type_vocab_size=1, **size
    )
    transformers.RobertaForMaskedLM(config).save_pretrained(folder)
    return str(folder)


def test_labels_and_ranking_need_no_offsets(without_offsets: str, tmp_path: Path) -> None:
    task, dataset = TASKS["nli"], tiny_models.nli_data()
    long = PairExample("long", "ana lives in berlin " * 400, "ana works", "neutral")
    dataset = replace(dataset, examples=(*dataset.examples, long))
    hyper = task.hyperparameters(max_steps=2, batch_size=4, max_length=32)
    task.finetune(without_offsets, [dataset], out=tmp_path / "out", hyper=hyper)
    assert len(task.predict(str(tmp_path / "out"), dataset).predictions) == len(dataset)
    reranker = ranking.load(without_offsets)
    (feature,) = reranker.features([("where does ana live " * 30, "ana lives in berlin")], 32)
    assert len(feature["input_ids"]) <= 32
    with pytest.raises(ConfigError, match="has no offsets") as refused:
        TASKS["qa"].finetune(without_offsets, [tiny_models.qa_data()], out=tmp_path / "qa")
    assert "\n" not in str(refused.value)


def test_texts_are_cut_alike_with_and_without_offsets(without_offsets: str) -> None:
    slow = encoders.load(without_offsets, "AutoModelForMaskedLM").tokenizer
    fast = encoders.load(tiny_models.checkpoint(), "AutoModelForMaskedLM").tokenizer
    text = "ana lives in berlin always who works " * 9
    for limit in (1, 7, 40):
        (cut,) = encoders.shortened(slow, [text], limit)
        assert text.startswith(cut)
        assert len(slow(cut, add_special_tokens=False)["input_ids"]) <= limit
        assert len(slow(text[: len(cut) + 1], add_special_tokens=False)["input_ids"]) > limit
        # The beginning of a word may have other tokens than the whole one: no more than a word lies between the two.
        searched, told = encoders._cut(fast, text, limit), encoders.shortened(fast, [text], limit)[0]
        assert abs(len(searched) - len(told)) <= max(map(len, text.split()))
    assert encoders.shortened(slow, ["ana"], 40) == ["ana"]


def test_a_tokenizer_that_knows_more_than_its_model_is_refused_for_every_task(tmp_path: Path) -> None:
    base = tiny_models.checkpoint()
    tokenizer = transformers.AutoTokenizer.from_pretrained(base)
    size = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 64}
    model = transformers.BertForMaskedLM(transformers.BertConfig(vocab_size=len(tokenizer) - 9, **size))
    model.save_pretrained(tmp_path / "small")
    tokenizer.save_pretrained(tmp_path / "small")
    made = {"qa": tiny_models.qa_data(), "nli": tiny_models.nli_data(), "ranking": tiny_models.ranking_data()}
    for name, data in made.items():
        with pytest.raises(CrossfareError, match=rf"has {len(tokenizer)} pieces, but its model {len(tokenizer) - 9}"):
            TASKS[name].finetune(str(tmp_path / "small"), [data], out=tmp_path / name)


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


def test_before_texts_are_sent_tokenizers_are_tried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server is asked nothing: there is none at its address."""
    monkeypatch.setenv("CROSSFARE_CACHE", str(tmp_path / "cache"))
    base = tiny_models.checkpoint()
    small = tmp_path / "small"
    size = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 64}
    tokenizer = transformers.AutoTokenizer.from_pretrained(base)
    transformers.BertForMaskedLM(transformers.BertConfig(vocab_size=len(tokenizer) - 9, **size)).save_pretrained(small)
    tokenizer.save_pretrained(small)
    engines = {"libre": {"engine": "libretranslate", "options": {"url": "http://127.0.0.1:9/"}}}
    models = {"target-encoder": str(small), "source-encoder": base}
    asked = tiny_run.spec(tmp_path, engines=engines, models=models, methods=["translate-train"])
    with pytest.raises(CrossfareError, match="pieces, but its model") as refused:
        ready(asked, Store())
    assert "connect" not in str(refused.value)
