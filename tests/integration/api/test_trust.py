"""Nobody is trusted for where a request seems to come from: hosts, proxies, browsers, `none`."""

from __future__ import annotations

import asyncio
from http.cookies import SimpleCookie
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from core.settings import get_settings
from core.signin_codes import make_code
from tests.factories import new_task
from tests.integration.api.conftest import SECRET, bearer, in_process, serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    import asyncpg
    from redis.asyncio import Redis

EVERYWHERE = ("/livez", "/readyz", "/health", "/metrics", "/", "/static/first.js", "/api/docs")
EVERY_ROUTE = (*EVERYWHERE, "/api/v1/tasks", "/signin", "/nothing")
FORWARDING = (
    {"X-Forwarded-For": "203.0.113.9"},
    {"X-Forwarded-Host": "roadmaps.example"},
    {"X-Forwarded-Proto": "https"},
    {"X-Forwarded-Prefix": "/x"},
    {"Forwarded": "for=203.0.113.9"},
    {"X-Real-IP": "203.0.113.9"},
    {"x-forwarded-anything": ""},
)


def setting(env: pytest.MonkeyPatch, **values: str) -> None:
    """Set settings by name."""
    for name, value in values.items():
        env.setenv(f"ROADMAP_{name}", value)
    get_settings.cache_clear()


@pytest.fixture
async def none(
    database: asyncpg.Connection, redis: Redis, settings_env: pytest.MonkeyPatch
) -> AsyncIterator[httpx.AsyncClient]:
    """A client of an API that asks for no credentials."""
    setting(settings_env, AUTH="none")
    async with in_process() as client:
        yield client


@pytest.fixture
async def local(
    database: asyncpg.Connection, redis: Redis, settings_env: pytest.MonkeyPatch
) -> AsyncIterator[httpx.AsyncClient]:
    """A client without credentials of an API as `roadmap up` starts it."""
    setting(settings_env, AUTH_SECRET=SECRET)
    async with in_process() as client:
        yield client


