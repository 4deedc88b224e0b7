"""Small faults that a person trips over, each with all of its kind."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import asyncpg
import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import expect

from bench.first_view import view
from core.jobs import JOBS
from tests.e2e.web.browser import PHONE, Watched, new_context, overflow
from tests.factories import until

if TYPE_CHECKING:
    from playwright.async_api import Browser, Page

    from tests.e2e.web.conftest import Site

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]

MOST_KB: Final = 90
MOST_SHIFT: Final = 0.05
LONG: Final = "learn how the tides of the North Sea are computed by hand and by machine " * 9


async def test_a_first_view_is_small_and_stands_still(site: Site, browser: Browser) -> None:
    """A page with an empty cache takes at most 90 kB and 20 requests, and nothing in it moves.

    The inbox holds what the prepared tasks brought: others have titles of hundreds of letters, and
    with more unread entries than are shown at once a page about one task looks further back.
    """
    assert site.api.post("/api/v1/notifications/read-all").status_code == 200
    connection = await asyncpg.connect(site.stack.info["database_url"].replace("+asyncpg", ""))
    await connection.execute(
        "DELETE FROM notifications WHERE task_id <> ALL ($1::uuid[])", [*site.tasks.values()]
    )
    await connection.close()
    roadmap = site.roadmap_of("done")
    pages = {
        "home": "/",
        "task": f"/tasks/{site.tasks['partial']}",
        "review": f"/tasks/{site.tasks['review']}/review",
        "roadmap": f"/roadmaps/{roadmap}",
        "concept": f"/roadmaps/{roadmap}/concepts/{site.concepts(roadmap)[0]['concept_id']}",
    }
    for name, path in pages.items():
        found = await view(
            browser, site.stack.folder, name=name, address=site.base + path, slow=False
        )
        assert found.bytes <= MOST_KB * 1000, found
        assert found.shift < MOST_SHIFT, found
        assert found.requests <= 20, found


async def test_the_inbox_is_read_further_where_it_may_matter(site: Site, window: Watched) -> None:
    """With many unread entries, only a page that some of them may be about reads more of them."""
    page, full = window.page, site.get("/notifications?limit=10")
    full["unread"] = len(full["notifications"]) + 1
    asked: list[str] = []
    page.on(
        "request", lambda each: asked.append(each.url) if "/notifications?" in each.url else None
    )
    await page.route("**/notifications?limit=10", lambda route: route.fulfill(json=full))
    count = page.get_by_role("button", name=f"Notifications, {full['unread']} unread")
    await window.open("/")
    await expect(count).to_be_visible()
    await expect(page.locator(".task-row").first).to_be_visible()
    assert [each for each in asked if "limit=50" in each] == []
    async with page.expect_request("**/notifications?limit=50"):
        await window.open(f"/tasks/{site.tasks['partial']}")


async def test_a_phone_has_the_words_first(site: Site, browser: Browser) -> None:
    """Its first page stands in fonts of its own, and fetches ours for the pages to come."""
    context = await new_context(browser, stack=site.stack.folder, viewport=PHONE)
    page = await Watched(await context.new_page(), site.base).open("/")
    used = "getComputedStyle(document.body).fontFamily.includes('Roadmap Sans')"
    assert not await page.evaluate(used)
    fetched = "localStorage.fonts === 'fetched'"
    await until(lambda: page.evaluate(fetched), what="the fonts to be fetched")
    assert not await page.evaluate(used)  # nothing moves on a page that is read
    await page.reload()
    assert await page.evaluate(used)
    await context.close()


async def test_every_font_can_be_read(site: Site, window: Watched) -> None:
    """The browser takes each font of ours; of a broken one only its console would tell."""
    page = await window.open("/")
    loaded = await page.evaluate(
        "async () => Promise.all([...document.fonts].map(async font => {"
        " await font.load().catch(() => null); return [font.family, font.weight, font.status] }))"
    )
    own = [font for font in loaded if "Roadmap" in font[0]]
    assert len(own) == 6  # three, each in two pieces; the others stand in for them at first
    assert [font for font in own if font[2] != "loaded"] == []


async def test_addresses_of_nothing_are_pages(site: Site, window: Watched) -> None:
    """A mistyped address and one of somebody else's thing say so as a page, with a way home."""
    for path in ("/nosuch", "/tasks/abc", f"/tasks/{'0' * 8}-0000-7000-8000-{'0' * 12}"):
        page = await window.open(path)
        await expect(page.locator("main h1")).to_have_text("There is nothing here")
        await expect(page.locator("main").get_by_role("link", name="Home")).to_be_visible()
        assert "true" not in (await page.locator("main").inner_text()).split()


