from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

import tiny_models
from crossfare.errors import ConfigError
from crossfare.model import labels, qa

torch = pytest.importorskip("torch")


@pytest.mark.parametrize(
    ("kind", "segments", "longest"), [("bert", True, 128), ("xlm-roberta", False, 128), ("distilbert", False, 128)]
)
def test_knows_what_the_architecture_reads(kind: str, segments: bool, longest: int) -> None:
    encoder = qa.load(tiny_models.checkpoint(kind))
    assert (encoder.segments, encoder.longest) == (segments, longest)
    ids = np.arange(encoder.longest) % 50 + 5
    encoder.model(**encoder.collate([{"input_ids": ids}]))  # the longest input still fits


def test_half_precision_on_disk_is_single_in_memory() -> None:
    folder = tiny_models.checkpoint(half=True)
    assert json.loads((Path(folder) / "config.json").read_text())["dtype"] == "float16"
    assert {parameter.dtype for parameter in qa.load(folder).model.parameters()} == {torch.float32}


def test_dropout_is_the_models_own_unless_set() -> None:
    def rates(dropout: float | None, kind: str) -> set[float]:
        model = qa.load(tiny_models.checkpoint(kind), dropout=dropout).model
        return {module.p for module in model.modules() if isinstance(module, torch.nn.Dropout)}

    assert rates(None, "bert") == {0.1}
    assert rates(0.0, "bert") == {0.0}
    assert rates(0.3, "distilbert") == {0.3}


def test_collate_pads_with_the_tokenizers_own_id() -> None:
    encoder = qa.load(tiny_models.checkpoint("xlm-roberta"))
    batch = encoder.collate(
        [{"input_ids": np.array([0, 7, 2]), "labels": 1}, {"input_ids": np.array([0]), "labels": 0}]
    )
    assert batch["input_ids"].tolist() == [[0, 7, 2], [0, 1, 1]]
    assert batch["attention_mask"].tolist() == [[1, 1, 1], [1, 0, 0]]
    assert batch["labels"].tolist() == [1, 0]


def test_padding_changes_no_logit() -> None:
    encoder = qa.load(tiny_models.checkpoint("bert"))
    encoder.model.eval()
    short = {"input_ids": np.array([2, 9, 3]), "token_type_ids": np.array([0, 0, 1])}
    long = {"input_ids": np.arange(5, 25), "token_type_ids": np.ones(20, dtype=int)}
    with torch.inference_mode():
        alone = encoder.model(**encoder.collate([short])).start_logits[0]
        padded = encoder.model(**encoder.collate([short, long])).start_logits[0, :3]
    assert torch.allclose(alone, padded, atol=1e-5)


def test_errors_say_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"holds no config\.json"):
        qa.load(str(tmp_path))
    with pytest.raises(ConfigError, match="is not fine-tuned"):
        qa.load(tiny_models.checkpoint(), trained=True)
    with pytest.raises(ConfigError, match="is not fine-tuned"):
        labels.load(tiny_models.checkpoint())
    (tmp_path / "config.json").write_text('{"model_type": "no-such-model"}')
    with pytest.raises(ConfigError, match="cannot load the model"):
        qa.load(str(tmp_path))


def test_weights_of_another_shape_are_an_error_not_a_warning(tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    shutil.copytree(tiny_models.checkpoint(), broken)
    config = json.loads((broken / "config.json").read_text())
    (broken / "config.json").write_text(json.dumps({**config, "num_hidden_layers": 3}))
    with pytest.raises(ConfigError, match="does not fit BertForQuestionAnswering"):
        qa.load(str(broken))
    (broken / "config.json").write_text(json.dumps({**config, "intermediate_size": 48}))
    with pytest.raises(ConfigError, match="does not fit BertForQuestionAnswering"):
        qa.load(str(broken))
