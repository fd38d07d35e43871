"""The charts of runs: quality, cost against quality, break-even curves, learning curves, latency."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from crossfare.compare import LearningCurve, cost_front
from crossfare.report import vega
from crossfare.report.decision import Horizon
from crossfare.report.learning import TRUSTED
from crossfare.report.names import metric_name, task_name
from crossfare.report.page_decision import PageDecision, numbered
from crossfare.report.vega import COLOURS, DASHED, DOT, INK, PLOT, Chart, Json, Looks
from crossfare.types import Latency, Result

_STEPS = 24  # of a curve over the volume


def charts(judged: Sequence[PageDecision], results: Sequence[Result], horizon: Horizon) -> tuple[Chart, ...]:
    """The charts of runs, task by task, with a panel for each of the decisions.

    The first of a task is its cost-quality plane.
    """
    looks = Looks.of(option for each in judged for option in each.whole.options)
    found: list[Chart] = []
    for task in dict.fromkeys(each.whole.task for each in judged):
        own = [each for each in judged if each.whole.task == task]
        rows = decision_rows(own)
        found += [
            _cost_quality(own, rows, horizon, looks),
            _quality(own, rows, looks),
            _break_even(own, rows, horizon, looks),
        ]
        if timed := [result for result in results if result.spec.task == task and result.latency]:
            found.append(latency(task, timed))
    return tuple(found)


def decision_rows(judged: Sequence[PageDecision]) -> list[dict[str, Any]]:
    """A row for every method of every decision; the page makes the same for changed prices (assets/panel.js)."""
    numbers = numbered(judged)
    return [row for each in judged for row in _rows_of(each, numbers)]


def _rows_of(judged: PageDecision, numbers: Mapping[str, int]) -> Iterator[dict[str, Any]]:
    decision, made = judged.whole, judged.made
    best = {verdict.option.key: verdict.best for verdict in made.verdicts}
    front = cost_front(made.decision, made.examples)
    volumes = _volumes(made.examples)
    for option in sorted(decision.options, key=lambda option: numbers[option.label]):
        yield {
            "number": numbers[option.label],
            "label": option.label,
            **vega.look(option),
            "target": judged.column,
            "quality": option.quality,
            "low": option.low,
            "high": option.high,
            "usd": float(decision.total_usd(option, made.examples)),
            "examples": int(made.examples),
            "volumes": volumes,
            "costs": [float(decision.total_usd(option, Decimal(volume))) for volume in volumes],
            "front": option in front,
            "mark": judged.mark(option),
            "best": best.get(option.key),
        }


def _volumes(examples: Decimal) -> list[int]:
    """From one example to a hundred times as many as asked for, in equal ratios."""
    return sorted({round(float(100 * examples) ** (step / _STEPS)) for step in range(_STEPS + 1)})


# -- the charts of decisions --------------------------------------------------------------------


def _quality(judged: Sequence[PageDecision], rows: Sequence[Mapping[str, Any]], looks: Looks) -> Chart:
    """Scores of one task with their 95 % intervals."""
    first = judged[0].whole
    metric = metric_name(first.metric)
    y = {"field": "label", "type": "nominal", "title": None, "sort": {"field": "number"}}
    span = {"mark": "rule", "encoding": {"x": vega.axis("low", metric, zero=False), "x2": {"field": "high"}, "y": y}}
    dots = vega.dots(rows, looks, x=vega.axis("quality", metric, zero=False), y=y)
    text = f"{metric} of every method in {_languages(judged)}, with 95 % intervals. The values are in the tables."
    spec = vega.panelled(judged, [span, dots], height=22 * len({row["label"] for row in rows}))
    return Chart(first.task, f"quality-{first.task}", f"{task_name(first.task)}: quality", text, spec, rows)


def _cost_quality(
    judged: Sequence[PageDecision], rows: Sequence[Mapping[str, Any]], horizon: Horizon, looks: Looks
) -> Chart:
    """The cost-quality plane of one task with its Pareto front."""
    first = judged[0].whole
    metric = metric_name(first.metric)
    log = all(row["usd"] > 0 for row in rows)
    cost, score = (
        vega.axis("usd", "Total USD", type="log" if log else "linear"),
        vega.axis("quality", metric, zero=False),
    )
    at = {"x": cost, "y": score}
    low = {**vega.axis("low", metric, zero=False)}
    span = {
        "mark": "rule",
        "encoding": {
            "x": cost,
            "y": low,
            "y2": {"field": "high"},
            **vega.hue(rows, looks),
            "opacity": vega.picked(0.6),
        },
    }
    front = {
        "mark": {"type": "line", "interpolate": "step-after", "strokeDash": DASHED, "strokeWidth": 1, "color": INK},
        "transform": [{"filter": "datum.front"}],
        "encoding": {**at, "order": {"field": "usd"}},
    }
    ring = {
        "mark": {"type": "point", "size": 260, "color": INK},
        "transform": [{"filter": "datum.mark"}],
        "encoding": {
            **at,
            "strokeDash": {"condition": {"test": "datum.mark == 'ahead'", "value": [4, 3]}, "value": [1, 0]},
        },
    }
    numbers = vega.numbers_beside(at, "log(datum.usd)" if log else "datum.usd", "datum.quality")
    text = (
        f"{metric} against total cost at {horizon}, with 95 % intervals, in {_languages(judged)}. "
        "Dashed: the Pareto front. Ringed: recommended; with a broken ring: ahead, without enough evidence."
    )
    spec = vega.panelled(judged, [span, front, vega.dots(rows, looks, **at), ring, numbers])
    return Chart(
        first.task, f"cost-quality-{first.task}", f"{task_name(first.task)}: cost against quality", text, spec, rows
    )


def _break_even(
    judged: Sequence[PageDecision], rows: Sequence[Mapping[str, Any]], horizon: Horizon, looks: Looks
) -> Chart:
    """Total cost of the methods of one task over the number of examples; where lines cross, they cost the same."""
    task = judged[0].whole.task
    at = {"x": vega.axis("volume", "Examples in all", type="log"), "y": vega.axis("cost", "Total USD", type="log")}

    along = [
        {"flatten": ["volumes", "costs"], "as": ["volume", "cost"]},
        {"filter": "datum.cost > 0"},
    ]
    at_end = {"filter": "datum.volume == 100 * datum.examples"}
    lines = {
        "mark": "line",
        "encoding": {
            **at,
            **vega.hue(rows, looks),
            "detail": {"field": "label"},
            "strokeWidth": {"condition": {"test": "datum.mark", "value": 3}, "value": 1.3},
            "opacity": vega.picked(),
        },
    }
    ends = {**vega.dots(rows, looks, **at), "transform": [at_end]}
    asked = {
        "mark": {"type": "rule", "strokeDash": DASHED},
        "encoding": {"x": {**at["x"], "field": "examples", "aggregate": "max"}},
    }
    numbers = vega.numbers_beside(at, "0", "log(datum.cost)", [at_end])
    text = (
        f"Total cost of every method over the number of examples served, in {_languages(judged)}. Dashed: {horizon}. "
        "Thick: recommended, or ahead."
    )
    spec = {**vega.panelled(judged, [asked, lines, ends, numbers]), "transform": along}
    return Chart(task, f"break-even-{task}", f"{task_name(task)}: break-even curves", text, spec, rows)


# -- other charts -------------------------------------------------------------------------------


def learning(curve: LearningCurve, number: int = 0) -> Chart:
    """The score over the number of labels, with the fitted curve, and the methods that need no labels."""
    metric = metric_name(curve.metric)
    x = vega.axis("labels", "Labels", type="log", nice=False)
    x["axis"] = {"values": [point.labels for point in curve.points], "format": ","}
    score, spread = (
        vega.axis("score", metric, zero=False),
        {"y": vega.axis("low", metric, zero=False), "y2": {"field": "high"}},
    )

    def layer(kind: str, mark: Json, **encoding: Any) -> Json:
        colour = {} if "color" in encoding else {"color": COLOURS[0]}
        return {"transform": [{"filter": f"datum.kind == '{kind}'"}], "mark": {**mark, **colour}, "encoding": encoding}

    names = list(dict.fromkeys(each.other for each in curve.parities))
    levels = {
        "color": [COLOURS[1 + at % (len(COLOURS) - 1)] for at in range(len(names))],
        "strokeDash": [[[1, 0], [6, 3], [6, 3, 1, 3], [1, 3]][at % 4] for at in range(len(names))],
    }
    told = {
        channel: {"field": "other", "title": "Without labels", "scale": {"domain": names, "range": those}}
        for channel, those in levels.items()
    }
    layers = [
        layer("band", {"type": "area", "opacity": 0.2}, x=x, **spread),
        layer("tried", {"type": "line"}, x=x, y=score),
        layer("beyond", {"type": "line", "strokeDash": DASHED}, x=x, y=score),
        layer("point", {"type": "rule"}, x=x, **spread),
        layer("point", DOT, x=x, y=score, tooltip=vega.tooltip("labels", "score", "low", "high")),
        layer("level", {"type": "rule", "strokeWidth": 1.5}, y=score, tooltip=vega.tooltip("other", "score"), **told),
    ]
    text = (
        f"{task_name(curve.task)}: {metric} of {curve.method} over the number of labels in {curve.target}, with 95 % "
        "intervals; the line is the fitted curve with its interval, dashed beyond what was tried. Level lines: methods "
        "that need no labels."
    )
    name = f"learning-{curve.task}-{curve.target}" + (f"-{number + 1}" if number else "")
    title = f"{task_name(curve.task)} {curve.target}: learning curve"
    spec = vega.spec({"layer": layers if names else layers[:-1], "width": 520, "height": 240})
    return Chart(curve.task, name, title, text, spec, _learning_rows(curve))


def _learning_rows(curve: LearningCurve) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = [
        {"kind": "band", "labels": at, "low": low, "high": high} for at, low, high in curve.band
    ]
    for kind, start, end in (("tried", curve.fewest, curve.most), ("beyond", curve.most, TRUSTED * curve.most)):
        along = [start * (end / start) ** (step / 40) for step in range(41)]
        rows += [{"kind": kind, "labels": labels, "score": curve.fitted.score(labels).item()} for labels in along]
    for point in curve.points:
        score = point.score
        rows.append(
            {"kind": "point", "labels": point.labels, "score": score.value, "low": score.low, "high": score.high}
        )
    return [*rows, *({"kind": "level", "other": each.other, "score": each.score} for each in curve.parities)]


def latency(task: str, results: Sequence[Result]) -> Chart:
    """What translation adds to a request and to a batch: median, 95th and 99th percentile."""
    rows = [
        {"what": what, "size": each.batch_size, **{f"p{p}": 1000 * getattr(each, f"p{p}") for p in (50, 95, 99)}}
        for what, found in _timed(results).items()
        for each in found
    ]
    y = {"field": "what", "type": "nominal", "title": None, "sort": None}
    tooltip = vega.tooltip("what", "p50", "p95", "p99")
    panels = []
    for size in sorted({row["size"] for row in rows}):
        title = f"Added ms a {'request' if size == 1 else f'batch of {size}'}"
        line = {"mark": {"type": "rule", "color": COLOURS[0]}, "encoding": {"x2": {"field": "p99"}}}
        tail = {
            "mark": {"type": "tick", "color": COLOURS[3], "thickness": 2, "size": 12},
            "encoding": {"x": vega.axis("p95", title)},
        }
        dot = {"mark": {**DOT, "color": COLOURS[0]}, "encoding": {"tooltip": tooltip}}
        panels.append(
            {
                "transform": [{"filter": f"datum.size == {size}"}],
                "encoding": {"x": vega.axis("p50", title), "y": y},
                "layer": [line, tail, dot],
                "width": PLOT["width"],
                "height": {"step": 24},
            }
        )
    text = "Latency added by translation. Dot: median; bar: 95th percentile; the line ends at the 99th."
    spec = vega.spec({"concat": panels, "columns": len(panels)})
    return Chart(task, f"latency-{task}", f"{task_name(task)}: added latency", text, spec, rows)


def _timed(results: Sequence[Result]) -> dict[str, tuple[Latency, ...]]:
    """Latencies by what was timed: several methods share one translation."""
    found: dict[str, tuple[Latency, ...]] = {}
    for result in results:
        spec = result.spec
        queries = " candidates" if spec.method.endswith("strategy-2") else ""
        found.setdefault(f"{spec.engine_label or spec.engine} {spec.target}-{spec.source}{queries}", result.latency)
    return found


def _languages(judged: Sequence[PageDecision]) -> str:
    return ", ".join(each.column for each in judged)