async def test_conditions_are_never_shown_as_words(site: Site, window: Watched) -> None:
    """No page says "true", "false", "null" or "undefined", also when a review was decided."""
    task_id = site.create("Learn German", review=True)
    site.wait(task_id, "human_review_pending")
    page = await window.open(f"/tasks/{task_id}/review")
    assert site.api.post(f"/api/v1/tasks/{task_id}/cancel").status_code == 202
    await expect(page.get_by_text("The task was cancelled.")).to_be_visible()
    await expect(page.locator(".edit-buttons")).to_have_count(0)
    words = re.compile(r"\b(true|false|null|undefined|NaN)\b")
    assert not words.search(await page.locator("main").inner_text())
    await window.open(f"/tasks/{task_id}")
    text = await page.locator("main").inner_text()
    assert not words.search(text)
    assert "as soon as it is designed" not in text


async def test_a_part_of_a_page_has_an_address(site: Site, window: Watched) -> None:
    """`#quiz` scrolls to the quiz though it comes later, and every heading of a text has an id."""
    roadmap = site.roadmap_of("done")
    path = f"/roadmaps/{roadmap}/concepts/{site.concepts(roadmap)[3]['concept_id']}"
    page = await window.open(f"{path}#quiz")
    top = "document.getElementById('quiz').getBoundingClientRect().top"
    await until(lambda: page.evaluate(f"Math.abs({top}) < 200"), what="the quiz to be in view")
    ids = await page.locator(".prose :is(h2, h3, h4)").evaluate_all("all => all.map(e => e.id)")
    assert ids
    assert all(ids)
    assert len(set(ids)) == len(ids)
    first = page.get_by_role("navigation", name="On this page").get_by_role("link").first
    await first.click()
    await expect(first).to_have_attribute("aria-current", "true")
    assert page.url.endswith(f"#{ids[0]}")


async def test_a_long_goal_is_three_lines_and_the_tab_says_what_and_how(
    site: Site, window: Watched
) -> None:
    """A long title is cut with a way to see all of it; the tab has title and state."""
    task_id = site.create(LONG, review=True)
    page = await window.open(f"/tasks/{task_id}")
    await expect(page.locator(".task-line .chip")).to_have_text("Needs your review")
    assert (await page.title()).startswith("learn how the tides")
    assert (await page.locator("link[rel=icon]").get_attribute("href") or "").endswith("-ask.svg")
    for size in (PHONE, {"width": 1440, "height": 900}):
        await page.set_viewport_size(size)  # type: ignore[arg-type]
        lines = await page.locator("h1").evaluate(
            "e => e.getBoundingClientRect().height / parseFloat(getComputedStyle(e).lineHeight)"
        )
        assert lines < 3.5
    await page.get_by_role("button", name="Show all of it").click()
    assert (await page.locator("h1").bounding_box() or {"height": 0})["height"] > 150
    await _double_click_on_cancel(site, page, task_id)


async def _double_click_on_cancel(site: Site, page: Page, task_id: str) -> None:
    """Two quick clicks ask the second question; only its own button cancels, whatever changes."""
    await page.get_by_role("button", name="Cancel this task").dblclick()
    await expect(page.get_by_role("button", name="Yes, cancel it")).to_be_visible()
    assert site.get(f"/tasks/{task_id}")["status"] == "human_review_pending"
    await page.get_by_role("button", name="Let it go on").click()
    await page.get_by_role("button", name="Cancel this task").click()
    wish = {"decision": "reject", "feedback": "Fewer stages."}
    assert site.api.post(f"/api/v1/tasks/{task_id}/review", json=wish).status_code == 202
    await expect(page.locator(".task-line .chip")).not_to_have_text("Needs your review")
    await expect(page.get_by_role("button", name="Let it go on")).to_be_focused()
    await page.get_by_role("button", name="Yes, cancel it").click()
    await expect(page.locator(".task-line .chip")).to_have_text("Cancelled")


async def test_the_decision_is_at_hand_on_a_phone(site: Site, window: Watched) -> None:
    """On a phone "Approve" stands in a bar that is always seen, and no note covers a decision."""
    page = await window.open(f"/tasks/{site.tasks['review']}/review")
    await page.locator("summary", has_text="Ask for something different").click()
    about = page.locator(".edit-about").first
    await about.click()
    assert await about.evaluate("e => getComputedStyle(e).display") == "block"  # whole
    for size in (PHONE, {"width": 1440, "height": 900}):
        await page.set_viewport_size(size)  # type: ignore[arg-type]
        await page.evaluate(
            "document.getElementById('toasts').childElementCount ||"
            " document.getElementById('toasts').append(Object.assign(document.createElement('div'),"
            " {className: 'toast', textContent: 'A note'}))"
        )
        note_box = await page.locator(".toast").bounding_box()
        assert note_box is not None
        for button in await page.get_by_role("button", name=re.compile("Approve|Send it")).all():
            box = await button.bounding_box()
            assert box is not None
            apart = (
                box["x"] >= note_box["x"] + note_box["width"]
                or box["x"] + box["width"] <= note_box["x"]
                or box["y"] >= note_box["y"] + note_box["height"]
                or box["y"] + box["height"] <= note_box["y"]
            )
            assert apart
    await page.set_viewport_size(PHONE)
    await page.evaluate("scrollTo(0, 0)")
    approve = page.get_by_role("button", name="Approve the outline")
    await expect(approve).to_have_count(1)
    box = await approve.bounding_box()
    assert box is not None
    assert box["y"] + box["height"] <= PHONE["height"]
    assert await overflow(page) <= 0


