"""Align the words of a text with those of its translation, and carry a span across.

SimAlign's method (Jalili Sabet et al. 2020), for whole paragraphs: words whose contextual embeddings
are most similar in both directions belong together. It needs no parallel text, only a multilingual
encoder.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from crossfare.errors import ConfigError
from crossfare.pretrained import resolve
from crossfare.pretrained.loading import load_config, load_model, load_tokenizer
from crossfare.pretrained.offsets import trustworthy
from crossfare.translate.matching import fold
from crossfare.translate.sentences import Span
from crossfare.translate.words import join_pieces, words

Link = tuple[Span, Span]
Matrix = npt.NDArray[np.float32]

# F1 by alignment alone on the embedded world (`benchmarks/back_projection.py`): pt 0.969, de 0.943, vi 0.915.
_DISCOUNT = 0.9  # of a word that has a partner already, in the second round of itermax (SimAlign's); 0.5: vi 0.913
_SAME = np.float32(0.05)  # what names and numbers that read the same gain: chosen on XQuAD, the world does not need it
_FREE = 12  # words that a translation moves about without loss; 0: 0.921, 0.835, 0.874
_BATCH_TOKENS = 8192
_DEFAULT_LONGEST = 512


class Aligner(Protocol):
    """A way to tell which words translate which."""

    def align(self, pairs: Sequence[tuple[str, str]]) -> list[tuple[Link, ...]]:
        """Return for each (source text, target text) the linked character spans of words."""


class WordForWord:
    """Link the first word with the first, the second with the second: for rehearsals, which translate nothing."""

    def align(self, pairs: Sequence[tuple[str, str]]) -> list[tuple[Link, ...]]:
        """Return for each (source text, target text) the linked character spans of words."""
        return [tuple(zip(words(source), words(target), strict=False)) for source, target in pairs]


class EncoderAligner:
    """Align by the similarity of an encoder's contextual word embeddings.

    Args:
        model: what `crossfare.pretrained.resolve` takes; a multilingual encoder.
        layer: whose output is compared, 0 being the embeddings; a little above the middle by default
            (7 of 12), where words are most alike across languages.
        distortion: how fast a pair loses with the square of its distance from the diagonal (a fraction
            of the text): what keeps a word that occurs often in a paragraph with its own translation.
            Within a dozen words order is free.

    Raises:
        ConfigError: no such model or layer, or a tokenizer without offsets.
    """

    def __init__(self, model: str, *, layer: int | None = None, distortion: float = 4.0) -> None:
        self.model = model
        self.distortion = distortion
        self._layer = layer
        self._resolved = resolve(model)
        self._loaded: _Loaded | None = None

    def align(self, pairs: Sequence[tuple[str, str]]) -> list[tuple[Link, ...]]:
        """Return for each (source text, target text) the linked character spans of words."""
        encoder = self._encoder()
        texts = list(dict.fromkeys(text for pair in pairs for text in pair))
        embedded = dict(zip(texts, encoder.embed(texts), strict=True))
        return [self._links(embedded[source], embedded[target]) for source, target in pairs]

    def _links(self, source: _Words, target: _Words) -> tuple[Link, ...]:
        if not source.spans or not target.spans:
            return ()
        cosine = source.vectors @ target.vectors.T
        loss = np.float32(self.distortion) * _off_diagonal(*cosine.shape)
        similarity: Matrix = ((1 + cosine) / 2 + _SAME * _same(source, target)) * (1 - loss).clip(0)
        rows, columns = np.nonzero(itermax(similarity))
        return tuple((source.spans[i], target.spans[j]) for i, j in zip(rows.tolist(), columns.tolist(), strict=True))

    def _encoder(self) -> _Loaded:
        if self._loaded is None:
            self._loaded = _load(self._resolved.path, self.model, self._layer)
        return self._loaded


def mutual_argmax(similarity: Matrix) -> npt.NDArray[np.bool_]:
    """Link the pairs that are the best of their row and of their column; ties go to the first."""
    rows = len(similarity)
    linked = np.zeros(similarity.shape, dtype=np.bool_)
    best = similarity.argmax(axis=1)
    chosen = similarity.argmax(axis=0)[best] == np.arange(rows)
    linked[np.arange(rows)[chosen], best[chosen]] = True
    return linked


def itermax(similarity: Matrix, rounds: int = 3) -> npt.NDArray[np.bool_]:
    """Link by mutual argmax, then again among pairs of which at least one word is alone.

    In further rounds a pair with one linked word is discounted by 0.9, one with two is out. The
    similarities must not be negative.
    """
    linked = mutual_argmax(similarity)
    for _ in range(rounds - 1):
        row, column = linked.any(axis=1, keepdims=True), linked.any(axis=0, keepdims=True)
        left = similarity * np.where(row | column, np.float32(_DISCOUNT), np.float32(1))
        left[row & column] = -1
        more = mutual_argmax(left) & ~(row & column)
        if not more.any():
            break
        linked |= more
    return linked


def project(span: Span, links: Iterable[Link]) -> tuple[Span, float] | None:
    """Carry a source span into the target text: where it lies there, and a confidence in 0-1.

    Of all target ranges the one is taken that holds the most words linked to the span and the
    fewest linked only to words outside it (the best F1). The confidence is that F1, times the part
    of the span that linked words cover. None if no word of the span is linked.
    """
    inside: set[Span] = set()
    outside: set[Span] = set()
    covered: set[Span] = set()
    for source, target in links:
        if source[0] < span[1] and span[0] < source[1]:
            inside.add(target)
            covered.add((max(source[0], span[0]), min(source[1], span[1])))
        else:
            outside.add(target)
    if not inside:
        return None
    (start, end), agreement = _best_range(inside, outside - inside)
    return (start, end), agreement * _coverage(span, sorted(covered))


def _best_range(inside: set[Span], outside: set[Span]) -> tuple[Span, float]:
    """Find the range of target words with the best F1; of equal ones the longer, then the first."""
    order = sorted((*((target, True) for target in inside), *((target, False) for target in outside)))
    best = ((0, 0), 0.0)
    for first, (start, belongs) in enumerate(order):
        if not belongs:
            continue
        hits, end = 0, start[1]
        for length, (target, hit) in enumerate(order[first:], start=1):
            hits += hit
            end = max(end, target[1])
            f1 = 2 * hits / (length + len(inside))
            if hit and (f1, end - start[0]) > (best[1], best[0][1] - best[0][0]):
                best = ((start[0], end), f1)
    return best


def _coverage(span: Span, covered: Sequence[Span]) -> float:
    """Tell how much of the span linked words cover; the blank between two of them counts as theirs."""
    total, position = 0, span[0]
    for start, end in covered:
        gap = start - position
        total += end - start + (gap if 0 < gap <= 1 else 0) - max(0, -gap)
        position = max(position, end)
    return max(0.0, min(1.0, total / (span[1] - span[0])))


def _off_diagonal(rows: int, columns: int) -> Matrix:
    """Squared distance of the relative positions of row and column, 0-1, beyond what is free."""
    here = np.arange(rows, dtype=np.float32)[:, None] / max(1, rows - 1)
    there = np.arange(columns, dtype=np.float32)[None, :] / max(1, columns - 1)
    away = np.abs(here - there)
    return np.asarray(np.where(away * max(rows, columns) > _FREE, away**2, 0), dtype=np.float32)


def _same(source: _Words, target: _Words) -> npt.NDArray[np.bool_]:
    """Tell which words read the same; signs do not count."""
    equal = np.array(source.folded)[:, None] == np.array(target.folded)[None, :]
    return np.asarray(equal & np.array([word.isalnum() for word in source.folded])[:, None])


@dataclass(frozen=True, slots=True)
class _Words:
    """The words of a text that the encoder knows, as they read when folded, and their unit vectors, one row each."""

    spans: list[Span]
    folded: list[str]
    vectors: Matrix


@dataclass(frozen=True, slots=True)
class _Loaded:
    """The lower layers of an encoder; what its tokenizer puts before and after a text; its longest input."""

    network: Any
    tokenizer: Any
    before: list[int]
    after: list[int]
    longest: int

    def embed(self, texts: Sequence[str]) -> list[_Words]:
        """Embed the words of each text: the mean of the pieces that touch them."""
        if not texts:
            return []
        encoded = self.tokenizer(list(texts), add_special_tokens=False, return_offsets_mapping=True, verbose=False)
        vectors = self._pieces(encoded["input_ids"])
        return [_pool(*each) for each in zip(texts, encoded["offset_mapping"], vectors, strict=True)]

    def _pieces(self, texts: Sequence[list[int]]) -> list[Matrix]:
        """Embed token ids; what is too long is read in windows, each piece where it has most context."""
        room = self.longest - len(self.before) - len(self.after)
        windows = [_Window(i, *cut) for i, ids in enumerate(texts) for cut in _windows(len(ids), room)]
        windows.sort(key=lambda window: window.stop - window.start)
        vectors = [np.zeros((len(ids), self.network.config.hidden_size), dtype=np.float32) for ids in texts]
        for batch in _batches(windows):
            rows = self._forward([texts[window.text][window.start : window.stop] for window in batch])
            for window, row in zip(batch, rows, strict=True):
                kept = row[window.keep - window.start :]
                vectors[window.text][window.keep : window.stop] = kept
        return vectors

    def _forward(self, batch: Sequence[list[int]]) -> list[Matrix]:
        import torch

        width = max(map(len, batch)) + len(self.before) + len(self.after)
        ids = torch.full((len(batch), width), self.tokenizer.pad_token_id or 0)
        mask = torch.zeros_like(ids)
        for row, pieces in enumerate(batch):
            whole = [*self.before, *pieces, *self.after]
            ids[row, : len(whole)] = torch.tensor(whole)
            mask[row, : len(whole)] = 1
        device = self.network.device
        with torch.inference_mode():
            output = self.network(input_ids=ids.to(device), attention_mask=mask.to(device))
        states = output.last_hidden_state.float().cpu().numpy()
        first = len(self.before)
        return [states[row, first : first + len(pieces)] for row, pieces in enumerate(batch)]


class _Window(NamedTuple):
    """Pieces ``start`` to ``stop`` of a text, of which those from ``keep`` on are taken."""

    text: int
    start: int
    keep: int
    stop: int


def _windows(length: int, room: int) -> Iterator[tuple[int, int, int]]:
    """Cut into windows of at most ``room`` that overlap by half: (start, keep, stop)."""
    start = keep = 0
    while keep < length:
        stop = min(start + room, length)
        yield start, keep, stop
        keep = stop - room // 4 if stop < length else stop
        start = max(0, stop - room // 2)


def _batches(windows: Sequence[_Window]) -> Iterator[list[_Window]]:
    """Group windows, sorted by length, so that padding included few enough pieces are in one batch."""
    batch: list[_Window] = []
    for window in windows:
        if batch and (len(batch) + 1) * (window.stop - window.start) > _BATCH_TOKENS:
            yield batch
            batch = []
        batch.append(window)
    if batch:
        yield batch


def _pool(text: str, pieces: Sequence[Span], vectors: Matrix) -> _Words:
    """Average the vectors of the pieces that touch a word; a word without a piece is left out."""
    spans: list[Span] = []
    rows: list[Matrix] = []
    for word, touching in words_in_pieces(text, pieces):
        mean = vectors[touching].mean(axis=0)
        spans.append(word)
        rows.append(mean / max(float(np.linalg.norm(mean)), 1e-12))
    folded = [fold(text[start:end]).text for start, end in spans]
    return _Words(spans, folded, np.stack(rows) if rows else np.zeros((0, vectors.shape[1]), dtype=np.float32))


def words_in_pieces(text: str, pieces: Sequence[Span]) -> Iterator[tuple[Span, slice]]:
    """Tell for each word which pieces touch it; a word without a piece is left out."""
    first = 0
    for start, end in join_pieces(text, words(text), pieces):
        while first < len(pieces) and pieces[first][1] <= start:
            first += 1
        last = first
        while last < len(pieces) and pieces[last][0] < end:
            last += 1
        if last > first:
            yield (start, end), slice(first, last)


def _load(path: str, model: str, layer: int | None) -> _Loaded:
    import torch

    config = load_config(path, model)
    tokenizer = load_tokenizer(path, config, model)
    if config.is_encoder_decoder:
        raise ConfigError(f"model {model!r} cannot align words: it is an encoder-decoder; give an encoder")
    trustworthy(tokenizer, model)
    layers = getattr(config, "num_hidden_layers", None)
    if layers is None:
        raise ConfigError(f"model {model!r} cannot align words: it has no layers to choose from; give an encoder")
    config.num_hidden_layers = _layer(layer, layers, model)  # the upper ones are not loaded
    network, _ = load_model(path, "AutoModel", config, model, cut=True, dtype=torch.float32)
    network = network.to("cuda" if torch.cuda.is_available() else "cpu").eval()
    special = tokenizer("a", return_special_tokens_mask=True)
    ids, mask = special["input_ids"], special["special_tokens_mask"]
    inner = mask.index(0)
    after = ids[inner + mask[inner:].count(0) :]
    return _Loaded(network, tokenizer, ids[:inner], after, _longest(network, tokenizer))


def _layer(asked: int | None, layers: int, model: str) -> int:
    if asked is None:
        return max(1, round(0.6 * layers))
    if not 0 <= asked <= layers:
        raise ConfigError(f"model {model!r} has the layers 0 to {layers}, not {asked}")
    return asked


def _longest(network: Any, tokenizer: Any) -> int:
    """Most pieces at once: RoBERTa-type models lose the first positions to their padding index."""
    table = getattr(getattr(network, "embeddings", None), "position_embeddings", None)
    padding = getattr(table, "padding_idx", None)
    positions = getattr(network.config, "max_position_embeddings", None) or _DEFAULT_LONGEST
    return min(int(tokenizer.model_max_length), positions - (0 if padding is None else padding + 1))
