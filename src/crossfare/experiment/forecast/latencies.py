"""What timing requests takes: a call costs something whatever it translates, and more the longer its texts are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from crossfare.experiment.forecast.rates import Rate, line
from crossfare.experiment.stages.work import Timed
from crossfare.types import Step


@dataclass(frozen=True, slots=True)
class Calls:
    """Seconds of a call that translates nothing, and per character of it; both by the clock.

    ``busy`` is how many device-seconds a second of timing took: fewer than one where other work held it up.
    ``machines`` are what it was timed on.
    """

    fixed: float
    per_character: float
    where: str
    busy: float = 1.0
    machines: tuple[str, ...] = ()

    @classmethod
    def of(cls, timings: Iterable[Timed]) -> Calls | None:
        """A line through the batch sizes that were timed; None if they do not tell both."""
        found = [timed for timed in timings if timed.characters]
        points = [(each["batch_size"] * timed.characters, each["mean"]) for timed in found for each in timed.found]
        if len({length for length, _ in points}) < 2:
            return None
        fixed, slope = line(points)
        wheres = ", ".join(dict.fromkeys(timed.where for timed in found))
        if slope <= 0:
            return None
        source = f"{wheres} (a line through {len(points)} timings)"
        machines = dict.fromkeys(str(each["hardware"]) for timed in found for each in timed.found)
        return cls(max(0.0, fixed), slope, source, _busy(found), tuple(machines))

    def rate(self, step: Step, characters: float) -> Rate:
        """Seconds of a whole step that times requests of so many characters, as a rate of one unit."""
        asked = step.params["asked"]
        seconds = 0.0
        for size in asked["batch_sizes"]:
            each = self.fixed + self.per_character * size * characters
            seconds += calls(asked, each) * each * self.busy
        return Rate(0.75 * seconds, seconds, 1.25 * seconds, "step", self.where)


def _busy(found: Sequence[Timed]) -> float:
    known = [timed for timed in found if timed.seconds is not None]
    clock = sum(
        (each["n"] + timed.step.params["asked"]["warmup"]) * each["mean"] for timed in known for each in timed.found
    )
    return sum(timed.seconds or 0.0 for timed in known) / clock if clock else 1.0


def requests(asked: Mapping[str, Any], seconds: float) -> float:
    """How many requests are made to time batches, if one takes so many seconds."""
    return float(sum(calls(asked, seconds * size) * size for size in asked["batch_sizes"]))


def most_requests(asked: Mapping[str, Any]) -> int:
    """Requests that timing a translation sends at the most."""
    return sum(size * (asked["warmup"] + asked["repeats"]) for size in asked["batch_sizes"])


def calls(asked: Mapping[str, Any], seconds: float) -> float:
    """How often a batch is translated that takes so long."""
    fits = asked["max_seconds"] / max(1e-9, seconds)
    return float(min(asked["warmup"] + asked["repeats"], max(asked["warmup"] + 3, int(fits) + 1)))
