"""Why this process cannot ask for workers, for as long as it cannot.

The bell tells it, and whoever shows what a task waits for reads it: a task that is next in the line
is not taken while no worker can be told of it.
"""

from __future__ import annotations

from typing import Final

from core.loop_local import ProcessLocal

_why: Final[ProcessLocal[list[str]]] = ProcessLocal(list)


def note_unheard(why: str) -> None:
    """Remember what the broker does instead of taking messages, in words that follow its name."""
    _why.get()[:] = [why]


def note_heard() -> None:
    """Forget it: the broker takes messages."""
    _why.get().clear()


def why_unheard() -> str | None:
    """Return what the broker does instead of taking messages; None while it takes them."""
    return next(iter(_why.get()), None)
