"""Celery's signals: sets up logs, opens and closes each process's loop, drains on SIGTERM."""

from __future__ import annotations

import asyncio
import mmap
import os
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from celery import signals

from core import timeouts
from core.logging import configure_logging, get_logger
from core.loop_local import LoopLocal
from core.resources import Resource
from core.settings import get_settings
from roadmap_start.garbage import AT_WORK, settle
from worker import intake
from worker.loop import opening, process_loop, running_loop, stop_process_loop
from worker.prefork import is_prefork

if TYPE_CHECKING:
    from collections.abc import Callable

log = get_logger(__name__)

_NOTHING, _DRAIN, _HURRY = range(3)
_WATCH_S: Final = 0.1
"""How often a prefork child looks; the main process's own loop is told."""
_LAST_LOOK_S: Final = 1.2
"""The last BRPOP ends within a second of the signal. What is rung for before that could come back
to this worker, which reads no more messages, and be lost until `maintenance.recover` looks."""

# One byte that the main process writes and its prefork children read: children get no signal when
# the main process is told to stop, and a workflow inside them must learn of it.
_flag = mmap.mmap(-1, 1)
_main = os.getpid()
_flagged: LoopLocal[asyncio.Event] = LoopLocal(asyncio.Event)
"""Set when the flag was; the loop of the main process waits for it and need not look."""
_consumers: list[Any] = []
"""The main process's consumer, once it is ready."""

draining: list[Callable[[], None]] = []
"""Called in the loop when the worker begins to stop."""
hurrying: list[Callable[[], None]] = []
"""Called in the loop when its grace is over, or when it was told to stop once more."""


def _logs(**_: Any) -> None:
    configure_logging(get_settings())


def _child_started(**_: Any) -> None:
    """(prefork) In a fresh child: its own loop, before its first task."""
    process_loop()


def _ready(sender: Any, **_: Any) -> None:
    """(threads) Open everything before the first message, so that it is quick."""
    _consumers.append(sender)
    if not is_prefork(sender.pool):
        process_loop()
        _tell_loop()  # of a signal that came while it was made
    settle(young=AT_WORK)  # what was imported stays: nobody has to look at it again
    log.info("worker_ready", hostname=str(sender.hostname))


def _shutting_down(sig: str, how: str, **_: Any) -> None:
    """Begin to drain; a second signal, or a cold shutdown, hurries."""
    again = _flag[0] != _NOTHING
    _fetch_no_more()
    _flag[0] = _HURRY if again or how == "Cold" else _DRAIN
    _tell_loop()
    log.info("worker_draining", signal=sig, hurried=_flag[0] == _HURRY)


def _tell_loop() -> None:
    """Have this process's loop look at the flag, if it has one."""
    loop = running_loop()
    if loop is not None:
        loop.call(lambda: _flagged.get().set())


def _fetch_no_more() -> None:
    """Let the main process send no further BRPOP; Celery's own limit works by the same switch."""
    for consumer in _consumers:
        if consumer.task_consumer is not None:
            consumer.task_consumer.channel.qos.can_consume = lambda: False


def _child_stops(**_: Any) -> None:
    stop_process_loop()


def _stops(**_: Any) -> None:
    intake.flush()
    stop_process_loop()


async def _watch() -> None:
    """Tell this loop's workflows that the worker stops, and when its grace is over."""
    await _until_flag(_DRAIN)
    await asyncio.sleep(_LAST_LOOK_S)
    for callback in draining:
        callback()
    log.info("drain_begun", pid=os.getpid())
    with suppress(TimeoutError):
        async with timeouts.timeout(get_settings().shutdown_grace_s):
            await _until_flag(_HURRY)
    log.info("drain_hurried", pid=os.getpid())
    for callback in hurrying:
        callback()


async def _until_flag(least: int) -> None:
    """Wait for the flag; in a child, where another process writes it, by looking."""
    flagged = _flagged.get()
    while _flag[0] < least:
        if os.getpid() == _main:
            await flagged.wait()
            flagged.clear()
        else:
            await asyncio.sleep(_WATCH_S)


_watcher: set[asyncio.Task[None]] = set()


def _start_watching() -> None:
    task = asyncio.create_task(_watch(), name="drain-watcher")
    _watcher.add(task)
    task.add_done_callback(_watcher.discard)


opening.append(Resource("drain watcher", open=_start_watching))
signals.celeryd_init.connect(_logs)  # Celery warns before it asks for logs
signals.setup_logging.connect(_logs)
signals.worker_process_init.connect(_child_started)
signals.worker_ready.connect(_ready)
signals.worker_shutting_down.connect(_shutting_down)
signals.worker_process_shutdown.connect(_child_stops)
signals.worker_shutdown.connect(_stops)
