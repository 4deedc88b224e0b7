"""Clients that keep the API waiting: unfinished heads and bodies, endless messages."""

from __future__ import annotations

import asyncio
import json
import statistics
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpx
import psutil
import pytest
import websockets

from api.protocols import HALF_CLOSED_S
from tests.factories import new_task, until
from tests.integration.api.conftest import bearer
from tests.integration.api.processes import Api, running_api

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import asyncpg
    from redis.asyncio import Redis

SLOW = 500
ASKED = 61
MEGABYTE = 1_000_000


@pytest.fixture
async def api(database: asyncpg.Connection, redis: Redis, jwt_mode: None) -> AsyncIterator[Api]:
    """A real API process."""
    async with running_api() as started:
        yield started


OPENED: set[Raw] = set()


@pytest.fixture(autouse=True)
async def _nothing_left_open() -> AsyncIterator[None]:
    """Close what a test opened."""
    yield
    for raw in OPENED:
        raw.cut()
    OPENED.clear()


class Raw:
    """A connection on which bytes are sent as one likes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @classmethod
    async def to(cls, address: str, sent: bytes = b"") -> Raw:
        """Connect, and send something."""
        parts = urlsplit(address)
        raw = cls(*await asyncio.open_connection(parts.hostname, parts.port))
        raw.writer.write(sent)
        OPENED.add(raw)
        return raw

    async def answer(self, within_s: float = 20) -> tuple[int, dict[str, Any]]:
        """Return what is answered, up to the end: status and problem; 0 when nothing is."""
        async with asyncio.timeout(within_s):
            try:
                text = (await self.reader.read()).decode()
            except ConnectionError:
                text = ""
        if not text:
            return 0, {}
        head, _, body = text.partition("\r\n\r\n")
        return int(head.split()[1]), json.loads(body)

    def cut(self) -> None:
        """Close at once."""
        self.writer.transport.abort()


def resident(api: Api) -> float:
    """Return the process's memory in megabytes."""
    return float(psutil.Process(api.process.pid).memory_info().rss) / MEGABYTE


async def typical(client: httpx.AsyncClient) -> float:
    """Ask again and again; return the median of how long answers took, in milliseconds.

    So many times, not for so long: were one answer late, it would be the only one that counts.
    """
    took = []
    for _ in range(ASKED):
        began = time.perf_counter()
        assert (await client.get("/livez")).status_code == 200
        took.append((time.perf_counter() - began) * 1000)
    return statistics.median(took)


