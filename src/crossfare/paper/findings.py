"""What follows from the paper's costs, and what its tables count: found while recomputing them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from crossfare.compare.trade_offs import break_even
from crossfare.paper.audited import Audited
from crossfare.paper.published import inputs, packaged, printed

_Money = Callable[[Decimal], Decimal]
_HOUR = Decimal(3600)


@dataclass(frozen=True, slots=True)
class BreakEven:
    """The number of examples from which paying once is cheaper than paying again.

    ``by_printed`` follows from the figures of Table 1, ``by_computed`` from the recomputed ones.
    """

    name: str
    title: str
    by_printed: Decimal | None
    by_computed: Decimal | None


_BREAK_EVENS = (
    ("qa", "QA, {}: translate-train against translate-infer", "qa-one-time", "", "qa-recurring"),
    ("nli", "NLI, {}: translate-train against translate-infer", "nli-one-time", "", "nli-recurring"),
    (
        "ranking",
        "Ranking, {}: strategy 1 against strategy 2",
        "ranking-1-one-time",
        "ranking-1-recurring",
        "ranking-2-recurring",
    ),
)
"""Name, title, what is paid once, what is paid still after that, and what is paid again instead."""


def break_evens(cells: Mapping[str, Audited]) -> tuple[BreakEven, ...]:
    """Translate-train against translate-infer, and the ranking strategies against each other."""

    def examples(value: Callable[[Audited], Decimal], engine: str, parts: Sequence[str]) -> Decimal | None:
        once, still, again = (value(cells[f"{part}-{engine}"]) if part else Decimal(0) for part in parts)
        return break_even(once, still, Decimal(0), again)

    return tuple(
        BreakEven(
            f"{name}-{engine}",
            title.format(engine),
            by_printed=examples(lambda cell: cell.printed, engine, parts),
            by_computed=examples(lambda cell: cell.computed.value, engine, parts),
        )
        for name, title, *parts in _BREAK_EVENS
        for engine in ("commercial", "open")
    )


@dataclass(frozen=True, slots=True)
class Finding:
    """Something about the paper's figures that no single cell shows: what it says, and what was found."""

    name: str
    title: str
    paper: str
    found: str


def findings(gpu_usd: _Money, api_usd: _Money, tpu_usd: _Money) -> tuple[Finding, ...]:
    """What the paper's tables count, what its text hides, and what it never counts."""
    given = {name: each.value for name, each in inputs().items()}
    marked = [cell for cell in printed().values() if Decimal(cell.text) != cell.figure]
    latency = printed()["qa-latency-open"].figure
    answers = given["faquad-bare"] - given["faquad-bare-context"] - given["faquad-bare-question"]
    computed = {
        **{f"{name}-more": _more(given, name) for name in ("faquad", "assin2", "squad12")},
        "answers": answers,
        "answers-share": answers / given["faquad-bare"] * 100,
        "times": given["squad-questions"] / given["squad-train/units"],
        "tuning-usd": tpu_usd(given["fine-tuning"] * _HOUR),
        "reading-usd-per-1k": tpu_usd(given["inference"] * _HOUR) * 1000 / given["dev-queries"],
        "queries-usd": api_usd(given["msmarco-queries-train"]),
        "latency": latency,
        "latency-usd-per-1k": gpu_usd(latency * 1000),
        "marked-texts": ", ".join(dict.fromkeys(cell.text for cell in marked)),
        "marked-figures": ", ".join(dict.fromkeys(str(cell.figure) for cell in marked)),
    }
    values = {**given, **computed}
    return tuple(
        Finding(**{part: text.format_map(values) for part, text in each.items()}) for each in packaged("findings.yaml")
    )


def _more(given: Mapping[str, Decimal], name: str) -> Decimal:
    """By how many per cent white space adds to what is counted: Tables 6 and 7 leave it out, APIs bill it."""
    return (given[f"{name}-all"] / given[f"{name}-bare"] - 1) * 100
