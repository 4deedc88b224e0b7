"""Nothing that a person typed, ticked, opened or scrolled to is lost, whatever happens to the page.

A table: every state that somebody makes, against everything that may happen meanwhile.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import pytest
from playwright.async_api import expect

from tests.e2e.web.browser import Watched, unavailable
from tests.factories import until

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from playwright.async_api import Page, Route

    from tests.e2e.web.conftest import Site

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]

TASKS: Final = 45
FIRST_ROWS: Final = 10


@dataclass(frozen=True)
class State:
    """What a person made of a page: how, and how one sees that it is still there."""

    page: Callable[[Site], str]
    make: Callable[[Page], Awaitable[None]]
    holds: Callable[[Page], Awaitable[None]]
    elsewhere: Callable[[Site], None] = lambda _site: None
    """What happens to the same things by another hand meanwhile."""


async def _ask(page: Page) -> None:
    await page.locator("summary").click()
    await page.get_by_label("What do you want to learn?").fill("Sail around the world")
    await page.get_by_label("How much do you know?").select_option("advanced")
    await page.get_by_label("Hours a week").fill("11")
    await page.get_by_label("What you bring along").fill("A small boat")
    await page.get_by_label("Show me the outline first").uncheck()


async def _asked(page: Page) -> None:
    await expect(page.get_by_label("What do you want to learn?")).to_have_value(
        "Sail around the world"
    )
    await expect(page.get_by_label("How much do you know?")).to_have_value("advanced")
    await expect(page.get_by_label("Hours a week")).to_have_value("11")
    await expect(page.get_by_label("What you bring along")).to_have_value("A small boat")
    await expect(page.get_by_label("Show me the outline first")).not_to_be_checked()


async def _answer(page: Page) -> None:
    await page.locator("input[name='q0'][value='1']").check()
    await page.locator("input[name='q1'][value='0']").check()


async def _answered(page: Page) -> None:
    await expect(page.locator("input[name='q0'][value='1']")).to_be_checked()
    await expect(page.locator("input[name='q1'][value='0']")).to_be_checked()


async def _edit(page: Page) -> None:
    rows = page.locator(".edit-row")
    names = await rows.locator(".edit-name").all_text_contents()
    await page.get_by_role("button", name=f"Remove {names[2]}", exact=True).click()
    await page.get_by_role("button", name=f"Comment on {names[1]}", exact=True).click()
    await page.locator(".comment-field textarea").fill("Shorter, please")
    await page.locator(".send-back textarea").fill("More about the sea")
    await page.get_by_role("button", name=f"Edit {names[0]}", exact=True).click()
    await page.get_by_label("Title").fill("Half a ti")


async def _edited(page: Page) -> None:
    await expect(page.get_by_label("Title")).to_have_value("Half a ti")
    await expect(page.locator(".edit-row.is-removed")).to_have_count(1)
    await expect(page.locator(".comment-field textarea")).to_have_value("Shorter, please")
    await expect(page.locator(".comment-field")).to_contain_text("when you send the outline back")
    await expect(page.locator(".send-back textarea")).to_have_value("More about the sea")


async def _open(page: Page) -> None:
    await page.locator(".concept-button").nth(6).click()
    await expect(page.locator(".concept-panel")).to_be_visible()


async def _opened(page: Page) -> None:
    await expect(page.locator(".concept-panel")).to_be_visible()


async def _look(page: Page) -> None:
    await page.get_by_label("Search titles and texts").fill("mate")
    await expect(page.locator(".found mark").first).to_have_text("mate")


async def _looked(page: Page) -> None:
    await expect(page.get_by_label("Search titles and texts")).to_have_value("mate")
    shown = await page.locator(".concept:not([hidden])").count()
    assert 0 < shown < await page.locator(".concept").count()


def _concept(site: Site) -> str:
    roadmap = site.roadmap_of("done")
    return f"/roadmaps/{roadmap}/concepts/{site.concepts(roadmap)[4]['concept_id']}"


def _write_resources_anew(site: Site) -> None:
    """Another content of the concept is written anew: the task's status changes twice."""
    answer = site.api.post(f"/api/v1{_concept(site)}/regenerate", json={"kinds": ["resources"]})
    assert answer.status_code == 202, answer.text
    site.wait(site.tasks["done"], "completed")


STATES: Final = {
    "a question": State(lambda _site: "/", _ask, _asked),
    "answers of a quiz": State(_concept, _answer, _answered, _write_resources_anew),
    "a review": State(lambda site: f"/tasks/{site.tasks['review']}/review", _edit, _edited),
    "an open concept": State(lambda site: f"/tasks/{site.tasks['partial']}", _open, _opened),
    "a search": State(lambda site: f"/roadmaps/{site.roadmap_of('done')}", _look, _looked),
}


