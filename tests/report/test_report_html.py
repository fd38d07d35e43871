from __future__ import annotations

import html
import json
import random
import re
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from markupsafe import escape
from scipy import stats
from typer.testing import CliRunner

from compare import made
from crossfare.cli import app
from crossfare.compare import (
    CONFIDENCE,
    Aim,
    Belief,
    Component,
    Constraints,
    Decision,
    Option,
    Recommendation,
    UnitPrice,
    Verdict,
    break_evens,
    cost_front,
    decisions,
    latency_front,
    read_run,
    recommend,
    reprice,
)
from crossfare.compare.measured import Measured
from crossfare.compare.timing import Timing
from crossfare.compare.uncertainty import belief
from crossfare.errors import ConfigError, DataError
from crossfare.paper.rows import places
from crossfare.race import Course, Event, course_tables
from crossfare.race.course import Lead
from crossfare.report import html as reporting
from crossfare.report import numbers, write_report
from crossfare.report.advice import advice
from crossfare.report.decision import Horizon
from crossfare.report.page_decision import PageDecision
from crossfare.report.panel import panel_model
from crossfare.store import write_json
from report import browser

ASSETS = Path(reporting.__file__).with_name("assets")
HOSTILE = "</script><script>document.documentElement.dataset.hacked=1</script><img src=x onerror=alert(1)>&amp;"


# -- the page's arithmetic against Python's ---------------------------------------------------

STATED_PER = {"second": 3600, "character": 1_000_000, "token": 1_000_000, "example": 1, "byte-month": 2**30}
RATES = {
    "compute": UnitPrice(Decimal("0.28678"), Decimal(28800), "second", "cpu-core"),
    "engine:api": UnitPrice(Decimal("20"), Decimal(1_000_000), "character", "api"),
    "engine:llm tokens read": UnitPrice(Decimal("0.15"), Decimal(1_000_000), "token", "llm"),
    "annotation:nli": UnitPrice(Decimal("4.00"), Decimal(7), "example", "people"),
    "storage": UnitPrice(Decimal("0.02"), Decimal(2**30), "byte-month", "cloud"),
}

TIMINGS = {f"work {margin}": Timing(Decimal(margin), 3, 0.1) for margin in ("0.012345", "0.25", "1")}


@dataclass(frozen=True)
class Setting:
    """What the panel is set to."""

    horizon: Horizon
    prices: Mapping[str, str] = field(default_factory=dict)
    constraints: Constraints = field(default_factory=Constraints)
    aim: Aim = field(default_factory=Aim)
    without_reference: bool = False

    def to_json(self) -> dict[str, Any]:
        asked = self.constraints
        return {
            "examples": str(self.horizon.volume * self.horizon.months),
            "months": str(self.horizon.months),
            "prices": dict(self.prices),
            "minQuality": asked.min_quality,
            "maxLatencyMs": asked.max_latency_ms,
            "maxUsd": None if asked.max_usd is None else str(asked.max_usd),
            "margin": 100 * self.aim.margin,
            "worth": None if self.aim.worth is None else str(self.aim.worth),
            "withoutReference": self.without_reference,
        }

    def apply(self, decision: Decision) -> Recommendation:
        rates = {
            name: replace(rate, usd=Decimal(self.prices[name]), per=Decimal(STATED_PER[rate.unit]))
            if name in self.prices
            else rate
            for name, rate in decision.rates.items()
        }
        kept = tuple(o for o in decision.options if not (self.without_reference and o.reference))
        asked = replace(decision, rates=rates, options=kept, months=self.horizon.months)
        return recommend(asked, self.horizon.examples, self.constraints, self.aim)


