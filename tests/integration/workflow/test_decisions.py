"""Decisions and cancellations that race, reviews that are due, deliveries of other programs."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from core.errors import ConflictError, InvalidRequestError, NotFoundError, StaleVersionError
from core.settings import get_settings
from db.ledger import lock_tasks
from db.session import transaction
from roadmaps import queries
from tests.factories import ADMIN, ALICE, BOB, approve, events, pair
from tests.integration.workflow.reviewing import decision, reviewed
from workflow import reviews
from workflow.ending import Result
from workflow.open_reviews import open_review
from workflow.runs import run_task
from workflow.service import cancel_task, decide_review, retry_task

if TYPE_CHECKING:
    import asyncpg

    from tests.ledger import LedgerAuthor
    from workflow.doorbell import Ring


async def test_fifty_approvals(
    database: asyncpg.Connection, author: LedgerAuthor, rings: list[Ring]
) -> None:
    """Of fifty approvals at once one succeeds; the contents are written once."""
    task = await reviewed(author)
    rings.clear()
    done = await asyncio.gather(*(approve(task) for _ in range(50)), return_exceptions=True)
    assert sum(each is None for each in done) == 1
    assert sum(isinstance(each, ConflictError) for each in done) == 49
    assert len(rings) == 1
    results = await asyncio.gather(*(run_task(task, worker=f"w{n}") for n in range(3)))
    assert sorted(results) == [Result.COMPLETED, Result.NOTHING_TO_DO, Result.NOTHING_TO_DO]
    assert set(author.contents().values()) == {1}
    assert (await events(database, task)).count("review_decided") == 1


async def test_decisions_that_contradict(
    database: asyncpg.Connection, author: LedgerAuthor
) -> None:
    """Of an approval, a rejection, an edit and a cancellation at once exactly one counts."""
    concept: Any = None
    for _ in range(10):
        task = await reviewed(author)
        concept = await database.fetchval(
            "SELECT concept_id FROM concepts JOIN roadmaps USING (roadmap_id) WHERE task_id = $1",
            task,
        )
        rename = {"op": "rename", "concept_id": str(concept), "title": "Mine"}
        answers = [
            decision(decision="approve"),
            decision(decision="reject", feedback="no"),
            decision(decision="edit", edits=[rename]),
        ]
        done = await asyncio.gather(
            *(decide_review(task, answer, actor=ALICE) for answer in answers),
            return_exceptions=True,
        )
        assert sum(each is None for each in done) == 1
        rows = await database.fetch("SELECT status FROM reviews WHERE task_id = $1", task)
        assert [row["status"] for row in rows] == ["decided"]
        assert (
            await database.fetchval(
                "SELECT count(*) FROM checkpoints WHERE task_id=$1 AND step='human_review'", task
            )
            == 1
        )


async def test_an_edit_may_be_looked_at_again(
    database: asyncpg.Connection, author: LedgerAuthor, rings: list[Ring]
) -> None:
    """An edit with `then: review` opens another round for the edited version; no worker comes."""
    task = await reviewed(author)
    rings.clear()
    concept = await database.fetchval(
        "SELECT concept_id FROM concepts JOIN roadmaps USING (roadmap_id) WHERE task_id = $1", task
    )
    rename = {"op": "rename", "concept_id": str(concept), "title": "Mine"}
    before = len(await events(database, task))
    await decide_review(
        task, decision(decision="edit", edits=[rename], then="review"), actor=ALICE, versions=[1]
    )
    assert (await events(database, task))[before:] == [
        "review_decided",
        "roadmap_ready",
        "review_required",
    ]
    assert rings == []
    assert await pair(database, task) == ("human_review_pending", "human_review")
    rows = await database.fetch(
        "SELECT round, version, status, decision FROM reviews WHERE task_id = $1 ORDER BY round",
        task,
    )
    assert [tuple(row) for row in rows] == [(1, 1, "decided", "edit"), (2, 2, "open", None)]
    unread = "SELECT message FROM notifications WHERE task_id = $1 AND read_at IS NULL"
    assert len(await database.fetch(unread, task)) == 1, "of the new round alone"
    again = await queries.open_review(task, actor=ALICE)
    shown = await open_review(task, actor=ALICE)
    assert (shown.version, shown.round) == (2, 2)
    assert again.diff
    assert again.diff[0] | {"to": "Mine", "change": "renamed"} == again.diff[0]
    with pytest.raises(StaleVersionError):
        await decide_review(task, decision(decision="approve"), actor=ALICE, versions=[1])
    await decide_review(
        task, decision(decision="reject", feedback="shorter"), actor=ALICE, versions=[2]
    )
    assert len(rings) == 1
    assert await run_task(task, worker="w") is Result.WAITING_FOR_REVIEW
    await approve(task)
    assert await run_task(task, worker="w") is Result.COMPLETED


def test_then_goes_with_an_edit() -> None:
    """`then` without edits is refused, and so is any other word."""
    for wrong in (
        {"decision": "approve", "then": "review"},
        {"decision": "reject", "feedback": "no", "then": "approve"},
        {"decision": "edit", "edits": [{"op": "remove", "concept_id": str(uuid4())}], "then": "x"},
    ):
        with pytest.raises(ValueError, match="then"):
            decision(**wrong)


async def test_owners(database: asyncpg.Connection, author: LedgerAuthor) -> None:
    """Somebody else's task does not exist, for whatever is asked; an admin sees all.

    A stranger does not even wait for the row while somebody else has it locked.
    """
    task = await reviewed(author)
    answer = decision(decision="approve")
    async with transaction() as tx:
        await lock_tasks(tx.session, [task])
        for asked in (
            decide_review(task, answer, actor=BOB),
            cancel_task(task, actor=BOB),
            retry_task(task, actor=BOB),
        ):
            with pytest.raises(NotFoundError):
                await asyncio.wait_for(asked, 2)
    assert await pair(database, task) == ("human_review_pending", "human_review")
    await decide_review(task, answer, actor=ADMIN)


async def test_versions(database: asyncpg.Connection, author: LedgerAuthor) -> None:
    """A decision about another version than the one under review is refused as stale."""
    task = await reviewed(author)
    for versions in ([0], [2], [2, 77], []):
        with pytest.raises(StaleVersionError):
            await decide_review(task, decision(decision="approve"), actor=ALICE, versions=versions)
    rejection = decision(decision="reject", feedback="x")
    await decide_review(task, rejection, actor=ALICE, versions=[77, 1])
    assert await run_task(task, worker="w") is Result.WAITING_FOR_REVIEW
    with pytest.raises(StaleVersionError):
        await approve(task, version=1)
    await approve(task, version=2)


async def test_edits_beside_what_was_wrong(
    database: asyncpg.Connection, author: LedgerAuthor, settings_env: pytest.MonkeyPatch
) -> None:
    """A reviewer may edit a structure that is still invalid, but not add errors of their own."""
    settings_env.setenv("ROADMAP_MAX_EDIT_ROUNDS", "0")
    get_settings.cache_clear()
    author.titles = ["Kites", "Wind", "Knots"]
    author.prerequisites = {"Kites": ["Wind"], "Wind": ["Kites"]}
    task = await reviewed(author)
    ids = {r["title"]: str(r["concept_id"]) for r in await database.fetch("SELECT * FROM concepts")}
    worse = [{"op": "update", "concept_id": ids["Knots"], "estimated_hours": 200}]
    with pytest.raises(InvalidRequestError, match=r"break the roadmap: .*'Knots' takes 200 hours"):
        await decide_review(task, decision(decision="edit", edits=worse), actor=ALICE)
    rename = [{"op": "rename", "concept_id": ids["Kites"], "title": "Dragons"}]
    await decide_review(task, decision(decision="edit", edits=rename), actor=ALICE)
    assert await run_task(task, worker="w") is Result.COMPLETED


async def test_database_hiccup_at_the_review(
    database: asyncpg.Connection, author: LedgerAuthor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Connections that are lost while a review is opened cost another try, not the task."""
    left = 2

    async def cut_first(session: Any, task_ids: Any) -> Any:
        nonlocal left
        if left:
            left -= 1
            await session.connection()
            await database.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE application_name = 'roadmap-worker'"
            )
        return await lock_tasks(session, task_ids)

    monkeypatch.setattr(reviews, "lock_tasks", cut_first)
    task = await reviewed(author)
    assert left == 0
    assert (await events(database, task)).count("review_required") == 1
