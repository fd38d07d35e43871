"""Lists of strings on disk."""

from __future__ import annotations

from bisect import bisect_left
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given
from hypothesis import strategies as st

from crossfare.retrieve.strings import Strings

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=80)
plain = st.text("abc0\0", max_size=5)
lists = st.lists(texts | plain, min_size=1, max_size=100) | st.lists(plain, min_size=33, max_size=600)


def written(folder: str, strings: list[str]) -> Strings:
    path = Path(folder) / "list"
    with Strings.writing(path) as write:
        for string in strings:
            write(string)
    return Strings(path)


@given(lists, st.data())
def test_strings_come_back_from_any_places(strings: list[str], data: st.DataObject) -> None:
    with TemporaryDirectory() as folder:
        places = data.draw(st.lists(st.integers(0, len(strings) - 1), max_size=200))
        read = written(folder, strings)
        assert read.at(places) == [strings[place] for place in places]
        assert read.at(range(len(read))) == strings


@given(st.lists(texts, max_size=30), texts)
def test_a_string_is_found_in_a_list_in_order(some: list[str], other: str) -> None:
    ordered = sorted({*some, *(f"{number:04}" for number in range(600))})
    with TemporaryDirectory() as folder:
        read = written(folder, ordered)
        assert [read.find(string) for string in ordered] == list(range(len(ordered)))
        place = bisect_left(ordered, other)
        there = place < len(ordered) and ordered[place] == other
        assert read.find(other) == (place if there else None)


def test_nothing_is_found_in_an_empty_list(tmp_path: Path) -> None:
    read = written(str(tmp_path), [])
    assert read.find("a") is None and read.at([]) == []
