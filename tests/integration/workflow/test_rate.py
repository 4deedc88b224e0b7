"""The limit on model requests over all processes."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from core.settings import get_settings
from workflow.rate import wait_for_turn

if TYPE_CHECKING:
    import asyncpg
    import pytest


async def test_turns_are_handed_out_one_by_one(
    database: asyncpg.Connection, settings_env: pytest.MonkeyPatch
) -> None:
    """Requests that come together begin one interval apart, whoever sends them (L55)."""
    settings_env.setenv("ROADMAP_LLM_REQUESTS_PER_MINUTE", "600")
    get_settings.cache_clear()
    began = []

    async def request() -> None:
        await wait_for_turn()
        began.append(time.monotonic())

    started = time.monotonic()
    await asyncio.gather(*(request() for _ in range(6)))
    assert max(began) - started >= 0.5 - 0.05
    taken = await database.fetchval("SELECT count(*) FROM rates")
    assert taken == 1


async def test_no_limit_no_wait(database: asyncpg.Connection) -> None:
    """Without a limit nothing is asked of the database."""
    await wait_for_turn()
    assert await database.fetchval("SELECT count(*) FROM rates") == 0
