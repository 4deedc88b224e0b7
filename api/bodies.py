"""Refuses request bodies that are not plain JSON, or are longer than their route needs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from fastapi import HTTPException

from api.http import PREFIX
from api.mount import inner_path
from api.problems import CODE_OF, problem
from core import timeouts

if TYPE_CHECKING:
    from collections.abc import Iterable

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from api.problems import ProblemResponse

TASK_BODY: Final = 48_000
"""A goal, a background and formats of the lengths that are allowed, in any script."""
REVIEW_BODY: Final = 256_000
WORKFLOW_BODY: Final = 128_000
"""A request in the shape of somebody's own workflow, which may bring a text along."""
OTHER_BODY: Final = 64_000
READING: Final = frozenset({"GET", "HEAD", "OPTIONS", "DELETE"})
_NEEDS: Final = (
    (re.compile(re.escape(PREFIX) + "/tasks"), TASK_BODY),
    (re.compile(re.escape(PREFIX) + "/workflows/[^/]+/tasks"), WORKFLOW_BODY),
    (re.compile(re.escape(PREFIX) + "/tasks/[^/]+/review"), REVIEW_BODY),
)
DRAINED_BYTES: Final = 2_000_000
DRAIN_S: Final = 2.0
"""What is still read from who sends too much: who has sent all of it, reads the refusal."""
_NOT_JSON: Final = "Send JSON, with `Content-Type: application/json`."
_ENCODED: Final = "Send the body as it is, without `Content-Encoding`."
_CODED: Final = "Send the body in plain chunks: of the transfer codings only `chunked` is known."
_PLAIN: Final = frozenset({b"chunked", b"identity", b""})


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
        path = inner_path(scope)
        most = largest(scope["method"], path)
        headers = dict(scope["headers"])
        refusal = _refusal(headers, path, most, coded=_is_coded(scope["headers"]))
        first: Message | None = None
        if refusal is not None:
            # in chunks, as some proxies pass requests on, only the end tells that there is no body
            if b"expect" in headers or await _drain(receive):
                return await refusal(scope, receive, send)
            first = {"type": "http.request", "body": b"", "more_body": False}
        size = 0

        async def receive_some() -> Message:
            nonlocal size, first
            message, first = first or await receive(), None
            size += len(message.get("body", b""))
            if size > most:
                raise HTTPException(413, _too_large(most))
            return message

        return await self.app(scope, receive_some, send)


def largest(method: str, path: str) -> int:
    """Return how many bytes the body of a request to an address may have."""
    if method in READING:
        return 0
    return next((most for needs, most in _NEEDS if needs.fullmatch(path)), OTHER_BODY)


def _too_large(most: int) -> str:
    if not most:
        return "This method takes no body; send none."
    return f"The body is larger than the {most:,} bytes that this address takes."


def _is_coded(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """Tell whether a body is packed on its way in a manner that nobody here unpacks."""
    codings = (value for name, value in headers if name == b"transfer-encoding")
    return any(
        coding.strip().lower() not in _PLAIN for each in codings for coding in each.split(b",")
    )


def _refusal(
    headers: dict[bytes, bytes], path: str, most: int, *, coded: bool
) -> ProblemResponse | None:
    declared = headers.get(b"content-length", b"0")
    length = int(declared) if declared.isdigit() and len(declared) < len(str(2**63)) else 0
    chunked = b"transfer-encoding" in headers
    if length > most or (chunked and not most):
        return problem(
            413,
            code=CODE_OF[413],
            detail=_too_large(most),
            instance=path,
            headers={"Connection": "close"},
        )
    if not (length or chunked):
        return None
    if coded:
        return problem(501, code=CODE_OF[501], detail=_CODED, instance=path)
    media_type = headers.get(b"content-type", b"").split(b";")[0].strip().lower()
    json = media_type == b"application/json" or media_type.endswith(b"+json")
    encoded = headers.get(b"content-encoding", b"identity").strip().lower() != b"identity"
    if encoded or not json:
        return problem(
            415,
            code=CODE_OF[415],
            detail=_ENCODED if encoded else _NOT_JSON,
            instance=path,
            headers={"Accept-Encoding": "identity"} if encoded else {"Accept": "application/json"},
        )
    return None


async def _drain(receive: Receive) -> bool:
    """Read and forget a body that is refused, up to a point; tell whether there was one."""
    size, more = 0, True
    try:
        async with timeouts.timeout(DRAIN_S):
            while more and size < DRAINED_BYTES:
                message = await receive()
                size += len(message.get("body", b""))
                more = message.get("more_body", False)
    except TimeoutError:
        return True
    return size > 0 or message["type"] == "http.disconnect"
