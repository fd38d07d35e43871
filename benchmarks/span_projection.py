"""How well answers are carried into a translation, and what it costs: every projection, on real text and on the world.

    python benchmarks/span_projection.py DATA [--limit 300] [--aligner offline:e5-small]
    python benchmarks/span_projection.py world [--limit 300]

Prints Markdown tables. DATA holds XQuAD (``xquad/xquad.en.json``, ``xquad.es.json``), which is translated with
Apertium, and SQuAD with its Portuguese translation by Google (``squad/``, ``squad-pt-google/``); none of them is
part of this repository. The embedded world and its tiny Marian models need neither.

1. Projection alone: the contexts' translations are those of people, whose answers are gold. Answers that a method has
   translated by themselves come from the engine. Spans are compared: equal, and character-F1 of their overlap.
2. Through an engine: its text has no gold spans, so the text of each projected answer is compared with the human
   answer, after MLQA's normalisation: equal, and character-F1 (twice the longest common subsequence over both
   lengths). "best possible" is a search for the human answer itself: the engine's wording does not allow much more.
3. Confidence: the same for the answers found at or above a threshold (part of all: exact, F1).
4. An existing translation: how many lost answers are recovered, and how well those are placed that are not lost.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from rapidfuzz.distance import Indel

from crossfare import data, translate
from crossfare.experiment.engines import make_engine
from crossfare.ledger import Catalogue
from crossfare.score.qa import normalise_mlqa
from crossfare.translate import Projection
from crossfare.translate.matching import find
from crossfare.translate.projection import ATTENTION
from crossfare.types import Answer, Dataset, Engine, QAExample, Translation

PRICE = "google-translate"
THRESHOLDS = (0.0, 0.5, 0.7, 0.8, 0.9, 1.0)
HEADER = (
    "| {} | projection | yield | exact | F1 | exact, of survivors | F1, of survivors | characters "
    "| USD per 1k survivors |\n|---|---|---|---|---|---|---|---|---|"
)
Compare = Callable[[Answer, Answer], tuple[bool, float]]
Scored = tuple[bool, float, float]
"""Equal to gold, F1, and the method's confidence."""


@dataclass(frozen=True, slots=True)
class Human:
    """The contexts' translations by people; all else comes from an engine, a marked context from nowhere."""

    contexts: Mapping[str, str]
    engine: Engine
    name: str = "human"
    revision: str = "1"
    granularity: Literal["sentence", "document"] = "document"

    def translate(self, texts: Sequence[str], *, source: str, target: str) -> Translation:
        """Look contexts up."""
        longest = min(map(len, self.contexts))
        others = [text for text in texts if text not in self.contexts and len(text) < longest]
        made = self.engine.translate(others, source=source, target=target)
        known = {**dict(zip(others, made.texts, strict=True)), **self.contexts}
        return Translation(tuple(known.get(text) for text in texts), made.usage)


def spans(made: Answer, gold: Answer) -> tuple[bool, float]:
    """Compare two spans of one text."""
    overlap = min(made.start + len(made.text), gold.start + len(gold.text)) - max(made.start, gold.start)
    return made == gold, max(0.0, 2 * overlap / (len(made.text) + len(gold.text)))


def texts(language: str) -> Compare:
    """Compare two answers by their text."""

    def compare(made: Answer, gold: Answer) -> tuple[bool, float]:
        one, other = (normalise_mlqa(answer.text, language) for answer in (made, gold))
        return one == other, Indel.normalized_similarity(one, other)

    return compare


def measure(
    source: Dataset, gold: Dataset, engine: Engine, projection: Projection, compare: Compare
) -> tuple[list[Scored], int]:
    """Translate with one projection; score what survives; say how many characters were sent."""
    made = translate.translate_dataset(source, engine, target=gold.language, projection=projection)
    answers = {example.id: example.answers[0] for example in gold.examples if isinstance(example, QAExample)}
    sure = {answer.id: answer.confidence for answer in reversed(made.report.answers)}
    scored = [
        (*compare(example.answers[0], answers[example.id]), sure.get(example.id, 1.0))
        for example in made.dataset.examples
        if isinstance(example, QAExample)
    ]
    return scored, made.usage.characters or 0


