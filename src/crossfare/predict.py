"""Run a model over inputs, in batches of similar length under a token budget."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crossfare.errors import ConfigError
from crossfare.types import Prediction, Progress, Usage

Feature = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class PredictOptions:
    """Settings of inference.

    ``max_length`` and ``stride`` count tokens; a model that cannot read ``max_length`` tokens gets as many as it
    can. ``n_best`` and ``max_answer_length`` (tokens) are for QA. ``labels`` (NLI) names the test set's label set:
    "two-class" or "three-class"; None goes by the labels that occur in it. ``token_budget`` bounds the padded
    tokens of a batch: a runtime knob, it changes no result.
    """

    max_length: int = 384
    stride: int = 128
    n_best: int = 5
    max_answer_length: int = 30
    labels: str | None = None
    token_budget: int = 8192

    def __post_init__(self) -> None:
        if self.labels not in (None, "two-class", "three-class"):
            raise ConfigError(f"labels must be two-class or three-class, not {self.labels!r}")
        for name in ("max_length", "n_best", "max_answer_length", "token_budget"):
            if getattr(self, name) < 1:
                raise ConfigError(f"{name} must be at least 1, not {getattr(self, name)}")

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> PredictOptions:
        """Options from a mapping; ConfigError on an unknown name."""
        names = [f.name for f in fields(cls)]
        if unknown := [name for name in settings if name not in names]:
            raise ConfigError(f"{unknown[0]!r} is not an inference option; choose from {', '.join(names)}")
        return cls(**settings)

    def identity(self) -> dict[str, Any]:
        """The settings that change the result, for a step's key."""
        return {f.name: getattr(self, f.name) for f in fields(self) if f.name != "token_budget"}


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
    progress: Progress | None = None,
) -> tuple[NDArray[np.float32], ...]:
    """The model's outputs of the given names, each of shape (features, widest row), in the order of ``features``.

    Rows shorter than the widest are filled with -inf. The model computes in fp32 on a CPU and under bf16 autocast on
    a GPU that knows it. ``progress`` counts features.

    Raises:
        ConfigError: a batch does not fit into the GPU's memory.
    """
    import torch

    device = torch.accelerator.current_accelerator() or torch.device("cpu")
    half = device.type == "cuda" and torch.cuda.is_bf16_supported()
    training = model.training
    model.to(device).eval()
    rows: list[tuple[Any, ...]] = [()] * len(features)
    done = 0
    try:
        with torch.inference_mode(), torch.autocast(device.type, dtype=torch.bfloat16, enabled=half):
            for batch in batches([len(feature["input_ids"]) for feature in features], token_budget):
                inputs = collate([features[i] for i in batch])
                result = model(**{name: tensor.to(device) for name, tensor in inputs.items()})
                columns = [result[name].float().cpu().numpy() for name in outputs]
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
