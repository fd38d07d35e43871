"""How long the n-best decoding of question answering takes beside the usual loops in Python.

    python benchmarks/qa_decoding.py [--windows N]

Logits are noise with a peak where the answer is, contexts fill most of 384 tokens, the best 20 spans of at
most 30 tokens are asked for. The peer does what the example scripts of transformers do: of the 20 best starts and the
20 best ends, keep the pairs that are spans. That can miss the best span; how often its answer is another one is
printed. Processor time, the fastest of 3 rounds.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

import ratios
from crossfare.model import qa
from crossfare.types import QAExample

_LENGTH, _N_BEST, _LONGEST = 384, 20, 30


def main() -> None:
    """Decode the same logits both ways."""
    parser = ratios.parser(__doc__)
    parser.add_argument("--windows", type=int, default=5000, help="windows to decode (default: %(default)s)")
    asked = parser.parse_args()
    count = asked.windows
    windows, start, end = _made(count)
    own, found = ratios.fastest(lambda: qa.decode(windows, start, end, n_best=_N_BEST, max_answer_length=_LONGEST))
    loops, usual = ratios.fastest(lambda: _plain(windows, start, end))
    other = sum(a.output != b for a, b in zip(found, usual, strict=True))
    print("| decoder | ms per 1,000 windows | ratio |\n|---|---|---|")
    print(f"| loops in Python | {1e6 * loops / count:.0f} | 1.0 |")
    print(f"| crossfare | {1e6 * own / count:.0f} | {loops / own:.1f} times as fast |")
    print(f"\nThe loops' best answer is another one in {other} of {count:,} windows.")
    same = f"all but {other} of {count:,}"
    ratios.keep(asked.ratios, [ratios.Ratio("n-best decoding", "loops in Python", loops / own, 3.5, same)])


def _made(count: int) -> tuple[qa.Windows, NDArray[np.float32], NDArray[np.float32]]:
    rng = np.random.default_rng(0)
    first, width = rng.integers(8, 24, count), rng.integers(200, _LENGTH - 24, count)
    context = " ".join(f"w{i}" for i in range(_LENGTH))
    starts = np.array([0, *(i + 1 for i, letter in enumerate(context) if letter == " ")])
    ends = np.array([*(starts[1:] - 1), len(context)])
    windows = qa.Windows(
        tuple(QAExample(str(i), context, "?", ()) for i in range(count)),
        [],
        np.arange(count),
        first,
        width,
        np.zeros(count, dtype=np.int64),
        starts,
        ends,
    )
    answer = rng.integers(first, first + width)[:, None] + np.array([0, 3])[:, None, None]
    peaks = 8 * np.exp(-np.abs(np.arange(_LENGTH) - answer) / 8)
    start, end = (peaks + rng.normal(size=peaks.shape)).astype(np.float32)
    return windows, start, end


def _plain(windows: qa.Windows, start_logits: NDArray[Any], end_logits: NDArray[Any]) -> list[str]:
    answers = []
    for row, example in enumerate(windows.examples):
        first, width = windows.first[row], windows.width[row]
        starts = np.argsort(start_logits[row])[-1 : -_N_BEST - 1 : -1].tolist()
        ends = np.argsort(end_logits[row])[-1 : -_N_BEST - 1 : -1].tolist()
        spans = []
        for start in starts:
            for end in ends:
                if not first <= start <= end < first + width or end - start + 1 > _LONGEST:
                    continue
                score = start_logits[row][start] + end_logits[row][end]
                spans.append({"score": score, "span": (windows.starts[start - first], windows.ends[end - first])})
        best = sorted(spans, key=lambda each: each["score"], reverse=True)[:_N_BEST]
        texts = [example.context[each["span"][0] : each["span"][1]] for each in best]
        answers.append(texts[0] if texts else "")
    return answers


if __name__ == "__main__":
    main()
