from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tiny_models
from crossfare import predict
from crossfare.errors import ConfigError
from crossfare.model import qa

torch = pytest.importorskip("torch")


@given(st.lists(st.integers(1, 50), max_size=60), st.integers(1, 200))
def test_batches_hold_everything_once_within_the_budget(lengths: list[int], budget: int) -> None:
    groups = list(predict.batches(lengths, budget))
    assert sorted(i for group in groups for i in group) == list(range(len(lengths)))
    for group in groups:
        assert len(group) == 1 or len(group) * max(lengths[i] for i in group) <= budget
    flat = [lengths[i] for group in groups for i in group]
    assert flat == sorted(lengths, reverse=True)


def test_logits_come_in_the_order_of_the_features_whatever_the_batches() -> None:
    encoder = qa.load(tiny_models.checkpoint())
    examples = tiny_models.qa_data(9).examples
    features = qa.inference_windows(encoder, examples, max_length=30, stride=4).features  # type: ignore[arg-type]
    seen: list[int] = []
    encoder.model.train()
    start, end = predict.logits(
        encoder.model,
        features,
        collate=encoder.collate,
        outputs=("start_logits", "end_logits"),
        token_budget=70,
        progress=lambda done, total: seen.append(done * 1000 + total),
    )
    assert seen[-1] == len(features) * 1001
    assert encoder.model.training  # as it was found
    encoder.model.eval()
    assert start.shape == (len(features), max(len(feature["input_ids"]) for feature in features))
    for feature, *rows in zip(features, start, end, strict=True):
        with torch.inference_mode():
            alone = encoder.model(**encoder.collate([feature]))
        width = len(feature["input_ids"])
        assert np.allclose(rows[0][:width], alone.start_logits[0], atol=1e-4)
        assert np.allclose(rows[1][:width], alone.end_logits[0], atol=1e-4)
        assert not np.isfinite(np.maximum(rows[0], rows[1])[max(width, _batch_width(features, feature)) :]).any()


def test_bf16_is_close_to_fp32_and_not_the_same() -> None:
    encoder = qa.load(tiny_models.checkpoint())
    examples = tiny_models.qa_data(9).examples
    features = qa.inference_windows(encoder, examples, max_length=30, stride=4).features  # type: ignore[arg-type]

    def starts(precision: predict.Precision) -> np.ndarray:
        names = ("start_logits",)
        return predict.logits(encoder.model, features, collate=encoder.collate, outputs=names, precision=precision)[0]

    full, half = starts("fp32"), starts("bf16")
    finite = np.isfinite(full)
    assert (np.isfinite(half) == finite).all()
    assert np.allclose(full[finite], half[finite], atol=0.1)
    assert not np.array_equal(full[finite], half[finite])


def _batch_width(features: list[dict[str, np.ndarray]], feature: dict[str, np.ndarray]) -> int:
    lengths = [len(item["input_ids"]) for item in features]
    at = next(i for i, item in enumerate(features) if item is feature)
    return next(max(lengths[i] for i in group) for group in predict.batches(lengths, 70) if at in group)


def test_options() -> None:
    options = predict.PredictOptions.of({"max_length": 128, "labels": "two-class"})
    assert (options.max_length, options.labels, options.stride) == (128, "two-class", 128)
    assert "token_budget" not in options.identity()
    assert list(options.identity()) == ["max_length", "stride", "n_best", "max_answer_length", "labels"]
    ranking = predict.PredictOptions.of({"depth": 100, "relevance_tokens": ["sim", "não"], "query_prefix": "query: "})
    assert ranking.relevance_tokens == ("sim", "não")
    assert list(ranking.identity())[-3:] == ["depth", "relevance_tokens", "query_prefix"]
    assert predict.PredictOptions(precision="bf16").identity()["precision"] == "bf16"
    for wrong, message in (
        ({"precision": "fp16"}, "'auto', 'fp32' or 'bf16'"),
        ({"beam": 4}, "'beam' is not an inference option; choose from max_length"),
        ({"labels": "four-class"}, "'two-class' or 'three-class'"),
        ({"n_best": 0}, "n_best cannot be 0: it should be greater than or equal to 1"),
        ({"max_length": "x"}, "max_length cannot be 'x': it should be a valid integer"),
        ({"depth": 0}, "depth cannot be 0"),
    ):
        with pytest.raises(ConfigError, match=message):
            predict.PredictOptions.of(wrong)