def random_decision(rng: random.Random) -> Decision:
    """Methods with costs over eight orders of magnitude, equal scores and equal costs among them."""

    def quantity() -> Decimal:
        return Decimal(rng.randrange(1, 10**12)).scaleb(rng.randrange(-12, -4)).quantize(Decimal("1e-9"))

    def timing() -> str:
        return rng.choice(["", "", *TIMINGS])

    options: list[Option] = []
    for index in range(rng.randrange(1, 9)):
        like = rng.choice(options) if options and rng.random() < 0.5 else None
        twin = like is not None and rng.random() < 0.3  # equal but for its latency
        names = list(RATES)
        quality = like.quality if like and twin else rng.randrange(0, 17) / 16
        fixed = tuple(Component("translation", rng.choice(names), quantity(), timing()) for _ in range(2))
        recurring = (Component("inference", rng.choice(names), quantity(), timing()),)
        options.append(
            Option(
                key=f"nli|m{index}|<&>|{index}",
                label=f"method {index} <b>&amp;",
                fixed=like.fixed if like and (twin or rng.random() < 0.6) else fixed,
                kept=like.kept if like and twin else (Component("storage", "storage", quantity()),) * rng.randrange(2),
                recurring=like.recurring if like and (twin or rng.random() < 0.4) else recurring,
                quality=quality,
                low=max(0.0, quality - 0.03),
                high=min(1.0, quality + 0.03),
                latency_ms=rng.choice([0.0, None, rng.random() * 100, 6.868656401396341]),
                note=rng.choice(["", "a note"]),
                reference=index > 0 and rng.random() < 0.2,
                baseline=rng.choice([None, 0.0, 0.3, quality]),
            )
        )
    return Decision("nli", "pt", "accuracy", RATES, tuple(options), random_belief(rng, options), timings=TIMINGS)


def random_belief(rng: random.Random, options: list[Option]) -> Belief:
    """What is believed of scores of which some are measured on the same examples; equal ones where options are."""
    numbers = np.random.default_rng(rng.randrange(10**6))
    common = numbers.standard_normal(60)
    seeds = rng.randrange(1, 4)
    ids, measured = tuple(map(str, range(60))), {}
    for option in options:
        luck = numbers.standard_normal((seeds, 1)) * rng.choice([0.0, 0.1])
        own = numbers.standard_normal((seeds, 60))
        right = (common + own + luck < float(stats.norm.ppf(min(0.99, max(0.01, option.quality)))) * 1.4).astype(float)
        trainings = tuple(frozenset({f"{option.key}-{seed}"}) for seed in range(seeds))
        measured[option.key] = [Measured(right, ids, "the test set", trainings)]
    return belief(measured)


def random_setting(rng: random.Random) -> Setting:
    def amount() -> str:
        return f"{rng.randrange(0, 10**7)}e-{rng.randrange(0, 9)}" if rng.random() < 0.2 else f"{rng.random() * 50:.6f}"

    return Setting(
        Horizon(rng.choice([1, 999, 100_000, rng.randrange(1, 10**9)]), rng.randrange(1, 61)),
        {name: amount() for name in RATES if rng.random() < 0.5},
        Constraints(
            rng.choice([None, None, 0.3, 0.55]),
            rng.choice([None, None, 0.0, 6.5, 50.0]),
            rng.choice([None, None, Decimal("0.5"), Decimal("1234.56"), Decimal(10) ** 7]),
        ),
        Aim(
            rng.choice([0.02, 0.05, 0.1, 0.0]),
            rng.choice([None, None, Decimal("0.02"), Decimal("0.0000015"), Decimal(3)]),
        ),
        rng.random() < 0.3,
    )


def expected(found: Recommendation) -> dict[str, Any]:
    """What Python computes, in the shape that `computed_by_page` has it."""
    decision = found.decision
    return {
        "options": [
            {
                "key": verdict.option.key,
                "once_usd": decision.once_usd(verdict.option),
                "kept_usd_per_month": decision.kept_usd_per_month(verdict.option),
                "fixed_usd": decision.fixed_usd(verdict.option),
                "recurring_usd_per_1k": decision.recurring_usd_per_1k(verdict.option),
                "total_usd": decision.total_usd(verdict.option, found.examples),
                "status": _status(verdict),
                "broken": list(verdict.broken),
                **({} if verdict.broken else _chances(verdict)),
            }
            for verdict in found.verdicts
        ],
        "recommended": found.chosen.key if found.chosen else None,
        "leading": found.leading.key if found.leading else None,
        "cost_front": [option.key for option in cost_front(decision, found.examples)],
        "latency_front": [option.key for option in latency_front(decision)],
        "break_evens": [
            {
                "first": each.first.key,
                "then": each.then.key,
                "examples": None if each.examples is None else pytest.approx(float(each.examples), rel=1e-12),
                "within_noise": each.within_noise,
            }
            for each in break_evens(decision)
        ],
    }


