"""The public surface: complete, sorted, and light to import."""

from __future__ import annotations

import subprocess
import sys

import crossfare


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
heavy = {"torch", "transformers", "ctranslate2", "scipy", "sklearn", "sentencepiece", "datasets"} & set(sys.modules)
sys.exit(f"loaded: {sorted(heavy)}" if heavy else 0)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
