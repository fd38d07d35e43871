from __future__ import annotations

import json
from pathlib import Path

import pytest
from fakes import ScriptedEngine
from hypothesis import given, settings
from hypothesis import strategies as st

from crossfare.errors import EngineError
from crossfare.translate import Markers, TranslationMemory, engine, translate_dataset, translate_texts
from crossfare.types import Answer, Dataset, Example, PairExample, QAExample, Usage, Yield, content_revision

CONTEXT = "Dr. Smith lives in Rome.  He is old.\n\nHe left in 1990. He came back."


def dataset(*examples: Example, language: str = "en") -> Dataset:
    task = "qa" if isinstance(examples[0], QAExample) else "nli"
    return Dataset("made", task, "train", language, examples, content_revision(examples))  # type: ignore[arg-type]


def question(context: str, *answers: str, id: str = "q1") -> QAExample:
    found = tuple(Answer(answer, context.index(answer)) for answer in answers)
    return QAExample(id, context, "Who?", found, "Title")


def upper(text: str) -> str:
    """A translation that changes every letter but leaves markers alone."""
    return text.upper().replace("<A>", "<a>").replace("</A>", "</a>")


UNICODE = st.text(
    st.one_of(st.characters(exclude_categories=["Cs"]), st.sampled_from(" .!?\n\u0301\u0323\u200d\u00a0<a>/👩🏽é")),
    min_size=1,
)


@st.composite
def qa_examples(draw: st.DrawFn) -> QAExample:
    """Contexts of odd sentences with repeated and overlapping answers at any place, outer blanks included."""
    context = draw(UNICODE) + draw(st.sampled_from(["", ". ", "!\n", " <a>x</a> "])) + draw(UNICODE)
    answers = []
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(context) - 1))
        end = draw(st.integers(start + 1, len(context)))
        answers.append(Answer(context[start:end], start))
    return QAExample("q", context, draw(UNICODE), tuple(answers))


@settings(max_examples=200, deadline=None)
@given(qa_examples(), st.sampled_from(["sentence", "document"]))
def test_identity_translation_neither_loses_nor_moves_an_answer(example: QAExample, granularity: str) -> None:
    made = translate_dataset(dataset(example), engine("echo", granularity=granularity), target="pt")
    markable = tuple(answer for answer in example.answers if answer.text.strip())
    if not markable:
        assert [lost.reason for lost in made.report.lost] == ["the answer is blank"]
        return
    (result,) = made.dataset.examples
    assert isinstance(result, QAExample)
    assert (result.context, result.question) == (example.context, example.question)
    assert result.answers == markable


@pytest.mark.parametrize("granularity", ["sentence", "document"])
@pytest.mark.parametrize(
    "answer", ["Dr. Smith", "came back.", "back.", "Rome.  He", "old.\n\nHe left", " lives ", CONTEXT]
)
def test_answers_at_the_edges_and_across_sentences_are_found_again(answer: str, granularity: str) -> None:
    made = translate_dataset(dataset(question(CONTEXT, answer)), ScriptedEngine(upper, granularity), target="pt")  # type: ignore[arg-type]
    (example,) = made.dataset.examples
    assert isinstance(example, QAExample)
    assert example.context == CONTEXT.upper()
    assert example.answers == (Answer(answer.upper(), CONTEXT.index(answer)),)


def test_the_dataset_says_what_made_it() -> None:
    source = dataset(question(CONTEXT, "Rome"))
    made = translate_dataset(source, ScriptedEngine(upper), target="pt-BR")
    assert (made.dataset.name, made.dataset.split, made.dataset.language) == ("made", "train", "pt-BR")
    assert made.dataset.origin == "scripted@1"
    assert made.dataset.revision == content_revision(made.dataset.examples) != source.revision
    assert made.dataset.examples[0].title == "Title"  # type: ignore[union-attr]
    assert made.yield_ == Yield(1, 1, ())


def test_only_the_sentence_with_the_marker_differs_between_questions() -> None:
    spy = ScriptedEngine(upper, "sentence")
    translate_dataset(dataset(question(CONTEXT, "Rome"), question(CONTEXT, "1990", id="q2")), spy, target="pt")
    assert sorted(spy.asked) == sorted(
        [
            "Who?",
            "Dr. Smith lives in <a>Rome</a>.",
            "Dr. Smith lives in Rome.",
            "He is old.",
            "He left in 1990.",
            "He left in <a>1990</a>.",
            "He came back.",
        ]
    )


