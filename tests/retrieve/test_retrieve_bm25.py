from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crossfare import retrieve
from crossfare.errors import ConfigError, DataError, StaleArtifact
from crossfare.retrieve import BM25, Index, index
from crossfare.retrieve.analysis import Analyser
from crossfare.types import Passage, content_revision

pytest.importorskip("bm25s")
pytest.importorskip("Stemmer")

PLAIN = BM25("en", stemmer="none", stop_words="none")


def passages(*texts: str) -> list[Passage]:
    return [Passage(f"p{number}", text) for number, text in enumerate(texts)]


def brute_force(texts: Sequence[str], query: str, chosen: BM25) -> dict[str, float]:
    """The formula of `crossfare.retrieve.settings`, passage by passage."""
    terms = Analyser(chosen.language, chosen.analysis).terms
    bags = [Counter(terms(text)) for text in texts]
    mean = sum(bag.total() for bag in bags) / len(bags)
    scores = {}
    for number, bag in enumerate(bags):
        score = 0.0
        for term in terms(query):
            if bag[term]:
                df = sum(term in other for other in bags)
                idf = math.log(1 + (len(bags) - df + 0.5) / (df + 0.5))
                length = 1 - chosen.b + chosen.b * bag.total() / mean
                score += idf * bag[term] / (bag[term] + chosen.k1 * length)
        if score:
            scores[f"p{number}"] = score
    return scores


_WORDS = st.sampled_from(["river", "rivers", "bank", "the", "of", "Ünal", "2021", "?!", "", "money"])
_TEXT = st.lists(_WORDS, max_size=12).map(" ".join)


@settings(max_examples=40)
@given(
    texts=st.lists(_TEXT, min_size=1, max_size=12),
    query=_TEXT,
    k1=st.floats(0, 3),
    b=st.floats(0, 1),
    shard_size=st.integers(1, 13),
    k=st.integers(1, 14),
    plain=st.booleans(),
)
def test_equals_brute_force_however_it_is_cut(
    texts: list[str], query: str, k1: float, b: float, shard_size: int, k: int, plain: bool
) -> None:
    chosen = BM25("en", k1, b, *(("none", "none") if plain else ()))
    with TemporaryDirectory() as folder:
        whole = retrieve.build(passages(*texts), Path(folder) / "whole", chosen)
        parts = retrieve.build(passages(*texts), Path(folder) / "parts", chosen, shard_size=shard_size)
        [found] = whole.search([("q", query)], k)
        assert parts.search([("q", query)], k) == (found,)  # to the last bit
        assert parts.header.shards == tuple(min(shard_size, len(texts) - n) for n in range(0, len(texts), shard_size))
    expected = brute_force(texts, query, chosen)
    assert len(found.scores) == min(k, len(expected))
    for passage, score in found.scores:
        assert score == pytest.approx(expected[passage], rel=1e-6)
    left_out = set(expected) - dict(found.scores).keys()
    assert max((expected[passage] for passage in left_out), default=0) <= min(
        (score * (1 + 1e-6) for _, score in found.scores), default=0
    )


def generated(size: int, vocabulary: int = 400) -> list[Passage]:
    rng = np.random.default_rng(3)
    drawn = rng.zipf(1.3, size=(size, 20)) % vocabulary
    return passages(*(" ".join(f"w{word}" for word in row) for row in drawn.tolist()))


def test_equals_bm25s_on_its_own(tmp_path: Path) -> None:
    import bm25s

    collection = generated(300)
    plain = bm25s.BM25(k1=0.9, b=0.4, method="lucene")
    plain.index([passage.text.split() for passage in collection], show_progress=False)
    built = retrieve.build(collection, tmp_path / "index", BM25.configured("en", {"preset": "anserini"}), shard_size=70)
    for query in ("w1 w2 w300", "w7", "w5 w5 w11 w399"):
        scores = plain.get_scores([word for word in query.split() if word in plain.vocab_dict])
        [found] = built.search([("q", query)], len(collection))
        expected = {f"p{number}": score for number, score in enumerate(scores.tolist()) if score > 0}
        assert dict(found.scores) == pytest.approx(expected, rel=1e-6)


def test_backends_are_equal(tmp_path: Path) -> None:
    pytest.importorskip("numba")
    retrieve.build(generated(500), tmp_path / "index", PLAIN, shard_size=200)
    queries = [(f"q{n}", f"w{n} w{2 * n} w1 w2 w1") for n in range(30)]
    runs = [Index.open(tmp_path / "index", backend=name).search(queries, 50) for name in ("numba", "numpy")]
    assert runs[0] == runs[1]


def test_equal_scores_stand_in_the_order_of_the_collection(tmp_path: Path) -> None:
    collection = [Passage(name, text) for name, text in zip("zaybxc", ["x y", "x", "x", "y", "x", "x"], strict=True)]
    for shard_size in (6, 2, 1):
        built = retrieve.build(collection, tmp_path / str(shard_size), PLAIN, shard_size=shard_size)
        for k in (1, 2, 3, 9):
            [found] = built.search([("q", "x")], k)
            assert [name for name, _ in found.scores] == ["a", "y", "x", "c", "z"][:k]
            assert found.output == "a"


