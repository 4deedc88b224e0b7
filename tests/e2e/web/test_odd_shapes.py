"""A request of odd shapes: asked for by a form, reviewed, shown, and never changed on the way."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import pytest
from playwright.async_api import expect

from tests.e2e.web.browser import PHONE, overflow
from tests.e2e.web.test_access import faults

if TYPE_CHECKING:
    from playwright.async_api import Page

    from tests.e2e.web.browser import Watched
    from tests.e2e.web.conftest import Site

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]

LONG: Final = 1234567890123456789
"""More digits than a browser's numbers have."""
DEFAULTS: Final[dict[str, Any]] = {
    "home": None,
    "work": None,
    "root": None,
    "shape": {"kind": "circle", "size": 1.0},
    "other": None,
    "sure": None,
    "only": None,
    "mood": None,
    "day": None,
    "at": "09:30:00.123456",
    "when": "2026-01-02T00:00:00",
    "tags": ["made"],
    "on": True,
    "names": None,
    "either": ["x", "y"],
    "counts": {"a": 9007199254740993},
    "many": [None, 1, "x"],
    "lines": "one\r\ntwo",
    "empty": "",
    "short": "",
    "tiny": 0.00042,
    "year": 2026,
    "nodes": [
        {"name": "one", "next": None, "children": []},
        {
            "name": "two",
            "next": None,
            "children": [{"name": "inner", "next": None, "children": []}],
        },
    ],
    "long": LONG,
    "marks": [1],
}


async def _asked(page: Page) -> str:
    """Begin, and return the task that is shown then."""
    await page.get_by_role("button", name="Begin").click()
    await page.wait_for_url("**/tasks/*")
    return page.url.rsplit("/", 1)[1]


async def test_what_nobody_touches_stays_as_it_is(site: Site, window: Watched) -> None:
    """A default that only the server makes is made, and a value approved unseen is the same."""
    page = await window.open("/workflows/odd")
    assert await faults(page) == []
    await page.get_by_label("Topic").fill("Untouched")
    task_id = await _asked(page)
    site.wait(task_id, "human_review_pending")
    assert site.get(f"/tasks/{task_id}/review")["value"] == {"topic": "Untouched"} | DEFAULTS
    page = await window.open(f"/tasks/{task_id}/review")
    await page.get_by_text("Change it").click()
    await page.get_by_label("Topic").fill("Touched")
    await page.get_by_role("button", name="Approve with my 1 change").click()
    await page.wait_for_url(f"**/tasks/{task_id}")
    site.wait(task_id, "completed")
    made = site.get(f"/tasks/{task_id}/results")["results"]["result"]
    assert made == {"topic": "Touched"} | DEFAULTS


async def test_a_shape_may_be_nothing_and_may_hold_itself(site: Site, window: Watched) -> None:
    """Two addresses are told apart, and a shape keeps what was written while another is seen."""
    page = await window.open("/workflows/odd")
    await page.get_by_label("Topic").fill("Chosen")
    await page.get_by_label("Work", exact=False).select_option("Address")
    await page.get_by_label("Street").fill("Long Lane")
    root = page.get_by_label("Root")
    await root.select_option("Node")
    await page.get_by_label("Name", exact=True).first.fill("one")
    await page.get_by_label("Next").first.select_option("Node")
    await page.get_by_label("Name", exact=True).nth(1).fill("two")
    await page.get_by_label("Sure").select_option("No")
    await page.get_by_label("Other").select_option("Square")
    await page.get_by_label("Size").nth(1).fill("2.5")
    await page.get_by_label("Other").select_option("Circle")
    await page.get_by_label("Other").select_option("Square")
    await page.reload()
    await expect(page.get_by_label("Size").nth(1)).to_have_value("2.5")
    task_id = await _asked(page)
    site.wait(task_id, "human_review_pending")
    assert site.get(f"/tasks/{task_id}/review")["value"] == DEFAULTS | {
        "topic": "Chosen",
        "work": {"street": "Long Lane"},
        "root": {
            "name": "one",
            "next": {"name": "two", "next": None, "children": []},
            "children": [],
        },
        "sure": False,
        "other": {"kind": "square", "size": 2.5},
    }


async def test_errors_of_shapes_stand_at_their_fields(window: Watched) -> None:
    """Errors of shapes that were not chosen are not told, and half a date is not taken for none."""
    page = await window.open("/workflows/odd")
    await page.get_by_label("Topic").fill("Wrong")
    sizes, short, day = (
        page.get_by_label("Size"),
        page.get_by_label("Short"),
        page.get_by_label("Day"),
    )
    await page.get_by_label("Other").select_option("Square")
    await sizes.nth(0).fill("-1")
    await sizes.nth(1).fill("-2")
    await short.fill("🪁🪁🪁🪁🪁🪁")
    await page.reload()
    await expect(short).to_have_value("🪁🪁🪁🪁🪁🪁")
    await day.press("1")
    await page.get_by_label("Topic").fill("Wrong, and kept")
    await page.reload()
    await expect(page.get_by_label("Topic")).to_have_value("Wrong, and kept")
    await day.press("1")
    await page.get_by_role("button", name="Begin").click()
    await expect(day).to_be_focused()
    await expect(day).to_have_accessible_description(re.compile("complete it, or empty it"))
    await day.fill("2026-01-02")
    await page.get_by_role("button", name="Begin").click()
    for field, words in (
        (sizes.nth(0), "above 0"),
        (sizes.nth(1), "above 0"),
        (short, "at most 5"),
    ):
        await expect(field).to_have_accessible_description(re.compile(words))
    await expect(page.locator(".field-error:not(:empty)")).to_have_count(3)
    assert await faults(page) == []


