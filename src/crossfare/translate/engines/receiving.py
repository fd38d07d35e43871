"""Receive an answer within bounds: libraries bound the time to its next byte alone, and nothing of what they unpack."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

LONGEST = 64 << 20
"""Bytes, unpacked: no service answers so much to one request."""


def bounded(chunks: Iterable[bytes], seconds: float) -> Iterator[bytes]:
    """The same chunks, as they come.

    Raises:
        TimeoutError: they have not all come after ``seconds``.
        OSError: they are too many.
    """
    until, size = time.monotonic() + seconds, 0
    for chunk in chunks:
        size += len(chunk)
        if time.monotonic() > until:
            raise TimeoutError(f"its answer was not complete after {seconds:g} s")
        if size > LONGEST:
            raise OSError(f"its answer is longer than {LONGEST:,} bytes")
        yield chunk


def bound_session(session: Any, seconds: float, connections: int) -> Any:
    """A session of requests, made to receive within bounds and to keep so many connections."""
    from requests.adapters import HTTPAdapter

    class Bounded(HTTPAdapter):
        def build_response(self, req: Any, resp: Any) -> Any:
            unpacked = resp.stream
            resp.stream = lambda *given, **named: bounded(unpacked(*given, **named), seconds)
            return super().build_response(req, resp)

    for scheme in ("https://", "http://"):
        session.mount(scheme, Bounded(pool_connections=1, pool_maxsize=connections))
    return session


def bounding(seconds: float) -> dict[str, list[Callable[[Any], None]]]:
    """The event hooks of an httpx client that receives within bounds."""

    def bound(response: Any) -> None:
        unpacked = response.iter_bytes
        response.iter_bytes = lambda *given: bounded(unpacked(*given), seconds)

    return {"response": [bound]}
