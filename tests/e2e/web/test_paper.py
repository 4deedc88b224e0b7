"""What is printed of a page."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.async_api import expect

from tests.e2e.web.test_manners import LONG

if TYPE_CHECKING:
    from tests.e2e.web.browser import Watched
    from tests.e2e.web.conftest import Site

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]


async def test_an_outline_on_paper_has_no_buttons(site: Site, window: Watched) -> None:
    """What is printed to be talked about is the outline alone."""
    page = await window.open(f"/tasks/{site.tasks['review']}/review")
    await expect(page.locator("[data-rename]").first).to_be_visible()
    await page.emulate_media(media="print")
    await expect(page.locator(".edit-row").first).to_be_visible()
    for button in await page.get_by_role("button").all():
        await expect(button).to_be_hidden()
    await page.emulate_media(media="screen")


async def test_what_matters_of_a_task_is_on_paper(site: Site, window: Watched) -> None:
    """What failed and why is printed, a long goal over the whole width, a workflow's title too."""
    page = await window.open(f"/tasks/{site.tasks['partial']}")
    await page.emulate_media(media="print")
    await expect(page.locator(".failure-list")).to_be_visible()
    await expect(page.locator(".actions-card")).to_contain_text("declined")
    for gone in (".rail", ".actions-card .button", ".actions-card .card-title"):
        await expect(page.locator(gone).first).to_be_hidden()
    await window.open(f"/tasks/{site.tasks['done']}")
    await expect(page.locator(".actions-card")).to_be_hidden()
    task_id = site.create(LONG, review=True)
    await window.open(f"/tasks/{task_id}")
    assert site.api.post(f"/api/v1/tasks/{task_id}/cancel").status_code == 202
    widths = "[...document.querySelectorAll('h1, main')].map((each) => each.clientWidth)"
    main, title = await page.evaluate(widths)
    assert title > 0.9 * main
    await window.open("/workflows/book")
    await expect(page.locator("h1")).to_be_visible()
    await expect(page.locator("form").first).to_be_hidden()
    await page.emulate_media(media="screen")


async def test_paper_is_white_under_a_dark_system(site: Site, window: Watched) -> None:
    """Whoever reads white on black prints black on white, whether they chose it here or there."""
    page = await window.open(f"/roadmaps/{site.roadmap_of('done')}")
    colours = (
        "(({ color, backgroundColor: back }) => [color, back])(getComputedStyle(document.body))"
    )
    for chosen in ("", "document.documentElement.dataset.theme = 'dark'"):
        await page.evaluate(chosen)
        await page.emulate_media(media="screen", color_scheme="dark")
        assert await page.evaluate(colours) != ["rgb(0, 0, 0)", "rgb(255, 255, 255)"]
        await page.emulate_media(media="print", color_scheme="dark")
        assert await page.evaluate(colours) == ["rgb(0, 0, 0)", "rgb(255, 255, 255)"]
    await page.emulate_media(media="screen")
