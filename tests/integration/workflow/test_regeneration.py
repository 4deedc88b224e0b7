"""What is written anew: what an edit touched, and what somebody asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from core.errors import ConflictError
from core.states import Decision
from roadmaps.regeneration import regenerate
from roadmaps.requests import ReviewDecision
from tests.factories import ALICE, approve, column, new_task, pair
from tests.integration.workflow.stopping import contents, fails_for, percent_is_honest
from tests.ledger import LedgerAuthor, nothing
from workflow.ending import Result
from workflow.runs import run_task
from workflow.service import decide_review, retry_task

if TYPE_CHECKING:
    import asyncpg


async def test_edit_elsewhere(database: asyncpg.Connection, author: LedgerAuthor) -> None:
    """After a rejection only what was touched is made of other inputs; the rest keeps its ids."""
    author.titles = ["Kites", "Wind", "Knots"]
    author.prerequisites = {"Wind": ["Kites"], "Knots": ["Wind"]}
    task = await new_task(review=True)
    await run_task(task, worker="w")
    first = {r["title"]: r for r in await database.fetch("SELECT * FROM concepts")}
    author.operations = [
        {"op": "update", "concept": "C2", "description": "Changed."},
        {"op": "remove", "concept": "C1"},
    ]
    await decide_review(
        task, ReviewDecision(decision=Decision.REJECT, feedback="less"), actor=ALICE, versions=[1]
    )
    assert await run_task(task, worker="w") is Result.WAITING_FOR_REVIEW
    second = {r["title"]: r for r in await database.fetch("SELECT * FROM concepts")}
    assert {t: r["concept_id"] for t, r in first.items()} == {
        t: r["concept_id"] for t, r in second.items()
    }
    assert second["Kites"]["removed"]
    assert second["Wind"]["description"] == "Changed."
    assert second["Wind"]["prerequisites"] == []
    assert dict(second["Knots"]) == dict(first["Knots"]) | {"position": 1}
    await approve(task, version=2)
    assert await run_task(task, worker="w") is Result.COMPLETED
    assert {title for title, _, _ in await contents(database)} == {"Wind", "Knots"}
    assert set(author.contents().values()) == {1}
    await percent_is_honest(database, task)


async def test_only_touched_contents_are_stale(
    database: asyncpg.Connection, author: LedgerAuthor
) -> None:
    """A concept whose inputs changed after its contents were written gets new versions, no other.

    There is no road to this through the API today; the digest must hold for every road to come.
    """
    task = await new_task()
    await run_task(task, worker="w")
    before = await contents(database)
    row = await database.fetchrow("SELECT roadmap_id, outline FROM outlines")
    assert row is not None
    await database.execute(
        "UPDATE outlines SET outline = replace(outline::text, 'About Wind.', 'All of it.')::jsonb"
    )
    concept = await database.fetchval("SELECT concept_id FROM concepts WHERE title = 'Kites'")
    await regenerate(row["roadmap_id"], concept, ["quiz"], actor=ALICE)
    assert await run_task(task, worker="w") is Result.COMPLETED
    after = await contents(database)
    assert {key: after[key] for key in before} == before, "an old version was touched"
    assert set(after) - set(before) == {
        ("Wind", "tutorial", 2),
        ("Wind", "resources", 2),
        ("Wind", "quiz", 2),
        ("Kites", "quiz", 2),
    }


async def test_regenerate(database: asyncpg.Connection, author: LedgerAuthor) -> None:
    """Regenerating makes version n + 1 of what was named; the old version stays as it was."""
    task = await new_task()
    await run_task(task, worker="w")
    before = await contents(database)
    roadmap = await column(database, task, "roadmap_id")
    concept = await database.fetchval("SELECT concept_id FROM concepts WHERE title = 'Kites'")
    kinds = ["tutorial", "tutorial"]
    assert await regenerate(roadmap, concept, kinds, actor=ALICE) == task
    assert await pair(database, task) == ("processing", "resuming")
    assert await column(database, task, "done") == 5
    with pytest.raises(ConflictError):
        await regenerate(roadmap, concept, kinds, actor=ALICE)
    during = await contents(database)
    assert {key: during[key] for key in before} == before
    assert await run_task(task, worker="w") is Result.COMPLETED
    after = await contents(database)
    assert {key: after[key] for key in before} == before
    assert set(after) - set(before) == {("Kites", "tutorial", 2)}
    old, new = after["Kites", "tutorial", 1]["body"], after["Kites", "tutorial", 2]["body"]
    assert old != new
    assert author.contents()["tutorial", "Kites"] == 2
    assert sum(author.contents().values()) == 7
    assert await column(database, task, "percent") == 100
    await percent_is_honest(database, task)


async def test_regenerate_that_fails(database: asyncpg.Connection, author: LedgerAuthor) -> None:
    """A regeneration that fails leaves the old version readable; a retry makes the new one."""
    task = await new_task()
    await run_task(task, worker="w")
    before = await contents(database)
    roadmap = await column(database, task, "roadmap_id")
    concept = await database.fetchval("SELECT concept_id FROM concepts WHERE title = 'Kites'")
    author.before = fails_for("Kites")
    await regenerate(roadmap, concept, ["quiz"], actor=ALICE)
    assert await run_task(task, worker="w") is Result.PARTIAL_FAILURE
    after = await contents(database)
    assert {key: after[key] for key in before} == before
    assert after["Kites", "quiz", 2]["status"] == "failed"
    author.before = nothing
    await retry_task(task, actor=ALICE)
    assert await run_task(task, worker="w") is Result.COMPLETED
    assert (await contents(database))["Kites", "quiz", 2]["status"] == "completed"
    await percent_is_honest(database, task)


async def test_regenerate_a_failed_content(
    database: asyncpg.Connection, author: LedgerAuthor
) -> None:
    """Regenerating what failed tries that version again, since there is none to keep."""
    author.before = fails_for("Kites")
    task = await new_task()
    assert await run_task(task, worker="w") is Result.PARTIAL_FAILURE
    author.before = nothing
    roadmap = await column(database, task, "roadmap_id")
    concept = await database.fetchval("SELECT concept_id FROM concepts WHERE title = 'Kites'")
    await regenerate(roadmap, concept, ["quiz"], actor=ALICE)
    assert await run_task(task, worker="w") is Result.PARTIAL_FAILURE
    found = await contents(database)
    assert {key: row["status"] for key, row in found.items() if key[0] == "Kites"} == {
        ("Kites", "quiz", 1): "completed",
        ("Kites", "tutorial", 1): "failed",
        ("Kites", "resources", 1): "failed",
    }
