"""The HTTP face of a pipeline: an ASGI app, and the connections that it is asked over.

    POST /predict       one request, or a list of them; answers in the same form (see `tasks.requests`)
    GET  /health        {"status": "ok"} while requests are being answered; /health/live: the same alone
    GET  /health/ready  whether further requests are taken on
    GET  /info          what answers, how well it did, and what it costs
    GET  /metrics       counts and times, for Prometheus
    GET  /openapi.json  the calls and their types

Every error is {"error": "<one line>"} with a status that says whose it is. Texts are never logged.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, ClassVar, Protocol, cast

import h11
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect
from starlette.requests import Request as HTTPRequest
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from uvicorn.protocols.http.h11_impl import H11Protocol

from crossfare.errors import BudgetExceeded, DataError, EngineError, EngineQuota, EngineTransient
from crossfare.serving.batcher import Batcher, Late, Limits, Overloaded, TooMany, Unanswered
from crossfare.serving.metrics import Metrics
from crossfare.serving.openapi import describe
from crossfare.tasks import TASKS
from crossfare.tasks.requests import Answer, NotJSON, Request
from crossfare.types import TaskName

_LOG = logging.getLogger("crossfare.serving")
_LATER = 5
"""Seconds after which to try again when the translation engine has refused or failed for now."""


class Answers(Protocol):
    """What the app needs of a pipeline."""

    @property
    def task(self) -> TaskName:
        """The task whose requests it answers."""

    def check(self, request: Request) -> None:
        """Raise a `DataError` for a request that could never be answered."""

    def answer(self, requests: Sequence[Request]) -> Sequence[Answer]:
        """One answer for each request; called from one thread only."""


def application(
    pipeline: Answers,
    info: Callable[[], Mapping[str, Any]],
    limits: Limits | None = None,
    spent: Callable[[], float] | None = None,
) -> Starlette:
    """An app that answers with ``pipeline``; ``info`` gives what GET /info shows, ``spent`` the USD of GET /metrics."""
    limits = limits or Limits()
    metrics = Metrics(lambda: batcher.waiting, spent)
    batcher = Batcher(pipeline.answer, limits, metrics.batch)
    described = describe(pipeline.task)

    @asynccontextmanager
    async def running(_: Starlette) -> AsyncIterator[None]:
        batcher.start()
        try:
            yield
        finally:
            await batcher.close()

    async def predict(http: HTTPRequest) -> Response:
        kind = http.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != "application/json":  # also keeps web pages of other origins from asking without a preflight
            raise HTTPException(415, "send JSON, with the header Content-Type: application/json")
        asked = TASKS[pipeline.task].request.read(await _body(http, limits))
        requests = asked if isinstance(asked, tuple) else (asked,)
        for place, request in enumerate(requests):
            _check(pipeline, request, f"item {place}: " if isinstance(asked, tuple) else "")
        answers = [answer.model_dump() for answer in await batcher.submit(requests)]
        return JSONResponse(answers if isinstance(asked, tuple) else answers[0])

    async def alive(_: HTTPRequest) -> Response:
        if batcher.running:
            return JSONResponse({"status": "ok", "waiting": batcher.waiting})
        return JSONResponse({"status": "stopped"}, status_code=503)

    async def ready(http: HTTPRequest) -> Response:
        if batcher.running and batcher.full:
            return JSONResponse({"status": "full", "waiting": batcher.waiting}, status_code=503)
        return await alive(http)

    async def show(_: HTTPRequest) -> Response:
        return JSONResponse(info())

    async def types(_: HTTPRequest) -> Response:
        return JSONResponse(described)

    routes = [
        Route("/predict", predict, methods=["POST"]),
        Route("/health", alive, methods=["GET"]),
        Route("/health/live", alive, methods=["GET"]),
        Route("/health/ready", ready, methods=["GET"]),
        Route("/info", show, methods=["GET"]),
        Route("/metrics", metrics.show, methods=["GET"]),
        Route("/openapi.json", types, methods=["GET"]),
    ]
    timed = Middleware(metrics.timed, routes=frozenset(route.path for route in routes))
    return Starlette(routes=routes, middleware=[timed], exception_handlers=_HANDLERS, lifespan=running)


async def _body(http: HTTPRequest, limits: Limits) -> bytes:
    """The body, read no further than it may be long and no longer than it may take, whatever length is declared."""
    body = bytearray()
    try:
        async with asyncio.timeout(limits.receive_seconds):
            async for chunk in http.stream():
                body += chunk
                if len(body) > limits.body_bytes:
                    raise HTTPException(413, f"the body is longer than {limits.body_bytes:,} bytes; send less at once")
    except TimeoutError:
        said = f"the body did not arrive within {limits.receive_seconds:g} s; send less at once"
        raise HTTPException(408, said, {"Connection": "close"}) from None
    except ClientDisconnect:
        raise HTTPException(400, "the body did not arrive") from None  # nobody is left to read it
    return bytes(body)


def _check(pipeline: Answers, request: Request, where: str) -> None:
    try:
        pipeline.check(request)
    except DataError as error:
        raise DataError(where + str(error)) from None


# -- errors -----------------------------------------------------------------------------------


_STATUS: tuple[tuple[type[Exception], int], ...] = (
    (NotJSON, 400),
    (DataError, 422),
    (TooMany, 413),
    (Overloaded, 503),
    (Late, 504),
    # Neither 503 nor 429: both ask the client to try again, but this lasts as long as the server does. And not the
    # server's failure: what needs no new translation is still answered.
    (BudgetExceeded, 402),
    (EngineTransient, 503),
    (EngineQuota, 503),
    (EngineError, 502),
    (Unanswered, 500),
)
"""Whose error it is; the first kind that fits counts."""


async def _report(_: HTTPRequest, error: Exception) -> Response:
    status = next(code for kind, code in _STATUS if isinstance(error, kind))
    line = str(error)
    if isinstance(error, EngineError):  # its message is the operator's: it may name a key's variable or a folder
        line = f"translation failed: {type(error).__name__}"
    elif isinstance(error, BudgetExceeded):  # what the operator spends is nobody else's business
        line = "this needs a translation that costs more than the server may still spend"
    headers = {"Retry-After": str(getattr(error, "seconds", _LATER))} if status == 503 else {}
    return JSONResponse({"error": line}, status_code=status, headers=headers)


async def _report_http(_: HTTPRequest, error: Exception) -> Response:
    found = cast("HTTPException", error)
    return JSONResponse({"error": found.detail}, status_code=found.status_code, headers=found.headers)


_Handler = Callable[[HTTPRequest, Exception], Awaitable[Response]]
_HANDLERS: dict[Any, _Handler] = {
    HTTPException: _report_http,
    **dict.fromkeys((kind for kind, _ in _STATUS), _report),
}


# -- connections ------------------------------------------------------------------------------
# Those that hold a server up are cut: no more of them than it takes on, none that sends or reads too slowly.

_BUSY = b'{"error": "too many connections; try again later"}'
_REFUSAL = (
    b"HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/json\r\nretry-after: 1\r\nconnection: close\r\n"
    b"content-length: %d\r\n\r\n%s" % (len(_BUSY), _BUSY)
)


class Connection(H11Protocol):
    """One client's connection.

    A request, head and body each, must arrive within ``receive_seconds``, however steadily it trickles in; an answer
    must be taken within as many after the ``seconds`` that it may take to be made.
    """

    limits: ClassVar[Limits]

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._watch: asyncio.TimerHandle | None = None
        self._phase: tuple[Any, ...] = ()
        self._since = 0.0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take a connection on, or refuse it."""
        super().connection_made(transport)
        if len(self.connections) > self.limits.connections:
            _LOG.warning("refused %s: %d connections are open", self._peer, self.limits.connections)
            transport.write(_REFUSAL)
            transport.close()
            return
        self._look()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop watching."""
        if self._watch is not None:
            self._watch.cancel()
        super().connection_lost(exc)

    def _look(self) -> None:
        """Cut the connection if nothing has come of it for too long, else look again soon."""
        answering = self.cycle is not None and not self.cycle.response_complete
        receiving = self.conn.their_state in (h11.IDLE, h11.SEND_BODY) or not answering
        phase, now = (self.conn.their_state, id(self.cycle), answering), self.loop.time()
        if phase != self._phase:
            self._phase, self._since = phase, now
        allowed = self.limits.receive_seconds + (0 if receiving else self.limits.seconds)
        if now - self._since > allowed:
            untaken = not receiving or self.transport.get_write_buffer_size()
            what = "the answer was not taken" if untaken else "no whole request"
            _LOG.warning("cut off %s: %s within %g s", self._peer, what, allowed)
            self.transport.abort()
            return
        self._watch = self.loop.call_later(min(1.0, self.limits.receive_seconds / 4), self._look)

    def _unsupported_upgrade_warning(self) -> None:
        """One line of what uvicorn says in two."""
        _LOG.warning("%s asks for another protocol; it is answered by HTTP", self._peer)

    @property
    def _peer(self) -> str:
        return ":".join(map(str, self.client)) if self.client else "a client"


def connections(limits: Limits) -> type[Connection]:
    """Connections within limits."""
    return type("LimitedConnection", (Connection,), {"limits": limits})
