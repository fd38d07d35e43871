"""Load a pretrained encoder with its tokenizer, for whatever task, and batch its inputs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from crossfare.errors import ConfigError
from crossfare.pretrained.loading import load_config, load_model, load_tokenizer, new_weights

Feature = dict[str, Any]
"""One input: ``input_ids`` and perhaps ``token_type_ids`` as int arrays of one length; other keys are targets."""

_SEQUENCES = ("input_ids", "token_type_ids")

_SHORTEST = 8
"""Tokens: the least that specs may ask for, too."""

_DROPOUTS = (
    "hidden_dropout_prob",
    "attention_probs_dropout_prob",
    "classifier_dropout",
    "pooler_dropout",
    "dropout",
    "attention_dropout",
    "qa_dropout",
    "seq_classif_dropout",
    "dropout_rate",
)


@dataclass(frozen=True, slots=True)
class Encoder:
    """A transformers model and its tokenizer.

    ``segments`` tells whether the model distinguishes first and second text by token type ids;
    ``longest`` is the most tokens it can read at once. ``notes`` say what of the checkpoint was not used, and why.
    """

    model: Any
    tokenizer: Any
    segments: bool
    longest: int
    notes: tuple[str, ...] = field(default=(), kw_only=True)

    def tokenised(self, *texts: Sequence[str], max_length: int, truncation: bool | str = True) -> list[Feature]:
        """Encode texts, or pairs of a first and a second text, as the tokenizer lays them out."""
        encoded = self.tokenizer(
            *map(list, texts),
            truncation=truncation,
            max_length=max_length,
            return_token_type_ids=self.segments,
            return_attention_mask=False,
        )
        rows = {name: encoded[name] for name in _SEQUENCES if name in encoded}
        return [{name: np.asarray(rows[name][i], dtype=np.int32) for name in rows} for i in range(len(texts[0]))]

    def collate(self, features: Sequence[Feature]) -> dict[str, Any]:
        """Pad features to the longest of them and stack all keys into int64 tensors, with the attention mask."""
        import torch

        lengths = np.array([len(feature["input_ids"]) for feature in features])
        batch: dict[str, Any] = {"attention_mask": (np.arange(lengths.max()) < lengths[:, None]).astype(np.int64)}
        for name in features[0]:
            if name in _SEQUENCES:
                fill = self.tokenizer.pad_token_id if name == "input_ids" else 0
                rows = np.full((len(features), lengths.max()), fill, dtype=np.int64)
                for row, feature in zip(rows, features, strict=True):
                    row[: len(feature[name])] = feature[name]
                batch[name] = rows
            else:
                batch[name] = np.array([feature[name] for feature in features], dtype=np.int64)
        return {name: torch.from_numpy(values) for name, values in batch.items()}


def load(
    path: str,
    head: str,
    *,
    dropout: float | None = None,
    trained: bool = False,
    configure: Callable[[Any], None] | None = None,
    new_head: bool = False,
) -> Encoder:
    """Load weights (as fp32, whatever the file holds) and tokenizer.

    ``head`` names the transformers class ("AutoModelForQuestionAnswering"); ``trained`` demands that the head be
    in the checkpoint, otherwise a new one is initialised from the current random state. ``configure`` changes
    the model's config; ``dropout`` sets every dropout rate the architecture has. ``new_head`` puts a new head in the
    place of one that the checkpoint has, with a note.

    Raises:
        ConfigError: nothing loadable there, weights of another architecture, no trained head, or a tokenizer that does
            not fit.
    """
    config = load_config(path)
    if configure:
        configure(config)
    for name in _DROPOUTS if dropout is not None else ():
        if getattr(config, name, None) is not None:
            setattr(config, name, dropout)
    tokenizer = load_tokenizer(path, config)
    if tokenizer.pad_token_id is None:
        raise ConfigError(
            f"the tokenizer of {path} has no padding token; name one of its tokens in tokenizer_config.json"
        )
    # Another head's weights may have other shapes; those of the encoder itself are checked.
    model, info = load_model(path, head, config, dtype=_fp32(), ignore_mismatched_sizes=True)
    if trained and (new := new_weights(info)):
        raise ConfigError(f"{path} is not fine-tuned: it has no weights for {new[0]}; fine-tune it first")
    remade = new_head and not _head_is_new(model, info)
    if remade:
        _remake_head(model)
    segments = getattr(model.config, "type_vocab_size", 0) > 1
    longest = _longest(model, tokenizer)
    if longest < _SHORTEST:
        raise ConfigError(
            f"{path} reads no more than {longest} tokens at once; correct model_max_length in tokenizer_config.json, "
            "or max_position_embeddings in config.json"
        )
    notes = (f"{Path(path).name}'s own head was replaced by a new one",) if remade else ()
    return Encoder(model, tokenizer, segments, longest, notes=notes)


def _head_is_new(model: Any, info: Mapping[str, Any]) -> bool:
    return any(not key.startswith(f"{model.base_model_prefix}.") for key in new_weights(info))


def _remake_head(model: Any) -> None:
    """Initialise everything but the encoder anew, from the current random state."""
    encoder = set(model.base_model.modules())
    for module in model.modules():
        if module is not model and module not in encoder:
            for part in (module, *module.parameters(recurse=False)):
                part._is_hf_initialized = False
            model._initialize_weights(module)


def _fp32() -> Any:
    import torch

    return torch.float32


def _longest(model: Any, tokenizer: Any) -> int:
    """Most tokens at once: RoBERTa-type models lose the first positions to their padding index."""
    positions = getattr(getattr(model.base_model, "embeddings", None), "position_embeddings", None)
    padding = getattr(positions, "padding_idx", None)
    limit = int(tokenizer.model_max_length)  # 1e30 where the tokenizer does not know
    if getattr(model.config, "max_position_embeddings", None):
        limit = min(limit, model.config.max_position_embeddings - (0 if padding is None else padding + 1))
    return limit


def shortened(tokenizer: Any, texts: Sequence[str], limit: int) -> list[str]:
    """Cut each text after its first ``limit`` tokens."""
    if not tokenizer.is_fast:
        return [_cut(tokenizer, text, limit) for text in texts]
    encoded = tokenizer(
        list(texts), add_special_tokens=False, truncation=True, max_length=limit + 1, return_offsets_mapping=True
    )
    return [
        text if len(offsets) <= limit else text[: offsets[limit - 1][1]]
        for text, offsets in zip(texts, encoded["offset_mapping"], strict=True)
    ]


def _cut(tokenizer: Any, text: str, limit: int) -> str:
    """The same by a tokenizer without offsets: the longest beginning that has no more tokens."""

    def fits(length: int) -> bool:
        return len(tokenizer(text[:length], add_special_tokens=False)["input_ids"]) <= limit

    low, high = 0, 1
    while high < len(text) and fits(high):
        low, high = high, 2 * high
    if high >= len(text) and fits(len(text)):
        return text
    high = min(high, len(text))
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    return text[:low]
