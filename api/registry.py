"""The open streams of this process: who follows what, and how many there may be."""

from __future__ import annotations

import time
from collections import Counter as Tally
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from prometheus_client import Counter, Gauge

from api.stream_minutes import StreamMinutes
from core.errors import ServiceUnavailableError, TooManyRequestsError
from core.loop_local import LoopLocal
from core.settings import get_settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from core.actor import Actor

OPEN: Final = Gauge(
    "roadmap_streams_open",
    "Clients that follow live.",
    ["transport"],
    multiprocess_mode="livesum",
)
DROPPED: Final = Counter(
    "roadmap_streams_dropped_total", "Clients dropped before the end.", ["transport", "reason"]
)


class TooManyStreamsError(TooManyRequestsError):
    """You have as many open streams as allowed; close one first."""

    code = "too_many_streams"


class StreamsFullError(ServiceUnavailableError):
    """This process has as many open streams as it can carry; try again, or poll."""

    code = "streams_full"


@dataclass(slots=True)
class Registry:
    """The open streams of one event loop."""

    by_user: Tally[str] = field(default_factory=Tally)
    by_transport: Tally[str] = field(default_factory=Tally)
    dropped: Tally[str] = field(default_factory=Tally)
    minutes: StreamMinutes = field(default_factory=StreamMinutes)
    _opened: dict[object, float] = field(default_factory=dict)

    def check(self, actor: Actor) -> None:
        """Refuse one stream too many. Admins are only bound by what the process can carry.

        Raises:
            StreamsFullError: The process has MAX_STREAMS of them.
            TooManyStreamsError: The user has USER_MAX_STREAMS of them.
        """
        settings = get_settings()
        if self.by_transport.total() >= settings.max_streams:
            raise StreamsFullError
        if not actor.admin and self.by_user[actor.user_id] >= settings.user_max_streams:
            raise TooManyStreamsError

    @contextmanager
    def entered(self, actor: Actor, transport: str) -> Iterator[None]:
        """Count a stream while it is open."""
        key = object()
        self._opened[key] = time.monotonic()
        self.by_user[actor.user_id] += 1
        self.by_transport[transport] += 1
        OPEN.labels(transport).inc()
        self.minutes.note(self.by_transport.total())
        try:
            yield
        finally:
            OPEN.labels(transport).dec()
            del self._opened[key]
            self.by_transport[transport] -= 1
            self.minutes.note(self.by_transport.total())
            self.by_user[actor.user_id] -= 1
            if not self.by_user[actor.user_id]:
                del self.by_user[actor.user_id]

    def drop(self, transport: str, reason: str) -> None:
        """Count a client that was dropped before the end."""
        DROPPED.labels(transport, reason).inc()
        self.dropped[f"{transport}_{reason}"] += 1

    def oldest_s(self) -> float | None:
        """Return for how long the oldest stream has been open."""
        opened = next(iter(self._opened.values()), None)
        return None if opened is None else round(time.monotonic() - opened, 1)


_registries: Final[LoopLocal[Registry]] = LoopLocal(Registry)


def registry() -> Registry:
    """Return the running loop's registry."""
    return _registries.get()
