"""What a worker's process has open while its event loop runs, and what ends its workflows."""

from __future__ import annotations

import sys
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from celery import signals

from core.choices import Provider, SearchProvider
from core.errors import SettingsError
from core.resources import Resource
from core.settings import get_settings
from db.life import end_life
from notifications.deltas import stream_text
from roadmaps.links import close_links
from roadmaps.sources import close_search
from tasks.llm_cluster import RedisCluster
from wiring.common import bring_workflows, shared_resources
from worker import lifecycle, opening, slots
from worker.consuming import consuming
from worker.intake import store  # noqa: F401 - the metric it defines
from workflow import live_text
from workflow.asking import close_author, install_cluster
from workflow.drain import drain
from workflow.heartbeat import keeper, stop_keeping
from workflow.lease import Stop
from workflow.lives import Watch
from workflow.presence import Presence
from workflow.threads import close_threads

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


def worker_resources() -> list[Resource]:
    """List the parts of a worker's process: what writes texts, what every process has, its word."""
    return [
        Resource("provider's limits", open=partial(install_cluster, RedisCluster)),
        Resource("author", close=close_author),
        Resource("search", close=close_search),
        Resource("link checks", close=close_links),
        Resource("threads", close=close_threads),
        Resource("live text", open=partial(live_text.install, stream_text)),
        Resource("life", close=end_life),
        *shared_resources("worker"),
        Resource("heartbeat", close=stop_keeping),
        Resource("lives", during=_watching),
        Resource("presence", during=_present),
    ]


@asynccontextmanager
async def _watching() -> AsyncIterator[None]:
    """Hold the lock of this process's life, and watch those of the others."""
    watch = Watch()
    await watch.begin()
    try:
        yield
    finally:
        await watch.end()


@asynccontextmanager
async def _present() -> AsyncIterator[None]:
    """Say that this worker is there; a process that offers no slots says nothing."""
    offered = slots.offered()
    if offered is None:
        yield
        return
    presence = Presence(
        name=offered.worker,
        slots=offered.slots,
        spare=offered.spare,
        incarnation=offered.incarnation,
        pool=offered.pool,
        consumes=consuming,
    )
    await presence.begin()
    try:
        yield
    finally:
        await presence.end()


def _stop_workflows() -> None:
    for claim in keeper().claims():
        keeper().stop(claim, Stop.DRAIN)


def _import_author(**_: Any) -> None:
    """Import the model's client before the pool forks.

    It takes a quarter of a second: else in each prefork child, and in the loop, whose heartbeats
    would wait for it.
    """
    if get_settings().llm_provider is Provider.OPENAI:
        import jinja2  # noqa: F401 - for its import alone: prompts are written with it

        from llm import openai_compatible  # noqa: F401 - ditto
        from roadmaps.links import check  # noqa: F401 - ditto
    if get_settings().search_provider is not SearchProvider.NONE:
        from roadmaps.search import tavily  # noqa: F401 - ditto


def _bring_workflows() -> None:
    """Stop a worker or beat when a workflow is wrong: before it waits for anything, or forks."""
    try:
        bring_workflows()
    except SettingsError as error:
        sys.exit(f"roadmap-worker: {error.message}")


opening.extend(worker_resources())
lifecycle.draining.append(lambda: drain().begin())
lifecycle.hurrying.append(_stop_workflows)
_bring_workflows()
signals.worker_init.connect(_import_author)
