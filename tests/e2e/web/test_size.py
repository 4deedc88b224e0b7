"""Three hundred concepts: an event costs as much as with ten, and the map can be read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest
from playwright.async_api import expect

from tests.e2e.web.big_roadmap import ROADMAP, TASK, BigRoadmap
from tests.e2e.web.browser import DESK, PHONE, overflow

if TYPE_CHECKING:
    from tests.e2e.web.browser import Watched

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]

CONCEPTS: Final = 300
EVENTS: Final = 300
MOST_CHANGES: Final = 20
"""Attributes and texts that one event may change: a mark, a verdict, counts, the last message."""
COUNT_CHANGES: Final = """
window.changes = 0;
window.added = 0;
new MutationObserver((all) => {
  window.changes += all.length;
  const inTree = all.filter((each) => each.target.parentElement?.closest(".task-tree"));
  const nodes = inTree.flatMap((each) => [...each.addedNodes]);
  window.added += nodes.filter((node) => node.nodeType === Node.ELEMENT_NODE).length;
}).observe(document.querySelector("main"), {
  subtree: true, childList: true, attributes: true, characterData: true,
});
window.first = document.querySelector(".concept");
"""


async def test_an_event_changes_a_handful_of_nodes(window: Watched) -> None:
    """No part of the tree is drawn again: its elements stay, and an event changes a few values."""
    big = BigRoadmap(CONCEPTS)
    await big.install(window.page)
    page = await window.open(f"/tasks/{TASK}")
    await expect(page.locator(".concept")).to_have_count(CONCEPTS)
    await expect(page.locator(".badge")).to_have_text("Live")
    await page.evaluate(COUNT_CHANGES)
    for event, _ in zip(big.content_events(), range(EVENTS), strict=False):
        big.send(event)
    await expect(page.locator(".finding")).to_have_text(f"Event {EVENTS}")
    await expect(page.locator(".tree .mark[data-state='completed']")).to_have_count(EVENTS // 2)
    changes, added = await page.evaluate("[window.changes, window.added]")
    assert changes <= MOST_CHANGES * EVENTS
    assert added == 0
    assert await page.evaluate("window.first.isConnected")


async def test_how_far_it_is_stands_in_the_window_beside_a_long_tree(window: Watched) -> None:
    """In a window lower than what stands beside the parts, its end is reached without theirs."""
    await window.page.set_viewport_size({"width": 1366, "height": 400})
    await BigRoadmap(300).install(window.page)
    page = await window.open(f"/tasks/{TASK}")
    await page.mouse.wheel(0, 3000)
    last = page.locator(".rail li").last
    await page.locator(".task-side").evaluate("e => e.scrollTo(0, e.scrollHeight)")
    await expect(last).to_be_in_viewport(ratio=1)
    assert await overflow(page) <= 0


SMALLEST_TARGET: Final = 24
LONGEST_TASK_MS: Final = 200
MAP: Final = """() => {
  const boxes = (what) => [...document.querySelectorAll(what)].map(
    (each) => each.getBoundingClientRect());
  const [stations, words, [paper]] = [".map-station", ".map text", ".map svg"].map(boxes);
  const apart = (a, b) => a.right <= b.left + 1 || b.right <= a.left + 1
    || a.bottom <= b.top + 1 || b.bottom <= a.top + 1;
  return {
    stations: stations.length,
    smallest: Math.min(...stations.map((box) => Math.min(box.width, box.height))),
    overlaps: words.flatMap((a, at) => words.slice(at + 1).filter((b) => !apart(a, b))).length,
    within: words.every((box) => box.right <= paper.right + 1),
  };
}"""
LIGHT: Final = """() => Math.min(...[1, 2, 3].map((at) => {
  const station = document.querySelectorAll(".map-station")[100 * at - 1];
  const began = performance.now();
  station.dispatchEvent(new PointerEvent("pointerover", {bubbles: true}));
  getComputedStyle(document.querySelector(".map-edge")).opacity;
  document.querySelector(".map").getBoundingClientRect();
  return performance.now() - began;
}))"""


async def test_a_map_of_three_hundred_concepts_can_be_read(window: Watched) -> None:
    """No label lies on another, and each station has room for a finger, however small."""
    await BigRoadmap(CONCEPTS).install(window.page)
    page = await window.open(f"/roadmaps/{ROADMAP}#map")
    await expect(page.locator(".map-station")).to_have_count(CONCEPTS)
    for size in (DESK, PHONE):
        await page.set_viewport_size(size)
        for _ in range(5):
            await page.get_by_role("button", name="Smaller").click()
        await expect(page.locator(".map-station")).to_have_count(CONCEPTS)
        found = await page.evaluate(MAP)
        assert found["smallest"] >= SMALLEST_TARGET
        assert (found["stations"], found["overlaps"], found["within"]) == (CONCEPTS, 0, True)
        assert await page.evaluate(LIGHT) < LONGEST_TASK_MS
    await expect(page.locator(".is-lit .map-station.is-near").first).to_be_visible()
    assert await page.locator(".map-station.is-near").count() < CONCEPTS
