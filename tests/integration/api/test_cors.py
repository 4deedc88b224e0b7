"""Pages of other origins: those that are allowed read every answer, others none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from core.settings import get_settings
from tests.integration.api.conftest import bearer, in_process
from tests.integration.api.test_problems import JSON, assert_problem

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import asyncpg
    import httpx
    from redis.asyncio import Redis

PAGE = "https://my.page"
PREFLIGHT = {"Origin": PAGE, "Access-Control-Request-Method": "POST"}
TASKS = "/api/v1/tasks"


@pytest.fixture
async def api(
    database: asyncpg.Connection, redis: Redis, jwt_mode: None, settings_env: pytest.MonkeyPatch
) -> AsyncIterator[httpx.AsyncClient]:
    """A client of an API that allows the pages of one origin."""
    settings_env.setenv("ROADMAP_CORS_ORIGINS", PAGE)
    get_settings.cache_clear()
    async with in_process() as client:
        client.headers["Origin"] = PAGE
        yield client


async def test_an_allowed_page_reads_every_answer(api: httpx.AsyncClient) -> None:
    """An allowed page reads results and every kind of refusal, with the headers it needs."""
    large = b"x" * 1_100_000
    for response, status in (
        (await api.get(TASKS, headers=bearer()), 200),
        (await api.get(TASKS), 401),
        (await api.get("/api/v1/nothing"), 404),
        (await api.post(TASKS, content=b"x", headers={"Content-Type": "text/plain"}), 415),
        (await api.post(TASKS, content=large, headers=JSON), 413),
        (await api.get(TASKS, headers={"Host": "other.example"}), 400),
    ):
        assert response.status_code == status
        assert response.headers["access-control-allow-origin"] == PAGE, status
        readable = response.headers["access-control-expose-headers"]
        assert {"ETag", "Link", "Location", "Retry-After"} <= set(readable.split(", "))


async def test_an_allowed_page_reads_that_something_went_wrong(
    api: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What nobody foresaw is a 500 for an allowed page, too, and no network that is down."""

    async def broken(*_: object, **__: object) -> None:
        raise RuntimeError("nobody foresaw this")

    monkeypatch.setattr("watching.queries.list_tasks", broken)
    response = await api.get(TASKS, headers=bearer())
    assert_problem(response, 500, "internal_error")
    assert response.headers["access-control-allow-origin"] == PAGE


async def test_another_page_reads_nothing(api: httpx.AsyncClient) -> None:
    """A page that is not allowed gets no permission to read, whatever it sends."""
    response = await api.get(TASKS, headers={**bearer(), "Origin": "https://evil.example"})
    assert "access-control-allow-origin" not in response.headers


async def test_a_browser_may_send_what_the_api_reads(api: httpx.AsyncClient) -> None:
    """A preflight allows what the API reads, also from a public page to a private network."""
    names = "authorization,content-type,idempotency-key,if-match,if-none-match,last-event-id"
    asked = {
        **PREFLIGHT,
        "Access-Control-Request-Headers": names,
        "Access-Control-Request-Private-Network": "true",
    }
    response = await api.options(TASKS, headers=asked)
    assert response.status_code == 200
    assert response.headers["access-control-allow-origin"] == PAGE
    assert response.headers["access-control-allow-private-network"] == "true"


async def test_a_refused_preflight_is_a_problem(api: httpx.AsyncClient) -> None:
    """A preflight for what is not allowed is a problem that names the cause."""
    for other, cause in (
        ({"Origin": "https://evil.example"}, "origin"),
        ({"Access-Control-Request-Method": "PATCH"}, "method"),
        ({"Access-Control-Request-Headers": "X-Other"}, "headers"),
    ):
        response = await api.options(TASKS, headers={**PREFLIGHT, **other})
        problem = assert_problem(response, 403, "forbidden")
        assert cause in problem["detail"]
