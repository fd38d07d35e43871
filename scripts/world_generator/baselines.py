"""How far one gets in the embedded world without understanding it.

``PYTHONPATH=scripts python -m world_generator.baselines`` prints the figures of docs/embedded-default.md.
"""

from __future__ import annotations

import math
import re
import sys
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

from crossfare.data.world import LANGUAGES, collection, nli, qa, ranking
from crossfare.types import NLI_LABELS, Dataset, PairExample, Passage, QAExample, QueryExample

_WORD = re.compile(r"\w+")


def _words(text: str) -> list[str]:
    return _WORD.findall(text.lower())


def _pairs(dataset: Dataset) -> list[PairExample]:
    return [example for example in dataset.examples if isinstance(example, PairExample)]


def _questions(dataset: Dataset) -> list[QAExample]:
    return [example for example in dataset.examples if isinstance(example, QAExample)]


def _features(example: PairExample) -> list[str]:
    words = _words(example.hypothesis)
    return words + [f"{a} {b}" for a, b in pairwise(words)]


def hypothesis_only(train: Dataset, test: Dataset) -> float:
    """Accuracy of multinomial naive Bayes (add-one smoothing) over the hypothesis' words and word pairs."""
    counts: dict[str, Counter[str]] = {label: Counter() for label in NLI_LABELS}
    for example in _pairs(train):
        counts[example.label or ""].update(_features(example))
    known = len(set().union(*counts.values()))
    totals = {label: sum(counter.values()) for label, counter in counts.items()}

    def guess(example: PairExample) -> str:
        def score(label: str) -> float:
            return sum(math.log((counts[label][word] + 1) / (totals[label] + known)) for word in _features(example))

        return max(NLI_LABELS, key=score)

    return sum(guess(example) == example.label for example in _pairs(test)) / len(test)


def _overlap(example: PairExample) -> float:
    """Share of the hypothesis' words that the premise has."""
    premise, hypothesis = set(_words(example.premise)), set(_words(example.hypothesis))
    return len(premise & hypothesis) / len(hypothesis)


def overlap_only(train: Dataset, test: Dataset, bins: int = 10) -> float:
    """Accuracy of the most frequent training label per bin of word overlap."""

    def bin_of(example: PairExample) -> int:
        return min(bins - 1, int(_overlap(example) * bins))

    seen: dict[int, Counter[str]] = {index: Counter(NLI_LABELS) for index in range(bins)}
    for example in _pairs(train):
        seen[bin_of(example)][example.label or ""] += 1
    return sum(seen[bin_of(example)].most_common(1)[0][0] == example.label for example in _pairs(test)) / len(test)


def _runs(sentence: str, question: set[str]) -> list[str]:
    """Runs of words that the question does not have, a capital or a digit at their head first, longest first."""
    runs: list[list[str]] = [[]]
    for token in sentence.rstrip(".").split():
        if not set(_words(token)) <= question or not _words(token):
            marked = token[0].isupper() or token[0].isdigit()
            if runs[-1] and (runs[-1][0][0].isupper() or runs[-1][0][0].isdigit()) != marked:
                runs.append([])
            runs[-1].append(token.strip(',."'))
        elif runs[-1]:
            runs.append([])
    found = [" ".join(run) for run in runs if run]
    return sorted(found, key=lambda run: (run[0].isupper() or run[0].isdigit(), len(run)), reverse=True)


def _f1(guess: str, gold: str) -> float:
    common = sum((Counter(_words(guess)) & Counter(_words(gold))).values())
    if not common:
        return 0.0
    precision, recall = common / len(_words(guess)), common / len(_words(gold))
    return 2 * precision * recall / (precision + recall)


def lexical_overlap_qa(test: Dataset) -> float:
    """Mean F1 of: the sentence that shares most words with the question, in it the first run of names or digits."""
    total = 0.0
    for example in _questions(test):
        question = set(_words(example.question))
        sentences = re.split(r"(?<=\.) (?=[A-ZÀ-ỸĐ\"])", example.context)
        best = max(sentences, key=lambda sentence: len(question & set(_words(sentence))))
        runs = _runs(best, question)
        total += _f1(runs[0], example.answers[0].text) if runs else 0.0
    return total / len(test)


def word_search(test: Dataset, passages: Sequence[Passage]) -> tuple[float, float]:
    """Mean reciprocal rank and recall among the first ten, by BM25 (k1 0.82, b 0.68) over plain lower-cased words.

    Of passages with the same score the first one ranks first.
    """
    counts = [Counter(_words(passage.text)) for passage in passages]
    mean = sum(counter.total() for counter in counts) / len(counts)
    found_in = Counter(word for counter in counts for word in counter)
    rarity = {word: math.log(1 + (len(counts) - n + 0.5) / (n + 0.5)) for word, n in found_in.items()}

    def score(counter: Counter[str], query: list[str]) -> float:
        damping = 0.82 * (1 - 0.68 + 0.68 * counter.total() / mean)
        return sum(rarity[word] * counter[word] / (counter[word] + damping) for word in query if word in counter)

    reciprocal = recall = 0.0
    for example in test.examples:
        if isinstance(example, QueryExample):
            query = _words(example.query)
            scores = [score(counter, query) for counter in counts]
            best = sorted(range(len(scores)), key=scores.__getitem__, reverse=True)[:10]
            relevant = {passage for passage, _ in example.judgements}
            ranks = [rank for rank, i in enumerate(best, 1) if passages[i].id in relevant]
            reciprocal += 1 / ranks[0] if ranks else 0.0
            recall += len(ranks) / len(relevant)
    return reciprocal / len(test), recall / len(test)


def table() -> str:
    """Format the baselines as a Markdown table, one line a language."""
    lines = ["| language | NLI hypothesis only | NLI overlap only | QA lexical overlap F1 |", "|---|---|---|---|"]
    for language in LANGUAGES:
        train, test = nli(language, "train"), nli(language, "test")
        figures = (hypothesis_only(train, test), overlap_only(train, test), lexical_overlap_qa(qa(language, "test")))
        lines.append(f"| {language} | " + " | ".join(f"{figure:.3f}" for figure in figures) + " |")
    return "\n".join(lines)


def ranking_table() -> str:
    """Format what plain word search finds as a Markdown table, one line a language."""
    lines = ["| language | MRR@10 of plain BM25 | Recall@10 |", "|---|---|---|"]
    for language in LANGUAGES:
        figures = word_search(ranking(language, "test"), collection(language, "test"))
        lines.append(f"| {language} | " + " | ".join(f"{figure:.3f}" for figure in figures) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.stdout.write(f"{table()}\n\n{ranking_table()}\n")
