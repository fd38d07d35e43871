"""Forecast what a comparison costs, and compare a forecast with what a run used."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from crossfare.cli.options import Force, Months, Targets, Tasks, Utilisation, Volume, with_groups
from crossfare.cli.terminal import say, show
from crossfare.cli.values import names
from crossfare.errors import ConfigError
from crossfare.output import claim

if TYPE_CHECKING:
    from crossfare.compare.forecast import Plan
    from crossfare.experiment import forecast


@dataclass(frozen=True, slots=True)
class RateOptions:
    """What a forecast goes by."""

    from_runs: Annotated[
        list[Path] | None, typer.Option("--from", metavar="RUN", help="Pilot runs: their scores and rates are used.")
    ] = None
    rate: Annotated[
        list[str] | None,
        typer.Option("--rate", metavar="STAGE[:NAME]=SECONDS", help="State a rate, or its LOW,EXPECTED,HIGH."),
    ] = None
    compute: Annotated[str | None, typer.Option(metavar="OFFER", help="What prices device time.")] = None
    hardware: Annotated[str | None, typer.Option(help="Use rates of this device, as runs name it.")] = None
    data_dir: Annotated[Path | None, typer.Option(help="Folder that data paths in the spec are relative to.")] = None


@dataclass(frozen=True, slots=True)
class PaperOptions:
    """How the paper's own experiment is priced, and what is counted of it."""

    prices: Annotated[str | None, typer.Option(help="plan paper: prices of the paper's day, or of today.")] = None
    parts: Annotated[
        str | None,
        typer.Option("--with", metavar="PARTS", help="plan paper: count fine-tuning,inference,annotation, or all."),
    ] = None


@dataclass(frozen=True, slots=True)
class CheckOptions:
    """A finished run that is forecast, and compared with what it used."""

    check: Annotated[
        Path | None, typer.Option(metavar="RUN", help="Forecast this finished run by other steps, and compare.")
    ] = None
    against: Annotated[Path | None, typer.Option(help="With --check: compare with this forecast (--json).")] = None
    steps: Annotated[bool, typer.Option("--steps", help="With --check: list every step.")] = False


@dataclass(frozen=True, slots=True)
class FigureOptions:
    """What is stated where there is no spec."""

    task: Annotated[str | None, typer.Option(help="Without a spec: the task, such as nli.")] = None
    source: Annotated[str, typer.Option(help="Language of the labelled data (BCP-47).")] = "en"
    examples: Annotated[int | None, typer.Option(min=1, help="Training examples.")] = None
    characters: Annotated[int | None, typer.Option(min=1, help="Characters of an example (ranking: a query).")] = None
    data: Annotated[Path | None, typer.Option(help="Training set to count instead.")] = None
    test: Annotated[Path | None, typer.Option(help="File of what is asked, to count.")] = None
    gold: Annotated[int | None, typer.Option(min=1, help="Examples to label in the target language.")] = None
    engine: Annotated[list[str] | None, typer.Option(help="Engine, or offer of one, such as llm:MODEL.")] = None
    translation_model: Annotated[str | None, typer.Option(help="Model of a local engine.")] = None
    model: Annotated[str | None, typer.Option(help="Model to fine-tune, or its size without embeddings: 86M.")] = None
    method: Annotated[list[str] | None, typer.Option(help="Only these methods.")] = None
    passages: Annotated[int | None, typer.Option(min=1, help="Ranking: passages of the collection.")] = None
    passage_characters: Annotated[int | None, typer.Option(min=1, help="Ranking: characters of a passage.")] = None

    def stated(self, targets: tuple[str, ...]) -> forecast.Stated:
        """The same, for the forecast of methods in these languages."""
        from crossfare.experiment import forecast

        told = asdict(self)
        engines, methods = (tuple(told.pop(name) or ()) for name in ("engine", "method"))
        told |= {"task": self.task or "", "train": told.pop("data")}
        return forecast.Stated(**told, targets=targets, engines=engines, methods=methods)


