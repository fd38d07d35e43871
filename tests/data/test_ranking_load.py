"""Queries, judgements and a collection put together, triples, and every complaint about files that do not fit."""

from __future__ import annotations

import gzip
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossfare.data import artifact, collection, load, passages, save, world, write_qrels, write_queries
from crossfare.data.inspection import inspect, tabulate
from crossfare.data.loaded import RankingReport
from crossfare.errors import ConfigError, DataError
from crossfare.types import Dataset, Example, Passage, QueryExample, RankingExample, content_revision

COLLECTION = "7\tseven\n8\teight\n9\t\n"
QUERIES = "1\tone\n2\ttwo\n3\t?!\n4\tfour\n"
QRELS = "1 0 7 2\n1 0 8 0\n1 0 99 3\n2 0 98 1\n3 0 9 1\n5 0 7 1\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in (("collection.tsv", COLLECTION), ("queries.dev.tsv", QUERIES), ("qrels.dev.txt", QRELS)):
        (tmp_path / name).write_text(text)
    return tmp_path


def files(folder: Path, **call: Any) -> dict[str, Any]:
    return {"ref": folder / "queries.dev.tsv", "qrels": folder / "qrels.dev.txt", **call}


def ranking_report(**call: Any) -> RankingReport:
    report = load(**call).report.ranking
    assert report is not None
    return report


# --- queries, judgements, collection


def test_what_does_not_fit_is_dropped_and_listed(folder: Path) -> None:
    loaded = load(**files(folder, collection=folder / "collection.tsv", task="ranking"))
    assert loaded.dataset.examples == (
        QueryExample("1", "one", (("7", 2), ("8", 0))),
        QueryExample("3", "?!", (("9", 1),)),
    )
    assert (loaded.dataset.name, loaded.dataset.split, loaded.dataset.task) == ("queries.dev", "validation", "ranking")
    assert loaded.dataset.revision == content_revision(loaded.dataset.examples)
    assert loaded.report.ranking == RankingReport(
        judgements=3,
        unknown_passages=(("1", "99"), ("2", "98")),
        unknown_queries=("5",),
        irrelevant=("2", "4"),
        wordless=("3",),
    )
    assert (loaded.report.read, loaded.report.kept) == (4, 2)
    assert loaded.report.summary()[1:] == (
        "judgements dropped, their passage is not in the collection: 2: 1 99, 2 98",
        "judged queries that are not in the file of queries: 1: 5",
        "queries dropped, no relevant passage is judged for them or left: 2: 2, 4",
        "queries without a letter or digit, kept: 1: 3",
    )


def test_every_way_to_give_the_collection_is_the_same(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "c.tsv.gz").write_bytes(gzip.compress(COLLECTION.encode()))
    collection.write(passages(folder / "collection.tsv"), tmp_path / "c")
    with collection.Collection.open(tmp_path / "c") as opened:
        ways: list[Any] = [str(folder / "collection.tsv"), tmp_path / "c.tsv.gz", tmp_path / "c", opened]
        ways.append({"7": "", "8": "", "9": ""})
        loaded = [load(**files(folder, collection=way)) for way in ways]
        assert opened["7"] == "seven"  # an open collection stays open
    assert len({(x.dataset, x.report.ranking) for x in loaded}) == 1


def test_without_a_collection_nothing_is_unknown(folder: Path) -> None:
    loaded = load(**files(folder))
    assert [(e.id, dict(e.judgements)) for e in loaded.dataset.examples if isinstance(e, QueryExample)] == [
        ("1", {"7": 2, "8": 0, "99": 3}),
        ("2", {"98": 1}),
        ("3", {"9": 1}),
    ]


def test_without_judgements_all_queries_are_kept(folder: Path) -> None:
    loaded = load(folder / "queries.dev.tsv")
    assert [(e.id, e.query) for e in loaded.dataset.examples if isinstance(e, QueryExample)] == [
        tuple(line.split("\t")) for line in QUERIES.splitlines()
    ]
    assert all(isinstance(e, QueryExample) and e.judgements == () for e in loaded.dataset.examples)


def test_limit_and_seed_choose_among_the_kept(folder: Path) -> None:
    assert [e.id for e in load(**files(folder, limit=2)).dataset.examples] == ["1", "2"]
    chosen = {tuple(e.id for e in load(**files(folder, limit=2, seed=s)).dataset.examples) for s in range(1, 9)}
    assert chosen == {("1", "2"), ("1", "3"), ("2", "3")}


