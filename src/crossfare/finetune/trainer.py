"""The Trainer, set up for small and large models alike. Imports transformers: load it only to train."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from transformers import PrinterCallback, Trainer, TrainerCallback, TrainingArguments

from crossfare import precision
from crossfare.errors import ConfigError
from crossfare.finetune.hyperparameters import Hyperparameters, check_freezing
from crossfare.types import Progress

if TYPE_CHECKING:
    from crossfare.finetune.training import Feature, Loss, Trainable

_LOGGED = 20  # points of the loss curve


class LengthGroups(torch.utils.data.Sampler[int]):
    """Shuffle, but let examples of similar length share a batch, for little padding.

    Seeded by (seed, epoch), so that a resumed training sees the same batches. Examples are sorted by length
    within random pools of ``pool`` batches, and the batches are shuffled.
    """

    def __init__(self, lengths: Sequence[int], batch_size: int, seed: int, pool: int = 50) -> None:
        self.lengths, self.batch_size, self.seed, self.pool = np.asarray(lengths), batch_size, seed, pool
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Called by the Trainer at the start of each epoch."""
        self.epoch = epoch

    def __len__(self) -> int:
        return len(self.lengths)

    def __iter__(self) -> Iterator[int]:
        rng = np.random.default_rng((self.seed, self.epoch))
        order = rng.permutation(len(self.lengths))
        size = self.batch_size * self.pool
        pools = [order[at : at + size] for at in range(0, len(order), size)]
        order = np.concatenate([pool[np.argsort(self.lengths[pool], kind="stable")] for pool in pools])
        whole = len(order) // self.batch_size * self.batch_size
        batches = rng.permutation(order[:whole].reshape(-1, self.batch_size))
        yield from np.concatenate([batches.ravel(), order[whole:]]).tolist()


class _Trainer(Trainer):  # type: ignore[misc]
    """Adds length groups, a learning rate for the head, the task's own loss, and validation by its own metric.

    Counting floating point operations walks all parameters on every step, which a small model feels.
    """

    def __init__(
        self,
        encoder: Trainable,
        features: Sequence[Feature],
        hyper: Hyperparameters,
        loss: Loss | None,
        validate: Callable[[], float] | None,
        arguments: TrainingArguments,
    ) -> None:
        self.hyper, self.loss, self.validate = hyper, loss, validate
        self.lengths = [len(feature["input_ids"]) for feature in features]
        super().__init__(
            model=encoder.model,
            args=arguments,
            train_dataset=features,
            eval_dataset=[],  # asked for, but `evaluate` knows its own
            data_collator=encoder.collate,
        )
        # BERT's forward accepts any keyword, from which Trainer concludes that it scales the loss for gradient
        # accumulation. It does not.
        self.model_accepts_loss_kwargs = False

    def _get_train_sampler(self, *_: Any) -> LengthGroups:
        return LengthGroups(self.lengths, self.hyper.batch_size, self.args.seed)

    def floating_point_ops(self, *_: Any) -> int:
        """Not counted."""
        return 0

    def compute_loss(self, model: Any, inputs: dict[str, Any], *arguments: Any, **named: Any) -> Any:
        """The mean loss of a batch: the task's own, made of outputs and labels, or else the model's."""
        if self.loss is None:
            return super().compute_loss(model, inputs, *arguments, **named)
        labels = inputs.pop("labels")
        return self.loss(model(**inputs), labels)

    @staticmethod
    def get_optimizer_cls_and_kwargs(args: TrainingArguments, model: Any = None) -> tuple[Any, Any]:
        """As in the Trainer, but AdaFactor scales its steps by the size of each weight, as T5's authors have it."""
        kind, settings = Trainer.get_optimizer_cls_and_kwargs(args, model)
        return kind, {**settings, "scale_parameter": True} if args.optim == "adafactor" else settings

    def create_optimizer(self, model: Any = None) -> torch.optim.Optimizer:
        """AdamW or AdaFactor; weight decay as in the Trainer, the head's own learning rate if one is set."""
        if self.hyper.head_learning_rate is not None:
            kind, settings = self.get_optimizer_cls_and_kwargs(self.args, self.model)
            self.optimizer: Any = kind(self._groups(self.hyper.head_learning_rate), **settings)
        optimizer: torch.optim.Optimizer = super().create_optimizer(model)  # keeps one that exists
        return optimizer

    def _groups(self, head_learning_rate: float) -> list[dict[str, Any]]:
        decayed = set(self.get_decay_parameter_names(self.model))
        prefix = f"{self.model.base_model_prefix}." if self.model.base_model is not self.model else ""
        groups: dict[tuple[bool, bool], list[Any]] = {}
        for name, parameter in self.model.named_parameters():
            if parameter.requires_grad:
                head = not name.startswith(prefix) or ".pooler." in name
                groups.setdefault((head, name in decayed), []).append(parameter)
        return [
            {
                "params": parameters,
                "lr": head_learning_rate if head else self.args.learning_rate,
                "weight_decay": self.args.weight_decay if decay else 0.0,
            }
            for (head, decay), parameters in groups.items()
        ]

    def evaluate(self, *_args: Any, **_kwargs: Any) -> dict[str, float]:
        """Score the validation set with the task's own decoder and metric."""
        metrics = {"eval_score": self.validate() if self.validate else float("nan")}
        self.log(dict(metrics))
        return metrics


