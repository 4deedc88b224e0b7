"""Signed-in browsers behind a proxy: how it names the host, and who else is at that host."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.signin_codes import make_code
from tests.integration.api.conftest import SECRET, in_process
from tests.integration.api.test_trust import setting

if TYPE_CHECKING:
    import asyncpg
    import httpx
    import pytest
    from redis.asyncio import Redis


async def cookie_for(client: httpx.AsyncClient, **headers: str) -> str:
    """Return what a browser sends once it is signed in."""
    code = {"code": make_code(SECRET)}
    answer = await client.get("/signin", params=code, headers=headers)
    client.cookies.clear()
    return answer.headers["set-cookie"].partition(";")[0]


async def test_a_proxy_may_name_the_port_that_browsers_leave_out(
    database: asyncpg.Connection, redis: Redis, settings_env: pytest.MonkeyPatch
) -> None:
    """A proxy's `$host:$server_port` says `:443`, and the page's `Origin` does not."""
    setting(settings_env, AUTH_SECRET=SECRET, ALLOWED_HOSTS="roadmaps.example,fd00::1")
    async with in_process() as client:
        for origin, host, status in (
            ("https://roadmaps.example", "roadmaps.example:443", 200),
            ("http://roadmaps.example", "roadmaps.example:80", 200),
            ("https://[fd00::1]", "[fd00::1]:443", 200),
            ("http://roadmaps.example", "roadmaps.example:443", 403),
            ("https://roadmaps.example", "roadmaps.example:8443", 403),
            ("https://evil.example", "roadmaps.example:443", 403),
            ("https://roadmaps.example:99999", "roadmaps.example", 403),
        ):
            headers = {"Origin": origin, "Host": host}
            headers["Cookie"] = await cookie_for(client, Host=host)
            answer = await client.get("/api/v1/tasks", headers=headers)
            assert answer.status_code == status, (origin, host)


async def test_another_stack_at_the_same_host_signs_nobody_out(
    database: asyncpg.Connection, redis: Redis, settings_env: pytest.MonkeyPatch
) -> None:
    """A browser sends the cookies of `/learn` and of `/`, which have one name; ours is found."""
    setting(settings_env, AUTH_SECRET=SECRET, TRUSTED_PROXIES="127.0.0.1")
    async with in_process() as client:
        ours = await cookie_for(client, **{"X-Forwarded-Prefix": "/learn"})
        name = ours.partition("=")[0]
        theirs = f"{name}=of.another.stack"
        for sent in (f"{ours}; {theirs}", f"{theirs}; {ours}", f"x=1;{theirs};{ours}; y"):
            answer = await client.get("/api/v1/session", headers={"Cookie": sent})
            assert answer.status_code == 200, sent
        flood = "; ".join([theirs] * 100)
        for sent in (theirs, f"{name}=", flood):
            answer = await client.get("/api/v1/session", headers={"Cookie": sent})
            assert answer.status_code == 401, sent
