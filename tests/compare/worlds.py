"""Made-up worlds with known true scores: methods tested on examples hard or easy, trained with luck or without."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import special

from crossfare.compare.measured import Floats, Measured

HARDNESS, TASTE = 1.0, 0.7
"""How hard an example is for every method, and for one: standard deviations, 1 being that from seed to seed."""


def world(
    random: np.random.Generator, levels: Sequence[float], *, examples: int, seeds: int, sd: float
) -> dict[str, Measured]:
    """Right or wrong answers of methods whose true scores are ``levels``; ``sd`` is that of the luck of training."""
    methods = len(levels)
    luck = np.asarray(levels)[:, None, None] + sd * random.standard_normal((methods, seeds, 1))
    scale = np.sqrt(HARDNESS**2 + TASTE**2 + 1)
    latent = special.ndtri(np.clip(luck, 1e-4, 1 - 1e-4)) * scale
    latent = (
        latent + HARDNESS * random.standard_normal(examples) + TASTE * random.standard_normal((methods, 1, examples))
    )
    right = (latent + random.standard_normal((methods, seeds, examples)) > 0).astype(np.float64)
    return {f"m{at}": measured(right[at], f"m{at}") for at in range(methods)}


def measured(scores: Floats, name: str, *, tested: str = "test", trained: bool = True) -> Measured:
    """A row per seed, a column per example; each seed a training of its own."""
    trainings = tuple(frozenset({f"{name}-{seed}"} if trained else ()) for seed in range(len(scores)))
    return Measured(scores, tuple(map(str, range(scores.shape[1]))), tested, trainings)
