"""Who asks: bearer tokens, signed-in browsers, the local admin, and tickets for streams."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

from fastapi import Depends, Security
from fastapi.security import HTTPBearer
from starlette.requests import HTTPConnection  # noqa: TC002 - FastAPI reads the signature

from api import browser_sessions, tickets
from api.composition import services_of
from core.actor import LOCAL_USER, Actor
from core.choices import AuthMode
from core.errors import ForbiddenError, SettingsError, UnauthenticatedError
from core.hosts import address_of, is_loopback, is_origin_of, too_trusting
from core.settings import get_settings
from core.tokens import Claims, Rules, verify_token
from watching.viewer import CredentialsRevokedError, Viewer

if TYPE_CHECKING:
    from core.settings import Settings

ADMIN_ROLE: Final = "admin"

_bearer = HTTPBearer(
    auto_error=False,
    bearerFormat="JWT",
    description="HS256 with `sub` and `exp`, optional `role`. `roadmap token` mints one.",
)


def check_settings(settings: Settings) -> None:
    """Refuse settings under which strangers could act as somebody else.

    Raises:
        SettingsError: `local` or `none` on an address that others can reach, `jwt` without a
            secret, or `none` behind a proxy or under any name.
    """
    if settings.auth is not AuthMode.JWT and not is_loopback(settings.api_host):
        why = (
            "is for this machine only"
            if settings.auth is AuthMode.LOCAL
            else "trusts everybody who can connect"
        )
        raise SettingsError(
            f"ROADMAP_AUTH: `{settings.auth}` {why}, and {settings.api_host} is not a loopback"
            " address. Set ROADMAP_AUTH=jwt and ROADMAP_AUTH_SECRET, or"
            " ROADMAP_API_HOST=127.0.0.1."
        )
    if settings.auth is AuthMode.JWT and settings.auth_secret is None:
        raise SettingsError(
            "ROADMAP_AUTH_SECRET: is needed with ROADMAP_AUTH=jwt; 32 characters or more."
        )
    if (wrong := too_trusting(settings)) is not None:
        raise SettingsError(wrong)


def identify(connection: HTTPConnection) -> Viewer:
    """Return who makes a request, and until when the credentials are good.

    Raises:
        UnauthenticatedError: No credentials where they are needed, or bad ones.
        ForbiddenError: A browser is signed in, but the page that asks is none of ours.
    """
    if brings_credentials(connection):
        scheme, _, token = connection.headers["authorization"].partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise UnauthenticatedError("Use `Authorization: Bearer <token>`.")
        return _viewer(connection, _of_token(token.strip()))
    if get_settings().auth is AuthMode.NONE:
        _refuse_strangers(connection)
        return Viewer(actor=Actor(user_id=LOCAL_USER, admin=True))
    session = browser_sessions.session_of(connection)
    if session is None:
        raise UnauthenticatedError(
            "A bearer token is needed; `roadmap token` mints one. A browser is signed in by the"
            " address that `roadmap open` prints."
        )
    browser_sessions.check_page(connection)
    return _viewer(connection, session)


def brings_credentials(connection: HTTPConnection) -> bool:
    """Tell whether `Authorization` is for us.

    A signed-in browser sends a proxy's password along with each request (`Basic`): that is the
    proxy's business, and the cookie counts.
    """
    header = connection.headers.get("authorization")
    if header is None:
        return False
    of_proxy = header.partition(" ")[0].lower() == "basic"
    return not of_proxy or browser_sessions.session_of(connection) is None


def _viewer(connection: HTTPConnection, claims: Claims) -> Viewer:
    denied = services_of(connection).denied
    if denied.denies(claims):
        raise CredentialsRevokedError
    return Viewer(
        actor=Actor(user_id=claims.user, admin=claims.role == ADMIN_ROLE),
        expires_at=claims.expires_at,
        revoked=lambda: denied.denies(claims),
        token_id=claims.token_id,
        issued_at=claims.issued_at,
    )


def _of_token(token: str) -> Claims:
    rules = Rules.of(get_settings())
    if not rules.secrets:
        raise UnauthenticatedError(
            "This server has no ROADMAP_AUTH_SECRET, so it cannot verify tokens;"
            " set the secret, or start it by `roadmap up`, which makes one."
        )
    return verify_token(rules, token)


def _refuse_strangers(connection: HTTPConnection) -> None:
    """Without credentials only people at this machine are `local`: no other host, no other page.

    The host that was asked for, and forwarded requests, were looked at before (`api.gate`). A page
    of another site can still make a browser send requests here; its `Origin` gives it away.
    """
    server = connection.scope.get("server")
    here = (
        server is None or server[1] is None or is_loopback(server[0]) or not address_of(server[0])
    )
    if not here:
        raise UnauthenticatedError(
            "Requests without a token are only taken from this machine, at its loopback address."
        )
    origin = connection.headers.get("origin")
    site = connection.headers.get("sec-fetch-site")
    foreign = origin is None and site in {"cross-site", "same-site"}
    if foreign or not origin_allowed(connection, origin):
        raise UnauthenticatedError(
            "Pages of other sites may not ask without a token, unless ROADMAP_CORS_ORIGINS names"
            " their origin."
        )


def origin_allowed(connection: HTTPConnection, origin: str | None) -> bool:
    """Tell whether a page of this origin may use the API: the same host, or in CORS_ORIGINS."""
    if origin is None or origin in get_settings().cors_origins:
        return True
    return is_origin_of(origin, connection.headers.get("host"))


async def current_viewer(
    connection: HTTPConnection, _documented: Annotated[object, Security(_bearer)]
) -> Viewer:
    """Return who makes a request, and until when the credentials are good.

    Raises:
        TooManyRequestsError: It is one too many in this minute.
    """
    await services_of(connection).denied.ready()
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
    await services_of(connection).denied.ready()
    return await _counted(connection, _of_stream(connection))


async def _counted(connection: HTTPConnection, viewer: Viewer) -> Viewer:
    await services_of(connection).limit.check(viewer.actor)
    return viewer


def _of_stream(connection: HTTPConnection) -> Viewer:
    ticket = connection.query_params.get("ticket")
    if ticket is None or brings_credentials(connection):
        return identify(connection)
    claims = tickets.verify(ticket)
    if claims.task_id is not None and claims.task_id != connection.path_params.get("task_id"):
        raise UnauthenticatedError("This ticket is for another stream.")
    return _viewer(connection, claims.holder)


CurrentViewer = Annotated[Viewer, Depends(current_viewer)]
CurrentActor = Annotated[Actor, Depends(current_actor)]
StreamViewer = Annotated[Viewer, Depends(stream_viewer)]
