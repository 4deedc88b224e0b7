"""Credentials are taken back before their end: at once, everywhere, for open streams too."""

from __future__ import annotations

import asyncio
import json
import time
from typing import TYPE_CHECKING

import httpx
import jwt
import pytest

from api import denials
from api.routes import sockets
from core.tokens import DAY_S, mint_token
from tests.factories import new_task
from tests.integration.api.conftest import SECRET, bearer, in_process
from tests.viewers import Viewer
from workflow.upkeep import purge

if TYPE_CHECKING:
    import asyncpg

URL = "/api/v1/admin/revocations"
ADMIN = bearer("root", role="admin")


def token_id(headers: dict[str, str]) -> str:
    """Return the id of a token."""
    token = headers["Authorization"].removeprefix("Bearer ")
    return str(jwt.decode(token, options={"verify_signature": False})["jti"])


async def test_one_token_or_all_of_a_user(anonymous: httpx.AsyncClient) -> None:
    """By its id one token is refused; by user all that exist by now, and none that come later."""
    one, other, bob = bearer(), bearer(), bearer("bob")
    old = jwt.encode({"sub": "alice", "exp": time.time() + 60}, SECRET, algorithm="HS256")

    async def status(headers: dict[str, str]) -> int:
        return (await anonymous.get("/api/v1/tasks", headers=headers)).status_code

    answer = await anonymous.post(URL, json={"token_id": token_id(one)}, headers=ADMIN)
    assert (answer.status_code, answer.json()["tokens"]) == (201, [token_id(one)])
    assert [await status(headers) for headers in (one, other, bob)] == [401, 200, 200]
    answer = await anonymous.post(URL, json={"user_id": "alice"}, headers=ADMIN)
    assert list(answer.json()["users"]) == ["alice"]
    refused = await anonymous.get("/api/v1/tasks", headers=other)
    assert (refused.status_code, refused.json()["code"]) == (401, "credentials_revoked")
    no_time = {"Authorization": f"Bearer {old}"}
    assert await status(no_time) == 401, "it does not say when it was made"
    later = jwt.encode(
        {"sub": "alice", "exp": time.time() + 60, "iat": time.time() + 2}, SECRET, algorithm="HS256"
    )
    assert [await status({"Authorization": f"Bearer {later}"}), await status(bob)] == [200, 200]


@pytest.mark.parametrize(
    "body",
    [{}, {"token_id": "a", "user_id": "b"}, {"token_id": ""}, {"user_id": "x" * 201}, {"jti": "a"},
     {"user_id": "a\x00"}, {"token_id": 7}, []],
)  # fmt: skip
async def test_senseless_revocations_are_422(anonymous: httpx.AsyncClient, body: object) -> None:
    """Nothing, both, empty, too long and unknown names change nothing."""
    assert (await anonymous.post(URL, json=body, headers=ADMIN)).status_code == 422
    assert (await anonymous.get(URL, headers=ADMIN)).json() == {"tokens": [], "users": {}}


async def test_open_streams_and_polls_end(
    served: str, database: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SSE, WebSocket and long-poll end when their token is taken back, by another process too."""
    monkeypatch.setattr(denials, "REFRESH_S", 0.2)
    task_id = await new_task()
    alice = bearer()
    async with httpx.AsyncClient(base_url=served, headers=alice, timeout=30) as client:
        ticket = (await client.post("/api/v1/stream-tickets", json={})).json()["ticket"]
        path = f"/api/v1/tasks/{task_id}"
        socket = Viewer(served, task_id, transport="ws", headers=alice)
        await socket.connect()
        async with (
            client.stream("GET", f"{path}/stream") as by_token,
            httpx.AsyncClient(base_url=served, timeout=30) as browser,
            browser.stream("GET", f"{path}/stream?ticket={ticket}") as by_ticket,
        ):
            poll = asyncio.create_task(client.get(f"{path}/events?after=1&wait=25"))
            await asyncio.sleep(0)
            async with in_process() as another:
                body = {"user_id": "alice"}
                await another.post(URL, json=body, headers=ADMIN)
            began = time.monotonic()
            for stream in (by_token, by_ticket):
                assert (await stream.aread()).endswith(b": closed credentials_revoked\n")
            answer = await poll
            assert answer.status_code == 401
            assert answer.json()["code"] == "credentials_revoked"
            await asyncio.wait_for(socket.lost(), 10)
            assert socket.close_code == sockets.NOT_ALLOWED
            assert time.monotonic() - began < 8
        assert (await client.get(f"{path}/stream?ticket={ticket}")).status_code == 401


async def test_a_long_poll_ends_with_its_token(served: str) -> None:
    """A poll that waits longer than its token is good is 401 at the token's end."""
    task_id = await new_task()
    async with httpx.AsyncClient(base_url=served, headers=bearer(ttl_s=3), timeout=30) as client:
        began = time.monotonic()
        answer = await client.get(f"/api/v1/tasks/{task_id}/events?after=1&wait=20")
    assert (answer.status_code, answer.json()["code"]) == (401, "stream_expired")
    assert time.monotonic() - began < 8


async def test_what_has_ended_is_forgotten(database: asyncpg.Connection) -> None:
    """The purge deletes revocations of what has ended by itself, and keeps the others."""
    await database.execute("DELETE FROM revocations")
    await database.executemany(
        "INSERT INTO revocations (kind, name, expires_at)"
        " VALUES ('token', $1, now() + make_interval(secs => $2))",
        [("over", -1), ("good", 60)],
    )
    await purge()
    assert await database.fetchval("SELECT array_agg(name) FROM revocations") == ["good"]


async def test_a_long_token_is_refused(anonymous: httpx.AsyncClient) -> None:
    """A token that is good for longer than TOKEN_MAX_DAYS is 401 and names the setting."""
    token = mint_token(SECRET, user="alice", role=None, ttl_s=91 * DAY_S)
    headers = {"Authorization": f"Bearer {token}"}
    answer = await anonymous.get("/api/v1/tasks", headers=headers)
    assert answer.status_code == 401
    assert "ROADMAP_TOKEN_MAX_DAYS" in json.dumps(answer.json())
