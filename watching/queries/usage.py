"""What a task cost, step by step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from core.settings import get_settings
from core.states import Step
from core.usage import COLUMNS, Usage
from db.models import Checkpoint, Part
from db.session import read_session
from watching.queries.shapes import StepUsageView, TaskUsageView, UsageView
from watching.queries.visible import visible_task

if TYPE_CHECKING:
    from uuid import UUID

    from sqlalchemy.ext.asyncio import AsyncSession

    from core.actor import Actor


def usage_view(usage: Usage) -> UsageView:
    """Return a usage as it is shown."""
    cost = None if usage.cost is None else round(float(usage.cost), 6)
    return UsageView(**usage.columns() | {"cost": cost})


async def get_usage(task_id: UUID, *, actor: Actor) -> TaskUsageView:
    """Return what a task cost, in all and by step.

    Steps that ended are told one by one, contents together; what failed on the way, and versions
    of contents that were given up, is in the sum only where no step can be named.

    Raises:
        NotFoundError: There is none, or it belongs to somebody else.
    """
    async with read_session() as session:
        row = await visible_task(session, task_id, actor)
        steps = _joined(await _steps(session, task_id), await _parts(session, task_id))
    return TaskUsageView(
        task_id=task_id,
        total=usage_view(Usage.of(row)),
        token_limit=get_settings().max_tokens_per_task or None,
        steps=steps,
    )


def _joined(steps: list[StepUsageView], parts: list[StepUsageView]) -> list[StepUsageView]:
    """Put what the parts of a step took where the step stands, which took nothing itself."""
    left = {part.step: part for part in parts}
    made_of_parts = set(left)
    told = []
    for step in steps:
        if step.step not in made_of_parts:
            told.append(step)
        elif step.step in left:
            told.append(left.pop(step.step))
    return told + list(left.values())


async def _steps(session: AsyncSession, task_id: UUID) -> list[StepUsageView]:
    columns = [getattr(Checkpoint, name) for name in COLUMNS]
    statement = (
        select(Checkpoint.step, *columns)
        .where(Checkpoint.task_id == task_id, Checkpoint.step != Step.HUMAN_REVIEW)
        .order_by(Checkpoint.position)
    )
    rounds: dict[str, int] = {}
    steps = []
    for row in await session.execute(statement):
        rounds[row.step] = rounds.get(row.step, 0) + 1
        steps.append(_step(row.step, rounds[row.step], Usage.of(row)))
    return steps


async def _parts(session: AsyncSession, task_id: UUID) -> list[StepUsageView]:
    sums: list[Any] = [
        func.coalesce(func.sum(getattr(Part, name)), 0).label(name)
        for name in COLUMNS
        if name != "cost"
    ]
    # one unknown price makes the sum unknown; what took no tokens was free
    unknown = func.count().filter(Part.tokens > 0, Part.cost.is_(None))
    statement = (
        select(Part.step, *sums, func.sum(Part.cost).label("cost"), unknown.label("unpriced"))
        .where(Part.task_id == task_id)
        .group_by(Part.step)
        .order_by(Part.step)
    )
    return [
        _step(
            row.step,
            1,
            Usage(
                calls=row.calls,
                tokens=row.tokens,
                prompt_tokens=row.prompt_tokens,
                completion_tokens=row.completion_tokens,
                cost=None if row.unpriced else row.cost,
            ),
        )
        for row in await session.execute(statement)
        if row.calls
    ]


def _step(step: str, number: int, usage: Usage) -> StepUsageView:
    return StepUsageView(step=step, round=number, **usage_view(usage).model_dump())
