"""Where each step lies on the way from 0 to 100 per cent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from core.stages import Stages

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workflow.authoring.declared import DeclaredStep

_BEGINS: Final = 1.0
"""Per cent at which the first step begins: a task that runs is further than one that waits."""
_ENDS: Final = 99.0
_PARTS: Final = 8
"""Steps with parts take about so many times as long as others."""


def stages_of(workflow: str, steps: Sequence[DeclaredStep], reviewed: Sequence[str]) -> Stages:
    """Return a workflow's stages.

    Args:
        workflow: Its name.
        steps: In order. What their shares leave is divided among those that say none.
        reviewed: The steps that humans are asked about.
    """
    said = sum(step.options.share or 0.0 for step in steps)
    weights = {
        step.name: _PARTS if step.listing else 1 for step in steps if step.options.share is None
    }
    left = max(0.0, 1.0 - said) / (sum(weights.values()) or 1)
    begins_at: dict[str, float] = {}
    ends_at: dict[str, float] = {}
    at = _BEGINS
    for step in steps:
        share = step.options.share
        begins_at[step.name] = round(at, 1)
        at += (_ENDS - _BEGINS) * (left * weights[step.name] if share is None else share)
        if step.listing:
            ends_at[step.name] = round(at, 1)
    after = [
        list(begins_at.values())[place + 1] if place + 1 < len(steps) else _ENDS
        for place, step in enumerate(steps)
        if step.name in reviewed
    ]
    return Stages(
        workflow=workflow,
        begins_at=begins_at,
        ends_at=ends_at,
        review_at=min(after, default=0.0),
    )
