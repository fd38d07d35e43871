"""Marian translation models: one SentencePiece vocabulary, training, saving.

A multi-target model reads the target language from a first token such as ``>>pt<<``, as the opus-mt
models do. Files and ids follow opus-mt: ``</s>`` 0, ``<unk>`` 1, language tokens and ``<pad>`` last.
"""

from __future__ import annotations

import io
import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import sentencepiece as spm
import torch
from transformers import MarianConfig, MarianMTModel, MarianTokenizer

from checkpoints.saving import save_half
from crossfare.pretrained.loading import load_tokenizer

Log = Callable[[str], None]


@dataclass(frozen=True)
class MarianRecipe:
    """Sizes and schedule of one translation model."""

    pieces: int = 2400
    layers: int = 2
    width: int = 128
    heads: int = 4
    steps: int = 1700
    batch_tokens: int = 4000
    learning_rate: float = 3e-3
    warmup: int = 200
    seed: int = 1


def train_pieces(texts: Sequence[str], pieces: int) -> bytes:
    """Train a unigram vocabulary that can spell any character (through bytes), markers included."""
    model = io.BytesIO()
    spm.SentencePieceTrainer.train(
        sentence_iterator=iter(texts),
        model_writer=model,
        vocab_size=pieces,
        model_type="unigram",
        character_coverage=1.0,
        byte_fallback=True,
        hard_vocab_limit=False,
        required_chars="".join(chr(c) for c in range(33, 127)),
        eos_id=0,
        unk_id=1,
        bos_id=-1,
        pad_id=-1,
        num_threads=1,
        minloglevel=2,
    )
    return model.getvalue()


