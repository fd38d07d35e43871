"""The carrier of spans: what it looks at, when it stops looking, and which of several places it takes."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from fakes import ScriptedEngine

from crossfare.translate import Projection, translate_dataset
from crossfare.translate.alignment import Link
from crossfare.translate.back_projection import BackProjector
from crossfare.translate.bitext import Parallel, bitext
from crossfare.translate.outcome import Failed
from crossfare.translate.spans import Asked, Found, alike, as_it_stands, by_alignment, carry
from crossfare.types import Answer, Dataset, QAExample, content_revision


class FirstWords:
    """Aligns the first word of a text with that of its translation, and says what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []

    def align(self, pairs: Sequence[tuple[str, str]]) -> list[tuple[Link, ...]]:
        self.asked += pairs
        return [(((0, len(a.split()[0])), (0, len(b.split()[0]))),) for a, b in pairs]


def half_linked(linked: int) -> str:
    """An answer of 200 characters in two words, of which the first has so many: that is how sure alignment is of it."""
    return "x" * linked + " " + "y" * (199 - linked)


@pytest.mark.parametrize(("linked", "searched"), [(179, True), (180, False)])
def test_into_a_translation_what_is_found_with_a_confidence_of_nine_tenths_is_sure(linked: int, searched: bool) -> None:
    answer = half_linked(linked)
    example = QAExample("q", f"{answer} sat.", "Who?", (Answer(answer, 0),))
    engine = ScriptedEngine(str.upper)
    data = Dataset("made", "qa", "train", "en", (example,), content_revision((example,)))
    made = translate_dataset(data, engine, target="pt", projection=Projection("cascade", FirstWords()))
    assert (answer in engine.asked) == searched
    assert [each.method for each in made.report.answers] == ["match" if searched else "align"]


@pytest.mark.parametrize(("linked", "searched"), [(159, True), (160, False)])
def test_back_into_the_original_what_is_found_with_a_confidence_of_four_fifths_is_sure(
    linked: int, searched: bool
) -> None:
    answer = half_linked(linked)
    text = bitext("z" * linked + " dormiu.", f"{answer} slept.")
    engine = ScriptedEngine({answer: "z" * linked}.get)
    back = BackProjector(source="en", target="pt", engine=engine, aligner=FirstWords(), ways=("align", "search"))
    (found,) = back.project([(text, (0, len(answer)))]).found
    assert found is not None
    assert (found.way, found.answer) == ("search" if searched else "align", Answer("z" * linked, 0))
    assert (engine.asked == [answer]) == searched


def test_what_is_alike_in_another_sentence_only_is_not_sure() -> None:
    """It keeps seven tenths of its confidence, so that alignment is asked, and outdoes it where it is as sure."""
    text = Parallel("Ele come. Lisboa dorme.", "Lisbon eats. She sleeps.", (((0, 9), (0, 12)), ((10, 23), (13, 24))))
    back = {"Lisbon": "Lisboa"}.get
    aligner = FirstWords()
    (found,) = (
        BackProjector(source="en", target="pt", engine=ScriptedEngine(back), ways=("search",)).project([(text, (0, 6))])
    ).found
    assert found == Found(Answer("Lisboa", 10), "search", pytest.approx(0.7))
    (found,) = (
        BackProjector(source="en", target="pt", engine=ScriptedEngine(back), aligner=aligner)
        .project([(text, (0, 6))])
        .found
    )
    assert aligner.asked == [("Lisbon eats.", "Ele come.")]
    assert found == Found(Answer("Ele", 0), "align", 1.0)


def test_names_and_numbers_are_taken_as_they_stand_with_their_signs_and_other_words_are_not() -> None:
    text = bitext("It cost $15 as a gift.", "Custou $15, sem gift. $15?")
    assert as_it_stands(Asked.of(text, (8, 11)), "search") == Found(Answer("$15", 7), "search")
    assert isinstance(as_it_stands(Asked.of(text, (17, 21)), "search"), Failed)
    late = bitext("As a gift it cost $15", "Custou $15, sem gift. $15?")
    assert as_it_stands(Asked.of(late, (18, 21)), "search") == Found(Answer("$15", 22), "search")


def test_the_surest_place_counts_and_of_equals_the_first() -> None:
    asked = [Asked.of(bitext("a b", "A B"), (0, 1))]

    def way(name: str, sure: float | None) -> object:
        found = Failed(name) if sure is None else Found(Answer("A", 0), name, sure)
        return lambda _: [found]

    def tried(*ways: tuple[str, float | None]) -> str:
        (best,) = carry(asked, [way(*each) for each in ways], 0.9)  # type: ignore[misc]
        return best.way if isinstance(best, Found) else best.reason

    assert tried(("one", 0.5), ("two", 0.6), ("three", 0.6)) == "two"
    assert tried(("one", 0.5), ("two", 0.95), ("three", 1.0)) == "two"
    assert tried(("one", None), ("two", 0.1)) == "two"
    assert tried(("one", 0.1), ("two", None)) == "one"
    assert tried(("one", None), ("two", None)) == "one"
    assert tried() == "nothing was looked for"
    assert carry([Asked.of(bitext(" ", "A"), (1, 1))], [way("one", 1.0)], 0.9)[0] != Found(Answer("A", 0), "one")  # type: ignore[list-item]


def test_only_the_segments_that_a_span_touches_are_looked_at() -> None:
    text = Parallel("Ana eats. Bia sleeps.", "Ana come. Bia dorme.", (((0, 9), (0, 9)), ((10, 21), (10, 20))))
    aligner = FirstWords()
    one, both = Asked.of(text, (10, 13)), Asked.of(text, (4, 13))
    assert (one.here, one.there) == ((10, 21), (10, 20))
    assert by_alignment([one], aligner) == [Found(Answer("Bia", 10), "align", 1.0)]
    assert aligner.asked == [("Bia sleeps.", "Bia dorme.")]
    by_alignment([one, both], aligner)
    assert aligner.asked[1:] == [("Bia sleeps.", "Bia dorme."), ("Ana eats.", "Ana come.")]
    assert isinstance(alike(one, "Ana", "match"), Failed)
    assert alike(one, "Ana", "match", elsewhere=0.5) == Found(Answer("Ana", 0), "match", 0.5)
