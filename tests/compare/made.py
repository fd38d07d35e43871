"""Decisions made up by hand, and run directories with results and a ledger that belong together."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

import yaml
from pydantic import TypeAdapter

from crossfare.compare import Component, Decision, Option, UnitPrice
from crossfare.compare.runs import FORMAT
from crossfare.ledger import Book, Catalogue, Entry
from crossfare.ledger.costs import Needs, costs
from crossfare.types import Latency, Result, RunSpec, Score, Share, TaskName, Usage, Yield

OFFERS = {
    "compute": "cpu-core",
    "annotation:nli": "annotation-nli",
    "engine:open": "compute",
    "engine:reference": "google-translate",
}
ENGINES: Mapping[str, Any] = {
    "open": {"engine": "ctranslate2", "label": "Open S"},
    "reference": {"engine": "reference", "price": "google-translate"},
}
TESTED = 40


# -- decisions --------------------------------------------------------------------------------


def option(
    name: str, quality: float, fixed: str, per_1k_usd: str, latency_ms: float | None = 0.0, half: float = 0.05
) -> Option:
    """A method whose costs are stated in dollars: of "money", at a dollar the unit; ``half`` its interval's width."""
    return Option(
        key=name,
        label=name,
        fixed=(Component("translation", "money", Decimal(fixed)),),
        recurring=(Component("inference", "money", Decimal(per_1k_usd)),),
        quality=quality,
        low=quality - half,
        high=quality + half,
        latency_ms=latency_ms,
    )


def decision(options: Sequence[Option]) -> Decision:
    """Methods of whose scores the intervals alone are known."""
    rates = {"money": UnitPrice(Decimal(1), Decimal(1), "example", "made")}
    return Decision("nli", "pt", "accuracy", rates, tuple(options))


# -- run directories --------------------------------------------------------------------------


@dataclass(frozen=True)
class Made:
    """A cell to make: how many of the test examples it gets right, and what its parts used."""

    method: str
    right: int
    engine: str | None = None
    model: str = "target-encoder"
    target: str = "pt"
    seed: int = 0
    task: TaskName = "nli"
    gold_size: int | None = None


CELLS = (
    Made("zero-shot", 20),
    Made("translate-train", 26, "open"),
    Made("translate-train", 34, "reference"),
    Made("translate-infer", 30, "open"),
    Made("translate-infer", 33, "reference"),
    Made("in-language", 12),
)


def run(
    folder: Path,
    cells: Sequence[Made] = CELLS,
    *,
    name: str = "made",
    hardware: str = "2 test cores",
    offers: Mapping[str, str] = OFFERS,
    speed: float = 1.0,
    spec: Mapping[str, Any] | None = None,
    stored: int | None = None,
    baseline: float | None = 0.0,
    tested: str | None = "the test set",
    jitter: Callable[[str], float] | None = None,
) -> Path:
    """Write a run directory; the same cell with the same seed has the same steps.

    ``stored`` is the size in bytes of each translated training set, where it was measured. ``baseline`` and ``tested``
    are what a trivial system scores and what identifies the test set; None as in runs that did not record them.
    ``jitter`` is how many times as long each step took, by its id.
    """
    offers = dict(offers) | ({"storage": "gcs-standard"} if stored else {})
    entries = {cell: _entries(cell, speed, stored) for cell in cells}
    if jitter:
        entries = {
            cell: {part: _off(entry, jitter(entry.step_id)) for part, entry in own.items()}
            for cell, own in entries.items()
        }
    book = Book(Catalogue.load(), offers, [entry for own in entries.values() for entry in own.values()])
    specs = {cell: _spec(cell) for cell in cells}
    needs = [Needs(_shares(own), TESTED, TESTED) for own in entries.values()]
    priced = costs(book, needs)
    measured = (_result(cell, specs[cell], entries[cell], found) for cell, found in zip(entries, priced, strict=True))
    results = tuple(replace(result, baseline=baseline, tested=tested) for result in measured)
    used = sorted({resource for entry in book for resource in entry.resources} | {"storage"} & set(offers))
    prices = [book.catalogue.get(book.offer(resource)) for resource in used]
    record = {
        "format": FORMAT,
        "name": name,
        "results": json.loads(TypeAdapter(tuple[Result, ...]).dump_json(results)),
        "provenance": {
            "hardware": hardware,
            "offers": offers,
            "prices": {
                price.ref: {
                    "amount": str(price.amount),
                    "currency": price.currency,
                    "unit": price.unit,
                    "per": str(price.per),
                    "checked": price.checked.isoformat(),
                    "source": price.source,
                    "terms": {},
                }
                for price in prices
            },
        },
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "results.json").write_text(json.dumps(record), encoding="utf-8")
    book.write(folder / "ledger.jsonl")
    values = spec or {"name": name, "tasks": {"nli": {"train": "world:nli"}}, "engines": dict(ENGINES)}
    (folder / "spec.yaml").write_text(yaml.safe_dump(values), encoding="utf-8")
    return folder


