"""Take a translation that lies on disk already."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

from crossfare import translate
from crossfare.data import artifact
from crossfare.errors import DataError
from crossfare.experiment.files import input_data, write_yield
from crossfare.experiment.stages.loading import billed_characters, load_data, projection_of, with_examples
from crossfare.experiment.stages.stage import Stage, the_engine
from crossfare.experiment.stages.work import Work
from crossfare.meter import PROVIDER
from crossfare.store import Store
from crossfare.types import Example, Progress, QAExample, Step, Usage, Yield

if TYPE_CHECKING:
    from crossfare.experiment.forecast.counting import Counter


def _run(step: Step, store: Store, work: Path, _: Progress | None) -> Usage:
    """Take a translation that lies on disk: the examples of the original, matched by id."""
    original = input_data(step, store, "original")
    loaded = load_data(step)
    translated = loaded.dataset
    by_id: dict[str, Example] = {example.id: example for example in translated.examples}
    answers: list[translate.ProjectedAnswer] = []
    reasons: list[translate.Lost] = []
    if chosen := projection_of(step):
        sources = {example.id: example for example in original.examples if isinstance(example, QAExample)}
        pairs = [(sources[example.id], example) for example in loaded.unplaced if example.id in sources]
        recovered, answers, reasons = translate.recover_answers(pairs, chosen)
        by_id |= {example.id: example for example in recovered}
    kept = tuple(by_id[example.id] for example in original.examples if example.id in by_id)
    linted = translate.lint_examples(original.examples, kept, source=original.language, target=step.params["language"])
    if step.params.get("drop_bad"):
        kept = tuple(example for example in kept if example.id not in linted.flagged)
        reasons += linted.losses
    if not kept:
        raise DataError(
            f"{step.runtime['ref']}: no example has an id of the source training set, or lint let none pass"
        )
    left = {example.id for example in kept}
    lost = tuple(example.id for example in original.examples if example.id not in left)
    engine = step.params["engine"]
    artifact.write(replace(with_examples(translated, kept), origin=engine), work / "artifact")
    explained = {"answers": [asdict(answer) for answer in answers if answer.id in left]} if chosen else {}
    report = {**explained, "lost": list(map(asdict, reasons)), "lint": linted.as_dict()}
    write_yield(work, Yield(len(kept), len(original), lost), {"report": report})
    return Usage(characters=billed_characters(original), hardware=PROVIDER, measured=False)


def _work(step: Step, counter: Counter) -> Work:
    return counter.translated(step)


EXISTING = Stage(_run, _work, reads="examples", makes="examples", resources=the_engine, called="engine")
