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
from scipy import special

from crossfare.compare.measured import CONFIDENCE, SEED_SD, Floats, Measured, SeedNoise
from crossfare.compare.uncertainty import belief

_PRIOR = 4.0
"""Degrees of freedom of the stated luck of training: what the first few seeds show of it is corrected by so much."""

_FUTURES = 512  # simulated outcomes of the whole matrix
_DRAWS = 192  # true scores, given such an outcome; each has its opposite
_BINS = 16
_ONE_SIDED = float(special.ndtri(CONFIDENCE))


@dataclass(frozen=True, slots=True)
class Reached:
    """How far a method was tried: with how many seeds, on how many test examples."""

    seeds: int
    examples: int


@dataclass(frozen=True)
class Outlook:
    """Scores of some methods as they are known now; all is in the order of ``keys``.

    ``examples`` and ``trainings`` are the covariances of the scores over test examples and over training runs, the
    latter known with so many degrees of ``freedom``. ``draws`` are those of the true scores that `recommend` goes by:
    what is said now must be what it says.
    """

    keys: tuple[str, ...]
    means: Floats
    examples: Floats
    trainings: Floats
    reached: tuple[Reached, ...]
    freedom: float = np.inf
    draws: Floats | None = None

    @cached_property
    def covariance(self) -> Floats:
        """That of what is not known of the true scores."""
        return self.examples + self.trainings

    def only(self, at: Sequence[int]) -> Outlook:
        """The same of some of the methods, by where they stand."""
        square = np.ix_(at, at)
        return replace(
            self,
            keys=tuple(self.keys[each] for each in at),
            means=self.means[at],
            examples=self.examples[square],
            trainings=self.trainings[square],
            reached=tuple(self.reached[each] for each in at),
            draws=None if self.draws is None else self.draws[:, at],
        )

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
    return Outlook(known.keys, known.centres, known.examples, trainings, reach, sure, known.draws)


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

    def only(self, at: Sequence[int]) -> Rule:
        """The same of some of the methods, by where they stand."""
        return replace(self, costs=self.costs[at], baselines=self.baselines[at])


@dataclass(frozen=True, slots=True)
class Choices:
    """What is chosen in each of several cases: an index, or -1 if nothing is above its baseline.

    Where nothing is ``shown`` to be within the margin, it is the one with the least expected regret. ``behind`` says by
    how many USD each method is a worse choice, infinite where it is not as good: not within the margin, as far as the
    one that is chosen is shown to be.
    """

    index: NDArray[np.int64]
    shown: NDArray[np.bool_]
    behind: Floats


def choose(rule: Rule, means: Floats, covariance: Floats) -> Choices:
    """Apply a rule to each row of ``means``, all of them known with the same ``covariance``."""
    sd = np.sqrt(np.maximum(0.0, np.diag(covariance)))
    with np.errstate(invalid="ignore"):
        out = means - _ONE_SIDED * sd <= rule.baselines  # NaN: not known, so not out
    if rule.worth is not None:
        return _by_worth(rule, means, out)
    return _by_margin(rule, means, means[:, None, :] + _draws(covariance, _DRAWS, 1)[None, :, :], out)


def choose_now(rule: Rule, outlook: Outlook) -> Choices:
    """Apply a rule to what is known now, as `recommend` does."""
    if outlook.draws is None:
        return choose(rule, outlook.means[None, :], outlook.covariance)
    with np.errstate(invalid="ignore"):
        beaten = (outlook.draws > rule.baselines).mean(axis=0) >= CONFIDENCE
    out, means = (~beaten & ~np.isnan(rule.baselines))[None, :], outlook.draws.mean(axis=0)[None, :]
    if rule.worth is not None:
        return _by_worth(rule, means, out)
    return _by_margin(rule, means, outlook.draws[None, :, :], out)


def _by_worth(rule: Rule, means: Floats, out: NDArray[np.bool_]) -> Choices:
    none = np.asarray(out.all(axis=1))
    benefit = np.where(out, -np.inf, means * (rule.worth or 0.0) - rule.costs)
    greatest = benefit.argmax(axis=1)
    most = np.where(none, 0.0, benefit[np.arange(len(means)), greatest])
    return Choices(np.where(none, -1, greatest), ~none, np.where(out, np.inf, most[:, None] - benefit))


