"""The command line: one short command per verb; the same verbs as the Python API."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from decimal import Decimal, InvalidOperation
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from crossfare.errors import ConfigError, CrossfareError

if TYPE_CHECKING:
    from crossfare.translate import TranslationMemory

app = typer.Typer(
    name="crossfare",
    help="Which way of crossing a language barrier is worth its fare?",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    add_completion=False,
)
datasets_app = typer.Typer(help="List the known datasets, or inspect a file.", rich_markup_mode=None)
app.add_typer(datasets_app, name="datasets")

Out = Annotated[Path | None, typer.Option(help="Run directory (default: runs/NAME).")]
Jobs = Annotated[int | None, typer.Option(min=1, help="Steps to run side by side (default: one per core).")]
Targets = Annotated[str | None, typer.Option(help="Only these target languages, separated by commas.")]
Tasks = Annotated[str | None, typer.Option(help="Only these tasks, separated by commas.")]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="List the steps, what is cached and what has to be paid; run nothing.")
]
MaxUsd = Annotated[
    str | None, typer.Option(metavar="USD", help="Stop before the request that would make the run cost more than this.")
]
PriceFile = Annotated[
    list[Path] | None, typer.Option(help="Price files that bill the engine (default: those of the run's spec).")
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before requests that have to be paid.")]
Energy = Annotated[bool, typer.Option("--energy", help="Meter the electricity of each step (crossfare[energy]).")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print the tables only, no progress.")]


_TABLE_WIDTH = 100  # narrower terminals wrap a line rather than lose a column


def main() -> None:
    """Entry point: a known error is one line and status 2, an unknown one a traceback."""
    try:
        app()
    except CrossfareError as error:
        _fail(str(error), 2)
    except KeyboardInterrupt:
        _fail("stopped; finished steps are kept, run again to go on", 130)


def _fail(message: str, status: int) -> None:
    Console(stderr=True).print(f"crossfare: {message}", style="red", markup=False, highlight=False, soft_wrap=True)
    sys.exit(status)


@app.command()
def demo(
    targets: Targets = None,
    tasks: Tasks = None,
    out: Out = None,
    jobs: Jobs = None,
    dry_run: DryRun = False,
    quiet: Quiet = False,
    energy: Energy = False,
    seeds: Annotated[str | None, typer.Option(help="Seeds, separated by commas (default: 0).")] = None,
) -> None:
    """Run the whole comparison offline, on the embedded data and models; end with a recommendation and a report."""
    from crossfare import experiment

    spec = experiment.demo_spec(seeds=_numbers(seeds))
    folder = _run(_metered(spec, energy), targets, tasks, out, jobs, dry_run, quiet)
    if folder:
        _conclude(folder)


def _conclude(folder: Path) -> None:
    """Say what the demo recommends, leaving out the reference translation that no system delivers; write its report."""
    from crossfare import compare as comparing
    from crossfare.experiment.methods import METHODS
    from crossfare.report import decision, write_report

    console, horizon = Console(), decision.Horizon(100_000, 12)
    for found in comparing.decisions(
        [comparing.read_run(folder)], mean=True, without=("reference",), months=horizon.months
    ):
        chosen = comparing.recommend(found, horizon.examples, comparing.Constraints())
        for line in decision.explain(chosen, horizon)[:2]:
            console.print(line, markup=False, highlight=False, soft_wrap=True)
    console.print(f"Why, and what would change it: crossfare recommend {folder}", soft_wrap=True, markup=False)
    try:
        console.print(f"Report: {write_report(folder, methods=METHODS)}", soft_wrap=True, markup=False, highlight=False)
    except ConfigError as error:  # the light install has no plotting
        console.print(f"No report: {error}", soft_wrap=True, markup=False, highlight=False)


@app.command()
def run(
    spec: Annotated[Path, typer.Argument(help="The spec, a YAML file (see docs/spec.md).")],
    targets: Targets = None,
    tasks: Tasks = None,
    out: Out = None,
    jobs: Jobs = None,
    data_dir: Annotated[Path | None, typer.Option(help="Folder that data paths in the spec are relative to.")] = None,
    max_usd: MaxUsd = None,
    yes: Yes = False,
    dry_run: DryRun = False,
    quiet: Quiet = False,
    energy: Energy = False,
) -> None:
    """Run a spec: every cell of its matrix, shared steps once, finished steps never again.

    Asks before it sends anything to an engine whose requests are paid.
    """
    from crossfare import experiment

    loaded = _metered(experiment.load_spec(spec, data_dir=data_dir), energy)
    _run(loaded, targets, tasks, out, jobs, dry_run, quiet, max_usd, yes)


def _metered(spec: experiment.Spec, energy: bool) -> experiment.Spec:  # type: ignore[name-defined]  # noqa: F821
    """The spec, with energy metered if the flag asks for it."""
    return spec.model_copy(update={"energy": True}) if energy else spec


def _run(
    spec: experiment.Spec,  # type: ignore[name-defined]  # noqa: F821 - imported where a command needs it
    targets: str | None,
    tasks: str | None,
    out: Path | None,
    jobs: int | None,
    dry_run: bool,
    quiet: bool,
    max_usd: str | None = None,
    yes: bool = False,
) -> Path | None:
    """Run a spec and print its tables; the run directory, unless nothing was run."""
    from crossfare import experiment
    from crossfare.report import to_rich

    spec = experiment.narrowed(spec, targets=_list(targets), tasks=_list(tasks))
    console = Console()
    console.width = max(console.width, _TABLE_WIDTH)
    if dry_run:
        _print_steps(console, experiment.dry_run(spec))
        if (plan := experiment.planned_spending(spec)).steps:
            _print(plan.lines)
        return None
    finished = experiment.run(
        spec,
        out=out,
        jobs=jobs,
        console=console,
        quiet=quiet,
        max_usd=None if max_usd is None else _usd("--max-usd", max_usd),
        agree=None if yes else _agree,
    )
    for table in finished.tables:
        console.print(to_rich(table))
        console.print()
    console.print(f"Results, tables and ledger: {finished.folder}", soft_wrap=True, markup=False, highlight=False)
    return finished.folder


def _agree(plan: estimates.Estimate | spending.Spending, *, err: bool = False) -> None:  # type: ignore[name-defined]  # noqa: F821
    """Show what is about to be spent, and ask; without a terminal there is nobody to ask."""
    if not _on_a_terminal():
        raise ConfigError(f"{plan.summary}, and there is no terminal to ask on: add --yes; nothing was sent")
    _print(plan.lines, err=err)
    typer.confirm("Send it?", abort=True, err=err)


def _on_a_terminal() -> bool:
    return sys.stdin.isatty()


def _print(lines: Iterable[str], *, err: bool = False) -> None:
    console = Console(stderr=err)
    for line in lines:
        console.print(line, markup=False, highlight=False, soft_wrap=True)


def _print_steps(console: Console, steps: tuple[tuple[str, str, bool], ...]) -> None:
    table = Table("step", "id", "state", box=None)
    for label, step_id, done in steps:
        table.add_row(escape(label), step_id, "cached" if done else "to do")
    console.print(table)
    cached = sum(done for _, _, done in steps)
    console.print(f"{len(steps)} steps: {cached} cached, {len(steps) - cached} to do")


def _list(text: str | None) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip()) if text else ()


def _numbers(text: str | None) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in _list(text))
    except ValueError:
        raise ConfigError(f"--seeds takes whole numbers separated by commas, not {text!r}") from None


@app.command()
def translate(
    file: Annotated[Path, typer.Argument(metavar="INPUT", help="A dataset in any supported format.")],
    task: Annotated[str, typer.Option(help="qa or nli.")],
    source: Annotated[str, typer.Option(help="Language of the input (BCP-47).")],
    target: Annotated[str, typer.Option(help="Language to translate into (BCP-47).")],
    engine: Annotated[str, typer.Option(help="Engine name; `crossfare engines` lists them.")],
    out: Annotated[Path | None, typer.Option(metavar="OUTPUT", help="File to write, in the input's format.")] = None,
    model: Annotated[str | None, typer.Option(help="Model for engines that load one: a folder or hub id.")] = None,
    markers: Annotated[str | None, typer.Option(help="Answer delimiters, separated by a comma.")] = None,
    projection: Annotated[
        str | None,
        typer.Option(
            help="How answers get into the translation: markers, tags, native, align, match or cascade. Default: "
            "cascade with an --aligner, or an engine that can align (ctranslate2); else native where the engine keeps "
            "tags; else markers."
        ),
    ] = None,
    aligner: Annotated[
        str | None,
        typer.Option(metavar="MODEL", help="Encoder that aligns words, or attention: the engine's own model."),
    ] = None,
    threshold: Annotated[float, typer.Option(help="Drop answers found with less confidence (0-1).")] = 0.0,
    limit: Annotated[int | None, typer.Option(min=1, help="Only the first examples.")] = None,
    option: Annotated[
        list[str] | None, typer.Option(metavar="NAME=VALUE", help="An option of the engine, such as url=http://...")
    ] = None,
    price: Annotated[
        str | None,
        typer.Option(metavar="OFFER", help="What bills the requests (default: the engine's own, or compute)."),
    ] = None,
    price_file: Annotated[list[Path] | None, typer.Option(help="Further price files for --price.")] = None,
    max_usd: MaxUsd = None,
    estimate: Annotated[bool, typer.Option("--estimate", help="Say what it would take; send nothing.")] = False,
    yes: Yes = False,
    reference: Annotated[
        Path | None, typer.Option(help="The same dataset in the target language: report BLEU and chrF.")
    ] = None,
    drop_bad: Annotated[bool, typer.Option("--drop-bad", help="Drop examples that lint finds fault with.")] = False,
) -> None:
    """Translate a dataset; answers stay where they belong, lost and doubtful examples are listed.

    Asks before it sends requests that have to be paid. Nothing is paid twice: answered texts are in
    the translation memory, and a run that was stopped goes on from there.
    """
    from crossfare.experiment import single

    if out is None and not estimate:
        raise ConfigError("name the file to write with --out, or ask for an --estimate only")
    work = single.FileTranslation.prepare(
        file,
        task=task,
        source=source,
        target=target,
        engine=engine,
        options={**_options(option), **({"model": model} if model else {})},
        markers=_list(markers),
        projection=projection,
        aligner=aligner,
        threshold=threshold,
        limit=limit,
        price=price,
        price_files=price_file or (),
        reference=reference,
        drop_bad=drop_bad,
    )
    if out is None or estimate:
        _print(work.estimate().lines)
        return
    budget = None if max_usd is None else _usd("--max-usd", max_usd)
    _print(work.run(out, max_usd=budget, agree=None if yes else _agree))


@app.command("score-translation")
def score_translation(
    file: Annotated[Path, typer.Argument(metavar="TRANSLATION", help="Text, one a line; or a dataset, with --task.")],
    reference: Annotated[Path, typer.Argument(metavar="REFERENCE", help="The same, translated by people.")],
    target: Annotated[str, typer.Option(help="Language of both (BCP-47).")],
    task: Annotated[str | None, typer.Option(help="Both are datasets of this task: qa, nli or ranking.")] = None,
    source_file: Annotated[Path | None, typer.Option(help="What was translated; COMET needs it.")] = None,
    metrics: Annotated[str, typer.Option(help="Of bleu, chrf, chrf++ and comet.")] = "bleu,chrf",
) -> None:
    """Score a translation against a reference, with 95 % intervals and signatures."""
    from crossfare import experiment

    console = Console()
    for score in experiment.score_translation(
        file, reference, target=target, task=task, source_file=source_file, metrics=_list(metrics)
    ):
        console.print(experiment.score_line(score), markup=False, highlight=False, soft_wrap=True)


@app.command("tune-markers")
def tune_markers(
    model: Annotated[str, typer.Argument(help="Translation model: embedded:NAME, a folder or a hub id.")],
    parallel: Annotated[Path, typer.Option(help="Parallel text: TSV or JSONL with source and target.")],
    source: Annotated[str, typer.Option(help="Source language (BCP-47).")],
    target: Annotated[str, typer.Option(help="Target language (BCP-47).")],
    out: Annotated[Path, typer.Option(help="Folder for the fine-tuned model.")],
    steps: Annotated[int, typer.Option(min=1, help="Training steps.")] = 500,
    learning_rate: Annotated[float, typer.Option(help="Peak learning rate.")] = 5e-5,
    batch_size: Annotated[int, typer.Option(min=1, help="Sentences per step.")] = 32,
    seed: Annotated[int, typer.Option(help="Seed.")] = 0,
) -> None:
    """Fine-tune a translation model to keep answer delimiters (paper, section 4.2)."""
    from crossfare import experiment

    report = experiment.tune_markers(
        model,
        parallel,
        source=source,
        target=target,
        out=out,
        steps=steps,
        learning_rate=learning_rate,
        batch_size=batch_size,
        seed=seed,
    )
    console = Console()
    for line in report:
        console.print(line, markup=False, highlight=False, soft_wrap=True)


@datasets_app.callback(invoke_without_command=True)
def list_datasets(context: typer.Context) -> None:
    """List the known datasets, or inspect a file."""
    if context.invoked_subcommand:
        return
    from crossfare.data import catalog

    table = Table("name", "task", "languages", "licence", "examples", "source", box=None, pad_edge=False)
    table.columns[0].no_wrap = True
    for column in table.columns:
        column.overflow = "fold"
    for entry in catalog():
        sizes = "\n".join(f"{split} {size:,}" for split, size in entry.sizes)
        row = (entry.name, entry.task, " ".join(entry.languages), entry.licence, sizes, entry.ref or entry.source)
        table.add_row(*map(escape, row))
    Console().print(table)


@datasets_app.command("inspect")
def inspect_dataset(
    file: Annotated[str, typer.Argument(help="A dataset file, world:qa, world:nli or hub:NAME.")],
    name: Annotated[str | None, typer.Option("--as", help="Compare with the paper's figures for this set.")] = None,
    task: Annotated[str | None, typer.Option(help="qa or nli, where the file does not tell.")] = None,
    language: Annotated[str | None, typer.Option(help="Language (BCP-47), where the file does not tell.")] = None,
    split: Annotated[str | None, typer.Option(help="Split, for world: and hub: datasets.")] = None,
) -> None:
    """Count examples and characters, list repairs and duplicates, and compare with the paper."""
    from crossfare import data

    shown = data.tabulate(data.inspect(file, name=name, task=task, language=language, split=split))  # type: ignore[arg-type]
    table = Table(title=escape(shown.title), title_justify="left", box=None, pad_edge=False)
    for number, heading in enumerate(shown.columns):
        broken = escape(heading).replace(" ", "\n", 1)  # a narrow terminal needs the room for the labels
        table.add_column(broken, justify="right" if number else "left", no_wrap=number > 0)
    for row in shown.rows:
        cells = (row.label, row.value, row.without_space, row.paper, row.difference)
        table.add_row(*map(escape, cells[: len(shown.columns)]))
    console = Console()
    console.print(table)
    for note in shown.notes:
        console.print(note, markup=False, highlight=False, soft_wrap=True)


Runs = Annotated[list[Path], typer.Argument(metavar="RUN...", help="Run directories.", show_default=False)]
Mean = Annotated[bool, typer.Option("--mean", help="Judge methods by their mean over the target languages.")]
Volume = Annotated[int, typer.Option(min=1, help="Examples served a month.")]
Months = Annotated[int, typer.Option(min=1, help="Months that costs are counted over.")]
Without = Annotated[str | None, typer.Option(help="Engines or methods to leave out, such as reference.")]
StatedPrices = Annotated[
    list[str] | None,
    typer.Option(
        "--price", metavar="RESOURCE=USD", help="State a price: per device-hour, million characters, example."
    ),
]
Offers = Annotated[
    list[str] | None, typer.Option("--offer", metavar="RESOURCE=OFFER", help="Price a resource by a catalogue offer.")
]
PriceFiles = Annotated[list[Path] | None, typer.Option("--price-file", help="Further price files for --offer.")]
AsJson = Annotated[Path | None, typer.Option("--json", help="Also write the model and all that follows from it here.")]


@app.command()
def compare(
    runs: Runs,
    tasks: Tasks = None,
    targets: Targets = None,
    mean: Mean = False,
    volume: Volume = 100_000,
    months: Months = 12,
    price: StatedPrices = None,
    offer: Offers = None,
    price_file: PriceFiles = None,
    without: Without = None,
    json_file: AsJson = None,
) -> None:
    """Compare methods by quality, total cost and latency; nothing is run, prices can be changed."""
    from crossfare import compare as comparing
    from crossfare.report import decision, labels, to_rich

    horizon = decision.Horizon(volume, months)
    asked = _Asked(runs, tasks, targets, mean, price, offer, price_file, without, json_file)
    console = Console()
    console.width = max(console.width, _TABLE_WIDTH)
    made, curves = _decide(asked, horizon, comparing.Constraints())
    for each in made:
        for table in (
            decision.front_table(each, horizon),
            decision.break_even_table(each.decision, horizon),
            decision.sensitivity_table(each, horizon),
        ):
            console.print(to_rich(table))
            console.print()
    for curve in curves:
        for table in (labels.labels_table(curve), labels.parity_table(curve)):
            console.print(to_rich(table))
            console.print()
        for line in labels.answers(curve):
            console.print(line, markup=False, highlight=False, soft_wrap=True)
        console.print()


@app.command()
def recommend(
    runs: Runs,
    tasks: Tasks = None,
    targets: Targets = None,
    mean: Mean = False,
    volume: Volume = 100_000,
    months: Months = 12,
    min_quality: Annotated[float | None, typer.Option(help="Least score, as a fraction.")] = None,
    max_latency_ms: Annotated[float | None, typer.Option(help="Most that translation may add to a request.")] = None,
    max_usd: Annotated[str | None, typer.Option(metavar="USD", help="Most that may be spent in all.")] = None,
    price: StatedPrices = None,
    offer: Offers = None,
    price_file: PriceFiles = None,
    without: Without = None,
    json_file: AsJson = None,
) -> None:
    """Say which method to choose, why, why not the others, and what would change that.

    Status 1 if no method keeps the constraints.
    """
    from crossfare import compare as comparing
    from crossfare.report import decision

    horizon = decision.Horizon(volume, months)
    asked = _Asked(runs, tasks, targets, mean, price, offer, price_file, without, json_file)
    console = Console()
    if min_quality is not None and not 0 <= min_quality <= 1:
        raise ConfigError(f"--min-quality is a fraction from 0 to 1, not {min_quality:g}")
    budget = None if max_usd is None else _usd("--max-usd", max_usd)
    found, _ = _decide(asked, horizon, comparing.Constraints(min_quality, max_latency_ms, budget))
    for made in found:
        for line in decision.explain(made, horizon):
            console.print(line, markup=False, highlight=False, soft_wrap=True)
        console.print()
    if any(made.chosen is None for made in found):
        raise typer.Exit(1)


class _Asked(NamedTuple):
    """What `compare` and `recommend` are both asked."""

    runs: list[Path]
    tasks: str | None
    targets: str | None
    mean: bool
    price: list[str] | None
    offer: list[str] | None
    price_file: list[Path] | None
    without: str | None
    json_file: Path | None


def _decide(
    asked: _Asked,
    horizon: decision.Horizon,  # type: ignore[name-defined]  # noqa: F821 - imported where a command needs it
    constraints: comparing.Constraints,  # type: ignore[name-defined]  # noqa: F821
) -> tuple[
    tuple[comparing.Recommendation, ...],  # type: ignore[name-defined]  # noqa: F821
    tuple[comparing.LearningCurve, ...],  # type: ignore[name-defined]  # noqa: F821
]:
    from crossfare import compare as comparing
    from crossfare.ledger import Catalogue
    from crossfare.store import write_json

    if asked.price_file and not asked.offer:
        raise ConfigError("--price-file holds offers; name the one to use with --offer RESOURCE=OFFER")
    runs = comparing.reprice(
        [comparing.read_run(folder) for folder in asked.runs],
        prices={name: _usd("--price", text) for name, text in _settings("--price", asked.price).items()},
        offers=_settings("--offer", asked.offer),
        catalogue=Catalogue.load(asked.price_file) if asked.price_file else None,
    )
    kept = {"tasks": _list(asked.tasks), "targets": _list(asked.targets), "without": _list(asked.without)}
    found = comparing.decisions(runs, **kept, mean=asked.mean, months=horizon.months)
    made = tuple(comparing.recommend(each, horizon.examples, constraints) for each in found)
    curves = comparing.learning_curves(runs, **kept)
    if asked.json_file:
        decisions = [comparing.to_json(each) for each in made]
        written = {"format": 1, "decisions": decisions, "learning_curves": [each.to_json() for each in curves]}
        write_json(asked.json_file, written)
    return made, curves


def _options(texts: list[str] | None) -> dict[str, object]:
    """Options of an engine, their values read as YAML: numbers, yes and no, or text."""
    import yaml

    pairs = [text.partition("=") for text in texts or ()]
    for name, equals, _ in pairs:
        if not (name and equals):
            raise ConfigError("--option takes NAME=VALUE, such as format=html")
    try:
        return {name: yaml.safe_load(value) for name, _, value in pairs}
    except yaml.YAMLError:
        raise ConfigError("--option takes NAME=VALUE with a plain value, such as format=html") from None


def _settings(flag: str, texts: list[str] | None) -> dict[str, str]:
    parts = [text.rpartition("=") for text in texts or ()]
    for name, _, value in parts:
        if not (name and value):
            raise ConfigError(f"{flag} takes RESOURCE=VALUE, such as compute=0.5 or engine:open=google-translate")
    return {name: value for name, _, value in parts}


def _usd(flag: str, text: str) -> Decimal:
    try:
        amount = Decimal(text)
    except InvalidOperation:
        amount = Decimal("nan")
    if not amount.is_finite() or amount < 0:
        raise ConfigError(f"{flag} takes an amount in USD, such as 12.50, not {text!r}")
    return amount


@app.command()
def report(
    folder: Annotated[Path, typer.Argument(metavar="RUN", help="Run directory.", show_default=False)],
    volume: Volume = 100_000,
    months: Months = 12,
) -> None:
    """Write a run's report: one HTML page that needs no network, with LaTeX tables and figures beside it."""
    from crossfare.experiment.methods import METHODS
    from crossfare.report import write_report
    from crossfare.report.decision import Horizon

    page = write_report(folder, horizon=Horizon(volume, months), methods=METHODS)
    Console().print(f"Report: {page}", soft_wrap=True, markup=False, highlight=False)