def _off(entry: Entry, times: float) -> Entry:
    seconds = entry.usage.seconds
    return entry if seconds is None else replace(entry, usage=replace(entry.usage, seconds=seconds * times))


def _spec(cell: Made) -> RunSpec:
    label = {"open": "Open S", "reference": "Reference", None: None}[cell.engine]
    return RunSpec(
        cell.task,
        cell.method,
        cell.model,
        "en",
        cell.target,
        cell.engine,
        cell.seed,
        f"tiny:{cell.model}",
        label,
        cell.gold_size,
    )


def _entries(cell: Made, speed: float, stored: int | None) -> dict[str, Entry]:
    """The steps of a cell, by the part they play; the source's training set is shared."""
    name = f"{cell.method}-{cell.engine}-{cell.model}-{cell.target}" + (f"-{cell.gold_size}" if cell.gold_size else "")
    engine = (f"engine:{cell.engine}",)
    found = {"data": Entry("dataset-en", "dataset", "nli train en", Usage(seconds=1.5), ())}
    if cell.method == "translate-train":
        label = f"nli {cell.engine} en-{cell.target}: training set"
        used = Usage(seconds=speed * 12.345, characters=306_575, stored_bytes=stored)
        found["translation"] = Entry(f"translate-train-{cell.engine}-{cell.target}", "translate", label, used, engine)
    if cell.method == "translate-infer":
        label = f"nli {cell.engine} {cell.target}-en: test {cell.target}"
        used = Usage(seconds=speed * 1.75, characters=4_321)
        found["translation_per_1k"] = Entry(
            f"translate-test-{cell.engine}-{cell.target}", "translate", label, used, engine
        )
    if cell.method == "in-language":
        labels, what = cell.gold_size or 300, f"{cell.target}-{cell.gold_size}" if cell.gold_size else cell.target
        found["annotation"] = Entry(
            f"dataset-{what}", "dataset", f"nli gold {cell.target}", Usage(annotated=labels), ("annotation:nli",)
        )
    used = Usage(seconds=speed * (20 + cell.seed))
    found["fine_tuning"] = Entry(f"finetune-{name}-{cell.seed}", "finetune", "nli fine-tune tiny", used)
    found["inference_per_1k"] = Entry(
        f"predict-{name}-{cell.seed}", "predict", f"nli predict {cell.target}", Usage(seconds=speed * 0.5)
    )
    found["score"] = Entry(f"score-{name}-{cell.seed}", "score", "nli score", Usage(seconds=0.01))
    if cell.method == "translate-infer" and cell.engine == "open":
        found["latency"] = Entry(f"latency-{name}", "latency", "nli open: latency", Usage(seconds=3.0))
    return found


def _shares(entries: Mapping[str, Entry]) -> dict[str, Share]:
    other: dict[str, Share] = {"data": "supporting", "score": "supporting", "latency": "measuring"}
    return {entry.step_id: other.get(part, cast("Share", part)) for part, entry in entries.items()}


def _result(cell: Made, spec: RunSpec, entries: Mapping[str, Entry], priced: Mapping[str, Any]) -> Result:
    ids = tuple(f"{cell.task}-{n}" for n in range(TESTED))
    # Seeds get other examples right, as many of them.
    values = tuple(float((n + cell.seed) % TESTED < cell.right) for n in range(TESTED))
    mean = sum(values) / TESTED
    served = "translation_per_1k" in entries
    return Result(
        spec=spec,
        score=Score("accuracy", mean, TESTED, max(0, mean - 0.1), min(1, mean + 0.1), "accuracy|v:1", ids, values),
        further_scores=(),
        train_examples=100,
        **priced,
        latency=(Latency(32, 5, 0.2, 0.2, 0.3, 0.4, "test"), Latency(1, 5, 0.011, 0.01, 0.02, 0.03, "test"))
        if "latency" in entries
        else (),
        test_yield=Yield(TESTED, TESTED) if served else None,
        steps=_shares(entries),
    )