POST = (
    b"POST /api/v1/tasks HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    b"Content-Length: 15000\r\n\r\n{"
)


async def test_slow_clients_disturb_nobody(api: Api, record_property: Any) -> None:
    """Five hundred unfinished requests cost less than 20 MB; others are answered as ever.

    And they end by themselves, with a reason where one is heard.
    """
    # a connection each: one that is kept alive is the oldest that waits, so it is closed first
    limits = httpx.Limits(max_keepalive_connections=0)
    async with httpx.AsyncClient(base_url=api.address, limits=limits) as client:
        alone = await typical(client)
        before = resident(api)
        for kind, begun in {
            "nothing": b"",
            "head": b"GET /livez HTTP/1.1\r\nHost: x\r\nA: ",
            "body": POST,
        }.items():
            slow = [await Raw.to(api.address, begun) for _ in range(SLOW)]
            median = await typical(client)
            grown = resident(api) - before
            record_property(f"{kind}_grown_mb", grown)
            record_property(f"{kind}_median_ms", median)
            assert grown < 20
            assert median < max(200, 5 * alone), "it is 2 ms where nobody shares the cores"
            for raw in slow:
                raw.cut()
    await _each_kind_of_waiting_ends(api)


async def _each_kind_of_waiting_ends(api: Api) -> None:
    kinds = {
        "nothing": b"",
        "first line": b"GET /li",
        "head": b"GET /livez HTTP/1.1\r\nHost: x\r\nA: b",
        "body": POST,
        "chunks": b"POST /api/v1/tasks HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        b"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n",
    }
    raws = {name: await Raw.to(api.address, begun) for name, begun in kinds.items()}

    async def trickle(raw: Raw, byte: bytes) -> None:
        while not raw.reader.at_eof():
            raw.writer.write(byte)
            await asyncio.sleep(0.2)

    drips = [
        asyncio.create_task(trickle(raws["head"], b"b")),
        asyncio.create_task(trickle(raws["body"], b" ")),
    ]
    answers = await asyncio.gather(*(raw.answer() for raw in raws.values()))
    for drip in drips:
        drip.cancel()
    ends = {name: status for name, (status, _) in zip(raws, answers, strict=True)}
    assert ends == {"nothing": 0, "first line": 408, "head": 408, "body": 408, "chunks": 408}
    # a body that nobody asked for is refused, and ends, too
    raw = await Raw.to(api.address, POST.replace(b"POST /api/v1/tasks", b"GET /livez"))
    async with asyncio.timeout(20):
        assert b"413 " in (await raw.reader.read())[:20]


HEADS = {
    "one long header": b"GET /livez HTTP/1.1\r\nHost: x\r\nA: " + b"a" * 200_000,
    "many headers": b"GET /livez HTTP/1.1\r\nHost: x\r\n" + b"A: b\r\n" * 5000,
    "a long name": b"GET /livez HTTP/1.1\r\nHost: x\r\n" + b"a" * 200_000,
    "a long address": b"GET /" + b"a" * 200_000,
    "a long query": b"GET /livez?" + b"a=b&" * 50_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    "a long method": b"G" * 200_000,
    "blank lines": b"\r\n" * 100_000,
    "a long trailer": b"POST /api/v1/tasks HTTP/1.1\r\nHost: x\r\nContent-Type: application/json"
    b"\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n0\r\nA: " + b"a" * 200_000,
    "a long extension": b"POST /api/v1/tasks HTTP/1.1\r\nHost: x\r\nContent-Type: application/json"
    b"\r\nTransfer-Encoding: chunked\r\n\r\n1;a=" + b"a" * 200_000,
    "both lengths": b"POST /api/v1/tasks HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n",
    "a thousand requests at once": b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n" * 1000,
    "not HTTP": b"\x16\x03\x01\x02\x00\x01" + b"\x00" * 500,
}


async def test_heads_and_messages_are_bound(api: Api, database: asyncpg.Connection) -> None:
    """What is larger than it may be, or no HTTP at all, is refused, and costs nothing."""
    await _heads_are_bound(api)
    await _twenty_megabytes_of_headers_are_not_kept(api)
    await _sockets_take_little(api)


async def _heads_are_bound(api: Api) -> None:
    before = resident(api)
    for name, sent in HEADS.items():
        raws = [await Raw.to(api.address, sent) for _ in range(20)]
        for raw in raws:
            async with asyncio.timeout(8):
                try:
                    text = await raw.reader.read()
                except ConnectionError:
                    text = b""
            assert b"200 OK" not in text or name == "a thousand requests at once", name
            for line in text.split(b"\r\n")[:1]:
                assert line.split()[1:2] in ([], [b"400"], [b"401"], [b"431"], [b"200"]), name
    assert resident(api) - before < 20


async def _twenty_megabytes_of_headers_are_not_kept(api: Api) -> None:
    before = resident(api)
    raw = await Raw.to(api.address, b"GET /livez HTTP/1.1\r\nHost: x\r\n")
    try:
        for number in range(20_000):
            raw.writer.write(b"X-%d: " % number + b"a" * 1000 + b"\r\n")
            await raw.writer.drain()
    except ConnectionError:
        pass
    assert resident(api) - before < 10
    raw = await Raw.to(api.address, b"GET /livez HTTP/1.1\r\nA: " + b"a" * 40_000)
    status, problem = await raw.answer()
    assert (status, problem["code"]) == (431, "header_too_large")


async def _sockets_take_little(api: Api) -> None:
    """Large, endless, unfinished and many messages end a socket; pings and pongs do not."""
    task = await new_task(user="alice")
    address = api.address.replace("http", "ws") + f"/api/v1/ws/tasks/{task}"
    before = resident(api)

    async def opened() -> websockets.ClientConnection:
        return await websockets.connect(
            address, additional_headers=bearer(), ping_interval=None, max_size=None
        )

    async def ended(socket: websockets.ClientConnection) -> int | None:
        async with asyncio.timeout(20):
            await socket.wait_closed()
        return socket.close_code

    large = await opened()
    await large.send("a" * 5000)
    assert await ended(large) == 1009

    unfinished = [await opened() for _ in range(10)]
    for socket in unfinished:  # the head of a frame of 15 MB, and half of it
        socket.transport.write(b"\x81\xff" + (15_000_000).to_bytes(8) + b"\0\0\0\0" + b"a" * 7000)
    assert {await ended(socket) for socket in unfinished} <= {1009, 1006}

    begun = await opened()
    begun.transport.write(b"\x01\x81\0\0\0\0a")  # a first fragment, and nothing after it
    many = await opened()
    for _ in range(5000):
        many.transport.write(b"\x81\x80\0\0\0\0")
    assert await ended(many) in {1008, 1006}

    polite = await opened()
    for _ in range(5):
        await (await polite.ping())
    await polite.send("hello")
    assert await ended(begun) == 1008
    await (await polite.ping())
    await polite.close()
    assert resident(api) - before < 20


async def test_one_address_has_its_bound(
    database: asyncpg.Connection,
    redis: Redis,
    jwt_mode: None,
    settings_env: pytest.MonkeyPatch,
) -> None:
    """Whoever has all connections of an address in use is told so; an unfinished one makes room."""
    settings_env.setenv("ROADMAP_ADDRESS_MAX_CONNECTIONS", "5")
    task = await new_task(user="alice")
    async with running_api() as api:
        follow = (
            f"GET /api/v1/tasks/{task}/stream HTTP/1.1\r\nHost: 127.0.0.1\r\n"
            f"Authorization: {bearer()['Authorization']}\r\n\r\n"
        ).encode()
        following = [await Raw.to(api.address, follow) for _ in range(4)]
        for raw in following:
            assert b"200 OK" in await raw.reader.readuntil(b"\r\n")
        slow = await Raw.to(api.address, b"GET /")
        await asyncio.sleep(0.2)
        last = await Raw.to(api.address, follow)
        assert b"200 OK" in await last.reader.readuntil(b"\r\n"), "the slow one made room"
        assert (await slow.answer())[0] == 503
        status, problem = await (await Raw.to(api.address, follow)).answer()
        assert (status, problem["code"]) == (429, "too_many_connections")
        following[0].cut()

        async def free() -> bool:
            raw = await Raw.to(api.address, b"GET /livez HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            line = await raw.reader.readuntil(b"\r\n")
            raw.cut()
            return b"200" in line

        await until(free, what="a place")
        for raw in (*following, last):
            raw.cut()


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("X: " + "x" * 9000, (431, "header_too_large")),
        ("Sec-WebSocket-Protocol: " + "x," * 10_000, (431, "header_too_large")),
        ("Content-Length: 5", (400, "malformed_request")),
        ("Transfer-Encoding: chunked", (400, "malformed_request")),
    ],
)
async def test_a_handshake_that_cannot_be_read_is_answered(
    api: Api, line: str, expected: tuple[int, str]
) -> None:
    """It is refused at once and closed, instead of being left open without a word."""
    raw = await Raw.to(
        api.address,
        b"GET /api/v1/ws/notifications HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\n"
        b"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" + line.encode() + b"\r\n\r\n",
    )
    status, problem = await raw.answer(within_s=5)
    assert (status, problem["code"]) == expected
    async with httpx.AsyncClient(base_url=api.address) as client:
        page = (await client.get("/metrics")).text
    assert "roadmap_connections_open 1.0" in page, "nothing is left of it"


