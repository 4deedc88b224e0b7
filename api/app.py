"""The composition root: `uvicorn api.app:create_app --factory`, or `roadmap api`."""

from __future__ import annotations

import threading
from typing import Any, Final

from fastapi import FastAPI

from api import docs, for_people, pages, problems
from api.auth import check_settings
from api.bodies import Bodies
from api.composition import lifespan
from api.cors import ALLOWED, Cors
from api.gate import Gate
from api.headers import SQUEEZE_BYTES, Squeezed
from api.http import PREFIX
from api.middleware import Answered, Observed
from api.mount import Mounted
from api.problems import Problem
from api.routes import (
    admin,
    begun,
    events,
    learning,
    notifications,
    operations,
    results,
    reviews,
    revocations,
    roadmaps,
    schedules,
    session,
    sockets,
    tasks,
    tickets,
    workflows,
)
from core.connection_budget import check_budget
from core.settings import get_settings
from notifications.events import TaskEvent
from notifications.reading import open_schema
from wiring.common import bring_workflows

VERSION: Final = "1"
_VERSIONED: Final = (
    tasks,
    workflows,
    events,
    reviews,
    results,
    roadmaps,
    learning,
    begun,
    notifications,
    tickets,
    sockets,
    session,
    admin,
    revocations,
    schedules,
)
_REFERENCE: Final = "#/components/schemas/{model}"
_DESCRIPTION: Final = """\
Ask for a learning roadmap, watch it being made, review it, read it.

Errors are `application/problem+json` (RFC 9457) with a stable `type`. Somebody else's things are
404. Events are the same objects over polling, server-sent events and WebSocket; `seq` counts from
1 without gaps, and every transport resumes after the last one seen.
"""


def create_app() -> FastAPI:
    """Return the application.

    Raises:
        SettingsError: A setting is invalid, or would let strangers in, or a workflow is wrong.
    """
    settings = get_settings()
    check_settings(settings)
    check_budget(settings)
    bring_workflows()
    app = FastAPI(
        title="roadmap-worker",
        version=VERSION,
        summary="Learning roadmaps, made in the background, watched live.",
        description=_DESCRIPTION,
        openapi_url="/api/openapi.json",
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
        redirect_slashes=False,
    )
    problems.install(app)
    for_people.install(app)
    for routes in _VERSIONED:
        app.include_router(routes.router, prefix=PREFIX)
    app.include_router(operations.router)
    app.include_router(docs.router)
    app.include_router(session.door)
    app.include_router(pages.router)
    app.include_router(sockets.nowhere)
    app.add_middleware(Bodies)
    app.add_middleware(Squeezed, minimum_size=SQUEEZE_BYTES, compresslevel=8)
    app.add_middleware(Mounted)
    app.add_middleware(Gate)
    app.add_middleware(Answered)
    if settings.cors_origins:  # around all that refuses, so that pages may read why
        app.add_middleware(Cors, allow_origins=list(settings.cors_origins), **ALLOWED)
    app.add_middleware(Observed)
    _complete_schema(app)
    return app


def _complete_schema(app: FastAPI) -> None:
    """Describe problems and events, and take out FastAPI's errors, which no route answers with."""
    generate = app.openapi
    one_at_a_time = threading.Lock()

    def openapi() -> dict[str, Any]:
        with one_at_a_time:
            return complete()

    def complete() -> dict[str, Any]:
        if app.openapi_schema is None:
            schemas = generate().setdefault("components", {}).setdefault("schemas", {})
            for name, model in {"Problem": Problem, "TaskEvent": TaskEvent}.items():
                schema = open_schema(model, ref_template=_REFERENCE)
                schemas |= schema.pop("$defs", {})
                schemas[name] = schema
            for name in ("HTTPValidationError", "ValidationError"):
                schemas.pop(name, None)
        return generate()

    app.openapi = openapi  # type: ignore[method-assign]
