"""Parts begin with the fact before them, and ask nothing before that is committed."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import BaseModel

from core.settings import get_settings
from db.recorder import observe, unobserve
from tests.factories import events, new_task
from tests.ledger import CONTENTS, LedgerAuthor
from tests.own import asked
from workflow import Context, Retryable, Workflow
from workflow.drain import drain
from workflow.ending import Result
from workflow.key_slots import KeySlot, SlotHold
from workflow.runs import run_task

if TYPE_CHECKING:
    from collections.abc import Iterator

    import asyncpg

    from db.facts import Recorded
    from llm import Call

_STATUS = """
    SELECT p.status FROM parts p JOIN concepts c USING (concept_id) WHERE c.title = $1 AND kind = $2
"""


class Words(BaseModel):
    """What is to be made."""

    words: list[str]


@pytest.fixture(autouse=True)
def _one_at_a_time(settings_env: pytest.MonkeyPatch) -> None:
    settings_env.setenv("ROADMAP_CONTENT_CONCURRENCY", "1")
    get_settings.cache_clear()


@pytest.fixture
def heard() -> Iterator[list[list[str]]]:
    """Each committed fact's events about parts: type and title."""
    found: list[list[str]] = []

    def note(recorded: Recorded) -> None:
        found.append(
            [
                f"{event['type']} {event['data'].get('title', '')}".strip()
                for event in recorded.events
                if event["current_step"] == "content_generation"
            ]
        )

    observe(note)
    yield found
    unobserve(note)


async def test_beginnings_are_no_facts_of_their_own(
    database: asyncpg.Connection, author: LedgerAuthor, heard: list[list[str]]
) -> None:
    """The first parts begin with their step, the next with the last end of a key before them."""
    seen: list[str] = []
    one_at_a_time = asyncio.Lock()

    async def before(call: Call[Any]) -> None:
        if call.kind not in CONTENTS:
            return
        async with one_at_a_time:
            seen.append(await database.fetchval(_STATUS, call.prompt.title, call.kind))

    author.before = before
    assert await run_task(await new_task(), worker="w") is Result.COMPLETED
    assert seen == ["running"] * 6, "each was asked for once its beginning was committed"
    first, *ends = [told for told in heard if told]
    assert first == ["step_started", *["content_started Kites"] * 3]
    assert ends[2] == [
        "content_completed Kites",
        "concept_completed",
        *["content_started Wind"] * 3,
    ]
    assert [told[0] for told in ends[:2] + ends[3:]] == [
        *["content_completed Kites"] * 2,
        *["content_completed Wind"] * 3,
    ]


async def test_nothing_begins_in_a_process_that_stops(
    database: asyncpg.Connection, author: LedgerAuthor
) -> None:
    """What had begun is finished, and the parts of the next key stay as they were."""

    async def before(call: Call[Any]) -> None:
        if call.kind == "quiz":
            drain().begin()

    author.before = before
    task = await new_task()
    try:
        assert await run_task(task, worker="w") is Result.RELEASED
    finally:
        drain()._begun.clear()
    assert (await events(database, task)).count("content_started") == 3
    stand = await database.fetch("SELECT status, count(*) FROM parts GROUP BY 1 ORDER BY 1")
    assert [tuple(row) for row in stand] == [("completed", 3), ("pending", 3)]


async def test_a_slot_is_left_once() -> None:
    """Who leaves a slot has it for another key; a part that comes back waits for one of its own."""
    slots = asyncio.Semaphore(1)
    await slots.acquire()
    slot = KeySlot(slots, holds=2)
    one, other = SlotHold(slot, held=True), SlotHold(slot, held=True)
    assert not one.leave(), "the other part needs it"
    one.give()  # it has nothing any more
    assert other.leave()
    other.give()  # ditto
    assert slots.locked(), "the slot is its taker's"
    back = asyncio.create_task(one.take())
    await asyncio.sleep(0)
    assert not back.done()
    slots.release()
    await back
    assert slots.locked()


async def test_the_last_key_comes_back_to_its_slot(database: asyncpg.Connection) -> None:
    """A key that began with another one's end gets a slot again when it is tried anew."""
    flow = Workflow("comes_back", request=Words)
    tries: Counter[str] = Counter()

    @flow.parts(of=lambda request: request.words, concurrency=1)
    async def word(ctx: Context, part: str) -> str:
        tries[part] += 1
        if part == "last" and tries[part] == 1:
            raise Retryable("not yet", after_s=0)
        return part

    task = await asked(flow, words=["first", "last"])
    async with asyncio.timeout(20):
        assert await run_task(task, worker="w") is Result.COMPLETED
    assert tries == {"first": 1, "last": 2}
