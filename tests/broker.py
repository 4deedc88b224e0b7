"""Points Celery's application at another broker in the middle of a run."""

from __future__ import annotations

from worker import app


def use_broker(url: str) -> str:
    """Send messages there from now on; return where they went before.

    The application keeps pools of connections that a changed address alone would not reach. They
    stay open: kombu keeps one per address for the whole process, and others use them, too.
    """
    before: str = app.conf.broker_url
    app._pool = app.amqp._producer_pool = None
    app.conf.broker_url = url
    return before
