"""Connections that hold a server up are cut: no more of them than it takes on, none that sends or reads too slowly."""

from __future__ import annotations

import asyncio
import logging
from typing import Any, ClassVar

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from crossfare.serving.batcher import Limits

_LOG = logging.getLogger("crossfare.serving")
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
