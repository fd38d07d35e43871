"""What is known of one kind of step: all of it stands in the file of its stage, and nowhere else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from crossfare.experiment.files import Execution
from crossfare.experiment.stages.keys import Find
from crossfare.experiment.stages.work import Work
from crossfare.ledger.book import COMPUTE
from crossfare.store import Store
from crossfare.types import Step, Usage

if TYPE_CHECKING:
    from crossfare.experiment.forecast.counting import Counter
    from crossfare.experiment.forecast.measurements import Measurements


def own_device(_: Step, __: str, ___: str) -> tuple[str, ...]:
    """What most steps use: device time."""
    return (COMPUTE,)


def the_engine(_: Step, __: str, engine: str) -> tuple[str, ...]:
    """What translating uses: its engine, whatever that bills."""
    return (f"engine:{engine}",)


def nothing_learnt(_: Measurements, __: Step, ___: Usage, ____: Store) -> None:
    """What most steps tell besides their time."""


@dataclass(frozen=True, slots=True)
class Stage:
    """One kind of step.

    Making it:
        ``run``       makes the artifact of a step; ``version`` is raised when it makes something else
        ``packages``  what it cannot do without, besides what crossfare itself needs
        ``reads``     whether it reads files of a spec: of examples, or of passages
        ``makes``     whether that is what it makes
        ``weight``    seconds of a step in relation to other stages'; only the order of starting depends on it
        ``alone``     whether it is timed, with no other process on the machine
    Paying for it:
        ``resources`` what a step uses that has a price, by the step, its cell's task and its engine
    Forecasting it:
        ``work``      how much a step has to do, counted beforehand
        ``unit``      what its rate is per; "" of a stage that takes no time worth mentioning
        ``did``       how much of that a finished step did; None if it does not tell
        ``keys``      what its speed depends on, from its own settings to its kin; ``kin`` says what each leaves open
        ``like``      the stage that does the same work: they have one rate
        ``else_like`` the stage whose rate is taken where it has none of its own
        ``called``    what of the spec names it where a rate is stated: the engine or the checkpoint
        ``answers``   whether it translates answers: short texts, so that most tokens billed are the instruction
        ``learn``     what a finished step tells besides its time; ``size`` how many weights its model has
    """

    run: Execution
    work: Callable[[Step, Counter], Work]
    version: int = 1
    packages: tuple[str, ...] = ()
    reads: Literal["", "examples", "passages"] = ""
    makes: Literal["", "examples", "passages"] = ""
    weight: int = 1
    alone: bool = False
    resources: Callable[[Step, str, str], tuple[str, ...]] = own_device
    unit: str = ""
    did: Callable[[Step, Usage, Store], float | None] = lambda *_: None
    keys: Callable[[Step, Find], tuple[str, ...]] = lambda *_: ("",)
    kin: tuple[str, ...] = ("",)
    like: str = ""
    else_like: str = ""
    called: Literal["", "engine", "checkpoint"] = ""
    answers: bool = False
    learn: Callable[[Measurements, Step, Usage, Store], None] = nothing_learnt
    size: Callable[[Step, Store], int | None] = lambda *_: None