async def test_an_error_stands_at_its_entry_of_a_list(site: Site, window: Watched) -> None:
    """What is empty is not sent, so that the server counts without it; no number becomes null."""
    page = await window.open("/workflows/odd")
    await page.get_by_label("Topic").fill("Entries")
    marks = page.get_by_role("group", name="Marks")
    for _ in range(2):
        await marks.get_by_role("button", name="Add an entry").click()
    await marks.locator("input").nth(2).fill("50")
    await page.get_by_role("button", name="Begin").click()
    await expect(marks.locator("input").nth(2)).to_be_focused()
    await expect(marks.locator("input").nth(2)).to_have_accessible_description(re.compile("9 or"))
    await expect(page.locator(".field-error:not(:empty)")).to_have_count(1)
    await marks.locator("input").nth(2).fill("5")
    many = page.get_by_role("group", name="Many").locator("textarea")
    await many.nth(1).fill("[1e400]")
    await page.get_by_role("button", name="Begin").click()
    await expect(many.nth(1)).to_have_accessible_description(re.compile("too large"))
    await many.nth(1).fill("[1.5]")
    value = site.wait(await _asked(page), "human_review_pending")
    value = site.get(f"/tasks/{value['task_id']}/review")["value"]
    assert (value["marks"], value["many"]) == ([1, 5], [None, [1.5], "x"])


async def test_a_value_that_was_emptied_outlives_a_reload(site: Site, window: Watched) -> None:
    """A value may be nothing as a whole: that is a change like any other."""
    body = {"request": {"street": "Emptied"}}
    task_id = site.api.post("/api/v1/workflows/maybe/tasks", json=body).json()["task_id"]
    site.wait(task_id, "human_review_pending")
    page = await window.open(f"/tasks/{task_id}/review")
    await page.get_by_text("Change it").click()
    field = page.locator(".value-edit input")
    await field.fill("")
    await page.reload()
    await expect(field).to_have_value("")
    await page.get_by_role("button", name="Approve with my 1 change").first.click()
    await page.wait_for_url(f"**/tasks/{task_id}")
    site.wait(task_id, "completed")
    assert site.get(f"/tasks/{task_id}/results")["results"] == {"number": None}


async def test_figures_have_all_their_digits(site: Site, window: Watched) -> None:
    """A small number is not shown as 0, a year not with a comma; fields have their names."""
    body = {"request": {"topic": "Shown", "home": {"street": "A"}}, "review": False}
    task_id = site.api.post("/api/v1/workflows/odd/tasks", json=body).json()["task_id"]
    site.wait(task_id, "completed")
    page = await window.open(f"/tasks/{task_id}")
    shown = page.locator("details.result").filter(has=page.get_by_role("heading", name="Result"))
    for name, words in (("Tiny", "0.00042"), ("Year", "2026"), ("Home", "A"), ("Long", str(LONG))):
        entry = shown.locator("dt", has_text=re.compile(f"^{name}$")).locator("+ dd")
        await expect(entry).to_have_text(words)


async def test_an_integer_keeps_all_its_digits(site: Site, window: Watched) -> None:
    """One that a browser's numbers would round is asked for, kept and reviewed as typed."""
    page = await window.open("/workflows/odd")
    long = page.get_by_label("Long")
    counts = page.locator(".field", has=page.get_by_label("Counts")).locator("textarea")
    await expect(long).to_have_value(str(LONG))
    await page.get_by_label("Topic").fill("Digits")
    await long.fill(str(LONG + 1))
    await counts.fill('{"a": 9007199254740995}')
    await page.reload()
    await expect(long).to_have_value(str(LONG + 1))
    await expect(counts).to_have_value(re.compile("9007199254740995"))
    task_id = await _asked(page)
    site.wait(task_id, "human_review_pending")
    value = site.get(f"/tasks/{task_id}/review")["value"]
    assert (value["long"], value["counts"]) == (LONG + 1, {"a": 9007199254740995})
    page = await window.open(f"/tasks/{task_id}/review")
    await page.get_by_text("Change it").click()
    await page.get_by_label("Long").fill(str(LONG + 2))
    await page.get_by_role("button", name="Approve with my 1 change").click()
    await page.wait_for_url(f"**/tasks/{task_id}")
    site.wait(task_id, "completed")
    assert site.get(f"/tasks/{task_id}/results")["results"]["result"]["long"] == LONG + 2


