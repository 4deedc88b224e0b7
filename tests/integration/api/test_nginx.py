"""deploy/nginx.conf in a real nginx before a real API: streams, sockets, and what it logs."""

from __future__ import annotations

import asyncio
import re
import time
from typing import TYPE_CHECKING
from urllib.parse import urljoin

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Origin

from api.__main__ import WS_PING_S
from api.streams import HEARTBEAT_S
from core.settings import get_settings
from core.signin_codes import make_code
from tests.factories import ADMIN, new_task, until
from tests.integration.api.conftest import SECRET, bearer
from tests.nginx import CONFIG, READ_TIMEOUT_S, Nginx, proxying
from workflow.service import cancel_task

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def nginx(served: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Nginx]:
    """Nginx before a real API whose streams say something four times per read time-out."""
    monkeypatch.setattr("api.routes.events.HEARTBEAT_S", READ_TIMEOUT_S / 4)
    monkeypatch.setenv("ROADMAP_TRUSTED_PROXIES", "127.0.0.1")
    get_settings.cache_clear()
    with proxying(served, tmp_path) as running:
        yield running


def test_time_outs_leave_room_for_heartbeats() -> None:
    """A stream that says something in its usual rhythm is never cut: two may even be missing."""
    streams = CONFIG.read_text().split("location ~")[1].split("location /")[0]
    for name in ("proxy_read_timeout", "proxy_send_timeout", "send_timeout"):
        (seconds,) = re.findall(rf"^\s+{name} (\d+)s;", streams, re.MULTILINE)
        assert int(seconds) >= 3 * max(HEARTBEAT_S, WS_PING_S), name


async def test_server_sent_events_pass_unbuffered(nginx: Nginx) -> None:
    """Heartbeats keep a silent stream open; an event comes when it is committed, then the end."""
    task_id = await new_task()
    url = f"/api/v1/tasks/{task_id}/stream"
    async with (
        httpx.AsyncClient(base_url=nginx.address, headers=bearer(), timeout=20) as client,
        client.stream("GET", url) as stream,
    ):
        assert stream.headers["content-type"].startswith("text/event-stream")
        cancelled_at: float | None = None
        heartbeats, began, text = 0, time.monotonic(), ""
        async for chunk in stream.aiter_text():
            text += chunk
            heartbeats += chunk.count(": ping")
            if cancelled_at is None and time.monotonic() - began > 2.5 * READ_TIMEOUT_S:
                await cancel_task(task_id, actor=ADMIN)
                cancelled_at = time.monotonic()
    assert "event: task_cancelled" in text
    assert heartbeats >= 6
    assert cancelled_at is not None
    assert time.monotonic() - cancelled_at < 1, "it waited in a buffer"


async def test_web_sockets_are_upgraded(nginx: Nginx, served: str) -> None:
    """The page's own origin passes the Origin check behind the proxy; another one does not."""
    task_id = await new_task()
    url = f"{nginx.address.replace('http', 'ws')}/api/v1/ws/tasks/{task_id}"
    # the first time without nginx, which here waits for a second only
    for refusing in (url.replace(nginx.address[4:], served[4:]), url):
        with pytest.raises(InvalidStatus) as refused:
            async with connect(
                refusing,
                origin=Origin("http://elsewhere.example"),
                additional_headers=bearer(),
                proxy=None,
            ):
                pass
        assert refused.value.response.status_code == 403
    async with connect(
        url,
        origin=Origin(nginx.address),
        additional_headers=bearer(),
        proxy=None,
    ) as socket:
        assert '"task_queued"' in str(await socket.recv())
        await cancel_task(task_id, actor=ADMIN)
        async with asyncio.timeout(5):
            received = "".join([str(message) async for message in socket])
        assert socket.close_code == 1000
    assert '"task_cancelled"' in received


async def test_no_ticket_is_logged(nginx: Nginx, tmp_path: Path) -> None:
    """A request's line shows its path without the query, also when the API is away."""
    path = f"/api/v1/tasks/{await new_task()}/stream"
    async with httpx.AsyncClient(base_url=nginx.address) as client:
        refused = await client.get(f"{path}?ticket=canary-one")
        assert refused.status_code == 401
        assert refused.headers["content-type"] == "application/problem+json"
    nowhere = tmp_path / "nowhere"
    nowhere.mkdir()
    with proxying("http://127.0.0.1:1", nowhere) as alone:
        async with httpx.AsyncClient(base_url=alone.address) as client:
            gone = await client.get(f"{path}?ticket=canary-two")
        assert gone.status_code == 502

    async def logged() -> bool:
        lines = nginx.log.read_text() + alone.log.read_text()
        return lines.count(f'"path":"{path}"') == 2

    await until(logged)
    for log in (nginx.log, alone.log):
        assert "canary" not in log.read_text()


