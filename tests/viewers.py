"""Thousands of viewers in one process: raw sockets that only note which events they got, and when.

Each speaks just enough HTTP, SSE and WebSocket for that; a client library costs a hundred times
the memory, and its time would be measured instead of the server's.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import time
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import orjson

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

TERMINAL: Final = frozenset(
    {"task_completed", "task_partially_failed", "task_failed", "task_cancelled"}
)
TRANSPORTS: Final = ("sse", "ws", "poll")
_STATUS: Final = re.compile(rb"HTTP/1\.[01] (\d{3})")
_REFUSED: Final = (400, 401, 403, 404, 410, 422)
_KEY: Final = "dGhlIHNhbXBsZSBub25jZQ=="


class Viewer:
    """One client of one task, through as many connections as it takes.

    Args:
        address: The API, as `http://host:port`.
        task_id: What it watches.
        transport: `sse`, `ws` or `poll`.
        headers: Sent along, for credentials.
        on_event: Told of each event as it comes.
    """

    def __init__(
        self,
        address: str,
        task_id: UUID | str,
        *,
        transport: str,
        headers: dict[str, str] | None = None,
        on_event: Callable[[dict[str, Any]], None] | None = None,
    ) -> None:
        """Nothing is connected yet."""
        self.seqs: list[int] = []
        self.ended = False
        """The terminal event came."""
        self.close_code: int | None = None
        self.status: int | None = None
        self._host = urlsplit(address).netloc
        self._task_id = task_id
        self._transport_name = transport
        self._headers = headers or {}
        self._on_event = on_event or (lambda _event: None)
        self._connection: _Connection | None = None

    @property
    def after(self) -> int:
        """The last event seen."""
        return self.seqs[-1] if self.seqs else 0

    @property
    def connected(self) -> bool:
        """A connection is open."""
        return self._connection is not None and not self._connection.lost.is_set()

    async def connect(self) -> None:
        """Open a connection that goes on after the last event seen; return once it is answered."""
        host, port = self._host.split(":")
        loop = asyncio.get_running_loop()
        _transport, self._connection = await loop.create_connection(
            lambda: _Connection(self, self._request()), host, int(port)
        )
        await self._connection.answered.wait()

    def cut(self) -> None:
        """Cut the connection without a word (RST)."""
        if self._connection is not None and self._connection.transport is not None:
            self._connection.transport.abort()

    async def lost(self) -> None:
        """Wait until the connection is gone."""
        if self._connection is not None:
            await self._connection.lost.wait()

    def stop_reading(self) -> None:
        """Take nothing any more."""
        assert self._connection is not None
        assert self._connection.transport is not None
        self._connection.transport.pause_reading()

    def go_on_reading(self) -> None:
        """Take what is there."""
        assert self._connection is not None
        assert self._connection.transport is not None
        self._connection.transport.resume_reading()

    async def watch(self) -> None:
        """Stay until the task has ended, coming back whenever the connection is gone."""
        while not self.ended:
            with contextlib.suppress(ConnectionError):
                await self.connect()
                assert self.status not in _REFUSED, f"{self._transport_name}: {self.status}"
                await self.lost()

    def take(self, event: dict[str, Any]) -> None:
        """Note an event; transient ones have no number."""
        self._on_event(event)
        if "seq" in event:
            self.seqs.append(event["seq"])
            self.ended = event["type"] in TERMINAL

    def _request(self) -> bytes:
        base = "/api/v1"
        path, more = {
            "sse": (f"{base}/tasks/{self._task_id}/stream?after={self.after}", {}),
            "poll": (
                f"{base}/tasks/{self._task_id}/events?after={self.after}&wait=20",
                {"Connection": "close"},
            ),
            "ws": (
                f"{base}/ws/tasks/{self._task_id}?after={self.after}",
                {
                    "Connection": "Upgrade",
                    "Upgrade": "websocket",
                    "Sec-WebSocket-Version": "13",
                    "Sec-WebSocket-Key": _KEY,
                },
            ),
        }[self._transport_name]
        lines = [f"GET {path} HTTP/1.1", f"Host: {self._host}"]
        lines += [f"{name}: {value}" for name, value in {**self._headers, **more}.items()]
        return ("\r\n".join(lines) + "\r\n\r\n").encode()

    @property
    def reader(self) -> Callable[[bytearray], None]:
        """How what comes after the headers is read."""
        return {"sse": self._read_sse, "ws": self._read_ws, "poll": lambda _data: None}[
            self._transport_name
        ]

    def _read_sse(self, data: bytearray) -> None:
        *lines, rest = bytes(data).split(b"\n")
        data[:] = rest
        for line in lines:
            if line.startswith(b"data: "):
                self.take(orjson.loads(line[6:]))
            elif line == b"0\r":  # the last chunk; the server would keep the connection
                self.cut()

    def _read_ws(self, data: bytearray) -> None:
        while len(data) >= 2:
            opcode, length, start = data[0] & 15, data[1] & 127, 2
            if length >= 126:
                start = 4 if length == 126 else 10
                length = int.from_bytes(data[2:start])
            if len(data) < start + length:
                return
            payload = bytes(data[start : start + length])
            del data[: start + length]
            if opcode == 1:
                self.take(orjson.loads(payload))
            elif opcode == 8:
                self.close_code = int.from_bytes(payload[:2])
                self.cut()
            elif opcode == 9:
                self._pong(payload)

    def _pong(self, payload: bytes) -> None:
        assert self._connection is not None
        assert self._connection.transport is not None
        mask = os.urandom(4)
        masked = bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload))
        self._connection.transport.write(bytes([0x8A, 0x80 | len(payload)]) + mask + masked)

    def finish(self, data: bytearray) -> None:
        """Read a polled answer, which is there in whole once the server has closed."""
        if self._transport_name == "poll" and self.status == 200 and data:
            with contextlib.suppress(orjson.JSONDecodeError):  # it was cut
                for event in orjson.loads(bytes(data))["events"]:
                    self.take(event)


class _Connection(asyncio.Protocol):
    def __init__(self, viewer: Viewer, request: bytes) -> None:
        self.transport: asyncio.Transport | None = None
        self.answered = asyncio.Event()
        self.lost = asyncio.Event()
        self._viewer = viewer
        self._request = request
        self._data = bytearray()

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        self._data += data
        if not self.answered.is_set():
            end = self._data.find(b"\r\n\r\n")
            if end < 0:
                return
            status = _STATUS.match(self._data)
            self._viewer.status = int(status[1]) if status else None
            del self._data[: end + 4]
            self.answered.set()
        self._viewer.reader(self._data)

    def connection_lost(self, _error: Exception | None) -> None:
        self._viewer.finish(self._data)
        self.answered.set()
        self.lost.set()


async def connect_all(viewers: list[Viewer], *, at_a_time: int = 50) -> float:
    """Connect many viewers, some at a time; return how long that took."""
    slots = asyncio.Semaphore(at_a_time)
    began = time.perf_counter()

    async def one(viewer: Viewer) -> None:
        async with slots:
            await viewer.connect()

    await asyncio.gather(*(one(viewer) for viewer in viewers))
    return time.perf_counter() - began
