"""Races that are run: in the cache of runs, within their budget, resumable, with their course on disk."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import doc_setups
import tiny_run
from crossfare.compare import read_run
from crossfare.errors import ConfigError, CrossfareError, StaleArtifact
from crossfare.experiment import Spec, dry_run, run, stages
from crossfare.race import Event, Manner, race
from crossfare.store import Store
from libretranslate_server import Server, serving
from test_cli import call

GOOGLE = Decimal("0.00002")


@pytest.fixture(autouse=True)
def _here(monkeypatch: pytest.MonkeyPatch) -> None:
    doc_setups.without_workers(monkeypatch)


def spec(folder: Path, **changes: Any) -> Spec:
    """Methods that are trained on enough to differ from a constant answer."""
    given = {"methods": ["zero-shot", "translate-train", "in-language"], **changes}
    return tiny_run.spec(folder, **given)


def test_its_steps_are_those_of_the_run_with_the_same_seeds(tmp_path: Path) -> None:
    store, made = Store(tmp_path / "cache"), spec(tmp_path)
    raced = race(made, Manner(seeds=2), out=tmp_path / "raced", jobs=1, store=store, quiet=True)
    tries = [each for each in raced.course.events if each.kind == "try"]
    assert {each.key.split("|")[1] for each in tries[:3]} == {"zero-shot", "translate-train", "in-language"}
    assert raced.course.stop is not None
    record = json.loads((raced.run.folder / "race.json").read_text(encoding="utf-8"))
    assert len(record["course"]) == len(raced.course.events)
    assert Decimal(record["usd"]) == sum((each.usd for each in tries), Decimal(0)) > 0
    assert read_run(raced.run.folder).results == raced.run.results
    own = {step for step, _, done in _listed(made, store) if done}
    whole = run(made.model_copy(update={"seeds": (0, 1)}), out=tmp_path / "run", jobs=1, store=store, quiet=True)
    reused = {line["step_id"] for line in _ledger(whole.folder) if line["reused"]}
    assert own <= reused
    assert {each.spec.id for each in raced.run.results} <= {each.spec.id for each in whole.results}
    scores = {each.spec.id: each.score for each in whole.results}
    assert all(each.score == scores[each.spec.id] for each in raced.run.results)


def _listed(made: Spec, store: Store) -> list[tuple[str, str, bool]]:
    return [
        (step, label, done) for label, step, done in dry_run(made.model_copy(update={"seeds": (0, 1)}), store=store)
    ]


def _ledger(folder: Path) -> list[dict[str, Any]]:
    lines = (folder / "ledger.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def test_further_seeds_are_bought_where_the_choice_is_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("crossfare.experiment.test_sets.TestSets.baseline", lambda *_: None)
    made = spec(tmp_path, methods=["zero-shot", "translate-train"])
    raced = race(made, Manner(seeds=3), out=tmp_path / "out", jobs=1, store=Store(tmp_path / "cache"), quiet=True)
    tries = [each for each in raced.course.events if each.kind == "try"]
    assert [each.seeds for each in tries[:2]] == [1, 1]
    assert len(tries) > 2
    assert {each.seeds for each in tries[2:]} <= {2, 3}
    for each in tries[2:]:
        assert each.why.startswith(("further seed", "second seed of what is ahead"))
        assert each.before is not None
        assert each.after is not None
        assert each.forecast_usd is not None
        assert float(each.usd) == pytest.approx(float(each.forecast_usd), rel=20)
    seeds = {key: now.seeds for key, now in raced.course.reached.items()}
    assert len(raced.run.results) == sum(seeds.values())


def test_what_a_run_left_there_is_taken_first_and_costs_nothing(tmp_path: Path) -> None:
    store, made = Store(tmp_path / "cache"), spec(tmp_path)
    run(made.model_copy(update={"seeds": (0, 1)}), out=tmp_path / "run", jobs=1, store=store, quiet=True)
    raced = race(made, Manner(seeds=2), out=tmp_path / "out", jobs=1, store=store, quiet=True, max_usd=Decimal(0))
    tries = [each for each in raced.course.events if each.kind == "try"]
    assert {(each.seeds, each.why) for each in tries} == {(2, "there already, from another run")}
    assert sum((each.usd for each in tries), Decimal(0)) == 0
    assert len(raced.run.results) == 2 * 3


def test_a_race_that_was_stopped_goes_on_where_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store, made = Store(tmp_path / "cache"), spec(tmp_path)

    class Killed(Exception):
        pass

    seen: list[Event] = []

    def stop(event: Event) -> None:
        seen.append(event)
        if len(seen) == 2:
            raise Killed

    with pytest.raises(Killed):
        race(made, Manner(seeds=2), out=tmp_path / "out", jobs=1, store=store, quiet=True, note=stop)
    assert not (tmp_path / "out" / "race.json").exists()
    done: list[str] = []
    execute = stages.execute
    monkeypatch.setattr(
        "crossfare.experiment.schedule.execute", lambda step, *rest: done.append(step.id) or execute(step, *rest)
    )
    raced = race(made, Manner(seeds=2), out=tmp_path / "out", jobs=1, store=store, quiet=True)
    assert raced.course.events[:2] == tuple(seen)
    assert len(set(done)) == len(done)
    tries = [(each.key, each.seeds) for each in raced.course.events if each.kind == "try"]
    assert len(set(tries)) == len(tries)
    again = race(made, Manner(seeds=2), out=tmp_path / "out", jobs=1, store=store, quiet=True)
    assert again.course.events == raced.course.events
    assert again.run.results == raced.run.results
    whole = race(made, Manner(seeds=2), out=tmp_path / "other", jobs=1, store=Store(tmp_path / "new"), quiet=True)
    assert {r.spec.id: r.score for r in whole.run.results} == {r.spec.id: r.score for r in raced.run.results}


def test_a_course_that_was_damaged_is_named(tmp_path: Path) -> None:
    store, made = Store(tmp_path / "cache"), spec(tmp_path, methods=["zero-shot"])
    race(made, Manner(seeds=1), out=tmp_path / "out", jobs=1, store=store, quiet=True)
    (kept,) = (store.root / "races").glob("*.json")
    kept.write_text('{"format": 1, "free": 3}', encoding="utf-8")
    with pytest.raises(StaleArtifact, match=r"is no course of a race; delete it to race anew"):
        race(made, Manner(seeds=1), out=tmp_path / "out", jobs=1, store=store, quiet=True)


def test_nothing_left_to_race_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no method is left to race; leave out less"):
        race(spec(tmp_path), Manner(without=("echo", "zero-shot", "in-language")), store=Store(tmp_path / "cache"))


def test_the_command_prints_its_course_and_the_choice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    spec(tmp_path)
    monkeypatch.setenv("CROSSFARE_CACHE", str(tmp_path / "cache"))
    out = tmp_path / "raced"
    asked = (str(tmp_path / "tiny.yaml"), "--out", str(out), "--jobs", "1", "--seeds", "2", "--max-usd", "1")
    status, said, told = call(monkeypatch, capsys, "race", *asked, "--quiet")
    assert "nli pt: the course of the race" in said
    assert "try zero-shot: 1 seed, 8 examples" in said
    assert "The race took 0.0" in said
    assert f"Results, course (race.json) and ledger: {out}" in said
    assert "Recommended is the cheapest method that is shown to be within 2.0 points" in said or "within 2" in said
    assert status == (0 if "Recommended: " in said else 1)
    assert not told
    again = call(monkeypatch, capsys, "race", *asked, "--quiet")
    assert again == (status, said, told)


# -- money ------------------------------------------------------------------------------------


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as made:
        yield made


def paid(folder: Path, server: Server, **changes: Any) -> Spec:
    engine = {"engine": "libretranslate", "price": "google-translate", "options": {"url": server.url, "max_texts": 2}}
    return spec(folder, methods=["zero-shot", "translate-infer"], engines={"paid": engine}, **changes)


def billed(server: Server) -> Decimal:
    return sum((len(text) * GOOGLE for request in server.billed for text in request.texts), Decimal(0))


def test_paid_methods_are_tried_on_a_part_first_and_nothing_is_paid_twice(server: Server, tmp_path: Path) -> None:
    pytest.importorskip("httpx")
    store, made = Store(tmp_path / "cache"), paid(tmp_path, server)
    events: list[Event] = []
    raced = race(
        made, Manner(seeds=2, pilot=4), out=tmp_path / "out", jobs=1, store=store, quiet=True, note=events.append
    )
    first = next(each for each in events if "translate-infer" in each.key)
    assert (first.kind, first.seeds, first.examples) == ("try", 1, 4)
    assert first.usd > 0
    spent = sum((each.usd for each in events), Decimal(0))
    assert billed(server) <= spent
    run(made, out=tmp_path / "run", jobs=1, store=store, quiet=True)
    assert max(server.texts.values()) == 1  # the part is remembered where the whole is translated
    assert raced.course.reached


def test_no_request_is_sent_beyond_the_budget(server: Server, tmp_path: Path) -> None:
    pytest.importorskip("httpx")
    store, made = Store(tmp_path / "cache"), paid(tmp_path, server)
    limit = Decimal("0.002")
    raced = race(made, Manner(seeds=2, pilot=4), out=tmp_path / "out", jobs=1, store=store, quiet=True, max_usd=limit)
    assert billed(server) <= limit
    assert sum((each.usd for each in raced.course.events), Decimal(0)) <= limit
    assert raced.course.stop is not None
    assert {each.spec.method for each in raced.run.results} == {"zero-shot"}


def test_a_larger_budget_lets_it_go_on(server: Server, tmp_path: Path) -> None:
    pytest.importorskip("httpx")
    store, made = Store(tmp_path / "cache"), paid(tmp_path, server)
    manner, out = Manner(seeds=1, pilot=4), tmp_path / "out"
    race(made, manner, out=out, jobs=1, store=store, quiet=True, max_usd=Decimal("0.002"))
    spent = len(server.billed)
    raced = race(made, manner, out=out, jobs=1, store=store, quiet=True, max_usd=Decimal("1"))
    assert len(server.billed) > spent
    assert max(server.texts.values()) == 1
    tries = [each for each in raced.course.events if each.kind == "try" and "zero-shot" in each.key]
    assert len(tries) == 1
    assert any("translate-infer" in key for key in raced.course.reached)


def test_methods_are_judged_by_their_mean_over_languages(tmp_path: Path) -> None:
    made = spec(tmp_path, methods=["zero-shot", "translate-train"], targets=["pt", "de"])
    store = Store(tmp_path / "cache")
    raced = race(made, Manner(seeds=1, mean=True), out=tmp_path / "out", jobs=1, store=store, quiet=True)
    tries = [each for each in raced.course.events if each.kind == "try"]
    assert {each.decision for each in tries} == {"nli"}
    assert len(tries) == 2
    assert {(each.spec.method, each.spec.target) for each in raced.run.results} == {
        (method, target) for method in ("zero-shot", "translate-train") for target in ("pt", "de")
    }


def test_it_asks_before_anything_is_paid(server: Server, tmp_path: Path) -> None:
    pytest.importorskip("httpx")

    class No(CrossfareError):
        pass

    def refuse(plan: object) -> None:
        raise No(str(plan))

    store, made = Store(tmp_path / "cache"), paid(tmp_path, server)
    with pytest.raises(No, match="google-translate"):
        race(made, out=tmp_path / "out", jobs=1, store=store, quiet=True, agree=refuse)
    assert not server.billed
    assert not (store.root / "steps").exists()


def test_a_method_whose_step_fails_is_dropped_and_the_others_race_on(server: Server, tmp_path: Path) -> None:
    pytest.importorskip("httpx")
    server.failures.extend([(403, {}, "no")] * 50)
    store, made = Store(tmp_path / "cache"), paid(tmp_path, server)
    events: list[Event] = []
    with pytest.raises(CrossfareError, match="the race went on without it"):
        race(made, Manner(seeds=2), out=tmp_path / "out", jobs=1, store=store, quiet=True, note=events.append)
    dropped = [each for each in events if each.kind == "drop"]
    assert dropped
    assert dropped[0].why.startswith("failed: nli paid pt-en")
    assert {result.spec.method for result in read_run(tmp_path / "out").results} == {"zero-shot"}
