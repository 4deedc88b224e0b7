"""What is stored may be of another version, or broken: everything else stays readable."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, Any

from tests.e2e.faults.whole_set import WHOLE_SET
from tests.integration.api import seeds
from tests.integration.api.conftest import bearer
from workflow.audit import audit

if TYPE_CHECKING:
    import asyncpg
    import httpx

COLUMNS = (
    "roadmap_tasks.request",
    "roadmap_tasks.error",
    "task_events.payload",
    "checkpoints.output",
    "outlines.outline",
    "contents.body",
    "contents.error",
    "reviews.edits",
    "schedules.outcome",
)
DEEP: Any = "x"
for _ in range(300):
    DEEP = [DEEP]
BROKEN: list[Any] = [[], "text", DEEP, {"code": [], "step": 1, "next_after": "x", "findings": [1]}]
if WHOLE_SET:
    BROKEN += [{"code": [], "step": 1}, {"next_after": "x", "findings": [1]}]
    BROKEN += [{}, 7, True, [[]], {"code": 1}, {"x": {"y": []}}, {"markdown": 1}]
    BROKEN += [{"resources": 1}, {"resources": [1]}, {"questions": [{"options": 1}]}]
    BROKEN += [{"stages": [1]}, {"seq": "x", "type": 1}, {"next_after": 1}, {"findings": 1}]
    BROKEN += [{"next_after": "x", "tasks": "x", "findings": {"x": "y"}, "examples": 1}]


async def _break(database: asyncpg.Connection, column: str, value: Any) -> None:
    table, name = column.split(".")
    await database.execute(
        f"UPDATE {table} SET {name} = $1 WHERE {name} IS NOT NULL",  # noqa: S608 - ours
        json.dumps(value),
    )


async def test_broken_json_breaks_nothing_else(
    anonymous: httpx.AsyncClient, database: asyncpg.Connection
) -> None:
    """Lists, tasks, events, metrics and the audit answer, whatever stands in a JSON column."""
    asked = partial(anonymous.get, headers=bearer("root", role="admin"))
    seeded = await seeds.roadmap(database)
    reviewed = await seeds.review(database, rounds=2)
    failed = await seeds.failed_task()
    await seeds.notification(database, failed)
    await database.execute("INSERT INTO schedules (name, outcome) VALUES ('audit', '{}')")
    roadmap = f"roadmaps/{seeded.roadmap_id}"
    paths = ["tasks", f"tasks/{seeded.task_id}", f"tasks/{seeded.task_id}/events"]
    paths += [f"tasks/{seeded.task_id}/usage", roadmap, f"tasks/{failed}/events"]
    paths += [f"{roadmap}/concepts/{concept}" for concept in seeded.concepts]
    paths += [f"tasks/{failed}", f"tasks/{reviewed.task_id}/review", "notifications"]
    paths += ["admin/queue", "admin/schedules", "learning", f"{roadmap}/progress"]
    paths += [f"tasks/{seeded.task_id}/{what}" for what in ("results", "parts")]
    reads = [*(f"/api/v1/{path}" for path in paths), "/metrics", "/health"]
    for path in reads:
        assert (await asked(path)).status_code == 200, path
    broken = []
    for column in COLUMNS:
        for value in BROKEN:
            await _break(database, column, value)
            for path in reads:
                answer = await asked(path)
                if answer.status_code >= 500:
                    broken.append((column, value, path, answer.text[:200]))
            await audit()
    assert not broken
