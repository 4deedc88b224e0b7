"""uvicorn's protocol for HTTP, with the bounds of `api.connections`.

uvicorn itself bounds neither a head's size nor the time of heads and bodies (0.54). A refusal is a
problem document, and the connection stays for a moment so that it can be read.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from api import connections as bounds
from api.connections import CLOSED, address_of, connections
from api.middleware import PUSH
from api.refusals import refusal_of

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Awaitable, Callable

LINGER_S: Final = 1.0
LINGER_BYTES: Final = 4 * 1024 * 1024
"""How long, and how much, is read from who was refused: else the answer may never be read."""
PIECE: Final = 16 * 1024
"""So much is parsed at once; then what the parser holds is counted."""
OVERHEAD: Final = 2 * PIECE
"""Bytes around a body's pieces: their sizes, extensions, trailers."""
HALF_CLOSED_S: Final = 5.0
"""How long an answer may take for whoever will ask no more, or has gone: both look the same."""


class BoundedHttp(HttpToolsProtocol):
    """HTTP/1.1, with bounds on what a connection may keep us waiting with."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.address = ""
        self._since = 0.0
        self._head_bytes = 0
        self._in_body = False
        self._body_bytes = 0
        self._wire_bytes = 0
        self._handed_on = False
        self._refused = False
        self._lingered = 0
        self._active: Any = None
        self._half_closed = False
        self._reason = "malformed"

    # --- what a registry of connections asks

    def overdue(self, now: float) -> str | None:
        """Return why this connection has kept us waiting for too long, if it has."""
        waited = now - self._since
        if not self._in_body:
            # uvicorn itself closes idle connections, sooner than this
            return "head_late" if waited > bounds.HEAD_S else None
        if self.flow.read_paused:
            return None  # the client is not late: we have stopped reading
        late = waited > bounds.BODY_S
        patient = waited <= bounds.BODY_PATIENCE_S
        slow = not patient and self._body_bytes < bounds.BODY_RATE * (
            waited - bounds.BODY_PATIENCE_S
        )
        return "body_late" if late or slow else None

    def give_up(self, reason: str) -> None:
        """Refuse what has not been asked completely; between two requests just close."""
        if self._in_body or self._head_bytes or reason in {"full", "address_full"}:
            self._refuse(reason)
        else:
            CLOSED.labels("idle" if reason == "head_late" else reason).inc()
            self.transport.close()

    # --- asyncio's protocol

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Count the connection, and wait for its first request."""
        super().connection_made(transport)
        self.address = address_of(self.client)
        refusal = connections().join(self)
        if refusal is None:
            self._await_head()
        elif connections().flooded:
            transport.abort()
        else:
            self._refuse(refusal)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        connections().leave(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read some bytes, unless they are too many or the connection was refused."""
        if self._refused:
            self._lingered += len(data)
            if self._lingered > LINGER_BYTES:
                self.transport.abort()
            return
        for start in range(0, len(data), PIECE):
            self._feed(data[start : start + PIECE])
            if self._refused or self._handed_on or self.transport.is_closing():
                return

    def eof_received(self) -> bool:  # type: ignore[override]
        """Answer what was asked before a client closed its side; a stream ends with it."""
        asked = self._active is not None and not self._active.response_complete
        streaming = asked and self._active.response_started and self._active.chunked_encoding
        if not asked or streaming or self._in_body or self._refused or self._handed_on:
            return False
        if not self.transport.can_write_eof():  # over TLS there is no half
            return False
        self._half_closed = True
        self.loop.call_later(HALF_CLOSED_S, self.transport.close)
        return True

    def _feed(self, data: bytes) -> None:
        if not self._in_body and not self._head_bytes:
            self._since = self.loop.time()
        self._wire_bytes += len(data)
        self._head_bytes += 0 if self._in_body else len(data)
        super().data_received(data)
        if self._refused or self._handed_on or self.transport.is_closing():
            return
        if not self._in_body:
            if self._head_bytes > bounds.HEAD_BYTES:
                self._refuse("head_too_large")
        elif self._wire_bytes > OVERHEAD + 8 * self._body_bytes:
            self._refuse("malformed")

    # --- httptools' callbacks

    def on_message_begin(self) -> None:
        """Begin to read a request."""
        super().on_message_begin()
        self._reason = "malformed"

    def on_url(self, url: bytes) -> None:
        """Take a piece of the address."""
        super().on_url(url)
        if len(self.url) > bounds.HEAD_BYTES:
            self._stop("head_too_large")

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header without blanks at its end; one behind a body is nobody's, and left out."""
        if self._in_body:
            return
        if len(self.headers) >= bounds.HEADERS:
            self._stop("head_too_large")
        super().on_header(name, value.rstrip(b" \t"))

    def on_headers_complete(self) -> None:
        """Begin to answer, unless the head is too large or too many requests wait already."""
        size = len(self.url) + sum(len(name) + len(value) for name, value in self.headers)
        if size > bounds.HEAD_BYTES:
            self._stop("head_too_large")
        if len(self.pipeline) >= bounds.PIPELINED:
            self._stop("malformed")
        super().on_headers_complete()
        self._head_bytes = self._body_bytes = self._wire_bytes = 0
        self._in_body = True
        self._since = self.loop.time()
        connections().waits(self, self.loop)

    def on_body(self, body: bytes) -> None:
        """Take a piece of a body."""
        self._body_bytes += len(body)
        connections().holds(self, self._body_bytes)
        if not self._refused:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """Wait no longer: the request is complete."""
        self._in_body = False
        self._head_bytes = self._wire_bytes = 0
        connections().answered(self)
        super().on_message_complete()
        if self.cycle is None or self.cycle.response_complete:
            self._await_head()

    def on_response_complete(self) -> None:
        """Wait for the next request, or for the rest of this one's body."""
        super().on_response_complete()
        if self._half_closed and self._active.response_complete:
            self.transport.close()
        if not self._in_body and self.cycle.response_complete:
            self._await_head()

    def handle_websocket_upgrade(self) -> None:
        """Hand the connection on."""
        self._handed_on = True
        connections().leave(self)
        super().handle_websocket_upgrade()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - uvicorn's words are no problem document
        """Refuse what could not be parsed, or was not to be."""
        self._refuse(self._reason)

    # --- ours

    def _start_asgi_task(self, cycle: Any, app: Any) -> None:
        self._active = cycle
        cycle.scope[PUSH] = partial(self._push, cycle)
        if cycle.scope["http_version"] == "1.0":
            cycle.send = _without_chunks(cycle)
        super()._start_asgi_task(cycle, app)

    def _push(self, cycle: Any, piece: bytes) -> bool:
        """Write a piece of a body that has begun, unless the client does not take any now."""
        if (
            self.flow.write_paused
            or cycle.disconnected
            or cycle.response_complete
            or not (cycle.response_started and cycle.chunked_encoding)
            or self.transport.is_closing()
        ):
            return False
        self.transport.write(b"%x\r\n%b\r\n" % (len(piece), piece))
        return True

    def _await_head(self) -> None:
        self._since = self.loop.time()
        if not self.transport.is_closing():
            connections().waits(self, self.loop)

    def _stop(self, reason: str) -> None:
        """End the parser's work from within."""
        self._reason = reason
        raise httptools.HttpParserError(reason)

    def _refuse(self, reason: str) -> None:
        """Answer with a problem, read on for a moment so that it arrives, and close."""
        if self._refused:
            return
        self._refused = True
        self._unset_keepalive_if_required()
        connections().answered(self)
        CLOSED.labels(reason).inc()
        begun = False
        if self._active is not None and not self._active.response_complete:
            begun = self._active.response_started
            self._active.disconnected = True
            self._active.message_event.set()
        self.pipeline.clear()
        if begun:  # half an answer cannot be followed by another one
            self.transport.abort()
            return
        self.transport.write(refusal_of(reason))
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self.flow.resume_reading()
        self.loop.call_later(LINGER_S, self.transport.close)


def _without_chunks(cycle: Any) -> Callable[[Any], Awaitable[None]]:
    """Return how to answer HTTP/1.0, which knows no chunks: bodies end with the connection.

    uvicorn would send chunks all the same, and their sizes would stand between the events.
    """
    send = cycle.send
    endless = False

    async def send_plain(message: Any) -> None:
        nonlocal endless
        if message["type"] == "http.response.start":
            endless = all(name.lower() != b"content-length" for name, _ in message["headers"])
            cycle.chunked_encoding = False if endless else None
        elif endless:  # as long as it is
            cycle.expected_content_length = len(message.get("body", b""))
        await send(message)

    return send_plain
