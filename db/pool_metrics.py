"""How many database connections this process has open, and lent out."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final

from prometheus_client import Gauge
from sqlalchemy import event

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine

ENGINES: Final = Gauge(
    "db_engine_count", "Database engines alive in this process.", multiprocess_mode="livesum"
)
LIMIT: Final = Gauge(
    "roadmap_db_pool_size",
    "Database connections that this process may open.",
    multiprocess_mode="livesum",
)
OPEN: Final = Gauge(
    "roadmap_db_connections_open",
    "Database connections that are open.",
    multiprocess_mode="livesum",
)
IN_USE: Final = Gauge(
    "roadmap_db_connections_in_use",
    "Database connections that are lent to somebody.",
    multiprocess_mode="livesum",
)


class PoolUse:
    """Counts one engine's connections from its creation until it is forgotten."""

    def __init__(self, engine: AsyncEngine, *, size: int) -> None:
        self._size = size
        self._open = self._in_use = 0
        self._forgotten = False
        ENGINES.inc()
        LIMIT.inc(size)
        pool: Any = engine.sync_engine
        event.listen(pool, "connect", lambda *_: self._add(opened=1))
        event.listen(pool, "close", lambda *_: self._add(opened=-1))
        event.listen(pool, "checkout", lambda *_: self._add(lent=1))
        event.listen(pool, "checkin", lambda *_: self._add(lent=-1))

    def forget(self) -> None:
        """Take back what was counted: the engine is gone."""
        ENGINES.dec()
        LIMIT.dec(self._size)
        self._add(opened=-self._open, lent=-self._in_use)
        self._forgotten = True  # connections given back later are not counted any more

    def _add(self, *, opened: int = 0, lent: int = 0) -> None:
        if self._forgotten:
            return
        self._open += opened
        self._in_use += lent
        OPEN.inc(opened)
        IN_USE.inc(lent)


def _forget_parent() -> None:
    """In a forked child nothing is open yet."""
    for gauge in (ENGINES, LIMIT, OPEN, IN_USE):
        gauge.set(0)


os.register_at_fork(after_in_child=_forget_parent)
