"""Score translations against references: of two files of lines, or of two datasets with the same ids."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

from crossfare import data
from crossfare.data.world import LANGUAGES
from crossfare.errors import DataError
from crossfare.languages import language_tag
from crossfare.score import translation
from crossfare.tasks import task_named
from crossfare.types import Dataset, Score

_MOST = 500  # examples of a run's translation that are scored: enough for a figure, cheap beside the translation


class Texts(NamedTuple):
    """Translations beside their references and sources; ``missing`` counts examples without a translation."""

    hypotheses: tuple[str, ...]
    references: tuple[str, ...]
    sources: tuple[str, ...]
    missing: int


def score_translation(
    file: str | Path,
    reference: str | Path,
    *,
    target: str,
    task: str | None = None,
    source_file: str | Path | None = None,
    metrics: Sequence[str] = ("bleu", "chrf"),
) -> tuple[Score, ...]:
    """Score a translation against a reference: plain text line by line, or with ``task`` datasets by id.

    A text that several examples share, such as a paragraph, is scored once.

    Raises:
        DataError: a file cannot be read, or nothing corresponds.
        ConfigError: a metric is unknown or not installed, or the target is no language tag.
    """
    target = language_tag(target)
    files = [Path(path) for path in (file, reference, source_file) if path]
    if task is None:
        columns = [read_lines(path) for path in files]
        sources = columns[2] if source_file else None
        return translation.score(columns[0], columns[1], target=target, sources=sources, metrics=metrics)
    task_named(task)
    loaded = [data.load(path, task=task).dataset for path in files]
    return score_dataset(
        loaded[0], loaded[1], target=target, source=loaded[2] if source_file else None, metrics=metrics
    )


def score_dataset(
    translated: Dataset,
    reference: Dataset,
    *,
    target: str,
    source: Dataset | None = None,
    metrics: Sequence[str] = ("bleu", "chrf"),
    resamples: int = translation.RESAMPLES,
) -> tuple[Score, ...]:
    """Score a translated dataset against a reference with the same ids.

    Raises:
        DataError: no example of one is in the other.
        ConfigError: a metric is unknown or not installed.
    """
    texts = corresponding(translated, reference, source)
    return translation.score(
        texts.hypotheses,
        texts.references,
        target=target,
        sources=texts.sources if source else None,
        metrics=metrics,
        resamples=resamples,
    )


def corresponding(translated: Dataset, reference: Dataset, source: Dataset | None = None) -> Texts:
    """Put the texts of examples with the same id beside each other; each distinct combination once.

    Raises:
        DataError: no example corresponds.
    """
    made = {example.id: example.texts for example in translated.examples}
    given = {example.id: example.texts for example in source.examples} if source else {}
    rows: dict[tuple[str, str, str], None] = {}
    missing = 0
    for example in reference.examples:
        texts = example.texts
        found, originals = made.get(example.id), given.get(example.id, ("",) * len(texts))
        if found is None or len(found) != len(texts) or len(originals) != len(texts):
            missing += 1
        else:
            rows.update(dict.fromkeys(zip(found, texts, originals, strict=True)))
    if not rows:
        raise DataError(f"no example of {translated.name} has an id of {reference.name}; is it its translation?")
    hypotheses, references, sources = zip(*rows, strict=True)
    return Texts(hypotheses, references, sources, missing)


def world_quality(translated: Dataset, target: str) -> list[dict[str, Any]]:
    """Score a translation of the embedded world against its own parallel text, for a run's report.

    Other data and other languages have no reference that is known; then, and where sacrebleu is not installed, there
    is none.
    """
    if not translated.name.startswith("world:") or target not in LANGUAGES or find_spec("sacrebleu") is None:
        return []
    reference = data.load(translated.name, task=translated.task, language=target, split=translated.split).dataset
    if type(translated.examples[0]) is not type(reference.examples[0]):
        return []  # triples mined from the queries: their passages have no reference by id
    part = replace(translated, examples=translated.examples[:_MOST])
    wanted = {example.id for example in part.examples}
    known = tuple(example for example in reference.examples if example.id in wanted)
    scores = score_dataset(part, replace(reference, examples=known), target=target, resamples=0)
    return [
        {"metric": score.metric, "value": score.value, "n": score.n, "signature": score.signature} for score in scores
    ]


def read_lines(path: Path) -> tuple[str, ...]:
    """Read a text file of one text a line.

    Raises:
        DataError: it cannot be read.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: cannot be read as UTF-8 text ({error}); give a file of one text a line") from error
    return tuple(line.removesuffix("\r") for line in text.removesuffix("\n").split("\n")) if text else ()
