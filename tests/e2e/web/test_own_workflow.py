"""A workflow of a stranger's package on the pages: asked for, reviewed, watched, tried again."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.async_api import expect

from tests.e2e.web.test_access import faults

if TYPE_CHECKING:
    from playwright.async_api import Page

    from tests.e2e.web.browser import Watched
    from tests.e2e.web.conftest import Site

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]


async def test_the_whole_way_of_an_own_workflow(site: Site, window: Watched) -> None:
    """A form by the schema, errors at their fields, a changed review, parts, results, a retry."""
    page = await window.open("/")
    await page.get_by_role("link", name="Book", exact=True).click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Book")
    chapters = page.get_by_label("Chapters")
    await expect(chapters).to_have_value("2")
    await expect(page.get_by_text("What the book is about.")).to_be_visible()
    assert await faults(page) == []
    await _an_error_stands_at_its_field(page)
    await page.get_by_label("Topic").fill("Wind")
    await page.get_by_role("group", name="Fails").get_by_role("button", name="Add").click()
    await page.get_by_label("Entry").fill("chapter-2")
    await page.reload()
    await expect(page.get_by_label("Topic")).to_have_value("Wind")
    await expect(page.get_by_label("Entry")).to_have_value("chapter-2")
    await page.get_by_role("button", name="Begin").click()
    await page.get_by_role("link", name="Review it").click()
    await _changed_and_approved(page)
    await _made(page)
    task_id = page.url.rsplit("/", 1)[1]
    site.wait(task_id, "completed")
    assert site.get(f"/tasks/{task_id}/results")["results"]["outline"]["title"] == "The wind"


async def _an_error_stands_at_its_field(page: Page) -> None:
    """What the server finds wrong is told where it can be mended."""
    await page.get_by_role("button", name="Begin").click()
    topic = page.get_by_label("Topic")
    await expect(topic).to_have_attribute("aria-invalid", "true")
    await expect(topic).to_be_focused()


async def _changed_and_approved(page: Page) -> None:
    """The value is shown, changed in a form, and what is typed survives a reload."""
    await expect(
        page.get_by_role("region", name="Outline").get_by_text("Chapter 1")
    ).to_be_visible()
    await page.get_by_text("Change it").click()
    await page.get_by_label("Title").first.fill("The wind")
    assert await faults(page) == []
    await page.reload()
    await expect(page.get_by_label("Title").first).to_have_value("The wind")
    await page.get_by_role("button", name="Approve with my 1 change").click()


async def _made(page: Page) -> None:
    """Parts and results are there, one by the author's own renderer; what failed is made anew."""
    await expect(page.locator(".task-line .chip")).to_have_text("Partly failed")
    await expect(page.locator(".rail")).to_contain_text(
        re.compile("Outline.*Your review.*Chapter.*Index", re.DOTALL)
    )
    await page.get_by_role("button", name="Chapter 1").click()
    await expect(
        page.get_by_role("region", name="Text").get_by_role("heading", name="Chapter 1: text")
    ).to_be_visible()
    await expect(page.locator(".drawn-by-author")).to_have_text("The wind in 2 chapters")
    await page.locator(".failure-list").get_by_role("button", name="Chapter 2").click()
    await expect(page.get_by_text("There is no ink left.").first).to_be_visible()
    assert await faults(page) == []
    await page.get_by_role("button", name=re.compile("Retry what failed")).click()
    await expect(page.locator(".task-line .chip")).to_have_text("Complete")
    await expect(page.get_by_role("heading", name="Index")).to_be_visible()


async def test_a_review_decided_elsewhere_is_closed(site: Site, window: Watched) -> None:
    """Decided in another browser, a review of any workflow says by whom, and changes nothing."""
    body = {"request": {"topic": "Rain"}, "review": True}
    task_id = site.api.post("/api/v1/workflows/book/tasks", json=body).json()["task_id"]
    site.wait(task_id, "human_review_pending")
    page = await window.open(f"/tasks/{task_id}/review")
    await expect(page.get_by_text("Change it")).to_be_visible()
    url = f"/api/v1/tasks/{task_id}/review"
    assert site.api.post(url, json={"decision": "approve"}).status_code == 202
    await expect(page.locator(".review-page > [role='status']")).to_contain_text("approved by")
    await expect(page.get_by_text("Change it")).to_be_hidden()
    await expect(page.locator(".decision .due")).to_be_hidden()
    site.wait(task_id, "completed")


async def test_what_was_not_sent_is_not_shown_as_what_was_decided(
    site: Site, window: Watched
) -> None:
    """Beside a value that was decided elsewhere, one's own changes stand as what they are."""
    body = {"request": {"topic": "Fog"}, "review": True}
    task_id = site.api.post("/api/v1/workflows/book/tasks", json=body).json()["task_id"]
    site.wait(task_id, "human_review_pending")
    page = await window.open(f"/tasks/{task_id}/review")
    outline, changes = (
        page.get_by_role("region", name=name) for name in ("Outline", "Your change")
    )
    await page.get_by_text("Change it").click()
    await page.get_by_label("Title").first.fill("Mist")
    await expect(outline.get_by_text("Mist")).to_be_visible()
    await expect(changes).to_have_count(0)
    url = f"/api/v1/tasks/{task_id}/review"
    assert site.api.post(url, json={"decision": "approve"}).status_code == 202
    await expect(outline.get_by_text("Fog")).to_be_visible()
    await expect(outline.get_by_text("Mist")).to_have_count(0)
    await expect(changes.locator("ins")).to_have_text("Mist")
    await expect(page.get_by_role("button", name="with my 1 change")).to_have_count(0)
    site.wait(task_id, "completed")


async def test_a_change_that_a_wish_left_behind_is_offered_again(
    site: Site, window: Watched
) -> None:
    """Changed by hand and sent back with a wish: the next version may become what one had made."""
    body = {"request": {"topic": "Hail"}, "review": True}
    task_id = site.api.post("/api/v1/workflows/book/tasks", json=body).json()["task_id"]
    site.wait(task_id, "human_review_pending")
    page = await window.open(f"/tasks/{task_id}/review")
    await page.get_by_text("Change it").click()
    await page.get_by_label("Title").first.fill("Ice")
    await page.get_by_text("Ask for something different").click()
    await page.get_by_label("What should be different?").fill("Storms")
    await page.get_by_role("button", name="Send it back").click()
    await page.get_by_role("link", name="Review it").click()
    outline = page.get_by_role("region", name="Outline")
    await expect(outline.get_by_text("Storms").first).to_be_visible()
    await page.get_by_role("button", name="Put it there").click()
    await expect(outline.get_by_text("Ice")).to_be_visible()
    await expect(page.get_by_role("button", name="Put it there")).to_have_count(0)
    await page.get_by_role("button", name="Approve with my 2 changes").first.click()
    site.wait(task_id, "completed")
    assert site.get(f"/tasks/{task_id}/results")["results"]["outline"]["title"] == "Ice"
