"""What is known of the methods of one decision, what further tries would tell, and what running all of them would say.

Scores have two sources of error, test examples and training runs, and both shrink with what is tried: with seeds S and
examples n the covariance of two methods' scores is that of one example over the larger of their n (the smaller test set
is a part of the larger) plus that of one training run over the larger of their S. So the covariance after a further
try is known before it is made, and the scores that it will show are normal round those that are known now, with the
covariance that it takes away (preposterior analysis: Raiffa and Schlaifer 1961). Simulating them tells what the whole
matrix would choose, and how much of that doubt one further try takes away.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from crossfare.compare.measured import CONFIDENCE, SEED_SD, Floats, Measured, SeedNoise
from crossfare.compare.uncertainty import belief

_PRIOR = 4.0
"""Degrees of freedom of the stated luck of training: what the first few seeds show of it is corrected by so much."""

_FUTURES = 512  # simulated outcomes of the whole matrix
_DRAWS = 192  # true scores, given such an outcome; each has its opposite
_BINS = 16
_ONE_SIDED = float(stats.norm.ppf(CONFIDENCE))


@dataclass(frozen=True, slots=True)
class Reached:
    """How far a method was tried: with how many seeds, on how many test examples."""

    seeds: int
    examples: int


@dataclass(frozen=True)
class Outlook:
    """Scores of some methods as they are known now; all is in the order of ``keys``.

    ``examples`` and ``trainings`` are the covariances of the scores over test examples and over training runs, the
    latter known with so many degrees of ``freedom``.
    """

    keys: tuple[str, ...]
    means: Floats
    examples: Floats
    trainings: Floats
    reached: tuple[Reached, ...]
    freedom: float = np.inf

    @cached_property
    def covariance(self) -> Floats:
        """That of what is not known of the true scores."""
        return self.examples + self.trainings

    def after(self, tries: Mapping[str, Reached]) -> Outlook:
        """What will be known once these methods are tried as far; of their scores only how sure they will be."""
        reached = tuple(tries.get(key, now) for key, now in zip(self.keys, self.reached, strict=True))
        seeds = _shrinking([each.seeds for each in self.reached], [each.seeds for each in reached])
        sizes = _shrinking([each.examples for each in self.reached], [each.examples for each in reached])
        return replace(self, examples=self.examples * sizes, trainings=self.trainings * seeds, reached=reached)


def _shrinking(before: list[int], after: list[int]) -> Floats:
    """The factor of each covariance: nested samples share the smaller one, so the larger one divides."""
    then, now = np.array(before, dtype=np.float64), np.array(after, dtype=np.float64)
    return np.maximum.outer(then, then) / np.maximum.outer(now, now)


def outlook_of(
    methods: Mapping[str, Sequence[Measured]],
    reached: Mapping[str, Reached],
    noises: Mapping[tuple[frozenset[str], ...], SeedNoise] | None = None,
) -> Outlook:
    """The joint scores of methods from their cells, one per language; ``noises`` as for `belief`.

    A race decides after a seed or two, which tell next to nothing of how much seeds differ: two that happen to agree
    would end it. So what was measured of that is drawn towards the stated value.
    """
    known = belief(methods, noises)
    cells = [cell for row in methods.values() for cell in row]
    seeds = np.array([cell.seeds for cell in cells], dtype=np.float64)
    trained = np.array([cell.trained for cell in cells])
    one = np.maximum(0.0, known.lucky - known.rests) * seeds
    freedom = np.where(np.isinf(known.freedom), 0.0, known.freedom)
    drawn = np.where(trained, (freedom * one + _PRIOR * SEED_SD**2) / (freedom + _PRIOR), 0.0)
    sd = np.sqrt(drawn / seeds)
    trainings = known.mixing @ (known.luck * np.outer(sd, sd)) @ known.mixing.T
    sure = float((freedom[trained] + _PRIOR).mean()) if trained.any() else np.inf
    reach = tuple(reached[key] for key in known.keys)
    return Outlook(known.keys, known.centres, known.examples, trainings, reach, sure)


@dataclass(frozen=True, slots=True)
class Rule:
    """How a method is chosen, in the order of an outlook's keys.

    With ``worth`` (USD that the whole of the score, from 0 to 1, is worth over the horizon): the greatest expected net
    benefit. Without: the cheapest one that is shown to be within ``margin`` of the best. ``costs`` are USD over the
    horizon, ``baselines`` what a trivial system scores, NaN where that is not known.
    """

    costs: Floats
    baselines: Floats
    margin: float
    worth: float | None = None


@dataclass(frozen=True, slots=True)
class Choices:
    """What is chosen in each of several cases: an index, or -1 if nothing is above its baseline.

    Where nothing is ``shown`` to be within the margin, it is the one with the least expected regret.
    """

    index: NDArray[np.int64]
    shown: NDArray[np.bool_]


def choose(rule: Rule, means: Floats, covariance: Floats) -> Choices:
    """Apply a rule to each row of ``means``, all of them known with the same ``covariance``."""
    sd = np.sqrt(np.maximum(0.0, np.diag(covariance)))
    with np.errstate(invalid="ignore"):
        out = means - _ONE_SIDED * sd <= rule.baselines  # NaN: not known, so not out
    none = np.asarray(out.all(axis=1))
    if rule.worth is not None:
        benefit = np.where(out, -np.inf, means * rule.worth - rule.costs)
        return Choices(np.where(none, -1, benefit.argmax(axis=1)), ~none)
    true = means[:, None, :] + _draws(covariance, _DRAWS, 1)[None, :, :]
    short = np.where(out[:, None, :], -np.inf, true).max(axis=2, keepdims=True) - true
    within = ((short <= rule.margin).mean(axis=1) >= CONFIDENCE) & ~out
    shown = within.any(axis=1)
    cheapest = np.where(within, rule.costs, np.inf).argmin(axis=1)
    with np.errstate(invalid="ignore"):
        leading = np.where(out, np.inf, short.mean(axis=1)).argmin(axis=1)
    return Choices(np.where(none, -1, np.where(shown, cheapest, leading)), shown)


def _draws(covariance: Floats, number: int, seed: int) -> Floats:
    """Seeded draws round nothing, each with its opposite."""
    half = np.random.default_rng(seed).standard_normal((number // 2, len(covariance))) @ _root(covariance).T
    return np.concatenate([half, -half])


def _errors(examples: Floats, trainings: Floats, freedom: float, seed: int) -> Floats:
    """Draws of both sources; that of trainings has the tails of a variance that is hardly known (Student's t)."""
    lucky = _draws(trainings, _FUTURES, seed + 100)
    if np.isfinite(freedom):
        half = np.random.default_rng(seed + 200).chisquare(freedom, _FUTURES // 2)
        lucky = lucky * np.sqrt(freedom / np.concatenate([half, half]))[:, None]
    return _draws(examples, _FUTURES, seed) + lucky


def _root(covariance: Floats) -> Floats:
    values, vectors = np.linalg.eigh(covariance)
    return np.asarray(vectors * np.sqrt(np.maximum(0.0, values)))


class Prospect:
    """What the whole matrix would say of one decision, as far as that can be told now.

    ``goal``        how far each method would be tried then
    ``now``         what is chosen, or ahead, by what is known now, -1 if nothing is above its baseline; ``shown_now``
                    whether that is enough evidence
    ``chances``     of each method, to be chosen by the whole matrix; ``sure`` that of what is chosen now
    ``shown``       how probable it is that the whole matrix would be enough evidence
    ``best``        of each method, the probability of having the best true score
    ``regret``      by how much what is chosen now is expected to score less than the best, as a fraction
    ``regret_usd``  by how much its net benefit is expected to be less than the greatest, where the rule has a worth
    """

    def __init__(self, outlook: Outlook, rule: Rule, goal: Mapping[str, Reached]) -> None:
        self.outlook = outlook
        self.rule = rule
        self._then = outlook.after(goal)
        open_ = outlook.covariance - self._then.covariance
        self._moves = _errors(
            outlook.examples - self._then.examples, outlook.trainings - self._then.trainings, outlook.freedom, 0
        )
        self._unmoved = np.linalg.pinv(open_, rcond=1e-9, hermitian=True)
        choices = choose(rule, outlook.means + self._moves, self._then.covariance)
        self._chosen = choices.index
        self.shown = float(choices.shown.mean())
        self.chances = np.bincount(self._chosen + 1, minlength=len(outlook.keys) + 1)[1:] / _FUTURES
        true = outlook.means + _errors(outlook.examples, outlook.trainings, outlook.freedom, 2)
        self.best = np.bincount(true.argmax(axis=1), minlength=len(outlook.keys)) / len(true)
        self._true = true

        known = choose(rule, outlook.means[None, :], outlook.covariance)
        self.now, self.shown_now = int(known.index[0]), bool(known.shown[0])
        self.sure = float((self._chosen == self.now).mean())
        self.regret = self._lost(self._true)
        benefit = None if rule.worth is None else self._true * rule.worth - rule.costs
        self.regret_usd = None if benefit is None else self._lost(benefit)

    def _lost(self, gained: Floats) -> float:
        """What is expected to be lost with what is chosen now."""
        return float((gained.max(axis=1) - gained[:, self.now]).mean()) if self.now >= 0 else 0.0

    def shows(self, tries: Mapping[str, Reached]) -> float:
        """How probable it would be that what is chosen now is within the margin, if scores stayed as they are."""
        errors = _draws(self.outlook.after(tries).covariance, _FUTURES, 4)
        true = self.outlook.means + errors
        return float((true.max(axis=1) - true[:, self.now] <= self.rule.margin).mean())

    def gain(self, tries: Mapping[str, Reached]) -> float:
        """How much less doubtful a further try makes the whole matrix's choice.

        Doubt is the probability that two matrices, simulated from what is known, choose differently. What the try
        will show is followed along the direction in which it moves the scores most.
        """
        taken = self.outlook.covariance - self.outlook.after(tries).covariance
        values, vectors = np.linalg.eigh(taken)
        if values[-1] <= 1e-12:
            return 0.0
        toward = vectors[:, -1] @ taken @ self._unmoved
        spread = max(0.0, float(values[-1] - toward @ taken @ vectors[:, -1]))
        noise = np.random.default_rng(3).standard_normal(len(self._moves))
        seen = self._moves @ toward + np.sqrt(spread) * noise
        parts = np.array_split(self._chosen[np.argsort(seen, kind="stable")], _BINS)
        return float(np.mean([_agreement(part) for part in parts])) - _agreement(self._chosen)


def _agreement(chosen: NDArray[np.int64]) -> float:
    """How probable it is that two of these are the same."""
    counts = np.bincount(chosen + 1)
    return float((counts * (counts - 1)).sum() / (len(chosen) * (len(chosen) - 1)))
