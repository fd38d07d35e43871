"""Pretrain a small T5 on pairs of texts, without labels.

The pairs are those of the encoders (`checkpoints.passages`), laid out as monoT5 reads a query and a passage. Of those
that share a value, half have it hidden on one side; it is to be said and nothing else, and is found by reading the
other text, mostly in another language. The others have runs of words replaced by sentinels, which are to be said in
order (span corruption, Raffel et al. 2020, "Exploring the limits of transfer learning with a unified text-to-text
transformer"). That alone had learned little after a thousand steps. The encoder half is therefore also taught by the
multilingual encoder (after Jiao et al. 2020, "TinyBERT"): vocabulary and first embeddings are the teacher's, and every
layer is to attend to what the teacher's layer attends to and to arrive at its states.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer
from torch.nn import functional as F
from transformers import BertModel, T5Config, T5ForConditionalGeneration

from checkpoints.encoder import Log, length_batches
from checkpoints.passages import CLS_ID, MASK_ID, PAD, SEP, SEP_ID, UNK, Mix, PairInput
from checkpoints.saving import save_half
from crossfare.pretrained.loading import load_config, load_model

PAD_ID = 0
PROMPT = ("Query", "Document", "Relevant", "yes", "no")
SENTINELS = 16


@dataclass(frozen=True)
class Seq2SeqRecipe:
    """Sizes and schedule."""

    languages: tuple[str, ...] = ("en", "pt", "de", "vi")
    encoder_layers: int = 4
    decoder_layers: int = 1
    width: int = 128
    heads: int = 4
    inner: int = 256
    steps: int = 1800
    batch_tokens: int = 2048
    learning_rate: float = 3e-3
    warmup: int = 200
    hidden_value: float = 0.5
    mask: float = 0.2
    attention_weight: float = 1.0
    state_weight: float = 1.0
    seed: int = 6
    mix: Mix = field(
        default_factory=lambda: Mix(
            question_passage=0.25, statement_passage=0.40, translation=0.25, question_translation=0.10, distractors=2
        )
    )


def teacher(encoder: Path) -> BertModel:
    """Load the encoder that teaches."""
    settings = {"add_pooling_layer": False, "attn_implementation": "eager"}
    model: BertModel = load_model(str(encoder), "BertModel", load_config(str(encoder)), **settings)[0]
    return model.eval()


def write_tokenizer(encoder: Path, folder: Path) -> Tokenizer:
    """Write the encoder's tokenizer with the words of the prompt and the sentinels; texts end with [SEP]."""
    settings = json.loads((encoder / "tokenizer.json").read_text(encoding="utf-8"))
    vocabulary = settings["model"]["vocab"]
    for word in PROMPT:
        vocabulary.setdefault(word, len(vocabulary))
    for number in range(SENTINELS):
        content, index = f"<extra_id_{number}>", len(vocabulary)
        vocabulary[content] = index
        flags = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
        settings["added_tokens"].append({"id": index, "content": content, **flags})
    settings["post_processor"] = {
        "type": "TemplateProcessing",
        "single": [{"Sequence": {"id": "A", "type_id": 0}}, {"SpecialToken": {"id": SEP, "type_id": 0}}],
        "pair": [
            {"Sequence": {"id": "A", "type_id": 0}},
            {"Sequence": {"id": "B", "type_id": 0}},
            {"SpecialToken": {"id": SEP, "type_id": 0}},
        ],
        "special_tokens": {SEP: {"id": SEP, "ids": [SEP_ID], "tokens": [SEP]}},
    }
    tokenizer = Tokenizer.from_str(json.dumps(settings))
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(folder / "tokenizer.json"))
    named = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "model_max_length": 256,
        "model_input_names": ["input_ids", "attention_mask"],
        "clean_up_tokenization_spaces": False,
        **{"eos_token": SEP, "pad_token": PAD, "unk_token": UNK},
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(named, indent=2) + "\n", encoding="utf-8")
    return tokenizer


def new_model(vocabulary: int, encoder: BertModel, recipe: Seq2SeqRecipe) -> T5ForConditionalGeneration:
    """Make an untrained model that starts from the encoder's embeddings, scaled to T5's own spread of 1."""
    model = T5ForConditionalGeneration(
        T5Config(
            vocab_size=vocabulary,
            d_model=recipe.width,
            d_kv=recipe.width // recipe.heads,
            d_ff=recipe.inner,
            num_layers=recipe.encoder_layers,
            num_decoder_layers=recipe.decoder_layers,
            num_heads=recipe.heads,
            relative_attention_max_distance=64,
            dropout_rate=0.0,
            feed_forward_proj="relu",
            pad_token_id=PAD_ID,
            eos_token_id=SEP_ID,
            decoder_start_token_id=PAD_ID,
        )
    )
    model.set_attn_implementation("eager")  # the only one that returns what it attends to
    words = encoder.get_input_embeddings().weight.detach()
    with torch.no_grad():
        model.shared.weight[: len(words)] = (words - words.mean(0)) / words.std()
    return model


@dataclass(frozen=True)
class Example:
    """What is read and what is to be said; what the teacher reads instead, and where each of its pieces is read."""

    read: list[int]
    said: list[int]
    taught: list[int]
    places: list[int]