def clock() -> float:
    """Seconds by the clock that `meter` uses: processor time on a CPU, else wall time."""
    return time.perf_counter() if torch.accelerator.is_available() else time.process_time()


class Watch(TrainerCallback):  # type: ignore[misc]
    """Report progress; ask for a checkpoint every ``save_every`` seconds and note in it how much work it took.

    ``started`` is when the work began, by `clock`.
    """

    def __init__(self, progress: Progress | None, save_every: float, started: float) -> None:
        self.progress, self.save_every, self.started = progress, save_every, started
        self.saved = time.perf_counter()
        self.earlier = 0.0

    def share_of_all_work(self) -> float:
        """Seconds of all sittings, as a multiple of this one's."""
        this = clock() - self.started
        return (this + self.earlier) / this

    def on_train_begin(self, _args: Any, state: Any, _control: Any, **_: Any) -> None:
        """Read how long training took before it was interrupted."""
        self.earlier = _earlier_seconds(state.log_history)

    def on_step_end(self, _args: Any, state: Any, control: Any, **_: Any) -> None:
        """Report progress; ask for a checkpoint when one is due."""
        if self.progress:
            self.progress(state.global_step, state.max_steps)
        if time.perf_counter() - self.saved >= self.save_every and state.global_step < state.max_steps:
            control.should_log = control.should_save = True  # the loss since the last log would be lost otherwise
            self._note(state)

    def on_epoch_end(self, _args: Any, state: Any, control: Any, **_: Any) -> None:
        """Note the work in the checkpoint that select_best makes."""
        if control.should_save:
            self._note(state)

    def _note(self, state: Any) -> None:
        self.saved = time.perf_counter()
        state.log_history.append({"step": state.global_step, "seconds": self.earlier + clock() - self.started})


def make(
    encoder: Trainable,
    features: Sequence[Feature],
    folder: Path,
    hyper: Hyperparameters,
    *,
    seed: int,
    loss: Loss | None,
    validate: Callable[[], float] | None,
    report_to: Sequence[str],
) -> Trainer:
    """Set up a Trainer that keeps its checkpoints in ``folder`` and prints nothing."""
    if hyper.select_best and validate is None:
        raise ConfigError("select_best needs a validation set; give one, or switch it off")
    arguments = _arguments(len(features), folder, hyper, seed, report_to)
    try:
        trainer = _Trainer(encoder, features, hyper, loss, validate, arguments)
    except (ImportError, RuntimeError, ValueError) as error:
        if not report_to:
            raise
        raise ConfigError(f"cannot report to {', '.join(report_to)}: {error}") from error
    trainer.remove_callback(PrinterCallback)
    return trainer