@with_groups
def plan(
    spec: Annotated[
        str | None, typer.Argument(help="The spec, a YAML file, or demo, or paper; without one, state it.")
    ] = None,
    volume: Volume = 100_000,
    months: Months = 12,
    targets: Targets = None,
    tasks: Tasks = None,
    utilisation: Utilisation = 1.0,
    *,
    known: RateOptions,
    json_file: Annotated[Path | None, typer.Option("--json", help="Also write the forecast here.")] = None,
    checked: CheckOptions,
    figures: FigureOptions,
    published: PaperOptions,
    force: Force = False,
) -> None:
    """Forecast what each method will cost, from a spec or from figures; nothing is run.

    "paper" is the experiment of Rosa et al. (2021), from what it states: its Table 1, with --prices and --with.
    Status 1 if a part of the costs is not known; a line says what to give.
    """
    if spec == "paper":
        if json_file:
            claim(json_file, reads=(), force=force)
        horizon = (volume, months)
        _plan_paper(published, (known, checked, figures), names(targets), names(tasks), horizon, json_file)
        return
    if published != PaperOptions():
        raise ConfigError("--prices and --with are of the paper's own experiment: crossfare plan paper")
    from crossfare.experiment import forecast

    pilots = known.from_runs or []
    if json_file:
        reads = (spec, figures.data, figures.test, checked.check, checked.against, *pilots)
        claim(json_file, reads=(each for each in reads if each), force=force)
    stated_rates = forecast.parse(known.rate or ())
    if checked.check:
        _show_check(checked, checked.check, known, stated_rates)
        return
    if checked.against or checked.steps:
        raise ConfigError("--against and --steps compare a forecast with a run; name the run with --check")
    asked = _asked_spec(spec, figures.stated(names(targets)), names(tasks), known.data_dir)
    basis = forecast.Basis.gather(pilots, stated=stated_rates, hardware=known.hardware)
    priced = forecast.priced(asked.spec, known.compute)
    made = forecast.Forecaster(priced, basis, given=asked.given, sizes=asked.sizes)
    if json_file:
        forecast.save(made, json_file, volume=volume, months=months)
    if not _print_forecast(made.plans(months, Decimal(str(utilisation))), volume, months):
        raise typer.Exit(1)


def _plan_paper(
    published: PaperOptions,
    given: tuple[RateOptions, CheckOptions, FigureOptions],
    targets: tuple[str, ...],
    tasks: tuple[str, ...],
    served: tuple[int, int],
    json_file: Path | None,
) -> None:
    """Print Table 1 as it is forecast, where one method gets cheaper than another, and what the study costs."""
    from crossfare import paper
    from crossfare.paper import plan_tables
    from crossfare.report import decision
    from crossfare.store import write_json

    known, checked, figures = given
    others = (replace(known, compute=None), checked, replace(figures, engine=None, gold=None))
    if others != (RateOptions(), CheckOptions(), FigureOptions()):
        raise ConfigError(
            "plan paper goes by what the paper states; beside --prices and --with it takes --volume, --months, "
            "--targets, --tasks, --compute, --engine, --gold and --json"
        )
    if len(figures.engine or ()) > 1:
        raise ConfigError("plan paper has one commercial engine: give --engine once")
    parts = paper.PARTS if published.parts == "all" else names(published.parts)
    (api,) = figures.engine or ("",)
    asked = paper.StudyTerms(published.prices or "paper", parts, api, known.compute or "", figures.gold, tasks, targets)
    planner, found, horizon = paper.StudyPlanner(asked), paper.forecast(asked), decision.Horizon(*served)
    if json_file:
        write_json(json_file, plan_tables.to_json(planner, found, horizon))
    show([plan_tables.forecast_table(planner, found, horizon)])
    show([decision.break_even_table(each, horizon) for each in found if each.target == found[0].target])
    show([plan_tables.study_table(planner, found)])


def _asked_spec(
    spec: str | None, figures: forecast.Stated, tasks: tuple[str, ...], data_dir: Path | None
) -> forecast.StatedSpec:
    from crossfare import experiment
    from crossfare.experiment import forecast

    if bool(spec) == bool(figures.task):
        raise ConfigError("give a spec (a file, or demo) or figures with --task; see crossfare plan --help")
    if not spec:
        return forecast.stated_spec(figures)
    found = experiment.demo_spec() if spec == "demo" else experiment.load_spec(Path(spec), data_dir=data_dir)
    return forecast.StatedSpec(experiment.narrowed(found, targets=figures.targets, tasks=tasks), {}, {})


def _print_forecast(plans: tuple[Plan, ...], volume: int, months: int) -> bool:
    """Print what each method will cost; False if something is not known."""
    from crossfare.report import decision
    from crossfare.report import forecast as shown

    horizon = decision.Horizon(volume, months)
    unknown = dict.fromkeys(line for each in plans for line in each.todo)
    for each in plans:
        show([shown.plan_table(each, horizon)])
        if not each.todo:
            show([decision.break_even_table(each.expected, horizon)])
    show([shown.assumption_table(plans)])
    for line in unknown:
        say(f"unknown: {line}")
    return not unknown


def _show_check(checked: CheckOptions, run: Path, known: RateOptions, stated: dict[str, forecast.Rate]) -> None:
    from crossfare.experiment import forecast
    from crossfare.report import forecast as shown

    if checked.against:
        found = forecast.check_saved(run, checked.against)
    else:
        basis = forecast.Basis.gather([run, *(known.from_runs or ())], stated=stated, hardware=known.hardware)
        found = forecast.check_rates(run, basis, data_dir=known.data_dir)
    show([shown.check_table(found), *([shown.step_table(found)] if checked.steps else [])])
