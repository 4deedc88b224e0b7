"""The envelope in which kombu puts a message into Redis: JSON with a body, headers, properties."""

from __future__ import annotations

import base64
import binascii
import json
import uuid
from typing import TYPE_CHECKING, Any, Final

from core.rejection import Reason
from worker.intake.message import Incoming
from worker.intake.refusal import LARGEST_MESSAGE, RefusedError

if TYPE_CHECKING:
    from collections.abc import Mapping

LARGEST_ENVELOPE: Final = 2 * LARGEST_MESSAGE
"""Bytes; base64 and the headers need some more than the body."""
_LONGEST_NAME: Final = 255


def open_envelope(raw: bytes | str) -> dict[str, Any]:
    """Return an envelope whose parts have the types that kombu relies on.

    Raises:
        RefusedError: It is too large, is not JSON, or lacks a part.
    """
    if len(raw) > LARGEST_ENVELOPE:
        raise RefusedError(Reason.TOO_LARGE, f"it has {len(raw)} bytes")
    return checked(parse(raw))


def parse(raw: bytes | str) -> Any:
    """Decode JSON, whatever it is.

    Raises:
        RefusedError: It is not UTF-8, not JSON, or too deep.
    """
    try:
        return json.loads(raw)
    except UnicodeDecodeError:
        raise RefusedError(Reason.NOT_JSON, "it is not UTF-8") from None
    except RecursionError:
        raise RefusedError(Reason.NOT_JSON, "it is nested too deeply") from None
    except ValueError:
        raise RefusedError(Reason.NOT_JSON, "it is not JSON") from None


def checked(envelope: Any) -> dict[str, Any]:
    """Return the envelope if each of its parts has the right type.

    Raises:
        RefusedError: One has not.
    """
    if not isinstance(envelope, dict):
        raise RefusedError(Reason.ENVELOPE, "it is JSON, but not an object")
    properties = _part(envelope, "properties", dict)
    delivery = _part(properties, "delivery_info", dict)
    for name in ("exchange", "routing_key"):
        if not isinstance(delivery.get(name), str):
            raise RefusedError(Reason.ENVELOPE, f"delivery_info has no {name}")
    _part(envelope, "headers", dict)
    _part(envelope, "content-type", str)
    _part(envelope, "content-encoding", str)
    _part(envelope, "body", str)
    tag = _part(properties, "delivery_tag", str)
    if not 0 < len(tag) <= _LONGEST_NAME:
        raise RefusedError(Reason.ENVELOPE, "delivery_tag is empty or too long")
    priority = properties.get("priority", 0)
    if priority is not None and (type(priority) is not int or not 0 <= priority <= 255):  # noqa: PLR2004
        raise RefusedError(Reason.ENVELOPE, "priority is not a number from 0 to 255")
    return envelope


def incoming(envelope: Mapping[str, Any]) -> Incoming:
    """Return the message in a checked envelope.

    Raises:
        RefusedError: Its body is encoded in an unknown way, or wrongly.
    """
    encoding = envelope["properties"].get("body_encoding")
    body = envelope["body"].encode(errors="surrogatepass")
    if encoding == "base64":
        try:
            body = base64.b64decode(body, validate=True)
        except (binascii.Error, ValueError):
            raise RefusedError(Reason.ENVELOPE, "its body is not base64") from None
    elif encoding is not None and encoding != "utf-8":
        raise RefusedError(Reason.ENVELOPE, "body_encoding is neither base64 nor utf-8")
    return Incoming(
        headers=envelope["headers"],
        content_type=envelope["content-type"],
        content_encoding=envelope["content-encoding"],
        body=body,
        priority=envelope["properties"].get("priority"),
    )


def sealed(
    message: Incoming, envelope: Mapping[str, Any], *, queue: str, tag: str | None = None
) -> dict[str, Any]:
    """Return an envelope with nothing in it but the message: what kombu shall go on with.

    The sender's tag does not count: one that is used twice would have another message acknowledged.

    Args:
        message: The message.
        envelope: In which it came.
        queue: Out of which.
        tag: Under which it is noted as fetched; a new one by default.
    """
    return {
        "body": message.body.decode(),
        "content-type": message.content_type,
        "content-encoding": message.content_encoding,
        "headers": dict(message.headers),
        "properties": {
            "body_encoding": "utf-8",
            "delivery_tag": tag or str(uuid.uuid4()),
            "delivery_info": {"exchange": "", "routing_key": queue},
            "priority": envelope["properties"].get("priority") or 0,
        },
    }


def _part(whole: Mapping[str, Any], name: str, kind: type) -> Any:
    part = whole.get(name)
    if not isinstance(part, kind):
        state = "no" if part is None else "an unusable"
        raise RefusedError(Reason.ENVELOPE, f"it has {state} {name}")
    return part
