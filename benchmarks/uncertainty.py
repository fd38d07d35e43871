"""How often intervals hold the true score, equal methods are called different, and a choice costs more than the margin.

Worlds with known true scores are made up (tests/compare/worlds.py) and judged by crossfare. With run directories of
several seeds, pilots are cut from them as well: a few test examples and seeds, judged, against the rest. With a run of
the same spec on another machine, or in another precision, its scores are held against the intervals of the first.

    python benchmarks/uncertainty.py [--worlds 400] [--run RUN ...]
    python benchmarks/uncertainty.py --run RUN --elsewhere OTHER_RUN
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "compare"))

from worlds import world

from crossfare.compare import ALPHA, MARGIN, Belief, read_run, standings
from crossfare.compare.measured import CONFIDENCE, Floats, Measured, SeedNoise, seed_noises
from crossfare.compare.recommend import within_of
from crossfare.compare.standings import cells_of, measured
from crossfare.compare.uncertainty import belief


def judged(cells: dict[str, Measured], noises: dict[tuple[frozenset[str], ...], SeedNoise] | None = None) -> Belief:
    """What is believed of one language's cells."""
    return belief({key: [cell] for key, cell in cells.items()}, noises)


def coverage(worlds: int) -> None:
    """The table of intervals and false differences: eight equal methods of score .75."""
    print("| test examples | seeds | seed sd | interval holds | pair called different | any of 8 called worse |")
    print("|---|---|---|---|---|---|")
    for examples in (50, 300, 2000):
        for seeds in (3, 5, 10):
            for sd in (0.0, 0.01, 0.02, 0.03):
                random = np.random.default_rng(0)
                held, apart, worse = [], [], []
                for _ in range(worlds):
                    found = judged(world(random, [0.75] * 8, examples=examples, seeds=seeds, sd=sd))
                    for key in found.keys[:4]:
                        own = found.interval(key)
                        held.append(own.low <= 0.75 <= own.high)
                    apart += [(found.difference(a, b).p or 0) < ALPHA for a, b in (("m0", "m1"), ("m2", "m3"))]
                    worse.append(any(p is not None and p < ALPHA for p in found.worse.values()))
                rates = (np.mean(held), np.mean(apart), np.mean(worse))
                print(
                    f"| {examples} | {seeds} | {100 * sd:g} | "
                    + " | ".join(f"{100 * each:.1f} %" for each in rates)
                    + " |"
                )


def choices(worlds: int) -> None:
    """The table of choices: six methods spread over ten points, the cheap ones worse on average."""
    print("\n| test examples | seeds | chosen | more than 2 points below the best | not enough evidence |")
    print("|---|---|---|---|---|")
    for examples in (50, 100, 200, 500, 2000):
        for seeds in (1, 3):
            random, made, wrong = np.random.default_rng(1), 0, 0
            for _ in range(worlds):
                levels = np.clip(0.75 + 0.05 * random.standard_normal(6), 0.3, 0.95)
                found = judged(world(random, sorted(levels), examples=examples, seeds=seeds, sd=0.02))
                shown = np.flatnonzero(within_of(found.draws, MARGIN) >= CONFIDENCE)
                if len(shown):  # the cheapest of them: costs grow with the true score
                    made += 1
                    wrong += max(levels) - sorted(levels)[shown[0]] > MARGIN
            print(
                f"| {examples} | {seeds} | {made} of {worlds} | {wrong} ({100 * wrong / worlds:.1f} % of all) "
                f"| {worlds - made} |"
            )


