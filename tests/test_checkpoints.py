"""The shipped checkpoints load like any other model, are small, and can do what they are shipped for."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from crossfare.data import world
from crossfare.data.world import Aligned
from crossfare.pretrained import resolve
from crossfare.translate.engines.ctranslate2_seq2seq import CTranslate2Engine
from tune_markers import MarkedPair, marker_survival

ENCODERS = {"multilingual-encoder": ("en", "pt", "de", "vi"), "english-encoder": ("en",)}
TRANSLATORS = {
    "marian-en-xx": [("en", "pt"), ("en", "de"), ("en", "vi")],
    "marian-xx-en": [("pt", "en"), ("de", "en"), ("vi", "en")],
}
FOLDER = Path(resolve("embedded:multilingual-encoder").path).parent
RERANKER = "seq2seq-reranker"
ALL = [*ENCODERS, *TRANSLATORS, *(f"{name}-marked" for name in TRANSLATORS), RERANKER]


def sentences(count: int) -> list[Aligned]:
    """Statements and questions of the test sets, spread over all of them."""
    texts = [*world.parallel("qa", "test"), *world.parallel("nli", "test")]
    single = [text for text in texts if ". " not in text.texts["en"]]
    return single[:: len(single) // count][:count]


def tokenizer_of(name: str) -> Any:
    from transformers import AutoTokenizer

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # "Recommended: pip install sacremoses"
        return AutoTokenizer.from_pretrained(FOLDER / name)


def test_all_are_there_and_small() -> None:
    assert {path.name for path in FOLDER.iterdir() if path.is_dir() and not path.name.startswith("__")} == set(ALL)
    files = [path for path in FOLDER.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) <= 25e6
    assert {path.suffix for path in files if "__pycache__" not in path.parts} <= {
        ".json",
        ".safetensors",
        ".spm",
        ".py",
    }


@pytest.mark.parametrize("name", ALL)
def test_half_precision_on_disk_single_precision_in_memory(name: str) -> None:
    import torch
    from safetensors import safe_open
    from transformers import AutoModel

    with safe_open(FOLDER / name / "model.safetensors", "pt") as weights:
        assert {weights.get_tensor(key).dtype for key in weights.keys()} == {torch.float16}  # noqa: SIM118
    assert AutoModel.from_pretrained(FOLDER / name).dtype == torch.float32


@pytest.mark.parametrize("name", ENCODERS)
def test_encoder_tokenizers_are_fast_and_spell_their_languages(name: str) -> None:
    tokenizer = tokenizer_of(name)
    assert tokenizer.is_fast
    for language in ENCODERS[name]:
        for text in (aligned.texts[language] for aligned in sentences(60)):
            encoded = tokenizer(text, "Yes.", return_offsets_mapping=True)
            assert tokenizer.unk_token_id not in encoded["input_ids"], text
            assert set(encoded["token_type_ids"]) == {0, 1}
            spelled = "".join(
                text[a:b] for (a, b), s in zip(encoded["offset_mapping"], encoded.sequence_ids(), strict=True) if s == 0
            )
            assert spelled == "".join(text.split())


@pytest.mark.parametrize(("first", "second"), [("en", "de"), ("vi", "en"), ("pt", "vi")])
def test_the_multilingual_encoder_restores_a_hidden_value_from_a_translation(first: str, second: str) -> None:
    import torch
    from transformers import AutoModelForMaskedLM

    tokenizer, model = (
        tokenizer_of("multilingual-encoder"),
        AutoModelForMaskedLM.from_pretrained(FOLDER / "multilingual-encoder"),
    )
    hits = []
    for aligned in [text for text in sentences(80) if text.spans][:40]:
        start, end = aligned.spans[0][first]
        encoded = tokenizer(aligned.texts[first], aligned.texts[second], return_offsets_mapping=True)
        hidden = np.array(
            [
                s == 0 and a < end and b > start
                for (a, b), s in zip(encoded["offset_mapping"], encoded.sequence_ids(), strict=True)
            ]
        )
        ids = torch.tensor([encoded["input_ids"]])
        masked = ids.masked_fill(torch.from_numpy(hidden)[None], tokenizer.mask_token_id)
        with torch.no_grad():
            guess = (
                model(input_ids=masked, token_type_ids=torch.tensor([encoded["token_type_ids"]])).logits[0].argmax(-1)
            )
        hits.append(bool((guess[hidden] == ids[0][hidden]).all()))
    assert np.mean(hits) >= 0.7


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A cache folder of these tests' own: each model is converted once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CROSSFARE_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


def marked_pairs(source: str, target: str) -> list[MarkedPair]:
    return [
        MarkedPair(t.texts[source], t.texts[target], source, target, tuple((s[source], s[target]) for s in t.spans))
        for t in sentences(200)
        if t.spans
    ]


@pytest.mark.parametrize("name", TRANSLATORS)
def test_delimiters_survive_after_fine_tuning_and_not_before(name: str) -> None:
    before = CTranslate2Engine(f"embedded:{name}", threads=1)
    after = CTranslate2Engine(f"embedded:{name}-marked", threads=1)
    for source, target in TRANSLATORS[name]:
        pairs = marked_pairs(source, target)
        assert marker_survival(before, pairs).survival_rate <= 0.1
        assert marker_survival(after, pairs).survival_rate >= 0.85
        assert marker_survival(after, pairs).exact_rate >= 0.5


@pytest.mark.parametrize("name", [*TRANSLATORS, *(f"{name}-marked" for name in TRANSLATORS)])
def test_most_plain_sentences_are_translated_to_the_letter(name: str) -> None:
    engine = CTranslate2Engine(f"embedded:{name}", threads=1)
    for source, target in TRANSLATORS[name.removesuffix("-marked")]:
        texts = sentences(60)
        found = engine.translate([t.texts[source] for t in texts], source=source, target=target).texts
        exact = np.mean([a == b.texts[target] for a, b in zip(found, texts, strict=True)])
        assert 0.55 <= exact < 1.0, (source, target)


@pytest.mark.parametrize("name", TRANSLATORS)
def test_the_padding_row_is_zero_and_ids_follow_opus_mt(name: str) -> None:
    from transformers import AutoModelForSeq2SeqLM

    for folder in (FOLDER / name, FOLDER / f"{name}-marked"):
        model, vocabulary = (
            AutoModelForSeq2SeqLM.from_pretrained(folder),
            json.loads((folder / "vocab.json").read_text("utf-8")),
        )
        assert model.get_input_embeddings().weight[vocabulary["<pad>"]].abs().max() == 0
        assert vocabulary["</s>"] == 0
        assert vocabulary["<pad>"] == len(vocabulary) - 1


def test_the_reranker_has_the_words_of_monot5_and_spells_every_language() -> None:
    tokenizer = tokenizer_of(RERANKER)
    assert tokenizer.is_fast
    prompt = tokenizer("Query: Nuno Document: Porto Relevant:").tokens()
    assert [prompt[i] for i in (0, 1, -3, -2, -1)] == ["Query", ":", "Relevant", ":", tokenizer.eos_token]
    assert "Document" in prompt
    answers = tokenizer.convert_tokens_to_ids(["yes", "no"])
    assert len({*answers, tokenizer.unk_token_id}) == 3
    for aligned in sentences(60):
        for text in aligned.texts.values():
            encoded = tokenizer(text, return_offsets_mapping=True)
            assert tokenizer.unk_token_id not in encoded["input_ids"], text
            assert "".join(text[a:b] for a, b in encoded["offset_mapping"]) == "".join(text.split())


@pytest.mark.parametrize(("source", "target", "least"), [("en", "en", 0.7), ("en", "de", 0.45), ("pt", "en", 0.45)])
def test_the_reranker_finds_what_is_hidden_in_the_other_text(source: str, target: str, least: float) -> None:
    from transformers import T5ForConditionalGeneration

    tokenizer = tokenizer_of(RERANKER)
    model = T5ForConditionalGeneration.from_pretrained(FOLDER / RERANKER).eval()
    told = [text for text in world.parallel("ranking", "test") if ". " not in text.texts["en"].rstrip("?")]
    asked, hidden = [], []
    for text in [text for text in told if text.spans][:60]:
        (start, end), whole = text.spans[0][source], text.texts[source]
        asked.append(
            f"Query: {whole[:start]}<extra_id_0>{whole[end:]} Document: {text.texts[target]} Relevant:",
        )
        hidden.append("".join(whole[start:end].split()))
    said = model.generate(**tokenizer(asked, padding=True, return_tensors="pt"), max_new_tokens=12)
    found = ["".join(text.split()) for text in tokenizer.batch_decode(said, skip_special_tokens=True)]
    assert sum(a == b for a, b in zip(found, hidden, strict=True)) / len(hidden) > least
