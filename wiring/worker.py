"""Joins the parts of a worker that share an event loop: bell, publisher, recorder, engine, author.

The loop opens them when it begins and closes them before it ends. The API has fewer parts and joins
them in `api.composition`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from celery import signals

from core.choices import Provider, SearchProvider
from core.settings import get_settings
from notifications.deltas import stream_text
from roadmaps import live_text
from roadmaps.links import close_links
from roadmaps.rendering.renderer import close_renderer
from roadmaps.sources import close_search
from tasks.llm_cluster import RedisCluster
from tasks.opening import open_common
from worker import lifecycle, opening, slots
from worker.consuming import consuming
from worker.intake import store  # noqa: F401 - the metric it defines
from workflow.asking import close_author, install_cluster
from workflow.drain import drain
from workflow.lease import Stop, keeper
from workflow.presence import Presence

if TYPE_CHECKING:
    from core.resources import Resources


async def open_process(resources: Resources) -> None:
    """Open a worker's parts: what writes texts, what every process has, and word of itself."""
    install_cluster(RedisCluster)
    resources.closes(close_author)
    resources.closes(close_search)
    resources.closes(close_links)
    resources.closes_in_thread(close_renderer)
    live_text.install(stream_text)
    open_common(resources, "worker")
    if presence := _presence():
        await presence.begin()
        resources.closes(presence.end)


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


def _stop_workflows() -> None:
    for claim in keeper().claims():
        keeper().stop(claim, Stop.DRAIN)


def _import_author(**_: Any) -> None:
    """Import the model's client before the pool forks.

    It takes a second or two of CPU: else in each prefork child, and in the loop, whose heartbeats
    would wait for it.
    """
    if get_settings().llm_provider is Provider.OPENAI:
        from llm import openai_compatible  # noqa: F401 - for its import alone
    if get_settings().search_provider is not SearchProvider.NONE:
        from roadmaps.search import tavily  # noqa: F401 - ditto


opening.append(open_process)
lifecycle.draining.append(lambda: drain().begin())
lifecycle.hurrying.append(_stop_workflows)
signals.worker_init.connect(_import_author)
