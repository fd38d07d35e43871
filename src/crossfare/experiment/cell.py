"""The steps of one cell of the matrix, by the part they play in its cost."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from crossfare.types import RunSpec, Share, Step


def distinct(steps: Iterable[Step]) -> tuple[Step, ...]:
    """Steps without repetition, order kept."""
    return tuple({step.id: step for step in steps}.values())


@dataclass(frozen=True, slots=True)
class CellSteps:
    """The steps of one cell by the part they play.

    ``train``      the datasets the model is fine-tuned on
    ``gold``       those labelled for this run in the target language
    ``one_time``   translations paid once: of the training set, or of a collection
    ``recurring``  translations of what is asked when serving
    ``finetune``   None for a baseline that is not trained
    ``inference``  what answers: retrieval, prediction
    ``needed``     the score and all that it needs, in an order that can be executed
    ``measuring``  what is timed, and scored on the source side, and all that these need, in such an order too
    ``source_side`` the score as the paper has it, of answers on the source side (QA by translating at inference)
    ``parents``    the cells that an ensemble combines: it has no model of its own
    ``first_stage`` what finds the candidates that are reranked (ranking), None where nothing does
    ``collection`` the passages that the test queries are about (ranking), before any translation
    """

    cell: RunSpec
    train: tuple[Step, ...]
    gold: tuple[Step, ...]
    one_time: tuple[Step, ...]
    recurring: tuple[Step, ...]
    finetune: Step | None
    inference: tuple[Step, ...]
    test: Step
    score: Step
    latency: tuple[Step, ...]
    needed: tuple[Step, ...]
    measuring: tuple[Step, ...] = ()
    source_side: Step | None = None
    parents: tuple[CellSteps, ...] = ()
    first_stage: Step | None = None
    collection: Step | None = None

    @property
    def all(self) -> tuple[Step, ...]:
        """Every step, in an order that can be executed."""
        return distinct((*self.needed, *self.measuring))

    @property
    def shares(self) -> dict[str, Share]:
        """The part of the cell's cost that each step is, by its id, in an order that can be executed."""
        found: dict[str, Share] = {step.id: "measuring" for step in self.all}
        found |= {step.id: "supporting" for step in self.needed}
        played: tuple[tuple[Share, tuple[Step, ...]], ...] = (
            ("inference_per_1k", self.inference),
            ("translation_per_1k", self.recurring),
            ("fine_tuning", self.fine_tunings),
            ("translation", self.one_time),
            ("annotation", self.gold),
        )
        return found | {step.id: share for share, steps in played for step in steps}

    @property
    def fine_tunings(self) -> tuple[Step, ...]:
        """The fine-tuning of its model, or of its parents' models."""
        own = (self.finetune,) if self.finetune else ()
        found = (*own, *(step for parent in self.parents for step in parent.fine_tunings))
        return distinct(found)


@dataclass(frozen=True, slots=True)
class Training:
    """What a model is fine-tuned on; ``gold`` and ``translations`` say what had to be paid for it."""

    train: tuple[Step, ...]
    gold: tuple[Step, ...]
    translations: tuple[Step, ...]