async def test_what_pages_say_is_true(site: Site, window: Watched) -> None:
    """A cause is told once, a useless retry is not first, no review is shown that nobody asked."""
    failed = site.get(f"/tasks/{site.tasks['partial']}")["failed_contents"][0]["concept_id"]
    roadmap = site.roadmap_of("partial")
    page = await window.open(f"/roadmaps/{roadmap}/concepts/{failed}")
    declined = page.get_by_text("The language model declined to write this.")
    await expect(declined).to_have_count(1)
    await expect(page.locator("article .is-primary")).to_have_count(0)
    await window.open(f"/tasks/{site.tasks['partial']}")
    await page.locator(".failure-list button").click()
    await expect(page.locator(".concept-panel .cause")).to_have_count(1)
    await expect(page.locator(".actions-card .is-primary")).to_have_text("Start learning")
    await expect(page.locator(".rail")).not_to_contain_text("Your review")
    await page.get_by_role("button", name="Notifications").click()
    # of a roadmap: tests beside this one complete tasks of own workflows, too
    to_roadmap = page.locator("a[href*='/roadmaps/']")
    entry = page.locator(".inbox-entry", has_text="complete").filter(has=to_roadmap).first
    await expect(entry.locator(".inbox-title")).not_to_be_empty()


async def test_operations_tell_who_is_there_and_what_for(site: Site, window: Watched) -> None:
    """One sees the last hour and idle workers; each job says what it does; no text moves."""
    await window.page.add_init_script(
        "const later = setTimeout;"
        " window.setTimeout = (does, ms) => later(does, ms === 5000 ? 100 : ms)"
    )
    page = await window.open("/operations")
    worker = page.locator(".is-queue .rows div", has_text="worker1")
    await expect(worker).to_contain_text(re.compile(r"(idle|taken).*threads.*here for"))
    ended = page.locator(".figure", has_text="finished in the last hour")
    await expect(ended.locator("strong")).to_have_text(re.compile("[1-9]"))
    await expect(ended.get_by_role("img", name="last hour at most")).to_be_visible()
    jobs = page.locator(".schedules li")
    await expect(jobs).to_have_count(len(JOBS))
    for job in await jobs.all():
        await expect(job).to_contain_text(re.compile(r"every .*While it is paused: [A-Z]"))
        await expect(job).not_to_contain_text(re.compile(r"every 1\b"))
    # a selection over several cards holds while the page goes on reading
    await page.evaluate("getSelection().selectAllChildren(document.querySelector('.cards'))")
    text = await page.evaluate("getSelection().toString()")
    for _ in range(3):
        async with page.expect_response("**/admin/queue"):
            pass
    assert await page.evaluate("getSelection().toString()") == text


