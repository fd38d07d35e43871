"""Teach a translation model to carry answer delimiters (paper section 4.2: the remedy for lost answers).

    python scripts/tune_markers.py MODEL --parallel pairs.tsv --source en --target pt --out ./tuned [--steps 500]

MODEL is a folder, a hub id or embedded:NAME. Parallel text is ``source<TAB>target`` lines, or JSON lines with "source",
"target" and optional "spans". Its last lines (a tenth, at most 200) are held out: how many delimiters survive in them
is printed before and after. The folder must not hold anything yet, and is complete or not there at all.

The paper found that open translation models drop or move the delimiters round an answer, and fine-tuned
them on text with delimiters until they did not. The parallel text needs no annotation: in each sentence a
span whose translation is known is wrapped on both sides. Where the caller knows no spans, those are used
that need no word alignment, because they read the same in both languages (names, numbers, loan words).
"""

from __future__ import annotations

import argparse
import random
import re
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from crossfare.boundary import explained
from crossfare.errors import ConfigError, DataError
from crossfare.experiment.engines import make_engine
from crossfare.languages import language_tag
from crossfare.meter import meter
from crossfare.output import claim_folder, new_folder
from crossfare.precision import resolved
from crossfare.pretrained import resolve
from crossfare.strict import parse_json, read_text
from crossfare.translate.engines.seq2seq import Vocabulary, find_route, load_seq2seq, load_vocabulary
from crossfare.translate.markers import Markers, mark, recover
from crossfare.translate.outcome import Failed
from crossfare.translate.sentences import Span
from crossfare.types import Engine, Progress, Usage

MARKERS = Markers()
_UNMARKED = 0.25
_HELD_OUT = 200
_WORD = re.compile(r"\w+(?:[-'’]\w+)*")


@dataclass(frozen=True, slots=True)
class MarkedPair:
    """A text, its translation, and spans ``((start, end) in source, (start, end) in target)`` that may be marked.

    Offsets count code points. No spans means: find them (see `same_words`).
    """

    source: str
    target: str
    source_language: str
    target_language: str
    spans: tuple[tuple[Span, Span], ...] = ()


@dataclass(frozen=True, slots=True)
class MarkerSurvival:
    """What became of answer delimiters in translation.

    ``survived`` counts texts that came back with exactly one delimited span, ``exact`` those whose span
    is, to the letter, the reference translation's; both out of all ``total``.
    """

    total: int
    survived: int
    exact: int

    @property
    def survival_rate(self) -> float:
        """Fraction of texts whose delimiters survived."""
        return self.survived / self.total if self.total else 0.0

    @property
    def exact_rate(self) -> float:
        """Fraction of texts whose delimited span equals the reference translation's."""
        return self.exact / self.total if self.total else 0.0


def finetune_markers(
    model: str,
    pairs: Sequence[MarkedPair],
    *,
    out: Path,
    steps: int = 800,
    learning_rate: float = 5e-5,
    batch_size: int = 32,
    seed: int = 0,
    progress: Progress | None = None,
) -> Usage:
    """Fine-tune a sequence-to-sequence translation model on parallel text with answer delimiters.

    ``model`` is a folder or hub id (Marian, NLLB and M2M-100, mBART-50, T5). Each example is a random pair in
    which one random span is wrapped on both sides; a quarter is left plain, so that the model
    still translates what has no answer in it. The result, with its tokenizer, is written to ``out`` and
    loads with ``from_pretrained``. The delimiters stay ordinary text: nothing is added to the vocabulary.

    Raises:
        ConfigError: no pairs, an architecture that is not supported, or a language the model does not know.
        DataError: no pair has a span that can be marked, or a text is too long for the model.
    """
    import torch

    examples = list(_draw(pairs, steps * batch_size, seed))
    path = resolve(model).path
    with meter() as running:
        vocabulary = load_vocabulary(path, model)
        network = load_seq2seq(path, model, torch.float32)
        rows = _readable(_encode(examples, vocabulary, model), vocabulary.limit)
        _train(network, vocabulary.tokenizer, rows, out, (steps, learning_rate, batch_size, seed), progress)
        network.save_pretrained(out)
        vocabulary.tokenizer.save_pretrained(out)
    counts = Usage(
        characters=sum(len(e.source) for e in examples),
        input_tokens=sum(len(row["input_ids"]) for row in rows),
        output_tokens=sum(len(row["labels"]) for row in rows),
    )
    return replace(counts, seconds=running.usage.seconds, hardware=running.usage.hardware)


