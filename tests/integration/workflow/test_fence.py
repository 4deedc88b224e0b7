"""Whoever lost a lease can write nothing more, wherever the work stands."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from core.errors import AppError, LeaseLostError
from db.facts import Fact
from db.recorder import record
from roadmaps.inputs import CallKind
from roadmaps.steps.names import RoadmapStep
from tests.factories import events, expire_lease, new_task
from tests.integration.workflow.stealing import cancelled, everything, freed, taken_over
from tests.ledger import LedgerAuthor, nothing
from workflow import ending, engine, outcomes, part_steps, stepping
from workflow.asking import Asking
from workflow.ending import Result
from workflow.key_slots import KeySlot, SlotHold
from workflow.lease import Claim, acquire, release
from workflow.making import Maker
from workflow.reviews import open_review
from workflow.runs import run_task
from workflow.tally import Tally

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from uuid import UUID

    import asyncpg

    from llm import Call


async def advanced(claim: Claim, step: str) -> None:
    """Advance a claim up to, not into, a step."""
    while claim.next_step() != step:
        await stepping.run_step(claim, claim.next_step())


async def one_wanted(claim: Claim) -> Any:
    """Return what makes contents, and one that is to be written."""
    await advanced(claim, RoadmapStep.CONTENT_GENERATION)
    step = RoadmapStep.CONTENT_GENERATION
    parts = claim.definition.parts[step]
    work = await part_steps._work(claim, step, parts)
    await record(Fact(task_id=claim.task_id, epoch=claim.epoch, rows=work.rows))
    return Maker(claim, step, parts, work), work.wanted[0]


async def step_started(claim: Claim, steal: Any, author: LedgerAuthor) -> None:
    """A step begins."""
    await steal()
    await stepping.run_step(claim, RoadmapStep.INTENT_ANALYSIS)


def _steals_at(author: LedgerAuthor, kind: str, steal: Any) -> None:
    async def before(call: Call[Any]) -> None:
        if call.kind == kind:
            await steal()

    author.before = before


async def checkpoint(claim: Claim, steal: Any, author: LedgerAuthor) -> None:
    """A step ends in a checkpoint."""
    _steals_at(author, CallKind.INTENT_ANALYSIS, steal)
    await stepping.run_step(claim, RoadmapStep.INTENT_ANALYSIS)


async def checkpoint_with_rows(claim: Claim, steal: Any, author: LedgerAuthor) -> None:
    """A step ends in a checkpoint and a whole roadmap."""
    _steals_at(author, CallKind.CURRICULUM_DESIGN, steal)
    await advanced(claim, RoadmapStep.STRUCTURE_VALIDATION)


async def step_retrying(claim: Claim, steal: Any, author: LedgerAuthor) -> None:
    """A model call is tried again."""
    await steal()
    await Asking(claim, RoadmapStep.INTENT_ANALYSIS)._tell_retry("provider_unavailable")


async def review_opened(claim: Claim, steal: Any, author: LedgerAuthor) -> None:
    """A human is asked."""
    await advanced(claim, RoadmapStep.CONTENT_GENERATION)  # it wants none; the write is the same
    await steal()
    await open_review(claim)


async def contents_begun(claim: Claim, steal: Any, author: LedgerAuthor) -> None:
    """The contents are laid out."""
    await advanced(claim, RoadmapStep.CONTENT_GENERATION)
    await steal()
    await engine._work_on(claim, RoadmapStep.CONTENT_GENERATION)


async def content_started(claim: Claim, steal: Any, author: LedgerAuthor) -> None:
    """A content begins."""
    maker, want = await one_wanted(claim)
    await steal()
    await maker._make(want, SlotHold(KeySlot(asyncio.Semaphore())))


async def content_completed(claim: Claim, steal: Any, author: LedgerAuthor) -> None:
    """A content is written."""
    maker, want = await one_wanted(claim)
    _steals_at(author, "tutorial", steal)
    await record(await maker._make(want, SlotHold(KeySlot(asyncio.Semaphore()))))


async def content_failed(claim: Claim, steal: Any, author: LedgerAuthor) -> None:
    """A content fails."""
    maker, want = await one_wanted(claim)

    async def before(_call: Call[Any]) -> None:
        await steal()
        raise AppError("It failed.")

    author.before = before
    await record(await maker._make(want, SlotHold(KeySlot(asyncio.Semaphore()))))


async def completion(claim: Claim, steal: Any, author: LedgerAuthor) -> None:
    """Everything is written."""
    await steal()
    await ending.conclude(claim, Tally(completed=6))


async def partial_failure(claim: Claim, steal: Any, author: LedgerAuthor) -> None:
    """Some contents failed."""
    await steal()
    failed = {str(RoadmapStep.CONTENT_GENERATION)}
    await ending.conclude(claim, Tally(completed=5, failed=1, failed_at=failed))


async def failure(claim: Claim, steal: Any, author: LedgerAuthor) -> None:
    """The task fails."""
    await steal()
    await record(outcomes.failure(claim, AppError("x"), epoch=claim.epoch))


async def released(claim: Claim, steal: Any, author: LedgerAuthor) -> None:
    """The task is given back."""
    await steal()
    await release(claim)


WRITES = [
    step_started,
    checkpoint,
    checkpoint_with_rows,
    step_retrying,
    review_opened,
    contents_begun,
    content_started,
    content_completed,
    content_failed,
    completion,
    partial_failure,
    failure,
    released,
]


@pytest.mark.parametrize("write", WRITES)
async def test_fence(
    database: asyncpg.Connection,
    author: LedgerAuthor,
    write: Callable[[Claim, Any, LedgerAuthor], Awaitable[None]],
) -> None:
    """A worker that lost its task writes nothing more, whatever it was about to write."""
    for thief in (taken_over, freed, cancelled):
        author.before = nothing
        task = await new_task()
        claim = await acquire(task, worker="owner")
        assert claim is not None
        before: list[Any] = []

        async def steal(thief: Any = thief, task: UUID = task, before: Any = before) -> None:
            await thief(database, task)
            before.extend(await everything(database))

        with pytest.raises(LeaseLostError):
            await write(claim, steal, author)
        assert before, "the write never came to the theft"
        assert await everything(database) == before, thief


async def test_fence_stops_a_whole_run(database: asyncpg.Connection, author: LedgerAuthor) -> None:
    """A run that was taken over in the middle ends as such, and the other one completes."""
    task = await new_task()
    frozen, go_on = asyncio.Event(), asyncio.Event()

    async def before(call: Call[Any]) -> None:
        if call.kind == "quiz" and not frozen.is_set():
            frozen.set()
            await go_on.wait()

    author.before = before
    first = asyncio.create_task(run_task(task, worker="frozen"))
    await frozen.wait()
    await expire_lease(database, task)
    assert await run_task(task, worker="other") is Result.COMPLETED
    done = await everything(database)
    go_on.set()
    assert await first is Result.LEASE_LOST
    assert await everything(database) == done
    assert (await events(database, task)).count("task_recovered") == 1
