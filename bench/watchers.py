"""Many viewers in one process, on bare sockets: they count events and note how late those come.

    python -m bench.watchers ADDRESS SECONDS VIEWERS TASK...

prints `ready` once all are connected, and in the end one line of JSON.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlsplit

_AT: Final = re.compile(rb'"at":"([^"]+)"')
_LOOKED_AT: Final = 10
"""One event of so many is timed: reading a date takes longer than the rest."""
_AT_A_TIME: Final = 50


class Watchers:
    """What all of them have seen."""

    def __init__(self) -> None:
        """Nothing yet."""
        self.events = 0
        self.late_ms: list[float] = []

    def take(self, line: bytes) -> None:
        """Count a line of a stream, if it is an event that somebody emitted for the bench."""
        if not line.startswith(b"data: ") or b'"bench"' not in line:
            return
        self.events += 1
        if self.events % _LOOKED_AT == 0 and (found := _AT.search(line)):
            at = datetime.fromisoformat(found[1].decode()).timestamp()
            self.late_ms.append((time.time() - at) * 1e3)


class _Viewer(asyncio.Protocol):
    def __init__(self, seen: Watchers, host: str, task: str) -> None:
        self.begun = asyncio.Event()
        self._seen = seen
        self._request = f"GET /api/v1/tasks/{task}/stream HTTP/1.1\r\nHost: {host}\r\n\r\n"
        self._rest = b""

    def connection_made(self, transport: Any) -> None:
        transport.write(self._request.encode())

    def data_received(self, data: bytes) -> None:
        self.begun.set()
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._seen.take(line)


async def main(address: str, seconds: float, viewers: int, tasks: list[str]) -> None:
    """Connect, watch, tell."""
    host = urlsplit(address).netloc
    name, port = host.split(":")
    loop = asyncio.get_running_loop()
    seen, slots = Watchers(), asyncio.Semaphore(_AT_A_TIME)
    transports = []

    async def one(number: int) -> None:
        async with slots:
            transport, viewer = await loop.create_connection(
                lambda: _Viewer(seen, host, tasks[number % len(tasks)]), name, int(port)
            )
            transports.append(transport)
            await viewer.begun.wait()

    await asyncio.gather(*(one(number) for number in range(viewers)))
    print("ready", flush=True)
    await asyncio.sleep(seconds)
    print(json.dumps({"events": seen.events, "late_ms": seen.late_ms}), flush=True)
    for transport in transports:
        transport.abort()


if __name__ == "__main__":
    import uvloop

    uvloop.run(main(sys.argv[1], float(sys.argv[2]), int(sys.argv[3]), sys.argv[4:]))