@app.command()
def plan(
    spec: Annotated[str | None, typer.Argument(help="The spec, a YAML file, or demo; without one, state it.")] = None,
    volume: Volume = 100_000,
    months: Months = 12,
    targets: Targets = None,
    tasks: Tasks = None,
    from_runs: Annotated[
        list[Path] | None, typer.Option("--from", metavar="RUN", help="Pilot runs: their scores and rates are used.")
    ] = None,
    rate: Annotated[
        list[str] | None,
        typer.Option("--rate", metavar="STAGE[:NAME]=SECONDS", help="State a rate, or its LOW,EXPECTED,HIGH."),
    ] = None,
    compute: Annotated[str | None, typer.Option(metavar="OFFER", help="What prices device time.")] = None,
    hardware: Annotated[str | None, typer.Option(help="Use rates of this device, as runs name it.")] = None,
    data_dir: Annotated[Path | None, typer.Option(help="Folder that data paths in the spec are relative to.")] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="Also write the forecast here.")] = None,
    check: Annotated[
        Path | None, typer.Option(metavar="RUN", help="Forecast this finished run by other steps, and compare.")
    ] = None,
    against: Annotated[Path | None, typer.Option(help="With --check: compare with this forecast (--json).")] = None,
    steps: Annotated[bool, typer.Option("--steps", help="With --check: list every step.")] = False,
    task: Annotated[str | None, typer.Option(help="Without a spec: qa, nli or ranking.")] = None,
    source: Annotated[str, typer.Option(help="Language of the labelled data (BCP-47).")] = "en",
    examples: Annotated[int | None, typer.Option(min=1, help="Training examples.")] = None,
    characters: Annotated[int | None, typer.Option(min=1, help="Characters of an example (ranking: a query).")] = None,
    data: Annotated[Path | None, typer.Option(help="Training set to count instead.")] = None,
    test: Annotated[Path | None, typer.Option(help="File of what is asked, to count.")] = None,
    gold: Annotated[int | None, typer.Option(min=1, help="Examples to label in the target language.")] = None,
    engine: Annotated[list[str] | None, typer.Option(help="Engine, or offer of one, such as llm:MODEL.")] = None,
    translation_model: Annotated[str | None, typer.Option(help="Model of a local engine.")] = None,
    model: Annotated[str | None, typer.Option(help="Model to fine-tune, or its size without embeddings: 86M.")] = None,
    method: Annotated[list[str] | None, typer.Option(help="Only these methods.")] = None,
    passages: Annotated[int | None, typer.Option(min=1, help="Ranking: passages of the collection.")] = None,
    passage_characters: Annotated[int | None, typer.Option(min=1, help="Ranking: characters of a passage.")] = None,
) -> None:
    """Forecast what each method will cost, from a spec or from figures; nothing is run.

    Status 1 if a part of the costs is not known; a line says what to give.
    """
    from crossfare.experiment import forecast

    stated_rates = forecast.parse(rate or ())
    if check:
        _check_forecast(check, from_runs or [], stated_rates, hardware, data_dir, against, steps)
        return
    if against or steps:
        raise ConfigError("--against and --steps compare a forecast with a run; name the run with --check")
    figures = forecast.Stated(
        task=task or "",
        targets=_list(targets),
        source=source,
        examples=examples,
        characters=characters,
        train=data,
        test=test,
        gold=gold,
        engines=tuple(engine or ()),
        translation_model=translation_model,
        model=model,
        methods=tuple(method or ()),
        passages=passages,
        passage_characters=passage_characters,
    )
    asked = _asked_spec(spec, figures, _list(tasks), data_dir)
    basis = forecast.Basis.gather(from_runs or (), stated=stated_rates, hardware=hardware)
    made = forecast.Forecaster(forecast.priced(asked.spec, compute), basis, given=asked.given, sizes=asked.sizes)
    if json_file:
        forecast.save(made, json_file, volume=volume, months=months)
    if not _print_forecast(made.plans(months), volume, months):
        raise typer.Exit(1)


