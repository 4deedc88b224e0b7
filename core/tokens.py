"""Bearer tokens: JWT, HS256, always with an end. Minted by the CLI, checked by the API."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Final

import jwt

from core.errors import UnauthenticatedError

ALGORITHM: Final = "HS256"
"""The only one accepted: a token never chooses how it is checked."""
CLOCK_SKEW_S: Final = 30
"""Whoever mints tokens may have a clock that is so much ahead: `nbf` and `iat` bear it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Claims:
    """Whom a token speaks for, and until when (Unix seconds)."""

    user: str
    role: str | None
    expires_at: float


def mint_token(secret: str, *, user: str, role: str | None, ttl_s: float) -> str:
    """Return a signed token for a user that ends after `ttl_s` seconds."""
    now = time.time()
    claims: dict[str, object] = {"sub": user, "iat": int(now), "exp": int(now + ttl_s)}
    if role is not None:
        claims["role"] = role
    return jwt.encode(claims, secret, algorithm=ALGORITHM)


def verify_token(secret: str, token: str) -> Claims:
    """Return what a token says once its signature, its end and its subject are checked.

    Raises:
        UnauthenticatedError: It is malformed, signed by another secret, or over.
    """
    try:
        claims = jwt.decode(
            token,
            secret,
            algorithms=[ALGORITHM],
            options={"require": ["sub", "exp"]},
            leeway=CLOCK_SKEW_S,
        )
        over = float(claims["exp"]) <= time.time()  # the leeway is for beginnings
    except jwt.ExpiredSignatureError:
        over = True
    except (jwt.InvalidTokenError, ValueError, OverflowError):
        raise UnauthenticatedError("The token is not valid.") from None
    if over:
        raise UnauthenticatedError("The token has expired; get a new one.")
    role = claims.get("role")
    return Claims(
        user=claims["sub"],
        role=role if isinstance(role, str) else None,
        expires_at=float(claims["exp"]),
    )