@pytest.mark.parametrize("name", STATES)
async def test_what_somebody_made_outlives_whatever_happens(
    site: Site, window: Watched, name: str
) -> None:
    """Events, errors, a reload, going away and back, and a second tab leave it as it is."""
    state = STATES[name]
    path = state.page(site)
    page = await window.open(path)
    await state.make(page)
    state.elsewhere(site)
    await state.holds(page)

    await page.route("**/api/v1/**", unavailable)
    await page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    await state.holds(page)
    await page.unroute("**/api/v1/**")

    await page.reload()
    await state.holds(page)

    await page.get_by_role("link", name="Operations").click()
    await expect(page.locator("main h1")).to_have_text("Operations")
    await page.go_back()
    await state.holds(page)

    other = Watched(await page.context.new_page(), site.base)
    tab = await other.open(path)
    if name not in {"an open concept", "a search"}:  # what is looked at is a tab's own
        await state.holds(tab)
    await tab.close()
    await state.holds(page)
    await page.evaluate("localStorage.clear(), sessionStorage.clear()")


async def test_back_finds_the_rows_and_the_place(site: Site, window: Watched) -> None:
    """Older tasks that were loaded, a filter and the place on the page are there after "Back"."""
    await window.page.route(re.compile(r"/api/v1/tasks\?"), _many(site))
    page = await window.open("/")
    await page.get_by_role("button", name="Show older ones").click()
    rows = page.locator("section.recent:not(.needs-you) .task-row")
    await expect(rows).to_have_count(30)
    await page.evaluate("scrollTo(0, 900)")
    await until(lambda: page.evaluate("scrollY > 850"), what="the page to be scrolled")
    await rows.nth(20).click()
    await page.wait_for_url("**/tasks/**")
    await expect(page.locator("main h1")).to_be_visible()
    await page.go_back()
    await expect(rows).to_have_count(30)
    await until(lambda: page.evaluate("scrollY > 850"), what="the place to be found again")
    await page.get_by_label("Search titles and goals").fill("number 7")
    await expect(rows).to_have_count(1)
    await page.reload()
    await expect(page.get_by_label("Search titles and goals")).to_have_value("number 7")
    await expect(rows).to_have_count(1)


def _many(site: Site) -> Callable[[Route], Awaitable[None]]:
    """Answer lists of tasks with many that look like a real one."""
    like = site.get(f"/tasks/{site.tasks['done']}")

    async def answer(route: Route) -> None:
        query = dict(
            part.partition("=")[::2] for part in route.request.url.split("?")[1].split("&")
        )
        if "status" in query:
            return await route.fulfill(json={"tasks": [], "next_cursor": None})
        words = query.get("q", "").replace("%20", " ")
        goals = [goal for at in range(TASKS) if words in (goal := f"Goal number {at}")]
        goals = [goal for goal in goals if not words or goal.endswith(words)]
        begin, limit = int(query.get("cursor", 0)), int(query["limit"])
        end = begin + limit
        tasks: list[dict[str, Any]] = [
            {**like, "goal": goal, "task_id": f"{like['task_id'][:-4]}{at:04}", "status": "failed"}
            for at, goal in list(enumerate(goals))[begin:end]
        ]
        cursor = str(end) if end < len(goals) else None
        await route.fulfill(json={"tasks": tasks, "next_cursor": cursor})
        return None

    return answer


async def test_a_list_that_cannot_be_read_leaves_the_form(site: Site, window: Watched) -> None:
    """While the list answers 503 one can ask all the same; the page says so and tries again."""
    await window.page.route(re.compile(r"/api/v1/tasks\?"), unavailable)
    page = await window.open("/")
    await expect(page.get_by_text("The list cannot be read now.")).to_be_visible()
    await page.get_by_label("What do you want to learn?").fill("anything")
    await page.unroute(re.compile(r"/api/v1/tasks\?"))
    await page.get_by_role("button", name="Try again").click()
    await expect(page.locator(".task-row").first).to_be_visible()
    await expect(page.get_by_label("What do you want to learn?")).to_have_value("anything")


