"""A foreign program's view: it sends messages, and reads the tables that it may read."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any, Final

from core.ids import new_id
from tests.e2e.faults.judging import plain_calls
from tests.factories import events, until

if TYPE_CHECKING:
    from uuid import UUID

    import asyncpg
    from celery import Celery

    from tests.e2e.faults.scripted_model import ScriptedModel

SWEEP_S: Final = 0.5


class Roadmaps:
    """Asks for roadmaps by Celery messages alone."""

    def __init__(self, *, app: Celery, database: asyncpg.Connection, model: ScriptedModel) -> None:
        self._app = app
        self.database = database
        self.model = model

    def ask(self, topic: str) -> UUID:
        """Send `roadmap.generate`; the row is made by the worker."""
        task_id = new_id()
        kwargs = {
            "task_id": str(task_id),
            "user_id": "alice",
            "request": {"goal": f"Learn {topic}", "review": False},
        }
        self._app.send_task(
            "roadmap.generate", queue="roadmap", task_id=str(task_id), kwargs=kwargs
        )
        return task_id

    async def accept(self, tasks: list[UUID], topics: list[str]) -> None:
        """Make the rows of tasks that are only messages yet, as the API does before it rings."""
        from roadmaps.requests import TaskRequest
        from workflow.service import create_task

        for task_id, topic in zip(tasks, topics, strict=True):
            request = TaskRequest(goal=f"Learn {topic}", review=False)
            await create_task(request, user_id="alice", task_id=task_id)

    def sweep(self) -> None:
        """Send `maintenance.recover`, as beat does."""
        self._app.send_task("maintenance.recover", queue="maintenance", expires=15)

    async def until_completed(self, *tasks: UUID, sweeping: bool = False) -> None:
        """Wait until the tasks are completed.

        Args:
            tasks: Their ids.
            sweeping: Ask for `maintenance.recover` meanwhile, as beat does.
        """
        swept = time.monotonic()

        async def done() -> bool:
            nonlocal swept
            if sweeping and time.monotonic() > swept + SWEEP_S:
                await asyncio.to_thread(self.sweep)
                swept = time.monotonic()
            found = await self.database.fetchval(
                "SELECT count(*) FROM roadmap_tasks WHERE task_id = ANY($1)"
                " AND status = 'completed' AND current_step = 'completed'",
                list(tasks),
            )
            return bool(found == len(tasks))

        await until(done, within_s=40, what=f"{len(tasks)} completed tasks")

    async def until_held(self, topic: str, kind: str) -> None:
        """Wait until the model holds a call of that kind for that topic.

        Of any other kind one is at work for a moment, too: whoever killed the worker then would
        have the next one wait for an answer that never comes.
        """

        async def held() -> bool:
            return self.model.held(f"Learn {topic}", kind=kind) == 1

        await until(held, within_s=30, what=f"a held call for {topic!r}")

    async def events(self, task: UUID) -> list[str]:
        """Return the types of the task's events."""
        return await events(self.database, task)

    def check_answered_once(self, topic: str) -> None:
        """Check in the model's ledger that each call was answered once."""
        assert self.model.calls(f"Learn {topic}", "ok") == plain_calls(topic), topic

    async def owner(self, task: UUID) -> str:
        """Return the name of the worker that holds the task."""
        found: Any = await self.database.fetchval(
            "SELECT lease_owner FROM roadmap_tasks WHERE task_id = $1", task
        )
        return str(found)

    async def rings_were_long_ago(self) -> None:
        """Turn the clock on for rings, so that a lost one is missed at the next sweep."""
        await self.database.execute(
            "UPDATE roadmap_tasks SET rung_at = rung_at - interval '1 minute'"
            " WHERE status IN ('pending', 'processing')"
        )
