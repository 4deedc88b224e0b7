"""The same client for programs without asyncio: scripts, notebooks, Django views, Celery tasks."""

from __future__ import annotations

import asyncio
import os
import threading
from concurrent.futures import CancelledError
from typing import TYPE_CHECKING, Any, Self, TypeVar

from roadmap_client.asking import Asking
from roadmap_client.client import RoadmapClient
from roadmap_client.errors import UnreachableError
from roadmap_client.following import PATIENCE_S
from roadmap_client.transport import checked

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Coroutine, Generator

    from roadmap_client.errors import RoadmapError
    from roadmap_client.models import Event

T = TypeVar("T")


class SyncRoadmapClient(Asking):
    """An API of roadmap-worker, for code that waits. Use it as `with`, from any thread.

    Methods, answers and errors are those of `RoadmapClient`, which does the work on an event loop
    in a thread of its own; so it serves code that a running loop calls, too. A forked child gets
    connections of its own with its first call.

    Args:
        api_url: Where the API is, as in `http://127.0.0.1:8000`.
        token: A bearer token; None for an API that asks for none.
        retries: How often a request that failed in passing is sent again.
    """

    def __init__(self, api_url: str, *, token: str | None = None, retries: int = 3) -> None:
        """Nothing is sent yet."""
        checked(api_url, token)  # here, and not in the thread that the first call begins
        self._api_url, self._token, self._retries = api_url, token, retries
        self._lock = threading.Lock()
        self._backstage: _Backstage | None = None

    @property
    def api_url(self) -> str:
        """Where the API is."""
        return self._api_url

    def move(self, api_url: str, *, token: str | None = None) -> None:
        """Go on with another address or token; a `follow` that is under way goes on there too."""
        checked(api_url, token)
        self._api_url, self._token = api_url, token
        backstage = self._there()
        backstage.loop.call_soon_threadsafe(lambda: backstage.client.move(api_url, token=token))

    def follow(
        self,
        task_id: str,
        *,
        after: int = 0,
        transient: bool = False,
        patience_s: float | None = PATIENCE_S,
        on_trouble: Callable[[RoadmapError | None], None] | None = None,
    ) -> Generator[Event]:
        """Yield a task's events in order, each once, live, until it has ended.

        See `RoadmapClient.follow`. Leaving the loop early closes the connection as soon as the
        generator is closed or forgotten. `on_trouble` is called in the client's own thread.
        """
        backstage = self._there()
        source = backstage.client.follow(
            task_id, after=after, transient=transient, patience_s=patience_s, on_trouble=on_trouble
        )
        try:
            while (event := backstage.run(_following(source))) is not None:
                yield event
        finally:
            if not backstage.closing:  # what a loop that ends is given is never answered
                backstage.run(source.aclose())

    def close(self) -> None:
        """Close the connections; another call opens them anew."""
        with self._lock:
            backstage, self._backstage = self._backstage, None
        if backstage is not None and backstage.is_here:
            backstage.close()

    def __enter__(self) -> Self:
        """Return the client."""
        return self

    def __exit__(self, *_error: object) -> None:
        """Close the connections."""
        self.close()

    def _run(self, ask: Callable[[RoadmapClient], Coroutine[Any, Any, T]]) -> T:
        backstage = self._there()
        return backstage.run(ask(backstage.client))

    def _there(self) -> _Backstage:
        """Return the thread that does the work; a forked child has none and gets its own."""
        with self._lock:
            if self._backstage is None or not self._backstage.is_here:
                self._backstage = _Backstage(self._api_url, self._token, self._retries)
            return self._backstage


class _Backstage:
    """An event loop in a thread of its own, with a client."""

    def __init__(self, api_url: str, token: str | None, retries: int) -> None:
        self.loop = asyncio.new_event_loop()
        self.closing = False
        self._pid = os.getpid()
        self._thread = threading.Thread(
            target=self.loop.run_forever, name="roadmap-client", daemon=True
        )
        self._thread.start()
        self.client = self.run(_made(api_url, token, retries))

    @property
    def is_here(self) -> bool:
        """Whether the thread is this process's: a fork copies everything but threads."""
        return self._pid == os.getpid()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Do the work over there and wait for what comes of it; Ctrl-C ends it there, too."""
        future = asyncio.run_coroutine_threadsafe(work, self.loop)
        try:
            return future.result()
        except CancelledError:
            raise UnreachableError("The client was closed meanwhile.") from None
        except BaseException:
            future.cancel()
            raise

    def close(self) -> None:
        """Close the client, then end the loop and its thread."""
        self.closing = True
        self.run(_end(self.client))
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.close()


async def _made(api_url: str, token: str | None, retries: int) -> RoadmapClient:
    return RoadmapClient(api_url, token=token, retries=retries)


async def _end(client: RoadmapClient) -> None:
    """Cancel what other threads still wait for, then close the connections."""
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    await client.aclose()


async def _following(source: AsyncGenerator[Event]) -> Event | None:
    """Return the next event, or None at the end: StopAsyncIteration cannot leave a coroutine."""
    return await anext(source, None)