def row(first: str, name: str, scored: Sequence[Scored], total: int, characters: int | None, plain: int) -> str:
    """One line of a table; ``characters`` None where nothing was sent that tells."""
    price = Catalogue.load().get(PRICE)
    kept = max(1, len(scored))
    equal, f1 = sum(each[0] for each in scored), sum(each[1] for each in scored)
    more = usd = "-"
    if characters is not None:
        more = f"{characters / plain - 1:+.0%}"
        usd = f"{1000 * characters * price.amount / price.per / kept:.2f}" if scored else "-"
    return (
        f"| {first} | {name} | {len(scored) / total:.1%} | {equal / total:.1%} | {f1 / total:.3f} | {equal / kept:.1%} "
        f"| {f1 / kept:.3f} | {more} | {usd} |"
    )


def plain_characters(source: Dataset) -> int:
    """Each context and question once: what translating without any answer sends."""
    examples = [example for example in source.examples if isinstance(example, QAExample)]
    return sum(map(len, {e.context for e in examples} | {e.question for e in examples}))


def best_possible(source: Dataset, gold: Dataset, engine: Engine, compare: Compare) -> list[Scored]:
    """Search the engine's contexts for the human answers."""
    answers = {example.id: example for example in gold.examples if isinstance(example, QAExample)}
    examples = [example for example in source.examples if isinstance(example, QAExample)]
    contexts = list({example.context: None for example in examples})
    made = translate.translate_texts(contexts, engine, source=source.language, target=gold.language).texts
    translated = dict(zip(contexts, made, strict=True))
    scored = []
    for example in examples:
        human, text = answers[example.id], translated[example.context]
        answer = human.answers[0]
        place = (answer.start + len(answer.text) / 2) / len(human.context)
        if text and (match := find(answer.text, text, expected=place)):
            scored.append((*compare(Answer(text[match.start : match.end], match.start), answer), match.confidence))
    return scored


def table(
    first: str, source: Dataset, gold: Dataset, runs: Sequence[tuple[str, Engine, Projection]], compare: Compare
) -> None:
    """Print how several projections do on one dataset, and the confidence of those that have one."""
    total, plain = len(source), plain_characters(source)
    sure: dict[str, list[Scored]] = {}
    print(HEADER.format(first))
    for label, engine, projection in runs:
        scored, characters = measure(source, gold, engine, projection, compare)
        by = ", by attention" if projection.aligner == ATTENTION else ""
        name = f"{projection.method}{by}{', consistent' if projection.consistent else ''}"
        print(row(label, name, scored, total, None if isinstance(engine, Human) else characters, plain), flush=True)
        if projection.method in ("align", "match", "cascade"):
            sure[f"{label}, {name}"] = scored
    print(f"\n| {first}, projection | " + " | ".join(f"≥ {least}" for least in THRESHOLDS) + " |")
    print("|---" * (1 + len(THRESHOLDS)) + "|")
    for name, scored in sure.items():
        cells = [_cell([each for each in scored if each[2] >= least], total) for least in THRESHOLDS]
        print(f"| {name} | " + " | ".join(cells) + " |")
    print()


def _cell(kept: Sequence[Scored], total: int) -> str:
    count = max(1, len(kept))
    return f"{len(kept) / total:.0%}: {sum(e[0] for e in kept) / count:.0%}, {sum(e[1] for e in kept) / count:.2f}"


def xquad(folder: Path, limit: int, aligner: str) -> None:
    """English to Spanish with Apertium, against the human Spanish."""
    english, spanish = (
        data.load(folder / f"xquad/xquad.{tag}.json", task="qa", language=tag, split="test").dataset
        for tag in ("en", "es")
    )
    source = _first(english, limit)
    contexts = {e.context.strip(): s.context.strip() for e, s in zip(english.examples, spanish.examples, strict=True)}  # type: ignore[union-attr]
    unaware, aware = make_engine("apertium", {"tags": False}), make_engine("apertium", {})
    print(f"\n## XQuAD en-es, {limit} questions: projection into the human translation\n")
    human = Human(contexts, unaware)
    methods: list[Projection] = [Projection(name, aligner) for name in ("align", "match", "cascade")]
    table("translation", source, spanish, [("human", human, method) for method in methods], spans)
    print(f"\n## XQuAD en-es, {limit} questions: through Apertium, against the human answers\n")
    compare = texts("es")
    runs = [
        *(
            ("tags are text", unaware, Projection(name, aligner))
            for name in ("markers", "tags", "align", "match", "cascade")
        ),
        *(("keeps tags", aware, Projection(name, aligner)) for name in ("markers", "native", "cascade")),
    ]
    table("Apertium", source, spanish, runs, compare)
    best = best_possible(source, spanish, unaware, compare)
    print(row("tags are text", "best possible", best, limit, None, 1), "\n")