def _asked_spec(
    spec: str | None,
    figures: forecast.Stated,  # type: ignore[name-defined]  # noqa: F821 - imported where a command needs it
    tasks: tuple[str, ...],
    data_dir: Path | None,
) -> forecast.StatedSpec:  # type: ignore[name-defined]  # noqa: F821
    from crossfare import experiment
    from crossfare.experiment import forecast

    if bool(spec) == bool(figures.task):
        raise ConfigError("give a spec (a file, or demo) or figures with --task; see crossfare plan --help")
    if not spec:
        return forecast.stated_spec(figures)
    found = experiment.demo_spec() if spec == "demo" else experiment.load_spec(Path(spec), data_dir=data_dir)
    return forecast.StatedSpec(experiment.narrowed(found, targets=figures.targets, tasks=tasks), {}, {})


def _print_forecast(plans: tuple[shown.Plan, ...], volume: int, months: int) -> bool:  # type: ignore[name-defined]  # noqa: F821
    """Print what each method will cost; False if something is not known."""
    from crossfare.report import decision, to_rich
    from crossfare.report import forecast as shown

    console, horizon = Console(), decision.Horizon(volume, months)
    console.width = max(console.width, _TABLE_WIDTH)
    unknown = dict.fromkeys(line for each in plans for line in shown.unknown(each))
    for each in plans:
        console.print(to_rich(shown.plan_table(each, horizon)))
        console.print()
        if not shown.unknown(each):
            console.print(to_rich(decision.break_even_table(each.expected, horizon)))
            console.print()
    console.print(to_rich(shown.assumption_table(plans)))
    for line in unknown:
        console.print(f"unknown: {line}", markup=False, highlight=False, soft_wrap=True)
    return not unknown


