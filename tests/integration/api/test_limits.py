"""What one user may take: requests, streams, bytes; and what every answer tells browsers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from core.settings import get_settings
from tests.factories import new_task
from tests.integration.api.conftest import bearer, in_process
from tests.integration.api.test_problems import assert_problem

if TYPE_CHECKING:
    import asyncpg
    import httpx
    from redis.asyncio import Redis

PATH = "/api/v1/tasks"


@pytest.fixture
def few_requests(settings_env: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Three requests a minute."""
    settings_env.setenv("ROADMAP_USER_REQUESTS_PER_MINUTE", "3")
    return settings_env


async def test_requests_are_counted_over_all_processes(
    few_requests: pytest.MonkeyPatch, database: asyncpg.Connection, redis: Redis, jwt_mode: None
) -> None:
    """One request too many is 429 with Retry-After, whichever process it reaches; others go on."""
    async with in_process() as one, in_process() as two:
        for client in (one, two, one):
            assert (await client.get(PATH, headers=bearer())).status_code == 200
        response = await two.get(PATH, headers=bearer())
        assert_problem(response, 429, "too_many_requests")
        assert 1 <= int(response.headers["retry-after"]) <= 60
        assert (await two.get(PATH, headers=bearer("bob"))).status_code == 200
        for _ in range(5):
            admin = await two.get(PATH, headers=bearer("root", role="admin"))
            assert admin.status_code == 200, "admins are exempt"


async def test_tickets_are_counted_apart(
    settings_env: pytest.MonkeyPatch, database: asyncpg.Connection, redis: Redis, jwt_mode: None
) -> None:
    """So many tickets a minute, which is how long each is good: no more are outstanding.

    Requests go on meanwhile, and so do others.
    """
    settings_env.setenv("ROADMAP_USER_TICKETS_PER_MINUTE", "2")
    get_settings.cache_clear()
    async with in_process() as one, in_process() as two:

        async def ticket(client: httpx.AsyncClient, headers: dict[str, str]) -> httpx.Response:
            return await client.post("/api/v1/stream-tickets", headers=headers)

        assert [(await ticket(client, bearer())).status_code for client in (one, two)] == [201, 201]
        refused = await ticket(one, bearer())
        assert_problem(refused, 429, "too_many_requests")
        assert "ticket" in refused.json()["detail"]
        assert (await one.get(PATH, headers=bearer())).status_code == 200
        assert (await ticket(one, bearer("bob"))).status_code == 201
        for _ in range(3):
            assert (await ticket(two, bearer("root", role="admin"))).status_code == 201


async def test_without_redis_requests_are_still_counted(
    few_requests: pytest.MonkeyPatch, database: asyncpg.Connection, jwt_mode: None
) -> None:
    """A dead Redis neither refuses anybody nor lifts the limit."""
    few_requests.setenv("ROADMAP_REDIS_URL", "redis://127.0.0.1:1/0")
    get_settings.cache_clear()
    async with in_process() as client:
        answers = [(await client.get(PATH, headers=bearer())).status_code for _ in range(5)]
    assert answers == [200, 200, 200, 429, 429]


async def test_streams_are_limited(
    settings_env: pytest.MonkeyPatch, viewer: httpx.AsyncClient
) -> None:
    """One stream too many is 429; it may come when another one was closed."""
    settings_env.setenv("ROADMAP_USER_MAX_STREAMS", "1")
    get_settings.cache_clear()
    task_id = await new_task()
    url = f"{PATH}/{task_id}/stream"
    async with viewer.stream("GET", url) as first:
        assert first.status_code == 200
        refused = await viewer.get(url)
        assert_problem(refused, 429, "too_many_streams")
        assert int(refused.headers["retry-after"]) > 0


async def test_a_body_that_is_not_json_is_415(alice: httpx.AsyncClient) -> None:
    """A form, or a body that says nothing of itself, is 415; no body at all is fine."""
    for headers in ({"Content-Type": "application/x-www-form-urlencoded"}, {}):
        response = await alice.post(PATH, content=b'{"goal": "x"}', headers=headers)
        assert_problem(response, 415, "unsupported_media_type")
        assert response.headers["accept"] == "application/json"
    task_id = await new_task()
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    assert (await alice.post(f"{PATH}/{task_id}/cancel", headers=form)).status_code == 202


async def test_every_answer_has_the_security_headers(alice: httpx.AsyncClient) -> None:
    """Answers of every kind tell browsers not to guess, not to frame, not to refer."""
    for path in (PATH, "/nothing", "/api/docs", "/tasks", "/metrics", "/"):
        headers = (await alice.get(path)).headers
        assert headers["x-content-type-options"] == "nosniff", path
        assert headers["referrer-policy"] == "no-referrer", path
        assert headers["x-frame-options"] == "DENY", path
        assert "frame-ancestors 'none'" in headers["content-security-policy"], path
        assert "unsafe" not in headers["content-security-policy"], path


async def test_pages_run_nothing_that_is_not_ours(alice: httpx.AsyncClient) -> None:
    """A page may load scripts and styles from here alone, and has none inline."""
    page = await alice.get("/api/docs")
    assert "script-src 'self'" in page.headers["content-security-policy"]
    assert "style-src 'self'" in page.headers["content-security-policy"]
    assert "<style" not in page.text
    assert "style=" not in page.text
    assert "<script" not in page.text
    (style,) = re.findall(r"<link rel=stylesheet href='(/[^']+)'", page.text)
    assert (await alice.get(style)).headers["content-type"].startswith("text/css")