def _by_margin(rule: Rule, means: Floats, true: Floats, out: NDArray[np.bool_]) -> Choices:
    """By draws of the ``true`` scores: cases x draws x methods."""
    none, rows = np.asarray(out.all(axis=1)), np.arange(len(means))
    short = np.where(out[:, None, :], -np.inf, true).max(axis=2, keepdims=True) - true
    within = ((short <= rule.margin + 1e-9).mean(axis=1) >= CONFIDENCE) & ~out
    shown = within.any(axis=1)
    cheapest = np.where(within, rule.costs, np.inf).argmin(axis=1)
    with np.errstate(invalid="ignore"):
        leading = np.where(out, np.inf, short.mean(axis=1)).argmin(axis=1)
    chosen = np.where(shown, cheapest, leading)
    near = (means[rows, chosen][:, None] - means <= rule.margin) & ~out
    fine = np.where(shown[:, None], within, near)
    behind = np.where(fine, rule.costs - rule.costs[chosen][:, None], np.inf)
    return Choices(np.where(none, -1, chosen), shown, behind)


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

    ``goal``        how far each method would be tried then; ``rest`` is what that would still cost, in USD. Methods
                    that are not among these are dropped: they are but what the others must be shown to be as good as
    ``now``         what is chosen, or ahead, by what is known now, -1 if nothing is above its baseline; ``shown_now``
                    whether that is enough evidence
    ``chances``     of each method, to be chosen by the whole matrix
    ``sure``        how probable it is that the whole matrix would choose the same, or what is chosen now is as good by
                    it and costs no more, or no so much more that running the matrix would pay
    ``shown``       how probable it is that the whole matrix would be enough evidence
    ``best``        of each method, the probability of having the best true score
    ``regret``      by how much what is chosen now is expected to score less than the best, as a fraction
    ``regret_usd``  by how much its net benefit is expected to be less than the greatest, where the rule has a worth
    """

    def __init__(self, whole: Outlook, whole_rule: Rule, goal: Mapping[str, Reached], rest: float = 0.0) -> None:
        at = [index for index, key in enumerate(whole.keys) if key in goal]
        outlook, rule = whole.only(at), whole_rule.only(at)
        self.outlook = outlook
        self.rule = rule
        self._then = outlook.after(goal)
        open_ = outlook.covariance - self._then.covariance
        self._moves = _errors(
            outlook.examples - self._then.examples, outlook.trainings - self._then.trainings, outlook.freedom, 0
        )
        self._unmoved = np.linalg.pinv(open_, rcond=1e-9, hermitian=True)
        known = choose_now(whole_rule, whole)
        self.now, self.shown_now = int(choose_now(rule, outlook).index[0]), bool(known.shown[0])
        choices = choose(rule, outlook.means + self._moves, self._then.covariance)
        self.shown = float(choices.shown.mean())
        self.chances = np.bincount(choices.index + 1, minlength=len(outlook.keys) + 1)[1:] / _FUTURES
        as_good = (choices.index >= 0) & (choices.behind[:, self.now] <= rest) & (self.now >= 0)
        self._chosen = np.where(as_good, self.now, choices.index)
        self.sure = float((self._chosen == self.now).mean())
        self._true = outlook.means + _errors(outlook.examples, outlook.trainings, outlook.freedom, 2)
        self.best = np.bincount(self._true.argmax(axis=1), minlength=len(outlook.keys)) / len(self._true)
        self.regret = self._lost(self._true)
        benefit = None if rule.worth is None else self._true * rule.worth - rule.costs
        self.regret_usd = None if benefit is None else self._lost(benefit)

    def _lost(self, gained: Floats) -> float:
        """What is expected to be lost with what is chosen now."""
        return float((gained.max(axis=1) - gained[:, self.now]).mean()) if self.now >= 0 else 0.0

    def gain(self, tries: Mapping[str, Reached]) -> float:
        """How much less doubtful a further try makes the whole matrix's choice.

        Doubt is the probability that two matrices, simulated from what is known, choose differently, where that makes a
        difference. What the try will show is followed along the direction in which it moves the scores most.
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
