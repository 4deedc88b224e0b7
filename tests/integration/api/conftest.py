"""The API in this loop without a network, and the API on a port with a loop of its own."""

from __future__ import annotations

import threading
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import uvicorn

from api.__main__ import SERVER
from api.app import create_app
from core.settings import get_settings
from core.tokens import mint_token
from notifications.publisher import stop_publishing
from tests.broker import use_broker

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    import asyncpg
    from redis.asyncio import Redis

SECRET = "a-signing-secret-of-the-api-tests-only"
HERE = "http://127.0.0.1:8000"


def bearer(
    user: str = "alice", *, role: str | None = None, ttl_s: float = 6 * 3600
) -> dict[str, str]:
    """Return the header of a user's token, valid for as long as a run of all tests may take.

    Many are made when test files are read, long before they are used.
    """
    return {"Authorization": f"Bearer {mint_token(SECRET, user=user, role=role, ttl_s=ttl_s)}"}


@asynccontextmanager
async def in_process() -> AsyncIterator[httpx.AsyncClient]:
    """Run the application in this loop."""
    asgi = create_app()
    transport = httpx.ASGITransport(app=asgi)
    async with (
        asgi.router.lifespan_context(asgi),
        httpx.AsyncClient(transport=transport, base_url=HERE) as client,
    ):
        yield client


@pytest.fixture(scope="module", autouse=True)
def broker(redis_url: str) -> None:
    """Celery's application was imported before there was a Redis: point it there."""
    use_broker(redis_url)


@pytest.fixture(autouse=True)
async def _own_publisher() -> AsyncIterator[None]:
    """Close what the test's own commits opened in its loop to publish them."""
    yield
    await stop_publishing()


@pytest.fixture
def jwt_mode(settings_env: pytest.MonkeyPatch) -> None:
    """Only bearer tokens are let in."""
    settings_env.setenv("ROADMAP_AUTH", "jwt")
    settings_env.setenv("ROADMAP_AUTH_SECRET", SECRET)
    get_settings.cache_clear()


@pytest.fixture
async def anonymous(
    database: asyncpg.Connection, redis: Redis, jwt_mode: None
) -> AsyncIterator[httpx.AsyncClient]:
    """A client without credentials, in `jwt` mode."""
    async with in_process() as client:
        yield client


@pytest.fixture
async def alice(anonymous: httpx.AsyncClient) -> httpx.AsyncClient:
    """Alice's client."""
    anonymous.headers.update(bearer("alice"))
    return anonymous


@pytest.fixture
async def local(database: asyncpg.Connection, redis: Redis) -> AsyncIterator[httpx.AsyncClient]:
    """A client without credentials, in `local` mode."""
    async with in_process() as client:
        yield client


@contextmanager
def serving(**options: Any) -> Iterator[str]:
    """Run the application on a port of its own; yields its address."""
    here = {"port": 0, "loop": "asyncio", "timeout_graceful_shutdown": 3}
    server = uvicorn.Server(uvicorn.Config(create_app(), **{**SERVER, **here, **options}))
    thread = threading.Thread(target=server.run, name="api")
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive(), "the server did not start"
            threading.Event().wait(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(10)
        assert not thread.is_alive(), "the server did not stop"


@pytest.fixture
def served(database: asyncpg.Connection, redis: Redis, jwt_mode: None) -> Iterator[str]:
    """The address of a server in `jwt` mode."""
    with serving() as address:
        yield address


@pytest.fixture
async def viewer(served: str) -> AsyncIterator[httpx.AsyncClient]:
    """Alice's client of that server."""
    timeout = httpx.Timeout(20)
    async with httpx.AsyncClient(base_url=served, headers=bearer(), timeout=timeout) as client:
        yield client
