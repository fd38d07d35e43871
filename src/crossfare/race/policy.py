"""What a race does next: which method is tried further, which ones are dropped, and when it stops.

Pure: it looks at a state and says what to do, and running it is somebody else's work. So a race can be simulated from
results that are there, and one that was killed goes on where it was.

1.  Every method is tried with one seed, the cheapest first: small pilots. One is left out if it cannot be chosen even
    with a perfect score, as a cheaper one is already that good.
2.  A method is dropped once it has next to no chance of being chosen by the whole matrix, cost included, nor of being
    the best that the others are measured by.
3.  The next try is the one that makes the whole matrix's choice least doubtful for its price, weighed by the regret
    that is at stake in its decision.
4.  It stops where the choice is safe (the whole matrix would hardly choose another), the budget does not pay for any
    further try, or everything was run.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import cached_property, partial
from typing import Literal

import numpy as np

from crossfare.race.outlook import Outlook, Prospect, Reached, Rule

SAFE = 0.95
"""How probable it must be that the whole matrix would choose the same."""

PROBABLE = 0.5
"""How probable it must be that the whole matrix is enough evidence, for a race to go on till there is."""

LOST = 0.01
"""A method with less chance than this of being chosen, and of being the best, is dropped."""

_LEAST_GAIN = 1e-3  # what cannot be told from nothing: simulated futures are some hundreds
_LEAST_STAKE = 1e-4


@dataclass(frozen=True, slots=True)
class Expense:
    """What a step will take: USD as expected and at the most, and seconds."""

    usd: Decimal
    most: Decimal
    seconds: float

    def __add__(self, other: Expense) -> Expense:
        return Expense(self.usd + other.usd, self.most + other.most, self.seconds + other.seconds)


NOTHING = Expense(Decimal(0), Decimal(0), 0.0)


@dataclass(frozen=True, slots=True)
class Arm:
    """A method that may be chosen in a decision, and the steps that trying it takes.

    ``steps`` are by size of the test set, then by seed: of the first size those of the first seed, and so on. A method
    that is not trained has one seed. ``sizes`` grow, and the last one is the whole test set. ``total_usd`` is what the
    method costs over the horizon, as far as it is known.
    """

    key: str
    decision: str
    label: str
    steps: tuple[tuple[frozenset[str], ...], ...]
    sizes: tuple[int, ...]
    total_usd: Decimal = Decimal(0)

    @property
    def whole(self) -> Reached:
        """Everything that the matrix has of it."""
        return Reached(len(self.steps[-1]), self.sizes[-1])

    def needs(self, tried: Reached) -> frozenset[str]:
        """The steps of having tried it so far."""
        by_seed = self.steps[self.sizes.index(tried.examples)]
        return frozenset().union(*by_seed[: tried.seeds])

    def next(self, now: Reached | None) -> Iterator[Reached]:
        """The further tries that there are: a pilot, one more seed, the next size."""
        if now is None:
            yield Reached(1, self.sizes[0])
            return
        if now.seeds < self.whole.seeds:
            yield replace(now, seeds=now.seeds + 1)
        if now.examples < self.whole.examples:
            yield replace(now, examples=self.sizes[self.sizes.index(now.examples) + 1])


@dataclass(frozen=True, slots=True)
class Left:
    """What is left of the budget; None is no limit."""

    usd: Decimal | None = None
    seconds: float | None = None

    def pays(self, price: Expense) -> bool:
        """Whether it is enough, even at the most that it may cost."""
        return (self.usd is None or price.most <= self.usd) and (self.seconds is None or price.seconds <= self.seconds)

    def share(self, price: Expense) -> float:
        """The part of it that a price takes, of the budget that is scarcer; without one, the USD."""
        parts = [float(price.usd / self.usd)] if self.usd else []
        parts += [price.seconds / self.seconds] if self.seconds else []
        return max(parts or [float(price.usd)])


@dataclass(frozen=True)
class State:
    """All that a race knows. ``standings`` has the decisions of which methods were tried: their scores, and the rule.

    ``prices`` are those of steps by id, None where that cannot be told yet; ``done`` are finished.
    """

    arms: tuple[Arm, ...]
    prices: Mapping[str, Expense | None]
    reached: Mapping[str, Reached] = field(default_factory=dict)
    done: frozenset[str] = frozenset()
    standings: Mapping[str, tuple[Outlook, Rule]] = field(default_factory=dict)
    dropped: Mapping[str, str] = field(default_factory=dict)
    left: Left = Left()

    def racing(self, decision: str) -> tuple[Arm, ...]:
        """The methods that may still be chosen."""
        return tuple(arm for arm in self.arms if arm.decision == decision and arm.key not in self.dropped)

    def label(self, key: str) -> str:
        """What people call a method."""
        return next(arm.label for arm in self.arms if arm.key == key)

    @cached_property
    def decisions(self) -> tuple[str, ...]:
        """In order of first appearance."""
        return tuple(dict.fromkeys(arm.decision for arm in self.arms))

    @cached_property
    def prospects(self) -> dict[str, Prospect]:
        """What the whole matrix would say of each decision that something was tried of; what is dropped is left out."""
        found = {}
        for decision, (outlook, rule) in self.standings.items():
            goal = {arm.key: arm.whole for arm in self.racing(decision)}
            if not goal.keys().isdisjoint(outlook.keys):
                found[decision] = Prospect(outlook, rule, goal, self._rest(decision))
        return found

    def _rest(self, decision: str) -> float:
        """What it would cost to run all of the methods that still race, as far as that can be told."""
        steps = frozenset[str]().union(*(arm.needs(arm.whole) for arm in self.racing(decision))) - self.done
        return float(sum((price.usd for step in steps if (price := self.prices.get(step))), Decimal(0)))

    def price(self, arm: Arm, tried: Reached) -> Expense | None:
        """What a try takes beyond what is done; None if that cannot be told."""
        total = NOTHING
        for step in sorted(arm.needs(tried) - self.done):
            price = self.prices.get(step)
            if price is None:
                return None
            total = total + price
        return total


@dataclass(frozen=True, slots=True)
class Action:
    """Try a method so far, and why; ``price`` is what that is expected to take, None if it cannot be told."""

    arm: Arm
    tried: Reached
    price: Expense | None
    why: str
    gain: float = 0.0


@dataclass(frozen=True, slots=True)
class Stop:
    """The end: the choices are ``safe``, the ``budget`` pays for nothing further, or everything was ``complete``."""

    reason: Literal["safe", "budget", "complete"]
    why: str


def lost(state: State) -> dict[str, str]:
    """The methods that cannot win any more, each with why: to be dropped."""
    found: dict[str, str] = {}
    for decision in state.decisions:
        seen = state.prospects.get(decision)
        if seen is None:
            continue
        keys = seen.outlook.keys
        untried = [arm for arm in state.racing(decision) if arm.key not in keys]
        for arm in untried:
            if (cheaper := _as_good_as_any(seen, arm)) is not None:
                found[arm.key] = (
                    f"not tried: {state.label(cheaper)} costs less, and no score can be above its own by more than the "
                    "margin"
                )
        if untried:
            continue  # what is not known yet may be the best
        for arm in state.racing(decision):
            at = keys.index(arm.key)
            if at != seen.now and seen.chances[at] < LOST and seen.best[at] < LOST:
                found[arm.key] = _why_lost(state, seen, at)
    return found


def dropping(state: State) -> State:
    """The state without the methods that are lost."""
    found = lost(state)
    return replace(state, dropped={**state.dropped, **found}) if found else state


def _as_good_as_any(seen: Prospect, arm: Arm) -> str | None:
    """A method that costs no more than ``arm`` does, and is shown to be within the margin of a perfect score."""
    if seen.rule.worth is not None:
        return None
    sd = np.sqrt(np.diag(seen.outlook.covariance))
    for index, key in enumerate(seen.outlook.keys):
        ceiling = seen.outlook.means[index] - 1.645 * sd[index] >= 1 - seen.rule.margin
        if ceiling and seen.rule.costs[index] <= float(arm.total_usd):
            return key
    return None


def _why_lost(state: State, seen: Prospect, at: int) -> str:
    now = seen.now
    below = 100 * float(seen.outlook.means[now] - seen.outlook.means[at])
    how = (
        f"{below:.1f} points below {state.label(seen.outlook.keys[now])}"
        if below >= 0
        else "dearer, and not better by enough"
    )
    return f"{how}: the whole matrix would choose it in {100 * seen.chances[at]:.1f} % of cases"


def settled(state: State, decision: str) -> bool:
    """Whether a decision is safe: all were tried, and the whole matrix would hardly choose another.

    What is ahead was picked for a high score, which may be luck: it is trained twice before anything is decided.
    """
    seen = state.prospects.get(decision)
    if seen is None or any(arm.key not in seen.outlook.keys for arm in state.racing(decision)):
        return False
    return seen.sure >= SAFE and not _untested(state, seen) and not _showable(seen)


def _showable(seen: Prospect) -> bool:
    """Whether what is ahead is not shown to be within the margin yet, and would be by the whole matrix, more likely."""
    return not seen.shown_now and seen.shown >= PROBABLE


def _untested(state: State, seen: Prospect) -> bool:
    """Whether what is ahead was trained once, and might be again."""
    ahead = seen.outlook.keys[seen.now] if seen.now >= 0 else ""
    return any(arm.key == ahead and state.reached[ahead].seeds < min(2, arm.whole.seeds) for arm in state.arms)


def next_step(state: State) -> Action | Stop:
    """What to do next; the methods that are `lost` are dropped before."""
    if there := next(filter(None, map(partial(_there, state), state.arms)), None):
        return there
    open_ = [decision for decision in state.decisions if not settled(state, decision)]
    if not open_:
        return Stop("safe", _safe(state))
    pilots = [arm for decision in open_ for arm in state.racing(decision) if arm.key not in state.reached]
    possible = [
        (arm, tried, state.price(arm, tried))
        for arm in (pilots or [arm for decision in open_ for arm in state.racing(decision)])
        for tried in arm.next(state.reached.get(arm.key))
    ]
    payable = [(arm, tried, price) for arm, tried, price in possible if price is None or state.left.pays(price)]
    if payable:
        known = [(arm, tried, price) for arm, tried, price in payable if price is not None]
        if not known:
            return Action(*payable[0], "its price is not known before something was run")
        return _pilot(known) if pilots else _further(state, known)
    if possible:
        return Stop("budget", _too_dear(state, possible))
    return Stop("complete", "everything that could still change a choice was run")


def _further(state: State, known: Sequence[tuple[Arm, Reached, Expense]]) -> Action:
    """A second seed of what is ahead where nothing else is open, or else the try that is worth its price."""
    if again := [each for each in known if _once_more(state, each[0], each[1])]:
        return Action(*min(again, key=lambda each: state.left.share(each[2])), "second seed of what is ahead")
    open_ = [each for each in known if state.prospects[each[0].decision].sure < SAFE]
    return _best(state, open_) if open_ else _evidence(state, known)


def _evidence(state: State, known: Sequence[tuple[Arm, Reached, Expense]]) -> Action:
    """The try that makes a choice, which would hardly be another, surer for its price."""

    def worth(each: tuple[Arm, Reached, Expense]) -> float:
        arm, tried, price = each
        outlook = state.prospects[arm.decision].outlook
        at = outlook.keys.index(arm.key)
        taken = outlook.covariance[at, at] - outlook.after({arm.key: tried}).covariance[at, at]
        return float(taken) / max(1e-9, state.left.share(price))

    return Action(*max(known, key=worth), "the choice is the likely one, and not shown yet")


def _there(state: State, arm: Arm) -> Action | None:
    """What can be known of a method without running anything: its steps are there, from another run."""
    now, best = state.reached.get(arm.key), None
    for size, rows in zip(arm.sizes, arm.steps, strict=True):
        for seeds in range(1, len(rows) + 1):
            tried = Reached(seeds, size)
            more = now is None or (seeds >= now.seeds and size >= now.examples and tried != now)
            if more and arm.needs(tried) <= state.done:
                best = tried
    if best is None or arm.key in state.dropped:
        return None
    return Action(arm, best, NOTHING, "there already, from another run")


def _once_more(state: State, arm: Arm, tried: Reached) -> bool:
    """Whether a try is the second seed of what is ahead, where nothing else is open than whether that was luck."""
    seen = state.prospects[arm.decision]
    ahead = seen.sure >= SAFE and _untested(state, seen) and arm.key == seen.outlook.keys[seen.now]
    return ahead and tried.seeds > state.reached[arm.key].seeds


def _pilot(known: Sequence[tuple[Arm, Reached, Expense]]) -> Action:
    arm, tried, price = min(known, key=lambda each: (each[2].usd, each[2].seconds))
    return Action(arm, tried, price, "pilot: the cheapest that was not tried")


def _best(state: State, known: Sequence[tuple[Arm, Reached, Expense]]) -> Action:
    """The try that makes choices least doubtful for its price, weighed by the regret at stake."""
    rated = []
    for arm, tried, price in known:
        seen = state.prospects[arm.decision]
        gain = max(_LEAST_GAIN * _moved(seen, arm.key, tried), seen.gain({arm.key: tried}))
        stake = max(_LEAST_STAKE, seen.regret)
        rated.append((gain * stake / max(1e-9, state.left.share(price)), gain, arm, tried, price))
    _, gain, arm, tried, price = max(rated, key=lambda each: each[0])
    what = "seed" if tried.seeds > state.reached[arm.key].seeds else "test examples"
    why = f"further {what}: two whole matrices would agree {100 * gain:.1f} points more often"
    return Action(arm, tried, price, why, gain)


def _moved(seen: Prospect, key: str, tried: Reached) -> float:
    """The share of a method's variance that a try takes away: what decides where no gain can be told."""
    at = seen.outlook.keys.index(key)
    before = seen.outlook.covariance[at, at]
    after = seen.outlook.after({key: tried}).covariance[at, at]
    return float(1 - after / before) if before else 0.0


def _safe(state: State) -> str:
    """What the whole matrix would say, decision by decision."""
    told = []
    for decision, seen in state.prospects.items():
        if seen.now < 0:
            what = "would show none to be above the trivial baseline"
        else:
            what = f"would choose {state.label(seen.outlook.keys[seen.now])} too, or nothing that pays for running it,"
        enough = (
            "" if seen.now < 0 or seen.shown_now else f" (and be enough to recommend it in {seen.shown:.0%} of cases)"
        )
        told.append(f"{decision}: the whole matrix {what} with probability {seen.sure:.2f}{enough}")
    return "; ".join(told)


def _too_dear(state: State, possible: Sequence[tuple[Arm, Reached, Expense | None]]) -> str:
    prices = [(price.most, price.seconds) for _, _, price in possible if price is not None]
    usd, seconds = min(prices)
    left = [] if state.left.usd is None else [f"{state.left.usd:.4f} USD"]
    left += [] if state.left.seconds is None else [f"{state.left.seconds / 60:.1f} minutes"]
    return f"the next try takes up to {usd:.4f} USD and {seconds / 60:.1f} minutes, and {' and '.join(left)} are left"
