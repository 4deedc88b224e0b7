"""A request that gets lost now and then, while the server answers all others."""

from __future__ import annotations

import asyncio
import os
import re
import signal
from collections import Counter
from typing import TYPE_CHECKING

import pytest
from playwright.async_api import expect

from tests.e2e.web.test_access import paths

if TYPE_CHECKING:
    from playwright.async_api import Route

    from tests.e2e.web.browser import Watched
    from tests.e2e.web.conftest import Site

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]


async def test_a_question_that_got_lost_is_asked_again(site: Site, window: Watched) -> None:
    """On every page each answer may get lost twice: it comes up, and nothing complains."""
    page = window.page
    lost: Counter[str] = Counter()

    async def lose_each_twice(route: Route) -> None:
        asked = route.request.url
        if lost[asked] == 2 or asked.endswith("/unread-count"):
            return await route.continue_()
        lost[asked] += 1
        return await route.abort()

    await page.route("**/api/v1/**", lose_each_twice)
    for path in (*(each for each in paths(site).values() if "#" not in each), "/reviews"):
        lost.clear()
        await page.goto(site.base + path)
        await expect(page.locator("main h1")).to_be_visible()
        await expect(page.get_by_role("heading", name="This cannot be shown now")).to_have_count(0)
        await expect(page.locator(".away, .toast")).to_have_count(0)
        assert lost


async def test_what_an_event_points_to_is_read_until_it_is_here(
    site: Site, window: Watched
) -> None:
    """The outline comes up though its first readings failed and no further event tells of it."""
    page = window.page
    failed: list[str] = []

    async def fail_thrice(route: Route) -> None:
        if len(failed) < 3:
            failed.append(route.request.url)
            return await route.fulfill(status=500, json={"detail": "A fault."})
        return await route.continue_()

    await page.route(re.compile(r"/api/v1/roadmaps/[^/]+$"), fail_thrice)
    (worker,) = site.stack.info["pids"]["workers"]
    os.kill(worker, signal.SIGSTOP)  # there is no outline before the page is there
    try:
        task_id = site.create("Learn to yodel", review=True)
        await window.open(f"/tasks/{task_id}")
    finally:
        os.kill(worker, signal.SIGCONT)
    await expect(page.locator(".task-line .chip")).to_have_text("Needs your review")
    await expect(page.locator(".concept").first).to_be_visible()
    assert len(failed) == 3
    assert site.api.post(f"/api/v1/tasks/{task_id}/cancel").status_code == 202


async def test_a_concept_is_read_once_at_a_time(site: Site, window: Watched) -> None:
    """Of two readings at once the older one might come last, and hide what is finished."""
    task_id = site.create("Learn to hum")
    roadmap = site.wait(task_id, "completed")["roadmap_id"]
    path = f"/roadmaps/{roadmap}/concepts/{site.concepts(roadmap)[0]['concept_id']}"
    page, told, held, ended = window.page, asyncio.Event(), asyncio.Event(), asyncio.Event()
    asked: list[str] = []

    def hear(frame: str | bytes) -> None:
        if "task_completed" in str(frame):
            told.set()

    page.on("websocket", lambda socket: socket.on("framereceived", hear))
    await window.open(path)
    await expect(page.locator(".question").first).to_be_visible()

    async def hold_first(route: Route) -> None:
        asked.append(route.request.url)
        answer = await route.fetch()
        held.set()
        await ended.wait()
        await route.fulfill(response=answer)

    await page.route(f"**/api/v1{path}", hold_first)
    again = site.api.post(f"/api/v1{path}/regenerate", json={"kinds": ["quiz"]})
    assert again.status_code == 202
    await asyncio.wait_for(held.wait(), 30)
    await asyncio.wait_for(told.wait(), 30)
    await page.title()  # what it asked for when it was told has arrived here
    assert len(asked) == 1
    async with page.expect_request(f"**/api/v1{path}"):
        ended.set()
    await expect(page.get_by_text("Being written anew")).to_have_count(0)
