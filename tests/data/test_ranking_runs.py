"""Qrels and runs: what is written is read, published quirks are accepted, and bad lines are named."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from crossfare.data import read_qrels, read_run, write_qrels, write_run
from crossfare.errors import ConfigError, DataError
from crossfare.types import Dataset, PairExample, Prediction, QueryExample

words = st.text(st.characters(codec="utf-8", exclude_categories=["Z", "C"]), min_size=1, max_size=5)


def queries(*examples: QueryExample) -> Dataset:
    return Dataset("d", "ranking", "test", "en", examples)


# --- qrels


@pytest.mark.parametrize(
    "text",
    [
        "1 0 7 2\n1 0 8 0\n2 0 7 -1\n",  # TREC, as msmarco-dev
        "1\t0\t7\t2\n1\t0\t8\t0\n2\t0\t7\t-1\n",  # as Microsoft published them
        "1 Q0 7 2\n1 Q0 8 0\n2 Q0 7 -1",  # TREC DL 2019; no line end
        "1 7 2 \n1 8 0 \n2 7 -1 \n\n",  # Cranfield: three columns, trailing blanks
        "query-id\tcorpus-id\tscore\n1\t7\t2\n1\t8\t0\n2\t7\t-1\n",  # BEIR
        "\ufeff1 0 7 2\r\n1 0 8 0\r\n2 0 7 -1\r\n",
    ],
)
@pytest.mark.parametrize("packed", [False, True])
def test_published_forms_of_qrels(tmp_path: Path, text: str, packed: bool) -> None:
    path = tmp_path / ("qrels.txt.gz" if packed else "qrels.txt")
    path.write_bytes(gzip.compress(text.encode()) if packed else text.encode())
    assert read_qrels(path) == {"1": {"7": 2, "8": 0}, "2": {"7": -1}}


def test_beirs_ids_may_hold_blanks(tmp_path: Path) -> None:
    path = tmp_path / "test.tsv"
    path.write_text("query-id\tcorpus-id\tscore\nq 1\ta b\t1\n")
    assert read_qrels(path) == {"q 1": {"a b": 1}}


def test_an_equal_line_counts_once(tmp_path: Path) -> None:
    path = tmp_path / "qrels.txt"
    path.write_text("1 0 7 1\n1 0 7 1\n")
    assert read_qrels(path) == {"1": {"7": 1}}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1 0 7 1\n1 0 7 2\n", "line 2: passage '7' of query '1' has grade 2 here and 1 before"),
        ("1 0 7 1\n1 0 7\n", "line 2: 3 columns, not 4, as before"),
        ("1 0\n", "line 1: 2 columns, not 3 or 4"),
        ("1 0 7 1\n\n2 0 7 1\n", "line 2: 0 columns, not 4"),
        ("1 0 7 1.5\n", "line 1: the grade '1.5' is not a whole number"),
        ("1 Q0 7 1 0.5 tag\n", "line 1: 6 columns, not 3 or 4"),
        ("", "the file is empty"),
    ],
)
def test_bad_qrels(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "qrels.txt"
    path.write_text(text)
    with pytest.raises(DataError, match=message):
        read_qrels(path)


@given(st.dictionaries(words, st.dictionaries(words, st.integers(-2, 4), min_size=1, max_size=4), max_size=4))
@example({"QID": {"0": 0}})  # not a header
def test_qrels_are_read_as_written(tmp_path_factory: pytest.TempPathFactory, given: dict[str, dict[str, int]]) -> None:
    path = tmp_path_factory.mktemp("q") / "qrels.txt.gz"
    examples = [QueryExample(name, "?", tuple(grades.items())) for name, grades in given.items()]
    write_qrels(queries(*examples), path)
    if given:
        assert read_qrels(path) == given


@pytest.mark.parametrize(
    ("example", "message"),
    [
        (QueryExample("1", "?", (("a b", 1),)), "the id 'a b' is empty or holds white space"),
        (QueryExample("", "?", (("a", 1),)), "the id '' is empty"),
        (QueryExample("1", "?", ((" a", 1),)), "the id ' a' is empty or holds"),
    ],
)
def test_ids_that_no_trec_file_holds(tmp_path: Path, example: QueryExample, message: str) -> None:
    with pytest.raises(DataError, match=message):
        write_qrels(queries(example), tmp_path / "qrels.txt")
    assert list(tmp_path.iterdir()) == []


def test_only_queries_have_judgements(tmp_path: Path) -> None:
    pairs = Dataset("d", "nli", "test", "en", (PairExample("1", "a", "b", None),))
    with pytest.raises(DataError, match="example '1' has no judgements"):
        write_qrels(pairs, tmp_path / "qrels.txt")


# --- runs

scores = st.floats(allow_nan=False, allow_infinity=False)


@given(st.dictionaries(words, st.dictionaries(words, scores, min_size=1, max_size=5), min_size=1, max_size=4))
def test_a_run_is_read_as_written_to_the_last_bit(
    tmp_path_factory: pytest.TempPathFactory, given: dict[str, dict[str, float]]
) -> None:
    path = tmp_path_factory.mktemp("r") / "run.txt.gz"
    run = []
    for name, found in given.items():
        ranked = tuple(sorted(found.items(), key=lambda item: -item[1]))
        run.append(Prediction(name, ranked[0][0], scores=ranked))
    assert write_run(run, path) == ()
    assert read_run(path) == tuple(run)
    assert write_run(run, path, "msmarco") == ()
    orders = [[passage for passage, _ in prediction.scores] for prediction in read_run(path)]
    assert orders == [[passage for passage, _ in prediction.scores] for prediction in run]


def test_the_forms_of_a_run(tmp_path: Path) -> None:
    run = (Prediction("q1", "p9", scores=(("p9", 12.5), ("p1", 3.0))), Prediction("q2", "p1", scores=(("p1", 0.1),)))
    write_run(run, tmp_path / "trec", tag="bm25")
    write_run(run, tmp_path / "msmarco", "msmarco")
    assert (tmp_path / "trec").read_text() == "q1 Q0 p9 1 12.5 bm25\nq1 Q0 p1 2 3.0 bm25\nq2 Q0 p1 1 0.1 bm25\n"
    assert (tmp_path / "msmarco").read_text() == "q1\tp9\t1\nq1\tp1\t2\nq2\tp1\t1\n"
    assert read_run(tmp_path / "msmarco")[0] == Prediction("q1", "p9", scores=(("p9", 1.0), ("p1", 0.5)))


def test_scores_decide_and_ranks_where_they_are_equal(tmp_path: Path) -> None:
    path = tmp_path / "run.txt"
    path.write_text("q\tQ0\ta\t3\t1.0\tt\nq Q0 b 2 1 t\nq Q0 c 0 1e-3 t\nq Q0 d 9 7 t\n")
    assert read_run(path) == (Prediction("q", "d", scores=(("d", 7.0), ("b", 1.0), ("a", 1.0), ("c", 0.001))),)


def test_a_query_without_passages_has_no_line_and_is_named(tmp_path: Path) -> None:
    run = (Prediction("q1", ""), Prediction("q2", "p", scores=(("p", 1.0),)))
    assert write_run(run, tmp_path / "run") == ("q1",)
    assert read_run(tmp_path / "run") == run[1:]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("q Q0 a 1 2 t\nq Q0 a 2 1 t\n", "line 2: passage 'a' is ranked twice for query 'q'"),
        ("q Q0 a 1 2 t\nq a 1\n", "line 2: 3 columns; every line has 6"),
        ("q Q0 a 1\n", "line 1: 4 columns; every line has 6"),
        ("q Q0 a 1 high t\n", "line 1: the rank or score is not a number"),
        ("q\ta\t0\n", "line 1: the rank or score is not a number .* begin at 1"),
        ("q Q0 a 1 nan t\n", "line 1: the score 'nan' is not a finite number"),
    ],
)
def test_bad_runs(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "run.txt"
    path.write_text(text)
    with pytest.raises(DataError, match=message):
        read_run(path)


def test_bad_calls(tmp_path: Path) -> None:
    run = (Prediction("q", "a b", scores=(("a b", 1.0),)),)
    with pytest.raises(DataError, match="the id 'a b' is empty or holds white space"):
        write_run(run, tmp_path / "run")
    with pytest.raises(ConfigError, match="the form 'csv' of a run is not known"):
        write_run(run, tmp_path / "run", "csv")  # type: ignore[arg-type]
