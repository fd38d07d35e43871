"""What Rosa et al. (2021) publish, for a forecast that has nothing of its own to go by.

Their hours are of a V100 (translation) and of a TPU v3-8 (rerankers), so seconds that follow from
them are priced at that hardware's price of their day, whatever the run's own hardware costs.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from crossfare.experiment.forecast.rates import Rate
from crossfare.experiment.spec import EngineSpec
from crossfare.ledger import Catalogue, Price
from crossfare.paper import PublishedScore, published_scores
from crossfare.paper.audit import DAY
from crossfare.paper.published import inputs, printed
from crossfare.types import RunSpec

V100, TPU = "paper-v100-mean", "tpu-v3-8"

_TRAINING = {"qa": "squad-train", "nli": "mnli-train", "ranking": "msmarco-collection"}
_HOURS = {"qa": "squad-open", "nli": "mnli-open", "ranking": "collection-open"}
_PAIRS_A_STEP, _STEPS = Decimal(128), Decimal(100_000)


def rates() -> tuple[tuple[str, str, Rate], ...]:
    """(stage, task, rate): translation by open models; fine-tuning and inference of rerankers."""
    given = inputs()
    found = []
    for task, name in _HOURS.items():
        hours, characters = given[name], given[_TRAINING[task]]
        stated = hours.value * 3600 / characters.value
        # The printed cost of translating SQuAD is that of one hour; the text says 34.
        implied = stated / 34 if task == "qa" else stated
        source = f"published: {hours.value} h on a V100 for {characters.value:,} characters ({hours.source})"
        rate = Rate(float(implied), float(stated), float(stated), "character", source, V100)
        stages = ("translate", "translate-collection", "translate-candidates") if task == "ranking" else ("translate",)
        found += [(stage, task, rate) for stage in stages]
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


def prices(catalogue: Catalogue) -> tuple[Price, ...]:
    """The prices of the hardware that published hours are of, on the paper's day, open-ended."""
    return tuple(replace(catalogue.get(offer, DAY), valid_to=None) for offer in (V100, TPU))


def latency_ms(cell: RunSpec, engine: EngineSpec) -> tuple[float, str] | None:
    """What translating a batch of 32 adds, and where that is printed; None if the paper has no such figure."""
    task = {"translate-infer-strategy-1": "ranking-1", "translate-infer-strategy-2": "ranking-2"}.get(
        cell.method, cell.task
    )
    name = f"{task}-latency-{kind(engine)}"
    found = printed().get(name)
    if found is None:
        return None
    hardware = " on a V100" if kind(engine) == "open" else ""
    return float(found.figure) * 1000, f"published: a batch of 32{hardware} (Rosa et al. 2021, Table 1)"


def quality(cell: RunSpec, engine: EngineSpec | None) -> PublishedScore | None:
    """The paper's score of the same method, kind of engine and role of the model, in the same language.

    The detailed tables (2, 3, 5) come before Table 1.
    """
    if cell.gold_size is not None:
        return None
    wanted = kind(engine) if engine else None
    found = [
        score
        for score in published_scores(cell.task, language=cell.target)
        if (score.method, score.model) == (cell.method, cell.model) and score.engine in (None, wanted)
    ]
    found.sort(key=lambda score: (score.table == 1, score.table))
    return found[0] if found else None


def kind(engine: EngineSpec) -> str:
    """What the paper would call an engine: "open" if it runs on one's own hardware, else "commercial"."""
    return "commercial" if engine.price or engine.engine in {"existing", "reference"} else "open"
