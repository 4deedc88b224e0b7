"""For operators and orchestrators: is it alive, is it ready, how is it doing. No prefix."""

from __future__ import annotations

import asyncio
import time
from functools import lru_cache
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from api.composition import services_of
from db.engine import get_engine, get_pool_status

router = APIRouter(tags=["operations"])


@router.get("/livez", operation_id="livez", summary="The process answers")
async def livez() -> dict[str, str]:
    """Say that the event loop turns; nothing else is asked."""
    return {"status": "alive"}


@router.get(
    "/readyz",
    operation_id="readyz",
    summary="What is needed is there",
    responses={503: {"description": "PostgreSQL does not answer, or is not at the newest schema."}},
)
async def readyz(request: Request) -> Response:
    """Be ready when PostgreSQL answers and is at head.

    Redis is reported, not required: rows are the outbox and the log, so without Redis the API
    only gets slower (L61: it is not hidden either).
    """
    services = services_of(request)
    database, redis = await asyncio.gather(
        services.probe("database", _database), services.probe("redis", services.ping_redis)
    )
    ready = database["status"] == "up"
    status = "unavailable" if not ready else "ready" if redis["status"] == "up" else "degraded"
    return JSONResponse(
        {
            "status": status,
            "postgresql": database["status"],
            "migrations": database.get("migrations", "unknown"),
            "redis": redis["status"],
        },
        status_code=200 if ready else 503,
        headers={} if ready else {"Retry-After": "2"},
    )


@router.get("/health", operation_id="health", summary="How it is doing, for people")
async def health(request: Request) -> Response:
    """Return details: pools, streams, live events; 200 also when something is down."""
    services = services_of(request)
    database, redis = await asyncio.gather(
        services.probe("database", _database), services.probe("redis", services.ping_redis)
    )
    parts = (database["status"], redis["status"])
    return JSONResponse(
        {
            "status": "healthy" if parts == ("up", "up") else "degraded",
            "uptime_s": round(time.monotonic() - services.started, 1),
            "database": {**database, "pool": await get_pool_status()},
            "redis": redis,
            "live_events": services.hub.status(),
        }
    )


@router.get("/metrics", operation_id="metrics", summary="For Prometheus", response_class=Response)
async def metrics() -> Response:
    """Return this process's metrics."""
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)


async def _database() -> dict[str, Any]:
    from db.migrate import current  # Alembic: a quarter of a second that start-up need not wait

    revision = await current(get_engine())
    newest = await asyncio.to_thread(_head)
    return {
        "status": "up" if revision == newest else "outdated",
        "migrations": "head" if revision == newest else revision or "none",
    }


@lru_cache(maxsize=1)
def _head() -> str:
    from db.migrate import head

    return head()
