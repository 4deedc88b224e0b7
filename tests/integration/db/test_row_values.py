"""Values of many rows are stored as they are, however they go to the database."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from core.ids import new_id
from db.facts import NOW, EventDraft, Fact, Insert
from db.recorder import record
from tests.factories import new_task
from tests.integration.db.facts import note, told
from workflow.parts import PARTS

if TYPE_CHECKING:
    from uuid import UUID

    import asyncpg


pytestmark = pytest.mark.usefixtures("nothing_pending")

TEXTS = ("plain", "", "two\nlines", "a\x1fb", "\x1e", "\x1f\x1e\x1f", "ünï ☃", '{"a",NULL}', "NULL")
"""Among them what stands between texts on their way to the database, and what for none at all."""


@pytest.mark.parametrize("together", [*TEXTS, TEXTS], ids=lambda texts: repr(texts)[:20])
async def test_texts_are_stored_as_they_are(
    database: asyncpg.Connection, together: str | tuple[str, ...]
) -> None:
    """Whatever a text consists of, alone or among others."""
    texts = [together] if isinstance(together, str) else list(together)
    task = await new_task()
    notes = [note(task, message=text) for text in texts]
    await asyncio.gather(*(record(told(task, n, each)) for n, each in enumerate(notes)))
    rows = await database.fetch("SELECT notification_id, message FROM notifications")
    stored = {row["notification_id"]: row["message"] for row in rows}
    assert [stored[each.values["notification_id"]] for each in notes] == texts
    data = [{"number": n, "text": text} for n, text in enumerate(texts)]
    drafts = (EventDraft(type="step_started", message="m", data=each) for each in data)
    await asyncio.gather(*(record(Fact(task_id=task, events=(each,))) for each in drafts))
    told_texts = await database.fetch(
        "SELECT payload->'data'->>'text' AS text FROM task_events"
        " WHERE task_id = $1 AND payload->'data' ? 'text' ORDER BY seq",
        task,
    )
    assert [row["text"] for row in told_texts] == texts


async def test_no_text_is_not_an_empty_one(database: asyncpg.Connection) -> None:
    """A column of texts may be empty in some rows of a batch, in all of them, or in none."""
    for values in (["x", None, "", "\x1e"], [None, None], ["\x1f"], [None]):
        task = await new_task()
        rows = [
            Insert(PARTS, _part(task, key=str(n), instruction=value))
            for n, value in enumerate(values)
        ]
        await record(told(task, 0, *rows))
        stored = await database.fetch(
            "SELECT instruction FROM parts WHERE task_id = $1 ORDER BY position", task
        )
        assert [row["instruction"] for row in stored] == values


async def test_the_time_of_the_commit(database: asyncpg.Connection) -> None:
    """Rows that get it, rows that do not and rows of another time are written in one statement."""
    task, other = await new_task(), datetime(2020, 2, 2, tzinfo=UTC)
    for values in ([NOW, NOW], [None, NOW], [NOW, None, other], [other, NOW], [NOW]):
        await database.execute("DELETE FROM parts")
        rows = [
            Insert(PARTS, _part(task, key=str(n), started_at=value))
            for n, value in enumerate(values)
        ]
        recorded = await record(told(task, 0, *rows))
        stored = await database.fetch("SELECT started_at FROM parts ORDER BY position")
        wanted = [recorded.at if value is NOW else value for value in values]
        assert [row["started_at"] for row in stored] == wanted


def _part(task: UUID, *, key: str, **fields: Any) -> dict[str, Any]:
    """Return the row of a part of a workflow without a roadmap."""
    return {
        "content_id": new_id(),
        "task_id": task,
        "step": "write",
        "key": key,
        "title": key,
        "position": int(key),
        "kind": "page",
        "version": 1,
        "status": "pending",
        "input_digest": "x",
        **fields,
    }
