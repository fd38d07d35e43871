"""The steps of one cell of the matrix, by the part they play in its cost."""

from __future__ import annotations

from dataclasses import dataclass

from crossfare.types import RunSpec, Step


@dataclass(frozen=True, slots=True)
class CellSteps:
    """The steps of one cell by the part they play; ``all`` is in an order that can be executed.

    ``train``      the datasets the model is fine-tuned on
    ``gold``       those labelled for this run in the target language
    ``one_time``   translations paid once: of the training set, or of a collection
    ``recurring``  translations of what is asked when serving
    ``finetune``   None for a baseline that is not trained
    ``inference``  what answers: retrieval, prediction
    ``source_side`` the score as the paper has it, of answers on the source side (QA by translating at
                   inference); the steps that only it needs are no part of the cell's costs
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
    all: tuple[Step, ...]
    source_side: Step | None = None
    parents: tuple[CellSteps, ...] = ()
    first_stage: Step | None = None
    collection: Step | None = None

    @property
    def fine_tunings(self) -> tuple[Step, ...]:
        """The fine-tuning of its model, or of its parents' models."""
        own = (self.finetune,) if self.finetune else ()
        found = (*own, *(step for parent in self.parents for step in parent.fine_tunings))
        return tuple({step.id: step for step in found}.values())


@dataclass(frozen=True, slots=True)
class Training:
    """What a model is fine-tuned on; ``gold`` and ``translations`` say what had to be paid for it."""

    train: tuple[Step, ...]
    gold: tuple[Step, ...]
    translations: tuple[Step, ...]
