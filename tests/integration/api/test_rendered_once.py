"""Tutorials are rendered when they are first read; never again by the same renderer."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from core.settings import get_settings
from roadmaps.rendering import renderer, stored
from roadmaps.rendering.markdown import to_html
from roadmaps.rendering.renderer import Rendered, close_renderer
from roadmaps.rendering.rules import UNRENDERED, VERSION
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


async def test_a_tutorial_that_nobody_reads_is_not_rendered(
    alice: httpx.AsyncClient, database: asyncpg.Connection, rendered: list[str]
) -> None:
    """Writing renders nothing; the first reading stores the HTML, and the second one finds it."""
    task = await new_task(user="alice", review=False)
    assert await run_task(task, worker="w") is Result.COMPLETED
    assert await database.fetchval("SELECT count(*) FROM renderings") == 0
    row = await database.fetchrow(
        "SELECT content_id, roadmap_id, concept_id, body->>'markdown' AS markdown FROM contents"
        " WHERE kind = 'tutorial' AND status = 'completed' LIMIT 1"
    )
    assert row is not None
    url = f"/api/v1/roadmaps/{row['roadmap_id']}/concepts/{row['concept_id']}"
    html = (await alice.get(url)).json()["tutorial"]["html"]
    assert html == to_html(row["markdown"])
    stored_rows = await database.fetch("SELECT content_id, renderer, html FROM renderings")
    assert [tuple(each) for each in stored_rows] == [(row["content_id"], VERSION, html)]
    assert (await alice.get(url)).json()["tutorial"]["html"] == html
    assert rendered == [row["markdown"]]


async def test_what_is_stored_follows_the_hosts_of_pictures(
    alice: httpx.AsyncClient,
    database: asyncpg.Connection,
    rendered: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A picture that was stored under one setting is shown or a link as the present one says."""
    seeded = await seeds.roadmap(database)
    url = f"/api/v1/roadmaps/{seeded.roadmap_id}/concepts/{seeded.concepts[0]}"
    body = {"markdown": "![a kite](https://kites.example/red.png)"}
    await seeds.content(database, seeded, seeded.concepts[0], "tutorial", version=7, body=body)
    for hosts, is_shown in (("", False), ("kites.example", True), (".kites.example", False)):
        monkeypatch.setenv("ROADMAP_IMAGE_HOSTS", hosts)
        get_settings.cache_clear()
        html = (await alice.get(url)).json()["tutorial"]["html"]
        assert ("<img " in html) is is_shown
        assert '<a href="https://kites.example/red.png"' in html
        policy = (await alice.get("/")).headers["content-security-policy"]
        assert ("img-src 'self' https://kites.example;" in policy) is is_shown
    assert len(rendered) == 1
    stored_html = await database.fetchval("SELECT html FROM renderings")
    assert "<img" not in stored_html


async def test_many_readers_of_a_hostile_tutorial_have_it_rendered_once(
    alice: httpx.AsyncClient,
    database: asyncpg.Connection,
    rendered: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Many who read it at once have it rendered once; nobody else waits for it.

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
    assert lag.worst_ms < 400  # at its limit a text takes half a second and more
    await alice.get(url)
    assert len(rendered) == 1
    await database.execute("UPDATE renderings SET renderer = $1, html = 'old'", VERSION - 1)
    assert UNRENDERED in (await alice.get(url)).json()["tutorial"]["html"]
    assert await database.fetchval("SELECT min(renderer) FROM renderings") == VERSION
