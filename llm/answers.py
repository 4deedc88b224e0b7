"""Reads a model's answer leniently and checks it strictly."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from llm.reading.candidates import Found, last_word, parsed_json
from llm.reading.fitting import combined, fitted
from llm.reading.problems import UnusableAnswerError
from llm.reading.texts import needs_cleaning, storable
from llm.reading.thoughts import opens_thought
from llm.reading.tolerant import DEEPEST
from llm.reading.values import json_or_none, values_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llm.calls import T

__all__ = [
    "DEEPEST",
    "LARGEST_ANSWER",
    "UnusableAnswerError",
    "is_whole",
    "parsed_json",
    "read_answer",
    "spoken",
]

LARGEST_ANSWER: Final = 2_000_000
"""Characters; nothing that is asked for comes near, so more is a model running wild."""

_TRIED: Final = 24
"""Values of one answer that are compared with the shape."""

_COMPARED: Final = 4
_MUCH: Final = 10
"""How many times longer a value must be to count more than one that was written later."""


def read_answer(text: str, output: type[T], *, notes: list[str] | None = None) -> T:
    """Return the answer in its shape.

    Thoughts, words and fences around the object, wrappers, signs that JSON does not know and
    fields said in another way are put right where only one thing can be meant; everything else
    must fit.

    Args:
        text: What the model said.
        output: The shape.
        notes: Takes what was read otherwise than it was written.

    Raises:
        UnusableAnswerError: It is too large, holds no object, or none that fits.
    """
    if len(text) > LARGEST_ANSWER:
        raise UnusableAnswerError(f"It has {len(text)} characters; {LARGEST_ANSWER} is the limit.")
    text = text.strip().removeprefix("\ufeff").strip()
    if not text:
        raise UnusableAnswerError("It is empty.")
    notes = [] if notes is None else notes
    cleaned = storable if needs_cleaning(text) else _as_it_is
    candidates = values_of(text)
    best: UnusableAnswerError | None = None
    tried: list[Found] = []
    problem = "It contains no JSON object."
    for found in islice(candidates, _TRIED):
        if isinstance(found, str):
            problem = found
            continue
        tried.append(found)
        try:
            fitting = fitted(cleaned(found.value), output, notes=notes)
        except UnusableAnswerError as error:
            better = best is None or (best.misfit is None and error.misfit is not None)
            best = error if better and found.sure else best
        else:
            return _larger(found, candidates, output) or fitting
    together = combined([part.value for part in reversed(tried) if part.sure], output)
    if together is not None:
        return fitted(cleaned(together), output, notes=notes)
    raise best or UnusableAnswerError(problem)


def spoken(text: str) -> str:
    """Return what a model says aloud: the text behind its thoughts, without a fence around it."""
    said = last_word(text)
    return "" if opens_thought(said.lstrip()) else said


def is_whole(text: str) -> bool:
    """Tell whether an answer is one value by the rules from its beginning to its end.

    Then nothing was cut off, whatever the server says.
    """
    return isinstance(json_or_none(last_word(text.strip())), (dict, list))


def _larger(found: Found, others: Iterator[Found | str], output: type[T]) -> T | None:
    """Return an answer that was written before and beside which the last one is but an example."""
    size: int | None = None
    for other in islice(others, _COMPARED):
        if size is None:  # nearly always there is no other, and nothing to measure
            size = 0 if _is_placeholder(found.value) else len(str(found.value))
        if isinstance(other, str) or not other.sure or len(str(other.value)) < _MUCH * size:
            continue
        try:
            return fitted(storable(other.value), output, notes=[])
        except UnusableAnswerError:
            continue
    return None


def _is_placeholder(value: Any) -> bool:
    return isinstance(value, dict) and all(
        isinstance(part, str) and part.strip(" .\u2026<>") in {"", "string"}
        for part in value.values()
    )


def _as_it_is(value: Any) -> Any:
    return value
