"""Shows an error as a page with a link home when a person opens an address in a browser.

The API itself answers everybody with a problem, whatever is accepted; so do assets and probes.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

import asyncpg
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import SQLAlchemyError
from starlette.exceptions import HTTPException

from api.mount import inner_path
from api.pages import notice
from core.errors import AppError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from fastapi import FastAPI
    from starlette.requests import Request
    from starlette.responses import Response

_FOR_PROGRAMS: Final = ("/api", "/static", "/livez", "/readyz", "/health", "/metrics")
_KINDS: Final = (
    AppError,
    RequestValidationError,
    HTTPException,
    SQLAlchemyError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    OSError,
)
_NOTHING: Final = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.UNPROCESSABLE_ENTITY})


def install(app: FastAPI) -> None:
    """Let the application's answers to errors be pages where a person asked for one."""
    for kind in _KINDS:
        app.add_exception_handler(kind, _or_page(app.exception_handlers[kind]))


def asks_page(request: Request) -> bool:
    """Tell whether a browser asks for one of the pages, or for what could be one."""
    first = "/" + inner_path(request.scope).lstrip("/").partition("/")[0]
    accepted = request.headers.get("accept", "")
    return request.method == "GET" and first not in _FOR_PROGRAMS and "text/html" in accepted


def _or_page(
    answer: Callable[..., Any],
) -> Callable[[Request, Exception], Awaitable[Response]]:
    async def answered(request: Request, error: Exception) -> Response:
        problem: Response = await answer(request, error)
        if not asks_page(request):
            return problem
        return _page_of(problem.status_code, error)

    return answered


def _page_of(status: int, error: Exception) -> Response:
    if status in _NOTHING:  # an id that is none cannot be the address of anything, either
        reason = "The address may be mistyped, or what was here is gone."
        return notice(HTTPStatus.NOT_FOUND, title="There is nothing here", reason=reason)
    if status == HTTPStatus.UNAUTHORIZED and isinstance(error, AppError):
        reason = f"{error.message} Or open the pages and paste a token."
        return notice(status, title="You are not signed in", reason=reason)
    reason = "Something did not work on our side. Try again shortly."
    return notice(status, title="This cannot be shown now", reason=reason)
