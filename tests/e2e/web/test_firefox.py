"""The main way once more in Firefox, where Debian's package is."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest

from tests.e2e.conftest import signin_address
from tests.e2e.web.firefox import firefox
from tests.system_packages import need_program

if TYPE_CHECKING:
    from pathlib import Path

    from tests.e2e.web.conftest import Site

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]

GOAL = "learn to sail"
SET_GOAL = f"goal.value = {GOAL!r}, goal.dispatchEvent(new Event('input', {{bubbles: true}})), null"
TICK = (
    "[...document.querySelectorAll('fieldset.question')]"
    ".map((each) => each.querySelector('input').click()).length"
)


def _path() -> str:
    """Return where Firefox is: in CI it has to be there, elsewhere nobody is made to install it."""
    path = shutil.which("firefox-esr") or shutil.which("firefox")
    if path is None and os.environ.get("CI"):
        return need_program("firefox-esr")
    if path is None:
        pytest.skip("firefox-esr is not here; install it with: apt install firefox-esr")
    return path


async def test_the_main_way_in_firefox(site: Site, tmp_path: Path) -> None:
    """Asked, reviewed, written live, read, answered and marked as done: as in the other browser."""
    async with firefox(_path(), tmp_path) as tab:
        await tab.open(signin_address(site.stack.folder))
        await tab.until("!!document.getElementById('goal')")
        await tab.run(SET_GOAL)
        await tab.click("button", "Make my roadmap")
        await tab.click("a.button", "Review the outline")
        await tab.click(".edit-buttons button[aria-label^='Remove ']")
        await tab.click("button", "Approve with my 1 change")
        await tab.until("/\\/tasks\\/[0-9a-f-]{36}$/.test(location.pathname)")
        await tab.until("document.querySelector('.task-line .chip')?.textContent === 'Complete'")
        await tab.click("a.button", "Start learning")
        await tab.click("a.button", "Begin with")
        await tab.until("!!document.querySelector('.prose p')")
        questions = await tab.run(TICK)
        assert questions
        await tab.click("#quiz button", "Check my answers")
        right = (
            f"/^\\d of {questions} right/.test(document.querySelector('.score-line')?.textContent)"
        )
        await tab.until(right)
        await tab.click(".done-bar button", "Mark as done")
        done = "document.querySelector('.done-bar button')?.getAttribute('aria-pressed') === 'true'"
        await tab.until(done)
        await tab.open(await tab.run("location.href"))
        await tab.until(right)
        await tab.until(done)
        assert tab.errors == []
