from __future__ import annotations

import math
import unicodedata
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tiny_models
from crossfare import predict
from crossfare.errors import ConfigError, DataError
from crossfare.model import labels, ranking
from crossfare.types import NLI_LABELS, Prediction, QueryExample, RankingExample

torch = pytest.importorskip("torch")

KINDS = (*tiny_models.ARCHITECTURES, "t5")
PAIRS = [("where does Ana live?", "Ana lives in Paris."), ("who?", "Hà Nội " * 60), ("who?", ""), ("", "Ana works")]


def scores(reranker: ranking.Reranker, features: list[Any], budget: int = 8192) -> np.ndarray[Any, Any]:
    with reranker.scoring():
        (values,) = predict.logits(
            reranker.model, features, collate=reranker.collate, outputs=("logits",), token_budget=budget
        )
    return reranker.scores(values)


def examples(*negatives: int) -> list[RankingExample]:
    return [
        RankingExample(f"r{i}", f"where does Ana {i} live?", "Ana lives", tuple(f"Bruno {k}" for k in range(count)))
        for i, count in enumerate(negatives)
    ]


@pytest.mark.parametrize("kind", tiny_models.ARCHITECTURES)
def test_pairs_are_the_tokenizers_own(kind: str) -> None:
    reranker = ranking.load(tiny_models.checkpoint(kind))
    for (query, passage), feature in zip(PAIRS, reranker.features(PAIRS, 40), strict=True):
        expected = reranker.tokenizer(
            [query], [passage], truncation="only_second", max_length=40, return_token_type_ids=True
        )
        assert feature["input_ids"].tolist() == expected["input_ids"][0]
        if reranker.segments:
            assert feature["token_type_ids"].tolist() == expected["token_type_ids"][0]
        assert ("token_type_ids" in feature) == reranker.segments


@pytest.mark.parametrize("kind", KINDS)
def test_the_passage_is_cut_and_the_query_only_at_half(kind: str) -> None:
    reranker = ranking.load(tiny_models.checkpoint(kind))
    query = "where does Ana live ?"
    asked = reranker.tokenizer(query, add_special_tokens=False)["input_ids"]
    (feature,) = reranker.features([(query, "Hà Nội " * 60)], 2 * len(asked))
    ids = feature["input_ids"].tolist()
    assert len(ids) == 2 * len(asked)
    assert any(ids[at : at + len(asked)] == asked for at in range(len(ids)))
    long, short = reranker.features([(query * 30, "Ana works"), (query * 30, "")], 40)
    assert len(long["input_ids"]) <= 40
    assert len(long["input_ids"]) > len(short["input_ids"]) >= 20


def test_decomposed_text_reads_as_composed() -> None:
    reranker = ranking.load(tiny_models.checkpoint())
    one, two = reranker.features(
        [
            (unicodedata.normalize(form, "Hà Nội?"), unicodedata.normalize(form, "São Paulo, München"))
            for form in ("NFC", "NFD")
        ],
        40,
    )
    assert one["input_ids"].tolist() == two["input_ids"].tolist()


@pytest.mark.parametrize("kind", KINDS)
def test_scores_do_not_depend_on_the_batch_and_survive_saving(kind: str, tmp_path: Path) -> None:
    reranker = ranking.load(tiny_models.checkpoint(kind))
    features = reranker.features(PAIRS, 60)
    alone = np.concatenate([scores(reranker, [feature]) for feature in features])
    assert alone.shape == (4,)
    assert len(set(alone.tolist())) == 4
    for budget in (1, 70, 8192):
        assert np.allclose(scores(reranker, features, budget), alone, rtol=3e-6, atol=3e-7)
    reranker.model.save_pretrained(tmp_path)
    reranker.tokenizer.save_pretrained(tmp_path)
    again = ranking.load(str(tmp_path), trained=True)
    assert np.allclose(scores(again, again.features(PAIRS, 60)), alone, rtol=3e-6, atol=3e-7)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("sizes", [(3, 3), (1, 4, 2)])
