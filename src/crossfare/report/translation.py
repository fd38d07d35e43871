"""Translations in lines: what became of a dataset, what lint found, how they score; and the engines there are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from crossfare.report.table import Table
from crossfare.types import Score, Usage

if TYPE_CHECKING:
    from crossfare.experiment import EngineState
    from crossfare.translate import LintReport, TranslatedDataset


def outcome_lines(made: TranslatedDataset) -> tuple[str, ...]:
    """How much survived, what was translated now, what that used, and how answers were found."""
    usage, report = made.usage, made.report
    methods = Counter(answer.method for answer in report.answers).most_common()
    found = ", ".join(f"{count:,} by {method}" for method, count in methods)
    return (
        f"yield: {made.yield_.kept:,} of {made.yield_.total:,} examples ({made.yield_.rate:.1%}) survived translation",
        f"segments: {report.fresh:,} translated now, {report.from_memory:,} from the translation memory",
        f"usage: {usage.characters or 0:,} characters, {_time(usage)}",
        *((f"in doubt: {report.doubt}",) if report.doubt else ()),
        *((f"answers found: {found}",) if found else ()),
    )


def _time(usage: Usage) -> str:
    """Where the time went; that of what was translated before times were told apart is device time alone."""
    if usage.served_seconds is None:
        return f"{usage.seconds or 0.0:.1f} device-seconds"
    waited, worked = usage.waited_seconds or 0.0, usage.worked_seconds or 0.0
    return f"{usage.served_seconds:.1f} s until the service had answered, {waited:.1f} s waiting, {worked:.1f} s here"


def lint_lines(found: LintReport | None) -> list[str]:
    """What lint found, check by check."""
    if found is None:
        return []
    lines = [
        f"lint: {name}: {count:,} examples, such as {', '.join(found.examples[name])}"
        for name, count in found.counts.items()
        if count
    ]
    lines = lines or [f"lint: nothing found in {found.checked:,} texts"]
    return [*lines, *(f"lint: {name} not checked: {what}" for name, what in found.skipped.items())]


def score_line(score: Score) -> str:
    """A score as one line of text, with its interval and its signature."""
    low, high = 100 * score.low, 100 * score.high
    return f"{score.metric} {100 * score.value:.1f} [{low:.1f}, {high:.1f}] over {score.n:,} texts ({score.signature})"


def engine_table(engines: Sequence[EngineState]) -> Table:
    """The engines as a table: how to install what is missing and what each is stand in the notes."""
    notes = [
        f"{engine.name}: {engine.summary}"
        + (f" ({engine.licence})" if engine.licence else "")
        + (f"; texts go to {engine.host}" if engine.host else "")
        + "".join(f"; {name}: {value}" for name, value in engine.settings.items())
        + (f"; needs {', '.join(engine.missing)}: {engine.install}" if engine.missing else "")
        for engine in engines
    ]
    return Table.of(
        "Translation engines",
        {
            "Engine": lambda engine: engine.name,
            "Installed": lambda engine: "no" if engine.missing else "yes",
            "Keys": lambda engine: _keys(engine.keys) or "none needed",
            "Languages": lambda engine: engine.languages,
            "Price today": lambda engine: engine.price,
            "Takes": lambda engine: engine.granularity,
            "Tags": lambda engine: engine.tags,
        },
        engines,
        notes,
    )


def _keys(keys: dict[str, bool]) -> str:
    return "; ".join(f"{key} {'set' if given else 'not set'}" for key, given in keys.items())
