"""What charts are made of: Vega-Lite as plain JSON, the looks of methods, and files in every format.

The rows of a spec stand apart under one name: the page draws it with other rows when a price is changed, and
vl-convert draws it as a file. Colours are those of Okabe and Ito (2008), told apart by colour-blind readers; methods
also have a number, and engines a marker, so that no chart needs its colours.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

from crossfare.compare import Option
from crossfare.report.drawn import Files, kept
from crossfare.report.page_decision import PageDecision
from crossfare.store import file_name

Json = dict[str, Any]

# Okabe and Ito's colours, without black and without yellow, which do not show on every background; grey and brown.
COLOURS = ("#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9", "#888888", "#A6761D")
SYMBOLS = ("circle", "square", "triangle-up", "diamond", "cross", "triangle-down")
ROWS = "rows"
"""What a spec calls its data."""

_UNTRANSLATED = "none"
_INK, _DARK_INK = "#1a1a1a", "#e8e8e8"
PLOT = {"width": 230, "height": 220}
DASHED = [5, 3]
_LABEL_LIMIT = 380  # pixels
# "0.001", "10,000", "1e9": no unit letters, which mean different things to different readers.
_AXIS = {
    "tickCount": 4,
    "labelExpr": "abs(datum.value) >= 1e6 || (datum.value != 0 && abs(datum.value) < 1e-4)"
    " ? replace(format(datum.value, '.0e'), '+', '') : format(datum.value, ',~r')",
}
_TO_FOUR = {"type": "quantitative", "format": ",.4~r"}
_TOLD: Mapping[str, Json] = {
    "label": {"title": "Method"},
    "what": {"title": "Engine"},
    "other": {"title": "Method"},
    "usd": {"title": "Total USD", **_TO_FOUR},
    "best": {"title": "Best with probability", "type": "quantitative", "format": ".0%"},
    "low": {"title": "95 % from", **_TO_FOUR},
    "high": {"title": "to", **_TO_FOUR},
}
DOT = {"type": "point", "filled": True, "size": 70, "opacity": 1}
# One ink for light and dark pages, that of the text around; files on white paper get it as black.
INK = "currentColor"
_CONFIG: Json = {
    "text": {"color": INK},
    "title": {"color": INK, "fontSize": 12},
    "header": {"labelColor": INK, "labelFontSize": 12, "labelFontWeight": "bold"},
    "rule": {"color": INK},
    "axis": {
        **dict.fromkeys(("labelColor", "titleColor", "tickColor", "domainColor"), INK),
        "gridColor": "#888888",
        "gridOpacity": 0.25,
        "labelLimit": _LABEL_LIMIT,
        "titleFontWeight": "normal",
    },
    "legend": {
        **dict.fromkeys(("labelColor", "titleColor", "symbolBaseFillColor", "symbolBaseStrokeColor"), INK),
        "orient": "bottom",
        "columns": 3,
        "labelLimit": _LABEL_LIMIT,
        "symbolLimit": 0,
        "symbolOpacity": 1,
    },
    "view": {"stroke": None},
    "font": "sans-serif",
}


@dataclass(frozen=True)
class Chart:
    """A chart of a task: its file name, its heading, what it shows in words, and a spec to be drawn with the rows."""

    task: str
    name: str
    title: str
    text: str
    spec: Mapping[str, Any]
    rows: Sequence[Mapping[str, Any]]

    @cached_property
    def _drawn(self) -> Files:
        drawn = {**self.spec, "datasets": {ROWS: list(self.rows)}}
        return kept(drawn, partial(_draw, drawn))

    @property
    def svg(self) -> str:
        """The chart as SVG without paper, in which text stays text."""
        return self._drawn["svg"].decode()

    @property
    def files(self) -> dict[str, bytes]:
        """The chart on white paper in each format, by the name of the file."""
        made = {**self._drawn, "svg": _on_paper(self.svg).encode()}
        return {file_name(f"{self.name}.{kind}"): made[kind] for kind in ("svg", "png", "pdf")}

    def data_uri(self) -> str:
        """The SVG for a page where nothing can be drawn: its ink dark on light pages and light on dark ones."""
        start = self.svg.index(">") + 1
        ink = f"svg{{color:{_INK}}}@media (prefers-color-scheme:dark){{svg{{color:{_DARK_INK}}}}}"
        styled = f"{self.svg[:start]}<style>{ink}</style>{self.svg[start:]}"
        return f"data:image/svg+xml;base64,{base64.b64encode(styled.encode()).decode()}"


def _draw(drawn: Json) -> Files:
    import vl_convert

    svg = str(vl_convert.vegalite_to_svg(drawn, allowed_base_urls=[]))
    paper = _on_paper(svg)
    return {"svg": svg.encode(), "png": vl_convert.svg_to_png(paper, scale=2), "pdf": vl_convert.svg_to_pdf(paper)}


def _on_paper(svg: str) -> str:
    start = svg.index(">") + 1
    return f'{svg[:start]}<rect width="100%" height="100%" fill="#fff"/>{svg[start:]}'


@dataclass(frozen=True, slots=True)
class Looks:
    """How methods are drawn wherever they appear: a colour for the method, a marker for its engine."""

    methods: Sequence[str]
    engines: Sequence[str]

    @classmethod
    def of(cls, options: Iterable[Option]) -> Looks:
        """Looks for all these options, by order of first appearance."""
        every = [look(option) for option in options]
        methods, engines = (list(dict.fromkeys(each[name] for each in every)) for name in ("method", "engine"))
        return cls(methods, engines)

    def encoded(self, rows: Sequence[Mapping[str, Any]]) -> Json:
        """The encodings of the methods and engines that are there."""
        methods, engines = (list(dict.fromkeys(row[name] for row in rows)) for name in ("method", "engine"))
        colours = [COLOURS[self.methods.index(each) % len(COLOURS)] for each in methods]
        symbols = [SYMBOLS[self.engines.index(each) % len(SYMBOLS)] for each in engines]
        return {
            "color": {"field": "method", "title": "Method", "scale": {"domain": methods, "range": colours}},
            "shape": {"field": "engine", "title": "Translated by", "scale": {"domain": engines, "range": symbols}},
        }


def look(option: Option) -> dict[str, str]:
    """What a method's colour and marker stand for."""
    return {"method": option.label.partition(" (")[0], "engine": option.engine or _UNTRANSLATED}


