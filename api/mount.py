"""Serves the API at the root or below a proxy's sub-path, and HEAD wherever there is GET.

The sub-path is API_ROOT_PATH, or what a trusted proxy says in `X-Forwarded-Prefix` (`api.gate` has
refused everybody else's). Whether the proxy takes it off or leaves it on makes no difference.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING, Final

from starlette._utils import get_route_path

from core.settings import get_settings
from core.settings.kinds import ROOT_PATH

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

_HEADER: Final = b"x-forwarded-prefix"
OURS: Final = frozenset(
    {
        "api",
        "favicon.ico",
        "health",
        "livez",
        "metrics",
        "operations",
        "readyz",
        "reviews",
        "roadmaps",
        "signin",
        "static",
        "tasks",
        "workflows",
    }
)
"""How our own addresses begin; a sub-path may be called alike."""
_base: Final[ContextVar[str]] = ContextVar("base", default="")


def base() -> str:
    """Return the sub-path of the request that is being answered; nothing at the root."""
    return _base.get()


def inner_path(scope: Scope) -> str:
    """Return a request's path as it is without a sub-path."""
    return get_route_path(scope)


def asks_head(scope: Scope) -> bool:
    """Tell whether only an answer's head is wanted."""
    return scope.get("head") is True


class Mounted:
    """Answers below the sub-path, and HEAD as GET without the body; streams have no HEAD."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] not in {"http", "websocket"}:
            return await self.app(scope, receive, send)
        prefix = _prefix(scope)
        if prefix:
            scope["root_path"] = prefix
            scope["path"] = _below(prefix, scope["path"])
        token = _base.set(prefix)
        try:
            if scope.get("method") == "HEAD" and not inner_path(scope).endswith("/stream"):
                return await self._head(scope, receive, send)
            return await self.app(scope, receive, send)
        finally:
            _base.reset(token)

    async def _head(self, scope: Scope, receive: Receive, send: Send) -> None:
        # a copy: the server reads the method of its own scope, and sends no body for HEAD
        inner = {**scope, "method": "GET", "head": True}

        async def send_head(message: Message) -> None:
            if message["type"] == "http.response.start":
                scope["route"] = inner.get("route")
            elif message["type"] == "http.response.body":
                message = {**message, "body": b""}
            await send(message)

        await self.app(inner, receive, send_head)


def _below(prefix: str, path: str) -> str:
    """Return a path with the sub-path before it, whether or not the proxy has taken it off.

    At `/roadmaps` it was taken off `/roadmaps/<id>`, which would lead nowhere otherwise, and not
    off `/roadmaps/tasks/<id>`.
    """
    if not f"{path}/".startswith(f"{prefix}/"):
        return prefix + path
    rest = path.removeprefix(prefix)
    if not rest:
        return f"{path}/"  # home, as somebody types it
    taken_off = _first(rest) not in {"", *OURS} and _first(path) in OURS
    return prefix + path if taken_off else path


def _first(path: str) -> str:
    return path.partition("/")[2].partition("/")[0]


def _prefix(scope: Scope) -> str:
    given = dict(scope["headers"]).get(_HEADER, b"").decode("latin-1").strip().rstrip("/")
    return given if ROOT_PATH.fullmatch(given) else get_settings().api_root_path
