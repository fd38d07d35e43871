"""What of a language is in the id of a step: only what makes its result another than it once was."""

from __future__ import annotations

from typing import Any

import pytest

from crossfare.experiment.cell import distinct
from crossfare.experiment.engine_plan import engine_options
from crossfare.experiment.spec import Spec
from crossfare.experiment.spec_engine import EngineSpec
from crossfare.experiment.steps import Planner
from crossfare.languages import language_tag
from crossfare.tasks import TASKS
from crossfare.translate import engine
from crossfare.types import Step, revision_for


@pytest.mark.parametrize(
    ("language", "options", "rule"),
    [
        ("pt", {}, None),
        ("ko", {}, None),
        ("pt", {"normalise": "mlqa"}, None),
        ("zh", {"normalise": "squad"}, None),
        ("zh", {"normalise": "mlqa"}, None),
        ("zh", {}, {"normalise": "mlqa", "words": "mlqa-zh"}),
        ("yue", {"normalise": "mlqa"}, {"normalise": "mlqa", "words": "mlqa-zh"}),
        ("ja", {}, {"normalise": "mlqa", "words": "characters"}),
        ("th", {"normalise": "mlqa"}, {"normalise": "mlqa", "words": "characters"}),
    ],
)
def test_a_score_that_is_made_otherwise_than_once_says_the_rule(
    language: str, options: dict[str, Any], rule: dict[str, str] | None
) -> None:
    assert TASKS["qa"].scored_anew(language, options) == ({"rule": rule} if rule else {})
    assert TASKS["nli"].scored_anew(language, options) == {}


def steps(**more: Any) -> dict[str, Step]:
    spec = Spec.model_validate(
        {
            "name": "languages",
            "source": "en",
            "targets": ["zh-TW", "de"],
            "tasks": {"nli": {"train": {"ref": "world:nli", "limit": 9}, "test": {"*": "world:nli"}}},
            "methods": ["translate-train"],
            "models": {"target-encoder": "embedded:multilingual-encoder"},
            "engines": {"lt": {"engine": "libretranslate", "options": {"url": "http://127.0.0.1:1", **more}}},
        }
    )
    made = distinct(step for cell in Planner(spec).plan() for step in cell.all)
    return {str(step.params["target"]): step for step in made if step.stage == "translate"}


def test_codes_that_a_spec_names_change_the_steps_of_their_language_alone() -> None:
    plain, named = steps(), steps(codes={"zh_tw": "zt"})
    assert plain["de"].id == named["de"].id
    assert plain["zh-TW"].id != named["zh-TW"].id
    asked = EngineSpec(engine="libretranslate", options={"codes": {"zh_tw": "zt", "fr": "x"}})
    assert engine_options(asked, "nli", "en", language_tag("zh_tw"))["codes"] == {"zh_tw": "zt"}


def test_variants_that_were_once_asked_for_as_others_are_made_anew() -> None:
    made: Any = engine("libretranslate", url="http://127.0.0.1:1")
    assert revision_for(made, "en", "de") == made.revision
    assert len({made.revision, revision_for(made, "en", "zh-TW"), revision_for(made, "en", "pt-BR")}) == 3
    own: Any = engine("libretranslate", url="http://127.0.0.1:1", codes={"zh-TW": "zt"})
    assert revision_for(own, "en", "zh-TW") == own.revision != made.revision


def test_a_chat_model_is_told_names_and_those_that_may_change_are_known_by_what_they_are() -> None:
    made: Any = engine("llm", model="m")
    assert made.called("zh-TW", "km") == ("Chinese (zh-TW)", "Khmer")
    assert revision_for(made, "en", "zh-TW") == made.revision
    assert revision_for(made, "en", "km") != made.revision
    own: Any = engine("llm", model="m", codes={"zh-TW": "Traditional Chinese as written in Taiwan"})
    assert own.called("en", "zh-TW") == ("English", "Traditional Chinese as written in Taiwan")


def test_embedded_models_are_asked_as_before() -> None:
    made: Any = engine("transformers", model="embedded:marian-en-xx")
    assert revision_for(made, "en", "pt") == made.revision
    assert revision_for(made, "en", "zh-TW") != made.revision
