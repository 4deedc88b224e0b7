"""What is kept of a message that was set aside: enough to find its sender, nothing secret."""

from __future__ import annotations

import base64
import binascii
import json
import re
from typing import Any, Final

from core.redaction import TELLING, names_secret, redact

LONGEST: Final = 1000
"""Characters of an excerpt."""
_LOOKED_AT: Final = 4 * 1024
"""Bytes of a message that are looked at; the rest is never decoded."""
_HIDDEN: Final = "***"
_NAME: Final = 40
"""Characters of a name that are looked at on either side of a telling word."""
_SECRET_PAIR: Final = re.compile(
    rf"(?i)(?P<name>(?:{TELLING})[\w.-]{{0,{_NAME}}})"
    r"""["'\\]{0,4}\s{0,4}[:=]\s{0,4}[\[{"'\\]{0,6}(?P<value>[^\s"',;}\]\\]+)"""
)
"""From a telling word on: what stands before it is looked at once one is found, else each letter
of a long text would be the beginning of a name."""
_NAME_BEFORE: Final = re.compile(r"[\w.-]*\Z")
_TOKEN: Final = re.compile(r"[A-Za-z0-9+/_~.=-]{24,}")
_HARMLESS: Final = re.compile(
    r"(?i)[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}|[a-z_]+(?:\.[a-z_]+)*|[\d:.T+-]+Z?"
)
"""Looks like a token, and is none: a UUID, a dotted name, a time."""


def excerpt_of(raw: bytes | str) -> str:
    """Return the beginning of a message in one line of plain text, with secrets hidden."""
    head = raw[:_LOOKED_AT]
    text = head.decode(errors="replace") if isinstance(head, bytes) else head
    parsed = _unwrapped(text) if len(raw) <= _LOOKED_AT else None
    return _plain(_without_secrets(text) if parsed is None else parsed)[:LONGEST]


def _unwrapped(text: str) -> str | None:
    """Return an envelope with its body decoded: base64 would hide secrets from us, not others.

    Secrets are hidden in its values, so that it stays JSON. None when it is no envelope.
    """
    try:
        envelope = json.loads(text)
        if not isinstance(envelope, dict):
            return None
        if isinstance(body := envelope.get("body"), str):
            envelope["body"] = _body(body, envelope.get("properties"))
        return json.dumps(_hidden(envelope), ensure_ascii=False)[:_LOOKED_AT]
    except (ValueError, RecursionError):
        return None


def _body(body: str, properties: Any) -> Any:
    text = body
    if isinstance(properties, dict) and properties.get("body_encoding") == "base64":
        try:
            text = base64.b64decode(body, validate=True).decode(errors="replace")
        except (binascii.Error, ValueError):
            return f"({len(body)} characters that are not base64)"
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _hidden(value: Any) -> Any:
    """Hide what stands under a telling name, and secrets in texts."""
    if isinstance(value, dict):
        return {
            _without_secrets(str(name)): _HIDDEN
            if inner and names_secret(str(name))
            else _hidden(inner)
            for name, inner in value.items()
        }
    if isinstance(value, list):
        return [_hidden(inner) for inner in value]
    return _without_secrets(value) if isinstance(value, str) else value


def _without_secrets(text: str) -> str:
    return _TOKEN.sub(
        lambda found: found[0] if _HARMLESS.fullmatch(found[0][:100]) else _HIDDEN,
        _SECRET_PAIR.sub(_pair_hidden, redact(text)),
    )


def _pair_hidden(found: re.Match[str]) -> str:
    whole, begin = found.string, found.start()
    before = _NAME_BEFORE.search(whole[max(0, begin - _NAME) : begin])
    if not names_secret((before[0] if before else "") + found["name"]):
        return found[0]
    return whole[begin : found.start("value")] + _HIDDEN


def _plain(text: str) -> str:
    """Return the text without anything that a terminal or a page would obey."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