def test_the_listwise_loss_is_its_formula(kind: str, sizes: tuple[int, ...]) -> None:
    """Cross-entropy of the softmax over the positive and its negatives."""
    reranker = ranking.load(tiny_models.checkpoint(kind), dropout=0.0)
    data = examples(*(size - 1 for size in sizes))
    # An example without negatives is left out by `training_features`, but the loss itself must hold.
    groups = [
        ranking._group(reranker.features([(one.query, text) for text in (one.positive, *one.negatives)], 40))
        for one in data
    ]
    batch = reranker.collate(groups)
    labels = batch.pop("labels")
    assert labels.tolist() == list(sizes)
    with torch.no_grad():
        outputs = reranker.model(**batch)
    margins = reranker.margins(outputs).tolist()
    assert len(margins) == sum(sizes)
    expected, at = 0.0, 0
    for size in sizes:
        group = margins[at : at + size]
        expected += -math.log(math.exp(group[0]) / sum(map(math.exp, group)))
        at += size
    assert ranking.loss_of(reranker, "listwise")(outputs, labels).item() == pytest.approx(
        expected / len(sizes), rel=1e-5
    )


def test_a_group_is_its_pairs() -> None:
    reranker = ranking.load(tiny_models.checkpoint())
    data = examples(2, 1)
    made = ranking.training_features(reranker, data, loss="listwise", max_length=40).features
    pairs = [
        feature
        for one in data
        for feature in reranker.features([(one.query, text) for text in (one.positive, *one.negatives)], 40)
    ]
    assert [len(feature["input_ids"]) for feature in made] == [
        sum(len(pair["input_ids"]) for pair in pairs[:3]),
        sum(len(pair["input_ids"]) for pair in pairs[3:]),
    ]
    groups, single = reranker.collate(made), reranker.collate(pairs)
    assert groups.pop("labels").tolist() == [3, 2]
    assert groups.keys() == single.keys()
    assert all((groups[name] == single[name]).all() for name in single)


def test_the_pointwise_loss_is_binary_cross_entropy() -> None:
    reranker = ranking.load(tiny_models.checkpoint(), dropout=0.0)
    made = ranking.training_features(reranker, examples(2, 0), loss="pointwise", max_length=40)
    assert made.without_negatives == ()
    assert [feature["labels"] for feature in made.features] == [1, 0, 0, 1]
    batch = reranker.collate(made.features)
    labels = batch.pop("labels")
    with torch.no_grad():
        outputs = reranker.model(**batch)
    odds = reranker.margins(outputs).tolist()
    expected = [math.log1p(math.exp(-x if label else x)) for x, label in zip(odds, labels.tolist(), strict=True)]
    assert ranking.loss_of(reranker, "pointwise")(outputs, labels).item() == pytest.approx(np.mean(expected), rel=1e-5)


def test_negatives_are_drawn_by_the_seed() -> None:
    reranker = ranking.load(tiny_models.checkpoint())
    data = examples(*[9] * 20)

    def tokens(**settings: Any) -> list[list[int]]:
        made = ranking.training_features(reranker, data, loss="listwise", max_length=40, **settings)
        assert made.without_negatives == ()
        return [feature["input_ids"].tolist() for feature in made.features]

    assert tokens(negatives=3, seed=1) == tokens(negatives=3, seed=1) != tokens(negatives=3, seed=2)
    assert tokens(negatives=9) == tokens()
    made = ranking.training_features(reranker, data, loss="pointwise", negatives=3, max_length=40)
    assert len(made.features) == 20 * 4
    made = ranking.training_features(reranker, examples(1, 0), loss="listwise")
    assert (len(made.features), made.without_negatives) == (1, ("r1",))