def _arguments(
    examples: int, folder: Path, hyper: Hyperparameters, seed: int, report_to: Sequence[str]
) -> TrainingArguments:
    steps = hyper.max_steps or math.ceil(math.ceil(examples / hyper.batch_size) * hyper.epochs)
    schedule = "constant_with_warmup" if hyper.schedule == "constant" and hyper.warmup_ratio else hyper.schedule
    per_epoch = "epoch" if hyper.select_best else "no"
    return TrainingArguments(
        output_dir=str(folder),
        per_device_train_batch_size=_per_device(hyper),
        gradient_accumulation_steps=hyper.gradient_accumulation,
        learning_rate=hyper.learning_rate,
        num_train_epochs=hyper.epochs,
        max_steps=hyper.max_steps or -1,
        lr_scheduler_type=schedule,
        warmup_steps=round(hyper.warmup_ratio * steps),
        weight_decay=hyper.weight_decay,
        max_grad_norm=0.0 if hyper.optimizer == "adafactor" else hyper.max_grad_norm,
        **({"optim": "adafactor"} if hyper.optimizer == "adafactor" else {}),
        seed=seed,
        logging_steps=max(1, steps // _LOGGED),
        logging_nan_inf_filter=False,
        save_strategy=per_epoch,
        eval_strategy=per_epoch,
        load_best_model_at_end=hyper.select_best,
        metric_for_best_model="score" if hyper.select_best else None,
        greater_is_better=True if hyper.select_best else None,
        save_total_limit=2,
        remove_unused_columns=False,
        dataloader_pin_memory=torch.accelerator.is_available(),
        disable_tqdm=True,
        log_level="error",
        report_to=list(report_to) or "none",
        use_cpu=not torch.accelerator.is_available(),  # without being told, it takes bf16 for a wish to use a GPU
        **_precision(hyper.precision),
    )


def _per_device(hyper: Hyperparameters) -> int:
    """Examples per device and forward pass, so that one optimiser step sees ``batch_size`` of them."""
    devices = max(1, torch.accelerator.device_count()) if torch.accelerator.is_available() else 1
    share, rest = divmod(hyper.batch_size, devices * hyper.gradient_accumulation)
    if rest or not share:
        raise ConfigError(
            f"batch_size {hyper.batch_size} cannot be divided over {devices} devices times gradient_accumulation "
            f"{hyper.gradient_accumulation}; change one of them"
        )
    return share


def _precision(wanted: str | None) -> dict[str, bool]:
    precision.check(wanted)
    used = precision.resolved(wanted)
    return {"bf16": used == "bf16", "fp16": used == "fp16"}


def freeze(model: Any, hyper: Hyperparameters) -> None:
    """Exclude embeddings and the lowest layers from training, as asked.

    Raises:
        ConfigError: the model has not that many layers, or they cannot be found.
    """
    if hyper.freeze_embeddings:
        embeddings = getattr(model.base_model, "embeddings", None) or model.get_input_embeddings()
        embeddings.requires_grad_(False)
    if not hyper.freeze_layers:
        return
    count = getattr(model.config, "num_hidden_layers", 0)
    lists = [m for m in model.base_model.modules() if isinstance(m, torch.nn.ModuleList) and len(m) == count]
    check_freezing(hyper.freeze_layers, count if lists else 0)
    for layer in lists[0][: hyper.freeze_layers]:
        layer.requires_grad_(False)


def mean_loss(log: Sequence[Mapping[str, float]]) -> float:
    """Mean training loss over all steps; each entry's loss is the mean since the entry before."""
    total, last = 0.0, 0.0
    for entry in log:
        if "loss" in entry:
            total += entry["loss"] * (entry["step"] - last)
            last = entry["step"]
    return total / last if last else float("nan")


def _earlier_seconds(log: Sequence[Mapping[str, float]]) -> float:
    return max((entry["seconds"] for entry in log if "seconds" in entry), default=0.0)
