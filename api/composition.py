"""What the API is made of at run time, and how it is started and stopped."""

from __future__ import annotations

import asyncio
import signal
import threading
import time
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from api.denials import DenyList
from api.limits import RequestLimit
from api.middleware import tidy_server_logs
from core.logging import configure_logging, get_logger
from core.resources import Resource, Resources
from core.settings import get_settings
from notifications.clients import check_willing, redis_client
from notifications.hub import Hub
from watching import feed
from wiring.api import api_resources

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
    from types import FrameType

    from fastapi import FastAPI
    from redis.asyncio import Redis
    from starlette.requests import HTTPConnection

log = get_logger(__name__)

GUARD_S: Final = 2.0
"""No probe takes longer, whatever hangs."""


@dataclass(slots=True)
class Services:
    """What lives as long as the application."""

    hub: Hub
    redis: Redis
    limit: RequestLimit
    denied: DenyList = field(default_factory=DenyList)
    started: float = field(default_factory=time.monotonic)
    _checks: dict[str, asyncio.Task[dict[str, Any]]] = field(default_factory=dict)

    async def ping_redis(self) -> dict[str, Any]:
        """Ask Redis for an answer, and whether it takes what is written."""
        await check_willing(self.redis)
        return {"status": "up"}

    async def probe(
        self, name: str, check: Callable[[], Awaitable[dict[str, Any]]]
    ) -> dict[str, Any]:
        """Return what a check says, or `down` when it fails or takes longer than 2 s.

        A check that hangs is left to its own time-outs; until it ends, probes join it instead of
        taking one more connection each.
        """
        task = self._checks.get(name)
        if task is None or task.done():
            task = self._checks[name] = asyncio.ensure_future(_checked(name, check))
        done, _pending = await asyncio.wait({task}, timeout=GUARD_S)
        return task.result() if done else {"status": "down", "error": "no answer"}

    async def end_probes(self) -> None:
        """Leave the checks that hang."""
        for task in self._checks.values():
            task.cancel()
        await asyncio.gather(*self._checks.values(), return_exceptions=True)

    def own(self) -> list[Resource]:
        """List what is opened for the HTTP layer alone."""
        return [
            Resource("request limit", close=self.limit.aclose),
            Resource("probes", close=self.end_probes),
            Resource("deny-list", open=self.denied.start, close=self.denied.aclose),
        ]


async def _checked(name: str, check: Callable[[], Awaitable[dict[str, Any]]]) -> dict[str, Any]:
    try:
        return await check()
    except Exception as error:  # noqa: BLE001 - whatever it is, the part is down
        from core.refusals import refusal  # late: a healthy API never needs it

        why = refusal(error)
        log.warning("probe_failed", part=name, error=type(error).__name__, why=why)
        return {"status": "down", "error": type(error).__name__} | ({"why": why} if why else {})


def services_of(connection: HTTPConnection) -> Services:
    """Return the services of the application that handles a request."""
    services: Services = connection.app.state.services
    return services


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Start what the API needs, in the loop that serves it, and stop it in the same loop."""
    configure_logging(get_settings())
    tidy_server_logs()
    services = app.state.services = _services()
    async with Resources() as resources:
        await resources.open(api_resources(services.hub, services.redis, services.own()))
        with _streams_end_on_signals():
            yield


def _services() -> Services:
    settings = get_settings()
    url = settings.redis_url.get_secret_value()
    return Services(
        hub=Hub(url),
        redis=redis_client(
            url,
            socket_timeout=1.0,
            socket_connect_timeout=1.0,
            max_connections=4,
            client_name="roadmap-api",
            decode_responses=True,
        ),
        limit=RequestLimit(
            url,
            per_minute=settings.user_requests_per_minute,
            tickets_per_minute=settings.user_tickets_per_minute,
        ),
    )


@contextmanager
def _streams_end_on_signals() -> Iterator[None]:
    """End streams as soon as the server is told to stop.

    A server waits for open connections before it ends the lifespan; endless streams would keep
    it waiting for ever. Its own handlers still run, first.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # signals are the main thread's business
        return
    loop = asyncio.get_running_loop()
    previous = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def handle(number: int, frame: FrameType | None) -> None:
        before = previous[signal.Signals(number)]
        if callable(before):
            before(number, frame)
        with suppress(RuntimeError):  # the loop is closed already
            loop.call_soon_threadsafe(feed.stop)

    for number in previous:
        signal.signal(number, handle)
    try:
        yield
    finally:
        for number, before in previous.items():
            if signal.getsignal(number) is handle:
                signal.signal(number, before)
