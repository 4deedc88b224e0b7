"""Everybody can use every page: on a phone, in the dark, by keyboard, with a screen reader."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import expect

from tests.e2e.web.browser import DESK, PHONE, Watched, new_context, overflow
from tests.factories import until

if TYPE_CHECKING:
    from playwright.async_api import Browser, Page

    from tests.e2e.web.conftest import Site

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]

MOST_TABS: Final = 120
RIGHT_TO_LEFT: Final = r"""() => {
  document.documentElement.dir = "rtl";
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    texts.currentNode.data = texts.currentNode.data.replace(
      /[A-Za-z]+/g, (word) => "المعرفةوالتعلم".slice(0, word.length));
  }
}"""
"""The page as it stands, with Arabic letters for Latin ones."""


def paths(site: Site) -> dict[str, str]:
    """Return an address for each kind of page."""
    done, partial = site.roadmap_of("done"), site.roadmap_of("partial")
    failed = site.get(f"/tasks/{site.tasks['partial']}")["failed_contents"][0]["concept_id"]
    return {
        "home": "/",
        "task": f"/tasks/{site.tasks['partial']}",
        "review": f"/tasks/{site.tasks['review']}/review",
        "roadmap": f"/roadmaps/{done}",
        "map": f"/roadmaps/{done}#map",
        "concept": f"/roadmaps/{done}/concepts/{site.concepts(done)[1]['concept_id']}",
        "failed concept": f"/roadmaps/{partial}/concepts/{failed}",
        "operations": "/operations",
    }


async def faults(page: Page) -> list[str]:
    """Return what axe-core finds serious on a page, with the elements it is about."""
    found: dict[str, Any] = (await Axe().run(page)).response
    return [
        f"{each['id']}: {each['nodes'][0]['html'][:160]}"
        for each in found["violations"]
        if each["impact"] in {"serious", "critical"}
    ]


async def unfold(page: Page, name: str) -> None:
    """Open what a page hides at first, so that it is looked at too."""
    if name == "task":
        await page.locator(".failure-list button").click()
        await expect(page.locator(".concept-panel .cause").first).to_be_visible()
    elif name == "home":
        await page.locator("summary").click()
        await page.get_by_role("button", name="Notifications").click()
    elif name == "review":
        await page.get_by_role("button", name="Edit ").first.click()
        await page.locator(".send-back summary").click()


@pytest.mark.parametrize(
    ("scheme", "size"), [("light", DESK), ("dark", PHONE)], ids=["light", "dark"]
)
async def test_no_serious_fault_and_nothing_too_wide(
    site: Site, browser: Browser, scheme: Any, size: Any
) -> None:
    """axe-core finds nothing serious on any page, none scrolls sideways; nor from the right."""
    context = await new_context(
        browser,
        stack=site.stack.folder,
        color_scheme=scheme,
        viewport=size,
        reduced_motion="reduce",
    )
    watched = Watched(await context.new_page(), site.base)
    for name, path in paths(site).items():
        page = await watched.open(path)
        await unfold(page, name)
        assert await faults(page) == [], name
        for other in (DESK, PHONE):
            await page.set_viewport_size(other)
            assert await overflow(page) <= 0, f"{name} at {other['width']} px"
        await page.set_viewport_size(size)
        await page.evaluate(RIGHT_TO_LEFT)
        assert await faults(page) == [], f"{name} from the right"
        assert await overflow(page) <= 0, f"{name} from the right"
    watched.check()
    await context.close()


async def test_colours_of_the_system_hide_no_state(site: Site, browser: Browser) -> None:
    """With forced colours, bars and marks are seen, and what is chosen has an outline."""
    context = await new_context(browser, stack=site.stack.folder, forced_colors="active")
    watched = Watched(await context.new_page(), site.base)
    page = await watched.open(paths(site)["task"])
    ground = "e => getComputedStyle(e).backgroundColor"
    grounds = [
        await page.locator(what).first.evaluate(ground)
        for what in (
            "body",
            ".meter-part.is-completed",
            ".meter-part.is-failed",
            ".mark[data-state='completed']",
            ".mark[data-state='failed']",
        )
    ]
    assert len(set(grounds)) == 3, "paper, what is ready, and what failed"
    await page.keyboard.press("Control+k")
    chosen = page.locator(".palette [aria-selected='true']")
    await expect(chosen).to_have_css("outline-style", "solid")
    await watched.open(paths(site)["roadmap"])
    mark = await page.locator(".mark-choice").first.bounding_box()
    assert mark is not None
    assert mark["width"] > 60, "its words are shown instead of three dots, and not cut"
    watched.check()
    await context.close()


async def test_the_theme_can_be_chosen_and_stays(site: Site, window: Watched) -> None:
    """The toggle overrules the system, on the next page too."""
    page = await window.open("/")
    light = await page.evaluate("getComputedStyle(document.body).backgroundColor")
    await page.get_by_role("button", name="Use dark colours").click()
    dark = await page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert light != dark
    await window.open("/operations")
    assert await page.evaluate("getComputedStyle(document.body).backgroundColor") == dark


HAS_CONTROL = (
    "name => [...document.querySelectorAll('a, button, input, summary, [tabindex]')].some("
    "(e) => (e.getAttribute('aria-label') || e.textContent.trim()).startsWith(name))"
)


async def tab_to(page: Page, name: str) -> None:
    """Press Tab until something with this name has the focus, and see that one can see it.

    A person waits until it is there; on a busy machine a page is not drawn at once.
    """
    await until(lambda: page.evaluate(HAS_CONTROL, name), what=f"{name!r} on the page")
    for _ in range(MOST_TABS):
        await page.keyboard.press("Tab")
        label, outline = await page.evaluate(
            "(() => { const e = document.activeElement; return [e.getAttribute('aria-label')"
            " || e.textContent.trim(), getComputedStyle(e).outlineStyle]; })()"
        )
        if label.startswith(name):
            assert outline != "none", f"the focus on {name} cannot be seen"
            return
    raise AssertionError(f"{name} cannot be reached by Tab")


async def test_the_whole_way_by_keyboard(site: Site, window: Watched) -> None:
    """Ask, review with a change, watch, open a concept: without ever touching a mouse."""
    page = await window.open("/")
    await expect(page.locator("#goal")).to_be_focused()
    await page.keyboard.type("learn Spanish")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/tasks/*")
    await expect(page.get_by_role("link", name="Review the outline")).to_be_visible()
    await tab_to(page, "Review the outline")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/review")
    await expect(page.locator(".outline")).to_be_visible()
    await tab_to(page, "Approve the outline")
    await tab_to(page, "Remove ")
    await page.keyboard.press("Enter")
    await expect(page.locator(":focus")).to_contain_text("Undo")
    await page.keyboard.press("Shift+Tab")
    await page.locator("main").focus()
    await tab_to(page, "Approve with my 1 change")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/tasks/*")
    await expect(page.locator(".task-line .chip")).to_have_text("Complete")
    await tab_to(page, "Start learning")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/roadmaps/*")
    await expect(page.locator("h1")).to_be_visible()
    await tab_to(page, "Begin with")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/concepts/*")
    await expect(page.locator(".prose")).to_be_visible()


async def test_screen_readers_are_told(site: Site, window: Watched) -> None:
    """Landmarks are there, the page has one h1, and progress is announced without a reload."""
    task_id = site.create("Play go well", review=True)
    page = await window.open(f"/tasks/{task_id}")
    for role in ("banner", "main", "contentinfo"):
        await expect(page.get_by_role(role)).to_have_count(1)
    await expect(page.locator("h1")).to_have_count(1)
    await expect(page.get_by_role("img", name="Tutorial waiting").first).to_be_visible()
    assert site.api.post(f"/api/v1/tasks/{task_id}/cancel").status_code == 202
    await expect(page.locator("#polite")).to_contain_text(re.compile("cancelled", re.IGNORECASE))


SPACED: Final = """(css) => {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(css);
  document.adoptedStyleSheets = [sheet];
}"""
AS_READERS_MAY: Final = """* {
  line-height: 1.5 !important; letter-spacing: .12em !important; word-spacing: .16em !important;
} p { margin-bottom: 2em !important; }"""
"""The spacing that a page must bear (WCAG, text spacing)."""


@pytest.mark.parametrize("language", ["de-DE", "es-ES"])
async def test_texts_that_a_reader_spaces_out_fit(
    site: Site, browser: Browser, language: str
) -> None:
    """Zoomed to 400 %, with wide letters and in a language of long words nothing stands out."""
    size = {"width": 320, "height": 568}
    context = await new_context(browser, stack=site.stack.folder, locale=language, viewport=size)
    watched = Watched(await context.new_page(), site.base)
    for name, path in {**paths(site), "reviews": "/reviews"}.items():
        page = await watched.open(path)
        await page.evaluate(SPACED, AS_READERS_MAY)
        assert await overflow(page) <= 0, name
    await context.close()
