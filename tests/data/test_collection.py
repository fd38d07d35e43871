"""Collections on disk: equal to the mapping they were made from, whatever is in it, and honest about what was found."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossfare.data import collection
from crossfare.data.collection import Collection, Tally
from crossfare.errors import DataError
from crossfare.types import Passage

PASSAGES = (
    Passage("7", "Tab\tand\nline ends\r\n, \u2028, \x00 and “quotes”"),
    Passage("MED-10", ""),
    Passage("a b", "Rio de Janeiro 😀"),
    Passage("07", " \t"),
)

ids = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=4)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)


def made(passages: tuple[Passage, ...], folder: Path, **how: str) -> Collection:
    collection.write(iter(passages), folder, **how)
    return Collection.open(folder)


@given(st.dictionaries(ids, texts, min_size=1, max_size=20))
def test_it_is_the_mapping_it_was_made_from(tmp_path_factory: pytest.TempPathFactory, given: dict[str, str]) -> None:
    folder = tmp_path_factory.mktemp("c")
    with made(tuple(Passage(*item) for item in given.items()), folder) as opened:
        assert dict(opened) == given
        assert list(opened) == list(given)
        assert list(opened.items()) == list(given.items())
        assert [(p.id, p.text) for p in opened.passages()] == list(given.items())
        assert len(opened) == len(given)
        assert {name: opened[name] for name in reversed(given)} == given
        assert "not there, it is longer" not in opened
        assert opened.get("not there, it is longer") is None


def contents(folder: Path) -> dict[str, str]:
    with Collection.open(folder) as opened:
        return dict(opened)


def test_a_missing_id_is_a_key_error(tmp_path: Path) -> None:
    with made(PASSAGES, tmp_path) as opened, pytest.raises(KeyError, match="8"):
        opened["8"]


def test_the_header_says_what_it_is(tmp_path: Path) -> None:
    header = collection.write(PASSAGES, tmp_path / "c", name="mmarco", language="pt", origin="marian@1f")
    assert (header.name, header.language, header.origin, header.passages) == ("mmarco", "pt", "marian@1f", 4)
    assert header.characters == sum(len(p.text) for p in PASSAGES)
    assert header.empty == Tally(2, ["MED-10", "07"])
    assert (header.repeated, header.mended) == (Tally(), Tally())
    with Collection.open(tmp_path / "c") as opened:
        assert collection.read_header(tmp_path / "c") == opened.header == header
    assert header.summary() == (
        f"mmarco: 4 passages, {header.characters} characters, language pt",
        "empty passages, kept: 2: MED-10, 07",
    )


def test_the_revision_is_that_of_ids_texts_and_order(tmp_path: Path) -> None:
    def revision(*passages: Passage, **how: str) -> str:
        return collection.write(passages, tmp_path / "c", **how).revision

    one, two = PASSAGES[:2]
    assert revision(one, two) == revision(one, two, name="other", language="de")
    assert len({revision(one, two), revision(two, one), revision(one), revision(Passage("8", one.text), two)}) == 4


def test_a_repeated_passage_is_left_out_and_counted(tmp_path: Path) -> None:
    once = collection.write(PASSAGES, tmp_path / "once")
    twice = collection.write((*PASSAGES, *PASSAGES, PASSAGES[0]), tmp_path / "twice")
    assert twice.repeated == Tally(5, [*(p.id for p in PASSAGES), "7"])
    assert (twice.passages, twice.revision, twice.empty) == (once.passages, once.revision, once.empty)
    assert list(contents(tmp_path / "twice").items()) == [(p.id, p.text) for p in PASSAGES]


def test_an_id_with_two_texts_is_refused_and_nothing_is_left(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="passage 5: the id '7' was given before with another text"):
        collection.write((*PASSAGES, Passage("7", "other")), tmp_path / "c")
    assert list((tmp_path / "c").iterdir()) == []


def test_ids_whose_hashes_coincide_are_told_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collection, "id_hash", lambda name: len(name) % 2)
    passages = tuple(Passage(str(n), f"text {n}") for n in range(30))
    with made((*passages, passages[3]), tmp_path) as opened:
        assert all(opened[p.id] == p.text for p in passages)
        assert len(opened) == 30
        assert "30" not in opened
        assert opened.header.repeated.first == ["3"]


def test_only_the_first_ids_of_many_are_listed(tmp_path: Path) -> None:
    header = collection.write((Passage(str(n), "") for n in range(100)), tmp_path)
    assert (header.empty.count, len(header.empty.first)) == (100, 20)
    assert header.summary()[1].endswith("19, ...")


@pytest.mark.parametrize(
    ("passages", "message"),
    [
        ((), "holds no passage"),
        ((Passage("", "x"),), "passage 1: its id is empty"),
        ((Passage("1", "a"), Passage("2", "\ud800")), "passage '2': holds a lone surrogate"),
    ],
)
def test_what_no_collection_can_hold(tmp_path: Path, passages: tuple[Passage, ...], message: str) -> None:
    with pytest.raises(DataError, match=message):
        collection.write(passages, tmp_path)


def test_a_failure_leaves_the_old_collection(tmp_path: Path) -> None:
    def broken() -> Iterator[Passage]:
        yield Passage("1", "new")
        raise DataError("line 2")

    collection.write(PASSAGES, tmp_path)
    with pytest.raises(DataError, match="line 2"):
        collection.write(broken(), tmp_path)
    assert contents(tmp_path) == {p.id: p.text for p in PASSAGES}


def test_what_is_open_stays_readable_when_it_is_replaced(tmp_path: Path) -> None:
    with made(PASSAGES, tmp_path) as opened:
        collection.write((Passage("1", "new"),), tmp_path)
        assert opened["MED-10"] == ""
        assert opened["a b"] == PASSAGES[2].text
    assert contents(tmp_path) == {"1": "new"}


def test_other_files_in_the_folder_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "report.json").write_text("{}")
    collection.write(PASSAGES, tmp_path)
    assert (tmp_path / "report.json").exists()
    assert len(list(tmp_path.iterdir())) == 6


def test_a_closed_collection_is_not_read(tmp_path: Path) -> None:
    opened = made(PASSAGES, tmp_path)
    opened.close()
    with pytest.raises(ValueError, match="closed"):
        opened["7"]


def test_threads_may_look_up_at_the_same_time(tmp_path: Path) -> None:
    passages = tuple(Passage(str(n), f"text {n} " * (n % 50)) for n in range(500))
    wrong: list[str] = []
    with made(passages, tmp_path) as opened:

        def look_up() -> None:
            wrong.extend(p.id for p in passages if opened[p.id] != p.text)

        threads = [threading.Thread(target=look_up) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert wrong == []


def test_passages_are_read_as_they_come(tmp_path: Path) -> None:
    """Nothing is collected first: when the second passage is drawn, the first was already let go."""
    alive: list[int] = []

    class Counted(Passage):
        __slots__ = ()

        def __init__(self, number: int) -> None:
            super().__init__(str(number), "x")
            alive.append(number)

        def __del__(self) -> None:
            alive.remove(int(self.id))

    most = 0

    def stream() -> Iterator[Passage]:
        nonlocal most
        for number in range(1000):
            yield Counted(number)
            most = max(most, len(alive))

    collection.write(stream(), tmp_path)
    assert 1 <= most <= 2


def test_the_index_is_mapped_and_not_read(tmp_path: Path) -> None:
    with made(PASSAGES, tmp_path) as opened:
        assert all(isinstance(index.base, np.memmap) for index in (opened._offsets, opened._hashes, opened._places))


@pytest.mark.parametrize("name", ["passages.jsonl", "passages.offsets.npy", "passages.hashes.npy"])
def test_an_incomplete_collection_is_refused(tmp_path: Path, name: str) -> None:
    collection.write(PASSAGES, tmp_path)
    raw = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(raw[:-8])
    with pytest.raises(DataError, match="write it again"):
        Collection.open(tmp_path)
    (tmp_path / name).unlink()
    with pytest.raises(DataError, match="an incomplete collection"):
        Collection.open(tmp_path)


def test_a_folder_without_a_header_is_no_collection(tmp_path: Path) -> None:
    collection.write(PASSAGES, tmp_path)
    header = tmp_path / "collection.json"
    record = json.loads(header.read_text())
    header.write_text(json.dumps({**record, "crossfare_collection": 2}))
    with pytest.raises(DataError, match="version 2, this crossfare reads 1"):
        Collection.open(tmp_path)
    header.write_text("[]")
    with pytest.raises(DataError, match="not the description of a collection"):
        Collection.open(tmp_path)
    header.unlink()
    assert not collection.is_collection(tmp_path)
    with pytest.raises(DataError, match=r"no collection \(no collection\.json\)"):
        Collection.open(tmp_path)


def test_mojibake_is_repaired_only_on_request(tmp_path: Path) -> None:
    pytest.importorskip("ftfy")
    passages = (Passage("1", "dâ€™oro “quoted” ﬁ"), Passage("2", "pâté"), Passage("3", "&quot;"))
    plain = collection.write(passages, tmp_path / "plain")
    assert plain.mended == Tally()
    mended = collection.write(passages, tmp_path / "mended", fix_encoding=True)
    assert mended.mended == Tally(1, ["1"])
    assert contents(tmp_path / "mended") == {"1": "d’oro “quoted” ﬁ", "2": "pâté", "3": "&quot;"}
