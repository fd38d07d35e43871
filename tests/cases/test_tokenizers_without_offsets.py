"""Labels and ranking need no offsets: a tokenizer in Python does; questions are refused in one line."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

import tiny_models
from crossfare.errors import ConfigError
from crossfare.model import encoder as encoders
from crossfare.model import ranking
from crossfare.tasks import TASKS
from crossfare.types import PairExample

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")


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
