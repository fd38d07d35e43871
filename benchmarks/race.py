"""How often a race decides as the full matrix of five seeds does, and at which share of its cost.

    python benchmarks/race.py [--repetitions 100] [--budget 0.33] [--only NAME] [--run RUN ...]

Prints a Markdown table. Each repetition replays the policy of `crossfare race` on scores that are there: nothing is
run. Race and full matrix see the same scores, of which the race asks for as few as it takes; what either chooses is
what `recommend` says of what it has seen: the method chosen, or where nothing is shown the one ahead.

made worlds       methods of known true scores; test examples are paired, trainings differ
runs              run directories of more than five seeds (without reference translations): five of the seeds, and as
                  many test examples as there are, drawn with replacement; steps cost what they cost in that run

another matrix    how often a second full matrix of the same methods (other seeds, other examples) chooses as the first:
                  what "the same decision" can mean at all
same              how often the race chooses as the full matrix
same or as good   it does, or what it chooses is by the truth within the margin of the best, and costs with the race no
                  more than what the full matrix chooses costs with the full matrix
cost              what the race spent, of what the full matrix costs: the mean, and the dearest tenth
regret            points below the best by the truth, of the race's choice and of the full matrix's (runs: by the
                  mean of all seeds)
shown             how often the race, and the full matrix, has enough evidence to recommend
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import partial
from pathlib import Path
from statistics import fmean

import numpy as np
from scipy.stats import norm

from crossfare.compare import Aim, Decision, Option, decisions, read_run, recommend
from crossfare.compare.measured import Floats, Measured
from crossfare.compare.model import Component
from crossfare.compare.runs import RunRecord
from crossfare.compare.uncertainty import belief
from crossfare.ledger.price import UnitPrice
from crossfare.race import policy
from crossfare.race.outlook import Outlook, Reached, Rule, outlook_of
from crossfare.race.policy import Arm, Expense, Left, State
from crossfare.types import Result

SEEDS, MARGIN = 5, 0.02


@dataclass(frozen=True)
class Matrix:
    """A full matrix: arms, step prices, the scores of each arm (seeds x examples), and what is true of them."""

    arms: tuple[Arm, ...]
    prices: Mapping[str, Expense]
    scores: Mapping[str, Floats]
    trainings: Mapping[str, Sequence[str]]
    truth: Mapping[str, float]
    ids: tuple[str, ...]

    def measured(self, reached: Mapping[str, Reached]) -> dict[str, list[Measured]]:
        """The scores of what was tried."""
        return {
            arm.key: [
                Measured(
                    self.scores[arm.key][: reached[arm.key].seeds],
                    self.ids,
                    "test",
                    tuple(
                        frozenset([name] if name else []) for name in self.trainings[arm.key][: reached[arm.key].seeds]
                    ),
                )
            ]
            for arm in self.arms
            if arm.key in reached
        }

    def standing(self, reached: Mapping[str, Reached]) -> tuple[Outlook, Rule]:
        """The same as a race sees it."""
        costs = np.array([float(arm.total_usd) for arm in self.arms if arm.key in reached])
        rule = Rule(costs, np.full(len(costs), np.nan), MARGIN)
        return outlook_of(self.measured(reached), reached), rule

    @property
    def whole(self) -> dict[str, Reached]:
        """All of it."""
        return {arm.key: arm.whole for arm in self.arms}

    @property
    def cost(self) -> float:
        """What all of it costs, in USD."""
        return sum(float(price.usd) for price in self.prices.values())


def chosen(matrix: Matrix, reached: Mapping[str, Reached]) -> tuple[str, bool]:
    """What `recommend` says of so much of the matrix: the method chosen, or ahead, and whether it is chosen."""
    measured = matrix.measured(reached)
    priced = {arm.key: (Component("fine-tuning", "usd", arm.total_usd),) for arm in matrix.arms}
    believed = belief(measured)
    options = tuple(Option(key, key, priced[key], (), row[0].mean, 0, 1) for key, row in measured.items())
    rates = {"usd": UnitPrice(Decimal(1), Decimal(1), "example", "stated")}
    found = recommend(Decision("nli", "pt", "accuracy", rates, options, believed), Decimal(1), aim=Aim(MARGIN))
    assert found.leading is not None
    return (found.chosen or found.leading).key, found.chosen is not None


def replay(matrix: Matrix, left: Left) -> State:
    """A race on a matrix whose scores are known."""
    state = State(matrix.arms, matrix.prices, left=left)
    while True:
        state = policy.dropping(state)
        step = policy.next_step(state)
        if isinstance(step, policy.Stop):
            return state
        price = state.price(step.arm, step.tried)
        assert price is not None and left.pays(price)
        usd = None if state.left.usd is None else state.left.usd - price.usd
        reached = {**state.reached, step.arm.key: step.tried}
        state = replace(
            state,
            reached=reached,
            done=state.done | step.arm.needs(step.tried),
            standings={"": matrix.standing(reached)},
            left=Left(usd),
        )


@dataclass(frozen=True)
class World:
    """True scores of methods, what each costs in all, how training and test examples vary, and what trying costs.

    A training and its answers cost 1; a translation, where there is one, ``once`` before the first.
    """

    scores: Sequence[float]
    totals: Sequence[int]
    seed_sd: float
    n: int
    once: Sequence[int] = ()


def made(world: World, random: np.random.Generator) -> Matrix:
    """Draw a matrix: each example is as easy for all methods, a little less so for one, and for one training."""
    arms, prices, scores, trainings = [], {}, {}, {}
    easy = random.standard_normal(world.n)
    keys = [f"m{index}" for index in range(len(world.scores))]
    for index, key in enumerate(keys):
        luck = random.normal(0, world.seed_sd, SEEDS)
        own = np.sqrt(0.5) * easy + np.sqrt(0.3) * random.standard_normal(world.n)
        noise = own + np.sqrt(0.2) * random.standard_normal((SEEDS, world.n))
        scores[key] = (noise < norm.ppf(np.clip(world.scores[index] + luck, 0.01, 0.99))[:, None]).astype(float)
        trainings[key] = [f"{key} {seed}" for seed in range(SEEDS)]
        prices |= {name: Expense(Decimal(1), Decimal("1.2"), 1.0) for name in trainings[key]}
        prices[f"{key} once"] = Expense(usd := Decimal(world.once[index] if world.once else 0), usd, 1.0)
        steps = tuple(frozenset([name, f"{key} once"]) for name in trainings[key])
        arms.append(Arm(key, "", key, (steps,), (world.n,), Decimal(world.totals[index])))
    truth = dict(zip(keys, world.scores, strict=True))
    return Matrix(tuple(arms), prices, scores, trainings, truth, tuple(map(str, range(world.n))))


_CLEAR, _NEAR, _RISING = (
    [0.80, 0.70, 0.68, 0.66, 0.65, 0.60, 0.55, 0.50],
    [0.80, 0.79, 0.70, 0.69, 0.66, 0.65, 0.6, 0.55],
    range(1, 9),
)
WORLDS = {
    "one clear winner": World(_CLEAR, [5, 1, 2, 3, 4, 6, 7, 8], 0.02, 1000),
    "one clear winner, trainings alike": World(_CLEAR, [5, 1, 2, 3, 4, 6, 7, 8], 0.005, 2000),
    "eight equal": World([0.75] * 8, _RISING, 0.02, 1000),
    "eight equal, trainings alike": World([0.75] * 8, _RISING, 0.005, 2000),
    "two near the top": World(_NEAR, _RISING, 0.02, 1000),
    "two near the top, trainings alike": World(_NEAR, _RISING, 0.005, 2000),
    "a ladder of scores": World([0.60, 0.63, 0.66, 0.69, 0.72, 0.75, 0.78, 0.81], _RISING, 0.02, 1000),
    "costs far apart": World(
        [0.70, 0.74, 0.76, 0.65, 0.80, 0.81, 0.80, 0.79], [1, 2, 5, 10, 100, 1000, 2000, 5000], 0.01, 1000
    ),
    "costs of trying far apart": World(_NEAR, _RISING, 0.02, 1000, [0, 0, 20, 0, 0, 20, 0, 0]),
}


@dataclass(frozen=True)
class Row:
    """What came of one repetition."""

    again: bool
    same: bool
    as_good: bool
    share: float
    regret: float
    full_regret: float
    shown: bool
    full_shown: bool
    seeds: float


def repeat(build: Callable[[np.random.Generator], Matrix], key: Sequence[int], budget: float | None) -> Row:
    """Race one matrix, and compare."""
    matrix = build(np.random.default_rng([*key, 0]))
    other = build(np.random.default_rng([*key, 1]))
    full, full_shown = chosen(matrix, matrix.whole)
    end = replay(matrix, Left(None if budget is None else Decimal(str(matrix.cost * budget))))
    choice, shown = chosen(matrix, end.reached)
    totals = {arm.key: arm.total_usd for arm in matrix.arms}
    best = max(matrix.truth.values())
    spent = sum((matrix.prices[step].usd for step in end.done), Decimal(0))
    saved = Decimal(matrix.cost) - spent
    near = matrix.truth[choice] >= best - MARGIN and totals[choice] <= totals[full] + saved
    return Row(
        chosen(other, other.whole)[0] == full,
        choice == full,
        choice == full or near,
        float(spent) / matrix.cost,
        best - matrix.truth[choice],
        best - matrix.truth[full],
        shown,
        full_shown,
        fmean(each.seeds for each in end.reached.values()),
    )


def told(rows: Sequence[Row]) -> str:
    """A line of the table."""

    def share(name: str) -> str:
        return f"{100 * fmean(getattr(row, name) for row in rows):.0f} %"

    def points(name: str) -> str:
        return f"{100 * fmean(getattr(row, name) for row in rows):.2f}"

    dearest = f"{100 * np.quantile([row.share for row in rows], 0.9):.0f} %"
    cells = [share(name) for name in ("again", "same", "as_good", "share")]
    cells += [dearest, points("regret"), points("full_regret"), share("shown"), share("full_shown")]
    return " | ".join([*cells, f"{fmean(row.seeds for row in rows):.1f}"])


def of_run(folder: Path) -> Iterator[tuple[str, Callable[[np.random.Generator], Matrix]]]:
    """The decisions of a run, each as a way to draw a matrix from it."""
    run = read_run(folder)
    for decision in decisions([run], without=("reference",)):
        keys = [option.key for option in decision.options]
        results = {key: [each for each in run.results if each.spec.without_seed == key] for key in keys}
        totals = {o.key: decision.total_usd(o, Decimal(1_200_000)) for o in decision.options}
        yield f"{run.name}: {decision.task} {decision.target}", partial(drawn, run, results, totals)


def drawn(
    run: RunRecord,
    results: Mapping[str, Sequence[Result]],
    totals: Mapping[str, Decimal],
    random: np.random.Generator,
) -> Matrix:
    """Five seeds and a bootstrap sample of the test examples, the same for all methods."""
    seeds = max(map(len, results.values()))
    order = random.permutation(seeds)[:SEEDS]
    n = len(next(iter(results.values()))[0].score.per_example)
    sample = random.integers(0, n, n)
    arms, scores, trainings = [], {}, {}
    for key, own in results.items():
        kept = [own[seed] for seed in order] if len(own) > 1 else list(own)
        scores[key] = np.array([each.score.per_example for each in kept])[:, sample]
        trainings[key] = [
            "+".join(step for step, share in each.steps.items() if share == "fine_tuning") for each in kept
        ]
        steps = tuple(frozenset(s for s, share in each.steps.items() if share != "annotation") for each in kept)
        arms.append(Arm(key, "", key, (steps,), (n,), totals[key]))
    needed = {step for arm in arms for own in arm.steps[0] for step in own}
    prices = {step: Expense(usd := run.book.cost(step).usd, usd, 1.0) for step in needed}
    truth = {key: fmean(each.score.value for each in own) for key, own in results.items()}
    return Matrix(tuple(arms), prices, scores, trainings, truth, tuple(map(str, range(n))))


def of_worlds() -> Iterator[tuple[str, Callable[[np.random.Generator], Matrix]]]:
    """The made worlds."""
    for name, world in WORLDS.items():
        yield name, partial(made, world)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--repetitions", type=int, default=100)
    parser.add_argument("--budget", type=float, help="of the full matrix's cost")
    parser.add_argument("--only", default="", help="worlds with this in their name")
    parser.add_argument("--run", type=Path, nargs="*", default=[])
    given = parser.parse_args()
    heads = ("another matrix", "same", "same or as good", "cost", "dearest tenth", "regret", "full regret")
    print(f"| | {' | '.join(heads)} | shown | full shown | seeds |")
    print(f"|---|{'---:|' * (len(heads) + 3)}")
    asked = [each for folder in given.run for each in of_run(folder)] or list(of_worlds())
    for number, (name, build) in enumerate(asked):
        if given.only in name:
            rows = [repeat(build, (number, each), given.budget) for each in range(given.repetitions)]
            print(f"| {name} | {told(rows)} |", flush=True)


if __name__ == "__main__":
    main()
