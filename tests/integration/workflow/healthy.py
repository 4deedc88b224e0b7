"""Tasks of each sort as the workflow leaves them, and a way past the guards of their rows."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any
from uuid import UUID

from core.provider_errors import ContentRefusedError
from core.states import Decision
from roadmaps.audit import RoadmapKind
from roadmaps.requests import ReviewDecision
from tests.factories import ALICE, kill, new_task
from tests.ledger import LedgerAuthor, nothing
from workflow.audit import Finding, Findings, Kind
from workflow.runs import run_task
from workflow.service import cancel_task, retry_task

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import asyncpg

    from llm import Call

APPROVAL = ReviewDecision(decision=Decision.APPROVE)


Healthy = dict[str, list[UUID]]
"""Tasks of each sort, as the workflow itself left them."""

COUNTS = {
    "waiting": 2,
    "running": 5,
    "reviewed": 3,
    "completed": 6,
    "partial": 3,
    "failed": 3,
    "cancelled": 2,
    "retried": 1,
}


async def refuse_quizzes_on_wind(call: Call[Any]) -> None:
    """Fail one content of the roadmap."""
    if call.kind == "quiz" and call.prompt.title == "Wind":
        raise ContentRefusedError


async def refuse_all(_call: Call[Any]) -> None:
    """Fail everything."""
    raise ContentRefusedError


async def make_healthy(author: LedgerAuthor) -> Healthy:
    """Let the workflow leave tasks in every status."""
    made: Healthy = {
        which: [await new_task(review=which == "reviewed") for _ in range(count)]
        for which, count in COUNTS.items()
    }
    for task in (*made["completed"], *made["reviewed"]):
        await run_task(task, worker="w")
    author.before = refuse_quizzes_on_wind
    for task in (*made["partial"], *made["retried"]):
        await run_task(task, worker="w")
    await retry_task(made["retried"][0], actor=ALICE)
    author.before = refuse_all
    for task in made["failed"]:
        await run_task(task, worker="w")
    for task in (*made["cancelled"], *made["running"]):
        await run_until_quiz(author, task)
    for task in made["cancelled"]:
        await cancel_task(task, actor=ALICE)
    return made


async def run_until_quiz(author: LedgerAuthor, task: UUID) -> None:
    """Let a worker vanish in the middle of a task's contents."""
    stuck = asyncio.Event()

    async def hang(call: Call[Any]) -> None:
        if call.kind == "quiz":
            stuck.set()
            await asyncio.Event().wait()

    author.before = hang
    run = asyncio.create_task(run_task(task, worker="w"))
    await stuck.wait()
    await kill(run)
    author.before = nothing


@asynccontextmanager
async def unguarded(connection: asyncpg.Connection) -> AsyncIterator[None]:
    """Take away all constraints for a while, as a restored backup would come past them."""
    constraints = await connection.fetch(
        "SELECT conrelid::regclass::text AS of, conname AS name, pg_get_constraintdef(oid) AS text"
        " FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND contype = 'c'"
    )
    drops = (f"ALTER TABLE {row['of']} DROP CONSTRAINT {row['name']}" for row in constraints)
    adds = (
        f"ALTER TABLE {row['of']} ADD CONSTRAINT {row['name']} {row['text']}" for row in constraints
    )
    await connection.execute("; ".join(drops))
    await connection.execute("SET session_replication_role = replica")  # triggers, foreign keys
    try:
        yield
    finally:
        await connection.execute("SET session_replication_role = DEFAULT")
        await connection.execute("TRUNCATE roadmap_tasks, notifications CASCADE")
        await connection.execute("; ".join(adds))


Case = tuple[str, str, str]


def rounds(cases: list[Case]) -> list[list[tuple[str, str, int, str]]]:
    """Spread cases over as few rounds as there are tasks for: each gets a task of its own."""
    packed: list[list[tuple[str, str, int, str]]] = []
    taken: Counter[str] = Counter()
    for kind, which, corruption in cases:
        number, index = divmod(taken[which], COUNTS[which])
        taken[which] += 1
        if number == len(packed):
            packed.append([])
        packed[number].append((kind, which, index, corruption))
    return packed


def kinds(found: Findings) -> set[str]:
    """Return the kinds that were found."""
    return set(found.counts)


TASKS = "UPDATE roadmap_tasks SET {} WHERE task_id = $1"
EVENTS = "UPDATE task_events SET {} WHERE task_id = $1 AND seq = 2"
CONTENTS = (
    "UPDATE contents SET {} WHERE content_id = (SELECT content_id FROM contents JOIN roadmap_tasks"
    " USING (roadmap_id) WHERE task_id = $1 AND kind = '{}' ORDER BY content_id LIMIT 1)"
)


def about(kind: str, task: UUID, findings: list[Finding]) -> list[Finding]:
    """Return the findings of a kind about a task; of an orphan the task is not known."""
    orphan = kind in {Kind.ORPHAN, Kind.ORPHANED_NOTIFICATION}
    return [f for f in findings if f.kind is kind and (orphan or f.key == task)]


EVERY = {*Kind, *RoadmapKind}
