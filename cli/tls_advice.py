"""What to do where a certificate stands between us and a server: the address's parameter for it."""

from __future__ import annotations

import re
from typing import Final

_UNKNOWN: Final = ("self-signed certificate", "self signed certificate", "issuer certificate")
"""What OpenSSL says of a certificate that nobody signed who is trusted here."""
_REFUSED: Final = ("alert certificate", "alert bad certificate", "alert unknown ca")
_CLOSED: Final = ("closed in the middle", "reset by peer", "closed by server", "unexpected")
_POSTGRES: Final = ("sslrootcert", "sslcert")
_REDIS: Final = ("ssl_ca_certs", "ssl_certfile")
_AMQP: Final = ("cacertfile", "certfile")


def tls_advice(reason: str, url: str) -> str:
    """Return a sentence about the certificate that a connection failed by; nothing for others.

    TLS 1.3 tells a client whose certificate is refused only after the handshake, and drivers pass
    on no more than that the connection was closed.

    Args:
        reason: What the driver said.
        url: The server's address.
    """
    scheme = url.partition(":")[0].lower()
    authority, own = (
        _POSTGRES if scheme.startswith("postgres") else _REDIS if "redis" in scheme else _AMQP
    )
    said = reason.lower()
    if any(words in said for words in _UNKNOWN):
        return (
            f" No authority that is trusted here signed the server's certificate: {authority} in"
            " the address names the file of its authority."
        )
    if any(words in said for words in _REFUSED):
        return f" The server refuses our certificate: {own} in the address names its file."
    if re.search(rf"[?&]{own}=", url) and any(words in said for words in _CLOSED):
        return (
            f" The server may refuse our certificate, which {own} names: look whether it is"
            " expired or revoked, and into the server's log."
        )
    return ""
