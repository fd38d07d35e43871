"""Run the app behind uvicorn until it is told to stop."""

from __future__ import annotations

import math
import os
import socket
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from crossfare.errors import ConfigError
from crossfare.serving.batcher import Limits
from crossfare.serving.info import info, spending
from crossfare.serving.logs import configuration
from crossfare.serving.pipeline import Pipeline

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
        from crossfare.serving.app import application
        from crossfare.serving.connection import connections  # noqa: F401 - is there what `listen` needs?
    except ImportError as error:
        raise ConfigError("serving needs starlette and uvicorn: pip install 'crossfare[serve]'") from error
    told = info(pipeline)
    app = application(pipeline, lambda: {**told, "spending": spending(pipeline)}, limits)
    with _bind(host, port) as bound:
        if ready:
            ready(_address(bound))
        listen(app, bound, limits)


def listen(app: Starlette, bound: socket.socket, limits: Limits) -> None:
    """Answer on a bound socket until SIGINT or SIGTERM."""
    import uvicorn

    from crossfare.serving.connection import connections

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
    with suppress(KeyboardInterrupt):  # uvicorn raises the signal again once it has ended in good order
        uvicorn.Server(config).run(sockets=[bound])


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
