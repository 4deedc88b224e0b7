"""Security headers of every answer: browsers load nothing that does not come from this server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from api import early

if TYPE_CHECKING:
    from collections.abc import Iterable

NO_PAGE: Final = b"default-src 'none'; frame-ancestors 'none'"
PAGE: Final = (
    b"default-src 'none'; script-src 'self' '"
    + early.DIGEST
    + b"'; style-src 'self'; img-src 'self'; font-src 'self';"
    b" connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none';"
    b" require-trusted-types-for 'script'; trusted-types tutorial"
)
"""No style and but one known script in the page itself, nothing from elsewhere, and one named way
to turn text into HTML."""

ALWAYS: Final = {
    b"x-content-type-options": b"nosniff",
    b"x-frame-options": b"DENY",
    b"referrer-policy": b"no-referrer",
    b"cross-origin-opener-policy": b"same-origin",
    b"cross-origin-resource-policy": b"same-origin",
    b"permissions-policy": b"camera=(), geolocation=(), microphone=()",
    b"cache-control": b"no-store",
}


def with_defaults(headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """Return an answer's headers with ours added, where the route does not say otherwise."""
    given = list(headers)
    present = {name.lower(): value for name, value in given}
    page = present.get(b"content-type", b"").startswith(b"text/html")
    defaults = {**ALWAYS, b"content-security-policy": PAGE if page else NO_PAGE}
    return given + [(name, value) for name, value in defaults.items() if name not in present]