def axis(field: str, title: str, **scale: Any) -> Json:
    """A number along an axis."""
    return {"field": field, "type": "quantitative", "title": title, "scale": scale, "axis": _AXIS}


def hue(rows: Sequence[Mapping[str, Any]], looks: Looks) -> Json:
    """The colours alone, for what has no marker."""
    return {"color": looks.encoded(rows)["color"]}


def dots(rows: Sequence[Mapping[str, Any]], looks: Looks, **at: Json) -> Json:
    """A dot for every method."""
    told = {"tooltip": tooltip("label", "quality", "low", "high", "usd", "best")}
    return {"mark": DOT, "encoding": {**at, **looks.encoded(rows), "opacity": picked(), **told}}


def picked(opacity: float = 1) -> Json:
    """The page sets ``picked`` to the number of a method, and all others fade; 0 is none."""
    return {"condition": {"test": "picked == 0 || picked == datum.number", "value": opacity}, "value": 0.12}


def numbers_beside(at: Json, across: str, up: str, transform: Sequence[Json] = ()) -> Json:
    """Every method's number beside its point; points close together share one text.

    ``across`` and ``up`` say where a point is on its axis; a twelfth of the axis is close.
    """
    axes = {"across": across, "up": up}
    ends = [{"op": end, "field": axis, "as": f"{end}_{axis}"} for axis in axes for end in ("min", "max")]
    share = "(datum.{0} - datum.min_{0}) / max(1e-9, datum.max_{0} - datum.min_{0})"
    fields = [encoding["field"] for encoding in at.values()]
    together = [{"op": "values", "as": "there"}, *({"op": "max", "field": name, "as": name} for name in fields)]
    return {
        "transform": [
            *transform,
            *({"calculate": place, "as": axis} for axis, place in axes.items()),
            {"joinaggregate": ends, "groupby": ["target"]},
            *({"calculate": f"round(12 * {share.format(axis)})", "as": f"cell_{axis}"} for axis in axes),
            {"aggregate": together, "groupby": ["target", *(f"cell_{axis}" for axis in axes)]},
            {"calculate": "join(pluck(datum.there, 'number'), ',')", "as": "shown"},
        ],
        "mark": {"type": "text", "dx": 7, "dy": -7, "fontSize": 9, "align": "left"},
        "encoding": {**at, "text": {"field": "shown"}},
    }


def tooltip(*fields: str) -> list[Json]:
    """What is told of a row where it is pointed at."""
    return [{"field": name, **_TOLD.get(name, {"title": name, **_TO_FOUR})} for name in fields]


def panelled(judged: Sequence[PageDecision], layers: Sequence[Json], height: int = PLOT["height"]) -> Json:
    """Layers over each other, in a panel for each decision."""
    order = [each.column for each in judged]
    facet = {"field": "target", "title": None, "sort": order}
    panel = {"layer": list(layers), "width": PLOT["width"], "height": height}
    return spec({"facet": facet, "columns": 4, "spec": panel})


def spec(drawn: Json) -> Json:
    """A whole spec, but for its rows."""
    facts = {"$schema": "https://vega.github.io/schema/vega-lite/v6.json", "data": {"name": ROWS}}
    return {**facts, "params": [{"name": "picked", "value": 0}], "background": None, "config": _CONFIG, **drawn}
