from __future__ import annotations

import gzip
import math
import random
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crossfare.errors import ConfigError, DataError
from crossfare.score import ranking
from crossfare.types import Dataset, Prediction, QueryExample, Score

ir_measures = pytest.importorskip("ir_measures")
pytest.importorskip("pytrec_eval")

Qrels = Mapping[str, Mapping[str, int]]
Run = Mapping[str, Mapping[str, float]]


def dataset(qrels: Qrels) -> Dataset:
    examples = tuple(QueryExample(query, f"text of {query}", tuple(grades.items())) for query, grades in qrels.items())
    return Dataset("d", "ranking", "test", "en", examples)


def predictions(run: Run) -> list[Prediction]:
    return [
        Prediction(query, next(iter(scores), ""), scores=tuple(sorted(scores.items(), key=lambda pair: -pair[1])))
        for query, scores in run.items()
    ]


def scored(qrels: Qrels, run: Run, **options: object) -> dict[str, Score]:
    scores = ranking.score(dataset(qrels), predictions(run), resamples=20, **options)  # type: ignore[arg-type]
    return {score.metric: score for score in scores}


def ms_marco(qrels: Qrels, ranked: Mapping[str, Sequence[str]], relevant: int = 1) -> float:
    """``compute_metrics`` of the official ms_marco_eval.py: queries with a relevant passage, MaxMRRRank 10."""
    wanted = {query: {p for p, grade in grades.items() if grade >= relevant} for query, grades in qrels.items()}
    wanted = {query: passages for query, passages in wanted.items() if passages}
    total = 0.0
    for query, passages in ranked.items():
        if query in wanted:
            for place in range(10):
                if place < len(passages) and passages[place] in wanted[query]:
                    total += 1 / (place + 1)
                    break
    return total / len(wanted)


def ndcg(grades: Mapping[str, int], ranked: Sequence[str], k: int) -> float:
    """Järvelin and Kekäläinen (2002) with log2(rank + 1), as in trec_eval."""

    def dcg(gains: Sequence[int]) -> float:
        return sum(gain / math.log2(place + 2) for place, gain in enumerate(gains[:k]))

    ideal = dcg(sorted(grades.values(), reverse=True))
    return dcg([grades.get(passage, 0) for passage in ranked]) / ideal if ideal else 0.0


_PASSAGES = [f"p{n}" for n in range(15)]
_QRELS = st.dictionaries(st.sampled_from(_PASSAGES), st.integers(0, 3), min_size=1).filter(
    lambda g: max(g.values()) > 0
)
_RANKING = st.permutations(_PASSAGES).flatmap(lambda order: st.integers(0, 15).map(lambda n: order[:n]))


@settings(max_examples=60)
@given(st.lists(st.tuples(_QRELS, _RANKING), min_size=1, max_size=5), st.integers(1, 3), st.integers(1, 12))
def test_equals_the_definitions(queries: list[tuple[dict[str, int], list[str]]], relevant: int, k: int) -> None:
    qrels = {f"q{n}": grades for n, (grades, _) in enumerate(queries)}
    ranked = {f"q{n}": order for n, (_, order) in enumerate(queries)}
    run = {query: {p: 9.5 - place for place, p in enumerate(order)} for query, order in ranked.items()}
    found = scored(qrels, run, relevant=relevant, recall_at=(k,))
    assert list(found) == ["mrr@10", "ndcg@10", f"recall@{k}"]
    answerable = sum(max(grades.values()) >= relevant for grades in qrels.values())
    if answerable:
        expected = ms_marco(qrels, ranked, relevant) * answerable / len(qrels)
        assert found["mrr@10"].value == pytest.approx(expected)
    assert found["ndcg@10"].per_example == pytest.approx([ndcg(g, ranked[q], 10) for q, g in qrels.items()])
    for query, value in zip(found[f"recall@{k}"].ids, found[f"recall@{k}"].per_example, strict=True):
        wanted = {p for p, grade in qrels[query].items() if grade >= relevant}
        assert value == pytest.approx(len(wanted & {*ranked[query][:k]}) / len(wanted) if wanted else 0.0)


def test_mrr_looks_no_further_than_ten() -> None:
    run = {"q": {f"x{n}": 50.0 - n for n in range(9)}}
    assert scored({"q": {"p": 1}}, {"q": {**run["q"], "p": 0.0}})["mrr@10"].value == pytest.approx(0.1)
    assert scored({"q": {"p": 1}}, {"q": {**run["q"], "y": 1.0, "p": 0.0}})["mrr@10"].value == 0.0
    assert scored({"q": {"p": 1}}, {"q": {**run["q"], "y": 1.0, "p": 0.0}})["recall@100"].value == 1.0


