"""Methods, the cells and steps that a comparison is made of, and what they come to. Scores are fractions in 0-1."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal

from crossfare.types.examples import TaskName, digest


@dataclass(frozen=True, slots=True)
class Score:
    """One metric on one dataset, with its 95 % bootstrap interval.

    ``per_example`` is aligned with ``ids``; paired tests between methods are made from them.
    """

    metric: str
    value: float
    n: int
    low: float
    high: float
    signature: str
    ids: tuple[str, ...] = ()
    per_example: tuple[float, ...] = ()


BUSY = 0.25
"""From which load on a machine is called busy: a quarter of its processors' time went to other work."""


@dataclass(frozen=True, slots=True)
class Latency:
    """Seconds added per call of ``batch_size`` inputs, warm-up excluded.

    ``load`` is which part of the machine's processors other work took meanwhile; None if that is not known.
    """

    batch_size: int
    n: int
    mean: float
    p50: float
    p95: float
    p99: float
    hardware: str
    load: float | None = None

    @property
    def busy(self) -> bool:
        """Whether the machine had so much else to do that calls may have had to wait."""
        return self.load is not None and self.load > BUSY


@dataclass(frozen=True, slots=True)
class Cost:
    """Money for some usage. ``price`` names the price record it was derived from."""

    usd: Decimal
    price: str = ""

    def __add__(self, other: Cost) -> Cost:
        names = [n for n in (self.price, other.price) if n]
        return Cost(self.usd + other.usd, " + ".join(dict.fromkeys(names)))


Side = Literal["source", "target", "translated", "round-trip"]


@dataclass(frozen=True, slots=True)
class Method:
    """A way across the language barrier, as data (paper section 3).

    ``train_on``  what the model is fine-tuned on: the source data, its translation, both, gold
                  data in the target language, or source data translated there and back ("round-trip")
    ``infer_on``  what the model reads when serving: the target input, or its translation
    ``models``    which encoders the method is run with
    ``tasks``     the tasks it exists for, all that there are if none is named
    ``passages``  ranking by translation: whether the whole collection is translated, once (the
                  paper's strategy 1), or each query's candidates when serving (strategy 2)
    ``parents``   the methods whose predictions are combined, for an ensemble; its model is that of
                  the last parent, the others have the first model they are listed with

    A method that trains on nothing is a baseline of ranking: its model ranks as it is.
    """

    name: str
    train_on: tuple[Side, ...]
    infer_on: Literal["target", "translated"]
    models: tuple[str, ...]
    tasks: tuple[TaskName, ...] = ()
    passages: Literal["collection", "candidates"] | None = None
    parents: tuple[str, ...] = ()

    @property
    def translates(self) -> bool:
        """Whether the method needs a translation engine at all."""
        return self.infer_on == "translated" or self.trains_on_translation

    @property
    def trains_on_translation(self) -> bool:
        """Whether an engine makes what its model is fine-tuned on."""
        return not {"translated", "round-trip"}.isdisjoint(self.train_on)


@dataclass(frozen=True, slots=True)
class RunSpec:
    """One cell of the matrix: a method, made concrete.

    ``model`` is the encoder's role ("target-encoder", "source-encoder"), ``checkpoint`` the
    reference it stands for in this run; ``engine_label`` is how tables name the engine.
    ``gold_size`` is how many of the gold examples are learnt from, None for all there are.
    ``train_engine`` translates the training data of an ensemble if it is another one than ``engine``,
    which then translates what is asked.
    """

    task: TaskName
    method: str
    model: str
    source: str
    target: str
    engine: str | None
    seed: int
    checkpoint: str = ""
    engine_label: str | None = None
    gold_size: int | None = None
    train_engine: str | None = None
    train_engine_label: str | None = None

    @property
    def engines(self) -> dict[str, str]:
        """How tables name its engines, by name; that of the training data first, where it is another one."""
        given = ((self.train_engine, self.train_engine_label), (self.engine, self.engine_label))
        return {name: label or name for name, label in given if name}

    @property
    def variant(self) -> str:
        """The method, with its number of labels where it learns from a part of the gold data."""
        return self.method if self.gold_size is None else f"{self.method} ({self.gold_size:,} labels)"

    @property
    def id(self) -> str:
        """A readable, stable name: task|method|model=checkpoint|languages|engine|seed."""
        return f"{self.without_seed}|{self.seed}"

    @property
    def without_seed(self) -> str:
        """The cell that runs with different seeds are repetitions of."""
        model = f"{self.model}={self.checkpoint}" if self.checkpoint else self.model
        method = self.method if self.gold_size is None else f"{self.method}@{self.gold_size}"
        return "|".join((self.task, method, model, f"{self.source}-{self.target}", "+".join(self.engines) or "-"))


