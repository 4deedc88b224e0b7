"""Reads a model's answer leniently and checks it strictly."""

from __future__ import annotations

import re
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from workflow.llm.reading.candidates import Found, last_word, parsed_json, values_in
from workflow.llm.reading.fitting import combined, fitted
from workflow.llm.reading.problems import UnusableAnswerError
from workflow.llm.reading.texts import needs_cleaning, storable
from workflow.llm.reading.tolerant import DEEPEST

if TYPE_CHECKING:
    from collections.abc import Iterator

    from workflow.llm.calls import T

__all__ = ["DEEPEST", "LARGEST_ANSWER", "UnusableAnswerError", "parsed_json", "read_answer"]

LARGEST_ANSWER: Final = 2_000_000
"""Characters; no roadmap and no tutorial comes near, so more is a model running wild."""

_TRIED: Final = 24
"""Values of one answer that are compared with the shape."""

_ESCAPED: Final = re.compile(r"[\[{]\s*\\+\"")
_DEEPEST_TEXT: Final = 3


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
    best: UnusableAnswerError | None = None
    tried: list[Found] = []
    problem = "It contains no JSON object."
    for found in _values(text):
        if isinstance(found, str):
            problem = found
            continue
        tried.append(found)
        try:
            return fitted(cleaned(found.value), output, notes=notes)
        except UnusableAnswerError as error:
            better = best is None or (best.misfit is None and error.misfit is not None)
            best = error if better and found.sure else best
    together = combined([part.value for part in reversed(tried) if part.sure], output)
    if together is not None:
        return fitted(cleaned(together), output, notes=notes)
    raise best or UnusableAnswerError(problem)


def _values(text: str, depth: int = 0) -> Iterator[Found | str]:
    """Yield the values of an answer, the likeliest first, or why there are none.

    What is JSON as it stands comes first, since that costs least and is nearly always it.
    """
    for whole in dict.fromkeys((text, last_word(text))):
        value = _json(whole)
        if isinstance(value, str) and depth < _DEEPEST_TEXT:
            yield from _values(value, depth + 1)
            return
        if value is not None:
            yield Found(value, sure=True)
        if value is not None and whole is text:
            return
    why = ""
    for found in islice(values_in(text), _TRIED):
        if isinstance(found, str):
            why = f"It is not valid JSON: {found}."
        else:
            yield found
    if depth < _DEEPEST_TEXT and (escaped := _ESCAPED.search(text[:200])) is not None:
        inside = text[escaped.start() : max(text.rfind("}"), text.rfind("]")) + 1]
        value = _json(f'"{inside}"')
        if isinstance(value, str):
            yield from _values(value, depth + 1)
    if why:
        yield why


def _json(text: str) -> Any:
    try:
        return parsed_json(text)
    except ValueError:
        return None


def _as_it_is(value: Any) -> Any:
    return value
