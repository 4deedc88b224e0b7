"""Joins the parts of a worker that share an event loop: bell, publisher, recorder, engine, author.

It hangs on the loop's hooks. The API has fewer parts and joins them in `api.composition`.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final

from celery import signals

from core import telemetry
from core.choices import Provider, SearchProvider
from core.logging import get_logger
from core.loop_lag import leave_loop, watch_loop
from core.loop_local import LoopLocal
from core.settings import get_settings
from db.engine import dispose_engine
from db.recorder import flush_recorder, observe
from notifications.deltas import stop_streaming, stream_text
from notifications.publisher import stop_publishing
from tasks.dispatch import close_bell, install_bell
from tasks.llm_cluster import RedisCluster
from tasks.publishing import publish
from worker import hooks, lifecycle, slots
from worker.consuming import consuming
from worker.intake import store  # noqa: F401 - the metric it defines
from workflow import live_text, turns
from workflow.asking import close_author, install_cluster
from workflow.drain import drain
from workflow.lease import Stop, keeper
from workflow.links import close_links
from workflow.presence import Presence
from workflow.rendering.renderer import close_renderer
from workflow.sources import close_search

log = get_logger(__name__)


async def open_process() -> None:
    """Install the bell, let facts and text flow to Redis, share the model's limits there."""
    watch_loop()
    telemetry.start("worker")
    install_bell()
    live_text.install(stream_text)
    observe(publish)
    install_cluster(RedisCluster)


async def close_process() -> None:
    """Commit and send what is left, then close everything in the loop that opened it."""
    await flush_recorder()
    await turns.settle()
    await asyncio.to_thread(close_bell)
    stop_streaming()
    await stop_publishing()
    await close_author()
    await close_search()
    await close_links()
    await asyncio.to_thread(close_renderer)
    await leave_loop()
    await dispose_engine()
    await asyncio.to_thread(telemetry.stop)


def _presence() -> Presence | None:
    offered = slots.offered()
    if offered is None:
        return None
    return Presence(
        name=offered.worker,
        slots=offered.slots,
        spare=offered.spare,
        incarnation=offered.incarnation,
        consumes=consuming,
    )


_presences: Final[LoopLocal[Presence | None]] = LoopLocal(_presence)


async def _announce() -> None:
    """Tell the other workers of this one."""
    if presence := _presences.get():
        await presence.begin()


async def _take_leave() -> None:
    if presence := _presences.pop():
        await presence.end()


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
    if get_settings().search_provider is not SearchProvider.NONE:
        from workflow.search import tavily  # noqa: F401 - ditto


hooks.opening += [open_process, _announce]
hooks.closing += [close_process, _take_leave]  # closed in reverse order
lifecycle.draining.append(lambda: drain().begin())
lifecycle.hurrying.append(_stop_workflows)
signals.worker_init.connect(_import_author)
