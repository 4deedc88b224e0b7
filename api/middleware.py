"""Around every request: its id, its line in the log, its metrics, and headers for browsers."""

from __future__ import annotations

import logging
import re
import time
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, Final

import structlog
from prometheus_client import Counter, Histogram

from api.headers import with_defaults
from api.http import PREFIX
from api.mount import inner_path
from api.problems import unexpected
from core import telemetry
from core.ids import new_id
from core.logging import get_logger

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

log = get_logger(__name__)

REQUESTS: Final = Counter(
    "roadmap_http_requests_total", "Requests answered.", ["method", "route", "status"]
)
SECONDS: Final = Histogram(
    "roadmap_http_request_seconds", "Time until the answer began.", ["method", "route"]
)
_KNOWN_METHODS: Final = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"})
DIRECT_SEND: Final = "roadmap.direct_send"
"""Where a request's scope keeps the server's own `send`, for streams that have begun: what stands
between has nothing to say about later pieces, and costs each viewer of each event its time."""
PUSH: Final = "roadmap.push"
"""Where it keeps the server's way to write a piece of a body that has begun, at once or not at all
(`api.protocols`): bytes that many viewers get go into their sockets without waking their tasks."""
_REQUEST_ID: Final = re.compile(r"[\w.\-]{1,64}")
_QUIET: Final = frozenset({"/livez", "/readyz", "/metrics"})
"""Asked every few seconds by machines: logged only when they go wrong."""
_DENIED: Final = "ASGI callable returned without completing handshake."
_QUERY: Final = re.compile(r"\?[^\s\"]*")


class Observed:
    """Wraps the application; pure ASGI, so that streams pass through untouched."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] == "websocket":
            return await self.app(scope, receive, _with_headers_on_denial(send, scope))
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        started = time.perf_counter()
        request_id = _request_id(scope)
        status = 0

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message = _with_headers(message, request_id)
                self._count(scope, status, time.perf_counter() - started)
            await send(message)

        scope[DIRECT_SEND] = send
        traced = (
            nullcontext()
            if scope["path"] in _QUIET
            else telemetry.span(
                f"HTTP {scope['method']}",
                kind="server",
                parent=_header(scope, telemetry.TRACEPARENT),
                attributes={"url.path": scope["path"]},
            )
        )
        with structlog.contextvars.bound_contextvars(request_id=request_id), traced:
            try:
                await self.app(scope, receive, send_with_headers)
            finally:
                if status >= 500 or inner_path(scope) not in _QUIET:  # noqa: PLR2004 - server errors
                    log.info(
                        "request_served",
                        method=scope["method"],
                        path=scope["path"],
                        status=status,
                        seconds=round(time.perf_counter() - started, 4),
                    )
        return None

    def _count(self, scope: Scope, status: int, seconds: float) -> None:
        method = scope["method"] if scope["method"] in _KNOWN_METHODS else "other"
        template = getattr(scope.get("route"), "path", None)
        # FastAPI names the route as it stands in its own router, without the prefix
        prefix = PREFIX if inner_path(scope).startswith(PREFIX + "/") else ""
        route = "unknown" if template is None else prefix + template
        REQUESTS.labels(method, route, str(status)).inc()
        SECONDS.labels(method, route).observe(seconds)


class Answered:
    """Answers for what nobody foresaw, inside of what lets other pages read the answer."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        begun = False

        async def send_and_remember(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            return await self.app(scope, receive, send_and_remember)
        except Exception:
            log.exception("request_failed", path=scope["path"])
            if begun:  # all that is left is to break it off
                raise
            return await unexpected(scope["path"])(scope, receive, send)


def _with_headers(message: Message, request_id: str) -> Message:
    ours = (b"x-request-id", request_id.encode("latin-1"))
    return {**message, "headers": [*with_defaults(message.get("headers", ())), ours]}


def _with_headers_on_denial(send: Send, scope: Scope) -> Send:
    async def send_with_headers(message: Message) -> None:
        if message["type"] == "websocket.http.response.start":
            message = _with_headers(message, _request_id(scope))
        await send(message)

    return send_with_headers


def _request_id(scope: Scope) -> str:
    given = _header(scope, "x-request-id")
    return given if _REQUEST_ID.fullmatch(given) else str(new_id())


def _header(scope: Scope, name: str) -> str:
    value: bytes = dict(scope["headers"]).get(name.encode(), b"")
    return value.decode("latin-1")


class WithoutQueries(logging.Filter):
    """Takes query strings out of the server's own lines: a ticket may stand there."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Keep every record, without what follows a `?`."""
        if isinstance(record.args, tuple):
            record.args = tuple(_stripped(value) for value in record.args)
        return True


class WithoutFalseAlarms(logging.Filter):
    """Makes no error of a refused handshake: uvicorn calls a WebSocket that we deny unanswered."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Keep every record, this one as information."""
        if record.msg == _DENIED:
            record.levelno, record.levelname = logging.INFO, "INFO"
        return True


def _stripped(value: Any) -> Any:
    return _QUERY.sub("", value) if isinstance(value, str) else value


def tidy_server_logs() -> None:
    """Attach the filters to uvicorn's loggers, once."""
    for name in ("uvicorn.access", "uvicorn.error"):
        logger = logging.getLogger(name)
        for tidy in (WithoutQueries, WithoutFalseAlarms):
            if not any(isinstance(f, tidy) for f in logger.filters):
                logger.addFilter(tidy())
