"""Pretrain small BERT encoders on pairs of texts, without labels.

Three losses share one forward pass. Masked words are to be restored (masked language modelling; with two
languages in a pair it is translation language modelling). Where the hidden words of the first segment
stand exactly once in the second, their place is to be found as well (recurring span selection, after Ram
et al. 2021, "Few-shot question answering by pretraining span selection", with a linear start/end layer,
which extractive question answering then starts from). In some pairs nothing is hidden on purpose, but in half
of those a value of the first segment has been exchanged for another of its kind; which pieces were exchanged,
and whether any was, is to be told by comparing the segments (replaced token detection, after Clark et al.
2020, "ELECTRA", without a generator).
"""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer, processors
from torch.nn import functional as F
from transformers import BertConfig, BertForMaskedLM

from checkpoints.passages import CLS, CLS_ID, MASK, MASK_ID, PAD, SEP, SEP_ID, UNK, Mix, PairInput
from checkpoints.saving import save_half

Log = Callable[[str], None]


@dataclass(frozen=True)
class EncoderRecipe:
    """Sizes and schedule of one encoder.

    The learning rate falls to zero over ``decay_steps``, of which the first ``steps`` are made.
    """

    languages: tuple[str, ...] = ("en", "pt", "de", "vi")
    pieces: int = 3500
    layers: int = 4
    width: int = 128
    heads: int = 4
    inner: int = 256
    steps: int = 10400
    decay_steps: int = 12000
    batch_tokens: int = 2048
    learning_rate: float = 1.5e-3
    warmup: int = 300
    mask_first: float = 0.15
    mask_second: float = 0.15
    span_weight: float = 0.5
    exchange_weight: float = 0.5
    seed: int = 1
    mix: Mix = field(default_factory=Mix)


def write_tokenizer(tokenizer: Tokenizer, folder: Path) -> None:
    """Write ``tokenizer.json`` and its settings; pairs get segment ids without being asked for."""
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{CLS} $A {SEP}",
        pair=f"{CLS} $A {SEP} $B:1 {SEP}:1",
        special_tokens=[(CLS, CLS_ID), (SEP, SEP_ID)],
    )
    tokenizer.save(str(folder / "tokenizer.json"))
    settings = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "model_max_length": 256,
        "model_input_names": ["input_ids", "token_type_ids", "attention_mask"],
        "clean_up_tokenization_spaces": False,
        **{"cls_token": CLS, "sep_token": SEP, "mask_token": MASK, "pad_token": PAD, "unk_token": UNK},
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(settings, indent=2) + "\n", encoding="utf-8")


def new_encoder(vocabulary: int, recipe: EncoderRecipe) -> BertForMaskedLM:
    """Make an untrained encoder with its masked-word layer."""
    config = BertConfig(
        vocab_size=vocabulary,
        hidden_size=recipe.width,
        num_hidden_layers=recipe.layers,
        num_attention_heads=recipe.heads,
        intermediate_size=recipe.inner,
        hidden_act="relu",
        max_position_embeddings=256,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
        initializer_range=0.04,
        pad_token_id=0,
    )
    return BertForMaskedLM(config)


@dataclass(frozen=True)
class Batch:
    """Tensors of one batch; ``targets`` are flat positions of masked pieces, ``gold`` what stood there.

    ``examined`` are flat positions of pieces that may have been exchanged, ``exchanged`` says (0, 1) whether they were.
    """

    ids: torch.Tensor
    segments: torch.Tensor
    attention: torch.Tensor
    targets: torch.Tensor
    gold: torch.Tensor
    spans: torch.Tensor
    examined: torch.Tensor
    exchanged: torch.Tensor


@dataclass(frozen=True)
class Heads:
    """What is trained beside the encoder: the span-selection layer (kept) and the exchange detector (not)."""

    places: torch.nn.Linear
    detector: torch.nn.Linear

    @classmethod
    def new(cls, width: int) -> Heads:
        """Untrained heads."""
        return cls(torch.nn.Linear(width, 2), torch.nn.Linear(width, 1))

    def parameters(self) -> list[torch.nn.Parameter]:
        """All their parameters."""
        return [*self.places.parameters(), *self.detector.parameters()]


def mask_batch(rows: list[PairInput], vocabulary: int, shares: tuple[float, float], rng: np.random.Generator) -> Batch:
    """Pad rows and mask whole words, at another rate in each segment: 85 % become [MASK], 10 % a random piece."""
    longest = max(len(row.ids) for row in rows)
    ids = np.zeros((len(rows), longest), dtype=np.int64)
    words = np.full((len(rows), longest), -1, dtype=np.int64)
    forced, exchanged, examined = (np.zeros((len(rows), longest), dtype=bool) for _ in range(3))
    second = np.array([row.second for row in rows])
    lengths = np.array([len(row.ids) for row in rows])
    for i, row in enumerate(rows):
        ids[i, : len(row.ids)], words[i, : len(row.ids)] = row.ids, row.words
        forced[i, : len(row.ids)] = row.forced
        if row.exchanged is not None:
            exchanged[i, : len(row.ids)] = row.exchanged
            examined[i, : row.second - 1] = True
    position = np.arange(longest)
    attention = position[None, :] < lengths[:, None]
    in_second = (position[None, :] >= second[:, None]) & attention
    # One draw decides on all pieces of a word: that at the column of the word's number.
    draw = np.take_along_axis(rng.random((len(rows), longest)), np.maximum(words, 0), axis=1)
    masked = ((draw < np.where(in_second, shares[1], shares[0])) & (words >= 0)) | forced
    dice = rng.random(ids.shape)
    fate = np.where(dice < 0.85, MASK_ID, np.where(dice < 0.95, rng.integers(5, vocabulary, ids.shape), ids))
    fate = np.where(forced, MASK_ID, fate)
    spans = np.array([(row.span[0], row.span[1] - 1) if row.span[1] else (-100, -100) for row in rows])
    # What was exchanged cannot be restored, and what is masked cannot be examined.
    masked &= ~exchanged
    examined &= ~masked
    return Batch(
        ids=torch.from_numpy(np.where(masked, fate, ids)),
        segments=torch.from_numpy(in_second.astype(np.int64)),
        attention=torch.from_numpy(attention.astype(np.int64)),
        targets=torch.from_numpy(np.flatnonzero(masked)),
        gold=torch.from_numpy(ids[masked]),
        spans=torch.from_numpy(spans),
        examined=torch.from_numpy(np.flatnonzero(examined)),
        exchanged=torch.from_numpy(exchanged[examined].astype(np.float32)),
    )


