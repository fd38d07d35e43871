from __future__ import annotations

import base64
import subprocess
import sys
from dataclasses import replace
from xml.etree import ElementTree

import pytest
import vl_convert

from compare import made
from crossfare.compare import Aim
from crossfare.report import charts
from crossfare.report.decision import Horizon
from crossfare.report.page_decision import PageDecision
from crossfare.report.vega import ROWS, Chart
from crossfare.types import Latency
from report import fixed

SVG = "{http://www.w3.org/2000/svg}"
HORIZON = Horizon(1000, 12)


def judged(*, free: bool = False) -> PageDecision:
    """Three methods; with one that costs nothing, axes cannot be logarithmic."""
    options = [
        made.option("zero-shot", 0.6, "0" if free else "1", "0" if free else "0.01"),
        made.option("translate-train (Open S)", 0.7, "5", "0.01"),
        made.option("translate-infer (Price $5$ a_b)", 0.65, "0", "2.5", None),
    ]
    return PageDecision.of(made.decision(options), HORIZON.examples, Aim())


def texts(svg: str) -> list[str]:
    return ["".join(each.itertext()) for each in ElementTree.fromstring(svg).iter(f"{SVG}text")]


@pytest.fixture(scope="module")
def drawn() -> dict[str, Chart]:
    results = [each for each in fixed.results() if each.spec.task == "nli"]
    return {each.name: each for each in charts.charts([judged()], results, HORIZON)}


def test_a_task_has_its_four_charts_in_every_format(drawn: dict[str, Chart]) -> None:
    assert list(drawn) == ["cost-quality-nli", "quality-nli", "break-even-nli", "latency-nli"]
    for each in drawn.values():
        svg, png, pdf = each.files.values()
        assert svg.startswith(b"<svg") and png.startswith(b"\x89PNG") and pdf.startswith(b"%PDF")
        assert list(each.files) == [f"{each.name}.{kind}" for kind in ("svg", "png", "pdf")]
        assert each.text and each.title


def test_no_spec_is_warned_of(drawn: dict[str, Chart], capfd: pytest.CaptureFixture[str]) -> None:
    for each in drawn.values():
        vl_convert.vegalite_to_vega({**each.spec, "datasets": {ROWS: list(each.rows)}}, show_warnings=True)
    assert capfd.readouterr() == ("", "")
    vl_convert.vegalite_to_vega({"mark": "bar", "encoding": {"shape": {"field": "a"}}}, show_warnings=True)
    assert capfd.readouterr() != ("", "")


def test_labels_stay_text(drawn: dict[str, Chart]) -> None:
    assert "translate-infer (Price $5$ a_b)" in texts(drawn["quality-nli"].svg)


def test_hostile_labels_are_text_in_every_chart() -> None:
    hostile = "</script><svg onload=alert(1)>&amp;{datum.usd}"
    options = [made.option(hostile, 0.6, "1", "0.01"), made.option(f"{hostile} (b)", 0.7, "5", "0.02")]
    for each in charts.charts([PageDecision.of(made.decision(options), HORIZON.examples, Aim())], [], HORIZON):
        assert not [one for one in ElementTree.fromstring(each.svg).iter() if "onload" in one.attrib]
        if each.name == "quality-nli":
            assert hostile in texts(each.svg)


def test_points_close_together_share_one_text() -> None:
    options = [made.option(name, 0.7 + index / 1000, "5", "0.01") for index, name in enumerate("abc")]
    options.append(made.option("d", 0.3, "500", "0.01"))
    plane, *_ = charts.charts([PageDecision.of(made.decision(options), HORIZON.examples, Aim())], [], HORIZON)
    assert {"1,2,3", "4"} <= set(texts(plane.svg))


def test_a_chart_is_drawn_the_same_twice(drawn: dict[str, Chart]) -> None:
    again, *_ = charts.charts([judged()], [], HORIZON)
    svg, png, _ = zip(again.files.values(), drawn["cost-quality-nli"].files.values(), strict=True)
    assert svg[0] == svg[1] and png[0] == png[1]


def test_a_method_without_cost_can_be_drawn() -> None:
    plane, _, curves = charts.charts([judged(free=True)], [], HORIZON)
    assert "Total USD" in texts(plane.svg) and "log" not in str(plane.spec)
    assert "2" in texts(curves.svg)


def test_a_method_looks_the_same_in_every_task_and_unlike_the_others() -> None:
    found = judged()
    others = replace(found.whole, task="qa", options=tuple(reversed(found.whole.options[1:])))
    every = charts.charts([found, PageDecision.of(others, HORIZON.examples, Aim())], [], HORIZON)
    scales = [
        each.spec["spec"]["layer"][-3]["encoding"]["color"]["scale"] for each in every if "cost-quality" in each.name
    ]
    nli, qa = (dict(zip(each["domain"], each["range"], strict=True)) for each in scales)
    assert len(set(nli.values())) == 3 and len(qa) == 2
    assert all(nli[method] == colour for method, colour in qa.items())


def test_the_page_gets_ink_for_light_and_dark(drawn: dict[str, Chart]) -> None:
    chart = drawn["cost-quality-nli"]
    svg = base64.b64decode(chart.data_uri().removeprefix("data:image/svg+xml;base64,")).decode()
    ElementTree.fromstring(svg)
    assert "prefers-color-scheme:dark" in svg and "currentColor" in svg
    assert "#fff" not in svg and 'fill="#fff"' in chart.files["cost-quality-nli.svg"].decode()


def test_latency_shows_median_and_tail() -> None:
    timed = replace(fixed.results()[3], latency=(Latency(1, 10, 0.03, 0.031, 0.042, 0.055, "test"),))
    found = charts.latency("qa", [timed])
    assert "Added ms a request" in texts(found.svg)
    assert "Open S pt-en" in texts(found.svg)


def test_reports_are_imported_without_what_draws_and_renders() -> None:
    code = "import sys, crossfare.report; sys.exit(bool({'vl_convert', 'jinja2'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
