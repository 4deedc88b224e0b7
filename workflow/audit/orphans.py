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
    # Names of our own tables, not input. However many rows name a parent, an index leads from one
    # to the next, and to the parent itself, whatever the planner believes of either table.
    statement = text(
        f"""
        WITH RECURSIVE keys AS (
            (SELECT {column} AS key FROM {table} WHERE {column} > :after
            ORDER BY {column} LIMIT 1)
            UNION ALL
            SELECT (
                SELECT next.{column} FROM {table} next WHERE next.{column} > keys.key
                ORDER BY next.{column} LIMIT 1
            ) FROM keys WHERE key IS NOT NULL
        ), page AS MATERIALIZED (SELECT key FROM keys WHERE key IS NOT NULL LIMIT :limit)
        SELECT key, there IS NOT NULL AS there FROM page LEFT JOIN LATERAL (
            SELECT true AS there FROM {parent} p WHERE p.{column} = key
            ORDER BY p.{column} LIMIT 1
        ) parents ON true
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
