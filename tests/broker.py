"""Points Celery's application at another broker in the middle of a run."""

from __future__ import annotations

from kombu import pools

from worker import app


def use_broker(url: str) -> str:
    """Send messages there from now on; return where they went before.

    The application keeps pools of connections that a changed address alone would not reach.
    """
    before: str = app.conf.broker_url
    pools.reset()
    app._pool = app.amqp._producer_pool = None
    app.conf.broker_url = url
    return before
