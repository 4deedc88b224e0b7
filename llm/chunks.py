"""Takes a stream apart into chunks, however its lines end and its events are laid out."""

from __future__ import annotations

import re
from typing import Any, Final

import orjson

from llm.answers import parsed_json
from llm.message import plain_content

_ENDS: Final = re.compile(rb"\r\n|\n|\r")
_MOST_LINES: Final = 1000
"""Of one event; more is no chunk of a completion."""
_WRAPPERS: Final = ("data", "result", "response", "output", "body")
# what an ordinary chunk has, its choice, and what tells that it is the last one
_CHUNK: Final = frozenset(
    {"id", "object", "created", "model", "provider", "choices", "usage", "obfuscation"}
    | {"system_fingerprint", "service_tier"}
)
_CHOICE: Final = frozenset(
    {"index", "delta", "finish_reason", "native_finish_reason", "stop_reason", "logprobs"}
    | {"content_filter_results", "content_filter_offsets", "token_ids"}
)
_LAST: Final = "finish_reason", "native_finish_reason", "stop_reason"


class Event:
    """One event of a stream. Its data is mostly one line, but may be many that belong together."""

    def __init__(self) -> None:
        """Begin without data."""
        self._lines: list[str] = []

    @property
    def begun(self) -> bool:
        """Whether there is data that may belong together with the next line's."""
        return bool(self._lines)

    def data(self, value: bytes) -> list[Any]:
        """Take one line of data and return the chunk that it is by itself, if it is one.

        Servers that forget the empty line between events are read, too.
        """
        text = value.decode("utf-8", "replace")
        try:
            chunk = parsed_json(text)
        except ValueError:
            chunk = None
        alone = isinstance(chunk, (dict, str)) or (isinstance(chunk, list) and bool(chunk))
        if (self._lines or not alone) and len(self._lines) < _MOST_LINES:
            self._lines.append(text)
        return [chunk] if alone and not self._within() else []

    def ends(self) -> list[Any]:
        """Return the chunk whose data was told in many lines, if there is one."""
        lines, self._lines = self._lines, []
        if len(lines) < 2:  # noqa: PLR2004 - one line was looked at when it came
            return []
        try:
            return [parsed_json("\n".join(lines))]
        except ValueError:
            return []

    def _within(self) -> bool:
        """Tell whether an object is open, of which a line may be a part."""
        return bool(self._lines) and self._lines[0].strip() in {"{", "["}


def ordinary_piece(line: bytes) -> str | None:
    """Return what a line of a stream adds to the content.

    A model writes a word a chunk, so a text is a thousand of them, and nearly all say nothing else.
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
    for name in _LAST:
        if choice.get(name) is not None:
            return None
    return plain_content(choice.get("delta"))


def lines_of(buffer: bytearray) -> tuple[list[bytes], bytearray]:
    """Return the lines that are complete, and what is left.

    A line ends with CR, LF or both; a CR at the very end may be half of both.
    """
    if b"\r" not in buffer:
        *whole, half = bytes(buffer).split(b"\n")
        return whole, bytearray(half)
    *lines, rest = _ENDS.split(buffer)
    if buffer.endswith(b"\r"):
        rest = bytearray(lines.pop() if lines else b"") + b"\r"
    return [bytes(line) for line in lines], bytearray(rest)


def chunks_in(text: str) -> list[Any]:
    """Return the chunks of a text that has one in each line and nothing else, or none."""
    chunks = []
    for line in filter(str.strip, text.splitlines()):
        try:
            chunk = parsed_json(line)
        except ValueError:
            return []
        if not isinstance(chunk, dict):
            return []
        chunks.append(chunk)
    return chunks


def unwrapped(data: Any) -> Any:
    """Return a completion that a gateway has put into an envelope of its own."""
    if not isinstance(data, dict) or "choices" in data:
        return data
    for name in _WRAPPERS:
        inner = data.get(name)
        if isinstance(inner, dict) and isinstance(inner.get("choices"), list):
            return {**inner, "usage": inner.get("usage") or data.get("usage")}
    return data
