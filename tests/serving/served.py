"""What was asked of the run that is served, what it predicted itself, and ways to ask."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx

from crossfare.data import artifact
from crossfare.experiment.files import PREDICTIONS
from crossfare.serving import Limits
from crossfare.serving.http import application
from crossfare.serving.parts import Parts
from crossfare.tasks.nli import NLIRequest
from crossfare.tasks.qa import QARequest
from crossfare.tasks.ranking import RankingRequest
from crossfare.tasks.requests import Request
from crossfare.types import Prediction, Step

DEPTH = 6


def predictions(parts: Parts, step: Step | None = None) -> tuple[Prediction, ...]:
    """What the run itself predicted for a cell."""
    return PREDICTIONS.validate_json((parts.artifact(step or parts.answering) / "predictions.json").read_bytes())


def asked(parts: Parts) -> list[Request]:
    """The cell's test set as raw requests in the target language."""
    step = parts.source(parts.answering, "data")
    while step.stage != "dataset":
        step = parts.source(step, "data")
    return [request(example) for example in artifact.read(parts.artifact(step)).examples]


def request(example: Any) -> Request:
    """An example as a request."""
    if hasattr(example, "context"):
        return QARequest(id=example.id, context=example.context, question=example.question)
    if hasattr(example, "premise"):
        return NLIRequest(id=example.id, premise=example.premise, hypothesis=example.hypothesis)
    return RankingRequest(id=example.id, query=example.query)


# -- files ------------------------------------------------------------------------------------


def write(path: Path, requests: Sequence[Request]) -> Path:
    """A file of requests."""
    path.write_text("".join(request.model_dump_json() + "\n" for request in requests), encoding="utf-8")
    return path


def read(path: Path) -> list[dict[str, Any]]:
    """A file of answers."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


# -- HTTP -------------------------------------------------------------------------------------


@asynccontextmanager
async def client(pipeline: Any, limits: Limits | None = None) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the app, with the app's start and end around it."""
    app = application(pipeline, lambda: {"told": True}, limits)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://served") as opened,
    ):
        yield opened


def talking(talk: Callable[[httpx.AsyncClient], Awaitable[Any]], pipeline: Any, limits: Limits | None = None) -> Any:
    """What a conversation with the app comes to."""

    async def whole() -> Any:
        async with client(pipeline, limits) as opened:
            return await talk(opened)

    return asyncio.run(whole())


def body(request: Request) -> dict[str, Any]:
    """A request as it is sent."""
    return request.model_dump(exclude_none=True)
