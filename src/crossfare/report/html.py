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
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache, partial
from importlib import import_module
from importlib.resources import files
from itertools import groupby
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
from crossfare.compare.contenders import run_names
from crossfare.compare.runs import EngineFacts
from crossfare.errors import ConfigError, DataError
from crossfare.report import charts, learning, run_tables
from crossfare.report.advice import Changes, explain, rule
from crossfare.report.decision import Horizon, break_even_table, front_table
from crossfare.report.drawn import Files, kept
from crossfare.report.hardware_costs import hardware_notes, terms_notes
from crossfare.report.latex import to_latex
from crossfare.report.lines import Context, PublishedCell
from crossfare.report.names import task_name, where
from crossfare.report.overview import Overview, overview
from crossfare.report.page_decision import PageDecision, numbered
from crossfare.report.panel import panel_model
from crossfare.report.table import Table, to_csv, to_markdown
from crossfare.report.tables import cost_table, energy_table, quality_table, table1, task_tables
from crossfare.report.vega import Chart, look
from crossfare.run_folder import add_report
from crossfare.store import file_name
from crossfare.strict import dump_yaml, read_json, read_yaml
from crossfare.types import Method, RunSpec, TaskName

PAGE = "report.html"
_DEFAULT = Horizon(volume=100_000, months=12)
_AIM = Aim()
_BUSY = Decimal(1)
_SCRIPTS = ("decision.js", "charts.js", "panel.js")


def write_report(
    *folders: str | Path,
    horizon: Horizon = _DEFAULT,
    aim: Aim = _AIM,
    utilisation: Decimal = _BUSY,
    methods: Mapping[str, Method] | None = None,
    courses: Mapping[str, Sequence[Table]] | None = None,
    places: Places | None = None,
    beside: bool = False,
    force: bool = False,
) -> Path:
    """Write the report of a run, or of several together, into the directory of the first; return the path of the page.

    Beside ``report.html`` these are ``figures/`` (SVG, PNG and PDF) and, in ``tables/``, LaTeX versions of the first
    run's tables and the methods of every decision as Markdown, CSV and LaTeX. Hardware that serves works for a part
    ``utilisation`` of the time that it is paid for. ``methods`` lets the tables say what models were trained on,
    ``courses`` how races went, by their directories, ``places`` where the paper has a run's cells
    (`crossfare.paper.rows.places`), whose figures stand ``beside`` the run's if wanted. Files of an earlier report are
    replaced, others only with ``force``.

    Raises:
        ConfigError: no run is named, or one twice; a package that draws figures or renders the page is missing; or a
            file is there already that neither the run nor a report wrote.
        DataError: a folder is no run directory, or its results.json has been changed.
    """
    _check_installed()
    paths = [Path(folder) for folder in folders]
    if not paths or len({path.resolve() for path in paths}) < len(paths):
        raise ConfigError("a report needs a run directory, or several different ones")
    sources = [_Source.read(path, methods or {}, places, beside=beside) for path in paths]
    runs = [source.run for source in sources]
    gathered = partial(decisions, runs, months=horizon.months, utilisation=utilisation)
    every = [*gathered(mean=True), *gathered()]
    judged = [PageDecision.of(each, horizon.examples, aim) for each in _ordered(every)]
    results = [result for run in runs for result in run.results]
    curves = learning_curves(runs)
    drawn = charts.charts(judged, results, horizon)
    grown = [charts.learning(curve, number) for number, curve in enumerate(curves)]
    written = {f"tables/{name}": text.encode() for name, text in _tables_written(sources[0], judged, horizon)}
    for each_chart in (*drawn, *grown):
        written |= {f"figures/{name}": content for name, content in each_chart.files.items()}
    page = _render(
        name=", ".join(run_names(runs)),
        results=len(results),
        horizon=horizon,
        rule=rule(aim),
        aim=aim,
        tasks=[_task(own, horizon, drawn) for own in _by_task(judged)],
        learning=[_learning(curve, chart) for curve, chart in zip(curves, grown, strict=True)],
        runs=[{**source.parts(), "course": (courses or {}).get(str(source.run.folder), ())} for source in sources],
        models=[model for own in _by_task(judged) for model in _models(own)],
        charts=_chart_data((*drawn, *grown)),
    )
    add_report(paths[0], {**written, PAGE: page.encode()}, force=force)
    return paths[0] / PAGE


def _check_installed() -> None:
    for package, needing in (("vl_convert", "figures need"), ("jinja2", "the report needs")):
        try:
            import_module(package)
        except ImportError:
            named = package.replace("vl_convert", "vl-convert-python")
            raise ConfigError(f"{needing} {named}: pip install 'crossfare[report]'") from None


