"""Estimates how long a task will still take: a range, from how long other tasks took.

Without enough completed tasks there is no estimate, and none for a task that no worker works on.
Where there is one it is the only one shown, since two would disagree. It looks at the latest
completed tasks of the same workflow and leaves out the waits for reviews. While parts are made it
counts the time per part, at the pace of this run as soon as that is known, with the spread that
other tasks had.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from time import monotonic
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import text

from core.loop_local import LoopLocal
from core.stages import Stages, stages_of
from core.states import Status

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from sqlalchemy.ext.asyncio import AsyncSession

    from db.models import RoadmapTask

TASKS: Final = 50
"""Completed tasks that are looked at, the newest ones."""
ENOUGH: Final = 5
"""Fewer of them are no evidence, and neither are fewer contents of this run."""
KEPT_S: Final = 30.0
"""How long one look at the history is good."""
_PAST: Final = text(
    """
    WITH latest AS (
        SELECT task_id, total, finished_at FROM roadmap_tasks
        WHERE workflow = :workflow AND status = 'completed' AND attempt = 1
        ORDER BY task_id DESC LIMIT :tasks
    )
    SELECT task_id, total, finished_at, type, payload -> 'data' ->> 'step' AS step, created_at
    FROM task_events JOIN latest USING (task_id)
    WHERE type IN ('step_started', 'review_required', 'review_decided')
    ORDER BY task_id, seq
    """
)
_NOW: Final = text("SELECT clock_timestamp()")


@dataclass(frozen=True, slots=True)
class Range:
    """Seconds within which half, and nine tenths, of such tasks were done."""

    p50: float
    p90: float


@dataclass(slots=True)
class History:
    """What past tasks took, in seconds, without their reviews.

    Attributes:
        stages: The workflow's steps.
        to_end: From the beginning of a step to the task's end.
        per_part: For one part of a step that makes parts, whatever ran beside it.
    """

    stages: Stages
    to_end: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    per_part: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    def left(self, step: str, *, elapsed_s: float, parts_left: int, ended: int) -> Range | None:
        """Return what is left of a task; None without enough evidence.

        Args:
            step: The step that runs.
            elapsed_s: For how long it has been running.
            parts_left: Parts to be made yet, while they are.
            ended: Parts that ended in this run.
        """
        if self.stages.makes_parts(step):
            pace = spread(self.per_part[step])
            if pace is None:
                return None
            if ended >= ENOUGH and pace.p50 > 0:
                own = elapsed_s / ended
                pace = Range(own, own * pace.p90 / pace.p50)
            return Range(round(pace.p50 * parts_left, 1), round(pace.p90 * parts_left, 1))
        past = spread(self.to_end[step])
        if past is None:
            return None
        return Range(
            round(max(0.0, past.p50 - elapsed_s), 1), round(max(0.0, past.p90 - elapsed_s), 1)
        )


def spread(seconds: list[float]) -> Range | None:
    """Return the median and the 90th percentile of enough durations."""
    if len(seconds) < ENOUGH:
        return None
    ordered = sorted(seconds)

    def at(share: float) -> float:
        place = share * (len(ordered) - 1)
        low = int(place)
        high = min(low + 1, len(ordered) - 1)
        return ordered[low] + (ordered[high] - ordered[low]) * (place - low)

    return Range(at(0.5), at(0.9))


def learned(rows: Sequence[Any], stages: Stages) -> History:
    """Return the history that the events of completed tasks tell, in the order of their logs."""
    by_task: defaultdict[UUID, list[Any]] = defaultdict(list)
    for row in rows:
        by_task[row.task_id].append(row)
    history = History(stages)
    for events in by_task.values():
        _learn(history, events)
    return history


def _learn(history: History, events: list[Any]) -> None:
    """Go from a task's end to its beginning, so that the reviews behind each step are known."""
    end: datetime = events[0].finished_at
    decided_at: datetime | None = None
    waited = timedelta()
    began: dict[str, float] = {}
    for event in reversed(events):
        if event.type == "review_decided":
            decided_at = event.created_at
        elif event.type == "review_required":
            waited += (decided_at or event.created_at) - event.created_at
        else:
            # a step that ran again is first met at its last round: the earlier one counts
            began[event.step] = (end - event.created_at - waited).total_seconds()
    for step, seconds in began.items():
        if history.stages.makes_parts(step) and events[0].total:
            history.per_part[step].append(seconds / events[0].total)
        else:
            history.to_end[step].append(seconds)


class _Remembered:
    """The history of each workflow as it was a moment ago."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[float, History]] = {}

    async def history(self, session: AsyncSession, workflow: str) -> History:
        """Return a workflow's history, read anew when it is old."""
        read_at, history = self._kept.get(workflow, (float("-inf"), None))
        if history is None or monotonic() - read_at > KEPT_S:
            wanted = {"tasks": TASKS, "workflow": workflow}
            rows = (await session.execute(_PAST, wanted)).all()
            history = learned(rows, stages_of(workflow))
            self._kept[workflow] = (monotonic(), history)
        return history


_remembered: Final[LoopLocal[_Remembered]] = LoopLocal(_Remembered)


async def times_left(session: AsyncSession, rows: Sequence[RoadmapTask]) -> dict[UUID, Range]:
    """Return what is left of those tasks of which that can be told.

    Of one that waits for a worker it cannot: the caller leaves it out.
    """
    running = [row for row in rows if _can_tell(row)]
    if not running:
        return {}
    now: datetime = (await session.execute(_NOW)).scalar_one()
    found = {}
    for row in running:
        history = await _remembered.get().history(session, row.workflow)
        left = history.left(
            row.current_step,
            elapsed_s=(now - (row.step_began_at or now)).total_seconds(),
            parts_left=max(0, row.total - row.done - row.failures),
            ended=row.step_ended,
        )
        if left is not None:
            found[row.task_id] = left
    return found


def _can_tell(row: RoadmapTask) -> bool:
    """Tell whether a task is on a way whose length others may have shown."""
    stages = stages_of(row.workflow)
    if Status(row.status) is not Status.PROCESSING or row.current_step not in stages.steps:
        return False
    return not stages.makes_parts(row.current_step) or bool(row.total)
