from __future__ import annotations

import unicodedata
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tiny_models
from crossfare.errors import ConfigError, DataError
from crossfare.model import labels
from crossfare.predict import PredictOptions
from crossfare.tasks.nli import NLI
from crossfare.types import NLI_LABELS, PairExample

pytest.importorskip("torch")

load = partial(labels.load, known=NLI_LABELS)
labels_of = partial(labels.model_labels, known=NLI_LABELS)


def pairs(*labels: str | None) -> list[PairExample]:
    return [PairExample(f"p{i}", f"Ana lives in {i}", "Ana works", label) for i, label in enumerate(labels)]


@pytest.mark.parametrize("kind", tiny_models.ARCHITECTURES)
def test_features_equal_the_tokenizers_own(kind: str) -> None:
    encoder = load(tiny_models.checkpoint(kind), labels=NLI_LABELS)
    examples = [
        *pairs("neutral"),
        PairExample("long", "Hà Nội " * 60, "Ana works", "entailment"),
        PairExample("both", "Hà Nội " * 600, "Ana works " * 700, "entailment"),
        PairExample("no memory holds all pieces of both", "a " * 100_000, "Ana works " * 70_000, "entailment"),
    ]
    features = labels.training_features(encoder, examples, max_length=40)
    assert len(features[-1]["input_ids"]) == 40
    for example, feature in zip(examples[:-1], features, strict=False):
        expected = encoder.tokenizer(
            example.premise, example.hypothesis, truncation=True, max_length=40, return_token_type_ids=True
        )
        assert feature["input_ids"].tolist() == expected["input_ids"]
        if encoder.segments:
            assert feature["token_type_ids"].tolist() == expected["token_type_ids"]
            assert 1 in expected["token_type_ids"]
        assert ("token_type_ids" in feature) == encoder.segments
    assert [feature["labels"] for feature in features] == [1, 0, 0, 0]


def test_decomposed_text_reads_as_composed() -> None:
    encoder = load(tiny_models.checkpoint(), labels=NLI_LABELS)
    forms = [
        PairExample("p", unicodedata.normalize(form, "Hà Nội"), unicodedata.normalize(form, "München"), None)
        for form in ("NFC", "NFD")
    ]
    one, two = labels.features(encoder, forms)
    assert one["input_ids"].tolist() == two["input_ids"].tolist()


def test_the_training_labels_decide_the_head(tmp_path: Any) -> None:
    assert NLI().labels_in(pairs("contradiction", None, "entailment")) == ("entailment", "contradiction")
    for names in (("entailment", "neutral"), NLI_LABELS):
        encoder = load(tiny_models.checkpoint(), labels=names)
        assert encoder.model.config.num_labels == len(names)
        assert labels_of(encoder) == tuple(names)
        encoder.model.save_pretrained(tmp_path)
        encoder.tokenizer.save_pretrained(tmp_path)
        assert labels_of(load(str(tmp_path))) == tuple(names)


def test_a_trained_head_keeps_the_order_of_its_labels(tmp_path: Any) -> None:
    order = ("contradiction", "entailment", "neutral")
    first = load(tiny_models.checkpoint(), labels=order)
    first.model.save_pretrained(tmp_path)
    first.tokenizer.save_pretrained(tmp_path)
    again = load(str(tmp_path), labels=NLI_LABELS)
    assert labels_of(again) == order
    assert (again.model.classifier.weight == first.model.classifier.weight).all()
    two = load(str(tmp_path), labels=NLI_LABELS[:2])  # another number of labels: a new head
    assert two.model.classifier.out_features == 2


def unnamed(folder: Path, kind: str, names: tuple[str, ...]) -> Any:
    """A fine-tuned head whose outputs have such names."""
    encoder = load(tiny_models.checkpoint(kind), labels=NLI_LABELS)
    encoder.model.config.id2label = dict(enumerate(names))
    encoder.model.config.label2id = {name: i for i, name in enumerate(names)}
    encoder.model.save_pretrained(folder)
    encoder.tokenizer.save_pretrained(folder)
    return encoder.model