def test_the_whole_context_goes_in_one_call_where_the_engine_prefers_it() -> None:
    spy = ScriptedEngine(upper)
    translate_dataset(dataset(question(CONTEXT, "Rome")), spy, target="pt")
    assert sorted(spy.asked) == [CONTEXT.replace("Rome", "<a>Rome</a>"), "Who?"]


def test_a_lost_example_is_counted_and_the_others_are_kept() -> None:
    examples = [question(CONTEXT, word, id=word) for word in ("Rome", "1990", "old")]
    engine_ = ScriptedEngine(lambda text: text.replace("<a>1990", "1990"), "sentence")
    made = translate_dataset(dataset(*examples), engine_, target="pt")
    assert made.dataset.examples == (examples[0], examples[2])
    assert made.yield_ == Yield(2, 3, ("1990",))


def test_reasons_name_the_answer_and_show_the_text() -> None:
    made = translate_dataset(
        dataset(question(CONTEXT, "Rome"), question("I am mute.", "mute", id="q2"), QAExample("q3", "x", "?", ())),
        ScriptedEngine(lambda text: None if "mute" in text else text.replace("</a>", ""), "sentence"),
        target="pt",
    )
    lost = {item.id: item for item in made.report.lost}
    assert lost["q1"].reason == "answer 'Rome': 1 opening and 0 closing markers instead of one each"
    assert lost["q1"].excerpt == "Dr. Smith lives in <a>Rome."
    assert lost["q2"].reason == "answer 'mute': the engine returned nothing"
    assert lost["q3"].reason == "the example has no answer"
    assert made.yield_ == Yield(0, 3, ("q1", "q2", "q3"))
    assert json.loads(json.dumps(made.report.as_dict()))["lost"][0]["id"] == "q1"


def test_an_answer_that_does_not_stand_where_it_says_is_not_marked_elsewhere() -> None:
    made = translate_dataset(dataset(QAExample("q", CONTEXT, "?", (Answer("Rome", 3),))), engine("echo"), target="pt")
    assert "does not stand at 3" in made.report.lost[0].reason


def test_further_answers_keep_their_span_are_searched_or_dropped_and_listed() -> None:
    context = "red cat, red dog"
    example = QAExample("q", context, "?", (Answer("cat", 4), Answer("dog", 13), Answer("red", 9), Answer("cat", 4)))

    def unsteady(text: str) -> str:
        """Translates the copy marked for "dog" otherwise, and the one marked for the second "red" quite otherwise."""
        if "<a>dog" in text:
            return text.replace("red", "rot")
        return "blau <a>gelb</a>" if "<a>red</a> dog" in text else text

    made = translate_dataset(dataset(example), ScriptedEngine(unsteady), target="de")
    (result,) = made.dataset.examples
    assert isinstance(result, QAExample)
    assert result.context == context
    assert result.answers == (Answer("cat", 4), Answer("dog", 13), Answer("cat", 4))
    assert [(item.id, item.excerpt) for item in made.report.answers_dropped] == [("q", "gelb")]
    assert made.yield_ == Yield(1, 1, ())


def test_the_nearest_occurrence_is_taken_when_an_answer_is_searched() -> None:
    context = "cat and dog and dog"
    example = QAExample("q", context, "?", (Answer("cat", 0), Answer("dog", 16)))
    flaky = ScriptedEngine(lambda text: text.replace("cat and", "cat or") if "<a>dog" in text else text)
    made = translate_dataset(dataset(example), flaky, target="de")
    assert made.dataset.examples[0].answers[1] == Answer("dog", 16)  # type: ignore[union-attr]


def test_if_the_first_answer_is_lost_the_next_gives_the_context() -> None:
    example = question(CONTEXT, "Rome", "1990")
    deaf = ScriptedEngine(lambda text: text.replace("<a>Rome</a>", "Rome").upper().replace("A>", "a>"))
    made = translate_dataset(dataset(example), deaf, target="pt")
    assert made.dataset.examples[0].answers == (Answer("1990", CONTEXT.index("1990")),)  # type: ignore[union-attr]
    assert [item.reason.startswith("answer 'Rome'") for item in made.report.answers_dropped] == [True]


def test_pairs_are_translated_independently_and_keep_what_is_not_text() -> None:
    pair = PairExample("1", "He sleeps.", "He is awake.", "contradiction", (("genre", "fiction"),))
    spy = ScriptedEngine(upper)
    made = translate_dataset(dataset(pair, PairExample("2", "He sleeps.", "", "neutral")), spy, target="pt")
    assert made.dataset.examples == (
        PairExample("1", "HE SLEEPS.", "HE IS AWAKE.", "contradiction", (("genre", "fiction"),)),
        PairExample("2", "HE SLEEPS.", "", "neutral"),
    )
    assert spy.asked == ["He sleeps.", "He is awake."]


