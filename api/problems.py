"""Every error as RFC 9457 `application/problem+json` with a stable `type`."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

import asyncpg
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.exc import SQLAlchemyError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.routing import Match

from core import errors
from core.logging import get_logger
from core.wording import said, unreadable
from db.session import is_transient, note_refusal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fastapi import FastAPI
    from starlette.requests import Request

log = get_logger(__name__)

MEDIA_TYPE: Final = "application/problem+json"
TYPE_PREFIX: Final = "urn:roadmap-worker:problem:"
RETRY_AFTER_S: Final = 2
BUSY_RETRY_AFTER_S: Final = 30
METHODS: Final = ("DELETE", "GET", "HEAD", "PATCH", "POST", "PUT")
MOST_ERRORS: Final = 50
"""Field errors listed in one answer."""
LONGEST: Final = 300
"""Characters of a field's name, and of what is wrong with it."""

STATUS_OF: Final[dict[type[errors.AppError], HTTPStatus]] = {
    errors.InvalidRequestError: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.NotFoundError: HTTPStatus.NOT_FOUND,
    errors.StaleVersionError: HTTPStatus.PRECONDITION_FAILED,
    errors.ConflictError: HTTPStatus.CONFLICT,
    errors.IllegalTransitionError: HTTPStatus.CONFLICT,
    errors.LeaseLostError: HTTPStatus.CONFLICT,
    errors.TooManyRequestsError: HTTPStatus.TOO_MANY_REQUESTS,
    errors.UnauthenticatedError: HTTPStatus.UNAUTHORIZED,
    errors.ForbiddenError: HTTPStatus.FORBIDDEN,
    errors.ServiceUnavailableError: HTTPStatus.SERVICE_UNAVAILABLE,
    # a workflow's own code, or what an earlier version of it stored: nothing was changed
    errors.PlanError: HTTPStatus.CONFLICT,
    errors.UpgradeError: HTTPStatus.CONFLICT,
    errors.UnreadableRecordError: HTTPStatus.CONFLICT,
}
"""The first class that fits counts, so the narrower ones stand first; the rest is 500."""

CODE_OF: Final[dict[int, str]] = {
    400: errors.InvalidRequestError.code,
    401: errors.UnauthenticatedError.code,
    403: errors.ForbiddenError.code,
    404: errors.NotFoundError.code,
    405: "method_not_allowed",
    409: errors.ConflictError.code,
    412: errors.StaleVersionError.code,
    408: "request_timeout",
    413: "payload_too_large",
    415: "unsupported_media_type",
    422: errors.InvalidRequestError.code,
    429: errors.TooManyRequestsError.code,
    431: "header_too_large",
    500: errors.AppError.code,
    501: "unknown_transfer_coding",
    503: errors.ServiceUnavailableError.code,
}
_PHRASES: Final = {413: "Content Too Large", 422: "Unprocessable Content"}
"""As RFC 9110 has them; versions of Python differ."""
_HEADERS: Final[dict[int, dict[str, str]]] = {
    401: {"WWW-Authenticate": "Bearer"},
    429: {"Retry-After": str(BUSY_RETRY_AFTER_S)},
    503: {"Retry-After": str(RETRY_AFTER_S)},
}
_DETAILS: Final[dict[int, str]] = {
    404: "There is nothing at this address.",
    405: "This address does not answer that method; `Allow` names those it does.",
    413: "The body is larger than the API takes.",
    500: "Something went wrong inside; the logs name it by the request's id.",
    503: "The database cannot be reached; try again shortly.",
}


class FieldError(BaseModel):
    """One thing that is wrong with a request."""

    field: str = Field(description="Where: `body.goal`, `query.limit`, …", examples=["body.goal"])
    message: str
    type: str = Field(description="Stable name of the rule that was broken.")


class Problem(BaseModel):
    """An error (RFC 9457)."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "type": "urn:roadmap-worker:problem:not_found",
                "title": "Not found",
                "status": 404,
                "detail": "There is no task 01990000-0000-7000-8000-000000000000.",
                "code": "not_found",
                "instance": "/api/v1/tasks/01990000-0000-7000-8000-000000000000",
            }
        }
    )

    type: str = Field(description="Stable; the same for the same kind of problem.")
    title: str
    status: int
    detail: str
    code: str = Field(description="The last part of `type`, for programs.")
    instance: str | None = None
    errors: list[FieldError] | None = None


class ProblemResponse(JSONResponse):
    """A problem as a response."""

    media_type = MEDIA_TYPE


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return OpenAPI's description of problem responses; those every route may give included."""
    schema = {"$ref": "#/components/schemas/Problem"}
    return {
        status: {
            "description": _PHRASES.get(status) or HTTPStatus(status).phrase,
            "content": {MEDIA_TYPE: {"schema": schema}},
        }
        for status in sorted({401, 422, 429, 503, *statuses})
    }


def problem(
    status: int,
    *,
    code: str,
    detail: str,
    instance: str | None = None,
    field_errors: list[FieldError] | None = None,
    headers: Mapping[str, str] | None = None,
) -> ProblemResponse:
    """Return a problem response."""
    body = Problem(
        type=TYPE_PREFIX + code,
        title=code.replace("_", " ").capitalize(),
        status=status,
        detail=clean(detail),
        code=code,
        instance=None if instance is None else clean(instance),
        errors=field_errors,
    )
    return ProblemResponse(
        body.model_dump(exclude_none=True),
        status_code=int(status),
        headers={**_HEADERS.get(status, {}), **(headers or {}), "Cache-Control": "no-store"},
    )


