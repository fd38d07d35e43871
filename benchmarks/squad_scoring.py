"""How long exact match and F1 of SQuAD take beside the official way of computing them.

    python benchmarks/squad_scoring.py [--examples N]

Every question has three gold answers. The peer is written like the official script (evaluate-v1.1.py): each prediction
is normalised against each gold answer anew, for each metric. Both must give the same figures. crossfare's time is
shown without its bootstrap intervals, which the script does not have, and with them. Processor time, fastest of 3.
"""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Sequence
from random import Random

import ratios
from crossfare.score import qa
from crossfare.types import Answer, Dataset, Prediction, QAExample


def main() -> None:
    """Score the same predictions all ways."""
    parser = ratios.parser(__doc__)
    parser.add_argument("--examples", type=int, default=10_000, help="questions to score (default: %(default)s)")
    asked = parser.parse_args()
    dataset, predictions = _made(asked.examples)
    official, expected = ratios.fastest(lambda: _official(dataset, predictions))
    bare, _ = ratios.fastest(lambda: qa.score(dataset, predictions, resamples=1))
    whole, scores = ratios.fastest(lambda: qa.score(dataset, predictions))
    assert all(abs(score.value - value) < 1e-12 for score, value in zip(scores, expected, strict=True))
    print("| scorer | seconds | ratio |\n|---|---|---|")
    print(f"| official way | {official:.2f} | 1.0 |")
    print(f"| crossfare | {bare:.2f} | {official / bare:.1f} times as fast |")
    print(f"| crossfare with intervals | {whole:.2f} | {official / whole:.1f} times as fast |")
    ratios.keep(asked.ratios, [ratios.Ratio("SQuAD scoring", "official way", official / bare, 6, "equal")])


def _made(count: int) -> tuple[Dataset, list[Prediction]]:
    rng = Random(0)
    words = [*(f"word{i}" for i in range(300)), "The", "a", "of", "U.S.", "1,000"]

    def text() -> str:
        return " ".join(rng.choices(words, k=rng.randint(1, 6)))

    examples, predictions = [], []
    for number in range(count):
        golds = tuple(Answer(text(), 0) for _ in range(3))
        examples.append(QAExample(str(number), "", "?", golds))
        predictions.append(Prediction(str(number), golds[0].text if rng.random() < 0.5 else text()))
    return Dataset("synthetic", "qa", "test", "en", tuple(examples), "synthetic"), predictions


def _official(dataset: Dataset, predictions: Sequence[Prediction]) -> tuple[float, float]:
    outputs = {prediction.id: prediction.output for prediction in predictions}
    f1 = exact = 0.0
    for example in dataset.examples:
        assert isinstance(example, QAExample)
        golds = [answer.text for answer in example.answers]
        exact += max(float(_normalise(outputs[example.id]) == _normalise(gold)) for gold in golds)
        f1 += max(_f1(outputs[example.id], gold) for gold in golds)
    return f1 / len(dataset), exact / len(dataset)


def _f1(prediction: str, gold: str) -> float:
    a, b = _normalise(prediction).split(), _normalise(gold).split()
    same = sum((Counter(a) & Counter(b)).values())
    if same == 0:
        return 0.0
    precision, recall = same / len(a), same / len(b)
    return 2 * precision * recall / (precision + recall)


def _normalise(text: str) -> str:
    bare = "".join(letter for letter in text.lower() if letter not in set(string.punctuation))
    return " ".join(re.sub(r"\b(a|an|the)\b", " ", bare).split())


if __name__ == "__main__":
    main()
