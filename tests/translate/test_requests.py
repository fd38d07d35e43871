"""Engines that are asked by the request: every answer is kept before the next is paid for, and nobody pays twice."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

import pytest
from fakes import ScriptedEngine

from crossfare.errors import BudgetExceeded, EngineError, EngineTransient
from crossfare.translate import TranslationMemory, translate_texts
from crossfare.translate.memory import ReadOnlyMemory, Remembered, Scope
from crossfare.translate.segments import CHUNK, requests, translate_segments
from crossfare.translate.shares import Share
from crossfare.types import Metered, Translation

SCOPE = Scope("scripted", "1", "en", "pt")


class RequestEngine(ScriptedEngine):
    """Takes three texts a request."""

    def batches(self, texts: Sequence[str]) -> list[range]:
        return [range(start, min(start + 3, len(texts))) for start in range(0, len(texts), 3)]


@pytest.fixture
def memory(tmp_path: Path) -> TranslationMemory:
    return TranslationMemory(tmp_path / "memory.sqlite")


def test_requests_are_the_engines_own() -> None:
    texts = [str(i) for i in range(CHUNK + 5)]
    assert isinstance(RequestEngine(str.upper), Metered)
    assert not isinstance(ScriptedEngine(str.upper), Metered)
    assert [len(each) for each in requests(RequestEngine(str.upper), texts[:7])] == [3, 3, 1]
    assert [len(each) for each in requests(ScriptedEngine(str.upper), texts)] == [CHUNK, 5]


@pytest.mark.parametrize("cut", [[range(0, 2)], [range(0, 3), range(2, 4)], [range(0, 5)]])
def test_an_engine_that_forgets_or_repeats_a_text_is_stopped(cut: list[range]) -> None:
    engine = RequestEngine(str.upper)
    engine.batches = lambda texts: cut  # type: ignore[method-assign]
    with pytest.raises(EngineError, match="cut 4 texts into requests that do not hold each once"):
        translate_segments(list("abcd"), engine, source="en", target="pt")
    assert not engine.calls


def test_every_answer_is_in_the_memory_before_the_next_request(memory: TranslationMemory) -> None:
    kept: list[int] = []

    class Watched(RequestEngine):
        def translate(self, texts: Sequence[str], *, source: str, target: str) -> Translation:
            kept.append(memory.count())
            return super().translate(texts, source=source, target=target)

    translate_segments([str(i) for i in range(8)], Watched(str.upper), source="en", target="pt", memory=memory)
    assert kept == [0, 3, 6]
    assert memory.count() == 8


def test_duplicates_are_sent_once_within_and_across_datasets(memory: TranslationMemory) -> None:
    engine = RequestEngine(str.upper)
    for texts in (["a", "b", "a", "c", "b", "d"], ["d", "e", "a"]):
        made = translate_texts(texts, engine, source="en", target="pt", memory=memory)
        assert made.texts == tuple(text.upper() for text in texts)
    assert engine.calls == [["a", "b", "c"], ["d"], ["e"]]


def test_a_failing_request_loses_none_of_those_before_it(memory: TranslationMemory) -> None:
    def fail_on_g(text: str) -> str:
        if text == "g":
            raise EngineTransient("no answer")
        return text.upper()

    with pytest.raises(EngineTransient):
        translate_segments("abcdefghi", RequestEngine(fail_on_g), source="en", target="pt", memory=memory)
    assert memory.count() == 6
    again = RequestEngine(str.upper)
    made = translate_segments("abcdefghi", again, source="en", target="pt", memory=memory)
    assert again.calls == [["g", "h", "i"]]
    assert (made.fresh, made.remembered) == (3, 6)


def test_no_money_left_says_how_much_remains(memory: TranslationMemory) -> None:
    def broke_at_g(text: str) -> str:
        if text == "g":
            raise BudgetExceeded("0.06 of 0.08 USD are spent, and the next request would cost 0.03 USD more")
        return text.upper()

    with pytest.raises(BudgetExceeded, match=r"0\.03 USD more; 3 of 9 texts are left, what was done is kept"):
        translate_segments("abcdefghi", RequestEngine(broke_at_g), source="en", target="pt", memory=memory)
    assert memory.count() == 6


def test_those_who_translate_the_same_at_the_same_time_do_not_both_pay(memory: TranslationMemory) -> None:
    """Both look everything up at the start, when nothing is there; the second still finds each answer of the first."""
    started = threading.Barrier(2)

    class Slow(RequestEngine):
        def batches(self, texts: Sequence[str]) -> list[range]:
            if len(texts) == 30:  # not of what the other has reserved, which is looked for again
                started.wait(timeout=20)
            return super().batches(texts)

    engine = Slow(str.upper)
    results: list[object] = []

    def work() -> None:
        mine = TranslationMemory(memory.path)
        made = translate_segments([str(i) for i in range(30)], engine, source="en", target="pt", memory=mine)
        results.append(made.translations)
        mine.close()

    workers = [threading.Thread(target=work) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(timeout=60)
    assert sorted(engine.asked, key=int) == [str(i) for i in range(30)]
    assert results[0] == results[1]


def test_what_is_reserved_in_one_direction_is_free_in_another(memory: TranslationMemory) -> None:
    with memory.buying(SCOPE) as one, memory.buying(SCOPE) as two, memory.buying(SCOPE._replace(target="de")) as other:
        assert one.reserve([["a", "b"], ["c"]]) == [["a", "b"], ["c"]]
        assert two.reserve([["b", "d"], ["c"]]) == [["d"], []]
        assert other.reserve([["a", "b"]]) == [["a", "b"]]
        memory.remember({"b": Remembered("B", Share())}, SCOPE)
        one.let_go(["c"])
        assert two.reserve([["a", "b", "c"]]) == [["b", "c"]], "one still has a"
    with memory.buying(SCOPE) as later:
        assert later.reserve([["a", "b", "c", "d"]]) == [["a", "b", "c", "d"]]
        assert later.doubt == ""


def test_a_read_only_memory_learns_nothing(memory: TranslationMemory) -> None:
    translate_segments("abc", RequestEngine(str.upper), source="en", target="pt", memory=memory)
    looked = ReadOnlyMemory(memory.path)
    made = translate_segments("abcdef", RequestEngine(str.lower), source="en", target="pt", memory=looked)
    assert (made.translations["a"], made.translations["d"]) == ("A", "d")
    assert memory.count() == 3
    assert looked.pace(SCOPE) == pytest.approx((1.0, 1.0))  # the fake engine takes a second a text
    assert looked.pace(SCOPE._replace(target="de")) is None
    looked.close()


def test_half_a_surrogate_pair_is_no_translation_and_lost_alone(memory: TranslationMemory) -> None:
    engine = RequestEngine(lambda text: "\ud800" if text == "b" else text.upper())
    result = translate_segments(list("abc"), engine, source="en", target="pt", memory=memory)
    assert result.translations == {"a": "A", "c": "C"}
    assert "half a surrogate pair" in result.failures["b"]


def test_what_the_memory_has_costs_no_tokens_now(memory: TranslationMemory) -> None:
    """Nothing was measured for nothing: the money of what is paid now can be told."""
    for fresh in (3, 0):
        result = translate_segments(list("abc"), RequestEngine(str.upper), source="en", target="pt", memory=memory)
        assert result.fresh == fresh
    assert (result.fresh_usage.input_tokens, result.fresh_usage.output_tokens) == (0, 0)
