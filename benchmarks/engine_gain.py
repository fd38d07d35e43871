"""What a better translation engine is worth: each method's gain over zero-shot, beside its engine's quality.

    python benchmarks/engine_gain.py RUN [RUN ...] --flores DATA/flores [--sentences 300]

For every task and target of the runs, and every method that translates: its score less that of zero-shot with the
target encoder, with the interval that test examples and training runs leave (docs/uncertainty.md), and BLEU and
chrF of its engine on FLORES dev, in the direction in which the method uses it: into the target language for a
training set, out of it for what is asked. An engine that runs here translates the sentences anew; of one that looks
translations up, the published output of the system named as the engine is taken (flores-dev.google.pt), if the
folder has it. Prints a Markdown table, by task sorted by BLEU: does the gain grow with it?
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

from crossfare.compare import Decision, decisions, read_run
from crossfare.compare.contenders import Contender, chosen
from crossfare.errors import EngineError
from crossfare.experiment import load_spec
from crossfare.experiment.engine_plan import engine_options
from crossfare.experiment.engines import make_engine
from crossfare.experiment.spec import Spec
from crossfare.score import translation


def main() -> None:
    """Print one row for each method with an engine."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="+", type=Path, help="run directories")
    parser.add_argument("--flores", type=Path, required=True, help="folder of flores-dev.LANGUAGE and SOURCE-TARGET/")
    parser.add_argument("--sentences", type=int, default=300, help="the first so many (default: %(default)s)")
    asked = parser.parse_args()
    lines: list[tuple[tuple[str, float], str]] = []
    for run in map(read_run, asked.runs):
        quality = Quality(load_spec(run.folder / "spec.yaml"), asked.flores, asked.sentences)
        for decision in decisions([run]):
            lines += rows(decision, chosen([run]), quality)
    print("| task | method | engine | BLEU | chrF | gain over zero-shot, points | 95 % interval | p |")
    print("|---|---|---|---:|---:|---:|---:|---:|")
    for _, line in sorted(lines, key=lambda each: each[0]):
        print(line)


class Quality:
    """BLEU and chrF of a run's engines on FLORES dev."""

    def __init__(self, spec: Spec, folder: Path, sentences: int) -> None:
        self._spec, self._folder, self._sentences = spec, folder, sentences

    @cache  # noqa: B019 - one per run
    def of(self, name: str, task: str, source: str, target: str) -> tuple[float, float] | None:
        """Both scores of an engine from a language into another; None where it cannot be told."""
        texts, references = self._lines(f"flores-dev.{source}"), self._lines(f"flores-dev.{target}")
        given = self._spec.engines[name]
        if given.engine == "existing":
            made = self._lines(f"{source}-{target}/flores-dev.{name}.{target}")
        else:
            engine = make_engine(given.engine, engine_options(given, task, source, target))
            try:
                made = [each or "" for each in engine.translate(texts, source=source, target=target).texts]
            except EngineError:
                return None
        if not made:
            return None
        bleu, chrf = translation.score(made, references, target=target, resamples=0)
        return bleu.value, chrf.value

    def _lines(self, name: str) -> list[str]:
        path = self._folder / name
        return path.read_text(encoding="utf-8").splitlines()[: self._sentences] if path.exists() else []


def rows(decision: Decision, cells: Sequence[Contender], quality: Quality) -> Iterator[tuple[tuple[str, float], str]]:
    """The rows of a decision with what they are sorted by."""
    own = {each.key: each.first.spec for each in cells if (each.task, each.target) == (decision.task, decision.target)}
    plain = next(key for key, spec in own.items() if (spec.method, spec.model) == ("zero-shot", "target-encoder"))
    for option in decision.options:
        spec = own[option.key]
        if spec.engine is None:
            continue
        serving = spec.method.startswith("translate-infer")
        way = (spec.target, spec.source) if serving else (spec.source, spec.target)
        found = quality.of(spec.engine, spec.task, *way)
        apart = decision.believed.difference(option.key, plain)
        told = f"{100 * apart.value:+.1f} | {100 * apart.low:+.1f} to {100 * apart.high:+.1f}"
        scores = f"{100 * found[0]:.1f} | {100 * found[1]:.1f}" if found else "- | -"
        p = "-" if apart.p is None else f"{apart.p:.3f}"
        line = f"| {spec.task} {spec.target} | {option.label} | {option.engine} | {scores} | {told} | {p} |"
        yield (f"{spec.task} {spec.target}", found[0] if found else 0.0), line


if __name__ == "__main__":
    main()
