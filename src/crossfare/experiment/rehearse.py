"""The one engine that sends nothing: estimates, dry runs, forecasts and budgets count by it what will be billed.

Whatever translates is rehearsed as it is, with an engine that passes for the real one and gives every text back. Of
answers that a cascade translates by themselves, to search for them, only the least (none) and the most (every one)
can be told so: how many they are shows once it has aligned them, and a share is measured by what finished translations
did, or else assumed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from crossfare.experiment.charges import NOTHING, Charge, Within, counted
from crossfare.translate import Markers, Projection, TranslatedDataset, translate_dataset
from crossfare.translate.memory import ReadOnlyMemory
from crossfare.translate.spans import SURE_FORWARD
from crossfare.types import Dataset, Engine, Metered, Translation, Usage

# Of the characters of all answers, those of 300 questions of XQuAD, en-es by Apertium (docs/span-projection.md):
# without tags 790 of 4,050; where the engine keeps tags none was unsure.
_WITHOUT_TAGS, _WITH_TAGS = 0.2, 0.0


class Rehearsed(Within):
    """An engine that sends nothing: it gives every text back, and adds up what it would have been billed for.

    ``usage`` has requests and characters, and where tokens are billed the most that they can be.
    """

    def __init__(self, engine: Engine, charge: Charge | None) -> None:
        super().__init__(engine)
        self.charge = charge
        self.texts = 0
        self.usage = NOTHING

    @property
    def by_request(self) -> bool:
        """Whether it is asked by the request, which somebody bills or counts."""
        timed = getattr(self.engine, "billing", "") == "seconds"
        return self.charge is not None or isinstance(self.engine, Metered) or not timed

    def translate(self, texts: Sequence[str], *, source: str, target: str) -> Translation:  # noqa: ARG002
        """Return ``texts``."""
        most = self.counted(texts, source)
        self.texts += len(texts)
        self.usage += most
        return Translation(tuple(texts), most)

    def counted(self, texts: Sequence[str], source: str) -> Usage:
        """What translating texts is billed for."""
        if self.charge:
            return self.charge.most(self.engine, texts, source)
        return sum((usage for _, usage in counted(self.engine, texts, source, None)), NOTHING)

    def per_character(self, texts: Sequence[str], source: str) -> float:
        """Characters that are billed for one of these texts, each sent alone; 1 if there are none."""
        total = sum(map(len, texts))
        return sum(self.counted([text], source).characters or 0 for text in texts) / total if total else 1.0

    @property
    def requests(self) -> int | None:
        """How many requests that was; None where none are made."""
        return self.usage.requests if self.by_request else None


class TextByText(Within):
    """An engine each of whose texts counts as a request: what it gives stands for what an API would send."""

    def batches(self, texts: Sequence[str]) -> list[range]:
        """One text a request."""
        return [range(i, i + 1) for i in range(len(texts))]

    def translate(self, texts: Sequence[str], *, source: str, target: str) -> Translation:
        """As the engine within."""
        return self.engine.translate(texts, source=source, target=target)


class Rehearsal(NamedTuple):
    """An engine that was rehearsed, and the dataset as it would come out but for its language."""

    tried: Rehearsed
    made: TranslatedDataset


def rehearse(
    dataset: Dataset,
    engine: Engine,
    charge: Charge | None,
    *,
    target: str,
    markers: Markers | None,
    projection: Projection | None,
    memory: ReadOnlyMemory | None = None,
) -> tuple[Rehearsal, Rehearsal]:
    """Go through a translation without sending anything: what it sends at the least, and at the most.

    Raises:
        CrossfareError: what the translation itself would raise.
    """

    def through(by: Projection | None) -> Rehearsal:
        tried = Rehearsed(engine, charge)
        made = translate_dataset(dataset, tried, target=target, memory=memory, markers=markers, projection=by)
        return Rehearsal(tried, made)

    least = through(projection and projection.rehearsed())
    if projection is None or not projection.sends_later:
        return least, least
    if least.tried.texts or memory is None:
        return least, through(projection.rehearsed(searching=True))
    # The translations of all contexts are here: which answers are searched for can be seen.
    sure = through(projection)
    return sure, sure


def assumed(*, keeps_tags: bool) -> float:
    """The share of the characters of answers that is taken to be searched for where none was measured."""
    return _WITH_TAGS if keeps_tags else _WITHOUT_TAGS


def searched(report: Mapping[str, Any]) -> float | None:
    """The share of the characters of answers that a finished translation searched for; None if it has no answer.

    ``report`` is that of the translation as plain data. Answers are taken at the length of their translation, lost ones
    at the mean.
    """
    answers = report["answers"]
    if not answers:
        return None
    lost = len(report["answers_dropped"]) + sum(not each["reason"].startswith("lint") for each in report["lost"])
    unsure = [each for each in answers if each["method"] == "match" or each["confidence"] < SURE_FORWARD]
    total, of_lost = _length(answers), lost * _length(answers) / len(answers)
    return (_length(unsure) + of_lost) / (total + of_lost)


def _length(answers: Sequence[Mapping[str, Any]]) -> int:
    return sum(len(each["text"]) for each in answers)


def between(least: Usage, most: Usage, share: float) -> Usage:
    """So much of what lies between the least and the most."""
    return least if least == most else least.scaled(1 - share) + most.scaled(share)
