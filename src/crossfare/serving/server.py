"""Run the app behind uvicorn until it is told to stop, and say what is served: without secrets and local paths."""

from __future__ import annotations

import math
import os
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import crossfare
from crossfare.boundary import Terminated
from crossfare.errors import ConfigError
from crossfare.ledger.costs import SHARES
from crossfare.serving.batcher import Limits
from crossfare.serving.logs import configuration
from crossfare.serving.parts import Parts, public_name
from crossfare.serving.pipeline import Pipeline
from crossfare.types import Cost

if TYPE_CHECKING:
    from starlette.applications import Starlette


def serve(
    pipeline: Pipeline,
    *,
    host: str = "127.0.0.1",
    port: int = 8000,
    limits: Limits | None = None,
    ready: Callable[[str], None] | None = None,
) -> None:
    """Answer requests over HTTP until SIGINT or SIGTERM; what was taken on by then is still answered.

    There is no authentication: a host other than the loopback belongs behind something that has it. ``ready`` is
    called with the address once it is bound; port 0 takes a free one.

    Raises:
        ConfigError: the address cannot be bound, or the packages of the extra ``serve`` are not installed.
    """
    limits = limits or Limits()
    try:
        import uvicorn  # noqa: F401 - is there what `listen` needs?

        from crossfare.serving.http import application
    except ImportError as error:
        raise ConfigError(
            "serving needs starlette, uvicorn and prometheus-client: pip install 'crossfare[serve]'"
        ) from error
    told = info(pipeline)
    purse = pipeline.purse
    app = application(
        pipeline,
        lambda: {**told, "spending": spending(pipeline)},
        limits,
        spent=None if purse is None else lambda: float(purse.spent),
    )
    with _bind(host, port) as bound:
        if ready:
            ready(_address(bound))
        listen(app, bound, limits)


def listen(app: Starlette, bound: socket.socket, limits: Limits) -> None:
    """Answer on a bound socket until SIGINT or SIGTERM."""
    import uvicorn

    from crossfare.serving.http import connections

    config = uvicorn.Config(
        app,
        http=connections(limits),
        ws="none",
        log_config=configuration(),
        access_log=False,
        lifespan="on",
        server_header=False,
        timeout_graceful_shutdown=math.ceil(limits.seconds),
    )
    try:
        uvicorn.Server(config).run(sockets=[bound])
    except KeyboardInterrupt as stop:  # uvicorn raises the signal again once it has ended in good order
        if isinstance(stop, Terminated):
            raise


def _bind(host: str, port: int) -> socket.socket:
    """A listening socket that names its protocol.

    asyncio sends at once (TCP_NODELAY) only on such sockets; on others the body of an answer waits for the client to
    acknowledge its head, 40 ms on Linux. `socket.create_server` makes one that does not.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((host, port))
        bound.listen(2048)
    except OSError as error:
        bound.close()
        reason = os.strerror(error.errno) if error.errno and error.errno > 0 else str(error)
        raise ConfigError(f"cannot listen on {host}:{port} ({reason}); choose another --host or --port") from error
    return bound


def _address(bound: socket.socket) -> str:
    host, port = bound.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


# -- what GET /info shows ---------------------------------------------------------------------


def info(pipeline: Pipeline) -> dict[str, Any]:
    """Describe a pipeline as plain data, for GET /info."""
    parts, cell = pipeline.parts, pipeline.parts.cell
    engine = pipeline.translator.engine if pipeline.translator else None
    return {
        "crossfare": crossfare.__version__,
        "run": parts.run.name,
        "pipeline": pipeline.revision,
        "task": cell.task,
        "method": cell.method,
        "source": cell.source,
        "target": cell.target,
        "seed": cell.seed,
        "model": None if parts.parents else _model(parts),
        "combines": [{"method": own.cell.method, "model": _model(own)} for own in parts.parents],
        "engine": {"name": cell.engine, "revision": engine.revision} if engine else None,
        "training_engine": None if engine else cell.engine,
        "scores": [
            {"metric": each.metric, "value": each.value, "low": each.low, "high": each.high, "n": each.n}
            for each in (parts.result.score, *parts.result.further_scores)
        ],
        "usd": {share: _usd(getattr(parts.result, share)) for share in SHARES},
        "added_latency_ms": [
            {"batch_size": each.batch_size, "p50": 1000 * each.p50, "p95": 1000 * each.p95}
            for each in parts.result.latency
        ],
    }


def spending(pipeline: Pipeline) -> dict[str, str] | None:
    """What the pipeline may spend on paid requests and has spent so far, in USD; None if that is not limited."""
    budget = pipeline.budget
    return None if budget is None else {"limit_usd": f"{budget.limit:f}", "spent_usd": f"{budget.spent.normalize():f}"}


def _model(parts: Parts) -> dict[str, str | None]:
    inputs = parts.predict.inputs
    revision = inputs["model"][0] if "model" in inputs else None
    return {"role": parts.cell.model, "checkpoint": public_name(parts.cell.checkpoint), "revision": revision}


def _usd(cost: Cost | None) -> dict[str, str] | None:
    return None if cost is None else {"amount": str(cost.usd), "price": cost.price}
