"""Figures of a run: quality with intervals, cost against quality, break-even curves, latency.

They are drawn with matplotlib, which is imported when a figure is: the light install does without.
Colours are those of Okabe and Ito (2008), told apart by colour-blind readers; methods also have a
number, and engines a marker, so that no figure needs its colours.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Any, ParamSpec

from crossfare.compare import LearningCurve, Option, Recommendation, cost_front, curves, grid
from crossfare.report.decision import Horizon
from crossfare.report.learning import TRUSTED
from crossfare.report.names import metric_name, task_name
from crossfare.store import file_name
from crossfare.types import Latency, Result

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

    _Named = tuple[str, str, str, Figure]  # file name, heading, text

P = ParamSpec("P")

# Okabe and Ito's colours, without black and without yellow, which do not show on every background.
COLOURS = ("#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9", "#888888")
# Markers by their names in the page's plotting library, and by those of matplotlib.
MARKERS = {"circle": "o", "square": "s", "triangle": "^", "diamond": "D", "star": "*", "cross": "P"}

_LONGEST_LABEL = 56  # characters
_LINES = ("-", "--", "-.", ":")
_INK = "#1a1a1a"
_DARK_INK = "#e8e8e8"
_STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "crossfare",
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "figure.facecolor": "#ffffff",
    "axes.facecolor": "none",
    "axes.grid": True,
    "grid.color": "#888888",
    "grid.alpha": 0.25,
    "axes.axisbelow": True,
    "legend.frameon": False,
    **{name: _INK for name in ("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color")},
}


@dataclass(frozen=True, slots=True)
class Look:
    """How a method is drawn wherever it appears: by its method and its engine."""

    colour: str
    symbol: str


@dataclass(frozen=True, slots=True)
class Drawn:
    """A figure with its file name, its heading, and what it shows in words."""

    name: str
    title: str
    text: str
    svg: str
    png: bytes

    @property
    def files(self) -> dict[str, bytes]:
        """Both files, by name."""
        svg, png = (file_name(f"{self.name}.{kind}") for kind in ("svg", "png"))
        return {svg: self.svg.encode(), png: self.png}

    def data_uri(self) -> str:
        """The SVG for a page: without its paper, its ink dark on light pages and light on dark ones."""
        bare = self.svg.replace("fill: #ffffff", "fill: none", 1).replace(_INK, "currentColor")
        start = bare.index(">", bare.index("<svg")) + 1
        ink = f"svg{{color:{_INK}}}@media (prefers-color-scheme:dark){{svg{{color:{_DARK_INK}}}}}"
        styled = f"{bare[:start]}<style>{ink}</style>{bare[start:]}"
        return f"data:image/svg+xml;base64,{base64.b64encode(styled.encode()).decode()}"


def _styled(draw: Callable[P, _Named]) -> Callable[P, Drawn]:
    """Draw a named figure as SVG, in which text stays text, and as PNG."""

    @wraps(draw)
    def drawn(*args: P.args, **given: P.kwargs) -> Drawn:
        import matplotlib

        svg, png = io.StringIO(), io.BytesIO()
        with matplotlib.rc_context(_STYLE):
            name, title, text, figure = draw(*args, **given)
            if layout := figure.get_layout_engine():
                layout.execute(figure)
            figure.set_layout_engine(None)  # laid out by now: each format would do so twice more
            figure.savefig(svg, format="svg", metadata={"Date": None})
            figure.savefig(png, format="png", dpi=160, metadata={"Software": None})
        return Drawn(name, title, text, svg.getvalue(), png.getvalue())

    return drawn


def looks(options: Sequence[Option]) -> dict[str, Look]:
    """How to draw each option, by its key: a colour for its method, a marker for its engine."""
    methods = list(dict.fromkeys(_method(option) for option in options))
    engines = list(dict.fromkeys(option.engine for option in options))
    symbols = list(MARKERS)
    return {
        option.key: Look(
            COLOURS[methods.index(_method(option)) % len(COLOURS)], symbols[engines.index(option.engine) % len(symbols)]
        )
        for option in options
    }


def figures(
    made: Sequence[Recommendation], results: Sequence[Result], horizon: Horizon, look: Mapping[str, Look]
) -> tuple[Drawn, ...]:
    """The figures of a run, task by task: a panel for each of its languages.

    ``made`` has the recommendations of the single languages, ``look`` covers all their options.
    """
    found: list[Drawn] = []
    for task in dict.fromkeys(each.decision.task for each in made):
        own = [each for each in made if each.decision.task == task]
        found += [quality(own, look), cost_quality(own, horizon, look), break_even_curves(own, horizon, look)]
        if timed := [result for result in results if result.spec.task == task and result.latency]:
            found.append(latency(task, timed))
    return tuple(found)


@_styled
def quality(made: Sequence[Recommendation], look: Mapping[str, Look]) -> _Named:
    """Scores of one task with their 95 % intervals."""
    first, labels = made[0].decision, _labels(made)
    metric = metric_name(first.metric)
    figure, axes = _panels(len(made), height=1.1 + 0.27 * len(labels))
    for axis, each in zip(axes, made, strict=True):
        axis.set(title=each.decision.target, xlabel=metric, ylim=(len(labels) - 0.5, -0.5))
        for option in each.decision.options:
            _point(axis, option, option.quality, labels.index(option.label), look, horizontal=True)
    axes[0].set_yticks(range(len(labels)), [_shown(label) for label in labels])
    text = f"{metric} of every method in {_languages(made)}, with 95 % intervals. The values are in the tables."
    return f"quality-{first.task}", f"{task_name(first.task)}: quality", text, figure


@_styled
def cost_quality(made: Sequence[Recommendation], horizon: Horizon, look: Mapping[str, Look]) -> _Named:
    """The cost-quality plane of one task with its Pareto front."""
    first = made[0].decision
    figure, axes = _panels(len(made), height=3.4)
    for axis, each in zip(axes, made, strict=True):
        decision = each.decision
        totals = {option.key: float(decision.total_usd(option, each.examples)) for option in decision.options}
        axis.set(title=decision.target, xlabel="Total USD", xscale="log" if min(totals.values()) > 0 else "linear")
        on_front = cost_front(decision, each.examples)
        steps = ([totals[o.key] for o in on_front], [o.quality for o in on_front])
        axis.step(*steps, where="post", color=_INK, linestyle="--", linewidth=0.8)
        for option in decision.options:
            _point(axis, option, totals[option.key], option.quality, look)
        _write_numbers(axis, made, {o.label: (totals[o.key], o.quality) for o in decision.options})
        if each.chosen:
            at = (totals[each.chosen.key], each.chosen.quality)
            axis.plot(*at, "o", markersize=13, fillstyle="none", color=_INK)
    axes[0].set_ylabel(metric_name(first.metric))
    _legend_of_methods(figure, made, look)
    text = (
        f"{metric_name(first.metric)} against total cost at {horizon}, with 95 % intervals, in {_languages(made)}. "
        "Dashed: the Pareto front. Ringed: recommended."
    )
    return f"cost-quality-{first.task}", f"{task_name(first.task)}: cost against quality", text, figure


@_styled
def break_even_curves(made: Sequence[Recommendation], horizon: Horizon, look: Mapping[str, Look]) -> _Named:
    """Total cost of the methods of one task over the number of examples; where lines cross, they cost the same."""
    task = made[0].decision.task
    figure, axes = _panels(len(made), height=3.4)
    for axis, each in zip(axes, made, strict=True):
        axis.set(title=each.decision.target, xlabel="Examples in all", xscale="log", yscale="log")
        volumes = [n for n in grid(each.decision, each.examples) if n <= 100 * each.examples]
        ends: dict[str, tuple[float, float]] = {}
        for curve in curves(each.decision, volumes):
            found = [(float(n), float(usd)) for n, usd in curve.points if usd > 0]
            if found:
                width = 2.5 if curve.option == each.chosen else 1.2
                drawn = look[curve.option.key]
                axis.plot(*zip(*found, strict=True), color=drawn.colour, linewidth=width, solid_capstyle="butt")
                axis.plot(*found[-1], MARKERS[drawn.symbol], color=drawn.colour, markersize=4)
                ends[curve.option.label] = found[-1]
        _write_numbers(axis, made, ends)
        axis.axvline(float(each.examples), color=_INK, linestyle="--", linewidth=0.8)
    axes[0].set_ylabel("Total USD")
    _legend_of_methods(figure, made, look)
    text = (
        f"Total cost of every method over the number of examples served, in {_languages(made)}. Dashed: {horizon}. "
        "Thick: recommended."
    )
    return f"break-even-{task}", f"{task_name(task)}: break-even curves", text, figure


@_styled
def learning(curve: LearningCurve, number: int = 0) -> _Named:
    """The score over the number of labels, with the fitted curve, and the methods that need no labels."""
    from matplotlib.lines import Line2D

    metric, most = metric_name(curve.metric), curve.most
    figure, (axis,) = _panels(1, height=3.4)
    axis.set(xscale="log", xlabel="Labels", ylabel=metric, title=f"{curve.method} in {curve.target}")
    at, low, high = zip(*curve.band, strict=True)
    axis.fill_between(at, low, high, color=COLOURS[0], alpha=0.2, linewidth=0)
    for start, end, style in ((curve.fewest, most, "-"), (most, TRUSTED * most, "--")):
        along = [start * (end / start) ** (step / 40) for step in range(41)]
        drawn = [curve.fitted.score(labels).item() for labels in along]
        axis.plot(along, drawn, style, color=COLOURS[0], linewidth=1.4)
    for point in curve.points:
        spread = [[point.score.value - point.score.low], [point.score.high - point.score.value]]
        axis.errorbar(point.labels, point.score.value, yerr=spread, fmt="o", color=COLOURS[0], capsize=2)
    handles = []
    for index, other in enumerate(curve.parities):
        look: dict[str, Any] = {"color": COLOURS[1 + index % (len(COLOURS) - 1)], "linewidth": 1.2}
        look["linestyle"] = _LINES[index % len(_LINES)]
        axis.axhline(other.score, **look)
        handles.append(Line2D([], [], label=_shown(other.other), **look))
    ticks = [point.labels for point in curve.points]
    axis.set_xticks(ticks, [f"{labels:,}" for labels in ticks])
    axis.minorticks_off()
    _legend(figure, handles)
    text = (
        f"{task_name(curve.task)}: {metric} of {curve.method} over the number of labels in {curve.target}, with 95 % "
        "intervals; the line is the fitted curve with its interval, dashed beyond what was tried. Level lines: methods "
        "that need no labels."
    )
    name = f"learning-{curve.task}-{curve.target}" + (f"-{number + 1}" if number else "")
    return name, f"{task_name(curve.task)} {curve.target}: learning curve", text, figure


@_styled
def latency(task: str, results: Sequence[Result]) -> _Named:
    """What translation adds to a request and to a batch: median, 95th and 99th percentile."""
    sizes = sorted({each.batch_size for result in results for each in result.latency})
    rows = _latency_rows(results)
    figure, axes = _panels(len(sizes), height=1.2 + 0.3 * len(rows))
    for axis, size in zip(axes, sizes, strict=True):
        unit = "request" if size == 1 else f"batch of {size}"
        axis.set(xlabel=f"Added ms a {unit}", ylim=(len(rows) - 0.5, -0.5))
        for index, found in enumerate(rows.values()):
            for each in (one for one in found if one.batch_size == size):
                axis.plot([1000 * each.p50, 1000 * each.p99], [index, index], color=COLOURS[0], linewidth=1)
                axis.plot(1000 * each.p50, index, "o", color=COLOURS[0])
                axis.plot(1000 * each.p95, index, "|", color=COLOURS[3], markersize=11, markeredgewidth=2)
        axis.set_xlim(left=0)
    axes[0].set_yticks(range(len(rows)), [_shown(row) for row in rows])
    text = "Latency added by translation. Dot: median; bar: 95th percentile; the line ends at the 99th."
    return f"latency-{task}", f"{task_name(task)}: added latency", text, figure


# -- parts ------------------------------------------------------------------------------------


def _panels(count: int, height: float) -> tuple[Figure, list[Axes]]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(max(6.5, 1.8 + 2.7 * count), height), layout="constrained")
    return figure, list(figure.subplots(1, count, sharey=True, squeeze=False)[0])


def _point(
    axis: Axes, option: Option, x: float, y: float, look: Mapping[str, Look], *, horizontal: bool = False
) -> None:
    """A score with its interval, along x or along y."""
    drawn = look[option.key]
    spread = [[max(0.0, option.quality - option.low)], [max(0.0, option.high - option.quality)]]
    error: dict[str, Any] = {"xerr" if horizontal else "yerr": spread}
    axis.errorbar(
        x, y, **error, fmt=MARKERS[drawn.symbol], color=drawn.colour, markersize=5, elinewidth=1, zorder=3, capsize=2
    )


def _write_numbers(axis: Axes, made: Sequence[Recommendation], at: Mapping[str, tuple[float, float]]) -> None:
    """Every method's number beside its point, as in the legend; points close together share one text."""
    labels = _labels(made)
    groups: list[tuple[tuple[float, float], list[int]]] = []
    to_share = axis.transData + axis.transAxes.inverted()
    for label, point in sorted(at.items(), key=lambda each: -each[1][1]):
        x, y = to_share.transform(point)
        number = labels.index(label) + 1
        for first, numbers in groups:
            a, b = to_share.transform(first)
            if abs(a - x) < 0.08 and abs(b - y) < 0.05:
                numbers.append(number)
                break
        else:
            groups.append((point, [number]))
    for point, numbers in groups:
        text = ",".join(map(str, sorted(numbers)))
        axis.annotate(text, point, xytext=(5, 4), textcoords="offset points", fontsize=7)


