"""Bearer tokens: JWT, HS256, always with an end. Minted by the CLI, checked by the API."""

from __future__ import annotations

import math
import secrets
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import jwt

from core.errors import UnauthenticatedError
from core.keys import secrets_of

if TYPE_CHECKING:
    from core.settings import Settings

ALGORITHM: Final = "HS256"
"""The only one accepted: a token never chooses how it is checked."""
CLOCK_SKEW_S: Final = 30
"""Whoever mints tokens may have a clock that is so much ahead: `nbf` and `iat` bear it."""
LONGEST_TOKEN: Final = 4096
LONGEST_NAME: Final = 200
"""Of users and of tokens' ids."""
DAY_S: Final = 86400.0
_TROUBLE: Final = (
    jwt.PyJWTError,
    ValueError,
    TypeError,
    KeyError,
    AttributeError,
    OverflowError,
    RecursionError,
)
"""What a decoder may raise for text that strangers chose."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Claims:
    """Whom a token speaks for, and until when (Unix seconds).

    Attributes:
        user: The subject.
        role: `admin`, or anything else.
        expires_at: Its end.
        issued_at: When it says it was made; None when it does not.
        token_id: Its `jti`, by which it can be revoked alone; None when it has none.
    """

    user: str
    role: str | None
    expires_at: float
    issued_at: float | None = None
    token_id: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Rules:
    """What a token must fulfil.

    Attributes:
        secrets: One of them must have signed it.
        issuer: Its `iss`, when set.
        audience: Its `aud`, when set.
        longest_s: It must not be good for longer from now on.
    """

    secrets: tuple[str, ...]
    issuer: str | None = None
    audience: str | None = None
    longest_s: float = math.inf

    @classmethod
    def of(cls, settings: Settings) -> Rules:
        """Return the rules that the settings make."""
        return cls(
            secrets=secrets_of(settings),
            issuer=settings.auth_issuer,
            audience=settings.auth_audience,
            longest_s=settings.token_max_days * DAY_S,
        )


def mint_token(
    secret: str,
    *,
    user: str,
    role: str | None,
    ttl_s: float,
    issuer: str | None = None,
    audience: str | None = None,
) -> str:
    """Return a signed token for a user that ends after `ttl_s` seconds."""
    now = time.time()
    claims: dict[str, object] = {
        "sub": user,
        "iat": int(now),
        "exp": int(now + ttl_s),
        "jti": secrets.token_urlsafe(12),
    }
    optional = {"role": role, "iss": issuer, "aud": audience}
    claims |= {name: value for name, value in optional.items() if value is not None}
    return jwt.encode(claims, secret, algorithm=ALGORITHM)


def verify_token(rules: Rules, token: str) -> Claims:
    """Return what a token says once its signature, its times and its names are checked.

    Raises:
        UnauthenticatedError: It is malformed, signed by another secret, over, or for others.
    """
    claims = verified_claims(token, rules.secrets, issuer=rules.issuer, audience=rules.audience)
    role = claims.get("role")
    found = Claims(
        user=_name(claims["sub"]),
        role=role if isinstance(role, str) else None,
        expires_at=_moment(claims["exp"]),
        issued_at=None if claims.get("iat") is None else _moment(claims["iat"]),
        token_id=None if claims.get("jti") is None else _name(claims["jti"]),
    )
    if found.expires_at - time.time() > rules.longest_s + CLOCK_SKEW_S:
        raise UnauthenticatedError(
            f"The token is good for more than {rules.longest_s / DAY_S:g} days, which is the"
            " longest that ROADMAP_TOKEN_MAX_DAYS allows; mint a shorter one."
        )
    return found


def verified_claims(
    token: str,
    secrets_: tuple[str, ...],
    *,
    issuer: str | None = None,
    audience: str | None = None,
) -> dict[str, Any]:
    """Return the claims of a token that one of the secrets signed and that is not over.

    Raises:
        UnauthenticatedError: It is none.
    """
    if len(token) > LONGEST_TOKEN:
        raise _invalid()
    for secret in secrets_:
        try:
            return _decoded(token, secret, issuer=issuer, audience=audience)
        except jwt.InvalidSignatureError:
            continue  # perhaps by the other secret
        except jwt.ExpiredSignatureError:
            raise _over() from None
        except _TROUBLE:
            raise _invalid() from None
    raise _invalid()


def _decoded(
    token: str, secret: str, *, issuer: str | None, audience: str | None
) -> dict[str, Any]:
    if "crit" in jwt.get_unverified_header(token):
        raise jwt.InvalidTokenError  # it demands extensions, of which we know none
    claims: dict[str, Any] = jwt.decode(
        token,
        secret,
        algorithms=[ALGORITHM],
        issuer=issuer,
        audience=audience,
        options={"require": ["sub", "exp"]},
        leeway=CLOCK_SKEW_S,
    )
    for name in ("nbf", "iat"):
        if claims.get(name) is not None:
            _moment(claims[name])
    if _moment(claims["exp"]) <= time.time():  # without leeway
        raise jwt.ExpiredSignatureError
    return claims


def _moment(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise _invalid()
    return float(value)


def _name(value: object) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= LONGEST_NAME:
        raise _invalid()
    if not value.isprintable() or not value.strip():
        raise UnauthenticatedError("The token's subject is not a user.")
    return value


def _invalid() -> UnauthenticatedError:
    return UnauthenticatedError("The token is not valid.")


def _over() -> UnauthenticatedError:
    return UnauthenticatedError("The token has expired; get a new one.")