async def test_what_is_for_operators_stays_inside(nginx: Nginx) -> None:
    """Metrics and details of health are not for the world; readiness is for load balancers."""
    async with httpx.AsyncClient(base_url=nginx.address) as client:
        answers = {
            path: (await client.get(path)).status_code
            for path in ("/metrics", "/health", "/livez", "/readyz?exclude=workers")
        }
    assert [*answers.values()] == [404, 404, 200, 200]


@pytest.fixture(params=["taken off", "kept", "kept, by the setting"])
def below(
    request: pytest.FixtureRequest, served: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Nginx]:
    """Nginx that shows a real API below /learn."""
    by_setting = request.param == "kept, by the setting"
    monkeypatch.setenv("ROADMAP_TRUSTED_PROXIES", "127.0.0.1")
    monkeypatch.setenv("ROADMAP_API_ROOT_PATH", "/learn" if by_setting else "")
    get_settings.cache_clear()
    with proxying(
        served,
        tmp_path,
        below="" if by_setting else "/learn",
        taken_off=request.param == "taken off",
    ) as running:
        yield running


async def test_every_address_leads_below_the_sub_path(below: Nginx) -> None:
    """Location, Link, pages with their modules, the cookie and both kinds of streams."""
    async with httpx.AsyncClient(base_url=below.address, headers=bearer(), timeout=20) as client:
        await _pages_are_below(client)
        made = await client.post("/learn/api/v1/tasks", json={"goal": "Kites"})
        assert made.status_code == 202, made.text
        task = made.headers["location"]
        assert task.startswith("/learn/api/v1/tasks/")
        assert (await client.get(task)).status_code == 200
        await new_task(user="alice")
        listed = await client.get("/learn/api/v1/tasks?limit=1")
        following = listed.links["next"]["url"]
        assert following.startswith("/learn/api/v1/tasks?")
        assert (await client.get(following)).status_code == 200
        asked = {"task_id": made.json()["task_id"]}
        answer = await client.post("/learn/api/v1/stream-tickets", json=asked)
        ticket = answer.json()["ticket"]
    socket = f"{below.address.replace('http', 'ws')}/learn/api/v1/ws/tasks/{asked['task_id']}"
    async with connect(
        f"{socket}?ticket={ticket}", origin=Origin(below.address), proxy=None
    ) as opened:
        assert '"task_queued"' in str(await opened.recv())
    async with (
        httpx.AsyncClient(base_url=below.address, timeout=20) as client,
        client.stream("GET", f"{task}/stream?ticket={ticket}") as stream,
    ):
        assert stream.headers["content-type"].startswith("text/event-stream")
        assert "task_queued" in await anext(
            line async for line in stream.aiter_lines() if line.startswith("event: ")
        )


async def _pages_are_below(client: httpx.AsyncClient) -> None:
    home = await client.get("/learn/", headers={"X-Forwarded-Prefix": "/evil"})
    assert 'data-base="/learn"' in home.text, "a client has no say"
    waiting, seen = re.findall(r'(?:src|href)="(/[^"]*)"', home.text), set[str]()
    while waiting:
        address = waiting.pop()
        if address in seen:
            continue
        seen.add(address)
        assert address.startswith("/learn/"), address
        answer = await client.get(address)
        assert answer.status_code == 200, address
        if "javascript" in answer.headers["content-type"]:
            imported = re.findall(r'(?:from|import) "([./][^"]+)"', answer.text)
            waiting += [urljoin(address, found) for found in imported]
    assert any("/pages/home.all.js" in address for address in seen)
    signed_in = await client.get(f"/learn/signin?code={make_code(SECRET)}")
    assert signed_in.headers["location"] == "/learn/"
    assert "path=/learn;" in f"{signed_in.headers['set-cookie'].lower()};"
    for path, status in {"/metrics": 404, "/health": 404, "/livez": 200}.items():
        assert (await client.get(f"/learn{path}")).status_code == status
