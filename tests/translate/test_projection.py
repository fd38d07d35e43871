"""Every way to carry answers across: lossless where nothing is translated, and right where something is."""

from __future__ import annotations

from dataclasses import replace

import pytest
from fakes import ScriptedEngine
from hypothesis import given, settings
from hypothesis import strategies as st

from crossfare.errors import ConfigError
from crossfare.translate import METHODS, Projection, engine, recover_answers, translate_dataset
from crossfare.translate.alignment import WordForWord
from crossfare.translate.markers import Markers, Place, Untagged, untag
from crossfare.translate.words import words
from crossfare.types import Answer, Dataset, QAExample, content_revision

CONTEXT = "Dr. Smith lives in Rome.  He is old.\n\nHe left in 1990. He came back."
ALIGNER = WordForWord()


def projection(method: str, **options: object) -> Projection:
    return Projection(method, ALIGNER, **options)  # type: ignore[arg-type]


def dataset(*examples: QAExample) -> Dataset:
    return Dataset("made", "qa", "train", "en", examples, content_revision(examples))


def question(context: str, *answers: str, id: str = "q1") -> QAExample:
    return QAExample(id, context, "Who?", tuple(Answer(answer, context.index(answer)) for answer in answers))


def keeping_tags(made: ScriptedEngine) -> ScriptedEngine:
    made.tag_handling = "html"  # type: ignore[attr-defined]
    return made


def upper(text: str) -> str:
    """A translation that changes every letter but leaves tags alone."""
    return text.upper().replace("<A", "<a").replace("</A", "</a")


UNICODE = st.text(
    st.one_of(st.characters(exclude_categories=["Cs"]), st.sampled_from(" .!?\n\u0301\u0323\u200d\u00a0<a1>/👩🏽é&")),
    min_size=1,
)


@st.composite
def paragraphs(draw: st.DrawFn, whole_words: bool = False) -> tuple[QAExample, ...]:
    """Questions about one odd context, whose answers repeat, overlap, nest and touch; outer blanks included."""
    context = draw(UNICODE) + draw(st.sampled_from(["", ". ", "!\n", " <a1>x</a1> ", " &lt;a1&gt; "])) + draw(UNICODE)
    cuts = words(context)
    examples = []
    for number in range(draw(st.integers(1, 3))):
        answers = []
        for _ in range(draw(st.integers(1, 3))):
            if whole_words and cuts:
                first = draw(st.integers(0, len(cuts) - 1))
                start, end = cuts[first][0], cuts[draw(st.integers(first, len(cuts) - 1))][1]
            else:
                start = draw(st.integers(0, len(context) - 1))
                end = draw(st.integers(start + 1, len(context)))
            answers.append(Answer(context[start:end], start))
        examples.append(QAExample(f"q{number}", context, draw(UNICODE), tuple(answers)))
    return tuple(examples)


GRANULARITIES = st.sampled_from(["sentence", "document"])


@settings(max_examples=150, deadline=None)
@given(paragraphs(), GRANULARITIES, st.sampled_from(["markers", "tags", "native"]), st.booleans())
def test_marked_answers_come_back_unchanged_from_an_engine_that_changes_nothing(
    examples: tuple[QAExample, ...], granularity: str, method: str, consistent: bool
) -> None:
    echo = keeping_tags(ScriptedEngine(lambda text: text, granularity))  # type: ignore[arg-type]
    made = translate_dataset(
        dataset(*examples), echo, target="pt", projection=projection(method, consistent=consistent)
    )
    expected = [
        replace(example, answers=tuple(answer for answer in example.answers if answer.text.strip()))
        for example in examples
    ]
    assert list(made.dataset.examples) == [example for example in expected if example.answers]
    assert {lost.reason for lost in made.report.lost} <= {"the answer is blank"}


@settings(max_examples=150, deadline=None)
@given(paragraphs(whole_words=True), GRANULARITIES, st.sampled_from(["align", "cascade"]), st.booleans())
def test_answers_of_whole_words_come_back_unchanged_without_marks(
    examples: tuple[QAExample, ...], granularity: str, method: str, tags: bool
) -> None:
    echo = ScriptedEngine(lambda text: text, granularity)  # type: ignore[arg-type]
    made = translate_dataset(
        dataset(*examples), keeping_tags(echo) if tags else echo, target="pt", projection=projection(method)
    )
    letters = [all(a.text[:1].isalnum() and a.text[-1:].isalnum() for a in e.answers) for e in examples]
    for before, after in zip(examples, made.dataset.examples, strict=False):
        if all(letters):
            assert after == before


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("granularity", ["sentence", "document"])
def test_every_method_finds_answers_in_another_wording(method: str, granularity: str) -> None:
    answers = ("Dr. Smith", "Rome", "1990", "He is old", "lives in Rome.  He")
    examples = [question(CONTEXT, answer, id=answer) for answer in answers]
    spy = keeping_tags(ScriptedEngine(upper, granularity))  # type: ignore[arg-type]
    made = translate_dataset(dataset(*examples), spy, target="pt", projection=projection(method))
    assert [example.answers for example in made.dataset.examples] == [  # type: ignore[union-attr]
        (Answer(answer.upper(), CONTEXT.index(answer)),) for answer in answers
    ]
    assert {example.context for example in made.dataset.examples} == {CONTEXT.upper()}  # type: ignore[union-attr]


