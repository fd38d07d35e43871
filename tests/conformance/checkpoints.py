"""Tiny checkpoints of every supported family, made on the fly and taught to copy, so that their output ends."""

from __future__ import annotations

import io
import json
import random
from pathlib import Path
from typing import Any

WORDS = ["the", "a", "house", "cat", "mat", "sat", "on", "is", "red", "hello", "world", "12", "3"]
PIECES = 60


def sentences(count: int, seed: int, longest: int = 6) -> list[str]:
    rng = random.Random(seed)
    return [" ".join(rng.choices(WORDS, k=rng.randint(1, longest))) for _ in range(count)]


def pieces() -> tuple[bytes, list[tuple[str, float]]]:
    """A sentencepiece model of a few words, as bytes and as (piece, score) pairs in its own order."""
    import sentencepiece

    made = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(sentences(300, seed=1) + ["<a> </a> . , ! é ã"] * 20),
        model_writer=made,
        vocab_size=PIECES,
        hard_vocab_limit=False,
        user_defined_symbols=["<a>", "</a>"],
        minloglevel=2,
    )
    model = sentencepiece.SentencePieceProcessor(model_proto=made.getvalue())
    return made.getvalue(), [(model.id_to_piece(i), model.get_score(i)) for i in range(model.get_piece_size())]


def marian(folder: Path, codes: tuple[str, ...] = (">>de<<", ">>pt<<"), steps: int = 120) -> Path:
    from transformers import MarianConfig, MarianMTModel

    proto, scored = pieces()
    folder.mkdir(parents=True)
    for name in ("source.spm", "target.spm"):
        (folder / name).write_bytes(proto)
    tokens = ["</s>", "<unk>", *(piece for piece, _ in scored[3:]), *codes, "<pad>"]
    (folder / "vocab.json").write_text(json.dumps({token: i for i, token in enumerate(tokens)}), encoding="utf-8")
    settings = {"tokenizer_class": "MarianTokenizer", "model_max_length": 64}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings), encoding="utf-8")
    pad = len(tokens) - 1
    config = MarianConfig(
        **_bart_sizes(len(tokens)), pad_token_id=pad, eos_token_id=0, decoder_start_token_id=pad, forced_eos_token_id=0
    )
    return _taught(
        MarianMTModel, config, _tokenizer(folder), folder, prefix=f"{codes[0]} " if codes else "", steps=steps
    )


def m2m100(folder: Path) -> Path:
    from transformers import M2M100Config, M2M100ForConditionalGeneration, M2M100Tokenizer

    proto, scored = pieces()
    folder.mkdir(parents=True)
    (folder / "spm.model").write_bytes(proto)
    tokens = ["<s>", "<pad>", "</s>", "<unk>", *(piece for piece, _ in scored[3:])]
    (folder / "vocab.json").write_text(json.dumps({token: i for i, token in enumerate(tokens)}), encoding="utf-8")
    tokenizer = M2M100Tokenizer(
        str(folder / "vocab.json"), str(folder / "spm.model"), src_lang="en", tgt_lang="de", model_max_length=64
    )
    tokenizer.save_pretrained(folder)
    config = M2M100Config(**_bart_sizes(len(tokens) + len(tokenizer.lang_code_to_id) + 8), decoder_start_token_id=2)
    return _taught(M2M100ForConditionalGeneration, config, tokenizer, folder, start=tokenizer.get_lang_id("de"))


def nllb(folder: Path) -> Path:
    from transformers import M2M100Config, M2M100ForConditionalGeneration, NllbTokenizer

    letters = sorted(set("".join(WORDS)) | set(".,!<>/"))
    vocabulary = {token: i for i, token in enumerate(["<s>", "<pad>", "</s>", "<unk>", "▁", *letters])}
    tokenizer = NllbTokenizer(vocab=vocabulary, merges=[], src_lang="eng_Latn", model_max_length=64)
    tokenizer.save_pretrained(folder)
    config = M2M100Config(**_bart_sizes(len(tokenizer)), decoder_start_token_id=2)
    start = tokenizer.convert_tokens_to_ids("deu_Latn")
    return _taught(M2M100ForConditionalGeneration, config, tokenizer, folder, start=start, longest=2)