@dataclass(frozen=True, slots=True)
class Step:
    """The cached unit of work. ``id`` hashes what changes the result and nothing else.

    ``inputs`` maps a role ("train", "model") to the ids of the steps it is filled from;
    ``runtime`` holds knobs that must not change the result (batch sizes, devices, paths). ``label`` is for people;
    ``name`` is what the spec calls the model that is fine-tuned.
    """

    stage: str
    params: Mapping[str, Any]
    inputs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    version: int = 1
    label: str = field(default="", compare=False)
    runtime: Mapping[str, Any] = field(default_factory=dict, compare=False)
    name: str = field(default="", compare=False)
    id: str = field(init=False, compare=False, repr=False)
    """The stage and the hash of everything that changes its result."""

    def __post_init__(self) -> None:
        body = {"stage": self.stage, "version": self.version, "params": self.params, "inputs": self.inputs}
        object.__setattr__(self, "id", f"{self.stage}-{digest(body)}")  # asked for a hundred thousand times by a run


@dataclass(frozen=True, slots=True)
class Yield:
    """How many examples survived a translation; the lost ones are listed by id, never silently."""

    kept: int
    total: int
    lost: tuple[str, ...] = ()

    @property
    def rate(self) -> float:
        """Kept examples as a fraction of all."""
        return self.kept / self.total if self.total else 1.0


Share = Literal[
    "translation",
    "annotation",
    "fine_tuning",
    "translation_per_1k",
    "inference_per_1k",
    "supporting",
    "measuring",
]
"""The part of a cell's cost that a step is: three that are paid once, and two that are paid with every request.

Steps that support a method (loading, mining, validating, scoring) are among what it costs alone; what only measures
it (timing, the paper's score on the source side) is not.
"""


@dataclass(frozen=True, slots=True)
class Result:
    """One cell of the matrix, measured and priced: a line of the paper's Table 1.

    Costs are in USD. None means that the method has nothing of the kind: no translation at that
    point, no gold data, no fine-tuning.
    ``standalone`` is what the method would have cost alone; ``marginal`` what it added to this
    run, given the steps it shares with cells listed before it.

    QA by translating at inference is scored as it is served: answers are projected back into the
    original context and compared with the target language's gold, lost ones counting as wrong, and
    ``latency`` has translating and projecting. The paper scores on the source side; that is shown
    beside it, as ``source_f1`` and ``source_exact_match`` among ``further_scores``, with
    ``translation_latency``, of translating alone. Its steps are no part of the costs.

    In NLI and ranking, too, what was lost in translation when serving (``test_yield``) counts as wrong.

    ``one_answer`` is what its model answers to everything in QA and NLI ("" for nothing): such a fine-tuning has not
    converged. None where answers differ, as they should. ``model_notes`` say what of the model that was fine-tuned
    was not used, and why.

    ``baseline`` is what a trivial system scores on the same test set: in NLI the most frequent label, in QA the whole
    context or the most frequent answer, in ranking what the first stage finds. ``tested`` identifies the test set by
    its content: scores are paired across runs only where it is the same. ``held`` is how many examples its file holds
    in the language asked for: a score may be of fewer, where a part was asked for, answers were lost or labels are
    missing. All are None in runs made before they were recorded. ``test_notes`` say what is doubtful about scores on
    it.

    ``steps`` are the steps it needs, in an order that can be executed, each with its part in the costs.

    ``stored_bytes`` is what its translations that were paid once take on disk. ``energy_kwh`` is the electricity
    of what is done once, ``energy_kwh_per_1k`` of serving 1,000 examples: of the processes of this run, not of
    providers; None where a step was not metered.
    """

    spec: RunSpec
    score: Score
    further_scores: tuple[Score, ...]
    train_examples: int
    translation: Cost | None
    annotation: Cost | None
    fine_tuning: Cost | None
    translation_per_1k: Cost | None
    inference_per_1k: Cost
    standalone: Cost
    marginal: Cost
    latency: tuple[Latency, ...] = ()
    train_yield: Yield | None = None
    test_yield: Yield | None = None
    steps: Mapping[str, Share] = field(default_factory=dict)
    stored_bytes: int | None = None
    energy_kwh: float | None = None
    energy_kwh_per_1k: float | None = None
    translation_latency: tuple[Latency, ...] = ()
    one_answer: str | None = None
    baseline: float | None = None
    tested: str | None = None
    model_notes: tuple[str, ...] = ()
    test_notes: tuple[str, ...] = ()
    held: int | None = None

    @property
    def scored(self) -> str | None:
        """Of how many examples the score is, "1 of 7", where that is not all of them; None if it is, or not known."""
        return None if self.held is None or self.score.n >= self.held else f"{self.score.n:,} of {self.held:,}"