def marker_survival(engine: Engine, pairs: Sequence[MarkedPair]) -> MarkerSurvival:
    """Translate each pair's source with one random span marked, and compare with the reference translation.

    Pairs without a span that can be marked are left out of the count.
    """
    tried = (_mark_one(pair, random.Random(f"0/{i}")) for i, pair in enumerate(pairs))
    chosen = [found for found in tried if found]
    directions = dict.fromkeys((pair.source_language, pair.target_language) for pair in chosen)
    survived = exact = 0
    for source, target in directions:
        group = [pair for pair in chosen if (pair.source_language, pair.target_language) == (source, target)]
        outputs = engine.translate([pair.source for pair in group], source=source, target=target).texts
        for pair, output in zip(group, outputs, strict=True):
            answer = _answer(output)
            survived += answer is not None
            exact += answer is not None and answer == _answer(pair.target)
    return MarkerSurvival(len(chosen), survived, exact)


def same_words(source: str, target: str) -> tuple[tuple[Span, Span], ...]:
    """Find spans that need no alignment: words that stand exactly once on both sides, letter for letter.

    Neighbouring ones with the same characters between them are joined ("Rio de Janeiro" is one span).
    """
    here, there = _unique_words(source), _unique_words(target)
    spans: list[tuple[Span, Span]] = []
    for (start, end), (other_start, other_end) in sorted((here[word], there[word]) for word in here.keys() & there):
        if spans:
            (left, left_end), (other_left, other_left_end) = spans[-1]
            gap, other_gap = source[left_end:start], target[other_left_end:other_start]
            if other_left_end <= other_start and gap == other_gap and not gap.strip():
                spans[-1] = ((left, end), (other_left, other_end))
                continue
        spans.append(((start, end), (other_start, other_end)))
    return tuple(spans)


def read_pairs(path: Path, source_language: str, target_language: str) -> list[MarkedPair]:
    """Read parallel text: ``source<TAB>target`` lines, or JSON lines with "source", "target" and optional "spans".

    "spans" lists ``[source start, source end, target start, target end]``.

    Raises:
        DataError: a line is malformed; the message names file and line.
    """
    pairs = []
    for number, line in enumerate(read_text(path).split("\n"), 1):
        if not line.strip():
            continue
        try:
            where = f"{path}, line {number}"
            source, target, spans = _json_pair(line, where) if path.suffix in {".jsonl", ".json"} else _tab_pair(line)
        except (ValueError, KeyError, TypeError) as error:
            raise DataError(f"{path}, line {number}: not a pair of parallel texts ({error})") from error
        pairs.append(MarkedPair(source, target, source_language, target_language, spans))
    return pairs


def _json_pair(line: str, where: str) -> tuple[str, str, tuple[tuple[Span, Span], ...]]:
    record = parse_json(line, where)
    spans = tuple(((a, b), (c, d)) for a, b, c, d in record.get("spans", ()))
    source, target = record["source"], record["target"]
    if not (isinstance(source, str) and isinstance(target, str)):
        raise TypeError("source and target must be texts")
    for (a, b), (c, d) in spans:
        if not (0 <= a < b <= len(source) and 0 <= c < d <= len(target)):
            raise ValueError(f"span {[a, b, c, d]} lies outside the texts")
    return source, target, spans


def _tab_pair(line: str) -> tuple[str, str, tuple[tuple[Span, Span], ...]]:
    fields = line.split("\t")
    if len(fields) != 2:
        raise ValueError(f"{len(fields)} tab-separated columns instead of 2")
    return fields[0], fields[1], ()


