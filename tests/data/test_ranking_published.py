"""Every published ranking set: its counts as its table states, and its quirks."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from pathlib import Path
from statistics import median
from typing import Any

import pytest

from crossfare.data import Loaded, artifact, collection, load, passages, tabulate
from crossfare.data.inspection import inspect
from crossfare.types import QueryExample

SQUAD_FILES = [
    *[(f"xquad/xquad.{language}.json", 612, 120) for language in ("en", "de", "vi", "es")],
    ("mlqa/dev/dev-context-de-question-de.json", 238, 215),
    ("mlqa/dev/dev-context-vi-question-en.json", 225, 196),
    ("faquad/train.json", 837, 211),
    ("squad/train-v1.1.first12.json.gz", 4370, 678),
    ("squad-pt-google/sample-v1.1-pt.json.gz", 3286, 506),
]


def judged(loaded: Loaded) -> dict[str, dict[str, int]]:
    return {e.id: dict(e.judgements) for e in loaded.dataset.examples if isinstance(e, QueryExample)}


def grades(loaded: Loaded) -> Counter[int]:
    return Counter(grade for found in judged(loaded).values() for grade in found.values())


def dl19(folder: Path, qrels: str, **call: Any) -> Loaded:
    folder /= "msmarco-dl19"
    return load(folder / "queries.tsv", qrels=folder / qrels, **call)


def test_dl19_drops_judgements_of_passages_that_are_not_there(shared_data: Path) -> None:
    there = shared_data / "msmarco-dl19" / "collection.tsv.gz"
    loaded = dl19(shared_data, "qrels.dl19-passage.txt", collection=there)
    assert grades(loaded) == {1: 883, 2: 974, 3: 296}
    assert loaded.report.ranking is not None
    assert len(loaded.report.ranking.unknown_passages) == 4836 - 2153
    assert len(loaded.dataset) == 22
    binary = dl19(shared_data, "qrels.txt", collection=there)
    assert grades(binary) == {1: 2153}
    assert {name: set(found) for name, found in judged(binary).items()} == {
        name: set(found) for name, found in judged(loaded).items()
    }
    assert sum(grades(dl19(shared_data, "qrels.dl19-passage.txt")).values()) == 4836


def test_the_collection_of_dl19(shared_data: Path, tmp_path: Path) -> None:
    pytest.importorskip("ftfy")
    stream = passages(shared_data / "msmarco-dl19" / "collection.tsv.gz")
    header = collection.write(stream, tmp_path / "c", fix_encoding=True)
    assert (header.passages, header.empty.count, header.mended.first) == (4103, 0, ["2936513"])
    with collection.Collection.open(tmp_path / "c") as opened:
        assert "฿" in opened["2936513"]
        assert opened["1729"].startswith("Graduate Study in Anthropology.")
        loaded = dl19(shared_data, "qrels.dl19-passage.txt", collection=opened)
    assert sum(grades(loaded).values()) == 2153


def test_msmarco_dev(shared_data: Path) -> None:
    folder = shared_data / "msmarco-dev"
    loaded = load(
        folder / "topics.msmarco-passage.dev-subset.txt", qrels=folder / "qrels.msmarco-passage.dev-subset.txt"
    )
    assert (len(loaded.dataset), grades(loaded)) == (6980, {1: 7437})
    assert (loaded.dataset.split, loaded.report.summary()[1:]) == ("validation", ())
    first = loaded.dataset.examples[1]
    assert isinstance(first, QueryExample)
    assert first.query == " Androgen receptor define"


def test_quati(shared_data: Path) -> None:
    loaded = load(shared_data / "quati", language="pt")
    assert (len(loaded.dataset), grades(loaded)) == (12, {2: 37, 3: 33, 0: 25, 1: 25})
    assert len(list(passages(shared_data / "quati"))) == 120
    queries = [e.query for e in loaded.dataset.examples if isinstance(e, QueryExample)]
    assert queries[3] == 'O que são os celulares "mid-range"?'
    files = sorted((shared_data / "quati" / "human_annotations").iterdir())
    alone = [judged(load(file)) for file in files]
    for name, found in judged(loaded).items():
        for passage, grade in found.items():
            given = [one[name][passage] for one in alone if name in one]
            assert len(given) < 3 or grade == median(given)


def test_cranfield(shared_data: Path) -> None:
    loaded = load(shared_data / "cranfield", language="en")
    assert (len(loaded.dataset), grades(loaded)) == (225, {4: 128, 3: 387, 2: 734, 1: 363, 0: 225})
    texts = {passage.id: passage.text for passage in passages(shared_data / "cranfield")}
    assert len(texts) == 1400
    assert [name for name, text in texts.items() if not text] == ["471", "995"]
    assert {passage for found in judged(loaded).values() for passage in found} <= set(texts)


def test_the_grades_of_cranfield_are_the_right_way_round_and_belong_to_the_queries(shared_data: Path) -> None:
    """A query shares more of its rare words with a passage the better the grade; not so with the queries shifted."""
    loaded = load(shared_data / "cranfield")
    words = {p.id: set(p.text.split()) for p in passages(shared_data / "cranfield")}
    frequency = Counter(word for found in words.values() for word in found)
    queries = [e for e in loaded.dataset.examples if isinstance(e, QueryExample)]

    def mean_overlap(shift: int) -> dict[int, float]:
        shared: defaultdict[int, list[float]] = defaultdict(list)
        for number, example in enumerate(queries):
            asked = set(queries[(number + shift) % len(queries)].query.split())
            for passage, grade in example.judgements:
                rare = asked & words[passage]
                shared[grade].append(sum(math.log(1400 / frequency[word]) for word in rare))
        return {grade: sum(values) / len(values) for grade, values in shared.items()}

    right, wrong = mean_overlap(0), mean_overlap(7)
    assert right[4] > right[3] > right[2] > right[1] > 1.5 * max(wrong.values())


@pytest.mark.parametrize(("name", "questions", "paragraphs"), SQUAD_FILES)
def test_squad_files_as_retrieval(
    shared_data: Path, tmp_path: Path, name: str, questions: int, paragraphs: int
) -> None:
    loaded = load(shared_data / name, task="ranking")
    texts = {passage.id: passage.text for passage in passages(shared_data / name)}
    assert (len(loaded.dataset), len(texts), len(set(texts.values()))) == (questions, paragraphs, paragraphs)
    assert all(len(found) == 1 and set(found) <= set(texts) for found in judged(loaded).values())
    path = artifact.write(loaded.dataset, tmp_path)
    assert artifact.read(path) == loaded.dataset


def test_xquad_is_parallel_as_retrieval_too(shared_data: Path) -> None:
    found = [judged(load(shared_data / f"xquad/xquad.{x}.json", task="ranking")) for x in ("en", "de", "vi", "es")]
    assert found[0] == found[1] == found[2] == found[3]


def test_inspecting_published_files(shared_data: Path) -> None:
    rows = {row.label: row.value for row in tabulate(inspect(shared_data / "cranfield")).rows}
    assert rows["empty passages"] == "2"
    assert rows["judgements of grade 4"] == "128"
    file = inspect(shared_data / "msmarco-dl19" / "collection.tsv.gz")
    assert (file.count("texts").texts, file.report.read, len(file.dataset)) == (4103, 4103, 0)
