"""Tiny random checkpoints of real architectures, made once per test run in a temporary folder."""

from __future__ import annotations

import atexit
import io
import json
import shutil
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from crossfare.types import (
    Answer,
    Dataset,
    PairExample,
    Prediction,
    QAExample,
    QueryExample,
    RankingExample,
)

ARCHITECTURES = ("bert", "xlm-roberta", "distilbert", "deberta-v2")
SEQ2SEQ = ("t5", "t5-v1.1", "mt5")
AS_PUBLISHED = ("mt5-spiece", "deberta-v2-spm", "modernbert")
"""As the hub has them: mT5 and mDeBERTa with a sentencepiece model for all of a tokenizer, mmBERT's architecture."""

_CITIES = ("Berlin", "Lisboa", "Hà Nội", "Paris", "München", "São Paulo", "Đà Nẵng", "London")
_NAMES = ("Ana", "Bruno", "Chi", "Dora", "Emil", "Frida", "Gustavo", "Hương")
_WORDS = "lives in the city of and works . ? where does live who a an is not never always , ; ! 0 1 2 3"
_SIZE = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}


def texts() -> list[str]:
    return [*(f"{name} lives in {city} ." for name in _NAMES for city in _CITIES), _WORDS, "a b c d e f g h"]


def qa_data(count: int = 16, language: str = "en") -> Dataset:
    """Who lives where: two people per context, a question about one of them."""
    examples = []
    for i in range(count):
        name, other = _NAMES[i % 8], _NAMES[(i + 3) % 8]
        city, elsewhere = _CITIES[(i + i // 8) % 8], _CITIES[(i + 5) % 8]
        parts = [f"{name} lives in {city}.", f"{other} works in {elsewhere}."]
        context = " ".join(parts if i % 2 else parts[::-1])
        answer = Answer(city, context.index(f"{name} lives in ") + len(f"{name} lives in "))
        examples.append(QAExample(f"q{i}", context, f"where does {name} live?", (answer,)))
    return Dataset("who-where", "qa", "train", language, tuple(examples))


def nli_data(count: int = 18, classes: int = 3) -> Dataset:
    labels = ("entailment", "neutral", "contradiction")[:classes]
    marks = {"entailment": "always", "neutral": "who", "contradiction": "never"}
    examples = [
        PairExample(f"p{i}", f"{_NAMES[i % 8]} lives in {_CITIES[i % 7]}", f"{marks[label]} works", label)
        for i, label in ((i, labels[i % classes]) for i in range(count))
    ]
    return Dataset(f"marks-{classes}", "nli", "train", "en", tuple(examples))


def ranking_data(count: int = 8, negatives: int = 3, language: str = "en") -> Dataset:
    """Who lives where: the passage that names the person asked for, and others."""
    examples = []
    for i in range(count):
        texts = [_lives((i + k) % 8) for k in range(negatives + 1)]
        examples.append(RankingExample(f"r{i}", f"where does {_NAMES[i % 8]} live?", texts[0], tuple(texts[1:])))
    return Dataset("who-ranking", "ranking", "train", language, tuple(examples))


def _lives(number: int) -> str:
    return f"{_NAMES[number]} lives in {_CITIES[number]}."


def reranking() -> tuple[Dataset, tuple[Prediction, ...], dict[str, str]]:
    """Queries, a first-stage run that has the relevant passage in the middle, and the passages."""
    passages = {f"d{i}": _lives(i) for i in range(8)}
    queries = tuple(
        QueryExample(f"q{i}", f"where does {name} live?", ((f"d{i}", 1),)) for i, name in enumerate(_NAMES[:6])
    )
    run = tuple(
        Prediction(f"q{i}", f"d{i + 2}", scores=tuple((f"d{(i + k) % 8}", 9.0 - n) for n, k in enumerate((2, 1, 0, 3))))
        for i in range(6)
    )
    return Dataset("who-ranking", "ranking", "test", "en", queries), run, passages


@cache
def _root() -> Path:
    root = Path(tempfile.mkdtemp(prefix="crossfare-tiny-"))
    atexit.register(shutil.rmtree, root, ignore_errors=True)
    return root


@cache
def checkpoint(kind: str = "bert", *, half: bool = False, positions: int = 128) -> str:
    """Folder of a pretrained-like checkpoint (no task head) of the architecture."""
    import torch

    from crossfare.pretrained.loading import quiet

    folder = _root() / f"{kind}-{half}-{positions}"
    with quiet(), torch.random.fork_rng():
        torch.manual_seed(0)
        if kind in _SENTENCEPIECE:
            return _published(kind, folder, positions)
        tokenizer = _tokenizer(kind, positions)
        model = _model(kind, len(tokenizer), positions, tokenizer.pad_token_id)
        (model.half() if half else model).save_pretrained(folder)
        tokenizer.save_pretrained(folder)
    return str(folder)


_SENTENCEPIECE: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "mt5-spiece": (
        "spiece.model",
        {
            "pad_id": 0,
            "eos_id": 1,
            "unk_id": 2,
            "bos_id": -1,
            "user_defined_symbols": ["▁yes", "▁no", "▁true", "▁false"],
        },
        {"tokenizer_class": "T5Tokenizer", "extra_ids": 0},
    ),
    "deberta-v2-spm": (
        "spm.model",
        {
            **{"pad_id": 0, "bos_id": 1, "eos_id": 2, "unk_id": 3, "user_defined_symbols": ["[MASK]"]},
            **{"pad_piece": "[PAD]", "bos_piece": "[CLS]", "eos_piece": "[SEP]", "unk_piece": "[UNK]"},
        },
        {"do_lower_case": False, "vocab_type": "spm"},
    ),
}
"""The name of the sentencepiece model, how it is trained, and what tokenizer_config.json says."""


def _published(kind: str, folder: Path, positions: int) -> str:
    """A checkpoint with nothing of its tokenizer but the sentencepiece model."""
    from sentencepiece import SentencePieceTrainer

    name, training, config = _SENTENCEPIECE[kind]
    made = io.BytesIO()
    SentencePieceTrainer.train(
        sentence_iterator=iter(texts() * 3),
        model_writer=made,
        vocab_size=150,
        hard_vocab_limit=False,
        minloglevel=2,
        **training,
    )
    _model(kind.rpartition("-")[0], 200, positions, 0).save_pretrained(folder)
    (folder / name).write_bytes(made.getvalue())
    (folder / "tokenizer_config.json").write_text(
        json.dumps(config | {"model_max_length": positions}), encoding="utf-8"
    )
    return str(folder)


def _model(kind: str, vocabulary: int, positions: int, pad: int) -> Any:
    import transformers

    transformers.set_seed(7)
    if kind == "bert":
        config = transformers.BertConfig(vocab_size=vocabulary, max_position_embeddings=positions, **_SIZE)
        return transformers.BertForMaskedLM(config)
    if kind == "xlm-roberta":
        config = transformers.XLMRobertaConfig(
            vocab_size=vocabulary,
            max_position_embeddings=positions + 2,
            type_vocab_size=1,
            pad_token_id=pad,
            bos_token_id=0,
            eos_token_id=2,
            **_SIZE,
        )
        return transformers.XLMRobertaForMaskedLM(config)
    if kind == "distilbert":
        config = transformers.DistilBertConfig(
            vocab_size=vocabulary, max_position_embeddings=positions, dim=32, n_layers=2, n_heads=2, hidden_dim=64
        )
        return transformers.DistilBertForMaskedLM(config)
    if kind in SEQ2SEQ:
        return _seq2seq(kind, vocabulary)
    if kind == "modernbert":
        ids = {"pad_token_id": pad, "bos_token_id": 2, "cls_token_id": 2, "eos_token_id": 3, "sep_token_id": 3}
        config = transformers.ModernBertConfig(
            vocab_size=vocabulary, max_position_embeddings=positions, global_attn_every_n_layers=2, **ids, **_SIZE
        )
        return transformers.ModernBertForMaskedLM(config)
    config = transformers.DebertaV2Config(
        vocab_size=vocabulary, max_position_embeddings=positions, type_vocab_size=0, **_SIZE
    )
    return transformers.DebertaV2ForMaskedLM(config)


def _seq2seq(kind: str, vocabulary: int) -> Any:
    """T5 scales what its tied output projection reads, T5 v1.1 does not, and mT5 does not either."""
    import transformers

    size = {"d_model": 32, "d_kv": 16, "d_ff": 64, "num_layers": 2, "num_heads": 2, "vocab_size": vocabulary + 5}
    start = {"pad_token_id": 0, "eos_token_id": 1, "decoder_start_token_id": 0}
    if kind == "mt5":
        return transformers.MT5ForConditionalGeneration(transformers.MT5Config(**size, **start))
    tied = kind == "t5"
    return transformers.T5ForConditionalGeneration(transformers.T5Config(**size, **start, tie_word_embeddings=tied))


def _tokenizer(kind: str, positions: int) -> Any:
    import transformers

    build = _unigram if kind == "xlm-roberta" else _sentencepiece if kind in SEQ2SEQ else _wordpiece
    backend, names = build()
    return transformers.PreTrainedTokenizerFast(tokenizer_object=backend, model_max_length=positions, **names)


def _wordpiece() -> tuple[Any, dict[str, str]]:
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers

    names = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
    backend = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    backend.normalizer = normalizers.BertNormalizer(lowercase=False, strip_accents=False)
    backend.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    special = [*names.values(), "[MASK]"]
    backend.train_from_iterator(
        texts(), trainers.WordPieceTrainer(vocab_size=400, special_tokens=special, show_progress=False)
    )
    backend.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    return backend, names


def _unigram() -> tuple[Any, dict[str, str]]:
    """XLM-R's layout: <s> A </s></s> B </s>, pad id 1, no segments, NFKC."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers

    special = ["<s>", "<pad>", "</s>", "<unk>"]
    backend = Tokenizer(models.Unigram())
    backend.normalizer = normalizers.NFKC()
    backend.pre_tokenizer = pre_tokenizers.Metaspace()
    backend.train_from_iterator(
        texts(),
        trainers.UnigramTrainer(vocab_size=200, special_tokens=special, unk_token="<unk>", show_progress=False),
    )
    backend.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> </s> $B </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    return backend, {"cls_token": "<s>", "sep_token": "</s>", "pad_token": "<pad>", "unk_token": "<unk>"}


def _sentencepiece() -> tuple[Any, dict[str, str]]:
    """T5's layout: A </s>, pad id 0; "yes" and "no" are pieces, and so are "true" and "false"."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers

    special = ["<pad>", "</s>", "<unk>"]
    backend = Tokenizer(models.Unigram())
    backend.normalizer = normalizers.NFKC()
    backend.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace(prepend_scheme="always")]
    )
    backend.train_from_iterator(
        texts(),
        trainers.UnigramTrainer(vocab_size=200, special_tokens=special, unk_token="<unk>", show_progress=False),
    )
    trained = json.loads(backend.to_str())
    words = ("yes", "no", "true", "false", "Query:", "Document:", "Relevant:")
    trained["model"]["vocab"] += [[f"▁{word}", -3.0] for word in words]
    backend = Tokenizer.from_str(json.dumps(trained))
    backend.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    return backend, {"eos_token": "</s>", "pad_token": "<pad>", "unk_token": "<unk>"}
