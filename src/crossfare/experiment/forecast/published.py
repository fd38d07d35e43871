"""What Rosa et al. (2021) publish, for a forecast that has nothing of its own to go by.

Their hours are of a V100 (translation) and of a TPU v3-8 (rerankers), so seconds that follow from
them are priced at that hardware's price of their day, whatever the run's own hardware costs.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from crossfare.experiment.forecast.rates import Rate
from crossfare.experiment.spec_engine import EngineSpec
from crossfare.ledger import Catalogue, Price
from crossfare.paper import PublishedScore
from crossfare.paper.audit import DAY
from crossfare.paper.plan import cell_name
from crossfare.paper.published import inputs, printed
from crossfare.paper.rows import kind, matching
from crossfare.types import RunSpec

V100, TPU = "paper-v100-mean", "tpu-v3-8"

# The tasks by their names, here and below: what the paper measured is of its own three.
_HOURS = {"qa": "squad-open", "nli": "mnli-open", "ranking": "collection-open"}
_PAIRS_A_STEP, _STEPS = Decimal(128), Decimal(100_000)


def rates() -> tuple[tuple[str, str, Rate], ...]:
    """(stage, task, rate): translation by open models; fine-tuning and inference of rerankers.

    Hours of a training set are first of all per example, since Tables 6 and 7 do not count what was sent: they leave
    white space out, and a paragraph of SQuAD was translated for each of its questions (section 4.2: 1.4 s each).
    """
    given = inputs()
    found = []
    for task, name in _HOURS.items():
        hours = given[name]
        # The printed cost of translating SQuAD is that of one hour; the text says 34.
        least = 34 if task == "qa" else 1
        for amount, unit, what in _sizes(task):
            stated = hours.value * 3600 / amount
            source = f"published: {hours.value} h on a V100 for {amount:,.0f} {what} ({hours.source})"
            rate = Rate(float(stated / least), float(stated), float(stated), unit, source, V100)
            more = ("translate-collection", "translate-candidates") if task == "ranking" else ()
            found += [(stage, task, rate) for stage in ("translate", *more)]
    tuning, inference = given["fine-tuning"], given["inference"]
    pairs = given["dev-queries"].value * given["candidates"].value
    per_pair = (
        ("finetune", tuning.value * 3600 / (_STEPS * _PAIRS_A_STEP), tuning.source),
        ("predict", inference.value * 3600 / pairs, inference.source),
    )
    for stage, seconds, source in per_pair:
        value = float(seconds)
        found.append((stage, "ranking", Rate(value, value, value, "example", f"published: TPU v3-8 ({source})", TPU)))
    return tuple(found)


def _sizes(task: str) -> tuple[tuple[Decimal, str, str], ...]:
    """What the hours of a task were for: so many, of which unit, called what; what is to be gone by comes first."""
    given = {name: each.value for name, each in inputs().items()}
    if task == "ranking":
        return ((given["msmarco-collection"], "character", "characters"),)
    if task == "nli":
        return (given["mnli-rows"], "example", "pairs"), (given["mnli-train"], "character", "characters")
    questions, paragraphs = given["squad-questions"], given["squad-train"] / given["squad-train/each"]
    shares = (given[f"squad12-bare-{part}"] / given["squad12-bare"] for part in ("context", "question"))
    context, question = (given["squad-train"] * share for share in shares)
    sent = context * questions / paragraphs + question
    return (questions, "example", "questions"), (sent, "character", "characters, a paragraph for each question")


def prices(catalogue: Catalogue) -> tuple[Price, ...]:
    """The prices of the hardware that published hours are of, on the paper's day, open-ended."""
    return tuple(replace(catalogue.get(offer, DAY), valid_to=None) for offer in (V100, TPU))


def latency_ms(cell: RunSpec, engine: EngineSpec) -> tuple[float, str] | None:
    """What translating a batch of 32 adds, and where that is printed; None if the paper has no such figure."""
    found = printed().get(cell_name(cell.task, cell.method, "latency", kind(engine)))
    if found is None:
        return None
    hardware = " on a V100" if kind(engine) == "open" else ""
    return float(found.figure) * 1000, f"published: a batch of 32{hardware} (Rosa et al. 2021, Table 1)"


def quality(cell: RunSpec, engine: EngineSpec | None) -> PublishedScore | None:
    """The paper's score of the same method, kind of engine and role of the model, in the same language."""
    return next(iter(matching(cell, kind(engine) if engine else None)), None)