def test_a_head_of_another_task_is_replaced_and_one_of_this_kept(tmp_path: Path) -> None:
    other = labels.load(tiny_models.checkpoint(), labels=NLI_LABELS)
    other.model.save_pretrained(tmp_path)
    other.tokenizer.save_pretrained(tmp_path)
    with pytest.raises(ConfigError, match="has 3 outputs, but a cross-encoder has one"):
        ranking.load(str(tmp_path), trained=True)
    reranker = ranking.load(str(tmp_path))
    assert reranker.model.classifier.out_features == 1
    reranker.model.save_pretrained(tmp_path)
    again = ranking.load(str(tmp_path))
    assert (again.model.classifier.weight == reranker.model.classifier.weight).all()
    with pytest.raises(ConfigError, match="is not fine-tuned"):
        ranking.load(tiny_models.checkpoint(), trained=True)
    with pytest.raises(ConfigError, match=r"holds no config\.json"):
        ranking.load(str(tmp_path / "nowhere"))


def test_candidates_of_queries() -> None:
    queries = [QueryExample("q1", "who?", ()), QueryExample("q2", "where?", ()), QueryExample("q3", "when?", ())]
    run = [
        Prediction("q2", "d1", scores=(("d1", 3.0), ("d2", 2.0), ("d3", 1.0))),
        Prediction("q9", "d1", scores=(("d1", 3.0),)),
        Prediction("q1", ""),
    ]
    found = ranking.candidates(queries, run, depth=2)
    assert [(one.id, one.query, one.passages) for one in found] == [
        ("q1", "who?", ()),
        ("q2", "where?", ("d1", "d2")),
        ("q3", "when?", ()),
    ]
    assert ranking.candidates(queries, run)[1].passages == ("d1", "d2", "d3")
    assert ranking.pairs(found, {"d1": "one", "d2": "two"}) == [("where?", "one"), ("where?", "two")]
    with pytest.raises(DataError, match="passage 'd2', a candidate of query 'q2', is not in the collection"):
        ranking.pairs(found, {"d1": "one"})
    with pytest.raises(DataError, match="have query 'q1' twice"):
        ranking.candidates(queries, [*run, run[2]])
    with pytest.raises(DataError, match="of query 'q1' have passage 'd7' twice"):
        ranking.candidates(queries, [Prediction("q1", "d7", scores=(("d7", 2.0), ("d7", 1.0)))])
    with pytest.raises(DataError, match=r"none of the queries \('q1' ...\)"):
        ranking.candidates(queries, run[1:2])


@given(st.lists(st.integers(0, 9), max_size=30), st.integers(1, 20))
def test_chunks_hold_whole_queries_in_order(depths: list[int], limit: int) -> None:
    asked = [ranking.Candidates(f"q{i}", "", tuple(f"d{k}" for k in range(n))) for i, n in enumerate(depths)]
    chunks = list(ranking.chunks(asked, limit))
    assert [one for chunk in chunks for one in chunk] == asked
    for chunk in chunks:
        assert len(chunk) == 1 or sum(len(one.passages) for one in chunk) <= limit


def test_decoding_orders_by_score_and_ties_by_first_stage() -> None:
    asked = [
        ranking.Candidates("q1", "", ("a", "b", "c")),
        ranking.Candidates("q2", "", ()),
        ranking.Candidates("q3", "", ("d", "e")),
    ]
    first, second, third = ranking.decode(asked, np.array([0.5, 1.5, 0.5, 2.0, 3.0], dtype=np.float32))
    assert (first.id, first.output, first.scores) == ("q1", "b", (("b", 1.5), ("a", 0.5), ("c", 0.5)))
    assert (second.id, second.output, second.scores) == ("q2", "", ())
    assert (third.output, [name for name, _ in third.scores]) == ("e", ["e", "d"])


def test_a_constant_scorer_ranks_the_positive_last() -> None:
    constant = np.ones(7, dtype=np.float32)
    assert ranking.mean_reciprocal_rank(constant, [4, 3]) == pytest.approx((1 / 4 + 1 / 3) / 2)
    assert ranking.mean_reciprocal_rank(np.array([3, 2, 1, 0, 1, 2, 3], dtype=np.float32), [4, 3]) == pytest.approx(
        (1 + 1 / 3) / 2
    )
