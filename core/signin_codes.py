"""One-time codes: a process that has the secret makes one, a browser that shows it is signed in.

A code means "the local admin, until then": eight random bytes, its end, and a digest of both by a
key made from the secret. So it can be made without asking a server, and nobody can guess one.
Whoever accepts a code has to see to it that it is used only once.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import secrets
import struct
import time
from typing import Final

from core.errors import UnauthenticatedError
from core.keys import derived

TTL_S: Final = 600
_PURPOSE: Final = "sign-in code"
_NONCE: Final = 8
_MAC: Final = 16
_LENGTH: Final = 4 + _NONCE + _MAC


def make_code(secret: str, *, ttl_s: float = TTL_S) -> str:
    """Return a code that is good for some minutes."""
    told = struct.pack(">I", int(time.time() + ttl_s)) + secrets.token_bytes(_NONCE)
    return base64.urlsafe_b64encode(told + _mac(secret, told)).decode().rstrip("=")


def signin_url(api_url: str, code: str) -> str:
    """Return the address that takes a code."""
    return f"{api_url.rstrip('/')}/signin?code={code}"


def check_code(secrets_: tuple[str, ...], code: str) -> float:
    """Return until when a code is good, in Unix seconds.

    Raises:
        UnauthenticatedError: It is none of ours, or over.
    """
    try:
        raw = base64.b64decode(code + "=" * (-len(code) % 4), b"-_", validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    told, mac = raw[:-_MAC], raw[-_MAC:]
    ours = len(raw) == _LENGTH and any(
        hmac.compare_digest(mac, _mac(secret, told)) for secret in secrets_
    )
    until = float(struct.unpack(">I", told[:4])[0]) if ours else 0.0
    if until <= time.time():
        raise UnauthenticatedError("This sign-in address is over; `roadmap open` prints a new one.")
    return until


def _mac(secret: str, told: bytes) -> bytes:
    return hmac.digest(derived(secret, _PURPOSE).encode(), told, "sha256")[:_MAC]