def test_what_repeats_counts_once_or_is_refused(folder: Path) -> None:
    queries, qrels = folder / "queries.dev.tsv", folder / "qrels.dev.txt"
    queries.write_text("1\tone\n1\tone\n2\ttwo\n")
    qrels.write_text("1 0 7 1\n1 0 7 1\n")
    report = ranking_report(**files(folder))
    assert (report.repeated, report.repeated_judgements, report.judgements) == (("1",), (("1", "7"),), 1)
    assert load(**files(folder)).report.read == 3
    qrels.write_text("1 0 7 1\n1 0 7 0\n")
    with pytest.raises(DataError, match="line 2: passage '7' of query '1' has grade 0 here and 1 before"):
        load(**files(folder))
    queries.write_text("1\tone\n2\ttwo\n1\tOne\n")
    with pytest.raises(DataError, match="line 3: the query id '1' was given before with another text"):
        load(**files(folder))


@pytest.mark.parametrize(
    ("qrels", "message"),
    [
        ("q1 0 7 1\n", r"judges none of the 4 queries, but others \(q1 \.\.\.\)"),
        ("1 0 99 1\n2 0 98 1\n", r"no query has a relevant passage left \(2 judgements are of passages"),
        ("1 0 7 0\n", "no query has a relevant passage left"),
    ],
)
def test_files_that_do_not_belong_together(folder: Path, qrels: str, message: str) -> None:
    (folder / "qrels.dev.txt").write_text(qrels)
    with pytest.raises(DataError, match=message):
        load(**files(folder, collection=folder / "collection.tsv"))


def test_the_collection_is_read_no_further_than_needed_and_never_whole(folder: Path) -> None:
    class Asked(Mapping[str, str]):
        def __getitem__(self, key: str) -> str:
            return {"7": "", "8": ""}[key]

        def __len__(self) -> int:
            raise AssertionError("nobody may ask for all of it")

        def __iter__(self) -> Iterator[str]:
            raise AssertionError("nobody may ask for all of it")

    assert len(load(**files(folder, collection=Asked())).dataset) == 1
    (folder / "endless.tsv").write_text(COLLECTION + "broken line behind all that is asked for\n")
    (folder / "qrels.dev.txt").write_text("1 0 7 1\n")
    assert len(load(**files(folder, collection=folder / "endless.tsv")).dataset) == 1


def test_mojibake_in_queries(folder: Path) -> None:
    pytest.importorskip("ftfy")
    (folder / "queries.dev.tsv").write_text("1\tdâ€™oro\n2\t“two”\n")
    assert ranking_report(**files(folder)).mended == ()
    loaded = load(**files(folder, fix_encoding=True))
    assert [e.query for e in loaded.dataset.examples if isinstance(e, QueryExample)] == ["d’oro", "“two”"]
    assert loaded.report.ranking is not None
    assert loaded.report.ranking.mended == ("1",)


def test_a_missing_ftfy_is_one_line(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "ftfy", None)
    with pytest.raises(ConfigError, match=r"pip install 'crossfare\[encoding\]'"):
        load(**files(folder, fix_encoding=True))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        ({"task": "qa", "ref": "queries.dev.tsv"}, DataError, "format not recognised"),
        ({"task": "nli", "qrels": "qrels.dev.txt"}, ConfigError, "qrels belong to ranking data"),
        ({"ref": "world:qa", "collection": "collection.tsv"}, ConfigError, "collection belong to ranking data"),
        ({"qrels": "nowhere.txt"}, DataError, "nowhere.txt: no such file"),
        ({"collection": "nowhere.tsv"}, DataError, "nowhere.tsv: no such file"),
        ({"labels": "two-class"}, ConfigError, "labels='two-class' is for NLI"),
    ],
)
def test_bad_calls(folder: Path, call: dict[str, str], error: type[Exception], message: str) -> None:
    paths = {key: str(folder / value) if "." in value else value for key, value in call.items()}
    arguments: dict[str, Any] = {"ref": folder / "queries.dev.tsv", **paths}
    if "task" not in call:
        arguments = {**files(folder), **arguments} if call.get("ref") is None else arguments
    with pytest.raises(error, match=message):
        load(**arguments)


