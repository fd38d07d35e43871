"""Answers projected back: exact under an identity translation, always a span of the original, or nothing."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from fakes import ScriptedEngine
from hypothesis import example, given, settings
from hypothesis import strategies as st

import tiny_models
from crossfare.data import world
from crossfare.errors import ConfigError
from crossfare.translate import TranslationMemory, translate_texts
from crossfare.translate.alignment import EncoderAligner, Link
from crossfare.translate.back_projection import WAYS, BackProjector
from crossfare.translate.bitext import Parallel, bitext, by_sentence
from crossfare.translate.dataset import translate_questions
from crossfare.translate.engines.echo import EchoEngine
from crossfare.translate.engines.reference import ReferenceEngine
from crossfare.translate.pieces import translate_aligned
from crossfare.translate.sentences import Granularity
from crossfare.types import Answer, Dataset, QAExample, Usage

ODD = st.text("aZ é\u0301ß中ไทย🇧🇷👩‍👩‍👧‍👦<a></a>.!? \n\t\u00a0\u200b0١٢“”", min_size=1, max_size=60)


class NoLinks:
    def align(self, pairs: Sequence[tuple[str, str]]) -> list[tuple[Link, ...]]:
        return [()] * len(pairs)


def _projector(engine: ScriptedEngine | EchoEngine | ReferenceEngine | None, **changes: object) -> BackProjector:
    return BackProjector(source="en", target="pt", engine=engine, **changes)  # type: ignore[arg-type]


@given(ODD, st.integers(0, 60), st.integers(1, 20), st.sampled_from(["sentence", "document"]), st.sampled_from(WAYS))
@example("a. a. a.", 3, 1, "sentence", "search")
@settings(max_examples=200, deadline=None)
def test_an_identity_translation_gives_back_the_predicted_spans(
    text: str, start: int, length: int, granularity: Granularity, way: str
) -> None:
    engine = EchoEngine(granularity=granularity)
    (pair,) = translate_aligned([text], engine, source="pt", target="en").pairs
    if pair is None:  # a text of blanks is not sent
        return
    assert pair.target == text
    start = min(start, len(text) - 1)
    span = (start, min(len(text), start + length))
    (found,) = _projector(engine, aligner=NoLinks(), ways=[way]).project([(pair, span)]).found
    wanted = text[slice(*span)].strip()
    if not wanted:
        assert found is None
        return
    assert found is not None
    assert found.answer == Answer(wanted, text.index(wanted, span[0]))
    assert found.confidence == 1.0


@given(ODD, ODD, st.integers(0, 60), st.integers(1, 20), st.sampled_from(["echo", "upper", "swap", "none"]))
@settings(max_examples=200, deadline=None)
def test_what_is_found_is_a_span_of_the_original(
    original: str, translation: str, start: int, length: int, behaviour: str
) -> None:
    scripts = {"echo": str, "upper": str.upper, "swap": lambda text: text[::-1], "none": lambda _: None}
    start = min(start, len(translation) - 1)
    span = (start, min(len(translation), start + length))
    (found,) = _projector(ScriptedEngine(scripts[behaviour])).project([(bitext(original, translation), span)]).found
    if found is not None:
        answer = found.answer
        assert answer.text
        assert original[answer.start : answer.start + len(answer.text)] == answer.text
        assert 0 < found.confidence <= 1


def test_a_name_is_found_as_it_stands_and_nothing_is_translated() -> None:
    text = bitext("A Ana mora em Faro. A Bia em Faro também.", "Ana lives in Faro. Bia in Faro as well.")
    engine = ScriptedEngine(str.upper)
    done = _projector(engine).project([(text, (26, 30))])  # the second Faro
    assert [each and each.answer for each in done.found] == [Answer("Faro", 29)]
    assert engine.asked == []
    assert done.translating == Usage(seconds=0.0, requests=0, characters=0, input_tokens=0, output_tokens=0)
    assert done.own.seconds is not None


def test_a_part_of_a_word_is_not_a_name_found() -> None:
    text = bitext("Custa 150 euros.", "It costs 15 euros.")
    (found,) = _projector(None, ways=["search"]).project([(text, (9, 11))]).found
    assert found is None or found.confidence < 1


def test_an_answer_that_is_translated_is_searched_in_its_own_sentence() -> None:
    text = bitext("O gato dorme. O cão dorme. O gato come.", "The cat sleeps. The dog sleeps. The cat eats.")
    engine = ScriptedEngine({"cat": "gato", "dog": "cão"}.get)
    starts = (4, 20, 36)
    done = _projector(engine, ways=["search"]).project([(text, (start, start + 3)) for start in starts])
    assert [each and each.answer for each in done.found] == [Answer("gato", 2), Answer("cão", 16), Answer("gato", 29)]
    assert engine.asked == ["cat", "dog"]
    assert done.translating.characters == 6
    assert done.usage.characters == 6


def test_markers_say_which_of_two_equal_words_is_meant() -> None:
    original = "O gato viu o gato preto."
    text = bitext(original, "The cat saw the black cat.")
    back = {"The cat saw the <a>black cat</a>.": "O gato viu o <a>gato preto</a>."}
    engine = ScriptedEngine(back.get)
    (found,) = _projector(engine, ways=["markers"]).project([(text, (16, 25))]).found
    assert found is not None
    assert (found.way, found.answer) == ("markers", Answer("gato preto", 13))


def test_alignment_is_used_where_it_is_surer() -> None:
    class ByPlace:
        def align(self, pairs: Sequence[tuple[str, str]]) -> list[tuple[Link, ...]]:
            assert pairs == [("The cat sleeps.", "O bichano dorme.")]
            return [(((0, 3), (0, 1)), ((4, 7), (2, 9)), ((8, 14), (10, 15)))]

    text = bitext("Chove. O bichano dorme.", "It rains. The cat sleeps.")
    (found,) = _projector(None, aligner=ByPlace(), ways=["search", "align"]).project([(text, (14, 17))]).found
    assert found is not None
    assert (found.way, found.answer, found.confidence) == ("align", Answer("bichano", 9), 1.0)


def test_an_answer_over_several_sentences_is_aligned_as_one() -> None:
    asked: list[tuple[str, str]] = []

    class Recording:
        def align(self, pairs: Sequence[tuple[str, str]]) -> list[tuple[Link, ...]]:
            asked.extend(pairs)
            return [(((0, 2), (0, 3)), ((len(theirs) - 4, len(theirs)), (0, 3))) for theirs, _ in pairs]

    segments = (((0, 10), (0, 11)), ((11, 20), (12, 21)))
    text = Parallel("Ana dorme. Rui come.", "Ana sleeps. Rui eats.", segments)
    (found,) = _projector(None, aligner=Recording(), ways=["align"]).project([(text, (4, 20))]).found
    assert asked == [("Ana sleeps. Rui eats.", "Ana dorme. Rui come.")]
    assert found is not None
    assert found.way == "align"


def test_an_encoder_aligns_what_it_reads() -> None:
    text = bitext("never Ana lives in Berlin .", "Ana lives in Berlin . never")
    aligner = EncoderAligner(tiny_models.checkpoint("bert"), distortion=0.0)
    (found,) = _projector(None, aligner=aligner, ways=["align"]).project([(text, (0, 3))]).found
    assert found is not None
    assert text.source[found.answer.start :].startswith(found.answer.text)


def test_nothing_is_found_where_nothing_is_alike() -> None:
    (found,) = _projector(None).project([(bitext("xyz", "the answer"), (4, 10))]).found
    assert found is None
    assert _projector(None).project([]).found == ()
    with pytest.raises(ConfigError, match="unknown way of back-projection 'guess'; choose from search"):
        _projector(None, ways=["guess"])


def test_gold_spans_come_back_through_the_worlds_own_parallel_text() -> None:
    """Markers round an aligned span come back round the very answer that the target language has."""
    engine = ReferenceEngine(world.parallel("qa", "test"))
    there = {each.id: each for each in world.qa("pt", "test").examples[:60] if isinstance(each, QAExample)}
    asked, golds = [], []
    for each in world.qa("en", "test").examples[:60]:
        assert isinstance(each, QAExample)
        answer = each.answers[0]
        asked.append((bitext(there[each.id].context, each.context), (answer.start, answer.start + len(answer.text))))
        golds.append(there[each.id].answers[0])
    found = _projector(engine, ways=["search", "markers"]).project(asked).found
    exact = [each is not None and each.answer == gold for each, gold in zip(found, golds, strict=True)]
    assert sum(exact) >= 0.9 * len(exact)


# -- texts beside their translations ------------------------------------------------------------


@given(st.lists(ODD, max_size=5), st.sampled_from(["sentence", "document"]))
@settings(max_examples=100, deadline=None)
def test_aligned_translation_is_plain_translation_with_its_segments(texts: list[str], granularity: Granularity) -> None:
    engine = ScriptedEngine(lambda text: text.upper() + "!", granularity)
    plain = translate_texts(texts, engine, source="en", target="pt")
    aligned = translate_aligned(texts, engine, source="en", target="pt")
    assert [pair and pair.target for pair in aligned.pairs] == list(plain.texts)
    for text, pair in zip(texts, aligned.pairs, strict=True):
        assert pair is not None
        for (a, b), (c, d) in pair.segments:
            assert pair.target[c:d] == text[a:b].upper() + "!"


def test_sentences_of_a_paragraph_are_aligned_by_their_lengths() -> None:
    ours = "Chove. O gato, que é velho, dorme o dia inteiro. E o cão come."
    theirs = "It rains. The cat is old. It sleeps all day long. And the dog eats."
    cut = by_sentence(bitext(ours, theirs), "pt", "en")
    assert [(ours[slice(*a)], theirs[slice(*b)]) for a, b in cut.segments] == [
        ("Chove.", "It rains."),
        ("O gato, que é velho, dorme o dia inteiro.", "The cat is old. It sleeps all day long."),
        ("E o cão come.", "And the dog eats."),
    ]
    assert cut.flipped.around((theirs.index("old"), theirs.index("old") + 3))[1] == (7, 48)


@given(st.lists(st.integers(1, 40), min_size=1, max_size=6), st.lists(st.integers(1, 40), min_size=1, max_size=6))
@settings(max_examples=100, deadline=None)
def test_aligned_sentences_are_all_there_in_order(ours: list[int], theirs: list[int]) -> None:
    texts = [" ".join("B" + "a" * (size + 1) + "." for size in sizes) for sizes in (ours, theirs)]
    cut = by_sentence(bitext(*texts), "en", "en")
    for side in (0, 1):
        at = [pair[side] for pair in cut.segments]
        assert at == sorted(at)
        assert "".join("".join(texts[side][a:b] for a, b in at).split()) == "".join(texts[side].split())


def test_questions_are_translated_without_knowing_their_answers(tmp_path: str) -> None:
    context = "Ana mora em Faro. Bia em Porto."
    examples = (
        QAExample("1", context, "Onde mora Ana?", (Answer("Faro", 12),)),
        QAExample("2", context, "bad", (Answer("Porto", 25),)),
    )
    engine = ScriptedEngine(lambda text: None if text == "bad" else text.upper(), "sentence")
    dataset = Dataset("d", "qa", "test", "pt", examples)
    done = translate_questions(dataset, engine, target="en", memory=TranslationMemory(f"{tmp_path}/m.sqlite"))
    (kept,) = done.translated.dataset.examples
    assert kept == QAExample("1", context.upper(), "ONDE MORA ANA?", ())
    assert done.translated.yield_.lost == ("2",)
    assert done.translated.report.lost[0].reason == "the engine returned nothing"
    sent = [context[:17], context[18:], "Onde mora Ana?", "bad"]
    assert done.repeated == (2 * len(sent[0] + sent[1]) + len(sent[2] + sent[3])) / sum(map(len, sent))
    assert not any("<a>" in text for text in engine.asked)
    assert done.contexts["1"].segments == (((0, 17), (0, 17)), ((18, 31), (18, 31)))