def of_error(error: errors.AppError, *, instance: str | None = None) -> ProblemResponse:
    """Return the problem for an error of our own."""
    status = next(
        (status for kind, status in STATUS_OF.items() if isinstance(error, kind)),
        HTTPStatus.INTERNAL_SERVER_ERROR,
    )
    if status is HTTPStatus.INTERNAL_SERVER_ERROR:
        log.error("request_failed", code=error.code, error=error.message)
        return problem(500, code=CODE_OF[500], detail=_DETAILS[500], instance=instance)
    headers = {}
    if "retry_after_s" in error.details:
        headers["Retry-After"] = str(round(error.details["retry_after_s"]))
    return problem(
        status,
        code=error.code,
        detail=error.message,
        instance=instance,
        field_errors=[
            FieldError(field=short(path), message=short(message), type=rule)
            for path, message, rule in _places(error)
        ]
        or None,
        headers=headers,
    )


def _places(error: errors.AppError) -> list[tuple[str, str, str]]:
    """Return where in the request it is wrong, with the whole path of each place."""
    fields, places = (error.details.get(name, ()) for name in ("fields", "places"))
    return [*((f"body.{path}", said, rule) for path, said, rule in fields), *places]


def of_failure(error: Exception, *, instance: str | None = None) -> ProblemResponse:
    """Return the problem for an error of something else: 503 when it may pass, else 500."""
    unavailable = isinstance(error, (OSError, asyncpg.PostgresError, asyncpg.InterfaceError))
    if unavailable or is_transient(error):
        log.warning("request_refused", reason="database away", error=type(error).__name__)
        why = note_refusal(error)
        detail = f"The database {why}; try again shortly." if why else _DETAILS[503]
        return problem(503, code=CODE_OF[503], detail=detail, instance=instance)
    log.error("request_failed", error=type(error).__name__, exc_info=error)
    return problem(500, code=CODE_OF[500], detail=_DETAILS[500], instance=instance)


def unexpected(instance: str) -> ProblemResponse:
    """Return the problem for an error that nobody foresaw; it tells nothing of the inside."""
    return problem(500, code=CODE_OF[500], detail=_DETAILS[500], instance=instance)


def clean(text: str) -> str:
    """Return text that can be encoded: a request may contain lone surrogates."""
    return text.encode("utf-8", "replace").decode("utf-8")


def short(text: str) -> str:
    """Return text that can be encoded, and not too much of it: it may quote a request."""
    return clean(text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…")


def install(app: FastAPI) -> None:
    """Let the application answer every error with a problem."""
    app.add_exception_handler(errors.AppError, _app_error)
    app.add_exception_handler(RequestValidationError, _validation_error)
    app.add_exception_handler(HTTPException, _http_error)
    for kind in (SQLAlchemyError, asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
        app.add_exception_handler(kind, _service_error)


async def _app_error(request: Request, error: Exception) -> ProblemResponse:
    if not isinstance(error, errors.AppError):  # pragma: no cover - how Starlette types handlers
        raise error
    return of_error(error, instance=request.url.path)


async def _validation_error(request: Request, error: Exception) -> ProblemResponse:
    found = error.errors() if isinstance(error, RequestValidationError) else []
    field_errors = [
        FieldError(
            field=short(".".join(str(part) for part in entry["loc"])),
            message=short(said(entry)),
            type=str(entry["type"]),
        )
        for entry in found[:MOST_ERRORS]
    ]
    detail = "; ".join(f"{entry.field} {entry.message}" for entry in field_errors[:3])
    return problem(
        422,
        code=errors.InvalidRequestError.code,
        detail=f"The request is not valid: {detail}.",
        instance=request.url.path,
        field_errors=field_errors,
    )


async def _http_error(request: Request, error: Exception) -> ProblemResponse:
    if not isinstance(error, HTTPException):  # pragma: no cover - how Starlette types handlers
        raise error
    if error.status_code == HTTPStatus.BAD_REQUEST:
        # FastAPI's 400 is a body that cannot be read: the same to a client as one that is not valid
        found = {"loc": ["body"], "type": "value_error", "msg": unreadable(error.__cause__)}
        return await _validation_error(request, RequestValidationError([found]))
    status = error.status_code
    phrase = HTTPStatus(status).phrase
    detail = str(error.detail)
    headers = error.headers
    if status == HTTPStatus.METHOD_NOT_ALLOWED:
        headers = {"Allow": ", ".join(_methods_at(request))}
    return problem(
        status,
        code=CODE_OF.get(status, phrase.lower().replace(" ", "_")),
        detail=_DETAILS.get(status, detail) if detail == phrase else detail,
        instance=request.url.path,
        headers=headers,
    )


def _methods_at(request: Request) -> list[str]:
    """Return the methods of all routes at an address; Starlette tells those of the first one."""
    endless = request.url.path.endswith("/stream")
    return [
        method
        for method in METHODS
        # HEAD is allowed where GET is, except for streams
        if (asked := "GET" if method == "HEAD" and not endless else method)
        and any(
            route.matches({**request.scope, "method": asked})[0] is Match.FULL
            for route in request.app.routes
        )
    ]


async def _service_error(request: Request, error: Exception) -> ProblemResponse:
    return of_failure(error, instance=request.url.path)
