"""How fast a local translation engine is beside the usual script.

    python benchmarks/translation_engines.py [--texts N] [--model embedded:marian-en-xx] [--target de]

The peer is the usual script (and the paper's way): transformers, fp32, greedy search, batches of 32 in the order of
the data. crossfare sorts by length and packs batches by tokens; CTranslate2 computes in int8 besides. Texts are the
questions and sentences of the embedded world. Processor time of one thread, without loading; the fastest of 3 rounds.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence

os.environ["OMP_NUM_THREADS"] = "1"

import torch
from transformers.utils import logging

import ratios
from crossfare import pretrained, translate
from crossfare.data import world
from crossfare.pretrained.loading import load_config, load_model, load_tokenizer

Translated = Sequence[str | None]
_LEAST = {"transformers, sorted (crossfare)": 1.6, "CTranslate2 int8, sorted (crossfare)": 5.0}


def main() -> None:
    """Translate the same texts by all, in turns."""
    parser = ratios.parser(__doc__)
    parser.add_argument("--texts", type=int, default=600, help="texts to translate (default: %(default)s)")
    parser.add_argument("--model", default="embedded:marian-en-xx", help="a Marian model (default: %(default)s)")
    parser.add_argument("--target", default="de", help="target language (default: %(default)s)")
    asked = parser.parse_args()
    texts = [text.texts["en"] for text in world.parallel("qa", "train") if " " in text.texts["en"]][: asked.texts]
    ways = {
        "transformers, dataset order": _usual(asked.model, asked.target),
        "transformers, sorted (crossfare)": _own("transformers", asked.model, asked.target),
        "CTranslate2 int8, sorted (crossfare)": _own("ctranslate2", asked.model, asked.target),
    }
    for way in ways.values():
        way(texts[:8])  # loads
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    outputs: dict[str, Translated] = {}
    for _ in range(3):
        for name, way in ways.items():
            began = time.process_time()
            outputs[name] = way(texts)
            seconds[name].append(time.process_time() - began)
    peer = next(iter(ways))
    print("| engine | texts a second | ratio | same translation |\n|---|---|---|---|")
    for name, found in seconds.items():
        same = sum(a == b for a, b in zip(outputs[name], outputs[peer], strict=True)) / len(texts)
        rate, times = len(texts) / min(found), min(seconds[peer]) / min(found)
        print(f"| {name} | {rate:.0f} | {times:.1f} | {same:.3f} |")
        if name in _LEAST:
            ratios.keep(asked.ratios, [ratios.Ratio(name, peer, times, _LEAST[name], f"{same:.1%}")])


def _own(engine: str, model: str, target: str) -> Callable[[Sequence[str]], Translated]:
    made = translate.engine(engine, model=model)
    return lambda texts: made.translate(texts, source="en", target=target).texts


def _usual(ref: str, target: str) -> Callable[[Sequence[str]], Translated]:
    path = str(pretrained.resolve(ref).path)
    logging.disable_progress_bar()
    config = load_config(path, ref)
    tokenizer = load_tokenizer(path, config, ref)
    model = load_model(path, "AutoModelForSeq2SeqLM", config, ref, dtype=torch.float32)[0].eval()
    model.generation_config.max_length = None  # max_new_tokens decides
    code = f">>{target}<< " if f">>{target}<<" in tokenizer.get_vocab() else ""

    def translated(texts: Sequence[str]) -> list[str]:
        found: list[str] = []
        for at in range(0, len(texts), 32):
            batch = tokenizer([code + text for text in texts[at : at + 32]], return_tensors="pt", padding=True)
            with torch.inference_mode():
                made = model.generate(**batch, num_beams=1, do_sample=False, max_new_tokens=128)
            found += tokenizer.batch_decode(made, skip_special_tokens=True)
        return found

    return translated


if __name__ == "__main__":
    main()
