"""What the API and each worker open alike: traces, engine, publisher, bell and recorder."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core import telemetry
from core.loop_lag import leave_loop, watch_loop
from db.engine import dispose_engine
from db.recorder import flush_recorder, observe
from notifications.deltas import stop_streaming
from notifications.publisher import stop_publishing
from tasks.dispatch import close_bell, install_bell
from tasks.publishing import publish
from tasks.workflows import bring_workflows
from workflow import turns

if TYPE_CHECKING:
    from core.resources import Resources


def open_common(resources: Resources, process: str) -> None:
    """Open what facts need to be recorded, told and rung for; in the loop that will close it.

    In this order, since all is closed in the reverse one: facts are committed first, then what they
    ring and tell is sent, then the connections are closed.

    Args:
        resources: What closes it.
        process: `api` or `worker`, the name in traces.
    """
    bring_workflows()
    telemetry.start(process)
    resources.closes_in_thread(telemetry.stop)
    resources.closes(dispose_engine)
    watch_loop()
    resources.closes(leave_loop)
    observe(publish)
    resources.closes(stop_publishing)
    resources.closes(stop_streaming)
    install_bell()
    resources.closes_in_thread(close_bell)
    resources.closes(turns.settle)
    resources.closes(flush_recorder)