class Examples:
    """Turns drawn pairs into examples, laid out as ``Query: a Document: b Relevant:`` ([CLS] a [SEP] b [SEP])."""

    def __init__(self, tokenizer: Tokenizer, recipe: Seq2SeqRecipe, rng: np.random.Generator) -> None:
        self.recipe, self.rng = recipe, rng
        self.head, self.between, self.tail = (
            tokenizer.encode(f"{word}:", add_special_tokens=False).ids for word in PROMPT[:3]
        )
        self.sentinels = [tokenizer.token_to_id(f"<extra_id_{number}>") for number in range(SENTINELS)]

    def make(self, row: PairInput) -> Example:
        """Hide a value or words of a pair."""
        value = bool(row.forced.any()) and self.rng.random() < self.recipe.hidden_value
        draw = self.rng.random(len(row.ids) + 1)[row.words]  # one draw for all pieces of a word
        hidden = row.forced if value else (row.words >= 0) & ((draw < self.recipe.mask) | row.forced)
        marks = {row.second - 1: self.between, len(row.ids) - 1: self.tail}
        read, said, taught, places = [*self.head], [], [CLS_ID], [0]
        runs = 0
        for place in range(1, len(row.ids)):
            piece = int(row.ids[place])
            if not hidden[place] or runs == SENTINELS:
                places.append(len(read))
                read += marks.get(place, [piece])
                taught.append(piece)
                continue
            if not hidden[place - 1]:
                places.append(len(read))
                read.append(self.sentinels[0 if value else runs])
                taught.append(MASK_ID)
                said += [] if value else [self.sentinels[runs]]
                runs += 1
            said += [piece] if not value or runs == 1 else []
        return Example([*read, SEP_ID], [*said, SEP_ID], taught, places)


def padded(rows: list[list[int]], filler: int) -> torch.Tensor:
    """Stack rows of ids."""
    made = torch.full((len(rows), max(map(len, rows))), filler)
    for i, row in enumerate(rows):
        made[i, : len(row)] = torch.tensor(row)
    return made


def losses(
    model: T5ForConditionalGeneration, encoder: BertModel, batch: list[Example]
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return how badly is said what is hidden, and how far attention and states are from the teacher's."""
    ids, taught = padded([e.read for e in batch], PAD_ID), padded([e.taught for e in batch], PAD_ID)
    mask = taught != PAD_ID
    told = model(
        input_ids=ids,
        attention_mask=(ids != PAD_ID).long(),
        labels=padded([e.said for e in batch], -100),
        output_attentions=True,
        output_hidden_states=True,
    )
    segments = (taught == SEP_ID).long()
    with torch.no_grad():
        model_of = encoder(
            input_ids=taught,
            token_type_ids=(segments.cumsum(1) - segments).clamp(max=1),
            attention_mask=mask.long(),
            output_attentions=True,
            output_hidden_states=True,
        )
    rows, places = torch.arange(len(batch))[:, None], padded([e.places for e in batch], 0)
    attention, states = ids.new_zeros((), dtype=torch.float), ids.new_zeros((), dtype=torch.float)
    for weights, gold in zip(told.encoder_attentions, model_of.attentions, strict=True):
        # Attention within the pieces that both read: (rows, heads, from, to).
        own = weights[rows[:, :, None], :, places[:, :, None], places[:, None, :]].permute(0, 3, 1, 2)
        known = own * mask[:, None, None, :] + 1e-7
        surprise = -(gold * (known / known.sum(-1, keepdim=True)).log()).sum(-1)
        attention = attention + (surprise - torch.special.entr(gold).sum(-1)).mean(1)[mask].mean()
    for own, gold in zip(told.encoder_hidden_states[1:], model_of.hidden_states[1:], strict=True):
        width = (own.shape[-1],)
        distance = (F.layer_norm(own[rows, places], width) - F.layer_norm(gold, width)).square().mean(-1)
        states = states + distance[mask].mean()
    layers = len(model_of.attentions)
    return told.loss, attention / layers, states / layers


def pretrain(
    model: T5ForConditionalGeneration,
    encoder: BertModel,
    chunks: Iterator[list[PairInput]],
    examples: Examples,
    recipe: Seq2SeqRecipe,
    *,
    log: Log,
    checkpoint: Callable[[], None],
    every_seconds: float = 300.0,
) -> None:
    """Train for ``recipe.steps`` updates with linear warm-up and decay."""
    rng = np.random.default_rng(recipe.seed)
    optimiser = torch.optim.AdamW(
        model.parameters(), lr=recipe.learning_rate, betas=(0.9, 0.98), weight_decay=0.01, fused=True
    )
    done, pieces, start, saved, history = 0, 0, time.perf_counter(), time.perf_counter(), []
    model.train()
    for chunk in chunks:
        for rows in length_batches(chunk, recipe.batch_tokens, rng):
            rate = min((done + 1) / recipe.warmup, max(0.01, 1 - done / recipe.steps))
            for group in optimiser.param_groups:
                group["lr"] = recipe.learning_rate * rate
            batch = [examples.make(row) for row in rows]
            parts = losses(model, encoder, batch)
            loss = parts[0] + recipe.attention_weight * parts[1] + recipe.state_weight * parts[2]
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimiser.step()
            done += 1
            pieces += sum(len(example.read) for example in batch)
            history.append([float(part.detach()) for part in parts])
            if done % 100 == 0:
                speed = pieces / (time.perf_counter() - start)
                means = np.mean(history[-100:], axis=0)
                log(
                    "step {}: said {:.3f}, attention {:.3f}, states {:.3f}, {:.0f} pieces/s".format(done, *means, speed)
                )
            if time.perf_counter() - saved > every_seconds:
                checkpoint()
                saved = time.perf_counter()
            if done >= recipe.steps:
                checkpoint()
                return


def save(model: T5ForConditionalGeneration, tokenizer_folder: Path, out: Path) -> None:
    """Write the model (fp16) and its tokenizer into one folder."""
    save_half(model, out)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (out / name).write_bytes((tokenizer_folder / name).read_bytes())
