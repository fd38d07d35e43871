"""A query of one character finds the passages that hold it, where BM25 cuts text into pairs of characters."""

from __future__ import annotations

from pathlib import Path

import pytest

from crossfare import retrieve
from crossfare.types import Passage

pytest.importorskip("bm25s")


@pytest.mark.parametrize(
    ("language", "query", "holding", "other"),
    [
        ("ja", "湖", ("琵琶湖は滋賀県にある。", "湖", "この湖岸は長い。"), "札幌は北にある。"),
        ("zh", "茶", ("杭州出产绿茶。", "喝茶的人很多", "茶叶"), "我住在北京。"),
        ("zh-Hant", "酒", ("金門出產高粱酒。", "酒"), "我住在臺北。"),
        ("ko", "책", ("책을 읽는다", "동화책", "책"), "물을 마신다"),
    ],
)
def test_cjk_single_character_query(
    tmp_path: Path, language: str, query: str, holding: tuple[str, ...], other: str
) -> None:
    passages = [Passage(str(number), text) for number, text in enumerate((*holding, other))]
    index = retrieve.build(passages, tmp_path / "index", retrieve.BM25(language))
    (found,) = index.search([("q", query)], 10)
    assert {name for name, _ in found.scores} == {str(number) for number in range(len(holding))}
    (both,) = index.search([("q", f"{query} xyz {query}")], 10)
    assert [name for name, _ in both.scores] == [name for name, _ in found.scores]


def test_a_lone_character_is_nothing_else_in_a_language_that_has_few_of_them(tmp_path: Path) -> None:
    index = retrieve.build(
        [Passage("1", "green tea 緑茶"), Passage("2", "tea 茶")], tmp_path / "index", retrieve.BM25("en")
    )
    (found,) = index.search([("q", "茶")], 10)
    assert [name for name, _ in found.scores] == ["2"]
