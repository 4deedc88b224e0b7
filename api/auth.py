"""Who asks: bearer tokens, the local admin, and short-lived tickets for streams."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Annotated, Final
from urllib.parse import urlsplit

from fastapi import Depends, Security
from fastapi.security import HTTPBearer
from starlette.requests import HTTPConnection  # noqa: TC002 - FastAPI reads the signature

from api import tickets
from api.composition import services_of
from core.choices import AuthMode
from core.errors import ForbiddenError, SettingsError, UnauthenticatedError
from core.settings import get_settings
from core.tokens import verify_token
from workflow.actor import LOCAL_USER, Actor
from workflow.viewer import Viewer

if TYPE_CHECKING:
    from core.settings import Settings

ADMIN_ROLE: Final = "admin"
LONGEST_USER: Final = 200

_bearer = HTTPBearer(
    auto_error=False,
    bearerFormat="JWT",
    description="HS256 with `sub` and `exp`, optional `role`. `roadmap token` mints one.",
)


def check_settings(settings: Settings) -> None:
    """Refuse settings under which strangers could act as somebody else.

    Raises:
        SettingsError: `local` on an address that others can reach, or `jwt` without a secret.
    """
    if settings.auth is AuthMode.LOCAL and not is_loopback(settings.api_host):
        raise SettingsError(
            f"ROADMAP_AUTH: `local` trusts everybody who can connect, and {settings.api_host} is"
            " not a loopback address. Set ROADMAP_AUTH=jwt and ROADMAP_AUTH_SECRET, or"
            " ROADMAP_API_HOST=127.0.0.1."
        )
    if settings.auth is AuthMode.JWT and settings.auth_secret is None:
        raise SettingsError(
            "ROADMAP_AUTH_SECRET: is needed with ROADMAP_AUTH=jwt; 32 characters or more."
        )


def is_loopback(host: str | None) -> bool:
    """Tell whether a host name or address is this machine and only this machine."""
    if host is None:
        return False
    if host.lower() == "localhost" or host.lower().endswith(".localhost"):
        return True
    try:
        address = ipaddress.ip_address(host.strip("[]").split("%")[0])
    except ValueError:
        return False
    return (getattr(address, "ipv4_mapped", None) or address).is_loopback


def identify(connection: HTTPConnection) -> Viewer:
    """Return who makes a request, and until when the credentials are good.

    Raises:
        UnauthenticatedError: No credentials where they are needed, or bad ones.
    """
    header = connection.headers.get("authorization")
    if header is not None:
        scheme, _, token = header.partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise UnauthenticatedError("Use `Authorization: Bearer <token>`.")
        return _of_token(token.strip())
    if get_settings().auth is AuthMode.JWT:
        raise UnauthenticatedError("A bearer token is needed; `roadmap token` mints one.")
    _refuse_strangers(connection)
    return Viewer(actor=Actor(user_id=LOCAL_USER, admin=True))


def _of_token(token: str) -> Viewer:
    secret = get_settings().auth_secret
    if secret is None:
        raise UnauthenticatedError(
            "This server has no ROADMAP_AUTH_SECRET, so it cannot verify tokens;"
            " leave the token out or set the secret."
        )
    claims = verify_token(secret.get_secret_value(), token)
    if not claims.user or len(claims.user) > LONGEST_USER or not claims.user.isprintable():
        raise UnauthenticatedError("The token's subject is not a user.")
    actor = Actor(user_id=claims.user, admin=claims.role == ADMIN_ROLE)
    return Viewer(actor=actor, expires_at=claims.expires_at)


def _refuse_strangers(connection: HTTPConnection) -> None:
    """Without credentials only people at this machine are `local`: no other host, no other page.

    A page of another site can make a browser send requests here, by a form, or by a name that
    it lets point to 127.0.0.1; its `Host` or `Origin` gives it away.
    """
    server = connection.scope.get("server")
    here = server is None or server[1] is None or is_loopback(server[0]) or not _is_ip(server[0])
    origin = connection.headers.get("origin")
    if not (here and is_loopback(connection.url.hostname)):
        raise UnauthenticatedError(
            "Requests without a token are only taken from this machine, at its loopback address."
        )
    if not origin_allowed(connection, origin):
        raise UnauthenticatedError(
            "Pages of other sites may not ask without a token, unless ROADMAP_CORS_ORIGINS names"
            " their origin."
        )


def _is_ip(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def origin_allowed(connection: HTTPConnection, origin: str | None) -> bool:
    """Tell whether a page of this origin may use the API: the same host, or in CORS_ORIGINS."""
    if origin is None or origin in get_settings().cors_origins:
        return True
    return urlsplit(origin).netloc == connection.headers.get("host")


async def current_viewer(
    connection: HTTPConnection, _documented: Annotated[object, Security(_bearer)]
) -> Viewer:
    """Return who makes a request, and until when the credentials are good.

    Raises:
        TooManyRequestsError: It is one too many in this minute.
    """
    return await _counted(connection, identify(connection))


async def current_actor(viewer: Annotated[Viewer, Depends(current_viewer)]) -> Actor:
    """Return who makes a request."""
    return viewer.actor


async def admin_actor(actor: Annotated[Actor, Depends(current_actor)]) -> Actor:
    """Return who makes a request, an admin.

    Raises:
        ForbiddenError: Somebody else.
    """
    if not actor.admin:
        raise ForbiddenError("This is for admins.")
    return actor


async def stream_viewer(
    connection: HTTPConnection, _documented: Annotated[object, Security(_bearer)]
) -> Viewer:
    """Return who opens a stream: by token, or by a ticket that allows just this stream."""
    return await identify_stream(connection)


async def identify_stream(connection: HTTPConnection) -> Viewer:
    """Return who opens a stream, by `Authorization` or by `?ticket=`.

    Raises:
        UnauthenticatedError: The ticket is over, or not for this stream.
        TooManyRequestsError: It is one too many in this minute.
    """
    return await _counted(connection, _of_stream(connection))


async def _counted(connection: HTTPConnection, viewer: Viewer) -> Viewer:
    await services_of(connection).limit.check(viewer.actor)
    return viewer


def _of_stream(connection: HTTPConnection) -> Viewer:
    ticket = connection.query_params.get("ticket")
    if ticket is None or "authorization" in connection.headers:
        return identify(connection)
    claims = tickets.verify(ticket)
    if claims.task_id is not None and claims.task_id != connection.path_params.get("task_id"):
        raise UnauthenticatedError("This ticket is for another stream.")
    actor = Actor(user_id=claims.user_id, admin=claims.admin)
    return Viewer(actor=actor, expires_at=claims.until)


CurrentViewer = Annotated[Viewer, Depends(current_viewer)]
CurrentActor = Annotated[Actor, Depends(current_actor)]
AdminActor = Annotated[Actor, Depends(admin_actor)]
StreamViewer = Annotated[Viewer, Depends(stream_viewer)]
