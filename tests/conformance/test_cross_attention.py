"""What CTranslate2 says a model attends to, against transformers' own cross-attention, teacher-forced."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from checkpoints import MAKERS, marian, sentences
from crossfare.translate import engine

Checkpoints = Callable[[str], Path]
SHIPPED = "embedded:marian-en-xx"


def transformers_attention(made: Any, text: str, translation: str, target: str) -> np.ndarray:
    """All of it, (layers, heads, tokens of the translation, tokens of the text), one pair at a time."""
    import torch
    from transformers import AutoModelForSeq2SeqLM

    model = AutoModelForSeq2SeqLM.from_pretrained(made._resolved.path, attn_implementation="eager").eval()
    route = made._route("en", target)
    first = [] if route.forced is None else [route.forced]
    (read,), (written,) = made.vocabulary.encode([text], route), made.vocabulary.encode_translations([translation])
    asked = torch.tensor([[model.config.decoder_start_token_id, *first, *written]])
    with torch.inference_mode():
        output = model(input_ids=torch.tensor([read]), decoder_input_ids=asked, output_attentions=True)
    attention = torch.cat(output.cross_attentions).numpy()
    # The row that writes a token is that of the token before it.
    return attention[:, :, len(first) : len(first) + len(written)]


def test_translations_are_made_to_be_written_on_shipped_weights() -> None:
    made = engine("ctranslate2", model=SHIPPED, quantization="float32")
    pairs = [
        ("Anna lives in Lisbon.", "A Anna mora em Lisboa."),
        ("The house is old.", "algo que nenhum modelo diria, e mais comprido do que a frase"),
        ("She has a cat.", "Sim"),
    ]
    for (text, translation), found in zip(
        pairs,
        made.cross_attention(pairs, source="en", target="pt"),
        strict=True,  # type: ignore[attr-defined]
    ):
        expected = transformers_attention(made, text, translation, "pt")[1].mean(axis=0)
        np.testing.assert_allclose(found.weights, expected, atol=1e-5)
        pieces = made.vocabulary.pieces(made.vocabulary.encode_translations([translation])[0])  # type: ignore[attr-defined]
        assert [translation[slice(*place)] for place in found.written] == [piece.strip() for piece in pieces]
        assert "".join(text[slice(*place)] for place in found.read) == text.replace(" ", "")


@pytest.mark.parametrize("family", MAKERS)
def test_every_family_is_asked_as_it_is_to_translate(make: Callable[..., Any], family: str) -> None:
    made = make(f"ctranslate2:{family}")
    texts = sentences(12, seed=11, longest=3)
    pairs = list(zip(texts, texts[1:] + texts[:1], strict=True))
    for (text, translation), found in zip(pairs, made.cross_attention(pairs, source="en", target="de"), strict=True):
        expected = transformers_attention(made, text, translation, "de")[0].mean(axis=0)
        np.testing.assert_allclose(found.weights, expected, atol=1e-4)
        assert "".join(text[slice(*place)] for place in found.read) == text.replace(" ", "")
        assert "".join(translation[slice(*place)] for place in found.written) == translation.replace(" ", "")


@pytest.mark.parametrize("guided", [False, True])
def test_the_layer_is_four_fifths_up_and_of_a_guided_model_the_first_head_of_the_last(
    tmp_path: Path, guided: bool
) -> None:
    import torch
    from transformers import AutoTokenizer, MarianMTModel

    folder = marian(tmp_path / "one", steps=1)
    config = MarianMTModel.from_pretrained(folder).config
    config.decoder_layers = 6
    torch.manual_seed(0)
    MarianMTModel(config).save_pretrained(tmp_path / "six")
    AutoTokenizer.from_pretrained(folder).save_pretrained(tmp_path / "six")
    made = engine("ctranslate2", model=str(tmp_path / "six"), quantization="float32", guided=guided)
    text, translation = "the red cat", "a cat sat"
    (found,) = made.cross_attention([(text, translation)], source="en", target="de")  # type: ignore[attr-defined]
    attention = transformers_attention(made, text, translation, "de")
    candidates = {(layer + 1, head + 1): attention[layer, head] for layer in range(6) for head in range(2)}
    candidates |= {(layer + 1, "mean"): attention[layer].mean(axis=0) for layer in range(6)}
    same = [where for where, weights in candidates.items() if np.allclose(found.weights, weights, atol=1e-5)]
    assert same == [(6, 1) if guided else (5, "mean")]
    plain = engine("ctranslate2", model=str(tmp_path / "six"), quantization="float32")
    assert (made.revision == plain.revision) is not guided


def test_batches_do_not_change_what_is_attended_to(make: Callable[..., Any]) -> None:
    texts = sentences(30, seed=12, longest=6)
    pairs = list(zip(texts, reversed(texts), strict=True))
    runs = [
        make("ctranslate2:marian", max_batch_tokens=budget).cross_attention(pairs, source="en", target="de")
        for budget in (1, 60, 4096)
    ]
    for one, *others in zip(*runs, strict=True):
        for other in others:
            np.testing.assert_allclose(one.weights, other.weights, atol=1e-5)
            assert (one.read, one.written) == (other.read, other.written)


def test_what_cannot_be_read_or_written_has_no_attention(make: Callable[..., Any]) -> None:
    long = "cat " * 200
    pairs = [("", "the cat"), ("the cat", " "), (long, "cat"), ("cat", long), ("the cat", "cat")]
    found = make("ctranslate2:marian").cross_attention(pairs, source="en", target="de")
    assert [each is not None for each in found] == [False, False, False, False, True]
    assert make("ctranslate2:marian").cross_attention([], source="en", target="de") == []