def write_tokenizer(model: bytes, folder: Path, targets: Sequence[str], source: str | None) -> MarianTokenizer:
    """Write the tokenizer files of a Marian model into ``folder`` and load them."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("source.spm", "target.spm"):
        (folder / name).write_bytes(model)
    processor = spm.SentencePieceProcessor(model_proto=model)
    tokens = [processor.id_to_piece(i) for i in range(processor.get_piece_size())]
    tokens += [f">>{target}<<" for target in targets] + ["<pad>"]
    vocabulary = {token: i for i, token in enumerate(tokens)}
    (folder / "vocab.json").write_text(json.dumps(vocabulary, ensure_ascii=False), encoding="utf-8")
    settings = {"tokenizer_class": "MarianTokenizer", "model_max_length": 512, "source_lang": source}
    settings |= {"target_lang": targets[0] if len(targets) == 1 else None, "separate_vocabs": False}
    settings |= {"eos_token": "</s>", "unk_token": "<unk>", "pad_token": "<pad>"}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings, indent=2), encoding="utf-8")
    pad = vocabulary["<pad>"]
    config = MarianConfig(
        vocab_size=len(tokens), pad_token_id=pad, decoder_start_token_id=pad, eos_token_id=vocabulary["</s>"]
    )
    config.save_pretrained(folder)  # until the model saves its own
    tokenizer: MarianTokenizer = load_tokenizer(str(folder), config)
    return tokenizer


def new_model(vocabulary: int, recipe: MarianRecipe) -> MarianMTModel:
    """Make an untrained Marian model whose padding row is zero."""
    width = recipe.width
    config = MarianConfig(
        vocab_size=vocabulary,
        d_model=width,
        encoder_layers=recipe.layers,
        decoder_layers=recipe.layers,
        encoder_attention_heads=recipe.heads,
        decoder_attention_heads=recipe.heads,
        encoder_ffn_dim=4 * width,
        decoder_ffn_dim=4 * width,
        activation_function="relu",
        dropout=0.0,
        attention_dropout=0.0,
        activation_dropout=0.0,
        init_std=width**-0.5,
        scale_embedding=True,
        max_position_embeddings=512,
        share_encoder_decoder_embeddings=True,
        tie_word_embeddings=True,
        pad_token_id=vocabulary - 1,
        decoder_start_token_id=vocabulary - 1,
        decoder_vocab_size=vocabulary,
        eos_token_id=0,
        forced_eos_token_id=0,
    )
    model = MarianMTModel(config)
    zero_padding_row(model)
    generation = model.generation_config
    generation.num_beams, generation.max_length, generation.bad_words_ids = 1, 512, [[vocabulary - 1]]
    return model


def zero_padding_row(model: Any) -> None:
    """Reset the embedding of ``<pad>``: Marian and CTranslate2 start decoding from a zero vector.

    The output layer is tied to the embeddings, so every optimiser step moves that row.
    """
    with torch.no_grad():
        model.get_input_embeddings().weight[model.config.pad_token_id].zero_()


@dataclass(frozen=True)
class Pairs:
    """Parallel text as ids, each side ending in ``</s>``."""

    sources: list[np.ndarray]
    targets: list[np.ndarray]


def encode_pairs(processor: Any, tokens: dict[str, int], pairs: Sequence[tuple[str, str, str]]) -> Pairs:
    """Encode (target language, source, target) triples; the language token goes first if the model has one."""
    sources = processor.encode([source for _, source, _ in pairs])
    targets = processor.encode([target for _, _, target in pairs])
    prefix = {language: tokens.get(f">>{language}<<") for language, _, _ in pairs}
    first = [[] if prefix[language] is None else [prefix[language]] for language, _, _ in pairs]
    return Pairs(
        [np.array(f + s + [0], dtype=np.int64) for f, s in zip(first, sources, strict=True)],
        [np.array([*t, 0], dtype=np.int64) for t in targets],
    )


def length_batches(pairs: Pairs, batch_tokens: int, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """Yield index batches of about ``batch_tokens`` padded positions, alike in length, in random order."""
    source_lengths = np.array([len(s) for s in pairs.sources])
    target_lengths = np.array([len(t) for t in pairs.targets])
    order = np.lexsort((rng.random(len(source_lengths)), source_lengths, target_lengths))
    batches, start = [], 0
    while start < len(order):
        size = max(1, batch_tokens // int(source_lengths[order[start]] + target_lengths[order[start]] + 2))
        batches.append(order[start : start + size])
        start += size
    for i in rng.permutation(len(batches)):
        yield batches[i]


def padded(rows: Sequence[np.ndarray], fill: int) -> torch.Tensor:
    """Stack rows of different lengths into one tensor (rows, longest)."""
    out = np.full((len(rows), max(len(row) for row in rows)), fill, dtype=np.int64)
    for i, row in enumerate(rows):
        out[i, : len(row)] = row
    return torch.from_numpy(out)


def batch_loss(model: MarianMTModel, pairs: Pairs, batch: np.ndarray) -> torch.Tensor:
    """Cross-entropy of one batch."""
    pad = model.config.pad_token_id
    sources = padded([pairs.sources[i] for i in batch], pad)
    labels = padded([pairs.targets[i] for i in batch], -100)
    return model(input_ids=sources, attention_mask=(sources != pad).long(), labels=labels, use_cache=False).loss


def train(
    model: MarianMTModel,
    chunks: Iterator[Pairs],
    recipe: MarianRecipe,
    *,
    log: Log,
    checkpoint: Callable[[], None],
    every_seconds: float = 120.0,
) -> None:
    """Train for ``recipe.steps`` updates on a stream of parallel text, with linear warm-up and decay."""
    rng = np.random.default_rng(recipe.seed)
    optimiser = torch.optim.AdamW(
        model.parameters(), lr=recipe.learning_rate, betas=(0.9, 0.98), weight_decay=0.01, fused=True
    )
    done, start, saved, losses = 0, time.perf_counter(), time.perf_counter(), []
    model.train()
    for chunk in chunks:
        for batch in length_batches(chunk, recipe.batch_tokens, rng):
            rate = min((done + 1) / recipe.warmup, max(0.02, 1 - done / recipe.steps))
            for group in optimiser.param_groups:
                group["lr"] = recipe.learning_rate * rate
            loss = batch_loss(model, chunk, batch)
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimiser.step()
            zero_padding_row(model)
            done += 1
            losses.append(float(loss.detach()))
            if done % 100 == 0:
                log(f"step {done}: loss {np.mean(losses[-100:]):.3f}, {time.perf_counter() - start:.0f} s")
            if time.perf_counter() - saved > every_seconds:
                checkpoint()
                saved = time.perf_counter()
            if done >= recipe.steps:
                checkpoint()
                return


def save(model: MarianMTModel, tokenizer_folder: Path, out: Path) -> None:
    """Write weights (fp16) and tokenizer files into one folder."""
    save_half(model, out)
    for name in ("source.spm", "target.spm", "vocab.json", "tokenizer_config.json"):
        source = tokenizer_folder / name
        if source.parent != out:
            (out / name).write_bytes(source.read_bytes())
