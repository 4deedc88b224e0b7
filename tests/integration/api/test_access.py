"""Credentials: tokens and tickets. Who may do what is in test_matrix, browsers in test_trust."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import jwt

from api import tickets
from tests.factories import ALICE, new_task
from tests.integration.api import seeds
from tests.integration.api.conftest import SECRET, bearer, in_process
from watching.viewer import Viewer

if TYPE_CHECKING:
    import asyncpg
    import httpx
    import pytest
    from redis.asyncio import Redis


async def test_somebody_elses_task_is_the_same_as_none(alice: httpx.AsyncClient) -> None:
    """The answer for a stranger's task cannot be told from the answer for no task."""
    task_id = await new_task(user="bob")
    response = await alice.get(f"/api/v1/tasks/{task_id}")
    assert response.status_code == 404
    assert response.json()["detail"] == f"There is no task {task_id}."


async def test_a_ticket_opens_its_stream_and_nothing_else(alice: httpx.AsyncClient) -> None:
    """A ticket for one task opens that task's stream, no other one, and no other route."""
    mine, other = await seeds.failed_task(), await seeds.failed_task()
    response = await alice.post("/api/v1/stream-tickets", json={"task_id": str(mine)})
    ticket = response.json()["ticket"]
    assert response.status_code == 201
    assert 0 < response.json()["expires_in"] <= 60
    del alice.headers["authorization"]
    for url, status in (
        (f"/api/v1/tasks/{mine}/stream?after=99&ticket={ticket}", 204),
        (f"/api/v1/tasks/{other}/stream?after=99&ticket={ticket}", 401),
        (f"/api/v1/tasks/{mine}?ticket={ticket}", 401),
        (f"/api/v1/notifications/stream?ticket={ticket}", 401),
        (f"/api/v1/tasks/{mine}/stream?ticket={ticket}x", 401),
    ):
        assert (await alice.get(url)).status_code == status, url
    as_bearer = {"Authorization": f"Bearer {ticket}"}
    assert (await alice.get("/api/v1/tasks", headers=as_bearer)).status_code == 401


async def test_a_ticket_is_over_soon(
    alice: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A ticket that is over, or whose token is, and a token in a ticket's place, are refused."""
    task_id = await seeds.failed_task()
    outlived = tickets.mint(Viewer(actor=ALICE, expires_at=time.time()), task_id=str(task_id))
    monkeypatch.setattr(tickets, "TTL_S", -1)
    expired = tickets.mint(Viewer(actor=ALICE), task_id=str(task_id))
    token = alice.headers.pop("authorization").removeprefix("Bearer ")
    for bad in (expired, outlived, token):
        response = await alice.get(f"/api/v1/tasks/{task_id}/stream?ticket={bad}")
        assert response.status_code == 401


async def test_a_ticket_is_good_for_as_long_as_it_is_told(alice: httpx.AsyncClient) -> None:
    """A ticket lasts for all of `expires_in`, whatever part of a second has begun."""
    asked_at = time.time()
    answer = (await alice.post("/api/v1/stream-tickets", json={})).json()
    claims = jwt.decode(answer["ticket"], options={"verify_signature": False})
    assert claims["exp"] - asked_at >= answer["expires_in"]


async def test_no_ticket_for_somebody_elses_task(alice: httpx.AsyncClient) -> None:
    """A ticket is only given for a task that one may see."""
    task_id = await new_task(user="bob")
    response = await alice.post("/api/v1/stream-tickets", json={"task_id": str(task_id)})
    assert response.status_code == 404


async def test_a_server_without_a_secret_takes_no_token(
    database: asyncpg.Connection, redis: Redis
) -> None:
    """Without a secret nobody can be let in, and the refusal names what is missing."""
    async with in_process() as client:
        response = await client.get("/api/v1/tasks", headers=bearer())
        assert response.status_code == 401
        assert "ROADMAP_AUTH_SECRET" in response.json()["detail"]


async def test_a_token_for_nobody_is_refused(anonymous: httpx.AsyncClient) -> None:
    """A subject that cannot be a user is 401."""
    for user in ("", "a\x00b", "a\nb", "x" * 201):
        assert (await anonymous.get("/api/v1/tasks", headers=bearer(user))).status_code == 401


async def test_clocks_may_differ_a_little(anonymous: httpx.AsyncClient) -> None:
    """A token that begins in some seconds by our clock is good; one that is over is not."""
    now = int(time.time())

    async def status(**claims: object) -> int:
        token = jwt.encode({"sub": "alice", **claims}, SECRET, algorithm="HS256")
        headers = {"Authorization": f"Bearer {token}"}
        return (await anonymous.get("/api/v1/tasks", headers=headers)).status_code

    assert await status(exp=now + 60, nbf=now + 5, iat=now + 5) == 200
    assert await status(exp=now + 600, nbf=now + 300) == 401
    assert await status(exp=now - 1) == 401
    assert await status() == 401, "a token without an end"
    assert await status(exp=float("inf")) == 401
    assert await status(exp="soon") == 401


async def test_a_token_does_not_choose_its_algorithm(anonymous: httpx.AsyncClient) -> None:
    """A token signed with the right secret by another algorithm is refused."""
    claims = {"sub": "alice", "exp": int(time.time()) + 60}
    token = jwt.encode(claims, SECRET * 2, algorithm="HS512")
    headers = {"Authorization": f"Bearer {token}"}
    assert (await anonymous.get("/api/v1/tasks", headers=headers)).status_code == 401
