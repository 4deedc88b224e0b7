"""People who need large letters set them in their browser, for all pages."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.e2e.web.browser import Watched, chromium, new_context, overflow
from tests.e2e.web.test_access import paths, unfold

if TYPE_CHECKING:
    from tests.e2e.web.conftest import Site

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]


@pytest.mark.parametrize(("letters", "width"), [(32, 320), (32, 400)])
async def test_pages_fit_a_narrow_window_with_large_letters(
    site: Site, letters: int, width: int
) -> None:
    """No page is wider than a phone where letters are twice as large as usual."""
    async with chromium(f"--blink-settings=defaultFontSize={letters}") as browser:
        size = {"width": width, "height": 700}
        context = await new_context(browser, stack=site.stack.folder, viewport=size)
        window = Watched(await context.new_page(), site.base)
        found = {}
        for name, path in paths(site).items():
            page = await window.open(path)
            assert await page.evaluate("getComputedStyle(document.body).fontSize") == f"{letters}px"
            await unfold(page, name)
            found[name] = await overflow(page)
            await page.goto("about:blank")
        window.check()
        await context.close()
    assert {name: wider for name, wider in found.items() if wider > 0} == {}
