"""The paper's layout: its row numbers, its order, its Table 4, and its figures below those of the same cells."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal

import pytest

from crossfare.experiment.methods import METHODS
from crossfare.paper.published import PaperEngine, published_scores
from crossfare.paper.rows import places
from crossfare.report import (
    Context,
    Table,
    cost_table,
    quality_table,
    table1,
    task_table,
    task_tables,
    to_latex,
    to_markdown,
)
from crossfare.types import Cost, Result, RunSpec, Score, TaskName

LANGUAGES = ("pt", "de", "vi")
LABELS = {"own": "Open S", "rules": "Rules", "bought": "Comm", None: None}
CHECKPOINTS = {
    "target-encoder": "neuralmind/bert-base-portuguese-cased",
    "source-encoder": "google-bert/bert-base-uncased",
    "bm25": "",
}


@dataclass(frozen=True)
class Facts:
    engine: str
    kind: PaperEngine | None = None


ENGINES = {"own": Facts("ctranslate2"), "rules": Facts("apertium"), "bought": Facts("existing", "commercial")}


def result(
    task: TaskName,
    method: str,
    engine: str | None = None,
    model: str = "target-encoder",
    target: str = "pt",
    checkpoint: str = "",
) -> Result:
    cell = RunSpec(task, method, model, "en", target, engine, 0, checkpoint or CHECKPOINTS[model], LABELS[engine])
    metric = {"qa": "f1", "nli": "accuracy", "ranking": "mrr@10"}[task]
    value = 0.5 + len(cell.without_seed) / 1000
    nothing = Cost(Decimal("1.5"), "cpu-core@2026-11-22")
    return Result(
        spec=cell,
        score=Score(metric, value, 500, value - 0.02, value + 0.02, f"{metric}|v:1"),
        further_scores=(Score("f1", value - 0.1, 500, 0.1, 0.9, "f1|v:1"),) if task == "nli" else (),
        train_examples=20,
        translation=nothing if method.startswith("translate-train") else None,
        annotation=None,
        fine_tuning=nothing,
        translation_per_1k=nothing if method.startswith("translate-infer") else None,
        inference_per_1k=nothing,
        standalone=nothing,
        marginal=nothing,
    )


def table_2(*engines: str) -> list[Result]:
    """A whole Table 2, in the order of a matrix, which is not the paper's."""
    found = []
    for target in LANGUAGES:
        for engine in engines:
            found += [
                result("qa", "translate-infer", engine, model, target) for model in ("source-encoder", "target-encoder")
            ]
            found.append(result("qa", "translate-train", engine, target=target))
        found += [result("qa", "zero-shot", target=target), result("qa", "in-language", target=target)]
    return found


def context(results: list[Result], *, beside: bool = False, engines: object = None) -> Context:
    cells = [each.spec for each in results]
    return Context(METHODS, {}, published=places(cells, engines or ENGINES), beside=beside, data_names={"nli": "MNLI"})


def column(table: Table, title: str) -> list[str]:
    at = [each.title for each in table.columns].index(title)
    return [row[at].text for row in table.rows]


def test_rows_have_the_papers_numbers_and_order() -> None:
    results = table_2("bought", "own")
    table = task_table(results, "qa", context(results))
    assert column(table, "#") == [f"({number})" for number in range(1, 9)]
    assert column(table, "Method") == [
        "In-language (gold)",
        "Zero-shot",
        "Translate-train (Open S)",
        "Translate-train (Comm)",
        *2 * ("Translate-infer (Open S)", "Translate-infer (Comm)"),
    ]
    models = column(table, "Model")
    assert models[4] == models[5] != models[6] == models[7] == "bert-base-uncased"


def test_two_engines_of_a_kind_are_told_apart_and_what_the_paper_has_not_comes_last() -> None:
    results = [*table_2("own", "rules", "bought"), result("qa", "translate-train-joint", "own")]
    table = task_table(results, "qa", context(results))
    assert column(table, "#") == [
        "(1)",
        "(2)",
        "(3a)",
        "(3b)",
        "(4)",
        "(5a)",
        "(5b)",
        "(6)",
        "(7a)",
        "(7b)",
        "(8)",
        "(9)",
    ]
    assert column(table, "Method")[2:4] == ["Translate-train (Open S)", "Translate-train (Rules)"]
    assert column(table, "Method")[-1] == "Translate-train-joint (Open S)"
    assert column(cost_table(results, context(results)), "#") == column(table, "#")


