"""Tutorials are rendered when they are written, or when an old one is first read; never again."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from roadmaps.rendering import renderer, stored
from roadmaps.rendering.markdown import UNRENDERED, VERSION
from roadmaps.rendering.renderer import Rendered, close_renderer
from tests.factories import new_task
from tests.integration.api import seeds
from tests.loop_lag import loop_lag
from workflow.ending import Result
from workflow.runs import run_task

if TYPE_CHECKING:
    from collections.abc import Iterator

    import asyncpg
    import httpx

pytestmark = pytest.mark.usefixtures("_ended")


@pytest.fixture
def _ended() -> Iterator[None]:
    yield
    close_renderer()


@pytest.fixture
def rendered(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is rendered for readers."""
    texts: list[str] = []

    async def noting(markdown: str) -> Rendered:
        texts.append(markdown)
        return await renderer.render(markdown)

    monkeypatch.setattr(stored, "render", noting)
    return texts


async def test_a_worker_stores_the_html_with_the_tutorial(
    alice: httpx.AsyncClient, database: asyncpg.Connection, rendered: list[str]
) -> None:
    """A tutorial that was written has its HTML in the same commit; reading renders nothing."""
    task = await new_task(user="alice", review=False)
    assert await run_task(task, worker="w") is Result.COMPLETED
    rows = await database.fetch(
        "SELECT roadmap_id, concept_id, renderer, html FROM contents LEFT JOIN renderings"
        " USING (content_id) WHERE kind = 'tutorial' AND status = 'completed'"
    )
    assert rows
    assert {row["renderer"] for row in rows} == {VERSION}
    row = rows[0]
    page = await alice.get(f"/api/v1/roadmaps/{row['roadmap_id']}/concepts/{row['concept_id']}")
    assert page.json()["tutorial"]["html"] == row["html"]
    assert rendered == []


async def test_what_was_written_before_is_rendered_at_its_first_reading(
    alice: httpx.AsyncClient,
    database: asyncpg.Connection,
    rendered: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Many readers of an old hostile tutorial have it rendered once; nobody else waits for it.

    A newer renderer renders anew.
    """
    monkeypatch.setattr(renderer, "CPU_S", 0.5)
    close_renderer()  # one of the usual patience
    seeded = await seeds.roadmap(database)
    url = f"/api/v1/roadmaps/{seeded.roadmap_id}/concepts/{seeded.concepts[0]}"
    hostile = {"markdown": "![" * 99_000}
    await seeds.content(database, seeded, seeded.concepts[0], "tutorial", version=7, body=hostile)
    async with loop_lag() as lag:
        pages: list[Any] = await asyncio.gather(*(alice.get(url) for _ in range(10)))
    html = {page.json()["tutorial"]["html"] for page in pages}
    assert len(html) == 1
    assert UNRENDERED in html.pop()
    assert len(rendered) == 1
    assert lag.worst_ms < 100
    await alice.get(url)
    assert len(rendered) == 1
    await database.execute("UPDATE renderings SET renderer = $1, html = 'old'", VERSION - 1)
    assert UNRENDERED in (await alice.get(url)).json()["tutorial"]["html"]
    assert await database.fetchval("SELECT min(renderer) FROM renderings") == VERSION
