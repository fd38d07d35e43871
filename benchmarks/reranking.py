"""How long a cross-encoder takes to rerank beside the usual script.

    python benchmarks/reranking.py [--passages N]

A BERT of base size (12 layers, 768 units, random weights) reads one query with each passage; passages have 8 to 200
words, about 56 on average. The peer is the usual script: transformers, fp32, batches of 32 in the order of the
candidates, padded to the longest. crossfare sorts by length and packs batches by tokens, and computes in what
`precision: auto` finds: bf16 where the processor has it, else fp32. Processor time of one thread, without loading.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from tempfile import TemporaryDirectory

os.environ["OMP_NUM_THREADS"] = "1"

import numpy as np
import torch
from scipy.stats import spearmanr
from transformers import BertConfig, BertForSequenceClassification

import ratios
from crossfare import pretrained
from crossfare.data import world
from crossfare.precision import resolved
from crossfare.pretrained.loading import load_config, load_model, load_tokenizer
from crossfare.tasks import TASKS
from crossfare.types import Dataset, Prediction, QueryExample

_LONGEST = 256


def main() -> None:
    """Rerank the same candidates both ways."""
    parser = ratios.parser(__doc__)
    parser.add_argument("--passages", type=int, default=200, help="candidates of the query (default: %(default)s)")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    query, passages = _texts(asked.passages)
    with TemporaryDirectory() as folder:
        _make(Path(folder))
        theirs, usual = _usual(folder, query, passages)
        ours, found = _own(folder, query, passages)
    alike = f"rank correlation {spearmanr(usual, found).statistic:.4f}"
    print("| reranker | pairs a second | ratio |\n|---|---|---|")
    print(f"| transformers, fp32, in order | {asked.passages / theirs:.1f} | 1.0 |")
    print(f"| crossfare, {resolved('auto')} | {asked.passages / ours:.1f} | {theirs / ours:.1f} times as fast |")
    print(f"\nScores of both: {alike}.")
    ratios.keep(
        asked.ratios, [ratios.Ratio("reranking (BERT base)", "transformers, in order", theirs / ours, 1.3, alike)]
    )


def _texts(count: int) -> tuple[str, list[str]]:
    rng = np.random.default_rng(0)
    words = sorted({word for text in world.parallel("qa", "train") for word in text.texts["en"].split()})
    lengths = np.clip(rng.normal(56, 25, count), 8, 200).astype(int)
    return " ".join(rng.choice(words, 8)), [" ".join(rng.choice(words, length)) for length in lengths]


def _make(folder: Path) -> None:
    """A model of base size, with the tokenizer of an embedded one."""
    embedded = str(pretrained.resolve("embedded:english-encoder").path)
    tokenizer = load_tokenizer(embedded, load_config(embedded))
    torch.manual_seed(0)
    config = BertConfig(vocab_size=len(tokenizer), num_labels=1, initializer_range=0.1)
    BertForSequenceClassification(config).save_pretrained(folder)
    tokenizer.model_max_length = config.max_position_embeddings
    tokenizer.save_pretrained(folder)


def _own(folder: str, query: str, passages: list[str]) -> tuple[float, list[float]]:
    named = {f"p{number}": text for number, text in enumerate(passages)}
    dataset = Dataset("asked", "ranking", "test", "en", (QueryExample("q", query, ()),))
    candidates = [Prediction("q", "", scores=tuple((name, 0.0) for name in named))]
    predictor = TASKS["ranking"].predictor(folder, options={"max_length": _LONGEST, "precision": "auto"})
    made = predictor.predict(dataset, candidates=candidates, passages=named)
    scores = dict(made.predictions[0].scores)
    return float(made.usage.seconds or 0), [scores[name] for name in named]


def _usual(folder: str, query: str, passages: list[str]) -> tuple[float, list[float]]:
    config = load_config(folder)
    tokenizer = load_tokenizer(folder, config)
    model = load_model(folder, "AutoModelForSequenceClassification", config, dtype=torch.float32)[0].eval()
    began, found = time.process_time(), []
    for at in range(0, len(passages), 32):
        batch = passages[at : at + 32]
        given = tokenizer(
            [query] * len(batch),
            batch,
            truncation="only_second",
            max_length=_LONGEST,
            padding=True,
            return_tensors="pt",
        )
        with torch.inference_mode():
            found += model(**given).logits[:, 0].tolist()
    return time.process_time() - began, found


if __name__ == "__main__":
    main()
