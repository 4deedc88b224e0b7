"""What learners mark and answer is kept, in every tab, whatever the server does."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from playwright.async_api import expect

from tests.e2e.web.browser import DESK, PHONE, Watched, unavailable

if TYPE_CHECKING:
    from tests.e2e.web.conftest import Site

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]


async def test_learning_in_one_tab_is_seen_in_the_other_where_it_is(
    site: Site, window: Watched
) -> None:
    """Marked as done in one tab, a concept is ticked in the other, which stays where it was."""
    roadmap = site.roadmap_of("done")
    concept = site.concepts(roadmap)[7]
    page = await window.open(f"/roadmaps/{roadmap}")
    await page.set_viewport_size(PHONE)
    await page.evaluate("scrollTo(0, 600)")
    other = Watched(await page.context.new_page(), site.base)
    tab = await other.open(f"/roadmaps/{roadmap}/concepts/{concept['concept_id']}")
    at_the_top, below = (tab.locator(f"{at} button").first for at in (".mark-buttons", ".done-bar"))
    await at_the_top.click()
    box = page.get_by_label(f"Done: {concept['title']}")
    await expect(box).to_be_checked()
    assert await page.evaluate("scrollY") == 600
    await box.uncheck()
    for button in (at_the_top, below):
        await expect(button).to_have_text("Mark as done")
    await expect(page.get_by_role("button", name="Undo")).to_be_visible()
    await page.set_viewport_size(DESK)
    other.check()


async def test_marks_are_counted_and_outlive_a_server_that_is_away(
    site: Site, window: Watched
) -> None:
    """Marks by mouse and by key are seen everywhere, and kept through an outage and a reload."""
    roadmap = site.roadmap_of("done")
    one, two = (concept for concept in site.concepts(roadmap)[8:10])
    page = await window.open(f"/roadmaps/{roadmap}")
    other = Watched(await page.context.new_page(), site.base)
    tab = await other.open(f"/roadmaps/{roadmap}/concepts/{two['concept_id']}")
    await page.get_by_label(f"Mark: {one['title']}").select_option("skipped")
    await expect(page.locator(".learning .numbers")).to_have_text(re.compile(r"done, 1 skipped$"))
    await expect(page.locator(".stage-count", has_text="1 skipped")).to_have_count(1)
    row = page.locator(f"[data-concept='{two['concept_id']}']").first
    await row.locator("a").focus()
    await page.keyboard.press("l")
    await expect(row).to_have_attribute("data-state", "learning")
    await expect(page.get_by_label(f"Mark: {two['title']}")).to_have_value("learning")
    learning = tab.get_by_role("button", name="Learning", exact=True)
    await expect(learning).to_have_attribute("aria-pressed", "true")
    await expect(page.locator(".go-on")).to_contain_text(two["title"])
    await page.get_by_role("radio", name="Map").click()
    await expect(page.locator(".map svg")).to_have_class("is-tree")
    await expect(page.locator(".map-station.is-skipped")).to_have_count(1)

    await tab.route("**/mark", unavailable)
    await tab.get_by_role("button", name="Skip", exact=True).click()
    await expect(tab.locator(".toast", has_text="Not saved yet")).to_be_visible()
    await tab.reload()
    skipped = tab.get_by_role("button", name="Skipped", exact=True)
    await expect(skipped).to_have_attribute("aria-pressed", "true")
    await expect(tab.get_by_text("not saved yet", exact=True)).to_be_visible()
    await expect(page.locator(".map-station.is-skipped")).to_have_count(2)
    marks = {each["concept_id"]: each["mark"] for each in _learnt(site, roadmap)}
    assert marks[two["concept_id"]] == "learning"
    await tab.unroute("**/mark")
    await tab.evaluate("dispatchEvent(new Event('online'))")
    await expect(tab.get_by_text("not saved yet", exact=True)).to_be_hidden()
    marks = {each["concept_id"]: each["mark"] for each in _learnt(site, roadmap)}
    assert marks[two["concept_id"]] == "skipped"
    for concept in (one, two):
        path = f"/api/v1/roadmaps/{roadmap}/concepts/{concept['concept_id']}/mark"
        assert site.api.put(path, json={"mark": None}).status_code == 200
    await tab.close()
    other.check()


async def test_a_mark_that_was_not_sent_outlives_its_tab_beside_another(
    site: Site, window: Watched
) -> None:
    """The other tab shows it and lets it be; whichever page comes next sends it."""
    roadmap = site.roadmap_of("done")
    concept = site.concepts(roadmap)[11]
    page = await window.open(f"/roadmaps/{roadmap}")
    other = Watched(await page.context.new_page(), site.base)
    tab = await other.open(f"/roadmaps/{roadmap}/concepts/{concept['concept_id']}")
    await tab.route("**/mark", unavailable)
    await tab.get_by_role("button", name="Skip", exact=True).click()
    await expect(tab.locator(".toast", has_text="Not saved yet")).to_be_visible()
    mark = page.get_by_label(f"Mark: {concept['title']}")
    await expect(mark).to_have_value("skipped")
    await tab.close()
    async with page.expect_response("**/mark") as sent:
        await page.reload()
    assert (await sent.value).ok
    await expect(mark).to_have_value("skipped")
    marks = {each["concept_id"]: each["mark"] for each in _learnt(site, roadmap)}
    assert marks[concept["concept_id"]] == "skipped"
    await mark.select_option("")
    await expect(page.get_by_role("button", name="Undo")).to_be_visible()


def _learnt(site: Site, roadmap: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = site.get(f"/roadmaps/{roadmap}/progress")["concepts"]
    return found


async def test_sending_a_quiz_retires_what_other_tabs_ticked_before(
    site: Site, window: Watched
) -> None:
    """Checked in one tab, a quiz shows its result in all, after a reload and "Back", too."""
    roadmap = site.roadmap_of("done")
    concept = site.concepts(roadmap)[6]["concept_id"]
    path = f"/roadmaps/{roadmap}/concepts/{concept}"
    page = await window.open(path)
    other = Watched(await page.context.new_page(), site.base)
    tab = await other.open(path)
    quiz = site.get(path)["quiz"]["questions"]
    for at in range(len(quiz) - 1):
        await page.locator(f"input[name='q{at}']").first.check()
    await tab.locator(f"input[name='q{len(quiz) - 1}']").first.check()
    await page.get_by_role("button", name="Check my answers").click()
    gap = page.locator(f"fieldset:has(input[name='q{len(quiz) - 1}']) .field-error")
    await expect(gap).to_have_text(re.compile(f"Question {len(quiz)} has no answer yet"))
    await expect(gap).to_be_in_viewport()
    await page.get_by_role("button", name="Check my answers").click()
    result = re.compile(rf"^\d of {len(quiz)} right\.")
    await expect(page.locator(".score-line")).to_have_text(result)
    await expect(tab.locator(".score-line")).to_have_text(result)
    await tab.reload()
    await expect(tab.locator(".score-line")).to_have_text(result)
    await page.get_by_role("link", name="Home").click()
    await expect(page.locator("#goal")).to_be_visible()
    await expect(page.locator(".learning-row").first).to_contain_text(re.compile(r"Go on: \w"))
    await page.go_back()
    await expect(page.locator(".score-line")).to_have_text(result)
    await page.get_by_role("button", name="Answer again").click()
    await page.locator("input[name='q0']").first.check()
    await page.reload()
    await expect(page.locator("input[name='q0']").first).to_be_checked()
    await page.evaluate("localStorage.clear(), sessionStorage.clear()")
    other.check()
