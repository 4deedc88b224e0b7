"""What is wrong with the words of a command, said to the person who typed them."""

from __future__ import annotations

import types
from enum import Enum
from typing import TYPE_CHECKING, Any, Final, Union, get_args, get_origin

# typer's public face has only one of them; its test of a new version is tests/unit/cli
from typer._click.exceptions import (
    BadOptionUsage,
    BadParameter,
    MissingParameter,
    NoArgsIsHelpError,
    NoSuchOption,
    UsageError,
)

from core.numbers import in_words

if TYPE_CHECKING:
    from collections.abc import Callable

_EXTRA: Final = "Got unexpected extra argument"
_HELP: Final = (NoArgsIsHelpError,)
"""No complaint: whoever says nothing is shown the help."""


class EmptyWordError(BadParameter):
    """A word that names something is empty."""


def is_complaint(error: UsageError) -> bool:
    """Tell whether something is wrong, rather than that the help is to be shown."""
    return not isinstance(error, _HELP)


def complaint(error: UsageError) -> str:
    """Return what is wrong, what would be right, and where all of it is told."""
    told = next(say for kind, say in _SAID if isinstance(error, kind))(error)
    return f"{told} `{' '.join(['roadmap', *_path(error.ctx)])} --help` tells all there is."


def _path(context: Any) -> list[str]:
    """Return the words that name a command, the program's own name left out."""
    if context is None or context.parent is None:
        return []
    return [*_path(context.parent), str(context.info_name)]


def allowed(param: Any) -> str:
    """Return what a parameter takes, as in `a whole number from 0 to 65535`."""
    kind, info = _kind(param), param.type_descriptor.parameter_info
    if isinstance(kind, type) and issubclass(kind, Enum):
        return f"one of {', '.join(str(member.value) for member in kind)}"
    if kind in {int, float}:
        return in_words(kind, least=info.min, most=info.max)
    return "a text" if kind is str else "a path"


def _kind(param: Any) -> Any:
    kind = param.type_descriptor.annotation
    if get_origin(kind) in {Union, types.UnionType}:
        return next(each for each in get_args(kind) if each is not type(None))
    return kind


def _bad(error: Any) -> str:
    name = _name(error.param)
    if isinstance(error, EmptyWordError):
        return _empty(name, error.param)
    problems: list[Any] = getattr(error.__cause__, "errors", list)()
    given = f" {problems[0].get('input')!r}" if problems else ""
    if error.param is None or not hasattr(error.param, "type_descriptor"):
        return f"{error.format_message().rstrip('.')}."
    return f"{name}{given}: give {allowed(error.param)}."


def _empty(name: str, param: Any) -> str:
    said = f"{name} is empty, as from a variable that is not set"
    return f"{said}." if param.required else f"{said}: give {allowed(param)}, or leave it out."


def _missing(error: Any) -> str:
    about = str(getattr(error.param, "help", "") or "").rstrip(".")
    return f"{_name(error.param)} is missing{f': {about}' if about else ''}."


def _name(param: Any) -> str:
    if param is None:
        return "A word"
    if param.param_type_name == "argument":
        return str(param.metavar or param.name.upper())
    return str(max(param.opts, key=len))


def _unknown_option(error: Any) -> str:
    like = ", ".join(sorted(error.possibilities or ()))
    return f"There is no option {error.option_name}{f'; there are {like}' if like else ''}."


def _without_value(error: Any) -> str:
    return f"{error.option_name} needs a value after it."


def _other(error: Any) -> str:
    said = str(error.format_message()).rstrip(".")
    if said.startswith(_EXTRA):
        words = said.partition("(s) (")[2].removesuffix(")")
        return f"Too many words: {words}. Put quotes round a text of several words."
    return f"{said}." if not said.endswith("?") else said


_SAID: Final[tuple[tuple[type[UsageError], Callable[[Any], str]], ...]] = (
    (MissingParameter, _missing),
    (BadParameter, _bad),
    (NoSuchOption, _unknown_option),
    (BadOptionUsage, _without_value),
    (UsageError, _other),
)
