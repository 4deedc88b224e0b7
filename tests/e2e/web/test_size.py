"""Three hundred concepts: what an event costs does not grow with the roadmap."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest
from playwright.async_api import expect

from tests.e2e.web.big_roadmap import TASK, BigRoadmap

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
