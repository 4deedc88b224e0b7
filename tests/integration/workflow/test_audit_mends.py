"""What is broken by hand is found; what is safe to mend is mended, the rest explained."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from roadmaps.audit import RoadmapKind
from tests.factories import events, pair
from tests.integration.workflow.healthy import (
    CONTENTS,
    EVENTS,
    EVERY,
    TASKS,
    Case,
    Healthy,
    about,
    rounds,
    unguarded,
)
from workflow.audit import Kind, examine_all, meanings, repair
from workflow.runs import run_task

if TYPE_CHECKING:
    import asyncpg

    from tests.ledger import LedgerAuthor
    from workflow.doorbell import Ring
MENDED: list[Case] = [
    (Kind.ILLEGAL_PAIR, "completed", TASKS.format("current_step = 'resuming'")),
    (Kind.ILLEGAL_PAIR, "running", TASKS.format("current_step = 'completed', lease_until = NULL")),
    (Kind.ILLEGAL_PAIR, "failed", TASKS.format("current_step = 'queued'")),
    (Kind.LAST_SEQ_BEHIND, "running", TASKS.format("last_seq = 3")),
    (RoadmapKind.ROADMAP_LINK, "completed", TASKS.format("roadmap_id = NULL")),
    (RoadmapKind.ROADMAP_LINK, "partial", TASKS.format("roadmap_id = gen_random_uuid()")),
    (Kind.LEASE_ON_IDLE_TASK, "completed", TASKS.format("lease_owner = 'w', lease_until = now()")),
    (Kind.LEASE_ON_IDLE_TASK, "reviewed", TASKS.format("lease_owner = 'w'")),
    (Kind.LEASE_BROKEN, "running", TASKS.format("lease_until = NULL")),
    (Kind.LEASE_BROKEN, "running", TASKS.format("lease_until = now() + interval '9 years'")),
    (Kind.WORKER_SILENT, "running", TASKS.format("lease_until = now() - interval '6 minutes'")),
    (
        Kind.REVIEW_STRAY,
        "completed",
        (
            "INSERT INTO reviews (review_id, task_id, round, version, status, due_at)"
            " VALUES (gen_random_uuid(), $1, 1, 1, 'open', now() + interval '1 day')"
        ),
    ),
    (
        Kind.REVIEW_MISSING,
        "reviewed",
        "UPDATE reviews SET status = 'cancelled' WHERE task_id = $1",
    ),
    (
        Kind.CONTENT_RUNNING_UNATTENDED,
        "cancelled",
        CONTENTS.format("status = 'running'", "quiz"),
    ),
    (Kind.PROGRESS_COUNTS, "completed", TASKS.format("done = 3, total = 5")),
    (Kind.PROGRESS_COUNTS, "running", TASKS.format("done = 6")),
    (Kind.PERCENT, "completed", TASKS.format("percent = 40")),
    (Kind.PERCENT, "running", TASKS.format("percent = 2")),
    (
        Kind.WAITING_LONG,
        "waiting",
        TASKS.format("rung_at = now() - interval '2 hours', created_at = now() - interval '1 day'"),
    ),
    (
        Kind.ORPHANED_NOTIFICATION,
        "completed",
        (
            "INSERT INTO notifications (notification_id, user_id, task_id, kind, message) SELECT"
            " gen_random_uuid(), user_id, gen_random_uuid(), 'task_failed', '' FROM roadmap_tasks"
            " WHERE task_id = $1"
        ),
    ),
]


@pytest.mark.parametrize("cases", rounds(MENDED))
async def test_it_mends_what_is_safe(
    healthy: Healthy, database: asyncpg.Connection, cases: list[tuple[str, str, int, str]]
) -> None:
    """Each corruption is found, named and mended, found no more, and no event was invented."""
    log = "SELECT * FROM task_events ORDER BY task_id, seq"
    async with unguarded(database):
        for _, which, index, corruption in cases:
            await database.execute(corruption, healthy[which][index])
        before = await database.fetch(log)
        found = await examine_all()
        mended, left = await repair(found.kept)
        for kind, which, index, corruption in cases:
            task = healthy[which][index]
            assert about(kind, task, found.kept), corruption
            assert about(kind, task, [entry.finding for entry in mended]), corruption
        assert all(entry.did for entry in mended)
        assert left == []
        assert (await examine_all()).kept == []
        assert await database.fetch(log) == before
        assert await repair(found.kept) == ([], []), "a second repair does nothing"


async def test_mended_tasks_go_on(
    healthy: Healthy, database: asyncpg.Connection, author: LedgerAuthor, rings: list[Ring]
) -> None:
    """What was mended is finished by a worker, as if nothing had been."""
    running, reviewed = healthy["running"][0], healthy["reviewed"][0]
    async with unguarded(database):
        lost = TASKS.format("last_seq = 3, lease_until = NULL")
        await database.execute(lost, running)
        await database.execute("DELETE FROM reviews WHERE task_id = $1", reviewed)
        rings.clear()
        await repair((await examine_all()).kept)
        assert {ring.task_id for ring in rings} == {running, reviewed}
        await run_task(running, worker="w2")
        await run_task(reviewed, worker="w2")
        assert await pair(database, running) == ("completed", "completed")
        assert "task_recovered" in await events(database, running)
        assert await pair(database, reviewed) == ("human_review_pending", "human_review")
        review = await database.fetchrow("SELECT * FROM reviews WHERE task_id = $1", reviewed)
        assert review is not None
        assert review["status"] == "open"


EXPLAINED: list[Case] = [
    (Kind.ILLEGAL_PAIR, "failed", TASKS.format("status = 'lost'")),
    (Kind.SEQ_GAP, "running", "DELETE FROM task_events WHERE task_id = $1 AND seq = 2"),
    (Kind.SEQ_GAP, "running", "DELETE FROM task_events WHERE task_id = $1 AND seq < 4"),
    (Kind.SEQ_GAP, "completed", "DELETE FROM task_events WHERE task_id = $1"),
    (Kind.SEQ_GAP, "waiting", TASKS.format("last_seq = 9")),
    (
        Kind.LOG_CONTRADICTS_ROW,
        "completed",
        TASKS.format(
            "status = 'processing', current_step = 'resuming', finished_at = NULL, percent = 10"
        ),
    ),
    (
        Kind.OUTCOME_CONTRADICTS_CONTENTS,
        "completed",
        CONTENTS.format("status = 'running', body = NULL", "quiz"),
    ),
    (
        Kind.OUTCOME_CONTRADICTS_CONTENTS,
        "partial",
        (
            "DELETE FROM contents USING roadmap_tasks t WHERE t.roadmap_id = contents.roadmap_id"
            " AND t.task_id = $1 AND contents.status = 'failed'"
        ),
    ),
    (
        RoadmapKind.CONTENT_ELSEWHERE,
        "completed",
        CONTENTS.format(
            "concept_id = (SELECT concept_id FROM concepts WHERE roadmap_id <> contents.roadmap_id"
            " LIMIT 1), version = 9",
            "quiz",
        ),
    ),
    (
        Kind.CHECKPOINT_GAP,
        "completed",
        "DELETE FROM checkpoints WHERE task_id = $1 AND position = 2",
    ),
    (
        RoadmapKind.OUTLINE_MISSING,
        "completed",
        (
            "DELETE FROM outlines USING roadmap_tasks t WHERE t.roadmap_id = outlines.roadmap_id"
            " AND t.task_id = $1"
        ),
    ),
    (Kind.OWNER_DIFFERS, "completed", "UPDATE roadmaps SET user_id = 'eve' WHERE task_id = $1"),
    (
        Kind.OWNER_DIFFERS,
        "completed",
        "UPDATE notifications SET user_id = 'eve' WHERE task_id = $1",
    ),
    (Kind.COUNTERS, "completed", TASKS.format("epoch = 0")),
    (Kind.COUNTERS, "completed", TASKS.format("epoch = -4")),
    (Kind.COUNTERS, "retried", TASKS.format("attempt = 7")),
    (Kind.COUNTERS, "running", TASKS.format("losses = -1")),
    (Kind.TIMES, "completed", TASKS.format("started_at = created_at - interval '8 hours'")),
    (Kind.TIMES, "completed", TASKS.format("finished_at = now() + interval '8 hours'")),
    (Kind.TIMES, "running", EVENTS.format("created_at = created_at + interval '1 hour'")),
    (
        Kind.TIMES,
        "completed",
        CONTENTS.format("finished_at = started_at - interval '1 hour'", "quiz"),
    ),
    (
        Kind.TIMES,
        "reviewed",
        "UPDATE reviews SET due_at = created_at - interval '1 hour' WHERE task_id = $1",
    ),
    (Kind.REQUEST_SHAPE, "waiting", TASKS.format("""request = '{"goal": 7}'""")),
    (Kind.REQUEST_SHAPE, "failed", TASKS.format("""error = '{"code": "x"}'""")),
    (Kind.EVENT_SHAPE, "running", EVENTS.format("payload = payload - 'progress'")),
    (Kind.EVENT_SHAPE, "running", EVENTS.format("payload = jsonb_set(payload, '{seq}', '7')")),
    (Kind.EVENT_SHAPE, "running", EVENTS.format("type = 'task_invented'")),
    (
        Kind.CHECKPOINT_SHAPE,
        "completed",
        "UPDATE checkpoints SET output = '{}' WHERE task_id = $1 AND position = 3",
    ),
    (
        RoadmapKind.OUTLINE_SHAPE,
        "completed",
        (
            "UPDATE outlines SET outline = '[]' FROM roadmap_tasks t"
            " WHERE t.roadmap_id = outlines.roadmap_id AND t.task_id = $1"
        ),
    ),
    (Kind.CONTENT_SHAPE, "completed", CONTENTS.format("body = '{}'", "tutorial")),
    (
        Kind.CONTENT_SHAPE,
        "completed",
        CONTENTS.format("body = jsonb_set(body, '{questions,0,correct}', '[9]')", "quiz"),
    ),
    (
        Kind.CONTENT_SHAPE,
        "completed",
        CONTENTS.format("body = body #- '{resources,0,verified}'", "resources"),
    ),
    (Kind.REVIEW_SHAPE, "reviewed", "UPDATE reviews SET decision = 'edit' WHERE task_id = $1"),
    (Kind.ORPHAN, "completed", "DELETE FROM roadmap_tasks WHERE task_id = $1"),
    (Kind.ORPHAN, "completed", "DELETE FROM roadmaps WHERE task_id = $1"),
]


@pytest.mark.parametrize("cases", rounds(EXPLAINED))
async def test_it_explains_what_it_cannot_mend(
    healthy: Healthy, database: asyncpg.Connection, cases: list[tuple[str, str, int, str]]
) -> None:
    """What only a human can tell is found and left as it is, with what a human can do."""
    async with unguarded(database):
        for _, which, index, corruption in cases:
            await database.execute(corruption, healthy[which][index])
        found = await examine_all()
        _, left = await repair(found.kept)
        for kind, which, index, corruption in cases:
            assert about(kind, healthy[which][index], found.kept), corruption
            assert about(kind, healthy[which][index], left), corruption
        assert all(finding.detail for finding in left)
        again = await examine_all()
        assert set(again.kept) == set(left)
        assert set((await repair(again.kept))[1]) == set(left)


def test_every_kind_is_tried_and_explained() -> None:
    """There is a meaning for every kind, and a corruption that makes it."""
    assert set(meanings()) == EVERY
    assert {kind for kind, *_ in (*MENDED, *EXPLAINED)} == EVERY
    mended = {kind for kind, meaning in meanings().items() if meaning.mended}
    assert {kind for kind, *_ in MENDED} == mended