def existing(folder: Path, aligner: str) -> None:
    """Answers that Google's Portuguese SQuAD has lost; and, as a check, those that it has not, as if they were."""
    english = data.load(folder / "squad/train-v1.1.first12.json.gz", task="qa", language="en", split="train").dataset
    bought = data.load(
        folder / "squad-pt-google/sample-v1.1-pt.json.gz", task="qa", language="pt", split="train", unescape=True
    )
    original = {example.id: example for example in english.examples if isinstance(example, QAExample)}
    lost = [(original[e.id], e) for e in bought.unplaced if e.id in original]
    kept = [(original[e.id], e) for e in bought.dataset.examples if isinstance(e, QAExample) and e.id in original]
    print(f"\n## Google's Portuguese SQuAD: {len(lost)} lost answers, {len(kept)} that occur in their context\n")
    print(
        "| projection | recovered | " + " | ".join(f"≥ {least}" for least in THRESHOLDS[1:]) + " | exact, F1 of those"
    )
    print("|---" * (len(THRESHOLDS) + 2) + "|")
    for name in ("align", "match", "cascade"):
        chosen = Projection(name, aligner)
        found = translate.recover_answers(lost, chosen)[1]
        gold = {example.id: example.answers[0] for _, example in kept}
        scored = [spans(Answer(a.text, a.start), gold[a.id]) for a in translate.recover_answers(kept, chosen)[1]]
        counts = " | ".join(str(sum(a.confidence >= least for a in found)) for least in THRESHOLDS[1:])
        exact, f1 = (sum(each) / len(kept) for each in zip(*scored, strict=True))
        print(f"| {name} | {len(found)} | {counts} | {exact:.1%}, {f1:.3f} |", flush=True)


def the_world(limit: int) -> None:
    """The embedded parallel text, by the reference engine and by Marian before and after it was tuned on delimiters."""
    for target in ("pt", "de", "vi"):
        source = _first(data.load("world:qa", task="qa", language="en", split="test").dataset, limit)
        gold = data.load("world:qa", task="qa", language=target, split="test").dataset
        reference = make_engine("reference", {"parallel": "world:qa"})
        marian = make_engine("ctranslate2", {"model": "embedded:marian-en-xx"})
        tuned = make_engine("ctranslate2", {"model": "embedded:marian-en-xx-marked"})
        aligner = "embedded:multilingual-encoder"
        print(f"\n## World en-{target}, {len(source)} questions: projection into the reference translation\n")
        table(
            "engine",
            source,
            gold,
            [("reference", reference, Projection(name, aligner)) for name in ("markers", "align", "match")],
            spans,
        )
        print(f"\n## World en-{target}, {len(source)} questions: through Marian, against the reference answers\n")
        projections: list[Projection] = [
            *(Projection(name, aligner) for name in ("markers", "tags", "align", "match", "cascade")),
            *(Projection(name, ATTENTION) for name in ("align", "cascade")),
        ]
        models = (("Marian", marian), ("Marian, tuned on delimiters", tuned))
        runs = [(label, engine, projection) for label, engine in models for projection in projections]
        table("engine", source, gold, runs, texts(target))


def _first(dataset: Dataset, limit: int) -> Dataset:
    return replace(dataset, examples=dataset.examples[:limit])


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", help='folder with xquad/, or "world"')
    parser.add_argument("--limit", type=int, default=300, help="questions")
    parser.add_argument("--aligner", default="offline:e5-small", help="encoder that aligns words of real text")
    given = parser.parse_args()
    if given.data == "world":
        the_world(given.limit)
    else:
        xquad(Path(given.data), given.limit, given.aligner)
        existing(Path(given.data), given.aligner)


if __name__ == "__main__":
    main()