async def test_changes_of_an_outline_are_undone_and_redone(site: Site, window: Watched) -> None:
    """Every change is a step for Ctrl-Z, "Undo all" too, and a reload keeps them all."""
    page = await window.open(f"/tasks/{site.tasks['review']}/review")
    names = await page.locator(".edit-name").all_text_contents()
    await page.get_by_role("button", name=f"Remove {names[0]}", exact=True).click()
    await page.get_by_role("button", name=f"Move {names[2]} up", exact=True).click()
    middle = page.locator(".edit-row:has(.grip)").nth(2)
    await middle.evaluate("(row) => row.scrollIntoView({block: 'center', behavior: 'instant'})")
    grip = await page.locator(".edit-row .grip").nth(3).bounding_box()
    target = await page.locator(".edit-row:has(.grip)").nth(1).bounding_box()
    assert grip is not None
    assert target is not None
    await page.mouse.move(grip["x"] + 5, grip["y"] + 5)
    await page.mouse.down()
    await page.mouse.move(grip["x"] + 20, target["y"] + 4, steps=4)  # clearly above its middle
    await page.mouse.up()
    changes = page.locator(".review-side .change")
    await expect(changes).to_have_count(3)
    moved = await page.locator(".edit-name").all_text_contents()
    await page.get_by_role("button", name="Undo all").click()
    await expect(changes).to_have_count(0)
    await page.reload()
    await expect(page.locator(".edit-name").first).to_be_visible()
    await page.locator("main").click(position={"x": 2, "y": 2})
    await page.keyboard.press("Control+z")
    await expect(changes).to_have_count(3)
    assert await page.locator(".edit-name").all_text_contents() == moved
    for _ in range(3):
        await page.keyboard.press("Control+z")
    await expect(changes).to_have_count(0)
    await expect(page.locator(".edit-name")).to_have_text(names)
    await page.keyboard.press("Control+Shift+z")
    await expect(page.locator(".edit-row.is-removed")).to_have_count(1)
    await page.evaluate("localStorage.clear(), sessionStorage.clear()")


async def test_another_pencil_or_approve_takes_what_was_typed(site: Site, window: Watched) -> None:
    """Text in an open form is not dropped by the next form, by "Approve", or by an error."""
    page = await window.open(f"/tasks/{site.tasks['review']}/review")
    names = await page.locator(".edit-name").all_text_contents()
    await page.get_by_role("button", name=f"Edit {names[0]}", exact=True).click()
    await page.get_by_label("Title").fill("First of all")
    await page.get_by_role("button", name=f"Edit {names[1]}", exact=True).click()
    await expect(page.locator(".edit-name").first).to_have_text("First of all")
    await page.get_by_label("Title").fill("Then")
    sent: list[Any] = []

    async def refuse(route: Route) -> None:
        if route.request.method != "POST":
            return await route.continue_()
        sent.append(route.request.post_data_json)
        return await unavailable(route)

    await page.route("**/review", refuse)
    await page.get_by_role("button", name=re.compile("^Approve")).click()
    await expect(page.get_by_text("Away for a moment.")).to_be_visible()
    titles = [edit.get("title") for edit in sent[0]["edits"]]
    assert titles == ["First of all", "Then"]
    await expect(page.locator(".edit-name").nth(1)).to_have_text("Then")
    await page.evaluate("localStorage.clear(), sessionStorage.clear()")


async def test_a_request_whose_answer_was_lost_is_not_made_twice(
    site: Site, window: Watched
) -> None:
    """The server took it and its answer got lost: asked again after a reload, it is the same."""
    goal = "Repair a bicycle by the roadside"

    async def lose(route: Route) -> None:
        await route.fetch()
        await route.abort()

    page = await window.open("/")
    await page.route(re.compile(r"/api/v1/tasks$"), lose)
    await page.get_by_label("What do you want to learn?").fill(goal)
    await page.get_by_role("button", name="Make my roadmap").click()
    await expect(page.locator(".field-error")).not_to_be_empty()
    await page.unroute(re.compile(r"/api/v1/tasks$"))
    await page.reload()
    await page.get_by_role("button", name="Make my roadmap").click()
    await page.wait_for_url("**/tasks/**")
    [made] = site.get("/tasks?q=roadside")["tasks"]
    assert made["task_id"] in page.url
    assert site.api.post(f"/api/v1/tasks/{made['task_id']}/cancel").status_code == 202


async def test_what_belongs_to_one_goal_is_forgotten_with_it(site: Site, window: Watched) -> None:
    """After a roadmap was asked for, what one brings along is empty, and preferences stay."""
    created = re.compile(r"/api/v1/tasks$")
    like = site.get(f"/tasks/{site.tasks['done']}")
    await window.page.route(created, lambda route: route.fulfill(status=202, json=like))
    page = await window.open("/")
    await _ask(page)
    await page.get_by_role("button", name="Make my roadmap").click()
    await page.wait_for_url("**/tasks/**")
    await page.unroute(created)
    await window.open("/")
    await expect(page.get_by_label("What do you want to learn?")).to_have_value("")
    await expect(page.get_by_label("What you bring along")).to_have_value("")
    await expect(page.get_by_label("Show me the outline first")).not_to_be_checked()
    await expect(page.get_by_label("How much do you know?")).to_have_value("advanced")
    await page.evaluate("localStorage.clear(), sessionStorage.clear()")
