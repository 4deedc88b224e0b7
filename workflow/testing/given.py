"""Says before a run what is wrong with the functions that a test gives: how they are called."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workflow.authoring.signature import signature_of
from workflow.testing.errors import ScriptError

if TYPE_CHECKING:
    from collections.abc import Callable

    from workflow.testing.author import Answers
    from workflow.testing.reviews import Decide

CONTEXT = ("system", "step", "round", "key", "kind")
"""What a function of answers may ask for by name."""


def wanted(function: Callable[..., Any]) -> tuple[str, ...]:
    """Return which names of the context a function of answers takes."""
    try:
        parameters = list(signature_of(function).parameters.values())
    except (TypeError, ValueError):
        return CONTEXT
    if any(each.kind is each.VAR_KEYWORD for each in parameters):
        return CONTEXT
    names = [each.name for each in parameters if each.kind is not each.VAR_POSITIONAL][2:]
    return tuple(name for name in CONTEXT if name in names)


def check_answers(answers: Answers) -> None:
    """Check that all functions can be called as they will be.

    Raises:
        ScriptError: One cannot; it is named, with the place where it stands.
    """
    if answers is None:
        return
    if not isinstance(answers, Mapping):
        if not callable(answers):
            raise ScriptError(
                "`answers` must be a mapping from output model to answer, or a function of model"
                f" and prompt, not {answers!r}."
            )
        _check_function(answers, "`answers`")
        return
    for model, answer in answers.items():
        if not isinstance(model, type):
            raise ScriptError(f"`answers` has the key {model!r}, which is no output model.")
        if isinstance(answer, type):
            raise ScriptError(
                f"`answers` has the class {answer.__name__} for {model.__name__}; give an instance"
                " of it, or a function that returns one."
            )
        if callable(answer) and not isinstance(answer, model):
            _check_function(answer, f"`answers` for {model.__name__}")


def check_decide(decide: Decide) -> None:
    """Check that a function that decides takes the review and nothing else.

    Raises:
        ScriptError: It does not.
    """
    if callable(decide) and not _takes(decide, 1):
        raise ScriptError(
            f"`decide` is {_named(decide)}; it is called with the review and nothing else."
        )


def _check_function(function: Callable[..., Any], what: str) -> None:
    names = wanted(function)
    if not _takes(function, 2, names):
        raise ScriptError(
            f"{what} is {_named(function)}; it is called with the model and the prompt, and by name"
            f" with what it names of {', '.join(CONTEXT)}: write it as"
            f" `lambda model, prompt{''.join(f', {each}' for each in names or ('key',))}: …`."
        )


def _takes(function: Callable[..., Any], positional: int, names: tuple[str, ...] = ()) -> bool:
    try:
        signature = signature_of(function)
    except (TypeError, ValueError):
        return True  # of C: it cannot be told
    try:
        signature.bind(*[None] * positional, **dict.fromkeys(names))
    except TypeError:
        return False
    return True


def _named(function: Callable[..., Any]) -> str:
    name = getattr(function, "__name__", type(function).__name__)
    named = f"`{name}{signature_of(function)}`"
    code = getattr(inspect.unwrap(function), "__code__", None)
    where = f" ({Path(code.co_filename).name}:{code.co_firstlineno})" if code else ""
    return named + where