def test_a_collection_alone_has_no_queries(folder: Path, tmp_path: Path) -> None:
    collection.write(passages(folder / "collection.tsv"), tmp_path / "c")
    with pytest.raises(DataError, match="holds no queries; name a file of queries, and this one as the collection"):
        load(tmp_path / "c", task="ranking")
    assert [p.id for p in passages(tmp_path / "c")] == ["7", "8", "9"]


# --- triples

TRIPLES = "one\tp 1\tn 1\ntwo\tp 2\t\n?\tdâ€™oro\tn 3\n"


def triples(folder: Path, text: str = TRIPLES, **call: Any) -> Dataset:
    (folder / "triples.tsv").write_text(text)
    return load(folder / "triples.tsv", task="ranking", **call).dataset


def test_a_line_is_an_example_and_its_number_the_id(tmp_path: Path) -> None:
    assert triples(tmp_path).examples == (
        RankingExample("1", "one", "p 1", ("n 1",)),
        RankingExample("2", "two", "p 2", ("",)),
        RankingExample("3", "?", "dâ€™oro", ("n 3",)),
    )
    report = ranking_report(ref=tmp_path / "triples.tsv", task="ranking")
    assert (report.empty, report.wordless) == (("2",), ("3",))


def test_mojibake_in_triples(tmp_path: Path) -> None:
    pytest.importorskip("ftfy")
    example = triples(tmp_path, fix_encoding=True).examples[2]
    assert isinstance(example, RankingExample)
    assert example.positive == "d’oro"
    report = ranking_report(ref=tmp_path / "triples.tsv", task="ranking", fix_encoding=True)
    assert report.mended == ("3",)


def test_no_line_behind_the_limit_is_read(tmp_path: Path) -> None:
    text = TRIPLES + "broken\n"
    assert [e.id for e in triples(tmp_path, text, limit=2).examples] == ["1", "2"]
    with pytest.raises(DataError, match=r"line 4: 1 columns, not 3 \(query, positive, negative\)"):
        triples(tmp_path, text)
    with pytest.raises(ConfigError, match="limit=0 selects nothing"):
        triples(tmp_path, limit=0)


@given(st.integers(1, 12), st.integers(1, 50))
def test_a_sample_is_as_large_as_asked_in_file_order_and_repeatable(
    tmp_path_factory: pytest.TempPathFactory, limit: int, seed: int
) -> None:
    folder = tmp_path_factory.mktemp("t")
    text = "".join(f"query {n}\tp\tn\n" for n in range(1, 11))
    numbers = [int(e.id) for e in triples(folder, text, limit=limit, seed=seed).examples]
    assert numbers == sorted(set(numbers))
    assert len(numbers) == min(limit, 10)
    assert numbers == [int(e.id) for e in triples(folder, text, limit=limit, seed=seed).examples]


def test_every_line_is_as_likely_in_a_sample(tmp_path: Path) -> None:
    text = "".join(f"query {n}\tp\tn\n" for n in range(1, 6))
    drawn = [e.id for seed in range(1, 201) for e in triples(tmp_path, text, limit=2, seed=seed).examples]
    counts = {number: drawn.count(number) for number in "12345"}
    assert all(abs(count - 80) < 35 for count in counts.values())  # five standard deviations


def test_ids_are_resolved(folder: Path) -> None:
    ids = "1\t7\t8\n2\t7\t99\n5\t7\t8\n3\t8\t7\n"
    beside: dict[str, Any] = {"queries": folder / "queries.dev.tsv", "collection": folder / "collection.tsv"}
    assert triples(folder, ids, **beside).examples == (
        RankingExample("1", "one", "seven", ("eight",)),
        RankingExample("4", "?!", "eight", ("seven",)),
    )
    loaded = load(folder / "triples.tsv", task="ranking", **beside)
    assert loaded.report.ranking == RankingReport(
        unknown_passages=(("2", "99"),), unknown_queries=("5",), wordless=("4",)
    )
    assert (loaded.report.read, loaded.report.kept, loaded.report.format) == (4, 2, "triple-ids")
    collection.write(passages(folder / "collection.tsv"), folder / "c")
    assert triples(folder, ids, **{**beside, "collection": folder / "c"}) == loaded.dataset
    assert [e.id for e in triples(folder, ids, **beside, limit=1).examples] == ["1"]


