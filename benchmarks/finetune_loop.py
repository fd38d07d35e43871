"""What the fine-tuning loop costs beside a plain one written by hand.

    python benchmarks/finetune_loop.py [--steps N]

The task is the demo's: `embedded:multilingual-encoder` on World-NLI in English. The peer is the loop of a textbook
(forward, backward, clip, AdamW, schedule) in plain torch, once on the very batches that crossfare makes, once on
batches drawn at random and padded to their longest. Seconds are processor time of one thread, without loading.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from transformers import get_linear_schedule_with_warmup, set_seed

import ratios
from crossfare import pretrained
from crossfare.data import world
from crossfare.finetune import Hyperparameters
from crossfare.finetune.trainer import LengthGroups
from crossfare.model import labels
from crossfare.model.encoder import Feature
from crossfare.tasks import TASKS

_MODEL, _ROUNDS = "embedded:multilingual-encoder", 3


def main() -> None:
    """Measure all, in turns, and print ratios of the fastest rounds."""
    parser = ratios.parser(__doc__)
    parser.add_argument("--steps", type=int, default=150, help="optimiser steps (default: %(default)s)")
    asked = parser.parse_args()
    steps = asked.steps
    torch.set_num_threads(1)
    hyper = Hyperparameters(
        learning_rate=7e-4, batch_size=16, max_length=64, schedule="linear", warmup_ratio=0.1, weight_decay=0.01,
        freeze_embeddings=True, max_steps=steps,
    )  # fmt: skip
    measured: dict[str, list[float]] = {}
    for _ in range(_ROUNDS):
        measured.setdefault("crossfare", []).append(_own(hyper))
        measured.setdefault("plain loop, the same batches", []).append(_plain(hyper, grouped=True))
        measured.setdefault("plain loop, random batches", []).append(_plain(hyper, grouped=False))
    best = {name: min(seconds) for name, seconds in measured.items()}
    print("| loop | ms a step | ratio |\n|---|---|---|")
    for name, seconds in best.items():
        print(f"| {name} | {1000 * seconds / steps:.1f} | {seconds / best['plain loop, the same batches']:.2f} |")
    peer = "plain loop, the same batches"
    times = best[peer] / best["crossfare"]
    ratios.keep(asked.ratios, [ratios.Ratio("fine-tuning", peer, times, 0.85, "the same batches")])


def _own(hyper: Hyperparameters) -> float:
    with TemporaryDirectory() as folder:
        tuned = TASKS["nli"].finetune(_MODEL, [world.nli("en", "train")], out=Path(folder) / "model", hyper=hyper)
    return tuned.usage.seconds or 0.0


def _plain(hyper: Hyperparameters, *, grouped: bool) -> float:
    set_seed(0)
    pairs = world.nli("en", "train").examples
    encoder = labels.load(str(pretrained.resolve(_MODEL).path), labels=("entailment", "neutral", "contradiction"))
    model = encoder.model.train()
    model.base_model.embeddings.requires_grad_(False)
    weights = [weight for weight in model.parameters() if weight.requires_grad]
    start = time.process_time()
    features = labels.training_features(encoder, pairs, max_length=hyper.max_length)
    optimizer = torch.optim.AdamW(weights, hyper.learning_rate, weight_decay=hyper.weight_decay, fused=True)
    schedule = get_linear_schedule_with_warmup(optimizer, round(0.1 * (hyper.max_steps or 0)), hyper.max_steps or 0)
    for batch in _batches(features, hyper, grouped=grouped):
        model(**encoder.collate([features[i] for i in batch])).loss.backward()
        torch.nn.utils.clip_grad_norm_(weights, hyper.max_grad_norm)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
    return time.process_time() - start


def _batches(features: Sequence[Feature], hyper: Hyperparameters, *, grouped: bool) -> Iterable[Sequence[int]]:
    lengths, size, left = [len(feature["input_ids"]) for feature in features], hyper.batch_size, hyper.max_steps or 0
    groups = LengthGroups(lengths, size, seed=0)
    epoch = 0
    while left:
        groups.set_epoch(epoch)
        order = list(groups) if grouped else torch.randperm(len(features)).tolist()
        for at in range(0, min(len(order), left * size), size):
            yield order[at : at + size]
            left -= 1
        epoch += 1


if __name__ == "__main__":
    main()