def length_batches(rows: list[PairInput], batch_tokens: int, rng: np.random.Generator) -> Iterator[list[PairInput]]:
    """Yield batches of about ``batch_tokens`` padded pieces, alike in length, in random order."""
    lengths = np.array([len(row.ids) for row in rows])
    order = np.lexsort((rng.random(len(rows)), lengths))
    starts = [0]
    while starts[-1] < len(order):
        # The last row of a batch is its longest; rows are sorted, so the first tells the size well enough.
        starts.append(starts[-1] + max(1, batch_tokens // int(lengths[order[starts[-1]]] + 1)))
    batches = [order[a:b] for a, b in itertools.pairwise(starts)]
    for i in rng.permutation(len(batches)):
        yield [rows[j] for j in batches[i]]


def losses(model: BertForMaskedLM, heads: Heads, batch: Batch) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Masked-word, span-selection and exchange-detection loss of one batch."""
    hidden = model.bert(
        input_ids=batch.ids, token_type_ids=batch.segments, attention_mask=batch.attention
    ).last_hidden_state
    flat = hidden.reshape(-1, hidden.shape[-1])
    words = F.cross_entropy(model.cls(flat[batch.targets]), batch.gold)
    spans = exchanges = words.new_zeros(())
    rows = batch.spans[:, 0] >= 0
    if bool(rows.any()):
        scores = heads.places(hidden[rows]).masked_fill(batch.segments[rows].unsqueeze(-1) == 0, -1e4)
        gold = batch.spans[rows]
        spans = (F.cross_entropy(scores[..., 0], gold[:, 0]) + F.cross_entropy(scores[..., 1], gold[:, 1])) / 2
    if len(batch.examined):
        told = heads.detector(flat[batch.examined]).squeeze(-1)
        exchanges = F.binary_cross_entropy_with_logits(told, batch.exchanged)
    return words, spans, exchanges


def pretrain(
    model: BertForMaskedLM,
    heads: Heads,
    chunks: Iterator[list[PairInput]],
    recipe: EncoderRecipe,
    *,
    log: Log,
    checkpoint: Callable[[], None],
    every_seconds: float = 300.0,
) -> None:
    """Train for ``recipe.steps`` updates with linear warm-up and decay."""
    rng = np.random.default_rng(recipe.seed)
    parameters = [*model.parameters(), *heads.parameters()]
    optimiser = torch.optim.AdamW(parameters, lr=recipe.learning_rate, betas=(0.9, 0.98), weight_decay=0.01, fused=True)
    done, pieces, start, saved, history = 0, 0, time.perf_counter(), time.perf_counter(), []
    model.train()
    for chunk in chunks:
        for rows in length_batches(chunk, recipe.batch_tokens, rng):
            rate = min((done + 1) / recipe.warmup, max(0.01, 1 - done / recipe.decay_steps))
            for group in optimiser.param_groups:
                group["lr"] = recipe.learning_rate * rate
            batch = mask_batch(rows, model.config.vocab_size, (recipe.mask_first, recipe.mask_second), rng)
            parts = losses(model, heads, batch)
            optimiser.zero_grad(set_to_none=True)
            (parts[0] + recipe.span_weight * parts[1] + recipe.exchange_weight * parts[2]).backward()
            torch.nn.utils.clip_grad_norm_(parameters, 1.0)
            optimiser.step()
            done += 1
            pieces += batch.ids.numel()
            history.append([float(part.detach()) for part in parts])
            if done % 100 == 0:
                means = np.mean(history[-100:], axis=0)
                speed = pieces / (time.perf_counter() - start)
                log(
                    "step {}: words {:.3f}, spans {:.3f}, exchanges {:.3f}, {:.0f} pieces/s".format(done, *means, speed)
                )
            if time.perf_counter() - saved > every_seconds:
                checkpoint()
                saved = time.perf_counter()
            if done >= recipe.steps:
                checkpoint()
                return


def save(model: BertForMaskedLM, heads: Heads, tokenizer_folder: Path, out: Path) -> None:
    """Write the encoder (fp16) with its masked-word and span-selection layers, and its tokenizer, into one folder.

    The span-selection layer has the shape and name of BertForQuestionAnswering's, which therefore starts from it.
    """
    extra = {f"qa_outputs.{name}": tensor for name, tensor in heads.places.state_dict().items()}
    save_half(model, out, extra)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (out / name).write_bytes((tokenizer_folder / name).read_bytes())
