"""What is said to a connection that is refused before there is a request: a problem, as bytes."""

from __future__ import annotations

from typing import Final

from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from api import connections as bounds
from api.headers import with_defaults
from api.problems import problem

_REFUSALS: Final[dict[str, tuple[int, str, str]]] = {
    "malformed": (400, "malformed_request", "This is not HTTP as RFC 9112 has it."),
    "head_too_large": (
        431,
        "header_too_large",
        f"The head has over {bounds.HEAD_BYTES:,} bytes or {bounds.HEADERS} headers; send less.",
    ),
    "handshake": (400, "malformed_request", "This is no WebSocket handshake as RFC 6455 has it."),
    "handshake_too_large": (
        431,
        "header_too_large",
        "A header of a WebSocket's handshake has over 8,192 bytes; send less.",
    ),
    "head_late": (408, "request_timeout", f"The headers took longer than {bounds.HEAD_S:.0f} s."),
    "body_late": (
        408,
        "request_timeout",
        f"The body took over {bounds.BODY_S:.0f} s, or came too slowly; send it again.",
    ),
    "oldest": (503, "too_many_connections", "Too many unfinished requests; send it again."),
    "bodies_full": (503, "too_many_connections", "Too many unfinished bodies; send it again."),
    "full": (503, "too_many_connections", "This process has as many connections as it can carry."),
    "address_full": (
        429,
        "too_many_connections",
        "Your address has too many connections; a proxy is named in ROADMAP_TRUSTED_PROXIES.",
    ),
}


CODES: Final = frozenset(code for _status, code, _detail in _REFUSALS.values())


def refusal_of(reason: str) -> bytes:
    """Return a whole response that says why."""
    status, code, detail = _REFUSALS[reason]
    answer = problem(status, code=code, detail=detail, headers={"Connection": "close"})
    lines = [b": ".join(header) + b"\r\n" for header in with_defaults(answer.raw_headers)]
    return b"".join([STATUS_LINE[status], *lines, b"\r\n", bytes(answer.body)])
