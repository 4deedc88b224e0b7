"""The pages below a sub-path of a proxy, in a browser."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.async_api import expect

from tests.e2e.conftest import signin_address
from tests.e2e.web.browser import PATIENCE_MS, Watched
from tests.nginx import proxying

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.async_api import Browser

    from tests.e2e.web.conftest import Site

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]


async def test_a_task_is_followed_live_below_a_sub_path(
    site: Site, browser: Browser, tmp_path: Path
) -> None:
    """Signed in, asked at home, followed by WebSocket: nothing is asked for beside /learn/."""
    with proxying(site.base, tmp_path, below="/learn", taken_off=True, read_timeout_s=60) as nginx:
        base = f"{nginx.address}/learn"
        context = await browser.new_context(locale="en-GB")
        context.set_default_timeout(PATIENCE_MS)
        address = signin_address(site.stack.folder).replace(site.base, base)
        answer = await context.request.get(address)
        assert answer.ok, await answer.text()
        assert answer.url == f"{base}/"
        assert [cookie.get("path") for cookie in await context.cookies()] == ["/learn"]
        watched = Watched(await context.new_page(), base)
        page = await watched.open("/")
        await page.get_by_label("What do you want to learn?").fill("learn to fly kites")
        await page.get_by_role("button", name="Make my roadmap").click()
        await page.wait_for_url(f"{base}/tasks/*")
        await expect(page.locator(".badge")).to_have_text("Live")
        await page.get_by_role("link", name="Review the outline").click()
        await page.wait_for_url(f"{base}/tasks/*/review")
        await expect(page.locator(".edit-row").first).to_be_visible()
        await page.get_by_role("link", name="Roadmaps", exact=True).click()
        await page.wait_for_url(f"{base}/")
        await context.close()
        watched.check()
