"""For admins: connections, live clients, the queue. Read only."""

import asyncio
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Query, Request
from redis.exceptions import RedisError
from sqlalchemy import text

from api.auth import admin_actor
from api.composition import services_of
from api.problems import documented
from api.redis_report import redis_report
from api.registry import registry
from api.streams import SEND_TIMEOUT_S
from core import timeouts
from core.addresses import shown
from core.errors import ServiceUnavailableError
from core.logging import get_logger
from core.settings import get_settings
from core.stages import can_run
from db.connecting import ADMITTED
from db.engine import get_pool_status
from db.session import read_session
from tasks import queues
from watching import queries
from watching.backlog import Policy
from watching.feed import current_feed
from watching.topic import PASSING, TAIL

log = get_logger(__name__)
router = APIRouter(
    prefix="/admin", tags=["admin"], dependencies=[Depends(admin_actor)], responses=documented(403)
)

GUARD_S: Final = 2.0
_SESSIONS: Final = text(
    """
    SELECT coalesce(state, 'other') AS state, count(*) AS sessions FROM pg_stat_activity
    WHERE application_name = 'roadmap-worker' AND datname = current_database() GROUP BY 1
    """
)
_LIMITS: Final = text(
    f"SELECT current_setting('max_connections')::int AS most, {ADMITTED} AS admitted"
)


@router.get("/database", operation_id="adminDatabase", summary="Engines, pools, sessions")
async def database() -> dict[str, Any]:
    """Return this process's engines and pool, and all our sessions on the server."""
    async with read_session() as session:
        sessions = {row[0]: row[1] for row in await session.execute(_SESSIONS)}
        limits = (await session.execute(_LIMITS)).one()
    return {
        "pool": await get_pool_status(),
        "server": {
            "max_connections": limits.most,
            "admitted": limits.admitted,
            "sessions": sum(sessions.values()),
            "sessions_by_state": sessions,
        },
    }


@router.get("/redis", operation_id="adminRedis", summary="Pools, clients, Pub/Sub channels")
async def redis(request: Request) -> dict[str, Any]:
    """Return what this process holds open, what the server sees, and what to do about it."""
    try:
        return await redis_report(services_of(request))
    except (RedisError, OSError) as error:
        raise ServiceUnavailableError(f"Redis cannot be asked: {type(error).__name__}.") from error


@router.get("/streams", operation_id="adminStreams", summary="Live clients of this process")
async def streams() -> dict[str, Any]:
    """Return who follows what, for how long, how many more may, and who was dropped and why.

    `last_hour` is the most streams at a time in each of sixty minutes, this one last; null before
    the process began.
    """
    open_ones, settings = registry(), get_settings()
    return {
        "open": open_ones.by_transport.total(),
        "by_transport": dict(open_ones.by_transport),
        "by_user": dict(open_ones.by_user),
        "by_task": current_feed().watched(),
        "oldest_s": open_ones.oldest_s(),
        "last_hour": open_ones.minutes.last_hour(),
        "dropped": dict(open_ones.dropped),
        "limits": {
            "per_user": settings.user_max_streams,
            "per_process": settings.max_streams,
            "send_timeout_s": SEND_TIMEOUT_S,
        },
        "backlogs": {
            "events": {"limit": TAIL, "policy": Policy.REREAD},
            "transient": {"limit": PASSING, "policy": Policy.DROP_OLDEST},
        },
    }


@router.get("/queue", operation_id="adminQueue", summary="What waits, and who works")
async def queue() -> dict[str, Any]:
    """Return tasks by status, what waits for a worker, live leases, the queue, and Flower.

    `unknown` are unfinished tasks of workflows, or versions, that this process does not know: they
    wait until a worker does.
    """
    state = await queries.queue_state()
    return {
        **state.model_dump(mode="json"),
        "unknown": [
            each.model_dump()
            for each in state.unfinished
            if not can_run(each.workflow, each.version)
        ],
        "queue": await _depth(),
        "flower_url": (url := get_settings().flower_url) and shown(url),
    }


@router.get("/last-hour", operation_id="adminLastHour", summary="The last hour by minutes")
async def last_hour() -> queries.LastHourView:
    """Return what waited and ran in each minute, and how tasks ended in it.

    Maintenance notes what waits and runs, so a minute in which it did not run is null.
    """
    return await queries.last_hour()


@router.get(
    "/queue/rejected", operation_id="adminRejected", summary="Messages no worker could take"
)
async def rejected(
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> queries.RejectedView:
    """Return what was set aside from the broker's queues, the newest first, and counts of all."""
    return await queries.rejected_messages(limit=limit)


async def _depth() -> dict[str, Any]:
    """Return the broker's queue; it may be away, and kombu blocks."""
    try:
        async with timeouts.timeout(GUARD_S):
            return {"status": "up", **await asyncio.to_thread(queues.peek)}
    except Exception as error:  # noqa: BLE001 - kombu's errors come in many kinds
        log.warning("queue_unreachable", error=type(error).__name__)
        return {"status": "down", "depth": None, "oldest": None}
