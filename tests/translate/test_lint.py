"""Lint: every corruption is found, and what is not corrupt is let through."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from crossfare.translate import Lost, junk, lint_texts, translate_dataset
from crossfare.translate.lint import CHECKS
from crossfare.types import Dataset, PairExample
from translate.fakes import ScriptedEngine

SOURCE = "The council met on Tuesday and decided to build 1,250 new houses near the old harbour before 2031."
TARGET = "Der Rat trat am Dienstag zusammen und beschloss, bis 2031 nahe dem alten Hafen 1.250 neue Häuser zu bauen."


def checks(given: str, made: str, source: str = "en", target: str = "de") -> set[str]:
    found = lint_texts([("x", given, made)], source=source, target=target)
    return set(found.flagged.get("x", ()))


def test_a_good_translation_is_let_through() -> None:
    assert checks(SOURCE, TARGET) == set()


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        ("", {"empty"}),
        (" \n", {"empty"}),
        (TARGET[:60], {"truncated", "lost-number"}),
        (TARGET.replace("1.250", "1.520"), {"lost-number"}),
        (TARGET.replace("2031 ", ""), {"lost-number"}),
        (f"{TARGET[:-1]} {'und bauen ' * 5}.", {"repeated"}),
        (f"{TARGET} {TARGET}", {"repeated"}),
        (TARGET * 6, {"repeated", "length-ratio"}),
    ],
)
def test_what_is_wrong_is_named(made: str, expected: set[str]) -> None:
    assert checks(SOURCE, made) == expected


def test_the_source_again_is_untranslated_and_in_another_language() -> None:
    pytest.importorskip("py3langid")
    assert checks(SOURCE, SOURCE) == {"untranslated", "wrong-language"}


@pytest.mark.parametrize(
    "text", ["Kelmar Systems", "NASA 1969", "Rio de Janeiro", "1984", "Dr. Ana Lima", "OK", "www.a.org/be/in/on"]
)
def test_names_and_numbers_may_stay_as_they_are(text: str) -> None:
    assert checks(text, text, "en", "pt") == set()


@pytest.mark.parametrize(
    ("given_", "made"),
    [
        ("It cost 1,000,000.50 dollars.", "Es kostete 1.000.000,50 Dollar."),
        ("They sold 5,000 copies.", "Venderam 5 mil exemplares."),
        ("In the 19th century.", "En el siglo XIX."),
        ("Music of the 1980s.", "Música de los años 80."),
        ("At 3:30 pm it rained.", "Às 15h30 choveu."),
        ("There were 3 dogs.", "Havia três cães."),
        ("A third of 1 500 people.", "Ein Drittel von 1500 Menschen."),
        ("From 1991 to 1992.", "1991-1992."),
        ("Version 2.0 came.", "A versão 2 chegou."),
    ],
)
def test_a_number_may_be_written_otherwise(given_: str, made: str) -> None:
    assert "lost-number" not in checks(given_, made, "en", "pt")


def test_a_faulty_source_is_not_held_against_its_translation() -> None:
    assert checks("no no no no no no no", "nein nein nein nein nein nein nein") == set()
    assert checks("The old house on the hill by the sea", "Das alte Haus auf dem Hügel am Meer") == set()


def test_lengths_are_judged_by_those_of_the_others() -> None:
    words = ["the", "council", "met", "and", "decided", "to", "build", "new", "houses"]
    pairs = [(str(n), " ".join(words * (1 + n % 3)), "x" * (55 * (1 + n % 3) + n % 7)) for n in range(60)]
    found = lint_texts([*pairs, ("odd", " ".join(words * 3), "x" * 9)], source="en", target="pt")
    assert [name for name, names in found.flagged.items() if "length-ratio" in names] == ["odd"]


def lengths(pairs: list[tuple[str, str]], target: str = "pt") -> set[str]:
    """Ids, by number, of the pairs whose lengths are odd."""
    found = lint_texts([(str(n), *pair) for n, pair in enumerate(pairs)], source="en", target=target)
    return {name for name, names in found.flagged.items() if "length-ratio" in names}


def test_among_few_a_ratio_of_four_is_odd_and_short_texts_are_not_judged() -> None:
    long = 10_000  # what is tolerated falls with the length, but not below a ratio of four
    assert lengths([("x" * long, "y" * (4 * long + 1))]) == {"0"}
    assert lengths([("x" * long, "y" * (4 * long))]) == set()
    assert lengths([("xy", "y" * 20)]) == {"0"}
    assert lengths([("x", "y" * 19)]) == set()


@pytest.mark.parametrize(("others", "judged"), [(49, True), (48, False)])
def test_fifty_pairs_are_a_measure_of_their_own(others: int, judged: bool) -> None:
    pairs = [(f"{n}".rjust(1000, "x"), "y" * 1000) for n in range(others)]
    assert lengths([*pairs, ("x" * 1000, "y" * 2500)]) == ({str(others)} if judged else set())


@pytest.mark.parametrize(("size", "odd"), [(23_200, True), (23_100, False)])
def test_five_standard_deviations_are_odd(size: int, odd: bool) -> None:
    """Of the logarithms of ratios; here it is 1.4826 times log 1.12."""
    lots = [(10_000, 10_000), (10_000, 11_200), (11_200, 10_000)] * 20
    pairs = [(f"{n}".rjust(a, "x"), "y" * b) for n, (a, b) in enumerate(lots)]
    assert lengths([*pairs, ("x" * 10_000, "y" * size)]) == ({"60"} if odd else set())


@pytest.mark.parametrize(
    ("letters", "sure", "target", "found"),
    [
        (40, 0.91, "de", True),
        (40, 0.9, "de", False),
        (39, 0.91, "de", False),
        (13, 0.91, "th", True),
        (12, 0.91, "th", False),
    ],
)
def test_another_language_is_told_where_there_are_enough_letters_and_it_is_nearly_certain(
    monkeypatch: pytest.MonkeyPatch, letters: int, sure: float, target: str, found: bool
) -> None:
    pytest.importorskip("py3langid")
    made = "y" * letters
    monkeypatch.setattr("crossfare.translate.lint._identify", lambda text, _: ("en", 1.0 if text != made else sure))
    assert ("wrong-language" in checks("x" * letters, made, "en", target)) == found


WORDS = ("the", "council", "met", "on", "tuesday", "and", "decided", "to", "build", "many", "new", "houses", "near")
sentences = st.lists(st.sampled_from(WORDS), min_size=8, max_size=30).map(" ".join)


@given(sentences, st.integers(4, 9), st.integers(2, 6))
def test_a_loop_is_found_wherever_it_starts(text: str, times: int, size: int) -> None:
    words = text.split()
    loop = words[-size:]
    assume(len(set(loop)) == size)
    assert "repeated" in checks(SOURCE, " ".join(words + loop * times))


@given(sentences, st.integers(10, 99_999))
def test_a_missing_number_is_found(text: str, number: int) -> None:
    assert "lost-number" not in checks(f"{text} {number}.", f"{number} {text}.", "en", "pt")
    assert "lost-number" in checks(f"{text} {number}.", f"{text}.", "en", "pt")


@given(sentences, st.integers(2, 7))
def test_a_cut_is_found(text: str, left: int) -> None:
    assert "truncated" in checks(f"{text}.", " ".join(text.split()[:left]), "en", "pt")
    assert "truncated" not in checks(text, " ".join(text.split()[:left]), "en", "pt")


@given(st.text(max_size=80), st.text(max_size=80))
def test_any_text_can_be_linted(given_: str, made: str) -> None:
    found = lint_texts([("x", given_, made)], source="en", target="de")
    assert {*found.counts, *found.skipped} == set(CHECKS)
    assert ("empty" in found.flagged.get("x", ())) == bool(given_.strip() and not made.strip())


def test_shared_texts_are_looked_at_once_and_counted_for_every_example() -> None:
    found = lint_texts([(str(n), SOURCE, TARGET[:60]) for n in range(9)], source="en", target="de")
    assert found.checked == 1
    assert found.counts["truncated"] == 9
    assert found.examples["truncated"] == ("0", "1", "2", "3", "4")
    assert found.as_dict()["flagged"] == 9


def test_without_py3langid_the_check_is_skipped_and_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("crossfare.translate.lint.find_spec", lambda name: None)
    found = lint_texts([("x", SOURCE, SOURCE)], source="en", target="de")
    assert found.skipped == {"wrong-language": "pip install 'crossfare[lint]'"}
    assert "wrong-language" not in found.counts


def test_bad_examples_are_dropped_as_lost_only_on_request() -> None:
    good, bad = ("a good sentence in english .", "another one that is fine .")
    dataset = Dataset(
        "d", "nli", "train", "en", (PairExample("1", good, bad, "neutral"), PairExample("2", bad, good, "neutral"))
    )
    engine = ScriptedEngine(lambda text: "um texto cortado" if text == good else f"{text} .")
    kept = translate_dataset(dataset, engine, target="pt")
    assert kept.yield_.kept == 2 and kept.report.lint is not None
    assert kept.report.lint.counts["truncated"] == 2
    dropped = translate_dataset(
        Dataset("d", "nli", "train", "en", (*dataset.examples, PairExample("3", bad, bad, None))),
        engine,
        target="pt",
        drop_bad=True,
    )
    assert [example.id for example in dropped.dataset.examples] == ["3"]
    assert dropped.report.lost == (Lost("1", "lint: truncated"), Lost("2", "lint: truncated"))
    assert dropped.yield_.lost == ("1", "2")


def test_human_translations_are_nearly_clean(shared_data: Path) -> None:
    texts = {
        name: (shared_data / "flores" / f"flores-dev.{name}").read_text(encoding="utf-8").splitlines()
        for name in ("en", "pt", "de", "vi", "es")
    }
    flagged: dict[str, int] = {}
    directions = [(a, b) for a, b in itertools.permutations(texts, 2) if "en" in (a, b)]
    for source, target in directions:
        pairs = zip(map(str, range(997)), texts[source], texts[target], strict=True)
        found = lint_texts(pairs, source=source, target=target)
        for name, count in found.counts.items():
            flagged[name] = flagged.get(name, 0) + count
    total = len(directions) * 997
    assert flagged.pop("truncated") / total < 0.01
    assert flagged.pop("lost-number") / total < 0.01
    assert flagged.pop("markup") == 2  # "B&amp;Bs" and "km<sup>2</sup>", as they stand in the Vietnamese file
    assert not any(flagged.values())


@pytest.mark.parametrize("system", ["bergamot-base-memory", "microsoft"])
def test_junk_is_hardly_seen_in_outputs_of_systems(shared_data: Path, system: str) -> None:
    source, made = (
        (shared_data / "flores" / name).read_text(encoding="utf-8").splitlines()
        for name in ("flores-dev.en", f"en-de/flores-dev.{system}.de")
    )
    for check in (junk.letterless, junk.marked_up, junk.subtitled, junk.announced):
        assert sum(map(check, source, made)) < 0.01 * len(source)
    assert not junk.one_for_many(list(zip(source, made, strict=True)))
