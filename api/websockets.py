"""uvicorn's protocol for WebSockets, with limits on how much and how slowly a client may send.

uvicorn itself takes messages of 16 MB, and bounds neither their rate nor their time (0.54).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.exceptions import SecurityError

from api.connections import CLOSED, address_of, connections
from api.refusals import refusal_of
from core.logging import get_logger

if TYPE_CHECKING:
    import asyncio

log = get_logger(__name__)

WS_MESSAGE_BYTES: Final = 4096
"""Clients have nothing to say on our sockets; this is for what libraries send unasked."""
WS_BURST_BYTES: Final = 16 * 1024
WS_RATE: Final = 1024
"""Bytes a second that a client may send on a socket, and how many at once."""
WS_MESSAGE_S: Final = 10.0
"""Within which a message that has begun must be complete."""
POLICY_VIOLATION: Final = 1008


class BoundedWebSocket(WebSocketsSansIOProtocol):
    """A WebSocket with bounds on what comes in."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.address = ""
        self._unfinished_since: float | None = None
        self._allowance = float(WS_BURST_BYTES)
        self._counted_at = self.loop.time()

    def overdue(self, now: float) -> str | None:
        """Return why this socket has kept us waiting for too long, if it has."""
        since = self._unfinished_since
        return "message_late" if since is not None and now - since > WS_MESSAGE_S else None

    def give_up(self, reason: str) -> None:
        """Close, and say that it is the client's doing."""
        CLOSED.labels(reason).inc()
        log.info("socket_closed", reason=reason)
        if self.handshake_complete and not self.close_sent:
            self.stop_keepalive()
            self.conn.fail(POLICY_VIOLATION, reason)
            self.transport.write(b"".join(self.conn.data_to_send()))
            self.close_sent = True
        self.transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Count the connection; its place was taken as that of its handshake."""
        super().connection_made(transport)
        self.address = address_of(self.client)
        refusal = connections().join(self)
        if refusal is not None:
            self.give_up(refusal)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        connections().leave(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read some bytes, if they are few."""
        if self.transport.is_closing():
            return
        if self.handshake_initiated and not self._may_send(len(data)):
            if not self.close_sent:
                self.give_up("too_much")
            return
        super().data_received(data)
        if self.handshake_initiated:
            self._watch_message()
        elif not self.transport.is_closing():
            self._refuse_handshake()

    def _refuse_handshake(self) -> None:
        """Answer a handshake that could not be read: uvicorn would let it wait for ever."""
        large = isinstance(self.conn.handshake_exc, SecurityError)
        reason = "handshake_too_large" if large else "handshake"
        CLOSED.labels(reason).inc()
        self.transport.write(refusal_of(reason))
        self.transport.close()

    def _may_send(self, size: int) -> bool:
        now = self.loop.time()
        self._allowance = min(WS_BURST_BYTES, self._allowance + WS_RATE * (now - self._counted_at))
        self._counted_at = now
        self._allowance -= size
        return self._allowance >= 0

    def _watch_message(self) -> None:
        """Note whether a frame or a message has begun and not ended."""
        unfinished = self.handshake_initiated and (
            self.conn.current_size is not None or bool(self.conn.reader.buffer)
        )
        if not unfinished:
            if self._unfinished_since is not None:
                connections().answered(self)
            self._unfinished_since = None
        elif self._unfinished_since is None:
            self._unfinished_since = self.loop.time()
            connections().waits(self, self.loop)
