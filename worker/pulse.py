"""Writes the worker's pulse (`core.pulse`), for `roadmap probe worker`."""

from __future__ import annotations

import os
import threading
import time
from contextlib import suppress
from typing import Any, Final

from celery import bootsteps, signals

from core.logging import get_logger
from core.loop_watchdog import has_beaten, held_up_by
from core.pulse import Pulse, pulse_file
from worker.app import app
from worker.children import standing_still
from worker.consuming import STEADY_S, turned
from worker.loop import running_loop
from worker.prefork import is_prefork

log = get_logger(__name__)

BEAT_S: Final = 1.0
LOOP_S: Final = 5.0


class PulseWriter:
    """Writes the pulse once a second, in a daemon thread of the worker's main process."""

    def __init__(self, pulse: Pulse, *, has_loop: bool) -> None:
        self.pulse = pulse
        self._has_loop = has_loop
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="pulse", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Write no more, and take the file away."""
        self._stop.set()
        self._thread.join(BEAT_S)
        file = pulse_file(self.pulse.node)
        with suppress(OSError):  # the folder is also of the stack's other workers
            file.unlink(missing_ok=True)
            file.parent.rmdir()

    def _beat(self) -> None:
        from celery.worker import state  # workers only

        failed = False
        while not self._stop.is_set():
            if self._loop_turns():
                self.pulse.loop_at = time.time()
            self.pulse.at = time.time()
            self._look_at_children()
            self.pulse.active = len(state.active_requests)
            try:
                self.pulse.write()
                failed = False
            except OSError as error:
                if not failed:
                    log.warning("pulse_write_failed", error=str(error))
                failed = True
            self._stop.wait(BEAT_S)

    def _look_at_children(self) -> None:
        """Note what holds up this process's loop, or that of a child of it."""
        child = standing_still()
        self.pulse.held_up_by = held_up_by() if child is None else child.by
        self.pulse.child = 0 if child is None else child.pid
        self.pulse.child_since = 0.0 if child is None else child.since

    def _loop_turns(self) -> bool:
        if not self._has_loop:
            return True
        loop = running_loop()
        if loop is None:
            return False  # it is being stopped
        if has_beaten(within_s=BEAT_S):
            return True
        turn = _turn()
        try:
            loop.submit(turn).result(LOOP_S)
        except Exception:  # noqa: BLE001 - it hangs, or has just been stopped
            turn.close()
            return False
        return True


async def _turn() -> None:
    """Do nothing: that it ran at all shows that the loop turns."""


_writer: PulseWriter | None = None


class ConsumerPulse(bootsteps.StartStopStep):  # type: ignore[misc]  # Celery publishes no types
    """Notes, from a timer in the consumer's own loop, that the consumer turns while connected."""

    requires = ("celery.worker.consumer.tasks:Tasks",)

    def __init__(self, consumer: Any, **_: Any) -> None:
        super().__init__(consumer)
        self._timer: Any = None

    def start(self, consumer: Any) -> None:
        """Begin to tick."""
        connected = time.monotonic()

        def tick() -> None:
            queues = [queue.name for queue in consumer.task_consumer.queues]
            steady = time.monotonic() - connected >= STEADY_S
            if steady and set(app.amqp.queues.consume_from) <= set(queues):
                turned()
            if _writer is not None and steady:
                _writer.pulse.consumer_at = time.time()
                _writer.pulse.queues = queues

        self._timer = consumer.timer.call_repeatedly(BEAT_S, tick)

    def stop(self, _consumer: Any) -> None:
        """Tick no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def _begin(sender: Any, **_: Any) -> None:
    global _writer  # noqa: PLW0603 - one per process
    now, queues = time.time(), list(app.amqp.queues.consume_from)
    pulse = Pulse(
        node=str(sender.hostname),
        pid=os.getpid(),
        slots=int(sender.controller.concurrency),
        wanted=queues,
        at=now,
        loop_at=now,
        consumer_at=now,
        queues=queues,
    )
    _writer = PulseWriter(pulse, has_loop=not is_prefork(sender.pool))


def _consumed(**_: Any) -> None:
    if _writer is not None:
        _writer.pulse.consumed += 1
        _writer.pulse.consumed_at = time.time()


def _end(**_: Any) -> None:
    if _writer is not None:
        _writer.stop()


app.steps["consumer"].add(ConsumerPulse)
signals.worker_ready.connect(_begin)
signals.task_received.connect(_consumed)
signals.worker_shutdown.connect(_end)
