"""How sure a score is: one model of chance for intervals, tests, ties, recommendations and learning curves.

A score of a method is the mean over test examples i and training runs s of

    y[s, i] = mu + a[s] + e[i] + r[s, i]

with the true score mu, the luck a of a training run, that e of an example, and a rest r: two crossed sources of
chance (Bouthillier et al. 2021; Reimers and Gurevych 2017 and Dodge et al. 2020 on seeds). Methods are compared on the
same examples, so e and r come with their covariance over methods; the luck of a training is common to methods that
share the trained model. With S runs and n examples the variance of a mean is

    var over i of the mean over s / n   +   max(0, var over s of the mean over i - var of r / n) / S

The second term needs more runs than a comparison has, so it is pooled: over all cells of a task, languages too, each
cell's own value drawn towards the common one as far as the cells look alike (Smyth 2004, as in limma). Its degrees of
freedom make intervals wide where seeds are few (Satterthwaite 1946). Near 0 and 1 intervals are Wilson's (1927), in the
form of Brown, Cai and DasGupta (2001): as if a few further examples had come out half right.

Which of many methods is best is decided by draws from the joint distribution of the true scores: they know of the
picking (Hsu 1996), of pairing and of seeds. All is seeded: the same scores give the same draws.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from scipy import special

from crossfare.compare.measured import (
    CONFIDENCE,
    NORMAL,
    Floats,
    Measured,
    SeedNoise,
    rest_of,
    seed_noises,
    shared_luck,
    variance_of,
)

DRAWS = 2000

_EXTRA = NORMAL**2  # examples that Wilson's interval adds
_MANY = 1e9  # degrees of freedom, as good as infinitely many
_ALIKE = 0.5  # correlation of these between two methods: a pair has nearly what Agresti and Min (2005) add


@dataclass(frozen=True, slots=True)
class Interval:
    """A score with its 95 % interval over test examples and, where their luck was measured, training runs."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Difference:
    """One method's score minus another's with its 95 % interval; ``p`` is None if the luck was not measured."""

    value: float
    low: float
    high: float
    p: float | None


# -- the joint distribution of the true scores ---------------------------------------------------


