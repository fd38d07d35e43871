"""The two backends for local checkpoints: equal to each other, and careful with what can go wrong."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from checkpoints import MAKERS, marian, sentences
from crossfare.errors import ConfigError, EngineError
from crossfare.translate import engine
from crossfare.translate.engines import ctranslate2_seq2seq

Checkpoints = Callable[[str], Path]
SHIPPED = Path(ctranslate2_seq2seq.__file__).parents[2] / "checkpoints"


@pytest.mark.parametrize("family", MAKERS)
def test_greedy_search_is_the_same_in_both(make: Callable[..., Any], family: str) -> None:
    texts = sentences(60, seed=9, longest=3)
    made = [
        make(f"{backend}:{family}").translate(texts, source="en", target="de")
        for backend in ("transformers", "ctranslate2")
    ]
    assert made[0].texts == made[1].texts
    assert sum(text is not None for text in made[0].texts) > 40
    counted = [(made_.usage.input_tokens, made_.usage.output_tokens, made_.usage.characters) for made_ in made]
    assert counted[0] == counted[1]


@pytest.mark.parametrize(
    "folder", sorted(path.parent for path in SHIPPED.glob("marian*/config.json")), ids=lambda p: p.name
)
def test_greedy_search_is_the_same_on_shipped_checkpoints(checkpoint: Checkpoints, folder: Path) -> None:
    from crossfare.data import world

    source, target = ("en", "de") if folder.name.startswith("marian-en") else ("de", "en")
    texts = [example.premise for example in world.nli(source, "test").examples[:40]]  # type: ignore[union-attr]
    models = engine("transformers", model=str(folder)), engine("ctranslate2", model=str(folder), quantization="float32")
    one, other = (model.translate(texts, source=source, target=target).texts for model in models)
    assert one == other
    assert None not in one


@pytest.mark.parametrize("name", ["transformers:marian", "ctranslate2:marian"])
def test_batch_sizes_do_not_change_the_result(make: Callable[..., Any], name: str) -> None:
    texts = sentences(40, seed=4)
    runs = [make(name, max_batch_tokens=budget).translate(texts, source="en", target="de") for budget in (1, 30, 4096)]
    assert runs[0].texts == runs[1].texts == runs[2].texts
    assert make(name, max_batch_tokens=1).revision == make(name).revision


def test_what_changes_the_result_changes_the_revision(make: Callable[..., Any]) -> None:
    made = [
        make("transformers:marian"),
        make("transformers:marian", beam=2),
        make("transformers:marian", precision="float16"),
        make("ctranslate2:marian"),
        make("ctranslate2:marian", quantization="int8"),
        make("transformers:t5"),
        make("transformers:t5", prefix=""),
    ]
    assert len({engine_.revision for engine_ in made}) == len(made)
    assert make("ctranslate2:marian", threads=3).revision == make("ctranslate2:marian").revision


def test_eight_bit_weights_are_the_default_and_translate(make: Callable[..., Any]) -> None:
    made = make("ctranslate2:marian", quantization="auto")
    assert made.revision == make("ctranslate2:marian", quantization="int8").revision
    assert None not in made.translate(sentences(10, seed=5, longest=3), source="en", target="de").texts


def test_beams_are_searched(make: Callable[..., Any]) -> None:
    for name in ("transformers:marian", "ctranslate2:marian"):
        assert make(name, beam=3).translate(["the red cat"], source="en", target="de").texts[0]


@pytest.mark.parametrize("name", ["transformers:marian", "ctranslate2:marian"])
def test_too_long_a_text_is_refused_with_a_reason_not_cut(make: Callable[..., Any], name: str) -> None:
    made = make(name).translate(["cat " * 200, "the cat\n" + "cat " * 200, "cat"], source="en", target="de")
    assert made.texts[:2] == (None, None) and made.texts[2]
    assert "tokens are too many: the model reads 64" in made.failures[0]
    assert made.failures[1] == made.failures[0]


@pytest.mark.parametrize("name", ["transformers:marian", "ctranslate2:marian"])
def test_a_translation_without_an_end_is_refused(
    make: Callable[..., Any], name: str, checkpoint: Checkpoints, tmp_path: Path
) -> None:
    import torch
    from transformers import MarianMTModel

    folder = shutil.copytree(checkpoint("marian"), tmp_path / "endless")
    model = MarianMTModel.from_pretrained(folder)
    model.final_logits_bias[0, 0] = -1e4  # the end token is never the best
    with torch.no_grad():
        model.save_pretrained(folder)
    backend = name.partition(":")[0]
    exact = {"quantization": "float32"} if backend == "ctranslate2" else {}
    made = engine(backend, model=str(folder), **exact).translate(["the cat"], source="en", target="de")
    assert made.texts == (None,)
    assert "did not end within" in made.failures[0]  # type: ignore[attr-defined]


def test_what_is_not_a_number_is_refused(checkpoint: Checkpoints, tmp_path: Path) -> None:
    from transformers import MarianMTModel

    folder = shutil.copytree(checkpoint("marian"), tmp_path / "broken")
    model = MarianMTModel.from_pretrained(folder)
    model.model.encoder.layers[0].fc1.weight.data[0, 0] = float("nan")
    model.save_pretrained(folder)
    with pytest.raises(ConfigError, match="weights that are no numbers"):
        engine("transformers", model=str(folder)).translate(["the cat"], source="en", target="de")


def test_half_precision_checkpoints_run_in_float32(checkpoint: Checkpoints, tmp_path: Path) -> None:
    import torch
    from transformers import MarianMTModel

    half, whole = tmp_path / "half", tmp_path / "whole"
    for folder in (half, whole):
        shutil.copytree(checkpoint("marian"), folder)
    model = MarianMTModel.from_pretrained(checkpoint("marian")).half()
    model.save_pretrained(half)
    model.float().save_pretrained(whole)
    assert json.loads((half / "config.json").read_text())["dtype"] == "float16"
    texts = sentences(30, seed=6)
    made = engine("transformers", model=str(half))
    one = made.translate(texts, source="en", target="de").texts
    assert made._model.dtype == torch.float32  # type: ignore[attr-defined]
    for name, options in (("transformers", {}), ("ctranslate2", {"quantization": "float32"})):
        assert engine(name, model=str(whole), **options).translate(texts, source="en", target="de").texts == one
    half_converted = engine("ctranslate2", model=str(half), quantization="float32")
    assert half_converted.translate(texts, source="en", target="de").texts == one


def test_a_checkpoint_is_converted_once(make: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    make("ctranslate2:marian").load()
    monkeypatch.setattr(ctranslate2_seq2seq, "_converter", lambda *_: pytest.fail("converted again"))
    made = make("ctranslate2:marian")
    made.load()
    made.load()


def test_a_conversion_that_was_changed_is_made_again(
    checkpoint: Checkpoints, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CROSSFARE_CACHE", str(tmp_path))
    first = engine("ctranslate2", model=str(checkpoint("marian")), quantization="float32")
    expected = first.translate(["the cat"], source="en", target="de").texts
    (weights,) = tmp_path.glob("ctranslate2/*/model.bin")
    content = bytearray(weights.read_bytes())
    content[len(content) // 2 :] = bytes(len(content) - len(content) // 2)
    weights.write_bytes(bytes(content))
    again = engine("ctranslate2", model=str(checkpoint("marian")), quantization="float32")
    assert again.translate(["the cat"], source="en", target="de").texts == expected


def test_an_interrupted_conversion_leaves_nothing_that_looks_finished(
    checkpoint: Checkpoints, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CROSSFARE_CACHE", str(tmp_path))

    class Dying:
        def convert(self, folder: str, quantization: str) -> None:
            Path(folder).mkdir()
            (Path(folder) / "model.bin").write_bytes(b"half")
            raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(ctranslate2_seq2seq, "_converter", lambda *_: Dying())
        engine("ctranslate2", model=str(checkpoint("marian"))).load()  # type: ignore[attr-defined]
    made = engine("ctranslate2", model=str(checkpoint("marian")), quantization="float32")
    assert made.translate(["the cat"], source="en", target="de").texts[0]


def test_a_model_that_cannot_be_converted_is_sent_to_the_other_engine(
    checkpoint: Checkpoints, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Unable:
        def convert(self, folder: str, quantization: str) -> None:
            raise ValueError("no conversion is registered\nfor this")

    monkeypatch.setattr(ctranslate2_seq2seq, "_converter", lambda *_: Unable())
    with pytest.raises(EngineError, match=r"\(ValueError: no conversion is registered\); use engine 'transformers'"):
        engine("ctranslate2", model=str(checkpoint("marian")), quantization="int16").load()  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("name", "source", "target", "said"),
    [
        ("transformers:marian", "en", "vi", "does not translate into 'vi'; it has >>de<<, >>pt<<; .*codes: "),
        ("transformers:m2m100", "en", "xx", "does not know the language 'xx'"),
        ("transformers:nllb", "en", "xx", "does not know the language 'xx'; it has ace_Arab, ace_Latn"),
        ("transformers:mbart50", "da", "en", "does not know the language 'da'; it has af_ZA"),
    ],
)
def test_unknown_languages_are_named(make: Callable[..., Any], name: str, source: str, target: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        make(name).translate(["the cat"], source=source, target=target)


def test_languages_can_alternate(make: Callable[..., Any]) -> None:
    made = make("transformers:m2m100")
    first = made.translate(["the cat"], source="en", target="de")
    made.translate(["the cat"], source="de", target="pt-BR")
    assert made.translate(["the cat"], source="en", target="de").texts == first.texts
    assert (
        made.vocabulary.encode(["x"], made._routes["de", "pt-BR"])[0][0]
        != made.vocabulary.encode(["x"], made._routes["en", "de"])[0][0]
    )


def test_a_model_of_one_direction_needs_no_language_code(checkpoint: Checkpoints, tmp_path: Path) -> None:
    made = engine("transformers", model=str(marian(tmp_path / "single", codes=(), steps=40)))
    assert made.translate(["the cat"], source="en", target="vi").texts[0]


def test_markers_survive_even_as_special_tokens(checkpoint: Checkpoints) -> None:
    made = engine("transformers", model=str(checkpoint("t5")))
    vocabulary = made.vocabulary  # type: ignore[attr-defined]
    vocabulary.tokenizer.add_special_tokens({"additional_special_tokens": ["<x1>"]})
    ids = vocabulary.tokenizer("the <x1> cat")["input_ids"]
    assert "<x1>" in vocabulary.decode(ids)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"beam": 0}, "beam cannot be 0: it should be greater than or equal to 1"),
        ({"max_batch_tokens": 0}, "max_batch_tokens cannot be 0"),
        ({"precision": "int4"}, "precision cannot be 'int4'"),
    ],
)
def test_wrong_options_are_refused(make: Callable[..., Any], options: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        make("transformers:marian", **options)


def test_wrong_quantizations_are_refused(make: Callable[..., Any]) -> None:
    with pytest.raises(ConfigError, match="quantization cannot be 'int4': it should be 'auto', 'int8'"):
        make("ctranslate2:marian", quantization="int4")


def test_a_model_that_does_not_translate_is_refused(tmp_path: Path) -> None:
    from transformers import BertConfig, BertTokenizer

    (tmp_path / "vocab.txt").write_text("[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nthe\n")
    BertConfig(vocab_size=6).save_pretrained(tmp_path)
    BertTokenizer(str(tmp_path / "vocab.txt")).save_pretrained(tmp_path)
    with pytest.raises(ConfigError, match="is a 'bert'; translation models are"):
        engine("transformers", model=str(tmp_path)).translate(["the"], source="en", target="de")


def test_a_checkpoint_without_weights_is_refused(checkpoint: Checkpoints, tmp_path: Path) -> None:
    folder = shutil.copytree(checkpoint("marian"), tmp_path / "empty")
    (folder / "model.safetensors").unlink()
    with pytest.raises(ConfigError, match=r"cannot load the model .*no file named model\.safetensors"):
        engine("transformers", model=str(folder)).translate(["the"], source="en", target="de")
