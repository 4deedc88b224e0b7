"""Metrics that no single process can count: what the rows and the broker know of all of them.

Measured when Prometheus asks. Every API answers the same, so take `max`, not `sum`, over APIs.
What cannot be asked is NaN: a gauge that keeps its last value would look healthy.
"""

from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING, Any, Final

from prometheus_client import Gauge

from api.health import examine
from core.jobs import JOBS
from core.rejection import Reason
from core.states import Status
from tasks import queues
from watching import queries

if TYPE_CHECKING:
    from api.composition import Services

_MODE: Final = "mostrecent"
TASKS: Final = Gauge("roadmap_tasks", "Tasks by status.", ["status"], multiprocess_mode=_MODE)
WAITING: Final = Gauge(
    "roadmap_tasks_waiting", "Tasks that wait for a worker.", multiprocess_mode=_MODE
)
OLDEST: Final = Gauge(
    "roadmap_oldest_waiting_seconds",
    "How long the oldest of them has been waiting; 0 when none waits.",
    multiprocess_mode=_MODE,
)
RUNNING: Final = Gauge(
    "roadmap_tasks_running", "Tasks that a living worker holds.", multiprocess_mode=_MODE
)
DEPTH: Final = Gauge(
    "roadmap_queue_depth", "Messages in a queue.", ["queue"], multiprocess_mode=_MODE
)
JOB_AGE: Final = Gauge(
    "roadmap_job_age_seconds",
    "Since a maintenance job last ran, wherever it did.",
    ["job"],
    multiprocess_mode=_MODE,
)
FINDINGS: Final = Gauge(
    "roadmap_audit_findings",
    "Contradictions in the last audit, wherever it ran.",
    ["kind"],
    multiprocess_mode=_MODE,
)

REJECTED: Final = Gauge(
    "roadmap_queue_rejected",
    "Messages that workers have set aside since the first, wherever they did.",
    ["reason"],
    multiprocess_mode=_MODE,
)


async def measure(services: Services) -> None:
    """Set all of them; takes 2 s at most."""
    from workflow.audit import meanings  # all that an audit looks at, for the names of its findings

    _health, rows, found = await asyncio.gather(
        examine(services), services.probe("rows", _rows), services.probe("queues", _queues)
    )
    state = rows.get("state")
    for status in Status:
        TASKS.labels(status).set(state.tasks_by_status[status] if state else math.nan)
    WAITING.set(state.waiting if state else math.nan)
    OLDEST.set((state.oldest_waiting_s or 0) if state else math.nan)
    RUNNING.set(state.running if state else math.nan)
    for queue in queues.QUEUES:
        DEPTH.labels(queue).set(found.get("queues", {}).get(queue, math.nan))
    for job in JOBS:
        JOB_AGE.labels(job).set(rows.get("ages", {}).get(job, math.nan))
    rejected = rows.get("rejected")
    for reason in Reason:
        REJECTED.labels(reason).set(math.nan if rejected is None else rejected.get(reason, 0))
    findings = rows.get("findings")
    for kind in meanings():
        FINDINGS.labels(kind).set(math.nan if findings is None else findings.get(kind, 0))


async def _rows() -> dict[str, Any]:
    state, ages, findings, rejected = await asyncio.gather(
        queries.queue_state(),
        queries.job_ages(),
        queries.audit_findings(),
        queries.rejected_counts(),
    )
    return {
        "status": "up",
        "state": state,
        "ages": ages,
        "findings": findings,
        "rejected": rejected,
    }


async def _queues() -> dict[str, Any]:
    return {"status": "up", **await asyncio.to_thread(queues.peek)}
