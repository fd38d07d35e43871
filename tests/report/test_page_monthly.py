"""What the page reckons of monthly terms and of timings that leave open who is cheaper: as Python does."""

from __future__ import annotations

import html
import json
import random
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from crossfare.compare import Component, Decision, Option, UnitPrice, break_evens, cost_front
from crossfare.compare.timing import Timing
from crossfare.ledger import Terms
from crossfare.report import html as reporting
from crossfare.report.panel import panel_model
from report import browser

SCRIPT = Path(reporting.__file__).with_name("assets") / "decision.js"
TIMINGS = {f"work {margin}": Timing(Decimal(margin), 3, 0.1) for margin in ("0.012345", "0.25")}


def random_decision(rng: random.Random) -> Decision:
    """Methods that use two APIs with free amounts, fees and minimums, and hardware."""

    def terms() -> Terms:
        return Terms(
            Decimal(rng.choice([0, 100_000, 500_000])),
            Decimal(rng.choice(["0", "5.49", "20"])),
            Decimal(rng.choice(["0", "0", "7.5"])),
        )

    rates = {
        "compute": UnitPrice(Decimal("0.28678"), Decimal(28_800), "second", "cpu-core"),
        "engine:one": UnitPrice(Decimal(20), Decimal(1_000_000), "character", "one", terms()),
        "engine:two": UnitPrice(Decimal("12.5"), Decimal(1_000_000), "character", "two", terms()),
    }

    def part() -> Component:
        name = rng.choice(list(rates))
        quantity = Decimal(rng.randrange(1, 4_000) * (10 if name == "compute" else 1_000))
        return Component("translation", name, quantity, rng.choice(list(TIMINGS)) if name == "compute" else "")

    options = [
        Option(
            f"m{index}",
            f"m{index}",
            fixed=tuple(part() for _ in range(rng.randrange(3))),
            recurring=tuple(part() for _ in range(rng.randrange(3))),
            quality=rng.randrange(0, 9) / 8,
            low=0.0,
            high=1.0,
        )
        for index in range(4)
    ]
    return Decision("nli", "pt", "accuracy", rates, tuple(options), months=rng.randrange(1, 25), timings=TIMINGS)


def test_the_page_counts_the_bills_of_months_as_python_does(tmp_path: Path) -> None:
    rng = random.Random(8)
    cases = [(random_decision(rng), rng.choice([1, 999, 100_000, 5_000_000])) for _ in range(150)]
    settings = {"prices": {}, "minQuality": None, "maxLatencyMs": None, "maxUsd": None, "margin": 2, "worth": None}
    data = [
        {"model": panel_model(decision), "settings": {**settings, "examples": str(n), "months": str(decision.months)}}
        for decision, n in cases
    ]
    run = """
    const cases = JSON.parse(document.getElementById("cases").textContent);
    document.getElementById("out").textContent = JSON.stringify(cases.map(({model, settings}) => {
      const asked = {...settings, examples: BigInt(settings.examples), months: BigInt(settings.months)};
      const {rows, costFront, breakEvens} = Decision.decide(model, asked), key = (row) => row.option.key;
      return {
        totals: rows.map((row) => Decision.plain(Decision.totalUsd(row))),
        front: costFront.map(key),
        crossings: breakEvens.map((each) => [key(each.first), key(each.then), each.examples, each.withinNoise]),
      };
    }));"""
    page = tmp_path / "cases.html"
    page.write_text(
        f'<meta charset="utf-8"><pre id="out"></pre><script type="application/json" id="cases">'
        f"{reporting.script_json(data)}</script><script>{SCRIPT.read_text(encoding='utf-8')}{run}</script>",
        encoding="utf-8",
    )
    found = re.search(r'<pre id="out">(.*?)</pre>', browser.dom(page, tmp_path / "profile"), re.DOTALL)
    assert found
    by_page: list[dict[str, Any]] = json.loads(html.unescape(found[1]))
    crossing = 0
    for (decision, n), ours in zip(cases, by_page, strict=True):
        totals = [decision.total_usd(option, Decimal(n)) for option in decision.options]
        assert [Decimal(usd) for usd in ours["totals"]] == pytest.approx(totals, abs=Decimal("1e-9"))
        assert ours["front"] == [option.key for option in cost_front(decision, Decimal(n))]
        wanted = break_evens(decision)
        crossing += sum(each.examples is not None for each in wanted)
        assert ours["crossings"] == [
            [
                each.first.key,
                each.then.key,
                None if each.examples is None else pytest.approx(float(each.examples), rel=1e-9),
                each.within_noise,
            ]
            for each in wanted
        ]
    assert crossing > 200
