"""What every engine must do, whatever it translates with."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import pytest
from hard_texts import TEXTS
from vendors import SERVERS

from crossfare.types import Engine, Itemised, Translation

ENGINES = [
    "echo",
    "reference",
    "apertium",
    "apertium:server",
    "offline:bergamot",
    "libretranslate:text",
    "libretranslate:html",
    *(
        f"{backend}:{family}"
        for backend in ("transformers", "ctranslate2")
        for family in ("marian", "m2m100", "nllb", "mbart50", "t5")
    ),
    *SERVERS,
]
pytestmark = pytest.mark.parametrize("name", ENGINES)


def translate(engine: Any, texts: list[str]) -> Translation:
    target = {"apertium": "es", "offline:bergamot": "pt"}.get(engine.name, "de")
    made: Translation = engine.translate(texts, source="en", target=target)
    return made


@pytest.fixture(scope="module")
def engines(make: Callable[..., Any]) -> Callable[[str], Any]:
    return cache(make)


def test_it_is_an_engine(engines: Callable[[str], Any], name: str) -> None:
    engine = engines(name)
    assert isinstance(engine, Engine)
    assert engine.name in (name, name.partition(":")[0])
    assert engine.granularity in ("sentence", "document")
    assert engine.billing in ("seconds", "characters", "tokens")
    assert engine.label


def test_order_and_length_are_kept_whatever_the_batch(engines: Callable[[str], Any], name: str) -> None:
    engine = engines(name)
    together = translate(engine, list(TEXTS)).texts
    assert len(together) == len(TEXTS)
    assert translate(engine, list(reversed(TEXTS))).texts == together[::-1]
    assert tuple(translate(engine, [text]).texts[0] for text in TEXTS[:5]) == together[:5]
    assert len({text for text in together if text}) > 1, "the texts are too alike to tell their order"


def test_failed_segments_are_none_never_empty(engines: Callable[[str], Any], name: str) -> None:
    made = translate(engines(name), [*TEXTS, "the " * 400])
    assert all(text is None or text.strip() for text in made.texts)
    failed = {index for index, text in enumerate(made.texts) if text is None}
    assert set(getattr(made, "failures", {})) == failed


def test_duplicates_get_the_same_translation(engines: Callable[[str], Any], name: str) -> None:
    first, other, second = translate(engines(name), [TEXTS[0], TEXTS[1], TEXTS[0]]).texts
    assert first == second
    assert first is not None and other is not None


def test_nothing_costs_nothing(engines: Callable[[str], Any], name: str) -> None:
    made = translate(engines(name), [])
    assert made.texts == ()
    assert made.usage.characters == 0


def test_blank_text_is_returned_as_it_is(engines: Callable[[str], Any], name: str) -> None:
    blank = ["", " ", "\n\t", "\u00a0", TEXTS[0], "\u2028"]
    made = translate(engines(name), blank).texts
    assert [text for text in made if text != made[4]] == [text for text in blank if text != TEXTS[0]]


def test_line_ends_and_outer_blanks_stay(engines: Callable[[str], Any], name: str) -> None:
    engine = engines(name)
    lines, padded = translate(engine, ["the cat\nthe house\n\nhello", "  the mat "]).texts
    if lines is not None:
        assert [bool(line) for line in lines.split("\n")] == [True, True, False, True]
    if padded is not None:
        assert padded.startswith("  ") and padded.endswith(" ") and padded.strip()


def test_usage_is_metered(engines: Callable[[str], Any], name: str) -> None:
    engine = engines(name)
    usage = translate(engine, list(TEXTS)).usage
    # Services bill what is sent to them: see test_vendors.py.
    assert usage.characters == (
        sum(each.characters or 0 for _, each in engine.itemised(TEXTS, source="en"))
        if isinstance(engine, Itemised)
        else sum(map(len, TEXTS))
    )
    assert usage.seconds is not None and usage.seconds >= 0
    assert usage.measured
    if engine.billing == "seconds":
        assert usage.seconds > 0 and usage.hardware == "cpu"
        assert engine.name in ("apertium", "offline:bergamot") or (usage.input_tokens and usage.output_tokens)
    else:
        assert usage.requests


def test_its_revision_is_stable(make: Callable[..., Any], engines: Callable[[str], Any], name: str) -> None:
    assert engines(name).revision == make(name).revision != ""
    assert make(name, name="other").revision == engines(name).revision
    assert make(name, name="other").name == "other"