@given(
    st.lists(st.sampled_from([0.0, 0.5, 1.0, 1.5, 2.0]), min_size=1, max_size=40), st.integers(1, 45), st.integers(1, 9)
)
def test_the_best_k_are_chosen_without_sorting_all(values: list[float], k: int, first_look: int) -> None:
    scores = np.asarray(values, dtype=np.float32)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(index, "_FIRST_LOOK", first_look)
        chosen = index._at_least_kth(scores, k).tolist()
    positive = sorted((score for score in values if score > 0), reverse=True)
    limit = positive[:k][-1] if positive else math.inf
    assert chosen == [position for position, score in enumerate(values) if score >= limit]


def test_what_has_no_terms_finds_nothing_and_is_not_found(tmp_path: Path) -> None:
    built = retrieve.build(passages("", "a river", "?!", "the of"), tmp_path / "index", BM25("en"))
    assert built.header.empty == 3
    assert built.header.passages == len(built) == 4
    run = built.search([("empty", ""), ("marks", "?! ..."), ("stop", "the"), ("unseen", "zebra"), ("q", "river")], 10)
    assert [(found.output, len(found.scores)) for found in run] == [("", 0)] * 4 + [("p1", 1)]
    nothing = retrieve.build(passages("", "..."), tmp_path / "nothing", BM25("en"))
    assert nothing.search([("q", "river")], 1)[0].scores == ()


def test_any_script_and_any_id_come_back(tmp_path: Path) -> None:
    collection = [Passage("ü/1 \t", "Việt Nam"), Passage("", "한국어"), Passage("𝒳", "naïve 𐐷word")]
    built = retrieve.build(collection, tmp_path / "index", BM25("vi"))
    run = built.search([("a", "VIỆT"), ("b", "한국"), ("c", "𐐏WORD")], 3)
    assert [found.output for found in run] == ["ü/1 \t", "", "𝒳"]


def test_the_header_says_what_was_indexed(tmp_path: Path) -> None:
    collection = passages("one river", "two rivers", "bank")
    built = retrieve.build(collection, tmp_path / "index", BM25("en-GB"), shard_size=2)
    header = json.loads((tmp_path / "index" / "index.json").read_text(encoding="utf-8"))
    assert BM25(**header["settings"]) == built.header.settings == BM25("en")
    assert header["revision"] == content_revision(collection)  # type: ignore[arg-type]
    assert (header["passages"], header["terms"], header["shards"]) == (3, 4, [2, 1])
    assert header["mean_terms"] == pytest.approx(5 / 3)
    other = retrieve.build(collection[::-1], tmp_path / "other", BM25("en"))
    assert other.header.revision != built.header.revision


def test_matrices_are_mapped_not_read(tmp_path: Path) -> None:
    built = retrieve.build(passages("river"), tmp_path / "index", PLAIN)
    assert all(isinstance(built._shards[0][name].base, np.memmap) for name in ("data", "indices", "indptr"))


def test_a_build_that_fails_leaves_nothing_or_what_was_there(tmp_path: Path) -> None:
    def broken() -> Iterator[Passage]:
        yield Passage("a", "river")
        raise DataError("line 2")

    with pytest.raises(DataError, match="line 2"):
        retrieve.build(broken(), tmp_path / "index", PLAIN)
    assert list(tmp_path.iterdir()) == []
    retrieve.build(passages("river"), tmp_path / "index", PLAIN)
    with pytest.raises(DataError, match="line 2"):
        retrieve.build(broken(), tmp_path / "index", PLAIN)
    assert [path.name for path in tmp_path.iterdir()] == ["index"]
    assert len(Index.open(tmp_path / "index")) == 1
    retrieve.build(passages("river", "bank"), tmp_path / "index", PLAIN)
    assert len(Index.open(tmp_path / "index")) == 2


def test_progress_counts_passages_and_queries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("crossfare.retrieve.building._TELL_EVERY", 2)
    told: list[tuple[int, int]] = []
    built = retrieve.build(passages(*"abcde"), tmp_path / "a", PLAIN, progress=lambda *now: told.append(now))
    assert told == [(2, 5), (4, 5), (5, 5)]
    told.clear()
    retrieve.build(iter(passages(*"abc")), tmp_path / "b", PLAIN, progress=lambda *now: told.append(now))
    assert told[-1] == (3, 3)
    told.clear()
    built.search([("1", "a"), ("2", "b")], 1, progress=lambda *now: told.append(now))
    assert told == [(1, 2), (2, 2)]


