"""The report of a run: one page that needs nothing else, with its tables and figures as files beside it.

The page is rendered by a template that escapes all text (report/assets/report.html). It carries the
decision model of every task and language as data; its scripts compute from that what
`crossfare.compare` computes (report/assets/decision.js). Nothing is fetched, and a content security
policy forbids it to.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from importlib import import_module
from importlib.resources import files
from pathlib import Path
from typing import Any

from crossfare.compare import (
    Aim,
    Decision,
    LearningCurve,
    Recommendation,
    RunRecord,
    decisions,
    learning_curves,
    read_run,
    recommend,
    standings,
)
from crossfare.errors import ConfigError, DataError
from crossfare.report import learning, plots, run_tables
from crossfare.report.advice import explain, rule
from crossfare.report.decision import Horizon, break_even_table, front_table
from crossfare.report.latex import to_latex
from crossfare.report.lines import Context
from crossfare.report.names import task_name, where
from crossfare.report.panel import panel_model
from crossfare.report.table import Table, to_csv, to_markdown
from crossfare.report.tables import cost_table, energy_table, file_of, quality_table, table1, task_table
from crossfare.run_folder import add_report
from crossfare.store import file_name
from crossfare.strict import dump_yaml, read_json, read_yaml
from crossfare.types import Method, TaskName

PAGE = "report.html"
_DEFAULT = Horizon(volume=100_000, months=12)
_SCRIPTS = ("plot.min.js", "decision.js", "panel.js")


def write_report(
    folder: str | Path,
    *,
    horizon: Horizon = _DEFAULT,
    methods: Mapping[str, Method] | None = None,
    force: bool = False,
) -> Path:
    """Write a run's report into its directory and return the path of the page.

    Beside ``report.html`` these are ``figures/`` (SVG and PNG) and, in ``tables/``, LaTeX versions
    of the tables and the methods of every decision as Markdown, CSV and LaTeX. ``methods`` lets the
    tables say what models were trained on. Files of an earlier report are replaced, others only with ``force``.

    Raises:
        ConfigError: a package that draws figures or renders the page is missing; or a file is there already that
            neither the run nor a report wrote.
        DataError: the folder is no run directory, or its results.json has been changed.
    """
    _check_installed()
    folder = Path(folder)
    run = read_run(folder)
    record = read_json(folder / "results.json")
    single = [recommend(each, horizon.examples) for each in decisions([run], months=horizon.months)]
    over_targets = decisions([run], mean=True, months=horizon.months)
    means = [recommend(each, horizon.examples) for each in over_targets if "+" in each.target]
    made = _ordered(single, means)
    look = plots.looks([option for each in made for option in each.decision.options])
    context = _context(run, methods or {})
    written = {f"tables/{name}": text.encode() for name, text in _tables_written(run, context, made, horizon)}
    curves = learning_curves([run])
    grown = [plots.learning(curve, number) for number, curve in enumerate(curves)]
    drawn = plots.figures(single, run.results, horizon, look)
    for each_figure in (*drawn, *grown):
        written |= {f"figures/{name}": content for name, content in each_figure.files.items()}
    page = _render(
        run=run,
        record=record,
        horizon=horizon,
        rule=rule(Aim()),
        choices=[_choice(each, horizon) for each in made],
        results=_result_tables(run, context),
        figures=[(each, each.data_uri()) for each in drawn],
        learning=[_learning(curve, figure) for curve, figure in zip(curves, grown, strict=True)],
        models=[_model(each.decision, look) for each in made],
    )
    add_report(folder, {**written, PAGE: page.encode()}, force=force)
    return folder / PAGE


def _check_installed() -> None:
    for package, needing in (("matplotlib", "figures need"), ("jinja2", "the report needs")):
        try:
            import_module(package)
        except ImportError:
            raise ConfigError(f"{needing} {package}: pip install 'crossfare[report]'") from None


def _ordered(single: Sequence[Recommendation], means: Sequence[Recommendation]) -> list[Recommendation]:
    """Task by task: the mean over languages first, where there are several."""
    tasks = dict.fromkeys(each.decision.task for each in single)
    return [each for task in tasks for each in (*means, *single) if each.decision.task == task]


# -- tables -----------------------------------------------------------------------------------


def _context(run: RunRecord, methods: Mapping[str, Method]) -> Context:
    """What the tables say beyond the results, from what the run wrote down."""
    names = {
        task: values["name"] for task, values in run.tasks.items() if isinstance(values, Mapping) and "name" in values
    }
    return Context(
        methods=methods,
        engine_notes={name: facts.note for name, facts in run.engines.items() if facts.note},
        standings=standings(run.results),
        data_names=names,
    )


def _tasks(run: RunRecord) -> list[TaskName]:
    return list(dict.fromkeys(result.spec.task for result in run.results))


def _result_tables(run: RunRecord, context: Context) -> list[tuple[str, tuple[Table, ...]]]:
    """For each task, the tables of scores and of costs."""
    found: list[tuple[str, tuple[Table, ...]]] = []
    for task in _tasks(run):
        own = [result for result in run.results if result.spec.task == task]
        tables = (quality_table(own, context), cost_table(own, context), energy_table(own, context))
        found.append((task_name(task), tuple(table for table in tables if table)))
    return found


def _tables_written(
    run: RunRecord, context: Context, made: Sequence[Recommendation], horizon: Horizon
) -> Iterator[tuple[str, str]]:
    """Names of files, and what they hold."""
    yield "table1.tex", to_latex(table1(run.results, context), "table1")
    for task in _tasks(run):
        yield f"{file_of(task)}.tex", to_latex(task_table(run.results, task, context), file_of(task))
    for each in made:
        name = f"methods-{_slug(each.decision)}"
        table = front_table(each, horizon)
        yield f"{name}.tex", to_latex(table, name)
        yield f"{name}.md", to_markdown(table) + "\n" + to_markdown(break_even_table(each.decision, horizon))
        yield f"{name}.csv", to_csv(table)


# -- the page ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Choice:
    """A recommendation in words: the choice, why, and every other method with the reason against it."""

    where: str
    choice: str
    reasons: tuple[str, ...]
    others: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Learning:
    """How many labels equal another method: in sentences, in tables, and as a figure."""

    where: str
    answers: tuple[str, ...]
    tables: tuple[Table, ...]
    drawn: plots.Drawn
    uri: str


def _learning(curve: LearningCurve, drawn: plots.Drawn) -> _Learning:
    tables = (learning.parity_table(curve), learning.labels_table(curve))
    return _Learning(learning.heading(curve), learning.answers(curve), tables, drawn, drawn.data_uri())


def _choice(made: Recommendation, horizon: Horizon) -> _Choice:
    _, choice, *rest = explain(made, horizon)
    if made.chosen and made.chosen.reference and (system := _of_systems(made)):
        words = explain(system, horizon)[1].removeprefix("Recommended: ")
        rest.append(f"Without reference translations: {words}")
    others = tuple(line.removeprefix("- ") for line in rest if line.startswith("- "))
    reasons = tuple(line for line in rest if not line.startswith("- "))
    return _Choice(where(made.decision), choice, reasons, others)


def _of_systems(made: Recommendation) -> Recommendation | None:
    """The recommendation among what systems deliver; None if all translations were looked up."""
    delivered = tuple(option for option in made.decision.options if not option.reference)
    return recommend(replace(made.decision, options=delivered), made.examples) if delivered else None


def _slug(decision: Decision) -> str:
    return file_name(f"{decision.task}-{decision.target}")


def _model(decision: Decision, look: Mapping[str, plots.Look]) -> dict[str, Any]:
    """A decision as the page's scripts read it."""
    model = panel_model(decision)
    for option in model["options"]:
        option["look"] = asdict(look[option["key"]])
    return {**model, "id": _slug(decision)}