def _check_forecast(
    run: Path,
    others: list[Path],
    stated: dict[str, forecast.Rate],  # type: ignore[name-defined]  # noqa: F821
    hardware: str | None,
    data_dir: Path | None,
    against: Path | None,
    steps: bool,
) -> None:
    from crossfare.experiment import forecast
    from crossfare.report import forecast as shown
    from crossfare.report import to_rich

    if against:
        found = forecast.check_saved(run, against)
    else:
        basis = forecast.Basis.gather([run, *others], stated=stated, hardware=hardware)
        found = forecast.check_rates(run, basis, data_dir=data_dir)
    console = Console()
    console.width = max(console.width, _TABLE_WIDTH)
    console.print(to_rich(shown.check_table(found)))
    if steps:
        console.print()
        console.print(to_rich(shown.step_table(found)))


RunFolder = Annotated[Path, typer.Argument(metavar="RUN", help="Run directory.", show_default=False)]
OneTask = Annotated[str | None, typer.Option("--task", help="The task, if the run has several.")]
OneTarget = Annotated[str | None, typer.Option("--target", help="The target language, if the run has several.")]
OneMethod = Annotated[str | None, typer.Option("--method", help="The method (default: the recommended one).")]
OneEngine = Annotated[str | None, typer.Option("--engine", help="The engine, by its name in the spec.")]
OneModel = Annotated[str | None, typer.Option("--model", help="The model: its role in the spec, or a checkpoint.")]
OneSeed = Annotated[int | None, typer.Option("--seed", help="The seed (default: the run's first).")]


