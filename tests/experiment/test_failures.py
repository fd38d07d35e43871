"""Steps that fail: what does not need them is done and written, what does is named, and running again completes it."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import tiny_run
from crossfare import compare
from crossfare.errors import BudgetExceeded, EngineError
from crossfare.experiment import Run, Spec, missing, run, why_missing
from crossfare.store import Store
from libretranslate_server import Server, serving

pytest.importorskip("httpx")


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as running:
        yield running


def spec(folder: Path, url: str, **changes: Any) -> Spec:
    options = {"url": url, "attempts": 1, "pause": 0.0, "max_texts": 4}
    engines = {"away": {"engine": "libretranslate", "options": options, "price": "google-translate"}}
    return tiny_run.spec(folder, engines=engines, methods=["translate-train", "zero-shot", "in-language"], **changes)


def test_a_service_that_is_away_keeps_no_other_cell_from_being_run(tmp_path: Path, server: Server) -> None:
    store, out = Store(tmp_path / "cache"), tmp_path / "out"
    server.keys = frozenset({"another"})
    shown: list[Run] = []
    with pytest.raises(
        EngineError, match=r"^nli away en-pt: training set: .*; 1 of 3 cells have no result, .*"
    ) as caught:
        run(spec(tmp_path, server.url), out=out, jobs=1, store=store, quiet=True, written=shown.append)
    assert "\n" not in str(caught.value)
    (made,) = shown
    assert [result.spec.method for result in made.results] == ["zero-shot", "in-language"]
    ((cell, reason),) = made.missing
    assert (cell.method, cell.engine) == ("translate-train", "away")
    assert reason.startswith("nli away en-pt: training set: ")
    (line,) = why_missing(made.missing)
    assert line.startswith("not run: nli translate-train with away (pt): nli away en-pt: training set: ")
    record = json.loads((out / "results.json").read_text(encoding="utf-8"))
    assert record["missing"] == [{"cell": cell.id, "reason": reason}]
    with (out / "tables" / "table1.csv").open(encoding="utf-8", newline="") as file:
        told = {row["method"]: row["missing"] for row in csv.DictReader(file)}
    assert told == {"translate-train": reason, "zero-shot": "-", "in-language": "-"}
    assert len(compare.read_run(out).results) == 2

    server.keys = frozenset()
    done = {step.name for step in (store.root / "steps").iterdir()}
    whole = run(spec(tmp_path, server.url), out=out, jobs=1, store=store, quiet=True)
    assert [result.spec.method for result in whole.results] == ["translate-train", "zero-shot", "in-language"]
    assert not whole.missing
    ledger = [json.loads(line) for line in (out / "ledger.jsonl").read_text(encoding="utf-8").splitlines()]
    assert {entry["step_id"] for entry in ledger if entry["reused"]} == done


def test_where_nothing_is_complete_nothing_is_written(tmp_path: Path, server: Server) -> None:
    server.keys = frozenset({"another"})
    only = tiny_run.spec(
        tmp_path, methods=["translate-train"], engines=spec(tmp_path, server.url).model_dump()["engines"]
    )
    with pytest.raises(EngineError, match="1 of 1 cells have no result, nothing was written; run it again to go on"):
        run(only, out=tmp_path / "out", jobs=1, store=Store(tmp_path / "cache"), quiet=True)
    assert not (tmp_path / "out").exists()


def test_money_that_is_spent_stops_what_is_paid_and_nothing_else(tmp_path: Path, server: Server) -> None:
    made = spec(tmp_path, server.url, targets=["pt", "de"])
    shown: list[Run] = []
    with pytest.raises(BudgetExceeded, match=r"; 2 of 6 cells have no result"):
        run(
            made,
            out=tmp_path / "out",
            jobs=1,
            store=Store(tmp_path / "cache"),
            quiet=True,
            max_usd=Decimal(0),
            written=shown.append,
        )
    assert not server.billed
    assert not missing(made)
    assert {(result.spec.method, result.spec.target) for result in shown[0].results} == {
        (method, target) for method in ("zero-shot", "in-language") for target in ("pt", "de")
    }
    assert [cell.target for cell, reason in shown[0].missing if "USD are spent" in reason] == ["pt", "de"]
