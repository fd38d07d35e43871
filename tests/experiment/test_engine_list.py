"""The list of engines: what is missing, which keys are set, and what each costs today."""

from __future__ import annotations

import inspect
import json
import re
from dataclasses import asdict
from pathlib import Path

import pytest

from crossfare import translate
from crossfare.experiment import list_engines
from crossfare.report.translation import engine_table
from crossfare.translate import EngineInfo

SECRET = "s3cr3t-value"


def offered(monkeypatch: pytest.MonkeyPatch, *infos: EngineInfo) -> None:
    monkeypatch.setattr(translate, "engines", lambda: infos)


def test_every_engine_is_listed_with_what_it_prefers() -> None:
    listed = {state.name: state for state in list_engines()}
    assert set(listed) == {info.name for info in translate.engines()}
    assert listed["ctranslate2"].granularity == "sentence"
    assert listed["apertium"].tags == "html"
    assert listed["echo"].price == "device time"
    assert listed["apertium"].missing or "en-es" in listed["apertium"].languages


def test_keys_are_named_and_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    echo = "crossfare.translate.engines.echo:EchoEngine"
    offered(monkeypatch, EngineInfo("paid", echo, "a service", keys=("A_KEY", "B_KEY"), offer="google-translate"))
    monkeypatch.setenv("A_KEY", SECRET)
    monkeypatch.setenv("B_KEY", "")
    (state,) = list_engines()
    assert state.keys == {"A_KEY": True, "B_KEY": False}
    shown = str(engine_table([state])) + json.dumps(asdict(state)) + repr(state)
    assert "A_KEY set; B_KEY not set" in shown
    assert SECRET not in shown


def test_the_price_is_that_of_the_catalogue_and_of_ones_own_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    echo = "crossfare.translate.engines.echo:EchoEngine"
    offered(
        monkeypatch,
        EngineInfo("google", echo, "", offer="google-translate"),
        EngineInfo("llm", echo, "", offer="llm:{model}"),
        EngineInfo("gone", echo, "", offer="ibm-translator"),
    )
    google, llm, gone = list_engines()
    assert google.price == "20 USD / 1,000,000 characters"
    assert llm.price == "that of llm:{model}"
    assert gone.price.startswith("not known") and "withdrawn" in gone.price
    own = tmp_path / "own.yaml"
    own.write_text(
        "checked: 2026-01-01\ncurrency: USD\noffers:\n  - {offer: google-translate, unit: character, per: 1000000, "
        'amount: "7", valid_from: 2026-01-01, source: contract, evidence: published}\n',
        encoding="utf-8",
    )
    assert list_engines([own])[0].price == "7 USD / 1,000,000 characters"


def test_what_is_missing_is_said_with_the_line_to_run(monkeypatch: pytest.MonkeyPatch) -> None:
    offered(
        monkeypatch,
        EngineInfo("far", "no_such_module:Engine", "s", ("no_such_package",), "pip install far"),
        EngineInfo("near", "crossfare.translate.engines.echo:EchoEngine", "s", commands=("no-such-command",)),
    )
    states = list_engines()
    assert [state.missing for state in states] == [("no_such_package",), ("no-such-command",)]
    assert "needs no_such_package: pip install far" in engine_table(states).notes[0]


def test_where_texts_go_and_what_a_service_would_choose_silently_is_shown() -> None:
    listed = {state.name: state for state in list_engines()}
    assert listed["deepl"].settings == {"model_type": "quality_optimized"}
    assert listed["ctranslate2"].host == ""
    notes = {note.partition(":")[0]: note for note in engine_table([*listed.values()]).notes}
    assert "texts go to api.deepl.com, api-free.deepl.com; model_type: quality_optimized" in notes["deepl"]
    assert "texts go to api.openai.com; temperature: 0.0" in notes["llm"]
    assert "texts go" not in notes["echo"]


def test_the_settings_shown_are_those_that_engines_have() -> None:
    """By name: an option of the engine, or what its own file sends."""
    for info in translate.engines():
        if info.settings and not info.missing:
            source = Path(str(inspect.getsourcefile(info.load()))).read_text(encoding="utf-8")
            known = inspect.signature(info.load()).parameters
            for name, value in info.settings:
                if name in known:
                    assert str(known[name].default) == value
                else:
                    snake = re.sub("[A-Z]", lambda letter: f"_{letter[0].lower()}", name)
                    assert f'{snake}="{value}"' in source or (info.name, name) == ("google", "model")
