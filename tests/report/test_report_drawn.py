"""Drawings kept in the cache folder."""

from __future__ import annotations

import pytest

from crossfare.report.drawn import kept
from crossfare.store import cache_folder


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("CROSSFARE_CACHE", str(tmp_path / "cache"))


def drawer(made: list[str], content: bytes = b"<svg/>"):
    def draw():
        made.append("drawn")
        return {"svg": content}

    return draw


def test_what_is_shown_already_is_drawn_once():
    made: list[str] = []
    first, again = (kept({"rows": [1]}, drawer(made)) for _ in range(2))
    assert first == again == {"svg": b"<svg/>"} and made == ["drawn"]
    kept({"rows": [2]}, drawer(made))
    assert len(made) == 2


@pytest.mark.parametrize("marker", ["", "{}", "sealed"])
def test_a_changed_drawing_is_made_again(marker):
    made: list[str] = []
    kept({"rows": [1]}, drawer(made))
    (folder,) = (cache_folder() / "drawn").iterdir()
    (folder / "svg").write_bytes(b"<svg onload='alert(1)'/>")
    if marker != "sealed":
        (folder / "done").write_text(marker)
    assert kept({"rows": [1]}, drawer(made)) == {"svg": b"<svg/>"} and len(made) == 2
    assert kept({"rows": [1]}, drawer(made)) == {"svg": b"<svg/>"} and len(made) == 2


def test_a_cache_that_cannot_be_written_is_done_without(tmp_path):
    (tmp_path / "cache").write_text("a file")
    made: list[str] = []
    assert kept({"rows": [1]}, drawer(made)) == {"svg": b"<svg/>"}
    assert kept({"rows": [1]}, drawer(made)) == {"svg": b"<svg/>"} and len(made) == 2
