"""Runs functions that block in threads, so that the event loop goes on meanwhile.

A bounded number of them runs at once. Nothing can stop a thread: who waits for one may give up,
then the function runs on to its end, and nobody hears of what it returns. Such a thread gives its
place to others, as long as there are not too many such.
"""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import threading
from dataclasses import dataclass, field
from functools import partial
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, Final, ParamSpec, TypeVar

from prometheus_client import Gauge

from core.logging import get_logger
from core.loop_local import LoopLocal
from core.settings import get_settings
from core.time_limit import in_line

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

P = ParamSpec("P")
R = TypeVar("R")

log = get_logger(__name__)

CLOSE_S: Final = 2.0
LEFT: Final = Gauge(
    "roadmap_functions_left_behind",
    "Functions that still run in a thread though nobody waits for them any more.",
    multiprocess_mode="livesum",
)


@dataclass(slots=True, eq=False)
class _Job:
    """One call: what runs, in which context, and who waits."""

    run: Callable[[], Any]
    name: str
    future: asyncio.Future[Any]
    context: contextvars.Context = field(default_factory=contextvars.copy_context)
    left: bool = False
    """Nobody waits any more."""
    place_given: bool = False
    """It has given its place to others before its end."""


class Threads:
    """The threads of one event loop."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._most = get_settings().step_threads
        self._places = asyncio.Semaphore(self._most)
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._threads = self._idle = self._left = 0
        self._running: set[_Job] = set()

    async def run(self, function: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
        """Return what the function returns, or raise what it raises.

        When the caller is cancelled it stops waiting at once, and the function runs on.
        """
        with in_line():
            await self._places.acquire()
        name = getattr(function, "__qualname__", type(function).__name__)
        job = _Job(partial(function, *args, **kwargs), name, self._loop.create_future())
        self._begin(job)
        try:
            result: R = await job.future
        except asyncio.CancelledError:
            if not job.future.done() or job.future.cancelled():
                self._leave(job)
            raise
        return result

    async def close(self) -> None:
        """Wait a moment for what still runs, then let all threads end."""
        if self._running:
            await asyncio.wait(
                [asyncio.ensure_future(self._ended(job)) for job in self._running],
                timeout=CLOSE_S,
            )
        for job in self._running:
            log.warning("function_outlives_worker", function=job.name)
        self.let_go()

    def let_go(self) -> None:
        """Let all threads end as soon as they have nothing to do."""
        for _ in range(self._threads):
            self._jobs.put(None)

    async def _ended(self, job: _Job) -> None:
        while job in self._running:  # noqa: ASYNC110 - a thread tells, at the very end of a process
            await asyncio.sleep(0.02)

    def _begin(self, job: _Job) -> None:
        self._running.add(job)
        self._jobs.put(job)
        if self._idle:
            self._idle -= 1
            return
        self._threads += 1
        threading.Thread(target=self._work, name=f"step-{self._threads}", daemon=True).start()

    def _work(self) -> None:
        """Run in a thread: do one job after the other."""
        while (job := self._jobs.get()) is not None:
            result, error = None, None
            try:
                result = job.context.run(job.run)
            except BaseException as raised:  # noqa: BLE001 - whoever waits gets it
                error = raised
            try:
                self._loop.call_soon_threadsafe(self._end, job, result, error)
            except RuntimeError:
                return  # the loop is closed
            del job, result, error  # or the thread would keep them until its next job

    def _end(self, job: _Job, result: Any, error: BaseException | None) -> None:
        self._running.discard(job)
        self._idle += 1
        if job.left:
            self._left -= 1
            LEFT.dec()
            log.info("function_left_behind_ended", function=job.name)
        if not job.place_given:
            self._places.release()
        if job.future.done():
            return
        if error is None:
            job.future.set_result(result)
        elif isinstance(error, StopIteration):  # which no future takes
            told = RuntimeError("the function raised StopIteration")
            told.__cause__ = error  # it knows where
            job.future.set_exception(told)
        else:
            job.future.set_exception(error)

    def _leave(self, job: _Job) -> None:
        """Go on without a function, in the place of which another one may begin."""
        job.left = True
        log.warning("function_left_behind", function=job.name)
        LEFT.inc()
        if self._left < self._most:
            job.place_given = True
            self._places.release()
        self._left += 1


_threads: LoopLocal[Threads] = LoopLocal(Threads, on_discard=Threads.let_go)


async def in_thread(function: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
    """Run a function in a thread of the running loop's; context variables are its own copies."""
    return await _threads.get().run(function, *args, **kwargs)


async def call(function: Callable[..., Any], arguments: Mapping[str, Any]) -> Any:
    """Call a function; one that is no coroutine runs in a thread, so that the loop goes on."""
    if inspect.iscoroutinefunction(function):
        return await function(**arguments)
    value = await in_thread(function, **arguments)
    return await value if inspect.isawaitable(value) else value


async def close_threads() -> None:
    """Let the running loop's threads end; who takes longer than two seconds is left behind."""
    threads = _threads.pop()
    if threads is not None:
        await threads.close()
