"""What the release before the engine of any workflow stored: kept, told as before, and finished."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

import orjson
import pytest

from db.migrate import downgrade, upgrade
from notifications.events import parse_event
from tests.e2e.faults.judging import edited_calls, plain_calls
from tests.e2e.faults.releases import (
    WISH,
    api_of,
    concepts_of,
    get,
    other_database,
    restore,
    stored,
    told_of,
)
from workflow.audit import examine_all

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    import asyncpg
    import httpx

    from tests.e2e.faults.rig import Rig
    from tests.e2e.faults.worker_process import WorkerProcess

RELEASE: Final = stored("0013")
CHANGES_BY_ITSELF: Final = frozenset({"time_left_s", "line"})
"""What the API tells anew each time."""
WORK_ONLY: Final = "took_s"
"""It was the time from the beginning to the end; open reviews and idle times do not count now."""


@pytest.fixture
async def restored(
    faults_rig: Rig, settings_env: pytest.MonkeyPatch, tmp_path: Path
) -> AsyncIterator[tuple[Rig, asyncpg.Connection, dict[str, set[str]]]]:
    """The earlier release's database, not migrated yet; yields what is in its tables, too."""
    async with other_database(faults_rig, tmp_path, revision=RELEASE.revision) as (rig, look):
        await restore(look, RELEASE)
        yield rig, look, await _rows(look)


async def _rows(look: asyncpg.Connection) -> dict[str, set[str]]:
    """Return all rows of the release's tables, with the columns that it knew."""
    found = {}
    for table, text in RELEASE.tables.items():
        columns = text.split(b"\n", 1)[0].decode()
        rows = await look.fetch(f"SELECT ROW({columns})::text FROM {table}")  # noqa: S608 - our names
        found[table] = {row[0] for row in rows}
    return found


async def test_no_row_is_lost(
    restored: tuple[Rig, asyncpg.Connection, dict[str, set[str]]],
) -> None:
    """All rows are there after the migration and after the way back; every event can be read."""
    _, look, before = restored
    await asyncio.to_thread(upgrade)
    assert await _rows(look) == before
    events = await look.fetch("SELECT payload FROM task_events")
    types = {type(parse_event(orjson.loads(event["payload"]))) for event in events}
    assert len(types) > 15
    untold = await look.fetchval(
        "SELECT count(*) FROM parts JOIN concepts USING (concept_id)"
        " JOIN roadmaps r ON r.roadmap_id = parts.roadmap_id"
        " WHERE (parts.task_id, step, key, parts.title, hidden) IS DISTINCT FROM"
        " (r.task_id, 'content_generation', concept_id::text, concepts.title, removed)"
    )
    assert untold == 0
    await asyncio.to_thread(downgrade, RELEASE.revision)
    assert await _rows(look) == before
    await asyncio.to_thread(upgrade)
    assert await _rows(look) == before


async def test_old_tasks_are_told_and_finished(
    restored: tuple[Rig, asyncpg.Connection, dict[str, set[str]]],
) -> None:
    """The API tells what it told; tasks in every state go on, and nothing finished is done again.

    What stood still is retried, what was asked is approved, and a content is written anew. The
    worker was started too early, before the migration: until then it says so and takes nothing.
    """
    rig, look, before = restored
    worker = await _waiting_worker(rig, look)
    await asyncio.to_thread(upgrade)
    async with api_of(rig) as api:
        for name, task in RELEASE.tasks.items():
            _same(RELEASE.told[name], await told_of(api, task), at=name)
        _same(RELEASE.told["notifications"], await get(api, "/notifications?limit=100"), at="inbox")
        worker.wait_ready()
        for name, status in (await _statuses(api)).items():
            if status in {"failed", "cancelled", "partial_failure"}:
                await _ask(api, f"/tasks/{RELEASE.tasks[name]}/retry")
        await _regenerate(api, "Done")
        await _until(rig, look, "completed", "human_review_pending")
        for name, status in (await _statuses(api)).items():
            if status == "human_review_pending":
                await _ask(api, f"/tasks/{RELEASE.tasks[name]}/review", {"decision": "approve"})
        await _until(rig, look, "completed")
    assert len(worker.logged("database_older_than_worker")) == 1
    for name in RELEASE.tasks:
        answered = Counter(RELEASE.answered[name]) + rig.model.calls(f"Learn {name}", "ok")
        assert answered == _expected(name), name
    after = await _rows(look)
    # a content that is complete stays as it is; so does the log
    assert {row for row in before["contents"] if ",completed," in row} <= after["contents"]
    assert before["task_events"] <= after["task_events"]
    assert (await examine_all()).kept == []


async def _waiting_worker(rig: Rig, look: asyncpg.Connection) -> WorkerProcess:
    worker = rig.worker(concurrency=32, ready=False)
    await rig.until_true(
        lambda: bool(worker.logged("database_older_than_worker", migration=RELEASE.revision)),
        what="the worker's complaint",
    )
    assert await look.fetchval("SELECT count(*) FROM workers") == 0
    return worker


def _same(was: Any, now: Any, *, at: str) -> None:
    """Check that what was told is told still; more may be told."""
    if isinstance(was, dict) and isinstance(now, dict):
        for name in was.keys() - CHANGES_BY_ITSELF:
            assert name in now, f"{at}: no {name}"
            if name == WORK_ONLY and was[name] is not None:
                assert 0 < now[name] <= was[name], at
                continue
            _same(was[name], now[name], at=f"{at}, {name}")
    elif isinstance(was, list) and isinstance(now, list):
        assert len(was) == len(now), f"{at}: {was} and {now}"
        for number, pair in enumerate(zip(was, now, strict=True)):
            _same(*pair, at=f"{at}, {number}")
    else:
        assert was == now, at


def _expected(name: str) -> Counter[str]:
    """Return the calls that are answered in a task's whole life."""
    after_rejection = ("Second review", "Rejected", "revalidation", "edit_plan", "roadmap_edit")
    if any(word in name for word in after_rejection):
        return edited_calls(name, WISH)
    calls = plain_calls(name)
    if "edit" in name.rsplit(" ", maxsplit=1)[-1]:  # by the reviewer, who removed a concept
        calls = Counter({call: n for call, n in calls.items() if not call.endswith("1.1.2")})
    if name in {"Regenerated", "Regenerating", "Done"}:
        calls[f"quiz of {name} 1.1.1"] += 1
    return calls


async def _statuses(api: httpx.AsyncClient) -> dict[str, str]:
    listed = (await get(api, "/tasks?limit=100"))["tasks"]
    by_id = {task["task_id"]: task["status"] for task in listed}
    return {name: by_id[task] for name, task in RELEASE.tasks.items()}


async def _ask(api: httpx.AsyncClient, path: str, body: Any = None) -> None:
    answer = await api.post(path, json=body)
    assert answer.is_success, f"{path}: {answer.text}"


async def _regenerate(api: httpx.AsyncClient, name: str) -> None:
    task = await get(api, f"/tasks/{RELEASE.tasks[name]}")
    roadmap = f"/roadmaps/{task['roadmap_id']}"
    concept = concepts_of(await get(api, roadmap))[0]["concept_id"]
    await _ask(api, f"{roadmap}/concepts/{concept}/regenerate", {"kinds": ["quiz"]})


async def _until(rig: Rig, look: asyncpg.Connection, *statuses: str) -> None:
    """Wait for all tasks; lost rings are missed at once."""
    await rig.rings_were_long_ago(look)
    tasks: Any = list(RELEASE.tasks.values())
    await rig.until_status(look, tasks, *statuses, sweeping=True, within_s=60)
