"""Views that pages fetch when somebody asks for them: on slow networks, and without one."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from playwright.async_api import expect

from tests.e2e.web.browser import new_context, unavailable
from tests.factories import until

if TYPE_CHECKING:
    from playwright.async_api import Browser, Page, Route

    from tests.e2e.web.browser import Watched
    from tests.e2e.web.conftest import Site

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]


async def failing_once(page: Page, view: str) -> list[str]:
    """Let a proxy refuse the first request for a view; return what will have been asked for."""
    asked: list[str] = []

    async def answer(route: Route) -> None:
        asked.append(route.request.url)
        if len(asked) == 1:
            await route.fulfill(status=503, body="Away for a moment.")
        else:
            await route.continue_()

    await page.route(f"**/views/{view}.all.js*", answer)
    return asked


async def test_a_view_that_did_not_come_is_asked_for_again(site: Site, window: Watched) -> None:
    """People are told in their words; the next try is another address: Firefox keeps failures."""
    page = await window.open("/")
    for view, again in (("inbox", page.locator(".bell")), ("help", page.get_by_label("Keys and"))):
        asked = await failing_once(page, view)
        await again.click()
        note = page.locator(".toast")
        await expect(note).to_contain_text("The server cannot be reached. Try again in a moment.")
        await note.get_by_label("Dismiss").click()
        await page.keyboard.press("Escape")
        await again.click()
        shown = page.get_by_role("heading", name="Notifications" if view == "inbox" else "Keys")
        await expect(shown).to_be_visible()
        assert len(set(asked)) == len(asked) == 2
        await page.keyboard.press("Escape")
        await expect(again).to_be_focused()


async def test_what_is_open_comes_with_the_network(site: Site, window: Watched) -> None:
    """The bell's panel and the map that were opened without a network are drawn when it is back."""
    page = await window.open(f"/roadmaps/{site.roadmap_of('done')}")
    await page.context.set_offline(True)
    await page.locator(".bell").click()
    await expect(page.locator("#inbox")).to_have_text("This cannot be shown now")
    await page.get_by_role("radio", name="Map").click()
    await expect(page.locator(".away")).to_be_visible()
    await page.locator(".bell").click()
    await page.context.set_offline(False)
    await expect(page.locator("#inbox .inbox-entry").first).to_be_visible()
    await expect(page.locator(".map")).to_be_visible()
    await expect(page.locator(".away")).to_have_count(0)


async def test_a_dialog_that_comes_slowly_comes_once(window: Watched) -> None:
    """Whoever presses a key again, because nothing came yet, gets one dialog, and keeps it."""
    page = await window.open("/reviews")

    async def slow(route: Route) -> None:
        await asyncio.sleep(1)
        await route.continue_()

    await page.route("**/views/*.all.js*", slow)
    for key, times in (("?", 3), ("Control+k", 2)):
        for _ in range(times):
            await page.keyboard.press(key)
        await expect(page.locator("dialog")).to_be_visible()
        await asyncio.sleep(0.5)  # what else was asked for would be there, too
        await expect(page.locator("dialog")).to_have_count(1)
        await page.keyboard.press("Escape")
        await expect(page.locator("dialog")).to_have_count(0)


async def test_a_sign_in_that_was_closed_comes_again(site: Site, browser: Browser) -> None:
    """Escape, twice, closes the question who somebody is; what needs an answer asks it again."""
    context = await browser.new_context(locale="en-GB")
    page = await context.new_page()
    await page.goto(site.base)
    dialog = page.get_by_role("dialog", name="Sign in")
    await expect(dialog).to_be_visible()
    await page.wait_for_load_state("networkidle")  # each answer that is a refusal asks for it

    async def closed() -> bool:
        await page.keyboard.press("Escape")
        return not await dialog.count()

    await until(closed, what="the dialog to be closed")
    await page.get_by_role("textbox").first.fill("Learn to juggle")
    await page.get_by_role("button", name="Make my roadmap").click()
    await expect(dialog).to_be_visible()
    await page.get_by_label("Token").fill(f" Bearer {site.stack.info['token']}")
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_role("textbox").first).to_have_value("Learn to juggle")
    await expect(dialog).to_have_count(0)
    await context.close()


async def test_a_page_whose_modules_did_not_come_is_loaded_anew(window: Watched) -> None:
    """While a server is started again the page says so, and comes up by itself when it is back."""
    page = window.page
    await page.route("**/pages/*.js", unavailable)
    await page.goto(window.base + "/reviews")
    await expect(page.locator("main")).to_contain_text("The server does not answer")
    await page.unroute_all()
    await expect(page.locator("main h1")).to_be_visible()


async def test_a_page_speaks_english_where_its_language_did_not_come(
    site: Site, browser: Browser
) -> None:
    """A request for messages that failed costs the reader the language, not the page."""
    context = await new_context(browser, stack=site.stack.folder, locale="de-DE")
    page = await context.new_page()
    await page.route("**/messages/de.js", unavailable)
    await page.goto(site.base + "/reviews")
    await expect(page.locator("main h1")).to_have_text("Reviews")
    assert await page.evaluate("document.documentElement.lang") == "en"
    await page.unroute_all()
    await page.reload()
    await expect(page.locator("nav")).to_contain_text("Durchsicht")
    await context.close()
