"""Finding answers in contexts, and the SQuAD JSON format, against brute force."""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crossfare.data import load, save
from crossfare.data.locating import _normalise, locate
from crossfare.data.tables import read_squad
from crossfare.types import Answer, Dataset, QAExample, content_revision

NFC, NFD = (lambda s: unicodedata.normalize("NFC", s)), (lambda s: unicodedata.normalize("NFD", s))

# Characters that make offsets hard: combining marks, Hangul, ligatures, emoji, separators, BOM, quotes.
ODD = st.text(
    st.sampled_from(
        'ab e\u0301\u0323\u00e9\u1ec7\u0302\u1112\u1161\u11ab\ud55c\ufb01😀\u00a0\u2028\x85\ufeff"&;\\\t\n\r'
    )
    | st.characters(exclude_categories=["Cs"]),
    max_size=20,
)


# --- locate


def test_a_right_start_is_kept_though_the_text_occurs_earlier() -> None:
    assert locate("a b a", "a", 4) == (4, 5)


@pytest.mark.parametrize(("given_start", "found"), [(0, 2), (3, 2), (5, 6), (99, 10), (-3, 2), (4, 2)])
def test_a_wrong_start_goes_to_the_nearest_occurrence(given_start: int, found: int) -> None:
    assert locate("..ab..ab..ab", "ab", given_start) == (found, found + 2)


def test_a_negative_start_is_not_counted_from_the_end() -> None:
    assert locate("ab..ab", "ab", -2) == (0, 2)


@pytest.mark.parametrize("text", ["", "zz"])
def test_what_does_not_occur_is_none(text: str) -> None:
    assert locate("abc", text, 0) is None


def test_overlapping_occurrences_are_all_considered() -> None:
    assert locate("aaaa", "aa", 5) == (2, 4)


@pytest.mark.parametrize(
    ("context", "text", "span"),
    [
        (NFD("Tiếng Việt"), "Việt", (8, 14)),  # context decomposed, answer composed
        ("Tiếng Việt", NFD("Việt"), (6, 10)),  # the other way round
        (NFD("é Tiếng Việt é"), NFC("é"), (0, 2)),
        ("e\u0323\u0302 x", "\u1ec7", (0, 3)),  # two marks in canonical order
        ("e\u0302\u0323 x", "\u1ec7", (0, 3)),  # and in the other
        ("\u1112\u1161\u11ab!", "\ud55c", (0, 3)),  # Hangul syllables from their letters
        ("x \u212b y", "\u00c5", (2, 3)),  # the Angstrom sign is a letter
        ("\u09c7\u09be.", "\u09cb", (0, 2)),  # a Bengali vowel sign in two parts
    ],
)
def test_normalisation_finds_spans_of_the_original(context: str, text: str, span: tuple[int, int]) -> None:
    assert locate(context, text, 0) == span
    assert NFC(context[slice(*span)]) == NFC(text)


def test_half_a_character_is_no_match() -> None:
    assert locate("caf\u00e9", "caf" + "e", 0) is None
    assert locate("e\u0301", NFC("é") + "\u0301", 0) is None


def test_entities_are_resolved_where_nothing_else_matches() -> None:
    assert locate("say &quot;no&quot;", '"no"', 4) == (4, 18)
    assert locate('say "no"', "&quot;no&#34;", 4) == (4, 8)
    assert locate("say &quot;no&quot;", "uot", 4) == (6, 9)
    assert locate("say &quot;no&quot;", "&quot;no&quot;", 0) == (4, 18)


@settings(deadline=None)
@given(ODD)
def test_the_offset_table_is_the_normal_form(text: str) -> None:
    normalised, offsets = _normalise(text)
    assert normalised == NFC(text)
    assert offsets[0] == 0
    assert offsets[len(normalised)] == len(text)
    for at, original in offsets.items():
        assert NFC(text[:original]) == normalised[:at]


@settings(deadline=None)
@given(ODD, ODD, ODD, st.integers(-5, 60))
def test_a_text_that_is_there_is_found_at_its_nearest_place(before: str, text: str, after: str, start: int) -> None:
    context = before + text + after
    places = [i for i in range(len(context)) if text and context.startswith(text, i)]
    span = locate(context, text, start)
    if not places:
        assert span is None
    else:
        assert span is not None
        assert context[slice(*span)] == text
        assert abs(span[0] - start) == min(abs(i - start) for i in places)


