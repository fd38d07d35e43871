"""What the figures of a run rest on: what translation lost, what every step used, versions and prices."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from crossfare.compare import RunRecord
from crossfare.ledger import STALE_AFTER_DAYS, Entry
from crossfare.report import numbers
from crossfare.report.names import metric_name
from crossfare.report.table import MISSING, Cell, Column, Table, amount, count, number

_Columns = dict[Column | str, Callable[[Mapping[str, Any]], Cell | str]]

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
    note = (
        "Lost: examples whose answer could not be found again, or whose translation failed. Questions lost on the "
        "way of translate-infer count as wrong in QA; in the other tasks its scores are those of what was kept. "
        "Answers dropped: of examples that kept another answer."
    )
    columns: _Columns = {
        "Translation": _label,
        number("Kept"): lambda each: count(each["kept"]),
        number("Of"): lambda each: count(each["total"]),
        number("Yield"): lambda each: numbers.percent(each["kept"] / each["total"] if each["total"] else 1.0),
        number("Answers dropped"): lambda each: f"{len(each.get('report', {}).get('answers_dropped', ())):,}",
    }
    return Table.of("Translation yield", columns, _translations(record), (note,))


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
            Cell(_label(report)),
            *(_score_cell(scores.get(name)) for name in metrics),
            Cell(f"{lint['checked']:,}"),
            *(Cell(f"{lint['counts'][name]:,}" if name in lint["counts"] else MISSING) for name in checks),
        )
        for report, lint, scores in zip(reports, linted, scored, strict=True)
    )
    columns = (Column("Translation"), *map(number, (*map(metric_name, metrics), "Texts", *checks)))
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
    columns: _Columns = {
        "Dataset": _label,
        "Source": lambda each: str(each.get("source", "")),
        number("Read"): lambda each: f"{each['read']:,}",
        number("Kept"): lambda each: f"{each['kept']:,}",
        number("Selected"): lambda each: f"{each['selected']:,}",
        number("Repaired"): lambda each: f"{len(each.get('repaired', ())):,}",
        number("Lost"): lambda each: f"{len(each.get('lost', ())):,}",
        number("Answers dropped"): lambda each: f"{len(each.get('dropped', ())):,}",
    }
    return Table.of("Datasets", columns, reports)


def ledger_table(run: RunRecord) -> Table:
    """Every step: what it used, at which price, and what that costs."""
    book, reused = run.book, sum(entry.reused for entry in run.book)
    notes: tuple[str, ...] = (
        f"{len(book):,} steps, {numbers.amount(_usd(run, book))} USD in all; "
        f"{reused:,} were found finished, and are listed with what they used when they ran.",
        "Seconds are device-seconds. Characters are those that a provider bills, or would.",
    )
    ways = dict.fromkeys(entry.usage.energy_by for entry in book if entry.usage.energy_by)
    if ways:
        known = f"Known by {'; '.join(ways)}."
        notes = (*notes, f"kWh are those of the step's own process, for the seconds that are listed. {known}")
    columns: dict[Column | str, Callable[[Entry], Cell | str]] = {
        "Step": lambda entry: entry.label or entry.step_id,
        "Stage": lambda entry: entry.stage,
        number("Seconds"): lambda entry: amount(entry.usage.seconds or None),
        number("Characters"): lambda entry: count(entry.usage.characters or None),
        number("Labelled"): lambda entry: count(entry.usage.annotated or None),
        number("Tokens"): lambda entry: count(
            ((entry.usage.input_tokens or 0) + (entry.usage.output_tokens or 0)) or None
        ),
        **(
            {number("Of them cached"): lambda entry: count(entry.usage.cached_tokens or None)}
            if any(entry.usage.cached_tokens for entry in book)
            else {}
        ),
        **({number("kWh"): lambda entry: _kwh([entry])} if _metered(run) else {}),
        number("USD"): lambda entry: amount(_usd(run, [entry])),
        "Price": lambda entry: book.cost(entry.step_id).price or MISSING,
        "Reused": lambda entry: "yes" if entry.reused else "no",
    }
    return Table.of("Ledger", columns, book, notes)


def stage_table(run: RunRecord) -> Table:
    """The ledger by stage."""
    stages: dict[str, list[Entry]] = defaultdict(list)
    for entry in run.book:
        stages[entry.stage].append(entry)
    columns: dict[Column | str, Callable[[list[Entry]], Cell | str]] = {
        "Stage": lambda found: found[0].stage,
        number("Steps"): lambda found: f"{len(found):,}",
        number("Seconds"): lambda found: amount(sum(entry.usage.seconds or 0.0 for entry in found) or None),
        number("Characters"): lambda found: count(sum(entry.usage.characters or 0 for entry in found) or None),
        number("Labelled"): lambda found: count(sum(entry.usage.annotated or 0 for entry in found) or None),
        **({number("kWh\nestimated"): _kwh} if _metered(run) else {}),
        number("USD"): lambda found: amount(_usd(run, found)),
    }
    return Table.of("Ledger by stage", columns, stages.values())


def run_table(run: RunRecord, record: Mapping[str, Any]) -> Table:
    """Versions, hardware, seeds, models and metrics."""
    origin = record["provenance"]
    rows = [("Made", str(record.get("made", MISSING)), "")]
    rows += [("Version", name, str(origin[name])) for name in ("crossfare", "python") if name in origin]
    rows += [("Version", str(name), str(version)) for name, version in origin.get("packages", {}).items()]
    rows.append(("Hardware", run.hardware, f"steps: {run.machine}"))
    rows.append(("Seeds", ", ".join(map(str, sorted({result.spec.seed for result in run.results}))), ""))
    models = dict.fromkeys((r.spec.model, r.spec.checkpoint) for r in run.results if r.spec.checkpoint)
    rows += [("Model", role, checkpoint) for role, checkpoint in models]
    engines = origin.get("engines", {}).items()
    rows += [("Engine", name, ", ".join(f"{key}: {value}" for key, value in each.items())) for name, each in engines]
    metrics = dict.fromkeys((r.spec.task, r.score.metric, r.score.signature) for r in run.results)
    rows += [("Metric", f"{task} {metric}", signature) for task, metric, signature in metrics]
    return Table.of_texts("Versions, seeds, models", ("What", "Which", "Details"), rows)


def price_records_table(record: Mapping[str, Any]) -> Table:
    """The price records of the run, each with its dates and its source; stale ones are marked."""
    made = record.get("made")
    day = date.fromisoformat(str(made)[:10]) if made else date.today()
    rows = []
    for ref, values in record["provenance"]["prices"].items():
        (offer, _, start), per = str(ref).rpartition("@"), Decimal(str(values["per"]))
        bought = values["unit"] if per == 1 else f"{per:,f} {values['unit']}s"
        stale = (day - date.fromisoformat(str(values["checked"]))).days > STALE_AFTER_DAYS
        price = f"{values['amount']} {values['currency']} per {bought}"
        rows.append((offer, price, start, f"{values['checked']}{' (stale)' if stale else ''}", str(values["source"])))
    note = f"Stale: not compared with its source in the {STALE_AFTER_DAYS} days before the run."
    return Table.of_texts("Prices", ("Offer", "Price", "Valid from", "Checked", "Source"), rows, (note,))


def missing_lines(record: Mapping[str, Any]) -> tuple[str, ...]:
    """The cells of the run's matrix that have no result, each with the reason."""
    return tuple(f"{each['cell']}: {each['reason']}" for each in record.get("missing", ()))


def _translations(record: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    return [report for report in record.get("data", {}).values() if "kept" in report and "total" in report]


def _metered(run: RunRecord) -> bool:
    """Whether the energy of any step was metered."""
    return any(entry.usage.energy_kwh is not None for entry in run.book)


def _label(report: Mapping[str, Any]) -> str:
    return str(report["label"])


def _kwh(found: Sequence[Entry]) -> Cell:
    known = [entry.usage.energy_kwh for entry in found if entry.usage.energy_kwh is not None]
    return Cell(f"{sum(known):.2g}", f"{sum(known)}") if known else Cell(MISSING)


def _usd(run: RunRecord, entries: Iterable[Entry]) -> Decimal:
    return run.book.total(entry.step_id for entry in entries).usd
