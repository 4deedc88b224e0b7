"""One event loop per process, in a thread of its own, on which all workflows run."""

from __future__ import annotations

import asyncio
import concurrent.futures
import os
import sys
import threading
from typing import TYPE_CHECKING, Any, Final, NoReturn, TypeVar

from core.logging import get_logger
from core.loop_local import ProcessLocal
from core.resources import Resource, Resources

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

log = get_logger(__name__)
R = TypeVar("R")

START_S: Final = 30.0
ENDED: Final = 70
"""What a process ends with whose event loop somebody's code has ended: an error inside."""
HANDOVER_S: Final = 0.001
"""How long a thread that works lets others wait. Python's own 5 ms are what the loop and the thread
that takes messages wait for each other, message by message; and what functions that compute in
threads, many at a time, keep the loop from its heartbeats."""
DRAIN_S: Final = 15.0
"""How long a caller that gives up waits for its coroutine to end."""

opening: Final[list[Resource]] = []
"""The parts of a process, opened in its new loop in this order; filled by the layers above."""


class ProcessLoop:
    """An event loop in a daemon thread; what it has open is opened and closed in it."""

    def __init__(self) -> None:
        self._started: concurrent.futures.Future[None] = concurrent.futures.Future()
        self._loop = _new_loop()
        self._turns = False
        """Whether it is to go on."""
        sys.setswitchinterval(HANDOVER_S)
        self._thread = threading.Thread(target=self._run, name="event-loop", daemon=True)
        self._thread.start()
        self._started.result(timeout=START_S)

    def submit(self, coroutine: Coroutine[Any, Any, R]) -> concurrent.futures.Future[R]:
        """Run a coroutine on the loop; returns at once."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop)

    def call(self, function: Callable[[], None]) -> None:
        """Call a function in the loop, soon; also from a signal handler."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(function)

    def stop(self, *, timeout_s: float = DRAIN_S) -> None:
        """Close what was opened, in the loop, then end it; waits for that."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stopping.set)
            self._thread.join(timeout_s)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            try:
                runner.run(self._live())
            except (SystemExit, KeyboardInterrupt) as error:  # of a task that was left behind
                _end_process(error)
            except RuntimeError as error:  # as after `loop.stop()`
                if self._turns:
                    _end_process(error)
                raise

    async def _live(self) -> None:
        self._stopping = asyncio.Event()
        async with Resources() as resources:
            try:
                await resources.open(opening)
            except BaseException as error:
                self._started.set_exception(error)
                raise
            self._started.set_result(None)
            log.info("event_loop_started", pid=os.getpid())
            self._turns = True
            try:
                await self._stopping.wait()
            except asyncio.CancelledError as error:  # of all tasks that there are, ours as well
                _end_process(error)
            self._turns = False
            deliveries = [
                task for task in asyncio.all_tasks() if task.get_name().startswith("delivery")
            ]
            for task in deliveries:
                task.cancel()
            if deliveries:  # else they would open again what is closed now
                await asyncio.wait(deliveries, timeout=DRAIN_S)
        log.info("event_loop_stopped", pid=os.getpid())


def _end_process(error: BaseException) -> NoReturn:
    """End a process whose event loop somebody's code has ended.

    Nothing here could go on: it would take deliveries and lose them. Another process takes up what
    this one held.
    """
    log.critical("event_loop_ended", by=type(error).__name__, exc_info=error)
    os._exit(ENDED)


def _new_loop() -> asyncio.AbstractEventLoop:
    """Return uvloop's, which does the same work for a job with a fifteenth less, where it is."""
    try:
        import uvloop  # there is none for Windows
    except ImportError:
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()


_loop: Final = ProcessLocal(ProcessLoop)


def process_loop() -> ProcessLoop:
    """Return this process's loop, started on first use; a forked child gets one of its own."""
    return _loop.get()


def running_loop() -> ProcessLoop | None:
    """Return this process's loop if it has one: none is started, also not one after the last."""
    return _loop.peek()


def stop_process_loop() -> None:
    """Stop this process's loop, if it has one."""
    loop = _loop.pop()
    if loop is not None:
        loop.stop()


def run_async(coroutine: Coroutine[Any, Any, R], *, timeout_s: float | None = None) -> R:
    """Run a coroutine on the process's loop and wait for it, from a thread outside the loop.

    When the wait is given up — a time limit, a soft limit raised in this thread — the coroutine is
    cancelled and its end awaited: it must never run on inside the next task.

    Raises:
        TimeoutError: It took longer than `timeout_s`.
    """
    future = process_loop().submit(_named(coroutine))
    try:
        return future.result(timeout=timeout_s)
    except BaseException:
        if not future.done():
            future.cancel()
            concurrent.futures.wait([future], timeout=DRAIN_S)
        raise


async def _named(coroutine: Coroutine[Any, Any, R]) -> R:
    task = asyncio.current_task()
    if task is not None:
        task.set_name(f"delivery-{getattr(coroutine, '__name__', 'coroutine')}")
    try:
        return await coroutine
    except (Exception, asyncio.CancelledError):
        raise
    except BaseException as error:  # it would end the loop, or leave Celery without an answer
        raise RuntimeError(f"{type(error).__name__} was raised") from error
