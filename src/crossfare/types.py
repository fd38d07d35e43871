"""The vocabulary. Read this file first: every stage speaks in these types.

Offsets count Unicode code points. Scores are fractions in 0-1. Times are seconds.
Languages are BCP-47 tags ("en", "pt", "pt-BR", "de", "vi").
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, fields
from decimal import Decimal
from typing import Any, Literal, Protocol, runtime_checkable

TaskName = Literal["qa", "nli", "ranking"]

# The canonical NLI labels. Files that say "None" (ASSIN), "NEUTRAL" (SICK) or a number are
# mapped to these when read and mapped back when written.
NLI_LABELS = ("entailment", "neutral", "contradiction")

Progress = Callable[[int, int], None]
"""Called as ``progress(done, total)``; the unit (texts, batches, steps) is the stage's own."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A gold or predicted span: ``context[start:start + len(text)] == text``."""

    text: str
    start: int


@dataclass(frozen=True, slots=True)
class QAExample:
    """One question about one context (SQuAD v1.1: at least one answer, each a span of the context)."""

    id: str
    context: str
    question: str
    answers: tuple[Answer, ...]
    title: str | None = None


@dataclass(frozen=True, slots=True)
class PairExample:
    """A premise and a hypothesis; ``label`` is None where annotators did not agree or none is given.

    ``extra`` carries the file's own further columns (genre, similarity) unread, so that writing
    the dataset back loses nothing.
    """

    id: str
    premise: str
    hypothesis: str
    label: str | None
    extra: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Passage:
    """A text of a ranking collection."""

    id: str
    text: str


@dataclass(frozen=True, slots=True)
class RankingExample:
    """A query, a passage that answers it, and passages that do not: what a reranker is fine-tuned on."""

    id: str
    query: str
    positive: str
    negatives: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class QueryExample:
    """A query and what was judged for it: what retrieval and reranking are tested on.

    ``judgements`` are (passage id, grade) pairs, a grade of 1 or more meaning relevant; a passage
    that nobody judged counts as not relevant.
    """

    id: str
    query: str
    judgements: tuple[tuple[str, int], ...]


Example = QAExample | PairExample | RankingExample | QueryExample


@dataclass(frozen=True, slots=True)
class Dataset:
    """Examples of one task in one language.

    ``revision`` identifies the content (see `content_revision`); ``origin`` names the translation
    that made it ("marian-en-de@1f3a"), or is None for original data.
    """

    name: str
    task: TaskName
    split: str
    language: str
    examples: tuple[Example, ...]
    revision: str = ""
    origin: str | None = None

    def __len__(self) -> int:
        return len(self.examples)


@dataclass(frozen=True, slots=True)
class Usage:
    """What a piece of work consumed: a fact, never money.

    None means "not measured", 0 means "measured, and nothing was used". ``seconds`` are
    device-seconds, what an offer of device time bills: one core or one accelerator busy for one second,
    here or at a service. Of a service behind an API, three times are told apart: ``served_seconds`` from
    sending a request to its answer, ``waited_seconds`` of pauses and of attempts that came to nothing
    (both by the clock), and ``worked_seconds``, the processor time of this process; its ``seconds`` are
    those served, times the devices that are declared to serve it. A request that was sent and never
    answered is counted as if it had been billed. ``annotated`` counts examples labelled by people.
    ``energy_by`` says how the energy of the process is known: by hardware counters
    or by an estimate. ``stored_bytes`` is what has to be kept on disk. ``measured`` is False for figures
    derived instead of observed.
    """

    seconds: float | None = None
    requests: int | None = None
    characters: int | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    annotated: int | None = None
    energy_kwh: float | None = None
    energy_by: str | None = None
    stored_bytes: int | None = None
    served_seconds: float | None = None
    waited_seconds: float | None = None
    worked_seconds: float | None = None
    hardware: str | None = None
    measured: bool = True

    def __add__(self, other: Usage) -> Usage:
        """Add field by field; an unmeasured field stays unmeasured only if both are."""

        def plus(name: str) -> Any:
            a, b = getattr(self, name), getattr(other, name)
            return b if a is None else a if b is None else a + b

        def both(a: str | None, b: str | None) -> str | None:
            return f"{a}+{b}" if a and b and a != b else a or b

        sums = {f.name: plus(f.name) for f in fields(self) if f.name not in {"hardware", "energy_by", "measured"}}
        return Usage(
            **sums,
            hardware=both(self.hardware, other.hardware),
            energy_by=both(self.energy_by, other.energy_by),
            measured=self.measured and other.measured,
        )

    def scaled(self, factor: float) -> Usage:
        """So many times the amounts, counts rounded: derived, not measured, unless the factor is 1."""

        def times(name: str) -> Any:
            value = getattr(self, name)
            return value if value is None else value * factor if isinstance(value, float) else round(value * factor)

        amounts = {f.name: times(f.name) for f in fields(self) if f.name not in {"hardware", "energy_by", "measured"}}
        measured = self.measured and factor == 1
        return Usage(**amounts, hardware=self.hardware, energy_by=self.energy_by, measured=measured)


@dataclass(frozen=True, slots=True)
class Translation:
    """What an engine returns: same order, same length; a segment that failed is None, never ""."""

    texts: tuple[str | None, ...]
    usage: Usage


