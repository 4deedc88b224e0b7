"""How our keys and channels in Redis are named: with REDIS_PREFIX before them, for each alike."""

from __future__ import annotations

from typing import Any


def own(name: str) -> str:
    """Return a key or channel of ours as it is called in Redis."""
    from core.settings import get_settings  # late: it takes 0.1 s

    return get_settings().redis_prefix + name


def broker_options(prefix: str, broker_url: str) -> dict[str, Any]:
    """Return what makes kombu name its keys and channels so; other brokers have virtual hosts."""
    return {"global_keyprefix": prefix} if prefix and not broker_url.startswith("amqp") else {}
