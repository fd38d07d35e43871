from __future__ import annotations

import inspect
import subprocess
import sys
from importlib.metadata import EntryPoint

import pytest

from crossfare.errors import ConfigError, EngineUnavailable
from crossfare.translate import engine, engines
from crossfare.translate import engines as engines_function
from crossfare.types import Engine

registry = sys.modules["crossfare.translate.engines"]


def test_every_engine_can_be_told_what_it_calls_a_language() -> None:
    for info in engines():
        if not info.missing and info.target.startswith("crossfare."):
            assert "codes" in inspect.signature(info.load()).parameters, info.name


def test_the_built_in_engines_are_listed() -> None:
    assert [info.name for info in engines()] == [
        "echo",
        "reference",
        "transformers",
        "ctranslate2",
        "offline:bergamot",
        "apertium",
        "libretranslate",
        "google",
        "deepl",
        "azure",
        "amazon",
        "llm",
    ]
    assert all(info.summary for info in engines_function())


def test_an_unknown_engine_is_told_the_known_ones() -> None:
    with pytest.raises(
        ConfigError, match="no engine 'gogle'; there are: amazon, apertium, azure, ctranslate2, deepl, echo, google"
    ):
        engine("gogle")


@pytest.mark.parametrize(
    ("name", "options", "said"),
    [
        ("echo", {"beem": 3}, "'beem'; its options are: name, granularity"),
        ("transformers", {}, "missing a required argument: 'model'; its options are: model, name, beam"),
    ],
)
def test_a_wrong_option_is_told_the_known_ones(name: str, options: dict[str, int], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        engine(name, **options)


def test_a_missing_package_is_named_with_the_line_to_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "find_spec", lambda name: None if name == "ctranslate2" else object())
    with pytest.raises(EngineUnavailable, match=r"needs ctranslate2: pip install 'crossfare\[models\]'"):
        engine("ctranslate2", model="x")


def plug_in(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    point = EntryPoint(name, value, "crossfare.engines")
    monkeypatch.setattr(registry, "entry_points", lambda group: [point])


def test_a_package_can_add_an_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    plug_in(monkeypatch, "mirror", "crossfare.translate.engines.echo:EchoEngine")
    assert isinstance(engine("mirror", name="mirror"), Engine)
    assert engines()[-1].name == "mirror"


def test_a_package_cannot_take_a_name_that_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    plug_in(monkeypatch, "echo", "elsewhere:EchoEngine")
    with pytest.raises(ConfigError, match="two packages offer an engine 'echo'"):
        engine("echo")


def test_translation_loads_no_model_library_before_it_is_needed() -> None:
    code = (
        "import sys, crossfare.translate as t; t.engines(); t.engine('echo');"
        "print(sorted({'torch', 'transformers', 'ctranslate2', 'sentencex', 'sentencepiece'} & set(sys.modules)))"
    )
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert printed.strip() == "[]"
