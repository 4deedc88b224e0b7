"""Helpers of the routes: ids in paths, entity tags, cursors, links."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from typing import TYPE_CHECKING, Annotated, Any, Final
from urllib.parse import urlencode
from uuid import UUID

import orjson
from fastapi import Depends, Path
from pydantic import AfterValidator
from starlette.responses import Response

from core.errors import InvalidRequestError, NotFoundError
from core.request_shapes import storable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydantic import BaseModel
    from starlette.requests import Request

PREFIX: Final = "/api/v1"
_TAG: Final = re.compile(r'(?:W/)?"([^"]*?)(?:--?(?:gzip|br|zstd|deflate))?"')
"""A tag as we gave it out, also when a proxy that compresses has put that behind it."""
_VERSION: Final = re.compile("[0-9]{1,9}")


def parse_id(text: str) -> UUID:
    """Read an id as we write it.

    Raises:
        NotFoundError: It is no id, so there is no such thing.
    """
    try:
        value = UUID(text)
    except ValueError:
        value = None
    if value is None or str(value) != text.lower():
        raise NotFoundError("There is no such thing: that is not one of our ids.")
    return value


def _stored(text: str) -> str:
    if text != storable(text):
        raise NotFoundError("There is no such thing: nothing that is stored is called so.")
    return text


InPath = AfterValidator(_stored)
"""Of a name in a path: one that cannot be stored names nothing, rather than something else."""
_AN_ID: Final = {"format": "uuid"}


async def _task_id(task_id: Annotated[str, Path(json_schema_extra=_AN_ID)]) -> UUID:
    return parse_id(task_id)


async def _roadmap_id(roadmap_id: Annotated[str, Path(json_schema_extra=_AN_ID)]) -> UUID:
    return parse_id(roadmap_id)


async def _concept_id(concept_id: Annotated[str, Path(json_schema_extra=_AN_ID)]) -> UUID:
    return parse_id(concept_id)


async def _notification_id(
    notification_id: Annotated[str, Path(json_schema_extra=_AN_ID)],
) -> UUID:
    return parse_id(notification_id)


TaskId = Annotated[UUID, Depends(_task_id)]
RoadmapId = Annotated[UUID, Depends(_roadmap_id)]
ConceptId = Annotated[UUID, Depends(_concept_id)]
NotificationId = Annotated[UUID, Depends(_notification_id)]


def tagged(
    request: Request,
    model: BaseModel | bytes,
    *,
    tag: str | None = None,
    passing: frozenset[str] = frozenset(),
) -> Response:
    """Return a model with an entity tag, or 304 when the client has it already.

    Args:
        request: May say `If-None-Match`.
        model: The body, or its JSON.
        tag: The entity tag; by default a digest of the body.
        passing: Fields that change with the time alone, and do not count for the digest.
    """
    body = lasting = model if isinstance(model, bytes) else model.model_dump_json().encode()
    if tag is None:
        if passing and not isinstance(model, bytes):
            lasting = model.model_dump_json(exclude=set(passing)).encode()
        tag = hashlib.sha256(lasting).hexdigest()[:32]
    etag = f'"{tag}"'
    headers = {"ETag": etag, "Cache-Control": "private, no-cache", "Vary": "Authorization, Cookie"}
    known = tags_known(request)
    if known.strip() == "*" or etag.strip('"') in _TAG.findall(known):
        return Response(status_code=304, headers=headers)
    return Response(body, media_type="application/json", headers=headers)


def tags_known(request: Request) -> str:
    """Return what a request says in `If-None-Match`, which may stand in several lines."""
    return ", ".join(request.headers.getlist("if-none-match"))


def versions_of(if_match: str | None) -> frozenset[int] | None:
    """Return the versions of which an `If-Match` takes any; None when all will do.

    A tag that none of ours can be is none of them.
    """
    if if_match is None or if_match.strip() == "*":
        return None
    tags = _TAG.findall(if_match) or [if_match.strip()]
    return frozenset(int(tag) for tag in tags if _VERSION.fullmatch(tag))


def foreign_event_id() -> InvalidRequestError:
    """Return the error for a `Last-Event-ID` that no event of the stream has."""
    said = "must be the `id` of an event of this stream"
    return InvalidRequestError.at("header", "Last-Event-ID", said)


def _foreign_cursor() -> InvalidRequestError:
    return InvalidRequestError.at("query", "cursor", "is not one that this API gave out")


def encode_cursor(last: UUID | None) -> str | None:
    """Return an opaque cursor for what follows an id."""
    return None if last is None else base64.urlsafe_b64encode(last.bytes).decode().rstrip("=")


def decode_cursor(cursor: str | None) -> UUID | None:
    """Return the id in a cursor.

    Raises:
        InvalidRequestError: It is none of ours.
    """
    if cursor is None:
        return None
    try:
        return UUID(bytes=base64.b64decode(cursor + "=" * (-len(cursor) % 4), b"-_", validate=True))
    except (binascii.Error, ValueError):
        raise _foreign_cursor() from None


def encode_place(last: tuple[str, ...] | None) -> str | None:
    """Return an opaque cursor for what follows a place that several words name."""
    if last is None:
        return None
    return base64.urlsafe_b64encode(orjson.dumps(last)).decode().rstrip("=")


def decode_place(cursor: str | None) -> tuple[str, str, str] | None:
    """Return the three words in a cursor.

    Raises:
        InvalidRequestError: It is none of ours.
    """
    if cursor is None:
        return None
    try:
        words = orjson.loads(base64.b64decode(cursor + "=" * (-len(cursor) % 4), b"-_", True))
    except (binascii.Error, ValueError):
        words = None
    if (
        not isinstance(words, list)
        or [type(word) for word in words] != [str] * 3
        or any(word != storable(word) for word in words)
    ):
        raise _foreign_cursor()
    step, key, kind = words
    return step, key, kind


def next_link(request: Request, cursor: str | None) -> dict[str, str]:
    """Return the `Link` header to the next page, or none on the last."""
    if cursor is None:
        return {}
    kept: Sequence[tuple[str, Any]] = [
        (name, value) for name, value in request.query_params.multi_items() if name != "cursor"
    ]
    query = urlencode([*kept, ("cursor", cursor)])
    return {"Link": f'<{request.url.path}?{query}>; rel="next"'}