def pilots(folder: Path, repeats: int) -> None:
    """Pilots cut from a run of several seeds, against the examples and seeds that they left."""
    run = read_run(folder)
    groups: dict[tuple[str, str], dict[str, Measured]] = {}
    for key, own in cells_of(run.results).items():
        groups.setdefault((own[0].spec.task, own[0].spec.target), {})[key] = measured(own)
    print(f"\n{run.name}: pilots of some test examples and seeds, judged against the rest\n")
    print("| task | target | examples | seeds | chosen | more than 2 points below the best |")
    print("|---|---|---|---|---|---|")
    for (task, target), cells in groups.items():
        total, seeds = next(iter(cells.values())).scores.T.shape
        for examples in (50, 100, 200, 500):
            for few in (1, 3):
                if examples > total / 2 or few >= seeds:
                    continue
                random, made, wrong = np.random.default_rng(2), 0, 0
                for _ in range(repeats):
                    drawn, trained = random.permutation(total), random.permutation(seeds)
                    pilot = {key: part(cell, drawn[:examples], trained[:few]) for key, cell in cells.items()}
                    rest = {key: part(cell, drawn[examples:], trained[few:]) for key, cell in cells.items()}
                    shown = np.flatnonzero(within_of(judged(pilot).draws, MARGIN) >= CONFIDENCE)
                    if len(shown):
                        true = np.array([cell.mean for cell in rest.values()])
                        made += 1
                        wrong += bool(true.max() - true[shown].min() > MARGIN)  # the worst of what might be cheapest
                print(
                    f"| {task} | {target} | {examples} | {few} | {made} of {repeats} | {100 * wrong / repeats:.1f} % |"
                )


def against_itself(folder: Path, seeds: int) -> None:
    """Every method of a run against itself: some of its seeds against others."""
    run = read_run(folder)
    cells = {key: measured(own) for key, own in cells_of(run.results).items()}
    different, pairs = 0, 0
    for key, cell in cells.items():
        if not cell.trained or cell.seeds < 2 * seeds:
            continue
        for first in range(0, cell.seeds - 2 * seeds + 1):
            order = [*range(first, cell.seeds), *range(first)]
            others = {name: part(each, None, order[: 2 * seeds]) for name, each in cells.items() if name != key}
            one, other = (part(cell, None, order[at : at + seeds]) for at in (0, seeds))
            noises = seed_noises([*others.values(), one, other])
            p = judged({"one": one, "other": other}, noises).difference("one", "other").p
            pairs += 1
            different += p is not None and p < ALPHA
    if pairs:
        print(
            f"\n{run.name}: a method against itself, {seeds} seeds against {seeds}: "
            f"{different} of {pairs} called different"
        )


def elsewhere(folder: Path, other: Path) -> None:
    """How many scores of a run on another machine lie inside the intervals that this one prints."""
    run, there = read_run(folder), read_run(other)
    printed, found = standings(run.results), standings(there.results)
    scores = {each.spec.id: each.score.value for each in run.results}
    moved = [abs(each.score.value - scores[each.spec.id]) for each in there.results if each.spec.id in scores]
    both = [key for key in printed if key in found]
    out = [key for key in both if not printed[key].low <= found[key].value <= printed[key].high]
    inside = len(both) - len(out)
    print(
        f"{there.name}: {sum(each > 0 for each in moved)} of {len(moved)} scores of one training differ, by up to "
        f"{100 * max(moved):.1f} points; {inside} of {len(both)} means ({inside / len(both):.1%}) are inside the "
        f"intervals of {folder}"
    )
    for key in out:
        own = printed[key]
        print(f"outside: {key}: {found[key].value:.4f}, printed {own.value:.4f} ({own.low:.4f} to {own.high:.4f})")


def part(cell: Measured, examples: Floats | None, seeds: Sequence[int]) -> Measured:
    """Some test examples and seeds of a cell."""
    columns = np.arange(cell.scores.shape[1]) if examples is None else np.asarray(examples)
    return replace(
        cell,
        scores=cell.scores[np.ix_(list(seeds), columns)],
        ids=tuple(cell.ids[at] for at in columns),
        trainings=tuple(cell.trainings[at] for at in seeds),
    )


def main() -> None:
    """Print the tables."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--worlds", type=int, default=400, help="how many worlds a line stands on")
    asked.add_argument("--run", type=Path, action="append", default=[], help="a run directory of several seeds")
    asked.add_argument("--elsewhere", type=Path, help="a run of the same spec on another machine: this alone is done")
    given = asked.parse_args()
    if given.elsewhere:
        for folder in given.run:
            elsewhere(folder, given.elsewhere)
        return
    coverage(given.worlds)
    choices(given.worlds)
    for folder in given.run:
        pilots(folder, given.worlds)
        for seeds in (1, 2, 3, 4):
            against_itself(folder, seeds)


if __name__ == "__main__":
    main()
