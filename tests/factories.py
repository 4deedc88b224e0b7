"""Builders of what tests need, and conditions that they wait for."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any, TypeVar

from core.actor import Actor
from core.states import Decision
from db.engine import dispose_engine
from notifications.deltas import stop_streaming
from notifications.publisher import stop_publishing
from roadmaps.outline import Outline, from_draft
from roadmaps.outputs import CurriculumDraft
from roadmaps.requests import ReviewDecision, TaskRequest
from workflow import turns
from workflow.heartbeat import stop_keeping
from workflow.service import create_task, decide_review

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from uuid import UUID

    import asyncpg

T = TypeVar("T")

ALICE = Actor(user_id="alice")
BOB = Actor(user_id="bob")
ADMIN = Actor(user_id="root", admin=True)


def outline(
    *modules: list[str], prerequisites: dict[str, list[str]] | None = None, hours: float = 2
) -> Outline:
    """Return an outline of one stage with the concepts' titles as given, module by module."""
    wanted = prerequisites or {}
    return from_draft(
        CurriculumDraft.model_validate(
            {
                "title": "Kites",
                "summary": "All about kites.",
                "stages": [
                    {
                        "title": "Stage",
                        "modules": [
                            {
                                "title": f"Module {number}",
                                "concepts": [
                                    {
                                        "title": title,
                                        "description": f"About {title}.",
                                        "estimated_hours": hours,
                                        "difficulty": "beginner",
                                        "prerequisites": wanted.get(title, []),
                                    }
                                    for title in titles
                                ],
                            }
                            for number, titles in enumerate(modules, 1)
                        ],
                    }
                ],
            }
        )
    )


async def new_task(*, review: bool = False, goal: str = "Learn Rust", user: str = "alice") -> UUID:
    """Accept a request."""
    return await create_task(TaskRequest(goal=goal, review=review), user_id=user)


async def approve(task_id: UUID, *, actor: Actor = ALICE, version: int | None = None) -> None:
    """Approve the open review."""
    versions = None if version is None else [version]
    answer = ReviewDecision(decision=Decision.APPROVE)
    await decide_review(task_id, answer, actor=actor, versions=versions)


async def pair(connection: asyncpg.Connection, task_id: UUID | str) -> tuple[str, str]:
    """Return a task's status and current step."""
    row = await connection.fetchrow(
        "SELECT status, current_step FROM roadmap_tasks WHERE task_id = $1", task_id
    )
    assert row is not None, f"no task {task_id}"
    return row["status"], row["current_step"]


async def events(connection: asyncpg.Connection, task_id: UUID | str) -> list[str]:
    """Return the types of a task's events, in order; their numbers are checked on the way."""
    rows = await connection.fetch(
        "SELECT seq, type FROM task_events WHERE task_id = $1 ORDER BY seq", task_id
    )
    assert [row["seq"] for row in rows] == list(range(1, len(rows) + 1)), "a gap in seq"
    return [row["type"] for row in rows]


async def until(
    condition: Callable[[], Awaitable[T]], *, within_s: float = 20, what: str = "the condition"
) -> T:
    """Ask again until the condition gives something true, and return that."""
    deadline = time.monotonic() + within_s
    found: T | None = None
    while time.monotonic() < deadline:
        found = await condition()
        if found:
            return found
        await asyncio.sleep(0.02)
    raise AssertionError(f"{what} did not come true within {within_s} s; last: {found!r}")


async def expire_lease(connection: asyncpg.Connection, task_id: UUID) -> None:
    """Let a lease be over, as if its worker had been silent for long enough."""
    await connection.execute(
        "UPDATE roadmap_tasks SET lease_until = clock_timestamp() - interval '1 second'"
        " WHERE task_id = $1 AND lease_until IS NOT NULL",
        task_id,
    )


async def kill(run: asyncio.Task[Any]) -> None:
    """End a run abruptly: nothing of it is cleaned up in the database."""
    run.cancel()
    await asyncio.wait({run})


async def column(connection: asyncpg.Connection, task_id: UUID, name: str) -> Any:
    """Return one column of a task's row."""
    row = await connection.fetchrow("SELECT * FROM roadmap_tasks WHERE task_id = $1", task_id)
    assert row is not None
    return row[name]


async def a_worker_is_there(connection: asyncpg.Connection, *, consumes: bool = True) -> None:
    """Let a worker have told of itself, and of the hour that comes, too."""
    await connection.execute(
        "INSERT INTO workers (name, slots, spare, pool, incarnation, consumes, since, seen_at)"
        " VALUES ('told', 1, 0, 'threads', 'x', $1, now(), now() + interval '1 hour')"
        " ON CONFLICT (name) DO UPDATE SET consumes = excluded.consumes",
        consumes,
    )


async def close_loop() -> None:
    """Close what a test's commits opened in its event loop, whoever had them published."""
    await turns.settle()
    stop_streaming()
    await stop_publishing()
    await stop_keeping()
    await dispose_engine()