def test_grades_count_as_relevant_from_the_threshold_on() -> None:
    qrels, run = {"q": {"a": 1, "b": 2}}, {"q": {"a": 2.0, "b": 1.0}}
    assert scored(qrels, run)["mrr@10"].value == 1.0
    strict = scored(qrels, run, relevant=2)
    assert strict["mrr@10"].value == 0.5
    assert "|relevant:2|" in strict["mrr@10"].signature
    assert strict["ndcg@10"].value == scored(qrels, run)["ndcg@10"].value < 1


def test_a_constant_scorer_gets_what_lots_get() -> None:
    """The candidates come relevant one first, and its id is the one trec_eval would put first."""
    qrels = {f"q{n}": {f"z{n}": 1} for n in range(400)}
    run = {query: {**grades, **{f"a{i}": 0.5 for i in range(9)}} for query, grades in qrels.items()}
    run = {query: dict.fromkeys(scores, 0.5) for query, scores in run.items()}
    lots = sum(1 / rank for rank in range(1, 11)) / 10
    value = scored(qrels, run)["mrr@10"].value
    assert value == pytest.approx(lots, abs=0.05)  # 3.3 standard errors
    turned = {query: dict(reversed(scores.items())) for query, scores in run.items()}
    assert scored(qrels, turned)["mrr@10"].value == value


def test_only_equal_scores_are_drawn() -> None:
    found = Prediction("q", "a", scores=(("a", 3.0), ("b", 1.0), ("c", 1.0), ("d", 1.0), ("e", 0.5)))
    turned = Prediction("q", "a", scores=found.scores[::-1])
    order = ranking.ranked(found)
    assert order == ranking.ranked(turned)
    assert (order[0], {*order[1:4]}, order[4]) == ("a", {"b", "c", "d"}, "e")
    orders = {ranking.ranked(Prediction(f"q{n}", "", scores=found.scores)) for n in range(100)}
    assert len(orders) == 6  # another query, another lot
    equal = (("a", 0.0), ("b", -0.0))
    assert ranking.ranked(Prediction("q", "", scores=equal)) == ranking.ranked(Prediction("q", "", scores=equal[::-1]))


def test_missing_and_empty_predictions_score_zero_and_are_counted() -> None:
    qrels: dict[str, dict[str, int]] = {f"q{n}": {"p": 1} for n in range(10)}
    run: dict[str, dict[str, float]] = {f"q{n}": {"p": 1.0} for n in range(8)}
    run["q8"] = {}
    run["extra"] = {"p": 1.0}
    found = scored({**qrels, "nothing": {"p": 0}}, {**run, "nothing": {"p": 1.0}})
    for score in found.values():
        assert score.value == pytest.approx(0.8)
        assert score.n == 10
        assert score.ids == tuple(qrels)
        assert score.per_example == (1.0,) * 8 + (0.0, 0.0)
        assert score.low <= 0.8 <= score.high
        assert "ties:hash|missing:1|unanswerable:1|unjudged:1" in score.signature


def test_queries_that_were_lost_are_missing_however_many() -> None:
    qrels = {f"q{n}": {"p": 1} for n in range(10)}
    run = {f"q{n}": {"p": 1.0} for n in range(4)}
    for score in scored(qrels, run, lost=("q4", "q5", "q6", "q7", "q8", "q9")).values():
        assert (score.value, score.ids, score.per_example) == (0.4, tuple(qrels), (1.0,) * 4 + (0.0,) * 6)
        assert "|missing:6|" in score.signature
    assert scored(qrels, {}, lost=tuple(qrels))["mrr@10"].value == 0.0
    with pytest.raises(DataError, match=r"only 4 of 5 judged queries .*'q4' has none"):
        scored(qrels, run, lost=("q5", "q6", "q7", "q8", "q9"))


def test_intervals_of_what_is_alike_have_no_width() -> None:
    qrels = {f"q{n}": {"p": 1} for n in range(50)}
    good = scored(qrels, {query: {"p": 2.0, "x": 1.0} for query in qrels})["mrr@10"]
    poor = scored(qrels, {query: {"p": 1.0, "x": 2.0} for query in qrels})["mrr@10"]
    assert (good.low, good.high, poor.low, poor.high) == (1.0, 1.0, 0.5, 0.5)


def test_refuses_what_does_not_belong_together() -> None:
    qrels = {f"q{n}": {"p": 1} for n in range(10)}
    with pytest.raises(DataError, match=r"only 0 of 10 judged queries .*'q0' has none; the 1 predictions .* like '7'"):
        scored(qrels, {"7": {"p": 1.0}})
    with pytest.raises(DataError, match=r"only 8 of 10 judged queries .*'q8' has none"):
        scored(qrels, {f"q{n}": {"p": 1.0} for n in range(8)})
    with pytest.raises(DataError, match="the 0 predictions have ids none at all"):
        scored(qrels, {})
    with pytest.raises(DataError, match="no query with a relevant passage"):
        scored({"q": {"p": 0}}, {"q": {"p": 1.0}})


