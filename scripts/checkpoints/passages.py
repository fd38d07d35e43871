"""Pretraining text as ids: sentences and questions in several languages, with their aligned spans.

Examples are pairs (first segment, second segment) made from one document without any label:
a question or a statement in one language, a passage in the same or another.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

CLS, SEP, MASK, PAD, UNK = "[CLS]", "[SEP]", "[MASK]", "[PAD]", "[UNK]"
SPECIAL = [PAD, UNK, CLS, SEP, MASK]
CLS_ID, SEP_ID, MASK_ID = 2, 3, 4


def train_word_pieces(texts: Iterable[str], size: int, alphabet: str) -> Tokenizer:
    """Train a cased WordPiece vocabulary that knows every character of ``alphabet``."""
    tokenizer = Tokenizer(models.WordPiece(unk_token=UNK, max_input_chars_per_word=64))
    tokenizer.normalizer = normalizers.BertNormalizer(
        clean_text=True, handle_chinese_chars=True, strip_accents=False, lowercase=False
    )
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    trainer = trainers.WordPieceTrainer(
        vocab_size=size, special_tokens=SPECIAL, initial_alphabet=sorted(set(alphabet)), show_progress=False
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


@dataclass(frozen=True, slots=True)
class Line:
    """One text in one language: piece ids, the word each piece belongs to, its span's number or -1."""

    ids: np.ndarray
    words: np.ndarray
    slots: np.ndarray


@dataclass(frozen=True, slots=True)
class Text:
    """One text in every language.

    ``keys`` name the value of each aligned span, the same across texts; ``places`` name the wording and the
    gap in it that the span fills.
    """

    lines: dict[str, Line]
    keys: tuple[str, ...]
    places: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Passage:
    """A document, encoded."""

    sentences: tuple[Text, ...]
    questions: tuple[Text, ...]


def encode_documents(documents: Sequence[Any], tokenizer: Tokenizer, languages: Sequence[str]) -> list[Passage]:
    """Encode documents (of `crossfare.data.world`) in the given languages."""
    aligned = [text for d in documents for text in (*d.sentences, *d.questions)]
    lines: dict[str, list[Line]] = {}
    for language in languages:
        encodings = tokenizer.encode_batch([text.texts[language] for text in aligned], add_special_tokens=False)
        lines[language] = [_line(e, text, language) for e, text in zip(encodings, aligned, strict=True)]
    texts = iter(
        Text({language: lines[language][i] for language in languages}, tuple(_keys(text)), tuple(_places(text)))
        for i, text in enumerate(aligned)
    )
    return [
        Passage(tuple(itertools.islice(texts, len(d.sentences))), tuple(itertools.islice(texts, len(d.questions))))
        for d in documents
    ]


def _keys(text: Any) -> Iterator[str]:
    for span in text.spans:
        start, end = span["en"]
        yield text.texts["en"][start:end].casefold()


def _places(text: Any) -> Iterator[str]:
    """The English wording without its spans, and the number of each gap in it."""
    wording, end = "", 0
    for start, stop in sorted(span["en"] for span in text.spans):
        wording += text.texts["en"][end:start] + "_"
        end = stop
    wording += text.texts["en"][end:]
    return (f"{wording}#{number}" for number in range(len(text.spans)))


def _line(encoding: Any, text: Any, language: str) -> Line:
    slots = np.full(len(encoding.ids), -1, dtype=np.int16)
    offsets = np.array(encoding.offsets, dtype=np.int32).reshape(-1, 2)
    for number, span in enumerate(text.spans):
        if language in span:
            start, end = span[language]
            slots[(offsets[:, 0] < end) & (offsets[:, 1] > start)] = number
    return Line(np.array(encoding.ids, dtype=np.int32), np.array(encoding.word_ids, dtype=np.int16), slots)


KINDS = ("question_passage", "statement_passage", "translation", "question_translation")


class Fillers:
    """Values that could stand in each other's place.

    Two values are of one kind if a chain of wordings links them whose same gap they fill: all persons, all
    towns. No list of kinds is given; it is read off the text.
    """

    def __init__(self, passages: Iterable[Passage]) -> None:
        self._parent: dict[str, str] = {}
        self._found: dict[str, list[tuple[Text, int]]] = {}
        texts = [text for passage in passages for text in (*passage.sentences, *passage.questions)]
        for text in texts:
            for key, place in zip(text.keys, text.places, strict=True):
                self._parent[self._root(f"key {key}")] = self._root(f"gap {place}")
        for text in texts:
            for number, key in enumerate(text.keys):
                self._found.setdefault(self.kind(key), []).append((text, number))

    def _root(self, name: str) -> str:
        while (parent := self._parent.setdefault(name, name)) != name:
            self._parent[name] = name = self._parent.setdefault(parent, parent)
        return name

    def kind(self, key: str) -> str:
        """The kind of a value; values never seen are of no other's kind."""
        return self._root(f"key {key}")

    def others(self, key: str) -> list[tuple[Text, int]]:
        """Texts that hold a value of the same kind, and its number there."""
        return self._found.get(self.kind(key), [])