async def test_who_asks_no_more_is_answered(api: Api) -> None:
    """Whatever was asked before a client closed its sending side is answered, then it is over."""
    ask = "GET {} HTTP/1.1\r\nHost: {}\r\nAuthorization: {}\r\n\r\n"
    host, login = urlsplit(api.address).netloc, bearer()["Authorization"]
    requests = [ask.format(path, host, login) for path in ("/api/v1/tasks", "/livez")]
    raw = await Raw.to(api.address, "".join(requests).encode())
    raw.writer.write_eof()
    async with asyncio.timeout(20):
        answers = (await raw.reader.read()).decode()
    assert answers.count("HTTP/1.1 200 OK") == len(requests)


async def test_who_has_gone_in_a_stream_is_let_go(api: Api) -> None:
    """A stream that has begun ends at once when its client closes its side."""
    task = await new_task()
    ask = "GET /api/v1/tasks/{}/stream HTTP/1.1\r\nHost: {}\r\nAuthorization: {}\r\n\r\n"
    host, login = urlsplit(api.address).netloc, bearer()["Authorization"]
    raw = await Raw.to(api.address, ask.format(task, host, login).encode())
    async with asyncio.timeout(20):
        assert b"200 OK" in await raw.reader.readline()
    raw.writer.write_eof()
    async with asyncio.timeout(HALF_CLOSED_S - 1):
        await raw.reader.read()
