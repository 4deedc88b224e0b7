"""Every spelling of a Redis address leads to the same server, for whatever of us connects."""

from __future__ import annotations

import asyncio
import gc
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from cli.probes import WorkerPing
from cli.service_checks import check_broker, check_redis
from core.settings import get_settings
from notifications.clients import redis_client
from tests.e2e.faults.broker_side import foreign_app
from tests.e2e.faults.whole_set import WHOLE_SET
from tests.e2e.faults.worker_process import WorkerProcess
from tests.integration.failing_over import begin_two, check_they_end
from tests.integration.sentinels import NAME, PASSWORD, Guarded, running_sentinels
from tests.integration.test_redis_secured import make_certificate, tls_before

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import asyncpg

CODED = quote(PASSWORD, safe="")
SPELLINGS = (
    "redis://:{coded}@127.0.0.1:{primary}/2",
    "redis://:{raw}@127.0.0.1:{primary}/2",
    "valkey://default:{coded}@localhost:{primary}?db=2",
    "redis-cli -u 'redis://default:{coded}@127.0.0.1:{primary}/2?protocol=3'",
    "127.0.0.1:{primary},password={raw},ssl=False,defaultDatabase=2,abortConnect=False",
    "unix://:{coded}@{socket}?db=2",
    "redis+socket://:{coded}@{socket}?virtual_host=2",
    "rediss://:{coded}@127.0.0.1:{tls}/2?ssl_ca_certs={certificate}&ssl_check_hostname=true",
    "rediss://:{coded}@127.0.0.1:{tls}/2?ssl_cert_reqs=CERT_NONE",
    "redis://:{coded}@127.0.0.1:{tls}/2?ssl=true&ssl_cert_reqs=none",
    "redis+sentinel://:{coded}@127.0.0.1:{sentinel}/{name}/2?sentinel_password=sentinels",
    (
        "sentinel://:{coded}@127.0.0.1:1;sentinel://:{coded}@127.0.0.1:{sentinel}/2"
        "?master_name={name}&sentinel_password=sentinels"
    ),
)


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    """A primary with a password full of traps, its replica and their Sentinel."""
    with running_sentinels(tmp_path_factory.mktemp("s")) as servers:
        yield servers


async def test_every_spelling_reaches_the_server(
    guarded: Guarded, settings_env: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Doctor, publisher and Celery say the same of the same address, and no secret."""
    certificate = make_certificate(tmp_path)
    async with tls_before(guarded.primary, certificate) as tls:
        for spelling in SPELLINGS:
            url = spelling.format(
                coded=CODED,
                raw=PASSWORD,
                name=NAME,
                socket=guarded.socket,
                certificate=certificate,
                tls=tls,
                primary=guarded.primary,
                sentinel=guarded.sentinel,
            )
            settings_env.setenv("ROADMAP_REDIS_URL", url)
            get_settings.cache_clear()
            settings = get_settings()
            known = settings.redis_url.get_secret_value()
            async with redis_client(known, socket_timeout=5, protocol=2) as client:
                await client.set("seen", spelling)
                assert (await client.client_info())["db"] == 2, spelling
            found = await asyncio.to_thread(check_redis, known, name="Redis")
            found += await asyncio.to_thread(check_broker, settings.broker)
            assert all(each.ok for each in found if each.required), (spelling, found)
            assert await asyncio.to_thread(_answering, settings.broker) == set(), spelling
            for secret in (PASSWORD, CODED, "sentinels"):
                assert secret not in repr((settings, found))


WRONG = (
    "redis://:wrong-secret@127.0.0.1:{primary}/2",
    "rediss://:{coded}@127.0.0.1:{tls}/2",
    "redis+sentinel://:{coded}@127.0.0.1:{sentinel}/other/2?sentinel_password=sentinels",
    "redis+sentinel://:{coded}@127.0.0.1:{sentinel}/{name}/2?sentinel_password=no-such",
    "amqp://guest:wrong-secret@127.0.0.1:1//",
)


# a server of asyncio leaves a connection unclosed whose certificate the client refused
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
async def test_what_cannot_be_reached_is_told(
    guarded: Guarded, settings_env: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Doctor and Celery are of one opinion about what does not work, too; no secret is shown."""
    async with tls_before(guarded.primary, make_certificate(tmp_path)) as tls:
        for spelling in WRONG:
            url = spelling.format(
                coded=CODED,
                name=NAME,
                tls=tls,
                primary=guarded.primary,
                sentinel=guarded.sentinel,
            )
            settings_env.setenv("ROADMAP_BROKER_URL", url)
            get_settings.cache_clear()
            found = await asyncio.to_thread(check_broker, get_settings().broker)
            assert [each.ok for each in found] == [False], (spelling, found)
            with pytest.raises(OSError, match=r"\w") as caught:
                await asyncio.to_thread(_answering, get_settings().broker)
            for secret in (PASSWORD, CODED, "sentinels", "wrong-secret", "no-such"):
                assert secret not in repr((found, caught.value)), spelling
    gc.collect()  # else they are found later, where nobody expects them


def _answering(broker_url: str) -> set[str]:
    """Ask over the broker which workers there are, as `up` and doctor do."""
    ping = WorkerPing(broker_url, timeout_s=0.1)
    try:
        return ping.answering()
    finally:
        ping.close()


@pytest.mark.skipif(not WHOLE_SET, reason="with FAULTS=all (make chaos)")
async def test_a_failover_by_sentinel_loses_nothing(
    database: asyncpg.Connection, postgres_url: str, tmp_path: Path
) -> None:
    """A worker whose broker and Redis are named by a Sentinel goes on with the new primary."""
    with running_sentinels(tmp_path) as servers:
        url = (
            f"redis+sentinel://:{CODED}@127.0.0.1:{servers.sentinel}/{NAME}/0"
            "?sentinel_password=sentinels"
        )
        worker = WorkerProcess(
            name="by-sentinel",
            settings={
                "DATABASE_URL": postgres_url,
                "REDIS_URL": url,
                "SAMPLE_LATENCY_S": "0.5",
                "CONTENT_CONCURRENCY": "2",
            },
            log=tmp_path / "worker.log",
            concurrency=1,
        )
        await asyncio.to_thread(worker.start)
        app: Any = None
        try:
            await asyncio.to_thread(worker.wait_ready)
            app = foreign_app(f"redis://:{CODED}@127.0.0.1:{servers.primary}/0")
            tasks = await begin_two(database, app)
            servers.running["primary"].kill()
            await asyncio.to_thread(servers.wait_for, servers.replica)
            app.close()
            app = foreign_app(f"redis://:{CODED}@127.0.0.1:{servers.replica}/0")
            await check_they_end(database, app, tasks, worker=worker)
        finally:
            if app is not None:
                app.close()
            await asyncio.to_thread(worker.kill)
