"""Signing a browser in by a one-time address, saying who is signed in, and signing out."""

from datetime import UTC, datetime
from typing import Annotated, Final

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import BaseModel, Field

from api import browser_sessions
from api.auth import CurrentViewer, brings_credentials
from api.composition import services_of
from api.mount import asks_head
from api.problems import documented
from core.errors import UnauthenticatedError
from core.keys import secrets_of
from core.settings import get_settings
from core.signin_codes import check_code
from db.repositories.revocations import burn_code, revoke_token

router = APIRouter(tags=["session"])
door = APIRouter(include_in_schema=False)

SEE_OTHER: Final = 303
_USED: Final = "This sign-in address was used already; `roadmap open` prints a new one."


class SessionAnswer(BaseModel):
    """Who asks."""

    user_id: str
    admin: bool
    signed_in_by: str = Field(description="`token`, `cookie`, or `none` when nobody has to.")
    expires_at: datetime | None = Field(description="When these credentials end; null is never.")


@door.get("/signin")
async def sign_in(request: Request, code: Annotated[str, Query(max_length=200)] = "") -> Response:
    """Sign the browser in by a code that works once; one that is signed in already stays so."""
    home = RedirectResponse(str(request.scope.get("root_path", "")) + "/", status_code=SEE_OTHER)
    session = browser_sessions.session_of(request)
    if session is not None and not services_of(request).denied.denies(session):
        return home  # this browser is signed in already
    await _use(code, spend=not asks_head(request.scope))
    if not asks_head(request.scope):  # HEAD must change nothing
        browser_sessions.sign_in(request, home)
    return home


async def _use(code: str, *, spend: bool) -> None:
    """Check a code and use it up.

    Raises:
        UnauthenticatedError: It is none, over, or was used before.
    """
    until = check_code(secrets_of(get_settings()), code)
    if spend and not await burn_code(code, expires_at=until):
        raise UnauthenticatedError(_USED)


@router.get("/session", operation_id="getSession", summary="Who is asking", responses=documented())
async def who(request: Request, viewer: CurrentViewer) -> SessionAnswer:
    """Return whom the credentials speak for, and until when."""
    by = "token" if brings_credentials(request) else "cookie"
    if by == "cookie" and viewer.token_id is None:
        by = "none"
    return SessionAnswer(
        user_id=viewer.actor.user_id,
        admin=viewer.actor.admin,
        signed_in_by=by,
        expires_at=None
        if viewer.expires_at is None
        else datetime.fromtimestamp(viewer.expires_at, UTC),
    )


@router.delete(
    "/session",
    operation_id="endSession",
    summary="Sign out",
    status_code=204,
    responses=documented(403),
)
async def sign_out(request: Request, viewer: CurrentViewer) -> Response:
    """Sign the browser out, for good; a bearer token is not touched, `roadmap token` revokes it."""
    by_cookie = not brings_credentials(request)
    if by_cookie and viewer.token_id is not None and viewer.expires_at is not None:
        await revoke_token(viewer.token_id, expires_at=viewer.expires_at)
        await services_of(request).denied.refresh()
    answer = Response(status_code=204)
    browser_sessions.sign_out(request, answer)
    return answer