def _status(verdict: Verdict) -> str:
    """The page does not test: what is worse is not shown to be within the margin, or it is."""
    if verdict.status != "worse":
        return verdict.status
    return "within" if verdict.within >= CONFIDENCE else "open"


def _chances(verdict: Verdict) -> dict[str, Any]:
    found = {name: getattr(verdict, name) for name in ("best", "within", "regret", "regret_usd")}
    return {name: None if value is None else pytest.approx(value, rel=1e-9, abs=1e-12) for name, value in found.items()}


MONEY = ("once_usd", "kept_usd_per_month", "fixed_usd", "recurring_usd_per_1k", "total_usd")


def agree(by_page: dict[str, Any], wanted: dict[str, Any]) -> bool:
    """Whether the page computed what Python does: all the same but for money, that to a hundredth of a cent."""
    for ours, theirs in zip(by_page["options"], wanted["options"], strict=True):
        for name in MONEY:
            if abs(Decimal(ours.pop(name)) - theirs.pop(name)) > Decimal("0.0001"):
                return False
    return by_page == wanted


def computed_by_page(folder: Path, cases: list[tuple[Decision, Setting]]) -> list[dict[str, Any]]:
    """Run the page's own script over many models and settings, in one go."""
    data = [{"model": panel_model(decision), "settings": setting.to_json()} for decision, setting in cases]
    script = (ASSETS / "decision.js").read_text(encoding="utf-8")
    run = """
    const {plain, onceUsd, keptUsd, fixedUsd, recurringUsd, totalUsd} = Decision;
    const key = (row) => (row ? row.option.key : null);
    const toJson = (found) => ({
      options: found.verdicts.map(({row, status, broken, best, within, regret, regretUsd}) => ({
        key: key(row), status, broken, ...(broken.length ? {} : {best, within, regret, regret_usd: regretUsd}),
        once_usd: plain(onceUsd(row)), kept_usd_per_month: plain(keptUsd(row)), fixed_usd: plain(fixedUsd(row)),
        recurring_usd_per_1k: plain(recurringUsd(row)), total_usd: plain(totalUsd(row)),
      })),
      recommended: key(found.chosen),
      leading: key(found.leading),
      cost_front: found.costFront.map(key),
      latency_front: found.latencyFront.map(key),
      break_evens: found.breakEvens.map(({first, then, examples, withinNoise}) => (
        {first: key(first), then: key(then), examples, within_noise: withinNoise})),
    });
    const cases = JSON.parse(document.getElementById("cases").textContent);
    document.getElementById("out").textContent = JSON.stringify(cases.map(({model, settings}) => {
      const maxUsd = settings.maxUsd === null ? null : Decision.parse(settings.maxUsd);
      const worth = settings.worth === null ? null : Decision.parse(settings.worth);
      const asked = {...settings, examples: BigInt(settings.examples), months: BigInt(settings.months), maxUsd, worth};
      const found = Decision.decide(model, asked);
      return {computed: toJson(found), advice: Decision.advice(model, asked, found)};
    }));"""
    page = folder / "cases.html"
    page.write_text(
        f'<meta charset="utf-8"><pre id="out"></pre><script type="application/json" id="cases">'
        f"{reporting.script_json(data)}</script><script>{script}{run}</script>",
        encoding="utf-8",
    )
    found = re.search(r'<pre id="out">(.*?)</pre>', browser.dom(page, folder / "profile"), re.DOTALL)
    assert found
    return list(json.loads(html.unescape(found[1])))


def test_the_page_computes_what_python_computes(tmp_path: Path) -> None:
    rng = random.Random(4)
    cases = [
        (decision, random_setting(rng)) for decision in (random_decision(rng) for _ in range(60)) for _ in range(8)
    ]
    cases = [(d, s) for d, s in cases if not all(s.without_reference and o.reference for o in d.options)]
    by_page = computed_by_page(tmp_path, cases)
    assert len(by_page) == len(cases) > 400
    statuses: set[str] = set()
    for (decision, setting), found in zip(cases, by_page, strict=True):
        wanted = expected(setting.apply(decision))
        assert agree(found["computed"], wanted)
        statuses |= {option["status"] for option in wanted["options"]}
    assert statuses == {"recommended", "excluded", "not-above-baseline", "within", "open"}


