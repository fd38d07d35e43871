"""Answers that are projected back: how much of it has to be translated (see `crossfare.translate.back_projection`).

Most answers are found as they stand. The others are translated by themselves, and a few of those in their marked
sentence: which shows only once a model has answered. Then they are counted; before, they are told from what other
steps sent, in characters for each character of the gold answers, since answers are as long as their dataset has them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from crossfare.experiment.forecast.passages import Rehearsing
from crossfare.experiment.forecast.rates import spread
from crossfare.experiment.stages.back_project import candidates
from crossfare.experiment.stages.keys import Find, answer_keys
from crossfare.experiment.stages.work import Material, gold
from crossfare.store import Store
from crossfare.translate.back_projection import BackProjector
from crossfare.translate.segments import translate_segments
from crossfare.types import Step, Usage

# Measured on the embedded world and on FaQuAD by Apertium: 0.28 to 0.98 characters for one of a gold answer, and a
# text for every second to fifth answer.
_ASSUMED = (0.25, 0.6, 1.0)
_TEXTS = 0.35
_FEW = 3
_NOTE = "answers to project back: for one character of a gold answer 0.6 are assumed to be translated (0.25 to 1)"


@dataclass(frozen=True, slots=True)
class Sent:
    """Characters at the least, as expected and at the most; requests as expected, 0 of an engine that makes none.

    ``bound`` is the most that can be billed, where that is known.
    """

    characters: tuple[float, float, float]
    requests: int
    note: str = ""
    bound: Usage | None = None

    @property
    def exact(self) -> bool:
        """Whether nothing is left to be seen."""
        return self.characters[0] == self.characters[2]


def counted(step: Step, rehearsed: Rehearsing, store: Store) -> Sent | None:
    """What a step will send whose model has answered already; None if it has not, or words are aligned first.

    What the first way sends is certain. What it leaves to others shows only with its translations: that is expected to
    be nothing, since few answers come so far, and at the most all that the first way has sent.
    """
    needed = (*step.inputs["predictions"], *step.inputs["translated"], *step.inputs["data"])
    ways = [way for way in step.params["ways"] if way != "align" or step.params["aligner"]]
    if ways[:1] in ([], ["align"]) or not all(store.done(name) for name in needed):
        return None
    places = [place for answer in candidates(step, store) for place in answer.places]
    source, target = str(step.params["source"]), str(step.params["target"])
    least, most = rehearsed(step), rehearsed(step)
    for engine, tried in ((least, ways[:1]), (most, [way for way in ways if way != "align"])):
        BackProjector(source=source, target=target, engine=engine, ways=tried).project(places)
    characters, at_most = (engine.usage.characters or 0 for engine in (least, most))
    return Sent((characters, characters, at_most), least.requests or 0, bound=most.usage)


def forecast(
    step: Step, asked: Material, rehearsed: Rehearsing, learnt: Mapping[str, Sequence[float]], find: Find
) -> Sent:
    """What a step will send for questions, by what others sent, or else by what is assumed.

    ``learnt`` has characters for each of a gold answer, by `answer_keys`.
    """
    expected, times = gold(asked.dataset), int(step.params["n_best"]) * asked.copies
    known = next(((at, learnt[key]) for at, key in enumerate(answer_keys(step, find)) if key in learnt), None)
    if known is None:
        shares = _ASSUMED
    else:  # a model fine-tuned anew answers otherwise: a few measurements are no more than kin
        shares = spread(known[1], sum(known[1]) / len(known[1]), kin=known[0] > 0 or len(known[1]) < _FEW)
    low, middle, high = (share * times * sum(map(len, expected)) for share in shares)
    engine = rehearsed(step)
    some = list(dict.fromkeys(expected))[: round(_TEXTS * len(expected))]
    translate_segments(some, engine, source=str(step.params["source"]), target=str(step.params["target"]))
    requests = round((engine.requests or 0) * times)
    return Sent((low, middle, high), requests, "" if known else _NOTE)
