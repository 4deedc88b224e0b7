"""Finding what waits for a decision, and seeing what changed since any round."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import pytest
from playwright.async_api import expect

from tests.e2e.web.browser import PHONE, overflow
from tests.e2e.web.conftest import GOALS

if TYPE_CHECKING:
    from playwright.async_api import Route

    from tests.e2e.web.browser import Watched
    from tests.e2e.web.conftest import Site

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]


async def test_a_third_round_is_compared_with_any_before(site: Site, window: Watched) -> None:
    """The inbox names the round and leads to it; there one chooses what it is compared with."""
    task_id = site.create("Bake bread", review=True)
    for number in (1, 2):
        site.wait(task_id, "human_review_pending")
        wish = {"decision": "reject", "feedback": f"Add a module about loaf number {number}"}
        assert site.api.post(f"/api/v1/tasks/{task_id}/review", json=wish).status_code == 202
        _wait_for_round(site, task_id, number + 1)

    page = await window.open("/reviews")
    row = page.locator(f'a.task-row[href$="/tasks/{task_id}/review"]')
    await expect(row).to_contain_text("version 3")
    await expect(row).to_contain_text(re.compile(r"due in \d+ h.*\d+ concepts"))
    await page.set_viewport_size(PHONE)
    assert await overflow(page) <= 0

    await row.click()
    changes = page.get_by_role("region", name=re.compile("Since version"))
    await expect(changes.get_by_role("heading")).to_have_text(
        re.compile(r"Since version 2: [1-9]\d* changes?")
    )
    sizes = [await changes.locator("li").count()]
    await page.get_by_label("Compare with version").select_option("1")
    await expect(changes.get_by_role("heading")).to_have_text(
        re.compile(r"Since version 1: [1-9]\d* changes?")
    )
    sizes.append(await changes.locator("li").count())
    assert sizes[1] > sizes[0]
    assert site.api.post(f"/api/v1/tasks/{task_id}/cancel").status_code == 202
    await window.open("/reviews")
    await expect(row).to_have_count(0)


async def test_the_list_at_home_is_filtered_by_how_things_stand(
    site: Site, window: Watched
) -> None:
    """Each filter leaves its own tasks only, tells that it is chosen, and outlives a reload."""
    page = await window.open("/")
    listed = page.locator("section.recent:not(.needs-you)")
    filters = page.get_by_role("group", name="Only those that are")

    def row(name: str) -> str:
        return f'.task-row[href*="{site.tasks[name]}"], .task-row[href*="{_roadmap(site, name)}"]'

    for words, shown, hidden in (
        ("Failed", "partial", "done"),
        ("To review", "review", "partial"),
        ("Complete", "done", "review"),
    ):
        if shown == "done":  # the oldest of many by now, and the list shows the newest first
            await listed.get_by_role("searchbox").fill(GOALS["done"])
        await filters.get_by_role("button", name=words).click()
        await expect(listed.locator(row(shown))).to_have_count(1)
        await expect(listed.locator(row(hidden))).to_have_count(0)
    await page.reload()
    await expect(filters.get_by_role("button", name="Complete")).to_have_attribute(
        "aria-pressed", "true"
    )
    await expect(listed.locator(row("done"))).to_have_count(1)
    await expect(listed.locator(row("review"))).to_have_count(0)


async def test_a_row_tells_what_became_of_it_wherever_it_stands(
    site: Site, window: Watched
) -> None:
    """Neither a filter that it left nor a place far below keeps a row as it was."""
    tasks = [site.create(f"Learn knot {number}", review=True) for number in range(12)]
    for task_id in tasks:
        site.wait(task_id, "human_review_pending")
    page = await window.open("/?show=review&q=knot")
    rows = page.locator("section.recent:not(.needs-you) .task-list > li")
    await expect(rows).to_have_count(10)
    for task_id in (tasks[11], tasks[0]):
        assert site.api.post(f"/api/v1/tasks/{task_id}/cancel").status_code == 202
    newest = rows.filter(has=page.locator(f'[href*="{tasks[11]}"]'))
    await expect(newest).to_contain_text("Cancelled")
    await expect(rows.first).to_contain_text("Learn knot 11")  # an older one came below it
    await expect(rows.nth(10)).to_contain_text("Learn knot 1")
    await page.get_by_role("button", name="All", exact=True).click()
    await page.get_by_role("button", name="Show older ones").click()
    await expect(rows).to_have_count(12)
    oldest = rows.filter(has=page.locator(f'[href*="{tasks[1]}"]'))
    await expect(oldest).to_contain_text("Needs your review")
    for task_id in tasks[1:11]:
        assert site.api.post(f"/api/v1/tasks/{task_id}/cancel").status_code == 202
    await expect(oldest).to_contain_text("Cancelled")


def _roadmap(site: Site, name: str) -> str:
    return str(site.get(f"/tasks/{site.tasks[name]}")["roadmap_id"])


def _wait_for_round(site: Site, task_id: str, number: int) -> None:
    """Follow the task's events until the review of a round is there."""
    after = 0
    while True:
        page = site.get(f"/tasks/{task_id}/events?after={after}&wait=2")
        after = page["next_after"]
        for event in page["events"]:
            if event["type"] == "review_required" and event["data"]["round"] == number:
                return


