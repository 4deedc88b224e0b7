"""The chunk that nearly all of a stream is made of, read without a look at all that one could be.

A model writes a word a chunk, so a text is a thousand of them.
"""

from __future__ import annotations

from typing import Any, Final

import orjson

_CHUNK: Final = frozenset(
    {"id", "object", "created", "model", "provider", "choices", "usage", "obfuscation"}
    | {"system_fingerprint", "service_tier"}
)
_CHOICE: Final = frozenset(
    {"index", "delta", "finish_reason", "native_finish_reason", "stop_reason", "logprobs"}
    | {"content_filter_results", "content_filter_offsets", "token_ids"}
)
_ENDS: Final = "finish_reason", "native_finish_reason", "stop_reason"
_DELTA: Final = frozenset({"content", "role"})


def ordinary_piece(line: bytes) -> str | None:
    """Return what a line of a stream adds to the content.

    None where it is no chunk, or one that may say anything else: tokens, an end, an error, a
    refusal, thoughts. Those have to be read with care.
    """
    if not line.startswith(b"data:"):
        return None
    try:
        chunk = orjson.loads(line[5:])
    except ValueError:
        return None
    if type(chunk) is not dict or not chunk.keys() <= _CHUNK or chunk.get("usage") is not None:
        return None
    choices = chunk.get("choices")
    choice = choices[0] if type(choices) is list and len(choices) == 1 else None
    if type(choice) is not dict or not choice.keys() <= _CHOICE:
        return None
    if any(choice.get(name) is not None for name in _ENDS):
        return None
    return plain_content(choice.get("delta"))


def plain_content(message: Any) -> str | None:
    """Return the content of a message, or of the delta of one, that says nothing else; or None."""
    content = message.get("content") if isinstance(message, dict) else None
    if not isinstance(content, str):
        return None
    if not message.keys() <= _DELTA and any(
        told for name, told in message.items() if name not in _DELTA
    ):
        return None
    return content
