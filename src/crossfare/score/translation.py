"""Quality of translations against references: BLEU and chrF through sacrebleu, COMET through its own command.

sacrebleu computes and signs; its figures become fractions, like all scores, and get an interval. COMET's
package needs versions of numpy and transformers that do not go together with those used here, so that
it is run as the program ``comet-score`` from an environment of its own.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from crossfare.errors import ConfigError, DataError
from crossfare.languages import bleu_tokenizer
from crossfare.score import bootstrap
from crossfare.strict import read_json
from crossfare.types import Score

RESAMPLES = 1000
COMET_MODEL = "Unbabel/wmt22-comet-da"
_INSTALL = "pip install 'crossfare[lint]'"
_COMET_INSTALL = "pipx install unbabel-comet"


def score(
    hypotheses: Sequence[str],
    references: Sequence[str],
    *,
    target: str,
    sources: Sequence[str] | None = None,
    metrics: Sequence[str] = ("bleu", "chrf"),
    resamples: int = RESAMPLES,
) -> tuple[Score, ...]:
    """Score translations, line by line aligned with their references, over all of them.

    Each score's signature says how it was computed. BLEU splits words as sacrebleu does for the ``target`` language;
    scripts without blanks that it has no tokenizer for, or none that is installed, it splits into characters
    (``tok:char``). The interval is that of ``resamples`` bootstrap resamples; without any, its ends are the value.

    Args:
        sources: the texts that were translated; COMET needs them.
        metrics: of bleu, chrf, chrf++ and comet.

    Raises:
        ConfigError: a metric is unknown, or what computes it is not installed.
        DataError: there is nothing to score, or the numbers of lines differ.
    """
    check(metrics, target=target)
    sizes = {len(hypotheses), len(references), *([len(sources)] if sources is not None else [])}
    if len(sizes) > 1:
        raise DataError(f"{len(hypotheses):,} translations for {len(references):,} references; lines must correspond")
    if not hypotheses:
        raise DataError("there are no translations to score")
    return tuple(
        _comet(hypotheses, references, sources, resamples)
        if name == "comet"
        else _sacrebleu(name, target, hypotheses, references, resamples)
        for name in metrics
    )


def check(metrics: Sequence[str] = ("bleu", "chrf"), *, target: str) -> None:
    """Find out before anything is translated whether translations into ``target`` can be scored.

    Raises:
        ConfigError: a metric is unknown, or what computes it is not installed.
    """
    unknown = [name for name in metrics if name not in METRICS]
    if unknown or not metrics:
        raise ConfigError(f"unknown metric {', '.join(unknown) or '(none)'}; choose from {', '.join(METRICS)}")
    for name in metrics:
        _ = _program() if name == "comet" else _metric(name, target)


_CLASSES: dict[str, tuple[str, dict[str, Any]]] = {
    "bleu": ("BLEU", {}),
    "chrf": ("CHRF", {}),
    "chrf++": ("CHRF", {"word_order": 2}),
}
METRICS = (*_CLASSES, "comet")


def _metric(name: str, target: str) -> Any:
    class_name, options = _CLASSES[name]
    try:
        from sacrebleu import metrics
    except ImportError as error:
        raise ConfigError(f"{name} needs sacrebleu: {_INSTALL}") from error
    cut = {"tokenize": bleu_tokenizer(target)} if name == "bleu" else {}
    try:
        return getattr(metrics, class_name)(**options, **cut)
    except (ImportError, RuntimeError) as error:  # the tokenizers of Japanese and Korean are further packages
        raise ConfigError(f"{name}: {' '.join(str(error).split())}") from error


def _sacrebleu(name: str, target: str, hypotheses: Sequence[str], references: Sequence[str], resamples: int) -> Score:
    metric = _metric(name, target)
    found = metric.corpus_score(list(hypotheses), [list(references)])
    value = float(found.score) / 100
    low, high = _interval(metric, hypotheses, references, resamples) if resamples else (value, value)
    drawn = f"|boot:{resamples}|seed:0" if resamples else ""
    signature = f"metric:{name}|{metric.get_signature()}{drawn}"
    return Score(name, value, len(hypotheses), low, high, signature)


def _interval(metric: Any, hypotheses: Sequence[str], references: Sequence[str], resamples: int) -> tuple[float, float]:
    """Percentile bootstrap interval over texts.

    Both metrics are functions of counts summed over the texts (matches, n-grams, lengths). sacrebleu's
    own bootstrap assumes a normal distribution, and fails where a resample scores exactly 0 (2.6).
    """
    counts = np.asarray(metric._extract_corpus_statistics(list(hypotheses), [list(references)]))
    rng, n = np.random.default_rng(0), len(counts)
    drawn = [
        float(metric._compute_score_from_stats(list(rng.multinomial(n, np.full(n, 1 / n)) @ counts)).score) / 100
        for _ in range(resamples)
    ]
    low, high = np.quantile(drawn, [0.025, 0.975])
    return float(low), float(high)


def _program() -> str:
    command = shutil.which("comet-score")
    if command is None:
        raise ConfigError(f"comet needs the program comet-score: {_COMET_INSTALL} (an environment of its own)")
    return command


def _comet(
    hypotheses: Sequence[str], references: Sequence[str], sources: Sequence[str] | None, resamples: int
) -> Score:
    command = _program()
    if sources is None:
        raise ConfigError("comet needs the source texts; give them with --source-file")
    model = os.environ.get("CROSSFARE_COMET_MODEL", COMET_MODEL)
    values = _comet_scores(command, model, {"-s": sources, "-t": hypotheses, "-r": references})
    if len(values) != len(hypotheses):
        raise DataError(f"comet-score returned {len(values):,} scores for {len(hypotheses):,} translations")
    low, high = bootstrap.interval(values, resamples=max(1, resamples))
    signature = bootstrap.signature("comet", resamples=max(1, resamples), seed=0, model=model)
    return Score("comet", sum(values) / len(values), len(values), low, high, signature, per_example=tuple(values))


def _comet_scores(command: str, model: str, texts: dict[str, Sequence[str]]) -> list[float]:
    """Run the program on files of one text a line."""
    with TemporaryDirectory(prefix="crossfare-comet-") as folder:
        arguments = []
        for flag, lines in texts.items():
            path = Path(folder) / flag.strip("-")
            path.write_text("".join(f"{' '.join(line.split())}\n" for line in lines), encoding="utf-8")
            arguments += [flag, str(path)]
        out = Path(folder) / "scores.json"
        done = subprocess.run(
            [command, *arguments, "--model", model, "--gpus", "0", "--quiet", "--only_system", "--to_json", str(out)],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode or not out.exists():
            reason = (done.stderr or done.stdout).strip().rpartition("\n")[2]
            raise ConfigError(f"comet-score failed ({done.returncode}): {reason}")
        (rows,) = read_json(out).values()
        return [float(row["COMET"]) for row in rows]
