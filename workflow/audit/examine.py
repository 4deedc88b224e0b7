"""Looks for contradictions in what is stored, a few tasks at a time in one short snapshot."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import ARRAY, bindparam, func, select, text
from sqlalchemy.dialects.postgresql import UUID as PG_UUID

from core.settings import get_settings
from db.models import RoadmapTask
from db.session import AsyncSessionLocal
from workflow.audit.kinds import Finding
from workflow.audit.orphans import FIRST, LINKS, look_for_orphans
from workflow.audit.part_rules import part_rules
from workflow.audit.shapes import look_at_shapes
from workflow.audit.task_rules import TASK_RULES, pair_rule
from workflow.audit_rules import Kind
from workflow.registry import definitions

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Sequence
    from uuid import UUID

    from sqlalchemy import TextClause
    from sqlalchemy.ext.asyncio import AsyncSession

    from workflow.definition import Definition

TASKS_AT_A_TIME: Final = 50
MOST_KEPT: Final = 1000
"""Findings kept in memory; all are counted."""
LONGEST_LEASE: Final = timedelta(hours=1)
_BATCH: Final = "WITH looked_at AS (SELECT * FROM roadmap_tasks WHERE task_id = ANY(:task_ids))"
_TASK_IDS: Final = bindparam("task_ids", type_=ARRAY(PG_UUID(as_uuid=True)))


@lru_cache(maxsize=8)
def _rules(known: tuple[Definition, ...]) -> list[tuple[str, TextClause]]:
    """Return all rules; one kind may have several, each a query over the tasks of `batch`."""
    own = [
        (kind, f" WHERE workflow = '{definition.name}'", sql)
        for definition in known
        for kind, sql in definition.audit.rules.items()
    ]
    every = [
        (kind, "", sql)
        for rules in (pair_rule(known), TASK_RULES, part_rules(known))
        for kind, sql in rules.items()
    ]
    return [
        (
            kind,
            text(
                f"{_BATCH}, batch AS (SELECT * FROM looked_at{where}){sql}"  # noqa: S608 - our own words
            ).bindparams(_TASK_IDS),
        )
        for kind, where, sql in (*every, *own)
    ]


def order_of_kinds() -> list[str]:
    """Return all kinds of findings in the order in which they are told and mended."""
    own = [kind for each in definitions() for kind in each.audit.meanings]
    return [*Kind, *own]


@dataclass(slots=True)
class Findings:
    """What was found so far.

    Attributes:
        tasks: How many tasks were looked at.
        counts: How much of each kind was found.
        kept: The findings themselves, the first `MOST_KEPT`.
    """

    tasks: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    kept: list[Finding] = field(default_factory=list)

    def add(self, page: Page) -> None:
        """Count a page in."""
        self.tasks += page.tasks
        self.counts.update(finding.kind for finding in page.findings)
        self.kept += page.findings[: MOST_KEPT - len(self.kept)]


@dataclass(frozen=True, kw_only=True, slots=True)
class Page:
    """What a few tasks, or a few rows, showed; `after` is the last task that was looked at."""

    findings: Sequence[Finding]
    tasks: int = 0
    after: UUID | None = None


async def examine_all() -> Findings:
    """Look at everything."""
    found = Findings()
    async for page in examine(after=None):
        found.add(page)
    return found


async def examine(*, after: UUID | None) -> AsyncGenerator[Page]:
    """Look at all tasks after one, then for orphans; at all when it is None."""
    while True:
        async with snapshot() as session:
            task_ids = await _next_tasks(session, after or FIRST)
            findings = await look(session, task_ids) if task_ids else []
        if not task_ids:
            break
        after = task_ids[-1]
        yield Page(findings=findings, tasks=len(task_ids), after=after)
        await asyncio.sleep(0)
    for link in (*LINKS, *(link for each in definitions() for link in each.audit.links)):
        place: UUID | None = FIRST
        while place is not None:
            async with snapshot() as session:
                orphans, place = await look_for_orphans(session, link, after=place)
            yield Page(findings=orphans, after=after)


async def look(session: AsyncSession, task_ids: Sequence[UUID]) -> list[Finding]:
    """Hold some tasks against all rules, in the order of the kinds."""
    settings = get_settings()
    values = {
        "task_ids": task_ids,
        "longest_lease": max(LONGEST_LEASE, timedelta(seconds=settings.lease_s * 2)),
        "purged_before": await _now(session) - timedelta(days=settings.event_retention_days),
    }
    findings = []
    for kind, statement in _rules(definitions()):
        wanted = {name: values[name] for name in statement.compile().params}
        for task_id, detail in await session.execute(statement, wanted):
            findings.append(Finding(kind=kind, key=task_id, detail=detail))
    findings += await look_at_shapes(session, task_ids, definitions())
    order = order_of_kinds()
    return sorted(findings, key=lambda finding: (finding.key, order.index(finding.kind)))


@asynccontextmanager
async def snapshot() -> AsyncIterator[AsyncSession]:
    """Open a session that sees one moment, writes nothing and locks nobody out.

    Without one moment for all rules, what a worker writes between two of them looks like a
    contradiction.
    """
    async with AsyncSessionLocal() as session:
        await session.connection(
            execution_options={"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        )
        yield session


async def _next_tasks(session: AsyncSession, after: UUID) -> list[UUID]:
    statement = (
        select(RoadmapTask.task_id)
        .where(RoadmapTask.task_id > after)
        .order_by(RoadmapTask.task_id)
        .limit(TASKS_AT_A_TIME)
    )
    return list(await session.scalars(statement))


async def _now(session: AsyncSession) -> Any:
    return await session.scalar(select(func.clock_timestamp()))
