"""Rows whose parent is not there: foreign keys refuse them, a partial restore does not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from uuid import UUID

from sqlalchemy import text

from workflow.audit.kinds import Finding
from workflow.audit_rules import Kind

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

PARENTS_AT_A_TIME: Final = 500
FIRST: Final = UUID(int=0)
LINKS: Final = (
    ("task_events", "task_id", "roadmap_tasks"),
    ("checkpoints", "task_id", "roadmap_tasks"),
    ("reviews", "task_id", "roadmap_tasks"),
    ("notifications", "task_id", "roadmap_tasks"),
    ("parts", "task_id", "roadmap_tasks"),
)
"""`(table, column, the table it points to)`, for each foreign key of every workflow's tables; all
have an index. A workflow's definition names those of its own."""


async def look_for_orphans(
    session: AsyncSession, link: tuple[str, str, str], *, after: UUID
) -> tuple[list[Finding], UUID | None]:
    """Look at the next parents that a table's rows name.

    Returns:
        What was found, and where to go on; None after the last.
    """
    table, column, parent = link
    # names of our own tables, not input
    statement = text(
        f"""
        SELECT key, EXISTS (SELECT FROM {parent} p WHERE p.{column} = key) AS there FROM (
            SELECT DISTINCT {column} AS key FROM {table} WHERE {column} > :after
            ORDER BY 1 LIMIT :limit
        ) keys
        """  # noqa: S608
    )
    values = {"after": after, "limit": PARENTS_AT_A_TIME}
    rows = (await session.execute(statement, values)).all()
    kind = Kind.ORPHANED_NOTIFICATION if table == "notifications" else Kind.ORPHAN
    findings = [
        Finding(kind=kind, key=row.key, detail=f"rows of {table} without their row of {parent}")
        for row in rows
        if not row.there
    ]
    return findings, max((row.key for row in rows), default=None)