def test_a_paragraph_is_sent_once_with_all_its_answers_tagged_and_overlapping_ones_in_a_further_copy() -> None:
    spy = ScriptedEngine(lambda text: text, "sentence")
    examples = [question(CONTEXT, word, id=word) for word in ("Dr. Smith", "Rome", "lives in Rome", "1990", "He left")]
    translate_dataset(dataset(*examples), spy, target="pt", projection=projection("tags"))
    assert sorted(spy.asked) == sorted(
        [
            "Who?",
            "<a1>Dr. Smith</a1> <a2>lives in Rome</a2>.",
            "Dr. Smith lives in <a1>Rome</a1>.",
            "He is old.",
            "<a1>He left</a1> in <a2>1990</a2>.",
            "He came back.",
        ]
    )


def test_touching_answers_are_tagged_together() -> None:
    spy = ScriptedEngine(lambda text: text)
    example = question("ab", "a", "b")
    made = translate_dataset(dataset(example), spy, target="pt", projection=projection("tags"))
    assert "<a1>a</a1><a2>b</a2>" in spy.asked
    assert made.dataset.examples == (example,)


def test_answers_of_a_further_copy_are_looked_up_in_the_first() -> None:
    example = question("a red cat sat", "red cat", "cat")

    def unsteady(text: str) -> str:
        return text.replace("sat", "slept") if "red <a1>" in text else text

    made = translate_dataset(dataset(example), ScriptedEngine(unsteady), target="de", projection=projection("tags"))
    assert made.dataset.examples == (example,)


def test_a_lost_tag_costs_its_answer_alone() -> None:
    examples = [question(CONTEXT, word, id=word) for word in ("Dr. Smith", "Rome", "1990")]
    deaf = ScriptedEngine(lambda text: text.replace("</a2>", ""))
    made = translate_dataset(dataset(*examples), deaf, target="de", projection=projection("tags"))
    assert made.dataset.examples == (examples[0], examples[2])
    assert made.report.lost[0].reason == "answer 'Rome': 1 opening and 0 closing tags instead of one each"


@pytest.mark.parametrize(
    ("text", "plain", "places"),
    [
        ("x <a1> y </a1> z <a2>w</a2>.", "x y z w.", [(2, 3), (6, 7)]),
        ("x<A1>y</ a1 >z &lt;a2&gt;w&lt;/a2&gt;", "xyz w", [(1, 2), (4, 5)]),
        ("<a1>y</a1> x <a1>z</a1> <a2>w</a2>", "y x z w", [(0, 5), (6, 7)]),
        ("</a1>y<a1> <a2></a2>", "y ", [None, None]),
    ],
)
def test_tags_are_taken_out_whatever_an_engine_did_to_them(
    text: str, plain: str, places: list[tuple[int, int] | None]
) -> None:
    found = untag(text, [Markers("<a1>", "</a1>"), Markers("<a2>", "</a2>")])
    assert found.text == plain
    assert [place[:2] if isinstance(place, Place) else None for place in found.places] == places
    assert untag("x", []) == Untagged("x", ())


def test_a_split_tag_is_less_sure_than_a_whole_one() -> None:
    (whole,) = untag("<a1>abc</a1>", [Markers("<a1>", "</a1>")]).places
    (split,) = untag("<a1>a</a1> bcd <a1>e</a1>", [Markers("<a1>", "</a1>")]).places
    assert isinstance(whole, Place) and isinstance(split, Place)
    assert whole.confidence == 1.0
    assert split.confidence == pytest.approx(2 / 7)


def test_the_cascade_uses_tags_only_where_they_are_kept() -> None:
    spy = ScriptedEngine(upper)
    made = translate_dataset(dataset(question(CONTEXT, "Rome")), spy, target="pt", projection=projection("cascade"))
    assert sorted(spy.asked) == sorted([CONTEXT, "Who?"])
    assert [answer.method for answer in made.report.answers] == ["align"]
    spy = keeping_tags(ScriptedEngine(upper))
    made = translate_dataset(dataset(question(CONTEXT, "Rome")), spy, target="pt", projection=projection("cascade"))
    assert CONTEXT.replace("Rome", "<a1>Rome</a1>") in spy.asked
    assert [(answer.method, answer.confidence) for answer in made.report.answers] == [("native", 1.0)]


