"""The run directory: what a later reader needs, written once all is known."""

from __future__ import annotations

import importlib.metadata
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

import crossfare
from crossfare import meter, run_folder
from crossfare.compare import CellStanding, Contest, contests, standings
from crossfare.compare.runs import FORMAT, RESULTS
from crossfare.compare.standings import beliefs
from crossfare.errors import StaleArtifact
from crossfare.experiment.cell import CellSteps
from crossfare.experiment.methods import METHODS
from crossfare.experiment.results import results as results_of
from crossfare.experiment.spec import Spec
from crossfare.ledger.book import COMPUTE, STORAGE, Book
from crossfare.paper.rows import places
from crossfare.report import Context, Table, cost_table, energy_table, quality_table, task_tables, write_tables
from crossfare.store import Store, write_json, write_text
from crossfare.strict import dump_yaml, parse_json, read_json
from crossfare.translate.engines import asked_for
from crossfare.types import Result, RunSpec

_PACKAGES = ("torch", "transformers", "tokenizers", "ctranslate2", "numpy", "sentencex", "sentencepiece")


@dataclass(frozen=True, slots=True)
class Run:
    """A finished run: where it lies, what it found, and the tables that show it."""

    folder: Path
    results: tuple[Result, ...]
    missing: tuple[tuple[RunSpec, str], ...]
    contests: tuple[Contest, ...]
    tables: tuple[Table, ...]


def write(
    place: run_folder.RunFolder,
    spec: Spec,
    plan: Sequence[CellSteps],
    book: Book,
    store: Store,
    absent: tuple[tuple[RunSpec, str], ...],
    more: Mapping[str, Any] | None = None,
    *,
    beside: bool = False,
) -> Run:
    """Write the run directory of these cells; ``absent`` are the others, each with what kept it from being run.

    ``more`` are further files of the run by name, as plain data; ``beside`` shows the paper's figures below the run's.
    """
    results = results_of(plan, book, store)
    believed = beliefs(results)
    found = contests(results, believed)
    context = replace(_context(spec, results, standings(results, believed), absent), beside=beside)
    record = _record(spec, results, found, book, store, absent)
    facts = {"crossfare": crossfare.__version__, **record["provenance"]["packages"], "hardware": meter.hardware_name()}
    facts |= {"machine": ", ".join(record["provenance"]["machines"]) or "not recorded"}
    asked = record["provenance"]["engines"]
    facts |= {
        f"engine {name}": ", ".join(f"{key}: {value}" for key, value in each.items()) for name, each in asked.items()
    }
    with place.rewriting() as folder:
        write_text(folder / "spec.yaml", dump_yaml(portable(spec)))
        book.write(folder / "ledger.jsonl")
        _link_steps(folder / "steps", book, store)
        write_tables(results, folder / "tables", context, catalogue=book.catalogue, facts=facts)
        write_json(folder / "results.json", record)
        for name, content in (more or {}).items():
            write_json(folder / name, content)
    shown = (
        *(table for task in spec.tasks for table in task_tables(results, task, context).values()),
        quality_table(results, context),
        cost_table(results, context),
        *((energy,) if (energy := energy_table(results, context)) else ()),
    )
    return Run(place.path, results, absent, found, shown)


def _context(
    spec: Spec, results: Sequence[Result], known: Mapping[str, CellStanding], absent: Sequence[tuple[RunSpec, str]]
) -> Context:
    """What the tables say beyond the results."""
    cells = (*(result.spec for result in results), *(cell for cell, _ in absent))
    return Context(
        methods=METHODS,
        engine_notes={name: engine.note for name, engine in spec.engines.items() if engine.note},
        missing=absent,
        standings=known,
        data_names={name: task.name for name, task in spec.tasks.items() if task.name},
        published=places(cells, spec.engines),
        two_class=frozenset(name for name, task in spec.tasks.items() if task.train.labels == "two-class"),
    )


def portable(spec: Spec) -> dict[str, Any]:
    """The spec without the folder its data lay in, which is nobody else's business."""
    return spec.model_dump(mode="json", exclude={"data_dir"}, exclude_defaults=True)


def _link_steps(folder: Path, book: Book, store: Store) -> None:
    folder.mkdir()
    for step_id in {entry.step_id for entry in book}:
        (folder / step_id).symlink_to(store.folder(step_id), target_is_directory=True)


def _record(
    spec: Spec,
    results: Sequence[Result],
    found: Sequence[Contest],
    book: Book,
    store: Store,
    absent: Sequence[tuple[RunSpec, str]],
) -> dict[str, Any]:
    """Everything a later reader needs: what was found, from what, with what, at which prices."""
    return {
        "format": FORMAT,
        "name": spec.name,
        "made": datetime.now(UTC).isoformat(timespec="seconds"),
        "results": parse_json(RESULTS.dump_json(tuple(results)), "results"),
        "missing": [{"cell": cell.id, "reason": reason} for cell, reason in absent],
        "comparisons": parse_json(TypeAdapter(tuple[Contest, ...]).dump_json(tuple(found)), "comparisons"),
        "total_usd": str(book.total(entry.step_id for entry in book).usd),
        "data": _reports(book, store),
        "provenance": {**provenance(book), "engines": _settings(spec)},
    }


def _settings(spec: Spec) -> dict[str, dict[str, str]]:
    """What the spec's engines ask of services that would choose for themselves else."""
    found = {name: asked_for(engine.engine, engine.options) for name, engine in spec.engines.items()}
    return {name: each for name, each in found.items() if each}


def _reports(book: Book, store: Store) -> dict[str, Any]:
    """What loading repaired, translation lost and training left out, by step, with the ids."""
    reports = {}
    for entry in book:
        for name in ("report.json", "yield.json", "training.json"):
            path = store.artifact(entry.step_id) / name
            if path.exists():
                reports[entry.step_id] = {"label": entry.label, **read_json(path, error=StaleArtifact)}
    return reports


def provenance(book: Book) -> dict[str, Any]:
    """Versions, hardware, and the price records used with their dates and sources."""
    names = {name for entry in book for name in entry.resources} | {COMPUTE} | ({STORAGE} if book.stores else set())
    records = [book.catalogue.get(book.offer(name)) for name in sorted(names)]
    return {
        "crossfare": crossfare.__version__,
        "python": platform.python_version(),
        "packages": {name: version for name in _PACKAGES if (version := _version(name))},
        "hardware": meter.hardware_name(),
        "machines": list(dict.fromkeys(entry.usage.machine for entry in book if entry.usage.machine)),
        "offers": {name: offer for name, offer in book.offers.items() if name in names},
        "prices": {
            price.ref: {
                "amount": str(price.amount),
                "currency": price.currency,
                "unit": price.unit,
                "per": str(price.per),
                "checked": price.checked.isoformat(),
                "source": price.source,
                "terms": {
                    name: str(value)
                    for name in ("free_per_month", "fee_per_month", "minimum_per_month")
                    if (value := getattr(price, name)) is not None
                },
                **{
                    name: str(value)
                    for name in ("usd_rate", "output_amount", "cached_amount")
                    if (value := getattr(price, name)) is not None
                },
            }
            for price in records
        },
    }


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None