@app.command()
def predict(
    run_folder: RunFolder,
    source: Annotated[str, typer.Option("--input", metavar="FILE", help="Requests, JSON Lines; - for standard input.")],
    out: Annotated[
        str | None, typer.Option("--output", metavar="FILE", help="Answers, JSON Lines; - for standard output.")
    ] = None,
    task: OneTask = None,
    target: OneTarget = None,
    method: OneMethod = None,
    engine: OneEngine = None,
    model: OneModel = None,
    seed: OneSeed = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on after the last answer of the output.")] = False,
    batch_size: Annotated[int, typer.Option(min=1, help="Lines answered at once.")] = 64,
    price_file: PriceFile = None,
    max_usd: MaxUsd = None,
    estimate: Annotated[bool, typer.Option("--estimate", help="Say what it would take; send nothing.")] = False,
    yes: Yes = False,
) -> None:
    """Answer raw requests in the target language with a run's model, translating where the method does.

    Asks before it sends requests that have to be paid. Nothing is paid twice: translated texts are in the
    translation memory, and --resume goes on from where a run was stopped.
    """
    from crossfare import serving

    if out is None and not estimate:
        raise ConfigError("name the file to write with --output, or ask for an --estimate only")
    console = Console(stderr=True)
    with serving.open_pipeline(
        run_folder,
        **_cell(task, target, method, engine, model, seed),
        memory=_memory(),
        max_usd=None if max_usd is None else _usd("--max-usd", max_usd),
        price_files=price_file or (),
    ) as pipeline:
        if out is None or estimate:
            made = serving.estimate_file(pipeline, source, out if resume else None, batch_size=batch_size)
            _print(made.lines if made else [f"to send: nothing, {pipeline} translates nothing"])
            return
        _say(console, f"answering with {pipeline}")
        asking = None if yes else partial(_agree, err=True)  # answers may go to standard output
        done = serving.predict_file(pipeline, source, out, resume=resume, batch_size=batch_size, agree=asking)
        _say(console, done.summary())