def _ordered(every: Sequence[Decision]) -> list[Decision]:
    """Task by task: the mean over languages first, where there are several."""
    unique = {(each.task, each.target): each for each in every}
    return [each for task in dict.fromkeys(task for task, _ in unique) for each in unique.values() if each.task == task]


def _by_task(judged: Sequence[PageDecision]) -> list[list[PageDecision]]:
    return [list(own) for _, own in groupby(judged, key=lambda each: each.whole.task)]


# -- what a run says ----------------------------------------------------------------------------


Places = Callable[[Sequence[RunSpec], Mapping[str, EngineFacts]], Mapping[str, PublishedCell]]
"""Says where the paper has cells, by `RunSpec.without_seed`, from what is known of their engines."""


def _two_class(tasks: Mapping[str, Any], name: str) -> bool:
    given = tasks[name]
    train = given.get("train") if isinstance(given, Mapping) else None
    return isinstance(train, Mapping) and train.get("labels") == "two-class"


@dataclass(frozen=True, slots=True)
class _Source:
    """A run with what it wrote down, and what its tables say beyond the results."""

    run: RunRecord
    record: Mapping[str, Any]
    context: Context

    @classmethod
    def read(cls, folder: Path, methods: Mapping[str, Method], places: Places | None, *, beside: bool) -> _Source:
        run = read_run(folder)
        record = read_json(folder / "results.json")
        names = {
            task: values["name"]
            for task, values in run.tasks.items()
            if isinstance(values, Mapping) and "name" in values
        }
        context = Context(
            methods=methods,
            engine_notes={name: facts.note for name, facts in run.engines.items() if facts.note},
            standings=standings(run.results),
            data_names=names,
            published=places([result.spec for result in run.results], run.engines) if places else {},
            beside=beside,
            two_class=frozenset(filter(partial(_two_class, run.tasks), run.tasks)),
        )
        return cls(run, record, context)

    @property
    def tasks(self) -> list[TaskName]:
        return list(dict.fromkeys(result.spec.task for result in self.run.results))

    def parts(self) -> dict[str, Any]:
        """What the page shows of this run alone; what the record says beside the results, reading has not checked."""
        run, record = self.run, self.record
        try:
            return {
                "run": run,
                "made": str(record.get("made", ""))[:10],
                "version": record["provenance"].get("crossfare"),
                "results": self._result_tables(),
                "losses": run_tables.losses(record),
                "yields": run_tables.yield_table(record),
                "quality": run_tables.translation_quality_table(record),
                "loading": run_tables.loading_table(record),
                "stages": run_tables.stage_table(run),
                "ledger": run_tables.ledger_table(run),
                "facts": run_tables.run_table(run, record),
                "prices": run_tables.price_records_table(record),
                "missing": run_tables.missing_lines(record),
                "spec": dump_yaml(read_yaml(run.folder / "spec.yaml", error=DataError)),
            }
        except (ArithmeticError, AttributeError, KeyError, TypeError, ValueError) as error:
            raise DataError(
                f"{run.folder / 'results.json'}: its data, provenance or missing cells are not as a run writes them "
                f"({type(error).__name__}: {error}); run its spec again"
            ) from error

    def _result_tables(self) -> list[tuple[str, tuple[Table, ...]]]:
        """For each task, the tables of scores and of costs."""
        found: list[tuple[str, tuple[Table, ...]]] = []
        for task in self.tasks:
            own = [result for result in self.run.results if result.spec.task == task]
            joined = task_tables(own, task, self.context).get("table4")
            tables = (joined, *(table(own, self.context) for table in (quality_table, cost_table, energy_table)))
            found.append((task_name(task), tuple(table for table in tables if table)))
        return found


def _tables_written(source: _Source, judged: Sequence[PageDecision], horizon: Horizon) -> Iterator[tuple[str, str]]:
    """Names of files, and what they hold."""
    results, context = source.run.results, source.context
    yield "table1.tex", to_latex(table1(results, context), "table1")
    for task in source.tasks:
        for name, table in task_tables(results, task, context).items():
            yield f"{name}.tex", to_latex(table, name)
    for each in judged:
        name = f"methods-{_slug(each.whole)}"
        table = front_table(recommend(each.whole, each.made.examples, aim=each.made.aim), horizon)
        yield f"{name}.tex", to_latex(table, name)
        yield f"{name}.md", to_markdown(table) + "\n" + to_markdown(break_even_table(each.whole, horizon))
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
class _Task:
    """A task's part of the page: its first screen, the reasons, and its charts but for the plane."""

    overview: Overview
    notes: tuple[str, ...]
    choices: tuple[_Choice, ...]
    plane: Chart
    others: tuple[Chart, ...]


