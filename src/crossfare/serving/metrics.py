"""What a server counts, in Prometheus's format: calls by status, batches, what waits, and what was spent."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter
from typing import Any

from prometheus_client import CollectorRegistry, Gauge, Histogram
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_SIZES = (1, 2, 4, 8, 16, 32, 64, 128)


class Metrics:
    """The metrics of one server, in a registry of their own: labels hold routes and statuses, never a text."""

    def __init__(self, waiting: Callable[[], float], spent: Callable[[], float] | None = None) -> None:
        """``waiting`` and ``spent`` (USD) are asked when somebody reads the metrics."""
        self._registry = CollectorRegistry()
        kept: dict[str, Any] = {"registry": self._registry}
        self._calls = Histogram(
            "crossfare_call_seconds",
            "Time from a call's head to its answer",
            ("route", "status"),
            buckets=_SECONDS,
            **kept,
        )
        self._batches = Histogram("crossfare_batch_requests", "Requests answered together", buckets=_SIZES, **kept)
        self._work = Histogram("crossfare_batch_seconds", "Time to answer a batch", buckets=_SECONDS, **kept)
        Gauge("crossfare_requests_waiting", "Requests in the queue", **kept).set_function(waiting)
        if spent is not None:
            Gauge("crossfare_spent_usd", "Spent on paid requests since the server began, in USD", **kept).set_function(
                spent
            )

    def batch(self, requests: int, seconds: float) -> None:
        """A batch was answered."""
        self._batches.observe(requests)
        self._work.observe(seconds)

    async def show(self, _: Request) -> Response:
        """The answer to GET /metrics."""
        return Response(generate_latest(self._registry), media_type=CONTENT_TYPE_LATEST)

    def timed(self, app: ASGIApp, routes: frozenset[str]) -> ASGIApp:
        """An app whose calls are timed; paths that are no routes count as one, as clients choose them."""

        async def call(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "http":
                await app(scope, receive, send)
                return
            began, status = perf_counter(), ["500"]

            async def watched(message: Message) -> None:
                if message["type"] == "http.response.start":
                    status[0] = str(message["status"])
                await send(message)

            try:
                await app(scope, receive, watched)
            finally:
                route = scope["path"] if scope["path"] in routes else "other"
                self._calls.labels(route, status[0]).observe(perf_counter() - began)

        return call