def _memory() -> TranslationMemory:
    """The translation memory of the cache."""
    from crossfare.store import Store
    from crossfare.translate import TranslationMemory

    return TranslationMemory(Store().root / "memory.sqlite")


@app.command()
def serve(
    run_folder: RunFolder,
    host: Annotated[str, typer.Option(help="Address to listen on; there is no authentication.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 takes a free one.")] = 8000,
    task: OneTask = None,
    target: OneTarget = None,
    method: OneMethod = None,
    engine: OneEngine = None,
    model: OneModel = None,
    seed: OneSeed = None,
    batch_size: Annotated[int, typer.Option(min=1, help="Requests answered together, at most.")] = 16,
    queue: Annotated[int, typer.Option(min=1, help="Requests that may wait; further ones get status 503.")] = 256,
    timeout: Annotated[float, typer.Option(min=0.1, help="Seconds a call may take, waiting included.")] = 30.0,
    max_bytes: Annotated[int, typer.Option(min=1, help="Largest body of a call.")] = 1 << 20,
    remember: Annotated[
        bool, typer.Option("--remember", help="Keep texts in the translation memory: nothing is translated twice.")
    ] = False,
    price_file: PriceFile = None,
    max_usd: Annotated[
        str | None,
        typer.Option(metavar="USD", help="Most to spend until it ends; what costs more then gets status 402."),
    ] = None,
) -> None:
    """Serve a run's model over HTTP: POST /predict, GET /health, GET /info.

    Texts are not logged, and kept only with --remember.
    """
    from crossfare import serving

    limits = serving.Limits(batch_size, queue, timeout, max_bytes)
    console = Console()
    with serving.open_pipeline(
        run_folder,
        **_cell(task, target, method, engine, model, seed),
        memory=_memory() if remember else None,
        max_usd=None if max_usd is None else _usd("--max-usd", max_usd),
        price_files=price_file or (),
    ) as pipeline:

        def ready(address: str) -> None:
            _say(console, f"serving {pipeline} on {address}")
            if host not in ("127.0.0.1", "::1", "localhost"):
                _say(console, "anyone who reaches this address can ask: put something with authentication before it")

        serving.serve(pipeline, host=host, port=port, limits=limits, ready=ready)