def test_long_passages_fill_a_shard_early(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("crossfare.retrieve.building._SHARD_TERMS", 5)
    monkeypatch.setattr("crossfare.retrieve.building._REMEMBERED_WORDS", 2)
    texts = ["a b c", "d e", "a", "b c d", "e f a b"]
    built = retrieve.build(passages(*texts), tmp_path / "index", PLAIN)
    assert built.header.shards == (2, 3)
    [found] = built.search([("q", "a b")], 9)
    assert dict(found.scores) == pytest.approx(brute_force(texts, "a b", PLAIN), rel=1e-6)


def test_bad_input_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "index"
    with pytest.raises(DataError, match="no passages"):
        retrieve.build([], folder, PLAIN)
    with pytest.raises(DataError, match="passages 1 and 3 share the id 'a'"):
        retrieve.build([Passage("a", "x"), Passage("b", "x"), Passage("a", "y")], folder, PLAIN)
    with pytest.raises(DataError, match="passage 'a' holds half of a surrogate pair"):
        retrieve.build([Passage("a", "x \ud800")], folder, PLAIN)
    with pytest.raises(ConfigError, match="shard_size"):
        retrieve.build(passages("x"), folder, PLAIN, shard_size=0)
    built = retrieve.build(passages("x"), folder, PLAIN)
    with pytest.raises(ConfigError, match="k must be at least 1"):
        built.search([("q", "x")], 0)
    with pytest.raises(DataError, match="two queries have the id 'q'"):
        built.search([("q", "x"), ("q", "y")], 1)
    other = tmp_path / "other"
    other.mkdir()
    (other / "notes.txt").touch()
    with pytest.raises(ConfigError, match="not a BM25 index"):
        retrieve.build(passages("x"), other, PLAIN)


def test_a_damaged_index_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no BM25 index is here"):
        Index.open(tmp_path)
    folder = tmp_path / "index"
    retrieve.build(passages("river bank", "money bank"), folder, BM25("en"))
    header = folder / "index.json"
    whole = header.read_text(encoding="utf-8")
    for broken in ("{", "[]", whole.replace('"format": 1', '"format": 99')):
        header.write_text(broken, encoding="utf-8")
        with pytest.raises(
            StaleArtifact, match=r"index\.json.*(broken JSON|unreadable).*; delete .* and build it again"
        ):
            Index.open(folder)
    analysis = json.loads(whole)["analysis"]
    header.write_text(whole.replace(analysis, "0" * 16), encoding="utf-8")
    with pytest.raises(StaleArtifact, match="another version of PyStemmer"):
        Index.open(folder)
    header.write_text(whole, encoding="utf-8")
    data = folder / "shard-0" / "data.npy"
    data.write_bytes(data.read_bytes()[:-4])
    with pytest.raises(StaleArtifact, match="damaged"):
        Index.open(folder)


def test_settings_have_named_presets_and_one_identity() -> None:
    assert (
        BM25("en")
        == BM25.configured("en", {})
        == BM25.configured("en", {"preset": "msmarco"})
        == BM25("en", 0.82, 0.68)
    )
    assert BM25.configured("en", {"preset": "anserini", "k1": 1.2}) == BM25("en", 1.2, 0.4)
    assert BM25(**BM25("pt-BR", 1, 0).identity()) == BM25("pt", 1.0, 0.0)
    assert BM25("pt").identity() == {
        "language": "pt",
        "k1": 0.82,
        "b": 0.68,
        "stemmer": "portuguese",
        "stop_words": "portuguese",
    }


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"preset": "lucene"}, "unknown preset 'lucene'; choose from anserini, msmarco"),
        ({"K1": 0.9}, "unknown option 'K1'; choose from b, k1, stemmer, stop_words, preset"),
        ({"k1": "0.9"}, "k1 cannot be '0.9': it should be a valid number"),
        ({"k1": -1}, "k1 cannot be -1"),
        ({"k1": math.nan}, "k1 cannot be nan"),
        ({"b": 1.1}, "b cannot be 1.1: it should be less than or equal to 1"),
        ({"stemmer": None}, "stemmer cannot be None"),
    ],
)
def test_bad_settings_are_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        BM25.configured("en", options)


def test_ranks_published_passages(shared_data: Path, tmp_path: Path) -> None:
    """BM25 answers most XQuAD questions with their own paragraph, in four languages."""
    for language, least in (("en", 0.94), ("de", 0.90), ("es", 0.93), ("vi", 0.93)):
        articles = json.loads((shared_data / "xquad" / f"xquad.{language}.json").read_text(encoding="utf-8"))["data"]
        paragraphs = [paragraph for article in articles for paragraph in article["paragraphs"]]
        collection = passages(*(paragraph["context"] for paragraph in paragraphs))
        asked = [(qa["id"], qa["question"], f"p{n}") for n, part in enumerate(paragraphs) for qa in part["qas"]]
        built = retrieve.build(collection, tmp_path / language, BM25(language))
        run = built.search([(name, text) for name, text, _ in asked], 10)
        ranks = [
            next((1 / rank for rank, (name, _) in enumerate(found.scores, 1) if name == wanted), 0.0)
            for found, (_, _, wanted) in zip(run, asked, strict=True)
        ]
        assert sum(ranks) / len(ranks) > least
