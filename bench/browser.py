"""`python -m bench.browser`: what an event costs the browser on a page with many concepts.

Needs a running stack (`make up`) for the page itself, and Debian's chromium; the roadmap and its
events are made up. Scripting, style and layout are Chromium's own sums over all events.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING

from playwright.async_api import expect

from tests.e2e.web.big_roadmap import TASK, BigRoadmap
from tests.e2e.web.browser import chromium, new_context

if TYPE_CHECKING:
    from playwright.async_api import CDPSession

SIZES = (30, 300, 1000)
PAUSE_S = 0.005
"""Between two events, so that they come as they would and not all in one frame."""
PARTS = {"scripting": "ScriptDuration", "style": "RecalcStyleDuration", "layout": "LayoutDuration"}


async def measure(data_dir: Path) -> None:
    """Print milliseconds per event for each size."""
    base = json.loads((data_dir / "stack.json").read_text())["api_url"]
    print(f"{'concepts':>9} {'events':>7} " + " ".join(f"{name + ' ms':>13}" for name in PARTS))
    async with chromium() as browser:
        for size in SIZES:
            context = await new_context(browser, stack=data_dir)
            page = await context.new_page()
            big = BigRoadmap(size)
            await big.install(page)
            await page.goto(f"{base}/tasks/{TASK}")
            await expect(page.locator(".concept")).to_have_count(size)
            await expect(page.locator(".badge")).to_have_text("Live")
            devtools = await context.new_cdp_session(page)
            await devtools.send("Performance.enable")
            before = await _sums(devtools)
            for event in big.content_events():
                big.send(event)
                await asyncio.sleep(PAUSE_S)
            events = len(big.log)
            await expect(page.locator(".finding")).to_have_text(f"Event {events}")
            after = await _sums(devtools)
            spent = [1000 * (after[name] - before[name]) / events for name in PARTS.values()]
            print(f"{size:9} {events:7} " + " ".join(f"{ms:13.3f}" for ms in spent))
            await context.close()


async def _sums(devtools: CDPSession) -> dict[str, float]:
    answer = await devtools.send("Performance.getMetrics")
    return {each["name"]: each["value"] for each in answer["metrics"]}


def main() -> None:
    """Read where the stack is, and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data-dir", type=Path, default=Path(".roadmap"))
    asyncio.run(measure(parser.parse_args().data_dir))


if __name__ == "__main__":
    main()
