"""Sets messages aside where they can be looked at, however many come.

The consumer only counts and notes; a thread writes to PostgreSQL, which is there whatever the
broker is. In a flood the beginning of it is kept, and the rest is counted.
"""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from celery import signals

from core.logging import get_logger
from core.loop_local import ProcessLocal
from worker.intake.excerpt import excerpt_of
from worker.loop import run_async

if TYPE_CHECKING:
    from db.repositories import rejected
    from worker.intake.refusal import RefusedError

log = get_logger(__name__)

WAITING: Final = 200
"""Messages that wait to be written; of what comes in between only the number is kept."""
GATHER_S: Final = 0.2
AGAIN_S: Final = 2.0
WRITE_S: Final = 10.0
QUIET_S: Final = 10.0
"""Between two lines in the log about the same reason."""


class Aside:
    """One process's way to the set-aside messages."""

    def __init__(self) -> None:
        self.worker = ""
        self._waiting: deque[rejected.Rejected] = deque()
        self._counts: Counter[str] = Counter()
        self._untold: Counter[str] = Counter()
        self._told: dict[str, float] = {}
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        self._some = threading.Event()
        self._thread: threading.Thread | None = None

    def put(self, raw: bytes | str, refused: RefusedError, *, queue: str) -> None:
        """Note a message; returns at once."""
        from worker.intake.store import REJECTED, Rejected  # late: see that module

        REJECTED.labels(refused.reason).inc()
        with self._lock:
            self._counts[refused.reason] += 1
            self._untold[refused.reason] += 1
            if len(self._waiting) < WAITING:
                self._waiting.append(
                    Rejected(
                        at=datetime.now(UTC),
                        queue=queue,
                        reason=refused.reason,
                        detail=refused.detail,
                        size=len(raw),
                        excerpt=excerpt_of(raw),
                        worker=self.worker,
                    )
                )
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="set-aside", daemon=True)
                self._thread.start()
        self._some.set()

    def flush(self) -> None:
        """Write what waits; what cannot be written waits on."""
        from worker.intake.store import write  # late: see that module

        with self._writing:
            with self._lock:
                messages, counts = list(self._waiting), dict(self._counts)
                self._waiting.clear()
                self._counts.clear()
            if not counts:
                return
            try:
                run_async(write(messages, counts), timeout_s=WRITE_S)
            except BaseException:
                with self._lock:
                    self._waiting.extendleft(reversed(messages[: WAITING - len(self._waiting)]))
                    self._counts.update(counts)
                raise

    def _run(self) -> None:
        while True:
            self._some.wait()
            time.sleep(GATHER_S)
            self._some.clear()
            self._tell()
            try:
                self.flush()
            except Exception as error:  # noqa: BLE001 - whatever it is, it is tried again
                log.warning("rejected_messages_write_failed", error=type(error).__name__)
                time.sleep(AGAIN_S)
                self._some.set()

    def _tell(self) -> None:
        now = time.monotonic()
        with self._lock:
            due = [r for r in self._untold if now - self._told.get(r, -QUIET_S) >= QUIET_S]
            told = {reason: self._untold.pop(reason) for reason in due}
            self._told.update(dict.fromkeys(due, now))
        for reason, messages in told.items():
            log.warning("messages_rejected", reason=str(reason), messages=messages)


_aside: Final = ProcessLocal(Aside)


def set_aside(raw: bytes | str, refused: RefusedError, *, queue: str) -> None:
    """Keep a message that no worker can take where `roadmap queue rejected` shows it.

    Other programs hear answers and events, too; what is wrong with these is only logged there.
    """
    if _aside.get().worker:
        _aside.get().put(raw, refused, queue=queue)
    else:
        log.debug("message_ignored", reason=str(refused.reason), queue=queue)


def flush() -> None:
    """Write what waits, before the process's loop ends."""
    with suppress(Exception):  # it is counted in the metric
        _aside.get().flush()


def _name(sender: object, **_: object) -> None:
    _aside.get().worker = str(getattr(sender, "hostname", sender))


signals.worker_init.connect(_name)
