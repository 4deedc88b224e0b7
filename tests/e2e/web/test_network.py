"""What happens to an open page when the network or the server goes away."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
from dataclasses import dataclass
from itertools import cycle
from typing import TYPE_CHECKING, Final

import httpx
import pytest
from playwright.async_api import expect

from tests.e2e.web.browser import Watched, unavailable
from tests.e2e.web.test_access import paths
from tests.factories import until

if TYPE_CHECKING:
    from playwright.async_api import Route

    from tests.e2e.web.conftest import Site

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]


async def test_the_page_survives_an_api_that_dies(site: Site, window: Watched) -> None:
    """Killed and started again, the API tells the page what went on, and it has missed nothing."""
    task_id = _under_review(site, "learn machine learning")
    page = await window.open(f"/tasks/{task_id}")
    await expect(page.locator(".badge")).to_have_text("Live")
    os.kill(_api_pid(site), signal.SIGKILL)
    await expect(page.locator(".badge")).to_have_text(
        re.compile(r"Offline . retrying in \d+ s|Reconnecting|Connecting")
    )
    await until(lambda: _approved(site, task_id), within_s=60, what="the API to be back")
    await expect(page.locator(".task-line .chip")).to_have_text("Complete")
    await expect(page.locator(".numbers")).to_contain_text(re.compile(r"^(\d+) of \1 contents"))


@dataclass
class Gone:
    """An API that does not answer, or says in one of the usual ways that it cannot now."""

    status: int

    async def __call__(self, route: Route) -> None:
        """Answer so."""
        if not self.status:
            return await route.abort()
        return await route.fulfill(status=self.status, json={"detail": "Not now."})


API: Final = "**/api/v1/**"


async def test_one_line_tells_that_nobody_answers(site: Site, window: Watched) -> None:
    """On every page one line says that the server is away, nothing else; then all goes on."""
    page, ways = window.page, cycle((0, 503, 502, 429, 504))
    line = page.locator(".away")
    told = page.locator(".away, .toast, .notice, .failure, .cause, .field-error:not(:empty)")
    for path in (*(each for each in paths(site).values() if "#" not in each), "/reviews"):
        await page.route(API, gone := Gone(next(ways)))
        await page.goto(site.base + path)
        await expect(line).to_contain_text("The server")
        await expect(told).to_have_count(1)
        await page.unroute(API, gone)
        await line.get_by_role("button").click()
        await expect(page.locator("main h1")).to_be_visible()
        await expect(page.locator(".skeleton")).to_have_count(0)
        await expect(line).to_have_count(0)
    page = await window.open("/")
    await page.get_by_label("What do you want to learn?").fill("Sail around the world")
    await page.route(API, gone := Gone(0))
    await page.get_by_role("button", name="Make my roadmap").click()
    await expect(line).to_have_count(1)
    await expect(page.locator(".field-error")).to_have_text("Not sent yet.")
    await expect(page.locator(".toast, .notice")).to_have_count(0)
    await page.unroute(API, gone)
    await expect(line).to_have_count(0)  # by itself
    await expect(page.locator(".field-error")).to_be_empty()
    await expect(page.locator("#goal")).to_have_value("Sail around the world")
    await page.evaluate("localStorage.clear(), sessionStorage.clear()")


@pytest.mark.parametrize("pause", ["Wed, 21 Oct 2065 07:28:00 GMT", "30, 30", str(30 * 24 * 3600)])
async def test_a_pause_of_any_form_is_no_storm_of_questions(window: Watched, pause: str) -> None:
    """A server that is away with a date, two pauses or a month is not asked without a pause."""
    asked: list[str] = []

    async def away(route: Route) -> None:
        asked.append(route.request.url)
        await route.fulfill(status=503, headers={"Retry-After": pause}, json={"detail": "Not now."})

    page = await window.open("/")
    await page.route(API, away)
    await page.evaluate("dispatchEvent(new Event('offline'))")
    await expect(page.locator(".away")).to_be_visible()
    await page.wait_for_timeout(900)
    assert sum(each.endswith("/unread-count") for each in asked) <= 3


async def test_without_a_network_the_badge_says_so_and_then_catches_up(
    site: Site, window: Watched
) -> None:
    """Offline is told with a countdown; back online the page shows what had happened meanwhile."""
    task_id = _under_review(site, "Learn SQL")
    page = await window.open(f"/tasks/{task_id}")
    await expect(page.locator(".badge")).to_have_text("Live")
    await page.context.set_offline(True)
    await expect(page.locator(".badge")).to_have_text(re.compile(r"Offline . retrying in \d+ s"))
    assert await _approved(site, task_id)
    site.wait(task_id, "completed")
    await expect(page.locator(".task-line .chip")).to_have_text("Needs your review")
    await page.context.set_offline(False)
    await expect(page.locator(".task-line .chip")).to_have_text("Complete")
    await expect(page.locator(".badge")).to_be_hidden()


async def test_server_sent_events_when_websockets_are_blocked(site: Site, window: Watched) -> None:
    """A proxy that knows no WebSocket: the page goes on by server-sent events, and says so."""
    await window.page.add_init_script(
        "window.WebSocket = class { close() {}"
        " constructor() { setTimeout(() => this.onclose?.({code: 1006})) } }"
    )
    task_id = site.create("Learn JavaScript", review=True)
    page = await window.open(f"/tasks/{task_id}")
    await expect(page.locator(".badge")).to_have_attribute("title", "SSE")
    await expect(page.locator(".task-line .chip")).to_have_text("Needs your review")
    assert site.api.post(f"/api/v1/tasks/{task_id}/cancel").status_code == 202
    await expect(page.locator(".task-line .chip")).to_have_text("Cancelled")


async def test_the_bell_rings_in_every_tab(site: Site, window: Watched) -> None:
    """A new notification is counted in both tabs at once, and read in one it is read in both."""
    assert site.api.post("/api/v1/notifications/read-all").status_code == 200
    first = await window.open("/")
    other = Watched(await first.context.new_page(), site.base)
    second = await other.open("/operations")
    for each in (first, second):
        await expect(each.get_by_role("button", name="Notifications", exact=True)).to_be_visible()
    site.wait(site.create("Play bridge well"), "completed")
    for each in (first, second):
        await expect(each.get_by_role("button", name="Notifications, 1 unread")).to_be_visible()
    await second.get_by_role("button", name="Notifications, 1 unread").click()
    await second.get_by_role("button", name="Mark all as read").click()
    for each in (first, second):
        await expect(each.get_by_role("button", name="Notifications", exact=True)).to_be_visible()
    other.check()


def _under_review(site: Site, goal: str) -> str:
    task_id = site.create(goal, review=True)
    site.wait(task_id, "human_review_pending")
    return task_id


async def _approved(site: Site, task_id: str) -> bool:
    try:
        url = f"/api/v1/tasks/{task_id}/review"
        return site.api.post(url, json={"decision": "approve"}).status_code == 202
    except httpx.TransportError:
        return False


def _api_pid(site: Site) -> int:
    return int(json.loads((site.stack.folder / "stack.json").read_text())["pids"]["api"])


async def test_an_answer_from_before_the_end_takes_nothing_back(
    site: Site, window: Watched
) -> None:
    """The task's row, asked for at the review and arriving after the end, changes nothing."""
    page, task_id = window.page, _under_review(site, "Play draughts well")
    begun, ended = asyncio.Event(), asyncio.Event()

    async def hold_first(route: Route) -> None:
        answer = await route.fetch()
        if not begun.is_set():
            begun.set()
            await ended.wait()
        await route.fulfill(response=answer)

    await page.add_init_script(
        "const every = setInterval; window.setInterval = (does, ms) => every(does, ms / 10)"
    )
    await window.open(f"/tasks/{task_id}")
    await page.route(re.compile(rf"/api/v1/tasks/{task_id}$"), hold_first)
    await asyncio.wait_for(begun.wait(), 20)
    assert await _approved(site, task_id)
    site.wait(task_id, "completed")
    await expect(page.locator(".numbers")).to_contain_text("model calls")
    async with page.expect_event("requestfinished", lambda asked: asked.url.endswith(task_id)):
        ended.set()
    numbers = page.locator(".numbers")
    await expect(numbers).to_contain_text(re.compile(r"^(\d+) of \1 contents.*model calls"))
    await expect(page.locator(".task-line")).to_contain_text(re.compile(r"took .* in all"))
    await expect(page.locator(".task-line .chip")).to_have_text("Complete")


