"""What the figures of a run rest on: what translation lost, what every step used, versions and prices."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from crossfare.compare import RunRecord
from crossfare.ledger import STALE_AFTER_DAYS, Entry
from crossfare.report import numbers
from crossfare.report.names import metric_name
from crossfare.report.table import MISSING, Cell, Column, Table

_SHOWN = 5  # lost examples shown of each translation


@dataclass(frozen=True, slots=True)
class LostExample:
    """An example that translation lost: why, and what the engine made of it."""

    id: str
    reason: str
    excerpt: str


@dataclass(frozen=True, slots=True)
class LostExamples:
    """The first examples that one translation lost, and how many more there are."""

    label: str
    shown: tuple[LostExample, ...]
    more: int


def yield_table(record: Mapping[str, Any]) -> Table:
    """How much of every dataset survived its translation."""
    rows = tuple(
        (
            Cell(str(report["label"])),
            Cell(f"{report['kept']:,}", str(report["kept"])),
            Cell(f"{report['total']:,}", str(report["total"])),
            Cell(numbers.percent(report["kept"] / report["total"] if report["total"] else 1.0)),
            Cell(f"{len(report.get('report', {}).get('answers_dropped', ())):,}"),
        )
        for report in _translations(record)
    )
    columns = (
        Column("Translation"),
        *(Column(title, number=True) for title in ("Kept", "Of", "Yield", "Answers dropped")),
    )
    note = (
        "Lost: examples whose answer could not be found again, or whose translation failed. Questions lost on the "
        "way of translate-infer count as wrong in QA; in the other tasks its scores are those of what was kept. "
        "Answers dropped: of examples that kept another answer."
    )
    return Table("Translation yield", columns, rows, (note,))


def translation_quality_table(record: Mapping[str, Any]) -> Table:
    """What lint found in every translation, and its scores where there is a reference.

    Runs made before there was lint have no rows.
    """
    reports = [report for report in _translations(record) if report.get("report", {}).get("lint")]
    linted = [report["report"]["lint"] for report in reports]
    checks = tuple(dict.fromkeys(name for lint in linted for name in (*lint["counts"], *lint["skipped"])))
    scored = [{each["metric"]: each for each in report.get("quality", ())} for report in reports]
    metrics = tuple(dict.fromkeys(name for scores in scored for name in scores))
    rows = tuple(
        (
            Cell(str(report["label"])),
            *(_score_cell(scores.get(name)) for name in metrics),
            Cell(f"{lint['checked']:,}"),
            *(Cell(f"{lint['counts'][name]:,}" if name in lint["counts"] else MISSING) for name in checks),
        )
        for report, lint, scores in zip(reports, linted, scored, strict=True)
    )
    columns = (
        Column("Translation"),
        *(Column(title, number=True) for title in (*map(metric_name, metrics), "Texts", *checks)),
    )
    found = [
        f"{report['label']}: {name} in {', '.join(map(str, ids))}"
        for report, lint in zip(reports, linted, strict=True)
        for name, ids in lint["examples"].items()
    ]
    return Table("Translation quality", columns, rows, (*_quality_notes(linted, scored), *found))


def _quality_notes(linted: Sequence[Mapping[str, Any]], scored: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    signatures = dict.fromkeys(
        f"{metric_name(name)}: of the first examples, against the parallel text; {each['signature']}"
        for scores in scored
        for name, each in scores.items()
    )
    skipped = dict.fromkeys(
        f"{name} was not checked: {what}" for lint in linted for name, what in lint["skipped"].items()
    )
    first = "Examples that lint finds fault with, by check; they are dropped only where the spec says drop_bad."
    return (first, *signatures, *skipped)


def _score_cell(score: Mapping[str, Any] | None) -> Cell:
    return Cell(f"{100 * score['value']:.1f}", str(score["value"])) if score else Cell(MISSING)


def losses(record: Mapping[str, Any]) -> tuple[LostExamples, ...]:
    """The first lost examples of every translation that lost any, with reasons where the engine gave them."""
    found = []
    for report in _translations(record):
        explained = {str(each["id"]): each for each in report.get("report", {}).get("lost", ())}
        ids = [str(each) for each in report.get("lost", ())]
        shown = tuple(
            LostExample(each, str(known.get("reason", "not in the translation")), str(known.get("excerpt", "")))
            for each in ids[:_SHOWN]
            for known in (explained.get(each, {}),)
        )
        if ids:
            found.append(LostExamples(str(report["label"]), shown, len(ids) - len(shown)))
    return tuple(found)


def loading_table(record: Mapping[str, Any]) -> Table:
    """What loading the data kept, repaired and left out."""
    reports = [report for report in record.get("data", {}).values() if "read" in report and "selected" in report]
    rows = tuple(
        (
            Cell(str(report["label"])),
            Cell(str(report.get("source", ""))),
            *(Cell(f"{report[name]:,}") for name in ("read", "kept", "selected")),
            *(Cell(f"{len(report.get(name, ())):,}") for name in ("repaired", "lost", "dropped")),
        )
        for report in reports
    )
    titles = ("Read", "Kept", "Selected", "Repaired", "Lost", "Answers dropped")
    columns = (Column("Dataset"), Column("Source"), *(Column(title, number=True) for title in titles))
    return Table("Datasets", columns, rows)


def ledger_table(run: RunRecord) -> Table:
    """Every step: what it used, at which price, and what that costs."""
    rows = tuple(_ledger_row(run, entry, _metered(run)) for entry in run.book)
    reused = sum(entry.reused for entry in run.book)
    notes: tuple[str, ...] = (
        f"{len(run.book):,} steps, {numbers.amount(run.book.total(e.step_id for e in run.book).usd)} USD in all; "
        f"{reused:,} were found finished, and are listed with what they used when they ran.",
        "Seconds are device-seconds. Characters are those that a provider bills, or would.",
    )
    metered = dict.fromkeys(entry.usage.energy_by for entry in run.book if entry.usage.energy_by)
    if metered:
        notes = (*notes, f"kWh are those of the step's own process, for the seconds that are listed. {_known(metered)}")
    titles = ("Seconds", "Characters", "Labelled", "Tokens", *(("kWh",) if metered else ()), "USD")
    columns = (
        Column("Step"),
        Column("Stage"),
        *(Column(title, number=True) for title in titles),
        Column("Price"),
        Column("Reused"),
    )
    return Table("Ledger", columns, rows, notes)


def stage_table(run: RunRecord) -> Table:
    """The ledger by stage."""
    stages: dict[str, list[Entry]] = defaultdict(list)
    for entry in run.book:
        stages[entry.stage].append(entry)
    rows = tuple(
        (
            Cell(stage),
            Cell(f"{len(found):,}"),
            _number(sum(entry.usage.seconds or 0.0 for entry in found)),
            _count(sum(entry.usage.characters or 0 for entry in found)),
            _count(sum(entry.usage.annotated or 0 for entry in found)),
            *((_kwh([entry.usage.energy_kwh for entry in found]),) if _metered(run) else ()),
            _usd(run.book.total(entry.step_id for entry in found).usd),
        )
        for stage, found in stages.items()
    )
    titles = ("Steps", "Seconds", "Characters", "Labelled", *(("kWh",) if _metered(run) else ()), "USD")
    return Table("Ledger by stage", (Column("Stage"), *(Column(title, number=True) for title in titles)), rows)


def run_table(run: RunRecord, record: Mapping[str, Any]) -> Table:
    """Versions, hardware, seeds, models and metrics."""
    origin = record["provenance"]
    rows = [("Made", str(record.get("made", MISSING)), "")]
    rows += [("Version", name, str(origin[name])) for name in ("crossfare", "python") if name in origin]
    rows += [("Version", str(name), str(version)) for name, version in origin.get("packages", {}).items()]
    rows.append(("Hardware", run.hardware, ""))
    rows.append(("Seeds", ", ".join(map(str, sorted({result.spec.seed for result in run.results}))), ""))
    models = dict.fromkeys((r.spec.model, r.spec.checkpoint) for r in run.results if r.spec.checkpoint)
    rows += [("Model", role, checkpoint) for role, checkpoint in models]
    engines = origin.get("engines", {}).items()
    rows += [("Engine", name, ", ".join(f"{key}: {value}" for key, value in each.items())) for name, each in engines]
    metrics = dict.fromkeys((r.spec.task, r.score.metric, r.score.signature) for r in run.results)
    rows += [("Metric", f"{task} {metric}", signature) for task, metric, signature in metrics]
    columns = (Column("What"), Column("Which"), Column("Details"))
    return Table("Versions, seeds, models", columns, tuple(tuple(Cell(text) for text in row) for row in rows))


def price_records_table(record: Mapping[str, Any]) -> Table:
    """The price records of the run, each with its dates and its source; stale ones are marked."""
    made = record.get("made")
    day = date.fromisoformat(str(made)[:10]) if made else date.today()
    rows = tuple(
        (
            Cell(str(ref).rpartition("@")[0]),
            Cell(f"{values['amount']} {values['currency']} per {_bought(values)}"),
            Cell(str(ref).rpartition("@")[2]),
            Cell(_checked(str(values["checked"]), day)),
            Cell(str(values["source"])),
        )
        for ref, values in record["provenance"]["prices"].items()
    )
    columns = tuple(Column(title) for title in ("Offer", "Price", "Valid from", "Checked", "Source"))
    note = f"Stale: not compared with its source in the {STALE_AFTER_DAYS} days before the run."
    return Table("Prices", columns, rows, (note,))


def missing_lines(record: Mapping[str, Any]) -> tuple[str, ...]:
    """The cells of the run's matrix that have no result, each with the reason."""
    return tuple(f"{each['cell']}: {each['reason']}" for each in record.get("missing", ()))