def test_a_cost_of_the_page_is_its_quantity_at_the_price_that_people_state() -> None:
    rng = random.Random(6)
    for decision in (random_decision(rng) for _ in range(20)):
        model = panel_model(decision)
        for option in model["options"]:
            for resource, usd, quantity, _ in (*option["fixed"], *option["kept"], *option["recurring"]):
                stated = decision.rates[resource].stated_usd()
                assert Decimal(usd) == pytest.approx(
                    Decimal(quantity) * stated, rel=Decimal("1e-9"), abs=Decimal("1e-11")
                )


def test_the_page_says_what_python_says(tmp_path: Path) -> None:
    rng = random.Random(5)
    cases = [(random_decision(rng), random_setting(rng)) for _ in range(60)]
    cases = [(d, s) for d, s in cases if not all(s.without_reference and o.reference for o in d.options)]
    begun = set()
    for (decision, setting), found in zip(cases, computed_by_page(tmp_path, cases), strict=True):
        made_of = setting.apply(decision)
        said = advice(made_of)
        assert said.startswith(found["advice"]) and (said == found["advice"] or not made_of.enough)
        begun.add(said.partition(" ")[0])
    assert begun == {"Recommended:", "Not", "No"}


# -- the page ---------------------------------------------------------------------------------


class Parsed(HTMLParser):
    """The elements of a page, with their attributes and the text of scripts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        if self.elements and self.elements[-1][0] != "script":
            self.text += data

    def named(self, *tags: str) -> list[dict[str, str | None]]:
        return [attributes for tag, attributes in self.elements if tag in tags]


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with a report."""
    folder = made.run(tmp_path_factory.mktemp("report") / "run", stored=98_765_432_100)
    write_report(folder)
    return folder


