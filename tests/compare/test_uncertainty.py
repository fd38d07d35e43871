"""What is believed of scores: against known truths, closed forms, and brute force."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations

import numpy as np
import pytest
from scipy import special, stats
from worlds import measured, world

from crossfare.compare.measured import SEED_SD, Measured, SeedNoise, seed_noises
from crossfare.compare.recommend import within_of
from crossfare.compare.uncertainty import Belief, apart, belief

EQUAL = [0.75] * 8


def believed(cells: dict[str, Measured]) -> Belief:
    return belief({key: [cell] for key, cell in cells.items()})


def share(happens: Callable[[Belief], bool], worlds: int, **world_of: object) -> float:
    """In how many of so many worlds of eight equal methods something happens."""
    random = np.random.default_rng(0)
    found = [happens(believed(world(random, EQUAL, **world_of))) for _ in range(worlds)]  # type: ignore[arg-type]
    return float(np.mean(found))


# -- chance: in 120 worlds each, so that a share of .95 shows above .88 (more than three standard errors) ------


@pytest.mark.parametrize(("examples", "seeds", "sd"), [(50, 3, 0.03), (300, 3, 0.03), (300, 5, 0.0), (1000, 3, 0.02)])
def test_intervals_hold_the_true_score_in_95_of_100(examples: int, seeds: int, sd: float) -> None:
    def held(found: Belief) -> bool:
        own = found.interval("m0")
        return own.low <= 0.75 <= own.high

    assert 0.88 <= share(held, 120, examples=examples, seeds=seeds, sd=sd) <= 1.0


@pytest.mark.parametrize(("examples", "seeds", "sd"), [(300, 3, 0.03), (1000, 3, 0.02), (300, 5, 0.0)])
def test_a_method_against_itself_is_called_different_in_5_of_100(examples: int, seeds: int, sd: float) -> None:
    def different(found: Belief) -> bool:
        p = found.difference("m0", "m1").p
        assert p is not None
        return p < 0.05

    assert share(different, 120, examples=examples, seeds=seeds, sd=sd) <= 0.10


@pytest.mark.parametrize(("examples", "seeds", "sd"), [(300, 3, 0.02), (1000, 3, 0.02)])
def test_of_eight_equal_methods_any_is_called_worse_in_5_of_100(examples: int, seeds: int, sd: float) -> None:
    """The test that knew of the test examples alone called one worse in 98 of 100 such comparisons."""

    def any_worse(found: Belief) -> bool:
        return any(p is not None and p < 0.05 for p in found.worse.values())

    assert share(any_worse, 120, examples=examples, seeds=seeds, sd=sd) <= 0.10


def test_a_method_that_is_worse_is_found() -> None:
    random, found = np.random.default_rng(0), 0
    for _ in range(50):
        p = believed(world(random, [0.75, 0.75, 0.60], examples=500, seeds=3, sd=0.02)).worse["m2"]
        found += p is not None and p < 0.05
    assert found >= 45


# -- closed forms -----------------------------------------------------------------------------


@pytest.mark.parametrize(("right", "n"), [(50, 50), (49, 50), (30, 50), (0, 20), (291, 300)])
def test_without_training_an_interval_of_right_and_wrong_is_wilsons(right: int, n: int) -> None:
    scores = (np.arange(n) < right).astype(np.float64)[None]
    own = believed({"bm25": measured(scores, "bm25", trained=False)}).interval("bm25")
    wilson = stats.binomtest(right, n).proportion_ci(method="wilson")
    assert (own.value, own.low, own.high) == pytest.approx((right / n, wilson.low, wilson.high), abs=1e-9)


def test_a_difference_over_examples_is_nearly_the_paired_t_test() -> None:
    random = np.random.default_rng(1)
    a, b = (random.random((1, 4000)) < level for level in (0.7, 0.72))
    b[:, :3000] = a[:, :3000]  # most answers are the same: pairing matters
    cells = {"a": measured(a.astype(float), "a", trained=False), "b": measured(b.astype(float), "b", trained=False)}
    found = believed(cells).difference("a", "b")
    assert found.p == pytest.approx(float(stats.ttest_rel(a[0].astype(float), b[0].astype(float)).pvalue), rel=0.03)
    assert found.value == pytest.approx(float(a.mean() - b.mean()))


def test_with_seeds_only_a_difference_is_the_pooled_t_test() -> None:
    """On so many test examples that they do not count, and with two methods, it is Student's."""
    random, n = np.random.default_rng(2), 200_000
    luck = {name: level + 0.02 * random.standard_normal(3) for name, level in (("a", 0.7), ("b", 0.74))}
    cells = {name: measured((random.random((3, n)) < own[:, None]).astype(float), name) for name, own in luck.items()}
    found = believed(cells).difference("a", "b")
    means = [cell.scores.mean(axis=1) for cell in cells.values()]
    assert found.p == pytest.approx(float(stats.ttest_ind(*means).pvalue), rel=0.1)


def test_draws_have_the_mean_and_the_covariance_they_say() -> None:
    found = believed(world(np.random.default_rng(3), [0.7, 0.72, 0.9], examples=300, seeds=10, sd=0.02))
    assert found.draws.mean(axis=0) == pytest.approx(found.centres, abs=1e-4)  # each draw has its opposite
    stated = np.sqrt(np.diag(found.examples + found.trainings))
    assert found.draws.std(axis=0) == pytest.approx(stated, rel=0.12)  # a little wider: the luck is not known exactly
    assert np.array_equal(
        found.draws, believed(world(np.random.default_rng(3), [0.7, 0.72, 0.9], examples=300, seeds=10, sd=0.02)).draws
    )