@dataclass(frozen=True, eq=False)
class Belief:
    """What the true scores of some methods are, jointly; ``keys`` names them, all else is in their order.

    ``means``     the scores as measured, shape (K,)
    ``centres``   where their distribution lies: nearly the same, drawn a little to one half
    ``examples``  covariance over test examples, (K, K)
    ``mixing``    (K, C): each method is a mean over C cells, its languages
    ``luck``      correlation of the cells' luck in training, (C, C)
    ``lucky``     each cell's luck as it stands behind its score: variance over its number of seeds, (C,)
    ``rests``     the part of ``lucky`` that only looks like luck, (C,)
    ``freedom``   degrees of freedom that ``lucky`` is known with, (C,)
    ``measured``  whether the luck was measured (or there is none) instead of stated, by method
    """

    keys: tuple[str, ...]
    means: Floats
    centres: Floats
    examples: Floats
    mixing: Floats
    luck: Floats
    lucky: Floats
    rests: Floats
    freedom: Floats
    measured: tuple[bool, ...]

    @property
    def best(self) -> str:
        """The method with the highest score measured."""
        return self.keys[int(np.argmax(self.means))]

    @cached_property
    def trainings(self) -> Floats:
        """Covariance over training runs, (K, K)."""
        sd = np.sqrt(np.maximum(0.0, self.lucky - self.rests))
        return np.asarray(self.mixing @ (self.luck * np.outer(sd, sd)) @ self.mixing.T)

    def _spread(self, weights: Floats) -> tuple[float, float]:
        """Standard deviation of a weighted sum of the true scores, and its degrees of freedom.

        That of test examples alone where the luck of training was not measured.
        """
        examples = float(weights @ self.examples @ weights)
        if not self.known(*(key for key, weight in zip(self.keys, weights, strict=True) if weight)):
            return float(np.sqrt(examples)), np.inf
        trainings = float(weights @ self.trainings @ weights)
        variance, cells = examples + trainings, np.abs(weights @ self.mixing) > 0
        unsure = [float(each) for each in self.freedom[cells] if np.isfinite(each)]
        gross = trainings + float((weights @ self.mixing) ** 2 @ np.minimum(self.rests, self.lucky))
        freedom = variance**2 / (gross**2 / min(unsure)) if unsure and gross else np.inf
        return float(np.sqrt(variance)), freedom

    def interval(self, key: str) -> Interval:
        """A method's score with its interval."""
        at = self.keys.index(key)
        low, high = self._interval(np.eye(len(self.keys))[at])
        return Interval(float(self.means[at]), max(0.0, low), min(1.0, high))

    def difference(self, a: str, b: str) -> Difference:
        """What a scores more than b, with its interval."""
        weights = self._apart(a, b)
        low, high = self._interval(weights)
        return Difference(float(weights @ self.means), low, high, self._p(weights) if self.known(a, b) else None)

    def _apart(self, a: str, b: str) -> Floats:
        weights = np.zeros(len(self.keys))
        weights[self.keys.index(a)] += 1
        weights[self.keys.index(b)] -= 1
        return weights

    def known(self, *keys: str) -> bool:
        """Whether the luck of their trainings was measured, or there is none."""
        return all(self.measured[self.keys.index(key)] for key in keys)

    def _interval(self, weights: Floats) -> tuple[float, float]:
        sd, freedom = self._spread(weights)
        half = sd * (float(special.stdtrit(freedom, (1 + CONFIDENCE) / 2)) if np.isfinite(freedom) else NORMAL)
        centre = float(weights @ self.centres)
        return centre - half, centre + half

    def _p(self, weights: Floats) -> float:
        sd, freedom = self._spread(weights)
        return float(2 * special.stdtr(min(freedom, _MANY), -abs(weights @ self.centres) / sd)) if sd else 1.0

    @cached_property
    def draws(self) -> Floats:
        """Joint draws of the true scores, shape (DRAWS, K), to a hundredth of a point.

        Where seeds are so few that anything may be, none lies further off than three times the scale of scores: in
        hundredths of a point each is a 16-bit number, as the report's page has them.
        """
        return np.clip(np.round(self.centres + self._errors, 4), -3.0, 3.0)

    @cached_property
    def _errors(self) -> Floats:
        """How far the true scores may be from where their distribution lies: (DRAWS, K); each draw has its opposite."""
        random, half = np.random.default_rng(0), DRAWS // 2
        by_example = random.standard_normal((half, len(self.keys))) @ _root(self.examples).T
        level = random.random(half)
        finite = np.minimum(self.freedom, _MANY)
        scale = finite / special.chdtri(finite, level[:, None])
        sd = np.sqrt(np.maximum(0.0, self.lucky * scale - self.rests))
        by_training = (random.standard_normal((half, len(self.luck))) @ _root(self.luck).T * sd) @ self.mixing.T
        return np.concatenate([by_example + by_training, -by_example - by_training])

    @cached_property
    def worse(self) -> dict[str, float | None]:
        """For each method the p-value of its being as good as the one with the best score, corrected for the picking.

        That is how often, if all were equal, the two of them that lie farthest apart would lie as far: whichever pair
        is looked at, one error in twenty is for all of them together (Westfall and Young 1993, single-step maxT).
        None for the best itself, and where seeds were not measured.
        """
        best = self.keys.index(self.best)
        spread = self.examples + self.trainings
        se = np.sqrt(np.maximum(1e-24, np.diag(spread)[:, None] + np.diag(spread) - 2 * spread))
        errors = self._errors
        largest = np.zeros(len(errors))
        for index in range(1, len(self.keys)):
            apart = np.abs(errors[:, :index] - errors[:, [index]]) / se[index, :index]
            largest = np.maximum(largest, apart.max(axis=1))
        found: dict[str, float | None] = {}
        for index, key in enumerate(self.keys):
            if index == best or not self.known(key, self.best):
                found[key] = None
                continue
            seen = abs(self.centres[best] - self.centres[index]) / se[index, best]
            adjusted = (1 + int((largest >= seen).sum())) / (1 + len(largest))
            found[key] = max(adjusted, self._p(self._apart(self.best, key)))
        return found

    def only(self, keys: Sequence[str]) -> Belief:
        """The same of some of the methods; kept, as prices and volumes that are tried ask for it again and again."""
        if tuple(keys) not in self._parts:
            at = [self.keys.index(key) for key in keys]
            self._parts[tuple(keys)] = replace(
                self,
                keys=tuple(keys),
                means=self.means[at],
                centres=self.centres[at],
                examples=self.examples[np.ix_(at, at)],
                mixing=self.mixing[at],
                measured=tuple(self.measured[each] for each in at),
            )
        return self._parts[tuple(keys)]

    @cached_property
    def _parts(self) -> dict[tuple[str, ...], Belief]:
        return {self.keys: self}

    def predicted(self, *, seeds: float = 1.0, examples: float = 1.0) -> Belief:
        """What would be believed with so many times the seeds and test examples, if the scores stayed as they are."""
        return replace(
            self,
            examples=self.examples / examples,
            lucky=self.lucky / seeds,
            rests=self.rests / seeds,
            freedom=self.freedom * seeds,
        )


def apart(scores: Mapping[str, tuple[float, float, float]]) -> Belief:
    """From scores with 95 % intervals (value, low, high) alone: nothing is paired, and seeds are in the intervals."""
    values = np.array([value for value, _, _ in scores.values()], dtype=np.float64)
    count, none = len(scores), np.zeros(len(scores))
    variances = [variance_of(low, high) for _, low, high in scores.values()]
    return Belief(
        tuple(scores),
        values,
        values,
        np.diag(variances),
        np.eye(count),
        np.eye(count),
        none,
        none,
        np.full(count, np.inf),
        (True,) * count,
    )


