"""Offsets are checked when a model is loaded: answers are cut by them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import tiny_models
from crossfare.errors import ConfigError
from crossfare.model import labels, qa
from crossfare.pretrained import offsets
from crossfare.pretrained.loading import load_config, load_tokenizer
from crossfare.translate.alignment import EncoderAligner
from crossfare.types import NLI_LABELS

torch = pytest.importorskip("torch")


def byte_level(folder: Path, *, prefixed: bool, sequence: bool = False, digits: bool = False) -> str:
    """A tiny RoBERTa; ``prefixed`` sets a blank before every part of a word, as RobBERT does, or before ``digits``."""
    import transformers
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers

    backend = Tokenizer(models.BPE(unk_token="<unk>"))
    bytes_ = pre_tokenizers.ByteLevel(add_prefix_space=prefixed)
    parts = [pre_tokenizers.Whitespace(), bytes_, pre_tokenizers.Punctuation()]
    if digits:
        parts = [pre_tokenizers.Digits(individual_digits=True), bytes_]
    backend.pre_tokenizer = pre_tokenizers.Sequence(parts) if prefixed else bytes_
    backend.decoder = decoders.ByteLevel()
    special = ["<s>", "<pad>", "</s>", "<unk>"]
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=400, special_tokens=special, initial_alphabet=alphabet, show_progress=False
    )
    backend.train_from_iterator(tiny_models.texts(), trainer)
    roberta = processors.RobertaProcessing(("</s>", 2), ("<s>", 0), trim_offsets=True, add_prefix_space=prefixed)
    backend.post_processor = processors.Sequence([processors.ByteLevel(), roberta]) if sequence else roberta
    names = {"bos_token": "<s>", "eos_token": "</s>", "cls_token": "<s>", "sep_token": "</s>"}
    tokenizer = transformers.PreTrainedTokenizerFast(
        tokenizer_object=backend, unk_token="<unk>", pad_token="<pad>", model_max_length=128, **names
    )
    tokenizer.save_pretrained(folder)
    size = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
    config = transformers.RobertaConfig(vocab_size=len(tokenizer), max_position_embeddings=130, pad_token_id=1, **size)
    transformers.RobertaModel(config).save_pretrained(folder)
    return str(folder)


def tokenizer_of(path: str) -> Any:
    return load_tokenizer(path, load_config(path))


@pytest.mark.parametrize("kind", tiny_models.ARCHITECTURES)
def test_offsets_of_known_tokenizers_are_trusted(kind: str) -> None:
    assert offsets.fault(tokenizer_of(tiny_models.checkpoint(kind))) is None


def test_trusted_offsets_stay_as_they_are(tmp_path: Path) -> None:
    tokenizer = tokenizer_of(byte_level(tmp_path, prefixed=False))
    before = tokenizer.backend_tokenizer.to_str()
    offsets.trustworthy(tokenizer, "it")
    assert tokenizer.backend_tokenizer.to_str() == before


@pytest.mark.parametrize("sequence", [False, True])
def test_a_letter_taken_off_for_a_blank_comes_back(tmp_path: Path, sequence: bool) -> None:
    path = byte_level(tmp_path, prefixed=True, sequence=sequence)
    word, given = offsets.fault(tokenizer_of(path))  # type: ignore[misc]
    assert word == "lives"
    assert given in {"ives", "ves"}
    encoder = qa.load(path)
    assert offsets.fault(encoder.tokenizer) is None
    examples = tiny_models.qa_data(24, "pt").examples
    tokens = qa._tokenise(encoder, list(dict.fromkeys(example.context for example in examples)))
    for example in examples:
        own, (answer,) = tokens[example.context], example.answers
        first, last = own.cover(answer)  # type: ignore[misc]
        assert example.context[own.starts[first] : own.ends[last]] == answer.text
    encoder.tokenizer.save_pretrained(tmp_path / "saved")  # as fine-tuning does
    encoder.model.save_pretrained(tmp_path / "saved")
    assert offsets.fault(tokenizer_of(str(tmp_path / "saved"))) is None


def test_digits_that_have_no_place_get_one(tmp_path: Path) -> None:
    path = byte_level(tmp_path, prefixed=True, digits=True)
    word, given = offsets.fault(tokenizer_of(path))  # type: ignore[misc]
    assert word.isdigit() and given == ""
    tokenizer = qa.load(path).tokenizer
    text = "She was born in 1890."
    found = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)["offset_mapping"]
    assert {place for start, end in found for place in range(start, end)} == set(range(len(text)))


@pytest.mark.parametrize("shift", [-1, 1])
def test_offsets_that_cannot_be_mended_are_refused(shift: int) -> None:
    import transformers

    class Shifted(transformers.PreTrainedTokenizerFast):
        def __call__(self, *texts: Any, **asked: Any) -> Any:
            made = super().__call__(*texts, **asked)
            made["offset_mapping"] = [
                [(max(0, start + shift), max(0, end + shift)) for start, end in row] for row in made["offset_mapping"]
            ]
            return made

    own = Shifted(tokenizer_object=tokenizer_of(tiny_models.checkpoint()).backend_tokenizer, unk_token="[UNK]")
    with pytest.raises(
        ConfigError, match=r"offsets of the tokenizer of org/it do not give the text back \('.+' for '.+'\)"
    ):
        offsets.trustworthy(own, "org/it")


def test_offsets_are_asked_for_where_they_are_needed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = byte_level(tmp_path, prefixed=True)
    monkeypatch.setattr(offsets, "_keep_blanks", lambda _: None)
    for load in (qa.load, lambda ref: EncoderAligner(ref).align([("a", "a")])):
        with pytest.raises(ConfigError, match="do not give the text back"):
            load(path)
    labels.load(path, labels=NLI_LABELS)  # a pair has one label, wherever its words stand
