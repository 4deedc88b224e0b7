"""The Python client against the real API: every answer is read, and kept as it came."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import TYPE_CHECKING

import pytest

from core.states import Status, Step
from core.tokens import mint_token
from roadmap_client import (
    ConflictError,
    InvalidRequestError,
    NotFoundError,
    RoadmapClient,
    StaleVersionError,
    UnauthorizedError,
)
from tests.integration.api import seeds
from tests.integration.api.conftest import SECRET

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import asyncpg
    import httpx

API = "/api/v1"


@pytest.fixture
async def client(served: str) -> AsyncIterator[RoadmapClient]:
    """Alice's client of a server in `jwt` mode."""
    token = mint_token(SECRET, user="alice", role=None, ttl_s=60)
    async with RoadmapClient(served, token=token) as client:
        yield client


async def test_answers_are_read_and_kept(
    client: RoadmapClient, viewer: httpx.AsyncClient, database: asyncpg.Connection
) -> None:
    """What the models give back is, field for field, what the API sent."""
    seeded = await seeds.roadmap(database)
    reviewed = await seeds.review(database, rounds=2)
    task, roadmap = str(seeded.task_id), str(seeded.roadmap_id)
    concept, review = str(seeded.concepts[0]), str(reviewed.task_id)
    for path, answer in {
        f"/tasks/{task}": client.task(task),
        "/tasks?limit=50": client.tasks(),
        f"/tasks/{task}/events": client.events(task),
        f"/tasks/{review}/review": client.review(review),
        f"/roadmaps/{roadmap}": client.roadmap(roadmap),
        f"/roadmaps/{roadmap}/concepts/{concept}": client.concept(roadmap, concept),
    }.items():
        assert (await answer).document() == (await viewer.get(API + path)).json(), path


async def test_one_key_one_task(client: RoadmapClient) -> None:
    """Submissions under one key, at the same time, are one task; without a key each is its own."""
    same = [client.submit("Learn Rust", idempotency_key="k") for _ in range(20)]
    assert len({task.task_id for task in await asyncio.gather(*same)}) == 1
    await client.submit("Learn Rust")
    page = await client.tasks(limit=1)
    rest = await client.tasks(limit=5, cursor=page.next_cursor, status=["pending"])
    assert (len(page.tasks), len(rest.tasks), rest.next_cursor) == (1, 1, None)
    with pytest.raises(InvalidRequestError, match="Idempotency-Key"):
        await client.submit("Learn Go", idempotency_key="k")


async def test_follow_sees_all_while_it_happens(
    client: RoadmapClient, database: asyncpg.Connection
) -> None:
    """A follower gets what was, then what comes, and ends with the task."""
    task = await client.submit("Learn Rust")
    seen: list[str] = []
    async with aclosing(client.follow(task.task_id)) as events:
        async for event in events:
            seen.append(event.type)
            if event.type == "task_queued":
                await client.cancel(task.task_id)
    assert seen == ["task_queued", "task_cancel_requested", "task_cancelled"]
    assert (await client.task(task.task_id)).ended
    assert (await client.retry(task.task_id)).current_step == Step.RESUMING


async def test_decisions_and_their_refusals(
    client: RoadmapClient, database: asyncpg.Connection
) -> None:
    """A stale version, a second decision, somebody else's task: each its own error."""
    task = str((await seeds.review(database)).task_id)
    with pytest.raises(StaleVersionError):
        await client.decide(task, "approve", version=7)
    decided = await client.decide(task, "reject", feedback="More practice", version=1)
    assert decided.status == Status.PROCESSING
    with pytest.raises(ConflictError):
        await client.decide(task, "approve")
    bobs = str((await seeds.review(database, user="bob")).task_id)
    with pytest.raises(NotFoundError):
        await client.review(bobs)


async def test_a_finished_concept_is_written_anew(
    client: RoadmapClient, database: asyncpg.Connection
) -> None:
    """`regenerate` names the task that does it."""
    seeded = await seeds.roadmap(database)
    concept = str(seeded.concepts[0])
    task = await client.regenerate(str(seeded.roadmap_id), concept, ["quiz"])
    assert (task.task_id, task.status) == (str(seeded.task_id), Status.PROCESSING)


async def test_a_wrong_token(served: str) -> None:
    """It is refused with an error of its own."""
    async with RoadmapClient(served, token="nonsense") as client:
        with pytest.raises(UnauthorizedError):
            await client.tasks()
