"""The finished steps of a task: all that the plan of a workflow goes by."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, kw_only=True, slots=True)
class Done:
    """A finished step and what it gave."""

    position: int
    step: str
    input_digest: str = ""
    output: dict[str, Any] = field(default_factory=dict)
    origin: int | None = None
    """Of a history that was translated: the position that it had before."""


def round_of(history: Sequence[Done], step: str) -> int:
    """Return which time it is that this step runs in the task: 1 for the first."""
    return 1 + sum(done.step == step for done in history)


def last_output(history: Sequence[Done], step: str) -> dict[str, Any] | None:
    """Return what the step gave the last time, or None if it never ran."""
    for done in reversed(history):
        if done.step == step:
            return done.output
    return None
