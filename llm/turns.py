"""Decides when a request may be sent to the provider; waiting requests take turns by user.

One background task per event loop lets requests go. A request needs a slot (LLM_MAX_CONCURRENCY),
a share of LLM_REQUESTS_PER_MINUTE and LLM_TOKENS_PER_MINUTE, and a provider that has not just
answered "too many requests" to any process. All of that is shared with the other processes by the
`Cluster`; while that cannot be reached, each process goes on with its last known share.
"""

from __future__ import annotations

import asyncio
import hashlib
import random
import time
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from prometheus_client import Counter, Gauge

from core import timeouts
from core.logging import get_logger
from core.time_limit import in_line
from llm.backoff import Backoff
from llm.cluster import ClusterAwayError, Standing
from llm.fair import FairQueue
from llm.presets import base_url_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from core.settings import Settings
    from llm.cluster import Cluster
    from llm.rates import Hit, Rates

log = get_logger(__name__)

WAITING: Final = Gauge(
    "roadmap_llm_waiting", "Requests that wait for their turn.", multiprocess_mode="livesum"
)
RUNNING: Final = Gauge(
    "roadmap_llm_running", "Requests that have their turn.", multiprocess_mode="livesum"
)
SLOWDOWNS: Final = Counter(
    "roadmap_llm_slowdowns_total", "Times the provider sent requests away, told or heard of."
)

PER_PROCESS: Final = 64
"""Calls at a time in one process when LLM_MAX_CONCURRENCY is not given."""
POLL_S: Final = 0.02
LISTEN_S: Final = 0.05
"""A call waits so long, once, for a Redis that does not answer; the limits' own guard is longer."""
RENEW_S: Final = 3.0
"""A held slot is told again this often; the cluster forgets it after about three times that."""


def scope_of(settings: Settings) -> str:
    """Return a name for the provider's model, which the limits belong to; it holds no secret."""
    asked = f"{base_url_of(settings)} {settings.llm_model}"
    return hashlib.sha256(asked.encode()).hexdigest()[:16]


@dataclass(eq=False, slots=True)
class _Waiter:
    tokens: int
    turn: asyncio.Future[int] = field(default_factory=asyncio.Future)