def test_the_probability_of_a_margin_is_that_of_two_normal_scores() -> None:
    found = apart({"a": (0.70, 0.68, 0.72), "b": (0.71, 0.69, 0.73)})
    sd = np.sqrt(2) * 0.02 / special.ndtri(0.975)
    assert within_of(found.draws, 0.02)[0] == pytest.approx(special.ndtr((0.02 - 0.01) / sd), abs=0.02)


# -- the luck of training ---------------------------------------------------------------------


def test_the_luck_is_pooled_over_cells_that_are_alike() -> None:
    cells = world(np.random.default_rng(4), EQUAL, examples=5000, seeds=5, sd=0.03)
    noises = list(seed_noises(list(cells.values())).values())
    assert len(noises) == 8
    assert len({noise.variance for noise in noises}) == 1
    assert noises[0].sd == pytest.approx(0.03, rel=0.3)
    assert noises[0].freedom == 8 * 4


def test_a_method_whose_trainings_collapse_keeps_a_luck_of_its_own() -> None:
    random = np.random.default_rng(5)
    cells = world(random, EQUAL, examples=2000, seeds=5, sd=0.01) | {
        "wild": measured(
            (random.random((5, 2000)) < np.array([[0.3], [0.75], [0.35], [0.74], [0.7]])).astype(float), "wild"
        )
    }
    noises = seed_noises(list(cells.values()))
    wild, calm = noises[cells["wild"].trainings].sd, noises[cells["m0"].trainings].sd
    assert wild > 0.1
    assert calm < 0.03


def test_no_luck_is_seen_where_there_is_none() -> None:
    """Seeds differ by what the rest of chance does on so many examples: that is no luck of training."""
    sds = []
    for number in range(20):
        cells = world(np.random.default_rng(number), EQUAL, examples=300, seeds=5, sd=0.0)
        sds.append(max(0.0, next(iter(seed_noises(list(cells.values())).values())).variance))
    assert np.mean(sds) < 0.008**2


def test_what_was_not_trained_has_no_luck_and_does_not_calm_the_others() -> None:
    cells = world(np.random.default_rng(6), EQUAL, examples=1000, seeds=3, sd=0.03)
    still = measured(np.repeat((np.arange(1000) < 500).astype(float)[None], 3, axis=0), "bm25", trained=False)
    alone, beside = seed_noises(list(cells.values())), seed_noises([*cells.values(), still])
    assert alone == beside
    found = believed({**cells, "bm25": still})
    assert found.trainings[-1].tolist() == [0.0] * 9


def test_one_seed_is_judged_by_its_test_examples_alone_and_by_an_assumed_luck_when_choosing() -> None:
    found = believed(world(np.random.default_rng(7), [0.7, 0.8], examples=500, seeds=1, sd=0.02))
    assert found.difference("m1", "m0").p is None
    assert found.worse == {"m0": None, "m1": None}
    own = found.interval("m0")
    wilson = stats.binomtest(round(500 * own.value), 500).proportion_ci(method="wilson")
    assert (own.low, own.high) == pytest.approx((wilson.low, wilson.high), abs=1e-9)
    assert found.draws[:, 0].std() == pytest.approx(np.hypot(SEED_SD, own.value * 0.5 / 10 / 2**0.5), rel=0.2)


def test_methods_of_one_trained_model_share_its_luck() -> None:
    """Its two ways to be used differ by less than two models of their own would."""
    random = np.random.default_rng(8)
    luck = 0.75 + 0.04 * random.standard_normal((6, 1))
    rows = [(random.random((6, 3000)) < luck).astype(float) for _ in range(2)]
    trainings = tuple(frozenset({f"t{seed}"}) for seed in range(6))
    ids = tuple(map(str, range(3000)))
    shared = believed({name: Measured(row, ids, "test", trainings) for name, row in zip("ab", rows, strict=True)})
    own = believed({name: measured(row, name) for name, row in zip("ab", rows, strict=True)})
    widths = [found.difference("a", "b").high - found.difference("a", "b").low for found in (shared, own)]
    assert widths[0] < 0.85 * widths[1]


def test_more_seeds_and_examples_narrow_what_is_believed_as_they_would() -> None:
    random = np.random.default_rng(9)
    few = believed(world(random, EQUAL, examples=300, seeds=3, sd=0.03))
    many = believed(world(random, EQUAL, examples=3000, seeds=12, sd=0.03))
    told = few.predicted(seeds=4, examples=10)
    for a, b in combinations(("m0", "m1", "m2"), 2):
        foreseen, seen = (found.difference(a, b) for found in (told, many))
        assert foreseen.high - foreseen.low == pytest.approx(seen.high - seen.low, rel=0.35)


def test_a_metric_that_is_no_mean_over_examples_has_the_variance_it_was_given() -> None:
    cell = Measured(np.array([[0.6], [0.62]]), ("",), "test", (frozenset({"a"}), frozenset({"b"})), variance=0.01**2)
    found = belief({"macro-f1": [cell]}, {cell.trainings: SeedNoise(0.0, 10)})
    own = found.interval("macro-f1")
    assert (own.low, own.high) == pytest.approx((0.61 - 0.0196, 0.61 + 0.0196), abs=1e-4)
