"""A chat model's answers that belong to other texts are seen, and asked for again singly."""

from __future__ import annotations

from typing import Any

import pytest

from crossfare.translate.correspondence import misplaced

EN = [
    "The ferry to the island leaves at noon, and it is the last one of the day.",
    "A boat leaves.",
    "The baker closed the shop.",
    "Three children play in the garden behind the old house of their grandmother in the village.",
    "Nobody is here.",
    "The lake freezes over in winter, so that people from the town can skate on it for weeks.",
    "It rains.",
    "She wrote a long letter to the mayor about the noise of the new road.",
]
DE = [
    "Die Fähre zur Insel fährt mittags ab, und sie ist die letzte des Tages.",
    "Ein Boot fährt ab.",
    "Der Bäcker schloss den Laden.",
    "Drei Kinder spielen im Garten hinter dem alten Haus ihrer Großmutter im Dorf.",
    "Niemand ist hier.",
    "Der See friert im Winter zu, sodass die Leute aus der Stadt wochenlang darauf Schlittschuh laufen können.",
    "Es regnet.",
    "Sie schrieb der Bürgermeisterin einen langen Brief über den Lärm der neuen Straße.",
]


def test_answers_in_their_places_are_let_through() -> None:
    assert misplaced(EN, DE) == []
    assert misplaced(EN[:1], DE[:1]) == misplaced([], []) == []
    assert misplaced(EN, [None, *DE[1:]]) == []


def test_lengths_show_texts_that_were_merged_though_their_number_is_right() -> None:
    """The first two in one, and the last one cut in two: no number, no name, and no answer twice."""
    merged = [f"{DE[0]} {DE[1]}", *DE[2:7], "Sie schrieb der Bürgermeisterin", "einen langen Brief über den Lärm."]
    assert set(range(1, 7)) <= set(misplaced(EN, merged))


def test_names_show_answers_that_changed_places() -> None:
    texts = ["Yesterday Marta came.", "Nobody saw Peters.", "The door was open."]
    answers = ["Gestern kam Marta.", "Niemand sah Peters.", "Die Tür war offen."]
    assert misplaced(texts, answers) == []
    assert misplaced(texts, [answers[1], answers[0], answers[2]]) == [0, 1]


def test_lengths_and_words_show_neighbours_that_changed_places() -> None:
    assert misplaced(EN, [*DE[:3], DE[4], DE[3], *DE[5:]]) == [3, 4]
    kept = ["the red wooden bridge", "an old iron door", "seven small green frogs"]
    assert misplaced(kept, [f"ja, {kept[1]}", f"ja, {kept[0]}", f"ja, {kept[2]}"]) == [0, 1]


def test_numbers_show_them_and_equal_answers_too() -> None:
    assert misplaced(["It opened in 1874.", "It closed in 1912."], ["1912 schloss es.", "1874 öffnete es."]) == [0, 1]
    assert misplaced(["A dog barks.", "The sea is calm."], ["Ein Hund bellt."] * 2) == [0, 1]


@pytest.mark.parametrize("pair", [("en", "de"), ("pt", "vi")])
def test_human_translations_are_hardly_doubted(shared_data: Any, pair: tuple[str, str]) -> None:
    """Of 49 requests of twenty real texts hardly one is doubted for lengths or names; nine of ten merged ones are."""
    texts, answers = (
        (shared_data / "flores" / f"flores-dev.{name}").read_text(encoding="utf-8").splitlines() for name in pair
    )
    doubted = found = 0
    for first in range(0, 980, 20):
        asked, made = texts[first : first + 20], answers[first : first + 20]
        doubted += bool(set(misplaced(asked, made)) - _without_numbers(asked, made))
        cut = len(made[-1]) // 2
        moved = [f"{made[3]} {made[4]}", *made[5:-1], made[-1][:cut], made[-1][cut:]]
        found += len(set(misplaced(asked, [*made[:3], *moved])) & set(range(4, 19))) > 7
    assert doubted <= 3, "a name of one text is a common word of another (Winter): one request more"
    assert found >= 44


def _without_numbers(texts: list[str], answers: list[str]) -> set[int]:
    return {
        place for place, pair in enumerate(zip(texts, answers, strict=True)) if misplaced(*([each] for each in pair))
    }