@app.command()
def export(
    run_folder: RunFolder,
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="Folder to write; it must not hold anything yet.")],
    task: OneTask = None,
    target: OneTarget = None,
    method: OneMethod = None,
    engine: OneEngine = None,
    model: OneModel = None,
    seed: OneSeed = None,
) -> None:
    """Write a run's model as a plain Hugging Face folder, with a card that states data, scores and costs."""
    from crossfare import serving

    made = serving.export(run_folder, out, **_cell(task, target, method, engine, model, seed))
    _say(Console(), f"written: {made}")


def _cell(
    task: str | None, target: str | None, method: str | None, engine: str | None, model: str | None, seed: int | None
) -> dict[str, Any]:
    """Which cell of a run is meant, as `serving.open_pipeline` and `serving.export` take it."""
    return {"task": task, "target": target, "method": method, "engine": engine, "model": model, "seed": seed}


def _say(console: Console, line: str) -> None:
    console.print(line, markup=False, highlight=False, soft_wrap=True)


@app.command()
def prices(
    offer: Annotated[str | None, typer.Argument(help="Only offers with this in their name, or llm:MODEL.")] = None,
    file: Annotated[list[Path] | None, typer.Option(help="Further price files, such as your own rates.")] = None,
) -> None:
    """List the price records with their age and source; those unchecked for a year are marked stale."""
    from crossfare.ledger import STALE_AFTER_DAYS, Catalogue
    from crossfare.report import price_table, to_rich

    catalogue = Catalogue.load(file or ())
    listed = catalogue.matching(offer) if offer else catalogue
    console = Console()
    console.print(to_rich(price_table(listed)))
    if stale := listed.stale():
        names = ", ".join(dict.fromkeys(price.offer for price in stale))
        console.print(f"Not checked for more than {STALE_AFTER_DAYS} days, state your own: {names}", soft_wrap=True)


