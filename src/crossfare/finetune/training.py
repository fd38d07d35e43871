"""Run one fine-tuning from prepared features to a saved model."""

from __future__ import annotations

import gc
import hashlib
import json
import math
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol, TypeVar

import numpy as np

from crossfare.errors import ConfigError, DataError
from crossfare.finetune.hyperparameters import Hyperparameters
from crossfare.meter import meter
from crossfare.types import Progress, Usage, canonical_json

Feature = Mapping[str, Any]

Loss = Callable[[Any, Any], Any]
"""From a model's outputs and the labels of a batch to its mean loss."""


class Trainable(Protocol):
    """A model with its tokenizer; ``collate`` makes a batch of tensors from features."""

    @property
    def model(self) -> Any:
        """A transformers model with a head for the task."""

    @property
    def tokenizer(self) -> Any:
        """Saved beside it."""

    def collate(self, features: Sequence[Any], /) -> dict[str, Any]:
        """Pad and stack."""


E = TypeVar("E", bound=Trainable)


@dataclass(frozen=True, slots=True)
class FineTuned:
    """A saved model (safetensors and tokenizer in ``path``) and what making it took.

    ``train_loss`` is the mean over all steps, None of a checkpoint that was taken as it is;
    ``log`` the entries of the Trainer's history (step, loss,
    learning_rate, and eval_score where a validation set was used). ``notes`` say which examples taught nothing,
    ``model_notes`` what of the model it started from was not used.
    """

    path: Path
    usage: Usage
    train_loss: float | None
    steps: int
    log: tuple[dict[str, float], ...]
    notes: tuple[str, ...] = ()
    model_notes: tuple[str, ...] = ()


def finetune(
    load: Callable[[], E],
    featurise: Callable[[E], Sequence[Feature]],
    *,
    out: str | Path,
    hyper: Hyperparameters,
    seed: int = 0,
    loss: Callable[[E], Loss | None] | None = None,
    validate: Callable[[E], float] | None = None,
    progress: Progress | None = None,
    report_to: Sequence[str] = (),
) -> FineTuned:
    """Fine-tune what ``load`` returns on the features ``featurise`` makes, and save it in the folder ``out``.

    ``load`` is called with the random state set, so that a new head depends on ``seed`` alone; on a CPU the whole
    result does. A feature maps names to arrays (the tokens are ``input_ids``) and targets. ``loss`` makes the loss for
    what was loaded; without it the model computes its own. ``validate`` scores the model on a validation set, higher
    is better; it is called after each epoch if ``hyper.select_best``.

    Long trainings leave a resumable checkpoint in a hidden folder beside ``out`` every ``hyper.save_every``
    seconds; called again with the same arguments after a kill, training goes on from there, and the seconds spent
    before are counted. Usage counts from tokenisation on, without loading libraries and weights.
    ``report_to`` names reporting integrations of the Trainer ("tensorboard", "mlflow", "wandb"). ``progress``
    counts optimiser steps.

    Raises:
        DataError: there is nothing to train on.
        ConfigError: hyperparameters that do not fit the model or the devices, or memory too small for them.
    """
    import torch
    from transformers import set_seed

    from crossfare.finetune import trainer as trainers

    out = Path(out)
    set_seed(seed)
    encoder = load()
    trainers.freeze(encoder.model, hyper)
    with meter() as measured:
        started = trainers.clock()
        features = featurise(encoder)
        if not features:
            raise DataError("the training set is empty; give at least one example to fine-tune on")
        scratch = _scratch(out, features, {"hyper": hyper.identity(), "seed": seed, "model": str(encoder.model.config)})
        score = (lambda: validate(encoder)) if validate else None
        own = loss(encoder) if loss else None
        trainer = trainers.make(
            encoder, features, scratch, hyper, seed=seed, loss=own, validate=score, report_to=report_to
        )
        watch = trainers.Watch(progress, hyper.save_every, started)
        trainer.add_callback(watch)
        try:
            with _few_objects_to_collect():
                trainer.train(resume_from_checkpoint=_last_checkpoint(scratch))
        except torch.OutOfMemoryError as error:
            raise ConfigError(
                f"out of GPU memory in fine-tuning: raise gradient_accumulation (now {hyper.gradient_accumulation}), "
                f"or lower batch_size ({hyper.batch_size}) or max_length ({hyper.max_length})"
            ) from error
        loss_of_all = trainers.mean_loss(trainer.state.log_history)
        if not math.isfinite(loss_of_all):
            raise ConfigError("fine-tuning diverged, its loss is no number: lower learning_rate or weight_decay")
        out.mkdir(parents=True, exist_ok=True)
        encoder.model.save_pretrained(out)
        encoder.tokenizer.save_pretrained(out)
        shutil.rmtree(scratch)
        share = watch.share_of_all_work()
    usage = replace(
        measured.usage,
        seconds=(measured.usage.seconds or 0.0) * share,
        input_tokens=round(sum(len(feature["input_ids"]) for feature in features) * trainer.state.epoch),
    )
    history = trainer.state.log_history
    log = tuple(entry for entry in history if entry.keys() & {"loss", "eval_score"})
    return FineTuned(out, usage, loss_of_all, trainer.state.global_step, log)


def taken(encoder: Trainable, out: str | Path) -> FineTuned:
    """Save a checkpoint as it is, in the place of one that was fine-tuned."""
    out = Path(out)
    with meter() as measured:
        out.mkdir(parents=True, exist_ok=True)
        encoder.model.save_pretrained(out)
        encoder.tokenizer.save_pretrained(out)
    return FineTuned(out, measured.usage, None, 0, ())


@contextmanager
def _few_objects_to_collect() -> Iterator[None]:
    """Garbage collection leaves alone what exists by now, mostly libraries: the Trainer calls for one, which takes as
    long as a dozen steps of a small model. Not where an accelerator is, whose memory garbage may hold."""
    import torch

    if torch.accelerator.is_available():
        yield
        return
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def _scratch(out: Path, features: Sequence[Feature], settings: Mapping[str, Any]) -> Path:
    """Folder for checkpoints; what another training left there is removed."""
    folder = out.parent / f".{out.name}.training"
    hasher = hashlib.sha256(canonical_json(settings).encode())
    for name in features[0]:
        for feature in features:
            hasher.update(np.atleast_1d(feature[name]).tobytes())
    marker, run = folder / "run.txt", hasher.hexdigest()
    if not marker.exists() or marker.read_text() != run:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        marker.write_text(run)
    return folder


def _last_checkpoint(folder: Path) -> str | None:
    """The newest complete checkpoint: the Trainer writes its state file last."""
    complete = []
    for path in folder.glob("checkpoint-*/trainer_state.json"):
        try:
            state = json.loads(path.read_text())  # noqa: TID251 - the Trainer's own file; a loss may be NaN
            complete.append((state["global_step"], str(path.parent)))
        except ValueError:
            continue  # killed while writing it
    return max(complete)[1] if complete else None
