"""Extractive question answering: long contexts to overlapping windows, span logits to answers.

A window is one input: question, then a stretch of the context's tokens. Every distinct context is tokenised once,
however many questions it has. A predicted answer is always a slice of the original context.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crossfare.errors import ConfigError
from crossfare.model import encoder as encoders
from crossfare.model.composed import compose
from crossfare.model.encoder import Encoder, Feature
from crossfare.pretrained.offsets import trustworthy
from crossfare.types import Answer, Prediction, QAExample

HEAD = "AutoModelForQuestionAnswering"

LONGEST_QUESTION = 64
"""Tokens kept of a question (BERT's own limit), and never more than half the window."""

Ints = NDArray[np.int64]

_CHARACTERS_AT_ONCE = 1 << 20

_CHUNK = 4_000_000  # span scores held in memory at once: 16 MB


@dataclass(frozen=True, slots=True)
class Tokens:
    """A context's tokens: token i covers ``context[starts[i]:ends[i]]``, without white space around it."""

    ids: Ints
    starts: Ints
    ends: Ints

    def cover(self, answer: Answer) -> tuple[int, int] | None:
        """First and last token that hold a part of the answer; None if no token does."""
        stop = answer.start + len(answer.text)
        touched = np.flatnonzero((self.ends > answer.start) & (self.starts < stop) & (self.ends > self.starts))
        return (int(touched[0]), int(touched[-1])) if len(touched) else None


@dataclass(frozen=True, slots=True)
class Windows:
    """What is asked of the model for some examples, in order, and how to read its answer.

    Window w belongs to ``examples[example[w]]``; its ``width[w]`` context tokens stand from position ``first[w]``
    of the input on, and their character offsets from ``base[w]`` on in ``starts`` and ``ends``.
    """

    examples: tuple[QAExample, ...]
    features: list[Feature]
    example: Ints
    first: Ints
    width: Ints
    base: Ints
    starts: Ints
    ends: Ints


@dataclass(frozen=True, slots=True)
class TrainingFeatures:
    """Windows with answer positions; ``unreachable`` lists examples whose answer lies in no window."""

    features: list[Feature]
    unreachable: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Layout:
    """How a tokenizer joins two texts: before, first text, between, second text, after."""

    before: Ints
    between: Ints
    after: Ints
    segments: tuple[int, int, int, int, int]

    @property
    def specials(self) -> int:
        return len(self.before) + len(self.between) + len(self.after)


def load(path: str, *, trained: bool = False, dropout: float | None = None) -> Encoder:
    """Load an encoder with a span head; ``trained`` demands a fine-tuned one.

    Raises:
        ConfigError: see `encoder.load`; or the tokenizer's offsets do not give the text back.
    """
    encoder = encoders.load(path, HEAD, dropout=dropout, trained=trained)
    trustworthy(encoder.tokenizer, path)
    return encoder


def training_features(
    encoder: Encoder,
    examples: Sequence[QAExample],
    *,
    max_length: int = 384,
    stride: int = 128,
    crop: int | None = None,
    seed: int = 0,
) -> TrainingFeatures:
    """Cut examples into windows with the token positions of their first answer.

    A window that does not hold the whole answer points at the first token ([CLS]), as in BERT's SQuAD recipe.
    ``crop`` makes one window per example instead: that many context tokens with the answer at a random place
    among them (seeded), which is several times cheaper on long contexts.
    """
    rng = np.random.default_rng(seed)
    features: list[Feature] = []
    unreachable = []
    for example, question, context, capacity, layout in _encoded(encoder, examples, max_length):
        span = context.cover(example.answers[0]) if example.answers else None
        reached = False
        for start, stop in _training_spans(len(context.ids), capacity, stride, crop, span, rng):
            feature = _feature(encoder, layout, question, context.ids[start:stop])
            inside = span is not None and start <= span[0] and span[1] < stop
            shift = len(layout.before) + len(question) + len(layout.between) - start
            feature["start_positions"] = span[0] + shift if span and inside else 0
            feature["end_positions"] = span[1] + shift if span and inside else 0
            reached |= inside
            features.append(feature)
        if not reached:
            unreachable.append(example.id)
    return TrainingFeatures(features, tuple(unreachable))


def _training_spans(
    n: int, capacity: int, stride: int, crop: int | None, span: tuple[int, int] | None, rng: np.random.Generator
) -> list[tuple[int, int]]:
    if crop is None or span is None:
        return _spans(n, capacity, stride)
    width = min(max(crop, span[1] + 1 - span[0]), capacity, n)
    lowest, highest = max(0, span[1] + 1 - width), min(span[0], n - width)
    start = int(rng.integers(lowest, highest + 1)) if lowest <= highest else span[0]
    return [(start, start + width)]


def inference_windows(
    encoder: Encoder, examples: Sequence[QAExample], *, max_length: int = 384, stride: int = 128
) -> Windows:
    """Cut examples into windows that together cover every context."""
    features, rows = [], []
    starts: list[Ints] = []
    ends: list[Ints] = []
    base = 0
    for number, (_, question, context, capacity, layout) in enumerate(_encoded(encoder, examples, max_length)):
        first = len(layout.before) + len(question) + len(layout.between)
        for start, stop in _spans(len(context.ids), capacity, stride):
            features.append(_feature(encoder, layout, question, context.ids[start:stop]))
            rows.append((number, first, stop - start, base + start))
        starts.append(context.starts)
        ends.append(context.ends)
        base += len(context.ids)
    example_of, first_of, width_of, base_of = np.array(rows, dtype=np.int64).reshape(-1, 4).T
    empty = [np.zeros(0, dtype=np.int64)]
    return Windows(
        examples=tuple(examples),
        features=features,
        example=example_of,
        first=first_of,
        width=width_of,
        base=base_of,
        starts=np.concatenate(starts or empty),
        ends=np.concatenate(ends or empty),
    )


def _spans(n: int, capacity: int, stride: int) -> list[tuple[int, int]]:
    """Windows of ``capacity`` tokens, each overlapping the one before by ``stride``, the last one shorter."""
    step = capacity - (stride if stride < capacity else capacity // 2)
    starts = range(0, max(n - capacity, 0) + step, step)
    return [(start, min(start + capacity, n)) for start in starts]


def _encoded(encoder: Encoder, examples: Sequence[QAExample], max_length: int) -> Any:
    """Yield (example, question ids, context tokens, context tokens per window, layout) for each example."""
    layout = _layout(encoder)
    longest = min(max_length, encoder.longest)
    limit = min(LONGEST_QUESTION, longest // 2)
    if longest - limit - layout.specials < 1:
        raise ConfigError(f"max_length {max_length} leaves no room for a context; raise it to 32 or more")
    contexts = _tokenise(encoder, list(dict.fromkeys(example.context for example in examples)))
    questions = _question_ids(encoder, list(dict.fromkeys(example.question for example in examples)))
    for example in examples:
        question = questions[example.question][:limit]
        capacity = longest - layout.specials - len(question)
        yield example, question, contexts[example.context], capacity, layout


def _layout(encoder: Encoder) -> _Layout:
    """Learn the special tokens and segment ids of a pair from the tokenizer itself."""
    pair = encoder.tokenizer("a", "b", return_special_tokens_mask=True, return_token_type_ids=True)
    ids, types = np.array(pair["input_ids"]), pair["token_type_ids"]
    special = np.array(pair["special_tokens_mask"], dtype=bool)
    text = np.flatnonzero(~special)
    breaks = np.flatnonzero(np.diff(text) > 1)
    if len(breaks) != 1:
        raise ConfigError("the tokenizer does not separate two texts by special tokens; it cannot be used for QA")
    one, two = text[: breaks[0] + 1], text[breaks[0] + 1 :]
    between = slice(int(one[-1]) + 1, int(two[0]))
    segments = (types[0], types[one[0]], types[between.start], types[two[0]], types[-1])
    return _Layout(ids[: one[0]], ids[between], ids[two[-1] + 1 :], segments)


def _question_ids(encoder: Encoder, questions: list[str]) -> dict[str, Ints]:
    if not questions:
        return {}
    texts = [unicodedata.normalize("NFC", question) for question in questions]
    encoded = encoder.tokenizer(texts, add_special_tokens=False, return_attention_mask=False, verbose=False)
    return {
        question: np.array(ids, dtype=np.int64) for question, ids in zip(questions, encoded["input_ids"], strict=True)
    }


def _tokenise(encoder: Encoder, contexts: Sequence[str]) -> dict[str, Tokens]:
    """Tokenise a part at a time: what the tokenizer returns takes many times the memory of what is kept of it."""
    tokens: dict[str, Tokens] = {}
    part: list[str] = []
    size = 0
    for context in contexts:
        if part and size + len(context) > _CHARACTERS_AT_ONCE:
            tokens |= _tokens(encoder, part)
            part, size = [], 0
        part.append(context)
        size += len(context)
    return tokens | _tokens(encoder, part)


def _tokens(encoder: Encoder, contexts: Sequence[str]) -> dict[str, Tokens]:
    if not contexts:
        return {}
    composed = [compose(context) for context in contexts]
    encoded = encoder.tokenizer(
        [c.text for c in composed],
        add_special_tokens=False,
        return_attention_mask=False,
        return_offsets_mapping=True,
        verbose=False,
    )
    tokens = {}
    for context, form, ids, offsets in zip(
        contexts, composed, encoded["input_ids"], encoded["offset_mapping"], strict=True
    ):
        starts, ends = np.array(offsets, dtype=np.int64).reshape(-1, 2).T
        if form.begin is not None and form.end is not None and len(starts):
            starts, ends = form.begin[np.minimum(starts, len(form.begin) - 1)], form.end[np.maximum(ends, 1) - 1]
        tokens[context] = Tokens(np.array(ids, dtype=np.int64), *_fit(context, starts, ends))
    return tokens


def _fit(text: str, starts: Ints, ends: Ints) -> tuple[Ints, Ints]:
    """Give tokens the combining marks their tokenizer dropped, and take away white space at their edges."""
    starts, ends = starts.copy(), ends.copy()
    if not text.isascii():
        marks = np.array([unicodedata.combining(c) != 0 for c in text] + [False])
        while (behind := marks[ends] & (ends > starts)).any():
            ends += behind
    blank = np.array([c.isspace() for c in text] + [False])
    while (ahead := blank[starts] & (starts < ends)).any():
        starts += ahead
    while (behind := blank[ends - 1] & (starts < ends)).any():
        ends -= behind
    return starts, ends


def _feature(encoder: Encoder, layout: _Layout, question: Ints, context: Ints) -> Feature:
    parts = (layout.before, question, layout.between, context, layout.after)
    feature: Feature = {"input_ids": np.concatenate(parts)}
    if encoder.segments:
        feature["token_type_ids"] = np.repeat(layout.segments, [len(part) for part in parts])
    return feature


def decode(
    windows: Windows,
    start_logits: NDArray[np.floating[Any]],
    end_logits: NDArray[np.floating[Any]],
    *,
    n_best: int = 5,
    max_answer_length: int = 30,
) -> tuple[Prediction, ...]:
    """Find the best spans of each example over all its windows; logits have shape (windows, longest input).

    A span starts and ends on tokens of the context and has 1 to ``max_answer_length`` tokens; its score is the
    sum of its start and end logits. Invalid spans are excluded before the best are taken, so the search is exact.
    Ties go to the earlier, then the shorter span. ``scores`` holds the ``n_best`` different spans.
    """
    window, start, end, score = _best_spans(windows, start_logits, end_logits, n_best, max_answer_length)
    example = windows.example[window]
    left = windows.starts[windows.base[window] + start]
    right = windows.ends[windows.base[window] + end]
    order = np.lexsort((right, left, -score, example))
    spans: list[dict[tuple[int, int], float]] = [{} for _ in windows.examples]
    for i in order.tolist():  # best first; the same span seen in another window adds nothing
        best = spans[example[i]]
        if len(best) < n_best:
            best.setdefault((int(left[i]), int(right[i])), float(score[i]))
    return tuple(_prediction(item, best) for item, best in zip(windows.examples, spans, strict=True))


def _prediction(example: QAExample, best: dict[tuple[int, int], float]) -> Prediction:
    scores = tuple((example.context[left:right], score) for (left, right), score in best.items())
    if not best:  # a context without any token
        return Prediction(example.id, "")
    return Prediction(example.id, scores[0][0], start=next(iter(best))[0], scores=scores)


def _best_spans(
    windows: Windows,
    start_logits: NDArray[np.floating[Any]],
    end_logits: NDArray[np.floating[Any]],
    n_best: int,
    max_answer_length: int,
) -> tuple[Ints, Ints, Ints, NDArray[np.float32]]:
    """The ``n_best`` valid spans of every window as (window, first token, last token, score).

    Tokens are counted from the window's first context token.
    """
    width = int(windows.width.max(initial=0))
    rows = max(1, _CHUNK // max(1, width * max_answer_length))
    found = [
        _best_spans_of(windows, np.arange(at, min(at + rows, len(windows.width))), start_logits, end_logits, n_best,
                       max_answer_length)
        for at in range(0, len(windows.width), rows)
    ]  # fmt: skip
    columns = zip(*found, strict=True) if found else [[np.zeros(0, dtype=np.int64)]] * 4
    window, start, end, score = (np.concatenate(column) for column in columns)
    return window, start, end, score


def _best_spans_of(
    windows: Windows,
    chunk: Ints,
    start_logits: NDArray[np.floating[Any]],
    end_logits: NDArray[np.floating[Any]],
    n_best: int,
    max_answer_length: int,
) -> tuple[Ints, Ints, Ints, NDArray[np.float32]]:
    token = np.arange(int(windows.width[chunk].max(initial=1)))
    inside = token < windows.width[chunk, None]
    offset = np.where(inside, windows.base[chunk, None] + token, 0)
    allowed = inside & (windows.ends[offset] > windows.starts[offset]) if len(windows.starts) else inside
    position = np.where(inside, windows.first[chunk, None] + token, 0)
    starts = np.where(allowed, np.take_along_axis(start_logits[chunk], position, 1), -np.inf).astype(np.float32)
    ends = np.where(allowed, np.take_along_axis(end_logits[chunk], position, 1), -np.inf).astype(np.float32)
    padded = np.pad(ends, ((0, 0), (0, max_answer_length - 1)), constant_values=-np.inf)
    reach = np.lib.stride_tricks.sliding_window_view(padded, max_answer_length, axis=1)  # [row, start, length - 1]
    # A span of the best n can only begin at one of the n starts whose own best span is best.
    begin = _top(starts + _largest_ahead(ends, max_answer_length), n_best)
    spans = np.take_along_axis(starts, begin, 1)[:, :, None] + np.take_along_axis(reach, begin[:, :, None], 1)
    flat = spans.reshape(len(chunk), -1)
    best = _top(flat, n_best)
    start = np.take_along_axis(begin, best // max_answer_length, 1)
    score = np.take_along_axis(flat, best, 1)
    row, column = np.nonzero(np.isfinite(score))
    first = start[row, column]
    return chunk[row], first, first + best[row, column] % max_answer_length, score[row, column]


def _largest_ahead(values: NDArray[np.float32], length: int) -> NDArray[np.float32]:
    """The largest of each value and the ``length`` - 1 after it in its row, by doubling."""
    largest, done = values.copy(), 1
    while done < length:
        step = min(done, length - done)
        np.maximum(largest[:, :-step], largest[:, step:].copy(), out=largest[:, :-step])
        done += step
    return largest


def _top(values: NDArray[np.float32], n: int) -> Ints:
    """Indices of the ``n`` largest of each row, largest first and the earlier of equals first.

    A float's bits, read as an integer, keep its order (negative ones reversed). With the index as low bits they
    make keys that are never equal, so that a partial sort is enough.
    """
    width = values.shape[1]
    least = width - min(n, width)
    bits = (values + np.float32(0)).view(np.int32).astype(np.int64)  # + 0: the two zeros are equal
    ordered: Ints = np.where(bits < 0, bits ^ 0x7FFFFFFF, bits)
    keys: Ints = (ordered << 32) + np.arange(width, 0, -1)
    best: Ints = np.sort(np.partition(keys, least, axis=1)[:, least:], axis=1)[:, ::-1]
    return np.asarray(width - (best & 0xFFFFFFFF))
