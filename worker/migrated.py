"""Keeps a worker from taking messages before the database has what its code needs.

Else each task would fail at its first statement, and messages would go to a worker that can do
nothing with them, instead of to one of the release before.
"""

from __future__ import annotations

import time
from typing import Any, Final

from celery import signals

from core.logging import get_logger
from db.migration_names import Schema, head, schema_of

log = get_logger(__name__)

_LOOK_S: Final = 1.0


def until_migrated(**_: Any) -> None:
    """Block while the database is older than this code; say once what is to be done."""
    told = False
    while older := _older_revision():
        if not told:
            log.error(
                "database_older_than_worker",
                migration=older,
                needed=head(),
                remedy="Run `roadmap db upgrade` of this release: the worker takes no tasks until"
                " then, and begins by itself afterwards.",
            )
            told = True
        time.sleep(_LOOK_S)
    if told:
        log.info("database_migrated")


def _older_revision() -> str | None:
    """Return where a database stands that is to be migrated, None for any other one."""
    from db.revisions import current_now  # late, with asyncpg: beat and Flower never ask

    try:
        revision = current_now()
    except Exception as error:  # noqa: BLE001 - without a database nothing is done, and that is told elsewhere
        log.warning("migration_not_seen", error=type(error).__name__)
        return None
    return revision or "none" if schema_of(revision) is Schema.OLDER else None


signals.worker_init.connect(until_migrated)