def test_ids_without_texts(folder: Path) -> None:
    with pytest.raises(ConfigError, match="triples of ids need queries= and collection="):
        triples(folder, "1\t7\t8\n")
    beside: dict[str, Any] = {"queries": folder / "queries.dev.tsv", "collection": folder / "collection.tsv"}
    with pytest.raises(DataError, match="no triple has ids that are in"):
        triples(folder, "1\t97\t8\n", **beside)
    assert len(triples(folder, "1\t7\t8\n", format="triples")) == 1  # they may be words, after all


def test_three_columns_are_pairs_without_the_task(tmp_path: Path) -> None:
    triples(tmp_path, "a\tb\tneutral\n", format="triples")
    assert load(tmp_path / "triples.tsv").dataset.task == "nli"
    assert load(tmp_path / "triples.tsv", format="triples").dataset.task == "ranking"


# --- artifacts and writing

EXAMPLES: tuple[tuple[Example, ...], ...] = (
    (QueryExample("q\t1", "a\u2028b", (("p 1", 2), ("p2", 0))), QueryExample("2", "", ())),
    (RankingExample("1", "q", "p", ("n1", "n2\n")), RankingExample("2", "q", "", ())),
)


@pytest.mark.parametrize("examples", EXAMPLES)
def test_an_artifact_is_read_as_written(tmp_path: Path, examples: tuple[Example, ...]) -> None:
    given = Dataset("d", "ranking", "test", "pt", examples, content_revision(examples), "marian@1")
    artifact.write(given, tmp_path / "a")
    save(given, tmp_path / "b.jsonl.gz")
    assert artifact.read(tmp_path / "a") == load(tmp_path / "a", task="ranking").dataset == given
    assert load(tmp_path / "b.jsonl.gz").dataset == given


def test_a_damaged_artifact_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(artifact.render(Dataset("d", "ranking", "t", "en", EXAMPLES[0])).replace('"judgements"', '"x"'))
    with pytest.raises(DataError, match="line 2: not an example of task ranking \\('positive'\\)"):
        artifact.read(path)


def test_an_artifact_can_be_joined_with_another_collection(folder: Path, tmp_path: Path) -> None:
    full = load(**files(folder)).dataset
    artifact.write(full, tmp_path / "a")
    joined = load(tmp_path / "a", task="ranking", collection=folder / "collection.tsv")
    assert [e.id for e in joined.dataset.examples] == ["1", "3"]
    assert joined.report.format == "crossfare"
    artifact.write(Dataset("d", "ranking", "t", "en", EXAMPLES[1]), tmp_path / "b")
    with pytest.raises(DataError, match="holds ranking examples, not queries"):
        load(tmp_path / "b", task="ranking", collection=folder / "collection.tsv")


def test_queries_and_judgements_are_written_apart(folder: Path, tmp_path: Path) -> None:
    dataset = load(**files(folder)).dataset
    write_queries(dataset, tmp_path / "q.tsv.gz")
    write_qrels(dataset, tmp_path / "r.txt")
    assert load(tmp_path / "q.tsv.gz", qrels=tmp_path / "r.txt").dataset.examples == dataset.examples


def test_what_a_file_of_queries_cannot_hold(folder: Path, tmp_path: Path) -> None:
    dataset = load(**files(folder)).dataset
    with pytest.raises(DataError, match="has judgements, which a file of queries cannot hold"):
        save(dataset, tmp_path / "q.tsv")
    with pytest.raises(DataError, match="holds a tab or line end"):
        write_queries(Dataset("d", "ranking", "t", "en", EXAMPLES[0]), tmp_path / "q.tsv")
    with pytest.raises(DataError, match="example '1' is no query"):
        write_queries(Dataset("d", "ranking", "t", "en", EXAMPLES[1]), tmp_path / "q.tsv")
    with pytest.raises(ConfigError, match=r"no ranking format has the suffix '\.xml'"):
        save(dataset, tmp_path / "q.xml")
    assert not list(tmp_path.glob("q.*"))