@pytest.fixture(scope="module")
def wide_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of three tasks and three languages, with a report."""
    cells = [
        replace(cell, task=task, target=target, right=cell.right + len(target) - 2 + number)
        for task in ("qa", "nli", "ranking")
        for number, target in enumerate(("pt", "de", "vi"))
        for cell in made.CELLS
    ]
    folder = made.run(tmp_path_factory.mktemp("wide") / "run", cells)
    write_report(folder)
    return folder


def test_the_page_needs_nothing_else(run_folder: Path) -> None:
    text = (run_folder / "report.html").read_text(encoding="utf-8")
    assert text.count("within 2 points of the best one (in 95%") == 1
    parsed = Parsed(text)
    for attributes in parsed.named("a", "img", "link", "script", "iframe", "source", "object"):
        for name in ("src", "href", "data"):
            assert (attributes.get(name) or "#").startswith(("#", "data:"))
    (policy,) = (each["content"] for each in parsed.named("meta") if each.get("http-equiv"))
    assert policy and "default-src 'none'" in policy
    assert "unsafe-eval" not in policy and "script-src 'sha256-" in policy
    style = (ASSETS / "report.css").read_text(encoding="utf-8")
    assert "@import" not in style and "url(" not in style


def test_every_field_has_a_label_and_every_figure_a_text(run_folder: Path, tmp_path: Path) -> None:
    parsed = Parsed(browser.dom(run_folder / "report.html", tmp_path / "profile"))
    labelled = {each.get("for") for each in parsed.named("label")}
    fields = parsed.named("input", "select")
    assert len(fields) >= 8
    assert all(each.get("id") in labelled for each in fields)
    assert all(each.get("alt") for each in parsed.named("img"))
    ids = [each["id"] for _, each in parsed.elements if "id" in each]
    assert len(ids) == len(set(ids))
    assert all(each["href"][1:] in ids for each in parsed.named("a") if each["href"])


def shown(text: str, name: str) -> str:
    found = re.search(rf'data-shown="{name}"[^>]*>(.*?)</p>', text, re.DOTALL)
    assert found
    return html.unescape(found[1])


def totals(text: str) -> dict[str, list[Decimal]]:
    """Each method's one-time, recurring and total cost as the panel's table has them, by key."""
    rows = re.findall(r'<tr data-key="([^"]*)">(.*?)</tr>', text, re.DOTALL)
    return {html.unescape(key): [Decimal(v) for v in re.findall(r'<data value="([^"]*)"', row)] for key, row in rows}


def said(text: str) -> str:
    return shown(text, "choice")


def test_the_panel_agrees_with_compare_at_the_runs_own_prices(run_folder: Path, tmp_path: Path) -> None:
    (decision,) = decisions([read_run(run_folder)])
    delivered = PageDecision.of(decision, Decimal(1_200_000), Aim())
    text = browser.dom(run_folder / "report.html", tmp_path / "profile")
    assert totals(text) == {
        option.key: [
            decision.once_usd(option),
            *([decision.kept_usd_per_month(option)] if option.kept else []),
            decision.recurring_usd_per_1k(option),
            decision.total_usd(option, Decimal(1_200_000)),
        ]
        for option in delivered.made.decision.options
    }
    assert len(delivered.made.decision.options) == len(decision.options) - 2  # without references
    assert said(text) and advice(delivered.made).startswith(said(text))
    assert shown(text, "wrong") == ""


def test_the_papers_figures_stand_below_where_they_are_wanted(tmp_path: Path) -> None:
    cells = [cell for cell in made.CELLS if cell.engine != "reference"]  # of which nobody says that it is commercial
    folder = made.run(tmp_path / "run", cells)
    without = write_report(folder, places=places).read_text(encoding="utf-8")
    assert "0.8291" not in without
    page = Parsed(write_report(folder, places=places, beside=True).read_text(encoding="utf-8")).text
    below = [line for line in page.split("paper, Table 3, row ")[1:] if line.startswith("(2)")]
    assert "0.8291" in below[0]
    latex = (folder / "tables" / "table3.tex").read_text(encoding="utf-8")
    assert latex.index("0.8291") > latex.index("Zero-shot")


def test_where_nothing_is_above_the_trivial_baseline_page_and_panel_recommend_nothing(tmp_path: Path) -> None:
    folder = made.run(tmp_path / "run", baseline=0.9)
    page = write_report(folder)
    assert "Recommended: " not in Parsed(page.read_text(encoding="utf-8")).text
    text = browser.dom(page, tmp_path / "profile", **{"with-reference": "1", "volume": "100000"})
    assert said(text) == "No method is shown to be above the trivial baseline (always the most frequent label)."
    assert text.count("not shown to beat the trivial baseline</td>") == len(made.CELLS)


def test_the_panel_agrees_with_compare_at_other_prices(run_folder: Path, tmp_path: Path) -> None:
    stated = {"compute": "1.25", "engine:reference": "12.5", "annotation:nli": "0.031", "storage": "0.5"}
    settings = {
        "volume": "5000",
        "months": "7",
        **{f"price:{name}": usd for name, usd in stated.items()},
        "min-quality": "0.55",
        "max-usd": "40",
    }
    runs = reprice([read_run(run_folder)], prices={name: Decimal(usd) for name, usd in stated.items()})
    (decision,) = decisions(runs, without=["reference"], months=7)
    constraints = Constraints(min_quality=0.55, max_usd=Decimal(40))
    for index, (aim, asked) in enumerate(
        [(Aim(), {}), (Aim(margin=0.3), {"margin": "30"}), (Aim(worth=Decimal("0.02")), {"worth": "0.02"})]
    ):
        found = recommend(decision, Decimal(35_000), constraints, aim)
        text = browser.dom(run_folder / "report.html", tmp_path / str(index), **settings, **asked)
        assert {key: values[-1] for key, values in totals(text).items()} == {
            option.key: decision.total_usd(option, Decimal(35_000)) for option in decision.options
        }
        assert advice(found).startswith(said(text)) and len(said(text)) > 40


def test_nothing_scrolls_sideways_at_1100_pixels_nor_the_methods_on_a_phone(run_folder: Path, tmp_path: Path) -> None:
    page = run_folder / "report.html"
    assert browser.overflowing(page, tmp_path / "wide", 1100) == []
    for width in (390, 700, 970):
        assert {"the page", "Methods"}.isdisjoint(browser.overflowing(page, tmp_path / str(width), width)), width


def test_every_method_stands_in_the_table_with_its_score_in_every_language(wide_run: Path) -> None:
    text = (wide_run / "report.html").read_text(encoding="utf-8")
    for decision in decisions([read_run(wide_run)]):
        (table,) = re.findall(rf'<section id="{decision.task}".*?<table class="heat".*?</table>', text, re.DOTALL)
        heads = re.findall(r'<th scope="col"[^>]*>(.*?)</th>', table)
        assert heads == ["Method", "mean", "pt", "de", "vi", "USD in all"]
        at, judged = heads.index(decision.target) - 1, PageDecision.of(decision, Decimal(1_200_000), Aim())
        rows = re.findall(r'<tr data-number.*?<th scope="row">(.*?)</th>(.*?)</tr>', table, re.DOTALL)
        cells = {html.unescape(re.sub(r"<button.*</button>", "", head)).strip(): row for head, row in rows}
        for option in decision.options:
            cell = re.findall(r"<td[^>]*>.*?</td>", cells[option.label], re.DOTALL)[at]
            assert re.search(rf">{option.quality:.3f}[ <]", cell)
            assert f"<small>{option.low:.3f}-{option.high:.3f}</small>" in cell
            assert [mark for mark in ("recommended", "ahead") if f'"number {mark}' in cell] == [
                mark for mark in [judged.mark(option)] if mark
            ]


def test_charts_in_view_are_drawn_under_the_policy_in_place_of_their_pictures(wide_run: Path, tmp_path: Path) -> None:
    page = wide_run / "report.html"
    script = """
    await new Promise((done) => setTimeout(done, 1000));
    const figures = [...document.querySelectorAll("figure[data-chart]")];
    return figures.map((each) => [each.dataset.chart, !each.querySelector("img")]);"""
    found = dict(browser.acted(page, tmp_path / "x", script))
    assert len(found) == len(Parsed(page.read_text(encoding="utf-8")).named("img")) == 12
    assert {name for name, drawn in found.items() if drawn} == {
        f"cost-quality-{task}" for task in ("qa", "nli", "ranking")
    }


def test_a_method_stands_out_where_its_row_has_the_focus(wide_run: Path, tmp_path: Path) -> None:
    script = """
    const button = document.querySelector("#nli .heat tr[data-number='2'] button");
    const marks = () => [...document.querySelectorAll("#nli .first .mark-symbol path")];
    const faded = () => marks().filter((each) => each.getAttribute("opacity") === "0.12").length;
    const found = [faded()];
    for (const act of ["focus", "blur", "click", "click"]) {
      button[act]();
      await new Promise((done) => setTimeout(done, 300));
      found.push(faded());
    }
    return found;"""
    none, focused, left, pressed, released = browser.acted(wide_run / "report.html", tmp_path / "x", script)
    assert none == left == released == 0 < focused == pressed


def test_what_can_be_folded_is_closed_and_reached_by_keyboard(wide_run: Path, tmp_path: Path) -> None:
    script = """
    return [...document.querySelectorAll("summary:not(details details summary)")].map((each) => {
      each.focus();
      return document.activeElement === each && !each.parentElement.open;
    });"""
    found = browser.acted(wide_run / "report.html", tmp_path / "x", script)
    assert len(found) > 10 and all(found)


def test_a_link_of_the_contents_opens_what_it_leads_to_and_keeps_what_was_set(run_folder: Path, tmp_path: Path) -> None:
    script = """
    const price = document.getElementById("price-0");
    price.value = "7";
    price.dispatchEvent(new Event("input", {bubbles: true}));
    document.querySelector("nav a[href='#what-if']").click();
    await new Promise((done) => setTimeout(done, 300));
    return [document.getElementById("price-0").value, document.querySelector("#what-if > details").open];"""
    assert browser.acted(run_folder / "report.html", tmp_path / "x", script) == ["7", True]


def test_it_prints_on_few_pages(wide_run: Path, tmp_path: Path) -> None:
    assert browser.pages(wide_run / "report.html", tmp_path / "print") <= 8
    (printed,) = re.findall(r"@media print \{.*", (ASSETS / "report.css").read_text(encoding="utf-8"), re.DOTALL)
    assert "button, " not in printed and ", button" not in printed  # the numbers of methods, which the charts refer to


@pytest.mark.parametrize("width", [390, 1400])
def test_the_first_screen_does_not_scroll_sideways(wide_run: Path, tmp_path: Path, width: int) -> None:
    found = browser.overflowing(wide_run / "report.html", tmp_path / "x", width)
    assert [each for each in found if each == "the page" or "against" in each or "by method" in each] == []


@pytest.mark.parametrize(("scheme", "ink"), [(0, "rgb(232, 232, 232)"), (1, "rgb(26, 26, 26)")])
def test_charts_have_the_ink_of_the_page(run_folder: Path, tmp_path: Path, scheme: int, ink: str) -> None:
    script = "return getComputedStyle(document.querySelector('figure[data-chart] .role-axis-label text')).fill;"
    flag = f"--blink-settings=preferredColorScheme={scheme}"
    assert browser.acted(run_folder / "report.html", tmp_path / "x", script, flag) == ink


def test_every_value_of_a_method_names_its_column(run_folder: Path, tmp_path: Path) -> None:
    """On narrow screens the values stand without the head of the table."""
    text = browser.dom(run_folder / "report.html", tmp_path / "profile")
    found = re.search(r'<div[^>]*data-shown="methods".*?</table>', text, re.DOTALL)
    assert found
    heads = re.findall(r'<th scope="col"[^>]*>(.*?)</th>', found[0])
    rows = re.findall(r'<tr data-key="[^"]*">(.*?)</tr>', found[0], re.DOTALL)
    assert len(rows) > 3
    for row in rows:
        assert re.findall(r'data-label="([^"]*)"', row) == [head for head in heads if head != "Method"]


def test_the_panel_says_what_it_does_not_understand(run_folder: Path, tmp_path: Path) -> None:
    wrong = {"volume": "0", "months": "1.5", "price:compute": "0,5", "price:engine:reference": "-1", "max-usd": "1e"}
    text = browser.dom(run_folder / "report.html", tmp_path / "profile", **wrong)
    names = [
        "Examples a month",
        "Months",
        "compute, USD per device-hour",
        "engine:reference, USD per million characters",
        "Most in all, USD",
    ]
    assert shown(text, "wrong").startswith(f"Not understood: {'; '.join(names)}. ")
    assert text.count('aria-invalid="true"') == len(names)
    assert shown(text, "choice") == ""


def test_text_from_data_is_shown_as_text(tmp_path: Path) -> None:
    folder = made.run(tmp_path / "run", made.CELLS[:3], name=HOSTILE, hardware=HOSTILE, spec=_hostile_spec())
    path = folder / "results.json"
    record = json.loads(path.read_text(encoding="utf-8"))
    lost = {"id": HOSTILE, "reason": f"answer '{HOSTILE}'", "excerpt": HOSTILE}
    record["data"] = {
        "translate-x": {"label": HOSTILE, "kept": 1, "total": 2, "lost": [HOSTILE], "report": {"lost": [lost]}}
    }
    record["missing"] = [{"cell": HOSTILE, "reason": HOSTILE}]
    for result in record["results"]:
        if result["spec"]["engine"]:
            result["spec"]["engine_label"] = HOSTILE
    path.write_text(json.dumps(record), encoding="utf-8")
    page = write_report(folder)
    parsed = Parsed(page.read_text(encoding="utf-8"))
    assert len(parsed.named("script")) == 4
    text = browser.dom(page, tmp_path / "profile")
    assert "data-hacked" not in text.partition(">")[0] + text[:200]
    assert not [each for each in Parsed(text).named("img") if each.get("src") == "x"]
    assert HOSTILE in shown(text, "choice")
    assert html.escape(HOSTILE, quote=False) in text


def _hostile_spec() -> dict[str, Any]:
    engines = {name: {**values, "note": HOSTILE} for name, values in made.ENGINES.items()}
    return {"name": HOSTILE, "tasks": {"nli": {"name": HOSTILE}}, "engines": engines}


def test_json_in_a_script_cannot_end_it() -> None:
    value = {"</script>": "<!-- <script> & \u2028"}
    text = reporting.script_json(value)
    assert not set("<>&\u2028") & set(text)
    assert json.loads(text) == value


# -- the files beside it ------------------------------------------------------------------------


def test_tables_and_figures_lie_beside_the_page(run_folder: Path) -> None:
    there = {path.relative_to(run_folder).as_posix() for path in run_folder.rglob("*") if path.is_file()}
    assert there >= {
        "report.html",
        "tables/table1.tex",
        "tables/table3.tex",
        *(f"tables/methods-nli-pt.{suffix}" for suffix in ("md", "csv", "tex")),
        *(
            f"figures/{name}-nli.{suffix}"
            for name in ("quality", "cost-quality", "break-even", "latency")
            for suffix in ("svg", "png", "pdf")
        ),
    }


def test_the_page_prices_serving_at_a_stated_utilisation(tmp_path: Path) -> None:
    folder = made.run(tmp_path / "run")
    page = write_report(folder, utilisation=Decimal("0.25"))
    (decision,) = decisions([read_run(folder)], utilisation=Decimal("0.25"))
    chosen = recommend(decision, Decimal(1_200_000)).leading
    assert chosen
    text = Parsed(page.read_text(encoding="utf-8")).text
    assert numbers.amount(decision.total_usd(chosen, Decimal(1_200_000))) in text
    assert "at a utilisation of 25 %" in text


def test_several_runs_are_reported_on_together(tmp_path: Path) -> None:
    first = made.run(tmp_path / "a", made.CELLS[:3], name="first")
    second = made.run(tmp_path / "b", made.CELLS[3:], name="second")
    before = sorted(second.rglob("*"))
    page = write_report(first, second)
    assert page == first / "report.html" and sorted(second.rglob("*")) == before
    text = page.read_text(encoding="utf-8")
    (table,) = re.findall(r'<table class="heat".*?</table>', text, re.DOTALL)
    (decision,) = decisions([read_run(first), read_run(second)])
    assert len(re.findall("<tr data-number", table)) == len(decision.options) == len(made.CELLS)
    assert text.count("<title>first, second: ") == 1
    assert text.count("The spec of the run") == text.count("What each stage used and cost") == 2
    assert Parsed(browser.dom(page, tmp_path / "profile")).named("table")


@pytest.mark.parametrize("count", [0, 2])
def test_a_report_is_of_one_run_or_of_different_ones(run_folder: Path, count: int) -> None:
    with pytest.raises(ConfigError, match="needs a run directory, or several different ones"):
        write_report(*[run_folder] * count)


def test_the_course_of_a_race_is_folded_into_its_report(tmp_path: Path) -> None:
    folder = made.run(tmp_path / "run")
    tried = Event("try", HOSTILE, "nli pt", "k", HOSTILE, 1, 40, after=Lead("k", 0.012, 0.9))
    write_json(folder / "race.json", Course(frozenset(), (tried,)).to_json())
    done = CliRunner().invoke(app, ["report", str(folder)])
    assert done.exit_code == 0, done.output
    text = (folder / "report.html").read_text(encoding="utf-8")
    (section,) = re.findall(r'<section id="race".*?</section>', text, re.DOTALL)
    assert "<details><summary>nli pt: the course of the race" in section
    (told,) = course_tables(Course(frozenset(), (tried,)))
    assert all(str(escape(cell.text)) in section for cell in told.rows[0])
    assert HOSTILE not in section and str(escape(HOSTILE)) in section
    (folder / "race.json").write_text('{"course": [{"kind": "fly"}]}', encoding="utf-8")
    assert CliRunner().invoke(app, ["report", str(folder)]).exit_code != 0
    with pytest.raises(DataError, match=r"race\.json: is not as a race writes it"):
        Course.of_run(folder)


def test_a_missing_package_is_one_line(run_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for package in ("vl_convert", "jinja2"):
        with monkeypatch.context() as patch:
            patch.setitem(sys.modules, package, None)
            with pytest.raises(ConfigError, match=r"install 'crossfare\[report\]'"):
                write_report(run_folder)


def test_a_folder_without_results_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="not a run directory"):
        write_report(tmp_path)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("data", {"translate-1": {"kept": 1, "total": 1, "report": {"lint": {"a": 1}}, "quality": ["../../etc"]}}),
        ("data", [1]),
        ("provenance", {"prices": {"a": None}}),
        ("missing", [{"cell": "x"}]),
    ],
)
def test_a_record_that_was_changed_is_one_line(run_folder: Path, tmp_path: Path, key: str, value: Any) -> None:
    changed = tmp_path / "run"
    shutil.copytree(run_folder, changed, symlinks=True)
    (changed / "checksums.json").unlink(missing_ok=True)
    record = json.loads((changed / "results.json").read_text(encoding="utf-8"))
    (changed / "results.json").write_text(json.dumps({**record, key: value}), encoding="utf-8")
    with pytest.raises(DataError, match=r"results\.json: .*(run its spec again|give the directory)"):
        write_report(changed)
