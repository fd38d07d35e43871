from __future__ import annotations

import json
import random
import re
import string
import sys
import unicodedata
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crossfare.errors import ConfigError, DataError
from crossfare.score import qa
from crossfare.types import Answer, Dataset, Prediction, QAExample

# The official definitions, written out one step at a time; nothing is shared with the code under test.


_ASCII = set(string.punctuation)


def squad_normal_form(s: str) -> str:
    s = s.lower()
    s = "".join(ch for ch in s if ch not in _ASCII)
    s = re.sub(r"\b(a|an|the)\b", " ", s)
    return " ".join(s.split())


def squad_f1(prediction: str, gold: str) -> float:
    predicted, true = squad_normal_form(prediction).split(), squad_normal_form(gold).split()
    common = Counter(predicted) & Counter(true)
    same = sum(common.values())
    if same == 0:
        return 0
    precision, recall = 1.0 * same / len(predicted), 1.0 * same / len(true)
    return (2 * precision * recall) / (precision + recall)


def squad_exact(prediction: str, gold: str) -> bool:
    return squad_normal_form(prediction) == squad_normal_form(gold)


_PUNCT = {chr(i) for i in range(sys.maxunicode) if unicodedata.category(chr(i)).startswith("P")} | set(
    string.punctuation
)
_DROPPED = {
    "en": r"\b(a|an|the)\b",
    "es": r"\b(un|una|unos|unas|el|la|los|las)\b",
    "vi": r"\b(của|là|cái|chiếc|những)\b",
    "de": r"\b(ein|eine|einen|einem|eines|einer|der|die|das|den|dem|des)\b",
    "ar": r"\sال^|ال",
}


def mlqa_normal_form(s: str, lang: str) -> str:
    s = "".join(ch for ch in s.lower() if ch not in _PUNCT)
    if lang in _DROPPED:
        s = re.sub(_DROPPED[lang], " ", s)
    if lang != "zh":
        return " ".join(t for t in s.split() if t.strip() != "")
    pieces: list[str] = []
    buffer = ""
    for char in s:
        if re.search(r"[\u4e00-\u9fa5]", char) or char in _PUNCT:
            pieces += buffer.split()
            buffer = ""
            pieces.append(char)
        else:
            buffer += char
    return " ".join([*pieces, *buffer.split()])


QA_FILES = ("squad", "squad-pt-google", "squadshifts", "tydiqa", "xquad", "mlqa", "faquad")

_PUNCTUATION = ".,;'\"-–—¿?!()。₫$«»"
_WORDS = (
    "the ",
    " a ",
    "an ",
    "die ",
    "của ",
    "é",
    "e\u0301",
    "ß",
    "İ",
    "\u00a0",
    "\t",
    "中",
    "国",
    "ال",
    " ال",
    "ﬁ",
    "²",
)
_ALPHABET = st.sampled_from([*"aA nNtThHeE1", *_PUNCTUATION, *_WORDS])
_TEXT = st.lists(_ALPHABET, max_size=12).map("".join)


def golds(path: Path) -> list[tuple[str, str, list[str]]]:
    import gzip

    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8") as stream:
        articles = json.load(stream)["data"]
    return [
        (qa["id"], paragraph["context"], [answer["text"] for answer in qa["answers"]])
        for article in articles
        for paragraph in article["paragraphs"]
        for qa in paragraph["qas"]
    ]


def perturbed(gold: str, context: str, rng: random.Random) -> str:
    words = gold.split() or [""]
    return rng.choice(
        (
            gold,
            gold.upper(),
            f"the {gold}.",
            f"«{gold}»",
            " ".join(words[: rng.randint(0, len(words))]),
            " ".join(rng.sample(words, len(words))),
            f"{gold} {rng.choice(context.split() or ['x'])} a",
            gold.replace(" ", "\u00a0"),
            unicodedata.normalize("NFD", gold),
            "the",
            "",
            context[rng.randrange(len(context)) :][:30],
        )
    )


@pytest.mark.parametrize("folder", QA_FILES)
def test_equals_the_official_script_on_published_data(folder: str, shared_data: Path) -> None:
    files = sorted(path for path in (shared_data / folder).rglob("*") if ".json" in path.name)
    assert files
    for path in files:
        rng = random.Random(path.name)
        rows = golds(path)
        examples = tuple(
            QAExample(f"{i}", context, "?", tuple(Answer(text, 0) for text in texts))
            for i, (_, context, texts) in enumerate(rows)
        )
        guesses = [perturbed(rng.choice(texts), context, rng) for _, context, texts in rows]
        predictions = [Prediction(example.id, guess) for example, guess in zip(examples, guesses, strict=True)]
        f1, exact = qa.score(Dataset(path.name, "qa", "test", "en", examples), predictions, resamples=10)
        pairs = [(guess, texts) for guess, (_, _, texts) in zip(guesses, rows, strict=True)]
        assert f1.per_example == tuple(max(squad_f1(g, t) for t in texts) for g, texts in pairs)
        assert exact.per_example == tuple(float(max(squad_exact(g, t) for t in texts)) for g, texts in pairs)
        assert f1.value == sum(f1.per_example) / len(rows)
        assert 0.2 < exact.value < f1.value < 0.9  # the perturbations reach right, wrong and partly right


