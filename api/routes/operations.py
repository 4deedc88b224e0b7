"""For operators and orchestrators: is it alive, is it ready, how is it doing. No prefix."""

import time
from typing import Final

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from api import fleet
from api.composition import services_of
from api.health import examine
from core import exposition
from db.engine import get_pool_status

router = APIRouter(tags=["operations"])

_EXCLUDE: Final = {
    "name": "exclude",
    "in": "query",
    "description": "Dependencies whose absence is not to count, such as `redis` and `workers`: for"
    " load balancers, since the API serves without them.",
    "schema": {"type": "array", "items": {"type": "string"}},
}


@router.get("/livez", operation_id="livez", summary="The process answers")
async def livez() -> dict[str, str]:
    """Say that the event loop turns; nothing else is asked."""
    return {"status": "alive"}


@router.get(
    "/readyz",
    operation_id="readyz",
    summary="What is needed is there",
    openapi_extra={"parameters": [_EXCLUDE]},
    responses={
        503: {
            "description": "Something does not answer or refuses, or the schema is not the newest."
        }
    },
)
async def readyz(request: Request) -> Response:
    """Be ready when PostgreSQL is at head, Redis answers and a worker takes messages; else 503.

    The answer says what follows from what is missing. Without Redis or workers the API still
    serves: rows are the outbox and the log. Load balancers therefore ask
    `?exclude=redis&exclude=workers`, so that a Redis that is away does not take the API out of
    service; people and alerts ask for all, so that they do see it.
    """
    health = await examine(services_of(request))
    database = health.parts["postgresql"]
    named = request.query_params.getlist("exclude")
    ready = health.ready(exclude=[part for names in named for part in names.split(",")])
    answer: dict[str, object] = {
        "status": health.status,
        "migrations": database.get("migrations", "unknown"),
        **{name: part["status"] for name, part in health.parts.items()},
    }
    if health.effects:
        answer["effects"] = list(health.effects.values())
    return JSONResponse(
        answer, status_code=200 if ready else 503, headers={} if ready else {"Retry-After": "2"}
    )


@router.get("/health", operation_id="health", summary="How it is doing, for people")
async def health(request: Request) -> Response:
    """Return details: pools, streams, live events; 200 also when something is down."""
    services = services_of(request)
    found = await examine(services)
    parts = dict(found.parts)
    return JSONResponse(
        {
            "status": "degraded" if found.effects else "healthy",
            "effects": list(found.effects.values()),
            "uptime_s": round(time.monotonic() - services.started, 1),
            "database": {**parts.pop("postgresql"), "pool": await get_pool_status()},
            **parts,
            "live_events": services.hub.status(),
        }
    )


@router.get("/metrics", operation_id="metrics", summary="For Prometheus", response_class=Response)
async def metrics(request: Request) -> Response:
    """Return this process's metrics, and those of all processes that rows and broker tell."""
    await fleet.measure(services_of(request))
    return Response(exposition.exposition(), media_type=exposition.CONTENT_TYPE)
