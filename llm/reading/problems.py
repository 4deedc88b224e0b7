"""Says what is wrong with an answer: for the model that is to repair it, and for people."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydantic import BaseModel
    from pydantic_core import ErrorDetails

_SHOWN_PROBLEMS: Final = 8
_SHOWN_VALUE: Final = 80


class UnusableAnswerError(Exception):
    """The answer does not fit the shape; the text says where, for the model and for people.

    Attributes:
        misfit: What the answer came to, when it came to something that nearly fits.
    """

    def __init__(self, problem: str, *, misfit: Misfit | None = None) -> None:
        super().__init__(problem)
        self.misfit = misfit


@dataclass(frozen=True, kw_only=True, slots=True)
class Misfit:
    """A value that does not fit, as far as it could be mended, and what is wrong with it."""

    value: Any
    errors: Sequence[ErrorDetails]
    output: type[BaseModel]

    def __str__(self) -> str:
        """Say what is wrong: where, what is wanted, what was given."""
        lines = [line_of(error) for error in self.errors[:_SHOWN_PROBLEMS]]
        if len(self.errors) > _SHOWN_PROBLEMS:
            lines.append(f"and {len(self.errors) - _SHOWN_PROBLEMS} more")
        return "; ".join(lines)


def line_of(error: ErrorDetails) -> str:
    """Say one thing that is wrong."""
    where = ".".join(str(part) for part in error["loc"]) or "answer"
    line = f"{where}: {error['msg'].removeprefix('Value error, ')}"
    return line if error["type"] == "missing" else f"{line} (given: {shown(error['input'])})"


def shown(value: Any) -> str:
    """Return the beginning of a value as one line."""
    if isinstance(value, (dict, list)) and len(value) > _SHOWN_VALUE:
        return f"{'an object' if isinstance(value, dict) else 'a list'} of {len(value)}"
    if isinstance(value, str):
        value = value[: 2 * _SHOWN_VALUE]
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _SHOWN_VALUE else text[:_SHOWN_VALUE] + "\u2026"
