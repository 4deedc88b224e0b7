"""One event loop per process, in a thread of its own, on which all workflows run."""

from __future__ import annotations

import asyncio
import concurrent.futures
import os
import threading
from typing import TYPE_CHECKING, Any, Final, TypeVar

from core.logging import get_logger

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine

log = get_logger(__name__)
R = TypeVar("R")

START_S: Final = 30.0
DRAIN_S: Final = 15.0
"""How long a caller that gives up waits for its coroutine to end."""

Hook = "Callable[[], Awaitable[None]]"


class Hooks:
    """What is opened and closed with the process's loop; filled by the layers above."""

    def __init__(self) -> None:
        self.opening: list[Callable[[], Awaitable[None]]] = []
        self.closing: list[Callable[[], Awaitable[None]]] = []


hooks: Final = Hooks()


class ProcessLoop:
    """An event loop in a daemon thread, opened and closed by the hooks, in the loop itself."""

    def __init__(self) -> None:
        self.pid = os.getpid()
        self._started: concurrent.futures.Future[None] = concurrent.futures.Future()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="event-loop", daemon=True)
        self._thread.start()
        self._started.result(timeout=START_S)

    def submit(self, coroutine: Coroutine[Any, Any, R]) -> concurrent.futures.Future[R]:
        """Run a coroutine on the loop; returns at once."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop)

    def stop(self, *, timeout_s: float = DRAIN_S) -> None:
        """Close what was opened, in the loop, then end it; waits for that."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stopping.set)
            self._thread.join(timeout_s)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._live())

    async def _live(self) -> None:
        self._stopping = asyncio.Event()
        try:
            for hook in hooks.opening:
                await hook()
        except BaseException as error:
            self._started.set_exception(error)
            raise
        self._started.set_result(None)
        log.info("event_loop_started", pid=self.pid)
        await self._stopping.wait()
        deliveries = [
            task for task in asyncio.all_tasks() if task.get_name().startswith("delivery")
        ]
        for task in deliveries:
            task.cancel()
        if deliveries:  # else they would open again what the hooks close
            await asyncio.wait(deliveries, timeout=DRAIN_S)
        for hook in reversed(hooks.closing):
            try:
                async with asyncio.timeout(DRAIN_S):
                    await hook()
            except Exception:
                log.exception("closing_failed", hook=getattr(hook, "__qualname__", str(hook)))
        log.info("event_loop_stopped", pid=self.pid)


_current: ProcessLoop | None = None
_lock = threading.Lock()


def process_loop() -> ProcessLoop:
    """Return this process's loop, started on first use; a forked child gets one of its own."""
    global _current  # noqa: PLW0603 - one loop per process is the point
    with _lock:
        if _current is None or _current.pid != os.getpid():
            _current = ProcessLoop()
        return _current


def stop_process_loop() -> None:
    """Stop this process's loop, if it has one."""
    global _current
    with _lock:
        loop, _current = _current, None
    if loop is not None and loop.pid == os.getpid():
        loop.stop()


def _forget_parent() -> None:
    """In a forked child: the parent's loop and its lock are not ours."""
    global _current, _lock  # noqa: PLW0603 - see above
    _current = None
    _lock = threading.Lock()


os.register_at_fork(after_in_child=_forget_parent)


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
    return await coroutine
