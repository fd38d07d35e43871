from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tiny_models
from crossfare import predict
from crossfare.errors import ConfigError

torch = pytest.importorskip("torch")

from crossfare.model import biencoder  # noqa: E402  (imports torch)

TEXTS = ["Ana lives in Paris.", "Hà Nội " * 60, "who", "São Paulo"]


def embed(encoder: Any, texts: list[str], budget: int = 8192, prefix: str = "") -> np.ndarray[Any, Any]:
    features = biencoder.features(encoder, texts, prefix=prefix, max_length=64)
    (vectors,) = predict.logits(
        encoder.model, features, collate=encoder.collate, outputs=("embedding",), token_budget=budget
    )
    return vectors


@pytest.mark.parametrize("kind", tiny_models.ARCHITECTURES)
def test_embeddings_are_means_of_length_one(kind: str) -> None:
    encoder = biencoder.load(tiny_models.checkpoint(kind))
    vectors = embed(encoder, TEXTS)
    for text, vector in zip(TEXTS, vectors, strict=True):
        inputs = encoder.tokenizer(text, truncation=True, max_length=64, return_tensors="pt")
        with torch.inference_mode():
            states = encoder.model.model.eval()(**inputs).last_hidden_state[0]
        mean = states.mean(0).numpy()
        assert np.allclose(vector, mean / np.linalg.norm(mean), atol=1e-5)
    assert np.allclose(embed(encoder, TEXTS, budget=1), vectors, atol=1e-5)
    assert not np.allclose(embed(encoder, TEXTS, prefix="who "), vectors, atol=1e-3)


def test_prefixes_go_by_the_reference() -> None:
    e5 = ("query: ", "passage: ")
    for name in ("offline:e5-small", "intfloat/multilingual-e5-base", "/c/models--intfloat--e5-large-v2/snapshots/a"):
        assert biencoder.known_prefixes(name) == e5
    for name in ("embedded:multilingual-encoder", "bert-base-cased", "/data/made5-1"):
        assert biencoder.known_prefixes(name) == ("", "")


def test_an_encoder_decoder_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"is an encoder-decoder \(t5\)"):
        biencoder.load(tiny_models.checkpoint("t5"))


@given(
    queries=st.integers(0, 4),
    sizes=st.lists(st.integers(1, 6), max_size=6),
    k=st.integers(1, 12),
    seed=st.integers(0, 99),
)
def test_the_best_are_those_of_one_whole_sort(queries: int, sizes: list[int], k: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    asked = rng.integers(-2, 3, size=(queries, 3)).astype(np.float32)  # few values: many ties
    passages = rng.integers(-2, 3, size=(sum(sizes), 3)).astype(np.float32)
    names = [f"d{i}" for i in range(len(passages))]
    best = biencoder.Best(asked, k)
    at = 0
    for size in sizes:
        best.add(names[at : at + size], passages[at : at + size])
        at += size
    for number, prediction in enumerate(best.ranked([f"q{i}" for i in range(queries)])):
        similar = [(name, float(asked[number] @ vector)) for name, vector in zip(names, passages, strict=True)]
        expected = sorted(similar, key=lambda item: -item[1])[:k]
        assert (prediction.id, list(prediction.scores)) == (f"q{number}", expected)
        assert prediction.output == (expected[0][0] if expected else "")
