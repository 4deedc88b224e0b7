"""Headers of every answer: browsers load nothing from elsewhere, and who takes it gets gzip."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from starlette.middleware.gzip import GZipMiddleware

from api import early
from core.picture_hosts import sources
from core.settings import get_settings

if TYPE_CHECKING:
    from collections.abc import Iterable

    from starlette.types import Receive, Scope, Send

NO_PAGE: Final = b"default-src 'none'; frame-ancestors 'none'"
_PAGE: Final = (
    "default-src 'none'; script-src 'self' '"
    + early.DIGEST.decode()
    + "'; style-src 'self'; img-src {images}; font-src 'self';"
    " connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none';"
    " require-trusted-types-for 'script'; trusted-types tutorial"
)
"""No style and but one known script in the page itself, nothing from elsewhere but pictures of
hosts that the setting names, and one named way to turn text into HTML."""

ALWAYS: Final = {
    b"x-content-type-options": b"nosniff",
    b"x-frame-options": b"DENY",
    b"referrer-policy": b"no-referrer",
    b"cross-origin-resource-policy": b"same-origin",
    b"cache-control": b"no-store",
}
OF_PAGES: Final = {
    b"cross-origin-opener-policy": b"same-origin",
    b"permissions-policy": b"camera=(), geolocation=(), microphone=()",
}
"""What browsers heed in documents alone: elsewhere it would only be bytes on the way."""

SQUEEZE_BYTES: Final = 1024
"""From so many bytes on an answer is compressed; below that it is not worth the time."""
_ACCEPT: Final = b"accept-encoding"
_REFUSED: Final = re.compile(r"q\s*=\s*0(\.0*)?", re.IGNORECASE)


@lru_cache(maxsize=4)
def page_policy(image_hosts: tuple[str, ...]) -> bytes:
    """Return the policy of pages that show pictures of these hosts."""
    return _PAGE.format(images=" ".join(("'self'", *sources(image_hosts)))).encode()


def with_defaults(headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """Return an answer's headers with ours added, where the route does not say otherwise."""
    given = list(headers)
    present = {name.lower(): value for name, value in given}
    page = present.get(b"content-type", b"").startswith(b"text/html")
    policy = page_policy(get_settings().image_hosts) if page else NO_PAGE
    defaults = {**ALWAYS, **(OF_PAGES if page else {}), b"content-security-policy": policy}
    return given + [(name, value) for name, value in defaults.items() if name not in present]


class Squeezed(GZipMiddleware):
    """Starlette's, and asset files' own compression, for those who do not refuse it by `q=0`."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, whose `Accept-Encoding` says nothing but `gzip` from here on."""
        if scope["type"] == "http":
            asked = ",".join(v.decode("latin-1") for n, v in scope["headers"] if n == _ACCEPT)
            others = [each for each in scope["headers"] if each[0] != _ACCEPT]
            # in place: what stands around this reads the route from the same scope
            scope["headers"] = [*others, (_ACCEPT, b"gzip")] if takes_gzip(asked) else others
        await super().__call__(scope, receive, send)


def takes_gzip(accept_encoding: str) -> bool:
    """Tell whether a header names gzip and does not refuse it."""
    for each in accept_encoding.split(","):
        name, _, weight = each.partition(";")
        if name.strip().lower() in {"gzip", "x-gzip"}:
            return not _REFUSED.fullmatch(weight.strip())
    return False
