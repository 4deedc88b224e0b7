"""An author that keeps a ledger, and abrupt ends."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from core.loop_local import LoopLocal
from db.recorder import flush_recorder
from tests.ledger import LedgerAuthor
from workflow import asking, doorbell

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from workflow.doorbell import Ring


@pytest.fixture
async def author(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[LedgerAuthor]:
    """The author of all texts of this test; two concepts, so six contents."""
    author = LedgerAuthor()
    monkeypatch.setattr(asking, "_authors", LoopLocal(lambda: author))
    yield author
    await asyncio.sleep(0)
    await flush_recorder()


@pytest.fixture(autouse=True)
def rings() -> Iterator[list[Ring]]:
    """What was rung, in order."""
    rung: list[Ring] = []
    doorbell.install(rung.append)
    yield rung
    doorbell.install(None)
