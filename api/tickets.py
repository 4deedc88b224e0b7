"""Tickets: short-lived credentials that open one kind of stream and nothing else.

A browser's EventSource and WebSocket cannot set headers, and a bearer token in an address ends up
in logs and histories. A ticket may: it is over after a minute, and no other route takes it.

That minute is for opening streams. A stream that is open lives as long as the credentials for which
the ticket was given: the ticket carries their end, and the stream is closed then. Whether the task
is still there, and still the viewer's, is asked all the while (`watching.viewer`).
"""

from __future__ import annotations

import math
import secrets
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import jwt

from core.errors import UnauthenticatedError
from core.keys import derived, secrets_of
from core.settings import get_settings
from core.tokens import ALGORITHM, Claims, verified_claims

if TYPE_CHECKING:
    from watching.viewer import Viewer

TTL_S: Final = 60
_PURPOSE: Final = "stream ticket"
"""A ticket has a key of its own, so it does not pass for a bearer token, nor one for a ticket."""

_own_secret: Final = secrets.token_hex(32)


@dataclass(frozen=True, kw_only=True, slots=True)
class Ticket:
    """Whom a ticket speaks for, and for which task; None is every stream of that user.

    `holder` tells of the credentials for which it was given: streams that were opened with it end
    when those end, or are taken back.
    """

    holder: Claims
    task_id: str | None


def _keys() -> tuple[str, ...]:
    """Keys from the configured secrets; in `none` mode without any, one of this process."""
    configured = secrets_of(get_settings()) or (_own_secret,)
    return tuple(derived(secret, _PURPOSE) for secret in configured)


def mint(viewer: Viewer, *, task_id: str | None) -> str:
    """Return a ticket for one task's streams, or for all streams of the viewer.

    Args:
        viewer: Whom it speaks for, and until when those credentials are good.
        task_id: The task; None for all streams, the inbox included.
    """
    claims: dict[str, Any] = {
        "sub": viewer.actor.user_id,
        "admin": viewer.actor.admin,
        "task": task_id,
        "until": viewer.expires_at,
        "of": viewer.token_id,
        "since": viewer.issued_at,
        # whole seconds, as a JWT has them: rounded up, so that it is good for as long as it is told
        "exp": math.ceil(time.time()) + ttl_s(viewer.expires_at),
    }
    return jwt.encode(claims, _keys()[0], algorithm=ALGORITHM)


def ttl_s(until: float | None) -> int:
    """Return for how long a ticket is good, given when the holder's own credentials end."""
    return TTL_S if until is None else min(TTL_S, max(0, int(until - time.time())))


def verify(ticket: str) -> Ticket:
    """Return what a ticket says.

    Raises:
        UnauthenticatedError: It is over, or none of ours.
    """
    try:
        claims = verified_claims(ticket, _keys())
    except UnauthenticatedError:
        raise _over() from None
    until = math.inf if claims["until"] is None else float(claims["until"])
    if until <= time.time():
        raise _over()
    holder = Claims(
        user=claims["sub"],
        role="admin" if claims["admin"] is True else None,
        expires_at=until,
        issued_at=claims["since"],
        token_id=claims["of"],
    )
    return Ticket(holder=holder, task_id=claims["task"])


def _over() -> UnauthenticatedError:
    return UnauthenticatedError("The ticket is not valid any more; get a new one.")
