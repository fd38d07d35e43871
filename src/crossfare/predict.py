"""Run a model over inputs, in batches of similar length under a token budget."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from crossfare import settings
from crossfare.errors import ConfigError
from crossfare.precision import resolved, told
from crossfare.settings import Count, Natural, Tokens
from crossfare.types import Prediction, Progress, Usage

Feature = Mapping[str, Any]

_LATER = {"unless_default": True}
"""Fields that came later. Left out of the identity at their default: older results were made without them."""

Precision = Literal["auto", "fp32", "bf16"]


@dataclass(frozen=True, slots=True)
class PredictOptions:
    """Settings of inference.

    ``max_length`` and ``stride`` count tokens; a model that cannot read ``max_length`` tokens gets as many as it
    can. ``n_best`` and ``max_answer_length`` (tokens) are for QA. ``labels`` (NLI) names the test set's label set:
    "two-class" or "three-class"; None goes by the labels that occur in it. ``token_budget`` bounds the padded
    tokens of a batch: a runtime knob, it changes no result.

    For ranking: ``depth`` is how many candidates of a query are reranked, from the best on (None: all); the others are
    left out. ``relevance_tokens`` are the pieces of the vocabulary that a T5 says for relevant and for not relevant
    (None: those of the checkpoint). ``query_prefix`` and ``passage_prefix`` are put before the texts that a bi-encoder
    embeds (None: those the model was trained with, where that is known).

    ``precision`` "auto" asks the machine: bf16 where GPU or processor compute in it natively (there a CPU reads 2 to 3
    times as many texts a second), else fp32; None is "auto" on a GPU and fp32 on a CPU. The identity has what it was,
    and nothing for None on a CPU.
    """

    max_length: Tokens = 384
    stride: Natural = 128
    n_best: Count = 5
    max_answer_length: Count = 30
    labels: Literal["two-class", "three-class"] | None = None
    depth: Count | None = field(default=None, metadata=_LATER)
    relevance_tokens: tuple[str, str] | None = field(default=None, metadata=_LATER)
    query_prefix: str | None = field(default=None, metadata=_LATER)
    passage_prefix: str | None = field(default=None, metadata=_LATER)
    precision: Precision | None = field(default=None, metadata=_LATER)
    token_budget: Count = 8192

    def __post_init__(self) -> None:
        settings.check(self)

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> PredictOptions:
        """Options from a mapping; ConfigError on an unknown name."""
        names = [f.name for f in fields(cls)]
        if unknown := [name for name in given if name not in names]:
            raise ConfigError(f"{unknown[0]!r} is not an inference option; choose from {', '.join(names)}")
        if isinstance(given.get("relevance_tokens"), list):  # as a spec has them
            given = {**given, "relevance_tokens": tuple(given["relevance_tokens"])}
        return cls(**given)

    def identity(self) -> dict[str, Any]:
        """The settings that change the result, for a step's key."""
        chosen = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "token_budget"}
        chosen["precision"] = told(self.precision, None)
        silent = {f.name for f in fields(self) if f.metadata.get("unless_default") and chosen[f.name] == f.default}
        return {name: value for name, value in chosen.items() if name not in silent}


@dataclass(frozen=True, slots=True)
class Predicted:
    """One prediction for each example, in their order, and what making them took."""

    predictions: tuple[Prediction, ...]
    usage: Usage


def logits(
    model: Any,
    features: Sequence[Feature],
    *,
    collate: Callable[[Sequence[Any]], dict[str, Any]],
    outputs: Sequence[str],
    token_budget: int = 8192,
    precision: Precision | None = None,
    progress: Progress | None = None,
) -> tuple[NDArray[np.float32], ...]:
    """The model's outputs of the given names, each of shape (features, widest row), in the order of ``features``.

    What a model gives for one feature is laid out in one row. Rows shorter than the widest are filled with -inf. The
    model computes in fp32 or under bf16 autocast (see `PredictOptions`). ``progress`` counts features.

    Raises:
        ConfigError: a batch does not fit into the GPU's memory.
    """
    import torch

    device = torch.accelerator.current_accelerator() or torch.device("cpu")
    half = resolved(precision) == "bf16"
    training = model.training
    model.to(device).eval()
    rows: list[tuple[Any, ...]] = [()] * len(features)
    done = 0
    try:
        with torch.inference_mode(), torch.autocast(device.type, dtype=torch.bfloat16, enabled=half):
            for batch in batches([len(feature["input_ids"]) for feature in features], token_budget):
                inputs = collate([features[i] for i in batch])
                result = model(**{name: tensor.to(device) for name, tensor in inputs.items()})
                columns = [result[name].float().flatten(1).cpu().numpy() for name in outputs]
                for i, *values in zip(batch, *columns, strict=True):
                    rows[i] = tuple(values)
                done += len(batch)
                if progress:
                    progress(done, len(features))
    except torch.OutOfMemoryError as error:
        raise ConfigError(f"out of GPU memory in prediction: lower token_budget (now {token_budget})") from error
    finally:
        model.train(training)
    return tuple(_stack([row[k] for row in rows]) for k in range(len(outputs)))


def _stack(rows: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    table = np.full((len(rows), max((len(row) for row in rows), default=0)), -np.inf, dtype=np.float32)
    for line, row in zip(table, rows, strict=True):
        line[: len(row)] = row
    return table


def batches(lengths: Sequence[int], token_budget: int) -> Iterator[list[int]]:
    """Group indices by length, longest first, so that padded tokens per batch stay within the budget.

    A single input over the budget is a batch of its own.
    """
    order = sorted(range(len(lengths)), key=lambda i: -lengths[i])
    at = 0
    while at < len(order):
        size = max(1, token_budget // max(1, lengths[order[at]]))
        yield order[at : at + size]
        at += size
