"""What the API and each worker open alike: traces, engine, publisher, bell and recorder."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from core import telemetry
from core.loop_lag import leave_loop, watch_loop
from core.resources import Resource
from core.settings import get_settings
from db.engine import dispose_engine
from db.facts import NOW, Insert
from db.models import Notification
from db.recorder import flush_recorder, observe
from notifications.deltas import forget as forget_text
from notifications.deltas import stop_streaming
from notifications.inbox_entry import InboxEntry
from notifications.publisher import publish_events, publish_notification, stop_publishing
from roadmaps.roadmap import ROADMAP
from tasks.dispatch import close_bell, install_bell
from workflow import registry, turns
from workflow.here import from_here
from workflow.loading import load, log_slow

if TYPE_CHECKING:
    from collections.abc import Callable

    from db.facts import Recorded


def shared_resources(process: str) -> list[Resource]:
    """List what facts need to be recorded, told and rung for.

    In this order, since all is closed in the reverse one: facts are committed first, then what they
    ring and tell is sent, then the connections are closed.

    Args:
        process: `api` or `worker`, the name in traces.
    """
    return [
        Resource("workflows", open=bring_workflows),
        Resource(
            "traces",
            open=partial(telemetry.start, process),
            close=telemetry.stop,
            close_blocks=True,
        ),
        Resource("database engine", close=dispose_engine),
        Resource("loop's lag", open=watch_loop, close=leave_loop),
        Resource("publisher", open=partial(observe, publish), close=stop_publishing),
        Resource("streamed text", close=stop_streaming),
        Resource("bell", open=install_bell, close=close_bell, close_blocks=True),
        Resource("turns", close=turns.settle),
        Resource("recorder", close=flush_recorder),
    ]


def bring_workflows(*, slow: Callable[[str], None] = log_slow) -> None:
    """Make all workflows known in this process; twice is the same as once.

    Every program asks for this as it starts, so that a workflow that is wrong stops it with a
    sentence, before it takes anything on.

    Args:
        slow: Told of an import that takes long.

    Raises:
        SettingsError: WORKFLOWS or an installed package names what is no workflow, or a wrong one.
    """
    for definition in (ROADMAP, *load(from_here(get_settings().workflows), slow=slow)):
        registry.register(definition)


def publish(recorded: Recorded) -> None:
    """Hand a committed fact's events, and what it put into an inbox, to the publisher."""
    forget_text(recorded.events)
    publish_events(recorded.events, recorded.lines)
    for write in recorded.rows:
        if isinstance(write, Insert) and write.table is Notification.__table__:
            told = {name: recorded.at if it is NOW else it for name, it in write.values.items()}
            entry = InboxEntry.model_validate({**told, "created_at": recorded.at})
            publish_notification(entry)