@pytest.mark.parametrize("text", [QUERIES, TRIPLES])
def test_tab_separated_files_are_written_as_they_were(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.tsv").write_text(text)
    loaded = load(tmp_path / "a.tsv", task="ranking")
    save(loaded.dataset, tmp_path / "b.tsv")
    save(loaded.dataset, tmp_path / "c.txt", loaded.report.format)
    assert (tmp_path / "b.tsv").read_text() == (tmp_path / "c.txt").read_text() == text


def test_what_a_file_of_triples_cannot_hold(tmp_path: Path) -> None:
    for examples in (EXAMPLES[1], (RankingExample("7", "q", "p", ("n",)),)):
        with pytest.raises(DataError, match="a file of triples holds a query, a positive and one negative passage"):
            save(Dataset("d", "ranking", "t", "en", examples), tmp_path / "t.tsv")


# --- inspection


def counted(ref: Path, **call: Any) -> dict[str, tuple[int, int, int]]:
    return {c.what: (c.texts, c.characters, c.without_space) for c in inspect(ref, **call).counts}


def laid_out(ref: Path, **call: Any) -> dict[str, str]:
    return {row.label: row.value for row in tabulate(inspect(ref, **call)).rows}


def test_a_collection_is_counted_without_being_loaded(tmp_path: Path) -> None:
    path = tmp_path / "english_collection.tsv"
    path.write_text("1\ta b\n2\t \n1\té😀\n")
    inspection = inspect(path)
    assert len(inspection.dataset) == 0
    assert counted(path) == {"texts": (3, 6, 4)}
    rows = laid_out(path)
    assert rows["examples in the file"] == "3"
    assert (rows["empty texts"], rows["texts with a repeated id"]) == ("1", "1")
    assert "repeated contents" not in rows  # nobody looked
    collection.write([Passage("1", "a b")], tmp_path / "c")
    assert counted(tmp_path / "c") == {"texts": (1, 3, 2)}


def test_triples_are_counted(tmp_path: Path) -> None:
    triples(tmp_path)
    found = counted(tmp_path / "triples.tsv", task="ranking")
    assert found["queries"] == (3, 7, 7)
    assert found["negative passages"] == (3, 6, 4)
    assert laid_out(tmp_path / "triples.tsv", task="ranking")["distinct queries"] == "3"


def test_queries_with_judgements_and_passages_are_counted(tmp_path: Path) -> None:
    (tmp_path / "corpus.jsonl").write_text('{"_id": "7", "text": "a b"}\n')
    (tmp_path / "queries.jsonl").write_text('{"_id": "1", "text": "abc"}\n{"_id": "2", "text": "x"}\n')
    (tmp_path / "qrels").mkdir()
    (tmp_path / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\n1\t7\t2\n")
    assert counted(tmp_path) == {"queries": (1, 3, 3), "passages": (1, 3, 2)}
    rows = laid_out(tmp_path)
    assert (rows["examples in the file"], rows["judgements of grade 2"]) == ("2", "1")
    assert any("no relevant passage" in note for note in tabulate(inspect(tmp_path)).notes)


def test_the_papers_table_8_is_compared_on_request(folder: Path) -> None:
    table = tabulate(inspect(folder / "queries.dev.tsv", name="msmarco-queries-dev"))
    assert [(row.label, row.paper) for row in table.rows[-3:]] == [
        ("Table 8, against texts", "3,615,835"),
        ("Table 8, against the same without white space", "3,615,835"),
        ("Table 8, characters per query, without white space", "35.77"),
    ]
    assert any("Table 8" in note for note in table.notes)


# --- the embedded data


@pytest.mark.parametrize(
    ("ref", "call", "message"),
    [
        ("world:ranking", {}, r"'world:ranking' needs a language \(en, pt, de, vi\) and a split"),
        ("world:qa", {"language": "en", "split": "test"}, "'world:qa' has no collection of passages"),
    ],
)
def test_references_to_the_embedded_data(ref: str, call: dict[str, str], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        passages(ref, **call)


@pytest.mark.skipif(not hasattr(world, "ranking"), reason="the embedded world has no ranking data yet")
def test_the_embedded_ranking_data_is_parallel() -> None:
    loaded = {language: load("world:ranking", language=language, split="test") for language in ("en", "de")}
    texts = {language: list(passages("world:ranking", language=language, split="test")) for language in ("en", "de")}
    english, german = loaded["en"].dataset, loaded["de"].dataset
    assert (english.task, english.language, loaded["en"].report.format) == ("ranking", "en", "embedded")
    judged = [[(e.id, e.judgements) for e in x.examples if isinstance(e, QueryExample)] for x in (english, german)]
    assert judged[0] == judged[1] != []
    assert [p.id for p in texts["en"]] == [p.id for p in texts["de"]]
    assert {passage for _, judgements in judged[0] for passage, _ in judgements} <= {p.id for p in texts["en"]}
