"""Reads a model's answer leniently and checks it strictly."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

from pydantic import ValidationError

if TYPE_CHECKING:
    from workflow.llm.calls import T

LARGEST_ANSWER: Final = 2_000_000
"""Characters; no roadmap and no tutorial comes near, so more is a model running wild."""

_SHOWN_PROBLEMS: Final = 8
_UNSTORABLE: Final = re.compile("[\x00\ud800-\udfff]")
"""NUL is refused by PostgreSQL, lone surrogates by every encoder."""

DEEPEST: Final = 100
_BRACKETS: Final = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[{}\[\]]', re.DOTALL)
_THOUGHTS: Final = re.compile(r"\A\s*<think>.*?</think>", re.DOTALL)
"""What reasoning models think aloud, where a server leaves it in the answer."""

_FENCE: Final = re.compile(r"\A```[\w-]*[ \t]*\n(?P<inside>.*?)\n?```\Z", re.DOTALL)


class UnusableAnswerError(Exception):
    """The answer does not fit the shape; the text says where, for the model and for people."""


def read_answer(text: str, output: type[T]) -> T:
    """Return the answer in its shape.

    Fences, prose and thoughts around the object, a byte order mark, raw line breaks inside
    strings, NUL characters and lone surrogates are put right; everything else must fit.

    Raises:
        UnusableAnswerError: It is too large, no JSON object, or does not fit.
    """
    if len(text) > LARGEST_ANSWER:
        raise UnusableAnswerError(f"It has {len(text)} characters; {LARGEST_ANSWER} is the limit.")
    try:
        return output.model_validate(_storable(_parsed(text)))
    except ValidationError as error:
        raise UnusableAnswerError(_problems(error)) from None


def parsed_json(text: str) -> Any:
    """Parse JSON that may be meant to harm.

    The standard scanner recurses, and a RecursionError inside it has left CPython 3.11's own
    bookkeeping wrong (`AST constructor recursion depth mismatch`), so depth is counted first.

    Raises:
        ValueError: It is not valid JSON, or nested more deeply than anything of ours.
    """
    depth = 0
    for token in _BRACKETS.finditer(text):
        depth += {"{": 1, "[": 1, "}": -1, "]": -1}.get(token[0], 0)
        if depth > DEEPEST:
            raise ValueError("nested too deeply")
    return json.loads(text, strict=False)


def _parsed(text: str) -> Any:
    text = _THOUGHTS.sub("", text.strip().removeprefix("\ufeff"), count=1).strip()
    if not text:
        raise UnusableAnswerError("It is empty.")
    fence = _FENCE.match(text)
    start, end = text.find("{"), text.rfind("}")
    candidates = [text, *([fence["inside"]] if fence else []), text[start : end + 1]]
    problem = "It contains no JSON object."
    for candidate in candidates:
        if not candidate:
            continue
        try:
            value = parsed_json(candidate)
        except ValueError as error:
            problem = f"It is not valid JSON: {error}."
            continue
        if isinstance(value, dict):
            return value
        problem = "It is not a JSON object."
    raise UnusableAnswerError(problem)


def _storable(value: Any) -> Any:
    if isinstance(value, str):
        return _UNSTORABLE.sub("", value)
    if isinstance(value, list):
        return [_storable(part) for part in value]
    if isinstance(value, dict):
        return {_storable(key): _storable(part) for key, part in value.items()}
    return value


def _problems(error: ValidationError) -> str:
    found = error.errors(include_input=False, include_url=False, include_context=False)
    lines = [
        f"{'.'.join(str(part) for part in problem['loc']) or 'answer'}: {problem['msg']}"
        for problem in found[:_SHOWN_PROBLEMS]
    ]
    if len(found) > _SHOWN_PROBLEMS:
        lines.append(f"and {len(found) - _SHOWN_PROBLEMS} more")
    return "; ".join(lines)
