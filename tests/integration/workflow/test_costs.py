"""What a task costs the database, counted and not timed: these numbers may only fall."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

from sqlalchemy import event

from db.engine import get_engine
from db.recorder import BATCHES, observe, unobserve
from tests import examined
from tests.factories import new_task, until
from tests.ledger import CONTENTS
from workflow.ending import Result
from workflow.lease import acquire
from workflow.runs import run_task
from workflow.service import accept_delivery

if TYPE_CHECKING:
    from collections.abc import Iterator
    from uuid import UUID

    import asyncpg

    from db.facts import Recorded
    from llm import Call
    from tests.ledger import LedgerAuthor

START: Final = 20
"""Statements of a task besides its batches: accepting, its turn, taking it, ringing for others."""
BURST: Final = 30
BURST_STATEMENTS: Final = 40
"""Of so many deliveries at once, until all are taken: at most three transactions for all of them
and three for the first one, which gathers nobody."""
BATCH: Final = 7
"""Statements that commit a batch of facts: begin, lock, the tasks, two shapes of rows, the events,
commit. The first of a structure has more; it is among `START`."""
CONTENT_ROWS: Final = 3
"""Writes of a content: it is laid out, it begins if that is later, it ends."""
CONTENT_EVENTS: Final = 2 + 1 / 3
COROUTINES: Final = 6
"""On which a model call of a roadmap's content stands while it waits, all in one asyncio task."""
STEP_EVENTS: Final = 2.5
_OF_DRIVER: Final = ("WITH RECURSIVE typeinfo_tree", "SELECT current_setting('jit')")
_HEARTBEAT: Final = "SELECT * FROM unnest($1::UUID[], $2::BIGINT[]) AS mine"
CHANGED: Final = {
    "parts": {"status", "body", "started_at", "finished_at", "calls", "tokens", "cost"},
    "roadmap_tasks": {"done", "percent", "last_seq", "failures", "step_ended", "updated_at"}
    | {"calls", "tokens", "prompt_tokens", "completion_tokens", "cost", "losses", "lease_until"},
}
"""What is rewritten for each content, or each heartbeat."""


@contextmanager
def statements() -> Iterator[list[str]]:
    """Collect what this loop sends to the database, whoever writes it."""
    sent: list[str] = []
    sync: Any = get_engine().sync_engine

    def listen(dbapi_connection: Any, *_: Any) -> None:
        dbapi_connection.driver_connection.add_query_logger(note)

    def stop(dbapi_connection: Any, *_: Any) -> None:
        dbapi_connection.driver_connection.remove_query_logger(note)

    def note(query: Any) -> None:
        if not query.query.lstrip().startswith(_OF_DRIVER):
            sent.append(query.query)

    event.listen(sync, "checkout", listen)
    event.listen(sync, "checkin", stop)
    try:
        with examined.statements() as by_sqlalchemy:  # the driver logs its own alone
            yield sent
        sent += [text for text, _ in by_sqlalchemy if _HEARTBEAT not in text]
    finally:
        event.remove(sync, "checkout", listen)
        event.remove(sync, "checkin", stop)


def batches() -> float:
    """Return how many transactions the recorder has committed."""
    samples = {s.name: s.value for metric in BATCHES.collect() for s in metric.samples}
    return samples["roadmap_recorder_batch_facts_count"]


async def test_statements_rows_and_events(database: asyncpg.Connection) -> None:
    """A task takes a few statements to begin, as many for a batch, and few rows for a content."""
    await run_task(await new_task(), worker="w")  # what is done once in a process
    heard: list[Recorded] = []
    before = batches()
    observe(heard.append)
    try:
        with statements() as sent:
            task = await new_task()
            assert await run_task(task, worker="w") is Result.COMPLETED
    finally:
        unobserve(heard.append)
    contents = await database.fetchval("SELECT count(*) FROM parts WHERE task_id = $1", task)
    told = Counter(e["type"] for recorded in heard for e in recorded.events)
    of_contents = sum(told[f"content_{how}"] for how in ("started", "completed"))
    assert of_contents + told["concept_completed"] == round(contents * CONTENT_EVENTS)
    assert told["step_started"] + told["step_completed"] + told["roadmap_ready"] <= 4 * STEP_EVENTS
    facts = [
        recorded
        for recorded in heard
        if any(e["type"] in {"content_started", "content_completed"} for e in recorded.events)
    ]
    assert len(facts) <= contents + 1, "each end is one, and the beginning of their step"
    assert sum(len(recorded.rows) for recorded in facts) <= contents * CONTENT_ROWS
    assert len(sent) <= START + BATCH * (batches() - before), Counter(sent).most_common()


async def test_a_burst_shares_its_statements(database: asyncpg.Connection) -> None:
    """Deliveries of the same moment are accepted, looked at and taken together."""
    await run_task(await new_task(), worker="w")  # what is done once in a process
    tasks = [uuid4() for _ in range(BURST)]

    async def begin(number: int, task: UUID) -> bool:
        asked = {"goal": "Learn Rust", "review": False}
        await accept_delivery(task, user_id=f"user {number}", request=asked)
        return await acquire(task, worker="w") is not None

    with statements() as sent:
        begun = await asyncio.gather(*(begin(n, task) for n, task in enumerate(tasks)))
    assert all(begun)
    assert len(sent) <= BURST_STATEMENTS, Counter(sent).most_common()


async def test_a_call_that_waits_stands_on_few_coroutines(
    database: asyncpg.Connection, author: LedgerAuthor
) -> None:
    """Thousands wait at a time, and what each of them holds is coroutines more than all else."""
    answer = asyncio.Event()

    async def wait(call: Call[Any]) -> None:
        if call.kind in CONTENTS:
            await answer.wait()

    async def all_wait() -> bool:
        return sum(kind in CONTENTS for kind, _ in author.asked) == len(author.titles) * 3

    author.before = wait
    run = asyncio.create_task(run_task(await new_task(), worker="w"))
    await until(all_wait)
    await asyncio.sleep(0)
    stacks = [_stack(task) for task in asyncio.all_tasks()]
    answer.set()
    assert await run is Result.COMPLETED

    made = [stack for stack in stacks if stack[0] == "Maker._one"]
    assert len(made) == len(author.titles) * 3, "each call has one asyncio task"
    ours = [stack[: stack.index("LedgerAuthor.complete")] for stack in made]
    for stack in ours:
        if stack[-1] == "LedgerAuthor.stream":
            stack.pop()
    assert max(map(len, ours)) <= COROUTINES, ours


def _stack(task: asyncio.Task[Any]) -> list[str]:
    """Return the coroutines that a task stands on, the outermost first."""
    found: list[str] = []
    coroutine: Any = task.get_coro()
    while hasattr(coroutine, "cr_await"):
        found.append(coroutine.__qualname__)
        coroutine = coroutine.cr_await
    return found


async def test_no_index_is_touched(database: asyncpg.Connection) -> None:
    """What is rewritten for each content stands in no index, so PostgreSQL can leave them alone."""
    for table, changed in CHANGED.items():
        indexes = await database.fetch(
            "SELECT indexdef FROM pg_indexes WHERE tablename = $1", table
        )
        assert indexes
        for (definition,) in indexes:
            _, _, looked_at = definition.partition(" USING ")
            assert changed.isdisjoint(re.findall(r"\w+", looked_at)), definition
