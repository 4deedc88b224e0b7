"""How many workflows this worker runs at a time, and the slots it opens on top of these.

Celery's queue is first in, first out, so a user's 500 messages would keep another one's away for
as long as workflows hold all slots. The spare slots look at what comes meanwhile: they put off
what has to wait (see `workflow.turns`) and run what a user sends who has nothing running yet.
"""

from __future__ import annotations

import sys
import uuid
from dataclasses import dataclass, field
from typing import Any, Final

from celery import signals

from core.connection_budget import check_budget, know_processes
from core.errors import SettingsError
from core.settings import get_settings
from worker.prefork import is_prefork

SPARE_SHARE: Final = 4
"""One spare slot for so many slots."""
LOOKING: Final = 4
"""Threads that look at messages, at the least; one that waits costs nothing."""
BESIDES: Final = 3
"""API, beat and what comes and goes share the connections with a prefork worker's children."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Slots:
    """What a worker offers; the same for all its processes.

    Attributes:
        worker: Its node name.
        slots: Workflows at a time, as asked for by `--concurrency`.
        spare: Workflows on top of these, of users who have few or none running.
        pool: What its workflows run in: `threads` or `prefork`.
        incarnation: Names this life of the worker; the next one under its name has another.
    """

    worker: str
    slots: int
    spare: int
    pool: str
    incarnation: str = field(default_factory=lambda: uuid.uuid4().hex)


_offered: Slots | None = None


def offered() -> Slots | None:
    """Return what this worker offers; None outside a worker, and where it takes no workflows."""
    return _offered


def _open_spare_slots(sender: Any, **_: Any) -> None:
    """Widen the pool before it is made; prefork children inherit what was decided here."""
    global _offered  # noqa: PLW0603 - one worker per process
    if "roadmap" not in sender.app.amqp.queues.consume_from or not isinstance(
        sender.concurrency, int
    ):
        return
    threads = not is_prefork(sender.pool_cls)
    # prefork: one spare process has to do, since each costs memory and connections
    spare = max(1, sender.concurrency // SPARE_SHARE) if threads else 1
    _offered = Slots(
        worker=str(sender.hostname),
        slots=sender.concurrency,
        spare=spare,
        pool="threads" if threads else "prefork",
    )
    sender.concurrency += max(spare, LOOKING) if threads else spare
    if not threads:
        _share_connections(sender.concurrency + BESIDES)


def _share_connections(processes: int) -> None:
    """Divide the connections by the children that there will be, whatever the settings count."""
    know_processes(processes)
    try:
        check_budget(get_settings())
    except SettingsError as error:
        sys.exit(f"roadmap-worker: {error}")


signals.worker_init.connect(_open_spare_slots)
