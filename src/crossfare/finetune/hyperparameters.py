"""What is chosen before fine-tuning."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from typing import Annotated, Any, Literal

from pydantic import Field

from crossfare import settings
from crossfare.errors import ConfigError
from crossfare.precision import told
from crossfare.settings import MOST, Count, Natural, NotNegative

Reporter = Literal["tensorboard", "mlflow", "wandb"]
"""Where fine-tuning can be logged; each is a package."""

_Share = Annotated[float, Field(ge=0, lt=1)]
_BATCH = 2**16
"""More examples in one optimiser step than anyone has memory for."""

_RUNTIME = {"runtime": True}
_RANKING = {"unless_default": True}
"""Fields that only ranking reads. Left out of the identity at their default: older results were made without them."""
_LABELS = _RANKING
"""Fields that only tasks of labels read; the same."""


@dataclass(frozen=True, slots=True)
class Hyperparameters:
    """Settings of one fine-tuning; `paper` gives those of Rosa et al. 2021, section 4.4.

    ``batch_size`` is examples per optimiser step, over all devices and accumulated parts; in ranking these are
    query-passage pairs with the pointwise loss, and queries with all their passages with the listwise one.
    ``max_length`` and ``stride`` (the overlap of windows) count tokens; a model that cannot read ``max_length``
    tokens gets as many as it can. ``crop`` (QA) trains on that many context tokens around the answer.
    ``dropout`` None keeps the model's own. ``freeze_layers`` counts from the lowest.
    ``head_learning_rate`` is for what is not pretrained: the task's head and the pooler.
    ``select_best`` keeps the epoch with the best score on the validation set.
    ``max_steps`` overrides ``epochs``; ``epochs`` 0 trains nothing: the checkpoint is taken as it is, with the head
    that it must have. ``precision`` "auto" asks the machine: bf16 where GPU or processor compute in it
    natively, else fp32; None is "auto" on a GPU and fp32 on a CPU. The identity has what it was: "bf16" or "fp32" as if
    named, and for None on a CPU "auto", as it was spelt before "auto" asked.
    ``optimizer`` "adafactor" is T5's own setting of it (steps relative to each weight's scale, no momentum); it
    clips its own updates, so ``max_grad_norm`` is not used with it.

    For ranking: ``loss`` "pointwise" judges each passage for itself, "listwise" is the softmax over a query's
    passages; ``negatives`` is how many of an example's negatives are used, drawn by the seed (None: all);
    ``relevance_tokens`` are the two pieces of the vocabulary that a T5 says for relevant and for not relevant (None:
    those of the checkpoint, see `model.monot5`).

    For labels: ``head_labels`` are those of a checkpoint's own head in the order of its outputs, where its config.json
    does not name them.

    Runtime knobs, outside the identity of the result: ``gradient_accumulation`` works each batch off in that
    many parts, to save memory; ``save_every`` is the seconds between resumable checkpoints.
    """

    learning_rate: Annotated[float, Field(gt=0, le=100)] = 2e-5
    epochs: Annotated[float, Field(ge=0, le=MOST)] = 3
    batch_size: Annotated[int, Field(gt=0, le=_BATCH)] = 32
    max_length: settings.Tokens = 128
    stride: Natural = 128
    max_answer_length: Count = 30
    crop: Count | None = None
    schedule: Literal["constant", "linear"] = "constant"
    warmup_ratio: settings.Share = 0.0
    weight_decay: NotNegative = 0.0
    max_grad_norm: NotNegative = 1.0
    precision: Literal["auto", "fp32", "bf16", "fp16"] | None = None
    dropout: _Share | None = None
    freeze_layers: Natural = 0
    freeze_embeddings: bool = False
    head_learning_rate: Annotated[float, Field(gt=0, le=100)] | None = None
    select_best: bool = False
    max_steps: Count | None = None
    optimizer: Literal["adamw", "adafactor"] = field(default="adamw", metadata=_RANKING)
    loss: Literal["pointwise", "listwise"] = field(default="pointwise", metadata=_RANKING)
    negatives: Count | None = field(default=None, metadata=_RANKING)
    relevance_tokens: tuple[str, str] | None = field(default=None, metadata=_RANKING)
    head_labels: tuple[str, ...] | None = field(default=None, metadata=_LABELS)
    gradient_accumulation: Count = field(default=1, metadata=_RUNTIME)
    save_every: NotNegative = field(default=600.0, metadata=_RUNTIME)

    def __post_init__(self) -> None:
        settings.check(self)
        if self.batch_size % self.gradient_accumulation:
            raise ConfigError(
                f"batch_size {self.batch_size} cannot be divided by gradient_accumulation {self.gradient_accumulation}"
            )

    def overridden(self, **overrides: Any) -> Hyperparameters:
        """These settings with ``overrides``; ``epochs`` put off ``max_steps``.

        Raises:
            ConfigError: an override that is not a hyperparameter.
        """
        names = [f.name for f in fields(self)]
        if unknown := [name for name in overrides if name not in names]:
            raise ConfigError(f"{unknown[0]!r} is not a hyperparameter; choose from {', '.join(names)}")
        if "epochs" in overrides:
            overrides = {"max_steps": None, **overrides}
        for name in ("relevance_tokens", "head_labels"):
            if isinstance(overrides.get(name), list):  # as a spec has them
                overrides[name] = tuple(overrides[name])
        return replace(self, **overrides)

    @property
    def trains(self) -> bool:
        """Whether anything is trained."""
        return bool(self.max_steps or self.epochs)

    def identity(self) -> dict[str, Any]:
        """The settings that change the result, for a step's key."""
        chosen = {f.name: getattr(self, f.name) for f in fields(self) if not f.metadata.get("runtime")}
        chosen["precision"] = told(self.precision, "auto")
        silent = {f.name for f in fields(self) if f.metadata.get("unless_default") and chosen[f.name] == f.default}
        return {name: value for name, value in chosen.items() if name not in silent}

    def runtime(self) -> dict[str, Any]:
        """The settings that do not."""
        return {f.name: getattr(self, f.name) for f in fields(self) if f.metadata.get("runtime")}


def check_freezing(wanted: int, there: int | None) -> None:
    """Refuse to freeze more layers than there are.

    Raises:
        ConfigError: it says how many there are.
    """
    if there is not None and wanted > there:
        raise ConfigError(f"freeze_layers is {wanted}, but the model has {there} layers that can be frozen")
