"""What every answer tells browsers: trust nothing that did not come from here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

NO_PAGE: Final = b"default-src 'none'; frame-ancestors 'none'"
PAGE: Final = (
    b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
    b" font-src 'self'; connect-src 'self'; manifest-src 'self'; base-uri 'none';"
    b" form-action 'self'; frame-ancestors 'none'"
)
"""Scripts and styles are files of ours, never inline; nothing is loaded from anywhere else."""

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