async def test_what_is_asked_for_early_never_grows_old(site: Site, window: Watched) -> None:
    """A page that is quicker than its first script takes no answer of it later, for a newer one."""
    page, roadmap = window.page, site.roadmap_of("done")
    await page.add_init_script("""
        const copy = Response.prototype.clone;
        Response.prototype.clone = function () {
          const taken = copy.call(this);
          const read = taken.json;
          taken.json = async function () {
            while (!document.querySelector("main h1")) await new Promise((r) => setTimeout(r, 10));
            setTimeout(() => (window.late = true), 50);
            return read.call(taken);
          };
          return taken;
        };
    """)
    trees: list[str] = []
    page.on("request", lambda each: trees.append(each.url) if roadmap in each.url else None)
    await window.open(f"/tasks/{site.tasks['done']}")
    # the page's policy lets nobody evaluate texts, so it cannot wait for this itself
    await until(lambda: page.evaluate("window.late === true"), what="the late answer")
    assert len(trees) == 1


async def test_a_sign_out_that_failed_is_told(window: Watched) -> None:
    """The browser is still signed in: the page says so, stays, and keeps what was typed."""
    page = await window.open("/")
    field = page.get_by_label("What do you want to learn?")
    await field.fill("learn to juggle")
    await page.route("**/api/v1/session", unavailable)
    await page.get_by_role("button", name="Sign out").click()
    await expect(page.locator(".toast", has_text="Away for a moment")).to_be_visible()
    await page.unroute_all()
    await page.reload()
    await expect(field).to_have_value("learn to juggle")
    await field.fill("")
    await expect(page.get_by_role("button", name="Sign out")).to_be_visible()