@pytest.fixture
async def gated(
    database: asyncpg.Connection,
    redis: Redis,
    settings_env: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> AsyncIterator[httpx.AsyncClient]:
    """A client of an API in the mode of the parameter."""
    setting(settings_env, AUTH=request.param, AUTH_SECRET=SECRET)
    async with in_process() as client:
        yield client


@pytest.fixture
def served_locally(
    database: asyncpg.Connection, redis: Redis, settings_env: pytest.MonkeyPatch
) -> Iterator[str]:
    """The address of such an API."""
    setting(settings_env, AUTH_SECRET=SECRET)
    with serving() as address:
        yield address


def assert_refused(response: httpx.Response, code: str, names: str) -> None:
    """The answer is a problem with a code, and its text names the setting that helps."""
    assert response.status_code == 400, response.text
    assert response.json()["code"] == code
    assert names in response.json()["detail"]


# --- which host was asked for -----------------------------------------------------------------


@pytest.mark.parametrize("gated", ["none", "local"], indirect=True)
async def test_every_route_looks_at_the_host(gated: httpx.AsyncClient) -> None:
    """A name that is none of ours gets nothing from any route, probes and metrics included."""
    for path in EVERY_ROUTE:
        for host in ("evil.example", "127.0.0.1.evil.example", "192.168.0.7:8000", "a@127.0.0.1"):
            response = await gated.get(path, headers={"Host": host})
            assert_refused(response, "host_not_allowed", "ROADMAP_ALLOWED_HOSTS")
    for host in ("localhost", "LOCALHOST.:8000", "127.0.0.1", "[::1]:8000", "app.localhost:1"):
        assert (await gated.get("/livez", headers={"Host": host})).status_code == 200, host


async def test_hosts_can_be_allowed(
    database: asyncpg.Connection, redis: Redis, jwt_mode: None, settings_env: pytest.MonkeyPatch
) -> None:
    """ALLOWED_HOSTS adds names; with `jwt` an address needs none, a name that is not there does."""
    setting(settings_env, ALLOWED_HOSTS="roadmaps.example, .lan")
    async with in_process() as client:
        for host, status in (
            ("roadmaps.example", 200),
            ("ROADMAPS.example:8443", 200),
            ("box.lan", 200),
            ("lan", 400),
            ("evilroadmaps.example", 400),
            ("10.1.2.3:8000", 200),
            ("[fd00::1]:8000", 200),
            ("", 400),
            ("a b", 400),
            ("roadmaps.example:99999", 400),
        ):
            assert (await client.get("/health", headers={"Host": host})).status_code == status, host


async def test_a_host_is_named_once(served_locally: str) -> None:
    """Two Host headers, or none, are refused by a real server."""
    port = int(served_locally.rsplit(":", 1)[1])
    for lines in ("Host: localhost\r\nHost: evil.example\r\n", "Host: evil.example\r\n", ""):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(f"GET /health HTTP/1.0\r\n{lines}\r\n".encode())
        assert b" 400 " in await reader.readline(), lines
        writer.close()


# --- who forwarded it -------------------------------------------------------------------------


@pytest.mark.parametrize("gated", ["none", "local", "jwt"], indirect=True)
async def test_forwarding_headers_of_strangers_are_refused(gated: httpx.AsyncClient) -> None:
    """Whatever says that a request was forwarded is refused on every route, with the reason."""
    mode = get_settings().auth
    reason = "ROADMAP_AUTH=jwt" if mode == "none" else "ROADMAP_TRUSTED_PROXIES"
    for headers in FORWARDING:
        for path in EVERY_ROUTE:
            response = await gated.get(path, headers={**headers, **bearer()})
            assert_refused(response, "forwarding_not_trusted", reason)
    via = await gated.get("/livez", headers={"Via": "1.1 proxy"})
    assert via.status_code == (200 if mode == "jwt" else 400)


async def test_a_trusted_proxy_may_speak_for_others(
    database: asyncpg.Connection, redis: Redis, jwt_mode: None, settings_env: pytest.MonkeyPatch
) -> None:
    """From an address in TRUSTED_PROXIES forwarding headers are taken; from others they are not."""
    for networks, status in (("127.0.0.0/8", 200), ("10.0.0.1,::1", 400)):
        setting(settings_env, TRUSTED_PROXIES=networks)
        async with in_process() as client:
            headers = {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "https"}
            response = await client.get("/api/v1/tasks", headers={**headers, **bearer()})
            assert response.status_code == status


async def test_sockets_pass_the_same_gate(served_locally: str) -> None:
    """A WebSocket by a wrong name, or through an unknown proxy, is refused with a problem."""
    address = served_locally.replace("http", "ws") + "/api/v1/ws/notifications"
    for headers in ({"X-Forwarded-For": "203.0.113.9"}, {"Forwarded": "for=_x"}):
        with pytest.raises(InvalidStatus) as refused:
            await connect(address, additional_headers={**bearer(), **headers}, proxy=None)
        assert refused.value.response.status_code == 400
    async with connect(address, additional_headers=bearer(), proxy=None):
        pass


# --- nobody has to say who they are -----------------------------------------------------------


async def test_none_mode_needs_no_credentials_here(none: httpx.AsyncClient) -> None:
    """In `none` mode a request from this machine is the admin `local`."""
    task = (await none.post("/api/v1/tasks", json={"goal": "Learn Rust"})).json()
    assert task["user_id"] == "local"
    assert (await none.get("/api/v1/admin/streams")).status_code == 200
    who = (await none.get("/api/v1/session")).json()
    assert who == {"user_id": "local", "admin": True, "signed_in_by": "none", "expires_at": None}


async def test_none_mode_is_not_for_pages_of_other_sites(none: httpx.AsyncClient) -> None:
    """A page of another site, of another port of this machine, or of no origin is refused."""
    for headers in (
        {"Origin": "https://evil.example"},
        {"Origin": "http://127.0.0.1:9999"},
        {"Origin": "null"},
        {"Origin": "http://["},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ):
        response = await none.get("/api/v1/tasks", headers=headers)
        assert response.status_code == 401, headers
        assert "ROADMAP_CORS_ORIGINS" in response.json()["detail"]


async def test_local_mode_asks_everybody(local: httpx.AsyncClient) -> None:
    """In `local` mode a plain request from this machine is nobody's; a token says whose it is."""
    response = await local.get("/api/v1/tasks")
    assert response.status_code == 401
    assert "roadmap open" in response.json()["detail"]
    made = await local.post("/api/v1/tasks", json={"goal": "Learn Rust"}, headers=bearer("carol"))
    assert made.json()["user_id"] == "carol"
    assert (await local.get("/api/v1/tasks", headers=bearer(ttl_s=-1))).status_code == 401


# --- a browser is signed in -------------------------------------------------------------------


async def signed_in(client: httpx.AsyncClient) -> httpx.AsyncClient:
    """Return the client with a cookie, as a browser gets it."""
    answer = await client.get("/signin", params={"code": make_code(SECRET)})
    assert answer.status_code == 303
    assert answer.headers["location"] == "/"
    return client


async def test_a_code_signs_a_browser_in_once(local: httpx.AsyncClient) -> None:
    """The cookie is no script's and no other site's; a second browser cannot use the same code."""
    code = make_code(SECRET)
    await local.head("/signin", params={"code": code})  # somebody looks what is there
    answer = await local.get("/signin", params={"code": code})
    (cookie,) = SimpleCookie(answer.headers["set-cookie"]).values()
    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "strict", "/")
    assert not cookie["secure"]
    assert answer.headers["cache-control"] == "no-store"
    assert (await local.get("/signin", params={"code": code})).status_code == 303, "clicked twice"
    who = (await local.get("/api/v1/session")).json()
    assert (who["user_id"], who["admin"], who["signed_in_by"]) == ("local", True, "cookie")
    local.cookies.clear()
    again = await local.get("/signin", params={"code": code})
    assert again.status_code == 401
    assert "roadmap open" in again.json()["detail"]
    page = await local.get("/signin", params={"code": code}, headers={"Accept": "text/html"})
    assert page.status_code == 401
    assert "<code>roadmap open</code>" in page.text
    assert "/css/notice.all.css" in page.text, "it looks like the other pages"
    assert not any("set-cookie" in answer.headers for answer in (again, page))