def test_a_pair_with_a_failed_side_is_lost() -> None:
    made = translate_dataset(
        dataset(PairExample("1", "a", "b", "neutral")),
        ScriptedEngine(lambda text: None if text == "b" else text),
        target="pt",
    )
    assert made.yield_ == Yield(0, 1, ("1",))


def test_other_markers_are_used_on_request() -> None:
    spy = ScriptedEngine(lambda text: text)
    pair = Markers("<answer_start>", "<answer_end>")
    translate_dataset(dataset(question("I like it", "like")), spy, target="pt", markers=pair)
    assert "I <answer_start>like<answer_end> it" in spy.asked


def test_remembered_work_keeps_its_cost_and_fresh_work_is_told_apart(tmp_path: Path) -> None:
    memory = TranslationMemory(tmp_path / "memory.sqlite")
    source = dataset(question(CONTEXT, "Rome"), question(CONTEXT, "1990", id="q2"))
    first = translate_dataset(source, ScriptedEngine(upper, "sentence"), target="pt", memory=memory)
    spy = ScriptedEngine(upper, "sentence")
    second = translate_dataset(source, spy, target="pt", memory=memory)
    assert spy.calls == []
    assert second.dataset == first.dataset
    assert second.usage == first.usage
    assert (first.report.fresh, first.report.from_memory) == (7, 0)
    assert (second.report.fresh, second.report.from_memory) == (0, 7)
    assert second.report.fresh_usage == Usage(seconds=0.0, requests=0, characters=0, input_tokens=0, output_tokens=0)
    assert first.usage.characters == sum(map(len, set(spy.asked) | set(_segments())))
    assert first.usage.seconds == pytest.approx(7.0)


def _segments() -> list[str]:
    marked = ["Dr. Smith lives in <a>Rome</a>.", "He left in <a>1990</a>."]
    return ["Who?", *marked, "Dr. Smith lives in Rome.", "He is old.", "He left in 1990.", "He came back."]


def test_usage_is_the_same_with_and_without_a_memory(tmp_path: Path) -> None:
    source = dataset(question(CONTEXT, "Rome"))
    with_memory = translate_dataset(
        source, ScriptedEngine(upper), target="pt", memory=TranslationMemory(tmp_path / "m")
    )
    assert translate_dataset(source, ScriptedEngine(upper), target="pt").usage == with_memory.usage


def test_progress_ends_at_the_number_of_distinct_segments() -> None:
    seen: list[tuple[int, int]] = []
    translate_dataset(
        dataset(question(CONTEXT, "Rome")),
        ScriptedEngine(upper, "sentence"),
        target="pt",
        progress=lambda done, total: seen.append((done, total)),
    )
    assert seen[0] == (0, 5)
    assert seen[-1] == (5, 5)


def test_plain_texts_keep_order_blanks_and_failures() -> None:
    spy = ScriptedEngine(lambda text: None if "bad" in text else text.upper(), "sentence")
    made = translate_texts([" A b. C d.\n", "", " \n", "e bad. f", " A b. C d.\n"], spy, source="en", target="pt")
    assert made.texts == (" A B. C D.\n", "", " \n", None, " A B. C D.\n")
    assert dict(made.failures) == {3: "the engine returned nothing"}
    assert len(spy.asked) == len(set(spy.asked))


def test_half_a_surrogate_pair_never_reaches_an_engine() -> None:
    spy = ScriptedEngine(lambda text: text)
    made = translate_texts(["ok", "\ud800"], spy, source="en", target="pt")
    assert made.texts == ("ok", None)
    assert spy.asked == ["ok"]
    assert "Unicode" in made.failures[1]


def test_an_engine_that_breaks_its_contract_is_caught() -> None:
    class Short(ScriptedEngine):
        def translate(self, texts, *, source, target):  # type: ignore[no-untyped-def]
            return super().translate(texts[:-1], source=source, target=target)

    with pytest.raises(EngineError, match="returned 1 translations for 2 texts"):
        translate_texts(["a", "b"], Short(lambda text: text), source="en", target="pt")


def test_an_empty_translation_counts_as_none() -> None:
    made = translate_texts(["a"], ScriptedEngine(lambda _: " "), source="en", target="pt")
    assert made.texts == (None,)


def test_texts_of_an_example_are_what_serving_translates() -> None:
    assert question("I like it", "like").texts == ("I like it", "Who?")
    assert PairExample("1", "p", "h", None).texts == ("p", "h")
