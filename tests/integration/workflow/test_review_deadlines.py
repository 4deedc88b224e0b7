"""Reviews that are due: reminded of once, expired as the settings say."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import BaseModel

from core.actor import SYSTEM
from core.errors import ConflictError
from core.settings import get_settings
from roadmap_worker import Context, Workflow
from tests.factories import ADMIN, ALICE, approve, events, pair
from tests.integration.workflow.reviewing import reviewed
from tests.own import asked, unknown
from workflow import registry
from workflow.authoring import definition
from workflow.ending import Result
from workflow.review_deadlines import expire, remind
from workflow.runs import run_task
from workflow.service import cancel_task

if TYPE_CHECKING:
    import asyncpg

    from tests.ledger import LedgerAuthor


async def age_reviews(connection: asyncpg.Connection, hours: float) -> None:
    """Let every review be older by so many hours."""
    await connection.execute(
        "UPDATE reviews SET created_at = created_at - $1 * interval '1 hour',"
        " due_at = due_at - $1 * interval '1 hour'",
        hours,
    )


async def test_reminded_once(database: asyncpg.Connection, author: LedgerAuthor) -> None:
    """A review past half of its time is reminded of once, in log and inbox."""
    task = await reviewed(author)
    assert await remind() == 0
    await age_reviews(database, 13)
    assert sum(await asyncio.gather(*(remind() for _ in range(5)))) == 1
    assert await remind() == 0
    assert (await events(database, task)).count("review_reminder") == 1
    kinds = [row["kind"] for row in await database.fetch("SELECT kind FROM notifications")]
    assert sorted(kinds) == ["review_reminder", "review_required"]
    assert await pair(database, task) == ("human_review_pending", "human_review")


async def test_no_reminder_of_what_was_decided(
    database: asyncpg.Connection, author: LedgerAuthor
) -> None:
    """Nobody is reminded of a review that was decided or cancelled."""
    approved, cancelled = await reviewed(author), await reviewed(author)
    await age_reviews(database, 13)
    await approve(approved)
    await cancel_task(cancelled, actor=ALICE)
    assert await remind() == 0


async def test_what_ends_a_review_reads_what_was_told_of_it(
    database: asyncpg.Connection, author: LedgerAuthor
) -> None:
    """A decision and a cancellation read a review's notices, and keep when one was read before."""
    approved, cancelled = await reviewed(author), await reviewed(author)
    await age_reviews(database, 13)
    assert await remind() == 2
    await database.execute(
        "UPDATE notifications SET read_at = '2000-01-01' WHERE kind = 'review_reminder'"
    )
    await approve(approved)
    await cancel_task(cancelled, actor=ADMIN)
    unread = await database.fetch("SELECT kind FROM notifications WHERE read_at IS NULL")
    assert [row["kind"] for row in unread] == ["task_cancelled"]
    before = "SELECT count(*) FROM notifications WHERE read_at < '2001-01-01'"
    assert await database.fetchval(before) == 2


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ("keep", ("human_review_pending", "human_review")),
        ("approve", ("processing", "resuming")),
        ("cancel", ("cancelled", "human_review")),
    ],
)
async def test_expired(
    database: asyncpg.Connection,
    author: LedgerAuthor,
    settings_env: pytest.MonkeyPatch,
    policy: str,
    expected: tuple[str, str],
) -> None:
    """A review past due is kept, approved or cancelled as REVIEW_ON_EXPIRY says, once."""
    settings_env.setenv("ROADMAP_REVIEW_ON_EXPIRY", policy)
    get_settings.cache_clear()
    due = await reviewed(author)
    await age_reviews(database, 25)
    young = await reviewed(author)
    counted = await asyncio.gather(*(expire() for _ in range(5)))
    assert sum(counted) == (0 if policy == "keep" else 1)
    assert await pair(database, due) == expected
    assert await pair(database, young) == ("human_review_pending", "human_review")
    if policy == "approve":
        by = await database.fetchval("SELECT decided_by FROM reviews WHERE status = 'decided'")
        assert by == "system"
        assert await run_task(due, worker="w") is Result.COMPLETED
    told = await database.fetch(
        "SELECT payload->>'message' AS message FROM task_events"
        " WHERE payload->'data'->>'overdue' = 'true' AND task_id = $1 ORDER BY seq DESC LIMIT 1",
        due,
    )
    assert [row["message"].endswith("nobody decided in time") for row in told] == (
        [] if policy == "keep" else [True]
    )


async def test_human_is_quicker_than_expiry(
    database: asyncpg.Connection, author: LedgerAuthor
) -> None:
    """A task whose review was decided in the last moment is not cancelled after that."""
    task = await reviewed(author)
    await approve(task)
    with pytest.raises(ConflictError, match="decided meanwhile"):
        await cancel_task(task, actor=SYSTEM, reviewed_version=1)
    assert await pair(database, task) == ("processing", "resuming")


class Nothing(BaseModel):
    """What asks for nothing."""


def waiting(name: str, version: int = 1) -> Workflow[Nothing]:
    """Return a workflow whose review is approved when nobody decides; its upgrade is broken."""
    flow = Workflow(name, version=version, request=Nothing)

    @flow.step
    async def word(ctx: Context) -> str:
        return "a"

    flow.review(of=word, on_expiry="approve")
    if version > 1:

        @flow.upgrade(from_version=1)
        def broken(results: dict[str, Any]) -> dict[str, Any]:
            raise ValueError

    return flow


async def test_one_that_cannot_be_ended_holds_up_no_other(
    database: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither one whose upgrade fails nor those that no process here knows, however many first."""
    tasks = {name: await asked(waiting(name)) for name in ("broken", "gone", "fine")}
    for task in tasks.values():
        assert await run_task(task, worker="w") is Result.WAITING_FOR_REVIEW
    await age_reviews(database, 50)
    registry.register(definition(waiting("broken", 2)))
    unknown(monkeypatch, "gone")
    assert await expire(limit=1) == 1
    assert await pair(database, tasks["fine"]) == ("processing", "resuming")
    for name in ("broken", "gone"):
        assert (await pair(database, tasks[name]))[0] == "human_review_pending"
    registry.register(definition(waiting("broken")))
    assert await expire(limit=1) == 1
