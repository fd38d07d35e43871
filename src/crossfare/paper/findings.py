"""What follows from the paper's costs, and what its tables count: found while recomputing them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from crossfare.compare.breakeven import break_even
from crossfare.paper.cells import Cell
from crossfare.paper.published import inputs, printed

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


def break_evens(cells: Mapping[str, Cell]) -> tuple[BreakEven, ...]:
    """Translate-train against translate-infer, and the ranking strategies against each other."""
    pairs = (
        ("qa-{}", "QA, {}: translate-train against translate-infer", "qa-one-time-{}", (), "qa-recurring-{}"),
        ("nli-{}", "NLI, {}: translate-train against translate-infer", "nli-one-time-{}", (), "nli-recurring-{}"),
        (
            "ranking-{}",
            "Ranking, {}: strategy 1 against strategy 2",
            "ranking-1-one-time-{}",
            ("ranking-1-recurring-{}",),
            "ranking-2-recurring-{}",
        ),
    )
    found = []
    for name, title, once, still, again in pairs:
        for engine in ("commercial", "open"):
            once_, again_ = cells[once.format(engine)], cells[again.format(engine)]
            rest = [cells[each.format(engine)] for each in still]
            by_printed = break_even(
                once_.printed, sum((c.printed for c in rest), Decimal(0)), Decimal(0), again_.printed
            )
            by_computed = break_even(
                once_.computed.value,
                sum((c.computed.value for c in rest), Decimal(0)),
                Decimal(0),
                again_.computed.value,
            )
            found.append(BreakEven(name.format(engine), title.format(engine), by_printed, by_computed))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Finding:
    """Something about the paper's figures that no single cell shows: what it says, and what was found."""

    name: str
    title: str
    paper: str
    found: str


def findings(gpu_usd: _Money, api_usd: _Money, tpu_usd: _Money) -> tuple[Finding, ...]:
    """What the paper's tables count, what its text hides, and what it never counts."""
    return (
        *_white_space(),
        *_units(),
        *_never_counted(tpu_usd),
        _training_queries(api_usd),
        _latency(gpu_usd),
        *_marks(),
    )


def _white_space() -> tuple[Finding, ...]:
    """Tables 6 and 7 leave white space out, which APIs bill."""
    given = inputs()
    sets = (("faquad", "FaQuAD, training set", "Table 6"), ("assin2", "ASSIN 2, training set", "Table 7"))
    found = [
        Finding(
            f"white-space-{name}",
            f"{title}: characters",
            f"{given[f'{name}-train'].value:,} ({table})",
            f"{given[f'{name}-bare'].value:,} without white space, {given[f'{name}-all'].value:,} with it, which APIs "
            f"bill: {_more(given[f'{name}-all'].value, given[f'{name}-bare'].value)} more",
        )
        for name, title, table in sets
    ]
    sample = _more(given["squad12-all"].value, given["squad12-bare"].value)
    found.append(
        Finding(
            "white-space-squad",
            "SQuAD: characters",
            f"{given['squad-train'].value:,} (Table 6)",
            f"with white space {sample} more, as counted in the first 12 articles",
        )
    )
    answers = given["faquad-bare"].value - given["faquad-bare-context"].value - given["faquad-bare-question"].value
    found.append(
        Finding(
            "answers",
            "Table 6: answers",
            "not mentioned",
            f"{answers:,} of FaQuAD's characters ({answers / given['faquad-bare'].value * 100:.1f} %) are the first "
            "answers of its questions, which are part of the paragraphs and are not sent: most of the white space back",
        )
    )
    return tuple(found)


def _units() -> tuple[Finding, ...]:
    given = inputs()

    def count(name: str) -> Decimal:
        return given[name].value / given[f"{name}/each"].value

    times = given["squad-questions"].value / count("squad-train")
    return (
        Finding(
            "table-6-squad",
            "SQuAD: examples",
            f"{given['squad-train/each'].value} ch per example (Table 6)",
            f"per paragraph ({count('squad-train'):,.0f}), not per question ({given['squad-questions'].value:,}); "
            f"a paragraph that is translated for every question is translated {times:.1f} times",
        ),
        Finding(
            "table-6-units",
            "Table 6: examples",
            "one average per example for all four sets",
            "SQuAD and FaQuAD count paragraphs, GermanQuAD and ViQuAD questions",
        ),
        Finding(
            "table-6-viquad",
            "ViQuAD: test set",
            f"{given['viquad-test-questions'].value:,} questions (section 4.1)",
            f"{count('viquad-validation'):,.0f} questions: the development set",
        ),
        Finding(
            "table-7-mnli",
            "MNLI: training pairs",
            f"{given['mnli-rows'].value:,} (section 4.1)",
            f"{count('mnli-train'):,.0f}, from Table 7's characters and characters per example",
        ),
        Finding(
            "table-8-queries",
            "MS MARCO: development queries",
            f"about {given['dev-queries'].value:,} (section 4.1)",
            f"{count('msmarco-queries-dev'):,.0f} in Table 8",
        ),
    )


def _never_counted(tpu_usd: _Money) -> tuple[Finding, ...]:
    given = inputs()
    tuning = tpu_usd(given["fine-tuning"].value * _HOUR)
    reading = tpu_usd(given["inference"].value * _HOUR)
    per_1k = reading * 1000 / given["dev-queries"].value
    return (
        Finding(
            "fine-tuning",
            "Ranking: fine-tuning",
            "not counted",
            f"12 h on a TPU v3-8: {tuning:.2f} USD, against 141.27 for translating with the open model",
        ),
        Finding(
            "inference",
            "Ranking: the reranker itself",
            "not counted",
            f"5 h on a TPU v3-8 for {given['dev-queries'].value:,} queries: {per_1k:.2f} USD per 1,000 queries, "
            "of the order of strategy 2 with the open model (16.36)",
        ),
    )


def _training_queries(api_usd: _Money) -> Finding:
    queries = inputs()["msmarco-queries-train"].value
    return Finding(
        "training-queries",
        "Ranking, translate-train: training queries",
        "not in the one-time cost",
        f"{queries:,} characters (Table 8): {api_usd(queries):.2f} USD more with the API. Strategy 1 is fine-tuned in "
        "English and translates none of them",
    )


def _latency(gpu_usd: _Money) -> Finding:
    seconds = printed()["qa-latency-open"].figure
    return Finding(
        "qa-latency",
        "QA: what a batch is",
        f"{seconds} s a batch of 32, 0.06 USD per 1,000",
        f"{seconds} s fit one paragraph (95 s for 38), so 1,000 of them would cost {gpu_usd(seconds * 1000):.2f} USD; "
        "the 0.23 s of the API are for one question: 15 s for 63 are 0.238, cut off instead of rounded to 0.24",
    )


def _marks() -> tuple[Finding, ...]:
    cells = [(cell.text, cell.figure) for cell in printed().values() if Decimal(cell.text) != cell.figure]
    texts = ", ".join(dict.fromkeys(text for text, _ in cells))
    figures = ", ".join(dict.fromkeys(str(figure) for _, figure in cells))
    return (
        Finding(
            "footnote-marks",
            "Table 1: latencies of ranking",
            f"{texts}, as the text of the file reads",
            f"{figures}, with the footnote marks 1 and 2 behind them",
        ),
    )


def _more(with_it: Decimal, without: Decimal) -> str:
    return f"{(with_it / without - 1) * 100:.1f} %"
