"""Ways of back-projection on the embedded world: F1 and exact match against the gold answer, and what they translate.

The spans to carry back are those that the paper's markers gave in the English translation of the test set, so what is
measured is finding an answer again, not answering.

    python benchmarks/back_projection.py
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import cast

from crossfare.data import world
from crossfare.experiment.engines import make_engine
from crossfare.score.qa import exact_match, f1, normalise_mlqa
from crossfare.translate import TranslationMemory, translate_dataset
from crossfare.translate.alignment import EncoderAligner
from crossfare.translate.back_projection import BackProjector
from crossfare.translate.bitext import bitext
from crossfare.translate.spans import Found
from crossfare.types import QAExample

WAYS = (("search",), ("align",), ("markers",), ("search", "align", "markers"), ("markers", "align", "search"))
LINE = "{:4}{:26}{:>9}{:>8}{:>8}{:>16}{:>9}"


def main() -> None:
    """Print a line for each language and cascade."""
    print(LINE.format("", "ways", "found", "F1", "EM", "chars/question", "seconds"))
    aligner = EncoderAligner("embedded:multilingual-encoder")
    aligner.align([("warm", "up")])
    for language in ("pt", "de", "vi"):
        there = {each.id: cast("QAExample", each) for each in world.qa(language, "test").examples}
        to_english = make_engine("ctranslate2", {"model": "embedded:marian-xx-en-marked"})
        back = make_engine("ctranslate2", {"model": "embedded:marian-en-xx-marked"})
        made = translate_dataset(world.qa(language, "test"), to_english, target="en").dataset.examples
        asked = [cast("QAExample", each) for each in made]
        golds = [there[each.id] for each in asked]
        spans = [
            (bitext(gold.context, each.context), (answer.start, answer.start + len(answer.text)))
            for each, gold in zip(asked, golds, strict=True)
            for answer in each.answers[:1]
        ]
        for ways in WAYS:
            with tempfile.TemporaryDirectory() as folder, TranslationMemory(Path(folder) / "memory.sqlite") as memory:
                projector = BackProjector(
                    source="en", target=language, engine=back, aligner=aligner, ways=ways, memory=memory
                )
                done = projector.project(spans)
            per_question, seconds = (done.usage.characters or 0) / len(spans), done.usage.seconds or 0.0
            figures = (*_measured(done.found, golds, language), f"{per_question:.1f}", f"{seconds:.2f}")
            print(LINE.format(language, ", ".join(ways), *figures))


def _measured(found: Sequence[Found | None], golds: Sequence[QAExample], language: str) -> tuple[str, str, str]:
    values = []
    for each, gold in zip(found, golds, strict=True):
        texts = [normalise_mlqa(answer.text, language) for answer in gold.answers]
        answer = normalise_mlqa(each.answer.text, language) if each else None
        values.append((0.0, 0.0) if answer is None else (f1(answer, texts, str), exact_match(answer, texts, str)))
    there = sum(each is not None for each in found)
    return f"{there}/{len(found)}", *(f"{sum(column) / len(values):.3f}" for column in zip(*values, strict=True))


if __name__ == "__main__":
    main()
