"""Which frames of a stack are of an author's code: neither the engine's nor a library's."""

from __future__ import annotations

import importlib
import os
import sysconfig
import traceback
from typing import TYPE_CHECKING, Final

from roadmap_start.own import FOLDERS, OURS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import FrameType
    from typing import TypeVar

    F = TypeVar("F")

_OURS: Final = tuple(f"{folder}{os.sep}{name}" for folder in FOLDERS for name in OURS)
_LIBRARIES: Final = tuple(
    {sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")}
)


_IMPORTING: Final = ("<frozen importlib", importlib.__file__)
_MOST_CAUSES: Final = 20
"""That are looked through: causes may go round in a circle."""


def authors(frames: Sequence[F], file: Callable[[F], str]) -> list[F]:
    """Return the frames of the author's code; where there are none, what comes nearest.

    Args:
        frames: In any order, which is kept.
        file: Returns the file of a frame.
    """
    others = [frame for frame in frames if not _is_ours(file(frame))]
    own = [frame for frame in others if not _is_library(file(frame))]
    return own or others or list(frames)


def authors_traceback(error: BaseException, *, most: int | None = None) -> str:
    """Return an error's traceback with the author's frames alone, also of what caused it.

    Args:
        error: What was raised.
        most: The most frames of each error; by default all.
    """
    told = traceback.TracebackException.from_exception(error)
    left = [told]
    while left:
        each = left.pop()
        kept = authors(each.stack, lambda frame: frame.filename)[-(most or 0) :]
        each.stack = traceback.StackSummary.from_list(kept)
        left += [other for other in (each.__cause__, each.__context__) if other is not None]
        left += each.exceptions or []
    return "".join(told.format())


def raised_at(error: BaseException) -> str:
    """Return where the author's code raised an error, or what caused it: `file:line, in function`.

    Nothing, where only our code and what Python does to import a module stand in its traceback.
    """
    told: BaseException | None = error
    for _ in range(_MOST_CAUSES):
        if told is None:
            break
        if frames := _others(told):
            return f"{frames[-1].filename}:{frames[-1].lineno}, in {frames[-1].name}"
        told = told.__cause__
    return ""


def _others(error: BaseException) -> list[traceback.FrameSummary]:
    """Return the author's frames of an error's own traceback, or what comes nearest."""
    others = [
        each
        for each in traceback.extract_tb(error.__traceback__)
        if not _is_ours(each.filename) and not each.filename.startswith(_IMPORTING)
    ]
    return authors(others, lambda frame: frame.filename)


def stands_at(frame: FrameType) -> str:
    """Return where the author's code stands: its own function, not the library that it called."""
    found = [each for each, _ in traceback.walk_stack(frame)]  # the innermost first
    at = authors(found, lambda each: each.f_code.co_filename)[0]
    return f"`{at.f_code.co_name}` ({at.f_code.co_filename}:{at.f_lineno})"


def _is_ours(file: str) -> bool:
    return any(file.startswith((room + os.sep, room + ".py")) for room in _OURS)


def _is_library(file: str) -> bool:
    return file.startswith(("<", *(path + os.sep for path in _LIBRARIES)))