def _unique_words(text: str) -> dict[str, Span]:
    """Words of two letters or more, and numbers, that occur once; where they stand."""
    words = [m for m in _WORD.finditer(text) if len(m.group()) > 1 or m.group().isdigit()]
    counts = Counter(m.group() for m in words)
    return {m.group(): m.span() for m in words if counts[m.group()] == 1}


def _mark_one(pair: MarkedPair, rng: random.Random) -> MarkedPair | None:
    """Wrap one random span on both sides; None if the pair has none that can be wrapped in the usual markers."""
    spans = pair.spans or same_words(pair.source, pair.target)
    if not spans:
        return None
    source_span, target_span = rng.choice(spans)
    try:
        source, used = mark(pair.source, *source_span, MARKERS)
        target, used_there = mark(pair.target, *target_span, MARKERS)
    except Failed:
        return None
    if used != MARKERS or used_there != MARKERS:
        return None
    return replace(pair, source=source, target=target, spans=())


def _answer(text: str | None) -> str | None:
    try:
        return recover(text or "", MARKERS).answer
    except Failed:
        return None


def _draw(pairs: Sequence[MarkedPair], count: int, seed: int) -> Iterator[MarkedPair]:
    """Draw ``count`` training examples, marked or plain."""
    rng = random.Random(seed)
    usable = [pair for pair in pairs if _mark_one(pair, rng)]
    if not pairs:
        raise ConfigError("no parallel text to fine-tune on; give at least one pair")
    if not usable:
        raise DataError("no pair has a span that can be marked; give spans, or text that shares names and numbers")
    for _ in range(count):
        if rng.random() < _UNMARKED:
            yield rng.choice(pairs)
        else:
            pair = rng.choice(usable)
            yield _mark_one(pair, rng) or pair


def _encode(examples: Sequence[MarkedPair], vocabulary: Vocabulary, model: str) -> list[dict[str, list[int]]]:
    """Encode sources and labels, direction by direction, as the model's family wants it; order is kept."""
    rows: list[dict[str, list[int]]] = [{} for _ in examples]
    groups: dict[tuple[str, str], list[int]] = {}
    for index, example in enumerate(examples):
        groups.setdefault((example.source_language, example.target_language), []).append(index)
    end = vocabulary.tokenizer.eos_token_id
    for (source, target), indices in groups.items():
        route = find_route(vocabulary, source, target, None, model, {})
        inputs = vocabulary.encode([examples[i].source for i in indices], route)
        outputs = vocabulary.tokenizer(
            text_target=[examples[i].target for i in indices], add_special_tokens=False, truncation=False, verbose=False
        )["input_ids"]
        first = [] if route.forced is None else [route.forced]
        for index, read, written in zip(indices, inputs, outputs, strict=True):
            rows[index] = {"input_ids": read, "attention_mask": [1] * len(read), "labels": [*first, *written, end]}
    return rows


def _readable(rows: list[dict[str, list[int]]], limit: int) -> list[dict[str, list[int]]]:
    """Refuse text that the model cannot read whole, rather than cut it and with it a delimiter."""
    longest = max(max(len(row["input_ids"]), len(row["labels"])) for row in rows)
    if longest > limit:
        raise DataError(
            f"a pair has {longest} tokens and the model reads {limit}; split the parallel text into sentences"
        )
    return rows


