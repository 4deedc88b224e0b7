"""The finished steps of a task: all that the plan of a workflow goes by."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from core.states import Decision, Step

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence


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


def kept(history: Sequence[Done], steps: Collection[str]) -> int:
    """Return how much of a history stays, from its beginning, when steps run again.

    A run of theirs that others have followed still counts, since a plan may go by it, unless a
    human sent back or edited something after it and the step ran again: then that run does.
    """
    runs = [done for done in history if done.step in steps and not _replaced(history, done)]
    return min((done.position for done in runs), default=len(history) + 1) - 1


def _replaced(history: Sequence[Done], run: Done) -> bool:
    since = [done for done in history if done.position > run.position]
    changes = [done for done in since if _decision(done) not in {None, Decision.APPROVE}]
    if any(_decision(d) == Decision.REJECT and d.output.get("of") == run.step for d in changes):
        return True
    other = [done.position for done in changes if done.output.get("of") != run.step]
    return any(done.step == run.step and done.position > min(other) for done in since if other)


def _decision(done: Done) -> Any:
    return done.output.get("decision") if done.step == Step.HUMAN_REVIEW else None
