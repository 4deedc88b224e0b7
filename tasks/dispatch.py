"""The doorbell: the only caller of Celery's send, after the commit, on a thread of its own.

Kombu blocks, and a silent Redis blocks it for its socket time-out, so rings are sent by one daemon
thread from a bounded queue. A ring that is lost is no loss: `maintenance.recover` rings again.
"""

from __future__ import annotations

import queue
import threading
import time
from typing import TYPE_CHECKING, Final

import structlog
from prometheus_client import Counter
from redis.exceptions import RedisError

from core import telemetry
from core.logging import get_logger
from core.loop_local import ProcessLocal
from core.unheard import note_heard, note_unheard, why_unheard
from core.wire_names import REQUEST_ID, RUNG_AT, SILENT
from tasks.queues import celery, check_willing
from workflow import doorbell

if TYPE_CHECKING:
    from collections.abc import Mapping

    from core.jobs import JobName
    from workflow.doorbell import Ring

log = get_logger(__name__)

RINGS: Final = Counter("roadmap_rings_total", "Messages that ask for a worker.", ["result"])
WAITING: Final = 20_000
LOOK_AGAIN_S: Final = 3.0
"""Between two questions to a broker that refused a ring, whether it takes messages again."""
JOB_EXPIRES_S: Final = 300
"""A run that somebody asked for and no worker began in so long is no longer wanted."""


class Dispatcher:
    """Sends rings to the broker from a thread of its own."""

    def __init__(self) -> None:
        self._rings: queue.Queue[tuple[Ring, dict[str, str]] | None] = queue.Queue(WAITING)
        self._thread = threading.Thread(target=self._send_all, name="doorbell", daemon=True)
        self._thread.start()

    def ring(self, ring: Ring) -> None:
        """Have the ring sent; returns at once. It tells by which request, in which trace."""
        origin = {
            REQUEST_ID: structlog.contextvars.get_contextvars().get(REQUEST_ID),
            telemetry.TRACEPARENT: telemetry.position(),
        }
        try:
            self._rings.put_nowait((ring, {name: told for name, told in origin.items() if told}))
        except queue.Full:
            RINGS.labels("dropped").inc()

    def close(self, *, timeout_s: float) -> None:
        """Send what is left, for as long as that, then end."""
        self._rings.put(None)
        self._thread.join(timeout_s)

    def _send_all(self) -> None:
        from kombu.exceptions import KombuError, OperationalError

        while (waiting := self._next()) is not None:
            ring, origin = waiting
            try:
                send(ring, origin)
                RINGS.labels("sent").inc()
                note_heard()
            except (KombuError, OperationalError, RedisError, OSError) as error:
                RINGS.labels("failed").inc()
                note_unheard(_told_by(error))
                log.warning("ring_failed", task_id=str(ring.task_id), error=type(error).__name__)
            except Exception:
                RINGS.labels("failed").inc()
                log.exception("ring_failed", task_id=str(ring.task_id))

    def _next(self) -> tuple[Ring, dict[str, str]] | None:
        """Wait for something to ring for; meanwhile see whether the broker still refuses."""
        while why_unheard() is not None:
            try:
                return self._rings.get(timeout=LOOK_AGAIN_S)
            except queue.Empty:
                _look_again()
        return self._rings.get()


def _look_again() -> None:
    try:
        check_willing()
    except Exception as error:  # noqa: BLE001 - whatever it is, nobody hears us
        note_unheard(_told_by(error))
    else:
        note_heard()


def _told_by(error: Exception) -> str:
    from core.refusals import refusal  # late: whom nothing is refused never needs it

    return refusal(error) or SILENT


def send(ring: Ring, origin: Mapping[str, str] | None = None) -> None:
    """Send one message. Blocks for the broker's socket time-outs at most.

    Args:
        ring: What to send.
        origin: Headers that tell where it comes from.
    """
    task_id = str(ring.task_id)
    other = {} if ring.workflow == doorbell.DEFAULT else {"workflow": ring.workflow}
    celery().send_task(
        str(ring.reason),
        kwargs={**other, "task_id": task_id},
        # the first delivery bears the task's id, so Flower, logs and API show one id; later ones
        # differ, since a revoked id is refused by workers for good
        task_id=task_id if ring.first else f"{task_id}.{time.time_ns() // 1_000_000:x}",
        headers={RUNG_AT: ring.at.isoformat(), **(origin or {})},
        retry=False,
    )


def send_job(name: JobName) -> None:
    """Ask for a run of a maintenance job now, due or not. Blocks like `send`.

    Raises:
        Exception: The broker cannot be reached.
    """
    celery().send_task(name.celery_name, expires=JOB_EXPIRES_S, retry=False)


_dispatcher: Final = ProcessLocal(Dispatcher)


def install_bell() -> None:
    """Let this process ring by Celery messages."""
    doorbell.install(lambda ring: _dispatcher.get().ring(ring))


def close_bell(*, timeout_s: float = 5.0) -> None:
    """Send what is left and end the thread."""
    dispatcher = _dispatcher.pop()
    if dispatcher is not None:
        dispatcher.close(timeout_s=timeout_s)
