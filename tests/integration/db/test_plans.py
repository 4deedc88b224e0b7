"""How PostgreSQL finds the rows that facts change."""

from __future__ import annotations

from typing import Final

import pytest

from db.raw import raw_transaction
from db.recorder import record
from tests.factories import new_task
from tests.integration.db.facts import told

_KEPT: Final = (
    "SELECT name, statement, custom_plans FROM pg_prepared_statements"
    " WHERE statement ~ 'roadmap_tasks t SET|INTO task_events|FOR NO KEY UPDATE'"
)
_PARAMETERS: Final = (
    "SELECT cardinality(parameter_types) FROM pg_prepared_statements WHERE name = $1"
)


@pytest.mark.usefixtures("database", "nothing_pending")
async def test_batches_are_planned_once() -> None:
    """What writes facts has one plan for all of them, which looks rows up by their keys."""
    await record(told(await new_task(), 0))
    async with raw_transaction(by_key=True) as raw:
        kept = await raw.fetch(_KEPT)
        named = next(row["name"] for row in kept if "UPDATE roadmap_tasks" in row["statement"])
        given = ", ".join(["NULL"] * await raw.fetchval(_PARAMETERS, named))
        plan = await raw.fetch(f"EXPLAIN EXECUTE {named}({given})")
    assert sum(row["custom_plans"] for row in kept) == 0
    assert not any("Seq Scan" in line[0] for line in plan), plan
