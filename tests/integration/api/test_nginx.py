"""deploy/nginx.conf in a real nginx before a real API: streams, sockets, and what it logs."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import subprocess
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Origin

from api.__main__ import WS_PING_S
from api.streams import HEARTBEAT_S
from core.settings import get_settings
from embedded import spawn_child
from embedded.ports import free_port
from tests.factories import ADMIN, new_task, until
from tests.integration.api.conftest import bearer
from tests.system_packages import need_program
from workflow.service import cancel_task

if TYPE_CHECKING:
    from collections.abc import Iterator

CONFIG = Path(__file__).parents[3] / "deploy/nginx.conf"
READ_TIMEOUT_S = 1
"""Of the proxy in these tests, so that they need not wait for a minute."""


@dataclass(frozen=True, slots=True)
class Nginx:
    """A running nginx."""

    address: str
    log: Path


@contextmanager
def proxying(upstream: str, folder: Path) -> Iterator[Nginx]:
    """Run our configuration on a free port; only addresses, paths and one time-out differ."""
    program = need_program("nginx")
    port = free_port()
    text = CONFIG.read_text()
    for ours, here in (
        ("server api:8000", f"server {upstream.removeprefix('http://')}"),
        ("listen 8080", f"listen 127.0.0.1:{port}"),
        ("/tmp/", f"{folder}/"),  # noqa: S108 - replaced by a folder of the test's own
        ("proxy_read_timeout 60s", f"proxy_read_timeout {READ_TIMEOUT_S}s"),
        ("worker_processes auto", "worker_processes 1"),
    ):
        assert ours in text
        text = text.replace(ours, here)
    (folder / "nginx.conf").write_text(text)
    user = "user root; " if os.geteuid() == 0 else ""  # or its workers could not enter the folder
    command = [program, "-p", str(folder), "-c", str(folder / "nginx.conf")]
    command += ["-g", f"{user}daemon off;"]
    checked = subprocess.run([*command, "-t"], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr
    log = folder / "nginx.log"
    process = spawn_child(command, log=log, death_signal=signal.SIGTERM)
    try:
        deadline = time.monotonic() + 10
        while not _answers(f"http://127.0.0.1:{port}"):
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline
        yield Nginx(f"http://127.0.0.1:{port}", log)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(10)


def _answers(address: str) -> bool:
    try:
        return httpx.get(f"{address}/metrics").status_code == 404
    except httpx.TransportError:
        return False


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


async def test_web_sockets_are_upgraded(nginx: Nginx) -> None:
    """The page's own origin passes the Origin check behind the proxy; another one does not."""
    task_id = await new_task()
    url = f"{nginx.address.replace('http', 'ws')}/api/v1/ws/tasks/{task_id}"
    with pytest.raises(InvalidStatus) as refused:
        async with connect(
            url, origin=Origin("http://elsewhere.example"), additional_headers=bearer(), proxy=None
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
