"""Run directories of format 1, which named no parts: what a step was in the costs is told from its label.

Only these are read so: from format 2 on, results say of every step which part of the cost it is.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from crossfare.ledger import Entry
from crossfare.ledger.book import COMPUTE, STORAGE
from crossfare.types import Share

_ANSWERS_KNOWN = ", answers known"
_AND_BACK = ", there and back"
_TRANSLATED: Mapping[str, Share] = {"training set": "translation", "validation set": "supporting"}
_BY_STAGE: Mapping[str, Share] = {
    "existing": "translation",
    "translate-collection": "translation",
    "translate-candidates": "translation_per_1k",
    "back-project": "translation_per_1k",
    "finetune": "fine_tuning",
    "predict": "inference_per_1k",
    "embed": "inference_per_1k",
    "ensemble": "inference_per_1k",
    "latency": "measuring",
}


def upgraded(record: Mapping[str, Any], entries: Sequence[Entry], *, own_device: Collection[str]) -> dict[str, Any]:
    """The record of a run as this version writes it; ``own_device`` are the engines that no offer prices.

    Raises:
        KeyError, TypeError, AttributeError: it is not the record of a run.
    """
    shares = {entry.step_id: _share(entry) for entry in entries}
    results = [
        {**result, "steps": {step: shares.get(step, "supporting") for step in result["steps"]}}
        for result in record["results"]
    ]
    provenance = record["provenance"]
    stored = [ref for ref, price in provenance["prices"].items() if price["unit"] == "gigabyte-month"]
    offers = {STORAGE: _offer(stored[0])} if stored else {}
    for result in results:
        offers |= _offers(result)
    offers |= dict.fromkeys((f"engine:{name}" for name in own_device), COMPUTE)
    return {**record, "results": results, "provenance": {**provenance, "offers": offers}}


def _offers(result: Mapping[str, Any]) -> dict[str, str]:
    """Which offer priced which resource: a cost names the price records it was derived from."""
    spec = result["spec"]
    costs = {
        f"engine:{spec.get('train_engine') or spec['engine']}": result["translation"],
        f"engine:{spec['engine']}": result["translation_per_1k"],
        f"annotation:{spec['task']}": result["annotation"],
        COMPUTE: result["fine_tuning"] or result["inference_per_1k"],
    }
    return {resource: _offer(cost["price"]) for resource, cost in costs.items() if cost and cost["price"]}


def _offer(refs: str) -> str:
    """The offer of "offer@day", which " + exchange-rate:eur@day" follows where the price is in EUR."""
    return refs.partition(" + ")[0].rpartition("@")[0]


def _share(entry: Entry) -> Share:
    stage, what = entry.stage, entry.label.rpartition(": ")[2].removesuffix(_AND_BACK)
    if entry.label.endswith(_ANSWERS_KNOWN):
        return "measuring"
    if any(resource.startswith("annotation:") for resource in entry.resources):
        return "annotation"
    if stage == "translate":
        return _TRANSLATED.get(what, "translation_per_1k")
    if stage == "retrieve":
        mines = any(f"over collection {split} " in entry.label for split in ("train", "validation"))
        return "supporting" if mines else "inference_per_1k"
    return _BY_STAGE.get(stage, "supporting")