def test_refuses_what_cannot_be_scored() -> None:
    data = dataset({"q": {"p": 1}})
    twice = [Prediction("q", "p", scores=(("p", 2.0), ("x", 1.0), ("p", 0.5)))]
    with pytest.raises(DataError, match="query 'q': passage 'p' is ranked 2 times"):
        ranking.score(data, twice)
    with pytest.raises(DataError, match="query 'q': the score of passage 'x' is not a number"):
        ranking.score(data, [Prediction("q", "x", scores=(("x", math.nan),))])
    with pytest.raises(DataError, match="two predictions have the id 'q'"):
        ranking.score(data, [Prediction("q", ""), Prediction("q", "")])
    with pytest.raises(DataError, match="two queries have the id 'q'"):
        ranking.score(Dataset("d", "ranking", "test", "en", data.examples * 2), [Prediction("q", "")])
    with pytest.raises(ConfigError, match="must be at least 1"):
        ranking.score(data, [Prediction("q", "")], relevant=0)
    with pytest.raises(ConfigError, match="must be at least 1"):
        ranking.score(data, [Prediction("q", "")], recall_at=(10, 0))


def test_equals_its_reference_providers_on_published_judgements(shared_data: Path) -> None:
    """TREC DL 2019 (graded) and Cranfield, ranked by a made-up scorer without ties."""
    for qrels, relevant in ((_dl19(shared_data), 2), (_cranfield(shared_data), 1)):
        pool = sorted({passage for grades in qrels.values() for passage in grades})
        draw = random.Random(0)
        run = {query: {p: grades.get(p, 0) + draw.uniform(0, 5) for p in pool} for query, grades in qrels.items()}
        run = {query: dict(sorted(scores.items(), key=lambda s: -s[1])[:200]) for query, scores in run.items()}
        found = scored(qrels, run, relevant=relevant, recall_at=(20, 100))
        rr, gain, r20 = ir_measures.RR(rel=relevant) @ 10, ir_measures.nDCG @ 10, ir_measures.R(rel=relevant) @ 20
        reference = ir_measures.msmarco.calc_aggregate([rr], qrels, run)
        reference |= ir_measures.pytrec_eval.calc_aggregate([gain, r20], qrels, run)
        assert found["mrr@10"].value == pytest.approx(reference[rr])
        assert found["ndcg@10"].value == pytest.approx(reference[gain])
        assert found["recall@20"].value == pytest.approx(reference[r20])
        ranked = {query: list(scores) for query, scores in run.items()}
        assert found["mrr@10"].value == pytest.approx(ms_marco(qrels, ranked, relevant))
        assert 0.1 < found["mrr@10"].value < 1


def test_grades_that_all_count_alike_are_doubtful() -> None:
    graded = dataset({"q1": {"a": 1, "b": 3}, "q2": {"a": 0, "c": 2}})
    (doubt,) = ranking.doubts(graded, 1000)
    assert doubt.startswith("the judgements have grades up to 3, and all from 1 on count as relevant")
    assert ranking.doubts(graded, 1000, relevant=2) == ()
    assert ranking.doubts(dataset({"q1": {"a": 1, "b": 0}}), 2) == ()  # of MS MARCO's own kind


def test_a_slice_of_judged_passages_is_told_from_a_collection() -> None:
    graded = dataset({"q1": {"a": 1, "b": 3}, "q2": {"a": 0, "c": 2}})
    (doubt,) = ranking.doubts(graded, 15, relevant=2)
    assert doubt.startswith("3 of the collection's 15 passages were judged: scores on a judged slice")
    assert ranking.doubts(graded, 16, relevant=2) == ()


def test_the_judged_passages_of_dl19_are_known_for_a_slice(shared_data: Path) -> None:
    folder = shared_data / "msmarco-dl19"
    with gzip.open(folder / "collection.tsv.gz", "rt", encoding="utf-8") as lines:
        passages = sum(1 for _ in lines)
    assert len(ranking.doubts(dataset(_dl19(shared_data)), passages)) == 2


def _dl19(folder: Path) -> dict[str, dict[str, int]]:
    with gzip.open(folder / "msmarco-dl19" / "collection.tsv.gz", "rt", encoding="utf-8") as file:
        held = {line.split("\t", 1)[0] for line in file}
    qrels: dict[str, dict[str, int]] = {}
    for line in (folder / "msmarco-dl19" / "qrels.dl19-passage.txt").read_text(encoding="utf-8").splitlines():
        query, _, passage, grade = line.split()
        if passage in held:
            qrels.setdefault(query, {})[passage] = int(grade)
    return qrels


def _cranfield(folder: Path) -> dict[str, dict[str, int]]:
    qrels: dict[str, dict[str, int]] = {}
    for line in (folder / "cranfield" / "cranqrel").read_text(encoding="utf-8").splitlines():
        query, passage, grade = line.split()
        if int(grade) > 0:  # 1 is the best of four
            qrels.setdefault(query, {})[passage] = 5 - int(grade)
    return qrels