async def test_a_deadline_passes_while_the_page_is_open(site: Site, window: Watched) -> None:
    """What was due in hours is told as overdue then, without a reload."""
    page = window.page
    await page.clock.install()
    await window.open(f"/tasks/{site.tasks['review']}/review")
    until = page.locator(".decision .due")
    await expect(until).to_contain_text("Due in")
    await page.clock.fast_forward("26:00:00")
    await expect(until).to_contain_text(re.compile(r"^\d+ (h|min) overdue"))
    await expect(until).to_have_class(re.compile("is-overdue"))


async def test_the_list_of_reviews_tells_the_time_that_is_left(site: Site, window: Watched) -> None:
    """Hours that pass on an open page are told in its rows, and nobody is taken from a row."""
    task = site.get(f"/tasks/{site.tasks['review']}")
    page = window.page
    due_at = datetime.now(UTC) + timedelta(hours=9, minutes=10)
    task["review_due_at"] = due_at.isoformat()

    async def listed(route: Route) -> None:
        await route.fulfill(json={"tasks": [task], "next_cursor": None})

    await page.route("**/api/v1/tasks?status=human_review_pending&limit=200**", listed)
    await page.clock.install()
    await window.open("/reviews")
    row = page.locator("a.task-row")
    await expect(row.locator(".chip")).to_have_text("due in 9 h")
    await row.focus()
    task["review_due_at"] = (due_at - timedelta(hours=5)).isoformat()
    await page.clock.run_for(11_000)
    await expect(row.locator(".chip")).to_have_text("due in 4 h")
    await expect(row).to_be_focused()
    await page.unroute_all()


async def test_the_most_urgent_of_many_reviews_is_first(site: Site, window: Watched) -> None:
    """It may be the oldest of hundreds, on the last page of the list; the rest is a click away."""
    task = site.get(f"/tasks/{site.tasks['review']}")
    many = [
        {
            **task,
            "task_id": str(UUID(int=number)),
            "review_due_at": f"2099-01-{31 - number // 10:02}T12:00:{59 - number % 10:02}.000Z",
        }
        for number in range(120)
    ]
    read: list[str] = []

    async def listed(route: Route) -> None:
        last = "cursor=older" in route.request.url
        tasks = many[100:] if last else many[:100]
        await route.fulfill(json={"tasks": tasks, "next_cursor": None if last else "older"})

    async def asked(route: Route) -> None:
        read.append(route.request.url)
        await route.fulfill(status=404, json={"detail": "decided meanwhile"})

    await window.page.route("**/api/v1/tasks?status=human_review_pending&limit=200**", listed)
    await window.page.route("**/api/v1/tasks/00000000-*/review", asked)
    page = await window.open("/reviews")
    rows = page.locator("a.task-row")
    await expect(rows).to_have_count(50)
    await expect(rows.first).to_have_attribute("href", f"/tasks/{many[-1]['task_id']}/review")
    assert len(read) == 50
    for count in (100, 120):
        await page.get_by_role("button", name="Show more").click()
        await expect(rows).to_have_count(count)
    await expect(rows.last).to_have_attribute("href", f"/tasks/{many[0]['task_id']}/review")
    await expect(page.get_by_role("button", name="Show more")).to_be_hidden()
    await page.unroute_all()


async def test_many_failures_do_not_hide_a_review_at_home(site: Site, window: Watched) -> None:
    """After an hour of failures, the review that waits since yesterday still needs somebody."""
    task = site.get(f"/tasks/{site.tasks['review']}")
    failed = {**task, "status": "failed", "current_step": "intent_analysis"}
    newest_first = [{**failed, "task_id": str(UUID(int=number))} for number in range(1, 61)]
    newest_first.append({**task, "task_id": str(UUID(int=99))})

    async def listed(route: Route) -> None:
        asked = parse_qs(urlsplit(route.request.url).query)
        found = [each for each in newest_first if each["status"] in asked.get("status", [])]
        tasks = found[: int(asked["limit"][0])]
        await route.fulfill(json={"tasks": tasks, "next_cursor": None})

    await window.page.route("**/api/v1/tasks?status=*", listed)
    page = await window.open("/")
    rows = page.get_by_role("region", name="Needs you").locator("a.task-row")
    await expect(rows).to_have_count(8)
    await expect(rows.first).to_have_attribute("href", f"/tasks/{UUID(int=99)}/review")
    await page.unroute_all()
