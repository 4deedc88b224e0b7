"""Joins the parts of a process that share an event loop: bell, publisher, recorder, engine.

The worker does it by its loop's hooks, the API by its lifespan.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from celery import signals

from core import telemetry
from core.logging import get_logger
from core.settings import Provider, get_settings
from db.engine import dispose_engine
from db.facts import Insert
from db.models import Notification
from db.recorder import flush_recorder, observe
from notifications.publisher import publish_events, publish_notification, stop_publishing
from tasks.dispatch import close_bell, install_bell
from worker import hooks, lifecycle
from workflow.asking import close_author
from workflow.drain import drain
from workflow.lease import Stop, keeper

if TYPE_CHECKING:
    from db.facts import Recorded

log = get_logger(__name__)


async def open_process() -> None:
    """Install the bell, let committed events flow to Redis, and traces to their collector."""
    telemetry.start("worker")
    install_bell()
    observe(publish)


async def close_process() -> None:
    """Commit and send what is left, then close everything in the loop that opened it."""
    await flush_recorder()
    await asyncio.to_thread(close_bell)
    await stop_publishing()
    await close_author()
    await dispose_engine()
    await asyncio.to_thread(telemetry.stop)


def publish(recorded: Recorded) -> None:
    """Hand a committed fact's events, and what it put into an inbox, to the publisher."""
    publish_events(recorded.events)
    for write in recorded.rows:
        if isinstance(write, Insert) and write.table is Notification.__table__:
            publish_notification(recorded.user_id, {k: str(v) for k, v in write.values.items()})


def _stop_workflows() -> None:
    for claim in keeper().claims():
        keeper().stop(claim, Stop.DRAIN)


def _import_author(**_: Any) -> None:
    """Import the model's client before the pool forks.

    It takes a second or two of CPU: else in each prefork child, and in the loop, whose heartbeats
    would wait for it.
    """
    if get_settings().llm_provider is Provider.OPENAI:
        from workflow.llm import openai_compatible  # noqa: F401 - for its import alone


hooks.opening.append(open_process)
hooks.closing.append(close_process)
lifecycle.draining.append(lambda: drain().begin())
lifecycle.hurrying.append(_stop_workflows)
signals.worker_init.connect(_import_author)
