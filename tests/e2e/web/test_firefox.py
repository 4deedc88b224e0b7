"""The main way once more in Firefox: Debian's own, driven by WebDriver BiDi."""

from __future__ import annotations

import os
import re
import shutil
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio
from playwright.async_api import async_playwright, expect

from tests.e2e.web.browser import Watched, new_context
from tests.system_packages import need_program

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.e2e.web.conftest import Site

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]


def _path() -> str:
    """Return where Firefox is: in CI it has to be there, elsewhere nobody is made to install it."""
    path = shutil.which("firefox-esr") or shutil.which("firefox")
    if path is None and os.environ.get("CI"):
        return need_program("firefox-esr")
    if path is None:
        pytest.skip("firefox-esr is not here; install it with: apt install firefox-esr")
    return path


@pytest_asyncio.fixture(loop_scope="session")
async def firefox(site: Site) -> AsyncIterator[Watched]:
    """A page in Firefox; at the end nothing must have gone wrong in it."""
    path = _path()
    async with async_playwright() as playwright:
        browser = await playwright.firefox.launch(channel="moz-firefox", executable_path=path)
        context = await new_context(browser, stack=site.stack.folder)
        watched = Watched(await context.new_page(), site.base)
        yield watched
        await browser.close()
    watched.check()


async def test_the_main_way_in_firefox(site: Site, firefox: Watched) -> None:
    """Asked, reviewed, written live, read, answered and marked as done: as in the other browser."""
    page = await firefox.open("/")
    await page.get_by_label("What do you want to learn?").fill("learn to sail")
    await page.get_by_role("button", name="Make my roadmap").click()
    await page.wait_for_url("**/tasks/*")
    await page.get_by_role("link", name="Review the outline").click()
    await page.get_by_role("button", name=re.compile("^Remove ")).last.click()
    await page.get_by_role("button", name="Approve with my 1 change").click()
    await page.wait_for_url(re.compile(r"/tasks/[0-9a-f-]{36}$"))
    await expect(page.locator(".task-line .chip")).to_have_text("Complete")
    await page.get_by_role("link", name="Start learning").click()
    await page.get_by_role("link", name=re.compile("^Begin with")).click()
    await expect(page.locator(".prose")).to_be_visible()
    questions = await page.locator("fieldset.question").count()
    for number in range(questions):
        await page.locator(f"input[name='q{number}']").first.check()
    await page.get_by_role("button", name="Check my answers").click()
    await expect(page.locator(".score-line")).to_contain_text(f"of {questions} right.")
    await page.get_by_role("button", name="Mark as done").click()
    await expect(page.get_by_role("button", name="Done", exact=True)).to_have_attribute(
        "aria-pressed", "true"
    )
    await page.reload()
    await expect(page.locator(".score-line")).to_contain_text(f"of {questions} right.")
