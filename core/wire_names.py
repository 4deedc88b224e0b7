"""Names on the wire: keys and channels with REDIS_PREFIX before them, message headers, words."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from core.settings import Settings

REQUEST_ID: Final = "request_id"
"""Header with the id of the HTTP request that asked for the delivery, for the logs."""
RUNG_AT: Final = "rung_at"
"""Header with the database's time at which the row was marked as rung."""

PROBE: Final = "roadmap:probe"
"""Key that is written to find out whether a Redis takes writes."""
PROBE_KEPT_S: Final = 10

SILENT: Final = "does not answer"
"""What `/readyz` says of a service that says nothing itself, and programs look for there."""


def own(name: str) -> str:
    """Return a key or channel of ours as it is called in Redis."""
    return _settings()().redis_prefix + name


@cache
def _settings() -> Callable[[], Settings]:
    """Return what returns the settings: an import is dear even the next time."""
    from core.settings import get_settings  # late: it takes 0.1 s

    return get_settings


def broker_options(prefix: str, broker_url: str) -> dict[str, Any]:
    """Return what makes kombu name its keys and channels so; other brokers have virtual hosts."""
    return {"global_keyprefix": prefix} if prefix and not broker_url.startswith("amqp") else {}
