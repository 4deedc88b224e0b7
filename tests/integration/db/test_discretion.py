"""What is stored never gets into what is said about a statement that failed."""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import insert, text
from structlog.testing import capture_logs

from core.ids import new_id
from db.discretion import without_values
from db.models import RoadmapTask, Worker
from db.session import transaction
from tests.factories import new_task

if TYPE_CHECKING:
    import asyncpg

CANARY = "canary-4711"

# what the database, the driver and SQLAlchemy refuse, each in their words
REFUSED: dict[str, tuple[Any, Any]] = {
    "a word for a UUID": ("SELECT CAST(CAST(:c AS text) AS uuid)", CANARY),
    "a word for a number": ("SELECT CAST(CAST(:c AS text) AS int)", CANARY),
    "a word for a time": ("SELECT CAST(CAST(:c AS text) AS timestamptz)", CANARY),
    "a word for JSON": ("SELECT CAST(CAST(:c AS text) AS jsonb)", f'{{"{CANARY}'),
    "quotes in a word": ("SELECT CAST(CAST(:c AS text) AS uuid)", f'a"b\'{CANARY}"c'),
    "lines in a word": ("SELECT CAST(CAST(:c AS text) AS uuid)", f"a\nHINT: {CANARY}\nDETAIL: x"),
    "a text for an int": ("SELECT CAST(:c AS int) + 1", CANARY),
    "a text for a UUID": (
        "SELECT count(*) FROM roadmap_tasks WHERE task_id = CAST(:c AS uuid)",
        CANARY,
    ),
    "NUL": ("SELECT CAST(:c AS text)", f"{CANARY}\x00"),
    "a lone surrogate": ("SELECT CAST(:c AS text)", f"{CANARY}\ud800"),
    "too large": (f"SELECT CAST(CAST(:c AS text) || '{'9' * 30}' AS int)", f"1{CANARY}"),
    "a missing column": ("SELECT missing FROM roadmap_tasks WHERE goal = :c", CANARY),
    "a null": (
        "INSERT INTO workers (name, slots, spare, incarnation) VALUES (:c, 1, 1, :c)",
        CANARY,
    ),
}


async def _told(statement: Any, parameters: Any = None) -> str:
    """Return everything that could be logged or shown of a failing statement."""
    with capture_logs() as logs, pytest.raises(Exception) as failed:  # noqa: PT011 - of any kind
        async with transaction() as tx:
            await tx.session.execute(statement, parameters)
    error: BaseException | None = failed.value
    told = [str(error), repr(error), *traceback.format_exception(failed.value), repr(logs)]
    while error is not None:
        told += [str(error), repr(error), repr(getattr(error, "detail", ""))]
        error = error.__cause__ or error.__context__
    return "\n".join(told)


@pytest.mark.parametrize("case", REFUSED)
async def test_statements(database: asyncpg.Connection, case: str) -> None:
    """An error of the database or the driver tells its kind, and nothing of the values."""
    del database
    statement, value = REFUSED[case]
    told = await _told(text(statement), {"c": value} if ":c" in statement else None)
    assert CANARY not in told
    assert "Error" in told


async def test_integrity(database: asyncpg.Connection) -> None:
    """A violated constraint is named, the row that violates it is not shown."""
    del database
    task_id = await new_task(goal=CANARY, user=CANARY)
    row = {"task_id": task_id, "user_id": CANARY, "goal": CANARY, "request": {"goal": CANARY}}
    row |= {"workflow_version": 1, "request_digest": CANARY, "current_step": "queued"}
    told = await _told(insert(RoadmapTask).values(status="pending", **row))
    assert "pk_roadmap_tasks" in told
    assert CANARY not in told
    told = await _told(insert(RoadmapTask).values(status=CANARY, **{**row, "task_id": new_id()}))
    assert "_pair" in told
    assert CANARY not in told
    many = [{"name": CANARY, "slots": 1, "spare": CANARY, "incarnation": CANARY}] * 2
    assert CANARY not in await _told(insert(Worker), many)


def test_names_of_our_own_stay() -> None:
    """What is needed to find the fault stays: constraints, columns, hints."""
    message = (
        'duplicate key value violates unique constraint "pk_x"\n'
        "DETAIL:  Key (a)=(secret\nlines) already exists.\nHINT:  Look."
    )
    assert without_values(message, state="23505") == (
        'duplicate key value violates unique constraint "pk_x"\nHINT:  Look.'
    )