@dataclass(frozen=True, slots=True)
class Mix:
    """How examples are drawn: weights of the kinds of pairs, and the shares of the further changes."""

    question_passage: float = 0.35
    statement_passage: float = 0.30
    translation: float = 0.25
    question_translation: float = 0.10
    same_language: float = 0.4
    recover_first: float = 0.7
    recover_second: float = 0.3
    restated: float = 0.7
    distractors: int = 0
    switch_words: float = 0.15
    corrupt: float = 0.0
    max_sentences: int = 6
    max_pieces: int = 126


@dataclass(frozen=True, slots=True)
class PairInput:
    """One example: pieces, words (-1 for special tokens), pieces that must be masked, where B starts, the
    span of B that the masked words of A repeat (0, 0 if none), and the pieces of A that were exchanged, if the
    example asks for them ([CLS] stands for "any")."""

    ids: np.ndarray
    words: np.ndarray
    forced: np.ndarray
    second: int
    span: tuple[int, int]
    exchanged: np.ndarray | None


class PairMaker:
    """Draws examples from encoded documents."""

    def __init__(self, languages: Sequence[str], mix: Mix, fillers: Fillers, rng: np.random.Generator) -> None:
        self.languages, self.mix, self.fillers, self.rng = tuple(languages), mix, fillers, rng
        asking = np.array([getattr(mix, kind) for kind in KINDS], dtype=float)
        if len(self.languages) == 1:
            asking *= [not kind.endswith("translation") for kind in KINDS]
        telling = asking * [not kind.startswith("question") for kind in KINDS]
        self.asking, self.telling = asking / asking.sum(), telling / telling.sum()
        self.seen: list[Text | None] = [None] * 512

    def draw(self, passage: Passage) -> PairInput | None:
        """Draw one example from a document; None if it came out too long."""
        weights = self.asking if passage.questions else self.telling
        kind = KINDS[self.rng.choice(len(KINDS), p=weights)]
        x, y = self._two_languages(different=kind.endswith("translation"))
        if kind == "question_passage":
            first, second = self._pick(passage.questions), passage.sentences[: self.mix.max_sentences]
        elif kind == "statement_passage":
            first, second = self._statement(passage)
        else:
            first = self._pick(passage.questions if kind == "question_translation" else passage.sentences)
            second = (first,)
        self.seen[int(self.rng.integers(len(self.seen)))] = self._pick(passage.sentences)
        return self._join(first, second, x, y)

    def _pick(self, texts: Sequence[Text]) -> Text:
        return texts[int(self.rng.integers(len(texts)))]

    def _two_languages(self, *, different: bool) -> tuple[str, str]:
        x = self.languages[self.rng.integers(len(self.languages))]
        others = [language for language in self.languages if language != x]
        if not others or (not different and self.rng.random() < self.mix.same_language):
            return x, x
        return x, others[self.rng.integers(len(others))]

    def _statement(self, passage: Passage) -> tuple[Text, tuple[Text, ...]]:
        """A statement and text that holds it; where a document only restates its beginning, the beginning
        among sentences of other documents."""
        if passage.questions or self.rng.random() >= self.mix.restated:
            number = int(self.rng.integers(len(passage.sentences)))
            return passage.sentences[number], self._window(passage, number)
        others = [self._pick(self.seen) for _ in range(int(self.rng.integers(self.mix.distractors + 1)))]
        told = [*passage.sentences[:-1], *(text for text in others if text is not None)]
        self.rng.shuffle(told)
        return passage.sentences[-1], tuple(told)

    def _window(self, passage: Passage, must: int) -> tuple[Text, ...]:
        """Some consecutive sentences, ``must`` among them."""
        total = len(passage.sentences)
        size = int(self.rng.integers(1, min(total, self.mix.max_sentences) + 1))
        low, high = max(0, must - size + 1), min(must, total - size)
        start = int(self.rng.integers(low, high + 1))
        return passage.sentences[start : start + size]

    def _line(self, text: Text, language: str) -> Line:
        """The text's line, now and then with a span said in another language."""
        line = text.lines[language]
        if len(self.languages) == 1 or not text.keys or self.rng.random() >= self.mix.switch_words:
            return line
        other = text.lines[self.languages[self.rng.integers(len(self.languages))]]
        number = int(self.rng.integers(len(text.keys)))
        return splice(line, number, other, number, 500)

    def _join(self, first: Text, second: Sequence[Text], x: str, y: str) -> PairInput | None:
        lines = [self._line(text, y) for text in second]
        a, exchanged = self._line(first, x), None
        if self.rng.random() < self.mix.corrupt:
            exchanged = np.zeros(0, dtype=bool)
            if self.rng.random() < 0.5:
                a, exchanged = self._corrupt(first, second, a, x)
        offset = len(a.ids) + 2
        ids = np.concatenate([[CLS_ID], a.ids, [SEP_ID], *(line.ids for line in lines), [SEP_ID]])
        if len(ids) > self.mix.max_pieces:
            return None
        words, shift = [np.array([-1]), a.words, np.array([-1])], 1000
        for line in lines:
            words.append(line.words + shift)
            shift += 1000
        _, words_flat = np.unique(np.concatenate([*words, [-1]]), return_inverse=True)
        if exchanged is None:
            forced, span = self._recover(first, second, a, lines, len(ids))
        else:
            forced, span = np.zeros(len(ids), dtype=bool), (0, 0)
            marked = np.zeros(len(ids), dtype=bool)
            marked[1 : 1 + len(exchanged)] = exchanged
            marked[0] = exchanged.any()
            exchanged = marked
        return PairInput(ids.astype(np.int64), words_flat - 1, forced, offset, span, exchanged)

    def _corrupt(self, first: Text, second: Sequence[Text], a: Line, x: str) -> tuple[Line, np.ndarray]:
        """Exchange a value of the first segment for another of its kind: one the pair holds, or any.

        Where the first segment holds another of that kind itself, the two may change places. Returns the
        line and which of its pieces were exchanged (none if nothing could be).
        """
        nothing = np.zeros(len(a.ids), dtype=bool)
        if not first.keys:
            return a, nothing
        number = int(self.rng.integers(len(first.keys)))
        key, kind = first.keys[number], self.fillers.kind(first.keys[number])
        near = [(first, n) for n in range(len(first.keys)) if n != number] + [
            (text, n) for text in second if text is not first for n in range(len(text.keys))
        ]
        near = [(t, n) for t, n in near if t.keys[n] != key and self.fillers.kind(t.keys[n]) == kind]
        choices = near if near and self.rng.random() < 0.6 else self.fillers.others(key)
        if not choices:
            return a, nothing
        text, n = choices[int(self.rng.integers(len(choices)))]
        if text.keys[n] == key:
            return a, nothing
        made = splice(a, number, text.lines[x], n, 500)
        changed = {number}
        if text is first:
            made = splice(made, n, first.lines[x], number, 700)
            changed.add(n)
        return made, np.isin(made.slots, list(changed)) if made is not a else nothing

    def _recover(
        self, first: Text, second: Sequence[Text], a: Line, lines: Sequence[Line], length: int
    ) -> tuple[np.ndarray, tuple[int, int]]:
        """Choose a span value that both segments hold, and hide it on one side."""
        forced = np.zeros(length, dtype=bool)
        shared = self._shared(first, second, len(a.ids) + 2, lines)
        if not shared:
            return forced, (0, 0)
        number, places = shared[self.rng.integers(len(shared))]
        in_first = 1 + np.flatnonzero(a.slots == number)
        draw = self.rng.random()
        if draw < self.mix.recover_first:
            forced[in_first] = True
            return forced, places[0] if len(places) == 1 and len(in_first) else (0, 0)
        if draw < self.mix.recover_first + self.mix.recover_second:
            for start, end in places:
                forced[start:end] = True
        return forced, (0, 0)

    @staticmethod
    def _shared(
        first: Text, second: Sequence[Text], offset: int, lines: Sequence[Line]
    ) -> list[tuple[int, list[tuple[int, int]]]]:
        """Spans of the first text whose value also stands in the second: (number, places there)."""
        found: dict[str, list[tuple[int, int]]] = {}
        for text, line in zip(second, lines, strict=True):
            for number, key in enumerate(text.keys):
                where = np.flatnonzero(line.slots == number)
                if len(where):
                    found.setdefault(key, []).append((offset + int(where[0]), offset + int(where[-1]) + 1))
            offset += len(line.ids)
        return [(number, found[key]) for number, key in enumerate(first.keys) if key in found]


def splice(line: Line, number: int, other: Line, other_number: int, shift: int) -> Line:
    """Put a span of another line in the place of one of this line's; ``shift`` keeps word numbers distinct."""
    here, there = np.flatnonzero(line.slots == number), np.flatnonzero(other.slots == other_number)
    if not len(here) or not len(there):
        return line
    start, end = here[0], here[-1] + 1
    inserted = slice(there[0], there[-1] + 1)
    length = inserted.stop - inserted.start
    return Line(
        np.concatenate([line.ids[:start], other.ids[inserted], line.ids[end:]]),
        np.concatenate([line.words[:start], shift + other.words[inserted], line.words[end:]]),
        np.concatenate([line.slots[:start], np.full(length, number, np.int16), line.slots[end:]]),
    )
