"""Which pages of other origins may call the API, and what they may send and read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from starlette.middleware.cors import CORSMiddleware

from api.problems import CODE_OF, problem

if TYPE_CHECKING:
    from starlette.datastructures import Headers
    from starlette.responses import Response

REFUSED: Final = 403
ALLOWED: Final[dict[str, Any]] = {
    "allow_methods": ["GET", "POST", "PUT", "DELETE"],
    "allow_headers": [
        "Authorization",
        "Content-Type",
        "Idempotency-Key",
        "If-Match",
        "If-None-Match",
        "Last-Event-ID",
    ],
    "expose_headers": ["ETag", "Link", "Location", "Retry-After", "X-Request-ID"],
    # a browser that asks whether a public page may call a private network needs this
    "allow_private_network": True,
    "max_age": 600,
}


class Cors(CORSMiddleware):
    """Starlette's, with a problem instead of plain text when a preflight is refused."""

    def preflight_response(self, request_headers: Headers) -> Response:
        """Answer what a browser asks before it sends a page's request."""
        answer = super().preflight_response(request_headers)
        if answer.status_code < 400:  # noqa: PLR2004 - the first error
            return answer
        detail = f"{bytes(answer.body).decode()}; see ROADMAP_CORS_ORIGINS."
        kept = {
            name: value for name, value in answer.headers.items() if not name.startswith("content-")
        }
        return problem(REFUSED, code=CODE_OF[REFUSED], detail=detail, headers=kept)
