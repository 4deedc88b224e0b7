"""A review as a person has it: nothing that was said is lost, and what is shown is true."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.async_api import expect

from tests.e2e.web.browser import DESK, PHONE, overflow

if TYPE_CHECKING:
    from tests.e2e.web.browser import Watched
    from tests.e2e.web.conftest import Site

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]


async def test_approving_asks_about_what_it_would_leave_behind(site: Site, window: Watched) -> None:
    """A wish and comments are asked about before "Approve" drops them, on phones too."""
    task_id = site.create("Learn to sail", review=True)
    site.wait(task_id, "human_review_pending")
    page = await window.open(f"/tasks/{task_id}/review")
    card, bar = page.locator(".decision"), page.locator(".decision-bar")
    await expect(page.locator(".edit-about").first).not_to_be_empty()
    await expect(card.locator(".due")).to_contain_text("It waits on after that")
    undo = page.get_by_role("button", name="Undo", exact=True)
    faded = "e => getComputedStyle(e).opacity"
    assert await undo.evaluate(faded) == "0.35"
    await page.get_by_role("button", name="Remove ").first.click()
    assert await undo.first.evaluate(faded) == "1"
    await page.get_by_role("button", name="Undo all").click()
    await page.get_by_role("button", name="Comment on ").first.click()
    await page.locator(".comment-field textarea").fill("Shorter, please")
    await card.get_by_role("button", name="Approve the outline").click()
    await expect(card.locator(".unsent")).to_contain_text("Your 1 comment is not sent")
    await page.set_viewport_size(PHONE)
    await page.locator(".send-back textarea").fill("More about the wind")
    await expect(card.locator(".unsent")).to_be_empty()
    await bar.get_by_role("button", name="Approve the outline").click()
    await expect(bar.locator(".unsent")).to_contain_text("Your wish and 1 comment")
    assert await overflow(page) <= 0
    assert site.get(f"/tasks/{task_id}")["status"] == "human_review_pending"
    await bar.get_by_role("button", name="Send it back").click()
    await page.wait_for_url(f"**/tasks/{task_id}")
    site.wait(task_id, "human_review_pending")
    events = site.get(f"/tasks/{task_id}/events?limit=1000")["events"]
    assert [e["data"]["decision"] for e in events if e["type"] == "review_decided"] == ["reject"]


async def test_a_row_before_what_it_builds_on_says_so(site: Site, window: Watched) -> None:
    """A concept that is moved before its prerequisite names it, until it is moved back."""
    path = f"/tasks/{site.tasks['review']}/review"
    tree = site.get(path)["roadmap"]
    concepts = [c for s in tree["stages"] for m in s["modules"] for c in m["concepts"]]
    at, later = next((n, c) for n, c in enumerate(concepts) if c["prerequisites"])
    needed = {c["title"] for c in concepts if c["concept_id"] in later["prerequisites"]}
    page = await window.open(path)
    early = page.locator(".edit-early")
    await expect(page.locator(".edit-row").first).to_be_visible()
    await expect(early).to_have_count(0)
    for _ in range(at):
        up = page.get_by_role("button", name=f"Move {later['title']} up", exact=True)
        if await up.get_attribute("aria-disabled"):
            break
        await up.click()
    await expect(early.first).to_contain_text("Stands before")
    told = await early.first.inner_text()
    assert any(title in told for title in needed)
    await page.get_by_role("button", name="Undo all").click()
    await expect(early).to_have_count(0)
    await page.evaluate("localStorage.clear(), sessionStorage.clear()")


async def test_what_was_ended_elsewhere_shows_no_way_to_go_on(site: Site, window: Watched) -> None:
    """Cancelled elsewhere, a review loses deadline, hint and Undo; nothing is offered to read."""
    task_id = site.create("Learn to juggle", review=True)
    site.wait(task_id, "human_review_pending")
    page = await window.open(f"/tasks/{task_id}/review")
    await page.get_by_role("button", name="Remove ").first.click()
    await expect(page.get_by_role("button", name="Undo all")).to_be_visible()
    side = await page.locator(".review-side").bounding_box()
    assert side is not None
    assert side["y"] + side["height"] <= DESK["height"], "none of it is cut off by the window"
    assert site.api.post(f"/api/v1/tasks/{task_id}/cancel").status_code == 202
    await expect(page.get_by_text("The task was cancelled.")).to_be_visible()
    for gone in (".decision .due", ".step-buttons button", "text=Change what you like in place"):
        await expect(page.locator(gone).first).to_be_hidden()
    await expect(page.get_by_role("button", name="Undo all")).to_have_count(0)
    await page.evaluate("localStorage.clear(), sessionStorage.clear()")
    await window.open(f"/tasks/{task_id}")
    await expect(page.locator(".actions-card")).to_contain_text("The outline is kept.")
    await expect(page.get_by_role("link", name="Read what is ready")).to_have_count(0)
    await expect(page.locator(".finding")).to_have_text("Cancelled at the step “Your review”")
    await page.get_by_role("button", name="Notifications").click()
    entry = page.locator(".inbox-entry", has_text="juggle")
    await expect(entry).to_have_count(1)
    lines = await entry.locator(".inbox-line > span").all_inner_texts()
    assert [line.strip().split("\n")[0].split(" (")[0] for line in lines] == [
        "Cancelled",
        "Needs your review",
    ]
    # one's own act, on a page that is open: nothing of it is news
    await expect(entry.locator(".unseen")).to_have_count(0)


async def test_hours_of_any_kind_stand_in_the_form(site: Site, window: Watched) -> None:
    """What a model or another client chose is no obstacle; what the API refuses is told at once."""
    task_id = site.create("Bake bread", review=True)
    site.wait(task_id, "human_review_pending")
    path = f"/tasks/{task_id}/review"
    stages = site.get(path)["roadmap"]["stages"]
    first = stages[0]["modules"][0]["concepts"][0]
    edit = {"op": "update", "concept_id": first["concept_id"], "estimated_hours": 0.75}
    body = {"decision": "edit", "edits": [edit], "then": "review"}
    assert site.api.post(f"/api/v1{path}", json=body).status_code == 202

    page = await window.open(path)
    await page.get_by_role("button", name=f"Edit {first['title']}").click()
    form = page.locator(".concept-form")
    await form.get_by_label("Title").fill("Quarters")
    await form.get_by_role("button", name="Done").click()
    await expect(page.get_by_role("button", name="Approve with my 1 change").first).to_be_visible()
    await page.get_by_role("button", name="Edit Quarters").click()
    for wrong in ("", "0", "201"):
        await form.get_by_label("Hours").fill(wrong)
        await page.get_by_role("button", name="Approve with my").first.click()
        await expect(form.get_by_label("Hours")).to_be_focused()
    assert site.get(path)["version"] == 2
    await form.get_by_label("Hours").fill("1.25")
    await page.get_by_role("button", name="Approve with my").first.click()
    await page.wait_for_url(f"**/tasks/{task_id}")
    task = site.wait(task_id, "completed", "partial_failure")
    made = site.concepts(task["roadmap_id"])[0]
    assert (made["title"], made["estimated_hours"]) == ("Quarters", 1.25)


@pytest.mark.parametrize("size", [(320, 256), (780, 360)], ids=["zoomed", "phone on its side"])
async def test_a_low_window_is_for_the_outline(
    site: Site, window: Watched, size: tuple[int, int]
) -> None:
    """Neither the top nor the bar of the decision stands before what is read in a low window."""
    await window.page.set_viewport_size({"width": size[0], "height": size[1]})
    page = await window.open(f"/tasks/{site.tasks['review']}/review")
    await page.locator(".edit-row").nth(5).scroll_into_view_if_needed()
    for standing in (".top", ".decision-bar"):
        await expect(page.locator(standing)).not_to_be_in_viewport()
    bar = page.locator(".decision-bar")
    await bar.get_by_role("button", name="Approve").focus()
    await expect(bar.get_by_role("button", name="Approve")).to_be_in_viewport(ratio=1)
    assert await overflow(page) <= 0


async def test_who_is_at_something_stays_there_when_it_is_drawn_anew(
    site: Site, window: Watched
) -> None:
    """Neither Ctrl+Z in an outline nor what comes into the bell takes the focus away."""
    page = await window.open(f"/tasks/{site.tasks['review']}/review")
    await page.get_by_role("button", name="Remove ").first.click()
    edit = page.get_by_role("button", name="Edit ").nth(3)
    await edit.focus()
    name = await edit.get_attribute("aria-label")
    assert name is not None
    await page.keyboard.press("Control+z")
    await expect(page.get_by_role("button", name="Approve the outline").first).to_be_visible()
    await expect(page.get_by_role("button", name=name, exact=True)).to_be_focused()

    await page.get_by_role("button", name="Notifications").click()
    await page.locator(".inbox-entry a").first.focus()
    href = await page.locator(".inbox-entry a").first.get_attribute("href")
    site.wait(site.create("Learn to whistle", review=True), "human_review_pending")
    await expect(page.locator(".inbox-entry", has_text="whistle")).to_have_count(1)
    await expect(page.locator(f'.inbox-entry a[href="{href}"]')).to_be_focused()
