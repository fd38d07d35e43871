"""Load a pretrained encoder with its tokenizer, for whatever task, and batch its inputs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from crossfare.errors import ConfigError

Feature = dict[str, Any]
"""One input: ``input_ids`` and perhaps ``token_type_ids`` as int arrays of one length; other keys are targets."""

_SEQUENCES = ("input_ids", "token_type_ids")

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
    ``longest`` is the most tokens it can read at once.
    """

    model: Any
    tokenizer: Any
    segments: bool
    longest: int

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
) -> Encoder:
    """Load weights (as fp32, whatever the file holds) and tokenizer.

    ``head`` names the transformers class ("AutoModelForQuestionAnswering"); ``trained`` demands that the head be
    in the checkpoint, otherwise a new one is initialised from the current random state. ``configure`` changes
    the model's config; ``dropout`` sets every dropout rate the architecture has.

    Raises:
        ConfigError: nothing loadable there, weights of another architecture, no trained head, or a slow tokenizer.
    """
    if not (Path(path) / "config.json").is_file():
        raise ConfigError(f"{path} holds no config.json: give the folder of a saved transformers model")
    try:
        model, info, tokenizer = _from_pretrained(path, head, dropout, configure)
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        lines = str(error).strip().splitlines() or [type(error).__name__]
        raise ConfigError(f"cannot load the model {path!r}: {lines[0]}") from error
    _check(path, model, info, trained)
    if not tokenizer.is_fast:
        raise ConfigError(f"the tokenizer of {path} has no offsets (it is not a fast tokenizer); convert it first")
    segments = getattr(model.config, "type_vocab_size", 0) > 1
    return Encoder(model, tokenizer, segments, _longest(model, tokenizer))


def _from_pretrained(
    path: str, head: str, dropout: float | None, configure: Callable[[Any], None] | None
) -> tuple[Any, dict[str, Any], Any]:
    import torch
    import transformers

    with quiet():
        config = transformers.AutoConfig.from_pretrained(path)
        if configure:
            configure(config)
        for name in _DROPOUTS if dropout is not None else ():
            if getattr(config, name, None) is not None:
                setattr(config, name, dropout)
        model, info = getattr(transformers, head).from_pretrained(
            path,
            config=config,
            dtype=torch.float32,
            ignore_mismatched_sizes=True,  # a head for other labels; the encoder itself is checked afterwards
            output_loading_info=True,
        )
        tokenizer = transformers.AutoTokenizer.from_pretrained(path)
    return model, info, tokenizer


def _check(path: str, model: Any, info: Mapping[str, Any], trained: bool) -> None:
    """Raise if weights that must come from the checkpoint did not: transformers would only warn."""
    mismatched = [key[0] if isinstance(key, tuple) else key for key in info["mismatched_keys"]]
    new = [*info["missing_keys"], *mismatched]
    prefix = f"{model.base_model_prefix}." if model.base_model is not model else ""
    lost = [key for key in new if key.startswith(prefix) and "pooler." not in key]
    if lost:
        raise ConfigError(
            f"the checkpoint {path} does not fit {type(model).__name__}: {len(lost)} weights of the encoder "
            f"are not in it or have another shape ({lost[0]}); check its config.json"
        )
    if trained and new:
        raise ConfigError(f"{path} is not fine-tuned: it has no weights for {new[0]}; fine-tune it first")


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
    encoded = tokenizer(
        list(texts), add_special_tokens=False, truncation=True, max_length=limit + 1, return_offsets_mapping=True
    )
    return [
        text if len(offsets) <= limit else text[: offsets[limit - 1][1]]
        for text, offsets in zip(texts, encoded["offset_mapping"], strict=True)
    ]


@contextmanager
def quiet() -> Iterator[None]:
    """Keep transformers from narrating: progress bars, and warnings that `load` turns into errors where they matter."""
    from transformers.utils import logging

    verbosity, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if bars:
            logging.enable_progress_bar()