@app.command("audit-paper")
def audit_paper(
    batch_size: Annotated[int, typer.Option(help="Examples that the paper's seconds a batch are for.")] = 32,
    hours: Annotated[str, typer.Option(help="Translation hours: stated (in the text) or implied (by the cost).")] = (
        "stated"
    ),
    billing: Annotated[str, typer.Option(help="What an API bills as an example of QA: paragraph or question.")] = (
        "paragraph"
    ),
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as JSON.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print the cells as CSV.")] = False,
) -> None:
    """Recompute the costs and latencies of Rosa et al. (2021), Table 1, from the paper's own inputs."""
    import json

    from crossfare import paper
    from crossfare.report import to_csv, to_rich

    audited = paper.audit(paper.Assumptions.parse(batch_size=batch_size, hours=hours, billing=billing))
    if as_json:
        typer.echo(json.dumps(paper.to_json(audited), ensure_ascii=False, indent=2))
    elif as_csv:
        typer.echo(to_csv(paper.full_table(audited)), nl=False)
    else:
        console = Console()
        console.width = max(console.width, _TABLE_WIDTH)
        for table in paper.to_tables(audited):
            console.print(to_rich(table))
            console.print()


@app.command()
def engines(
    price_file: Annotated[list[Path] | None, typer.Option(help="Further price files, such as your own rates.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the list as JSON.")] = False,
) -> None:
    """List the translation engines: what is missing to use one, keys, languages, price today; nothing is sent."""
    import json
    from dataclasses import asdict

    from crossfare import experiment
    from crossfare.report import to_rich

    listed = experiment.list_engines(price_file or ())
    if as_json:
        typer.echo(json.dumps([asdict(engine) for engine in listed], ensure_ascii=False, indent=2))
    else:
        console = Console()
        console.width = max(console.width, _TABLE_WIDTH)
        console.print(to_rich(experiment.engine_table(listed)))
