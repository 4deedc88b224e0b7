"""Ends rings that nothing follows from in bulk, before each becomes a delivery.

A delivery costs milliseconds, even one whose row says at once that there is nothing to do; behind
thousands of these a real task would wait for minutes. So while many messages wait, they are looked
at where they lie, their rows are read in one statement for hundreds, and those that ask for nothing
are taken out. It is a thread's work: the consumer goes on meanwhile, and when PostgreSQL or Redis
is silent, everything stays where it is and is delivered as ever.

A ring is never lost by this. Whoever commits a row that has to be worked on rings after the commit:
so a row that is read after its ring was seen tells what that ring was about, or something newer,
which has a ring of its own. The same holds for the second of two rings that were seen together.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from celery import bootsteps
from prometheus_client import Counter

from core.logging import get_logger
from core.states import Status
from core.wire_names import RUNG_AT
from db.facts import Reason
from db.repositories.tasks import statuses_of
from db.session import read_session
from tasks.roadmap import key_of
from worker import app, run_async
from worker.intake.envelope import incoming, open_envelope
from worker.intake.message import examine
from worker.intake.windows import AT_ONCE, look, take_out
from worker.runtime import known

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from uuid import UUID

    Read = Callable[[Sequence[UUID]], Mapping[UUID, str]]

log = get_logger(__name__)

LATE: Final = Counter(
    "roadmap_late_rings_total", "Messages that ended unread, since their tasks asked for nothing."
)
QUEUE: Final = "roadmap"
MANY: Final = 100
"""Fewer than these are delivered one by one, so that Flower shows each."""
FARTHEST: Final = 1000
"""Messages that stay and are passed over; behind these nobody looks until they are delivered."""
LOOK_EVERY_S: Final = 0.25
IDLE_LOOK_S: Final = 0.5
"""While the consumer waits for the first message: then there is none in Redis."""
READ_S: Final = 1.0
REST_S: Final = 5.0
"""After a failure."""
SHARE: Final = 20
"""A look that found hardly any is followed by a rest of so many times what it took, …"""
LONGEST_REST_S: Final = 2.0
"""… but not a longer one: the next messages may be others."""
_RINGS: Final = frozenset(map(str, Reason))
_NOTHING_TO_DO: Final = frozenset(map(str, Status)) - {Status.PENDING, Status.PROCESSING}
"""Only what is known to be so: a newer release may know more statuses."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """What a ring asks for.

    Attributes:
        message: As it lies in the queue.
        task_id: Its task.
        creates: Its task may have no row: it brings the request along, or it is another program's,
            who is to be told that it brings none.
    """

    message: bytes
    task_id: UUID
    creates: bool


@lru_cache(maxsize=FARTHEST + AT_ONCE)
def asked(message: bytes) -> Asked | None:
    """Return what a ring asks for; None for whatever else the consumer shall see to.

    It is remembered while many wait: each look finds most of those that the last one has seen.
    """
    try:
        judged = examine(incoming(open_envelope(message)), known)
    except Exception:  # noqa: BLE001 - one that cannot be judged must not save all the others
        return None
    headers = judged.message.headers
    if headers["task"] not in _RINGS or headers["eta"] is not None:
        return None
    asks = judged.arguments.get("request") is not None or not headers.get(RUNG_AT)
    creates = Reason(headers["task"]).first and asks
    return Asked(message=message, task_id=key_of(judged.arguments["task_id"]), creates=creates)


def late(rings: Iterable[Asked], statuses: Mapping[UUID, str]) -> list[bytes]:
    """Return the messages that nothing would follow from.

    Args:
        rings: In the order in which they will be read; all were there at the same moment.
        statuses: Of the rows that there are, read after that.
    """
    nothing, kept = [], set()
    for ring in rings:
        status = statuses.get(ring.task_id)
        wanted = ring.creates if status is None else status not in _NOTHING_TO_DO
        if wanted and ring.task_id not in kept:
            kept.add(ring.task_id)
        else:
            nothing.append(ring.message)
    return nothing


def clear(
    client: Any, key: str, *, read: Read, go_on: Callable[[], bool] = lambda: True
) -> int | None:
    """Take late rings out of one list, as long as it is long.

    Args:
        client: Of the broker's Redis.
        key: The list.
        read: Returns the statuses of the rows that there are.
        go_on: Tells whether to do more.

    Returns:
        How many there were; None when there was nothing worth a look.

    Raises:
        Exception: Redis or PostgreSQL does not answer; what was to be taken out is still there.
    """
    skip = taken = 0
    looked = False
    while skip < FARTHEST and go_on():
        window = look(client, key, skip=skip)
        if window.depth < MANY or not window.looked:
            break
        looked = True
        rings = [ring for ring in map(asked, window.messages) if ring is not None]
        statuses = read([*{ring.task_id for ring in rings}]) if rings else {}
        nothing = late(rings, statuses)
        taken += take_out(client, key, nothing, skip=skip)
        skip += window.looked - len(nothing)
    return taken if looked else None


async def _statuses(task_ids: Sequence[UUID]) -> Mapping[UUID, str]:
    async with read_session() as session:
        return await statuses_of(session, task_ids)


def _read(task_ids: Sequence[UUID]) -> Mapping[UUID, str]:
    return run_async(_statuses(task_ids), timeout_s=READ_S)


class ClearLateRings(bootsteps.StartStopStep):  # type: ignore[misc]  # Celery publishes no types
    """Looks from a thread of its own, for as long as the consumer has its connection."""

    requires = ("celery.worker.consumer.tasks:Tasks",)

    def __init__(self, consumer: Any, **_: Any) -> None:
        super().__init__(consumer)
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self, consumer: Any) -> None:
        """Begin, where the queue can be looked into and is ours."""
        channel = consumer.task_consumer.channel
        if not getattr(channel, "judges", False) or QUEUE not in app.amqp.queues.consume_from:
            return
        self._ended = ended = threading.Event()
        self._thread = threading.Thread(
            target=_run, args=(channel, ended), name="late-rings", daemon=True
        )
        self._thread.start()

    def stop(self, _consumer: Any) -> None:
        """End; what is being read is waited for, or it would open anew what is closed next."""
        self._ended.set()
        if self._thread is not None:
            self._thread.join(READ_S)
            self._thread = None


def _run(channel: Any, ended: threading.Event) -> None:
    rest_s = LOOK_EVERY_S
    fetched = -1
    while not ended.wait(rest_s):
        began = time.monotonic()
        if channel.waits and channel.fetched == fetched:
            rest_s = IDLE_LOOK_S
            continue
        fetched = channel.fetched
        try:
            taken = _clear_all(channel, ended)
        except Exception as error:  # noqa: BLE001 - whatever it is, all is delivered one by one
            log.warning("late_rings_clearing_failed", error=type(error).__name__)
            rest_s = REST_S
            continue
        rest_s = LOOK_EVERY_S
        if taken is None:
            asked.cache_clear()
        if taken:
            LATE.inc(taken)
            log.info("late_rings_cleared", messages=taken)
        if taken is not None and taken < MANY:
            spent_s = time.monotonic() - began
            rest_s = min(max(LOOK_EVERY_S, SHARE * spent_s), LONGEST_REST_S)


def _clear_all(channel: Any, ended: threading.Event) -> int | None:
    """Look at each list of the queue: kombu keeps one for each step of priorities."""
    keys = [channel._q_for_pri(QUEUE, step) for step in channel.priority_steps]  # noqa: SLF001 - no public way
    with channel.conn_or_acquire() as client:
        # most of the time they are short, and one round trip says so of all
        depths = client.pipeline(transaction=False)
        for key in keys:
            depths.llen(key)
        found = [
            clear(client, key, read=_read, go_on=lambda: not ended.is_set())
            for key, depth in zip(keys, depths.execute(), strict=True)
            if depth >= MANY
        ]
    looked = [taken for taken in found if taken is not None]
    return sum(looked) if looked else None


app.steps["consumer"].add(ClearLateRings)