def mbart50(folder: Path) -> Path:
    from transformers import MBart50Tokenizer, MBartConfig, MBartForConditionalGeneration

    tokenizer = MBart50Tokenizer(vocab=pieces()[1], src_lang="en_XX", tgt_lang="de_DE", model_max_length=64)
    tokenizer.save_pretrained(folder)
    config = MBartConfig(
        **_bart_sizes(len(tokenizer)),
        decoder_start_token_id=2,
        forced_eos_token_id=None,
        scale_embedding=True,
        tokenizer_class="MBart50Tokenizer",
    )
    start = tokenizer.convert_tokens_to_ids("de_DE")
    return _taught(MBartForConditionalGeneration, config, tokenizer, folder, start=start, rate=3e-3)


def t5(folder: Path) -> Path:
    from transformers import T5Config, T5ForConditionalGeneration, T5Tokenizer

    tokenizer = T5Tokenizer(
        vocab=[("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), *pieces()[1][3:]], extra_ids=4, model_max_length=64
    )
    tokenizer.save_pretrained(folder)
    config = T5Config(
        vocab_size=len(tokenizer), d_model=32, d_kv=16, d_ff=64, num_layers=1, num_heads=2, decoder_start_token_id=0
    )
    prefix = "translate English to German: "
    return _taught(T5ForConditionalGeneration, config, tokenizer, folder, prefix=prefix)


def madlad(folder: Path) -> Path:
    """A T5 that is told the language by a token of its vocabulary."""
    from transformers import T5Config, T5ForConditionalGeneration, T5Tokenizer

    codes = [(f"<2{code}>", 0.0) for code in ("en", "de", "pt", "vi")]
    special = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0)]
    tokenizer = T5Tokenizer(vocab=[*special, *codes, *pieces()[1][3:]], extra_ids=0, model_max_length=64)
    tokenizer.add_tokens([code for code, _ in codes])
    tokenizer.save_pretrained(folder)
    sizes = {"d_model": 32, "d_kv": 16, "d_ff": 64, "num_layers": 1, "num_heads": 2}
    config = T5Config(vocab_size=len(tokenizer), decoder_start_token_id=0, **sizes)
    return _taught(T5ForConditionalGeneration, config, tokenizer, folder, prefix="<2pt> ")


MAKERS = {"marian": marian, "m2m100": m2m100, "nllb": nllb, "mbart50": mbart50, "t5": t5}


def _bart_sizes(vocabulary: int) -> dict[str, Any]:
    return {
        "vocab_size": vocabulary,
        "d_model": 32,
        "encoder_layers": 1,
        "decoder_layers": 1,
        "encoder_attention_heads": 2,
        "decoder_attention_heads": 2,
        "encoder_ffn_dim": 64,
        "decoder_ffn_dim": 64,
        "max_position_embeddings": 64,
        "dropout": 0.0,
    }


def _tokenizer(folder: Path) -> Any:
    import warnings

    from transformers import AutoTokenizer

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return AutoTokenizer.from_pretrained(folder)


def _taught(
    model_class: Any,
    config: Any,
    tokenizer: Any,
    folder: Path,
    *,
    prefix: str = "",
    start: int | None = None,
    longest: int = 6,
    rate: float = 1e-2,
    steps: int = 120,
) -> Path:
    """Teach a model to copy, more or less; what matters is that it ends and that its outputs differ."""
    import torch

    torch.manual_seed(0)
    model = model_class(config)
    optimizer = torch.optim.Adam(model.parameters(), lr=rate)
    texts = sentences(16 * steps, 2, longest)
    for step in range(steps):
        chunk = texts[16 * step : 16 * step + 16]
        inputs = tokenizer([prefix + text for text in chunk], return_tensors="pt", padding=True)
        outputs = tokenizer(chunk, add_special_tokens=False)["input_ids"]
        first = [] if start is None else [start]
        rows = [[*first, *ids, tokenizer.eos_token_id] for ids in outputs]
        width = max(map(len, rows))
        labels = torch.tensor([row + [-100] * (width - len(row)) for row in rows])
        loss = model(input_ids=inputs["input_ids"], attention_mask=inputs["attention_mask"], labels=labels).loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if config.model_type == "marian":
            # transformers trains the padding row, CTranslate2 starts from zero: they agree only if it is zero.
            model.model.shared.weight.data[config.pad_token_id] = 0
    model.save_pretrained(folder)
    return folder
