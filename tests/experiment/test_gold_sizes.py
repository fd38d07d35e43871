"""Growing parts of the gold data: further cells, which leave the others as they are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import tiny_run
from crossfare.compare import learning_curves, read_run
from crossfare.errors import ConfigError
from crossfare.experiment import run
from crossfare.experiment.matrix import cells
from crossfare.experiment.spec import Spec
from crossfare.experiment.steps import Planner
from crossfare.store import Store


def spec(folder: Path, **changes: Any) -> Spec:
    folder.mkdir(exist_ok=True)
    return tiny_run.spec(folder, methods=["zero-shot", "in-language"], tasks={"nli": tiny_run.task("nli", **changes)})


def ids(made: Spec) -> dict[str, tuple[str, ...]]:
    return {cell.cell.id: tuple(step.id for step in cell.all) for cell in Planner(made).plan()}


def test_sizes_add_cells_and_change_no_id(tmp_path: Path) -> None:
    plain, grown = ids(spec(tmp_path)), ids(spec(tmp_path, gold_sizes=[4, 2]))
    assert set(plain.items()) < set(grown.items())
    added = [cell for cell in cells(spec(tmp_path, gold_sizes=[4, 2])) if cell.gold_size]
    assert [cell.gold_size for cell in added] == [2, 4]
    assert {cell.method for cell in added} == {"in-language"}
    assert len({step for cell in added for step in grown[cell.id]}) > 0


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"gold_sizes": [2, 2]}, "gold_sizes: 2 is named twice"),
        ({"gold_sizes": [0, 2]}, "should be greater than or equal to 1"),
        ({"gold_sizes": [2, 6]}, "below the limit of gold, 6"),
        ({"gold_sizes": [2], "gold": {}}, "needs gold"),
    ],
)
def test_sizes_that_cannot_be_are_one_line(changes: dict[str, Any], said: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=said):
        spec(tmp_path, **changes)


def test_a_run_pays_for_each_part_and_has_a_curve(tmp_path: Path) -> None:
    made = spec(tmp_path, gold_sizes=[2, 4])
    found = run(made, out=tmp_path / "out", jobs=1, store=Store(tmp_path / "cache"), quiet=True)
    sizes = {result.spec.gold_size: result for result in found.results if result.annotation}
    assert {size: result.train_examples for size, result in sizes.items()} == {2: 2, 4: 4, None: 6}
    per_label = {result.annotation.usd / result.train_examples for result in sizes.values() if result.annotation}
    assert max(per_label) - min(per_label) < 1e-9
    (curve,) = learning_curves([read_run(tmp_path / "out")])
    assert [point.labels for point in curve.points] == [2, 4, 6]
    assert [parity.other for parity in curve.parities] == ["zero-shot"]


def test_a_translated_training_set_is_kept_at_its_size_on_disk(tmp_path: Path) -> None:
    store = Store(tmp_path / "cache")
    found = run(tiny_run.spec(tmp_path), out=tmp_path / "out", jobs=1, store=store, quiet=True)
    (translated,) = [result for result in found.results if result.spec.method == "translate-train"]
    (entry,) = [e for e in read_run(tmp_path / "out").book if e.stage == "translate"]
    on_disk = sum(path.stat().st_size for path in store.artifact(entry.step_id).rglob("*") if path.is_file())
    assert entry.usage.stored_bytes == translated.stored_bytes == on_disk > 0
