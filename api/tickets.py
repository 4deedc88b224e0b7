"""Tickets: short-lived credentials that open one kind of stream and nothing else.

A browser's EventSource and WebSocket cannot set headers, and a bearer token in an address ends up
in logs and histories (L44). A ticket may: it is over after a minute, and no other route takes it.
"""

from __future__ import annotations

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
    """Whom a ticket speaks for, and for which task; None is every stream of that user."""

    user_id: str
    admin: bool
    task_id: str | None


def _secret() -> str:
    """The configured secret; in `local` mode without one, a secret of this process."""
    configured = get_settings().auth_secret
    return _own_secret if configured is None else configured.get_secret_value()


def mint(actor: Actor, *, task_id: str | None) -> str:
    """Return a ticket for one task's streams, or for all streams of the actor."""
    claims: dict[str, Any] = {
        "aud": AUDIENCE,
        "sub": actor.user_id,
        "admin": actor.admin,
        "task": task_id,
        "exp": int(time.time()) + TTL_S,
    }
    return jwt.encode(claims, _secret(), algorithm=ALGORITHM)


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
        raise UnauthenticatedError("The ticket is not valid any more; get a new one.") from None
    return Ticket(user_id=claims["sub"], admin=claims.get("admin") is True, task_id=claims["task"])
