"""Which bodies are read: JSON, and not more than 1 MB of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from fastapi import HTTPException

from api.problems import CODE_OF, problem

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from api.problems import ProblemResponse

LARGEST_BODY: Final = 1_000_000
_TOO_LARGE: Final = f"The body is larger than {LARGEST_BODY:,} bytes."
_NOT_JSON: Final = "Send JSON, with `Content-Type: application/json`."


class Bodies:
    """Refuses other bodies: at once when the headers tell, a long one else on the way.

    FastAPI's own refusals are in plain text or look like a field that is missing. That a form is
    refused also keeps pages of other origins from sending requests without a preflight.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        refusal = _refusal(dict(scope["headers"]), scope["path"])
        if refusal is not None:
            return await refusal(scope, receive, send)
        size = 0

        async def receive_some() -> Message:
            nonlocal size
            message = await receive()
            size += len(message.get("body", b""))
            if size > LARGEST_BODY:
                raise HTTPException(413, _TOO_LARGE)
            return message

        return await self.app(scope, receive_some, send)


def _refusal(headers: dict[bytes, bytes], path: str) -> ProblemResponse | None:
    declared = headers.get(b"content-length", b"0")
    length = int(declared) if declared.isdigit() else 0
    if length > LARGEST_BODY:
        return problem(
            413,
            code=CODE_OF[413],
            detail=_TOO_LARGE,
            instance=path,
            headers={"Connection": "close"},
        )
    media_type = headers.get(b"content-type", b"").split(b";")[0].strip().lower()
    json = media_type == b"application/json" or media_type.endswith(b"+json")
    if (length or b"transfer-encoding" in headers) and not json:
        return problem(
            415,
            code=CODE_OF[415],
            detail=_NOT_JSON,
            instance=path,
            headers={"Accept": "application/json"},
        )
    return None