@settings(deadline=None)
@given(ODD, ODD, ODD)
def test_another_normal_form_is_found_in_the_original(before: str, text: str, after: str) -> None:
    context = f"{before} {text} {after}"  # blanks end characters, so that the span is whole
    for form in ("NFC", "NFD"):
        answer = unicodedata.normalize(form, text)
        span = locate(context, answer, len(before) + 1)
        assert (span is None) == (not answer)
        if span and answer not in context:
            assert NFC(context[slice(*span)]) == NFC(answer)


# --- the format


def document(*questions: dict[str, object], context: str = "Paris is big, Paris is old.") -> str:
    return json.dumps({"data": [{"paragraphs": [{"context": context, "qas": list(questions)}]}]})


def question(id_: object, *answers: tuple[str, int], **keys: object) -> dict[str, object]:
    listed = [{"text": text, "answer_start": start} for text, start in answers]
    return {"id": id_, "question": f"{id_}?", "answers": listed, **keys}


def test_ids_that_are_numbers_become_text() -> None:
    assert [e.id for e in read_squad(document(question(38089, ("big", 9))), "f").dataset.examples] == ["38089"]


def test_unanswerable_questions_are_listed() -> None:
    parsed = read_squad(
        document(
            question("yes", ("big", 9), is_impossible=False),
            question("no", is_impossible=True, plausible_answers=[]),
            question("none"),
        ),
        "f",
    )
    assert [e.id for e in parsed.dataset.examples] == ["yes"]
    assert (parsed.report.unanswerable, parsed.report.read) == (("no", "none"), 3)
    assert parsed.report.ignored == ("data[].paragraphs[].qas[].plausible_answers",)


def test_a_lost_answer_is_listed_and_the_others_kept() -> None:
    parsed = read_squad(document(question("q", ("big", 9), ("London", 0), ("", 0), ("old", 9))), "f")
    (example,) = parsed.dataset.examples
    assert isinstance(example, QAExample)
    assert example.answers == (Answer("big", 9), Answer("old", 23))
    assert [(x.id, x.text) for x in parsed.report.lost] == [("q", "London"), ("q", "")]
    assert [(x.id, x.given, x.found, x.normalised) for x in parsed.report.repaired] == [("q", 9, 23, False)]
    assert parsed.report.dropped == ()


def test_a_normalised_answer_carries_the_spelling_of_the_context() -> None:
    parsed = read_squad(document(question("q", ("Việt", 6)), context=NFD("Tiếng Việt")), "f")
    (example,) = parsed.dataset.examples
    assert isinstance(example, QAExample)
    assert example.context == NFD("Tiếng Việt")
    assert example.answers == (Answer(NFD("Việt"), 8),)
    assert [(x.text, x.found, x.normalised) for x in parsed.report.repaired] == [("Việt", 8, True)]


def test_repeated_ids_and_contents() -> None:
    parsed = read_squad(
        document(question("7", ("big", 9)), question("7#2", ("big", 9)), question("7", ("old", 23))), "f"
    )
    assert [e.id for e in parsed.dataset.examples] == ["7", "7#2", "7#3"]
    assert parsed.report.renamed == (("7", "7#3"),)


@st.composite
def qa_examples(draw: st.DrawFn) -> QAExample:
    before, after = draw(ODD), draw(ODD)
    text = draw(ODD.filter(bool))
    context = before + text + after
    start = draw(st.integers(0, len(context) - 1))
    end = draw(st.integers(start + 1, len(context)))
    answers = (Answer(text, len(before)), Answer(context[start:end], start))
    return QAExample(draw(ODD), context, draw(ODD), answers, draw(st.none() | ODD))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("questions")


@settings(deadline=None, max_examples=50)
@given(st.lists(qa_examples(), min_size=1, max_size=6, unique_by=lambda e: e.id))
def test_any_dataset_survives_both_formats(folder: Path, examples: list[QAExample]) -> None:
    dataset = Dataset("d", "qa", "train", "en", tuple(examples), content_revision(examples))
    for path in (folder / "d.json", folder / "d.jsonl.gz"):
        save(dataset, path)
        loaded = load(path, language="en", split="train")
        assert loaded.dataset == dataset
        assert (loaded.report.repaired, loaded.report.lost) == ((), ())


def test_neighbours_share_their_paragraph(tmp_path: Path) -> None:
    examples = tuple(QAExample(i, "Paris", "?", (Answer("Paris", 0),), "T") for i in "abc")
    save(Dataset("d", "qa", "train", "en", examples), tmp_path / "d.json")
    (article,) = json.loads((tmp_path / "d.json").read_text())["data"]
    assert article["title"] == "T"
    assert [len(p["qas"]) for p in article["paragraphs"]] == [3]