def _translations(record: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    return [report for report in record.get("data", {}).values() if "kept" in report and "total" in report]


def _metered(run: RunRecord) -> bool:
    """Whether the energy of any step was metered."""
    return any(entry.usage.energy_kwh is not None for entry in run.book)


def _known(ways: Mapping[str, None]) -> str:
    """How the energy is known: as codecarbon says it, once each."""
    return f"Known by {'; '.join(ways)}."


def _kwh(values: Sequence[float | None]) -> Cell:
    found = [value for value in values if value is not None]
    return Cell(f"{sum(found):.2g}", f"{sum(found)}") if found else Cell(MISSING)


def _ledger_row(run: RunRecord, entry: Entry, metered: bool) -> tuple[Cell, ...]:
    usage, cost = entry.usage, run.book.cost(entry.step_id)
    tokens = [each for each in (usage.input_tokens, usage.output_tokens) if each is not None]
    return (
        Cell(entry.label or entry.step_id),
        Cell(entry.stage),
        _number(usage.seconds),
        _count(usage.characters),
        _count(usage.annotated),
        _count(sum(tokens)),
        *((_kwh([usage.energy_kwh]),) if metered else ()),
        _usd(cost.usd),
        Cell(cost.price or MISSING),
        Cell("yes" if entry.reused else "no"),
    )


def _number(value: float | None) -> Cell:
    return Cell(MISSING) if not value else Cell(numbers.amount(value), str(value))


def _count(value: int | None) -> Cell:
    return Cell(f"{value:,}", str(value)) if value else Cell(MISSING)


def _usd(value: Decimal) -> Cell:
    return Cell(numbers.amount(value), f"{value:f}")


def _bought(values: Mapping[str, Any]) -> str:
    per = Decimal(str(values["per"]))
    return f"{values['unit']}" if per == 1 else f"{per:,f} {values['unit']}s"


def _checked(day: str, on: date) -> str:
    stale = (on - date.fromisoformat(day)).days > STALE_AFTER_DAYS
    return f"{day} (stale)" if stale else day
