"""Put a cell of a run to work: on files, over HTTP, or as a folder for other tools."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from crossfare.cli.options import (
    AllowHost,
    AllowKey,
    CellOptions,
    Concurrency,
    MaxUsd,
    PriceFile,
    RunFolder,
    TrainEngine,
    Yes,
    with_groups,
)
from crossfare.cli.terminal import agree, say
from crossfare.cli.values import allow, in_flight, limit
from crossfare.errors import ConfigError

if TYPE_CHECKING:
    from crossfare.serving import Pipeline
    from crossfare.translate import TranslationMemory


@with_groups
def predict(
    run_folder: RunFolder,
    *,
    source: Annotated[str, typer.Option("--input", metavar="FILE", help="Requests, JSON Lines; - for standard input.")],
    out: Annotated[
        str | None, typer.Option("--output", metavar="FILE", help="Answers, JSON Lines; - for standard output.")
    ] = None,
    cell: CellOptions,
    train_engine: TrainEngine = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on after the last answer of the output.")] = False,
    batch_size: Annotated[int, typer.Option(min=1, help="Lines answered at once.")] = 64,
    price_file: PriceFile = None,
    max_usd: MaxUsd = None,
    concurrency: Concurrency = None,
    estimate: Annotated[bool, typer.Option("--estimate", help="Say what it would take; send nothing.")] = False,
    yes: Yes = False,
    allow_host: AllowHost = None,
    allow_key: AllowKey = None,
) -> None:
    """Answer raw requests in the target language with a run's model, translating where the method does.

    Asks before it sends requests that have to be paid, or that leave this machine. Nothing is paid twice: translated
    texts are in the translation memory, and --resume goes on from where a run was stopped.
    """
    from crossfare import serving

    if out is None and not estimate:
        raise ConfigError("name the file to write with --output, or ask for an --estimate only")
    allow(allow_host, allow_key)
    in_flight(concurrency)
    with serving.open_pipeline(
        run_folder,
        **asdict(cell),
        train_engine=train_engine,
        memory=_memory(),
        max_usd=limit(max_usd),
        price_files=price_file or (),
    ) as pipeline:
        if out is None or estimate:
            made = serving.estimate_file(pipeline, source, out if resume else None, batch_size=batch_size)
            say(*(made.lines if made else [f"to send: nothing, {pipeline} translates nothing"]))
            return
        say(f"answering with {pipeline}", err=True)
        asking = None if yes else partial(agree, err=True)  # answers may go to standard output
        with _telling(pipeline):
            done = serving.predict_file(pipeline, source, out, resume=resume, batch_size=batch_size, agree=asking)
        say(done.summary(), err=True)


@with_groups
def serve(
    run_folder: RunFolder,
    *,
    host: Annotated[str, typer.Option(help="Address to listen on; there is no authentication.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 takes a free one.")] = 8000,
    cell: CellOptions,
    train_engine: TrainEngine = None,
    batch_size: Annotated[int, typer.Option(min=1, help="Requests answered together, at most.")] = 16,
    queue: Annotated[int, typer.Option(min=1, help="Requests that may wait; further ones get status 503.")] = 256,
    timeout: Annotated[float, typer.Option(min=0.1, help="Seconds a call may take, waiting included.")] = 30.0,
    max_bytes: Annotated[int, typer.Option(min=1, help="Largest body of a call.")] = 1 << 20,
    receive_timeout: Annotated[
        float, typer.Option(min=0.1, help="Seconds that the head of a call may take to arrive, and its body.")
    ] = 10.0,
    connections: Annotated[int, typer.Option(min=1, help="Clients connected at once; further ones get 503.")] = 512,
    remember: Annotated[
        bool, typer.Option("--remember", help="Keep texts in the translation memory: nothing is translated twice.")
    ] = False,
    price_file: PriceFile = None,
    max_usd: Annotated[
        str | None,
        typer.Option(metavar="USD", help="Most to spend until it ends; what costs more then gets status 402."),
    ] = None,
    concurrency: Concurrency = None,
    yes: Yes = False,
    allow_host: AllowHost = None,
    allow_key: AllowKey = None,
) -> None:
    """Serve a run's model over HTTP: POST /predict, GET /health, /info, /metrics and /openapi.json.

    Texts are not logged, and kept only with --remember. Where answering sends them to an engine that is paid or not on
    this machine, it asks before it begins.
    """
    from crossfare import serving

    allow(allow_host, allow_key)
    in_flight(concurrency)
    limits = serving.Limits(batch_size, queue, timeout, max_bytes, receive_timeout, connections)
    with serving.open_pipeline(
        run_folder,
        **asdict(cell),
        train_engine=train_engine,
        memory=_memory() if remember else None,
        max_usd=limit(max_usd),
        price_files=price_file or (),
    ) as pipeline:
        if not yes and (plan := serving.standing(pipeline)):
            agree(plan)

        def ready(address: str) -> None:
            say(f"serving {pipeline} on {address}")
            if host not in ("127.0.0.1", "::1", "localhost"):
                say("anyone who reaches this address can ask: put something with authentication before it")

        with _telling(pipeline):
            serving.serve(pipeline, host=host, port=port, limits=limits, ready=ready)


@with_groups
def export(
    run_folder: RunFolder,
    *,
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="Folder to write; it must not hold anything yet.")],
    cell: CellOptions,
) -> None:
    """Write a run's model as a plain Hugging Face folder, with a card that states data, scores and costs."""
    from crossfare import serving

    made = serving.export(run_folder, out, **asdict(cell))
    say(f"written: {made}")


@contextmanager
def _telling(pipeline: Pipeline) -> Iterator[None]:
    """Say what was spent within, however it ends."""
    try:
        yield
    finally:
        if pipeline.purse and pipeline.purse.path.exists():
            say(f"spent now: {pipeline.purse.account}", err=True)


def _memory() -> TranslationMemory:
    """The translation memory of the cache."""
    from crossfare.experiment.files import memory_of
    from crossfare.store import Store

    return memory_of(Store())
