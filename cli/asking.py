"""Asks a line on the terminal, and takes the question back when it is settled elsewhere."""

from __future__ import annotations

import select
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import Console

Closed: TypeAlias = "Callable[[], str | None]"
"""Tells why there is nothing left to ask, once it is so."""

LOOK_S: Final = 2.0
"""How often is looked whether the question is settled."""


class ClosedError(Exception):
    """The question was settled elsewhere while it stood here; the message says how."""


def ask_line(console: Console, question: str, *, closed: Callable[[], str | None]) -> str:
    """Return what somebody types, without the space around it.

    Args:
        console: Where to ask.
        question: What is asked.
        closed: See `Closed`.

    Raises:
        ClosedError: The question is settled.
        EOFError: Nobody will answer.
    """
    console.print(question, style="bold", end=" ")
    while not _typed(LOOK_S):
        if (why := closed()) is not None:
            console.print()
            raise ClosedError(why)
    line = sys.stdin.readline()
    if not line:
        raise EOFError
    return line.strip()


def forget_typed() -> None:
    """Drop what was typed on the terminal before anything was asked: it is no answer."""
    with suppress(ImportError):  # Windows has none
        import termios

        with suppress(OSError, ValueError, termios.error):  # no terminal
            termios.tcflush(sys.stdin, termios.TCIFLUSH)


def _typed(within_s: float) -> bool:
    """Wait for a whole line; where that cannot be waited for, leave the waiting to the reading."""
    try:
        return bool(select.select([sys.stdin], [], [], within_s)[0])
    except (OSError, ValueError):  # Windows knows it of sockets alone
        return True