class Turns:
    """One event loop's line for the provider."""

    def __init__(self, settings: Settings, *, cluster: Cluster | None = None) -> None:
        """Take the limits from the settings; without a cluster they hold for this process."""
        self._settings = settings
        self._limit = settings.llm_max_concurrency
        self._cluster = cluster
        self._others = settings.database_processes if cluster else 1
        self._backoff = Backoff(self._limit or PER_PROCESS)
        self._line: FairQueue[_Waiter] = FairQueue()
        self._held = 0
        self._spare = 0
        self._told = 0
        self._told_at = 0.0
        self._slowdown = 0
        self._changed = asyncio.Event()
        self._server: asyncio.Task[None] | None = None
        self._telling: set[asyncio.Task[None]] = set()
        self._listening: asyncio.Task[None] | None = None
        self._shared_rates: Rates | None = None
        self._own_rates: tuple[int, Rates] | None = None

    @asynccontextmanager
    async def turn(self, *, user: str, tokens: int) -> AsyncIterator[Turn]:
        """Wait for a turn and keep its slot for as long as the block runs.

        Args:
            user: Whose request it is; users take turns.
            tokens: What it is expected to cost.
        """
        waiter = _Waiter(tokens)
        self._line.push(user, waiter)
        WAITING.inc()
        self._wake()
        try:
            with in_line():
                epoch = await waiter.turn
        except asyncio.CancelledError:
            if not self._line.discard(user, waiter) and not waiter.turn.cancelled():
                self._give_back()  # the turn was given in the moment of the cancellation
            raise
        finally:
            WAITING.dec()
        try:
            yield Turn(self, epoch)
            if epoch == self._backoff.epoch:
                self._backoff.succeed()
        finally:
            self._give_back()

    def settle(self, *, expected: int, used: int) -> None:
        """Tell what a call really took, so that the rate of tokens is right in the end."""
        for rates in (self._shared_rates, self._own_rates and self._own_rates[1]):
            if rates is not None:
                rates.settle(expected=expected, used=used)

    async def aclose(self) -> None:
        """Stop the background task and give everything back to the cluster."""
        for task in (self._server, self._listening, *self._telling):
            if task is not None:
                task.cancel()
                await asyncio.wait({task})
        if self._cluster is not None:
            await self._cluster.leave()

    def refused(self, epoch: int, *, retry_after_s: float | None) -> None:
        """Slow down, and tell the others, because the provider sent a request away."""
        pause_s = retry_after_s or 0.0
        if epoch != self._backoff.epoch:
            self._backoff.pause(pause_s)
            return
        SLOWDOWNS.inc()
        self._backoff.slow_down(running=self._held, pause_s=pause_s)
        log.info("provider_calls_slowed_down", allowed=self._backoff.window, pause_s=pause_s)
        if self._cluster is not None:
            task = asyncio.create_task(self._tell(self._cluster, pause_s), name="llm-slowdown")
            self._telling.add(task)
            task.add_done_callback(self._telling.discard)

    async def _tell(self, cluster: Cluster, pause_s: float) -> None:
        try:
            self._slowdown = await cluster.slow_down(seen=self._slowdown, pause_s=pause_s)
        except ClusterAwayError:
            log.debug("slowdown_sharing_failed")

    def _give_back(self) -> None:
        self._held -= 1
        RUNNING.dec()
        self._wake()

    def _wake(self) -> None:
        self._changed.set()
        if self._server is None or self._server.done():
            self._server = asyncio.create_task(self._serve(), name="llm-turns")

    async def _serve(self) -> None:
        """Hand out turns for as long as anybody waits or has one."""
        while self._line or self._held or self._told:
            self._changed.clear()
            try:
                wait_s = await self._round()
            except Exception:
                log.exception("turns_failed")  # nobody may wait for ever because of it
                wait_s = 1.0
            await self._idle(wait_s)

    async def _round(self) -> float:
        """Hand out what can be handed out now; return when to look again."""
        self._spare = min(self._spare, len(self._line))
        room = self._backoff.allowed() - self._held
        want = max(0, min(len(self._line), room) - self._spare)
        if want or self._must_tell():
            self._spare += await self._ask(want)
        while self._line and self._spare and self._held < self._backoff.allowed():
            if wait_s := await self._rate(self._line.peek().tokens):
                return wait_s
            if not self._line:  # who waited has left in the meantime
                break
            waiter = self._line.pop()
            self._spare -= 1
            self._held += 1
            RUNNING.inc()
            waiter.turn.set_result(self._backoff.epoch)
        full = self._held >= (self._limit or PER_PROCESS)
        return RENEW_S if full or not self._line else POLL_S * random.uniform(0.5, 1.5)  # noqa: S311

    async def _idle(self, wait_s: float) -> None:
        """Wait until somebody comes or goes, or for so long."""
        with suppress(TimeoutError):
            async with timeouts.timeout(wait_s):
                await self._changed.wait()

    def _must_tell(self) -> bool:
        """Whether the cluster's idea of this process's slots is wrong, or about to be forgotten."""
        if self._cluster is None or self._limit is None:
            return False
        has = self._held + self._spare
        return has < self._told or (has > 0 and time.monotonic() - self._told_at > RENEW_S)

    async def _ask(self, want: int) -> int:
        """Return how many further calls may begin, of those that are wanted."""
        held = self._held + self._spare
        if self._limit is None:  # no limit over all processes: no call has to wait for the others
            await self._listen()
            held = self._held + self._spare
            return max(0, min(want, self._backoff.allowed() - held))
        if self._cluster is not None:
            try:
                standing = await self._cluster.exchange(held=held, want=want, limit=self._limit)
            except ClusterAwayError:
                self._told = 0
            else:
                self._told = held + standing.granted
                self._told_at = time.monotonic()
                return self._heard(standing)
        share = self._limit // self._others
        return max(0, min(want, max(1, share) - held))

    async def _listen(self) -> None:
        """Hear from the cluster whether the provider sends requests away; never wait for it long.

        What comes later than that is heard in the background.
        """
        if self._cluster is None or self._listening is not None:
            return

        async def hear(cluster: Cluster) -> None:
            with suppress(ClusterAwayError):
                self._heard(await cluster.exchange(held=0, want=0, limit=None))

        def heard(_task: asyncio.Task[None]) -> None:
            self._listening = None
            self._changed.set()

        self._listening = asyncio.create_task(hear(self._cluster), name="llm-listener")
        self._listening.add_done_callback(heard)
        await asyncio.wait({self._listening}, timeout=LISTEN_S)

    def _heard(self, standing: Standing) -> int:
        self._others = standing.processes
        if standing.slowdown not in {0, self._slowdown}:
            self._slowdown = standing.slowdown
            SLOWDOWNS.inc()
            self._backoff.slow_down(running=max(1, self._held), pause_s=standing.pause_s)
        elif standing.pause_s:
            self._backoff.pause(standing.pause_s)
        return min(standing.granted, max(0, self._backoff.allowed() - self._held - self._spare))

    async def _rate(self, tokens: int) -> float:
        """Take a request under the rates; return when to ask again, or 0."""
        settings = self._settings
        if not settings.llm_requests_per_minute and not settings.llm_tokens_per_minute:
            return 0.0
        if self._cluster is not None:
            try:
                if self._shared_rates is None:
                    self._shared_rates = self._rates(share=1, hit=self._cluster.hit)
                return await self._shared_rates.take(tokens)
            except ClusterAwayError:
                pass
        if self._own_rates is None or self._own_rates[0] != self._others:
            self._own_rates = (self._others, self._rates(share=self._others))
        return await self._own_rates[1].take(tokens)

    def _rates(self, *, share: int, hit: Hit | None = None) -> Rates:
        # `limits` is imported only where a rate is set: that takes a quarter of a second
        from llm.rates import Rates

        def part(whole: int) -> int:
            return max(1, whole // share) if whole else 0

        return Rates(
            scope=scope_of(self._settings),
            requests=part(self._settings.llm_requests_per_minute),
            tokens=part(self._settings.llm_tokens_per_minute),
            hit=hit,
        )


class Turn:
    """A request's turn, while it runs."""

    def __init__(self, turns: Turns, epoch: int) -> None:
        self._turns = turns
        self._epoch = epoch

    def refused(self, *, retry_after_s: float | None) -> None:
        """Say that the provider answered "too many requests", and how long it asked to wait."""
        self._turns.refused(self._epoch, retry_after_s=retry_after_s)