def _task(judged: Sequence[PageDecision], horizon: Horizon, drawn: Iterable[Chart]) -> _Task:
    plane, *others = [each for each in drawn if each.task == judged[0].whole.task]
    changes = [Changes.of(each.made) for each in judged]
    choices = tuple(_choice(each.made, horizon, own) for each, own in zip(judged, changes, strict=True))
    whole = [each.whole for each in judged]
    notes = hardware_notes(whole, horizon.examples)
    notes += tuple(dict.fromkeys(note for each in whole for note in terms_notes(each)))
    return _Task(overview(judged, changes), notes, choices, plane, tuple(others))


@dataclass(frozen=True, slots=True)
class _Learning:
    """How many labels equal another method: in sentences, in tables, and as a chart."""

    where: str
    answers: tuple[str, ...]
    tables: tuple[Table, ...]
    chart: Chart


def _learning(curve: LearningCurve, chart: Chart) -> _Learning:
    tables = (learning.parity_table(curve), learning.labels_table(curve))
    return _Learning(learning.heading(curve), learning.answers(curve), tables, chart)


def _choice(made: Recommendation, horizon: Horizon, changes: Changes) -> _Choice:
    _, choice, *rest = explain(made, horizon, changes)
    others = tuple(line.removeprefix("- ") for line in rest if line.startswith("- "))
    reasons = tuple(line for line in rest if not line.startswith("- "))
    return _Choice(where(made.decision), choice, reasons, others)


def _slug(decision: Decision) -> str:
    return file_name(f"{decision.task}-{decision.target}")


def _models(judged: Sequence[PageDecision]) -> Iterator[dict[str, Any]]:
    """A task's decisions as the page's scripts read them."""
    order = numbered(judged)
    for each in judged:
        model = panel_model(each.whole)
        for option, shown in zip(each.whole.options, model["options"], strict=True):
            shown |= {"number": order[option.label], **look(option)}
        yield {**model, "id": _slug(each.whole), "task": each.whole.task, "target": each.column}


def _chart_data(every: Sequence[Chart]) -> dict[str, Any]:
    """Charts as the page's scripts read them: those of a task share their rows."""
    shared = {id(each.rows): each.rows for each in every}
    at = {key: index for index, key in enumerate(shared)}
    specs = {each.name: {"spec": each.spec, "rows": at[id(each.rows)]} for each in every}
    return {"specs": specs, "rows": list(shared.values())}


def _render(*, models: Sequence[Mapping[str, Any]], charts: Mapping[str, Any], **facts: Any) -> str:
    from jinja2 import Environment, StrictUndefined
    from markupsafe import Markup

    assets = files("crossfare.report") / "assets"
    own = "\n".join((assets / name).read_text(encoding="utf-8") for name in _SCRIPTS)
    scripts = [_library(), own]
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string((assets / "report.html").read_text(encoding="utf-8")).render(
        **facts,
        models=models,
        model_json=Markup(script_json(models)),
        chart_json=Markup(script_json(charts)),
        scripts=[Markup(each) for each in scripts],
        hashes=[_hash(each) for each in scripts],
        style=Markup((assets / "report.css").read_text(encoding="utf-8")),
    )


_NOTICE = """/*! Vega, Vega-Lite, Vega-Embed, Vega-Tooltip, Vega-Interpreter: Copyright (c) University of Washington
Interactive Data Lab and contributors, BSD 3-Clause licence (https://github.com/vega/vega/blob/main/LICENSE).
D3: Copyright Mike Bostock, ISC licence (https://github.com/d3/d3/blob/main/LICENSE). Bundled by vl-convert. */
"""


@cache
def _library() -> str:
    """Vega, Vega-Lite and what shows them in a page; nothing in it can end the script that it stands in."""
    script = "window.vegaEmbed = vegaEmbed;"
    bundle = kept({"library": script}, partial(_bundled, script))["js"].decode()
    return _NOTICE + bundle.replace("</script", "<\\/script").replace("<!--", "<\\!--")


def _bundled(script: str) -> Files:
    import vl_convert

    return {"js": str(vl_convert.javascript_bundle(script)).encode()}


def script_json(value: Any) -> str:
    """JSON that may stand in a script element: no text in it can end the element or open a comment."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def _hash(script: str) -> str:
    """What the content security policy names a script by."""
    return f"sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}"
