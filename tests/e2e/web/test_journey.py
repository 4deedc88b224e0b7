"""The way through the pages as a person goes it: ask, watch, review, learn, retry."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.async_api import expect

from tests.e2e.web.browser import Watched, new_context
from tests.factories import until

if TYPE_CHECKING:
    from playwright.async_api import Browser, Page

    from tests.e2e.web.conftest import Site

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]


async def _round(site: Site, task_id: str, number: int) -> bool:
    answer = site.api.get(f"/api/v1/tasks/{task_id}/review")
    return answer.status_code == 200 and answer.json()["round"] == number


async def _read(site: Site, task_id: str) -> bool:
    unread = site.get("/notifications?unread=true&limit=200")["notifications"]
    return all(entry["task_id"] != task_id for entry in unread)


def task_in(page: Page) -> str:
    """Return the task that the page is about."""
    found = re.search(r"/tasks/([0-9a-f-]{36})", page.url)
    assert found, page.url
    return found[1]


async def test_from_the_question_to_the_finished_roadmap(site: Site, window: Watched) -> None:
    """Asked at home, reviewed with own edits, filled live, complete: all in the browser."""
    page = await window.open("/")
    await page.get_by_label("What do you want to learn?").fill("learn to bake sourdough bread")
    await page.get_by_role("button", name="Make my roadmap").click()
    await page.wait_for_url("**/tasks/*")
    task_id = task_in(page)
    await expect(page.locator(".badge")).to_have_text("Live")
    await page.get_by_role("link", name="Review the outline").click()

    rows = page.locator(".edit-row")
    first = await rows.first.locator(".edit-title").evaluate("e => e.firstChild.textContent")
    second = await rows.nth(1).locator(".edit-title").evaluate("e => e.firstChild.textContent")
    await page.get_by_role("button", name=f"Edit {first}").click()
    await page.get_by_label("Title").fill("Flour, water and patience")
    await page.get_by_role("button", name="Done").click()
    await page.get_by_role("button", name=f"Move {second} down").click()
    last = rows.last
    last_title = await last.locator(".edit-title").evaluate("e => e.firstChild.textContent")
    await page.get_by_role("button", name=f"Remove {last_title}").click()
    await page.get_by_role("button", name="Add a concept").first.click()
    await page.get_by_label("Title").fill("Reading a recipe")
    await page.get_by_role("button", name="Done").click()
    await page.get_by_role("button", name="Approve with my 4 changes").dblclick()

    await page.wait_for_url(f"**/tasks/{task_id}")
    await expect(page.locator(".tree .mark[data-state='completed']").first).to_be_visible()
    await expect(page.locator(".task-line .chip")).to_have_text("Complete")
    await expect(page.locator(".tree .mark:not([data-state='completed'])")).to_have_count(0)
    await expect(page.locator(".legend")).to_be_hidden()
    titles = [c["title"] for c in site.concepts(site.get(f"/tasks/{task_id}")["roadmap_id"])]
    assert titles[0] == "Flour, water and patience"
    assert titles[2] == second
    assert "Reading a recipe" in titles
    assert last_title not in titles
    decided = [
        event
        for event in site.get(f"/tasks/{task_id}/events?limit=1000")["events"]
        if event["type"] == "review_decided"
    ]
    assert len(decided) == 1
    await until(lambda: _read(site, task_id), what="its notices to be read: they are looked at")


async def test_reload_and_second_tab_show_the_same(
    site: Site, window: Watched, browser: Browser
) -> None:
    """A reload in the middle and a second tab follow to the same end without losing anything."""
    task_id = site.create("learn to play the guitar")
    page = await window.open(f"/tasks/{task_id}")
    await expect(page.locator(".tree .mark[data-state='completed']").first).to_be_visible()
    await page.reload()
    other = Watched(await page.context.new_page(), site.base)
    tab = await other.open(f"/tasks/{task_id}")
    for each in (page, tab):
        await expect(each.locator(".task-line .chip")).to_have_text("Complete")
        await expect(each.locator(".badge")).to_be_hidden()  # nothing more is to come
    await page.reload(wait_until="domcontentloaded")
    await expect(page.locator(".numbers")).to_contain_text("ready")
    bar = "[...document.querySelectorAll('.meter-part')].map((part) => part.offsetWidth)"
    full = await page.evaluate(f"document.querySelector('.meter').offsetWidth - {bar}[0]")
    assert full < 2, "the bar is as full as the numbers say, at once"
    await expect(page.locator(".badge")).to_be_hidden()
    numbers = [await each.locator(".numbers").text_content() for each in (page, tab)]
    task = site.get(f"/tasks/{task_id}")
    assert numbers[0] == numbers[1]
    assert numbers[0] is not None
    assert numbers[0].startswith(f"{task['progress']['total']} of {task['progress']['total']}")
    other.check()


async def test_a_failed_concept_is_found_explained_and_retried(site: Site, window: Watched) -> None:
    """The page leads to the failed concept, says why, and retries only that."""
    task_id = site.tasks["partial"]
    page = await window.open(f"/tasks/{task_id}")
    await page.locator(".failure-list button").click()
    panel = page.locator(".concept-panel")
    await expect(panel).to_contain_text("The language model declined to write this.")
    await expect(page.locator(".actions-card .cause")).to_contain_text("declined to write this.")
    await expect(panel).not_to_contain_text("0 tokens")  # nothing was counted
    before = site.get(f"/tasks/{task_id}")["last_seq"]
    await panel.get_by_role("button", name=re.compile("^Retry")).click()
    await expect(page.locator(".task-line")).to_contain_text("second attempt")
    await expect(
        page.locator(".rail-step .rail-note").filter(has_text="second attempt")
    ).to_be_visible()
    await expect(page.locator(".task-line")).to_contain_text(re.compile(r"took .+ in all$"))
    await expect(page.locator(".task-line .chip")).to_have_text("Partly failed")
    again = site.get(f"/tasks/{task_id}/events?after={before}")["events"]
    started = {e["data"]["concept_title"] for e in again if e["type"] == "content_started"}
    assert started == {"Borrowing and references"}


async def test_a_second_decision_is_explained(
    site: Site, window: Watched, browser: Browser
) -> None:
    """Decided in another window, the review closes with the reason and cannot be decided again."""
    task_id = site.create("learn to run a marathon", review=True)
    site.wait(task_id, "human_review_pending")
    page = await window.open(f"/tasks/{task_id}/review")
    url = f"/api/v1/tasks/{task_id}/review"
    wish = {"decision": "reject", "feedback": "Add a module about shoes"}
    assert site.api.post(url, json=wish).status_code == 202
    await expect(page.locator(".review-page > [role='status']")).to_contain_text("sent back by")
    await expect(page.get_by_role("button", name="Approve the outline")).to_be_disabled()
    site.wait(task_id, "human_review_pending")
    await expect(page.get_by_text("There is a newer version of this outline.")).to_be_visible()
    await page.get_by_role("button", name="Show the new version").click()
    await expect(page.get_by_text("Since version 1:")).to_be_visible()
    await expect(page.locator(".change.is-added").first).to_be_visible()
    assert site.api.post(f"/api/v1/tasks/{task_id}/cancel").status_code == 202


async def test_a_stale_decision_is_explained(site: Site, window: Watched) -> None:
    """A decision about a version that was replaced unseen is refused and explained."""
    task_id = site.create("learn German", review=True)
    site.wait(task_id, "human_review_pending")
    await window.page.route_web_socket("**/ws/tasks/**", lambda _socket: None)  # it hears nothing
    page = await window.open(f"/tasks/{task_id}/review")
    wish = {"decision": "reject", "feedback": "Add a module about music"}
    assert site.api.post(f"/api/v1/tasks/{task_id}/review", json=wish).status_code == 202
    await until(lambda: _round(site, task_id, 2), what="the second round")
    await page.get_by_role("button", name="Approve the outline").click()
    await expect(page.get_by_text("your decision was not taken")).to_be_visible()
    assert site.get(f"/tasks/{task_id}")["status"] == "human_review_pending"
    assert site.api.post(f"/api/v1/tasks/{task_id}/cancel").status_code == 202


async def _asked_before_it_is_written_anew(page: Page) -> None:
    """Nothing is written anew by one click; when it is, the page tells of the new text itself."""
    section = page.locator("#resources")
    await section.get_by_role("button", name="Write it anew").click()
    await section.get_by_role("button", name="Keep it").click()
    await section.get_by_role("button", name="Write it anew").click()
    await expect(section.get_by_role("button", name="Keep it")).to_be_focused()
    await section.get_by_role("button", name="Write it anew").click()
    await expect(page.locator(".toast", has_text="New: the resources of")).to_be_visible()
    await expect(page.locator(".toast", has_text="omplete")).to_have_count(0)


async def test_learning_is_kept_on_the_server(
    site: Site, window: Watched, browser: Browser
) -> None:
    """A quiz is marked and reviewed, a concept marked as done, and another browser shows both."""
    roadmap_id = site.roadmap_of("done")
    concept = site.concepts(roadmap_id)[0]
    path = f"/roadmaps/{roadmap_id}/concepts/{concept['concept_id']}"
    questions = site.get(path)["quiz"]["questions"]
    page = await window.open(path)
    for number, question in enumerate(questions):
        chosen = (
            question["correct"]
            if number
            else [at for at in range(len(question["options"])) if at not in question["correct"]][:1]
        )
        for at in chosen:
            await page.locator(f"input[name='q{number}'][value='{at}']").check()
    await page.get_by_role("button", name="Check my answers").click()
    score = f"{len(questions) - 1} of {len(questions)} right."
    await expect(page.locator(".score-line")).to_contain_text(score)
    await expect(page.locator(".is-answered.is-wrong")).to_have_count(1)
    await expect(page.locator(".option-note").first).to_be_visible()
    # this browser lets no page copy: the link is marked instead
    await page.get_by_role("button", name="Copy link").click()
    await expect(page.get_by_role("textbox", name="Copy link")).to_have_value(site.base + path)
    await _asked_before_it_is_written_anew(page)
    await page.locator(".done-bar").get_by_role("button", name="Mark as done").click()
    for place in (".done-bar", ".mark-buttons"):
        done = page.locator(place).get_by_role("button", name="Done", exact=True)
        await expect(done).to_have_attribute("aria-pressed", "true")

    context = await new_context(browser, stack=site.stack.folder)
    other = Watched(await context.new_page(), site.base)
    elsewhere = await other.open(path)
    await expect(elsewhere.locator(".score-line")).to_contain_text(score)
    await elsewhere.get_by_role("link", name=re.compile("^Next")).click()
    await expect(elsewhere.locator("h1")).to_have_text(site.concepts(roadmap_id)[1]["title"])
    await elsewhere.goto(f"{site.base}/roadmaps/{roadmap_id}")
    await expect(elsewhere.locator(".learning .numbers")).to_contain_text("1 of ")
    other.check()
    await context.close()
