"""A tokenizer with more pieces than its model is told in one line, before anything is made or sent."""

from __future__ import annotations

from pathlib import Path

import pytest

import tiny_models
import tiny_run
from crossfare.errors import CrossfareError
from crossfare.experiment.preflight import ready
from crossfare.store import Store
from crossfare.tasks import TASKS

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")


def small(folder: Path) -> tuple[str, int]:
    """A model with nine pieces less than its tokenizer, and their number."""
    tokenizer = transformers.AutoTokenizer.from_pretrained(tiny_models.checkpoint())
    size = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 64}
    model = transformers.BertForMaskedLM(transformers.BertConfig(vocab_size=len(tokenizer) - 9, **size))
    for each in (model, tokenizer):
        each.save_pretrained(folder / "small")
    return str(folder / "small"), len(tokenizer) - 9


@pytest.mark.parametrize("task", ["qa", "nli", "ranking"])
def test_a_tokenizer_that_knows_more_than_its_model_is_refused_for_every_task(task: str, tmp_path: Path) -> None:
    model, pieces = small(tmp_path)
    made = {"qa": tiny_models.qa_data, "nli": tiny_models.nli_data, "ranking": tiny_models.ranking_data}[task]()
    with pytest.raises(CrossfareError, match=rf"has {pieces + 9} pieces, but its model {pieces}"):
        TASKS[task].finetune(model, [made], out=tmp_path / "out")


def test_before_texts_are_sent_tokenizers_are_tried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server is asked nothing: there is none at its address."""
    monkeypatch.setenv("CROSSFARE_CACHE", str(tmp_path / "cache"))
    engines = {"libre": {"engine": "libretranslate", "options": {"url": "http://127.0.0.1:9/"}}}
    models = {"target-encoder": small(tmp_path)[0], "source-encoder": tiny_models.checkpoint()}
    asked = tiny_run.spec(tmp_path, engines=engines, models=models, methods=["translate-train"])
    with pytest.raises(CrossfareError, match="pieces, but its model") as refused:
        ready(asked, Store())
    assert "connect" not in str(refused.value)
