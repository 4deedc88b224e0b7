"""A task's events, in order, each once, through cut connections and restarts of the API."""

from __future__ import annotations

import asyncio
import json
import time
from typing import TYPE_CHECKING, Any, Final

import httpx
from httpx_sse import SSEError, aconnect_sse
from pydantic import ValidationError

from roadmap_client.answer import TERMINAL_STATUSES
from roadmap_client.errors import (
    ProblemError,
    RoadmapError,
    ServerError,
    TooManyRequestsError,
    UnexpectedAnswerError,
    UnreachableError,
)
from roadmap_client.models import Event, EventPage
from roadmap_client.paths import BASE
from roadmap_client.transport import (
    FIRST_PAUSE_S,
    LONGEST_HINT_S,
    LONGEST_PAUSE_S,
    absent,
    is_absent,
    jittered,
    problem,
    unreachable,
)

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from roadmap_client.transport import Transport

PATIENCE_S: Final = 300.0
SILENCE_S: Final = 60.0
"""Longer than the stream's heartbeat; a stream silent for this long is dead."""
POLL_WAIT_S: Final = 20.0
STREAM_TRIES: Final = 3
"""Streams in a row that brought nothing, before long polls take over."""
POLLS: Final = 15
"""Long polls before a stream is tried again."""
LASTING_S: Final = 5.0
"""What was open for this long works, also when nothing happened meanwhile."""
_NO_CONTENT: Final = 204


class _Gap(Exception):  # noqa: N818 - not an error: a reason to ask the log
    """The stream left something out."""


class Follower:
    """Follows one task: by the stream (SSE), or by long polls where no stream comes through.

    Args:
        transport: The API.
        task_id: The task.
        after: The last event already known; 0 for all.
        transient: Pass on transient events too (`content_delta`), as they come.
        patience_s: How long the API may be away before this gives up; None for ever.
        on_trouble: Told what is wrong while the API is away, and None when it is back.
    """

    def __init__(
        self,
        transport: Transport,
        task_id: str,
        *,
        after: int = 0,
        transient: bool = False,
        patience_s: float | None = PATIENCE_S,
        on_trouble: Callable[[RoadmapError | None], None] | None = None,
    ) -> None:
        self.after = after
        self._transport = transport
        self._task = f"{BASE}/tasks/{task_id}"
        self._transient = transient
        self._patience_s = patience_s
        self._on_trouble = on_trouble or (lambda _error: None)
        self._barren = 0
        self._polled = 0
        self._gap = False
        self._met = False
        self._trouble_since: float | None = None

    async def events(self) -> AsyncGenerator[Event]:
        """Yield each event after the known one, until nothing follows a terminal one.

        Raises:
            ProblemError: The task does not exist, or the token was refused.
            UnreachableError: The API stayed away for `patience_s`.
        """
        pause_s = FIRST_PAUSE_S
        while True:
            began, wanted_s = time.monotonic(), 0.0
            source = self._once()
            try:
                async for event in source:
                    pause_s = FIRST_PAUSE_S
                    yield event
                    if event.terminal and await self._nothing_follows():
                        return
                if await self._is_over():
                    return
            except _Gap:
                self._gap = True  # the log knows whether there is such an event
            except RoadmapError as error:
                self._endure(error)
                wanted_s = _wanted_pause_s(error)
            finally:
                await source.aclose()
            if time.monotonic() - began > LASTING_S:
                pause_s, self._barren = FIRST_PAUSE_S, 0
            await asyncio.sleep(max(jittered(pause_s), wanted_s))
            pause_s = min(LONGEST_PAUSE_S, pause_s * 2)

    def _once(self) -> AsyncGenerator[Event]:
        polls = self._barren >= STREAM_TRIES and self._polled < POLLS
        if self._gap or polls:
            self._polled += 1
            return self._poll()
        self._polled = 0
        return self._stream()

    async def _stream(self) -> AsyncGenerator[Event]:
        self._barren += 1
        timeout = httpx.Timeout(10.0, read=SILENCE_S)
        try:
            async with aconnect_sse(
                self._transport.http,
                "GET",
                f"{self._task}/stream",
                params={"after": self.after},
                timeout=timeout,
            ) as source:
                if source.response.is_error:
                    await source.response.aread()
                    if self._met and is_absent(source.response):
                        raise absent(self._transport.api_url, source.response)
                    raise problem(source.response)
                self._heard()
                if source.response.status_code == _NO_CONTENT:
                    return
                async for message in source.aiter_sse():
                    self._heard()
                    if message.data and (event := self._next(_parse(message.data))):
                        self._barren = 0
                        yield event
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise unreachable(self._transport.api_url, error) from error
        except SSEError as error:
            raise UnexpectedAnswerError(str(error)) from error

    async def _poll(self) -> AsyncGenerator[Event]:
        for event in await self._page(wait_s=0 if self._gap else POLL_WAIT_S):
            if self._gap and event.seq is not None:
                self.after = event.seq - 1  # what the log has not was purged: it will not come
            self._gap = False
            if following := self._next(event):
                yield following
        self._gap = False

    async def _page(self, *, wait_s: float) -> list[Event]:
        answer = await self._transport.call(
            "GET",
            f"{self._task}/events",
            params={"after": self.after, "wait": wait_s},
            timeout=httpx.Timeout(wait_s + 15.0, connect=5.0),
        )
        self._heard()
        try:
            return EventPage.model_validate(answer).events
        except ValidationError as error:
            raise UnexpectedAnswerError(str(error)) from error

    def _next(self, event: Event) -> Event | None:
        """Return the event if it is the next one, or a transient one that is wanted.

        Raises:
            _Gap: One before it is missing.
        """
        if event.seq is None:
            return event if self._transient else None
        if event.seq <= self.after:
            return None
        if event.seq != self.after + 1:
            raise _Gap
        self.after = event.seq
        return event

    async def _is_over(self) -> bool:
        """Tell whether a stream ended because the task had ended before `after`."""
        task = await self._transport.call("GET", self._task)
        return task.get("status") in TERMINAL_STATUSES and await self._nothing_follows()

    async def _nothing_follows(self) -> bool:
        """Tell whether the known events are all: after a terminal one a retry may go on."""
        return not await self._page(wait_s=0)

    def _heard(self) -> None:
        self._met = True
        if self._trouble_since is not None:
            self._trouble_since = None
            self._on_trouble(None)

    def _endure(self, error: RoadmapError) -> None:
        """Return when it is worth trying again, raise when it is not."""
        passing = isinstance(error, ServerError | TooManyRequestsError)
        if isinstance(error, ProblemError) and not passing:
            raise error
        now = time.monotonic()
        self._trouble_since = now if self._trouble_since is None else self._trouble_since
        away_s = now - self._trouble_since
        if self._patience_s is not None and away_s > self._patience_s:
            raise UnreachableError(
                f"The API at {self._transport.api_url} has not answered for {away_s:.0f} s: {error}"
            ) from error
        self._on_trouble(error)


def _wanted_pause_s(error: RoadmapError) -> float:
    """Return how long an answer asks to stay away; the answer to what comes next may ask again."""
    wanted_s = error.retry_after_s if isinstance(error, ProblemError) else None
    return min(LONGEST_HINT_S, wanted_s or 0.0)


def _parse(data: str) -> Event:
    try:
        document: Any = json.loads(data)
        return Event.model_validate(document)
    except ValueError as error:  # pydantic's is one too
        raise UnexpectedAnswerError(f"An event cannot be read: {error}") from error
