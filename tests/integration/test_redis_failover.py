"""Redis with Sentinel behind deploy/haproxy.cfg, its primary killed. FAULTS=all."""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from redis.asyncio import Redis
from redis.exceptions import RedisError

from embedded import spawn_child, stop_child
from embedded.ports import free_port
from embedded.redis_binary import OLDEST, find_redis
from tests.e2e.faults.broker_side import foreign_app
from tests.e2e.faults.whole_set import WHOLE_SET
from tests.e2e.faults.worker_process import WorkerProcess
from tests.factories import until
from tests.integration.failing_over import begin_two, check_they_end
from tests.system_packages import need_program

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator

    import asyncpg

HAPROXY = Path(__file__).parents[2] / "deploy/haproxy.cfg"
PASSWORD = "secret"
SERVER = f"bind 127.0.0.1\nrequirepass {PASSWORD}\nmasterauth {PASSWORD}\nappendonly yes\nport "
SENTINEL = f"""bind 127.0.0.1
sentinel monitor roadmap 127.0.0.1 {{primary}} 1
sentinel auth-pass roadmap {PASSWORD}
sentinel down-after-milliseconds roadmap 1000
sentinel failover-timeout roadmap 5000
port {{own}}
"""


class Servers:
    """A primary, its replica, a Sentinel, and HAProxy before them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._program = str(find_redis(None, oldest=OLDEST).program)
        self.primary, self.replica, own, self.port = (free_port() for _ in range(4))
        self.running = {
            "primary": self._server("primary", f"{SERVER}{self.primary}\n"),
            "replica": self._server(
                "replica", f"{SERVER}{self.replica}\nreplicaof 127.0.0.1 {self.primary}\n"
            ),
            "sentinel": self._server(
                "sentinel", SENTINEL.format(primary=self.primary, own=own), "--sentinel"
            ),
            "haproxy": self._haproxy(),
        }

    @property
    def url(self) -> str:
        """The address that leads to the primary."""
        return f"redis://:{PASSWORD}@127.0.0.1:{self.port}/0"

    def _server(self, name: str, config: str, *options: str) -> subprocess.Popen[bytes]:
        folder = self._folder / name
        folder.mkdir()
        (folder / "redis.conf").write_text(config)
        command = [self._program, "redis.conf", *options]
        return spawn_child(command, cwd=folder, log=folder / "log")

    def _haproxy(self) -> subprocess.Popen[bytes]:
        here = self._folder / "haproxy.cfg"
        ports = {"6380": self.port, "6379": self.primary, "6378": self.replica}
        text = HAPROXY.read_text()
        for theirs, ours in ports.items():
            text = text.replace(f"127.0.0.1:{theirs}", f"127.0.0.1:{ours}")
        here.write_text(text)
        return spawn_child(
            [need_program("haproxy"), "-db", "-f", str(here)],
            env={**os.environ, "REDIS_PASSWORD": PASSWORD},
            log=self._folder / "haproxy.log",
        )

    async def leads_to(self, port: int) -> bool:
        """Tell whether the address leads to the server on that port, as a primary."""
        client: Redis = Redis.from_url(
            self.url, socket_timeout=1, socket_connect_timeout=1, decode_responses=True
        )
        try:
            role: Any = await client.role()
            config: Any = await client.config_get("port")
        except (RedisError, OSError):
            return False
        finally:
            await client.aclose()
        return (role[0], config["port"]) == ("master", str(port))


@contextmanager
def running(folder: Path) -> Iterator[Servers]:
    """Run them."""
    servers = Servers(folder)
    try:
        yield servers
    finally:
        for process in servers.running.values():
            stop_child(process, steps=[(signal.SIGTERM, 3.0)])


@pytest.mark.skipif(not WHOLE_SET, reason="with FAULTS=all (make chaos)")
async def test_a_failover_loses_nothing(
    database: asyncpg.Connection, postgres_url: str, tmp_path: Path
) -> None:
    """Running work goes on while a replica becomes the primary; what waits is rung for there."""
    with running(tmp_path) as servers:
        await until(lambda: servers.leads_to(servers.primary), what="the primary")
        settings = {"DATABASE_URL": postgres_url, "REDIS_URL": servers.url}
        worker = WorkerProcess(
            name="failing-over",
            settings={**settings, "SAMPLE_LATENCY_S": "0.5", "CONTENT_CONCURRENCY": "2"},
            log=tmp_path / "worker.log",
            concurrency=1,
        )
        await asyncio.to_thread(worker.start)
        app = foreign_app(servers.url)
        try:
            await asyncio.to_thread(worker.wait_ready)
            tasks = await begin_two(database, app)
            servers.running["primary"].kill()
            await until(lambda: servers.leads_to(servers.replica), what="the failover")
            await check_they_end(database, app, tasks, worker=worker)
        finally:
            app.close()
            await asyncio.to_thread(worker.kill)
