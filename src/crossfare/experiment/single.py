"""Single verbs outside a run: translate one file, fine-tune one translation model."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import cast

from crossfare import data, pretrained, translate
from crossfare.errors import ConfigError, DataError
from crossfare.experiment.engines import make_engine
from crossfare.experiment.quality import lint_lines, score_dataset, score_line
from crossfare.store import Store, write_json
from crossfare.tasks import TASKS
from crossfare.translate import finetune_markers as tuning
from crossfare.types import Progress, TaskName

_HELD_OUT = 200


def translate_file(
    file: Path,
    out: Path,
    *,
    task: str,
    source: str,
    target: str,
    engine: str,
    model: str | None = None,
    markers: Sequence[str] = (),
    limit: int | None = None,
    reference: Path | None = None,
    drop_bad: bool = False,
    progress: Progress | None = None,
) -> tuple[str, ...]:
    """Translate a dataset file into ``out``, in the format of the input; returns a report in plain lines.

    What was lost is listed in ``<out>.lost.json`` as well. Nothing is translated twice: answered
    texts are in the translation memory of the cache. With ``reference``, a dataset in the target
    language with the same ids, BLEU and chrF are reported. ``drop_bad`` drops what lint finds fault with.

    Raises:
        CrossfareError: bad input, an unknown engine or option, or nothing survived.
    """
    if task not in TASKS:
        raise ConfigError(f"unknown task {task!r}; choose from {', '.join(TASKS)}")
    if markers and len(markers) != 2:
        raise ConfigError("--markers takes two delimiters separated by a comma, such as '<a>,</a>'")
    loaded = data.load(file, task=cast("TaskName", task), language=source, limit=limit)
    made = translate.translate_dataset(
        loaded.dataset,
        make_engine(engine, {"model": model} if model else {}),
        target=target,
        memory=translate.TranslationMemory(Store().root / "memory.sqlite"),
        markers=translate.Markers(*markers) if markers else None,
        drop_bad=drop_bad,
        progress=progress,
    )
    if not made.dataset.examples:
        raise DataError(
            f"{file}: no example survived translation by {engine}; first loss: {made.report.lost[0].reason}"
        )
    same_format = None if loaded.report.format == "artifact" else loaded.report.format
    data.save(made.dataset, out, same_format)
    lines = [*loaded.report.summary(), *_outcome(made), *lint_lines(made.report.lint), f"written: {out}"]
    if reference:
        known = data.load(reference, task=cast("TaskName", task), language=target).dataset
        scores = score_dataset(made.dataset, known, target=target, source=loaded.dataset)
        lines += [score_line(score) for score in scores]
    if made.report.lost:
        listing = out.with_name(f"{out.name}.lost.json")
        write_json(listing, [{"id": x.id, "reason": x.reason, "translated": x.excerpt} for x in made.report.lost])
        lines.append(f"lost examples, with reasons: {listing}")
    return tuple(lines)


def _outcome(made: translate.TranslatedDataset) -> tuple[str, ...]:
    usage, report = made.usage, made.report
    return (
        f"yield: {made.yield_.kept:,} of {made.yield_.total:,} examples ({made.yield_.rate:.1%}) survived translation",
        f"segments: {report.fresh:,} translated now, {report.from_memory:,} from the translation memory",
        f"usage: {usage.characters or 0:,} characters, {usage.seconds or 0.0:.1f} device-seconds",
    )


def tune_markers(
    model: str,
    parallel: Path,
    *,
    source: str,
    target: str,
    out: Path,
    steps: int = 500,
    learning_rate: float = 5e-5,
    batch_size: int = 32,
    seed: int = 0,
    progress: Progress | None = None,
) -> tuple[str, ...]:
    """Fine-tune a translation model to keep answer delimiters; returns survival before and after.

    The last lines of ``parallel`` (a tenth, at most 200) are held out to measure survival on.

    Raises:
        CrossfareError: bad input, or a model that cannot be loaded.
    """
    pairs = tuning.read_pairs(parallel, source, target)
    held_out = max(1, min(_HELD_OUT, len(pairs) // 10))
    if len(pairs) < 2:
        raise DataError(f"{parallel}: {len(pairs)} pairs are too few; give at least two, better thousands")
    train, test = pairs[:-held_out], pairs[-held_out:]
    path = pretrained.resolve(model).path
    before = tuning.marker_survival(make_engine("transformers", {"model": path}), test)
    tuning.finetune_markers(
        path,
        train,
        out=out,
        steps=steps,
        learning_rate=learning_rate,
        batch_size=batch_size,
        seed=seed,
        progress=progress,
    )
    after = tuning.marker_survival(make_engine("transformers", {"model": str(out)}), test)
    return (
        f"{len(train):,} pairs trained on, {after.total:,} held-out sentences with a marked span",
        f"delimiters survive: {before.survival_rate:.1%} before, {after.survival_rate:.1%} after",
        f"span exactly as in the reference: {before.exact_rate:.1%} before, {after.exact_rate:.1%} after",
        f"written: {out}",
    )
