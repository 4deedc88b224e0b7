"""Checks a run of faults by three records: accepted tasks, the model's answers, the database."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from core.states import TERMINAL, Status
from roadmaps.steps.names import STAGES

if TYPE_CHECKING:
    from collections.abc import Iterable
    from uuid import UUID

    import asyncpg

    from tests.e2e.faults.judging import Seen
    from tests.e2e.faults.rig import Rig

_ENDS: Final = ("task_completed", "task_partially_failed", "task_failed", "task_cancelled")


async def judge(
    rig: Rig, look: asyncpg.Connection, accepted: Iterable[UUID], *, cancelled: set[UUID]
) -> tuple[list[str], Counter[str]]:
    """Look at every accepted task.

    Args:
        rig: The rig.
        look: A connection.
        accepted: All that were accepted.
        cancelled: Those for which a cancellation succeeded.

    Returns:
        What is wrong, one line each, and counts for the report.
    """
    wrong: list[str] = []
    counts: Counter[str] = Counter()
    answered: dict[str, Counter[str]] = {}
    for entry in rig.model.entries():
        if entry.outcome == "ok":
            key = f"{entry.kind} of {entry.title}" if entry.title else entry.kind
            answered.setdefault(entry.goal, Counter())[key] += 1
    for task_id in accepted:
        row = await look.fetchrow("SELECT 1 FROM roadmap_tasks WHERE task_id = $1", task_id)
        if row is None:
            wrong.append(f"{task_id}: lost, it has no row")
            continue
        try:
            seen = await rig.see(look, task_id)
        except AssertionError as error:
            wrong.append(f"{task_id}: {error}")
            continue
        goal = seen.row["goal"]
        wrong += [f"{goal}: {line}" for line in _wrong_with(seen, task_id in cancelled)]
        wrong += [f"{goal}: {line}" for line in _wrong_calls(seen, answered.get(goal, Counter()))]
        counts[seen.row["status"]] += 1
        counts["recovered"] += seen.events.count("task_recovered")
        counts["calls"] += answered.get(goal, Counter()).total()
        counts["calls that were repeated"] += _repeated(seen, answered.get(goal, Counter()))
    return wrong, counts


def _wrong_with(seen: Seen, cancelled: bool) -> Iterable[str]:  # noqa: FBT001 - one caller
    status, step = Status(seen.row["status"]), seen.row["current_step"]
    if status not in TERMINAL or not STAGES.is_legal(status, step):
        yield f"ended as {status}/{step}"
        return
    wanted = Status.CANCELLED if cancelled else Status.COMPLETED
    if status is not wanted:
        yield f"ended as {status}, not {wanted}: {seen.row['error']}"
    ends = [name for name in seen.events if name in _ENDS]
    if len(ends) != 1 or seen.events[-1] != ends[0]:
        yield f"ended {len(ends)} times, its last event is {seen.events[-1]}"
    if seen.events.count("task_started") > 1:
        yield "started twice"
    told = seen.events.count("step_completed") + seen.events.count("review_decided")
    if told != len(seen.checkpoints):
        yield f"{told} steps were told, {len(seen.checkpoints)} are stored"
    done = [content for content in seen.contents if content[3] == "completed"]
    if len({content[:2] for content in seen.contents}) != len(seen.contents):
        yield "a content exists twice"
    if seen.events.count("content_completed") != len(done):
        yield f"{seen.events.count('content_completed')} contents told, {len(done)} stored"
    if status is Status.COMPLETED and (not done or len(done) != len(seen.contents)):
        yield f"completed with {len(done)} of {len(seen.contents)} contents"


def _committed(seen: Seen) -> Counter[str]:
    steps = [step for step in seen.checkpoints if step != "human_review"]
    contents = [f"{c[1]} of {c[0]}" for c in seen.contents if c[3] == "completed"]
    return Counter(steps + contents)


def _repeated(seen: Seen, answered: Counter[str]) -> int:
    return (answered - _committed(seen)).total()


def _wrong_calls(seen: Seen, answered: Counter[str]) -> Iterable[str]:
    committed = _committed(seen)
    missing: Any = committed - answered
    if missing:
        yield f"committed and never answered: {dict(missing)}"
    # an answer is lost only with its worker, or with a cancelled task
    most = seen.events.count("task_recovered") + (seen.row["status"] == Status.CANCELLED)
    for call, times in (answered - committed).items():
        if times > most:
            yield f"{call} was answered {times} times in vain, for {most} losses"
