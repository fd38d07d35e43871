"""Translate datasets, score translations, and the engines there are."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from crossfare.cli import values
from crossfare.cli.options import AllowHost, Concurrency, Force, MaxUsd, ReadingOptions, Yes, with_groups
from crossfare.cli.terminal import agree, say, show
from crossfare.errors import ConfigError


@dataclass(frozen=True, slots=True)
class AnswerOptions:
    """How answers get into a translation."""

    markers: Annotated[str | None, typer.Option(help="Answer delimiters, separated by a comma.")] = None
    projection: Annotated[
        str | None,
        typer.Option(
            help="How answers get into the translation: markers, tags, native, align, match or cascade. Default: "
            "cascade with an --aligner, or an engine that can align (ctranslate2); else native where the engine keeps "
            "tags; else markers."
        ),
    ] = None
    aligner: Annotated[
        str | None,
        typer.Option(metavar="MODEL", help="Encoder that aligns words; attention, or none: the engine's own model."),
    ] = None
    threshold: Annotated[float, typer.Option(help="Drop answers found with less confidence (0-1).")] = 0.0


@dataclass(frozen=True, slots=True)
class FaultOptions:
    """What is done with texts that are not translated, or badly."""

    drop_bad: Annotated[bool, typer.Option("--drop-bad", help="Drop examples that lint finds fault with.")] = False
    strict: Annotated[
        bool, typer.Option("--strict", help="Stop at a text that the engine cannot translate, instead of listing it.")
    ] = False


@with_groups
def translate(
    file: Annotated[Path, typer.Argument(metavar="INPUT", help="A dataset in any supported format.")],
    task: Annotated[str, typer.Option(help="The task of the data, such as nli.")],
    source: Annotated[str, typer.Option(help="Language of the input (BCP-47).")],
    target: Annotated[str, typer.Option(help="Language to translate into (BCP-47).")],
    engine: Annotated[str, typer.Option(help="Engine name; `crossfare engines` lists them.")],
    *,
    out: Annotated[Path | None, typer.Option(metavar="OUTPUT", help="File to write, in the input's format.")] = None,
    model: Annotated[str | None, typer.Option(help="Model for engines that load one: a folder or hub id.")] = None,
    answers: AnswerOptions,
    limit: Annotated[int | None, typer.Option(min=1, help="Only the first examples.")] = None,
    option: Annotated[
        list[str] | None, typer.Option(metavar="NAME=VALUE", help="An option of the engine, such as url=http://...")
    ] = None,
    price: Annotated[
        str | None,
        typer.Option(metavar="OFFER", help="What bills the engine: an offer, or compute (default: its own, if any)."),
    ] = None,
    price_file: Annotated[list[Path] | None, typer.Option(help="Further price files for --price.")] = None,
    max_usd: MaxUsd = None,
    concurrency: Concurrency = None,
    estimate: Annotated[bool, typer.Option("--estimate", help="Say what it would take; send nothing.")] = False,
    yes: Yes = False,
    reference: Annotated[
        Path | None, typer.Option(help="The same dataset in the target language: report BLEU and chrF.")
    ] = None,
    faults: FaultOptions,
    reading: ReadingOptions,
    force: Force = False,
    allow_host: AllowHost = None,
) -> None:
    """Translate a dataset; answers stay where they belong, lost and doubtful examples are listed.

    Asks before it sends requests that have to be paid, or that leave this machine. Nothing is paid twice: answered
    texts are in the translation memory, and a run that was stopped goes on from there. A file that is there already
    is replaced with --force only, and what is read never.
    """
    from crossfare.experiment import single

    if out is None and not estimate:
        raise ConfigError("name the file to write with --out, or ask for an --estimate only")
    values.allow(allow_host, None)
    values.in_flight(concurrency)
    work = single.FileTranslation.prepare(
        file,
        task=task,
        source=source,
        target=target,
        engine=engine,
        options={**values.engine_options(option), **({"model": model} if model else {})},
        **{**asdict(answers), "markers": values.names(answers.markers)},
        limit=limit,
        price=price,
        price_files=price_file or (),
        reference=reference,
        drop_bad=faults.drop_bad,
        reading=values.told(reading),
    )
    if out is None or estimate:
        say(*work.estimate().lines)
        return
    agreed = None if yes else agree
    most = values.limit(max_usd)
    say(*work.run(out, max_usd=most, agree=agreed, tell=partial(say, err=True), force=force, strict=faults.strict))


def score_translation(
    file: Annotated[Path, typer.Argument(metavar="TRANSLATION", help="Text, one a line; or a dataset, with --task.")],
    reference: Annotated[Path, typer.Argument(metavar="REFERENCE", help="The same, translated by people.")],
    target: Annotated[str, typer.Option(help="Language of both (BCP-47).")],
    task: Annotated[str | None, typer.Option(help="Both are datasets of this task, such as nli.")] = None,
    source_file: Annotated[Path | None, typer.Option(help="What was translated; COMET needs it.")] = None,
    metrics: Annotated[str, typer.Option(help="Of bleu, chrf, chrf++ and comet.")] = "bleu,chrf",
) -> None:
    """Score a translation against a reference, with 95 % intervals and signatures."""
    from crossfare import experiment
    from crossfare.report.translation import score_line

    for score in experiment.score_translation(
        file, reference, target=target, task=task, source_file=source_file, metrics=values.names(metrics)
    ):
        say(score_line(score))


def engines(
    price_file: Annotated[list[Path] | None, typer.Option(help="Further price files, such as your own rates.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the list as JSON.")] = False,
) -> None:
    """List the translation engines: what is missing to use one, keys, languages, price today; nothing is sent."""
    import json
    from dataclasses import asdict

    from crossfare import experiment
    from crossfare.report.translation import engine_table

    listed = experiment.list_engines(price_file or ())
    if as_json:
        typer.echo(json.dumps([asdict(engine) for engine in listed], indent=2))
    else:
        show([engine_table(listed)])