def _root(covariance: Floats) -> Floats:
    """Its Cholesky factor, a little added to the diagonal where methods are all but the same."""
    size = float(np.diag(covariance).max(initial=0.0)) or 1.0
    return np.asarray(np.linalg.cholesky(covariance + 1e-9 * size * np.eye(len(covariance))))


def belief(
    methods: Mapping[str, Sequence[Measured]], noises: Mapping[tuple[frozenset[str], ...], SeedNoise] | None = None
) -> Belief:
    """What is known of some methods from their cells: one per language, in one order for all.

    ``noises`` are those of a wider set of cells, such as a whole run's; these cells' own if none are given.
    """
    cells = [cell for row in methods.values() for cell in row]
    noises = seed_noises(cells) if noises is None else noises
    mixing = np.zeros((len(methods), len(cells)))
    done = 0
    for index, row in enumerate(methods.values()):
        mixing[index, done : done + len(row)] = 1 / len(row)
        done += len(row)
    none = SeedNoise(0.0, np.inf)
    own = [noises[cell.trainings] if cell.trained else none for cell in cells]
    rests = np.array([rest_of(cell) if cell.trained else 0.0 for cell in cells])
    seeds = np.array([cell.seeds for cell in cells])
    means = np.array([cell.mean for cell in cells])
    added = np.array([_EXTRA * _effect(cell) for cell in cells])
    n = np.array([len(cell.ids) for cell in cells])
    centres = (n * means + added / 2) / (n + added)
    return Belief(
        keys=tuple(methods),
        means=mixing @ means,
        centres=mixing @ centres,
        examples=mixing @ _over_examples(list(methods.values())) @ mixing.T,
        mixing=mixing,
        luck=_luck(cells),
        lucky=np.array([max(0.0, noise.variance + rest) for noise, rest in zip(own, rests, strict=True)]) / seeds,
        rests=rests / seeds,
        freedom=np.array([noise.freedom for noise in own]),
        measured=tuple(
            not any(noises[cell.trainings].stated for cell in row if cell.trained) for row in methods.values()
        ),
    )


def _luck(cells: Sequence[Measured]) -> Floats:
    shared = shared_luck(cells)
    same = [[shared * (one.trained and one.trainings == other.trainings) for other in cells] for one in cells]
    found = np.array(same, dtype=np.float64)
    np.fill_diagonal(found, 1.0)
    return found


def _over_examples(methods: Sequence[Sequence[Measured]]) -> Floats:
    """The covariance over test examples of all cells' scores, their means over seeds."""
    cells = [cell for row in methods for cell in row]
    apart = _deviations(methods)
    effects = np.array([_effect(cell) for cell in cells])
    groups = [group for group, _ in _names(methods)]
    added = np.array([[_ALIKE * (one == other) for other in groups] for one in groups])
    np.fill_diagonal(added, 1.0)
    n = np.array([len(cell.ids) for cell in cells]) + _EXTRA * effects
    found = (apart @ apart.T + _EXTRA / 4 * added * np.outer(effects, effects)) / np.outer(n, n)
    for index, cell in enumerate(cells):
        if cell.variance is not None:
            found[index, index] = cell.variance
    return np.asarray(found)


def _deviations(methods: Sequence[Sequence[Measured]]) -> Floats:
    """How far each example's value lies from its cell's mean: a row per cell, a column per example."""
    names = [[(group, name) for name in own] for group, own in _names(methods)]
    cells = [cell for row in methods for cell in row]
    places = {name: at for at, name in enumerate(dict.fromkeys(name for own in names for name in own))}
    apart = np.zeros((len(cells), len(places)))
    for index, (cell, own) in enumerate(zip(cells, names, strict=True)):
        if cell.variance is None:
            apart[index, [places[name] for name in own]] = cell.scores.mean(axis=0) - cell.mean
    return apart


def _names(methods: Sequence[Sequence[Measured]]) -> list[tuple[Hashable, tuple[str, ...]]]:
    """What each cell's ids are ids of: its test set, or with parallel test sets in several languages all of them."""
    found: list[tuple[Hashable, tuple[str, ...]]] = []
    for row in methods:
        parallel = len({frozenset(cell.ids) for cell in row}) == 1
        whole = tuple(cell.tested for cell in row)
        found += [(whole if parallel else cell.tested, cell.ids) for cell in row]
    return found


def _effect(cell: Measured) -> float:
    """How much one example's value varies, as a share of what a right or wrong answer of that mean would."""
    if cell.variance is not None:
        return 0.0
    most = cell.mean * (1 - cell.mean)
    return min(1.0, float(cell.scores.mean(axis=0).var()) / most) if most > 0 else 1.0