@runtime_checkable
class Engine(Protocol):
    """A way to translate. One method; everything else describes it.

    ``name``         the engine's name in a spec and in the tables
    ``revision``     changes whenever the same input could give another output (weights, decoding)
    ``granularity``  "sentence" for models trained on single sentences, "document" for engines
                     that take a whole paragraph in one call
    """

    @property
    def name(self) -> str:
        """The engine's name in a spec and in the tables."""

    @property
    def revision(self) -> str:
        """What identifies its output."""

    @property
    def granularity(self) -> Literal["sentence", "document"]:
        """What it prefers to be given in one call."""

    def translate(self, texts: Sequence[str], *, source: str, target: str) -> Translation:
        """Translate ``texts``; raise an `EngineError` if nothing could be done at all."""


@runtime_checkable
class Metered(Protocol):
    """An engine that is asked, and as a rule billed, by the request. Engines that run here need not be it.

    Whoever translates many texts sends the requests one by one, each as a call of `Engine.translate`,
    so that every answer can be kept before the next is paid for. An engine without ``batches`` is
    given as many texts as memory allows: local models are faster when they see many at once.
    """

    def batches(self, texts: Sequence[str]) -> list[range]:
        """The requests that these texts (none of them blank) take, in order, as ranges of their indices.

        Every text is in exactly one range, and translating the texts of one range, or a part of
        them, is exactly one billed request (several only for a single text that is too long for one).
        """


@runtime_checkable
class Itemised(Protocol):
    """An engine that knows better than its price's counting rule what it will be billed for."""

    def itemised(self, texts: Sequence[str], *, source: str) -> Iterable[tuple[Sequence[str], Usage]]:
        """The requests that translating ``texts`` takes: of each what is sent, and its characters as they are billed.

        If every request is answered at once, that is the bill; every attempt is billed alike.
        """


Paying = Callable[[Sequence[str], Usage], AbstractContextManager[Callable[[Usage], None]]]
"""Is entered with the texts of one request, and the requests and characters it can be billed for, before it is sent.

It may raise `BudgetExceeded`. What it yields is told what the request was billed for. Where that is never said, the
request was sent and its fate is unknown: it counts as billed.
"""


@runtime_checkable
class PaidByRequest(Protocol):
    """An engine that asks before every request, each repetition too, whether it may be paid."""

    def translate_paying(self, texts: Sequence[str], *, source: str, target: str, paying: Paying) -> Translation:
        """As `Engine.translate`; `BudgetExceeded` passes through."""


@runtime_checkable
class Probing(Protocol):
    """An engine that tells a text that cannot be translated from a service that cannot translate.

    It asks again for a text that was answered before.
    """

    def answered_before(self, text: str, *, source: str, target: str) -> None:
        """Hear of a text that it has translated, in this process or in an earlier one."""


@dataclass(frozen=True, slots=True)
class Prediction:
    """A model's output for one example: the answer text, the label, or the id of the best passage.

    ``start`` is the answer's offset in the context (QA). ``scores`` are per-label probabilities
    (NLI), the n-best span scores (QA), or the ranked passages by id with their scores (ranking,
    where a first-stage run is of this type too), best first.
    """

    id: str
    output: str
    start: int | None = None
    scores: tuple[tuple[str, float], ...] = ()


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


@dataclass(frozen=True, slots=True)
class Latency:
    """Seconds added per call of ``batch_size`` inputs, warm-up excluded."""

    batch_size: int
    n: int
    mean: float
    p50: float
    p95: float
    p99: float
    hardware: str


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
    ``tasks``     the tasks it exists for
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
    tasks: tuple[TaskName, ...] = ("qa", "nli", "ranking")
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
    ``runtime`` holds knobs that must not change the result (batch sizes, devices, paths).
    """

    stage: str
    params: Mapping[str, Any]
    inputs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    version: int = 1
    label: str = field(default="", compare=False)
    runtime: Mapping[str, Any] = field(default_factory=dict, compare=False)

    @property
    def id(self) -> str:
        """The stage and the hash of everything that changes its result."""
        body = {"stage": self.stage, "version": self.version, "params": self.params, "inputs": self.inputs}
        return f"{self.stage}-{digest(body)}"


def canonical_json(value: Any) -> str:
    """Serialise to the one JSON text that identifies ``value``: sorted keys, no blanks, no NaN."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def digest(value: Any, length: int = 16) -> str:
    """Hash a JSON-serialisable value (SHA-256 of its canonical JSON, ``length`` hex digits)."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()[:length]


def content_revision(examples: Sequence[Example]) -> str:
    """Identify examples by their content, independent of file format."""
    hasher = hashlib.sha256()
    for example in examples:
        values = [getattr(example, f.name) for f in fields(example)]
        if isinstance(example, QAExample):
            values[3] = [[a.text, a.start] for a in example.answers]
        hasher.update(canonical_json(values).encode())
    return hasher.hexdigest()[:16]


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
    its content: scores are paired across runs only where it is the same. Both are None in runs made before they
    were recorded.

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
    steps: tuple[str, ...] = ()
    stored_bytes: int | None = None
    energy_kwh: float | None = None
    energy_kwh_per_1k: float | None = None
    translation_latency: tuple[Latency, ...] = ()
    one_answer: str | None = None
    baseline: float | None = None
    tested: str | None = None
    model_notes: tuple[str, ...] = ()