async def test_half_a_json_text_outlives_a_reload(site: Site, window: Watched) -> None:
    """It stands where it was typed, beside what the other fields have, and is not sent."""
    page = await window.open("/workflows/odd")
    counts = page.locator(".field", has=page.get_by_label("Counts")).locator("textarea")
    many = page.get_by_role("group", name="Many")
    await page.get_by_label("Topic").fill("Half")
    await page.get_by_label("Counts").select_option("List")
    await page.get_by_label("Counts").select_option("Object")
    await counts.fill('{"a": 2, ')
    await many.get_by_role("button", name="Add an entry").click()
    await many.get_by_role("button", name="Add an entry").click()
    await many.locator("textarea").nth(3).fill("[1")
    await many.locator("textarea").nth(4).fill('"y"')
    await page.reload()
    await expect(page.get_by_label("Topic")).to_have_value("Half")
    await expect(counts).to_have_value('{"a": 2, ')
    await expect(many.locator("textarea")).to_have_count(5)
    await expect(many.locator("textarea").nth(3)).to_have_value("[1")
    await many.locator("textarea").nth(3).fill("[1]")
    await page.get_by_role("button", name="Begin").click()
    await expect(counts).to_be_focused()
    await expect(counts).to_have_accessible_description(re.compile("is no JSON"))
    await counts.fill('{"a": 2}')
    task_id = await _asked(page)
    site.wait(task_id, "human_review_pending")
    value = site.get(f"/tasks/{task_id}/review")["value"]
    assert (value["counts"], value["many"]) == ({"a": 2}, [None, 1, "x", [1], "y"])
    page = await window.open(f"/tasks/{task_id}/review")
    await page.get_by_text("Change it").click()
    await counts.fill("{")
    await page.reload()
    await expect(counts).to_have_value("{")
    await expect(page.get_by_role("button", name="Approve it")).to_be_visible()


async def test_an_entry_moves_by_keys(window: Watched) -> None:
    """The button that moved it keeps the focus, also when the entry holds a list of its own."""
    page = await window.open("/workflows/odd")
    nodes = page.get_by_role("group", name="Nodes")
    entries = nodes.locator("> ol > li")
    second = entries.nth(1).locator("> .entry-buttons").get_by_role("button", name="Move up")
    await second.focus()
    await page.keyboard.press("Enter")
    await expect(entries.nth(0).get_by_label("Name").first).to_have_value("two")
    first = entries.nth(0).locator("> .entry-buttons")
    await expect(first.get_by_role("button", name="Move up")).to_be_focused()
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await expect(entries.nth(0).get_by_label("Name").first).to_have_value("one")
    down = entries.nth(1).locator("> .entry-buttons").get_by_role("button", name="Move down")
    await expect(down).to_be_focused()


async def test_a_part_with_long_lines_stays_in_the_page(site: Site, window: Watched) -> None:
    """Code and tables wider than the page scroll by themselves; a reload leaves it open."""
    body = {"request": {"topic": "Long"}, "review": False}
    task_id = site.api.post("/api/v1/workflows/odd/tasks", json=body).json()["task_id"]
    site.wait(task_id, "completed")
    await window.page.set_viewport_size(PHONE)
    page = await window.open(f"/tasks/{task_id}")
    await page.get_by_role("button", name="made", exact=True).click()
    code = page.locator(".part-body pre")
    await expect(code).to_be_visible()
    assert await overflow(page) == 0
    await page.mouse.wheel(0, 200)
    await page.wait_for_function("scrollY > 0")
    await page.reload()
    await expect(code).to_be_visible()


async def test_each_control_has_a_name_of_its_own(window: Watched) -> None:
    """Entries and their buttons are told apart by ear, also moved; a choice tells its field."""
    page = await window.open("/workflows/odd")
    many = page.get_by_role("group", name="Many")
    for number in (1, 2, 3):
        named = many.get_by_role("textbox", name=f"Entry {number}", exact=True)
        await expect(named).to_have_count(1)
    last = many.get_by_role("listitem").nth(2)
    for name in ("Move up", "Move down", "Remove"):
        button = last.get_by_role("button", name=name)
        await expect(button).to_have_accessible_description("Entry 3")
    await expect(last.get_by_role("textbox")).to_have_value('"x"')
    await last.get_by_role("button", name="Move up").click()
    await expect(many.get_by_role("textbox", name="Entry 2")).to_have_value('"x"')
    await expect(page.get_by_role("group", name="Node Entry 2", exact=True)).to_have_count(1)
    add = many.get_by_role("button", name="Add an entry")
    await expect(add).to_have_accessible_description("Many")
    counts = page.get_by_role("textbox", name="Entry", exact=True).filter(has_text='"a"')
    await expect(counts).to_have_accessible_description("Counts (optional)")