def _legend_of_methods(figure: Figure, made: Sequence[Recommendation], look: Mapping[str, Look]) -> None:
    from matplotlib.lines import Line2D

    by_label = {option.label: look[option.key] for each in made for option in each.decision.options}
    handles = []
    for number, (label, drawn) in enumerate(by_label.items(), 1):
        marker, text = MARKERS[drawn.symbol], f"{number} {_shown(label)}"
        handles.append(Line2D([], [], color=drawn.colour, marker=marker, linewidth=1.2, label=text))
    _legend(figure, handles)


def _legend(figure: Figure, handles: Sequence[Line2D]) -> None:
    figure.legend(handles=handles, loc="outside lower center", ncols=2, fontsize=7.5)
    figure.set_figheight(figure.get_figheight() + 0.16 * ((len(handles) + 1) // 2))


def _labels(made: Sequence[Recommendation]) -> list[str]:
    """The methods of all panels, in order of first appearance."""
    return list(dict.fromkeys(option.label for each in made for option in each.decision.options))


def _latency_rows(results: Sequence[Result]) -> dict[str, tuple[Latency, ...]]:
    """Latencies by what was timed: several methods share one translation."""
    found: dict[str, tuple[Latency, ...]] = {}
    for result in results:
        spec = result.spec
        queries = " candidates" if spec.method.endswith("strategy-2") else ""
        found.setdefault(f"{spec.engine_label or spec.engine} {spec.target}-{spec.source}{queries}", result.latency)
    return found


def _languages(made: Sequence[Recommendation]) -> str:
    return ", ".join(each.decision.target for each in made)


def _method(option: Option) -> str:
    return option.label.partition(" (")[0]


def _shown(text: str) -> str:
    """A label that leaves room for the figure, and that matplotlib does not read as a formula."""
    short = text if len(text) <= _LONGEST_LABEL else f"{text[: _LONGEST_LABEL - 1]}…"
    return short.replace("$", r"\$")