def _render(*, models: Sequence[Mapping[str, Any]], **facts: Any) -> str:
    from jinja2 import Environment, StrictUndefined
    from markupsafe import Markup

    assets = files("crossfare.report") / "assets"
    scripts = "\n".join((assets / name).read_text(encoding="utf-8") for name in _SCRIPTS)
    run, record = facts["run"], facts["record"]
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string((assets / "report.html").read_text(encoding="utf-8")).render(
        **facts,
        models=models,
        model_json=Markup(script_json(models)),
        script=Markup(scripts),
        script_hash=_hash(scripts),
        style=Markup((assets / "report.css").read_text(encoding="utf-8")),
        stages=run_tables.stage_table(run),
        ledger=run_tables.ledger_table(run),
        spec=_spec_text(run),
        **_recorded(run, record),
    )


def _recorded(run: RunRecord, record: Mapping[str, Any]) -> dict[str, Any]:
    """What the record says beside the results, which reading the run has checked."""
    try:
        return {
            "made": str(record.get("made", ""))[:10],
            "version": record["provenance"].get("crossfare"),
            "losses": run_tables.losses(record),
            "yields": run_tables.yield_table(record),
            "quality": run_tables.translation_quality_table(record),
            "loading": run_tables.loading_table(record),
            "facts": run_tables.run_table(run, record),
            "prices": run_tables.price_records_table(record),
            "missing": run_tables.missing_lines(record),
        }
    except (ArithmeticError, AttributeError, KeyError, TypeError, ValueError) as error:
        raise DataError(
            f"{run.folder / 'results.json'}: its data, provenance or missing cells are not as a run writes them "
            f"({type(error).__name__}: {error}); run its spec again"
        ) from error


def script_json(value: Any) -> str:
    """JSON that may stand in a script element: no text in it can end the element or open a comment."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def _hash(script: str) -> str:
    """What the content security policy names a script by."""
    return f"sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}"


def _spec_text(run: RunRecord) -> str:
    return dump_yaml(read_yaml(run.folder / "spec.yaml", error=DataError))