def _train(
    network: Any,
    tokenizer: Any,
    rows: list[dict[str, list[int]]],
    out: Path,
    schedule: tuple[int, float, int, int],
    progress: Progress | None,
) -> None:
    """Run transformers' Seq2SeqTrainer for a fixed number of steps: linear warm-up (a tenth), then linear decay."""
    import torch
    from transformers import (
        DataCollatorForSeq2Seq,
        PrinterCallback,
        Seq2SeqTrainer,
        Seq2SeqTrainingArguments,
        TrainerCallback,
    )

    steps, learning_rate, batch_size, seed = schedule

    class AfterStep(TrainerCallback):  # type: ignore[misc]
        def on_optimizer_step(self, *_: Any, **__: Any) -> None:
            zero_padding_row(network)

        def on_step_end(self, _: Any, state: Any, *__: Any, **___: Any) -> None:
            if progress:
                progress(state.global_step, steps)

    arguments = Seq2SeqTrainingArguments(
        output_dir=str(out),
        max_steps=steps,
        per_device_train_batch_size=batch_size,
        learning_rate=learning_rate,
        warmup_steps=steps // 10,
        weight_decay=0.01,
        train_sampling_strategy="group_by_length",
        bf16=resolved(None) == "bf16",
        use_cpu=not torch.cuda.is_available(),
        dataloader_pin_memory=torch.cuda.is_available(),
        seed=seed,
        save_strategy="no",
        logging_strategy="no",
        report_to="none",
        disable_tqdm=True,
    )
    collator = DataCollatorForSeq2Seq(tokenizer, model=network)
    trainer = Seq2SeqTrainer(network, arguments, train_dataset=rows, data_collator=collator, callbacks=[AfterStep()])
    trainer.remove_callback(PrinterCallback)  # it prints to stdout; progress is reported through `progress`
    trainer.train()


def zero_padding_row(network: Any) -> None:
    """Reset a Marian model's ``<pad>`` embedding to zero; do nothing to other models.

    Marian decoders start from a zero vector, which transformers keeps as the embedding of ``<pad>``; with
    embeddings tied to the output layer, every optimiser step would move it.
    """
    import torch

    if network.config.model_type == "marian":
        with torch.no_grad():
            network.get_input_embeddings().weight[network.config.pad_token_id].zero_()


def tune(
    model: str, parallel: Path, *, source: str, target: str, out: Path, steps: int = 500, **training: Any
) -> tuple[str, ...]:
    """Fine-tune on a file of parallel text; returns how many delimiters survive before and after.

    ``training`` are the other arguments of `finetune_markers`.

    Raises:
        CrossfareError: bad input, or a model that cannot be loaded.
    """
    claim_folder(out)
    pairs = read_pairs(parallel, language_tag(source), language_tag(target))
    if len(pairs) < 2:
        raise DataError(f"{parallel}: {len(pairs)} pairs are too few; give at least two, better thousands")
    held_out = max(1, min(_HELD_OUT, len(pairs) // 10))
    train, test = pairs[:-held_out], pairs[-held_out:]
    path = resolve(model).path
    before = marker_survival(make_engine("transformers", {"model": path}), test)
    with new_folder(out) as made:
        finetune_markers(path, train, out=made, steps=steps, **training)
    after = marker_survival(make_engine("transformers", {"model": str(out)}), test)
    return (
        f"{len(train):,} pairs trained on, {after.total:,} held-out sentences with a marked span",
        f"delimiters survive: {before.survival_rate:.1%} before, {after.survival_rate:.1%} after",
        f"span exactly as in the reference: {before.exact_rate:.1%} before, {after.exact_rate:.1%} after",
        f"written: {out}",
    )


def _positive(text: str) -> int:
    if int(text) < 1:
        raise ValueError
    return int(text)


def main(arguments: Sequence[str] | None = None) -> int:
    """Read the command line; errors are one line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", help="translation model: embedded:NAME, a folder or a hub id")
    parser.add_argument("--parallel", type=Path, required=True, help="parallel text: TSV or JSONL")
    parser.add_argument("--source", required=True, help="source language (BCP-47)")
    parser.add_argument("--target", required=True, help="target language (BCP-47)")
    parser.add_argument("--out", type=Path, required=True, help="folder for the fine-tuned model")
    parser.add_argument("--steps", type=_positive, default=500, help="training steps")
    parser.add_argument("--learning-rate", type=float, default=5e-5, help="peak learning rate")
    parser.add_argument("--batch-size", type=_positive, default=32, help="sentences per step")
    parser.add_argument("--seed", type=int, default=0)
    try:
        print(*tune(**vars(parser.parse_args(arguments))), sep="\n")
    except Exception as error:
        print(explained(error), file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