@pytest.mark.parametrize("kind", tiny_models.ARCHITECTURES)
@pytest.mark.parametrize("names", [("LABEL_0", "LABEL_1", "LABEL_2"), ("entailment", "neutral", "other")])
def test_a_head_whose_outputs_have_no_known_names_is_made_anew(
    kind: str, names: tuple[str, ...], tmp_path: Path
) -> None:
    import torch

    trained = unnamed(tmp_path, kind, names).state_dict()
    heads = []
    for seed in (0, 0, 1):
        torch.manual_seed(seed)
        made = load(str(tmp_path), labels=NLI_LABELS)
        assert labels_of(made) == NLI_LABELS
        (note,) = made.notes
        assert note.startswith(
            f"{tmp_path.name}'s own head was replaced by a new one: its labels ({names[0].lower()}, "
        )
        heads.append({name: value.clone() for name, value in made.model.state_dict().items()})
    prefix = f"{made.model.base_model_prefix}."
    for name, value in trained.items():
        same = torch.equal(value, heads[0][name])
        assert same == (name.startswith(prefix) or "bias" in name), name
        assert torch.equal(heads[0][name], heads[1][name])  # by the seed alone
        assert torch.equal(heads[0][name], heads[2][name]) == same


def test_a_model_without_a_head_of_its_own_needs_no_note() -> None:
    assert load(tiny_models.checkpoint(), labels=NLI_LABELS).notes == ()


def test_an_unnamed_head_is_never_scored(tmp_path: Path) -> None:
    for names, said in (
        (
            ("LABEL_0", "LABEL_1", "LABEL_2"),
            "'label_0' is not one of entailment, neutral, contradiction; say with head_labels, or in id2label",
        ),
        (
            ("neutral", "neutral", "entailment"),
            "is not one of entailment, neutral, contradiction; say with head_labels",
        ),
    ):
        unnamed(tmp_path / names[0], "bert", names)
        with pytest.raises(ConfigError, match=said):
            load(str(tmp_path / names[0]))


def test_labels_the_model_cannot_give_are_errors(tmp_path: Any) -> None:
    encoder = load(tiny_models.checkpoint(), labels=NLI_LABELS[:2])
    with pytest.raises(DataError, match="'p0' has the label 'contradiction'"):
        labels.training_features(encoder, pairs("contradiction"))
    with pytest.raises(DataError, match="'p0' has the label None"):
        labels.training_features(encoder, pairs(None))
    encoder.model.config.id2label = {0: "LABEL_0", 1: "LABEL_1"}
    encoder.model.save_pretrained(tmp_path)
    encoder.tokenizer.save_pretrained(tmp_path)
    with pytest.raises(ConfigError, match="say with head_labels, or in id2label"):
        load(str(tmp_path))


def test_decode_softmax_and_order() -> None:
    logits = np.array([[1.0, 2.0, 0.0], [1000.0, 0.0, -1000.0]], dtype=np.float32)
    first, second = labels.decode(pairs("neutral", "contradiction"), logits, NLI_LABELS, {})
    exponentials = np.exp([1.0, 2.0, 0.0])
    assert first.output == "neutral"
    assert dict(first.scores) == pytest.approx(dict(zip(NLI_LABELS, exponentials / exponentials.sum(), strict=True)))
    assert [label for label, _ in first.scores] == ["neutral", "entailment", "contradiction"]
    assert second.scores[0] == ("entailment", 1.0)


@pytest.mark.parametrize(
    ("golds", "classes", "expected"),
    [
        (("entailment", "neutral"), None, "neutral"),  # the data have two classes
        (("entailment", "contradiction"), None, "contradiction"),
        ((None, None), None, "contradiction"),  # nothing is known about the data
        ((None, None), "two-class", "neutral"),
        (("entailment", "neutral"), "three-class", "contradiction"),
    ],
)
def test_contradiction_becomes_neutral_on_two_classes(
    golds: tuple[str | None, ...], classes: str | None, expected: str
) -> None:
    logits = np.array([[0.4, 0.3, 0.5], [1.0, 0.0, 0.0]])
    renames = NLI().renames(pairs(*golds), PredictOptions(labels=classes))  # type: ignore[arg-type]
    first, second = labels.decode(pairs(*golds), logits, NLI_LABELS, renames)
    assert (first.output, second.output) == (expected, "entailment")
    assert first.scores[0][0] == "contradiction"