def test_rows_keep_their_own_numbers_where_an_engine_does_not_say_its_kind() -> None:
    results = table_2("own", "bought")
    unknown = {**ENGINES, "bought": Facts("existing")}
    table = task_table(results, "qa", context(results, engines=unknown))
    assert column(table, "#") == [f"({number})" for number in range(1, 9)]
    assert column(table, "Method")[0] == "Translate-infer (Open S)"  # as they were run
    shown = task_table(results, "qa", context(results, beside=True, engines=unknown))
    below = [name for name in column(shown, "Method") if name.startswith("  paper")]
    assert len(below) == 5  # what is no engine's, and what the one that is known has
    assert any(note.endswith("not in the paper: (4), (5), (6).") for note in shown.notes)


@pytest.mark.parametrize("render", [task_table, table1, quality_table])
def test_the_papers_figure_stands_below_ours(render: object) -> None:
    results = table_2("own", "bought")
    given = context(results, beside=True)
    table = render(results, "qa", given) if render is task_table else render(results, given)  # type: ignore[operator]
    titles = [each.title.partition("\n")[0] for each in table.columns]
    rows = [[cell.text for cell in row] for row in table.rows]
    scores = {(s.row, s.language): s.value for s in published_scores("qa", table=2)}
    for row, below in zip(rows[2::2], rows[3::2], strict=True):  # but for in-language, whose rows are (1a) to (1c)
        number = below[titles.index("Method")].rpartition("row ")[2]
        assert below[titles.index("Method")] == f"  paper, Table 2, row {number}"
        assert row[titles.index("Method")] and number
        for language in LANGUAGES:
            assert below[titles.index(language)] == f"{scores[number, language]:.4f}"
    assert len(rows) == 16
    assert set(table.sections) <= {0}
    assert any("as printed" in note for note in table.notes)
    for text in (to_markdown(table), to_latex(table, "t")):
        assert text.index("0.8240") > text.index("Zero-shot")


def test_the_papers_costs_stand_below_ours() -> None:
    results = [result("nli", "translate-train", "own"), result("nli", "translate-infer", "bought", "source-encoder")]
    table = cost_table([*table_2("own"), *results], context([*table_2("own"), *results], beside=True))
    nli = [[cell.text for cell in row] for row in table.rows][-4:]
    assert nli[1][2:5] == ["6.24", "", ""]
    assert nli[3][2:5] == ["", "1.50", "0.76"]
    heading = max(table.sections)
    assert (table.sections[heading], table.rows[heading][1].text) == ("NLI (accuracy)", "Translate-train (Open S)")


def test_rows_that_the_paper_has_not_are_named() -> None:
    results = [result("nli", "zero-shot"), result("nli", "translate-train-joint", "own")]
    table = task_table(results, "nli", context(results, beside=True))
    assert column(table, "#") == ["(2)", "", "(9)"]
    assert any(note.endswith("not in the paper: (9).") for note in table.notes)


def test_table_4_is_printed_as_table_4() -> None:
    base, large = (f"neuralmind/bert-{size}-portuguese-cased" for size in ("base", "large"))
    results = [
        result("nli", "in-language", checkpoint=large),
        result("nli", "zero-shot+gold", checkpoint=base),
        result("nli", "zero-shot+gold", checkpoint=large),
        result("nli", "translate-train+gold", "own", checkpoint=large),
        result("nli", "translate-train-joint+gold", "own", checkpoint=large),
    ]
    given = replace(context(results, beside=True), two_class=frozenset({"nli"}))
    found = task_tables(results, "nli", given)
    assert list(found) == ["table4"]  # no row of Table 3 is left
    table = found["table4"]
    assert [each.title for each in table.columns] == ["Model", "Fine-tune", "F1 pt", "Acc pt"]
    assert column(table, "Fine-tune")[::2] == [
        "gold-pt",
        "MNLI-en + gold-pt",
        "MNLI-en + gold-pt",
        "MNLI-pt (Open S) + gold-pt",
        "MNLI-(en+pt) (Open S) + gold-pt",
    ]
    assert column(table, "Acc pt")[3::2] == ["0.8990", "0.9179", "0.9195", "0.9207"]  # each beside its own size
    assert column(table, "F1 pt")[5::2] == ["0.9180", "0.9195", "0.9207"]
    assert "two classes" in table.notes[0]
    assert column(table, "Model")[1::2] == ["  paper, Table 3, row (1)", *4 * ["  paper, Table 4"]]
    results.append(result("nli", "zero-shot"))
    both = task_tables(results, "nli", context(results, beside=True))
    assert list(both) == ["table3", "table4"]
    assert column(both["table3"], "#")[::2] == ["(1)", "(2)"]