@pytest.mark.parametrize(
    "code",
    [
        "",
        "x",
        "é" * 38,
        "A" * 38,
        make_code("another-secret-of-thirty-two-characters"),
        make_code(SECRET, ttl_s=-1),
        make_code(SECRET)[:-4],
        make_code(SECRET) + "AAAA",
    ],
    ids=["none", "short", "not ASCII", "made up", "another's", "over", "cut", "longer"],
)
async def test_a_bad_code_signs_nobody_in(local: httpx.AsyncClient, code: str) -> None:
    """A code that is empty, made up, another stack's, over, cut or longer is refused."""
    answer = await local.get("/signin", params={"code": code})
    assert answer.status_code == 401
    assert "set-cookie" not in answer.headers


async def test_the_cookie_is_for_our_own_pages(local: httpx.AsyncClient) -> None:
    """A signed-in browser's request is taken from our own pages only, and changes need a proof."""
    await signed_in(local)
    own = {"Origin": "http://127.0.0.1:8000"}
    for headers in (
        {"Origin": "https://evil.example"},
        {"Origin": "http://127.0.0.1:9999", "Sec-Fetch-Site": "same-site"},
        {"Origin": "http://127.0.0.1"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {**own, "Sec-Fetch-Site": "same-site"},
    ):
        for method in ("GET", "POST"):
            body = {"goal": "Learn Go"} if method == "POST" else None
            response = await local.request(method, "/api/v1/tasks", headers=headers, json=body)
            assert response.status_code == 403, (method, headers)
    assert (await local.get("/api/v1/tasks")).json()["tasks"] == []
    assert (await local.post("/api/v1/tasks", json={"goal": "Learn Go"})).status_code == 403
    for proof in (own, {"Sec-Fetch-Site": "same-origin"}):
        made = await local.post("/api/v1/tasks", json={"goal": "Learn Go"}, headers=proof)
        assert made.status_code == 202


async def test_pages_that_may_call_the_api_do_not_get_the_cookie(
    database: asyncpg.Connection, redis: Redis, settings_env: pytest.MonkeyPatch
) -> None:
    """A page in CORS_ORIGINS brings a token of its own; the browser's cookie does not count."""
    setting(settings_env, AUTH_SECRET=SECRET, CORS_ORIGINS="https://my.page")
    async with in_process() as client:
        await signed_in(client)
        page = {"Origin": "https://my.page"}
        refused = await client.get("/api/v1/tasks", headers=page)
        assert refused.status_code == 403
        assert "access-control-allow-credentials" not in refused.headers
        assert (await client.get("/api/v1/tasks", headers={**page, **bearer()})).status_code == 200


async def test_signing_out_is_for_good(local: httpx.AsyncClient) -> None:
    """After signing out the cookie is gone, and a copy of it is worthless."""
    await signed_in(local)
    kept = dict(local.cookies)
    own = {"Origin": "http://127.0.0.1:8000"}
    answer = await local.delete("/api/v1/session", headers=own)
    assert answer.status_code == 204
    assert "Max-Age=0" in answer.headers["set-cookie"]
    local.cookies.clear()
    local.cookies.update(kept)
    refused = await local.get("/api/v1/tasks")
    assert (refused.status_code, refused.json()["code"]) == (401, "credentials_revoked")
    assert (await local.get("/signin", params={"code": "x"})).status_code == 401


async def test_a_cookie_is_no_token_and_a_token_no_cookie(local: httpx.AsyncClient) -> None:
    """Neither passes for the other."""
    await signed_in(local)
    ((name, cookie),) = dict(local.cookies).items()
    local.cookies.clear()
    as_token = {"Authorization": f"Bearer {cookie}"}
    assert (await local.get("/api/v1/tasks", headers=as_token)).status_code == 401
    local.cookies.set(name, bearer(role="admin")["Authorization"].removeprefix("Bearer "))
    assert (await local.get("/api/v1/tasks")).status_code == 401


async def test_behind_tls_the_cookie_is_for_tls_only(
    database: asyncpg.Connection, redis: Redis, settings_env: pytest.MonkeyPatch
) -> None:
    """What a trusted proxy says of the scheme makes the cookie `Secure`."""
    names = {"TRUSTED_PROXIES": "127.0.0.1", "ALLOWED_HOSTS": "roadmaps.example"}
    setting(settings_env, AUTH_SECRET=SECRET, **names)
    async with in_process() as client:
        answer = await client.get(
            "/signin",
            params={"code": make_code(SECRET)},
            headers={"X-Forwarded-Proto": "https", "Host": "roadmaps.example"},
        )
        assert "; Secure" in answer.headers["set-cookie"]


async def test_streams_and_sockets_take_the_cookie(served_locally: str) -> None:
    """A signed-in browser follows by SSE and WebSocket; a page of another origin cannot."""
    task_id = await new_task(user="somebody")
    async with httpx.AsyncClient(base_url=served_locally, timeout=20) as client:
        await signed_in(client)
        cookie = "; ".join(f"{name}={value}" for name, value in client.cookies.items())
        async with client.stream("GET", f"/api/v1/tasks/{task_id}/stream") as stream:
            assert stream.status_code == 200
    address = f"{served_locally.replace('http', 'ws')}/api/v1/ws/tasks/{task_id}"

    def opening(**headers: str) -> Any:
        return connect(address, additional_headers={"Cookie": cookie, **headers}, proxy=None)

    async with opening(Origin=served_locally) as socket:
        assert "task_queued" in str(await socket.recv())
    for origin in ("https://evil.example", "http://127.0.0.1:1", "null"):
        with pytest.raises(InvalidStatus) as refused:
            await opening(Origin=origin)
        assert refused.value.response.status_code == 403
