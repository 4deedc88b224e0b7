"""Behind a proxy: how it names the host, who else is at that host, and what HTTP it speaks."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import httpx

from core.signin_codes import make_code
from tests.factories import new_task
from tests.integration.api.conftest import SECRET, bearer, in_process, serving
from tests.integration.api.test_trust import setting

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import asyncpg
    import pytest
    from redis.asyncio import Redis

GUIDE: Final = Path(__file__).parents[3] / "docs" / "API.md"


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


async def test_http_1_0_gets_a_stream_without_chunks(
    served: str, viewer: httpx.AsyncClient
) -> None:
    """Old proxies and programs speak it: what they get is events, and the end is the end."""
    task = (await viewer.post("/api/v1/tasks", json={"goal": "Kites"})).json()
    host = served.removeprefix("http://")
    reader, writer = await asyncio.open_connection(*host.split(":"))
    token = bearer()["Authorization"]
    asked = (
        f"GET {task['links']['stream']} HTTP/1.0\r\nHost: {host}\r\nAuthorization: {token}\r\n\r\n"
    )
    async with asyncio.timeout(20):
        writer.write(asked.encode())
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        begun = await reader.readuntil(b"\nid: 1\n\n")
        await viewer.post(f"/api/v1/tasks/{task['task_id']}/cancel")
        body = (begun + await reader.read()).decode()
    writer.close()
    assert b"transfer-encoding" not in head
    assert b"connection: close" in head
    names = {line.partition(":")[0] for line in body.splitlines()}
    assert names == {"", "retry", "event", "data", "id"}
    assert "event: task_cancelled" in body


async def test_http_1_0_gets_answers_of_every_other_kind(
    served: str, viewer: httpx.AsyncClient
) -> None:
    """With and without a body, of known length as before."""
    host = served.removeprefix("http://")
    for asked, status in (
        ("GET /livez", 200),
        ("HEAD /livez", 200),
        ("GET /static/roadmap-client.js", 200),
        ("GET /api/v1/tasks", 401),
        ("OPTIONS /livez", 405),
    ):
        reader, writer = await asyncio.open_connection(*host.split(":"))
        writer.write(f"{asked} HTTP/1.0\r\nHost: {host}\r\n\r\n".encode())
        async with asyncio.timeout(10):
            head, _, body = (await reader.read()).partition(b"\r\n\r\n")
        writer.close()
        assert int(head.split()[1]) == status, asked
        length = int(head.lower().partition(b"content-length: ")[2].split()[0])
        assert len(body) == (0 if asked.startswith("HEAD") else length), asked


async def test_the_standard_header_tells_of_tls(
    database: asyncpg.Connection, redis: Redis, settings_env: pytest.MonkeyPatch
) -> None:
    """`Forwarded` (RFC 7239) makes the cookie `Secure`; what a client put before it counts not."""
    setting(settings_env, AUTH_SECRET=SECRET, TRUSTED_PROXIES="127.0.0.1")
    async with in_process() as client:
        for said, secure in (
            ("for=192.0.2.43;proto=https", True),
            ('By=10.0.0.1; For="[2001:db8::1]:4711"; Proto="HTTPS"', True),
            ('proto=http;for="x, for=192.0.2.43;proto=https', True),
            ("proto=https, for=192.0.2.43;proto=http", False),
            ("proto=https, for=192.0.2.43", False),
            ("proto", False),
            (",;=", False),
        ):
            code = {"code": make_code(SECRET)}
            answer = await client.get("/signin", params=code, headers={"Forwarded": said})
            client.cookies.clear()
            assert ("; Secure" in answer.headers["set-cookie"]) == secure, said


async def test_an_empty_body_in_chunks_is_none(served: str, viewer: httpx.AsyncClient) -> None:
    """So a proxy passes on what it got without a length; what has a body is refused as before."""
    made = await viewer.post("/api/v1/tasks", json={"goal": "Kites"})
    task = f"/api/v1/tasks/{made.json()['task_id']}"
    form = {"Content-Type": "application/x-www-form-urlencoded"}

    async def ask(method: str, path: str, body: bytes, **headers: str) -> int:
        async def chunks() -> AsyncIterator[bytes]:
            yield body

        return (await viewer.request(method, path, content=chunks(), headers=headers)).status_code

    assert await ask("POST", f"{task}/cancel", b"a=b", **form) == 415
    assert await ask("GET", task, b"{}") == 413
    assert await ask("GET", task, b"") == 200
    assert await ask("GET", f"{task}/events", b"") == 200
    assert await ask("POST", "/api/v1/tasks", b"") == 422
    assert await ask("POST", f"{task}/cancel", b"") == 202


async def test_the_guide_walks_through_lists_below_a_sub_path(
    database: asyncpg.Connection,
    redis: Redis,
    jwt_mode: None,
    settings_env: pytest.MonkeyPatch,
) -> None:
    """Links to the next page are paths below the sub-path; the guide's own code follows them."""
    setting(settings_env, API_ROOT_PATH="/learn")
    tasks = [await new_task() for _ in range(3)]
    part = GUIDE.read_text(encoding="utf-8").partition("## Walk through lists")[2]
    code = part.partition("```python\n")[2].partition("```")[0]
    assert "limit=50&status=completed" in code
    code = code.replace("limit=50&status=completed", "limit=1")
    with serving() as address:
        base = f"{address}/learn/api/v1"
        with httpx.Client(base_url=base, headers=bearer()) as api:
            known: dict[str, Any] = {"api": api, "httpx": httpx, "task": {"task_id": str(tasks[0])}}
            await asyncio.to_thread(exec, code, known)
    assert len(known["found"]) == 3


async def test_gzip_is_for_those_who_take_it(viewer: httpx.AsyncClient) -> None:
    """`q=0` is a refusal (RFC 9110): of assets, pages and documents alike."""
    for path in ("/static/roadmap-client.js", "/", "/api/openapi.json"):
        for asked, coding in (
            ("gzip", "gzip"),
            ("br, GZIP;q=0.5", "gzip"),
            ("gzip;q=0", None),
            ("br, gzip; q=0.000", None),
            ("identity", None),
            ("gzipped", None),
        ):
            answer = await viewer.get(path, headers={"Accept-Encoding": asked})
            assert answer.headers.get("content-encoding") == coding, (path, asked)
            assert "accept-encoding" in answer.headers["vary"].lower()


async def test_a_proxy_may_ask_for_a_password_of_its_own(
    database: asyncpg.Connection, redis: Redis, settings_env: pytest.MonkeyPatch
) -> None:
    """The browser sends it to us, too (`Basic`); who is signed in is told by the cookie."""
    setting(settings_env, AUTH_SECRET=SECRET)
    async with in_process() as client:
        client.headers["Authorization"] = "Basic YWxpY2U6cGFzc3dvcmQ="
        assert (await client.get("/api/v1/session")).status_code == 401
        client.headers["Cookie"] = await cookie_for(client)
        client.headers["Sec-Fetch-Site"] = "same-origin"
        who = await client.get("/api/v1/session")
        assert (who.status_code, who.json()["signed_in_by"]) == (200, "cookie")
        foreign = {"Sec-Fetch-Site": "cross-site"}
        assert (await client.get("/api/v1/session", headers=foreign)).status_code == 403
        other = {"Authorization": "Digest x"}
        assert (await client.get("/api/v1/session", headers=other)).status_code == 401
        assert (await client.delete("/api/v1/session")).status_code == 204
        assert (await client.get("/api/v1/session")).status_code == 401
