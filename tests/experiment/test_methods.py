"""Methods are data: the paper's rows and their combinations."""

from __future__ import annotations

import pytest

from crossfare.errors import ConfigError
from crossfare.experiment.methods import METHODS, method
from crossfare.tasks import TASKS


def test_the_papers_methods_train_and_infer_on_what_it_says() -> None:
    sides = {name: (m.train_on, m.infer_on) for name, m in METHODS.items()}
    assert sides["zero-shot"] == (("source",), "target")
    assert sides["translate-train"] == (("translated",), "target")
    assert sides["translate-infer"] == (("source",), "translated")
    assert sides["in-language"] == (("target",), "target")
    assert sides["translate-infer-round-trip"] == (("round-trip",), "translated")
    assert METHODS["translate-infer"].models == ("target-encoder", "source-encoder")


def test_only_methods_that_translate_need_an_engine() -> None:
    without = {name for name, method in METHODS.items() if not method.translates}
    assert without == {"bm25", "bi-encoder", "zero-shot", "in-language", "zero-shot+gold"}


def test_an_ensemble_combines_methods_that_are_there() -> None:
    ensembles = [each for each in METHODS.values() if each.parents]
    assert {task for each in ensembles for task in each.tasks} == {*TASKS}
    for each in ensembles:
        for parent in each.parents:
            assert set(each.tasks) <= set(METHODS[parent].tasks)
            assert not METHODS[parent].parents
        assert set(each.models) <= set(METHODS[each.parents[-1]].models)


def test_aliases_and_unknown_names() -> None:
    assert method("translate-test") is METHODS["translate-infer"]
    with pytest.raises(ConfigError, match="unknown method 'fine-tune'; choose from bm25, "):
        method("fine-tune")
