"""What a race does next: drops, stops, never more than its budget, and always the same."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from functools import partial
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from crossfare.race.outlook import Outlook, Prospect, Reached, Rule, choose
from crossfare.race.policy import Action, Arm, Expense, Left, State, Stop, dropping, lost, next_step, settled

SEEDS, SIZE = 5, 1000
FREE = Left()
ONE = Expense(Decimal(1), Decimal("1.5"), 60.0)


def arm(key: str, total: int, *, sizes: Sequence[int] = (SIZE,), seeds: int = SEEDS) -> Arm:
    steps = tuple(
        tuple(frozenset([f"train {key} {seed}", f"ask {key} {size} {seed}", f"data {size}"]) for seed in range(seeds))
        for size in sizes
    )
    return Arm(key, "nli pt", key, steps, tuple(sizes), Decimal(total))


class World:
    """Methods with known scores that a race is played on: what it measures is their score, as sure as it may be."""

    def __init__(
        self, scores: Mapping[str, float], totals: Mapping[str, int], *, sd: float = 0.02, arms: Sequence[Arm] = ()
    ) -> None:
        self.scores = scores
        self.sd = sd
        self.arms = tuple(arms) or tuple(arm(key, total) for key, total in totals.items())
        steps = sorted({step for each in self.arms for row in each.steps for own in row for step in own})
        self.prices: dict[str, Expense | None] = {
            step: ONE if step.startswith("train") else Expense(Decimal(0), Decimal(0), 0.0) for step in steps
        }

    def standings(self, reached: Mapping[str, Reached]) -> dict[str, tuple[Outlook, Rule]]:
        tried = [each for each in self.arms if each.key in reached]
        reach = tuple(reached[each.key] for each in tried)
        seeds = np.array([self.sd**2 / each.seeds for each in reach])
        examples = np.array([0.1 / each.examples for each in reach])
        means = np.array([self.scores[each.key] for each in tried])
        outlook = Outlook(tuple(e.key for e in tried), means, np.diag(examples), np.diag(seeds), reach)
        costs = np.array([float(each.total_usd) for each in tried])
        return {"nli pt": (outlook, Rule(costs, np.full(len(tried), 0.3), 0.02))}

    def state(self, left: Left = FREE, reached: Mapping[str, Reached] | None = None, **more: object) -> State:
        reached = reached or {}
        done = frozenset[str]().union(*(each.needs(reached[each.key]) for each in self.arms if each.key in reached))
        found = self.standings(reached) if reached else {}
        return State(self.arms, self.prices, reached, done, found, left=left, **more)  # type: ignore[arg-type]

    def play(self, left: Left = FREE, reached: Mapping[str, Reached] | None = None) -> tuple[list[str], Stop, State]:
        state = self.state(left, reached)
        tried: list[str] = []
        while True:
            state = dropping(state)
            step = next_step(state)
            if isinstance(step, Stop):
                return tried, step, state
            tried.append(f"{step.arm.key} {step.tried.seeds}")
            assert step.price is not None
            assert state.left.pays(step.price)
            usd = None if state.left.usd is None else state.left.usd - step.price.most
            dropped = state.dropped
            state = replace(self.state(Left(usd), {**state.reached, step.arm.key: step.tried}), dropped=dropped)


EIGHT = {"a": 0.80, "b": 0.70, "c": 0.69, "d": 0.66, "e": 0.64, "f": 0.60, "g": 0.55, "h": 0.50}
DEARER = {key: number for number, key in enumerate("hgfedcba")}


def test_a_clear_winner_is_found_by_the_pilots_and_its_own_second_seed() -> None:
    tried, stop, state = World(EIGHT, DEARER, sd=0.015).play()
    assert sorted(tried) == sorted(["a 2", *(f"{key} 1" for key in EIGHT)])
    assert tried[-1] == "a 2"
    assert stop.reason == "safe"
    assert state.prospects["nli pt"].outlook.keys[state.prospects["nli pt"].now] == "a"
    assert {"f", "g", "h"} <= state.dropped.keys()
    assert "points below a" in state.dropped["h"]


def test_pilots_go_from_the_cheapest_on() -> None:
    world = World({"a": 0.7, "b": 0.7, "c": 0.7}, {"a": 1, "b": 1, "c": 1})
    prices = {"train a 0": "3", "train b 0": "1", "train c 0": "2"}
    world.prices |= {step: Expense(Decimal(usd), Decimal(usd), 1.0) for step, usd in prices.items()}
    tried, _, _ = world.play(Left(usd=Decimal(6)))
    assert tried[:3] == ["b 1", "c 1", "a 1"]


def test_further_tries_are_of_the_methods_that_can_still_win() -> None:
    scores = {**EIGHT, "b": 0.79}
    tried, _, state = World(scores, DEARER).play()
    further = tried[len(EIGHT) :]
    assert further
    assert {step.split()[0] for step in further} <= {"a", "b"}
    assert {"e", "f", "g", "h"} <= state.dropped.keys()


def test_the_cheaper_of_two_equals_is_tried_before_the_dearer() -> None:
    world = World({"a": 0.75, "b": 0.75, "c": 0.5}, {"a": 9, "b": 9, "c": 1})
    world.prices |= {f"train a {seed}": Expense(Decimal(5), Decimal(5), 1.0) for seed in range(1, SEEDS)}
    reached = dict.fromkeys("abc", Reached(1, SIZE))
    step = next_step(world.state(reached=reached))
    assert isinstance(step, Action)
    assert step.arm.key == "b"
    assert step.gain > 0


@pytest.mark.parametrize("budget", [0, 1, 3, 7, 11, 13, 20])
def test_no_more_is_spent_than_may_be(budget: int) -> None:
    same = dict.fromkeys("abcdefgh", 0.7)
    tried, stop, state = World(same, DEARER).play(Left(usd=Decimal(budget)))
    assert stop.reason == "budget"
    assert "USD and" in stop.why
    assert Decimal("1.5") * len(tried) <= budget
    assert state.left.usd is not None
    assert 0 <= state.left.usd < Decimal("1.5")  # and nothing that could be paid was left


def test_minutes_are_a_limit_too() -> None:
    same = dict.fromkeys("abc", 0.7)
    world = World(same, dict.fromkeys("abc", 1))
    stop = next_step(world.state(Left(seconds=59.0)))
    assert isinstance(stop, Stop)
    assert stop.why == "the next try takes up to 1.5000 USD and 1.0 minutes, and 1.0 minutes are left"
    assert isinstance(next_step(world.state(Left(seconds=61.0))), Action)


def test_a_race_of_equals_with_much_luck_runs_everything_or_stops_where_more_would_not_help() -> None:
    same = dict.fromkeys("abc", 0.7)
    _, stop, state = World(same, {"a": 1, "b": 2, "c": 3}, sd=0.02).play()
    assert stop.reason in ("complete", "safe")
    seen = state.prospects["nli pt"]
    assert stop.reason == "complete" or seen.sure >= 0.95


def test_it_goes_on_where_it_was() -> None:
    world = World({**EIGHT, "b": 0.79}, DEARER)
    whole, stop, end = world.play()
    for cut in (1, 5, len(whole) - 1):
        reached: dict[str, Reached] = {}
        for each in whole[:cut]:
            key, seeds = each.split()
            reached[key] = Reached(int(seeds), SIZE)
        rest, again, _ = world.play(reached=reached)
        assert [*whole[:cut], *rest] == whole
        assert again == stop
    assert world.play()[:2] == (whole, stop)  # nothing is left to chance
    assert end.reached == {**dict.fromkeys(EIGHT, Reached(1, SIZE)), **{e[0]: Reached(int(e[2]), SIZE) for e in whole}}


def test_what_cannot_be_better_by_more_than_the_margin_is_not_tried() -> None:
    world = World({"cheap": 0.999, "dear": 0.5}, {"cheap": 1, "dear": 100}, sd=0.002)
    state = world.state(reached={"cheap": Reached(1, SIZE)})
    assert lost(state).keys() == {"dear"}
    cheaper = World({"cheap": 0.999, "dear": 0.5}, {"cheap": 100, "dear": 1}, sd=0.002)
    assert not lost(cheaper.state(reached={"cheap": Reached(1, SIZE)}))


def test_an_untried_method_may_be_the_best_so_none_is_dropped_before_all_were_tried() -> None:
    world = World(EIGHT, DEARER, sd=0.01)
    state = world.state(reached={key: Reached(1, SIZE) for key in "agh"})
    assert not lost(state)
    assert not settled(state, "nli pt")


def test_a_larger_part_of_the_test_set_is_bought_where_it_helps() -> None:
    arms = [arm("a", 1), arm("paid", 2, sizes=(100, SIZE))]
    world = World({"a": 0.70, "paid": 0.73}, {}, sd=0.001, arms=arms)
    world.prices |= {"ask paid 100 0": ONE, "ask paid 1000 0": ONE}
    reached = {"a": Reached(1, SIZE), "paid": Reached(1, 100)}
    step = next_step(world.state(reached=reached))
    assert isinstance(step, Action)
    assert (step.arm.key, step.tried) == ("paid", Reached(1, SIZE))
    assert step.why.startswith("further test examples")


def test_an_unknown_price_is_found_by_running_only_if_no_price_is_known() -> None:
    world = World({"a": 0.7, "b": 0.7}, {"a": 1, "b": 1})
    world.prices["train a 0"] = None
    step = next_step(world.state())
    assert isinstance(step, Action)
    assert step.arm.key == "b"
    world.prices["train b 0"] = None
    step = next_step(world.state())
    assert isinstance(step, Action)
    assert step.price is None


# -- what is known ----------------------------------------------------------------------------


def test_more_seeds_and_examples_make_scores_surer_by_as_much_as_they_are_more() -> None:
    now = (Reached(1, 100), Reached(1, 100))
    examples = np.array([[4.0, 2.0], [2.0, 4.0]])
    outlook = Outlook(("a", "b"), np.array([0.5, 0.6]), examples, np.diag([9.0, 9.0]), now)
    after = outlook.after({"a": Reached(3, 400)})
    assert after.trainings == pytest.approx(np.diag([3.0, 9.0]))
    assert after.examples == pytest.approx(np.array([[1.0, 0.5], [0.5, 4.0]]))
    assert outlook.after({}).covariance == pytest.approx(outlook.covariance)


def test_the_cheapest_within_the_margin_is_chosen_and_else_the_one_of_least_regret() -> None:
    rule = Rule(np.array([3.0, 2.0, 1.0]), np.full(3, np.nan), 0.02)
    means = np.array([[0.80, 0.79, 0.70], [0.80, 0.70, 0.70]])
    sure = choose(rule, means, np.eye(3) * 1e-8)
    assert sure.index.tolist() == [1, 0]
    assert sure.shown.all()
    unsure = choose(rule, means, np.eye(3) * 0.03**2)
    assert unsure.index.tolist() == [0, 0]
    assert unsure.shown.tolist() == [False, True]


def test_with_a_worth_the_greatest_net_benefit_is_chosen() -> None:
    rule = Rule(np.array([5.0, 2.0, 1.0]), np.full(3, np.nan), 0.02, worth=100.0)
    assert choose(rule, np.array([[0.80, 0.78, 0.70]]), np.eye(3) * 1e-4).index.tolist() == [1]


def test_nothing_is_chosen_that_is_not_above_its_baseline() -> None:
    rule = Rule(np.array([1.0, 2.0]), np.array([0.6, 0.9]), 0.02)
    assert choose(rule, np.array([[0.7, 0.85]]), np.eye(2) * 1e-6).index.tolist() == [0]
    none = choose(rule, np.array([[0.5, 0.85]]), np.eye(2) * 1e-6)
    assert none.index.tolist() == [-1]
    assert not none.shown.any()


def test_a_try_gains_more_the_closer_its_method_is_and_nothing_where_all_is_known() -> None:
    reached = (Reached(1, SIZE),) * 3
    means = np.array([0.80, 0.785, 0.60])
    outlook = Outlook(("a", "b", "c"), means, np.eye(3) * 1e-5, np.eye(3) * 0.02**2, reached)
    rule = Rule(np.array([3.0, 2.0, 1.0]), np.full(3, np.nan), 0.02)
    seen = Prospect(outlook, rule, dict.fromkeys("abc", Reached(5, SIZE)))
    gains = {key: seen.gain({key: Reached(2, SIZE)}) for key in "abc"}
    assert gains["b"] > 0.02
    assert abs(gains["c"]) < 0.01
    assert seen.gain({"a": Reached(1, SIZE)}) == 0.0
    assert seen.chances.sum() == pytest.approx(1.0)
    assert seen.regret > 0


# -- played on scores that vary ----------------------------------------------------------------


def _benchmark() -> ModuleType:
    path = Path(__file__).parents[2] / "benchmarks" / "race.py"
    found = importlib.util.spec_from_file_location("race_benchmark", path)
    assert found is not None
    assert found.loader is not None
    made = importlib.util.module_from_spec(found)
    sys.modules[found.name] = made  # dataclasses look their module up
    found.loader.exec_module(made)
    return made


def test_a_clear_winner_is_decided_as_by_the_full_matrix_at_a_third_of_its_cost() -> None:
    played = _benchmark()
    build = partial(played.made, played.WORLDS["one clear winner"])
    rows = [played.repeat(build, (11, each), None) for each in range(6)]
    assert all(row.same and row.shown for row in rows)
    assert sum(row.share for row in rows) / len(rows) <= 1 / 3
    assert max(row.share for row in rows) < 0.5


def test_a_race_of_near_ties_keeps_its_budget_and_loses_no_more_than_the_margin() -> None:
    played = _benchmark()
    build = partial(played.made, played.WORLDS["two near the top"])
    rows = [played.repeat(build, (12, each), 1 / 3) for each in range(4)]
    assert all(row.share <= 1 / 3 for row in rows)
    assert all(row.regret <= 0.02 for row in rows)
