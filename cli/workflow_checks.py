"""The doctor's questions about workflows: are they in order, and which tasks does nobody know?"""

from __future__ import annotations

import asyncio
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Final

from cli.console import note
from cli.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Sequence

    from core.settings import Settings
    from workflow.definition import Definition

_UNFINISHED: Final = """
    SELECT workflow, workflow_version, count(*) FROM (
        SELECT workflow, workflow_version FROM roadmap_tasks WHERE status = 'pending'
        UNION ALL
        SELECT workflow, workflow_version FROM roadmap_tasks WHERE status = 'processing'
    ) unfinished GROUP BY 1, 2 ORDER BY 1, 2
"""


def check_workflows(settings: Settings, *, database_url: str | None) -> list[Finding]:
    """Look whether the workflows that are set up here are in order, and which tasks know none."""
    from core.errors import AppError
    from wiring.common import bring_workflows
    from workflow.registry import definitions

    try:
        bring_workflows(slow=note)
    except AppError as error:
        return [Finding(name="workflows", ok=False, message=error.message)]
    names = ", ".join(each.name for each in definitions())
    found = [Finding(name="workflows", ok=True, message=names)]
    return found + (_strangers(settings, database_url) if database_url else [])


def require_workflows(settings: Settings) -> Sequence[Definition]:
    """Return the own workflows, looked at before a stack is started for them.

    Raises:
        SettingsError: One of them cannot be run; the message says why.
    """
    if settings.workflows or entry_points(group="roadmap_worker.workflows"):
        from workflow.here import from_here
        from workflow.loading import load  # a second, which who has none does not wait

        return load(from_here(settings.workflows), slow=note)
    return ()


def _strangers(settings: Settings, url: str) -> list[Finding]:
    """Tell of tasks that no workflow of this machine can go on with."""
    import asyncpg

    from core.addresses import AddressError
    from core.stages import can_run

    try:
        rows = asyncio.run(_unfinished(settings, url))
    except (
        OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, AddressError,
    ):  # fmt: skip
        return []  # what is wrong with the database is told by the look at it
    left = [row for row in rows if not can_run(row[0], row[1])]
    if not left:
        return []
    told = ", ".join(f"{tasks} of {name!r} version {version}" for name, version, tasks in left)
    said = (
        f"unfinished tasks that nobody here can go on with: {told}. They wait until a worker knows"
        " the workflow (ROADMAP_WORKFLOWS, or its package); `roadmap cancel` ends one"
    )
    return [Finding(name="tasks of unknown workflows", ok=False, message=said, required=False)]


async def _unfinished(settings: Settings, url: str) -> Sequence[tuple[str, int, int]]:
    from cli.postgres_checks import connected

    async with connected(url, settings) as (connection, _):
        return [tuple(row) for row in await connection.fetch(_UNFINISHED)]
