"""A fixed set of results, made up, with every kind of cell: the input of the golden tests."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

from crossfare.ledger import Catalogue
from crossfare.report import Context, write_tables
from crossfare.types import Cost, Latency, Method, Result, RunSpec, Score, TaskName, Yield

HARDWARE = "1 x Test CPU"
METHODS = {
    m.name: m
    for m in (
        Method("zero-shot", ("source",), "target", ("target-encoder",)),
        Method("translate-train", ("translated",), "target", ("target-encoder",)),
        Method("translate-infer", ("source",), "translated", ("target-encoder", "source-encoder")),
        Method("in-language", ("target",), "target", ("target-encoder",)),
    )
}
CHECKPOINTS = {"target-encoder": "embedded:multilingual-encoder", "source-encoder": "embedded:english-encoder"}


def usd(amount: str, price: str = "cpu-core@2026-11-22") -> Cost:
    return Cost(Decimal(amount), price)


def spec(
    task: TaskName,
    method: str,
    target: str,
    engine: str | None = None,
    model: str = "target-encoder",
    seed: int = 0,
) -> RunSpec:
    label = {"open": "Open S", "reference": "Comm*", None: None}[engine]
    return RunSpec(task, method, model, "en", target, engine, seed, CHECKPOINTS[model], label)


def result(cell: RunSpec, value: float, *, width: float = 0.02) -> Result:
    """A result whose costs depend on the cell alone: the API is dear, the open engine cheap."""
    metric = {"qa": "f1", "nli": "accuracy"}[cell.task]
    api = "google-translate@2026-11-22"
    costs = {"open": usd("0.000421"), "reference": usd("2.944", api), None: None}
    per_1k = {"open": usd("0.0625"), "reference": usd("1.4967", api), None: None}
    trains, infers = cell.method.startswith("translate-train"), cell.method == "translate-infer"
    gold = cell.method == "in-language"
    return Result(
        spec=cell,
        score=Score(metric, value, 500, value - width, value + width, f"{metric}|v:1"),
        further_scores=(),
        train_examples=200 if gold else 1990 if trains else 2000,
        translation=costs[cell.engine] if trains else None,
        annotation=usd("24", "annotation-qa@2016-06-16") if gold else None,
        fine_tuning=usd("0.00031"),
        translation_per_1k=per_1k[cell.engine] if infers else None,
        inference_per_1k=usd("0.000009"),
        standalone=usd("0.5"),
        marginal=usd("0.25"),
        latency=(
            (Latency(32, 10, 0.7812, 0.77, 0.9, 1.1, HARDWARE), Latency(1, 10, 0.031, 0.03, 0.04, 0.05, HARDWARE))
            if infers and cell.engine == "open"
            else ()
        ),
        train_yield=Yield(1990, 2000) if trains else None,
        test_yield=Yield(500, 500) if infers else None,
    )


def results() -> tuple[Result, ...]:
    """QA into three languages and NLI into two, one seed."""
    made = []
    tasks: tuple[tuple[TaskName, tuple[str, ...], float], ...] = (
        ("qa", ("pt", "de", "vi"), 0.5),
        ("nli", ("pt", "de"), 0.6),
    )
    for task, languages, start in tasks:
        for bonus, target in enumerate(languages):
            value = start + 0.01 * bonus
            made += [
                result(spec(task, "zero-shot", target), value),
                result(spec(task, "translate-train", target, "open"), value + 0.1),
                result(spec(task, "translate-train", target, "reference"), value + 0.2),
                result(spec(task, "translate-infer", target, "open", "source-encoder"), value + 0.15),
                result(spec(task, "translate-infer", target, "reference", "source-encoder"), value + 0.1999),
            ]
            if target != "vi":
                made.append(result(spec(task, "in-language", target), value - 0.1))
    return tuple(made)


MISSING = ((spec("qa", "in-language", "vi"), "no gold training data in vi"),)
CONTEXT = Context(methods=METHODS, missing=MISSING)


def write(folder: Path) -> tuple[Path, ...]:
    """Write every table of the fixed results."""
    return write_tables(results(), folder, CONTEXT, catalogue=Catalogue.load(), facts={"version": "0.0.0"})


if __name__ == "__main__":
    write(Path(__file__).parent / "golden")
