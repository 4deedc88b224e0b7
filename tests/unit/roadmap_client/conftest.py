"""A scripted server on a real socket: says what the test says, byte for byte, or hangs up."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest

from roadmap_client import RoadmapClient, following, transport

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

TASK = "01990000-0000-7000-8000-000000000000"


def event(seq: int | None, kind: str = "content_completed", **values: Any) -> dict[str, Any]:
    """Return an event as the API sends it; a transient one when it has no number."""
    document: dict[str, Any] = {
        "task_id": TASK,
        "type": kind,
        "at": "2026-11-22T10:00:00.123Z",
        "data": {},
    }
    if seq is not None:
        document |= {
            "seq": seq,
            "status": "processing",
            "current_step": "content_generation",
            "message": kind,
            "progress": {"done": 0, "total": 0, "percent": 1.0},
        }
    return document | values


def sse(*events: dict[str, Any]) -> bytes:
    """Return events as a stream carries them."""
    frames = "".join(
        (f"id: {e['seq']}\n" if "seq" in e else "")
        + f"event: {e['type']}\ndata: {json.dumps(e)}\n\n"
        for e in events
    )
    return b"retry: 2000\n\n: ping\n\n" + frames.encode()


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A request."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: Any


@dataclass
class Script:
    """What the server says.

    Attributes:
        log: The task's events; what a poll gives.
        streams: For each stream in turn the bytes to send before hanging up (a whole answer where
            they begin so), or a status; when they are used up a stream brings the whole log.
        answers: For each other request in turn an answer `(status, headers, document)`, or None to
            hang up; when they are used up the task is given.
        status: The task's.
        asked: The requests, in order.
    """

    log: list[dict[str, Any]] = field(default_factory=list)
    streams: list[bytes | int] = field(default_factory=list)
    answers: list[tuple[int, dict[str, str], dict[str, Any]] | None] = field(default_factory=list)
    status: str = "completed"
    asked: list[Asked] = field(default_factory=list)
    url: str = ""

    def paths(self, part: str) -> list[Asked]:
        """Return the requests whose path ends so."""
        return [asked for asked in self.asked if asked.path.endswith(part)]

    def respond(self, asked: Asked) -> bytes | None:
        """Return the whole answer."""
        after = int(asked.query.get("after", 0))
        rest = [e for e in self.log if e["seq"] > after]
        if asked.path.endswith("/stream"):
            said = self.streams.pop(0) if self.streams else sse(*rest)
            if isinstance(said, int):
                return _http(said, {}, {"status": said, "detail": "No."} if said >= 400 else None)
            if said.startswith(b"HTTP/"):
                return said
            head = (
                b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
            )
            return head + said
        if asked.path.endswith("/events"):
            last = rest[-1]["seq"] if rest else after
            return _http(200, {}, {"events": rest, "next_after": last})
        answer = self.answers.pop(0) if self.answers else (200, {}, self.task())
        return None if answer is None else _http(*answer)

    def task(self) -> dict[str, Any]:
        """Return the task."""
        return {
            "task_id": TASK,
            "goal": "Learn Rust",
            "status": self.status,
            "current_step": "completed",
            "roadmap_id": None,
            "progress": {"done": 0, "total": 0, "percent": 0.0},
            "created_at": "2026-11-22T10:00:00.000Z",
        }


def _http(status: int, headers: dict[str, str], document: dict[str, Any] | None) -> bytes:
    body = b"" if document is None else json.dumps(document).encode()
    lines = [f"HTTP/1.1 {status} Whatever", f"Content-Length: {len(body)}", "Connection: close"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


async def _serve(
    script: Script, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    method, target, _version = head[0].split(" ")
    headers = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in head[1:]) if k}
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    parts = urlsplit(target)
    asked = Asked(
        method=method,
        path=parts.path,
        query={name: values[-1] for name, values in parse_qs(parts.query).items()},
        headers=headers,
        body=json.loads(body) if body else None,
    )
    script.asked.append(asked)
    answer = script.respond(asked)
    if answer is not None:
        writer.write(answer)
        await writer.drain()
    writer.close()
    await writer.wait_closed()


@pytest.fixture
async def script() -> AsyncIterator[Script]:
    """A running server."""
    script = Script()
    server = await asyncio.start_server(lambda r, w: _serve(script, r, w), "127.0.0.1", 0)
    script.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server:
        yield script


@pytest.fixture
async def client(script: Script, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[RoadmapClient]:
    """A client of that server that waits for nothing."""
    for module in (following, transport):
        monkeypatch.setattr(module, "FIRST_PAUSE_S", 0.001)
        monkeypatch.setattr(module, "LONGEST_PAUSE_S", 0.01)
    async with RoadmapClient(script.url) as client:
        yield client


@pytest.fixture(name="event")
def event_maker() -> Callable[..., dict[str, Any]]:
    """Make an event as the API sends it."""
    return event


@pytest.fixture(name="sse")
def sse_maker() -> Callable[..., bytes]:
    """Make a stream's bytes."""
    return sse
