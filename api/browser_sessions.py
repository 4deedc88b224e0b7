"""Browsers that are signed in: a cookie that no script reads and no other site sends.

The cookie is a token of its own kind, by a key of its own: it is no bearer token, and none is a
cookie. Since a browser sends it by itself, also for a page of another port of this machine, a
request with it has to come from a page of ours.
"""

from __future__ import annotations

import secrets
import time
from typing import TYPE_CHECKING, Final

import jwt

from core.actor import LOCAL_USER
from core.errors import ForbiddenError, UnauthenticatedError
from core.hosts import is_origin_of
from core.keys import derived, secrets_of
from core.settings import get_settings
from core.tokens import ALGORITHM, Claims, verified_claims

if TYPE_CHECKING:
    from starlette.requests import HTTPConnection
    from starlette.responses import Response

TTL_S: Final = 7 * 86400
_PURPOSE: Final = "browser session"
_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_MOST_COOKIES: Final = 4
"""So many of one name are looked at."""
_OWN: Final = frozenset({"same-origin", "none"})
"""What `Sec-Fetch-Site` says of our own pages, and of addresses that somebody typed."""


def sign_in(connection: HTTPConnection, answer: Response) -> None:
    """Let an answer sign the browser in as the local admin."""
    settings = get_settings()
    now = int(time.time())
    ttl_s = int(min(TTL_S, settings.token_max_days * 86400))
    claims = {
        "sub": LOCAL_USER,
        "role": "admin",
        "iat": now,
        "exp": now + ttl_s,
        "jti": secrets.token_urlsafe(12),
    }
    key = derived(secrets_of(settings)[0], _PURPOSE)
    answer.set_cookie(
        cookie_name(connection),
        jwt.encode(claims, key, algorithm=ALGORITHM),
        max_age=ttl_s,
        path=_path(connection),
        secure=_secure(connection),
        httponly=True,
        samesite="strict",
    )


def sign_out(connection: HTTPConnection, answer: Response) -> None:
    """Let an answer take the cookie away."""
    answer.delete_cookie(
        cookie_name(connection),
        path=_path(connection),
        secure=_secure(connection),
        httponly=True,
        samesite="strict",
    )


def session_of(connection: HTTPConnection) -> Claims | None:
    """Return for whom a browser is signed in, whatever page asks; None without a good cookie."""
    given = _cookies(connection, cookie_name(connection))
    if not given:
        return None
    keys = tuple(derived(secret, _PURPOSE) for secret in secrets_of(get_settings()))
    return next((found for cookie in given if (found := _claims_in(cookie, keys))), None)


def _cookies(connection: HTTPConnection, name: str) -> list[str]:
    """Return all cookies of a name, at most a few.

    A browser sends those of every path above: another stack at the root has one of that name, too.
    """
    pieces = "; ".join(connection.headers.getlist("cookie")).split(";")
    named = (piece.strip().partition("=") for piece in pieces)
    return [value for key, _, value in named if key == name and value][:_MOST_COOKIES]


def _claims_in(cookie: str, keys: tuple[str, ...]) -> Claims | None:
    try:
        claims = verified_claims(cookie, keys)
    except UnauthenticatedError:
        return None
    return Claims(
        user=str(claims["sub"]),
        role=str(claims.get("role")),
        expires_at=float(claims["exp"]),
        issued_at=float(claims["iat"]),
        token_id=str(claims["jti"]),
    )


def check_page(connection: HTTPConnection) -> None:
    """Refuse what a page of another origin lets the browser send along with its cookie.

    Raises:
        ForbiddenError: It is not known to come from a page of ours.
    """
    origin = connection.headers.get("origin")
    site = connection.headers.get("sec-fetch-site")
    method = connection.scope.get("method", "GET")
    ours = origin is None or is_origin_of(origin, connection.headers.get("host"))
    told = origin is not None or site is not None
    if not ours or (site is not None and site not in _OWN) or not (told or method in _SAFE):
        raise ForbiddenError(
            "A signed-in browser may only do this from a page of this API; programs and other"
            " pages send `Authorization: Bearer <token>`."
        )


def cookie_name(connection: HTTPConnection) -> str:
    """Return the cookie's name. Cookies know no ports: several stacks on a machine differ so."""
    port = connection.url.port
    return "roadmap_session" if port is None else f"roadmap_session_{port}"


def _path(connection: HTTPConnection) -> str:
    return str(connection.scope.get("root_path") or "/")


def _secure(connection: HTTPConnection) -> bool:
    return connection.url.scheme in {"https", "wss"}
