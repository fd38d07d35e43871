from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tiny_models
from crossfare import predict
from crossfare.errors import ConfigError
from crossfare.model import ranking
from crossfare.pretrained.loading import quiet

torch = pytest.importorskip("torch")

from crossfare.model import monot5  # noqa: E402  (imports torch)

PAIRS = [("where does Ana live?", "Ana lives in Paris."), ("who?", "Hà Nội " * 6), ("who?", "")]


@pytest.fixture(autouse=True)
def _quiet() -> Any:
    with quiet():
        yield


def copy(kind: str, folder: Path, **config: Any) -> str:
    """A checkpoint with another config.json."""
    for path in Path(tiny_models.checkpoint(kind)).iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    read = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**read, **config}))
    return str(folder)


@pytest.mark.parametrize("kind", tiny_models.SEQ2SEQ)
def test_two_rows_give_what_the_whole_vocabulary_gives(kind: str, tmp_path: Path) -> None:
    """Softmax over the two words' logits of a full forward pass, as in the papers."""
    model = monot5.load(tiny_models.checkpoint(kind))
    features = model.features(PAIRS, 64)
    with torch.inference_mode():
        model.model.eval()
        whole = model.model(**model.collate(features)).logits[:, 0]
    assert whole.shape == (3, model.model.config.vocab_size)
    expected = torch.log_softmax(whole[:, [model.relevant, model.irrelevant]], dim=1)[:, 0]
    with model.scoring():
        (values,) = predict.logits(model.model, features, collate=model.collate, outputs=("logits",))
    assert values.shape == (3, 2)
    assert np.allclose(model.scores(values), expected.numpy(), atol=1e-5)
    model.model.save_pretrained(tmp_path)  # the projection is as it was
    model.tokenizer.save_pretrained(tmp_path)
    again = monot5.load(str(tmp_path), trained=True)
    with torch.inference_mode():
        assert torch.allclose(again.model(**again.collate(features)).logits[:, 0], whole, atol=1e-6)


def test_the_projection_comes_back_after_an_error() -> None:
    model = monot5.load(tiny_models.checkpoint("t5"))
    before = model.model.get_output_embeddings()
    with pytest.raises(RuntimeError), model.scoring():
        raise RuntimeError
    assert model.model.get_output_embeddings() is before


def test_the_prompt_reads_as_if_tokenised_whole() -> None:
    model = monot5.load(tiny_models.checkpoint("t5"))
    for (query, passage), feature in zip(PAIRS, model.features(PAIRS, 512), strict=True):
        prompt = f"Query: {query} Document: {passage} Relevant:"
        assert feature["input_ids"].tolist() == model.tokenizer(prompt)["input_ids"]
    (cut,) = model.features([("where does Ana live?", "Ana lives in Paris. " * 20)], 40)
    text = model.tokenizer.decode(cut["input_ids"])
    assert len(cut["input_ids"]) == 40
    assert text.endswith("▁Relevant: </s>")


def test_the_pointwise_loss_is_that_of_the_word_over_the_vocabulary() -> None:
    model = monot5.load(tiny_models.checkpoint("mt5"), dropout=0.0)
    features = [
        {**feature, "labels": label} for feature, label in zip(model.features(PAIRS, 40), (1, 0, 1), strict=True)
    ]
    batch = model.collate(features)
    labels = batch.pop("labels")
    start = batch.pop("decoder_input_ids")
    assert start.tolist() == [[0]] * 3
    words = torch.tensor([[model.relevant], [model.irrelevant], [model.relevant]])
    with torch.no_grad():
        expected = model.model(**batch, labels=words).loss  # transformers' own, of a target of one token
        outputs = model.model(**batch, decoder_input_ids=start)
    assert model.pointwise(outputs, labels).item() == pytest.approx(expected.item(), rel=1e-6)


def test_which_words_are_said(tmp_path: Path) -> None:
    def words(path: str, **settings: Any) -> list[str]:
        model = monot5.load(path, **settings)
        pieces = model.tokenizer.convert_ids_to_tokens([model.relevant, model.irrelevant])
        assert model.model.config.relevance_tokens  # noted in the checkpoint that fine-tuning saves
        return list(pieces)

    plain = tiny_models.checkpoint("t5")
    assert words(plain) == ["▁yes", "▁no"]
    assert words(plain, name="castorini/monot5-base-msmarco") == ["▁true", "▁false"]
    assert words(plain, name="/cache/models--castorini--monot5-base-msmarco/snapshots/1f") == ["▁true", "▁false"]
    assert words(plain, name="unicamp-dl/mt5-base-en-pt-msmarco-v2") == ["▁yes", "▁no"]
    noted = copy("t5", tmp_path, relevance_tokens=["no", "yes"])
    assert words(noted, name="castorini/monot5-base-msmarco") == ["▁no", "▁yes"]
    assert words(noted, relevance_tokens=("▁true", "▁yes")) == ["▁true", "▁yes"]


def test_words_that_are_not_tokens_are_errors(tmp_path: Path) -> None:
    plain = tiny_models.checkpoint("t5")
    with pytest.raises(ConfigError, match=r"'perhaps' is not a single token of .*relevance_tokens"):
        monot5.load(plain, relevance_tokens=("perhaps", "no"))
    with pytest.raises(ConfigError, match="relevance_tokens are two"):
        monot5.load(copy("t5", tmp_path, relevance_tokens=["yes"]))
    with pytest.raises(ConfigError, match="not known to be fine-tuned for ranking"):
        ranking.load(plain, trained=True)
    assert ranking.load(plain, trained=True, relevance_tokens=("yes", "no")).relevant  # type: ignore[attr-defined]
    assert ranking.load(plain, trained=True, name="castorini/monot5-base-msmarco")
