from __future__ import annotations

import base64
import subprocess
import sys
from dataclasses import replace
from xml.etree import ElementTree

import pytest

from compare import made
from crossfare.compare import Recommendation, recommend
from crossfare.report import plots
from crossfare.report.decision import Horizon
from crossfare.types import Latency
from report import fixed

SVG = "{http://www.w3.org/2000/svg}"
HORIZON = Horizon(1000, 12)


def recommendation(*, free: bool = False) -> Recommendation:
    """Three methods; with one that costs nothing, axes cannot be logarithmic."""
    options = [
        made.option("zero-shot", 0.6, "0" if free else "1", "0" if free else "0.01"),
        made.option("translate-train (Open S)", 0.7, "5", "0.01"),
        made.option("translate-infer (Price $5$ a_b)", 0.65, "0", "2.5", None),
    ]
    return recommend(made.decision(options), HORIZON.examples)


def texts(svg: str) -> list[str]:
    return ["".join(each.itertext()) for each in ElementTree.fromstring(svg).iter(f"{SVG}text")]


@pytest.fixture(scope="module")
def drawn() -> dict[str, plots.Drawn]:
    found = recommendation()
    results = [each for each in fixed.results() if each.spec.task == "nli"]
    look = plots.looks(found.decision.options)
    return {each.name: each for each in plots.figures([found], results, HORIZON, look)}


def test_a_task_has_its_four_figures(drawn: dict[str, plots.Drawn]) -> None:
    assert list(drawn) == ["quality-nli", "cost-quality-nli", "break-even-nli", "latency-nli"]
    assert all(each.png.startswith(b"\x89PNG") and each.text and each.title for each in drawn.values())


def test_labels_stay_text_and_are_no_formulas(drawn: dict[str, plots.Drawn]) -> None:
    assert "translate-infer (Price $5$ a_b)" in texts(drawn["quality-nli"].svg)
    assert "3 translate-infer (Price $5$ a_b)" in texts(drawn["cost-quality-nli"].svg)


def test_a_figure_is_drawn_the_same_twice(drawn: dict[str, plots.Drawn]) -> None:
    found = recommendation()
    again = plots.quality([found], plots.looks(found.decision.options))
    assert again.svg == drawn["quality-nli"].svg and again.png == drawn["quality-nli"].png


def test_a_method_without_cost_can_be_drawn() -> None:
    found = recommendation(free=True)
    look = plots.looks(found.decision.options)
    assert "Total USD" in texts(plots.cost_quality([found], HORIZON, look).svg)
    assert "2" in texts(plots.break_even_curves([found], HORIZON, look).svg)


def test_a_method_looks_the_same_everywhere_and_unlike_the_others() -> None:
    options = recommendation().decision.options
    other = [replace(each, key=f"{each.key}-de") for each in options]
    look = plots.looks([*options, *other])
    assert len({(each.colour, each.symbol) for each in look.values()}) == len(options)
    assert all(look[each.key] == look[f"{each.key}-de"] for each in options)
    engines = plots.looks([replace(options[1], key=name, engine=name) for name in "ab"])
    assert engines["a"].colour == engines["b"].colour and engines["a"].symbol != engines["b"].symbol


def test_the_page_gets_ink_for_light_and_dark(drawn: dict[str, plots.Drawn]) -> None:
    uri = drawn["cost-quality-nli"].data_uri()
    svg = base64.b64decode(uri.removeprefix("data:image/svg+xml;base64,")).decode()
    ElementTree.fromstring(svg)
    assert "prefers-color-scheme:dark" in svg and "currentColor" in svg
    assert "fill: #ffffff" not in svg and "fill: #ffffff" in drawn["cost-quality-nli"].svg


def test_latency_shows_median_and_tail() -> None:
    timed = replace(fixed.results()[3], latency=(Latency(1, 10, 0.03, 0.031, 0.042, 0.055, "test"),))
    found = plots.latency("qa", [timed])
    assert "Added ms a request" in texts(found.svg)
    assert "Open S pt-en" in texts(found.svg)


def test_files_hold_what_was_drawn(drawn: dict[str, plots.Drawn]) -> None:
    files = drawn["latency-nli"].files
    assert files["latency-nli.svg"].decode() == drawn["latency-nli"].svg
    assert files["latency-nli.png"] == drawn["latency-nli"].png


def test_reports_are_imported_without_matplotlib() -> None:
    code = "import sys, crossfare.report; sys.exit(bool({'matplotlib', 'jinja2'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
