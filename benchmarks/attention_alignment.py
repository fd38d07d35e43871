"""Which cross-attention aligns words: of which layer and heads, at which step, and how words are linked by it.

    python benchmarks/attention_alignment.py [--limit 200]

Prints a Markdown table: validation questions of the embedded world, translated by the tiny Marian, answers projected by
alignment and compared with the reference's as in span_projection.py (exact, character-F1). The attention is that of
transformers, which gives all of it. The setting of `crossfare.translate.attention` was chosen on the column pt; de and
vi are a check.

layer   of the decoder's two, the mean over all heads (or head 1 alone, which CTranslate2 returns by default)
step    the attention at the step that writes a token, or at the next one, which reads it (Chen et al. 2020)
links   source: each source word with the word that attends to it most; target: each word with the source word it
        attends to most; mutual: both; itermax: SimAlign's. "two models": the geometric mean with the attention of the
        model of the other direction, made to write the source
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt

from crossfare import data
from crossfare.experiment.engines import make_engine
from crossfare.pretrained import resolve
from crossfare.pretrained.loading import load_config, load_model
from crossfare.translate import Projection
from crossfare.translate.alignment import EncoderAligner, Link, itermax, mutual_argmax, words_in_pieces
from crossfare.translate.engines.seq2seq import find_route, load_vocabulary
from crossfare.translate.sentences import Span
from crossfare.translate.words import find_pieces
from span_projection import measure, texts

THERE, BACK = "embedded:marian-en-xx", "embedded:marian-xx-en"
LANGUAGES = ("pt", "de", "vi")
Matrix = npt.NDArray[np.float32]
Choose = Callable[[Matrix], Matrix]
"""From (layers, heads, tokens + 1, source tokens) to (tokens, source tokens)."""
Words = tuple[list[Span], list[Span], Matrix]
"""Words of the text read, words of the text written, and a weight for each pair."""

LAYERS: dict[str, Callable[[Matrix], Matrix]] = {
    "1": lambda attention: attention[0].mean(axis=0),
    "2": lambda attention: attention[1].mean(axis=0),
    "2, head 1": lambda attention: attention[1, 0],
    "1 and 2": lambda attention: attention.mean(axis=(0, 1)),
}
STEPS: dict[str, slice] = {"writes": slice(0, -1), "reads": slice(1, None)}
LINKS: dict[str, Callable[[Matrix], npt.NDArray[np.bool_]]] = {
    "source": lambda weights: weights == weights.max(axis=1, keepdims=True),
    "target": lambda weights: weights == weights.max(axis=0, keepdims=True),
    "mutual": mutual_argmax,
    "itermax": itermax,
}


class Attention:
    """A Marian model that is made to write given translations; what it attended to is kept."""

    def __init__(self, model: str) -> None:
        self.name, self.path = model, resolve(model).path
        self.vocabulary = load_vocabulary(self.path, model)
        config = load_config(self.path, model)
        self.model: Any = load_model(self.path, "MarianMTModel", config, model, attn_implementation="eager")[0].eval()
        self._known: dict[tuple[str, str, str], tuple[Matrix, list[Span], list[Span]]] = {}

    def words(self, pair: tuple[str, str], source: str, target: str, choose: Choose) -> Words:
        """Sum the weights over the tokens of a word read, and average them over those of a word written."""
        if (*pair, target) not in self._known:
            self._known[*pair, target] = self._attend(*pair, source, target)
        attention, read, written = self._known[*pair, target]
        weights = choose(attention)
        from_words, to_words = list(words_in_pieces(pair[0], read)), list(words_in_pieces(pair[1], written))
        rows = np.array([weights[pieces].mean(axis=0) for _, pieces in to_words])
        table = np.array([rows[:, pieces].sum(axis=1) for _, pieces in from_words], dtype=np.float32)
        return [word for word, _ in from_words], [word for word, _ in to_words], table

    def _attend(self, text: str, translation: str, source: str, target: str) -> tuple[Matrix, list[Span], list[Span]]:
        import torch

        vocabulary = self.vocabulary
        route = find_route(vocabulary, source, target, None, self.name)
        (read,), (written,) = vocabulary.encode([text], route), vocabulary.encode_translations([translation])
        asked = [self.model.config.decoder_start_token_id, *written]
        with torch.inference_mode():
            output = self.model(
                input_ids=torch.tensor([read]), decoder_input_ids=torch.tensor([asked]), output_attentions=True
            )
        # Pieces of the prefix are control tokens: nothing of the text.
        places = (find_pieces(vocabulary.pieces(read), text), find_pieces(vocabulary.pieces(written), translation))
        return torch.cat(output.cross_attentions).numpy(), *places


class Setting:
    """An aligner by one choice of everything."""

    def __init__(self, table: Callable[[tuple[str, str]], Words], link: str) -> None:
        self._table, self._link = table, LINKS[link]

    def align(self, pairs: Sequence[tuple[str, str]]) -> list[tuple[Link, ...]]:
        """Return for each (source text, target text) the linked character spans of words."""
        made = []
        for pair in pairs:
            source, target, weights = self._table(pair)
            rows, columns = np.nonzero(self._link(weights))
            made.append(tuple((source[i], target[j]) for i, j in zip(rows.tolist(), columns.tolist(), strict=True)))
        return made


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--limit", type=int, default=200, help="questions")
    limit = parser.parse_args().limit
    there, back, marian = Attention(THERE), Attention(BACK), make_engine("ctranslate2", {"model": THERE})
    encoder = EncoderAligner("embedded:multilingual-encoder")
    source = data.load("world:qa", task="qa", language="en", split="validation").dataset
    source = replace(source, examples=source.examples[:limit])
    golds = [data.load("world:qa", task="qa", language=tag, split="validation").dataset for tag in LANGUAGES]
    print("| layer | step | links | " + " | ".join(LANGUAGES) + " |\n" + "|---" * (3 + len(LANGUAGES)) + "|")

    def row(name: str, aligner: Callable[[str], Any]) -> None:
        cells = []
        for language, gold in zip(LANGUAGES, golds, strict=True):
            projection = Projection("align", aligner(language))
            scored, _ = measure(source, gold, marian, projection, texts(language))
            exact, f1 = (sum(each[i] for each in scored) / len(source) for i in (0, 1))
            cells.append(f"{exact:.1%}, {f1:.3f}")
        print(f"| {name} | " + " | ".join(cells) + " |", flush=True)

    row("encoder | - | itermax", lambda _: encoder)
    for (layer, heads), (step, rows), link in product(LAYERS.items(), STEPS.items(), LINKS):

        def choose(attention: Matrix, heads: Choose = heads, rows: slice = rows) -> Matrix:
            return heads(attention)[rows]

        def one_way(language: str, link: str = link, choose: Choose = choose) -> Setting:
            return Setting(lambda pair: there.words(pair, "en", language, choose), link)

        def both_ways(language: str, link: str = link, choose: Choose = choose) -> Setting:
            def table(pair: tuple[str, str]) -> Words:
                source, target, weights = there.words(pair, "en", language, choose)
                *_, other = back.words((pair[1], pair[0]), language, "en", choose)
                return source, target, np.sqrt(weights * other.T)

            return Setting(table, link)

        row(f"{layer} | {step} | {link}", one_way)
        if (layer, step) == ("2", "writes"):
            row(f"{layer} | {step} | {link}, two models", both_ways)


if __name__ == "__main__":
    main()
