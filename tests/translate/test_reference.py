from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from crossfare.translate import Markers, engine, translate_dataset
from crossfare.types import Answer, Dataset, QAExample, Usage


@dataclass(frozen=True)
class Parallel:
    texts: dict[str, str]
    spans: tuple[dict[str, tuple[int, int]], ...] = ()


CAT = Parallel({"en": "The cat sits.", "de": "Da sitzt die Katze.", "pt": "O gato senta."}, (
    {"en": (4, 7), "de": (13, 18), "pt": (2, 6)},
    {"en": (8, 12), "de": (3, 8)},
))  # fmt: skip
WHO = Parallel({"en": "Who sits?", "de": "Wer sitzt?"})


def test_texts_are_looked_up_in_both_directions() -> None:
    made = engine("reference", entries=[CAT, WHO])
    assert made.translate(["The cat sits.", "Who sits?"], source="en", target="de").texts == (
        "Da sitzt die Katze.",
        "Wer sitzt?",
    )
    assert made.translate(["O gato senta."], source="pt-BR", target="en").texts == ("The cat sits.",)


def test_markers_go_round_the_aligned_span() -> None:
    made = engine("reference", entries=[CAT])
    texts = ["The <a>cat</a> sits.", "The <a1>cat</a1> sits."]
    assert made.translate(texts, source="en", target="de").texts == (
        "Da sitzt die <a>Katze</a>.",
        "Da sitzt die <a1>Katze</a1>.",
    )
    paper = engine("reference", entries=[CAT], markers=Markers("<answer_start>", "<answer_end>"))
    (text,) = paper.translate(["The <answer_start>cat<answer_end> sits."], source="en", target="pt").texts
    assert text == "O <answer_start>gato<answer_end> senta."


def test_indexed_tags_go_round_all_aligned_spans() -> None:
    made = engine("reference", entries=[WHO, CAT])
    texts = ["The <a1>cat</a1> <a2>sits</a2>.", "<a1>The</a1> <a2>cat</a2> sits."]
    assert made.translate(texts, source="en", target="de").texts == (
        "Da <a2>sitzt</a2> die <a1>Katze</a1>.",
        "Da sitzt die <a2>Katze</a2>.",
    )


def test_what_is_not_there_is_none_with_a_reason() -> None:
    made = engine("reference", entries=[CAT])
    texts = ["The dog sits.", "<a>The</a> cat sits.", "The cat <a>sits</a>."]
    answer = made.translate(texts, source="en", target="pt")
    assert answer.texts == (None, None, None)
    assert dict(answer.failures) == {  # type: ignore[attr-defined]
        0: "not in the parallel text (en to pt)",
        1: "the marked part is not aligned in the parallel text",
        2: "the marked part is not aligned in the parallel text",
    }
    assert made.translate(["The cat sits."], source="en", target="vi").texts == (None,)


def test_a_text_that_occurs_twice_is_searched_for_the_span_in_both() -> None:
    first = Parallel({"en": "The cat sits.", "de": "Die Katze sitzt."})
    made = engine("reference", entries=[first, CAT])
    answer = made.translate(["The <a>cat</a> sits.", "The cat sits."], source="en", target="de")
    assert answer.texts == ("Da sitzt die <a>Katze</a>.", "Die Katze sitzt.")


def test_characters_are_counted_as_an_api_bills_them() -> None:
    usage = engine("reference", entries=[CAT]).translate(["The <a>cat</a> sits.", "🐈"], source="en", target="de").usage
    assert usage == Usage(seconds=0.0, requests=2, characters=21)


def test_its_revision_is_its_content() -> None:
    assert engine("reference", entries=[CAT]).revision == engine("reference", entries=(CAT,)).revision
    assert engine("reference", entries=[CAT]).revision != engine("reference", entries=[CAT, WHO]).revision


def test_a_stated_revision_spares_reading_the_text_until_it_is_needed() -> None:
    read: list[str] = []

    def text() -> Iterator[Parallel]:
        read.append("once")
        yield CAT

    made = engine("reference", entries=text(), revision="cats-1")
    assert made.revision == engine("reference", entries=[WHO], revision="cats-1").revision
    assert made.revision != engine("reference", entries=[WHO], revision="cats-2").revision
    assert not read
    for _ in range(2):
        assert made.translate(["The cat sits."], source="en", target="de").texts == ("Da sitzt die Katze.",)
    assert read == ["once"]


def test_tables_can_name_and_explain_it() -> None:
    made = engine("reference", entries=[], name="commercial")
    assert (made.name, made.label) == ("commercial", "reference translation, priced as a commercial API")  # type: ignore[attr-defined]


def test_a_dataset_gets_the_aligned_answers() -> None:
    example = QAExample("1", "The cat sits.", "Who sits?", (Answer("cat", 4),))
    lost = QAExample("2", "The cat sits.", "Who sits?", (Answer("The", 0),))
    made = translate_dataset(
        Dataset("d", "qa", "train", "en", (example, lost)), engine("reference", entries=[CAT, WHO]), target="de"
    )
    assert made.dataset.examples == (QAExample("1", "Da sitzt die Katze.", "Wer sitzt?", (Answer("Katze", 13),)),)
    assert made.report.lost[0].reason == "answer 'The': 0 opening and 0 closing tags instead of one each"


def test_the_embedded_world_is_translated_without_loss() -> None:
    from crossfare.data import world

    for task, make in (("qa", world.qa), ("nli", world.nli)):
        made = translate_dataset(
            make("en", "test"), engine("reference", entries=world.parallel(task, "test")), target="de"
        )
        assert made.yield_.rate == 1.0, made.report.lost[:3]
        assert made.dataset.examples == make("de", "test").examples
