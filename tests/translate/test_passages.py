"""Translating a collection as a stream."""

from __future__ import annotations

from fakes import ScriptedEngine

from crossfare.translate import PassageTranslation, TranslationMemory, pieces
from crossfare.types import Passage


def test_an_identity_translation_of_a_collection_is_lossless() -> None:
    given = [Passage(str(i), f"First sentence {i}. And  a second one.\n\nA paragraph.") for i in range(5)]
    translation = PassageTranslation(ScriptedEngine(str, "sentence"), "en", "de")
    assert list(translation.stream(given)) == given
    assert translation.characters == sum(len(p.text) for p in given)
    assert (translation.yield_.kept, translation.yield_.total) == (5, 5)


def test_a_passage_that_fails_is_left_out_and_listed() -> None:
    engine = ScriptedEngine(lambda text: None if "bad" in text else text.upper())
    translation = PassageTranslation(engine, "en", "de")
    made = list(translation.stream([Passage("1", "good"), Passage("2", "bad"), Passage("3", "good")]))
    assert made == [Passage("1", "GOOD"), Passage("3", "GOOD")]
    assert translation.yield_.lost == ("2",)
    assert "nothing" in translation.lost[0].reason


def test_it_streams_in_chunks_and_remembers(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(pieces, "PASSAGES", 3)
    given = [Passage(str(i), f"text {i % 4}") for i in range(10)]
    engine = ScriptedEngine(str.upper)
    memory = TranslationMemory(tmp_path / "memory.sqlite")
    drawn: list[str] = []

    def source():
        for passage in given:
            drawn.append(passage.id)
            yield passage

    seen: list[tuple[int, int]] = []
    translation = PassageTranslation(engine, "en", "de", memory)
    stream = translation.stream(source(), expected=10, progress=lambda done, total: seen.append((done, total)))
    next(stream)
    assert len(drawn) == 3  # no more is read than is being translated
    assert [p.text for p in stream] == [f"TEXT {i % 4}" for i in range(1, 10)]
    assert len(engine.asked) == 4  # the memory knows what an earlier chunk translated
    assert seen[-1] == (10, 10)