async def test_everything_is_a_key_away(site: Site, window: Watched) -> None:
    """Ctrl-K finds tasks, and the concepts of the roadmap one is in; `?` shows keys, j goes on."""
    page = await window.open("/operations")
    await page.keyboard.press("Control+k")
    await page.get_by_role("combobox", name="Search tasks").fill("chess")
    await expect(page.locator(".palette-entry").first).to_contain_text("chess")
    assert [v for v in (await Axe().run(page)).response["violations"]] == []  # noqa: C416 - JSON
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/roadmaps/*")
    await expect(page.locator("main h1")).to_be_visible()
    await page.locator("select.mark-choice").first.focus()
    await page.keyboard.press("?")
    await expect(page.get_by_role("heading", name="Keys")).to_be_visible()
    await page.keyboard.press("Escape")
    await page.get_by_role("button", name="Keys and language").click()
    await expect(page.locator("dialog").get_by_label("Language of these pages")).to_be_visible()
    await page.keyboard.press("Escape")
    await page.locator("main").focus()
    await page.keyboard.press("j")
    first = page.locator(".concept-link").first
    await expect(first).to_be_focused()
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/concepts/*")
    await expect(page.locator(".prose")).to_be_visible()
    title = await page.locator("h1").inner_text()
    await page.keyboard.press("Control+k")
    other = await page.locator(".concept-title").nth(5).inner_text()
    await page.get_by_role("combobox", name="Search tasks").fill(other.upper())
    await expect(page.locator(".palette-entry").first).to_contain_text(other)
    await page.keyboard.press("Escape")
    await expect(page.locator(".palette")).to_have_count(0)
    await page.keyboard.press("j")
    await expect(page.locator("h1")).not_to_have_text(title)


@pytest.mark.parametrize(
    ("language", "words"), [("de-DE", "Was möchtest du lernen?"), ("zh-CN", "你想学什么")]
)
async def test_the_interface_speaks_the_readers_language(
    site: Site, browser: Browser, language: str, words: str
) -> None:
    """The browser's language is the interface's, another can be chosen, and everything fits."""
    context = await new_context(
        browser, stack=site.stack.folder, locale=language, viewport=PHONE, reduced_motion="reduce"
    )
    watched = Watched(await context.new_page(), site.base)
    page = await watched.open("/")
    await expect(page.locator("main h1")).to_contain_text(words)
    assert await page.evaluate("document.documentElement.lang") == language[:2]
    await watched.open(f"/tasks/{site.tasks['review']}/review")
    assert await overflow(page) <= 0
    await page.locator(".foot select").select_option("en")
    await expect(page.locator("html")).to_have_attribute("lang", "en")
    await context.close()
    watched.check()


async def test_paper_and_right_to_left(site: Site, window: Watched) -> None:
    """Printed, a concept is its text without buttons; Arabic is written from the right."""
    roadmap = site.roadmap_of("done")
    path = f"/roadmaps/{roadmap}/concepts/{site.concepts(roadmap)[5]['concept_id']}"
    page = await window.open(path)
    await page.emulate_media(media="print")
    for gone in (".top", ".foot", ".course-outline", ".done-bar", ".renew", ".page-tools"):
        await expect(page.locator(gone).first).to_be_hidden()
    await expect(page.locator(".prose")).to_be_visible()
    after = "getComputedStyle(document.querySelector('.resource-title a'), '::after').content"
    assert "attr(data-address)" in await page.evaluate(after) or "http" in await page.evaluate(
        after
    )
    address = await page.locator(".resource-title a").first.get_attribute("data-address")
    assert (address or "").startswith("http")
    await page.emulate_media(media="screen")
    await _read_from_the_right(site, page, path)
    task_id = site.create("تعلم الطبخ المغربي", review=True)
    await window.open(f"/tasks/{task_id}")
    side = await page.locator("h1").evaluate("e => getComputedStyle(e).direction")
    assert side == "rtl"
    assert (await Axe().run(page)).response["violations"] == []
    assert site.api.post(f"/api/v1/tasks/{task_id}/cancel").status_code == 202


ARABIC: Final = """<h2>لماذا؟</h2><p>الطاجين هو الإناء والطبق معًا.</p><blockquote><p>نصيحة: لا
ترفع الغطاء.</p></blockquote><ul><li>لحم</li><li><p>بصل</p></li></ul><table><tbody><tr><td>لحم</td>
<td>500 g</td></tr></tbody></table><pre><code>cook()</code></pre>"""


async def _read_from_the_right(site: Site, page: Page, path: str) -> None:
    """All of an Arabic text runs from the right, its lists and its quiz, too; code does not."""
    above = path.partition("/concepts")[0]
    concept, tree = site.get(path), site.get(above)
    concept["tutorial"]["html"] = ARABIC
    for question in concept["quiz"]["questions"]:
        question["question"] = "ما الذي يميز الطاجين؟"
    first = tree["stages"][0]
    first["title"] = first["modules"][0]["concepts"][0]["title"] = "قواعد المطبخ"
    tree["language"] = "ar"
    await page.route(f"**/api/v1{path}", lambda route: route.fulfill(json=concept))
    await page.route(f"**/api/v1{above}", lambda route: route.fulfill(json=tree))
    await page.reload()
    await expect(page.locator(".done-bar")).to_be_visible()
    right = (
        *(".prose", ".prose p", ".prose blockquote", ".prose ul", ".prose li", ".prose table"),
        *(".question", ".question legend", ".concept", ".stage-head h3", ".stage-number"),
    )
    sides = "all => all.map(what => getComputedStyle(document.querySelector(what)).direction)"
    assert await page.evaluate(sides, list(right)) == ["rtl"] * len(right)
    left = [".code", ".prose pre code", ".concept:not(.concept:first-child)", ".done-bar"]
    assert await page.evaluate(sides, left) == ["ltr"] * len(left)
    quoted = "getComputedStyle(document.querySelector('blockquote')).fontStyle"
    assert await page.evaluate(quoted) == "normal"
    await page.unroute_all()
