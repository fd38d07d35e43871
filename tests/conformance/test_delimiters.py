"""Delimiters of any kind, with engines that keep tags: whatever a service does to text, answers come back."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from typing import Any

import pytest
import servers
from vendors import SERVERS

from crossfare.data import world
from crossfare.translate import Markers, engine, translate_dataset
from crossfare.translate.back_projection import BackProjector
from crossfare.translate.projection import Projection, abilities
from crossfare.types import Dataset, QAExample
from libretranslate_server import Server

KEEPING = ["google:v3", "google:v2", "deepl", "azure", "llm"]
PAIRS = [
    Markers("<answer_start>", "<answer_end>"),  # the paper's
    Markers("[", "]"),
    Markers("§", "¶"),
    Markers("**", "//"),
    Markers("<ans>", "</ans>"),
    Markers("{{ANSWER", "}}"),
]
_TAG = re.compile(r"(</?[a-z]+\d*>)")
_MARK = re.compile(r"[^\w\s.,?!'\"-]|_")


def reworded(text: str) -> str:
    """A "translation" that keeps words and the stops between them, and nothing that stands round them."""
    return _MARK.sub(" ", text.swapcase())


def obedient(text: str) -> str:
    """The same of a model that keeps tags, as it is asked to."""
    return "".join(part if _TAG.fullmatch(part) else reworded(part) for part in _TAG.split(text))


@pytest.fixture
def careless(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every vendor's server treat what is no tag to it as text."""
    from servers import amazon, azure, deepl, google, openai

    for module in (servers, amazon, azure, deepl, google):
        monkeypatch.setattr(module, "translated", reworded)
    monkeypatch.setattr(openai, "translated", obedient)


def questions(count: int = 40) -> Dataset:
    dataset = world.qa("en", "test")
    return replace(dataset, examples=dataset.examples[:count])


def plain(text: str) -> str:
    return " ".join(_MARK.sub(" ", text).split()).casefold()


@pytest.mark.usefixtures("careless")
@pytest.mark.parametrize("name", KEEPING)
@pytest.mark.parametrize("method", ["markers", "tags"])
@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair.opening)
def test_an_engine_that_keeps_tags_keeps_any_delimiters(vendor: Any, method: Any, pair: Markers) -> None:
    server, made = vendor
    before = questions()
    after = translate_dataset(before, made(), target="de", markers=pair, projection=Projection(method))
    assert (after.yield_.kept, after.yield_.total) == (40, 40)
    for asked, found in zip(before.examples, after.dataset.examples, strict=True):
        assert isinstance(asked, QAExample) and isinstance(found, QAExample)
        assert [plain(answer.text) for answer in found.answers] == [plain(answer.text) for answer in asked.answers]
    sent = " ".join(text for batch in server.received for text in batch)
    assert pair.opening not in sent.replace("&lt;", "<").replace("&gt;", ">")


@pytest.mark.usefixtures("careless")
@pytest.mark.parametrize("name", ["google:v3", "deepl", "amazon"])
def test_with_tags_as_text_the_delimiters_are_those_that_were_given(vendor: Any, name: str) -> None:
    """It is what the paper did; here nothing survives it, and everything says so."""
    server, made = vendor
    plainly = made(**({} if name == "amazon" else {"tags": False}))
    after = translate_dataset(questions(5), plainly, target="de", markers=PAIRS[0], projection=Projection("markers"))
    assert after.yield_.kept == 0
    assert "<answer_start>" in " ".join(text for batch in server.received for text in batch)


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair.opening)
def test_a_server_that_keeps_html_keeps_any_delimiters(libretranslate: Server, pair: Markers) -> None:
    made = engine("libretranslate", url=libretranslate.url, format="html")
    after = translate_dataset(questions(10), made, target="de", markers=pair, projection=Projection("markers"))
    assert after.yield_.rate == 1.0
    sent = " ".join(text for request in libretranslate.billed for text in request.texts)
    assert pair.opening not in sent


@pytest.mark.usefixtures("careless")
@pytest.mark.parametrize("name", ["deepl", "llm"])
def test_answers_are_carried_back_between_tags(vendor: Any) -> None:
    _, made = vendor
    assert BackProjector(source="en", target="de", engine=made(), markers=PAIRS[0]).sent_markers == Markers()
    assert BackProjector(source="en", target="de", markers=PAIRS[0]).sent_markers == PAIRS[0]


@pytest.mark.parametrize("name", SERVERS)
@pytest.mark.parametrize("pair", [Markers(), Markers("<mark>", "</mark>"), Markers("<b2>", "</b2>")])
def test_tags_that_an_engine_keeps_are_those_that_it_is_sent(vendor: Any, pair: Markers) -> None:
    _, made = vendor
    able = abilities(made())
    assert able.markers(pair) == pair
    assert able.markers(None) is None


def test_a_step_is_identified_by_the_delimiters_that_are_sent(
    vendors: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where nothing is said of delimiters, or tags are text to the engine, steps are what they were."""
    import tiny_run
    from crossfare.experiment.forecast.planner import ForecastPlanner
    from crossfare.experiment.steps import Planner

    vendors.make("deepl")

    def steps(planner: Callable[..., Any], **engine: Any) -> set[str]:
        given = {"engine": "deepl", "projection": "markers", **engine}
        spec = tiny_run.spec(
            tmp_path, tasks={"qa": tiny_run.task("qa")}, methods=["translate-infer"], engines={"deepl": given}
        )
        made = planner(spec)
        with made if planner is ForecastPlanner else nullcontext():
            return {step.id for cell in made.plan() for step in cell.all}

    papers = [PAIRS[0].opening, PAIRS[0].closing]
    for planner in (Planner, ForecastPlanner):
        mapped, tags, unsaid = steps(planner, markers=papers), steps(planner, markers=["<a>", "</a>"]), steps(planner)
        text = steps(planner, markers=papers, options={"tags": False})
        assert mapped == tags
        assert mapped != unsaid
        assert not {step for step in text & mapped if step.startswith(("translate", "back"))}
    assert steps(Planner) == steps(ForecastPlanner)
    assert steps(Planner, markers=papers) == steps(ForecastPlanner, markers=papers)
