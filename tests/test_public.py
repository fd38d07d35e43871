"""The public surface: complete, sorted, and light to import."""

from __future__ import annotations

import inspect
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import yaml

import crossfare
import tiny_run

PACKAGES = (
    *("crossfare", "crossfare.compare", "crossfare.data", "crossfare.experiment", "crossfare.experiment.forecast"),
    *("crossfare.finetune", "crossfare.ledger", "crossfare.report", "crossfare.retrieve", "crossfare.serving"),
    *("crossfare.store", "crossfare.translate"),
)
MADE_BY_THE_PACKAGE = {"Run", "RunRecord", "FineTuned"}  # and opened by a function that is checked: Collection, Index


def public() -> Iterator[tuple[str, Callable[..., Any]]]:
    """Every public function, and every public class's own makers and methods."""
    for package in PACKAGES:
        module = import_module(package)
        for name in getattr(module, "__all__", ("Store",)):
            found = getattr(module, name)
            if not inspect.isclass(found):
                yield f"{package}.{name}", found
                continue
            made = [key for key, value in vars(found).items() if not key.startswith("_") and callable(value)]
            made += [key for key, value in vars(found).items() if isinstance(value, classmethod)]
            yield from ((f"{package}.{name}.{key}", getattr(found, key)) for key in made)
            if name not in MADE_BY_THE_PACKAGE and not hasattr(found, "open"):
                yield f"{package}.{name}", found.__init__


def test_every_public_name_exists_and_the_list_is_sorted() -> None:
    assert crossfare.__all__ == sorted(crossfare.__all__)
    assert set(crossfare._HOME) == set(crossfare.__all__)
    for name in crossfare.__all__:
        assert getattr(crossfare, name) is not None
    assert set(crossfare.__all__) <= set(dir(crossfare))


def test_importing_and_planning_load_no_heavy_package() -> None:
    program = """
import sys
import crossfare, crossfare.cli, crossfare.report, crossfare.ledger, crossfare.compare, crossfare.tasks
from crossfare import experiment
experiment.cells(experiment.demo_spec())
crossfare.datasets(), crossfare.engines(), crossfare.Prices.load()
heavy = {"torch", "transformers", "ctranslate2", "scipy.stats", "sklearn", "datasets"} & set(sys.modules)
sys.exit(f"loaded: {sorted(heavy)}" if heavy else 0)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_whatever_takes_a_path_takes_its_text_too() -> None:
    stated = {
        f"{name}({parameter.name}: {parameter.annotation})"
        for name, function in public()
        if callable(function)
        for parameter in inspect.signature(function).parameters.values()
        if "Path" in str(parameter.annotation)
    }
    assert len(stated) > 30
    assert {each for each in stated if "str" not in each} == set()


def test_paths_as_text_from_a_spec_to_a_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("vl_convert")
    monkeypatch.setenv("CROSSFARE_CACHE", str(tmp_path / "cache"))
    tiny_run.spec(tmp_path, methods=["zero-shot"])
    spec = crossfare.load_spec(str(tmp_path / "tiny.yaml"), data_dir=str(tmp_path))
    run = crossfare.run(spec, out=str(tmp_path / "run"), jobs=1, quiet=True)
    assert run.folder == tmp_path / "run"
    from crossfare import compare, report
    from crossfare.experiment import forecast

    assert compare.read_run(str(run.folder)).results == run.results
    assert report.write_report(str(run.folder)).is_file()
    basis = forecast.Basis.gather([str(run.folder)])
    forecast.save(forecast.Forecaster(spec, basis), str(tmp_path / "plan.json"), volume=1, months=1)
    assert forecast.check_saved(str(run.folder), str(tmp_path / "plan.json"))
    assert forecast.check_rates(str(run.folder), basis)


def test_a_file_is_translated_and_scored_by_its_path_as_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CROSSFARE_CACHE", str(tmp_path / "cache"))
    loaded = crossfare.load("world:nli", language="en", split="test", limit=4).dataset
    given, made = str(tmp_path / "given.jsonl"), str(tmp_path / "made.jsonl")
    crossfare.save(loaded, given)
    crossfare.translate_file(given, made, task="nli", source="en", target="pt", engine="echo", price="compute")
    assert [e.premise for e in crossfare.load(made).dataset.examples] == [e.premise for e in loaded.examples]
    (tmp_path / "prices.yaml").write_text(yaml.safe_dump({"checked": "2026-01-01", "offers": []}))
    assert crossfare.engines([str(tmp_path / "prices.yaml")])
