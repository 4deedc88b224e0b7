"""Joins the parts of a process that share an event loop: bell, publisher, recorder, engine.

The worker does it by its loop's hooks, the API by its lifespan.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from celery import signals

from core.logging import get_logger
from core.settings import Provider, SearchProvider, get_settings
from db.engine import dispose_engine
from db.facts import Insert
from db.models import Notification
from db.recorder import flush_recorder, observe
from notifications.deltas import forget as forget_text
from notifications.deltas import stop_streaming, stream_text
from notifications.publisher import publish_events, publish_notification, stop_publishing
from tasks.dispatch import close_bell, install_bell
from tasks.llm_cluster import RedisCluster
from worker import hooks, lifecycle, run_async
from workflow import live_text
from workflow.actor import SYSTEM
from workflow.asking import close_author, install_cluster
from workflow.drain import drain
from workflow.lease import Stop, keeper
from workflow.links import close_links
from workflow.service import cancel_task
from workflow.sources import close_search

if TYPE_CHECKING:
    from db.facts import Recorded

log = get_logger(__name__)


async def open_process() -> None:
    """Install the bell, let events and text flow to Redis, share the model's limits there."""
    install_bell()
    live_text.install(stream_text)
    observe(publish)
    install_cluster(RedisCluster)


async def close_process() -> None:
    """Commit and send what is left, then close everything in the loop that opened it."""
    await flush_recorder()
    await asyncio.to_thread(close_bell)
    stop_streaming()
    await stop_publishing()
    await close_author()
    await close_search()
    await close_links()
    await dispose_engine()


def publish(recorded: Recorded) -> None:
    """Hand a committed fact's events, and what it put into an inbox, to the publisher."""
    forget_text(recorded.events)
    publish_events(recorded.events)
    for write in recorded.rows:
        if isinstance(write, Insert) and write.table is Notification.__table__:
            publish_notification(recorded.user_id, {k: str(v) for k, v in write.values.items()})


def _stop_workflows() -> None:
    for claim in keeper().claims():
        keeper().stop(claim, Stop.DRAIN)


def _revoked(request: Any, expired: bool, **_: Any) -> None:  # noqa: FBT001 - Celery's signature
    """Flower's terminate button, or `revoke`, cancels the workflow, whatever the pool."""
    task_id = (getattr(request, "kwargs", None) or {}).get("task_id")
    if expired or not task_id:
        return
    from core.errors import AppError
    from tasks.roadmap import _key

    async def cancel() -> None:
        try:
            await cancel_task(_key(task_id), actor=SYSTEM)
        except AppError as error:
            log.info("revoke_ignored", task_id=task_id, reason=error.message)

    run_async(cancel(), timeout_s=10)


def _import_author(**_: Any) -> None:
    """Import the model's client before the pool forks.

    It takes a second or two of CPU: else in each prefork child, and in the loop, whose heartbeats
    would wait for it.
    """
    if get_settings().llm_provider is Provider.OPENAI:
        from workflow.llm import openai_compatible  # noqa: F401 - for its import alone
    if get_settings().search_provider is not SearchProvider.NONE:
        from workflow.search import tavily  # noqa: F401 - ditto


hooks.opening.append(open_process)
hooks.closing.append(close_process)
lifecycle.draining.append(lambda: drain().begin())
lifecycle.hurrying.append(_stop_workflows)
signals.task_revoked.connect(_revoked)
signals.worker_init.connect(_import_author)