@settings(max_examples=150, deadline=None)
@given(_TEXT, st.lists(_TEXT, min_size=1, max_size=3))
def test_squad_equals_the_definition(prediction: str, texts: list[str]) -> None:
    assert qa.normalise_squad(prediction) == squad_normal_form(prediction)
    assert qa.f1(prediction, texts) == max(squad_f1(prediction, text) for text in texts)
    assert qa.exact_match(prediction, texts) == float(any(squad_exact(prediction, text) for text in texts))


@settings(max_examples=150, deadline=None)
@given(_TEXT, st.sampled_from(["en", "es", "de", "vi", "ar", "zh", "hi"]))
def test_mlqa_equals_the_definition_on_composed_text(text: str, language: str) -> None:
    text = unicodedata.normalize("NFC", text)
    assert qa.normalise_mlqa(text, language) == mlqa_normal_form(text, language)


def test_an_article_alone_shares_no_token() -> None:
    assert qa.f1("the", ["the"]) == 0.0
    assert qa.exact_match("the", ["the"]) == 1.0


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        ("pt", "Os Lusíadas, as obras e um rio", "lusíadas obras e rio"),
        ("pt-BR", "uma casa", "casa"),
        ("de", "„Das“ Haus des Königs", "haus königs"),
        ("vi", unicodedata.normalize("NFD", "cái bàn của mẹ"), "bàn mẹ"),
        ("fr", "la maison", "la maison"),
    ],
)
def test_mlqa_articles_by_language(language: str, text: str, expected: str) -> None:
    assert qa.normalise_mlqa(text, language) == expected


def dataset(*golds: tuple[str, ...], language: str = "en") -> Dataset:
    examples = tuple(
        QAExample(f"q{i}", " ".join(texts), "?", tuple(Answer(text, 0) for text in texts))
        for i, texts in enumerate(golds)
    )
    return Dataset("d", "qa", "test", language, examples)


def test_best_gold_counts_and_missing_is_wrong_and_counted() -> None:
    data = dataset(("x", "green tea"), ("blue",), ("red",))
    f1, exact = qa.score(data, [Prediction("q0", "tea"), Prediction("q2", "red")])
    assert f1.per_example == (pytest.approx(2 / 3), 0.0, 1.0)
    assert exact.per_example == (0.0, 0.0, 1.0)
    assert f1.ids == ("q0", "q1", "q2")
    assert f1.metric == "f1"
    assert "missing:1" in f1.signature
    assert f1.low <= f1.value <= f1.high


def test_missing_differs_from_an_empty_prediction() -> None:
    _, exact = qa.score(dataset(("the",), ("the",)), [Prediction("q0", "")])
    assert exact.per_example == (1.0, 0.0)


def test_language_aware_score_goes_by_the_language_of_the_dataset() -> None:
    data = dataset(("casa",), language="pt")
    assert qa.score(data, [Prediction("q0", "a casa")], normalise="mlqa")[1].value == 1.0
    assert qa.score(data, [Prediction("q0", "uma casa")])[1].value == 0.0
    assert "norm:mlqa" in qa.score(data, [], normalise="mlqa")[0].signature


def test_refuses_what_it_cannot_score() -> None:
    data = dataset(("x",))
    with pytest.raises(DataError, match="'q9', which is not in the dataset"):
        qa.score(data, [Prediction("q9", "x")])
    with pytest.raises(DataError, match="two predictions have the id 'q0'"):
        qa.score(data, [Prediction("q0", "x"), Prediction("q0", "x")])
    with pytest.raises(DataError, match="'q0' of d has no gold answer"):
        qa.score(dataset(()), [])
    with pytest.raises(DataError, match="no examples"):
        qa.score(dataset(), [])
    with pytest.raises(DataError, match="two examples have the id"):
        qa.score(Dataset("d", "qa", "test", "en", data.examples * 2), [])
    with pytest.raises(ConfigError, match="squad or mlqa"):
        qa.score(data, [], normalise="bleu")
