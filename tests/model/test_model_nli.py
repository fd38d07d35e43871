from __future__ import annotations

import unicodedata
from typing import Any

import numpy as np
import pytest

import tiny_models
from crossfare.errors import ConfigError, DataError
from crossfare.model import nli
from crossfare.types import NLI_LABELS, PairExample

pytest.importorskip("torch")


def pairs(*labels: str | None) -> list[PairExample]:
    return [PairExample(f"p{i}", f"Ana lives in {i}", "Ana works", label) for i, label in enumerate(labels)]


@pytest.mark.parametrize("kind", tiny_models.ARCHITECTURES)
def test_features_equal_the_tokenizers_own(kind: str) -> None:
    encoder = nli.load(tiny_models.checkpoint(kind), labels=NLI_LABELS)
    examples = [*pairs("neutral"), PairExample("long", "Hà Nội " * 60, "Ana works", "entailment")]
    features = nli.training_features(encoder, examples, max_length=40)
    for example, feature in zip(examples, features, strict=True):
        expected = encoder.tokenizer(
            example.premise, example.hypothesis, truncation=True, max_length=40, return_token_type_ids=True
        )
        assert feature["input_ids"].tolist() == expected["input_ids"]
        if encoder.segments:
            assert feature["token_type_ids"].tolist() == expected["token_type_ids"]
            assert 1 in expected["token_type_ids"]
        assert ("token_type_ids" in feature) == encoder.segments
    assert [feature["labels"] for feature in features] == [1, 0]


def test_decomposed_text_reads_as_composed() -> None:
    encoder = nli.load(tiny_models.checkpoint(), labels=NLI_LABELS)
    forms = [
        PairExample("p", unicodedata.normalize(form, "Hà Nội"), unicodedata.normalize(form, "München"), None)
        for form in ("NFC", "NFD")
    ]
    one, two = nli.inference_pairs(encoder, forms).features
    assert one["input_ids"].tolist() == two["input_ids"].tolist()


def test_the_training_labels_decide_the_head(tmp_path: Any) -> None:
    assert nli.labels_of(pairs("contradiction", None, "entailment")) == ("entailment", "contradiction")
    for labels in (("entailment", "neutral"), NLI_LABELS):
        encoder = nli.load(tiny_models.checkpoint(), labels=labels)
        assert encoder.model.config.num_labels == len(labels)
        assert nli.model_labels(encoder) == tuple(labels)
        encoder.model.save_pretrained(tmp_path)
        encoder.tokenizer.save_pretrained(tmp_path)
        assert nli.model_labels(nli.load(str(tmp_path))) == tuple(labels)


def test_a_trained_head_keeps_the_order_of_its_labels(tmp_path: Any) -> None:
    order = ("contradiction", "entailment", "neutral")
    first = nli.load(tiny_models.checkpoint(), labels=order)
    first.model.save_pretrained(tmp_path)
    first.tokenizer.save_pretrained(tmp_path)
    again = nli.load(str(tmp_path), labels=NLI_LABELS)
    assert nli.model_labels(again) == order
    assert (again.model.classifier.weight == first.model.classifier.weight).all()
    two = nli.load(str(tmp_path), labels=NLI_LABELS[:2])  # another number of labels: a new head
    assert two.model.classifier.out_features == 2


def test_labels_the_model_cannot_give_are_errors(tmp_path: Any) -> None:
    encoder = nli.load(tiny_models.checkpoint(), labels=NLI_LABELS[:2])
    with pytest.raises(DataError, match="'p0' has the label 'contradiction'"):
        nli.training_features(encoder, pairs("contradiction"))
    with pytest.raises(DataError, match="'p0' has the label None"):
        nli.training_features(encoder, pairs(None))
    encoder.model.config.id2label = {0: "LABEL_0", 1: "LABEL_1"}
    encoder.model.save_pretrained(tmp_path)
    encoder.tokenizer.save_pretrained(tmp_path)
    with pytest.raises(ConfigError, match="correct id2label"):
        nli.load(str(tmp_path))


def test_decode_softmax_and_order() -> None:
    logits = np.array([[1.0, 2.0, 0.0], [1000.0, 0.0, -1000.0]], dtype=np.float32)
    first, second = nli.decode(pairs("neutral", "contradiction"), logits, NLI_LABELS)
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
    first, second = nli.decode(pairs(*golds), logits, NLI_LABELS, classes=classes)
    assert (first.output, second.output) == (expected, "entailment")
    assert first.scores[0][0] == "contradiction"
