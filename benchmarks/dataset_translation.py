"""How long translating the texts of a QA training set takes beside the paper's procedure and the usual script.

    python benchmarks/dataset_translation.py [--questions N] [--data FILE]

The model has the size of opus-mt (Marian, 6 + 6 layers of 512, 58,101 pieces) and random weights; a translation has
1.2 times as many tokens as its text, and a batch takes as many steps as the longest of it, in all ways. Texts are
contexts and questions of a SQuAD file (such as XQuAD), or of the embedded world. Peers compute in fp32, greedily: the
paper's notebook translates the sentences of a context as one batch, once for each of its questions; the usual script
translates each distinct text once, in batches of 32 in the order of the data. crossfare keeps what it has translated,
sorts by length and computes in int8 (CTranslate2). What int8 does to quality is shown with trained models by
translation_engines.py. Processor time of one thread, without loading.
"""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

os.environ["OMP_NUM_THREADS"] = "1"

import torch
from transformers import MarianConfig, MarianMTModel
from transformers.utils import logging

import ratios
from crossfare import data, pretrained, translate
from crossfare.data import world
from crossfare.pretrained.loading import load_config, load_model, load_tokenizer
from crossfare.translate.segments import translate_segments
from crossfare.translate.sentences import segment_spans
from crossfare.types import QAExample

_PIECES, _STRETCH = 58_101, 1.2
_PAPER, _IN_ORDER = "the paper's notebook", "transformers, batches of 32 in order"
_LEAST = {_PAPER: 12, _IN_ORDER: 2.2}


def main() -> None:
    """Translate the same questions all three ways."""
    parser = ratios.parser(__doc__)
    parser.add_argument("--questions", type=int, default=24, help="questions to translate (default: %(default)s)")
    parser.add_argument("--data", type=Path, help="a file in SQuAD's format (default: the embedded world)")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    logging.disable_progress_bar()
    given = data.load(asked.data, task="qa", language="en").dataset if asked.data else world.qa("en", "train")
    examples = [each for each in given.examples[: asked.questions] if isinstance(each, QAExample)]
    contexts = [[*_sentences(example.context), example.question] for example in examples]
    distinct = list(dict.fromkeys(text for texts in contexts for text in texts))
    with TemporaryDirectory() as folder:
        _make(Path(folder))
        usual = _Usual(folder)
        batches = [distinct[at : at + 32] for at in range(0, len(distinct), 32)]
        ways = {_PAPER: usual.seconds(contexts), _IN_ORDER: usual.seconds(batches)}
        own = _own(folder, [text for texts in contexts for text in texts])
    print("| way | s | ratio |\n|---|---|---|")
    for name, seconds in ways.items():
        print(f"| {name} | {seconds:.1f} | {seconds / own:.1f} |")
    print(f"| crossfare | {own:.1f} | 1.0 |")
    what, same = "translating a QA set (opus-mt size)", "as many tokens"
    found = [ratios.Ratio(what, name, seconds / own, _LEAST[name], same) for name, seconds in ways.items()]
    ratios.keep(asked.ratios, found)


def _sentences(text: str) -> list[str]:
    return [text[start:end] for start, end in segment_spans(text, "en", "sentence")]


def _make(folder: Path) -> None:
    """A model of the size, with the tokenizer of an embedded one and further pieces that no text has."""
    embedded = Path(pretrained.resolve("embedded:marian-en-xx").path)
    for name in ("source.spm", "target.spm", "tokenizer_config.json"):
        shutil.copy(embedded / name, folder)
    *pieces, padding = json.loads((embedded / "vocab.json").read_text(encoding="utf-8"))
    pieces += [f"<unused{number}>" for number in range(_PIECES - len(pieces) - 1)]
    vocabulary = {piece: number for number, piece in enumerate([*pieces, padding])}
    (folder / "vocab.json").write_text(json.dumps(vocabulary), encoding="utf-8")
    torch.manual_seed(0)
    last = _PIECES - 1
    config = MarianConfig(
        vocab_size=_PIECES,
        decoder_vocab_size=_PIECES,
        d_model=512,
        encoder_layers=6,
        decoder_layers=6,
        encoder_attention_heads=8,
        decoder_attention_heads=8,
        encoder_ffn_dim=2048,
        decoder_ffn_dim=2048,
        activation_function="swish",
        max_position_embeddings=512,
        share_encoder_decoder_embeddings=True,
        tie_word_embeddings=True,
        scale_embedding=True,
        pad_token_id=last,
        decoder_start_token_id=last,
        eos_token_id=0,
    )
    model = MarianMTModel(config)
    model.final_logits_bias[0, [0, last]] = -1e9  # never ends
    generation = model.generation_config
    generation.num_beams, generation.max_length, generation.bad_words_ids = 1, 512, [[last]]
    model.save_pretrained(folder)


class _Usual:
    """Transformers as in the paper."""

    def __init__(self, folder: str) -> None:
        config = load_config(folder)
        self._tokenizer = load_tokenizer(folder, config)
        self._model = load_model(folder, "AutoModelForSeq2SeqLM", config, dtype=torch.float32)[0].eval()
        self._model.generation_config.max_length = None  # max_new_tokens decides

    def seconds(self, batches: Iterable[Sequence[str]]) -> float:
        """How long translating the batches takes."""
        began = time.process_time()
        for texts in batches:
            batch = self._tokenizer([f">>pt<< {text}" for text in texts], return_tensors="pt", padding=True)
            steps = _steps(batch["input_ids"].shape[1])
            with torch.inference_mode():
                made = self._model.generate(**batch, num_beams=1, do_sample=False, max_new_tokens=steps)
            assert made.shape[1] == steps + 1
            self._tokenizer.batch_decode(made, skip_special_tokens=True)
        return time.process_time() - began


def _steps(read: int) -> int:
    """How many tokens are written for the longest text of a batch."""
    return round(_STRETCH * read)


def _own(folder: str, texts: Sequence[str]) -> float:
    engine: Any = translate.engine("ctranslate2", model=folder)
    generate = engine.generate

    def ended(batch: Sequence[list[int]], forced: int | None, _: int) -> list[Any]:
        """As many tokens as in the other ways, taken for translations though they come to no end."""
        steps = _steps(max(map(len, batch)))
        made = generate(batch, forced, steps - 2)  # the engine asks for two more
        assert {len(each.ids) for each in made} == {steps}
        return [each._replace(ids=each.ids[: len(read)], ended=True) for each, read in zip(made, batch, strict=True)]

    engine.generate = ended
    engine.translate(["Loads."], source="en", target="pt")
    with TemporaryDirectory() as kept, translate.TranslationMemory(Path(kept) / "memory.sqlite") as memory:
        began = time.process_time()
        done = translate_segments(texts, engine, source="en", target="pt", memory=memory)
        seconds = time.process_time() - began
    assert all(done.translations.get(text) for text in texts), done.failures
    return seconds


if __name__ == "__main__":
    main()
