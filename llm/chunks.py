"""Takes a stream apart into chunks, however its lines end and its events are laid out."""

from __future__ import annotations

import codecs
import re
from itertools import islice
from typing import Any, Final

import orjson

from llm.answers import parsed_json
from llm.message import plain_content
from llm.reading.candidates import values_in

_ENDS: Final = re.compile(rb"\r\n|\n|\r")
_MOST_LINES: Final = 1000
"""Of one event; more is no chunk of a completion."""
_LONGEST_ERROR: Final = 8000
_LARGEST_MENDED: Final = 500_000
_LOOKED_AT: Final = 4
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
        self._fails = False

    @property
    def begun(self) -> bool:
        """Whether there is data that may belong together with the next line's, or will be."""
        return bool(self._lines) or self._fails

    def field(self, name: bytes, value: bytes) -> list[Any]:
        """Take one line, a field of the event, and return the chunk that it is, if it is one.

        Errors come as events of that name, whose data may be words, and from llama.cpp as fields.
        """
        if name == b"data":
            while value.lstrip().startswith(b"data:"):  # a gateway dressed what was dressed before
                value = value.lstrip().removeprefix(b"data:")
            return self._data(value.decode("utf-8", "replace"))
        if name == b"event":
            self._fails = value.strip() == b"error"
        return [_error_in(value.decode("utf-8", "replace"))] if name == b"error" else []

    def _data(self, text: str) -> list[Any]:
        """Take one line of data and return the chunk that it is by itself, if it is one.

        Servers that forget the empty line between events are read, too.
        """
        if self._fails:
            self._lines = [*self._lines, text[:_LONGEST_ERROR]][:_MOST_LINES]
            return []
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
        if self._fails:
            self._fails = False
            return [_error_in("\n".join(lines))]
        if len(lines) < 2:  # noqa: PLR2004 - one line was looked at when it came
            return []
        try:
            return [parsed_json("\n".join(lines))]
        except ValueError:
            return []

    def _within(self) -> bool:
        """Tell whether an object is open, of which a line may be a part."""
        return bool(self._lines) and self._lines[0].strip() in {"{", "["}


def _error_in(text: str) -> dict[str, Any]:
    """Return the chunk that an error is, told as JSON or in words."""
    try:
        told = parsed_json(text)
    except ValueError:
        told = text.strip()
    return told if isinstance(told, dict) and "error" in told else {"error": told}


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
    if type(choice) is not dict or not choice.keys() <= _CHOICE or choice.get("index"):
        return None
    for name in _LAST:
        if choice.get(name) is not None:
            return None
    return plain_content(choice.get("delta"))


def lines_of(buffer: bytearray, new: int) -> tuple[list[bytes], bytearray]:
    """Return the lines that are complete, and what is left.

    A line ends with CR, LF or both; a CR at the very end may be half of both.

    Args:
        buffer: What has come of the lines.
        new: How many of its last bytes nobody has looked at: one line may be megabytes, and come in
            thousands of pieces.
    """
    if _ENDS.search(buffer, max(0, len(buffer) - new - 1)) is None:
        return [], buffer
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
    for line in filter(str.strip, text.split("\n")):
        try:
            chunk = parsed_json(line)
        except ValueError:
            return []
        if not isinstance(chunk, dict):
            return []
        chunks.append(chunk)
    return chunks


def completion_in(text: str) -> Any:
    """Return what a body is, out of its envelope; what is put around a completion does not count.

    Raises:
        ValueError: It is no JSON, and has no completion in it or is a chunk in each line.
    """
    try:
        return unwrapped(parsed_json(text))
    except ValueError:
        if '"choices"' not in text or len(text) > _LARGEST_MENDED or chunks_in(text):
            raise
        for found in islice(values_in(text), _LOOKED_AT):
            data = None if isinstance(found, str) else unwrapped(found.value)
            if "message" in (choice_in(data) or ()):
                return data
        raise


def choice_in(data: Any, index: Any = None) -> dict[str, Any] | None:
    """Return the choice that is the answer, if it is there; some servers send several unasked.

    Args:
        data: A completion, or a chunk of one.
        index: Of the choice whose pieces came before; None for nothing yet, then the first counts.
    """
    choices = data.get("choices") if isinstance(data, dict) else None
    if not isinstance(choices, list):
        return None
    found = [each for each in choices if isinstance(each, dict)]
    wanted = index or 0
    for each in found:
        if index_of(each) == wanted:
            return each
    return found[0] if found and index is None else None


def index_of(choice: dict[str, Any]) -> Any:
    """Return which of several choices one is; the first has 0, or says nothing."""
    return choice.get("index") or 0


def without_mark(begun: bytearray) -> bytearray:
    """Return how something begins without blanks and the mark of its byte order."""
    return begun.lstrip().removeprefix(codecs.BOM_UTF8).lstrip()


def unwrapped(data: Any) -> Any:
    """Return a completion that a gateway has put into an envelope of its own."""
    if not isinstance(data, dict) or "choices" in data:
        return data
    for name in _WRAPPERS:
        inner = data.get(name)
        if isinstance(inner, dict) and isinstance(inner.get("choices"), list):
            return {**inner, "usage": inner.get("usage") or data.get("usage")}
    return data