def test_the_cascade_goes_on_to_alignment_then_to_a_search_and_says_which() -> None:
    class Some:
        """Aligns nothing in the sentence with a number."""

        def align(self, pairs):  # type: ignore[no-untyped-def]
            return [() if "1990" in pair[0] else ALIGNER.align([pair])[0] for pair in pairs]

    def careless(text: str) -> str:
        return upper(text).replace("</a2>", "").replace("<a1>1990", "1990")

    examples = [question(CONTEXT, word, id=word) for word in ("Dr. Smith", "Rome", "1990")]
    spy = keeping_tags(ScriptedEngine(careless, "sentence"))
    made = translate_dataset(dataset(*examples), spy, target="pt", projection=Projection("cascade", Some()))
    assert {answer.id: answer.method for answer in made.report.answers} == {
        "Dr. Smith": "native",
        "Rome": "align",
        "1990": "match",
    }
    assert made.yield_.rate == 1.0
    assert spy.calls[1:] == [["1990"]]  # only what nothing else found is translated by itself


def test_a_paragraph_whose_tagged_copy_fails_is_translated_without() -> None:
    brittle = keeping_tags(ScriptedEngine(lambda text: None if "<a" in text else text.upper()))
    made = translate_dataset(dataset(question(CONTEXT, "Rome")), brittle, target="pt", projection=projection("cascade"))
    assert made.dataset.examples[0].answers == (Answer("ROME", CONTEXT.index("Rome")),)  # type: ignore[union-attr]


@pytest.mark.parametrize("method", ["align", "match", "cascade", "tags"])
def test_a_context_that_fails_loses_its_answers_with_the_reason(method: str) -> None:
    mute = ScriptedEngine(lambda text: None if "Smith" in text else text)
    made = translate_dataset(dataset(question(CONTEXT, "Rome")), mute, target="pt", projection=projection(method))
    assert made.report.lost[0].reason == "answer 'Rome': the engine returned nothing"


def test_answers_found_with_less_confidence_than_asked_for_are_dropped_and_listed() -> None:
    halves = keeping_tags(ScriptedEngine(lambda text: text.replace("</a1>", "</a1> and <a1>so on</a1>")))
    example = question("I like it", "like")
    kept = translate_dataset(dataset(example), halves, target="pt", projection=projection("native"))
    assert kept.yield_.rate == 1.0
    strict = translate_dataset(dataset(example), halves, target="pt", projection=projection("native", threshold=0.95))
    assert strict.report.lost[0].reason.startswith("answer 'like': found by native with a confidence of 0.")


def test_questions_of_a_paragraph_share_one_context_where_asked() -> None:
    examples = [question("a red cat sat", word, id=word) for word in ("red", "cat")]

    def unsteady(text: str) -> str:
        return text.replace("sat", "slept") if "<a>cat" in text else text

    each = translate_dataset(dataset(*examples), ScriptedEngine(unsteady), target="de")
    assert len({example.context for example in each.dataset.examples}) == 2  # type: ignore[union-attr]
    shared = translate_dataset(
        dataset(*examples), ScriptedEngine(unsteady), target="de", projection=projection("markers", consistent=True)
    )
    assert shared.dataset.examples == tuple(examples)


def test_bad_choices_are_named() -> None:
    with pytest.raises(ConfigError, match="no projection 'best'; choose from markers, tags"):
        Projection("best")  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="from 0 to 1"):
        Projection("align", threshold=2)
    with pytest.raises(ConfigError, match="does not keep tags"):
        translate_dataset(dataset(question("a", "a")), engine("echo"), target="pt", projection=projection("native"))
    for method in ("align", "cascade"):  # no encoder is named, and the engine has no attention
        with pytest.raises(ConfigError, match="name an encoder as aligner"):
            translate_dataset(dataset(question("a", "a")), engine("echo"), target="pt", projection=Projection(method))
        with pytest.raises(ConfigError, match="nothing is translated here: name an encoder"):
            recover_answers([], Projection(method))


# -- existing translations ------------------------------------------------------------------------


def test_lost_answers_of_an_existing_translation_are_recovered_from_its_text() -> None:
    original = question("The old city of Rome fell.", "old city of Rome")
    translated = replace(
        original, context="La vieja ciudad de Roma cayó.", answers=(Answer("antigua ciudad de Roma", -1),)
    )
    for method, text in (("align", "vieja ciudad de Roma"), ("cascade", "vieja ciudad de Roma")):
        recovered, explained, lost = recover_answers([(original, translated)], projection(method))
        assert [example.answers for example in recovered] == [(Answer(text, 3),)]
        assert [each.method for each in explained] == ["align"]
        assert lost == []
    recovered, _, _ = recover_answers([(original, translated)], projection("match"))
    assert "ciudad de Roma" in recovered[0].answers[0].text
    _, _, lost = recover_answers([(original, translated)], projection("match", threshold=0.99))
    assert lost[0].reason.startswith("found by match with a confidence of 0.")
    with pytest.raises(ConfigError, match="needs an engine"):
        recover_answers([], projection("tags"))
