"""`python -m bench.first_view`: what the first view of each page costs, on a slow phone.

Needs a running stack (`make up`) with a finished roadmap, and Debian's chromium. Bytes are those
on the wire; shift and largest paint are the browser's own figures. The phone is Lighthouse's: 1.6
Mbit/s down, 150 ms there and back, a processor four times as slow.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import httpx
from playwright.async_api import expect

from tests.e2e.web.browser import PHONE, chromium, new_context

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.async_api import Browser

DOWN_BYTES_S: Final = 1_600_000 / 8
UP_BYTES_S: Final = 750_000 / 8
LATENCY_MS: Final = 150
SLOWER: Final = 4
REST_MS: Final = 2500
"""So long a page is watched after it has drawn itself: what comes late may move things."""
OBSERVE: Final = """
window.shift = 0; window.paint = 0;
new PerformanceObserver((list) => { for (const e of list.getEntries())
  if (!e.hadRecentInput) window.shift += e.value; }
).observe({type: "layout-shift", buffered: true});
new PerformanceObserver((list) => { for (const e of list.getEntries())
  window.paint = e.startTime; }).observe({type: "largest-contentful-paint", buffered: true});
"""


@dataclass
class View:
    """What was measured of a page."""

    name: str
    bytes: int = 0
    requests: int = 0
    shift: float = 0.0
    paint_s: float = 0.0
    by_kind: dict[str, int] = field(default_factory=dict)


def pages(api: httpx.Client) -> Iterator[tuple[str, str]]:
    """Yield an address for each kind of page that there is something for."""
    yield "home", "/"
    tasks = api.get("/api/v1/tasks?limit=200").json()["tasks"]
    done = next((t for t in tasks if t["status"] in {"completed", "partial_failure"}), None)
    asked = next((t for t in tasks if t["status"] == "human_review_pending"), None)
    if asked is not None:
        yield "review", f"/tasks/{asked['task_id']}/review"
    if done is not None:
        roadmap = f"/roadmaps/{done['roadmap_id']}"
        tree = api.get(f"/api/v1{roadmap}").json()
        concept = tree["stages"][0]["modules"][0]["concepts"][0]["concept_id"]
        yield "task", f"/tasks/{done['task_id']}"
        yield "roadmap", roadmap
        yield "concept", f"{roadmap}/concepts/{concept}"


async def view(browser: Browser, data_dir: Path, *, name: str, address: str, slow: bool) -> View:
    """Open a page with an empty cache and measure it."""
    context = await new_context(browser, stack=data_dir, viewport=PHONE)
    page = await context.new_page()
    devtools = await context.new_cdp_session(page)
    await devtools.send("Network.enable")
    if slow:
        await devtools.send(
            "Network.emulateNetworkConditions",
            {
                "offline": False,
                "latency": LATENCY_MS,
                "downloadThroughput": DOWN_BYTES_S,
                "uploadThroughput": UP_BYTES_S,
            },
        )
        await devtools.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
    found = View(name)
    kinds: dict[str, str] = {}

    def began(event: dict[str, Any]) -> None:
        kinds[event["requestId"]] = event.get("type", "Other")

    def ended(event: dict[str, Any]) -> None:
        kind = kinds.get(event["requestId"], "Other")
        found.requests += 1
        found.bytes += int(event["encodedDataLength"])
        found.by_kind[kind] = found.by_kind.get(kind, 0) + int(event["encodedDataLength"])

    devtools.on("Network.requestWillBeSent", began)
    devtools.on("Network.loadingFinished", ended)
    await page.add_init_script(OBSERVE)
    await page.goto(address, wait_until="commit")
    await expect(page.locator("main h1")).to_be_visible()
    await page.wait_for_timeout(REST_MS)
    found.shift, paint_ms = await page.evaluate("[window.shift, window.paint]")
    found.paint_s = paint_ms / 1000
    await context.close()
    return found


async def measure(data_dir: Path) -> None:
    """Print a line for each page."""
    stack = json.loads((data_dir / "stack.json").read_text())
    bearer = {"Authorization": f"Bearer {stack['token']}"}
    api = httpx.Client(base_url=stack["api_url"], headers=bearer)
    print(f"{'page':>9} {'requests':>9} {'kB':>7} {'shift':>7} {'paint s':>8}  kB by kind")
    with api:
        async with chromium() as browser:
            for name, path in pages(api):
                each = await view(
                    browser, data_dir, name=name, address=stack["api_url"] + path, slow=True
                )
                kinds = ", ".join(
                    f"{kind} {size / 1000:.1f}" for kind, size in sorted(each.by_kind.items())
                )
                print(
                    f"{name:>9} {each.requests:9} {each.bytes / 1000:7.1f} {each.shift:7.3f}"
                    f" {each.paint_s:8.2f}  {kinds}"
                )


def main() -> None:
    """Read where the stack is, and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data-dir", type=Path, default=Path(".roadmap"))
    asyncio.run(measure(parser.parse_args().data_dir))


if __name__ == "__main__":
    main()
