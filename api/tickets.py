"""Tickets: short-lived credentials that open one kind of stream and nothing else.

A browser's EventSource and WebSocket cannot set headers, and a bearer token in an address ends up
in logs and histories (L44). A ticket may: it is over after a minute, and no other route takes it.

That minute is for opening streams. A stream that is open lives as long as the credentials for which
the ticket was given: the ticket carries their end, and the stream is closed then. Whether the task
is still there, and still the viewer's, is asked all the while (`workflow.viewer`).
"""

from __future__ import annotations

import math
import secrets
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import jwt

from core.errors import UnauthenticatedError
from core.settings import get_settings
from core.tokens import ALGORITHM

if TYPE_CHECKING:
    from workflow.actor import Actor

AUDIENCE: Final = "stream"
"""A bearer token has no audience, so neither passes for the other."""
TTL_S: Final = 60

_own_secret: Final = secrets.token_hex(32)


@dataclass(frozen=True, kw_only=True, slots=True)
class Ticket:
    """Whom a ticket speaks for, and for which task; None is every stream of that user.

    `until`, in Unix seconds, is when streams end that were opened with it; None is never.
    """

    user_id: str
    admin: bool
    task_id: str | None
    until: float | None


def _secret() -> str:
    """The configured secret; in `local` mode without one, a secret of this process."""
    configured = get_settings().auth_secret
    return _own_secret if configured is None else configured.get_secret_value()


def mint(actor: Actor, *, task_id: str | None, until: float | None = None) -> str:
    """Return a ticket for one task's streams, or for all streams of the actor.

    Args:
        actor: Whom it speaks for.
        task_id: The task; None for all streams, the inbox included.
        until: When the actor's own credentials end, in Unix seconds; None for never.
    """
    claims: dict[str, Any] = {
        "aud": AUDIENCE,
        "sub": actor.user_id,
        "admin": actor.admin,
        "task": task_id,
        "until": until,
        # whole seconds, as a JWT has them: rounded up, so that it is good for as long as it is told
        "exp": math.ceil(time.time()) + ttl_s(until),
    }
    return jwt.encode(claims, _secret(), algorithm=ALGORITHM)


def ttl_s(until: float | None) -> int:
    """Return for how long a ticket is good, given when the actor's own credentials end."""
    return TTL_S if until is None else min(TTL_S, max(0, int(until - time.time())))


def verify(ticket: str) -> Ticket:
    """Return what a ticket says.

    Raises:
        UnauthenticatedError: It is over, or none of ours.
    """
    try:
        claims = jwt.decode(
            ticket,
            _secret(),
            algorithms=[ALGORITHM],
            audience=AUDIENCE,
            options={"require": ["aud", "sub", "exp"]},
        )
    except jwt.InvalidTokenError:
        raise _over() from None
    found = Ticket(
        user_id=claims["sub"],
        admin=claims.get("admin") is True,
        task_id=claims["task"],
        until=claims["until"],
    )
    if found.until is not None and found.until <= time.time():
        raise _over()
    return found


def _over() -> UnauthenticatedError:
    return UnauthenticatedError("The ticket is not valid any more; get a new one.")
