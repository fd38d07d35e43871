"""Make the checkpoints shipped in ``src/crossfare/checkpoints`` from the embedded world's pretraining text.

    python scripts/make_checkpoints.py --out src/crossfare/checkpoints [--only NAME ...] [--scale 0.1]

Everything is seeded and counted in optimiser steps, so two runs on the same versions and the same processor give the
same weights. Progress is printed; a usable checkpoint is written every few minutes. Only `tasks.corpus` is read:
no question's answer, no label, and no entity-fact pair of the train, validation and test sets.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import sentencepiece as spm
import torch
from transformers import logging as transformers_logging

from checkpoints import encoder, marian, passages, seq2seq
from crossfare.data.world import Aligned
from crossfare.pretrained.loading import load_config, load_model
from tune_markers import MarkedPair, finetune_markers
from world_generator import tasks

LANGUAGES = ("en", "pt", "de", "vi")
TARGETS = ("pt", "de", "vi")
CHUNK_DOCUMENTS = 2000
EXAMPLES_PER_DOCUMENT = 12

ENCODERS = {
    "multilingual-encoder": encoder.EncoderRecipe(),
    "english-encoder": encoder.EncoderRecipe(
        languages=("en",),
        pieces=2200,
        steps=6500,
        decay_steps=6500,
        seed=2,
    ),
}
TRANSLATORS = {
    "marian-en-xx": marian.MarianRecipe(seed=3),
    "marian-xx-en": marian.MarianRecipe(steps=1200, seed=4),
}
MARKED = {"marian-en-xx-marked": "marian-en-xx", "marian-xx-en-marked": "marian-xx-en"}
RERANKERS = {"seq2seq-reranker": seq2seq.Seq2SeqRecipe()}
TEACHER = "multilingual-encoder"
MARKED_STEPS, MARKED_RATE, MARKED_DOCUMENTS = 800, 1.5e-3, 4000


def log_for(name: str) -> Callable[[str], None]:
    """Make a logger that names the checkpoint and the time."""
    return lambda message: print(f"{time.strftime('%H:%M:%S')} {name}: {message}", flush=True)


def vocabulary_texts(documents: int, languages: tuple[str, ...]) -> list[str]:
    """Text to train a vocabulary on."""
    return [text.texts[language] for text in corpus_texts(documents, seed=11) for language in languages]


def example_chunks(
    recipe: encoder.EncoderRecipe | seq2seq.Seq2SeqRecipe, tokenizer: passages.Tokenizer
) -> Iterator[list[passages.PairInput]]:
    """Fresh documents, encoded and drawn from, without end."""
    rng = np.random.default_rng(recipe.seed)
    maker = None
    seed = 1000 * recipe.seed
    while True:
        seed += 1
        documents = list(tasks.corpus(CHUNK_DOCUMENTS, seed=seed))
        encoded = passages.encode_documents(documents, tokenizer, recipe.languages)
        if maker is None:
            maker = passages.PairMaker(recipe.languages, recipe.mix, passages.Fillers(encoded), rng)
        drawn = [maker.draw(passage) for passage in encoded for _ in range(EXAMPLES_PER_DOCUMENT)]
        yield [row for row in drawn if row is not None]


def make_encoder(name: str, recipe: encoder.EncoderRecipe, out: Path) -> None:
    """Pretrain one encoder."""
    torch.manual_seed(recipe.seed)
    log = log_for(name)
    alphabet = "".join(vocabulary_texts(1000, LANGUAGES))
    tokenizer = passages.train_word_pieces(
        vocabulary_texts(6000, recipe.languages), recipe.pieces, alphabet + "".join(map(chr, range(33, 127)))
    )
    work = out / f".{name}"
    encoder.write_tokenizer(tokenizer, work)
    model = encoder.new_encoder(tokenizer.get_vocab_size(), recipe)
    log(f"{tokenizer.get_vocab_size()} pieces, {sum(p.numel() for p in model.parameters()):,} parameters")
    heads = encoder.Heads.new(recipe.width)
    encoder.pretrain(
        model,
        heads,
        example_chunks(recipe, tokenizer),
        recipe,
        log=log,
        checkpoint=lambda: encoder.save(model, heads, work, out / name),
    )
    shutil.rmtree(work)


def directions(name: str) -> list[tuple[str, str]]:
    """The (source, target) pairs a translation model is made for."""
    return [("en", x) if "en-xx" in name else (x, "en") for x in TARGETS]


def corpus_texts(documents: int, seed: int) -> list[Aligned]:
    """The sentences and questions of some documents."""
    return [text for d in tasks.corpus(documents, seed=seed) for text in (*d.sentences, *d.questions)]


def pair_chunks(name: str, processor: object, tokens: dict[str, int], seed: int) -> Iterator[marian.Pairs]:
    """Fresh parallel text, encoded, without end."""
    while True:
        seed += 1
        texts = corpus_texts(CHUNK_DOCUMENTS, seed)
        triples = [(b, text.texts[a], text.texts[b]) for text in texts for a, b in directions(name)]
        yield marian.encode_pairs(processor, tokens, triples)


def make_translator(name: str, recipe: marian.MarianRecipe, out: Path) -> None:
    """Train one translation model."""
    torch.manual_seed(recipe.seed)
    log = log_for(name)
    pieces = marian.train_pieces(vocabulary_texts(6000, LANGUAGES), recipe.pieces)
    work = out / f".{name}"
    tokenizer = marian.write_tokenizer(pieces, work, TARGETS if "en-xx" in name else ["en"], None)
    model = marian.new_model(len(tokenizer), recipe)
    log(f"{len(tokenizer)} pieces, {sum(p.numel() for p in model.parameters()):,} parameters")
    processor = spm.SentencePieceProcessor(model_proto=pieces)
    marian.train(
        model,
        pair_chunks(name, processor, tokenizer.get_vocab(), 1000 * recipe.seed),
        recipe,
        log=log,
        checkpoint=lambda: marian.save(model, work, out / name),
    )
    shutil.rmtree(work)


def marked_pairs(name: str, documents: int, seed: int) -> list[MarkedPair]:
    """Parallel text with aligned spans, for fine-tuning on answer delimiters."""
    texts = [text for d in tasks.corpus(documents, seed=seed) for text in d.sentences]
    ways = directions(name)
    return [
        MarkedPair(
            source=text.texts[a],
            target=text.texts[b],
            source_language=a,
            target_language=b,
            spans=tuple((span[a], span[b]) for span in text.spans if a in span and b in span),
        )
        for i, text in enumerate(texts)
        for a, b in [ways[i % len(ways)]]
    ]


def make_marked(name: str, start: str, steps: int, out: Path) -> None:
    """Fine-tune a translation model on text with answer delimiters."""
    log = log_for(name)
    draft = out / f".{name}"
    usage = finetune_markers(
        str(out / start),
        marked_pairs(start, MARKED_DOCUMENTS, seed=9001),
        out=draft,
        steps=steps,
        learning_rate=MARKED_RATE,
        batch_size=64,
        seed=5,
    )
    model, _ = load_model(str(draft), "MarianMTModel", load_config(str(draft)))
    marian.save(model, draft, out / name)
    shutil.rmtree(draft)
    log(f"{steps} steps in {usage.seconds:.0f} s")


def make_reranker(name: str, recipe: seq2seq.Seq2SeqRecipe, out: Path) -> None:
    """Pretrain a sequence-to-sequence model, taught by the encoder in the same folder."""
    torch.manual_seed(recipe.seed)
    log = log_for(name)
    work = out / f".{name}"
    tokenizer = seq2seq.write_tokenizer(out / TEACHER, work)
    teacher = seq2seq.teacher(out / TEACHER)
    model = seq2seq.new_model(tokenizer.get_vocab_size(), teacher, recipe)
    log(f"{tokenizer.get_vocab_size()} pieces, {sum(p.numel() for p in model.parameters()):,} parameters")
    seq2seq.pretrain(
        model,
        teacher,
        example_chunks(recipe, tokenizer),
        seq2seq.Examples(tokenizer, recipe, np.random.default_rng(recipe.seed + 1)),
        recipe,
        log=log,
        checkpoint=lambda: seq2seq.save(model, work, out / name),
    )
    shutil.rmtree(work)


def main() -> int:
    """Make what is asked for."""
    names = [*ENCODERS, *TRANSLATORS, *MARKED, *RERANKERS]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="folder that receives one folder per checkpoint")
    parser.add_argument("--only", nargs="+", choices=names, default=names, help="make these only")
    parser.add_argument("--scale", type=float, default=1.0, help="multiply every number of steps (for a quick trial)")
    options = parser.parse_args()
    transformers_logging.disable_progress_bar()
    torch.set_num_threads(1)
    options.out.mkdir(parents=True, exist_ok=True)
    for name in options.only:
        started = time.perf_counter()
        if name in ENCODERS:
            recipe = ENCODERS[name]
            steps, decay = (max(1, round(n * options.scale)) for n in (recipe.steps, recipe.decay_steps))
            make_encoder(name, replace(recipe, steps=steps, decay_steps=decay), options.out)
        elif name in TRANSLATORS:
            translator = TRANSLATORS[name]
            make_translator(
                name, replace(translator, steps=max(1, round(translator.steps * options.scale))), options.out
            )
        elif name in RERANKERS:
            reranker = RERANKERS[name]
            make_reranker(name, replace(reranker, steps=max(1, round(reranker.steps * options.scale))), options.out)
        else:
            make_marked(name, MARKED[name], max(1, round(MARKED_STEPS * options.scale)), options.out)
        log_for(name)(f"done in {time.perf_counter() - started:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
