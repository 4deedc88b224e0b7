"""What somebody asks for is sent as it was typed or not at all, in whatever browser."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

import pytest
from playwright.async_api import expect

from tests.e2e.web.browser import DESK

if TYPE_CHECKING:
    from playwright.async_api import Browser

    from tests.e2e.web.browser import Watched
    from tests.e2e.web.conftest import Site

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]

BLOCKED: Final = """
for (const name of ["localStorage", "sessionStorage", "indexedDB"])
  Object.defineProperty(window, name, { get() { throw new DOMException("no", "SecurityError"); } });
"""
"""A browser that was told to keep nothing of a page."""


@pytest.mark.parametrize(
    ("hours", "told"), [("0", "1 or more"), ("1e", "no number"), ("2.5", "whole number")]
)
async def test_hours_are_never_others_than_those_typed(
    window: Watched, hours: str, told: str
) -> None:
    """Neither none nor half a number becomes the usual five: they are told at the field."""
    page = await window.open("/")
    await page.get_by_label("What do you want to learn?").fill("Learn to knit")
    await page.locator("summary").click()
    field = page.get_by_label("Hours a week")
    await field.clear()
    await field.press_sequentially(hours)
    await page.locator("summary").click()
    await page.get_by_role("button", name="Make my roadmap").click()
    await expect(page.locator(".hero .field-error")).to_contain_text(told)
    await expect(field).to_be_focused()


async def test_a_long_text_is_not_cut_in_silence(site: Site, window: Watched) -> None:
    """A goal and a wish that are too long stay whole, and the page says by how much they are."""
    page = await window.open("/")
    goal = page.get_by_label("What do you want to learn?")
    await goal.focus()
    await page.keyboard.insert_text("🪁" * 2001)
    await page.get_by_role("button", name="Make my roadmap").click()
    await expect(page.locator(".hero .field-error")).to_contain_text("2,000")
    await expect(goal).to_have_value("🪁" * 2001)
    page = await window.open(f"/tasks/{site.tasks['review']}/review")
    await page.get_by_text("Ask for something different").click()
    wish = page.get_by_label("What should be different?")
    await wish.focus()
    await page.keyboard.insert_text("🪁" * 4003)
    await page.get_by_role("button", name="Send it back").click()
    await expect(page.locator(".send-back .field-error")).to_contain_text("3 letters")
    await wish.fill("")


async def test_a_browser_that_keeps_nothing(site: Site, window: Watched, browser: Browser) -> None:
    """All pages come up without storage; a token that cannot be kept is refused with the reason."""
    await window.page.add_init_script(BLOCKED)
    for path in ("/", "/reviews", "/workflows/odd", f"/tasks/{site.tasks['done']}"):
        page = await window.open(path)
        await expect(page.get_by_text("This cannot be shown now")).to_have_count(0)
    context = await browser.new_context(viewport=DESK, locale="en-GB")
    await context.add_init_script(BLOCKED)
    page = await context.new_page()
    await page.goto(site.base)
    await page.get_by_label("Token").fill(site.stack.info["token"])
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.locator("dialog .field-error")).to_contain_text("allow cookies")
    await context.close()


async def test_a_clock_that_is_wrong_hides_nothing(window: Watched) -> None:
    """What failed lately needs somebody, also where the browser believes in another year."""
    await window.page.clock.set_fixed_time(datetime.now(UTC) + timedelta(days=400))
    page = await window.open("/")
    needs = page.get_by_role("region", name="Needs you")
    await expect(needs.locator(".chip", has_text=re.compile("Partly failed")).first).to_be_visible()
