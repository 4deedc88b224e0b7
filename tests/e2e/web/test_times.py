"""Times in words, on a page that is looked at for long."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.async_api import expect

if TYPE_CHECKING:
    from playwright.async_api import Locator

    from tests.e2e.web.browser import Watched
    from tests.e2e.web.conftest import Site

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]


async def test_times_go_on_though_nothing_happens(site: Site, window: Watched) -> None:
    """How long ago and how long until are true minutes later, on every page that says so."""
    task_id = site.create("Learn to wait", review=True)
    site.wait(task_id, "human_review_pending")
    await window.page.clock.install()
    page = await window.open("/")
    row = page.locator(f".task-row[data-task='{task_id}'] time")
    await _grows(window, row.first, r"^(just now|\d+ s ago)$", r"^40 min ago$")
    await window.open("/reviews")
    row = page.locator(f".task-row[href$='{task_id}/review'] time")
    await _grows(window, row, r"^(just now|\d+ s ago)$", r"^40 min ago$")
    await window.open(f"/tasks/{task_id}")
    await _grows(window, page.locator(".due time"), r"^Due in 24 h$", r"^Due in 23 h$")
    assert site.api.post(f"/api/v1/tasks/{task_id}/cancel").status_code == 202


async def _grows(window: Watched, time: Locator, before: str, after: str) -> None:
    """Let forty minutes pass in which the server says nothing."""
    await expect(time).to_have_text(re.compile(before))
    await window.page.route("**/api/v1/**", lambda route: route.abort())
    await window.page.clock.fast_forward("40:00")
    await expect(time).to_have_text(re.compile(after))
    await window.page.unroute_all()
