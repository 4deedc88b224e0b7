"""Who may do what, for every route there is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from api import tickets
from api.app import create_app
from core.settings import get_settings
from tests.factories import ALICE, new_task
from tests.integration.api import seeds
from tests.integration.api.conftest import SECRET, bearer, in_process

if TYPE_CHECKING:
    import asyncpg
    import httpx
    import pytest
    from redis.asyncio import Redis

OPEN = {"/livez", "/readyz", "/health", "/metrics"}
BODIES: dict[str, Any] = {
    "/api/v1/tasks": {"goal": "Learn Rust"},
    "/api/v1/tasks/{task_id}/review": {"decision": "approve"},
    "/api/v1/roadmaps/{roadmap_id}/concepts/{concept_id}/regenerate": {"kinds": ["quiz"]},
    "/api/v1/stream-tickets": {},
}


def routes() -> list[tuple[str, str]]:
    """Return method and path of every documented operation that is not open to all."""
    return [
        (method, path)
        for path, operations in create_app().openapi()["paths"].items()
        for method in operations
        if path not in OPEN
    ]


def stranger_sees(path: str) -> int:
    """Return what somebody else gets for alice's things."""
    if path.startswith("/api/v1/admin"):
        return 403
    return 404 if "{" in path else 0


async def test_every_route_checks_who_asks(
    anonymous: httpx.AsyncClient, database: asyncpg.Connection
) -> None:
    """Nobody, somebody expired and somebody else are refused; the owner and an admin are not."""
    for method, path in routes():
        await check_route(anonymous, database, method, path)


async def check_route(
    anonymous: httpx.AsyncClient, database: asyncpg.Connection, method: str, path: str
) -> None:
    """Ask one route as everybody."""
    url = path
    if "{" in path:
        waits = "review" in path
        seeded = await (seeds.review(database) if waits else seeds.roadmap(database))
        url = path.format(
            task_id=seeded.task_id,
            roadmap_id=seeded.roadmap_id,
            concept_id=seeded.concepts[0],
            notification_id=await seeds.notification(database, seeded.task_id),
        )
    if path.endswith("/stream"):
        url += "?after=2147483647"  # everything was seen: an ended task answers at once
    if path == "/api/v1/notifications/stream":
        url += "&ticket=wrong"  # it never ends, so only refusals can be looked at here

    async def ask(headers: dict[str, str]) -> httpx.Response:
        return await anonymous.request(method, url, headers=headers, json=BODIES.get(path))

    forged = {"Authorization": "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbGljZSJ9."}
    for refused in ({}, bearer(ttl_s=-1), forged, {"Authorization": "Basic YTpi"}):
        response = await ask(refused)
        assert response.status_code == 401, response.text
        assert response.headers["www-authenticate"] == "Bearer"
        assert response.headers["content-type"] == "application/problem+json"
    if path == "/api/v1/notifications/stream":
        return
    expected = stranger_sees(path)
    if expected:
        response = await ask(bearer("bob"))
        assert response.status_code == expected, response.text
    # a notification belongs to its user alone; everything else is open to admins
    welcome = (
        [bearer("alice")]
        if "notification_id" in path
        else [bearer("root", role="admin")]
        if path.startswith("/api/v1/admin")
        else [bearer("alice"), bearer("root", role="admin")]
    )
    for headers in welcome:
        response = await ask(headers)
        # the second one may come too late, but it was let in
        assert response.status_code in {200, 201, 202, 204, 409}, response.text


async def test_somebody_elses_task_is_the_same_as_none(alice: httpx.AsyncClient) -> None:
    """The answer for a stranger's task cannot be told from the answer for no task."""
    task_id = await new_task(user="bob")
    response = await alice.get(f"/api/v1/tasks/{task_id}")
    assert response.status_code == 404
    assert response.json()["detail"] == f"There is no task {task_id}."


async def test_a_ticket_opens_its_stream_and_nothing_else(alice: httpx.AsyncClient) -> None:
    """A ticket for one task opens that task's stream, no other one, and no other route (L44)."""
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
    """An expired ticket, and a token in a ticket's place, are refused."""
    task_id = await seeds.failed_task()
    monkeypatch.setattr(tickets, "TTL_S", -1)
    expired = tickets.mint(ALICE, task_id=str(task_id))
    token = alice.headers.pop("authorization").removeprefix("Bearer ")
    for bad in (expired, token):
        response = await alice.get(f"/api/v1/tasks/{task_id}/stream?ticket={bad}")
        assert response.status_code == 401


async def test_no_ticket_for_somebody_elses_task(alice: httpx.AsyncClient) -> None:
    """A ticket is only given for a task that one may see."""
    task_id = await new_task(user="bob")
    response = await alice.post("/api/v1/stream-tickets", json={"task_id": str(task_id)})
    assert response.status_code == 404


async def test_local_mode_needs_no_credentials_here(local: httpx.AsyncClient) -> None:
    """In `local` mode a request from this machine is the admin `local`."""
    task = (await local.post("/api/v1/tasks", json={"goal": "Learn Rust"})).json()
    assert task["user_id"] == "local"
    assert (await local.get("/api/v1/admin/streams")).status_code == 200


async def test_local_mode_is_for_this_machine_only(local: httpx.AsyncClient) -> None:
    """Another host's name, or another site's page, is not `local` (DNS rebinding, forms)."""
    for headers in (
        {"Host": "evil.example"},
        {"Host": "192.168.0.7:8000"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
    ):
        response = await local.get("/api/v1/tasks", headers=headers)
        assert response.status_code == 401, headers


async def test_a_token_is_verified_in_local_mode_too(
    database: asyncpg.Connection, redis: Redis, settings_env: pytest.MonkeyPatch
) -> None:
    """A token given in `local` mode decides who asks; a bad one, or no secret, is 401."""
    async with in_process() as client:
        response = await client.get("/api/v1/tasks", headers=bearer())
        assert response.status_code == 401
        assert "ROADMAP_AUTH_SECRET" in response.json()["detail"]
    settings_env.setenv("ROADMAP_AUTH_SECRET", SECRET)
    get_settings.cache_clear()
    async with in_process() as client:
        body = {"goal": "Learn Rust"}
        task = (await client.post("/api/v1/tasks", json=body, headers=bearer("carol"))).json()
        assert task["user_id"] == "carol"
        assert (await client.get("/api/v1/tasks", headers=bearer(ttl_s=-1))).status_code == 401


async def test_a_token_for_nobody_is_refused(anonymous: httpx.AsyncClient) -> None:
    """A subject that cannot be a user is 401."""
    for user in ("", "a\x00b", "a\nb", "x" * 201):
        assert (await anonymous.get("/api/v1/tasks", headers=bearer(user))).status_code == 401
