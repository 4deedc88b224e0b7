"""Points Celery's application at another broker in the middle of a run."""

from __future__ import annotations

from typing import Any

from kombu import pools

from worker import app


def use_broker(url: str) -> str:
    """Send messages there from now on; return where they went before.

    The application keeps pools of connections that a changed address alone would not reach. Those
    of others, such as a foreign application's, stay open.
    """
    before: str = app.conf.broker_url
    _close(app.amqp._producer_pool, pools.producers)
    _close(app._pool, pools.connections)
    app._pool = app.amqp._producer_pool = None
    app.conf.broker_url = url
    return before


def _close(pool: Any, group: dict[Any, Any]) -> None:
    if pool is None:
        return
    pool.force_close_all()
    for key in [key for key, known in group.items() if known is pool]:
        dict.pop(group, key)  # kombu's own would hash the key once more
