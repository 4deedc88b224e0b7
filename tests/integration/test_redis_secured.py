"""Redis behind TLS, as a user of its own: what docs/OPERATIONS.md says is enough. FAULTS=all."""

from __future__ import annotations

import asyncio
import re
import ssl
import subprocess
import sys
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from redis.asyncio import Redis

from embedded import EmbeddedRedis
from tests.e2e.faults.whole_set import WHOLE_SET
from tests.e2e.faults.worker_process import WorkerProcess
from tests.factories import new_task, pair, until
from tests.system_packages import need_program

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import asyncpg

GUIDE = Path(__file__).parents[2] / "docs/OPERATIONS.md"


def make_certificate(folder: Path) -> Path:
    """Return a certificate for loopback that signs itself; its key lies beside it."""
    certificate = folder / "redis.pem"
    subprocess.run(
        [
            *(
                need_program("openssl"),
                "req",
                "-x509",
                "-newkey",
                "rsa:2048",
                "-nodes",
                "-days",
                "2",
            ),
            *("-keyout", str(folder / "redis.key"), "-out", str(certificate)),
            *("-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"),
        ],
        check=True,
        capture_output=True,
    )
    return certificate


@asynccontextmanager
async def tls_before(port: int, certificate: Path) -> AsyncIterator[int]:
    """End TLS before a server that knows none; yields the port."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, certificate.with_suffix(".key"))

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with suppress(OSError):
                while chunk := await reader.read(65536):
                    writer.write(chunk)
                    await writer.drain()
        finally:
            writer.close()
        with suppress(OSError, ssl.SSLError):
            await writer.wait_closed()

    serving: set[asyncio.Task[Any]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        serving.add(task)
        inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(pump(reader, inner_writer), pump(inner_reader, writer))

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        if serving:  # nobody at all got in when no certificate was trusted
            _, left = await asyncio.wait(serving, timeout=1)
            for task in left:
                task.cancel()
            await asyncio.gather(*left, return_exceptions=True)


@pytest.mark.skipif(not WHOLE_SET, reason="with FAULTS=all (make chaos)")
async def test_a_confined_user_over_tls_is_enough(
    database: asyncpg.Connection, postgres_url: str, tmp_path: Path
) -> None:
    """With the guide's rights and address a worker takes a task to its end and tells it live."""
    guide = GUIDE.read_text()
    (rights,) = re.findall(r"^ACL SETUSER (.+)$", guide, re.MULTILINE)
    (form,) = re.findall(r"`rediss://roadmap:PASSWORD@host:6380(/\S+?)`", guide)
    certificate = make_certificate(tmp_path)
    with EmbeddedRedis(tmp_path) as server:
        admin: Any = Redis.from_url(server.url)
        words = rights.replace("PASSWORD", "secret").split()
        await admin.execute_command("ACL", "SETUSER", *words)
        plain = urlsplit(server.url).port
        assert plain is not None
        async with tls_before(plain, certificate) as port:
            query = form.replace("/etc/ssl/redis-ca.pem", str(certificate))
            url = f"rediss://roadmap:secret@127.0.0.1:{port}{query}"
            worker = WorkerProcess(
                name="secured",
                settings={
                    "DATABASE_URL": postgres_url,
                    "REDIS_URL": url,
                    "SAMPLE_LATENCY_S": "0",
                },
                log=tmp_path / "worker.log",
            )
            await asyncio.to_thread(worker.start)
            try:
                await asyncio.to_thread(worker.wait_ready)
                listening = admin.pubsub()
                await listening.psubscribe("task_progress:*")
                task = await new_task()
                code = (
                    "from worker import app;"
                    f"app.send_task('roadmap.generate', kwargs={{'task_id': '{task}'}})"
                )
                sending = await asyncio.create_subprocess_exec(
                    *(sys.executable, "-c", code),
                    env=worker._env,
                )
                assert await sending.wait() == 0

                async def done() -> bool:
                    return await pair(database, task) == ("completed",) * 2

                await until(done, within_s=40, what="the task")

                async def told() -> bool:
                    message = await listening.get_message(timeout=1)
                    return message is not None and b"task_completed" in bytes(
                        message["data"] if isinstance(message["data"], bytes) else b""
                    )

                await until(told, what="the task's end on its channel")
                assert not worker.logged("publishing_failed")
                await listening.aclose()
            finally:
                await asyncio.to_thread(worker.kill)
        await admin.aclose()
