"""Takes a text that was written plainly for the one text that was asked for.

Some models cannot write JSON, or forget it over a long text: they answer with the text itself.
Where nothing but one long text is wanted, that is what it can only be.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from llm.reading.candidates import behind_thoughts
from llm.reading.declined import begins_declining
from llm.reading.thoughts import opens_thought

if TYPE_CHECKING:
    from pydantic import BaseModel

LEAST: Final = 600
"""Characters; what is shorter may be a question, a refusal or an excuse."""
_LONG: Final = 5000
"""Characters that a field has room for, to be one for a long text."""
_PLAIN: Final = frozenset({"type", "title", "description", "minLength", "maxLength", "default"})

_PREAMBLE: Final = re.compile(r"\A[^\n#`{}]{1,200}[:\uff1a]\**\s*\n(?=#{1,3} |(?:```|~~~))")
_FENCED: Final = re.compile(
    r"(?P<fence>```+|~~~+)(?:(?:markdown|md)[ \t]*\n|[ \t]*\n(?=#{1,3} ))"
    r"(?P<inside>.*)\n(?P=fence)",
    re.DOTALL | re.IGNORECASE,
)
_HEADED: Final = re.compile(r"#{1,3} +\S")
_STRUCTURED: Final = re.compile(r"^(?:#{1,6} +\S|(?:\S[^\n]*\n\s*\n){2})", re.MULTILINE)
_OTHER: Final = re.compile(
    r"\s*(?:[{\[\uff5b\"<]|(?:Traceback|HTTP/|(?:internal server )?error\b|exception\b))",
    re.IGNORECASE,
)
"""Begins JSON, a page, a mark of some machinery, or an error."""


@dataclass(frozen=True, slots=True)
class Prose:
    """A text written plainly. `sure` when its heading stands first: then it can be nothing else."""

    text: str
    sure: bool


def long_text_of(output: type[BaseModel], *, shown: str | None = None) -> str | None:
    """Return the one field of a shape that has nothing but a long text, or None.

    Args:
        output: The shape.
        shown: The field that is shown while it is written, which people read; another has to say
            that it is long: one without bounds may be a word or a line of code.
    """
    found = _only_text(output)
    return found[0] if found and (found[1] or found[0] == shown) else None


@cache
def _only_text(output: type[BaseModel]) -> tuple[str, bool] | None:
    properties: dict[str, Any] = output.model_json_schema().get("properties", {})
    if len(properties) != 1:
        return None
    ((name, node),) = properties.items()
    if node.get("type") != "string" or not node.keys() <= _PLAIN:
        return None
    most = node.get("maxLength")
    return (name, most is not None) if most is None or most >= _LONG else None


def prose_in(said: str, field: str) -> Prose | None:
    """Return the text that an answer is, or None where it may be anything else.

    Args:
        said: What the model said.
        field: What the text was to be called; half an object names it.
    """
    if len(said) < LEAST or said.lstrip()[:1] in {"{", "["}:
        return None
    text = behind_thoughts(said)
    if opens_thought(text.lstrip()) or begins_declining(text):
        return None
    text = _PREAMBLE.sub("", text.strip(), count=1)
    if fenced := _FENCED.fullmatch(text):
        text = fenced["inside"].strip()
    named = re.search(rf"[\"'\u201c]{re.escape(field)}[\"'\u201d]\s*[:\uff1a]", text, re.IGNORECASE)
    if len(text) < LEAST or named or _OTHER.match(text) or not _STRUCTURED.search(text):
        return None
    return Prose(text, sure=_HEADED.match(text) is not None)
